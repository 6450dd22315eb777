//! Recorded conversations between Go programs, with ours in the place of one of them.

use interop::vectors::{self, Conversation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use wgrpc::gob::{Decoder, Gob};
use wgrpc::{BoxFuture, Client, message};

use crate::services::{Any, Inner, Quotient, Record, demo};

/// How Go's server answers CONNECT.
const CONNECTED: &[u8] = b"HTTP/1.0 200 Connected to Wg RPC\n\n";

/// What is written at a time: everything at once, and pieces that fit nothing.
const PIECES: [usize; 2] = [usize::MAX, 7];

#[tokio::test]
async fn our_server_answers_as_gos_did() {
    let server = demo().listen("tcp@127.0.0.1:0").await.unwrap();
    for conversation in vectors::conversations() {
        let name = &conversation.name;
        let expected = responses(&conversation, &conversation.server);
        assert_eq!(expected.len(), conversation.calls.len(), "{name}");
        for piece in PIECES {
            let mut stream = TcpStream::connect(server.address().target()).await.unwrap();
            stream.set_nodelay(true).unwrap();
            write(&mut stream, &conversation.client, piece).await;
            stream.shutdown().await.unwrap();
            let mut said = Vec::new();
            stream.read_to_end(&mut said).await.unwrap();
            let is_http = conversation.client.starts_with(b"CONNECT");
            assert_eq!(said.starts_with(CONNECTED), is_http, "{name}");
            assert_eq!(responses(&conversation, &said), expected, "{name}");
        }
    }
}

/// The same calls as Go's client made find the same in what Go's server said.
#[tokio::test]
async fn our_client_understands_gos_server() {
    for conversation in vectors::conversations() {
        for piece in PIECES {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let target = listener.local_addr().unwrap();
            let (asked, is_asked) = oneshot::channel();
            tokio::spawn(say(listener, conversation.clone(), piece, is_asked));
            let (protocol, _) = conversation.name.split_once('-').unwrap();
            let client = Client::builder().codec(&*conversation.codec);
            let client = client.connect(format!("{protocol}@{target}")).await;
            let client = client.unwrap();
            // Requests have the numbers that they had there, for they are sent when they are made.
            let calls = conversation.calls.iter().map(|call| &*call.method);
            let calls: Vec<_> = calls.map(|method| call(&client, method)).collect();
            asked.send(()).unwrap();
            for (recorded, call) in conversation.calls.iter().zip(calls) {
                let expected = match (&recorded.reply, &recorded.error) {
                    (Some(reply), None) => Ok(as_ours(&recorded.method, reply.clone())),
                    (None, Some(error)) => Err(error.clone()),
                    _ => panic!("{recorded:?}"),
                };
                assert_eq!(call.await, expected, "{} {recorded:?}", conversation.name);
            }
        }
    }
}

/// Calls with the method's type of reply, and returns it as JSON. The arguments do not matter:
/// what will be answered is known.
fn call(client: &Client, method: &str) -> BoxFuture<'static, Result<Value, String>> {
    fn typed<R>(client: &Client, method: &str) -> BoxFuture<'static, Result<Value, String>>
    where
        R: DeserializeOwned + Serialize + Gob + Send + 'static,
    {
        let call = client.call::<_, R>(method, &0);
        Box::pin(async move {
            let reply = call.await.map_err(|error| error.to_string())?;
            Ok(serde_json::to_value(reply).unwrap())
        })
    }
    match method {
        "Arith.Divide" => typed::<Quotient>(client, method),
        "Echo.String" => typed::<String>(client, method),
        "Echo.Bytes" | "Large.Size" => typed::<Vec<u8>>(client, method),
        "Echo.Record" => typed::<Record>(client, method),
        "Echo.Any" => typed::<Any>(client, method),
        _ => typed::<i64>(client, method),
    }
}

