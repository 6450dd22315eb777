//! What a call can end with, split by what the caller can do about it.

mod attempts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use attempts::{Attempt, Attempts};

use crate::address::AddressError;

/// The result of a call, and of everything else here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed, or a client or server could not be set up.
///
/// The variants say what is known about the request: [`is_executed`](Self::is_executed) sums it
/// up. Every error is cheap to clone, since one lost connection ends many calls.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered with an error. A Go server sends only the text; then the handler is
    /// taken to have run.
    #[error("{}", .0.text())]
    Remote(Fault),
    /// The server, or a middleware on the way, refused the call: it was not executed.
    #[error("{}", .0.text())]
    Refused(Fault),
    /// The call's time was up. `sent` says whether the request had left.
    #[error("no answer within {after:?}{}", if *.sent { "" } else { ", the request was not sent" })]
    Timeout {
        /// The time that the call was given.
        after: Duration,
        /// Whether the request may have reached the server.
        sent: bool,
    },
    /// The request never left: the connection had ended, or there was no room for it.
    #[error("not sent: {0}")]
    NotSent(Cause),
    /// The connection ended after the request had left and before the answer came: it may have
    /// been executed.
    #[error("connection lost, the call may have been executed: {0}")]
    Lost(Cause),
    /// The client was closed by its owner.
    #[error("the client is closed{}", if *.sent { ", the call may be executed" } else { "" })]
    Closed {
        /// Whether the request may have reached the server.
        sent: bool,
    },
    /// A call over several servers failed: where and why, and nothing more is tried.
    #[error("{0}")]
    Attempts(Attempts),
    /// No connection could be made.
    #[error("cannot connect to {address}: {cause}")]
    Connect {
        /// The address that was tried.
        address: String,
        /// What failed.
        cause: Cause,
    },
    /// The server could not listen, or a connection could not be served.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address that was tried.
        address: String,
        /// What failed.
        cause: Cause,
    },
    /// An address that is not `protocol@address`.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The argument cannot be sent in this codec; nothing was sent.
    #[error("cannot encode the argument: {0}")]
    Encode(Cause),
    /// The reply does not fit the type that was asked for. The call was executed.
    #[error("cannot decode the reply: {0}")]
    Decode(Cause),
    /// A limit of ours was exceeded; the text names it.
    #[error("{0}")]
    Limit(String),
    /// A service, codec or option that cannot be used as given.
    #[error("{0}")]
    Setup(String),
}

/// What is known about the execution of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executed {
    /// The handler did not run: the call can be made again.
    No,
    /// Nobody knows.
    Maybe,
    /// The handler ran.
    Yes,
}

impl Error {
    /// Whether the handler ran.
    pub fn is_executed(&self) -> Executed {
        match self {
            Self::Remote(fault) => match fault.code() {
                Some(Code::HandleTimeout | Code::Cancelled | Code::Panicked) => Executed::Maybe,
                _ => Executed::Yes,
            },
            Self::Decode(_) => Executed::Yes,
            Self::Timeout { sent, .. } | Self::Closed { sent } if *sent => Executed::Maybe,
            Self::Lost(_) => Executed::Maybe,
            Self::Attempts(attempts) => attempts.is_executed(),
            _ => Executed::No,
        }
    }

    /// Whether the same call may succeed if made again, elsewhere or later, and is known not to
    /// have been executed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Connect { .. } | Self::Closed { sent: false } => true,
            Self::Refused(fault) => {
                matches!(fault.code(), Some(Code::Overloaded | Code::ShuttingDown))
            }
            Self::Attempts(attempts) => {
                attempts.is_executed() == Executed::No
                    && attempts.last().is_some_and(Self::is_retryable)
            }
            _ => false,
        }
    }

    /// Whether the time was up, here or at the server.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Remote(fault) => fault.code() == Some(Code::HandleTimeout),
            Self::Attempts(attempts) => attempts.last().is_some_and(Self::is_timeout),
            _ => false,
        }
    }

    /// What the server said, if it was the server that ended the call.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Remote(fault) | Self::Refused(fault) => Some(fault),
            Self::Attempts(attempts) => attempts.last().and_then(Self::fault),
            _ => None,
        }
    }

    /// An error reply: refused if its code says that the handler did not run.
    pub(crate) fn from_reply(fault: Fault) -> Self {
        match fault.code() {
            Some(code) if code.is_refusal() => Self::Refused(fault),
            _ => Self::Remote(fault),
        }
    }
}

/// What lies beneath an [`Error`].
#[derive(Clone)]
pub struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl Cause {
    /// A cause of which `cause` is known: an error, or a text.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }

    /// The error itself, to be downcast: an [`std::io::Error`], a [`wgrpc_gob::Error`].
    pub fn error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a handler answers with instead of a reply: a text for the caller and, for callers that
/// know codes, what kind of failure it is.
///
/// Any error that can be shown becomes one, so `?` works in a handler:
///
/// ```
/// use wgrpc_core::Fault;
///
/// fn parse(text: &str) -> Result<i64, Fault> {
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(parse("x").unwrap_err().text(), "invalid digit found in string");
/// ```
///
/// Of the codes, a handler may give [`Code::Unauthenticated`] and [`Code::Forbidden`], and only
/// before it has had any effect: callers take these for calls that were not executed. Every other
/// code is the server's own to give; from a handler it becomes [`Code::Application`]. A middleware
/// that refuses a call may also say [`Code::Overloaded`].
///
/// It is not an error itself (it has no `Display`): that is what makes the conversion possible.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault(Box<Told>);

/// What a fault says. Boxed, so that a reply is not moved with room for it.
#[derive(Clone, PartialEq, Eq)]
struct Told {
    text: String,
    code: Option<Code>,
}

impl Fault {
    /// A fault with this text. An empty text, which the wire cannot tell from success, becomes
    /// `error`.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.is_empty() {
            text.push_str("error");
        }
        Self(Box::new(Told { text, code: None }))
    }

    /// The same fault with a code. Not every code is [for handlers](Fault) to give.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.0.code = Some(code);
        self
    }

    /// The caller has not shown who it is. The call must have had no effect.
    pub fn unauthenticated(text: impl Into<String>) -> Self {
        Self::new(text).with_code(Code::Unauthenticated)
    }

    /// The caller may not do this. The call must have had no effect.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(text).with_code(Code::Forbidden)
    }

    /// What went wrong, for people.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// What kind of failure it is. `None` from a peer that sends no codes.
    pub fn code(&self) -> Option<Code> {
        self.0.code
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("text", &self.0.text)
            .field("code", &self.0.code)
            .finish()
    }
}

