//! Calls go where the mode says.

use wgrpc_cluster::{SelectMode, ServerList, XClient};
use wgrpc_core::CallOptions;

use crate::support::{connected, list, soon, tally, three};

#[tokio::test]
async fn round_robin_gives_each_server_the_same() {
    let servers = three().await;
    let builder = XClient::builder().select(SelectMode::RoundRobin);
    let client = builder.start(list(&servers)).unwrap();
    connected(&client, 3).await;
    let tally = tally(&client, 30).await;
    assert_eq!(tally.into_values().collect::<Vec<_>>(), [10, 10, 10]);
}

#[tokio::test]
async fn weights_are_kept_exactly() {
    let servers = three().await;
    let weighted = servers
        .iter()
        .zip([1, 2, 3])
        .map(|(server, weight)| server.endpoint().weight(weight));
    let builder = XClient::builder().select(SelectMode::WeightedRoundRobin);
    let client = builder.start(ServerList::new(weighted)).unwrap();
    connected(&client, 3).await;
    let tally = tally(&client, 60).await;
    assert_eq!(tally.into_values().collect::<Vec<_>>(), [10, 20, 30]);
}

#[tokio::test]
async fn a_key_stays_with_its_server_and_moves_on_when_that_goes() {
    let mut servers: Vec<_> = three().await.into();
    let builder = XClient::builder().select(SelectMode::ConsistentHash);
    let client = builder.start(list(&servers)).unwrap();
    connected(&client, 3).await;
    let who = async |key: u32| -> String {
        let options = CallOptions::new().key(key.to_string()).idempotent();
        let call = client.call_with("Who.Are", &0u64, options);
        soon(call).await.unwrap()
    };
    let mut before = Vec::new();
    for key in 0..60 {
        before.push(who(key).await);
        assert_eq!(who(key).await, before[key as usize]);
    }
    for name in ["a", "b", "c"] {
        assert!(before.iter().any(|b| b == name), "{name} has no key");
    }
    drop(servers.remove(0));
    connected(&client, 2).await;
    for (key, before) in (0..60).zip(before) {
        let now = who(key).await;
        assert!(
            now == before || before == "a",
            "{key}: {before}, then {now}"
        );
    }
}
