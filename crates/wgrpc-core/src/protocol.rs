//! What stands on the wire before and around the messages: every word of it, and the forms of the
//! handshake as functions of bytes.
//!
//! No other file spells these words. The functions do no I/O: they look at the bytes that have
//! arrived so far and say whether that is all of what they read, so that whoever owns the buffer
//! keeps every byte that follows.

mod connect;
mod option;
mod sniff;

pub(crate) use connect::{
    HttpHead, connect_request, connect_response, parse_connect, parse_connect_response,
};
pub(crate) use option::{ConnectOption, parse_option, skip_newline};
pub(crate) use sniff::{Dialect, sniff};

/// Marks a connection as WgRPC, in the first thing that a client sends.
pub(crate) const MAGIC_NUMBER: i32 = 0x0371_9666;

/// The name of the codec that every WgRPC program has: Go's gob.
pub const GOB: &str = "application/gob";

/// The name of the codec whose messages are JSON values.
pub const JSON: &str = "application/json";

/// Where a server turns an HTTP connection into one for calls; Go's clients ask for this spelling.
pub(crate) const RPC_PATH: &str = "/_wgprc_";

/// The spelling that was meant.
pub(crate) const RPC_PATH_ALIAS: &str = "/_wgrpc_";

/// Where a server shows what it serves to people.
pub const DEBUG_PATH: &str = "/debug/wgrpc";

/// What a client asks for, byte for byte as Go's client does.
const CONNECT_REQUEST: &[u8] = b"CONNECT /_wgprc_ HTTP/1.0\n\n";

/// The server's consent: a Go client compares the status text exactly.
const CONNECT_RESPONSE: &[u8] = b"HTTP/1.0 200 Connected to Wg RPC\n\n";

/// The status text in [`CONNECT_RESPONSE`].
const CONNECTED: &str = "Connected to Wg RPC";

/// The answer to whoever asks for [`RPC_PATH`] by another method, with status 405.
pub(crate) const MUST_CONNECT: &str = "405 must CONNECT\n";

/// The most bytes of an Option, up to its closing brace.
pub(crate) const OPTION_MAX: usize = 4 << 10;

/// How many bytes a client's Option has.
///
/// A Go server reads the Option through a decoder that asks its socket for 512 bytes and throws
/// away what follows the closing brace. An Option of just that length leaves nothing to throw
/// away, so that the first request can follow at once.
pub(crate) const OPTION_PADDED: usize = 512;

/// The most bytes of the head of an HTTP request or response, up to its empty line.
pub(crate) const HEAD_MAX: usize = 8 << 10;

/// The most header fields in an HTTP head.
pub(crate) const HEAD_FIELDS_MAX: usize = 100;

/// The names of the fields of a message's header, in the order in which they are sent.
pub(crate) mod field {
    /// `Service.Method`, text.
    pub(crate) const SERVICE_METHOD: &str = "ServiceMethod";
    /// The number by which a response finds its request.
    pub(crate) const SEQ: &str = "Seq";
    /// The error's text in a response, or empty.
    pub(crate) const ERROR: &str = "Error";
    /// In the server's first response: what it understands, see [`Ext`](super::Ext).
    pub(crate) const EXT: &str = "Ext";
    /// What kind of error a response reports.
    pub(crate) const CODE: &str = "Code";
    /// Metadata, a map of texts.
    pub(crate) const META: &str = "Meta";
    /// In a request: the number of the method on this connection.
    pub(crate) const METHOD: &str = "Method";
}

/// The longest header of a request: 4 KiB, and as much metadata as there may be.
pub(crate) const REQUEST_HEADER_MAX: usize = 16 << 10;

/// The longest header of a response, which may have a long error text in it.
pub(crate) const RESPONSE_HEADER_MAX: usize = 1 << 20;

/// The longest error text that is sent; a longer one is cut. Escaped as JSON it may be six times
/// as long, and still fits into a header.
pub(crate) const ERROR_MAX: usize = 160 << 10;

/// The longest `Service.Method`.
pub(crate) const METHOD_MAX: usize = 512;

/// The most methods that a client gives numbers on one connection.
pub(crate) const METHODS_MAX: usize = 1024;

/// The name under which control messages travel; no service can have it.
pub(crate) const RESERVED_SERVICE: &str = "_wgrpc_";

/// The names of the Option's fields, in the order in which they are sent.
mod option_field {
    pub(super) const MAGIC_NUMBER: &str = "MagicNumber";
    pub(super) const CODEC_TYPE: &str = "CodecType";
    pub(super) const CONNECT_TIMEOUT: &str = "ConnectTimeout";
    pub(super) const HANDLE_TIMEOUT: &str = "HandleTimeout";
    pub(super) const EXT: &str = "Ext";
}

