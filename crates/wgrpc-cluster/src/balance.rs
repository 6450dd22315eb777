//! Which server gets the next call: the choice, as pure functions of what is known.
//!
//! `node.rs` is a server with what has been learnt about it, `load.rs` how busy it is; the other
//! files are ways to choose. Who may be chosen at all is decided in `health.rs`, one level up.
//! Time and randomness come in as arguments, so each way can be shown to do what it says.

mod candidates;
mod consistent_hash;
mod draw;
mod least;
mod load;
mod node;
mod random;
mod round_robin;
mod weighted_round_robin;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use wgrpc_core::Error;

pub use candidates::Candidates;
pub use load::{Begun, Load};
pub use node::Node;

use consistent_hash::ConsistentHash;
use least::Least;
use random::Random;
use round_robin::RoundRobin;
use weighted_round_robin::WeightedRoundRobin;

/// Chooses among the servers that may be used.
///
/// ```
/// use wgrpc_cluster::{Balancer, Choice};
///
/// /// Always the first, the next one only if that has failed.
/// struct First;
///
/// impl Balancer for First {
///     fn pick(&self, choice: &Choice<'_>, _random: u64) -> Option<usize> {
///         choice.candidates().get(0)
///     }
/// }
/// ```
pub trait Balancer: Send + Sync {
    /// The index in [`Choice::nodes`] of the one that is to get the call; `None` if there is
    /// nobody. `random` is 64 fresh random bits.
    fn pick(&self, choice: &Choice<'_>, random: u64) -> Option<usize>;
}

/// What there is to choose from.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Every server of the list, the same as the balancer was built with.
    pub nodes: &'a [Arc<Node>],
    /// The indices in `nodes` of those that may be used, ascending.
    pub usable: &'a [u32],
    /// The indices of those that have been tried for this call: avoided if another is left.
    pub tried: &'a [u32],
    /// What the call is about, if its caller said so.
    pub key: Option<&'a [u8]>,
    /// The time, since some start that all calls share.
    pub now: Duration,
}

impl<'a> Choice<'a> {
    /// Those that should be chosen from: the usable ones that have not been tried, or all usable
    /// ones if each has.
    pub fn candidates(&self) -> Candidates<'a> {
        Candidates::new(self.usable, self.tried)
    }

    /// Whether this index is one of the [candidates](Self::candidates), if any is left that has
    /// not been tried.
    pub(crate) fn is_open(&self, index: u32) -> bool {
        !self.tried.contains(&index) && self.is_usable(index)
    }

    /// Whether this index is one of those that may be used.
    pub(crate) fn is_usable(&self, index: u32) -> bool {
        self.usable.len() == self.nodes.len() || self.usable.binary_search(&index).is_ok()
    }
}

/// How servers are chosen.
///
/// Those that are built in have [names](Self::NAMES), for command lines and configurations.
///
/// ```
/// use wgrpc_cluster::SelectMode;
///
/// let mode: SelectMode = "round-robin".parse()?;
/// assert_eq!(mode.to_string(), "round-robin");
/// # Ok::<(), wgrpc_core::Error>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum SelectMode {
    /// By chance, in proportion to their weights.
    Random,
    /// One after the other, beginning anywhere.
    RoundRobin,
    /// One after the other, in exact proportion to their weights, evenly spread.
    WeightedRoundRobin,
    /// By the call's [key](wgrpc_core::CallOptions::key): calls with the same key go to the same
    /// server, in all processes, as long as it is usable; one that comes or goes moves only its
    /// own share of the keys. Calls without a key go anywhere.
    ConsistentHash,
    /// The one with the fewest calls in flight for its weight, of two taken by chance or of all
    /// if they are few. Failures count as calls in flight for a while, or until a call succeeds.
    #[default]
    LeastLoaded,
    /// The one that answers fastest, of two taken by chance: by the square of a moving average of
    /// latency that rises at once and falls over seconds, times the calls in flight. Failures
    /// count as slow, until a call succeeds.
    PeakEwma,
    /// A way of the user's own. The function is called once for every list of servers.
    #[expect(clippy::type_complexity, reason = "it is written only here")]
    Custom(Arc<dyn Fn(&[Arc<Node>]) -> Box<dyn Balancer> + Send + Sync>),
}

/// Those that are built in.
static BUILT_IN: [SelectMode; 6] = [
    SelectMode::Random,
    SelectMode::RoundRobin,
    SelectMode::WeightedRoundRobin,
    SelectMode::ConsistentHash,
    SelectMode::LeastLoaded,
    SelectMode::PeakEwma,
];

impl SelectMode {
    /// The names of those that are built in.
    pub const NAMES: [&str; 6] = {
        let mut names = [""; 6];
        let mut place = 0;
        while place < names.len() {
            names[place] = BUILT_IN[place].name();
            place += 1;
        }
        names
    };

    const fn name(&self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::RoundRobin => "round-robin",
            Self::WeightedRoundRobin => "weighted",
            Self::ConsistentHash => "hash",
            Self::LeastLoaded => "least-loaded",
            Self::PeakEwma => "ewma",
            Self::Custom(_) => "custom",
        }
    }

    /// A way of the user's own; `build` is called once for every list of servers.
    pub fn custom<B: Balancer + 'static>(
        build: impl Fn(&[Arc<Node>]) -> B + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(Arc::new(move |nodes| Box::new(build(nodes))))
    }

    /// The balancer for these servers. `seed` is random, so that not all clients begin at the
    /// same server.
    pub fn build(&self, nodes: &[Arc<Node>], seed: u64) -> Box<dyn Balancer> {
        match self {
            Self::Random => Box::new(Random::new(nodes)),
            Self::RoundRobin => Box::new(RoundRobin::new(seed)),
            Self::WeightedRoundRobin => Box::new(WeightedRoundRobin::new(nodes, seed)),
            Self::ConsistentHash => Box::new(ConsistentHash::new(nodes)),
            Self::LeastLoaded => Box::new(Least::loaded(nodes)),
            Self::PeakEwma => Box::new(Least::peak_ewma(nodes)),
            Self::Custom(build) => build(nodes),
        }
    }
}

impl FromStr for SelectMode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = BUILT_IN.iter().find(|mode| mode.name() == name);
        known.cloned().ok_or_else(|| {
            let names = Self::NAMES.join(", ");
            Error::Setup(format!(
                "no way to choose a server is '{name}': expect {names}"
            ))
        })
    }
}

/// Its name; a way of the user's own is `custom`, which nobody can ask for by name.
impl fmt::Display for SelectMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for SelectMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "Random",
            Self::RoundRobin => "RoundRobin",
            Self::WeightedRoundRobin => "WeightedRoundRobin",
            Self::ConsistentHash => "ConsistentHash",
            Self::LeastLoaded => "LeastLoaded",
            Self::PeakEwma => "PeakEwma",
            Self::Custom(_) => "Custom",
        })
    }
}

#[cfg(test)]
mod tests;
