//! Connections that make no progress are closed; those that do, or have nothing to do, are not.

use std::time::Duration;

use wgrpc_core::{Client, ClientLimits, Error, ServerLimits};

use crate::hostile_server::DEADLINE;
use crate::raw::{Codec, OPTION_LEN, Raw, serve};
use crate::support::{Args, Bytes, demo, soon, until};

/// How long the peers of this file may make no progress.
const STALL: Duration = Duration::from_millis(200);

fn server_limits() -> ServerLimits {
    ServerLimits {
        stall: STALL,
        ..ServerLimits::default()
    }
}

fn client_limits() -> ClientLimits {
    ClientLimits {
        stall: STALL,
        ..ClientLimits::default()
    }
}

#[tokio::test]
async fn a_connection_may_be_idle_for_ever() {
    let server = demo().limits(server_limits()).start().unwrap();
    for codec in Codec::BOTH {
        let (ours, theirs) = tokio::io::duplex(4096);
        serve(&server, theirs);
        let client = Client::builder()
            .codec(codec.name())
            .limits(client_limits());
        let client = client.from_stream(ours).unwrap();
        let mut raw = Raw::greeted(&server, codec).await;
        for seq in 1..=2 {
            let args = Args { a: 6, b: 7 };
            let product = soon(client.call::<_, i64>("Arith.Multiply", &args)).await;
            assert_eq!(product.unwrap(), 42);
            raw.request("Arith.Multiply", seq, &args).await;
            assert_eq!(raw.response::<i64>().await.unwrap().result, Ok(42));
            tokio::time::sleep(3 * STALL).await;
        }
        // Waiting for a handler is no stall either.
        let slept = soon(client.call::<_, i64>("Arith.Sleep", &600i64)).await;
        assert_eq!(slept.unwrap(), 600);
    }
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_of_a_message_is_closed() {
    let server = demo().limits(server_limits()).start().unwrap();
    for codec in Codec::BOTH {
        let mut raw = Raw::greeted(&server, codec).await;
        let request = raw
            .speech
            .request("Echo.String", 1, "a text of some length");
        raw.send(&request).await;
        assert!(raw.response::<String>().await.unwrap().result.is_ok());
        let request = raw
            .speech
            .request("Echo.String", 2, "a text of some length");
        raw.send(&request[..request.len() - 5]).await;
        assert!(raw.rest().await.is_empty());
    }
}

#[tokio::test]
async fn a_client_that_sends_slowly_but_steadily_is_served() {
    let server = demo().limits(server_limits()).start().unwrap();
    for codec in Codec::BOTH {
        let mut raw = Raw::greeted(&server, codec).await;
        for piece in raw
            .speech
            .request("Echo.String", 1, "a text of some length")
            .chunks(4)
        {
            raw.send(piece).await;
            tokio::time::sleep(STALL / 4).await;
        }
        assert!(raw.response::<String>().await.unwrap().result.is_ok());
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed() {
    let server = demo().limits(server_limits()).start().unwrap();
    let mut raw = Raw::in_memory(&server, 4096, Codec::Gob);
    raw.send(&Codec::Gob.option()).await;
    raw.request("Echo.Bytes", 1, &Bytes(vec![7; 100_000])).await;
    tokio::time::sleep(5 * STALL).await;
    // What was in the pipe, and nothing more.
    assert!(raw.rest().await.len() < 100_000);
}

/// The server does not read while its replies are in the way; that is not the client's stall.
#[tokio::test]
async fn a_client_that_reads_slowly_but_steadily_is_served() {
    let limits = ServerLimits {
        unwritten_soft: 1024,
        ..server_limits()
    };
    let server = demo().limits(limits).start().unwrap();
    for codec in Codec::BOTH {
        let mut raw = Raw::in_memory(&server, 1024, codec);
        let text = "x".repeat(20_000);
        let requests = [1, 2].map(|seq| raw.speech.request("Echo.String", seq, &text));
        let saying = raw.send_meanwhile([codec.option(), requests.concat()].concat());
        for _ in 0..16 {
            tokio::time::sleep(STALL / 4).await;
            let bytes = raw.some().await;
            assert!(!bytes.is_empty(), "the connection was closed");
            raw.hear(&bytes);
        }
        for _ in 0..2 {
            let response = raw
                .response::<String>()
                .await
                .expect("the connection was closed");
            assert_eq!(response.result.as_ref(), Ok(&text));
        }
        saying.abort();
    }
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_of_a_message_ends_the_calls() {
    for codec in Codec::BOTH {
        let (ours, theirs) = tokio::io::duplex(4096);
        let client = Client::builder()
            .codec(codec.name())
            .limits(client_limits());
        let client = client.from_stream(ours).unwrap();
        let mut raw = Raw::over(theirs, codec);
        raw.exactly(OPTION_LEN).await;
        let call = client.call::<_, String>("Echo.String", "x").no_timeout();
        raw.asked::<String>().await.unwrap();
        let reply = raw.speech.reply(1, "a text of some length");
        raw.send(&reply[..reply.len() - 5]).await;
        let error = soon(call).await.unwrap_err();
        assert!(matches!(&error, Error::Lost(_)), "{error:?}");
        assert!(error.to_string().contains("`stall`"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_read_ends_the_calls() {
    let (ours, _frozen) = tokio::io::duplex(4096);
    let client = Client::builder()
        .limits(client_limits())
        .from_stream(ours)
        .unwrap();
    let call = client
        .call::<_, Bytes>("Echo.Bytes", &Bytes(vec![7; 100_000]))
        .no_timeout();
    let error = soon(call).await.unwrap_err();
    assert!(error.to_string().contains("`stall`"), "{error}");
    until(|| !client.is_available()).await;
}

/// A server that is slow is not a server that floods.
#[tokio::test]
async fn many_late_answers_do_not_end_the_connection() {
    let server = demo().start().unwrap();
    let client = server.connect().unwrap();
    let slow = (3 * DEADLINE).as_millis() as i64;
    let calls: Vec<_> = (0..3000)
        .map(|_| {
            client
                .call::<_, i64>("Arith.Sleep", &slow)
                .timeout(DEADLINE)
        })
        .collect();
    for call in calls {
        assert!(soon(call).await.unwrap_err().is_timeout());
    }
    tokio::time::sleep(4 * DEADLINE).await;
    let product = soon(client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
    assert_eq!(product.unwrap(), 42);
}
