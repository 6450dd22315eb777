//! The debug page: services, methods and calls, as Go's net/rpc shows them.

use maud::{DOCTYPE, PreEscaped, html};

use super::ServiceInfo;

/// Nothing but the page's own style: no script, no picture, no other site's frame.
pub(super) const CONTENT_SECURITY_POLICY: &str = concat!(
    "default-src 'none'; ",
    "style-src 'sha256-Ec9i5hoMVDTLZFFa3iXKcDBqtA7+mZd3Z9Cvt8MQ3aU='; ",
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The policy above names its hash: the tests say the new one when it changes.
const STYLE: &str = "
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 2rem 0 0.25rem; font-size: 1.125rem; overflow-wrap: anywhere; }
p { margin: 0; opacity: 0.7; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.375rem 0; text-align: left; vertical-align: baseline; }
tr { border-bottom: 1px solid rgb(128 128 128 / 0.35); }
th { font-size: 0.875rem; font-weight: normal; opacity: 0.7; }
code { font: 0.9375rem ui-monospace, monospace; overflow-wrap: anywhere; }
th + th, td + td { padding-left: 1rem; text-align: right; font-variant-numeric: tabular-nums; }
";

/// Services and their methods sorted by name.
pub(super) fn render(mut services: Vec<ServiceInfo>) -> String {
    services.sort_by(|a, b| a.name.cmp(&b.name));
    for service in &mut services {
        service.methods.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let methods = services.iter().map(|service| service.methods.len()).sum();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "WgRPC" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "WgRPC" }
                p { (count(services.len(), "service")) ", " (count(methods, "method")) }
                @for service in &services {
                    h2 { (service.name) }
                    (table(service))
                }
            }
        }
    };
    page.into_string()
}

fn table(service: &ServiceInfo) -> maud::Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Method" }
                    th scope="col" { "Calls" }
                }
            }
            tbody {
                @for method in &service.methods {
                    tr {
                        td { code { (method.signature) } }
                        td { (method.calls) }
                    }
                }
            }
        }
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests;
