//! Messages with ids that collide, in any order: each from an example, with its ids and times made small.

use arbitrary::{Result, Unstructured};
use insight_protocol::examples::examples;
use insight_protocol::*;
use std::sync::LazyLock;

static EXAMPLES: LazyLock<Vec<Message>> = LazyLock::new(examples);

/// More are not reached by many mutations anyway.
const MOST_LINES: u64 = 60;

/// Lines of messages. Few of them have a wrong number, and few are cut off or twice there.
pub fn lines(bytes: &mut Unstructured) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut seq = 0;
    while !bytes.is_empty() && seq < MOST_LINES {
        seq += 1;
        let mut message = bytes.choose(&EXAMPLES)?.clone();
        shrink(&mut message, bytes)?;
        let mut line = encode(seq, &message);
        match bytes.arbitrary::<u8>()? {
            0 => line.truncate(
                (0..=bytes.int_in_range(0..=line.len())?).rfind(|at| line.is_char_boundary(*at)).unwrap_or(0),
            ),
            1 => seq += 1,
            2 => lines.push(line.clone()),
            3 => line = line.replacen(":1,", ":9007199254740991,", 1),
            _ => {}
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Ids from 1 to 6, so that they collide, and times up to 3 s, so that they settle.
fn shrink(message: &mut Message, bytes: &mut Unstructured) -> Result<()> {
    macro_rules! ids {
        ($($id:expr),+) => {{ $($id.0 = bytes.int_in_range(1..=6)?;)+ }};
    }
    macro_rules! some {
        ($($id:expr),+) => {{ $(if let Some(id) = &mut $id { ids!(id); })+ }};
    }
    let at_ns = u64::from(bytes.arbitrary::<u8>()?) * 12_000_000;
    match message {
        Message::StreamHeader(it) => it.at_ns = at_ns,
        Message::StreamHeartbeat(it) => it.at_ns = at_ns,
        Message::StreamCoverage(it) => {
            for executor in &mut it.executors {
                executor.unobserved_tasks = *bytes.choose(&[None, Some(0), Some(1), Some(MAX_NUMBER)])?;
            }
            it.at_ns = at_ns;
        }
        Message::DefineString(it) => ids!(it.id),
        Message::DefineLocation(it) => ids!(it.id),
        Message::TaskSpawned(it) => {
            ids!(it.id);
            some!(it.name, it.location, it.parent, it.executor);
            it.partial = bytes.ratio(1, 8)?;
            it.at_ns = at_ns;
        }
        Message::TaskCompleted(it) => {
            ids!(it.id);
            it.at_ns = at_ns;
        }
        Message::TaskPolls(it) => {
            for task in &mut it.tasks {
                ids!(task);
            }
            it.at_ns = at_ns;
        }
        Message::TaskStats(it) => {
            ids!(it.id);
            some!(it.woken_by);
            it.state =
                *bytes.choose(&[None, Some(TaskState::Idle), Some(TaskState::Running), Some(TaskState::Completed)])?;
            it.polls = bytes.int_in_range(0..=3)?;
            it.foreign_wakers = bytes.int_in_range(0..=1)?;
            it.lost_waker = bytes.arbitrary()?;
            (it.since_ns, it.at_ns) = (at_ns, at_ns);
        }
        Message::ResourceCreated(it) => {
            ids!(it.id);
            some!(it.name, it.location, it.task);
            it.kind = ResourceKind::from(*bytes.choose(ResourceKind::KNOWN)?);
            it.closed_by_any = bytes.arbitrary()?;
            it.hand_off = Some(HandOff::from(*bytes.choose(HandOff::KNOWN)?)).filter(|_| it.id.0 % 2 == 0);
            it.at_ns = at_ns;
        }
        Message::ResourceUpdated(it) => {
            ids!(it.id);
            some!(it.name);
            for count in [
                &mut it.length,
                &mut it.senders,
                &mut it.weak_senders,
                &mut it.receivers,
                &mut it.outside_senders,
                &mut it.outside_receivers,
            ] {
                *count = *bytes.choose(&[None, Some(0), Some(1), Some(2), Some(MAX_NUMBER)])?;
            }
            it.at_ns = at_ns;
        }
        Message::ResourceDropped(it) => {
            ids!(it.id);
            it.at_ns = at_ns;
        }
        Message::EdgeWait(it) => {
            ids!(it.id, it.task, it.resource, it.reason);
            some!(it.location);
            it.operation = Operation::from(*bytes.choose(Operation::KNOWN)?);
            it.need = *bytes.choose(&[0, 1, MAX_NUMBER])?;
            it.since_ns = at_ns;
        }
        Message::EdgeHold(it) => {
            ids!(it.id, it.task, it.resource);
            some!(it.location);
            it.mode = HoldMode::from(*bytes.choose(HoldMode::KNOWN)?);
            it.units = *bytes.choose(&[0, 1, MAX_NUMBER])?;
            it.transferable = bytes.arbitrary()?;
            it.since_ns = at_ns;
        }
        Message::EdgeParty(it) => {
            ids!(it.id, it.task, it.resource);
            it.role = PartyRole::from(*bytes.choose(PartyRole::KNOWN)?);
            it.exclusive = bytes.arbitrary()?;
            it.since_ns = at_ns;
        }
        Message::EdgeUpdated(it) => {
            ids!(it.id);
            it.polls = *bytes.choose(&[None, Some(0), Some(1), Some(MAX_NUMBER)])?;
            it.polled = *bytes.choose(&[None, Some(false), Some(true)])?;
            it.granted_ns = bytes.arbitrary::<bool>()?.then_some(at_ns);
            it.at_ns = at_ns;
        }
        Message::EdgeClosed(it) => {
            ids!(it.id);
            it.at_ns = at_ns;
        }
        Message::ProblemRaised(ProblemRaised { problem, at_ns: at })
        | Message::ProblemUpdated(ProblemUpdated { problem, at_ns: at }) => {
            ids!(problem.id);
            for it in &mut problem.tasks {
                ids!(it.id);
            }
            for it in &mut problem.resources {
                ids!(it.id);
            }
            for it in &mut problem.edges {
                ids!(it.task, it.resource);
            }
            *at = at_ns;
        }
        Message::ProblemCleared(it) => {
            ids!(it.id);
            it.at_ns = at_ns;
        }
        Message::SnapshotBegin(it) => {
            for count in [&mut it.tasks, &mut it.resources, &mut it.edges, &mut it.problems] {
                *count = bytes.int_in_range(0..=2)?;
            }
            it.at_ns = at_ns;
        }
        Message::SnapshotEnd(it) => it.at_ns = at_ns,
        Message::Gap(it) => it.at_ns = at_ns,
        _ => {}
    }
    Ok(())
}
