//! The waits of a task, as they were last sampled.

use crate::waiter::WaiterFacts;

/// A wait as it was last sampled.
#[derive(Clone, Debug)]
pub(super) struct SampledWait {
    /// The id in the slot.
    pub(super) slot: u64,
    /// The ID of the open edge; 0 once a timer has fired.
    edge: u64,
    /// The last sent facts of its operation: the time of its grant, or 0; the number of polls; whether it was polled lately.
    granted: u64,
    polls: u32,
    polled: Polled,
}

#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polled {
    Unseen,
    No,
    Yes,
}

impl SampledWait {
    pub(super) fn new(slot: u64, edge: Option<u64>, sent: WaiterFacts) -> SampledWait {
        let WaiterFacts { polls, polled, granted } = sent;
        let polled = match polled {
            None => Polled::Unseen,
            Some(false) => Polled::No,
            Some(true) => Polled::Yes,
        };
        SampledWait { slot, edge: edge.unwrap_or(0), granted: granted.unwrap_or(0), polls, polled }
    }

    pub(super) fn edge(&self) -> Option<u64> {
        (self.edge != 0).then_some(self.edge)
    }

    /// A fact that was not sent has its usual value.
    pub(super) fn sent(&self) -> WaiterFacts {
        let polled = match self.polled {
            Polled::Unseen => None,
            Polled::No => Some(false),
            Polled::Yes => Some(true),
        };
        WaiterFacts { polls: self.polls, polled, granted: (self.granted != 0).then_some(self.granted) }
    }
}

/// The waits of a task. Most tasks have at most one, which is in place.
#[derive(Clone, Debug, Default)]
pub(super) enum SampledWaits {
    #[default]
    None,
    One(SampledWait),
    Many(Vec<SampledWait>),
}

impl SampledWaits {
    pub(super) fn as_slice(&self) -> &[SampledWait] {
        match self {
            SampledWaits::None => &[],
            SampledWaits::One(wait) => std::slice::from_ref(wait),
            SampledWaits::Many(waits) => waits,
        }
    }

    pub(super) fn push(&mut self, wait: SampledWait) {
        *self = match std::mem::take(self) {
            SampledWaits::None => SampledWaits::One(wait),
            SampledWaits::One(first) => SampledWaits::Many(vec![first, wait]),
            SampledWaits::Many(mut waits) => {
                waits.push(wait);
                SampledWaits::Many(waits)
            }
        };
    }
}
