//! Requests as bytes, responses as bytes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use super::*;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9000);

struct Demo(DebugPage);

impl Site for Demo {
    fn debug_page(&self) -> DebugPage {
        self.0
    }

    fn services(&self) -> Vec<ServiceInfo> {
        vec![ServiceInfo {
            name: "Arith".to_owned(),
            methods: vec![MethodInfo {
                name: "Multiply".to_owned(),
                signature: "Multiply(Args{A int, B int}) int".to_owned(),
                calls: 42,
            }],
        }]
    }
}

/// Starts to serve one end of a pipe, and returns the other.
fn start(
    setting: DebugPage,
    local: Peer,
    prefix: &[u8],
) -> (DuplexStream, impl Future<Output = ()>) {
    let (client, server) = tokio::io::duplex(64 << 10);
    let mut io = Io::from_stream(server);
    io.local = local;
    let site = Arc::new(Demo(setting));
    (
        client,
        serve(io, BytesMut::from(prefix), site, std::future::pending()),
    )
}

/// What comes back for these bytes when nothing follows them.
async fn exchange(setting: DebugPage, local: Peer, request: &[u8]) -> String {
    let (mut client, serving) = start(setting, local, b"");
    let asking = async {
        client.write_all(request).await.unwrap();
        client.shutdown().await.unwrap();
        let mut response = String::new();
        client.read_to_string(&mut response).await.unwrap();
        response
    };
    tokio::join!(asking, serving).0
}

async fn on_loopback(request: &str) -> String {
    exchange(DebugPage::Auto, Peer::Tcp(LOOPBACK), request.as_bytes()).await
}

fn status(response: &str) -> &str {
    &response["HTTP/1.1 ".len()..][..3]
}

fn get(fields: &str) -> String {
    format!("GET /debug/wgrpc HTTP/1.1\r\n{fields}\r\n")
}

#[tokio::test]
async fn the_debug_page_is_shown_with_headers_that_confine_it() {
    let response = on_loopback(&get("Host: localhost:9000\r\n")).await;
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for field in [
        "content-type: text/html; charset=utf-8",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
        "x-frame-options: DENY",
        "content-security-policy: default-src 'none'; style-src 'sha256-",
    ] {
        assert!(head.contains(field), "{field} in {head}");
    }
    assert!(!head.to_ascii_lowercase().contains("access-control"));
    assert!(body.contains("<code>Multiply(Args{A int, B int}) int</code></td><td>42</td>"));
}

