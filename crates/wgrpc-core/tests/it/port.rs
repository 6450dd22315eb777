//! One port for everything, any number of listeners, and services that come while it runs.

use tokio::task::JoinSet;
use wgrpc_core::{Client, Context, DebugPage, Error, Fault, Method, Server, Service};

use crate::handshake::on_every_transport;
use crate::raw::{Codec, Raw};
use crate::support::{Args, arith, demo, demo_in_memory, echo, soon};

/// Asks by HTTP, and returns everything that is answered.
async fn http(raw: &mut Raw, request: &str) -> String {
    let head = format!("{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    raw.send(head.as_bytes()).await;
    String::from_utf8(raw.rest().await).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_web_pages_share_every_listener() {
    let (server, ways, _folder) = on_every_transport().await;
    assert_eq!(server.addresses().len(), 2);
    for (address, is_http) in ways {
        let given = address.to_string();
        let given = if is_http {
            given.replace("tcp@", "http@")
        } else {
            given
        };
        for codec in Codec::BOTH {
            let client = Client::builder()
                .codec(codec.name())
                .connect(given.as_str())
                .await;
            let client = client.unwrap();
            let args = Args { a: 6, b: 7 };
            let product = soon(client.call::<_, i64>("Arith.Multiply", &args)).await;
            assert_eq!(product.unwrap(), 42);
        }
        let mut raw = Raw::connect(&address, Codec::Json).await;
        let page = http(&mut raw, "GET /debug/wgrpc").await;
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        assert!(page.contains("Multiply(Args{A int, B int}) int"), "{page}");
        for (request, answer) in [
            ("GET /_wgprc_", "405 must CONNECT\n"),
            ("GET /_wgrpc_", "405 must CONNECT\n"),
            ("POST /_wgprc_", "405 must CONNECT\n"),
            ("GET /", "404 page not found\n"),
            ("GET /debug/wgrpc/more", "404 page not found\n"),
        ] {
            let mut raw = Raw::connect(&address, Codec::Json).await;
            let answer_head = format!("HTTP/1.1 {} ", &answer[..3]);
            let heard = http(&mut raw, request).await;
            assert!(heard.starts_with(&answer_head), "{request}: {heard}");
            assert!(heard.ends_with(answer), "{request}: {heard}");
            assert!(
                heard.contains("text/plain; charset=utf-8"),
                "{request}: {heard}"
            );
        }
    }
}

#[tokio::test]
async fn the_debug_page_counts_the_calls() {
    let server = demo().listen("tcp@127.0.0.1:0").await.unwrap();
    let client = Client::connect(server.address()).await.unwrap();
    for _ in 0..17 {
        let _ = soon(client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
    }
    // Neither what cannot be found nor what others call counts.
    let _ = soon(client.call::<_, i64>("Arith.Nope", &0)).await;
    let _ = soon(client.call::<_, i64>("<b>Bold</b>.Nope", &0)).await;
    let _ = soon(client.call::<_, String>("Echo.String", "x")).await;
    let mut raw = Raw::connect(&server.address(), Codec::Json).await;
    let page = http(&mut raw, "GET /debug/wgrpc").await;
    let calls = |method: &str| {
        let row = page
            .split("<tr>")
            .find(|row| row.contains(method))
            .unwrap_or_default();
        row.rsplit("<td>")
            .next()
            .and_then(|cell| cell.split('<').next())
            .unwrap_or_default()
    };
    assert_eq!(calls("Multiply(Args{A int, B int}) int"), "17", "{page}");
    assert_eq!(
        calls("Divide(Args{A int, B int}) Quotient{Quo int, Rem int}"),
        "0",
        "{page}"
    );
    assert_eq!(calls("String(string) string"), "1", "{page}");
    assert!(!page.contains("Nope") && !page.contains("Bold"), "{page}");
}

#[tokio::test]
async fn the_debug_page_is_shown_to_this_machine_only_unless_told_otherwise() {
    let status = async |page: Option<DebugPage>, is_in_memory: bool| {
        let builder = match page {
            Some(page) => demo().debug_page(page),
            None => demo(),
        };
        let server = builder.listen("tcp@127.0.0.1:0").await.unwrap();
        let mut raw = if is_in_memory {
            Raw::in_memory(&server, 4096, Codec::Json)
        } else {
            Raw::connect(&server.address(), Codec::Json).await
        };
        http(&mut raw, "GET /debug/wgrpc").await[9..12].to_owned()
    };
    assert_eq!(status(None, false).await, "200");
    // Nothing is known about where a stream of the program's own leads.
    assert_eq!(status(None, true).await, "403");
    assert_eq!(status(Some(DebugPage::On), true).await, "200");
    assert_eq!(status(Some(DebugPage::Off), false).await, "404");
}

#[tokio::test]
async fn services_may_come_while_the_server_runs() {
    let server = Server::builder().register(arith()).start().unwrap();
    let client = server.connect().unwrap();
    let error = soon(client.call::<_, String>("Echo.String", "x"))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "can't find service: Echo");
    server.register(echo()).unwrap();
    assert_eq!(
        soon(client.call::<_, String>("Echo.String", "x"))
            .await
            .unwrap(),
        "x"
    );
}

fn method() -> Method {
    Method::function(|number: i64, _: Context| Ok::<_, Fault>(number))
}

#[tokio::test]
async fn names_that_cannot_be_served_are_refused() {
    let empty = || Server::builder().start().unwrap();
    for (service, complaint) in [
        (Service::new(""), "a service cannot be named ``"),
        (
            Service::new("_wgrpc_"),
            "a service cannot be named `_wgrpc_`",
        ),
        (
            Service::new("A").method("", method()),
            "a method of `A` cannot be named ``",
        ),
        (
            Service::new("A").method("B.C", method()),
            "a method of `A` cannot be named `B.C`",
        ),
        (
            Service::new("A")
                .method("B", method())
                .method("B", method()),
            "method already defined: A.B",
        ),
        (
            Service::new("A").method("B".repeat(511), method()),
            "longer than the 512 bytes",
        ),
    ] {
        let error = empty().register(service).unwrap_err();
        assert!(matches!(error, Error::Setup(_)), "{error:?}");
        assert!(error.to_string().contains(complaint), "{error}");
    }
    let server = empty();
    server
        .register(Service::new("A.b").method("C", method()))
        .unwrap();
    let error = server
        .register(Service::new("A.b").method("D", method()))
        .unwrap_err();
    assert_eq!(error.to_string(), "service already defined: A.b");
    // What is wrong in a builder shows when it is started.
    let twice = Server::builder()
        .register(arith())
        .register(echo())
        .register(arith());
    let error = twice.listen("tcp@127.0.0.1:0").await.unwrap_err();
    assert_eq!(error.to_string(), "service already defined: Arith");
}

#[tokio::test]
async fn an_address_that_cannot_be_listened_on_is_named() {
    let server = demo().listen("tcp@127.0.0.1:0").await.unwrap();
    let error = server.listen(server.address()).await.unwrap_err();
    assert!(matches!(error, Error::Listen { .. }), "{error:?}");
    assert!(
        error.to_string().contains(&server.address().to_string()),
        "{error}"
    );
    let error = server.listen("127.0.0.1:0").await.unwrap_err();
    let expected = "wrong format '127.0.0.1:0', expect protocol@addr";
    assert!(error.to_string().contains(expected), "{error}");
    // Neither has cost it its other listeners.
    assert!(Client::connect(server.address()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_memory_needs_no_listener() {
    let server = demo_in_memory();
    assert!(server.addresses().is_empty());
    let client = server.connect().unwrap();
    let mut calls = JoinSet::new();
    for i in 0..1000 {
        calls.spawn(client.call::<_, i64>("Arith.Multiply", &Args { a: i, b: 3 }));
    }
    let mut products: Vec<i64> = soon(calls.join_all())
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    products.sort_unstable();
    assert!(products.into_iter().eq((0..1000).map(|i| 3 * i)));
}
