//! Structs: names, what one side lacks, tuples, flattening.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::*;

/// struct { UserID int; User_Name string; userid uint }
const USER: &str = "7f030101 0455736572 01ff80 00 01 03 0106557365724944 0104 00 \
                    0109557365725f4e616d65 010c 00 0106757365726964 0106 00 00 00";
const USER_VALUE: &str = "ff80 01 0e 01 03 426f62 01 09 00";

#[test]
fn names_match_exactly_first_and_then_loosely_if_only_one_does() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Exact {
        #[serde(rename = "UserID")]
        id: i64,
        user_name: String,
        userid: u64,
    }
    let user: Exact = one(&stream(&[USER, USER_VALUE])).unwrap();
    let expected = Exact {
        id: 7,
        user_name: "Bob".to_owned(),
        userid: 9,
    };
    assert_eq!(user, expected);

    // UserID and userid both look like it, and neither is it.
    #[derive(Debug, PartialEq, Deserialize)]
    struct Ambiguous {
        user_id: i64,
        username: String,
    }
    let user: Ambiguous = one(&stream(&[USER, USER_VALUE])).unwrap();
    assert_eq!((user.user_id, user.username.as_str()), (0, "Bob"));
}

#[test]
fn an_alias_is_as_good_as_a_name() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Aliased {
        #[serde(alias = "X", alias = "horizontal")]
        a: i64,
        #[serde(alias = "vertical")]
        b: i64,
        y: i64,
    }
    let point: Aliased = one(&format!("{POINT} 07ff80012c014200")).unwrap();
    assert_eq!(point, Aliased { a: 22, b: 0, y: 33 });
}

#[test]
fn the_later_of_two_fields_of_one_name_counts() {
    let twice = "7f030102ff8000010201015801040001015801040000 00";
    let point: Point = one(&stream(&[twice, "ff80 01 02 01 04 00"])).unwrap();
    assert_eq!(point, Point { x: 2, y: 0 });
}

#[test]
fn fields_that_nobody_asks_for_are_skipped() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct OnlyY {
        y: i64,
    }
    assert_eq!(
        one::<OnlyY>(&format!("{POINT} 07ff80012c014200")).unwrap(),
        OnlyY { y: 33 }
    );
    #[derive(Debug, PartialEq, Deserialize)]
    struct Nothing {}
    assert_eq!(
        one::<Nothing>(&format!("{POINT} 07ff80012c014200")).unwrap(),
        Nothing {}
    );
    one::<()>(&format!("{POINT} 07ff80012c014200")).unwrap();
    one::<IgnoredAny>(&format!("{POINT} 07ff80012c014200")).unwrap();
    assert_eq!(error::<()>("03040006").category(), Category::Mismatch);
}

#[test]
fn a_whole_value_of_which_no_field_is_known_is_a_mistake() {
    #[derive(Debug, Deserialize)]
    struct Other {
        z: i64,
    }
    let error = error::<Other>(&format!("{POINT} 07ff80012c014200"));
    assert_eq!(error.category(), Category::Mismatch);
    let text = "the sender's struct `Point` has no field of `Other`";
    assert!(error.to_string().contains(text), "{error}");
    // A part of a value may have nothing to say.
    let points = "0dff8102 0102ff820001ff800000 1e7f030101 05506f696e74 01ff80 00 0102 \
                  0101580104000101590104000000 07ff8200010102 00";
    assert_eq!(one::<Vec<Other>>(points).unwrap().len(), 1);
    // And so may a struct without fields.
    let empty = one::<Other>(&stream(&["7f03 01 02 ff80 00 00 00", "ff80 00"])).unwrap();
    assert_eq!(empty.z, 0);
}

#[test]
fn an_option_tells_absent_from_zero() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Maybe {
        x: Option<i64>,
        y: Option<i64>,
        z: Option<Box<Self>>,
    }
    let maybe: Maybe = one(&format!("{POINT} 05ff80 01 00 00")).unwrap();
    assert_eq!((maybe.x, maybe.y), (Some(0), None));
    assert_eq!(maybe.z, None);
}

