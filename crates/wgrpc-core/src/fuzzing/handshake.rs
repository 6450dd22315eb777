//! What stands on the wire before the messages, and where it is sent to.

use std::fmt::Debug;

use super::cuts;
use crate::address::{Address, Protocol};
use crate::protocol::{
    Dialect, HandshakeError, HttpHead, OPTION_MAX, OPTION_PADDED, Parse, parse_connect,
    parse_connect_response, parse_option, sniff,
};

/// The beginning of a connection, as a server sees it.
pub fn option(bytes: &[u8]) {
    let dialect = sniff(bytes);
    for cut in cuts(bytes.len()) {
        let early = sniff(&bytes[..cut]);
        assert!(early.is_none() || early == dialect, "more bytes change it");
    }
    stays(bytes, parse_option);
    if let Ok(Parse::Done { value, consumed }) = parse_option(bytes) {
        assert!(consumed <= OPTION_MAX);
        assert!(bytes[..consumed].ends_with(b"}"));
        assert!(!matches!(dialect, None | Some(Dialect::Http)));
        let encoded = value.encode();
        assert!(encoded.len() >= OPTION_PADDED);
        if encoded.len() <= OPTION_MAX {
            let consumed = encoded.len();
            assert_eq!(parse_option(&encoded), Ok(Parse::Done { value, consumed }));
        }
    }
}

/// The head of an HTTP request, as a server sees it, or of a response, as a client does.
pub fn connect(bytes: &[u8]) {
    stays(bytes, parse_connect);
    stays(bytes, parse_connect_response);
    if let Ok(Parse::Done { value, consumed }) = parse_connect(bytes) {
        assert_eq!(consumed > 0, value == HttpHead::Connect);
    }
}

/// An address, as a user or a registry gives it.
pub fn address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match text.parse::<Address>() {
        Ok(address) => {
            assert_eq!(address.to_string().parse(), Ok(address.clone()));
            let is_path = address.protocol() == Protocol::Unix;
            assert_eq!(address.host_and_port().is_none(), is_path);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Checks that bytes behind those that were enough for an answer do not change it, and that the
/// text of an error is short.
fn stays<T: Debug + PartialEq>(
    bytes: &[u8],
    parse: impl Fn(&[u8]) -> Result<Parse<T>, HandshakeError>,
) {
    let whole = parse(bytes);
    if let Err(error) = &whole {
        assert!(error.to_string().len() < 1000);
    }
    for cut in cuts(bytes.len()) {
        match parse(&bytes[..cut]) {
            Ok(Parse::Partial) => {}
            Ok(done) => assert_eq!(Ok(done), whole, "cut at {cut}"),
            Err(_) => assert!(whole.is_err(), "cut at {cut}"),
        }
    }
}