#[tokio::test]
async fn head_gets_the_same_head_and_no_body() {
    let get = on_loopback(&get("Host: localhost\r\n")).await;
    let head = on_loopback("HEAD /debug/wgrpc HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let length = |response: &str| {
        let lines = response.lines();
        let mut lengths = lines.filter_map(|line| line.strip_prefix("content-length: "));
        lengths.next().unwrap().to_owned()
    };
    assert_eq!(status(&head), "200");
    assert_eq!(length(&head), length(&get));
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn the_debug_page_is_only_for_reading() {
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let request = format!("{method} /debug/wgrpc HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let response = on_loopback(&request).await;
        assert_eq!(status(&response), "405");
        assert!(response.contains("allow: GET, HEAD\r\n"));
    }
}

#[tokio::test]
async fn the_usual_names_of_this_machine_see_the_page() {
    for host in [
        "localhost",
        "LocalHost",
        "127.0.0.1",
        "[::1]",
        "localhost:9000",
        "127.0.0.1:1",
        "[::1]:65535",
    ] {
        let response = on_loopback(&get(&format!("Host: {host}\r\n"))).await;
        assert_eq!(status(&response), "200", "{host}");
    }
}

#[tokio::test]
async fn other_names_do_not_see_the_page() {
    for fields in [
        "",
        "Host:\r\n",
        "Host: evil.com\r\n",
        "Host: localhost.evil.com\r\n",
        "Host: localhost.\r\n",
        "Host: localhost:\r\n",
        "Host: localhost:80:80\r\n",
        "Host: localhost:+80\r\n",
        "Host: localhost:123456\r\n",
        "Host: evil.com:localhost\r\n",
        "Host: localhost@evil.com\r\n",
        "Host: 127.0.0.1.evil.com\r\n",
        "Host: 127.1\r\n",
        "Host: ::1\r\n",
        "Host: [::1].evil.com\r\n",
        "Host: localhost\u{e9}\r\n",
        "Host: evil.com\r\nX-Forwarded-Host: localhost\r\n",
        "Host: localhost\r\nHost: evil.com\r\n",
        "Host: localhost\r\nHost: localhost\r\n",
    ] {
        let response = on_loopback(&get(fields)).await;
        assert_eq!(status(&response), "403", "{fields}");
        assert!(!response.contains("Arith"));
    }
}

#[tokio::test]
async fn a_whole_uri_does_not_see_the_page() {
    for host in ["evil.com", "localhost"] {
        let line = format!("GET http://{host}/debug/wgrpc HTTP/1.1\r\n");
        let response = on_loopback(&format!("{line}Host: localhost\r\n\r\n")).await;
        assert_eq!(status(&response), "403", "{host}");
    }
}

#[tokio::test]
async fn requests_of_other_sites_do_not_see_the_page() {
    for (fields, expected) in [
        ("Sec-Fetch-Site: none\r\n", "200"),
        ("Sec-Fetch-Site: same-origin\r\n", "200"),
        ("Sec-Fetch-Site: same-site\r\n", "403"),
        ("Sec-Fetch-Site: cross-site\r\n", "403"),
        (
            "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n",
            "403",
        ),
        ("Sec-Fetch-Site: \r\n", "403"),
        ("Origin: http://evil.com\r\n", "403"),
        ("Origin: null\r\n", "403"),
    ] {
        let request = get(&format!("Host: localhost\r\n{fields}"));
        assert_eq!(status(&on_loopback(&request).await), expected, "{fields}");
        // Whoever opens the page to everybody does not open it to the scripts of other sites.
        let open = exchange(DebugPage::On, Peer::Other, request.as_bytes()).await;
        assert_eq!(status(&open), expected, "{fields}");
    }
}

#[tokio::test]
async fn the_setting_and_our_end_decide_who_sees_the_page() {
    let remote = Peer::Tcp(SocketAddr::from(([192, 0, 2, 1], 9000)));
    let unix = Peer::Unix(Some(PathBuf::from("it.sock")));
    for (setting, local, host, expected) in [
        (DebugPage::Auto, &remote, "localhost", "403"),
        (DebugPage::Auto, &Peer::Other, "localhost", "403"),
        (DebugPage::Auto, &unix, "whatever", "200"),
        (DebugPage::On, &remote, "example.org", "200"),
        (DebugPage::On, &Peer::Other, "example.org", "200"),
        (DebugPage::Off, &Peer::Tcp(LOOPBACK), "localhost", "404"),
        (DebugPage::Off, &unix, "localhost", "404"),
    ] {
        let request = get(&format!("Host: {host}\r\n"));
        let response = exchange(setting, local.clone(), request.as_bytes()).await;
        assert_eq!(status(&response), expected, "{setting:?} {local}");
    }
}

#[tokio::test]
async fn the_paths_of_calls_want_a_connect_and_say_so_as_go_does() {
    for path in ["/_wgprc_", "/_wgrpc_"] {
        for method in ["GET", "POST", "PUT"] {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: evil.com\r\n\r\n");
            let response = on_loopback(&request).await;
            assert!(
                response.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"),
                "{response}"
            );
            assert!(response.contains("content-type: text/plain; charset=utf-8\r\n"));
            assert!(response.ends_with("\r\n\r\n405 must CONNECT\n"));
        }
    }
}

#[tokio::test]
async fn other_paths_are_not_found() {
    for request in [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /debug/wgrpc/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /_wgprc_/x HTTP/1.0\n\n",
        "CONNECT /_goRPC_ HTTP/1.0\n\n",
        "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
    ] {
        let response = on_loopback(request).await;
        assert!(response[..12].ends_with(" 404"), "{request} {response}");
    }
}

#[tokio::test]
async fn one_connection_answers_several_requests_and_refuses_a_late_connect() {
    let not_found = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let connect = "CONNECT /_wgprc_ HTTP/1.0\n\n";
    let responses = on_loopback(&format!("{not_found}{not_found}{connect}")).await;
    assert_eq!(responses.matches("HTTP/1.1 404").count(), 2);
    assert!(responses.contains(" 400 Bad Request"), "{responses}");
    assert!(responses.ends_with("400 CONNECT must be the first request of its connection\n"));
}

#[tokio::test]
async fn no_byte_is_lost_between_what_was_read_before_and_what_follows() {
    let request = get("Host: localhost\r\n");
    for cut in 0..=request.len() {
        let (prefix, rest) = request.as_bytes().split_at(cut);
        let (mut client, serving) = start(DebugPage::Auto, Peer::Tcp(LOOPBACK), prefix);
        let asking = async {
            client.write_all(rest).await.unwrap();
            client.shutdown().await.unwrap();
            let mut response = String::new();
            client.read_to_string(&mut response).await.unwrap();
            assert_eq!(status(&response), "200", "{cut}");
        };
        tokio::join!(asking, serving);
    }
}

#[tokio::test]
async fn heads_and_bodies_have_their_limits() {
    let with_field =
        |length: usize| get(&format!("Host: localhost\r\nA: {}\r\n", "x".repeat(length)));
    assert_eq!(status(&on_loopback(&with_field(8000)).await), "200");
    assert_eq!(status(&on_loopback(&with_field(9000)).await), "431");
    let with_fields =
        |count: usize| get(&format!("Host: localhost\r\n{}", "A: b\r\n".repeat(count)));
    assert_eq!(status(&on_loopback(&with_fields(99)).await), "200");
    assert_eq!(status(&on_loopback(&with_fields(100)).await), "431");
    for (length, expected) in [(BODY_MAX, "405"), (BODY_MAX + 1, "413")] {
        let head = format!("POST /_wgprc_ HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
        let response = on_loopback(&format!("{head}{}", "x".repeat(length))).await;
        assert_eq!(status(&response), expected);
    }
}

#[tokio::test]
async fn garbage_is_answered_with_400() {
    assert_eq!(status(&on_loopback("GET \u{1}\r\n\r\n").await), "400");
}

/// How long the connection lasts with a client that sends this and then waits.
async fn lasts(request: &str) -> Duration {
    let beginning = Instant::now();
    let (mut client, serving) = start(DebugPage::Auto, Peer::Tcp(LOOPBACK), request.as_bytes());
    let idling = async {
        let mut response = Vec::new();
        client.read_to_end(&mut response).await.unwrap();
    };
    tokio::join!(idling, serving);
    beginning.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_given_ten_seconds() {
    for request in [
        "",
        "GET /debug",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        assert_eq!(lasts(request).await.as_secs(), 10, "{request:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_end_is_given_forty_seconds() {
    let request = "POST /_wgprc_ HTTP/1.1\r\nContent-Length: 5\r\n\r\nhalf";
    assert_eq!(lasts(request).await.as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_forty_seconds() {
    let requests = "GET / HTTP/1.1\r\n\r\n".repeat(10_000);
    let beginning = Instant::now();
    let (client, serving) = start(DebugPage::Auto, Peer::Tcp(LOOPBACK), requests.as_bytes());
    serving.await;
    assert_eq!(beginning.elapsed().as_secs(), 40);
    drop(client);
}

#[tokio::test]
async fn a_shutdown_ends_an_idle_connection_at_once() {
    let (mut client, server) = tokio::io::duplex(1024);
    let site = Arc::new(Demo(DebugPage::Auto));
    let (shut_down, shutdown) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async {
        let _ = shutdown.await;
    };
    let serving = serve(Io::from_stream(server), BytesMut::new(), site, shutdown);
    let asking = async {
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        client.read_u8().await.unwrap();
        shut_down.send(()).unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
    };
    let both = async { tokio::join!(asking, serving) };
    tokio::time::timeout(Duration::from_secs(5), both)
        .await
        .unwrap();
}
