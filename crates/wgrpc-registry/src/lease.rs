//! What a server registers, and what a client is told: plain data, with its limits.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wgrpc_core::Address;

use crate::error::{Error, Result};
use crate::policy;

/// The most bytes of an address.
pub(crate) const ADDRESS_MAX: usize = 256;

/// The most bytes of a group's name.
pub(crate) const GROUP_MAX: usize = 128;

/// The most bytes of all texts in a server's metadata.
const META_MAX: usize = 512;

/// The most entries that a server may add to its metadata.
const EXTRA_MAX: usize = 16;

/// A server that asks to be listed, or to stay so.
///
/// A group and an address name it: the same address in two groups is listed in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Where it can be called.
    #[serde(with = "as_text")]
    pub address: Address,
    /// The group that it belongs to; empty for none. At most 128 bytes.
    #[serde(default)]
    pub group: String,
    /// How long it is to be listed without being renewed. A client that leaves it open gets what
    /// is usual at the registry; to a [`Store`](crate::Store) `None` means for ever.
    #[serde(default, with = "as_millis", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// What it says of itself.
    #[serde(default)]
    pub meta: ServerMeta,
}

impl Registration {
    /// A registration of which only the address is known.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            group: String::new(),
            ttl: None,
            meta: ServerMeta::default(),
        }
    }

    /// Whether a registry may take it.
    ///
    /// # Errors
    /// If the address is none that others could and should connect to, or something is too long.
    pub fn check(&self) -> Result<()> {
        policy::check(&self.address)?;
        check_group(&self.group)?;
        self.meta.check()
    }
}

/// Whether a group may have this name.
pub(crate) fn check_group(group: &str) -> Result<()> {
    if group.len() > GROUP_MAX {
        return Err(too_long("the name of a group", GROUP_MAX));
    }
    if group.contains(char::is_control) {
        let text = "the name of a group contains a control character";
        return Err(Error::Invalid(text.to_owned()));
    }
    Ok(())
}

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerMeta {
    /// How much of the load it is to get, beside the others; 1 is usual, 0 is no new calls.
    pub weight: u32,
    /// The zone that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The version that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// It is about to go away: no new calls.
    #[serde(rename = "draining", skip_serializing_if = "std::ops::Not::not")]
    pub is_draining: bool,
    /// Whatever else its clients should know; at most 16 entries, and 512 bytes with zone and
    /// version.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

impl Default for ServerMeta {
    fn default() -> Self {
        Self {
            weight: 1,
            zone: None,
            version: None,
            is_draining: false,
            extra: BTreeMap::new(),
        }
    }
}

impl ServerMeta {
    /// Whether it should get calls while there are others.
    pub fn is_wanted(&self) -> bool {
        self.weight > 0 && !self.is_draining
    }

    fn check(&self) -> Result<()> {
        if self.extra.len() > EXTRA_MAX {
            let text = format!("the metadata has more than {EXTRA_MAX} entries of its own");
            return Err(Error::Invalid(text));
        }
        let texts = self.zone.iter().chain(&self.version);
        let entries = self.extra.iter().flat_map(|(key, value)| [key, value]);
        if texts.chain(entries).map(String::len).sum::<usize>() > META_MAX {
            return Err(too_long("the metadata", META_MAX));
        }
        Ok(())
    }
}

fn too_long(what: &str, most: usize) -> Error {
    Error::Invalid(format!("{what} is longer than {most} bytes"))
}

/// A server that a registry lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it can be called.
    pub address: Address,
    /// The group that it belongs to; empty for none, and from a Go registry.
    pub group: String,
    /// What it says of itself.
    pub meta: ServerMeta,
    /// How long ago it was last heard of; `None` if the registry does not say, as a Go registry, or
    /// as one of ours when it tells only what has changed, and nothing has about this server.
    pub age: Option<Duration>,
}

impl Server {
    /// The order of a listing.
    pub(crate) fn sort(servers: &mut [Self]) {
        servers.sort_by_cached_key(|it| (it.address.to_string(), it.group.clone()));
    }
}

/// Who is alive, as a registry sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Another one after every change, and a higher one unless the registry has lost its memory.
    /// 0 is a Go registry, which does not count; it cannot be watched either.
    pub revision: u64,
    /// The registry has just started, or what it keeps servers in is out of reach: there may be
    /// servers that it does not know yet.
    pub is_warming: bool,
    /// The servers, sorted by the text of their address, then by group.
    pub servers: Vec<Server>,
}

/// What makes one listing of another: what a registry tells those who know the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// That of the new listing.
    pub revision: u64,
    /// As in the new listing.
    pub is_warming: bool,
    /// The servers that are new, or say something else of themselves, in the order of a listing.
    pub servers: Vec<Server>,
    /// Those that are gone: group and address, in the same order.
    pub gone: Vec<(String, Address)>,
}

impl Changes {
    /// Puts the servers in order.
    pub(crate) fn sort(&mut self) {
        Server::sort(&mut self.servers);
        self.gone
            .sort_by_cached_key(|(group, address)| (address.to_string(), group.clone()));
    }

    /// Whether no server has changed.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.gone.is_empty()
    }
}

/// An address in JSON: its text.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use wgrpc_core::Address;

    pub(super) fn serialize<S: Serializer>(it: &Address, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(it)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Address, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A time to live in JSON: milliseconds, or nothing.
mod as_millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        it: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        it.map(crate::api::millis).serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        let millis = Option::<u64>::deserialize(from)?;
        Ok(millis.map(Duration::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration() -> Registration {
        Registration::new("tcp@10.0.0.1:9001".parse().unwrap())
    }

    #[test]
    fn json_has_what_is_not_usual() {
        let plain = serde_json::to_string(&registration()).unwrap();
        assert_eq!(
            plain,
            r#"{"address":"tcp@10.0.0.1:9001","group":"","meta":{"weight":1}}"#
        );
        let mut rich = registration();
        rich.ttl = Some(Duration::from_secs(90));
        rich.meta.zone = Some("b".to_owned());
        rich.meta.is_draining = true;
        let json = serde_json::to_string(&rich).unwrap();
        assert!(json.contains(r#""ttl":90000,"meta":{"weight":1,"zone":"b","draining":true}"#));
        assert_eq!(serde_json::from_str::<Registration>(&json).unwrap(), rich);
        let short = r#"{"address":"tcp@10.0.0.1:9001"}"#;
        let read: Registration = serde_json::from_str(short).unwrap();
        assert_eq!(read, registration());
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert!(registration().check().is_ok());
        let mut group = registration();
        group.group = "g".repeat(GROUP_MAX + 1);
        assert!(group.check().is_err());
        group.group = "two\nlines".to_owned();
        assert!(group.check().is_err());
        let mut zone = registration();
        zone.meta.zone = Some("z".repeat(META_MAX + 1));
        assert!(zone.check().is_err());
        let mut extra = registration();
        extra.meta.extra = (0..=EXTRA_MAX)
            .map(|n| (n.to_string(), String::new()))
            .collect();
        assert!(extra.check().is_err());
        let address = format!("tcp@{}:1", "h".repeat(ADDRESS_MAX));
        assert!(Registration::new(address.parse().unwrap()).check().is_err());
    }
}
