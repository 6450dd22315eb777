//! How a command can fail, and how scripts tell: by the exit status.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use wgrpc::{Error, registry};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is something to say about it.
    Because(Status, String),
    /// Nobody reads any more what is printed, as after `| head`: no reason to complain.
    Unread,
}

/// The exit status of a command that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The server answered with an error; a gob stream is damaged; the demo saw something wrong.
    Failed = 1,
    /// What was asked for makes no sense, or is not there. clap ends with this status too.
    Usage = 2,
    /// There is no connection, or it was lost.
    Connection = 3,
    /// The time was up.
    Timeout = 4,
}

impl Failure {
    pub(crate) fn new(status: Status, reason: impl Display) -> Self {
        Self::Because(status, reason.to_string())
    }

    /// Something that is wrong with what was typed.
    pub(crate) fn usage(reason: impl Display) -> Self {
        Self::new(Status::Usage, reason)
    }

    /// A failure to print.
    pub(crate) fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::new(Status::Failed, format_args!("cannot print: {error}")),
        }
    }

    /// Says what is wrong on stderr, and with which status to exit.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Because(status, reason) => {
                anstream::eprintln!("{}: {reason}", crate::style::bad("error"));
                ExitCode::from(*status as u8)
            }
            Self::Unread => ExitCode::SUCCESS,
        }
    }
}

impl Status {
    /// The status of a command that ends with this error.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            error if error.is_timeout() => Self::Timeout,
            Error::Address(_) | Error::Setup(_) | Error::Encode(_) => Self::Usage,
            Error::Connect { .. }
            | Error::Listen { .. }
            | Error::NotSent(_)
            | Error::Lost(_)
            | Error::Closed { .. } => Self::Connection,
            // What has become of the last one is what it ended with.
            Error::Attempts(attempts) => match attempts.iter().last() {
                Some(attempt) => Self::of(&attempt.error),
                None => Self::Connection,
            },
            _ => Self::Failed,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Status::of(&error), error)
    }
}

impl From<registry::Error> for Failure {
    fn from(error: registry::Error) -> Self {
        let status = match &error {
            registry::Error::Setup(_) | registry::Error::Address(_) => Status::Usage,
            registry::Error::Unreachable { .. } => Status::Connection,
            _ => Status::Failed,
        };
        Self::new(status, error)
    }
}
