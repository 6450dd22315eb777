//! Graceful shutdown: what was accepted is answered, what was not is known not to have run, and
//! nothing holds it up for longer than it was given.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use wgrpc_core::{
    Client, Code, Context, Error, Executed, Fault, Method, Server, ServerLimits, Service,
};

use crate::raw::{Codec, Raw};
use crate::support::{Args, Bytes, SOON, demo, demo_in_memory, soon};

/// Every number that a handler has begun to work on.
type Log = Arc<Mutex<HashSet<u64>>>;

/// `Work.Do` notes its number and answers with it: at once, soon or a little later.
fn work(log: Log) -> Service {
    Service::new("Work").method(
        "Do",
        Method::future(move |number: u64, _: Context| {
            assert!(
                log.lock().unwrap().insert(number),
                "{number} was executed twice"
            );
            async move {
                match number % 7 {
                    0..4 => {}
                    4 | 5 => tokio::task::yield_now().await,
                    _ => tokio::time::sleep(Duration::from_millis(number % 3)).await,
                }
                Ok::<_, Fault>(number)
            }
        }),
    )
}

/// Calls until a call fails, and says how: the number of the call and its error.
async fn call_until_failed(client: Client, first: u64) -> (u64, Error) {
    for number in first.. {
        match client.call::<_, u64>("Work.Do", &number).await {
            Ok(reply) => assert_eq!(reply, number),
            Err(error) => return (number, error),
        }
        if number % 5 == 0 {
            tokio::time::sleep(Duration::from_micros(number % 400)).await;
        }
    }
    unreachable!("there are enough numbers")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_lost_when_a_server_shuts_down_under_load() {
    for round in 0..30u64 {
        let log = Log::default();
        let server = Server::builder().register(work(log.clone()));
        let server = server.listen("tcp@127.0.0.1:0").await.unwrap();
        let mut callers = JoinSet::new();
        for connection in 0..8 {
            let codec = Codec::BOTH[connection as usize % 2];
            let client = Client::builder()
                .codec(codec.name())
                .connect(server.address())
                .await;
            let client = client.unwrap();
            // It is let in for sure: at the very end the system still takes connections on that
            // the server never sees.
            let welcome = soon(client.call::<_, u64>("Work.Do", &(connection << 60))).await;
            assert_eq!(welcome.unwrap(), connection << 60);
            for caller in 0..16 {
                let first = 1 + ((connection * 16 + caller) << 32);
                callers.spawn(call_until_failed(client.clone(), first));
            }
        }
        tokio::time::sleep(Duration::from_millis(5 + round)).await;
        let start = Instant::now();
        soon(server.shutdown()).await.unwrap();
        assert!(start.elapsed() < SOON / 2, "{:?}", start.elapsed());
        let failures = soon(callers.join_all()).await;
        let executed = log.lock().unwrap();
        assert!(
            executed.len() > 128,
            "only {} calls were made",
            executed.len()
        );
        for (number, error) in failures {
            let what = format!("round {round}, call {number:x}: {error:?}");
            assert_eq!(error.is_executed(), Executed::No, "{what}");
            assert!(error.is_retryable(), "{what}");
            assert!(!executed.contains(&number), "{what}");
        }
    }
}

/// A client that knows no codes, as those in Go: it sends whatever it likes, and the texts tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_codes_gets_all_its_answers_too() {
    for codec in Codec::BOTH {
        let log = Log::default();
        let server = Server::builder().register(work(log.clone()));
        let server = server.listen("tcp@127.0.0.1:0").await.unwrap();
        let mut raw = Raw::connect(&server.address(), codec).await;
        let mut said = codec.option();
        for seq in 1..=2000 {
            said.extend(raw.speech.request("Work.Do", seq, &seq));
        }
        raw.send(&said).await;
        let first = raw.response::<u64>().await.unwrap();
        assert_eq!(first.result, Ok(first.header.seq));
        let shutdown = tokio::spawn(async move { server.shutdown().await });
        let mut answered = HashSet::from([first.header.seq]);
        let mut refused = 0;
        while let Some(response) = raw.response::<u64>().await {
            let seq = response.header.seq;
            assert!(answered.insert(seq), "{seq} was answered twice");
            match response.result {
                Ok(reply) => assert_eq!(reply, seq),
                Err(text) => {
                    assert_eq!(text, "the server is shutting down");
                    assert!(!log.lock().unwrap().contains(&seq));
                    refused += 1;
                }
            }
        }
        assert_eq!(answered.len(), 2000);
        assert_eq!(log.lock().unwrap().len() + refused, 2000);
        soon(shutdown).await.unwrap().unwrap();
    }
}

