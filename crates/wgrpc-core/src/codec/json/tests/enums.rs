//! Enums, in serde's form and as the struct of pointers that Go has for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{read_error, same, value};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Circle(Circle),
    Square(i64),
    Box(i64, String),
    Named { name: String, size: u8 },
    Empty,
    Maybe(Option<i64>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Circle {
    #[serde(rename = "R")]
    r: f64,
}

#[test]
fn variants_are_written_and_read_back() {
    same(Shape::Circle(Circle { r: 2.0 }), r#"{"Circle":{"R":2}}"#);
    same(Shape::Square(0), r#"{"Square":0}"#);
    same(Shape::Box(1, "a".to_owned()), r#"{"Box":[1,"a"]}"#);
    let named = Shape::Named {
        name: "n".to_owned(),
        size: 1,
    };
    same(named, r#"{"Named":{"name":"n","size":1}}"#);
    same(Shape::Empty, r#""Empty""#);
    same(Shape::Maybe(Some(1)), r#"{"Maybe":1}"#);
    same(Shape::Maybe(None), r#"{"Maybe":null}"#);
}

#[test]
fn the_struct_of_pointers_that_go_writes_is_read() {
    let circle = r#"{"Circle":{"R":2},"Square":null,"Empty":null}"#;
    assert_eq!(value::<Shape>(circle), Shape::Circle(Circle { r: 2.0 }));
    let empty = r#"{"Circle":null,"Square":null,"Empty":{}}"#;
    assert_eq!(value::<Shape>(empty), Shape::Empty);
    let named = r#"{"Other":1,"circle":null,"named":{"SIZE":3}}"#;
    let expected = Shape::Named {
        name: String::new(),
        size: 3,
    };
    assert_eq!(value::<Shape>(named), expected);
}

#[test]
fn no_variant_and_two_variants_are_errors() {
    let none = read_error::<Vec<Shape>>("[{}]");
    assert!(
        none.starts_with("[0]: no variant of Shape is set"),
        "{none}"
    );
    let two = read_error::<Shape>(r#"{"Square":1,"Maybe":2}"#);
    assert!(
        two.starts_with("more than one variant of Shape is set"),
        "{two}"
    );
    let unknown = read_error::<Shape>(r#"{"Sphere":{}}"#);
    assert!(unknown.starts_with("unknown variant `Sphere`"), "{unknown}");
    let unknown = read_error::<Shape>(r#""Sphere""#);
    assert!(unknown.starts_with("unknown variant `Sphere`"), "{unknown}");
    let bare = read_error::<Shape>(r#""Square""#);
    assert!(bare.contains("unit variant"), "{bare}");
    let number = read_error::<Shape>("3");
    assert!(number.contains("expected a variant of Shape"), "{number}");
}

#[test]
fn unknown_variants_are_others_where_the_type_says_so() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Event {
        Start(i64),
        #[serde(other)]
        Other,
    }

    assert_eq!(value::<Event>(r#"{"Start":1}"#), Event::Start(1));
    assert_eq!(value::<Event>(r#"{"Stop":{"A":1}}"#), Event::Other);
    assert_eq!(value::<Event>(r#""Stop""#), Event::Other);
}

#[test]
fn enums_without_data_are_strings_and_map_keys() {
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    enum Color {
        Red,
        #[serde(rename = "dark green")]
        Green,
    }

    let map = BTreeMap::from([(Color::Red, 1), (Color::Green, 2)]);
    same(map, r#"{"Red":1,"dark green":2}"#);
}

#[test]
fn other_representations_of_serde_work() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Tagged {
        A { x: i64 },
        B,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        A(Vec<u8>),
        B,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(f64),
        Text(String),
    }

    same(Tagged::A { x: 1 }, r#"{"type":"A","x":1}"#);
    same(Tagged::B, r#"{"type":"B"}"#);
    same(Adjacent::A(vec![1]), r#"{"t":"A","c":[1]}"#);
    assert_eq!(value::<Adjacent>(r#"{"T":"B","C":null}"#), Adjacent::B);
    assert_eq!(
        value::<Adjacent>(r#"{"t":"A","c":"AQ=="}"#),
        Adjacent::A(vec![1])
    );
    same(Untagged::Number(1.5), "1.5");
    same(Untagged::Text("a".to_owned()), r#""a""#);
    read_error::<Tagged>("{}");
    read_error::<Adjacent>("{}");
}
