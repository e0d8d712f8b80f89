//! The binding's own spans and events, of the target `insight`.

use crate::fields::{PlaceFields, Value, each};
use insight_probe::{Capability, EdgeOutcome, HoldMode, Operation, Outcome, PartyRole, ResourceKind, TaskKind};
use insight_probe::{
    Executor, Moment, Parent, RawEdge, RawMeta, RawRelation, RawResource, RawResourceMeta, RawTask, RawUpdate,
    report_capability, report_executor,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tracing_core::Event;
use tracing_core::span::{Attributes, Record};

/// The tasks and resources with an open span, by their emitters' IDs.
#[derive(Debug, Default)]
pub(crate) struct Known {
    tasks: Mutex<HashMap<u64, RawTask>>,
    resources: Mutex<HashMap<u64, Arc<Resource>>>,
}

/// A span of the binding.
#[derive(Debug)]
pub(crate) struct Emitted {
    what: What,
    outcome: Mutex<Option<Box<str>>>,
}

#[derive(Debug)]
enum What {
    Task(u64, RawTask),
    Resource(u64),
    Edge(SharedEdge),
}

#[derive(Debug)]
struct Resource {
    kind: ResourceKind,
    /// `None` after its span is closed.
    recorded: Mutex<Option<RawResource>>,
    /// The exclusive ones.
    holds: Mutex<Vec<(bool, WeakEdge)>>,
}

type SharedEdge = Arc<Mutex<Option<RawEdge>>>;
type WeakEdge = Weak<Mutex<Option<RawEdge>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All fields of a span or an event, of every type.
#[derive(Debug, Default)]
struct Fields {
    numbers: BTreeMap<&'static str, u64>,
    flags: BTreeMap<&'static str, bool>,
    texts: BTreeMap<&'static str, Box<str>>,
    place: PlaceFields,
}

impl Fields {
    fn take(&mut self, field: &'static str, value: Value<'_>) {
        self.place.take(field, value);
        match value {
            Value::Number(number) => drop(self.numbers.insert(field, number)),
            Value::Flag(flag) => drop(self.flags.insert(field, flag)),
            Value::Text(text) => drop(self.texts.insert(field, text.into())),
        }
    }

    fn number(&self, field: &str) -> Option<u64> {
        self.numbers.get(field).copied()
    }

    fn flag(&self, field: &str) -> bool {
        self.flags.get(field).copied().unwrap_or(false)
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.texts.get(field).map(|text| &**text)
    }

    fn boxed(&self, field: &str) -> Option<Box<str>> {
        self.texts.get(field).cloned()
    }
}

impl Known {
    /// `None` for a span that lacks a required field or names something unknown. We ignore the whole span.
    pub(crate) fn opened(&self, attributes: &Attributes<'_>) -> Option<Arc<Emitted>> {
        let mut fields = Fields::default();
        attributes.record(&mut each(|field, value| fields.take(field, value)));
        let outcome = Mutex::new(fields.boxed("outcome"));
        let what = match attributes.metadata().name() {
            "task" => self.task(fields)?,
            "resource" => self.resource(fields)?,
            name => self.edge(name, fields)?,
        };
        Some(Arc::new(Emitted { what, outcome }))
    }

    fn task(&self, mut fields: Fields) -> Option<What> {
        let id = fields.number("id").filter(|id| *id != 0)?;
        let parent = fields.number("parent").and_then(|parent| lock(&self.tasks).get(&parent).cloned());
        let executor = executor(fields.text("executor").unwrap_or("unknown"));
        let place = std::mem::take(&mut fields.place).place();
        let mut tasks = lock(&self.tasks);
        // r[tracing.ids]: two emitters with their own counters would be taken for one.
        if tasks.contains_key(&id) {
            return None;
        }
        report_executor(executor);
        report_capability(Capability::Tasks);
        let task = RawTask::spawned(RawMeta {
            executor,
            kind: fields.text("kind").map_or(TaskKind::Task, TaskKind::from),
            name: fields.text("name"),
            type_name: None,
            place,
            parent: parent.as_ref().map_or(Parent::Unknown, Parent::Reported),
            executor_task_id: fields.number("executor_task_id"),
            future_bytes: fields.number("future_bytes"),
            partial: fields.flag("partial"),
        });
        tasks.insert(id, task.clone());
        Some(What::Task(id, task))
    }

    fn resource(&self, mut fields: Fields) -> Option<What> {
        let id = fields.number("id").filter(|id| *id != 0)?;
        let kind = fields.text("kind").map_or(ResourceKind::Foreign, ResourceKind::from);
        let task = fields.number("task").and_then(|task| Some(lock(&self.tasks).get(&task)?.id()));
        let mut resources = lock(&self.resources);
        if resources.contains_key(&id) {
            return None;
        }
        let recorded = RawResource::created(RawResourceMeta {
            kind: kind.clone(),
            name: fields.boxed("name"),
            place: std::mem::take(&mut fields.place).place(),
            task: task.unwrap_or(0),
            capacity: fields.number("capacity"),
            at: Moment::now(),
        });
        let recorded = Mutex::new(Some(recorded));
        resources.insert(id, Arc::new(Resource { kind, recorded, holds: Mutex::default() }));
        Some(What::Resource(id))
    }

    fn edge(&self, name: &str, mut fields: Fields) -> Option<What> {
        let task = lock(&self.tasks).get(&fields.number("task")?)?.clone();
        let resource = lock(&self.resources).get(&fields.number("resource")?)?.clone();
        let place = std::mem::take(&mut fields.place).place();
        let (mut exclusive, mut hold) = (false, false);
        let relation = match name {
            "wait" => {
                let operation = Operation::from(fields.text("operation")?);
                if operation == Operation::Join {
                    report_capability(Capability::Joins);
                }
                let reason = fields.boxed("reason").unwrap_or_else(|| format!("waiting: {operation}").into());
                RawRelation::Wait(operation, reason, fields.number("need").unwrap_or(1), place)
            }
            "hold" => {
                let mode = HoldMode::from(fields.text("mode")?);
                (hold, exclusive) = (true, mode == HoldMode::Exclusive);
                if resource.kind == ResourceKind::Mutex {
                    report_capability(Capability::Mutexes);
                }
                RawRelation::Hold(mode, fields.number("units").unwrap_or(1), fields.flag("transferable"), place)
            }
            _ => {
                if resource.kind == ResourceKind::Channel {
                    report_capability(Capability::Channels);
                }
                RawRelation::Party(PartyRole::from(fields.text("role")?), fields.flag("exclusive"))
            }
        };
        let shared: SharedEdge = Arc::new(Mutex::new(None));
        // Locked until the edge is recorded, so that holds of one resource are recorded one after another.
        let mut holds = lock(&resource.holds);
        if hold {
            holds.retain(|(other_exclusive, other)| {
                let Some(other) = other.upgrade() else { return false };
                let mut edge = lock(&other);
                if exclusive || *other_exclusive {
                    // r[edge.hold.exclusive-alone]: a late release belongs to a hold that has ended.
                    edge.take();
                }
                edge.is_some()
            });
            holds.push((exclusive, Arc::downgrade(&shared)));
        }
        let recorded = lock(&resource.recorded);
        *lock(&shared) = Some(RawEdge::opened(&task, recorded.as_ref()?, relation, Moment::now()));
        Some(What::Edge(shared))
    }

    pub(crate) fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut each(|field, value| fields.take(field, value)));
        let task = |field| fields.number(field).and_then(|id| lock(&self.tasks).get(&id).cloned());
        match fields.text("type") {
            Some("task.woken") => {
                if let Some(woken) = task("task") {
                    woken.woken_by(task("by").as_ref());
                }
            }
            Some("task.foreign_wakers") => {
                if let (Some(task), Some(count)) = (task("task"), fields.number("count")) {
                    report_capability(Capability::ForeignWakers);
                    task.set_foreign_wakers(count);
                }
            }
            Some("resource.updated") => {
                let resource = fields.number("resource").and_then(|id| lock(&self.resources).get(&id).cloned());
                let Some(resource) = resource else { return };
                let recorded = lock(&resource.recorded);
                if let Some(recorded) = recorded.as_ref() {
                    recorded.updated(RawUpdate {
                        name: fields.boxed("name"),
                        length: fields.number("length"),
                        senders: fields.number("senders"),
                        weak_senders: fields.number("weak_senders"),
                        receivers: fields.number("receivers"),
                    });
                }
            }
            // A type of a later version.
            _ => {}
        }
    }

    pub(crate) fn closed(&self, emitted: &Emitted) {
        let outcome = lock(&emitted.outcome).take();
        match &emitted.what {
            What::Task(id, task) => {
                lock(&self.tasks).remove(id);
                task.completed(outcome.map_or(Outcome::Unseen, |outcome| Outcome::from(&*outcome)));
            }
            What::Resource(id) => {
                if let Some(resource) = lock(&self.resources).remove(id) {
                    lock(&resource.recorded).take();
                }
            }
            What::Edge(edge) => {
                if let (Some(edge), Some(outcome)) = (lock(edge).take(), outcome) {
                    edge.close(&EdgeOutcome::from(&*outcome));
                }
            }
        }
    }
}