impl<E: fmt::Display> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

/// What kind of failure a [`Fault`] is. Sent only between peers that both know codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The handler returned an error.
    Application,
    /// There is no such service or method.
    NotFound,
    /// The argument does not decode into the method's type.
    BadArguments,
    /// The server's time limit for the request passed.
    HandleTimeout,
    /// The server has too much to do; the call was not executed.
    Overloaded,
    /// The server is going away; the call was not executed.
    ShuttingDown,
    /// The handler panicked.
    Panicked,
    /// The caller gave the call up.
    Cancelled,
    /// The reply exceeds a limit of the server.
    Limit,
    /// Refused: the caller has not shown who it is.
    Unauthenticated,
    /// Refused: the caller may not do this.
    Forbidden,
}

impl Code {
    const ALL: [Self; 11] = [
        Self::Application,
        Self::NotFound,
        Self::BadArguments,
        Self::HandleTimeout,
        Self::Overloaded,
        Self::ShuttingDown,
        Self::Panicked,
        Self::Cancelled,
        Self::Limit,
        Self::Unauthenticated,
        Self::Forbidden,
    ];

    /// The code's number on the wire, from 1 up.
    pub fn number(self) -> u64 {
        self as u64 + 1
    }

    /// The code with this number on the wire. An unknown one is a plain application error; 0 is
    /// none.
    pub(crate) fn from_number(number: u64) -> Option<Self> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some(Self::ALL.get(index).copied().unwrap_or(Self::Application))
    }

    /// The code that callers see if a handler gives this one: a handler cannot say what only the
    /// server knows.
    pub(crate) fn of_handler(self) -> Self {
        match self {
            Self::Unauthenticated | Self::Forbidden => self,
            _ => Self::Application,
        }
    }

    /// The code that callers see if a middleware that did not run the handler gives this one.
    pub(crate) fn of_middleware(self) -> Self {
        match self {
            Self::Overloaded => self,
            _ => self.of_handler(),
        }
    }

    /// Whether it says that the handler did not run.
    fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::NotFound
                | Self::BadArguments
                | Self::Overloaded
                | Self::ShuttingDown
                | Self::Unauthenticated
                | Self::Forbidden
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_numbers_of_the_protocol() {
        for (code, number) in [
            (Code::Application, 1),
            (Code::HandleTimeout, 4),
            (Code::Overloaded, 5),
            (Code::ShuttingDown, 6),
            (Code::Panicked, 7),
            (Code::Limit, 9),
            (Code::Unauthenticated, 10),
            (Code::Forbidden, 11),
        ] {
            assert_eq!(code.number(), number);
            assert_eq!(Code::from_number(number), Some(code));
        }
        assert_eq!(Code::from_number(0), None);
        assert_eq!(Code::from_number(u64::MAX), Some(Code::Application));
    }

    #[test]
    fn an_error_says_whether_the_handler_ran() {
        let refused = Error::from_reply(Fault::new("busy").with_code(Code::Overloaded));
        assert!(matches!(refused, Error::Refused(_)));
        assert_eq!(refused.is_executed(), Executed::No);
        assert!(refused.is_retryable());
        let plain = Error::from_reply(Fault::new("divide by zero"));
        assert_eq!(plain.is_executed(), Executed::Yes);
        assert_eq!(plain.to_string(), "divide by zero");
        let late = Error::Timeout {
            after: Duration::from_secs(1),
            sent: true,
        };
        assert_eq!(late.is_executed(), Executed::Maybe);
        assert!(!late.is_retryable());
    }

    #[test]
    fn the_error_of_several_attempts_says_where_and_what_is_known() {
        let attempt = |port: u16, error| {
            let address = format!("tcp@10.0.0.1:{port}").parse().unwrap();
            Attempt::new(address, error)
        };
        let lost = attempt(1, Error::Lost(Cause::new("reset")));
        let unsent = attempt(2, Error::NotSent(Cause::new("closed")));
        let error = Error::Attempts(Attempts::new(vec![lost, unsent.clone()]).unwrap());
        let text = "2 attempts failed: \
                    tcp@10.0.0.1:1: connection lost, the call may have been executed: reset; \
                    tcp@10.0.0.1:2: not sent: closed";
        assert_eq!(error.to_string(), text);
        assert_eq!(error.is_executed(), Executed::Maybe);
        assert!(!error.is_retryable());
        let error = Error::Attempts(Attempts::new(vec![unsent]).unwrap());
        assert_eq!(error.to_string(), "tcp@10.0.0.1:2: not sent: closed");
        assert_eq!(error.is_executed(), Executed::No);
        assert!(error.is_retryable());
    }

    #[test]
    fn an_empty_text_becomes_one_that_can_be_sent() {
        assert_eq!(Fault::new("").text(), "error");
    }
}
