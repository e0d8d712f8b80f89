//! A model from a few lines of text, one fact a line, at `src/main.rs:<line>`.
//!
//! ```text
//! mutex m | channel q 2/2 senders=1 weak=0 receivers=1 [closed_by_any] | join j | resource g semaphore [fifo]
//! task a | task a running | scheduled | timer | lost | partial | ended | unobserved
//! a holds m [transferable] | a shares r | a permit q [units=2]
//! a locks m | a sends q | a reserves q need=2 | a recvs q | a closed q | a joins j | a waits g
//! a reads r | a writes r | a acquires s need=2 | ... [polled|unpolled] [granted=5000]
//! a sender q [shared] | a receiver q [shared] | a joined j
//! end a
//! ```
//!
//! Ids are given in order of appearance, from 1. Every fact began at time 0, or at `@ms`. The present time is 10 s.

use insight_model::Model;
use insight_protocol::*;
use std::collections::HashMap;

/// The settle time of the scenarios.
pub const SETTLE_NS: u64 = 500_000_000;
pub const MS: u64 = 1_000_000;

pub fn scenario(text: &str) -> Model {
    let mut model = Model::default();
    let mut builder = Builder::default();
    builder.add(&mut model, text);
    model.apply(&StreamHeartbeat::new(10_000 * MS).into());
    model
}

/// Adds facts to a model, in as many parts as a test needs.
#[derive(Default)]
pub struct Builder {
    tasks: HashMap<String, TaskId>,
    resources: HashMap<String, ResourceId>,
    edges: u64,
    line: u64,
    strings: u64,
}

impl Builder {
    pub fn add(&mut self, model: &mut Model, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.line += 1;
            self.fact(model, line);
        }
    }

    fn string(&mut self, model: &mut Model, text: &str) -> StringId {
        self.strings += 1;
        model.apply(&DefineString::new(StringId(self.strings), text).into());
        StringId(self.strings)
    }

    fn fact(&mut self, model: &mut Model, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let has = |word: &str| words.contains(&word);
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)).map(|it| it.parse().unwrap());
        let since_ns = value("@").unwrap_or(0) * MS;
        let location = LocationId(self.line);
        let place = SourceLocation::new("src/main.rs", self.line as u32, 5);
        let SourceLocation { file, line: row, column, .. } = place;
        model.apply(&DefineLocation::new(location, file, row, column).into());
        let location = Some(location);
        match words[0] {
            "task" => {
                let id = TaskId(self.tasks.len() as u64 + 1);
                self.tasks.insert(words[1].into(), id);
                let name = Some(self.string(model, words[1]));
                let partial = has("partial");
                model.apply(&with!(TaskSpawned::default(), id, name, location, partial).into());
                let state = match () {
                    () if has("running") => TaskState::Running,
                    () if has("scheduled") => TaskState::Scheduled,
                    () if has("ended") => TaskState::Completed,
                    () => TaskState::Idle,
                };
                let foreign_wakers = u64::from(has("timer"));
                if !partial && !has("unobserved") {
                    let state = Some(state);
                    model.apply(
                        &with!(
                            TaskStats::default(),
                            id,
                            state,
                            since_ns,
                            foreign_wakers,
                            lost_waker = has("lost"),
                            at_ns = since_ns
                        )
                        .into(),
                    );
                }
            }
            kind @ ("mutex" | "channel" | "join" | "resource") => {
                let id = ResourceId(self.resources.len() as u64 + 1);
                self.resources.insert(words[1].into(), id);
                let name = Some(self.string(model, words[1]));
                let kind = ResourceKind::from(if kind == "resource" { words[2] } else { kind });
                let used = words.iter().find_map(|word| word.split_once('/'));
                let used: Option<(u64, u64)> = used.map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap()));
                let capacity = used.map(|used| used.1);
                let hand_off = words.iter().copied().find(|word| HandOff::KNOWN.contains(word)).map(HandOff::from);
                let closed_by_any = words.contains(&"closed_by_any");
                let created =
                    with!(ResourceCreated::new(id, kind, 0), name, location, capacity, hand_off, closed_by_any);
                model.apply(&created.into());
                model.apply(
                    &with!(
                        ResourceUpdated::default(),
                        id,
                        length = used.map(|used| used.0),
                        senders = value("senders="),
                        weak_senders = value("weak="),
                        receivers = value("receivers="),
                        outside_senders = value("outside_senders="),
                        outside_receivers = value("outside_receivers=")
                    )
                    .into(),
                );
            }
            "end" => {
                let id = self.tasks[words[1]];
                model.apply(&TaskCompleted::new(id, Outcome::Returned, since_ns).into());
            }
            task => {
                let (task, resource) = (self.tasks[task], self.resources[words[2]]);
                self.edges += 1;
                let id = EdgeId(self.edges);
                let exclusive = !has("shared");
                let party = |role| EdgeParty::new(id, task, resource, role, exclusive, since_ns).into();
                let hold = |mode| {
                    let transferable = has("transferable");
                    let units = value("units=").unwrap_or(1);
                    with!(EdgeHold::new(id, task, resource, mode, units, since_ns), transferable, location).into()
                };
                let message = match words[1] {
                    "holds" => hold(HoldMode::Exclusive),
                    "shares" => hold(HoldMode::Shared),
                    "permit" => hold(HoldMode::Permit),
                    "sender" => party(PartyRole::Sender),
                    "receiver" => party(PartyRole::Receiver),
                    "joined" => party(PartyRole::Joined),
                    verb => {
                        let operation = Operation::from(match verb {
                            "locks" => "lock",
                            "closed" => "closed",
                            "notified" => "notified",
                            "joins" => "join",
                            verb => verb.trim_end_matches('s'),
                        });
                        let reason = self.string(model, &format!("waiting to {operation}"));
                        let need = value("need=").unwrap_or(1);
                        with!(EdgeWait::new(id, task, resource, operation, reason, need, since_ns), location).into()
                    }
                };
                model.apply(&message);
                let granted_ns = value("granted=").map(|ms| ms * MS);
                if has("unpolled") || has("polled") || granted_ns.is_some() {
                    let polled = Some(!has("unpolled"));
                    model.apply(&with!(EdgeUpdated::default(), id, polled, granted_ns, at_ns = since_ns).into());
                }
            }
        }
    }
}