impl Emitted {
    /// The outcome, which may come late.
    pub(crate) fn recorded(&self, values: &Record<'_>) {
        values.record(&mut each(|field, value| {
            if let ("outcome", Some(outcome)) = (field, value.text()) {
                *lock(&self.outcome) = Some(outcome.into());
            }
        }));
    }

    /// A poll begins when this span is entered.
    pub(crate) fn task(&self) -> Option<&RawTask> {
        let What::Task(_, task) = &self.what else { return None };
        report_capability(Capability::TaskTimes);
        Some(task)
    }
}

/// Maximum number of executor names. They are never freed.
const MAX_EXECUTORS: usize = 64;

/// The executor with this name. Beyond the maximum, an executor without a name.
fn executor(name: &str) -> &'static Executor {
    static OTHER: Executor = Executor::new("unknown", "unknown", || None);
    static NAMED: Mutex<Vec<&'static Executor>> = Mutex::new(Vec::new());
    let mut named = lock(&NAMED);
    if let Some(known) = named.iter().find(|executor| executor.name == name) {
        return known;
    }
    if named.len() == MAX_EXECUTORS {
        return &OTHER;
    }
    let name: &'static str = Box::leak(name.into());
    let executor: &'static Executor = Box::leak(Box::new(Executor::new(name, "unknown", || None)));
    named.push(executor);
    executor
}
