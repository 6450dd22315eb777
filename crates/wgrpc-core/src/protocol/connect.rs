//! The HTTP way to a connection for calls: `CONNECT` and the answer to it, which ends with bare
//! line feeds, as no HTTP library would write it.

use httparse::{EMPTY_HEADER, Request, Response, Status};

use super::{
    CONNECT_REQUEST, CONNECT_RESPONSE, CONNECTED, HEAD_FIELDS_MAX, HEAD_MAX, HandshakeError, Parse,
    RPC_PATH, RPC_PATH_ALIAS, excerpt,
};

/// Whose an HTTP connection is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HttpHead {
    /// Ours: a `CONNECT` to one of our paths. Answer with [`connect_response`].
    Connect,
    /// The HTTP server's, which has to see the head itself: none of it is consumed.
    Other,
}

/// What a client sends to get a connection for calls.
pub(crate) fn connect_request() -> &'static [u8] {
    CONNECT_REQUEST
}

/// What a server answers to it, before anything else.
pub(crate) fn connect_response() -> &'static [u8] {
    CONNECT_RESPONSE
}

/// Reads the head of an HTTP request, as a server: as much of it as tells whose it is.
///
/// Lines may end with CRLF or LF, the version is 1.0 or 1.1, and header fields are allowed. What
/// is malformed but not meant for us is left to the HTTP server, which has an answer to it.
pub(crate) fn parse_connect(bytes: &[u8]) -> Result<Parse<HttpHead>, HandshakeError> {
    let readable = &bytes[..bytes.len().min(HEAD_MAX)];
    let mut fields = [EMPTY_HEADER; HEAD_FIELDS_MAX];
    let mut request = Request::new(&mut fields);
    let status = request.parse(readable);
    let ours = [RPC_PATH, RPC_PATH_ALIAS];
    let is_other_method = request.method.is_some_and(|method| method != "CONNECT");
    let is_other_path = request.path.is_some_and(|path| !ours.contains(&path));
    if is_other_method || is_other_path || (status.is_err() && request.path.is_none()) {
        let value = HttpHead::Other;
        return Ok(Parse::Done { value, consumed: 0 });
    }
    match status? {
        Status::Complete(consumed) => {
            let value = HttpHead::Connect;
            Ok(Parse::Done { value, consumed })
        }
        Status::Partial => incomplete(readable),
    }
}

/// Reads the head of the answer to [`connect_request`], as a client: only the exact status will
/// do.
pub(crate) fn parse_connect_response(bytes: &[u8]) -> Result<Parse<()>, HandshakeError> {
    let readable = &bytes[..bytes.len().min(HEAD_MAX)];
    let mut fields = [EMPTY_HEADER; HEAD_FIELDS_MAX];
    let mut response = Response::new(&mut fields);
    let status = response.parse(readable)?;
    if let (Some(code), Some(reason)) = (response.code, response.reason)
        && (code, reason) != (200, CONNECTED)
    {
        let answer = format!("{code} {}", excerpt(reason));
        return Err(HandshakeError::NotConnected(answer));
    }
    match status {
        Status::Complete(consumed) => Ok(Parse::Done {
            value: (),
            consumed,
        }),
        Status::Partial => incomplete(readable),
    }
}

fn incomplete<T>(readable: &[u8]) -> Result<Parse<T>, HandshakeError> {
    if readable.len() == HEAD_MAX {
        return Err(HandshakeError::HeadTooLong);
    }
    Ok(Parse::Partial)
}

#[cfg(test)]
mod tests;
