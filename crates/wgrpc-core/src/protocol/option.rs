//! The Option: the JSON object with which a client opens a connection, and which nobody answers.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use super::{
    HandshakeError, MAGIC_NUMBER, OPTION_MAX, OPTION_PADDED, Parse, excerpt, is_cut_short,
    option_field,
};

/// What a client says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectOption {
    /// The name of the codec of all messages that follow.
    pub(crate) codec: String,
    /// How long the client itself is willing to wait for the connection, in nanoseconds; 0 for
    /// ever.
    pub(crate) connect_timeout: i64,
    /// How long the server may take for each request, in nanoseconds; 0 for ever.
    pub(crate) handle_timeout: i64,
    /// The extensions that the client understands: the bits of an [`Ext`](super::Ext).
    pub(crate) ext: u64,
}

impl ConnectOption {
    /// The bytes to send: the object, filled up with spaces before its closing brace to
    /// [`OPTION_PADDED`] bytes, and no line feed.
    ///
    /// A codec's name of several hundred bytes makes it longer. A Go server might then lose the
    /// first request, but does not know such a codec either.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("texts and numbers always have a form");
        let brace = bytes.pop();
        bytes.resize(bytes.len().max(OPTION_PADDED - 1), b' ');
        bytes.extend(brace);
        bytes
    }
}

impl Serialize for ConnectOption {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Option", 5)?;
        object.serialize_field(option_field::MAGIC_NUMBER, &MAGIC_NUMBER)?;
        object.serialize_field(option_field::CODEC_TYPE, &self.codec)?;
        object.serialize_field(option_field::CONNECT_TIMEOUT, &self.connect_timeout)?;
        object.serialize_field(option_field::HANDLE_TIMEOUT, &self.handle_timeout)?;
        if self.ext != 0 {
            object.serialize_field(option_field::EXT, &self.ext)?;
        }
        object.end()
    }
}

/// Reads an Option up to its closing brace.
///
/// Keys are matched and values taken as Go does: in any case, of several equal ones the last,
/// and `null` as if it was not there; what is absent is zero.
pub(crate) fn parse_option(bytes: &[u8]) -> Result<Parse<ConnectOption>, HandshakeError> {
    let readable = &bytes[..bytes.len().min(OPTION_MAX)];
    let mut objects = serde_json::Deserializer::from_slice(readable).into_iter::<Fields>();
    let fields = match objects.next() {
        Some(Ok(fields)) => fields,
        Some(Err(error)) if !is_cut_short(&error, readable) => {
            return Err(HandshakeError::OptionSyntax(excerpt(&error.to_string())));
        }
        Some(Err(_)) | None if readable.len() == OPTION_MAX => {
            return Err(HandshakeError::OptionTooLong);
        }
        Some(Err(_)) | None => return Ok(Parse::Partial),
    };
    let consumed = objects.byte_offset();
    if let Err(error) = str::from_utf8(&bytes[..consumed]) {
        return Err(HandshakeError::OptionSyntax(error.to_string()));
    }
    let value = fields.check()?;
    Ok(Parse::Done { value, consumed })
}

/// Whether the byte behind an Option belongs to it: Go's encoder ends its line.
///
/// No message begins with a line feed. The first of a gob stream defines the header's type and is
/// longer than the ten bytes which that byte would announce, and to JSON it is a blank.
pub(crate) fn skip_newline(first: u8) -> bool {
    first == b'\n'
}

/// The values of the fields that we know, as they were sent.
#[derive(Default)]
struct Fields {
    magic_number: Value,
    codec: Value,
    connect_timeout: Value,
    handle_timeout: Value,
    ext: Value,
}

impl Fields {
    fn slot(&mut self, key: &str) -> Option<&mut Value> {
        let slots = [
            (option_field::MAGIC_NUMBER, &mut self.magic_number),
            (option_field::CODEC_TYPE, &mut self.codec),
            (option_field::CONNECT_TIMEOUT, &mut self.connect_timeout),
            (option_field::HANDLE_TIMEOUT, &mut self.handle_timeout),
            (option_field::EXT, &mut self.ext),
        ];
        let found = slots
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, slot)| slot)
    }

    fn check(self) -> Result<ConnectOption, HandshakeError> {
        if self.magic_number.as_i64() != Some(MAGIC_NUMBER.into()) {
            let expected = "the number that marks WgRPC";
            return Err(wrong(
                option_field::MAGIC_NUMBER,
                expected,
                &self.magic_number,
            ));
        }
        let codec = match self.codec {
            Value::Null => String::new(),
            Value::String(codec) => codec,
            other => return Err(wrong(option_field::CODEC_TYPE, "a text", &other)),
        };
        let ext = match &self.ext {
            Value::Null => 0,
            value => value
                .as_u64()
                .ok_or_else(|| wrong(option_field::EXT, "a whole number of 64 bits", value))?,
        };
        Ok(ConnectOption {
            codec,
            connect_timeout: nanoseconds(option_field::CONNECT_TIMEOUT, &self.connect_timeout)?,
            handle_timeout: nanoseconds(option_field::HANDLE_TIMEOUT, &self.handle_timeout)?,
            ext,
        })
    }
}

fn nanoseconds(field: &'static str, value: &Value) -> Result<i64, HandshakeError> {
    match value {
        Value::Null => Ok(0),
        value => value
            .as_i64()
            .filter(|nanoseconds| *nanoseconds >= 0)
            .ok_or_else(|| wrong(field, "a whole number of nanoseconds, 0 or more", value)),
    }
}

fn wrong(field: &'static str, expected: &'static str, found: &Value) -> HandshakeError {
    let found = excerpt(&found.to_string());
    HandshakeError::OptionField {
        field,
        expected,
        found,
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = object.next_key::<String>()? {
            let Some(slot) = fields.slot(&key) else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            match object.next_value()? {
                Value::Null => {}
                value => *slot = value,
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests;