/// Go's JSON of a reply as serde_json writes it of ours.
fn as_ours(method: &str, reply: Value) -> Value {
    match method {
        "Echo.Bytes" | "Large.Size" => json!(bytes(reply)),
        "Echo.Record" if reply["Bool"] == json!(false) => json!(Record::default()),
        "Echo.Record" => json!(Record {
            bool: true,
            int: -1,
            uint8: 8,
            float64: 0.1,
            string: "s".to_owned(),
            bytes: b"b".to_vec(),
            char: '☃',
            ints: vec![1, 0],
            counts: [("a".to_owned(), 0)].into(),
            names: [(-1, "x".to_owned())].into(),
            inners: vec![
                Inner::default(),
                Inner {
                    name: "in".to_owned(),
                    value: 1.5,
                },
            ],
            inner_ptr: Some(Inner::default()),
            int_ptr: Some(7),
            time: serde_json::from_value(json!("2024-02-29T12:34:56.789+05:30")).unwrap(),
            duration: 1_000_000_000,
            array: [1, 0, -1],
            ..Record::default()
        }),
        _ => reply,
    }
}

/// Says what Go's server said, once all is asked.
async fn say(
    listener: TcpListener,
    conversation: Conversation,
    piece: usize,
    is_asked: oneshot::Receiver<()>,
) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let responses = match conversation.server.strip_prefix(CONNECTED) {
        Some(responses) => {
            stream.write_all(CONNECTED).await.unwrap();
            responses
        }
        None => &conversation.server,
    };
    is_asked.await.unwrap();
    write(&mut stream, responses, piece).await;
    stream.shutdown().await.unwrap();
    tokio::io::copy(&mut stream, &mut tokio::io::sink())
        .await
        .unwrap();
}

async fn write(stream: &mut TcpStream, bytes: &[u8], piece: usize) {
    for bytes in bytes.chunks(piece) {
        stream.write_all(bytes).await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// The responses in what a server said, header and body, in the order of their texts: servers
/// answer in any order.
fn responses(conversation: &Conversation, said: &[u8]) -> Vec<(String, String)> {
    let stream = said.strip_prefix(CONNECTED).unwrap_or(said);
    let is_json = conversation.codec == wgrpc::JSON;
    let texts: Vec<String> = if is_json {
        let text = str::from_utf8(stream).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    } else {
        gob_values(stream)
    };
    let pairs = texts.chunks_exact(2);
    assert!(pairs.remainder().is_empty(), "{}", conversation.name);
    let mut responses: Vec<(String, String)> = pairs
        .map(|pair| {
            let [header, body] = [&pair[0], &pair[1]].map(String::clone);
            let method: Value = serde_json::from_str(&header).unwrap();
            let method = method["ServiceMethod"].as_str().unwrap();
            let has_more_forms = is_json && is_of_bytes(method) || method == "Echo.Record";
            // The others have one form only: they are the same to the byte.
            if has_more_forms {
                let body = serde_json::from_str(&body).unwrap();
                return (header, in_common(method, body).to_string());
            }
            (header, body)
        })
        .collect();
    responses.sort();
    responses
}

/// The values of a gob stream in the lossless form: headers and bodies in turn. Their bytes differ
/// by the numbers of types, which each side chooses.
fn gob_values(stream: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new();
    decoder.push(stream);
    let mut values = Vec::new();
    while let Some(value) = decoder.next_value().unwrap() {
        values.push(value.to_lossless());
    }
    decoder.finish().unwrap();
    values
}

fn is_of_bytes(method: &str) -> bool {
    ["Echo.Bytes", "Large.Size"].contains(&method)
}

/// What the forms of a method's reply have in common that a Go program cannot tell apart.
fn in_common(method: &str, mut reply: Value) -> Value {
    if is_of_bytes(method) {
        // Outside of a message ours are a list of numbers, which Go reads just as well.
        return json!(bytes(reply));
    }
    // Rust has no nil beside empty lists and maps, and a field that Go leaves out for being zero
    // may be there.
    remove_empty_fields(&mut reply);
    reply
}

/// Bytes in JSON, in each form in which they may come.
fn bytes(value: Value) -> Vec<u8> {
    #[message]
    struct Form {
        bytes: Vec<u8>,
    }
    let form: Form = serde_json::from_value(json!({"Bytes": value})).unwrap();
    form.bytes
}

fn remove_empty_fields(value: &mut Value) {
    let empty = [
        json!(null),
        json!(""),
        json!([]),
        json!({}),
        json!({"$map": []}),
        // A zero time.
        json!({"$opaque": "gob", "hex": "01000000000000000000000000ffff"}),
    ];
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(remove_empty_fields),
        Value::Object(fields) => fields.retain(|_, field| {
            remove_empty_fields(field);
            !empty.contains(field)
        }),
        _ => {}
    }
}
