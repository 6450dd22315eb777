//! That what is counted is what would go over sockets, and that a seed decides it.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wgrpc_registry::{Listing, Registration, RegistryClient};

use super::*;

fn fleet(way: Way) -> Fleet {
    Fleet {
        servers: 1_000,
        clients: 500,
        groups: 10,
        way,
        seed: 7,
    }
}

#[test]
fn a_seed_decides_everything_and_telling_changes_costs_least() {
    let count = |way| run(&fleet(way)).unwrap().0;
    let traffic = Way::ALL.map(count);
    assert_eq!(count(Way::Watch), traffic[5]);
    let [original, whole, if_new, changes, watch_whole, watch, usual] = traffic;
    // Fifty polls a second, and thirty-three heartbeats.
    for polled in [original, whole, if_new, changes] {
        assert!((80.0..90.0).contains(&polled.requests), "{polled:?}");
    }
    assert!(original.sent < whole.sent);
    assert!(changes.sent < 0.2 * if_new.sent, "{changes:?}");
    assert!(watch.sent < 0.2 * watch_whole.sent, "{watch:?}");
    assert!(watch.requests < changes.requests, "{watch:?}");
    assert_eq!(watch, usual, "there are few clients");
}

#[test]
fn watchers_beyond_those_that_may_wait_poll() {
    let mut many = fleet(Way::Usual);
    many.servers = 4_000;
    many.clients = 9_000;
    let (traffic, _) = run(&many).unwrap();
    // Each of a thousand polls every 10 s, and then tries to watch.
    assert!((70.0..130.0).contains(&traffic.refused), "{traffic:?}");
}

/// What a client of ours sends, with its request's bytes but for the name of the host.
async fn sent_by<F>(ask: impl FnOnce(RegistryClient) -> F) -> usize
where
    F: Future + 'static,
    F::Output: 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let client = RegistryClient::new(format!("http://{host}{}", api::PATH)).unwrap();
    let asking = spawn_local(ask(client));
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    asking.abort();
    head.len() - host.len()
}

#[tokio::test]
async fn requests_are_as_long_as_those_of_our_clients() {
    let local = LocalSet::new();
    let count = local.run_until(async {
        let watch = sent_by(async |client: RegistryClient| {
            let known = Listing {
                revision: 3_529_000_000_001,
                ..Listing::default()
            };
            client.watch(Some("service-001"), &known).await
        });
        let register = sent_by(async |client: RegistryClient| {
            let mut server = Registration::new("tcp@10.24.0.7:9001".parse().unwrap());
            server.group = "service-001".to_owned();
            server.ttl = Some(Duration::from_secs(90));
            server.meta.version = Some("1.4.2".to_owned());
            client.register(&server).await
        });
        (watch.await, register.await)
    });
    let (watch, register) = count.await;

    let world = world();
    let group = world.fleet.group(1).unwrap();
    let query = Way::Watch.query(3_529_000_000_001, false);
    let request = world.list_request(&query, group.as_ref()).body(()).unwrap();
    assert_eq!(bytes::of_request(&request) - AUTHORITY.len(), watch);
    let server = Server::new(7, &fleet(Way::Watch)).unwrap();
    let server = Server { group, ..server };
    let request = world.register_request(&server).body(()).unwrap();
    assert_eq!(bytes::of_request(&request) - AUTHORITY.len(), register);
}

fn world() -> World {
    World {
        registry: Registry::builder().build(),
        fleet: fleet(Way::Watch),
        servers: Vec::new(),
        start: Instant::now(),
        count: Cell::default(),
        failure: Cell::default(),
    }
}

#[tokio::test]
async fn answers_are_as_long_as_those_of_a_registry_on_a_port() {
    let world = world();
    let listening = world.registry.listen("127.0.0.1:0").await.unwrap();
    let ask = async |method: Method, query: &str| {
        let uri = format!("{}{query}", api::PATH);
        let head = format!("{method} {uri} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(listening.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let request = Request::builder().method(method).uri(uri).body(()).unwrap();
        let (head, body) = world.registry.handle(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let counted = bytes::of_answer(&head, body.len(), true);
        assert_eq!(
            counted,
            answer.len(),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        bytes::revision(&body)
    };
    ask(Method::GET, "").await;
    let revision = ask(Method::GET, "?format=json").await.unwrap();
    ask(Method::GET, &format!("?watch={revision}&wait=0&changes")).await;
    ask(Method::DELETE, "").await;
}
