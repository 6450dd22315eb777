//! Who is calling: the first bytes of a connection tell all the dialects of one port apart.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{OPTION_MAX, is_cut_short, option_field};

/// The language of a connection's first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// An Option, and messages after it.
    Option,
    /// HTTP/1: perhaps a `CONNECT` for calls.
    Http,
    /// One that nobody here speaks, with what it looks like.
    Unsupported(&'static str),
}

const TLS: Dialect = Dialect::Unsupported("TLS");
const NET_RPC: Dialect = Dialect::Unsupported("Go's net/rpc");
const JSON_RPC: Dialect = Dialect::Unsupported("JSON-RPC");
const HTTP2: Dialect = Dialect::Unsupported("HTTP/2");
const UNKNOWN: Dialect = Dialect::Unsupported("an unknown protocol");

/// Tells the dialect from the bytes that have arrived so far; `None` when it needs more.
///
/// It consumes nothing. Go's net/rpc begins with a gob message that defines a type: a length,
/// which may look like any character, and a negative number.
pub(crate) fn sniff(bytes: &[u8]) -> Option<Dialect> {
    match *bytes {
        [] => None,
        // A length of more than one byte.
        [0xf8..=0xff, ..] => Some(NET_RPC),
        [0 | 0x80..=0xf7, ..] => Some(UNKNOWN),
        [_] => None,
        [_, 0x7f | 0xfc..=0xff, ..] => Some(NET_RPC),
        [0x16, 0x03, ..] => Some(TLS),
        [b'A'..=b'Z', second, ..] if is_token(second) => http(bytes),
        [b'{' | b' ' | b'\t' | b'\r' | b'\n', ..] => json(bytes),
        _ => Some(UNKNOWN),
    }
}

/// Whether the byte may stand in the name of an HTTP method.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn http(bytes: &[u8]) -> Option<Dialect> {
    const PREFACE: &[u8] = b"PRI ";
    if bytes.starts_with(PREFACE) {
        Some(HTTP2)
    } else if PREFACE.starts_with(bytes) {
        None
    } else {
        Some(Dialect::Http)
    }
}

/// The first known key decides. What has none within the length of an Option is nobody's.
fn json(bytes: &[u8]) -> Option<Dialect> {
    let readable = &bytes[..bytes.len().min(OPTION_MAX)];
    let mut dialect = None;
    let parsed = FirstKnownKey(&mut dialect)
        .deserialize(&mut serde_json::Deserializer::from_slice(readable));
    let is_cut_short = parsed.is_err_and(|error| is_cut_short(&error, readable));
    match dialect {
        None if is_cut_short && readable.len() < OPTION_MAX => None,
        None => Some(UNKNOWN),
        known => known,
    }
}

fn dialect_of_key(key: &str) -> Option<Dialect> {
    let option = [
        option_field::MAGIC_NUMBER,
        option_field::CODEC_TYPE,
        option_field::CONNECT_TIMEOUT,
        option_field::HANDLE_TIMEOUT,
    ];
    let json_rpc = ["method", "params", "id", "jsonrpc"];
    let is_key = |name: &&str| name.eq_ignore_ascii_case(key);
    if option.iter().any(is_key) {
        Some(Dialect::Option)
    } else if json_rpc.iter().any(is_key) {
        Some(JSON_RPC)
    } else {
        None
    }
}

/// Reads an object only as far as needed, and leaves what it found where it was told to: the
/// parser itself reports an object that has not been read to its end as an error.
struct FirstKnownKey<'a>(&'a mut Option<Dialect>);

impl<'de> DeserializeSeed<'de> for FirstKnownKey<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FirstKnownKey<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key::<String>()? {
            *self.0 = dialect_of_key(&key);
            if self.0.is_some() {
                break;
            }
            object.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