/// The extensions that one side understands, as a set of bits.
///
/// Each is used only towards a peer that has announced it; bits without a meaning here are kept
/// and ignored. 4 (deadlines and cancellation), 8 (drain) and 16 (streams) are reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ext(pub(crate) u64);

impl Ext {
    /// Error codes and metadata in headers.
    pub const CODES_AND_META: Self = Self(1);

    /// Responses without `ServiceMethod`, which a client knows from the `Seq`.
    pub const BRIEF_REPLIES: Self = Self(2);

    /// Requests with a number in the place of a `ServiceMethod` that was sent before.
    pub const METHOD_NUMBERS: Self = Self(32);

    /// What this version understands.
    pub(crate) const OURS: Self =
        Self(Self::CODES_AND_META.0 | Self::BRIEF_REPLIES.0 | Self::METHOD_NUMBERS.0);

    /// Whether everything in `other` is announced here as well.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What the bytes that have arrived so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parse<T> {
    /// A proper beginning: ask again when more has arrived.
    Partial,
    /// All of it, in the first `consumed` bytes; what follows them belongs to somebody else.
    Done {
        /// What was read.
        value: T,
        /// How many bytes it took.
        consumed: usize,
    },
}

/// Why a connection ends before its first message.
///
/// No text is longer than a line: what it quotes of the peer's is escaped and cut short.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("the option is longer than {OPTION_MAX} bytes")]
    OptionTooLong,
    #[error("the option is not a JSON object: {0}")]
    OptionSyntax(String),
    #[error("the option's `{field}` must be {expected}, found {found}")]
    OptionField {
        field: &'static str,
        expected: &'static str,
        found: String,
    },
    #[error("the HTTP head is longer than {HEAD_MAX} bytes")]
    HeadTooLong,
    #[error("the HTTP head is malformed: {0}")]
    HeadSyntax(#[from] httparse::Error),
    #[error("CONNECT was answered by `{0}`, expected `200 {CONNECTED}`")]
    NotConnected(String),
}

/// Whether `error` means no more than that `bytes`, the beginning of an object, end too early.
///
/// The parser knows that by itself, except within a number that it skips: one cut short behind a
/// sign, a point or an exponent is the same to it as one that is wrong. What does not begin as an
/// object will never be one.
fn is_cut_short(error: &serde_json::Error, bytes: &[u8]) -> bool {
    let is_blank = |byte: &u8| b" \t\r\n".contains(byte);
    let may_be_object = bytes
        .iter()
        .find(|byte| !is_blank(byte))
        .is_none_or(|&byte| byte == b'{');
    let is_in_number = matches!(bytes, [.., b'-' | b'+' | b'.' | b'e' | b'E']);
    may_be_object && (error.is_eof() || (is_in_number && is_at_end(error, bytes)))
}

fn is_at_end(error: &serde_json::Error, bytes: &[u8]) -> bool {
    let lines = bytes.split(|&byte| byte == b'\n');
    let (line, column) = lines.fold((0, 0), |(number, _), line| (number + 1, line.len()));
    (error.line(), error.column()) == (line, column)
}

/// A peer's text as it may stand in an error: one line of bounded length.
fn excerpt(text: &str) -> String {
    const LENGTH_MAX: usize = 256;
    let mut excerpt = String::new();
    for c in text.chars() {
        let escaped = c.escape_debug();
        if excerpt.len() + escaped.len() > LENGTH_MAX {
            excerpt.push('…');
            break;
        }
        excerpt.extend(escaped);
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_escaped_line_of_bounded_length() {
        assert_eq!(excerpt("404 Not Found"), "404 Not Found");
        assert_eq!(excerpt("a\r\n\0\u{1b}[2J"), "a\\r\\n\\0\\u{1b}[2J");
        for long in ["x".repeat(10_000), "\0".repeat(10_000), "é".repeat(10_000)] {
            assert!(excerpt(&long).len() <= 260);
        }
    }

    #[test]
    fn the_words_that_are_spelled_within_others_agree() {
        let request = str::from_utf8(CONNECT_REQUEST).unwrap();
        assert_eq!(request, format!("CONNECT {RPC_PATH} HTTP/1.0\n\n"));
        let response = str::from_utf8(CONNECT_RESPONSE).unwrap();
        assert_eq!(response, format!("HTTP/1.0 200 {CONNECTED}\n\n"));
        assert_eq!(MAGIC_NUMBER, 57_775_718);
    }

    #[test]
    fn extensions_are_sets() {
        assert!(Ext::OURS.contains(Ext::CODES_AND_META));
        assert!(Ext::OURS.contains(Ext::BRIEF_REPLIES));
        assert!(Ext::OURS.contains(Ext::METHOD_NUMBERS));
        assert!(!Ext(1).contains(Ext::BRIEF_REPLIES));
        assert!(Ext(u64::MAX).contains(Ext::OURS));
        assert!(Ext::default().contains(Ext::default()));
    }
}