/// The replies of the handlers that are at work, and a request that has begun to arrive, are
/// waited for.
#[tokio::test]
async fn what_is_under_way_is_finished_first() {
    let server = demo_in_memory();
    let mut raw = Raw::greeted(&server, Codec::Json).await;
    raw.request("Arith.Sleep", 1, &300).await;
    let half = raw
        .speech
        .request("Arith.Multiply", 2, &Args { a: 6, b: 7 });
    raw.send(&half[..30]).await;
    crate::raw::settle().await;
    let shutdown = tokio::spawn({
        let server = server.clone();
        async move { server.shutdown().await }
    });
    assert_eq!(raw.response::<i64>().await.unwrap().result, Ok(300));
    tokio::time::sleep(Duration::from_millis(200)).await;
    raw.send(&half[30..]).await;
    let refused = raw.response::<i64>().await.unwrap();
    assert_eq!(refused.header.seq, 2);
    assert_eq!(
        refused.result,
        Err("the server is shutting down".to_owned())
    );
    assert!(raw.rest().await.is_empty());
    soon(shutdown).await.unwrap().unwrap();
}

/// In the middle of their handshake, or not even accepted.
#[tokio::test]
async fn clients_that_have_just_come_are_told() {
    for codec in Codec::BOTH {
        let server = demo().listen("tcp@127.0.0.1:0").await.unwrap();
        let address = server.address();
        let mut early = Raw::connect(&address, codec).await;
        let option = codec.option();
        early.send(&option[..20]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        // On this runtime's one thread the server has no chance to accept it yet.
        let late = std::net::TcpStream::connect(address.target()).unwrap();
        late.set_nonblocking(true).unwrap();
        let mut late = Raw::over(tokio::net::TcpStream::from_std(late).unwrap(), codec);
        let shutdown = tokio::spawn(async move { server.shutdown().await });
        crate::raw::settle().await;
        early.send(&option[20..]).await;
        late.send(&option).await;
        for mut raw in [early, late] {
            raw.request("Arith.Multiply", 1, &Args { a: 6, b: 7 }).await;
            let response = raw.response::<i64>().await.expect("closed without a word");
            assert_eq!(
                response.result,
                Err("the server is shutting down".to_owned())
            );
            raw.finish().await;
            assert!(raw.rest().await.is_empty());
        }
        soon(shutdown).await.unwrap().unwrap();
    }
}

/// What a client does that has heard of the end: no more calls, and it leaves.
#[tokio::test]
async fn a_client_that_was_refused_makes_no_more_calls_on_its_connection() {
    let (client, mut raw) = crate::hostile_server::client_and_raw(Codec::Gob).await;
    let args = Args { a: 6, b: 7 };
    let calls = [0; 3].map(|_| client.call::<_, i64>("Arith.Multiply", &args));
    for _ in &calls {
        raw.asked::<Args>().await.unwrap();
    }
    let [first, second, third] = calls;
    let refusal = crate::raw::FullHeader {
        seq: 1,
        error: "the server is shutting down".to_owned(),
        code: Code::ShuttingDown.number(),
        ..Default::default()
    };
    let refusal = raw.speech.pair(&refusal, &());
    raw.send(&refusal).await;
    let error = soon(first).await.unwrap_err();
    assert!(
        matches!(error, Error::Refused(_)) && error.is_retryable(),
        "{error:?}"
    );
    assert!(!client.is_available());
    let error = soon(client.call::<_, i64>("Arith.Multiply", &args))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::NotSent(_)) && error.is_retryable(),
        "{error:?}"
    );
    // The calls that it has made are still answered, and then it closes.
    let answers = [raw.speech.reply(2, &42), raw.speech.reply(3, &42)].concat();
    raw.send(&answers).await;
    assert_eq!(soon(second).await.unwrap(), 42);
    assert_eq!(soon(third).await.unwrap(), 42);
    assert!(raw.rest().await.is_empty());
    drop(client);
}

