//! The resources of tokio's own spans, and the operations that wait on them.

use crate::fields::{PlaceFields, each};
use crate::layer::OperationFrame;
use insight_probe::{HoldMode, ResourceKind};
use insight_probe::{
    Moment, Op, RawEdge, RawLocation, RawRelation, RawResource, RawResourceMeta, RawTask, RawWait,
    in_observed_operation,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing_core::Event;
use tracing_core::span::Attributes;

/// The types of tokio that have a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Mutex,
    Rwlock,
    Semaphore,
    Oneshot,
    Barrier,
    Timer,
    /// Another one, or a part of one: it waits for permits.
    Unknown,
}

impl Type {
    fn of(concrete: Option<&str>) -> Type {
        match concrete {
            Some("Mutex") => Type::Mutex,
            Some("RwLock") => Type::Rwlock,
            Some("Semaphore") => Type::Semaphore,
            Some("Sender|Receiver") => Type::Oneshot,
            Some("Barrier") => Type::Barrier,
            Some("Sleep" | "Interval") => Type::Timer,
            _ => Type::Unknown,
        }
    }

    fn protocol(self) -> ResourceKind {
        match self {
            Type::Mutex => ResourceKind::Mutex,
            Type::Rwlock => ResourceKind::Rwlock,
            Type::Semaphore => ResourceKind::Semaphore,
            Type::Oneshot => ResourceKind::Oneshot,
            Type::Barrier => ResourceKind::Barrier,
            Type::Timer => ResourceKind::Timer,
            Type::Unknown => ResourceKind::Foreign,
        }
    }

    /// The operation whose source is this.
    fn operation(self, source: &str) -> Op {
        match self {
            Type::Mutex => Op::Lock,
            Type::Rwlock if source.starts_with("RwLock::write") => Op::Write,
            Type::Rwlock => Op::Read,
            Type::Semaphore | Type::Unknown => Op::Acquire,
            Type::Oneshot if source == "Sender::closed" => Op::Closed,
            Type::Oneshot => Op::Recv,
            Type::Barrier => Op::Barrier,
            Type::Timer => Op::Sleep,
        }
    }

    /// Whether its waits need a number of permits. Those of a lock are tokio's own matter.
    fn counts(self) -> bool {
        match self {
            Type::Semaphore | Type::Unknown => true,
            Type::Mutex | Type::Rwlock | Type::Oneshot | Type::Barrier | Type::Timer => false,
        }
    }
}

/// A span `runtime.resource`.
///
/// No task ever waits on most resources, so we record one at its first wait. Until then its holder does not matter.
#[derive(Debug)]
pub(crate) struct Resource {
    kind: Type,
    place: Option<RawLocation>,
    created: Moment,
    /// The task that created it.
    creator: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    // The first field: its end is recorded before that of the resource.
    hold: Option<RawEdge>,
    recorded: Option<RawResource>,
    capacity: Option<u64>,
    /// Number of times that a lock was taken and freed.
    claims: u64,
    releases: u64,
    /// The task that took it last, unless it has freed it.
    holder: Option<(RawTask, Moment)>,
    /// An adapter that wraps tokio's own resource observes it.
    observed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Resource {
    pub(crate) fn new(attributes: &Attributes<'_>) -> Resource {
        let mut place = PlaceFields::default();
        let (mut kind, mut internal) = (Type::Unknown, false);
        attributes.record(&mut each(|field, value| match field {
            "concrete_type" => kind = Type::of(value.text()),
            "is_internal" => internal = value.flag() == Some(true),
            _ => place.take(field.strip_prefix("loc.").unwrap_or(""), value),
        }));
        // r[tracing.tokio.internal]: tokio does not report the resource that contains this one, such as a bounded
        // channel.
        let kind = if internal { Type::Unknown } else { kind };
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
        if size.is_some() && self.kind == Type::Barrier {
            lock(&self.state).capacity = size;
        }
    }

    fn claimed(&self) {
        let mut state = lock(&self.state);
        state.claims += 1;
        // r[tracing.tokio.late-release]: the release of the hold before may be reported after this.
        state.hold = None;
        state.holder = RawTask::current().map(|task| (task, Moment::now()));
        if !in_observed_operation() {
            state.open_hold();
        }
    }

    fn released(&self) {
        let mut state = lock(&self.state);
        // A new lock also reports that it is free.
        if state.claims == 0 {
            return;
        }
        state.releases += 1;
        // A release is outstanding, so this one belongs to an older hold than the open one.
        if state.releases == state.claims {
            state.hold = None;
            state.holder = None;
        }
    }

    /// The resource of a wait. Recorded now, if it was not before.
    fn waited_on<R>(&self, wait: impl FnOnce(&RawResource) -> R) -> R {
        let mut state = lock(&self.state);
        if state.recorded.is_none() {
            state.recorded = Some(RawResource::created(RawResourceMeta {
                kind: self.kind.protocol(),
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
    /// Number of permits that it needs. 0 if it does not report this.
    requested: AtomicU64,
    obtained: AtomicU64,
    wait: Mutex<Option<RawWait>>,
}

impl Operation {
    pub(crate) fn new(attributes: &Attributes<'_>, resource: Arc<Resource>) -> Arc<Operation> {
        let mut op = resource.kind.operation("");
        attributes.record(&mut each(|field, value| {
            if let ("source", Some(source)) = (field, value.text()) {
                op = resource.kind.operation(source);
            }
        }));
        let (requested, obtained) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Operation { resource, op, requested, obtained, wait: Mutex::new(None) })
    }

    /// An event `async_op::state_update`. The task that frees permits sends one, too.
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

    /// The operation's future is gone.
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
    // r[tracing.tokio.budget]: the operation has its permits, but must be polled again.
    let granted = granted || operation.has_all();
    if let Some(around) = around {
        // r[tracing.tokio.internal]: a part of another operation, and no wait of its own.
        around.granted |= granted;
        around.need = around.need.or(need);
        return;
    }
    if in_observed_operation() {
        lock(&operation.resource.state).observed = true;
    }
    // r[tracing.tokio.last-poll-op]
    let waits = ready == Some(false) && !granted && !lock(&operation.resource.state).observed;
    // tokio's permits are internal to any other resource, such as a lock for writing.
    let need = need.filter(|_| operation.resource.kind.counts()).unwrap_or(1);
    if waits { operation.waits(need) } else { operation.over() }
}
