//! Bytes that only the schema tells from other lists.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use wgrpc_gob::{Builder, Gob, Ref};

use super::super::write;
use super::value;

/// The text that is written for `value` by its schema.
fn text<T: Serialize + Gob + ?Sized>(value: &T) -> String {
    let mut out = Vec::new();
    write(value, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Proves that `value` is written as `text`, and read from it.
#[track_caller]
fn same<T>(value: T, text: &str)
where
    T: Serialize + Gob + DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(self::text(&value), text);
    assert_eq!(self::value::<T>(text), value);
}

#[test]
fn lists_of_bytes_are_base64_wherever_they_stand() {
    same(vec![0u8, 1, 2, 255], r#""AAEC/w==""#);
    same(Vec::<u8>::new(), r#""""#);
    assert_eq!(text(&[1u8, 2, 3][..]), r#""AQID""#);
    same(Some(vec![1u8]), r#""AQ==""#);
    same(None::<Vec<u8>>, "null");
    same(vec![vec![1u8], vec![]], r#"["AQ==",""]"#);
    same([vec![1u8], vec![2]], r#"["AQ==","Ag=="]"#);
    same(vec![Some(vec![1u8]), None], r#"["AQ==",null]"#);
    same(BTreeSet::from([3u8, 4]), r#""AwQ=""#);
    same(Box::new((7i64, vec![1u8])), r#"[7,"AQ=="]"#);
    let map = BTreeMap::from([(-1i64, vec![vec![1u8]])]);
    same(map, r#"{"-1":["AQ=="]}"#);
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Gob)]
#[serde(rename_all = "PascalCase")]
struct Folder {
    name: String,
    #[serde(skip)]
    _unseen: u8,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    numbers: Vec<u16>,
    data: Vec<u8>,
    kinds: Vec<Kind>,
    folders: Vec<Self>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Gob)]
enum Kind {
    Nothing,
    One(Vec<u8>),
    Two(Vec<u16>, Vec<u8>),
    Three { x: Vec<u16>, y: Wrapper },
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Gob)]
struct Wrapper(Vec<u8>);

#[test]
fn fields_and_variants_are_found_by_their_names() {
    let inner = Folder {
        name: "inner".to_owned(),
        _unseen: 0,
        numbers: vec![1],
        data: vec![2],
        kinds: vec![],
        folders: vec![],
    };
    let outer = Folder {
        name: "outer".to_owned(),
        _unseen: 0,
        numbers: vec![],
        data: vec![],
        kinds: vec![
            Kind::Nothing,
            Kind::One(vec![1]),
            Kind::Two(vec![1], vec![1]),
            Kind::Three {
                x: vec![1],
                y: Wrapper(vec![1]),
            },
        ],
        folders: vec![inner],
    };
    same(
        outer,
        concat!(
            r#"{"Name":"outer","Data":"","Kinds":["Nothing",{"One":"AQ=="},"#,
            r#"{"Two":[[1],"AQ=="]},{"Three":{"x":[1],"y":"AQ=="}}],"#,
            r#""Folders":[{"Name":"inner","Numbers":[1],"Data":"Ag==","Kinds":[],"Folders":[]}]}"#
        ),
    );
}

#[test]
fn what_is_no_list_of_any_length_stays_a_list_of_numbers() {
    same([1u8, 2], "[1,2]");
    same((1u8, 2u8), "[1,2]");
    same(vec![1u16, 2], "[1,2]");
    same((vec![1u8], [1u8]), r#"["AQ==",[1]]"#);
}

#[test]
fn what_can_be_read_without_base64_only_is_written_without() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Gob)]
    #[serde(rename_all = "PascalCase")]
    struct Outer {
        before: Vec<u8>,
        #[serde(flatten)]
        inner: Flat,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, Gob)]
    #[serde(rename_all = "PascalCase")]
    struct Flat {
        data: Vec<u8>,
    }

    let outer = Outer {
        before: vec![1],
        inner: Flat { data: vec![2] },
    };
    same(outer, r#"{"Before":[1],"Data":[2]}"#);
}

/// Bytes by its schema, and something else by its values.
struct Untrue;

impl Serialize for Untrue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq([1, 256])
    }
}

impl Gob for Untrue {
    fn describe(types: &mut Builder) -> Ref {
        types.bytes()
    }
}

#[test]
fn a_schema_that_is_not_true_is_an_error() {
    let mut out = b"before".to_vec();
    let error = write(&[Untrue], &mut out).unwrap_err();
    assert_eq!(
        error.to_string(),
        "[0][1]: what is bytes in the schema has an element that is no byte"
    );
    assert_eq!(out, b"before");
}
