//! What has no schema is refused in a sentence that says what to do.

use super::*;

fn refusal(input: &str) -> String {
    let input: DeriveInput = syn::parse_str(input).unwrap();
    match Model::parse(&input) {
        Ok(_) => panic!("a schema for {}", input.ident),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_has_no_static_form_is_refused() {
    for (input, reason) in [
        (
            "#[serde(tag = \"t\")] enum E { A { a: i64 } }",
            "depends on the value",
        ),
        (
            "#[serde(tag = \"t\", content = \"c\")] enum E { A(i64) }",
            "depends on the value",
        ),
        (
            "#[serde(untagged)] enum E { A(i64), B(String) }",
            "depends on the value",
        ),
        (
            "enum E { A(i64), #[serde(untagged)] B(String) }",
            "depends on the value",
        ),
        (
            "#[serde(tag = \"t\")] struct S { a: i64 }",
            "depends on the value",
        ),
        (
            "#[serde(remote = \"Other\")] struct S { a: i64 }",
            "`remote`",
        ),
        ("union U { a: i64, b: f64 }", "use an enum"),
        ("enum Never {}", "has no values"),
        (
            "struct S { #[serde(with = \"mine\")] a: i64 }",
            "#[gob(as = \"…\")]",
        ),
        (
            "struct S { #[serde(serialize_with = \"f\")] a: i64 }",
            "#[gob(schema = \"…\")]",
        ),
    ] {
        let refusal = refusal(input);
        assert!(refusal.contains(reason), "{input}: {refusal}");
    }
}

#[test]
fn names_that_clash_or_that_go_cannot_have_are_refused() {
    for (input, reason) in [
        (
            "struct S { a_b: i64, aB: i64 }",
            "two fields are named `AB` on the wire",
        ),
        (
            "struct S { a: i64, #[serde(rename = \"A\")] b: i64 }",
            "two fields are named `A`",
        ),
        (
            "enum E { A(i64), #[gob(name = \"A\")] B(i64) }",
            "two fields are named `A`",
        ),
        (
            "struct S { a: i64, #[serde(flatten)] b: T }",
            "serde has to call this `A` too",
        ),
        ("struct S { _1: i64 }", "no exported name like `_1`"),
        ("struct S(#[gob(name = \"X\")] i64, i64);", "have no names"),
        (
            "struct S { #[gob(name = \"\")] x: i64 }",
            "the name is empty",
        ),
    ] {
        let refusal = refusal(input);
        assert!(refusal.contains(reason), "{input}: {refusal}");
    }
    let skipped = "struct S { a: i64, #[serde(skip, rename = \"A\")] b: i64 }";
    assert!(Model::parse(&syn::parse_str(skipped).unwrap()).is_ok());
}

#[test]
fn attributes_in_the_wrong_place_are_refused() {
    for (input, reason) in [
        ("#[gob(int)] struct S;", "only an enum"),
        ("#[gob(int)] enum E { A(i64) }", "cannot be an int"),
        ("#[gob(int, interface)] enum E { A }", "choose"),
        (
            "#[gob(interface)] enum E { A(i64) }",
            "which name is this type registered under",
        ),
        (
            "enum E { #[gob(name = \"X\")] A }",
            "use #[serde(rename = \"…\")]",
        ),
        ("#[gob(nmae = \"X\")] struct S;", "takes `name`"),
        (
            "struct S { #[gob(int)] a: i64 }",
            "takes `name`, `as`, `schema` here",
        ),
        (
            "#[serde(transparent)] struct S { a: i64, b: i64 }",
            "exactly one field",
        ),
    ] {
        let refusal = refusal(input);
        assert!(refusal.contains(reason), "{input}: {refusal}");
    }
}
