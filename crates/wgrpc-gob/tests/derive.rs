//! The derive of `Gob`: what it makes of types and of serde's attributes.

#![cfg(feature = "derive")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(dead_code, reason = "the types are looked at, not used")]

use std::borrow::Cow;
use std::collections::HashMap;
use std::marker::PhantomData;

use wgrpc_gob::{Builder, Gob, Ref, Schema, Shape};

/// The type of `T` in Go's notation.
fn shown<T: Gob + ?Sized>() -> String {
    let schema = Schema::of::<T>();
    schema.check().unwrap();
    schema.to_string()
}

/// The names that serde has for the fields or variants of `T`.
fn keys<T: Gob>() -> Vec<&'static str> {
    match Schema::of::<T>().root().unwrap().shape() {
        Shape::Struct(fields) => fields.iter().map(|field| field.key()).collect(),
        Shape::Interface(variants) => variants.iter().map(|variant| &*variant.key).collect(),
        shape => panic!("{shape:?}"),
    }
}

#[derive(Gob)]
struct Args {
    a: i64,
    user_id: u32,
    r#type: Option<String>,
}

#[test]
fn a_struct_has_go_names_on_the_wire_and_its_own_for_serde() {
    assert_eq!(shown::<Args>(), "Args{A int, UserId uint, Type string}");
    assert_eq!(keys::<Args>(), ["a", "user_id", "type"]);
}

