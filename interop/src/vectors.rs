//! The checked-in vectors: what real Go wrote, and hand-made streams that it accepts or refuses.
//!
//! `interop/vectors/README.md` describes the files and the lossless form of values.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::hex::decode_hex;

/// A complete gob stream and what it says.
#[derive(Clone, Debug, Deserialize)]
pub struct Vector {
    /// Group and name, as in `int/-129`. Under `deep/` values nest deeper than 64 levels.
    pub name: String,
    /// The whole stream.
    #[serde(rename = "hex", deserialize_with = "bytes")]
    pub stream: Vec<u8>,
    /// The Go type of all values, or one type a value separated by ` | `.
    pub go_type: String,
    /// The lossless form of each value, as text.
    #[serde(deserialize_with = "texts")]
    pub values: Vec<String>,
    /// Only of [`accepted`] streams: each value as a Go program finds it, zero fields included.
    #[serde(default, deserialize_with = "texts")]
    pub seen: Vec<String>,
    /// Only of [`accepted`] streams: what is special.
    #[serde(default)]
    pub why: String,
}

/// A stream that must be refused.
#[derive(Clone, Debug, Deserialize)]
pub struct Hostile {
    /// Group and name; under `limit/` only the default limits refuse it.
    pub name: String,
    /// The whole stream.
    #[serde(rename = "hex", deserialize_with = "bytes")]
    pub stream: Vec<u8>,
    /// What is wrong with it.
    pub why: String,
}

/// Everything that a Go client and a Go server said to each other.
#[derive(Clone, Debug, Deserialize)]
pub struct Conversation {
    /// Transport, codec and script, as in `tcp-gob/errors`.
    pub name: String,
    /// The codec's type, as in `application/gob`.
    pub codec: String,
    /// The calls, one after the other.
    pub calls: Vec<RecordedCall>,
    /// What the client sent, from the first byte of the connection.
    #[serde(rename = "client_hex", deserialize_with = "bytes")]
    pub client: Vec<u8>,
    /// What the server sent.
    #[serde(rename = "server_hex", deserialize_with = "bytes")]
    pub server: Vec<u8>,
}

/// A call of a conversation; its values are as Go's encoding/json writes them.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordedCall {
    /// The request's number, from 1.
    pub seq: u64,
    /// `Service.Method`.
    pub method: String,
    /// The arguments.
    pub args: serde_json::Value,
    /// The reply, of a call that succeeded; Go's nil slices and maps are null.
    #[serde(default, deserialize_with = "present")]
    pub reply: Option<serde_json::Value>,
    /// The error's text, of a call that failed.
    pub error: Option<String>,
}

/// Streams of every kind of type and value, as Go writes them.
#[must_use]
pub fn gob() -> Vec<Vector> {
    load("gob.jsonl")
}

/// Streams that Go reads but never writes.
#[must_use]
pub fn accepted() -> Vec<Vector> {
    load("accepted.jsonl")
}

/// Streams that must be refused: with an error, soon, and in little memory.
#[must_use]
pub fn hostile() -> Vec<Hostile> {
    load("hostile.jsonl")
}

/// Conversations over TCP and HTTP, gob and JSON.
#[must_use]
pub fn conversations() -> Vec<Conversation> {
    load("conversations.jsonl")
}

fn load<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{name}, line {}: {error}", index + 1))
        })
        .collect()
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    String::deserialize(deserializer).map(|text| decode_hex(&text))
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let values = Vec::<Box<RawValue>>::deserialize(deserializer)?;
    Ok(values.iter().map(|value| value.get().to_owned()).collect())
}

/// Tells a null that is there from nothing at all.
fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}
