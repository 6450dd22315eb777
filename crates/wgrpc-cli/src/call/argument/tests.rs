//! What arguments are in gob: types in Go's notation, values in the lossless form.

use wgrpc::gob::{Dynamic, Json};

use super::Argument;

fn argument(text: &str) -> Result<Argument, String> {
    Argument::of(serde_json::from_str(text).unwrap())
}

#[track_caller]
fn check(text: &str, ty: &str, value: &str) {
    let dynamic = Dynamic::new(&Json(argument(text).unwrap())).unwrap();
    assert_eq!(
        (dynamic.schema.to_string(), dynamic.to_lossless()),
        (ty.into(), value.into())
    );
}

#[test]
fn json_means_what_a_go_program_most_likely_wants() {
    check("7", "int", "7");
    check("-7.5", "float64", "-7.5");
    check("18446744073709551615", "uint", "18446744073709551615");
    check("true", "bool", "true");
    check(r#""é""#, "string", r#""é""#);
    check("[1,2]", "[]int", "[1,2]");
    check("[1,2.5]", "[]float64", "[1.0,2.5]");
    check("{}", "struct{}", "{}");
    check(
        r#"{"B":1,"A":{"user_id":"x","N":null}}"#,
        "struct{B int, A struct{UserId string}}",
        r#"{"B":1,"A":{"UserId":"x"}}"#,
    );
}

#[test]
fn what_json_cannot_say_is_said_by_a_dollar_sign() {
    check(r#"{"$uint":7}"#, "uint", "7");
    check(
        r#"{"$uint":18446744073709551615}"#,
        "uint",
        "18446744073709551615",
    );
    check(r#"{"$float":7}"#, "float64", "7.0");
    check(
        r#"{"$float":"NaN"}"#,
        "float64",
        r#"{"$f64":"7ff8000000000000"}"#,
    );
    check(r#"{"$bytes":"aGk="}"#, "[]byte", r#"{"$hex":"6869"}"#);
    check(
        r#"{"$time":"1970-01-01T00:00:00Z"}"#,
        "Time",
        r#"{"$opaque":"gob","hex":"010000000e7791f70000000000ffff"}"#,
    );
    check(
        r#"{"$map":{"a":1}}"#,
        "map[string]int",
        r#"{"$map":[["a",1]]}"#,
    );
    check(
        r#"{"$map":[[{"$uint":2},"b"],[{"$uint":1},"a"]]}"#,
        "map[uint]string",
        r#"{"$map":[[1,"a"],[2,"b"]]}"#,
    );
    check(
        r#"{"A":{"$uint":7},"B":[{"$float":1},{"$float":2}]}"#,
        "struct{A uint, B []float64}",
        r#"{"A":7,"B":[1.0,2.0]}"#,
    );
}

#[test]
fn an_interface_has_the_name_of_what_it_holds() {
    check(r#"{"$any":null}"#, "any", "null");
    check(r#"{"$any":7}"#, "any", r#"{"$iface":"int","value":7}"#);
    check(
        r#"{"$any":{"$bytes":""}}"#,
        "any",
        r#"{"$iface":"[]uint8","value":{"$hex":""}}"#,
    );
    check(
        r#"{"V":{"$any":{"X":1},"name":"main.Point"}}"#,
        "struct{V any}",
        r#"{"V":{"$iface":"main.Point","value":{"X":1}}}"#,
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    for (text, reason) in [
        (r#"{"$uint":-1}"#, "`$uint` wants a whole number from 0 up"),
        (r#"{"$float":true}"#, "`$float` wants a number"),
        (
            r#"{"$bytes":"?"}"#,
            "`$bytes`: Invalid symbol 63, offset 0.",
        ),
        (
            r#"{"$nope":1}"#,
            "`$nope` is unknown: see `wgrpc call --help`",
        ),
        (
            r#"{"$uint":1,"a":2}"#,
            "`$uint` does not stand alone in its object",
        ),
        (
            r#"{"$map":[[1]]}"#,
            "`$map` wants an object, or a list of [key,value]",
        ),
    ] {
        assert_eq!(argument(text), Err(reason.to_owned()), "{text}");
    }
    let reason = argument(r#"{"$any":{"X":1}}"#).unwrap_err();
    assert!(reason.contains("main.Point"), "{reason}");
}
