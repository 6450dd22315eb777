//! What a request says, by its head.

use std::time::Duration;

use hyper::header;
use hyper::http::request::Parts;
use wgrpc_core::Address;

use crate::api;
use crate::error::{Error, Result};
use crate::lease::{ServerMeta, check_group};

/// Whether it was a page in somebody's browser that made the request. Such pages come from
/// anywhere, and run where the registry can be reached. Who opens the registry in a browser by
/// hand may.
pub(super) fn is_from_a_page(head: &Parts) -> bool {
    let site = head.headers.get("sec-fetch-site");
    head.headers.contains_key(header::ORIGIN) || site.is_some_and(|site| site != "none")
}

pub(super) fn is_authorized(head: &Parts, token: Option<&str>) -> Result<()> {
    let Some(token) = token else { return Ok(()) };
    let given = head
        .headers
        .get(header::AUTHORIZATION)
        .map(|given| given.as_bytes());
    let given = given.and_then(|given| given.strip_prefix(api::BEARER.as_bytes()));
    match given {
        Some(given) if is_same(given, token.as_bytes()) => Ok(()),
        _ => Err(Error::Unauthorized),
    }
}

/// Takes the same time wherever the two differ, so that it cannot be used to guess.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(difference) == 0
}

/// The address of the server that is meant, in either spelling; `None` if it is missing or empty.
pub(super) fn address(head: &Parts) -> Result<Option<Address>> {
    let usual = text(head, api::SERVER)?;
    let later = text(head, api::SERVER_ADDR)?;
    let given = usual
        .filter(|it| !it.is_empty())
        .or(later)
        .unwrap_or_default();
    if given.is_empty() {
        return Ok(None);
    }
    Ok(Some(given.parse()?))
}

/// The group that is meant, if one is named.
pub(super) fn group(head: &Parts) -> Result<Option<&str>> {
    let group = text(head, api::SERVER_NAME)?.filter(|group| !group.is_empty());
    group.map_or(Ok(()), check_group)?;
    Ok(group)
}

/// How long the server asks to live; `None` if it leaves that to the registry.
pub(super) fn ttl(head: &Parts) -> Result<Option<Duration>> {
    let Some(given) = text(head, api::TTL)? else {
        return Ok(None);
    };
    Ok(Some(millis(api::TTL, given)?).filter(|ttl| !ttl.is_zero()))
}

pub(super) fn meta(head: &Parts) -> Result<ServerMeta> {
    let Some(given) = text(head, api::META)? else {
        return Ok(ServerMeta::default());
    };
    let wrong = |error| Error::Invalid(format!("the header {} is wrong: {error}", api::META));
    serde_json::from_str(given).map_err(wrong)
}

/// Whether the client would rather have JSON.
pub(super) fn wants_json(head: &Parts) -> bool {
    let accepted = head.headers.get_all(header::ACCEPT).iter();
    accepted
        .filter_map(|accept| accept.to_str().ok())
        .any(|accept| {
            let mut types = accept.split(',').filter_map(|one| one.split(';').next());
            types.any(|one| one.trim().eq_ignore_ascii_case(api::JSON))
        })
}

/// A header that may be there once, as text.
fn text<'a>(head: &'a Parts, name: &str) -> Result<Option<&'a str>> {
    let mut values = head.headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Error::Invalid(format!("the header {name} is there twice")));
    }
    let wrong = |_| Error::Invalid(format!("the header {name} is not UTF-8"));
    let text = std::str::from_utf8(value.as_bytes()).map_err(wrong)?;
    Ok(Some(text.trim()))
}

fn millis(name: &str, given: &str) -> Result<Duration> {
    let wrong = |_| Error::Invalid(format!("{name} must be a number of milliseconds"));
    given.parse().map(Duration::from_millis).map_err(wrong)
}

/// What the query of a GET says. Parameters that are not known are ignored.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) is_json: bool,
    pub(super) watch: Option<u64>,
    pub(super) wait: Option<Duration>,
    pub(super) are_changes_enough: bool,
}

impl Query {
    pub(super) fn of(head: &Parts) -> Result<Self> {
        let mut query = Self::default();
        for parameter in head.uri.query().unwrap_or_default().split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                api::QUERY_FORMAT if value == "json" => query.is_json = true,
                api::QUERY_FORMAT => {
                    return Err(Error::Invalid("the only format is json".to_owned()));
                }
                api::QUERY_WATCH => {
                    let wrong = |_| Error::Invalid("watch must be a revision".to_owned());
                    query.watch = Some(value.parse().map_err(wrong)?);
                }
                api::QUERY_WAIT => query.wait = Some(millis(name, value)?),
                api::QUERY_CHANGES => query.are_changes_enough = true,
                _ => {}
            }
        }
        Ok(query)
    }
}
