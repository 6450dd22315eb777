//! Who may be used, given the health of all.

use std::sync::Arc;
use std::time::Duration;

use super::Condition;
use crate::balance::Node;

/// How many of the ill are asked at a call whether they want a probe.
const ASKED: usize = 4;

/// Who may be used. Made again when the list or somebody's [condition](super::Health::condition)
/// changes, which is rare; calls share it.
///
/// The rule, in order:
///
/// * Servers of weight 0 and those that are draining are used only if none of the others is
///   reachable.
/// * Those to which no connection can be made are used only if nobody at all is reachable: what
///   they were sent would only come back.
/// * The sick are left out as long as at least half of all are well. If fewer are, the sick are
///   used as well: the few that are well would not survive the load of all, and the fault
///   may be this client's own. So the last one is never left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Indices of those that may be used, ascending. Empty only if there are no servers.
    pub usable: Vec<u32>,
    /// Indices of those that are ill, ascending, whether they are used or not.
    pub ill: Vec<u32>,
    /// Whether fewer than half are well, so that the sick are used as well.
    pub is_panic: bool,
}

impl Survey {
    /// Who may be used of these.
    pub fn of(nodes: &[Arc<Node>]) -> Self {
        let states: Vec<(Condition, bool)> = nodes.iter().map(|node| node.state()).collect();
        Self::of_states(&states)
    }

    /// Who may be used of those of which this is known: the [condition](Condition), and whether
    /// they [are wanted](crate::Endpoint::is_wanted).
    pub(crate) fn of_states(states: &[(Condition, bool)]) -> Self {
        let indices_of = |is_one: &dyn Fn(Condition, bool) -> bool| -> Vec<u32> {
            let those = (0_u32..).zip(states);
            let those = those.filter(|(_, (condition, is_wanted))| is_one(*condition, *is_wanted));
            those.map(|(index, _)| index).collect()
        };

        let ill = indices_of(&|condition, _| condition != Condition::Well);
        for is_wanted in [true, false] {
            let size = states.iter().filter(|state| state.1 == is_wanted).count();
            let well = indices_of(&|condition, wanted| {
                wanted == is_wanted && condition == Condition::Well
            });
            let is_panic = well.len() * 2 < size;
            let usable = if is_panic {
                indices_of(&|condition, wanted| {
                    wanted == is_wanted && condition != Condition::Unreachable
                })
            } else {
                well
            };
            if !usable.is_empty() {
                return Self {
                    usable,
                    ill,
                    is_panic,
                };
            }
        }
        let mut usable = indices_of(&|_, is_wanted| is_wanted);
        if usable.is_empty() {
            usable = indices_of(&|_, _| true);
        }
        Self {
            usable,
            is_panic: !states.is_empty(),
            ill,
        }
    }

    /// One that wants a probe, which the caller then has to make: see
    /// [`Health::try_probe`](super::Health::try_probe). Only a few are asked, so this is cheap
    /// however many are ill. A call that may not be made again elsewhere should be reluctant.
    pub fn probe(
        &self,
        nodes: &[Arc<Node>],
        now: Duration,
        reluctance: Duration,
        random: u64,
    ) -> Option<usize> {
        if self.ill.is_empty() {
            return None;
        }
        let start = random as usize % self.ill.len();
        let asked = self.ill[start..]
            .iter()
            .chain(&self.ill[..start])
            .take(ASKED);
        let mut wanting = asked.filter(|&&index| {
            let node = nodes.get(index as usize);
            node.is_some_and(|node| node.health().try_probe(now, reluctance))
        });
        wanting.next().map(|&index| index as usize)
    }
}
