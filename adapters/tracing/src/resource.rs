//! The resources of tokio's own spans, and the operations that wait on them.

use crate::fields::{PlaceFields, each};
use crate::layer::OperationFrame;
use insight_probe::{HoldMode, ResourceKind};
use insight_probe::{
    Moment, Op, Place, RawEdge, RawRelation, RawResource, RawResourceMeta, RawTask, RawWait, in_observed_operation,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing_core::Event;
use tracing_core::span::Attributes;

/// A span `runtime.resource`.
///
/// Most are never waited on, so it is recorded at the first wait. Until then nobody asks who holds it.
#[derive(Debug)]
pub(crate) struct Resource {
    kind: ResourceKind,
    place: Option<Place>,
    created: Moment,
    /// The task that created it.
    creator: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    // First: its end is recorded before that of the resource.
    hold: Option<RawEdge>,
    recorded: Option<RawResource>,
    capacity: Option<u64>,
    /// How often a lock was taken, and freed.
    claims: u64,
    releases: u64,
    /// Who took it last, if that is not freed.
    holder: Option<(RawTask, Moment)>,
    /// An adapter that wraps tokio's observes it.
    observed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Resource {
    pub(crate) fn new(attributes: &Attributes<'_>) -> Resource {
        let mut place = PlaceFields::default();
        let (mut kind, mut internal) = (ResourceKind::Foreign, false);
        attributes.record(&mut each(|field, value| match field {
            "concrete_type" => {
                kind = match value.text() {
                    Some("Mutex") => ResourceKind::Mutex,
                    Some("RwLock") => ResourceKind::Rwlock,
                    Some("Semaphore") => ResourceKind::Semaphore,
                    Some("Sender|Receiver") => ResourceKind::Oneshot,
                    Some("Barrier") => ResourceKind::Barrier,
                    Some("Sleep" | "Interval") => ResourceKind::Timer,
                    _ => ResourceKind::Foreign,
                }
            }
            "is_internal" => internal = value.flag() == Some(true),
            _ => place.take(field.strip_prefix("loc.").unwrap_or(""), value),
        }));
        // r[tracing.tokio.internal]: what it is part of, such as a bounded channel, is not said.
        let kind = if internal { ResourceKind::Foreign } else { kind };
        let (created, creator) = (Moment::now(), RawTask::current_id());
        Resource { kind, place: place.place(), created, creator, state: Mutex::default() }
    }

    /// An event `state_update`.
    pub(crate) fn updated(&self, event: &Event<'_>) {
        let (mut locked, mut size) = (None, None);
        event.record(&mut each(|field, value| match field {
            "locked" => locked = value.flag(),
            "size" => size = value.number(),
            _ => {}
        }));
        match locked {
            Some(true) => self.claimed(),
            Some(false) => self.released(),
            None => {}
        }
        if size.is_some() && self.kind == ResourceKind::Barrier {
            lock(&self.state).capacity = size;
        }
    }

    fn claimed(&self) {
        let mut state = lock(&self.state);
        state.claims += 1;
        // r[tracing.tokio.late-release]: the release of the one before may be told after this.
        state.hold = None;
        state.holder = RawTask::current().map(|task| (task, Moment::now()));
        if !in_observed_operation() {
            state.open_hold();
        }
    }

    fn released(&self) {
        let mut state = lock(&self.state);
        // A lock says that it is free when it is made, too.
        if state.claims == 0 {
            return;
        }
        state.releases += 1;
        // With a release outstanding, this one is of an older hold than the one that is open.
        if state.releases == state.claims {
            state.hold = None;
            state.holder = None;
        }
    }

    /// What a wait is for; recorded now, if it was not.
    fn waited_on<R>(&self, wait: impl FnOnce(&RawResource) -> R) -> R {
        let mut state = lock(&self.state);
        if state.recorded.is_none() {
            state.recorded = Some(RawResource::created(RawResourceMeta {
                kind: self.kind.clone(),
                name: None,
                place: self.place.clone(),
                task: self.creator,
                capacity: state.capacity,
                at: self.created,
            }));
            state.open_hold();
        }
        wait(state.recorded.as_ref().expect("just set"))
    }
}

impl State {
    fn open_hold(&mut self) {
        if let (Some(resource), Some((holder, since))) = (&self.recorded, &self.holder) {
            // r[tracing.tokio.no-holder]: its guard may be anywhere.
            let hold = RawRelation::Hold(HoldMode::Exclusive, 1, true, None);
            self.hold = Some(RawEdge::opened(holder, resource, hold, *since));
        }
    }
}

/// A span `runtime.resource.async_op`.
#[derive(Debug)]
pub(crate) struct Operation {
    resource: Arc<Resource>,
    op: Op,
    /// How many permits it wants; 0 when it does not say.
    requested: AtomicU64,
    obtained: AtomicU64,
    wait: Mutex<Option<RawWait>>,
}

impl Operation {
    pub(crate) fn new(attributes: &Attributes<'_>, resource: Arc<Resource>) -> Arc<Operation> {
        let (mut writes, mut closed) = (false, false);
        attributes.record(&mut each(|field, value| {
            if let ("source", Some(source)) = (field, value.text()) {
                writes = source.starts_with("RwLock::write");
                closed = source == "Sender::closed";
            }
        }));
        let op = match resource.kind {
            ResourceKind::Mutex => Op::Lock,
            ResourceKind::Rwlock if writes => Op::Write,
            ResourceKind::Rwlock => Op::Read,
            ResourceKind::Oneshot if closed => Op::Closed,
            ResourceKind::Oneshot => Op::Recv,
            ResourceKind::Barrier => Op::Barrier,
            ResourceKind::Timer => Op::Sleep,
            _ => Op::Acquire,
        };
        let (requested, obtained) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Operation { resource, op, requested, obtained, wait: Mutex::new(None) })
    }

    /// An event `async_op::state_update`; the one who frees permits sends it, too.
    pub(crate) fn updated(&self, event: &Event<'_>) {
        let (mut requested, mut obtained, mut overrides) = (None, None, false);
        event.record(&mut each(|field, value| match field {
            "permits_requested" => requested = value.number(),
            "permits_obtained" => obtained = value.number(),
            "permits.op" => overrides = value.text() == Some("override"),
            _ => {}
        }));
        if let Some(requested) = requested {
            self.requested.store(requested, Ordering::Relaxed);
        }
        match obtained {
            Some(obtained) if overrides => self.obtained.store(obtained, Ordering::Relaxed),
            Some(obtained) => drop(self.obtained.fetch_add(obtained, Ordering::Relaxed)),
            None => {}
        }
    }

    pub(crate) fn requested(&self) -> Option<u64> {
        Some(self.requested.load(Ordering::Relaxed)).filter(|permits| *permits > 0)
    }

    fn has_all(&self) -> bool {
        self.requested().is_some_and(|requested| self.obtained.load(Ordering::Relaxed) >= requested)
    }

    /// Its future is gone.
    pub(crate) fn over(&self) {
        *lock(&self.wait) = None;
    }

    fn waits(&self, need: u64) {
        let Some(task) = RawTask::current() else { return };
        let mut wait = lock(&self.wait);
        if wait.as_ref().is_none_or(|wait| !wait.is_of(&task)) {
            *wait = self.resource.waited_on(|resource| RawWait::opened(&task, resource, self.op, need));
        }
    }
}

/// A poll of an operation has ended, within one of `around`.
pub(crate) fn polled(polled: OperationFrame, around: Option<&mut OperationFrame>) {
    let OperationFrame { operation, ready, granted, need } = polled;
    // r[tracing.tokio.budget]: it has its permits, and is to be polled again all the same.
    let granted = granted || operation.has_all();
    if let Some(around) = around {
        // r[tracing.tokio.internal]: a part of it, and no wait of its own.
        around.granted |= granted;
        around.need = around.need.or(need);
        return;
    }
    if in_observed_operation() {
        lock(&operation.resource.state).observed = true;
    }
    // r[tracing.tokio.last-poll-op]
    let waits = ready == Some(false) && !granted && !lock(&operation.resource.state).observed;
    // Of another thing, such as a lock for writing, tokio's permits are its own matter.
    let counts = matches!(operation.resource.kind, ResourceKind::Semaphore | ResourceKind::Foreign);
    let need = need.filter(|_| counts).unwrap_or(1);
    if waits { operation.waits(need) } else { operation.over() }
}
