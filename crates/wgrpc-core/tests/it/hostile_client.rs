//! A server at the mercy of its clients: numbers and pieces that nobody expects.

use wgrpc_core::{Client, Code, Error, Executed};

use crate::raw::{Codec, Hearing, OPTION_LEN, Raw, Response};
use crate::support::{Args, demo_in_memory, soon};

/// How much comes in pieces of how many bytes: were what has arrived looked at again with each
/// of them, it would take minutes.
const LONG: usize = 2 << 20;
const PIECE: usize = 32;

#[tokio::test]
async fn a_long_request_in_small_pieces_is_looked_at_once() {
    let server = demo_in_memory();
    for codec in Codec::BOTH {
        let mut raw = Raw::in_memory(&server, PIECE, codec);
        let request = raw.speech.request("Echo.Length", 1, &"x".repeat(LONG));
        let saying = raw.send_meanwhile([codec.option(), request].concat());
        let response = raw.response::<usize>().await.unwrap();
        assert_eq!(response.result, Ok(LONG));
        saying.abort();
    }
}

#[tokio::test]
async fn a_long_reply_in_small_pieces_is_looked_at_once() {
    for codec in Codec::BOTH {
        let (ours, theirs) = tokio::io::duplex(PIECE);
        let client = Client::builder()
            .codec(codec.name())
            .from_stream(ours)
            .unwrap();
        let mut raw = Raw::over(theirs, codec);
        raw.exactly(OPTION_LEN).await;
        let call = client.call::<_, String>("Echo.String", "x");
        raw.asked::<String>().await.unwrap();
        let reply = raw.speech.reply(1, &"x".repeat(LONG));
        let saying = raw.send_meanwhile(reply);
        assert_eq!(soon(call).await.unwrap().len(), LONG);
        saying.abort();
    }
}

#[tokio::test]
async fn any_number_is_a_number_of_a_request_even_twice() {
    let server = demo_in_memory();
    for codec in Codec::BOTH {
        let mut raw = Raw::greeted(&server, codec).await;
        let seqs = [0, 1, 1, u64::MAX, u64::MAX, 1 << 63, (1 << 53) + 1];
        for seq in seqs {
            raw.request("Arith.Sleep", seq, &((seq % 7) as i64)).await;
        }
        raw.finish().await;
        let heard = raw.rest().await;
        let responses: Vec<Response<i64>> = Hearing::responses(codec, &heard);
        let mut answered: Vec<u64> = responses.iter().map(|r| r.header.seq).collect();
        answered.sort_unstable();
        let mut asked = seqs.to_vec();
        asked.sort_unstable();
        assert_eq!(answered, asked);
    }
}

/// The handle timeout is the client's to choose: none of its values may do harm.
#[tokio::test]
async fn every_handle_timeout_is_obeyed() {
    let server = demo_in_memory();
    for (nanoseconds, text) in [
        (1, "request handle timeout: expect within 1ns"),
        (999, "request handle timeout: expect within 999ns"),
        (1_500_000, "request handle timeout: expect within 1.5ms"),
    ] {
        let mut raw = Raw::in_memory(&server, 4096, Codec::Json);
        let option = format!("\"HandleTimeout\":{nanoseconds}");
        raw.send(&Codec::Json.option_with(&option)).await;
        raw.request("Arith.Sleep", 1, &10_000).await;
        assert_eq!(
            raw.response::<i64>().await.unwrap().result,
            Err(text.to_owned())
        );
        // What is done at once is in time.
        raw.request("Arith.Multiply", 2, &Args { a: 6, b: 7 }).await;
        assert_eq!(raw.response::<i64>().await.unwrap().result, Ok(42));
    }
    let mut raw = Raw::in_memory(&server, 4096, Codec::Json);
    raw.send(&Codec::Json.option_with("\"HandleTimeout\":9223372036854775807"))
        .await;
    raw.request("Arith.Sleep", 1, &20).await;
    assert_eq!(raw.response::<i64>().await.unwrap().result, Ok(20));
}

#[tokio::test]
async fn odd_names_are_refused_and_long_ones_are_not_sent() {
    let server = demo_in_memory();
    let client = server.connect().unwrap();
    for name in [
        "",
        ".",
        "..",
        "a.b.c.",
        "<script>.x",
        "a\0b.c",
        "a\r\nb.c",
        "größe.ö",
        "\u{202e}.x",
    ] {
        let error = soon(client.call::<_, i64>(name, &1)).await.unwrap_err();
        assert_eq!(
            error.fault().unwrap().code(),
            Some(Code::NotFound),
            "{name:?}: {error:?}"
        );
    }
    // Longer ones would cost the connection, so they are not sent.
    for length in [513, 5000, 64 << 10] {
        let name = format!("A.{}", "x".repeat(length - 2));
        let error = soon(client.call::<_, i64>(&name, &1)).await.unwrap_err();
        assert!(matches!(error, Error::Limit(_)), "{error:?}");
        assert_eq!(error.is_executed(), Executed::No);
    }
    let product = soon(client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
    assert_eq!(product.unwrap(), 42);
}
