//! What the page shows, and that nothing in it can be taken for markup.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::super::MethodInfo;
use super::*;

fn service(name: &str, methods: &[(&str, u64)]) -> ServiceInfo {
    let method = |(name, calls): &(&str, u64)| MethodInfo {
        name: (*name).to_owned(),
        signature: format!("{name}(Args{{A int, B int}}) int"),
        calls: *calls,
    };
    ServiceInfo {
        name: name.to_owned(),
        methods: methods.iter().map(method).collect(),
    }
}

#[test]
fn services_and_methods_are_sorted_with_signatures_and_calls() {
    let page = render(vec![
        service("Echo", &[("Echo", 0)]),
        service("Arith", &[("Multiply", 1234), ("Divide", 7)]),
    ]);
    let positions: Vec<_> = [
        "<title>WgRPC</title>",
        "<p>2 services, 3 methods</p>",
        "<h2>Arith</h2>",
        "<td><code>Divide(Args{A int, B int}) int</code></td><td>7</td>",
        "<td><code>Multiply(Args{A int, B int}) int</code></td><td>1234</td>",
        "<h2>Echo</h2>",
        "<td><code>Echo(Args{A int, B int}) int</code></td><td>0</td>",
    ]
    .map(|part| {
        page.find(part)
            .unwrap_or_else(|| panic!("no {part} in {page}"))
    })
    .into();
    assert!(positions.is_sorted(), "{positions:?}");
}

#[test]
fn a_server_without_services_has_a_page_too() {
    assert!(render(Vec::new()).contains("<p>0 services, 0 methods</p>"));
    assert!(render(vec![service("A", &[("B", 0)])]).contains("<p>1 service, 1 method</p>"));
}

#[test]
fn the_policy_allows_just_the_style_of_the_page() {
    let page = render(Vec::new());
    let (_, rest) = page.split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let hash = STANDARD.encode(Sha256::digest(style));
    let expected = format!("style-src 'sha256-{hash}'");
    assert!(CONTENT_SECURITY_POLICY.contains(&expected), "{expected}");
    assert!(!page.contains(" style="), "an attribute has no hash");
}

#[test]
fn ten_thousand_methods_stay_under_four_mebibytes() {
    let names: Vec<_> = (0..10_000)
        .map(|number| format!("Method{number}"))
        .collect();
    let methods: Vec<_> = names.iter().map(|name| (name.as_str(), u64::MAX)).collect();
    assert!(render(vec![service("Large", &methods)]).len() < 4 << 20);
}

proptest! {
    #[test]
    fn no_name_or_signature_can_be_markup(name in "(\\PC|[<>&\"']){0,20}", signature: String) {
        let method = MethodInfo { name: "M".to_owned(), signature: signature.clone(), calls: 0 };
        let page = render(vec![ServiceInfo { name: name.clone(), methods: vec![method] }]);
        let escape = |text: &str| {
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
        };
        let heading = format!("<h2>{}</h2>", escape(&name));
        prop_assert!(page.contains(&heading));
        let cell = format!("<code>{}</code>", escape(&signature));
        prop_assert!(page.contains(&cell));
    }
}
