//! A model from a few lines of text, one fact a line, at `src/main.rs:<line>`.
//!
//! ```text
//! mutex m | channel q 2/2 senders=1 weak=0 receivers=1 [closed_by_any] | join j | resource g semaphore [fifo]
//! task a [called=shop::run] | task a running | scheduled | timer | lost | partial | ended | unobserved
//! a holds m [transferable] | a shares r | a permit q [units=2]
//! a locks m | a sends q | a reserves q need=2 | a recvs q | a closed q | a joins j | a waits g
//! a reads r | a writes r | a acquires s need=2 | ... [polled|unpolled] [granted=5000]
//! a sender q [shared] | a receiver q [shared] | a joined j
//! end a
//! awaits a edge=3 fn=deadpool::Pool::get dep:deadpool::Pool::get@<file>:<line> own:shop::order@src/main.rs:9 [cut] [+] ...
//! ```
//!
//! `awaits` has the frames from the inside out, and `+` between two leaves. `at=<file>:<line>` gives a fact another place.
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
    /// The last task of each name.
    tasks: HashMap<String, TaskId>,
    last_task: u64,
    resources: HashMap<String, ResourceId>,
    edges: u64,
    line: u64,
    strings: u64,
    locations: HashMap<(String, u32), LocationId>,
}

fn file_and_line(place: &str) -> (&str, u32) {
    let (file, line) = place.rsplit_once(':').unwrap();
    (file, line.parse().unwrap())
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

    fn location(&mut self, model: &mut Model, file: &str, line: u32) -> LocationId {
        let next = LocationId(self.locations.len() as u64 + 1);
        *self.locations.entry((file.to_owned(), line)).or_insert_with(|| {
            model.apply(&DefineLocation::new(next, file, line, 5).into());
            next
        })
    }

    fn leaf(&mut self, model: &mut Model, words: &[&str]) -> Await {
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
        let function = value("fn=").map(|name| self.string(model, name));
        let mut frames = Vec::new();
        for word in words {
            let Some((kind, (name, place))) =
                word.split_once(':').and_then(|(kind, rest)| Some((kind, rest.split_once('@')?)))
            else {
                continue;
            };
            let kind = if kind == "own" { FrameKind::Own } else { FrameKind::Dependency };
            let (file, line) = file_and_line(place);
            let location = self.location(model, file, line);
            frames.push(AwaitFrame::new(Some(self.string(model, name)), Some(location), kind));
        }
        let edge = value("edge=").map(|id| EdgeId(id.parse().unwrap()));
        with!(Await::new(function, frames), edge, cut = words.contains(&"cut"))
    }

    fn fact(&mut self, model: &mut Model, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let has = |word: &str| words.contains(&word);
        let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)).map(|it| it.parse().unwrap());
        let since_ns = value("@").unwrap_or(0) * MS;
        let other = words.iter().find_map(|word| word.strip_prefix("at="));
        let (file, row) = other.map_or(("src/main.rs", self.line as u32), file_and_line);
        let location = Some(self.location(model, file, row));
        match words[0] {
            "task" => {
                self.last_task += 1;
                let id = TaskId(self.last_task);
                self.tasks.insert(words[1].into(), id);
                let called = words.iter().find_map(|word| word.strip_prefix("called="));
                let name = Some(self.string(model, called.unwrap_or(words[1])));
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
            "awaits" => {
                let leaves = words[2..].split(|word| *word == "+").map(|leaf| self.leaf(model, leaf)).collect();
                let complete = !has("cut");
                let id = self.tasks[words[1]];
                model.apply(&with!(TaskAwaits::default(), id, awaits = leaves, complete, at_ns = since_ns).into());
            }
            "cancellers" => {
                let id = self.tasks[words[1]];
                let tasks = words[2..].iter().filter(|word| **word != "others").map(|name| self.tasks[*name]).collect();
                model.apply(
                    &with!(TaskCancellers::default(), id, tasks, others = has("others"), at_ns = since_ns).into(),
                );
            }
            "rename" => {
                let name = self.string(model, words[2]);
                model.apply(&with!(TaskUpdated::default(), id = self.tasks[words[1]], name).into());
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
                        let (wait, transferable) =
                            (EdgeWait::new(id, task, resource, operation, reason, need, since_ns), has("transferable"));
                        with!(wait, transferable, location).into()
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