#[test]
fn tuples_are_structs_of_numbered_fields_or_arrays() {
    // struct { F0 int; F1 string }
    let tuple = "7f0301 02ff80 00 01 02 01024630 0104 00 01024631 010c 00 00 00";
    let value = "ff80 01 06 01 01 61 00";
    assert_eq!(
        one::<(i8, String)>(&stream(&[tuple, value])).unwrap(),
        (3, "a".to_owned())
    );
    assert_eq!(
        one::<(i8, String)>(&stream(&[tuple, "ff80 00"])).unwrap(),
        (0, String::new())
    );
    let error = error::<(i8, String, i8)>(&stream(&[tuple, value]));
    assert_eq!(error.category(), Category::Mismatch);
    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair(i8, String);
    assert_eq!(
        one::<Pair>(&stream(&[tuple, value])).unwrap(),
        Pair(3, "a".to_owned())
    );

    let array = "7f0101 02ff80 00 0104 0104 00 00";
    let value = "ff80 00 02 02 04";
    assert_eq!(one::<(i64, i8)>(&stream(&[array, value])).unwrap(), (1, 2));
    assert_eq!(one::<[i64; 2]>(&stream(&[array, value])).unwrap(), [1, 2]);
    let error = super::error::<[i64; 3]>(&stream(&[array, value]));
    assert!(
        error.to_string().contains("3 elements: it has 2"),
        "{error}"
    );
    let slice = "7f0201 02ff80 00 0104 00 00";
    let error = super::error::<[i64; 2]>(&stream(&[slice, "ff80 00 02 02 04"]));
    assert_eq!(error.category(), Category::Mismatch);
    assert_eq!(one::<Vec<i64>>(&stream(&[array, value])).unwrap(), [1, 2]);
}

#[test]
fn flattened_structs_are_read_with_their_zeros() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        #[serde(rename = "Y")]
        y: i64,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        #[serde(rename = "X")]
        x: i64,
        #[serde(flatten)]
        inner: Inner,
        #[serde(rename = "New")]
        new: String,
    }
    let expected = Outer {
        x: 1,
        inner: Inner { y: 0 },
        new: String::new(),
    };
    let outer: Outer = one(&format!("{POINT} 05ff80 01 02 00")).unwrap();
    assert_eq!(outer, expected);

    // A zero cannot be had for a field that is set aside before its type is known.
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Unknown {
        #[serde(rename = "X")]
        x: i64,
        #[serde(flatten)]
        inner: Other,
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Other {
        z: i64,
    }
    let error = error::<Unknown>(&format!("{POINT} 05ff80 01 02 00"));
    assert!(error.to_string().contains("missing field `z`"), "{error}");

    // A struct seen as a map has all its fields.
    let map: BTreeMap<String, i64> = one(&format!("{POINT} 05ff80 01 02 00")).unwrap();
    assert_eq!(
        map,
        BTreeMap::from([("X".to_owned(), 1), ("Y".to_owned(), 0)])
    );
}

#[test]
fn texts_and_bytes_can_be_borrowed() {
    let bytes = bytes(&stream(&[USER, USER_VALUE]));
    #[derive(Debug, PartialEq, Deserialize)]
    struct Borrowed<'a> {
        #[serde(rename = "User_Name")]
        name: &'a str,
    }
    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    let borrowed: Option<Borrowed<'_>> = decoder.decode().unwrap();
    assert_eq!(borrowed, Some(Borrowed { name: "Bob" }));
    assert_eq!(decoder.decode::<Borrowed<'_>>().unwrap(), None);
}

#[test]
fn the_path_to_what_is_wrong_is_told() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Small {
        x: i8,
        y: i8,
    }
    let points = stream(&[
        "ff81 02 01 02 ff82 00 01 ff80 00 00",
        "7f030101 05506f696e74 01ff80 00 0102 0101580104 00 0101590104 00 00 00",
        "ff82 00 02 01 02 00 01 fe0200 00",
    ]);
    let error = error::<Vec<Small>>(&points);
    assert_eq!(error.path(), "[1].x");
    assert_eq!(error.category(), Category::OutOfRange);
    assert!(error.offset().is_some());
    assert!(
        error
            .to_string()
            .starts_with("[1].x: integer `256` is not i8"),
        "{error}"
    );
}
