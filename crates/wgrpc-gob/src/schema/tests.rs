//! Schemas: their notation, numbering and definitions.

use super::*;
use crate::types::Marshaler;

struct Point;

impl Gob for Point {
    fn describe(types: &mut Builder) -> Ref {
        let int = types.of::<i64>();
        types.structure("Point", [("X", "x", int), ("Y", "y", int)])
    }
}

/// The same structure and name as [`Point`].
struct Twin;

impl Gob for Twin {
    fn describe(types: &mut Builder) -> Ref {
        Point::describe(types)
    }
}

struct Tree;

impl Gob for Tree {
    fn describe(types: &mut Builder) -> Ref {
        let children = types.of::<Vec<Option<Box<Self>>>>();
        let label = types.of::<String>();
        types.structure(
            "Tree",
            [
                ("Children", "children", children),
                ("Label", "label", label),
            ],
        )
    }
}

#[test]
fn types_are_shown_in_go_notation() {
    for (schema, shown) in [
        (Schema::of::<Point>(), "Point{X int, Y int}"),
        (Schema::of::<Vec<u8>>(), "[]byte"),
        (Schema::of::<[u8; 4]>(), "[4]uint"),
        (
            Schema::of::<HashMap<String, Option<Point>>>(),
            "map[string]Point{X int, Y int}",
        ),
        (Schema::of::<(f32, bool)>(), "struct{F0 float64, F1 bool}"),
        (
            Schema::of::<(Point, [Point; 2])>(),
            "struct{F0 Point{X int, Y int}, F1 [2]Point}",
        ),
        (Schema::of::<Tree>(), "Tree{Children []Tree, Label string}"),
        (Schema::of::<()>(), "struct{}"),
    ] {
        assert_eq!(schema.to_string(), shown);
    }
}

#[test]
fn ids_follow_the_structure() {
    assert_eq!(Schema::of::<Point>().id(), Schema::of::<Twin>().id());
    assert_eq!(
        Schema::of::<Vec<Point>>().id(),
        Schema::of::<Box<[Twin]>>().id()
    );
    assert_ne!(Schema::of::<Point>().id(), Schema::of::<(i64, i64)>().id());
    assert_ne!(Schema::of::<[i64; 2]>().id(), Schema::of::<[i64; 3]>().id());
    assert!(Schema::of::<Point>().id().unwrap() >= Id::FIRST_USER);
    assert_eq!(Schema::of::<i32>().id(), Some(Id::INT));
}

#[test]
fn a_recursive_type_has_one_id_wherever_it_is_reached() {
    let tree = Schema::of::<Tree>();
    let list = Schema::of::<Vec<Box<Tree>>>();
    let Some(Shape::Slice(elem)) = list.root().map(Type::shape) else {
        panic!("{list:?}")
    };
    assert_eq!(tree.id(), list.root().map(|root| root.inner(*elem).id()));
}

#[test]
fn every_type_inside_is_defined_also_what_an_empty_list_would_hold() {
    let schema = Schema::of::<Vec<Option<Point>>>();
    let ids: Vec<Id> = schema.definitions().iter().map(|d| d.id).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&Schema::of::<Point>().id().unwrap()));
    assert!(Schema::of::<Vec<u8>>().definitions().is_empty());
}

#[test]
fn a_definition_has_the_bytes_that_go_writes() {
    let nodes = |builder: Builder, root| builder.nodes(root).unwrap();
    let mut builder = Builder::new();
    let root = builder.of::<Point>();
    let point = Schema::numbered(
        nodes(builder, root),
        [Id::FIRST_USER, Id::INT, Id::INT][..].into(),
    );
    let expected = b"\x1e\x7f\x03\x01\x01\x05Point\x01\xff\x80\x00\x01\x02\x01\x01X\x01\x04\x00\
                     \x01\x01Y\x01\x04\x00\x00\x00";
    assert_eq!(&*point.definitions()[0].message, expected);

    let mut builder = Builder::new();
    let root = builder.opaque("Time", Marshaler::Gob);
    let time = Schema::numbered(nodes(builder, root), [Id::FIRST_USER][..].into());
    let expected = b"\x0f\x7f\x05\x01\x01\x04Time\x01\xff\x80\x00\x00\x00";
    assert_eq!(&time.definitions()[0].message[1..], &expected[1..]);
}

#[test]
fn what_gob_cannot_say_is_refused_with_the_reason() {
    struct Twice;
    impl Gob for Twice {
        fn describe(types: &mut Builder) -> Ref {
            let int = types.int();
            types.structure("Twice", [("A", "a", int), ("A", "b", int)])
        }
    }
    struct Itself;
    impl Gob for Itself {
        fn describe(types: &mut Builder) -> Ref {
            types.of::<Option<Box<Self>>>()
        }
    }
    for (schema, reason) in [
        (Schema::of::<Option<Option<i32>>>(), "option of an option"),
        (
            Schema::of::<Option<Box<Option<i32>>>>(),
            "option of an option",
        ),
        (Schema::of::<Twice>(), "two fields of `Twice` are named `A`"),
        (Schema::of::<Itself>(), "nothing but itself"),
    ] {
        let error = schema.check().unwrap_err();
        assert_eq!(error.category(), Category::Unsupported);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn dynamic_types_have_numbers_and_a_bound_of_their_own() {
    let dynamics = Dynamics::new(1);
    let nodes = |len| {
        let mut builder = Builder::new();
        let int = builder.int();
        let root = builder.array(int, len);
        Ok(builder.nodes(root).unwrap())
    };
    let first = dynamics.schema(b"one", || nodes(1)).unwrap();
    assert_eq!(first.id(), Some(Id::new(1 << 24)));
    let again = dynamics.schema(b"uno", || nodes(1)).unwrap();
    assert_eq!(again.id(), first.id());
    let known = dynamics.schema(b"one", || panic!("made again"));
    assert_eq!(known.unwrap().id(), first.id());
    let error = dynamics.schema(b"two", || nodes(2)).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
    assert!(error.to_string().contains("`types`"), "{error}");
}

#[test]
fn dynamic_types_that_spell_each_other_out_are_bounded() {
    let dynamics = Dynamics::new(1000);
    let nested = |depth| {
        let mut builder = Builder::new();
        let mut inner = builder.int();
        for i in 0..depth {
            let name = format!("{i:0>100}");
            inner = builder.structure(&name, [("Inner", "Inner", inner)]);
        }
        Ok(builder.nodes(inner).unwrap())
    };
    assert!(dynamics.schema(b"few", || nested(50)).is_ok());
    let error = dynamics.schema(b"many", || nested(500)).unwrap_err();
    assert_eq!(error.category(), Category::Limit);
}
