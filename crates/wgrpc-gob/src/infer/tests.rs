//! Types found in values, as the schema and the bytes that come of them.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::{Category, Dynamic, Encoder, Interface, Value, from_slice, to_vec};

/// The type that is found in `value`, in Go's notation, after writing the value by it.
fn found<T: Serialize>(value: &T) -> String {
    try_found(value).unwrap()
}

fn try_found<T: Serialize>(value: &T) -> Result<String> {
    let limits = Limits::default();
    let inferred = Schema::inferred();
    let dynamics = Dynamics::new(limits.types);
    let schema = infer(value, &dynamics, &limits)?;
    crate::encode(&inferred, value, &dynamics, &limits, &mut Vec::new())?;
    Ok(schema.to_string())
}

/// What a stream with only `value` holds, without its schema.
fn sent<T: Serialize>(value: T) -> Value {
    Dynamic::new(&Inferred(value)).unwrap().value
}

#[derive(Serialize)]
struct Plain<'a> {
    user_id: u32,
    name: &'a str,
    _hidden: bool,
}

#[test]
fn every_kind_of_value_has_its_type() {
    assert_eq!(found(&true), "bool");
    assert_eq!(found(&-1i8), "int");
    assert_eq!(found(&1u8), "uint");
    assert_eq!(found(&'x'), "int");
    assert_eq!(found(&1.5f32), "float64");
    assert_eq!(found(&"x"), "string");
    assert_eq!(found(&Some("x")), "string");
    assert_eq!(found(&()), "struct{}");
    assert_eq!(found(&vec![1u8]), "[]byte");
    assert_eq!(found(&vec![1u16]), "[]uint");
    assert_eq!(found(&[1u8, 2]), "[2]uint");
    assert_eq!(found(&(1, "x")), "struct{F0 int, F1 string}");
    assert_eq!(found(&BTreeMap::from([(1, "x")])), "map[int]string");
    assert_eq!(found(&vec![vec![1]]), "[][]int");
    let plain = Plain {
        user_id: 1,
        name: "x",
        _hidden: true,
    };
    assert_eq!(
        found(&plain),
        "Plain{UserId uint, Name string, Hidden bool}"
    );
}

#[test]
fn what_is_empty_is_left_out() {
    #[derive(Serialize)]
    struct Sparse {
        none: Option<i32>,
        list: Vec<i32>,
        map: BTreeMap<i32, i32>,
        last: bool,
    }
    let sparse = Sparse {
        none: None,
        list: vec![],
        map: BTreeMap::new(),
        last: true,
    };
    assert_eq!(found(&sparse), "Sparse{Last bool}");
    assert_eq!(sent(&sparse), Value::Struct(vec![(0, Value::Bool(true))]));
    let tuple = (None::<i32>, 1, Vec::<i32>::new(), "x");
    assert_eq!(found(&tuple), "struct{F1 int, F3 string}");
    let expected = vec![(0, Value::Int(1)), (1, Value::String("x".to_owned()))];
    assert_eq!(sent(tuple), Value::Struct(expected));
}

#[test]
fn elements_of_one_list_are_merged() {
    let lists = vec![vec![], vec![1], vec![]];
    assert_eq!(found(&lists), "[][]int");
    let options = [(Some(1), None), (None, Some("x"))];
    assert_eq!(found(&options.to_vec()), "[]struct{F0 int, F1 string}");
    let maps = vec![BTreeMap::new(), BTreeMap::from([("k", 1u8)])];
    assert_eq!(found(&maps), "[]map[string]uint");
    assert_eq!(
        found(&BTreeMap::from([(1, vec![]), (2, vec![1.0])])),
        "map[int][]float64"
    );
}

