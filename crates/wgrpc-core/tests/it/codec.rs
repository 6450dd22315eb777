//! A codec of the user's own: MessagePack, registered under its name.

use std::io::{self, Cursor};

use serde::Serialize as _;
use serde::de::{Deserialize as _, IgnoredAny};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wgrpc_core::{Client, Code, Codec, CodecError, Error, Server, Target};

use crate::raw::serve;
use crate::support::{Args, Bytes, Quotient, demo, soon};

pub(crate) struct MessagePack;

pub(crate) const NAME: &str = "application/msgpack";

impl Codec for MessagePack {
    fn name(&self) -> &str {
        NAME
    }

    fn encode(
        &self,
        value: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let mut serializer = rmp_serde::Serializer::new(out).with_struct_map();
        Ok(value.serialize(&mut serializer)?)
    }

    fn decode(&self, bytes: &[u8], target: &mut dyn Target) -> Result<(), CodecError> {
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
        Ok(
            target.read(&mut <dyn erased_serde::Deserializer<'_>>::erase(
                &mut deserializer,
            ))?,
        )
    }

    fn frame(&self, bytes: &[u8]) -> Result<Option<usize>, CodecError> {
        use rmp_serde::decode::Error;
        let mut deserializer = rmp_serde::Deserializer::new(Cursor::new(bytes));
        match IgnoredAny::deserialize(&mut deserializer) {
            Ok(_) => Ok(Some(deserializer.get_ref().position().try_into()?)),
            Err(Error::InvalidMarkerRead(error) | Error::InvalidDataRead(error))
                if error.kind() == io::ErrorKind::UnexpectedEof =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn server() -> Server {
    demo().add_codec(MessagePack).start().unwrap()
}

fn client(server: &Server, buffer: usize) -> Client {
    let (ours, theirs) = tokio::io::duplex(buffer);
    serve(server, theirs);
    Client::builder()
        .add_codec(MessagePack)
        .from_stream(ours)
        .unwrap()
}

#[tokio::test]
async fn calls_travel_in_it_however_the_bytes_are_cut() {
    let server = server();
    for buffer in [1, 7, 64 << 10] {
        let client = client(&server, buffer);
        let quotient = client.call::<_, Quotient>("Arith.Divide", &Args { a: 17, b: 5 });
        assert_eq!(soon(quotient).await.unwrap(), Quotient { quo: 3, rem: 2 });
        let error = soon(client.call::<_, Quotient>("Arith.Divide", &Args { a: 1, b: 0 })).await;
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "divide by zero");
        assert_eq!(error.fault().unwrap().code(), Some(Code::Application));
        let error = soon(client.call::<_, i64>("Arith.Multiply", "x"))
            .await
            .unwrap_err();
        assert_eq!(error.fault().unwrap().code(), Some(Code::BadArguments));
        let calls: Vec<_> = (0..100)
            .map(|i| client.call::<_, i64>("Arith.Multiply", &Args { a: i, b: 2 }))
            .collect();
        for (i, call) in calls.into_iter().enumerate() {
            assert_eq!(soon(call).await.unwrap(), 2 * i as i64);
        }
    }
    let client = client(&server, 64 << 10);
    let bytes = Bytes(vec![7; 300_000]);
    assert_eq!(
        soon(client.call::<_, Bytes>("Echo.Bytes", &bytes))
            .await
            .unwrap(),
        bytes
    );
}

#[tokio::test]
async fn it_must_be_known_to_both_sides_and_by_one_name() {
    let builder = Client::builder().codec(NAME);
    let (ours, _theirs) = tokio::io::duplex(4096);
    let error = builder.from_stream(ours).unwrap_err();
    assert!(
        matches!(error, Error::Setup(_)) && error.to_string().contains(NAME),
        "{error:?}"
    );
    // A server that does not know it closes the connection.
    let without = demo().start().unwrap();
    let client = client(&without, 4096);
    let error = soon(client.call::<_, i64>("Arith.Multiply", &Args { a: 6, b: 7 })).await;
    assert!(
        matches!(error, Err(Error::Lost(_) | Error::NotSent(_))),
        "{error:?}"
    );
    let error = demo()
        .add_codec(MessagePack)
        .add_codec(MessagePack)
        .start()
        .unwrap_err();
    assert!(
        error.to_string().contains("is registered already"),
        "{error}"
    );
}

#[tokio::test]
async fn bytes_that_are_none_of_its_values_end_the_connection() {
    let server = server();
    let option = "{\"MagicNumber\":57775718,\"CodecType\":\"application/msgpack\"}";
    // A byte that is never used, a header that is a number, and a text of 4 GiB.
    for noise in [&[0xc1][..], &[0x07], &[0xdb, 0xff, 0xff, 0xff, 0xff]] {
        let (mut ours, theirs) = tokio::io::duplex(64 << 10);
        serve(&server, theirs);
        ours.write_all(option.as_bytes()).await.unwrap();
        // The text of 4 GiB comes as far as it is let.
        let rest = vec![b'x'; 32 << 10];
        let _ = soon(ours.write_all(&[noise, &rest].concat())).await;
        let mut answer = Vec::new();
        let _ = soon(ours.read_to_end(&mut answer)).await;
        assert!(answer.is_empty());
    }
}
