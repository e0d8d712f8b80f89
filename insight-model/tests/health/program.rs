//! A program from lines of text, with a check of its health at each tenth of a second.
//!
//! ```text
//! <ms>: task a [local|blocking|block_on] [executor=x] [parent=b] [bytes=9] [line=7] running|scheduled|idle|partial [foreign] [@ms]
//! <ms>: a running|scheduled|idle [@ms] | end a
//! <ms>: mutex m | rwlock m | semaphore m capacity=4 | channel q
//! <ms>: a holds|shares|permit m [@ms] [line=7] [transferable]
//! <ms>: a locks|reads|writes|acquires|recvs|sleeps m [@ms] [line=7] [polled|unpolled|counted|granted]
//! <ms>: close 3            the third edge is closed
//! <ms>: rate a polls=9 [wakes=9] [self=9] [running=9] [scheduled=9] [foreign=1]     from now on a second; the times in us; `rate a`: no more
//! <ms>: grow 9 line=7      from now on 9 tasks a second are spawned there; shrink: the oldest ones end
//! <ms>: stuck a            the task has a deadlock
//! <ms>: lost               facts were lost
//! <ms>: pause 5000         no facts are sent for this time
//! <ms>: over
//! ```
//!
//! A change of the findings is `+<ms> <kind> <tier>: <tasks> on <resources>` or `-<ms> <kind>: <tasks> on <resources>`.

use insight_model::Model;
use insight_model::health::{Health, HealthFinding, Thresholds};
use insight_protocol::*;
use std::collections::{BTreeMap, VecDeque};

const MS: u64 = 1_000_000;
const TICK_MS: u64 = 100;

#[derive(Default)]
pub struct Program {
    pub model: Model,
    pub health: Health,
    pub thresholds: Thresholds,
    now_ms: u64,
    tasks: BTreeMap<String, TaskStats>,
    last_task: u64,
    resources: BTreeMap<String, ResourceId>,
    edges: u64,
    interned: u64,
    rates: BTreeMap<String, TaskStats>,
    /// For each line: the tasks that are spawned in a second, and the live ones.
    grows: BTreeMap<u32, (i64, VecDeque<TaskId>)>,
    open: BTreeMap<String, HealthFinding>,
    log: Vec<String>,
}

/// Runs the lines. Returns the program and the changes of the findings.
pub fn run(thresholds: Thresholds, text: &str) -> (Program, Vec<String>) {
    let mut program = Program { thresholds, ..Program::default() };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (ms, fact) = line.split_once(": ").unwrap_or_else(|| panic!("no time: {line}"));
        program.run_until(ms.parse().unwrap());
        if fact != "over" {
            program.fact(fact);
        }
    }
    program.check();
    let log = std::mem::take(&mut program.log);
    (program, log)
}

pub fn check_with(thresholds: Thresholds, text: &str, expect: &[&str]) -> Program {
    let (program, log) = run(thresholds, text);
    assert_eq!(log, expect, "{text}");
    program
}

/// The default thresholds with a change.
pub fn thresholds(change: impl FnOnce(&mut Thresholds)) -> Thresholds {
    let mut thresholds = Thresholds::default();
    change(&mut thresholds);
    thresholds
}

pub fn check(text: &str, expect: &[&str]) -> Program {
    check_with(Thresholds::default(), text, expect)
}

impl Program {
    fn apply(&mut self, message: impl Into<Message>) {
        self.model.apply(&message.into());
    }

