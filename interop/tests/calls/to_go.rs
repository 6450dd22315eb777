//! Our client calls Go servers: careful ones, and those that read the handshake as the first
//! implementation does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use interop::GoServer;
use wgrpc::gob::Time;
use wgrpc::{Client, Error, Executed};

use crate::services::{
    Args, ArithClient, EchoClient, Inner, LargeClient, Quotient, Record, SizeArgs, pattern,
};
use crate::socket_path;

const CODECS: [&str; 2] = ["application/gob", "application/json"];

/// Starts a Go server of each transport.
async fn servers() -> Vec<GoServer> {
    tokio::task::spawn_blocking(|| {
        let socket = socket_path();
        vec![
            GoServer::start(&[]),
            GoServer::start(&["-net", "unix", "-addr", &socket]),
            GoServer::start(&["-http"]),
        ]
    })
    .await
    .unwrap()
}

async fn connect(server: &GoServer, codec: &str) -> Client {
    Client::builder()
        .codec(codec)
        .connect(server.address.as_str())
        .await
        .unwrap()
}

/// Runs `check` with a client of every transport and codec.
async fn with_every_client<F: Future<Output = ()>>(check: impl Fn(Client) -> F) {
    for server in servers().await {
        for codec in CODECS {
            check(connect(&server, codec).await).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_errors_and_bad_requests() {
    with_every_client(|client| async move {
        let arith = ArithClient::new(client.clone());
        let args = |a, b| Args { a, b };
        assert_eq!(arith.multiply(&args(6, 7)).await.unwrap(), 42);
        assert_eq!(
            arith.divide(&args(0, 5)).await.unwrap(),
            Quotient { quo: 0, rem: 0 }
        );
        let error = arith.divide(&args(1, 0)).await.unwrap_err();
        assert_eq!(error.to_string(), "divide by zero");
        assert_eq!(error.is_executed(), Executed::Yes);
        for (method, text) in [
            ("Foo.Bar", "can't find service: Foo"),
            ("Arith.Bar", "can't find method: Bar"),
            ("Arith", "service/method request ill-formed: Arith"),
        ] {
            let error = client
                .call::<_, i64>(method, &args(1, 2))
                .await
                .unwrap_err();
            assert_eq!(error.to_string(), text);
        }
        let wrong = client
            .call::<_, i64>("Arith.Multiply", "no struct")
            .await
            .unwrap_err();
        assert!(matches!(wrong, Error::Remote(_)), "{wrong:?}");
        let unfit = client
            .call::<_, Quotient>("Arith.Multiply", &args(6, 7))
            .await
            .unwrap_err();
        assert!(matches!(unfit, Error::Decode(_)), "{unfit:?}");
        assert_eq!(
            arith.multiply(&args(-3, 7)).await.unwrap(),
            -21,
            "still in step"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_at_once() {
    with_every_client(|client| async move {
        let arith = ArithClient::new(client);
        let calls: Vec<_> = (0..1000)
            .map(|a| arith.multiply(&Args { a, b: 3 }))
            .collect();
        for (a, call) in (0..1000).zip(calls) {
            assert_eq!(call.await.unwrap(), 3 * a);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_long_errors_and_text_of_all_languages() {
    with_every_client(|client| async move {
        let large = LargeClient::new(client.clone());
        for len in [0, 1, (16 << 10) - 1, 16 << 10, 271_828, 1 << 20] {
            let args = SizeArgs {
                payload: pattern(len).into(),
                want: len as i64,
            };
            assert_eq!(large.size(&args).await.unwrap().0, pattern(len));
        }
        let echo = EchoClient::new(client.clone());
        let text = "Größe ☃ 日本語 <&> \u{2028} \0".to_owned();
        assert_eq!(echo.string(&text).await.unwrap(), text);
        let long = "100 % größer: %s %d ☃ ".repeat(5000);
        let error = ArithClient::new(client).fail(&long).await.unwrap_err();
        assert_eq!(error.to_string(), long);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mebibyte_of_bytes() {
    with_every_client(|client| async move {
        let bytes = pattern(1 << 20);
        assert_eq!(EchoClient::new(client).bytes(&bytes).await.unwrap(), bytes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_field_of_a_struct() {
    with_every_client(|client| async move {
        let echo = EchoClient::new(client);
        assert_eq!(echo.bytes(&Vec::new()).await.unwrap(), b"");
        let lists = vec![vec![0, 1, 255], vec![]];
        let blobs = [("a".to_owned(), lists), ("b".to_owned(), vec![])].into();
        assert_eq!(echo.blobs(&blobs).await.unwrap(), blobs);
    })
    .await;
    // Go reads bytes from a list of numbers too, a string not.
    let server = tokio::task::spawn_blocking(|| GoServer::start(&[]))
        .await
        .unwrap();
    let client = connect(&server, CODECS[1]).await;
    let text: String = client
        .call("Echo.String", &[0u8, 1, 255][..])
        .await
        .unwrap();
    assert_eq!(text, "AAH/");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_with_every_kind_of_field() {
    let inner = |name: &str, value| Inner {
        name: name.to_owned(),
        value,
    };
    let full = Record {
        bool: true,
        int: i64::MIN,
        int8: -8,
        uint64: u64::MAX,
        float32: 0.1,
        float64: -2.5,
        string: "☃".to_owned(),
        bytes: vec![0, 127, 255],
        char: '☃',
        ints: vec![3, 0, -3],
        strings: vec![String::new(), "a".to_owned()],
        counts: [("zero".to_owned(), 0), ("one".to_owned(), 1)].into(),
        names: [(-1, "minus one".to_owned())].into(),
        inner: inner("inner", 1.0),
        inners: vec![Inner::default(), inner("b", 0.0)],
        groups: [("a".to_owned(), vec![inner("x", 0.0)])].into(),
        inner_ptr: Some(inner("pointed at", 0.5)),
        int_ptr: Some(7),
        time: Time::from(std::time::UNIX_EPOCH + Duration::new(1_700_000_000, 5)),
        duration: -1_500_000_000,
        array: [1, 0, -1],
        ..Record::default()
    };
    with_every_client(|client| {
        let full = full.clone();
        async move {
            let echo = EchoClient::new(client);
            assert_eq!(echo.record(&full).await.unwrap(), full);
            let zero = echo.record(&Record::default()).await.unwrap();
            assert_eq!(zero, Record::default());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_the_call_and_the_connection_goes_on() {
    with_every_client(|client| async move {
        let arith = ArithClient::new(client);
        let late = arith
            .sleep(&2_000)
            .timeout(Duration::from_millis(50))
            .await
            .unwrap_err();
        assert!(
            matches!(late, Error::Timeout { sent: true, .. }),
            "{late:?}"
        );
        assert_eq!(arith.multiply(&Args { a: 6, b: 7 }).await.unwrap(), 42);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_asked_to_limit_its_handlers() {
    for server in servers().await {
        let limit = Duration::from_millis(50);
        let builder = Client::builder().handle_timeout(limit);
        let arith = ArithClient::new(builder.connect(server.address.as_str()).await.unwrap());
        let error = arith.sleep(&1_000).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "request handle timeout: expect within 50ms"
        );
    }
}

/// The first implementation reads the handshake through a buffer of 512 bytes, and drops what
/// else is in it. Padded to that size, the handshake leaves nothing to drop.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_to_a_server_that_reads_ahead() {
    let server = tokio::task::spawn_blocking(|| GoServer::start(&["-original"]))
        .await
        .unwrap();
    for _ in 0..10 {
        let connections = (0..100).map(|a| {
            let address = server.address.clone();
            tokio::spawn(async move {
                let arith = ArithClient::new(Client::connect(address).await.unwrap());
                let call = arith.multiply(&Args { a, b: 2 });
                assert_eq!(call.timeout(Duration::from_secs(20)).await.unwrap(), 2 * a);
            })
        });
        for connection in connections.collect::<Vec<_>>() {
            connection.await.unwrap();
        }
    }
}

/// The control: without the padding that server does lose the request, so the test above sees.
#[test]
fn without_padding_a_server_that_reads_ahead_loses_the_request() {
    let server = GoServer::start(&["-original"]);
    let address = server.address.strip_prefix("tcp@").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let option = r#"{"MagicNumber":57775718,"CodecType":"application/json"}"#;
    let request = "{\"ServiceMethod\":\"Arith.Multiply\",\"Seq\":1}\n{\"A\":6,\"B\":7}\n";
    stream
        .write_all(format!("{option}\n{request}").as_bytes())
        .unwrap();
    let mut answer = [0; 64];
    let outcome = stream.read(&mut answer);
    assert!(
        !matches!(outcome, Ok(count) if count > 0),
        "the server answered: {outcome:?}"
    );
}
