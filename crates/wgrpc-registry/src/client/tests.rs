//! The client against scripted registries: what makes no sense is an error, never an empty list.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::lease::Server;

/// Answers every connection with these bytes, once a request's head is there, and closes it.
async fn scripted(answer: impl Into<Vec<u8>>) -> RegistryClient {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else {
                    break;
                };
                head.push(byte);
            }
            // The client may have had enough before the end.
            let _ = stream.write_all(&answer).await;
        }
    });
    RegistryClient::new(format!("http://{address}{}", api::PATH)).unwrap()
}

fn with_header(header: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 0\r\n\r\n")
}

fn with_json(json: &str) -> String {
    let length = json.len();
    let json_type = "Content-Type: application/json";
    format!("HTTP/1.1 200 OK\r\n{json_type}\r\nContent-Length: {length}\r\n\r\n{json}")
}

fn addresses(listing: &Listing) -> Vec<String> {
    listing
        .servers
        .iter()
        .map(|it| it.address.to_string())
        .collect()
}

#[tokio::test]
async fn a_registry_in_trouble_is_an_error_and_not_an_empty_list() {
    let many = vec!["tcp@10.0.0.1:1"; 100_000].join(",");
    let many_in_json: Vec<_> = vec![r#"{"address":"tcp@10.0.0.1:1"}"#; 100_000];
    let many_in_json = format!(r#"{{"revision":1,"servers":[{}]}}"#, many_in_json.join(","));
    let huge = format!("X-Wgrpc-Servers: {}", "a".repeat(10 << 20));
    for (what, answer) in [
        (
            "500",
            "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_owned(),
        ),
        (
            "500 with a list",
            with_header("X-Wgrpc-Servers: ").replace("200", "500"),
        ),
        (
            "a redirection",
            with_header("Location: http://169.254.169.254/").replace("200", "302"),
        ),
        ("no header", with_header("X-Something: else")),
        (
            "a page",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ht>".to_owned(),
        ),
        ("nothing", String::new()),
        ("no HTTP", "220 mail.example ESMTP\r\n".to_owned()),
        ("garbage", "\u{1}\u{2}\u{3}\u{0}\u{ff}".to_owned()),
        (
            "a list of garbage",
            with_header("X-Wgrpc-Servers: a,b,,;;<>,@,tcp@,é"),
        ),
        ("a head of 10 MiB", with_header(&huge)),
        (
            "100,000 servers",
            with_header(&format!("X-Wgrpc-Servers: {many}")),
        ),
        ("100,000 servers in JSON", with_json(&many_in_json)),
        (
            "half of JSON",
            with_json(r#"{"revision":1,"servers":[{"addr"#),
        ),
        ("other JSON", with_json("[1,2,3]")),
        (
            "a negative revision",
            with_json(r#"{"revision":-1,"servers":[]}"#),
        ),
        (
            "a cut body",
            with_json("{}").replace("Length: 2", "Length: 9"),
        ),
        ("deep JSON", with_json(&"[".repeat(1_000_000))),
    ] {
        let client = scripted(answer).await;
        let listed = client.list(None).await;
        assert!(listed.is_err(), "{what}: {listed:?}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let endless = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n".to_owned();
    let client = scripted(endless + &" ".repeat(32 << 20)).await;
    let error = client.list(None).await.unwrap_err();
    assert!(matches!(error, Error::Answer { .. }), "{error}");
}

#[tokio::test]
async fn a_registry_that_says_nothing_has_two_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let client = RegistryClient::new(url)
        .unwrap()
        .timeout(Duration::from_millis(100));
    let error = client.list(None).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    drop(listener);
    assert!(matches!(
        client.list(None).await,
        Err(Error::Unreachable { .. })
    ));
}

#[tokio::test]
async fn a_go_registry_s_list_is_read_and_what_nobody_may_dial_left_out() {
    let list = "X-Wgrpc-Servers: tcp@10.0.0.2:1, unix@/run/docker.sock,udp@10.0.0.1:1,\
                tcp@169.254.169.254:80,a@b@c,http@10.0.0.1:1,,tcp@10.0.0.2:1,tls@10.0.0.3:1,\
                tcp@127.0.0.1:1,tcp@0x7f.1:1";
    let client = scripted(with_header(list)).await;
    let listing = client.list(None).await.unwrap();
    assert_eq!((listing.revision, listing.is_warming), (0, false));
    // The registry is on this machine, so servers may be here too.
    let here = ["http@10.0.0.1:1", "tcp@10.0.0.2:1", "tcp@127.0.0.1:1"];
    assert_eq!(addresses(&listing), here);
    assert_eq!(listing.servers[0].age, None);

    let elsewhere = RegistryClient {
        is_local: false,
        ..client
    };
    assert_eq!(addresses(&elsewhere.list(None).await.unwrap()), here[..2]);
    assert_eq!(
        addresses(&elsewhere.believe_local().list(None).await.unwrap()),
        here
    );

    let nobody = scripted(with_header("X-Wgrpc-Servers: ")).await;
    assert_eq!(nobody.list(None).await.unwrap(), Listing::default());
    let one = scripted(with_header("X-WgRPC-Server-Addr: tcp@10.0.0.1:1")).await;
    assert_eq!(
        addresses(&one.list(Some("Arith")).await.unwrap()),
        ["tcp@10.0.0.1:1"]
    );
}

/// A list of two servers that somebody has.
fn known() -> Listing {
    let server = |address: &str| Server {
        address: address.parse().unwrap(),
        group: String::new(),
        meta: Default::default(),
        age: Some(Duration::from_secs(1)),
    };
    Listing {
        revision: 7,
        is_warming: false,
        servers: vec![server("tcp@10.0.0.1:1"), server("tcp@10.0.0.3:1")],
    }
}

#[tokio::test]
async fn no_news_is_no_list() {
    let same = scripted("HTTP/1.1 304 Not Modified\r\n\r\n").await;
    assert_eq!(same.watch(None, &known()).await.unwrap(), None);
    assert_eq!(same.poll(None, &known()).await.unwrap(), None);
    // Whoever knows nothing cannot be told that.
    let error = same.watch(None, &Listing::default()).await.unwrap_err();
    assert!(matches!(error, Error::Answer { .. }), "{error}");
    assert!(same.list(None).await.is_err());
}

#[tokio::test]
async fn changes_are_put_into_the_list_that_is_known() {
    let json = r#"{"revision":9,"since":7,"servers":[
        {"address":"tcp@10.0.0.1:1","meta":{"weight":3},"age_ms":5},
        {"address":"tcp@10.0.0.2:1","age_ms":5},{"address":"unix@/run/x"}],
        "gone":[{"address":"tcp@10.0.0.3:1"},{"address":"tcp@10.0.0.9:1"},{"address":"?"}]}"#;
    let client = scripted(with_json(json)).await;
    let listing = client.watch(None, &known()).await.unwrap().unwrap();
    assert_eq!(listing.revision, 9);
    assert_eq!(addresses(&listing), ["tcp@10.0.0.1:1", "tcp@10.0.0.2:1"]);
    assert_eq!(listing.servers[0].meta.weight, 3);

    let json = r#"{"revision":9,"since":7,"servers":[],"gone":[{"address":"tcp@10.0.0.3:1"}]}"#;
    let client = scripted(with_json(json)).await;
    let listing = client.poll(None, &known()).await.unwrap().unwrap();
    assert_eq!(addresses(&listing), ["tcp@10.0.0.1:1"]);
    assert_eq!(listing.servers[0].age, None, "nobody has said");
}

#[tokio::test]
async fn a_registry_that_tells_everything_each_time_is_understood() {
    let json = r#"{"revision":7,"servers":[{"address":"tcp@10.0.0.1:1"}]}"#;
    let client = scripted(with_json(json)).await;
    let listing = client.watch(None, &known()).await.unwrap().unwrap();
    assert_eq!(addresses(&listing), ["tcp@10.0.0.1:1"]);
}

#[tokio::test]
async fn changes_that_make_no_sense_are_an_error() {
    let many: Vec<_> = (0..9_999)
        .map(|number| format!(r#"{{"address":"tcp@10.1.0.1:{number}"}}"#))
        .collect();
    for json in [
        r#"{"revision":9,"since":6,"servers":[]}"#.to_owned(),
        format!(
            r#"{{"revision":9,"since":7,"servers":[{}]}}"#,
            many.join(",")
        ),
        r#"{"revision":9,"since":7,"servers":[],"gone":[7]}"#.to_owned(),
    ] {
        let client = scripted(with_json(&json)).await;
        let news = client.watch(None, &known()).await;
        assert!(matches!(news, Err(Error::Answer { .. })), "{news:?}");
    }
    let client = scripted(with_json(r#"{"revision":9,"since":0,"servers":[]}"#)).await;
    assert!(client.list(None).await.is_err(), "it knows no list");
}

#[tokio::test]
async fn what_a_later_registry_adds_does_no_harm() {
    let json = r#"{"revision":7,"new":1,"servers":[
        {"address":"quic@10.0.0.9:1"},
        {"address":"tcp@10.0.0.1:1","group":"Arith","new":{},"meta":{"weight":2,"new":1}}]}"#;
    let client = scripted(with_json(json)).await;
    let listing = client.list(None).await.unwrap();
    assert_eq!(
        (listing.revision, addresses(&listing)),
        (7, vec!["tcp@10.0.0.1:1".to_owned()])
    );
    assert_eq!(listing.servers[0].meta.weight, 2);
}

#[test]
fn a_url_is_http_with_host_port_and_path() {
    for (url, is_local) in [
        ("http://127.0.0.1:9999/wgrpc/registry", true),
        ("http://[::1]:9999/", true),
        ("http://localhost", true),
        ("http://registry.internal/any/path", false),
        ("http://[2001:db8::1]:80/r", false),
    ] {
        let client = RegistryClient::new(url).unwrap();
        assert_eq!((client.url(), client.is_local), (url, is_local));
    }
    for wrong in [
        "",
        "127.0.0.1:9999",
        "https://registry/",
        "http://",
        "http:///wgrpc/registry",
        "http://user:password@registry/",
        "http://registry/?x=1",
        "tcp@127.0.0.1:9999",
    ] {
        let error = RegistryClient::new(wrong).unwrap_err().to_string();
        assert!(error.contains("http://host:port/wgrpc/registry"), "{error}");
    }
}
