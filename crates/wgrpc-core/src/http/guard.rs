//! Who may see the debug page.
//!
//! "From this machine" is not enough: a browser on it also runs the pages of strangers. Their
//! requests are told by the name that they ask for (a stranger's domain may lead to our loopback
//! address) and by what the browser says of where they come from.

use hyper::header::{HOST, HeaderName, ORIGIN};
use hyper::http::request::Parts;

use super::DebugPage;
use crate::transport::Peer;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The names under which a loopback address is asked for.
const THIS_MACHINE: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whether the request may see the page; if not, why.
pub(super) fn check(head: &Parts, setting: DebugPage, local: &Peer) -> Result<(), &'static str> {
    if setting == DebugPage::Auto {
        if !local.is_loopback() {
            return Err("this page is shown to clients on the server's own machine only");
        }
        // Nobody reaches a Unix socket by a name.
        if matches!(local, Peer::Tcp(_)) && !asks_for_this_machine(head) {
            return Err("ask for this page under the name localhost");
        }
    }
    // With a GET, browsers name the origin only of what another origin's page has asked for.
    if head.headers.contains_key(ORIGIN) || !is_own_site(head) {
        return Err("this page is not shown to other sites: open its address yourself");
    }
    Ok(())
}

fn asks_for_this_machine(head: &Parts) -> bool {
    // A whole URI instead of a path has a host of its own; only proxies are asked that way.
    let is_path = head.uri.authority().is_none();
    let mut hosts = head.headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    is_path && host.to_str().is_ok_and(names_this_machine)
}

fn names_this_machine(host: &str) -> bool {
    THIS_MACHINE.into_iter().any(|name| {
        let rest = host
            .split_at_checked(name.len())
            .filter(|(start, _)| start.eq_ignore_ascii_case(name));
        rest.is_some_and(|(_, rest)| rest.is_empty() || is_port(rest))
    })
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| {
        (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether the user or a page of ours asks, as far as the browser says.
fn is_own_site(head: &Parts) -> bool {
    let mut sites = head.headers.get_all(SEC_FETCH_SITE).iter();
    sites.all(|site| ["none", "same-origin"].contains(&site.to_str().unwrap_or_default()))
}
