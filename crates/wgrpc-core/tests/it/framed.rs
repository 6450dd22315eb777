//! A codec of the user's own that knows how long a value is before it has arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wgrpc_core::{Client, Codec, CodecError, Server, Target};

use crate::raw::serve;
use crate::support::{Bytes, demo, soon};

/// JSON with its length in front.
#[derive(Clone, Default)]
struct Framed {
    /// How often the codec was asked for the length of a value.
    asked: Arc<AtomicUsize>,
}

const NAME: &str = "application/framed";
const PREFIX: usize = size_of::<u32>();

impl Codec for Framed {
    fn name(&self) -> &str {
        NAME
    }

    fn encode(
        &self,
        value: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let text = serde_json::to_vec(value)?;
        out.extend(u32::try_from(text.len())?.to_be_bytes());
        out.extend(text);
        Ok(())
    }

    fn decode(&self, bytes: &[u8], target: &mut dyn Target) -> Result<(), CodecError> {
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes[PREFIX..]);
        let mut erased = <dyn erased_serde::Deserializer<'_>>::erase(&mut deserializer);
        Ok(target.read(&mut erased)?)
    }

    fn frame(&self, bytes: &[u8]) -> Result<Option<usize>, CodecError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let Some(prefix) = bytes.first_chunk() else {
            return Ok(None);
        };
        Ok(Some(PREFIX + u32::from_be_bytes(*prefix) as usize))
    }
}

fn server(codec: &Framed) -> Server {
    demo().add_codec(codec.clone()).start().unwrap()
}

fn value(text: &str) -> Vec<u8> {
    let len = u32::try_from(text.len()).unwrap();
    [&len.to_be_bytes(), text.as_bytes()].concat()
}

fn option() -> Vec<u8> {
    format!("{{\"MagicNumber\":57775718,\"CodecType\":\"{NAME}\"}}").into_bytes()
}

#[tokio::test]
async fn long_and_short_values_arrive_however_the_bytes_are_cut() {
    for (buffer, len) in [(1, 100), (7, 1000), (4096, 1 << 20), (1 << 20, 1 << 20)] {
        let (ours, theirs) = tokio::io::duplex(buffer);
        serve(&server(&Framed::default()), theirs);
        let client = Client::builder().add_codec(Framed::default());
        let client = client.from_stream(ours).unwrap();
        let bytes = Bytes(vec![7; len]);
        let calls: Vec<_> = (0..3)
            .map(|_| client.call::<_, Bytes>("Echo.Bytes", &bytes))
            .collect();
        for call in calls {
            assert_eq!(soon(call).await.unwrap(), bytes);
        }
    }
}

#[tokio::test]
async fn a_value_whose_length_is_known_is_not_asked_for_before_it_has_arrived() {
    let codec = Framed::default();
    let (mut ours, theirs) = tokio::io::duplex(1);
    serve(&server(&codec), theirs);
    let header = value("{\"ServiceMethod\":\"Echo.String\",\"Seq\":1,\"Error\":\"\"}");
    let body = value(&format!("\"{}\"", "x".repeat(2000)));
    soon(ours.write_all(&[option(), header, body].concat()))
        .await
        .unwrap();
    let mut answer = vec![0; 2000];
    soon(ours.read_exact(&mut answer)).await.unwrap();
    // Twice a value, and as long as the prefix is not there.
    let asked = codec.asked.load(Ordering::Relaxed);
    assert!(asked <= 2 * (2 + PREFIX), "asked {asked} times");
}

#[tokio::test]
async fn a_length_beyond_the_limit_ends_the_connection_at_once() {
    // Of a header, and of a body.
    let header = value("{\"ServiceMethod\":\"Echo.String\",\"Seq\":1,\"Error\":\"\"}");
    let long = u32::MAX.to_be_bytes().to_vec();
    for said in [long.clone(), [header, long].concat()] {
        let (mut ours, theirs) = tokio::io::duplex(64 << 10);
        serve(&server(&Framed::default()), theirs);
        soon(ours.write_all(&[option(), said].concat()))
            .await
            .unwrap();
        let mut answer = Vec::new();
        soon(ours.read_to_end(&mut answer)).await.unwrap();
        assert!(answer.is_empty());
    }
}
