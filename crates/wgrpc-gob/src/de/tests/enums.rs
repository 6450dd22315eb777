//! Enums: from names, numbers, structs of variants and interfaces.

use serde::{Deserialize, Serialize};

use super::*;
use crate::{Gob, Interface, to_vec};

#[derive(Debug, PartialEq, Deserialize)]
enum Color {
    Red,
    #[serde(alias = "Verdant")]
    DarkGreen,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Gob)]
struct Square {
    #[serde(rename = "Side")]
    side: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Gob)]
enum Shape {
    Nothing,
    Circle(f64),
    Square(Square),
    Line(i64, i64),
    Box { width: u8, height: u8 },
}

#[test]
fn a_variant_without_data_is_a_name_or_a_number() {
    assert_eq!(one::<Color>("06 0c 00 03 526564").unwrap(), Color::Red);
    let green = "0d 0c 00 0a 6461726b5f677265656e"; // dark_green
    assert_eq!(one::<Color>(green).unwrap(), Color::DarkGreen);
    let verdant = "0a 0c 00 07 56657264616e74";
    assert_eq!(one::<Color>(verdant).unwrap(), Color::DarkGreen);
    assert_eq!(one::<Color>("03 04 00 02").unwrap(), Color::DarkGreen);
    assert_eq!(one::<Color>("03 06 00 00").unwrap(), Color::Red);
    assert!(error::<Color>("03 06 00 02").to_string().contains("2"));
    assert!(error::<Color>("03 04 00 01").to_string().contains("Color"));
    let blue = error::<Color>("07 0c 00 04 426c7565");
    assert!(
        blue.to_string().contains("unknown variant `Blue`"),
        "{blue}"
    );
}

#[test]
fn a_variant_with_data_is_the_one_field_that_is_present() {
    for shape in [
        Shape::Nothing,
        Shape::Circle(0.0),
        Shape::Circle(1.5),
        Shape::Square(Square { side: 2.0 }),
        Shape::Line(0, -1),
        Shape::Box {
            width: 1,
            height: 0,
        },
    ] {
        assert_eq!(
            from_slice::<Shape>(&to_vec(&shape).unwrap()).unwrap(),
            shape
        );
    }
}

/// struct Shape { Circle float; Square struct { Side float } }
const SHAPE: [&str; 2] = [
    "7f03 0101 055368617065 01ff80 00 01 02 \
     0106436972636c65 0108 00 0106537175617265 01ff82 00 00 00",
    "ff8103 0101 06537175617265 01ff82 00 01 01 010453696465 0108 00 00 00",
];

#[test]
fn none_or_two_variants_at_once_are_refused_by_the_name_of_the_enum() {
    let shape = |value: &str| one::<Shape>(&stream(&[SHAPE[0], SHAPE[1], value]));
    assert_eq!(shape("ff80 01 fef83f 00").unwrap(), Shape::Circle(1.5));
    // An explicit zero is a variant too.
    assert_eq!(shape("ff80 01 00 00").unwrap(), Shape::Circle(0.0));
    assert_eq!(
        shape("ff80 02 00 00").unwrap(),
        Shape::Square(Square { side: 0.0 })
    );
    let none = shape("ff80 00").unwrap_err();
    assert!(none.to_string().contains("`Shape` is absent"), "{none}");
    let both = shape("ff80 01 fef83f 01 00 00").unwrap_err();
    assert!(
        both.to_string()
            .contains("two variants at once, `Circle` and `Square`"),
        "{both}"
    );
    assert!(both.is_stream_usable());
}

#[test]
fn an_absent_enum_is_an_error_unless_it_has_an_answer() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Known {
        Red,
        #[serde(other)]
        Other,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Painted<C> {
        color: C,
        size: i64,
    }
    // struct { Color string; Size int }, of which only the size is sent.
    let definition = "7f03 02 02 0105436f6c6f72 010c 00 010453697a65 0104 00 00 00";
    let absent = stream(&[definition, "ff80 02 02 00"]);
    let error = one::<Painted<Color>>(&absent).unwrap_err();
    assert_eq!(error.path(), "color");
    assert!(error.to_string().contains("`Color` is absent"), "{error}");
    assert_eq!(one::<Painted<Known>>(&absent).unwrap().color, Known::Other);
    assert_eq!(one::<Painted<Option<Color>>>(&absent).unwrap().color, None);
    assert_eq!(Known::Red, one("06 0c 00 03 526564").unwrap());

    // The sender does not know it at all.
    let error = one::<Painted<Color>>(&format!("{POINT} 05ff80010200")).unwrap_err();
    assert_eq!(error.category(), Category::Mismatch, "{error}");
}

#[test]
fn what_stands_in_an_interface_is_the_variant_of_its_registered_name() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Any {
        Square(Square),
        #[serde(rename = "int")]
        Int(i64),
        Nothing,
    }
    let any = |name: &str, value: Interface| {
        let interface = Interface {
            name: name.to_owned(),
            ..value
        };
        from_slice::<Any>(&to_vec(&interface).unwrap())
    };
    let square = || Interface::new("", &Square { side: 1.0 }).unwrap();
    let expected = Any::Square(Square { side: 1.0 });
    for name in [
        "main.Square",
        "*shapes.Square",
        "example.com/a.b/shapes.Square",
        "Square",
    ] {
        assert_eq!(any(name, square()).unwrap(), expected, "{name}");
    }
    assert_eq!(any("int", Interface::from(7i64)).unwrap(), Any::Int(7));
    assert_eq!(any("main.Nothing", square()).unwrap(), Any::Nothing);
    assert!(any("main.Other", square()).is_err());
    // Nil.
    assert!(error::<Any>("03 10 00 00").to_string().contains("`Any`"));
}

#[test]
fn enums_that_serde_reads_from_anything_work_where_the_value_tells_enough() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(i64),
        Text(String),
        Point { x: i64, y: i64 },
    }
    assert_eq!(one::<Untagged>("03040006").unwrap(), Untagged::Number(3));
    let text = one::<Untagged>("070c000468c3a979").unwrap();
    assert_eq!(text, Untagged::Text("héy".to_owned()));
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Upper {
        Point {
            #[serde(rename = "X")]
            x: i64,
            #[serde(rename = "Y")]
            y: i64,
        },
    }
    // A zero field is there as well.
    let point = one::<Upper>(&format!("{POINT} 05ff80010200")).unwrap();
    assert_eq!(point, Upper::Point { x: 1, y: 0 });
}
