//! A registry on a port, against clients that mean no good: it answers others all the while.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wgrpc_registry::{
    Error, Registration, Registry, RegistryClient, RegistryLimits, RegistryServer,
};

async fn registry() -> RegistryServer {
    Registry::builder()
        .build()
        .listen("127.0.0.1:0")
        .await
        .unwrap()
}

/// Sends these bytes and returns everything that is answered until the connection ends.
async fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The registry may have had enough before the end.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(15), stream.read_to_end(&mut answer));
    let _ = read.await.expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

/// That it still works, and quickly.
async fn check_works(server: &RegistryServer) {
    let client = RegistryClient::new(server.url()).unwrap();
    let registration = Registration::new("tcp@10.0.0.1:9001".parse().unwrap());
    let start = Instant::now();
    client.register(&registration).await.unwrap();
    let listing = client.list(None).await.unwrap();
    assert!(
        listing
            .servers
            .iter()
            .any(|server| server.address == registration.address)
    );
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

fn post(headers: &str) -> Vec<u8> {
    let path = "/wgrpc/registry";
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n").into_bytes()
}

#[tokio::test]
async fn garbage_is_refused_or_hung_up_on() {
    let server = registry().await;
    let address = server.address();
    let long = "a".repeat(1 << 20);
    let many: String = (0..1000)
        .map(|number| format!("H{number}: x\r\n"))
        .collect();
    for (bytes, status) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), ""),
        (vec![0; 100_000], ""),
        (
            b"{\"MagicNumber\":57775718}\r\n\r\n".to_vec(),
            "HTTP/1.1 400",
        ),
        (
            b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(),
            "HTTP/1.1 404",
        ),
        (
            format!("GET /{long} HTTP/1.1\r\n\r\n").into_bytes(),
            "HTTP/1.1 4",
        ),
        (post(&format!("X-Wgrpc-Server: {long}\r\n")), "HTTP/1.1 431"),
        (post(&many), "HTTP/1.1 431"),
        (
            post("X-Wgrpc-Server: tcp@10.0.0.1:1\u{0}\r\n"),
            "HTTP/1.1 400",
        ),
        (
            post("X-Wgrpc-Server: tcp@10.0.0.1:1,tcp@10.0.0.2:1\r\n"),
            "HTTP/1.1 400",
        ),
        (
            post("X-Wgrpc-Server: tcp@10.0.0.1:1\r\nX-Wgrpc-Server: tcp@10.0.0.2:1\r\n"),
            "HTTP/1.1 400",
        ),
        // One header with another one in it is two; the second is not ours.
        (
            post("X-Wgrpc-Server: tcp@10.0.0.1:1\r\nX-Wgrpc-Servers: evil\r\n"),
            "HTTP/1.1 200",
        ),
        (
            post("X-Wgrpc-Server: tcp@10.0.0.1:1\r\nContent-Length: 99999999999\r\n"),
            "",
        ),
        (post("X-Wgrpc-Server: \r\n"), "HTTP/1.1 500"),
    ] {
        // A body that never comes is waited for, within bounds.
        let answer = send(address, &bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
        assert!(answer.starts_with(status), "{shown:?}: {answer:?}");
    }
    check_works(&server).await;
}

#[tokio::test]
async fn a_body_is_read_within_bounds_and_does_no_harm() {
    let server = registry().await;
    let with_body = |length: usize| {
        let headers = format!("X-Wgrpc-Server: tcp@10.0.0.1:1\r\nContent-Length: {length}\r\n");
        [post(&headers), vec![b'x'; length]].concat()
    };
    assert!(
        send(server.address(), &with_body(1000))
            .await
            .starts_with("HTTP/1.1 200")
    );
    let large = send(server.address(), &with_body(10 << 20)).await;
    // The answer may be lost with what was not read.
    assert!(
        large.is_empty() || large.starts_with("HTTP/1.1 413"),
        "{large}"
    );
    check_works(&server).await;
}

