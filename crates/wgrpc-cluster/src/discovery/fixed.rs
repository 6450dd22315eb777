//! A list of servers that the program keeps itself.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;
use wgrpc_core::{AddressError, BoxFuture, Result};

use super::{Discovery, Endpoint, Servers, in_order};

/// A list of servers that is given, and can be replaced while it is used.
///
/// ```
/// use wgrpc_cluster::{Discovery, Endpoint, ServerList};
///
/// let list = ServerList::parse(["tcp@10.0.0.1:9001", "tcp@10.0.0.2:9001"])?;
/// assert_eq!(list.get_all().len(), 2);
/// list.update(vec![Endpoint::parse("tcp@10.0.0.3:9001")?.weight(3)]);
/// assert_eq!(list.get_all().len(), 1);
/// # Ok::<(), wgrpc_core::AddressError>(())
/// ```
#[derive(Debug)]
pub struct ServerList(watch::Sender<Arc<Servers>>);

impl ServerList {
    /// The list of these servers.
    pub fn new(endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        let list = Self::empty();
        list.put(endpoints.into_iter().collect());
        list
    }

    /// The list of the servers at these addresses.
    ///
    /// # Errors
    /// The first that is no address.
    pub fn parse<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Result<Self, AddressError> {
        let endpoints: Result<Vec<Endpoint>, AddressError> =
            addresses.into_iter().map(Endpoint::parse).collect();
        Ok(Self::new(endpoints?))
    }

    /// A list that is not known yet.
    pub(crate) fn empty() -> Self {
        Self(watch::Sender::new(Arc::default()))
    }

    /// Puts another list in place; it is a new version only if it differs.
    pub(crate) fn put(&self, mut endpoints: Vec<Endpoint>) {
        endpoints.sort_by(|a, b| in_order(&a.address, &b.address));
        endpoints.dedup_by(|a, b| a.address == b.address);
        self.0.send_if_modified(|servers| {
            let is_new = servers.version == 0 || servers.endpoints != endpoints;
            *servers = Arc::new(Servers {
                version: servers.version + u64::from(is_new),
                endpoints,
                as_of: Some(Instant::now()),
            });
            is_new
        });
    }
}

impl Discovery for ServerList {
    fn servers(&self) -> Arc<Servers> {
        self.0.borrow().clone()
    }

    fn refresh(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn update(&self, endpoints: Vec<Endpoint>) {
        self.put(endpoints);
    }

    fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
        let mut receiver = self.0.subscribe();
        Box::pin(async move {
            // The sender is `self`, which outlives this.
            let _ = receiver.wait_for(|servers| servers.version > seen).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::SelectMode;

    #[tokio::test]
    async fn a_list_has_a_new_version_only_if_it_differs() {
        let list = ServerList::parse(["tcp@b:2", "tcp@a:1", "tcp@b:2"]).unwrap();
        let addresses: Vec<String> = list.get_all().iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["tcp@a:1", "tcp@b:2"]);
        assert_eq!(list.servers().version, 1);
        list.update(list.servers().endpoints.clone());
        assert_eq!(list.servers().version, 1);
        let changed = list.changed(1);
        list.update(vec![Endpoint::parse("tcp@c:3").unwrap()]);
        changed.await;
        assert_eq!(list.servers().version, 2);
        list.changed(1).await;
    }

    #[test]
    fn one_address_is_chosen_of_those_that_are_wanted() {
        let mut draining = Endpoint::parse("tcp@a:1").unwrap();
        draining.is_draining = true;
        let endpoint = |address: &str| Endpoint::parse(address).unwrap();
        let list = ServerList::new([draining, endpoint("tcp@b:2"), endpoint("tcp@c:3")]);
        for mode in [SelectMode::Random, SelectMode::RoundRobin] {
            let chosen: Vec<_> = (0..200).map(|_| list.get(&mode).unwrap()).collect();
            let count = |address: &str| chosen.iter().filter(|a| a.to_string() == address).count();
            assert_eq!(count("tcp@a:1"), 0);
            assert!(count("tcp@b:2") > 50 && count("tcp@c:3") > 50);
        }
        assert_eq!(ServerList::new([]).get(&SelectMode::default()), None);
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        assert!(ServerList::parse(["tcp@a:1", "nonsense"]).is_err());
    }
}