#[test]
fn structs_without_field_names() {
    #[derive(Gob)]
    struct Unit;
    #[derive(Gob)]
    struct Celsius(f64);
    #[derive(Gob)]
    struct Pair(i32, #[serde(skip)] Unit, String);
    #[derive(Gob)]
    struct Nothing {}

    assert_eq!(shown::<Unit>(), "Unit{}");
    assert_eq!(shown::<Celsius>(), "float64");
    assert_eq!(shown::<Pair>(), "Pair{F0 int, F1 string}");
    assert_eq!(shown::<Nothing>(), "Nothing{}");
}

#[test]
fn serde_attributes_change_the_schema_as_they_change_the_value() {
    #[derive(Gob, serde::Serialize)]
    #[serde(rename = "Renamed", rename_all = "camelCase")]
    struct Original {
        first_name: String,
        #[serde(rename = "ID", default)]
        identity: i64,
        #[serde(rename(serialize = "out", deserialize = "in"))]
        gate: bool,
        #[serde(skip)]
        never: PhantomData<*const ()>,
        #[serde(skip_serializing)]
        only_read: i64,
        #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
        only_written: Option<i64>,
    }

    let expected = "Renamed{FirstName string, ID int, Out bool, OnlyWritten int}";
    assert_eq!(shown::<Original>(), expected);
    assert_eq!(
        keys::<Original>(),
        ["firstName", "ID", "out", "onlyWritten"]
    );
}

#[test]
fn a_flattened_struct_gives_its_fields_to_the_outer_one() {
    #[derive(Gob)]
    #[serde(rename_all = "PascalCase")]
    struct Page {
        title: String,
        #[serde(flatten)]
        range: Box<Range>,
        total: u64,
    }
    #[derive(Gob)]
    #[serde(rename_all = "PascalCase")]
    struct Range {
        from: i64,
        #[serde(rename = "Until")]
        to: i64,
    }

    assert_eq!(
        shown::<Page>(),
        "Page{Title string, From int, Until int, Total uint}"
    );
}

#[test]
fn what_could_not_be_read_again_is_not_flattened() {
    #[derive(Gob)]
    struct Around<T> {
        #[serde(rename = "From")]
        from: String,
        #[serde(flatten)]
        inner: T,
    }
    #[derive(Gob)]
    struct Small {
        to: i64,
    }
    #[derive(Gob)]
    #[serde(rename_all = "PascalCase")]
    struct Range {
        from: i64,
    }
    #[derive(Gob)]
    enum Choice {
        This(i64),
        That,
    }
    #[derive(Gob)]
    #[serde(rename_all = "PascalCase")]
    struct Itself {
        #[serde(flatten)]
        inner: Box<Self>,
    }

    #[derive(Gob)]
    #[serde(rename_all = "PascalCase")]
    struct Bound {
        to: Option<i64>,
    }

    type Map = HashMap<String, String>;
    for (schema, reason) in [
        (Schema::of::<Around<Map>>(), "only the fields of a struct"),
        (Schema::of::<Itself>(), "not into itself"),
        (
            Schema::of::<Around<Bound>>(),
            "`To` of a flattened struct is an option",
        ),
        (
            Schema::of::<Around<Range>>(),
            "fields of `Around` are named `From`",
        ),
        (
            Schema::of::<Around<Option<Range>>>(),
            "an option cannot be flattened",
        ),
        (
            Schema::of::<Around<Choice>>(),
            "an enum cannot be flattened",
        ),
        (
            Schema::of::<Around<Small>>(),
            "`to` of a flattened struct is called `To` on the wire",
        ),
    ] {
        let error = schema.check().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn instances_of_one_generic_type_do_not_share_a_schema() {
    #[derive(Gob)]
    struct Pair<T> {
        _both: [T; 2],
    }
    #[derive(Gob)]
    struct Row<const N: usize> {
        _cells: [i64; N],
    }
    #[derive(Gob)]
    struct Line<'a> {
        _text: &'a str,
    }
    for _ in 0..2 {
        assert_ne!(Schema::of::<Pair<i64>>(), Schema::of::<Pair<String>>());
        assert_ne!(Schema::of::<Row<2>>(), Schema::of::<Row<3>>());
        assert_eq!(Schema::of::<Line<'_>>(), Schema::of::<&Line<'static>>());
    }
}

#[test]
fn what_is_written_in_place_of_a_value_gives_the_schema() {
    #[derive(Clone, Gob)]
    #[serde(into = "String")]
    struct Name(Vec<char>);
    #[derive(Gob)]
    #[serde(transparent)]
    struct Tagged<T> {
        value: i64,
        tag: PhantomData<T>,
    }
    #[derive(Gob)]
    #[gob(as = "(i64, i64)")]
    struct Foreign;

    fn cents(types: &mut Builder) -> Ref {
        types.int()
    }
    struct Opaque;
    #[derive(Gob)]
    struct Mixed {
        #[serde(with = "serde_bytes")]
        hash: [u8; 4],
        #[gob(as = "HashMap<String, i64>")]
        counts: Opaque,
        #[serde(serialize_with = "somewhere::write")]
        #[gob(schema = "cents")]
        price: Opaque,
    }

    assert_eq!(shown::<Name>(), "string");
    assert_eq!(shown::<Tagged<Opaque>>(), "int");
    assert_eq!(shown::<Foreign>(), "struct{F0 int, F1 int}");
    let expected = "Mixed{Hash []byte, Counts map[string]int, Price int}";
    assert_eq!(shown::<Mixed>(), expected);
}

#[test]
fn names_can_be_given_and_left_alone() {
    #[derive(Gob)]
    #[gob(name = "Arguments")]
    struct Named {
        #[gob(name = "UserID")]
        user_id: i64,
    }
    #[derive(Gob)]
    #[gob(exact)]
    struct Exact {
        user_id: i64,
        #[serde(rename = "x-y")]
        other: i64,
    }

    assert_eq!(shown::<Named>(), "Arguments{UserID int}");
    assert_eq!(keys::<Named>(), ["user_id"]);
    assert_eq!(shown::<Exact>(), "Exact{user_id int, x-y int}");
}

#[test]
fn an_enum_without_data_is_a_string_or_an_int() {
    #[derive(Gob)]
    enum Color {
        Red,
        #[serde(rename = "verde")]
        Green,
        #[serde(skip)]
        Secret(*const ()),
    }
    #[derive(Gob)]
    #[gob(int)]
    enum Level {
        Low = -1,
        High = 1,
    }
    #[derive(Gob)]
    #[gob(int)]
    #[repr(u8)]
    enum Mode {
        Off,
        On,
    }

    assert_eq!(shown::<Color>(), "string");
    assert_eq!(shown::<Level>(), "int");
    assert_eq!(shown::<Mode>(), "uint");
}

#[test]
fn an_enum_with_data_is_a_struct_with_a_field_for_each_variant() {
    #[derive(Gob)]
    #[serde(rename_all = "snake_case", rename_all_fields = "camelCase")]
    enum ShapeOf {
        Nothing,
        Circle(f64),
        Rect {
            wide: f64,
            is_square: bool,
        },
        #[serde(rename = "tri", rename_all = "UPPERCASE")]
        Triangle {
            base: f64,
        },
        LineSegment((i64, i64), (i64, i64)),
        #[serde(skip)]
        Hidden(PhantomData<i64>),
    }

    let expected = "ShapeOf{Nothing struct{}, Circle float64, \
                    Rect Rect{Wide float64, IsSquare bool}, \
                    Tri Tri{BASE float64}, LineSegment LineSegment{F0 struct{F0 int, F1 int}, \
                    F1 struct{F0 int, F1 int}}}";
    assert_eq!(shown::<ShapeOf>(), expected);
    let expected = ["nothing", "circle", "rect", "tri", "line_segment"];
    assert_eq!(keys::<ShapeOf>(), expected);
}

#[test]
fn an_enum_can_be_an_interface_of_registered_types() {
    #[derive(Gob)]
    #[gob(interface)]
    enum Animal {
        #[gob(name = "main.Dog")]
        Dog(Args),
        #[gob(name = "*main.Cat")]
        Cat { lives: u8 },
        #[gob(name = "int")]
        Number(i64),
    }

    assert_eq!(shown::<Animal>(), "any");
    assert_eq!(keys::<Animal>(), ["Dog", "Cat", "Number"]);
    let schema = Schema::of::<Animal>();
    let Some(root) = schema.root() else { panic!() };
    let Shape::Interface(variants) = root.shape() else {
        panic!("{schema}")
    };
    let registered: Vec<_> = (variants.iter())
        .map(|variant| format!("{} = {}", variant.name, root.inner(variant.ty)))
        .collect();
    let expected = [
        "main.Dog = Args{A int, UserId uint, Type string}",
        "*main.Cat = Cat{Lives uint}",
        "int = int",
    ];
    assert_eq!(registered, expected);
}

#[test]
fn parameters_are_bound_where_they_are_used() {
    struct NotGob;
    #[derive(Gob)]
    struct Wrapper<'a, T, U: Iterator, V, W, const N: usize>
    where
        T: Clone,
    {
        borrowed: &'a str,
        copied: Cow<'a, [T]>,
        items: Vec<U::Item>,
        array: [i64; N],
        phantom: PhantomData<V>,
        #[serde(skip)]
        skipped: W,
    }
    #[derive(Gob)]
    #[gob(bound = "T: Iterator, T::Item: Gob")]
    struct Bound<T> {
        #[gob(schema = "<T::Item as Gob>::describe")]
        inner: NotGob,
        phantom: PhantomData<T>,
    }

    assert_eq!(
        shown::<Wrapper<'_, i64, std::vec::IntoIter<String>, NotGob, NotGob, 2>>(),
        "Wrapper{Borrowed string, Copied []int, Items []string, Array [2]int, Phantom struct{}}"
    );
    let expected = "Bound{Inner bool, Phantom struct{}}";
    assert_eq!(shown::<Bound<std::vec::IntoIter<bool>>>(), expected);
}

#[test]
fn a_type_can_contain_itself() {
    #[derive(Gob)]
    struct Tree {
        label: String,
        children: Vec<Self>,
        parent: Option<Box<Self>>,
    }
    #[derive(Gob)]
    enum Expr {
        Literal(i64),
        Sum(Box<Self>, Box<Self>),
    }

    let expected = "Tree{Label string, Children []Tree, Parent Tree}";
    assert_eq!(shown::<Tree>(), expected);
    let expected = "Expr{Literal int, Sum Sum{F0 Expr, F1 Expr}}";
    assert_eq!(shown::<Expr>(), expected);
}
