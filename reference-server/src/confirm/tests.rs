//! The confirmation of a finding, with a producer and a memory that are data.

use crate::client::{Client, Next};
use crate::recorder::{Command, Settings, prepare};
use crate::search::Place::{self, DeadStack, Elsewhere, Future, Stack};
use crate::testing::{Memory, Script, guard_word, join_word};
use insight_protocol::*;
use std::sync::mpsc::{Sender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const T: [TaskId; 5] = [TaskId(0), TaskId(1), TaskId(2), TaskId(3), TaskId(4)];

fn idle(task: u64, polls: u64) -> Message {
    let (id, state) = (TaskId(task), Some(TaskState::Idle));
    with!(TaskStats::default(), id, state, since_ns = 1, polls, at_ns = 1).into()
}

/// Tasks 1 and 2 have the locks 1 and 2, and each waits for the other lock. Task 3 is the root and waits for both tasks.
fn facts() -> Vec<Message> {
    let reason = StringId(1);
    let mut facts = vec![DefineString::new(reason, "waiting").into()];
    for id in 1..=3 {
        let kind = if id == 3 { TaskKind::BlockOn } else { TaskKind::Task };
        facts.push(with!(TaskSpawned::default(), id = TaskId(id), kind, at_ns = 1).into());
        facts.push(idle(id, 1));
    }
    for id in [1, 2] {
        let lock = ResourceId(id);
        facts.push(with!(ResourceCreated::new(lock, ResourceKind::Mutex, 1), capacity = Some(1)).into());
        facts.push(EdgeHold::new(EdgeId(id), TaskId(id), lock, HoldMode::Exclusive, 1, 1).into());
    }
    for id in [1, 2] {
        let other = ResourceId(3 - id);
        facts.push(EdgeWait::new(EdgeId(10 + id), TaskId(id), other, Operation::Lock, reason, 1, 1).into());
    }
    facts
}

/// Task 3 waits for the ends of tasks 1 and 2.
fn root_joins() -> Vec<Message> {
    let mut facts = Vec::new();
    for id in [1, 2] {
        let join = ResourceId(2 + id);
        facts.push(ResourceCreated::new(join, ResourceKind::Join, 1).into());
        facts.push(EdgeParty::new(EdgeId(20 + id), TaskId(id), join, PartyRole::Joined, true, 1).into());
        facts.push(EdgeWait::new(EdgeId(30 + id), T[3], join, Operation::Join, StringId(1), 1, 1).into());
    }
    facts
}

struct Bench {
    recorder: crate::recorder::Recorder<Script>,
    feed: Sender<Vec<Message>>,
    memory: Arc<Mutex<Memory>>,
    client: Arc<Client>,
    checker: insight_model::Checker,
    seq: u64,
    /// The tiers of the problems that were raised and updated, in their order.
    tiers: Vec<String>,
}

impl Bench {
    fn new(hold_back: Duration, memory: impl FnOnce(&mut Memory)) -> Bench {
        let (script, feed) = Script::new();
        let shared = script.memory();
        memory(&mut shared.lock().unwrap());
        let settings = Settings { settle_ns: 0, check_interval: Duration::ZERO, hold_back, ..Settings::default() };
        let (_, mut recorder) = prepare(script, settings);
        let client = Arc::new(Client::new(1 << 20));
        recorder.attach(client.clone());
        let Next::Opening(opening, _) = client.next(usize::MAX, Duration::ZERO) else { panic!("no opening") };
        let checker = insight_model::Checker::default();
        let mut bench = Bench { recorder, feed, memory: shared, client, checker, seq: 0, tiers: Vec::new() };
        let header = with!(opening.header.clone(), capabilities = vec![Capability::ForeignWakers]);
        bench.hold_to_the_rules(&insight_protocol::body(&header.into()));
        opening.model.snapshot().iter().for_each(|it| bench.hold_to_the_rules(&insight_protocol::body(it)));
        bench
    }

    fn send(&mut self, facts: Vec<Message>) {
        self.feed.send(facts).unwrap();
        self.tick();
    }

    /// As many checks as a confirmation takes.
    fn tick(&mut self) {
        for _ in 0..4 {
            self.recorder.collect(true);
            self.recorder.check();
        }
        self.read();
    }

    fn hold_to_the_rules(&mut self, body: &str) {
        self.seq += 1;
        assert_eq!(self.checker.line(&line(self.seq, body)), [], "{body}");
    }

    fn read(&mut self) {
        let Next::Live(bodies) = self.client.next(usize::MAX, Duration::ZERO) else { return };
        for body in bodies {
            let Ok(Decoded::Message { message, .. }) = decode(&line(1, &body)) else { panic!("{body}") };
            self.hold_to_the_rules(&body);
            match message {
                Message::ProblemRaised(ProblemRaised { problem, .. })
                | Message::ProblemUpdated(ProblemUpdated { problem, .. }) => {
                    self.tiers.push(format!("{}: {}", problem.tier.as_str(), problem.unless.join("; ")));
                }
                Message::ProblemCleared(_) => self.tiers.push("cleared".to_owned()),
                _ => {}
            }
        }
    }

    fn searches(&self) -> usize {
        self.memory.lock().unwrap().sought.len()
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const PROVEN: &str = "proven: ";

/// Whether the root waits for both tasks; the places of the handles; the first words of the way out, if the finding is not proven.
#[test]
fn finding_is_proven_unless_a_handle_is_elsewhere() {
    let check = |case: &str, joined: bool, handles: &[(insight_probe::Word, Place)], unless: Option<&str>| {
        let mut bench = Bench::new(HOUR, |memory| memory.handles = handles.to_vec());
        let mut messages = facts();
        messages.extend(joined.then(root_joins).into_iter().flatten());
        bench.send(messages);
        bench.tick();
        let tiers: Vec<&str> = bench.tiers.iter().map(|tier| tier.split(" after ").next().unwrap()).collect();
        let expect = unless.map_or(PROVEN.to_owned(), |unless| format!("suspected: {unless}"));
        assert_eq!(tiers, [expect], "{case}");
        assert_eq!(bench.searches(), 1, "{case}");
    };
    check("no copies", false, &[], None);
    check("in the own futures", false, &[(guard_word(1), Future(T[1])), (guard_word(2), Future(T[2]))], None);
    check("on a dead stack", false, &[(guard_word(1), DeadStack(7)), (join_word(1), DeadStack(7))], None);
    let root = [(join_word(1), Future(T[3])), (join_word(2), Future(T[3]))];
    check("join handles of a root that joins", true, &root, None);
    let given = "the guard of mutex 1 was given to other code";
    check("a guard in a box", false, &[(guard_word(1), Future(T[1])), (guard_word(1), Elsewhere)], Some(given));
    check("a guard on the stack of a thread", false, &[(guard_word(1), Stack(7))], Some(given));
    check("a guard in another task", false, &[(guard_word(1), Future(T[3]))], Some(given));
    check("a guard in a task that waits", true, &[(guard_word(1), Future(T[3]))], Some(given));
    check("a join handle on a stack", false, &[(join_word(1), Stack(7))], Some("other code cancels task 1"));
    check("too many copies", false, &[(join_word(2), DeadStack(7)); 64], Some("other code cancels task 2"));
}

#[test]
fn cancellers_are_sent_before_the_problem_and_decide() {
    let check = |case: &str, joined: bool, tasks: &[TaskId], others: bool, expect: &str| {
        let mut bench = Bench::new(HOUR, |memory| {
            let cancellers = with!(TaskCancellers::default(), id = T[1], tasks = tasks.to_vec(), others);
            memory.cancellers.insert(T[1], cancellers);
        });
        let mut messages = facts();
        messages.extend(joined.then(root_joins).into_iter().flatten());
        bench.send(messages);
        bench.tick();
        let first: Vec<&str> = bench.tiers.iter().map(|tier| tier.split("; ").next().unwrap()).collect();
        assert_eq!(first, [expect], "{case}");
    };
    check("a root that joins", true, &[T[3]], false, PROVEN);
    check("a root that makes progress", false, &[T[3]], false, ROOT);
    check("other code", true, &[T[3]], true, "suspected: other code cancels task 1");
    check("a task that has ended", true, &[T[4]], false, "suspected: other code cancels task 1");
    check("many tasks", true, &(1..=17).map(TaskId).collect::<Vec<_>>(), false, "suspected: other code cancels task 1");
}

const ROOT: &str = "suspected: task 3 cancels task 1 or ends its runtime";

#[test]
fn join_handle_is_sought_again_after_its_task_has_made_progress() {
    let mut bench = Bench::new(HOUR, |memory| memory.handles = vec![(join_word(1), Future(T[3]))]);
    bench.send(facts());
    assert_eq!((&bench.tiers[..], bench.searches()), (&[ROOT.to_owned()][..], 1));
    // Before it is stuck, the root gives the handle away.
    bench.memory.lock().unwrap().handles = vec![(join_word(1), Elsewhere)];
    bench.send(root_joins());
    bench.tick();
    assert_eq!(bench.tiers.last().unwrap(), "suspected: other code cancels task 1");
    assert_eq!(bench.searches(), 2);
}

#[test]
fn search_is_only_for_the_words_of_a_proven_finding() {
    let mut bench = Bench::new(HOUR, |_| {});
    let mut messages = facts();
    messages.retain(|message| !matches!(message, Message::EdgeWait(wait) if wait.id == EdgeId(12)));
    bench.send(messages);
    assert_eq!((bench.searches(), bench.tiers.len()), (0, 0), "no finding");
    let rest =
        facts().into_iter().filter(|message| matches!(message, Message::EdgeWait(wait) if wait.id == EdgeId(12)));
    bench.send(rest.collect());
    let memory = bench.memory.lock().unwrap();
    assert_eq!(memory.sought, [[guard_word(1), guard_word(2), join_word(1), join_word(2)]]);
    assert_eq!(memory.idle, [T[1], T[2], T[3]]);
}

#[test]
fn finding_is_held_back_and_then_suspected_until_the_search_ends() {
    let still = format!("suspected: {}", super::NOT_ENDED);
    for (hold_back, expect) in [(HOUR, vec![PROVEN]), (Duration::ZERO, vec![still.as_str(), PROVEN])] {
        let mut bench = Bench::new(hold_back, |memory| memory.slow = true);
        bench.send(facts());
        assert_eq!(bench.tiers, expect[..expect.len() - 1], "{hold_back:?}");
        bench.memory.lock().unwrap().slow = false;
        bench.tick();
        assert_eq!(bench.tiers, expect, "{hold_back:?}");
    }
}

#[test]
fn finding_that_is_held_back_is_published_as_suspected_at_the_end_of_the_stream() {
    let still = format!("suspected: {}", super::NOT_ENDED);
    let mut bench = Bench::new(HOUR, |memory| memory.slow = true);
    bench.send(facts());
    bench.recorder.end();
    bench.read();
    assert_eq!(bench.tiers, [still.as_str()]);

    let mut bench = Bench::new(HOUR, |memory| memory.slow = true);
    bench.send(facts());
    let record = |bench: &mut Bench, on| {
        bench.recorder.answer(Command::Record(on, sync_channel(1).0));
        bench.read();
    };
    record(&mut bench, false);
    assert_eq!(bench.tiers, [still.as_str(), "cleared"]);
    // The result of the earlier search is of no use.
    record(&mut bench, true);
    bench.memory.lock().unwrap().slow = false;
    bench.send(facts());
    assert_eq!((&bench.tiers[2..], bench.searches()), (&[PROVEN.to_owned()][..], 2));
}

#[test]
fn finding_is_suspected_at_once_where_no_search_is_allowed() {
    let mut bench = Bench::new(HOUR, |memory| memory.refused = true);
    bench.send(facts());
    assert_eq!(bench.tiers, [format!("suspected: {}", super::UNAVAILABLE)]);
}

#[test]
fn search_is_repeated_if_a_guard_or_a_root_has_changed_meanwhile() {
    let check = |case: &str, change: &dyn Fn(&mut Bench), expect: usize| {
        let mut bench = Bench::new(HOUR, |memory| {
            memory.slow = true;
            memory.handles = vec![(guard_word(1), DeadStack(7))];
        });
        bench.send(facts());
        change(&mut bench);
        bench.memory.lock().unwrap().slow = false;
        bench.tick();
        bench.tick();
        assert_eq!((bench.tiers.as_slice(), bench.searches()), (&[PROVEN.to_owned()][..], expect), "{case}");
    };
    check("nothing", &|_| {}, 1);
    check("another guard", &|bench| bench.memory.lock().unwrap().guards = 5, 2);
    check("a poll of the root", &|bench| bench.send(vec![idle(3, 2)]), 2);
    let in_poll = |kind: TaskKind| {
        let (id, state) = (T[4], Some(TaskState::Running));
        let polled = with!(TaskStats::default(), id, state, since_ns = 1, polls = 1, at_ns = 1);
        vec![with!(TaskSpawned::default(), id, kind, at_ns = 1).into(), polled.into()]
    };
    check("a long poll, perhaps on the root's stack", &|bench| bench.send(in_poll(TaskKind::Task)), 2);
    check("a blocking task", &|bench| bench.send(in_poll(TaskKind::Blocking)), 1);
}

#[test]
fn late_client_gets_no_problem_that_is_held_back_and_gets_it_later() {
    let mut bench = Bench::new(HOUR, |memory| memory.slow = true);
    bench.send(facts());
    let late = Arc::new(Client::new(1 << 20));
    bench.recorder.attach(late.clone());
    let Next::Opening(opening, _) = late.next(usize::MAX, Duration::ZERO) else { panic!("no opening") };
    assert!(opening.model.problems.is_empty() && opening.model.tasks.len() == 3);
    bench.memory.lock().unwrap().slow = false;
    bench.tick();
    let Next::Live(bodies) = late.next(usize::MAX, Duration::ZERO) else { panic!("nothing live") };
    assert_eq!(bodies.iter().filter(|body| body.contains("problem.raised")).count(), 1);
}