    /// The sentences of the open findings.
    pub fn words(&self) -> String {
        let problems = self.open.values().map(|finding| finding.problem(&self.model, ProblemId(1)));
        let text =
            problems.map(|it| format!("{}\n{}\n{}", it.title, it.explanation.join("\n"), it.unknowns.join("\n")));
        text.collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    /// The severities of the open findings.
    pub fn severities(&self) -> Vec<Severity> {
        self.open.values().map(|finding| finding.problem(&self.model, ProblemId(1)).severity).collect()
    }

    fn run_until(&mut self, ms: u64) {
        while self.now_ms < ms {
            self.check();
            let step = TICK_MS.min(ms - self.now_ms);
            self.now_ms += step;
            self.pass(step);
        }
    }

    /// Applies the rates for this time.
    fn pass(&mut self, ms: u64) {
        let at_ns = self.now_ms * MS;
        let rates: Vec<(String, TaskStats)> =
            self.rates.iter().map(|(name, rate)| (name.clone(), rate.clone())).collect();
        for (name, rate) in rates {
            let stats = self.tasks.get_mut(&name).unwrap();
            stats.polls += rate.polls * ms / 1000;
            stats.wakes += rate.wakes * ms / 1000;
            stats.self_wakes += rate.self_wakes * ms / 1000;
            stats.running_ns += rate.running_ns * ms / 1000;
            stats.scheduled_ns += rate.scheduled_ns * ms / 1000;
            stats.foreign_wakers = rate.foreign_wakers;
            (stats.state, stats.since_ns, stats.at_ns) = (Some(TaskState::Idle), at_ns, at_ns);
            let stats = stats.clone();
            self.apply(stats);
        }
        let lines: Vec<u32> = self.grows.keys().copied().collect();
        for line in lines {
            let (rate, mut live) = self.grows.remove(&line).unwrap();
            let count = rate * ms as i64 / 1000;
            for _ in 0..count {
                let location = Some(self.location(line));
                self.last_task += 1;
                let id = TaskId(self.last_task);
                self.apply(with!(TaskSpawned::default(), id, location, at_ns));
                live.push_back(id);
            }
            for _ in count..0 {
                let Some(id) = live.pop_front() else { break };
                self.apply(TaskCompleted::new(id, Outcome::Returned, at_ns));
            }
            self.grows.insert(line, (rate, live));
        }
    }

    fn check(&mut self) {
        self.apply(StreamHeartbeat::new(self.now_ms * MS));
        let found = self.health.check(&self.model, &self.thresholds);
        assert_eq!(found, self.health.check(&self.model, &self.thresholds), "a second check returns the same findings");
        let named: BTreeMap<String, HealthFinding> = found.into_iter().map(|it| (self.name(&it), it)).collect();
        for name in self.open.keys().filter(|name| !named.contains_key(*name)) {
            self.log.push(format!("-{} {name}", self.now_ms));
        }
        for (name, finding) in &named {
            let before = self.open.get(name);
            if before.is_none_or(|before| before.finding.tier != finding.finding.tier) {
                let (kind, rest) = name.split_once(':').unwrap();
                self.log.push(format!("+{} {kind} {}:{rest}", self.now_ms, finding.finding.tier.as_str()));
            }
            // No text depends on the time. The text of a large future has the largest observed size.
            let grows = finding.finding.kind == ProblemKind::LargeFuture;
            let same = before.is_none_or(|before| {
                before.finding != finding.finding || before.severity != finding.severity || before == finding
            });
            assert!(same || grows, "{name}");
            assert!(finding.advice.matches(". ").count() == 1, "{}", finding.advice);
            assert_eq!(finding.finding.unknowns.is_empty(), finding.finding.tier == Tier::Proven);
        }
        self.open = named;
    }

    fn name(&self, finding: &HealthFinding) -> String {
        let finding = &finding.finding;
        let name = |name: Option<&str>| name.unwrap_or("?").to_owned();
        let tasks =
            finding.tasks.iter().map(|id| name(self.model.tasks.get(id).and_then(|it| it.origin.name.as_deref())));
        let resources =
            finding.resources.iter().map(|id| name(self.model.resources.get(id).and_then(|it| it.name.as_deref())));
        let (tasks, resources): (Vec<_>, Vec<_>) = (tasks.collect(), resources.collect());
        let on = if resources.is_empty() { String::new() } else { format!(" on {}", resources.join(" ")) };
        format!("{}: {}{on}", finding.kind, tasks.join(" "))
    }

    fn string(&mut self, text: &str) -> StringId {
        self.interned += 1;
        let id = StringId(self.interned);
        self.apply(DefineString::new(id, text));
        id
    }

    fn location(&mut self, line: u32) -> LocationId {
        let id = LocationId(u64::from(line));
        self.apply(DefineLocation::new(id, "src/main.rs", line, 5));
        id
    }

    fn fact(&mut self, fact: &str) {
        let words: Vec<&str> = fact.split_whitespace().collect();
        let has = |word: &str| words.contains(&word);
        let text = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
        let number = |key: &str| text(key).map(|it| it.parse::<u64>().unwrap());
        let at_ns = self.now_ms * MS;
        let since_ns = number("@").map_or(at_ns, |ms| ms * MS);
        let line = number("line=").unwrap_or(1) as u32;
        let state = match () {
            () if has("running") => Some(TaskState::Running),
            () if has("scheduled") => Some(TaskState::Scheduled),
            () if has("idle") => Some(TaskState::Idle),
            () => None,
        };
        match words[0] {
            "task" => {
                self.last_task += 1;
                let id = TaskId(self.last_task);
                let kind = ["local", "blocking", "block_on"].into_iter().find(|kind| has(kind)).unwrap_or("task");
                let spawned = with!(
                    TaskSpawned::default(),
                    id,
                    kind = TaskKind::from(kind),
                    name = Some(self.string(words[1])),
                    location = Some(self.location(line)),
                    parent = text("parent=").map(|parent| self.tasks[parent].id),
                    executor = Some(self.string(text("executor=").unwrap_or("tokio"))),
                    future_bytes = number("bytes="),
                    partial = has("partial"),
                    at_ns = since_ns
                );
                self.apply(spawned);
                let foreign_wakers = u64::from(has("foreign"));
                let stats = with!(TaskStats::default(), id, state, since_ns, foreign_wakers, at_ns);
                self.tasks.insert(words[1].into(), stats.clone());
                self.apply(stats);
            }
            kind @ ("mutex" | "rwlock" | "semaphore" | "channel") => {
                let id = ResourceId(self.resources.len() as u64 + 1);
                self.resources.insert(words[1].into(), id);
                let (name, kind) = (Some(self.string(words[1])), ResourceKind::from(kind));
                let (location, capacity) = (None, number("capacity="));
                self.apply(with!(ResourceCreated::new(id, kind, at_ns), name, location, capacity));
            }
            "end" => {
                let id = self.tasks[words[1]].id;
                self.rates.remove(words[1]);
                self.apply(TaskCompleted::new(id, Outcome::Returned, at_ns));
            }
            "close" => {
                let id = EdgeId(words[1].parse().unwrap());
                self.apply(EdgeClosed::new(id, at_ns));
            }
            "rate" => {
                let of = |key| number(key).unwrap_or(0);
                let rate = with!(
                    TaskStats::default(),
                    polls = of("polls="),
                    wakes = of("wakes="),
                    self_wakes = of("self="),
                    running_ns = of("running=") * 1000,
                    scheduled_ns = of("scheduled=") * 1000,
                    foreign_wakers = of("foreign=")
                );
                match words.len() {
                    2 => self.rates.remove(words[1]),
                    _ => self.rates.insert(words[1].into(), rate),
                };
            }
            "grow" | "shrink" => {
                let rate: i64 = words[1].parse().unwrap();
                self.grows.entry(line).or_default().0 = if words[0] == "grow" { rate } else { -rate };
            }
            "stuck" => {
                let id = self.tasks[words[1]].id;
                let problem = with!(
                    Problem::new(ProblemId(1), ProblemKind::Deadlock, Tier::Proven, Severity::Hang),
                    tasks = vec![ProblemTask::new(id)],
                    docs = "/docs/deadlock".into()
                );
                self.apply(ProblemRaised::new(problem, at_ns));
            }
            "lost" => self.apply(with!(Gap::default(), count = 1, reason = "a test".into(), at_ns)),
            "pause" => self.now_ms += words[1].parse::<u64>().unwrap(),
            task if state.is_some() => {
                let stats = self.tasks.get_mut(task).unwrap();
                (stats.state, stats.since_ns, stats.at_ns) = (state, since_ns, at_ns);
                let stats = stats.clone();
                self.apply(stats);
            }
            task => {
                let (task, resource) = (self.tasks[task].id, self.resources[words[2]]);
                self.edges += 1;
                let (id, location) = (EdgeId(self.edges), Some(self.location(line)));
                let mode = match words[1] {
                    "holds" => Some(HoldMode::Exclusive),
                    "shares" => Some(HoldMode::Shared),
                    "permit" => Some(HoldMode::Permit),
                    _ => None,
                };
                if let Some(mode) = mode {
                    let transferable = has("transferable");
                    self.apply(with!(EdgeHold::new(id, task, resource, mode, 1, since_ns), transferable, location));
                } else {
                    let operation = Operation::from(words[1].trim_end_matches('s'));
                    let reason = self.string("waiting");
                    self.apply(with!(EdgeWait::new(id, task, resource, operation, reason, 1, since_ns), location));
                    let polled = if has("polled") { Some(true) } else { has("unpolled").then_some(false) };
                    let granted_ns = has("granted").then_some(at_ns);
                    if polled.is_some() || granted_ns.is_some() || has("counted") {
                        self.apply(with!(EdgeUpdated::default(), id, polls = Some(1), polled, granted_ns, at_ns));
                    }
                }
            }
        }
    }
}
