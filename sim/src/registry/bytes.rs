//! How long requests and answers are on the wire, as hyper writes them. A test compares it with
//! what goes over a socket.

use hyper::http::response;
use hyper::{HeaderMap, Request, StatusCode};

/// What hyper adds to every answer: `Date: Sun, 22 Nov 2026 22:00:00 GMT`.
const DATE: usize = 37;

/// `Connection: close`.
const CLOSE: usize = 19;

/// The bytes of a request without a body.
pub(super) fn of_request(request: &Request<()>) -> usize {
    let uri = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let line = format!("{} {uri} HTTP/1.1\r\n", request.method()).len();
    line + of_headers(request.headers()) + "\r\n".len()
}

/// The bytes of an answer.
pub(super) fn of_answer(head: &response::Parts, body: usize, is_closed: bool) -> usize {
    let reason = head.status.canonical_reason().unwrap_or_default();
    let line = format!("HTTP/1.1 {} {reason}\r\n", head.status.as_str()).len();
    let length = if head.status == StatusCode::NOT_MODIFIED {
        0
    } else {
        format!("Content-Length: {body}\r\n").len()
    };
    let close = if is_closed { CLOSE } else { 0 };
    line + of_headers(&head.headers) + length + DATE + close + "\r\n".len() + body
}

fn of_headers(headers: &HeaderMap) -> usize {
    let lengths = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    lengths.map(|length| length + ": \r\n".len()).sum()
}

/// The revision of a listing in JSON, which stands at its beginning.
pub(super) fn revision(json: &[u8]) -> Option<u64> {
    let digits = json.strip_prefix(br#"{"revision":"#)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}
