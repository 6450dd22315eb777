//! What is not written: values that disagree with their schema, and what gob cannot say.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serializer;
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct};

use super::*;

#[derive(Serialize)]
struct Item {
    name: &'static str,
    price: f64,
    tags: Vec<Option<&'static str>>,
}
gob_struct!(Item { "Name" "name": String, "Price" "price": f64, "Tags" "tags": Vec<String> });

#[derive(Serialize)]
struct Order<T> {
    items: T,
}

/// Implements nothing but a different idea of what an order is.
fn order_of(describe: impl FnOnce(&mut Builder) -> Ref) -> Schema {
    let mut types = Builder::new();
    let items = describe(&mut types);
    let root = types.structure("Order", [("Items", "items", items)]);
    types.finish(root)
}

#[test]
fn a_value_of_another_type_than_the_schema_says_is_refused_by_its_path() {
    let prices = order_of(|types| types.of::<Vec<(u64, bool)>>());
    let order = Order {
        items: vec![(1u64, false), (2, true)],
    };
    assert!(message_with(&prices, &order, &Limits::default()).is_ok());
    let order = Order {
        items: vec![(1i32, false)],
    };
    let error = error_with(&prices, &order);
    assert_eq!(error.category(), Category::Mismatch);
    assert_eq!(error.path(), "Items[0].F0");
    assert_eq!(
        error.to_string(),
        "Items[0].F0: a signed integer cannot be sent as uint, which the schema asks for"
    );
}

#[test]
fn every_kind_of_value_is_checked() {
    fn refused<V: Serialize, T: Gob>(value: V) {
        let error = error_with(Schema::of::<T>(), &value);
        assert_eq!(error.category(), Category::Mismatch, "{error}");
    }
    refused::<_, i64>(1u8);
    refused::<_, u64>(1i8);
    refused::<_, f64>(1);
    refused::<_, i64>(1.0);
    refused::<_, i64>(true);
    refused::<_, bool>(0);
    refused::<_, u64>('a');
    refused::<_, Vec<u8>>("text");
    refused::<_, String>(vec![1u8]);
    refused::<_, String>(());
    refused::<_, Point>(());
    refused::<_, Point>((1i64, 2i64, 3i64));
    refused::<_, (i32, i32)>((1, 2, 3));
    refused::<_, [i32; 2]>((1, 2, 3));
    refused::<_, [i32; 2]>(vec![1]);
    refused::<_, Vec<u8>>(vec![1i8]);
    refused::<_, Vec<u8>>(vec![Some(1u8)]);
    refused::<_, Vec<u8>>(vec![300u16]);
    refused::<_, Vec<u8>>(vec![vec![1u8]]);
    refused::<_, Vec<i32>>(BTreeMap::from([(1, 2)]));
    refused::<_, BTreeMap<i32, i32>>(vec![1]);
    refused::<_, BTreeMap<i32, i32>>(BTreeMap::from([("1", 2)]));
    refused::<_, crate::Complex>((1.0, 2.0, 3.0));
    refused::<_, crate::Complex>((1, 2));
}

#[test]
fn a_name_that_the_schema_does_not_have_is_refused() {
    #[derive(Serialize)]
    struct Args {
        x: i64,
        z: i64,
    }
    let unknown = error_with(Schema::of::<Point>(), &Args { x: 1, z: 2 });
    assert_eq!(
        unknown.to_string(),
        "the schema of `Point` has no field `z`"
    );
    let unknown = error_with(Schema::of::<Point>(), &BTreeMap::from([("q", 1i64)]));
    assert_eq!(
        unknown.to_string(),
        "the schema of `Point` has no field `q`"
    );
    let unnamed = error_with(Schema::of::<Point>(), &BTreeMap::from([(5, 1i64)]));
    assert!(unnamed.to_string().contains("the name of a field"));

    #[derive(Serialize)]
    enum Either {
        Left(i32),
        Right { value: i32 },
    }
    let union = {
        let mut types = Builder::new();
        let string = types.string();
        let right = types.structure("Right", [("Value", "value", string)]);
        let root = types.structure("Either", [("Right", "Right", right)]);
        types.finish(root)
    };
    let unknown = error_with(&union, &Either::Left(1));
    assert_eq!(
        unknown.to_string(),
        "the schema of `Either` has no variant `Left`"
    );
    let wrong = error_with(&union, &Either::Right { value: 1 });
    assert_eq!(wrong.path(), "Right.Value");
}

#[test]
fn an_error_inside_enums_names_every_variant_once() {
    #[derive(Serialize)]
    enum Outer {
        Pair(bool, Inner),
        Wrapped { inner: Inner },
    }
    #[derive(Serialize)]
    enum Inner {
        One(i32),
    }
    let mut types = Builder::new();
    let uint = types.uint();
    let bool = types.bool();
    let inner = types.structure("Inner", [("One", "One", uint)]);
    let pair = types.structure("", [("F0", "F0", bool), ("F1", "F1", inner)]);
    let wrapped = types.structure("Wrapped", [("Inner", "inner", inner)]);
    let outer = types.structure(
        "Outer",
        [("Pair", "Pair", pair), ("Wrapped", "Wrapped", wrapped)],
    );
    let schema = types.finish(outer);
    for (value, path) in [
        (Outer::Pair(true, Inner::One(1)), "Pair.F1.One"),
        (
            Outer::Wrapped {
                inner: Inner::One(1),
            },
            "Wrapped.Inner.One",
        ),
    ] {
        assert_eq!(error_with(&schema, &value).path(), path);
    }
}

