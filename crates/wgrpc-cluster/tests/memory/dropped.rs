//! Clients that are dropped while their calls are under way.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;
use wgrpc_cluster::{Discovery, ServerList, XClient};
use wgrpc_core::{CallOptions, Method, Server, Service};

use crate::fleet::{Fleet, endpoint};

/// A server that answers with its number after 2 s.
fn server(number: u64) -> Server {
    let work = Method::future(move |_: u64, _| async move {
        sleep(Duration::from_secs(2)).await;
        Ok(number)
    });
    let service = Service::new("Work").method("Do", work);
    Server::builder().register(service).start().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_made_again_though_its_client_was_dropped_and_then_the_connections_end() {
    for leaves_the_list in [false, true] {
        let before = Handle::current().metrics().num_alive_tasks();
        let fleet = Fleet::default();
        fleet.put(&endpoint(0), server(0));
        let list = Arc::new(ServerList::new([endpoint(0)]));
        let client = fleet.reached_by(XClient::builder()).start(list.clone());
        let client = client.unwrap();
        client.ready().await;
        let options = CallOptions::new().idempotent();
        let call = client.call_with::<_, u64>("Work.Do", &1u64, options);
        fleet.put(&endpoint(1), server(1));
        let both = [endpoint(0), endpoint(1)];
        list.update(both[usize::from(leaves_the_list)..].to_vec());
        drop(client);
        sleep(Duration::from_secs(1)).await;
        fleet.remove(&endpoint(0));
        assert_eq!(call.await.unwrap(), 1);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(fleet.open(), 0);
        drop(fleet);
        sleep(Duration::from_secs(40)).await;
        let left = Handle::current().metrics().num_alive_tasks();
        assert_eq!(left, before, "tasks are left");
    }
}