#[tokio::test]
async fn clients_that_never_finish_a_request_are_hung_up_on() {
    let server = registry().await;
    let mut slow = Vec::new();
    for _ in 0..500 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(b"GET /wgrpc/reg").await.unwrap();
        slow.push(stream);
    }
    check_works(&server).await;
    let start = Instant::now();
    for mut stream in slow {
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest);
        let _ = timeout(Duration::from_secs(15), end)
            .await
            .expect("it is hung up on");
    }
    assert!(
        start.elapsed() < Duration::from_secs(13),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn readers_that_do_not_read_cost_others_nothing() {
    let limits = RegistryLimits {
        posts_per_second: u32::MAX,
        ..Default::default()
    };
    let registry = Registry::builder().limits(limits).build();
    let server = registry.listen("127.0.0.1:0").await.unwrap();
    let client = RegistryClient::new(server.url()).unwrap();
    for number in 0..10_000 {
        // Names as long as they may be, so that the list is, too.
        let address = format!("tcp@{}{number:05}.example:9001", "h".repeat(230));
        let registered = client
            .register(&Registration::new(address.parse().unwrap()))
            .await;
        registered.unwrap();
    }
    let mut mute = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let get = b"GET /wgrpc/registry HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(get).await.unwrap();
        mute.push(stream);
    }
    let start = Instant::now();
    assert_eq!(client.list(None).await.unwrap().servers.len(), 10_000);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    // One entry more is refused, with a reason.
    let one_more = Registration::new("tcp@10.0.0.1:9001".parse().unwrap());
    assert!(matches!(
        client.register(&one_more).await,
        Err(Error::Full(_))
    ));
    // The text that the Go original would send, too, is there for whoever reads.
    drop(mute);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let get = b"GET /wgrpc/registry HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = send(server.address(), get).await;
    assert_eq!(
        answer.matches(".example:9001").count(),
        10_000,
        "{}",
        answer.len()
    );
}

#[tokio::test]
async fn whoever_registers_without_end_is_slowed_down_and_may_still_list() {
    let limits = RegistryLimits {
        posts_per_second: 1,
        ..Default::default()
    };
    let registry = Registry::builder().limits(limits).build();
    let server = registry.listen("127.0.0.1:0").await.unwrap();
    let client = RegistryClient::new(server.url()).unwrap();
    let registration = Registration::new("tcp@10.0.0.1:9001".parse().unwrap());
    let mut refused = 0;
    for _ in 0..30 {
        let outcome = client.register(&registration).await;
        refused += usize::from(matches!(outcome, Err(Error::Full(_))));
    }
    assert!(refused >= 10, "{refused}");
    assert_eq!(client.list(None).await.unwrap().servers.len(), 1);
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_others_to_end() {
    let limits = RegistryLimits {
        connections: 2,
        ..Default::default()
    };
    let registry = Registry::builder().limits(limits).build();
    let server = registry.listen("127.0.0.1:0").await.unwrap();
    let one = TcpStream::connect(server.address()).await.unwrap();
    let _two = TcpStream::connect(server.address()).await.unwrap();
    let client = RegistryClient::new(server.url()).unwrap();
    let client = client.timeout(Duration::from_millis(300));
    assert!(matches!(
        client.list(None).await,
        Err(Error::Unreachable { .. })
    ));
    drop(one);
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.list(None).await.unwrap();
}

#[tokio::test]
async fn connections_beyond_those_of_one_address_are_closed() {
    let limits = RegistryLimits {
        connections_per_address: 2,
        ..Default::default()
    };
    let registry = Registry::builder().limits(limits).build();
    let server = registry.listen("127.0.0.1:0").await.unwrap();
    let one = TcpStream::connect(server.address()).await.unwrap();
    let _two = TcpStream::connect(server.address()).await.unwrap();
    assert_eq!(send(server.address(), b"").await, "");
    drop(one);
    tokio::time::sleep(Duration::from_millis(50)).await;
    check_works(&server).await;
}

#[tokio::test]
async fn watchers_that_leave_make_room_for_others() {
    let limits = RegistryLimits {
        watchers: 3,
        ..Default::default()
    };
    let registry = Registry::builder().limits(limits).build();
    let server = registry.listen("127.0.0.1:0").await.unwrap();
    let client = RegistryClient::new(server.url()).unwrap();
    let seen = client.list(None).await.unwrap();
    for _ in 0..10 {
        let watch = || timeout(Duration::from_millis(50), client.watch(None, &seen));
        let (one, two, three) = tokio::join!(watch(), watch(), watch());
        // Nothing happens, so each of them gives up.
        assert!(one.is_err() && two.is_err() && three.is_err());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let registration = Registration::new("tcp@10.0.0.1:9001".parse().unwrap());
    let (watched, registered) = tokio::join!(client.watch(None, &seen), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.register(&registration).await
    });
    registered.unwrap();
    assert_eq!(watched.unwrap().unwrap().servers.len(), 1);
}

#[tokio::test]
async fn a_registry_that_anybody_could_write_to_is_no_accident() {
    let guarded = Registry::builder().build();
    assert!(matches!(
        guarded.listen("0.0.0.0:0").await,
        Err(Error::Setup(_))
    ));
    Registry::builder()
        .open()
        .build()
        .listen("0.0.0.0:0")
        .await
        .unwrap();
    Registry::builder()
        .token("t")
        .build()
        .listen("0.0.0.0:0")
        .await
        .unwrap();
}
