//! Servers come and go.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use wgrpc_cluster::{Discovery, SelectMode, ServerList, XClient};
use wgrpc_core::{Error, Executed};

use crate::support::{Who, connected, list, soon, tally, three};

#[tokio::test]
async fn a_list_can_change_while_it_is_used() {
    let servers = three().await;
    let known = std::sync::Arc::new(list(&servers[..1]));
    let client = XClient::builder()
        .select(SelectMode::RoundRobin)
        .start(known.clone())
        .unwrap();
    connected(&client, 1).await;
    assert_eq!(tally(&client, 4).await.len(), 1);
    // A call in flight at a server that vanishes from the list still gets its answer.
    let slow = tokio::spawn(client.call::<_, String>("Who.Are", &300u64));
    sleep(Duration::from_millis(50)).await;
    known.update(servers[1..].iter().map(Who::endpoint).collect());
    connected(&client, 2).await;
    let tally = tally(&client, 10).await;
    assert_eq!(tally.keys().collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(soon(slow).await.unwrap().unwrap(), "a");
    assert_eq!(client.servers().len(), 2);
}

#[tokio::test]
async fn connections_end_with_the_client_and_with_the_list() {
    let [a, b, _] = three().await;
    let known = std::sync::Arc::new(list([&a, &b]));
    let client = XClient::builder().start(known.clone()).unwrap();
    connected(&client, 2).await;
    known.update(vec![b.endpoint()]);
    // A server shuts down quietly only once nobody is connected to it any more.
    soon(a.server.shutdown()).await.unwrap();
    connected(&client, 1).await;
    drop(client);
    let start = Instant::now();
    soon(b.server.shutdown()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn without_servers_a_call_ends_with_an_error_that_says_so() {
    let client = XClient::builder().start(ServerList::new([])).unwrap();
    let error = soon(client.call::<_, String>("Who.Are", &0u64))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "not sent: no servers are known");
    let timed = client.call_with::<_, String>(
        "Who.Are",
        &0u64,
        wgrpc_core::CallOptions::new().timeout(Duration::from_millis(50)),
    );
    let error = soon(timed).await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout { sent: false, .. }),
        "{error:?}"
    );
    assert_eq!(error.is_executed(), Executed::No);

    let [a, ..] = three().await;
    let address = a.address.clone();
    soon(a.server.shutdown()).await.unwrap();
    let list = ServerList::new([address.clone().into()]);
    let client = XClient::builder().start(list).unwrap();
    let error = soon(client.call::<_, String>("Who.Are", &0u64))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("none of 1 servers can be reached"), "{text}");
    assert!(text.contains(&address.to_string()), "{text}");
}

#[tokio::test]
async fn how_long_a_call_waits_for_a_server_and_a_connection_to_come_up_can_be_said() {
    let builder = XClient::builder().patience(Duration::from_millis(50));
    let client = builder.start(ServerList::new([])).unwrap();
    let start = Instant::now();
    let error = client
        .call::<_, String>("Who.Are", &0u64)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotSent(_)), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(2));

    let slow = async |limit: Duration| {
        let [a, ..] = three().await;
        let client = XClient::builder()
            .connect_timeout(limit)
            .dial(|connector, address| async move {
                sleep(Duration::from_millis(1_500)).await;
                connector.connect(address).await
            })
            .start(list([&a]))
            .unwrap();
        soon(client.call::<_, String>("Who.Are", &0u64)).await
    };
    let (late, early) = tokio::join!(
        slow(Duration::from_secs(10)),
        slow(Duration::from_millis(20))
    );
    assert_eq!(late.unwrap(), "a");
    let error = early.unwrap_err().to_string();
    assert!(error.contains("no connection within 20ms"), "{error}");
}

#[tokio::test]
async fn a_client_waits_for_its_first_servers() {
    let [a, ..] = three().await;
    let known = std::sync::Arc::new(ServerList::new([]));
    let client = XClient::builder().start(known.clone()).unwrap();
    let call = tokio::spawn(client.call::<_, String>("Who.Are", &0u64));
    sleep(Duration::from_millis(50)).await;
    known.update(vec![a.endpoint()]);
    assert_eq!(soon(call).await.unwrap().unwrap(), "a");
    soon(client.ready()).await;
}

#[tokio::test]
async fn a_call_whose_time_was_up_before_there_was_a_server_is_not_sent() {
    let [a, ..] = three().await;
    let known = std::sync::Arc::new(ServerList::new([]));
    let client = XClient::builder().start(known.clone()).unwrap();
    let options = wgrpc_core::CallOptions::new().timeout(Duration::from_millis(50));
    let mut call = client.call_with::<_, String>("Who.Are", &0u64, options);
    // Its caller looks once, and then not again for a while.
    let once = tokio::time::timeout(Duration::from_millis(1), &mut call);
    assert!(once.await.is_err());
    known.update(vec![a.endpoint()]);
    connected(&client, 1).await;
    sleep(Duration::from_millis(100)).await;
    let error = soon(call).await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout { sent: false, .. }),
        "{error:?}"
    );
    sleep(Duration::from_millis(50)).await;
    assert_eq!(a.calls.load(std::sync::atomic::Ordering::Relaxed), 0);
}