/// How long a shutdown may take that has to give up.
const GRACE: Duration = Duration::from_millis(300);

fn impatient() -> ServerLimits {
    ServerLimits {
        drain: GRACE,
        ..ServerLimits::default()
    }
}

/// Shuts down, which must not take much longer than it was given.
async fn shut_down(server: &Server) -> wgrpc_core::Result<()> {
    let start = Instant::now();
    let result = soon(server.shutdown()).await;
    assert!(start.elapsed() < GRACE + SOON / 4, "{:?}", start.elapsed());
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_never_return_are_stopped_and_counted() {
    let forever = |(): (), _: Context| std::future::pending::<Result<i64, Fault>>();
    let hung = Service::new("Hung").method("Up", Method::future(forever));
    let server = Server::builder().register(hung).limits(impatient());
    let server = server.listen("tcp@127.0.0.1:0").await.unwrap();
    let client = Client::connect(server.address()).await.unwrap();
    let calls = [0; 3].map(|_| client.call::<_, i64>("Hung.Up", &()));
    // They have arrived when one behind them is answered.
    let _ = soon(client.call::<_, ()>("No.Such", &())).await;
    let error = shut_down(&server).await.unwrap_err();
    assert!(
        matches!(&error, Error::Limit(text) if text.contains("3 requests")),
        "{error:?}"
    );
    for call in calls {
        let error = soon(call).await.unwrap_err();
        assert_eq!(error.is_executed(), Executed::Maybe, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_nothing_do_not_hold_it_up() {
    let server = demo()
        .limits(impatient())
        .listen("tcp@127.0.0.1:0")
        .await
        .unwrap();
    let address = server.address();
    // One that has not said anything, one in the middle of its Option, one of its CONNECT, one
    // of a request, one that is idle, and one that asks for the debug page and stays.
    let mut raws = Vec::new();
    let half_request = [&Codec::Json.option()[..], b"{\"ServiceMethod\":"].concat();
    for said in [
        &b""[..],
        &Codec::Gob.option()[..50],
        b"CONNECT /_wgprc_",
        &half_request,
        &Codec::Gob.option(),
        b"GET /debug/wgrpc HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let mut raw = Raw::connect(&address, Codec::Gob).await;
        raw.send(said).await;
        raws.push(raw);
    }
    let client = Client::connect(address).await.unwrap();
    let product = soon(client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
    assert_eq!(product.unwrap(), 42);
    shut_down(&server).await.unwrap();
    for mut raw in raws {
        raw.rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_does_not_hold_it_up() {
    let server = demo()
        .limits(impatient())
        .listen("tcp@127.0.0.1:0")
        .await
        .unwrap();
    let mut raw = Raw::connect(&server.address(), Codec::Gob).await;
    raw.send(&Codec::Gob.option()).await;
    // More than all the buffers on the way can hold.
    let mut requests = Vec::new();
    for seq in 1..=12 {
        let bytes = Bytes(vec![7; 1 << 20]);
        requests.extend(raw.speech.request("Echo.Bytes", seq, &bytes));
    }
    let saying = raw.send_meanwhile(requests);
    // The server is at it when a first part can be read.
    assert!(!raw.some().await.is_empty());
    shut_down(&server).await.unwrap();
    saying.abort();
}

#[tokio::test]
async fn a_server_that_is_down_serves_nothing_any_more() {
    let server = demo().listen("tcp@127.0.0.1:0").await.unwrap();
    let address = server.address();
    soon(server.shutdown()).await.unwrap();
    let error = soon(Client::connect(address)).await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    let client = server.connect().unwrap();
    let error = soon(client.call::<_, i64>("Arith.Multiply", &Args::default())).await;
    assert!(error.is_err());
    // Once more does no harm.
    soon(server.shutdown()).await.unwrap();
}
