//! `large_future`: tasks with large futures are spawned at some place.

use super::{About, Severities, Tiers};
use crate::health::{Candidate, HealthFinding, Look, Memory, Subject, evidence, words};
use crate::location::line;
use insight_protocol::{ProblemKind, Severity, SourceLocation, TaskKind};
use std::collections::BTreeMap;

pub(super) static ABOUT: About = About {
    kind: ProblemKind::LargeFuture,
    severities: Severities::Always(Severity::Notice),
    tiers: Tiers::Proven,
    says: "The futures of the tasks that are spawned at one place are large.",
    symptom: "Tasks take much memory",
    called: "each has a large future",
};

/// When a spawned future is too large.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LargeFuture {
    /// Size of a spawned future, in bytes. Default: 64 KiB. tokio moves a future of more than 16 KiB to the heap before
    /// it spawns it, since it is too large for the stack. A build without optimisation does not explain four times that
    /// size.
    pub bytes: u64,
}

impl Default for LargeFuture {
    fn default() -> LargeFuture {
        LargeFuture { bytes: 64 << 10 }
    }
}

const ADVICE: &str = "Put large buffers that live across an `.await` on the heap, in a `Vec` or a `Box`. Or box the large \
                      part: `Box::pin(part()).await`.";

/// Time after which a place is dropped if no task with a large future that was spawned there is alive.
const FORGET_NS: u64 = 60_000_000_000;

/// Maximum number of places in memory.
const MOST_PLACES: usize = 1_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    places: BTreeMap<SourceLocation, Place>,
}

#[derive(Clone, Debug)]
struct Place {
    name: String,
    bytes: u64,
    since_ns: u64,
    seen_ns: u64,
}

impl Memory for Kept {
    type Limits = LargeFuture;

    fn look(&mut self, look: &Look, limits: &LargeFuture, out: &mut Vec<Candidate>) {
        for task in &look.large {
            // A future that a thread runs itself is the only one there, and it is not moved.
            let Some((location, bytes)) = task.origin.location.as_ref().zip(task.origin.future_bytes) else { continue };
            if task.origin.kind == TaskKind::BlockOn {
                continue;
            }
            if let Some(place) = self.places.get_mut(&location.place) {
                place.seen_ns = look.now_ns;
                if bytes > place.bytes {
                    (place.bytes, place.name) = (bytes, look.model.task_label(task.id));
                }
            } else if self.places.len() < MOST_PLACES {
                let place = Place {
                    name: look.model.task_label(task.id),
                    bytes,
                    since_ns: task.spawned_ns,
                    seen_ns: look.now_ns,
                };
                self.places.insert(location.place.clone(), place);
            }
        }
        let least = limits.bytes;
        self.places.retain(|_, place| look.for_ns(place.seen_ns) <= FORGET_NS && place.bytes >= least);
        out.extend(self.places.iter().map(|(at, place)| place.candidate(at)));
    }
}

impl Place {
    fn candidate(&self, at: &SourceLocation) -> Candidate {
        let (place, size) = (line(at), words::bytes(self.bytes));
        let finding = HealthFinding {
            finding: evidence(&ABOUT, self.since_ns),
            severity: ABOUT.least(),
            place: Some(at.clone()),
            title: format!("large future: tasks spawned at {place} take {size} each"),
            explanation: vec![
                format!("{}, spawned at {place}, has a future of {size}.", self.name),
                "A future has room for all values that live across its `.await`s, also those of the futures that it awaits."
                    .to_owned(),
                "It is copied when it is spawned.".to_owned(),
            ],
            advice: ADVICE,
        };
        // The size of a type does not change, so there is nothing to settle.
        Candidate { subject: Subject::Place(at.clone()), over: true, settle_ns: Some(0), frozen: false, finding }
    }
}
