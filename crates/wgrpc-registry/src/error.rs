//! What can go wrong with a registry, split by what can be done about it.

use wgrpc_core::AddressError;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be registered or listed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A URL or an option that cannot be used as given.
    #[error("{0}")]
    Setup(String),
    /// An address that is not `protocol@address`.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A registration that no registry takes; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// The registry wants a token, and another one.
    #[error("the registry wants its token")]
    Unauthorized,
    /// The registry has as much as it may have; the text names the limit.
    #[error("{0}")]
    Full(String),
    /// There is no connection to the registry, or no answer in time.
    #[error("no answer from the registry at {url}: {reason}")]
    Unreachable {
        /// The registry.
        url: String,
        /// What failed.
        reason: String,
    },
    /// Something answered, and not as a registry does.
    #[error("not the answer of a registry at {url}: {reason}")]
    Answer {
        /// Who was asked.
        url: String,
        /// What was wrong with it.
        reason: String,
    },
    /// What the registrations are kept in does not work just now.
    #[error("the registry's store failed: {0}")]
    Store(String),
}

/// For programs that deal with servers and registries in one function.
impl From<Error> for wgrpc_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Address(error) => Self::Address(error),
            other => Self::Setup(other.to_string()),
        }
    }
}
