//! What becomes of connections that stall or end.

use tokio::io::{DuplexStream, duplex};
use tokio::time::sleep;
use wgrpc_core::Client;

use super::*;
use crate::discovery::ServerList;
use crate::outcome::Outcome;

/// A pool of one server that never says anything. The other ends of the connections to it are
/// kept; there are no more than so many.
fn mute(connections: usize) -> Owner {
    let others: parking_lot::Mutex<Vec<DuplexStream>> = parking_lot::Mutex::default();
    let others = Arc::new(others);
    let dial: Dial = Arc::new(move |connector, _| {
        let others = others.clone();
        Box::pin(async move {
            if others.lock().len() == connections {
                std::future::pending::<()>().await;
            }
            let (here, there) = duplex(4096);
            others.lock().push(there);
            Ok(connector.from_stream(here))
        })
    });
    let connector = Client::builder().connector().unwrap();
    let list = Arc::new(ServerList::parse(["tcp@mute:1"]).unwrap());
    let policy = HealthPolicy::default();
    Pool::start(connector, list, SelectMode::Random, policy, dial)
}

async fn link(pool: &Pool) -> Arc<Link> {
    let link = pool.wait(None, &[], None).await;
    link.unwrap()
}

#[tokio::test(start_paused = true)]
async fn late_calls_of_an_old_connection_do_not_count_against_the_new_one() {
    let owner = mute(9);
    let old = link(&owner.pool).await;
    for _ in 0..3 {
        old.missed();
    }
    let new = link(&owner.pool).await;
    assert!(!Arc::ptr_eq(&old, &new));
    old.missed();
    old.missed();
    new.missed();
    assert!(Arc::ptr_eq(&new, &link(&owner.pool).await));
}

#[tokio::test(start_paused = true)]
async fn no_probe_is_lost_on_a_server_that_is_not_connected() {
    let owner = mute(1);
    let pool = &owner.pool;
    let link = link(pool).await;
    for _ in 0..5 {
        sleep(Duration::from_millis(1)).await;
        let begun = link.begin(pool.signals.now());
        link.end(begun, Outcome::Failed);
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!(pool.view.load().survey.ill, [0]);
    link.client.close().unwrap();
    sleep(Duration::from_millis(1)).await;
    assert!(pool.view.load().survey.ill.is_empty());
}
