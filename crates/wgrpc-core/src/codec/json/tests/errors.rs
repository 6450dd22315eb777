//! What an error says: what was wrong, in which field, and where in the text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{read_error, write_error};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Order {
    items: Vec<Item>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    price: f64,
    count: u8,
    notes: BTreeMap<u16, Note>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Note {
    Rates(Vec<f32>),
    Pair(f32, f32),
}

#[test]
fn a_reading_error_names_the_field_and_the_place() {
    let errors = [
        (
            r#"{"Items":[{},{"Price":"a"}]}"#,
            "Items[1].Price: invalid type: string \"a\", expected f64 at line 1 column 25",
        ),
        (
            "{\"Items\":[{\"Price\":1,\n \"Count\":300}]}",
            "Items[0].Count: invalid value: integer `300`, expected u8 at line 2 column 12",
        ),
        (
            r#"{"Items":[{"Notes":{"1":{"Rates":[1]},"2":{"Rates":[0,[]]}}}]}"#,
            "Items[0].Notes[1].Rates[1]: invalid type: sequence, expected f32 at line 1 column 54",
        ),
        (
            r#"{"Items":[{"Notes":{"x":{}}}]}"#,
            "Items[0].Notes[0]: invalid value: expected key to be a number in quotes \
             at line 1 column 21",
        ),
        (
            r#"{"Items":3}"#,
            "Items: invalid type: integer `3`, expected a sequence at line 1 column 10",
        ),
        (
            r#"[]"#,
            "invalid type: sequence, expected struct Order at line 1 column 2",
        ),
        (
            r#"{"Items":[{"Price":1}"#,
            "Items[1]: EOF while parsing a list at line 1 column 21",
        ),
        ("", "EOF while parsing a value at line 1 column 0"),
        (
            r#"{"Items":[]} x"#,
            "trailing characters at line 1 column 14",
        ),
        (
            r#"{"Items":[}"#,
            "Items[0]: expected value at line 1 column 11",
        ),
    ];
    for (text, expected) in errors {
        assert_eq!(read_error::<Order>(text), expected, "{text}");
    }
}

#[test]
fn a_writing_error_names_the_field() {
    let item = |note| Order {
        items: vec![Item {
            price: 1.0,
            count: 1,
            notes: BTreeMap::from([(7, note)]),
        }],
    };
    assert_eq!(
        write_error(&item(Note::Rates(vec![0.0, f32::NAN]))),
        "Items[0].Notes[0].Rates[1]: NaN has no form in JSON"
    );
    assert_eq!(
        write_error(&item(Note::Pair(0.0, f32::NAN))),
        "Items[0].Notes[0].Pair[1]: NaN has no form in JSON"
    );
}

#[test]
fn what_a_type_refuses_is_an_error_in_its_words() {
    #[derive(Debug)]
    struct Refusal;

    impl Serialize for Refusal {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("I would rather not"))
        }
    }

    impl<'de> Deserialize<'de> for Refusal {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            i64::deserialize(deserializer)?;
            Err(serde::de::Error::custom("I would rather not"))
        }
    }

    assert_eq!(write_error(&[((), Refusal)]), "[0][1]: I would rather not");
    let error = read_error::<Vec<Refusal>>("[1]");
    assert_eq!(error, "[0]: I would rather not at line 1 column 3");
}
