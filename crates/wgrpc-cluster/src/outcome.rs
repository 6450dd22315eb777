//! What the end of a call says about the server that it was made to: the one fact that load and
//! health are both made of.

use wgrpc_core::{Code, Error};

/// What the end of a call says about its server, as opposed to what it says to its caller.
///
/// ```
/// use wgrpc_cluster::Outcome;
/// use wgrpc_core::{Error, Fault};
///
/// let missing: Result<(), _> = Err(Error::Remote(Fault::new("no such user")));
/// assert_eq!(Outcome::of(&missing), Outcome::Answered);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It answered: with a reply, or with an error of the application. Both are equally healthy.
    Answered,
    /// It answered that it has too much to do: it is well, but should get less.
    Overloaded,
    /// It did not answer in time, or the connection was lost.
    Failed,
    /// No connection can be made, or the server said that it is going away.
    Unreachable,
    /// Nothing: the caller gave the call up, or the call never concerned a server.
    Unknown,
}

impl Outcome {
    /// What the result of a call says about the server.
    pub fn of<T>(result: &Result<T, Error>) -> Self {
        result.as_ref().err().map_or(Self::Answered, Self::of_error)
    }

    /// What an error says about the server.
    pub fn of_error(error: &Error) -> Self {
        match error {
            Error::Remote(_) | Error::Decode(_) => Self::Answered,
            Error::Refused(fault) => match fault.code() {
                Some(Code::Overloaded) => Self::Overloaded,
                Some(Code::ShuttingDown) => Self::Unreachable,
                _ => Self::Answered,
            },
            Error::Timeout { .. } | Error::NotSent(_) | Error::Lost(_) => Self::Failed,
            Error::Connect { .. } => Self::Unreachable,
            _ => Self::Unknown,
        }
    }

    /// Whether a server that answers so should get less to do.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Overloaded | Self::Failed | Self::Unreachable)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wgrpc_core::Fault;

    use super::*;

    #[test]
    fn only_what_concerns_the_server_is_counted_against_it() {
        let refused = |code| Error::Refused(Fault::new("no").with_code(code));
        let timeout = |sent| Error::Timeout {
            after: Duration::from_secs(1),
            sent,
        };
        for (error, outcome) in [
            (Error::Remote(Fault::new("no")), Outcome::Answered),
            (refused(Code::NotFound), Outcome::Answered),
            (refused(Code::Forbidden), Outcome::Answered),
            (refused(Code::Overloaded), Outcome::Overloaded),
            (refused(Code::ShuttingDown), Outcome::Unreachable),
            (timeout(true), Outcome::Failed),
            (timeout(false), Outcome::Failed),
            (Error::Closed { sent: true }, Outcome::Unknown),
            (Error::Limit("too long".to_owned()), Outcome::Unknown),
        ] {
            assert_eq!(Outcome::of_error(&error), outcome, "{error:?}");
        }
        assert_eq!(Outcome::of(&Ok(())), Outcome::Answered);
    }
}