#[test]
fn enums_are_names_or_structs_with_a_field_for_each_variant() {
    #[derive(Serialize)]
    enum Figure {
        Nothing,
        Circle(f64),
        Rectangle { width: u8 },
        Line(i32, &'static str),
    }
    assert_eq!(found(&vec![Figure::Nothing]), "[]string");
    assert_eq!(
        found(&vec![
            Figure::Nothing,
            Figure::Circle(1.0),
            Figure::Nothing,
            Figure::Rectangle { width: 1 },
            Figure::Line(1, "x"),
        ]),
        "[]Figure{Nothing struct{}, Circle float64, Rectangle Rectangle{Width uint}, \
         Line struct{F0 int, F1 string}}"
    );
}

#[test]
fn types_that_do_not_agree_are_refused_by_their_path() {
    let refused = |value: serde_json::Value, path: &str, reason: &str| {
        let error = try_found(&Json(value)).unwrap_err();
        assert_eq!(error.category(), Category::Unsupported, "{error}");
        assert_eq!(error.path(), path);
        assert!(error.to_string().contains(reason), "{error}");
    };
    refused(json!([1, "x"]), "[1]", "int and string");
    refused(
        json!({"a": [{"b": 1}, {"b": true}]}),
        "a[1].b",
        "int and bool",
    );
    refused(json!([]), "", "empty");
    refused(json!(null), "", "empty");
    refused(json!({"a": [[], []]}), "a", "elements cannot be found");
    refused(json!({"user_id": 1, "userId": 2}), "", "are named `UserId`");
    let mixed = try_found(&BTreeMap::from([(1, (1, 2)), (2, (3, 4))]));
    assert_eq!(mixed.unwrap(), "map[int][2]int");
    assert!(try_found(&vec![(1, 2u8), (3, 4)]).is_ok());
    let error = try_found(&(vec![Some(1), None],)).unwrap_err();
    assert!(error.to_string().contains("`None`"), "{error}");
}

#[test]
fn json_is_sent_as_go_would_want_it() {
    for (value, ty) in [
        (json!({"A": 6, "b_c": -7}), "struct{A int, BC int}"),
        (json!({"a": u64::MAX}), "struct{A uint}"),
        (json!({"a": [1, 2.5, -3]}), "struct{A []float64}"),
        (json!({"a": null, "b": [null], "c": {}}), ""),
        (
            json!([{"a": null}, {"a": 1}, {"b": {"c": []}}]),
            "[]struct{A int, B struct{}}",
        ),
        (json!(["x"]), "[]string"),
        (json!(7), "int"),
    ] {
        match try_found(&Json(value)) {
            Ok(found) => assert_eq!(found, ty),
            Err(error) => assert!(ty.is_empty(), "{error}"),
        }
    }
    let stream = to_vec(&Json(json!([1, 2.5]))).unwrap();
    assert_eq!(from_slice::<Vec<f64>>(&stream).unwrap(), [1.0, 2.5]);
    let args = to_vec(&Json(json!({"user_id": 6, "name": "x", "hidden": true}))).unwrap();
    let read: BTreeMap<String, serde_json::Value> = from_slice(&args).unwrap();
    assert_eq!(read["UserId"], 6);
}

#[test]
fn names_are_those_that_the_derive_gives() {
    for (name, go) in [
        ("user_id", "UserId"),
        ("a", "A"),
        ("ID", "ID"),
        ("Already_so", "Already_so"),
        ("_id", "Id"),
        ("__a__b", "AB"),
        ("kebab-case", "KebabCase"),
        ("ärger", "Ärger"),
        ("camelCase", "CamelCase"),
        ("", ""),
        ("_", ""),
    ] {
        assert_eq!(go_name(name), go, "{name}");
    }
}

#[cfg(feature = "derive")]
#[test]
fn the_derive_gives_the_same_names() {
    #[allow(
        dead_code,
        non_snake_case,
        reason = "only the names of its fields are of interest"
    )]
    #[derive(wgrpc_gob::Gob)]
    struct Names {
        user_id: i64,
        _id: i64,
        __a__b: i64,
        camelCase: i64,
        ärger: i64,
        #[serde(rename = "kebab-case-2")]
        kebab: i64,
        #[serde(rename = "ID")]
        id: i64,
    }
    let schema = Schema::of::<Names>();
    let Some(crate::Shape::Struct(fields)) = schema.root().map(crate::Type::shape) else {
        panic!("{schema}");
    };
    assert_eq!(fields.len(), 7);
    for field in fields {
        assert_eq!(*field.name, go_name(field.key()));
    }
}

#[test]
fn a_stream_defines_each_inferred_type_once() {
    let (mut encoder, mut out) = (Encoder::new(), Vec::new());
    encoder.encode(&Json(json!({"a": 1})), &mut out).unwrap();
    let first = out.len();
    encoder.encode(&Json(json!({"a": 2})), &mut out).unwrap();
    assert!(out.len() - first < 12);
    encoder
        .encode(&Json(json!({"a": 2, "b": 1})), &mut out)
        .unwrap();
    assert!(out.len() - first > 24);

    let mut capped = Encoder::with_limits(Limits {
        types: 1,
        ..Limits::default()
    });
    capped.encode(&Json(json!({"a": 1})), &mut out).unwrap();
    let before = out.len();
    let error = capped.encode(&Json(json!({"b": 1})), &mut out).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
    assert_eq!(out.len(), before);
    capped.encode(&Json(json!({"a": 3})), &mut out).unwrap();
}

#[test]
fn a_value_that_nests_too_deep_is_refused() {
    #[derive(Serialize)]
    struct Wrapped(Option<Box<Self>>);
    let wrapped = (0..100_000).fold(Wrapped(None), |inner, _| Wrapped(Some(Box::new(inner))));
    let error = try_found(&wrapped).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
    // Dropping it would need more stack than there is.
    std::mem::forget(wrapped);
    let list = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    assert!(try_found(&Json(list(64))).is_ok());
    let error = try_found(&Json(list(65))).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
}

#[test]
fn a_type_with_very_many_fields_is_refused() {
    let wide: serde_json::Map<_, _> = (0..30_000).map(|i| (format!("a{i}"), json!(1))).collect();
    let error = try_found(&Json(wide)).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
    assert!(error.to_string().contains("`definitions`"), "{error}");
}

#[test]
fn a_value_that_brings_its_type_keeps_it() {
    let dynamic = Dynamic::new(&(1u8, vec![Some("x")])).unwrap();
    assert_eq!(found(&dynamic), "struct{F0 uint, F1 []string}");
    assert_eq!(
        found(&vec![dynamic.clone()]),
        "[]struct{F0 uint, F1 []string}"
    );
    assert_eq!(sent(&dynamic), dynamic.value);
    let other = Dynamic::new(&1u8).unwrap();
    let error = try_found(&vec![dynamic, other]).unwrap_err();
    assert!(error.to_string().contains("interfaces"), "{error}");
    let interfaces = vec![Some(Interface::from(1u8)), None, Some(Interface::from("x"))];
    assert_eq!(found(&interfaces), "[]any");
}
