//! Which attributes are added to what.

use super::*;

/// The attributes of the type and of its fields once `#[message]` has been there.
fn attributes(options: &Options, item: &str) -> Vec<String> {
    let expanded = extend(options, syn::parse_str(item).unwrap()).unwrap();
    let file: syn::File = syn::parse2(expanded).unwrap();
    let (mut attrs, fields) = match &file.items[0] {
        Item::Struct(item) => (item.attrs.clone(), item.fields.clone()),
        Item::Enum(item) => (item.attrs.clone(), item.variants[0].fields.clone()),
        _ => panic!("{item}"),
    };
    attrs.extend(fields.into_iter().flat_map(|field| field.attrs));
    (attrs.iter())
        .map(|attr| attr.meta.to_token_stream().to_string().replace(' ', ""))
        .collect()
}

/// Those that are not there every time.
fn changing_attributes(item: &str) -> Vec<String> {
    let mut attributes = attributes(&Options::default(), item);
    attributes.retain(|attr| !attr.starts_with("derive") && !attr.contains("crate="));
    attributes
}

#[test]
fn derives_are_added_where_they_are_missing() {
    for (item, derive) in [
        ("struct S;", "Serialize,serde::Deserialize,wgrpc_gob::Gob"),
        (
            "#[derive(Debug, Clone)] struct S;",
            "Serialize,serde::Deserialize,wgrpc_gob::Gob",
        ),
        (
            "#[derive(serde::Serialize)] struct S;",
            "Deserialize,wgrpc_gob::Gob",
        ),
        (
            "#[derive(Gob)] #[derive(Deserialize, Serialize)] struct S;",
            "",
        ),
    ] {
        let first = attributes(&Options::default(), item).swap_remove(0);
        let first = first
            .replace("::wgrpc::__private::", "")
            .replace("serde::", "");
        assert_eq!(
            first,
            format!("derive({})", derive.replace("serde::", "")),
            "{item}"
        );
    }
}

#[test]
fn paths_lead_through_the_crate_that_is_named() {
    let all = attributes(&Options::default(), "struct S;");
    assert_eq!(
        all[1..],
        [
            "gob(crate=\"::wgrpc::__private::wgrpc_gob\")",
            "serde(crate=\"::wgrpc::__private::serde\")"
        ]
    );
    let renamed = Options {
        krate: Some(parse_quote!(other::rpc)),
        ..Options::default()
    };
    let all = attributes(&renamed, "struct S { data: Vec<u8> }").join(" ");
    assert!(
        all.contains("derive(other::rpc::__private::serde::Serialize"),
        "{all}"
    );
    assert!(
        all.contains("other::rpc::__private::wgrpc_gob::adapt::bytes"),
        "{all}"
    );
    assert!(!all.contains("::wgrpc::"), "{all}");
}

#[test]
fn names_become_those_of_go_unless_told_otherwise() {
    let pascal = "serde(rename_all=\"PascalCase\")";
    let camel = "serde(rename_all=\"camelCase\")";
    for (item, expected) in [
        ("struct S { a: i64 }", &[pascal][..]),
        (
            "#[serde(rename_all = \"camelCase\")] struct S { a: i64 }",
            &[camel],
        ),
        ("struct S(i64);", &[]),
        ("enum E { A, B }", &[]),
        (
            "enum E { A { a: i64 } }",
            &["serde(rename_all_fields=\"PascalCase\")"],
        ),
        (
            "#[serde(rename_all = \"camelCase\")] enum E { A { a: i64 } }",
            &["serde(rename_all_fields=\"PascalCase\")", camel],
        ),
    ] {
        assert_eq!(changing_attributes(item), expected, "{item}");
    }
    let exact = Options {
        is_exact: true,
        ..Options::default()
    };
    assert_eq!(
        attributes(&exact, "struct S { a: i64 }").last().unwrap(),
        "gob(exact)"
    );
}

#[test]
fn fields_that_go_sees_otherwise_are_adapted() {
    let adapted = |field: &str| {
        let attributes = changing_attributes(&format!("struct S({field}, i64);"));
        attributes
            .join(" ")
            .replace("::wgrpc::__private::wgrpc_gob::adapt::", "")
    };
    for (field, expected) in [
        ("Vec<u8>", "serde(with=\"bytes\")"),
        ("std::vec::Vec<u8>", "serde(with=\"bytes\")"),
        ("Option<Vec<u8>>", "serde(with=\"bytes\") serde(default)"),
        (
            "#[serde(default)] Option<Vec<u8>>",
            "serde(default) serde(with=\"bytes\")",
        ),
        ("bytes::Bytes", "serde(with=\"bytes\")"),
        ("Option<Bytes>", "serde(with=\"bytes\") serde(default)"),
        ("std::time::Duration", "serde(with=\"duration\")"),
        (
            "Option<Duration>",
            "serde(with=\"duration\") serde(default)",
        ),
        ("SystemTime", "serde(with=\"time\")"),
        ("IpAddr", "serde(with=\"ip\")"),
        ("SocketAddr", "serde(with=\"netip_addr_port\")"),
        ("u128", "serde(with=\"big_int\")"),
        ("Vec<i8>", ""),
        ("Vec<Vec<u8>>", ""),
        ("#[serde(with = \"mine\")] Vec<u8>", "serde(with=\"mine\")"),
        ("#[gob(as = \"i64\")] Duration", "gob(as=\"i64\")"),
        ("#[serde(skip)] Duration", "serde(skip)"),
    ] {
        assert_eq!(adapted(field), expected, "{field}");
    }
    let in_variant = changing_attributes("enum E { A(Vec<u8>) }");
    assert_eq!(in_variant.len(), 1, "{in_variant:?}");
}

#[test]
fn only_an_enum_without_data_can_be_an_int() {
    let int = Options {
        is_int: true,
        ..Options::default()
    };
    for item in ["struct S;", "enum E { A(i64) }"] {
        assert!(extend(&int, syn::parse_str(item).unwrap()).is_err());
    }
    let all = attributes(&int, "enum E { A, B }");
    assert_eq!(all[0], "derive(::wgrpc::__private::wgrpc_gob::Gob)");
    assert_eq!(all.last().unwrap(), "gob(int)");
}
