//! Streams of headers and bodies.

use super::samples::{self, Visit};
use crate::codec::{self, Body, Decoding, Encoding, Format, Next, Receiver, Sender};
use crate::header::Header;
use crate::protocol::{self, REQUEST_HEADER_MAX};

use serde::{Deserialize, Serialize};
use wgrpc_gob::{Gob, Limits};

/// What one side sends behind the handshake. The first byte chooses the codec.
pub fn messages(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else {
        return;
    };
    let format = if first % 2 == 0 {
        Format::Gob
    } else {
        Format::Json
    };
    let whole = read(&format, bytes, 0);
    let cut = usize::from(first) * bytes.len() / 256;
    assert_eq!(read(&format, bytes, cut), whole, "cut at {cut}");
}

/// A message as texts, for comparing.
#[derive(Debug, PartialEq)]
struct Message {
    header: Header<'static>,
    body: Vec<u8>,
}

/// All messages in `bytes`, the first `cut` of which arrive alone, and whether the stream can be
/// followed to its end.
fn read(format: &Format, bytes: &[u8], cut: usize) -> (Vec<Message>, bool) {
    let mut receiver = Receiver::new(format, REQUEST_HEADER_MAX, Limits::default());
    let decoding = receiver.decoding();
    let mut messages = Vec::new();
    let mut start = 0;
    let mut message = codec::Message::default();
    for end in [cut, bytes.len()] {
        loop {
            match receiver.next(&bytes[start..end], &mut message) {
                Ok(Next::Whole { consumed }) => {
                    start += consumed;
                    let codec::Message { header, body } = message.clone();
                    let header = header.into_owned();
                    assert_eq!(header.meta.excess(), None);
                    assert!(header.service_method.len() <= protocol::METHOD_MAX);
                    assert_eq!(read_header(format, &header), header);
                    samples::visit_all(&mut DecodeAs(&decoding, &body));
                    let body = body.bytes().to_vec();
                    messages.push(Message { header, body });
                }
                Ok(Next::Partial { consumed, missing }) => {
                    assert!(missing > 0);
                    start += consumed;
                    break;
                }
                Err(_) => return (messages, false),
            }
        }
    }
    (messages, true)
}

/// Reads a body into a type.
struct DecodeAs<'a>(&'a Decoding, &'a Body<'a>);

impl Visit for DecodeAs<'_> {
    fn visit<T: Serialize + for<'de> Deserialize<'de> + Gob>(&mut self) {
        let _ = self.0.decode::<T>(self.1);
    }
}

/// What a peer reads of `header` if we send it.
fn read_header(format: &Format, header: &Header<'_>) -> Header<'static> {
    let mut bytes = Vec::new();
    let (mut body, encoding) = (Vec::new(), Encoding::new(format.clone(), Limits::default()));
    let types = encoding.encode(&0i64, &mut body).unwrap_or_default();
    let sent = Sender::new(format.clone(), usize::MAX).begin(header, &types, &mut bytes);
    assert!(sent.is_ok(), "a header that was read cannot be written");
    bytes.append(&mut body);
    let mut receiver = Receiver::new(format, usize::MAX / 2, Limits::default());
    let mut message = codec::Message::default();
    match receiver.next(&bytes, &mut message) {
        Ok(Next::Whole { .. }) => message.header.into_owned(),
        _ => panic!("a header that was written cannot be read"),
    }
}
