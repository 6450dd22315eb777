//! The words of the registry's wire, each of them once: path, headers, query and the JSON forms.
//!
//! The Go original spelt these in three places, which came to disagree. `docs/protocol.md` says
//! what they mean; header names are compared without regard to case, as everywhere in HTTP.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::lease::{Changes, Listing, Server, ServerMeta};

/// Where a registry is, on its host.
pub const PATH: &str = "/wgrpc/registry";

/// POST and DELETE: the address that is meant.
pub const SERVER: &str = "x-wgrpc-server";

/// The same in later versions of the Go original. In the answer to a GET that has a
/// [`SERVER_NAME`], one server of that name.
pub const SERVER_ADDR: &str = "x-wgrpc-server-addr";

/// The group that a server belongs to, or that is asked for; without it, every group.
pub const SERVER_NAME: &str = "x-wgrpc-server-name";

/// The answer to a GET: the addresses of live servers, sorted, with commas between them.
pub const SERVERS: &str = "x-wgrpc-servers";

/// POST: how long the server wants to be believed alive, in milliseconds; in the answer, how long
/// it is. 0 is for ever.
pub const TTL: &str = "x-wgrpc-ttl";

/// POST: a [`ServerMeta`] as JSON.
pub const META: &str = "x-wgrpc-meta";

/// What stands before the token in the header `authorization`.
pub const BEARER: &str = "Bearer ";

/// The media type of a listing that says everything.
pub const JSON: &str = "application/json";

/// In the query of a GET: `format=json` asks for such a listing, as the header `accept` does.
pub const QUERY_FORMAT: &str = "format";

/// In the query of a GET: the revision that the client has. The answer, in JSON, comes when there
/// is another one; it is "not modified" if there still is none when the time is up.
pub const QUERY_WATCH: &str = "watch";

/// In the query of a watch: for how many milliseconds it may wait for news. With 0 it waits for
/// nothing, and only asks whether there is news.
pub const QUERY_WAIT: &str = "wait";

/// In the query of a watch, with no value: what has changed is enough of an answer.
pub const QUERY_CHANGES: &str = "changes";

/// A [`Listing`] or [`Changes`] in JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ListingForm {
    /// Another one whenever something else is listed, or `warming` is over; never 0.
    pub revision: u64,
    /// The registry has just started and does not know all servers yet.
    #[serde(default)]
    pub warming: bool,
    /// Only what has changed since this revision is told; without it, everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The servers, sorted by address.
    pub servers: Vec<ServerForm>,
    /// Those that are gone, if only changes are told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<GoneForm>,
}

/// A server that is gone, in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GoneForm {
    /// Where it was: `protocol@address`.
    pub address: String,
    /// The group that it belonged to; empty for none.
    #[serde(default)]
    pub group: String,
}

/// A [`Server`] in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerForm {
    /// Where it is: `protocol@address`.
    pub address: String,
    /// The group that it belongs to; empty for none.
    #[serde(default)]
    pub group: String,
    /// What it says of itself.
    #[serde(default)]
    pub meta: ServerMeta,
    /// How long ago it was last heard of, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
}

impl From<&Listing> for ListingForm {
    fn from(listing: &Listing) -> Self {
        Self {
            revision: listing.revision,
            warming: listing.is_warming,
            servers: listing.servers.iter().map(ServerForm::from).collect(),
            ..Self::default()
        }
    }
}

impl From<&Changes> for ListingForm {
    fn from(changes: &Changes) -> Self {
        let gone = changes.gone.iter().map(|(group, address)| GoneForm {
            address: address.to_string(),
            group: group.clone(),
        });
        Self {
            revision: changes.revision,
            warming: changes.is_warming,
            servers: changes.servers.iter().map(ServerForm::from).collect(),
            gone: gone.collect(),
            ..Self::default()
        }
    }
}

impl From<&Server> for ServerForm {
    fn from(server: &Server) -> Self {
        Self {
            address: server.address.to_string(),
            group: server.group.clone(),
            meta: server.meta.clone(),
            age_ms: server.age.map(millis),
        }
    }
}

/// A duration as the wire has it: whole milliseconds.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
