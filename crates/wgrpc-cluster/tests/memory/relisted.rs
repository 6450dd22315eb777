//! Servers that leave the list and come back while a call to them is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use wgrpc_cluster::{Discovery, SelectMode, ServerList, XClient};
use wgrpc_core::{CallOptions, Method, Server, Service};

use crate::fleet::{Fleet, endpoint};

/// A server that counts its calls, and answers them with its number, if at all.
fn server(number: u64, answers: bool, calls: &Arc<AtomicUsize>) -> Server {
    let calls = calls.clone();
    let work = Method::future(move |_: u64, _| {
        calls.fetch_add(1, Ordering::SeqCst);
        async move {
            if !answers {
                std::future::pending::<()>().await;
            }
            Ok(number)
        }
    });
    let service = Service::new("Work").method("Do", work);
    Server::builder().register(service).start().unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_that_was_tried_in_vain_is_the_same_one_when_it_is_listed_again() {
    let (fleet, mute, well) = (Fleet::default(), Arc::default(), Arc::default());
    let both = vec![endpoint(0), endpoint(1)];
    for select in [
        SelectMode::Random,
        SelectMode::RoundRobin,
        SelectMode::LeastLoaded,
        SelectMode::PeakEwma,
        SelectMode::ConsistentHash,
    ] {
        for key in 0..20_u8 {
            // Anew each time: nobody knows yet that the one does not answer.
            fleet.put(&both[0], server(0, false, &mute));
            fleet.put(&both[1], server(1, true, &well));
            let list = Arc::new(ServerList::new(both.clone()));
            let client = XClient::builder().select(select.clone()).attempts(2);
            let client = fleet.reached_by(client).start(list.clone()).unwrap();
            while client.servers().iter().any(|it| !it.is_connected) {
                sleep(Duration::from_millis(1)).await;
            }
            let options = CallOptions::new()
                .idempotent()
                .key([key])
                .timeout(Duration::from_secs(2));
            let call = client.call_with::<_, u64>("Work.Do", &0u64, options);
            let relisting = async {
                sleep(Duration::from_millis(100)).await;
                list.update(vec![both[1].clone()]);
                sleep(Duration::from_millis(100)).await;
                list.update(both.clone());
            };
            let (reply, ()) = tokio::join!(call, relisting);
            assert_eq!(reply.unwrap(), 1, "{select:?}");
        }
    }
    // So many began at the one that does not answer.
    let (mute, well) = (mute.load(Ordering::SeqCst), well.load(Ordering::SeqCst));
    assert!(mute > 20, "{mute} calls were tried in vain");
    assert_eq!(well, 100);
}
