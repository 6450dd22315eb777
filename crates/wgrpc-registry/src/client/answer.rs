//! What a registry lists, in either of its languages, as far as it can be believed.

use std::collections::HashSet;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header;
use wgrpc_core::Address;

use super::exchange::Answer;
use crate::api::{self, GoneForm, ListingForm, ServerForm};
use crate::lease::{Listing, Server, check_group};
use crate::policy;

/// The most servers that a registry can list; ours has no more either.
const SERVERS_MAX: usize = 10_000;

/// The listing, or what is wrong with it. Whoever has a listing `known` may be told only what has
/// changed since.
pub(super) fn listing(
    answer: &Answer,
    known: Option<&Listing>,
    is_local: bool,
) -> Result<Listing, String> {
    let headers = &answer.head.headers;
    let form = if is_json(headers) {
        let form: ListingForm = serde_json::from_slice(&answer.body)
            .map_err(|error| format!("its listing cannot be read: {error}"))?;
        ListingForm {
            // Only a registry that does not count has 0.
            revision: form.revision.max(1),
            ..form
        }
    } else if let Some(servers) = headers.get(api::SERVERS) {
        original(servers.as_bytes())?
    } else if let Some(server) = headers.get(api::SERVER_ADDR) {
        original(server.as_bytes())?
    } else {
        return Err("it has no listing".to_owned());
    };
    if form.servers.len() > SERVERS_MAX {
        return Err(format!("it lists more than {SERVERS_MAX} servers"));
    }
    let listed = form.servers.len();
    let believed = form
        .servers
        .into_iter()
        .filter_map(|server| believe(server, is_local));
    let mut servers: Vec<_> = believed.collect();
    if let Some(since) = form.since {
        let known = known.filter(|known| known.revision == since);
        let known = known.ok_or("it tells changes of a list that nobody has")?;
        servers.extend(unchanged(known, &servers, &form.gone));
        if servers.len() > SERVERS_MAX {
            return Err(format!("it lists more than {SERVERS_MAX} servers"));
        }
    } else if servers.is_empty() && listed > 0 {
        return Err(format!(
            "of the {listed} addresses that it lists none can be used"
        ));
    }
    Server::sort(&mut servers);
    servers.dedup_by(|one, other| one.address == other.address && one.group == other.group);
    Ok(Listing {
        revision: form.revision,
        is_warming: form.warming,
        servers,
    })
}

/// The servers that are as they were. When they were last heard of is not known any more.
fn unchanged(known: &Listing, changed: &[Server], gone: &[GoneForm]) -> Vec<Server> {
    let gone = gone.iter().filter_map(|it| {
        let address: Address = it.address.parse().ok()?;
        Some((&*it.group, address))
    });
    let changed = changed.iter().map(|it| (&*it.group, it.address.clone()));
    let others: HashSet<_> = gone.chain(changed).collect();
    let servers = known
        .servers
        .iter()
        .cloned()
        .map(|it| Server { age: None, ..it });
    servers
        .filter(|it| !others.contains(&(&*it.group, it.address.clone())))
        .collect()
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers
        .get(header::CONTENT_TYPE)
        .and_then(|media| media.to_str().ok());
    let media = media.and_then(|media| media.split(';').next());
    media.is_some_and(|media| media.trim().eq_ignore_ascii_case(api::JSON))
}

/// Addresses with commas between them: all that the Go original says.
fn original(servers: &[u8]) -> Result<ListingForm, String> {
    let servers = std::str::from_utf8(servers).map_err(|_| "its listing is not UTF-8")?;
    let addresses = servers
        .split(',')
        .map(str::trim)
        .filter(|address| !address.is_empty());
    let servers = addresses.take(SERVERS_MAX + 1).map(|address| ServerForm {
        address: address.to_owned(),
        group: String::new(),
        meta: Default::default(),
        age_ms: None,
    });
    Ok(ListingForm {
        servers: servers.collect(),
        ..ListingForm::default()
    })
}

/// A server that can be used. Others are left out: a later version may list what this one does not
/// know, and anybody may have registered anything.
fn believe(server: ServerForm, is_local: bool) -> Option<Server> {
    let address = server.address.parse().ok()?;
    let is_fine = policy::check(&address).is_ok() && check_group(&server.group).is_ok();
    if !is_fine || (policy::is_this_machine(&address) && !is_local) {
        tracing::debug!(%address, "the registry lists a server that is not to be called");
        return None;
    }
    Some(Server {
        address,
        group: server.group,
        meta: server.meta,
        age: server.age_ms.map(Duration::from_millis),
    })
}