#[test]
fn nothing_can_be_absent_but_the_field_of_a_struct() {
    let absent = |error: Error| {
        assert_eq!(error.category(), Category::Unsupported);
        assert!(error.to_string().contains("`None`"), "{error}");
        error.path()
    };
    assert_eq!(absent(error(&None::<i32>)), "");
    assert_eq!(absent(error(&vec![Some(1), None])), "[1]");
    assert_eq!(absent(error(&[Some("a"), None])), "[1]");
    assert_eq!(absent(error(&BTreeMap::from([("k", None::<bool>)]))), "[0]");
    let item = Item {
        name: "pear",
        price: 1.0,
        tags: vec![None],
    };
    assert_eq!(absent(error(&item)), "Tags[0]");
}

#[test]
fn what_gob_cannot_say_is_refused() {
    let wide = error_with(Schema::of::<i64>(), &1i128);
    assert!(wide.to_string().contains("adapt::big_int"), "{wide}");
    assert!(error_with(Schema::of::<u64>(), &1u128).category() == Category::Unsupported);
    assert!(
        error(&Some(Some(1)))
            .to_string()
            .contains("option of an option")
    );
    let nested = error_with(Schema::of::<(i32,)>(), &(Some(Some(1)),));
    assert!(nested.to_string().contains("option of an option"));
}

#[test]
fn a_list_deeper_than_the_limit_is_refused() {
    #[derive(Serialize)]
    struct List {
        next: Option<Box<Self>>,
    }
    gob_struct!(List { "Next" "next": Option<Box<List>> });
    let list = |len| {
        (1..len).fold(List { next: None }, |list, _| List {
            next: Some(list.into()),
        })
    };
    let limits = Limits {
        depth: 5,
        ..Limits::default()
    };
    let write = |len| message_with(Schema::of::<List>(), &list(len), &limits);
    assert!(write(5).is_ok());
    let error = write(6).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
    assert_eq!(error.path(), "Next.Next.Next.Next.Next");
    assert!(
        error.to_string().contains("the limit `depth` of 5"),
        "{error}"
    );
}

#[test]
fn a_message_longer_than_the_limit_is_refused() {
    let limits = Limits {
        message: 20,
        ..Limits::default()
    };
    let write = |len: usize| message_with(Schema::of::<String>(), &"x".repeat(len), &limits);
    // The id, a zero and the count take a byte each.
    assert_eq!(write(17).unwrap().len(), 21);
    let error = write(18).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
    assert!(
        error.to_string().contains("the limit `message` of 20"),
        "{error}"
    );

    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(None)?;
            loop {
                list.serialize_element(&true)?;
            }
        }
    }
    let schema = Schema::of::<Vec<bool>>();
    let error = message_with(schema, &Endless, &limits).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
    let huge = message_with(schema, &HugeHint, &limits).unwrap_err();
    assert_eq!(huge.category(), Category::Limit);
}

/// A list that claims to be longer than memory.
struct HugeHint;

impl Serialize for HugeHint {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_seq(Some(usize::MAX))?.end()
    }
}

#[test]
fn a_serialize_that_ignores_an_error_is_not_believed() {
    struct Careless;
    impl Serialize for Careless {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            let mut fields = serializer.serialize_struct("Point", 2)?;
            let _ = fields.serialize_field("x", "not a number");
            let _ = fields.serialize_field("y", &1i64);
            fields.end()
        }
    }
    let error = error_with(Schema::of::<Point>(), &Careless);
    assert!(error.to_string().contains("went on"), "{error}");
}

/// Writes a field, then panics.
struct Bomb;
gob_struct!(Bomb { "A" "a": i64, "B" "b": i64 });

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Bomb", 2)?;
        fields.serialize_field("a", &1)?;
        panic!("a value that cannot be written")
    }
}

#[test]
fn a_serialize_that_panics_does_not_take_the_buffer_with_it() {
    let mut out = b"what was there".to_vec();
    let (schema, limits) = (Schema::of::<Bomb>(), Limits::default());
    let dynamics = Dynamics::new(limits.types);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        encode(schema, &Bomb, &dynamics, &limits, &mut out)
    }));
    assert!(panic.is_err());
    assert!(out.starts_with(b"what was there"));
}

#[test]
fn a_map_with_a_key_too_many_is_refused() {
    struct Dangling(bool);
    impl Serialize for Dangling {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            if self.0 {
                map.serialize_key("x")?;
            } else {
                map.serialize_value(&1i64)?;
            }
            map.end()
        }
    }
    for schema in [Schema::of::<BTreeMap<String, i64>>(), Schema::of::<Point>()] {
        for dangling in [Dangling(true), Dangling(false)] {
            let error = error_with(schema, &dangling);
            assert!(
                error.to_string().contains("a key without a value"),
                "{error}"
            );
        }
    }
}

#[test]
fn an_error_of_the_value_itself_is_passed_on_with_its_path() {
    struct Refusing;
    impl Serialize for Refusing {
        fn serialize<S: Serializer>(&self, _: S) -> std::result::Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    let schema = order_of(|types| types.of::<Vec<i32>>());
    let order = Order {
        items: vec![Refusing],
    };
    let error = error_with(&schema, &order);
    assert_eq!(error.category(), Category::Message);
    assert_eq!(error.to_string(), "Items[0]: not today");
}
