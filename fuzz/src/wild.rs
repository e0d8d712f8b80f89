//! Messages with ids that collide, in any order. Each is an example with small ids and times.

use arbitrary::{Result, Unstructured};
use insight_protocol::examples::examples;
use insight_protocol::*;
use std::sync::LazyLock;

static EXAMPLES: LazyLock<Vec<Message>> = LazyLock::new(examples);

/// Maximum number of lines. Mutations rarely reach more.
const MOST_LINES: u64 = 60;

/// Lines of messages. A few have a wrong number, are cut off, or come twice.
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

/// Sets ids from 1 to 6, so that they collide, and times up to 3 s, so that tasks can be stuck for the settle time.
fn shrink(message: &mut Message, bytes: &mut Unstructured) -> Result<()> {
    let at_ns = u64::from(bytes.arbitrary::<u8>()?) * 12_000_000;
    message.visit_mut(&mut Shrink { bytes, at_ns })
}

struct Shrink<'a, 'b> {
    bytes: &'a mut Unstructured<'b>,
    at_ns: u64,
}

macro_rules! ids {
    ($self:ident: $($id:expr),+) => {{ $($id.0 = $self.bytes.int_in_range(1..=6)?;)+ }};
}

macro_rules! some {
    ($self:ident: $($id:expr),+) => {{ $(if let Some(id) = &mut $id { ids!($self: id); })+ }};
}

impl Shrink<'_, '_> {
    fn problem(&mut self, problem: &mut Problem) -> Result<()> {
        ids!(self: problem.id);
        for it in &mut problem.tasks {
            ids!(self: it.id);
            for awaited in &mut it.awaits {
                some!(self: awaited.as_in);
            }
        }
        for it in &mut problem.resources {
            ids!(self: it.id);
        }
        for it in &mut problem.edges {
            ids!(self: it.task, it.resource);
            if let Some(awaited) = &mut it.awaited {
                some!(self: awaited.as_in);
            }
        }

        Ok(())
    }
}

impl VisitMut for Shrink<'_, '_> {
    type Output = Result<()>;

    fn stream_header(&mut self, it: &mut StreamHeader) -> Result<()> {
        it.at_ns = self.at_ns;
        Ok(())
    }

    fn stream_heartbeat(&mut self, it: &mut StreamHeartbeat) -> Result<()> {
        it.at_ns = self.at_ns;
        Ok(())
    }

    fn stream_coverage(&mut self, it: &mut StreamCoverage) -> Result<()> {
        for executor in &mut it.executors {
            executor.unobserved_tasks = *self.bytes.choose(&[None, Some(0), Some(1), Some(MAX_NUMBER)])?;
        }
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn define_string(&mut self, it: &mut DefineString) -> Result<()> {
        ids!(self: it.id);
        Ok(())
    }

    fn define_location(&mut self, it: &mut DefineLocation) -> Result<()> {
        ids!(self: it.id);
        Ok(())
    }

    fn define_dropped(&mut self, it: &mut DefineDropped) -> Result<()> {
        for id in &mut it.strings {
            ids!(self: id);
        }

        Ok(())
    }

    fn task_spawned(&mut self, it: &mut TaskSpawned) -> Result<()> {
        ids!(self: it.id);
        some!(self: it.name, it.location, it.parent, it.executor);
        it.partial = self.bytes.ratio(1, 8)?;
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn task_completed(&mut self, it: &mut TaskCompleted) -> Result<()> {
        ids!(self: it.id);
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn task_updated(&mut self, it: &mut TaskUpdated) -> Result<()> {
        ids!(self: it.id, it.name);
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn task_awaits(&mut self, it: &mut TaskAwaits) -> Result<()> {
        ids!(self: it.id);
        it.polls = self.bytes.int_in_range(0..=3)?;
        for span in &mut it.spans {
            ids!(self: span);
        }
        for it in &mut it.awaits {
            some!(self: it.edge, it.function);
            for frame in &mut it.frames {
                some!(self: frame.function, frame.location);
            }
        }
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn task_cancellers(&mut self, it: &mut TaskCancellers) -> Result<()> {
        ids!(self: it.id);
        for task in &mut it.tasks {
            ids!(self: task);
        }
        it.others = self.bytes.ratio(1, 4)?;
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn task_ended(&mut self, it: &mut TaskEnded) -> Result<()> {
        ids!(self: it.id);
        some!(self: it.name, it.location, it.parent, it.executor);
        it.outcome = Outcome::from(*self.bytes.choose(Outcome::KNOWN)?);
        (it.spawned_ns, it.at_ns) = (self.at_ns, self.at_ns);

        Ok(())
    }

    fn task_polls(&mut self, it: &mut TaskPolls) -> Result<()> {
        for task in &mut it.tasks {
            ids!(self: task);
        }
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn task_operation(&mut self, it: &mut TaskOperation) -> Result<()> {
        ids!(self: it.id);
        some!(self: it.task, it.resource, it.joined, it.location);
        it.event = OperationEvent::from(*self.bytes.choose(OperationEvent::KNOWN)?);
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn task_stats(&mut self, it: &mut TaskStats) -> Result<()> {
        ids!(self: it.id);
        some!(self: it.woken_by);
        it.state =
            *self.bytes.choose(&[None, Some(TaskState::Idle), Some(TaskState::Running), Some(TaskState::Completed)])?;
        it.polls = self.bytes.int_in_range(0..=3)?;
        it.foreign_wakers = self.bytes.int_in_range(0..=1)?;
        it.lost_waker = self.bytes.arbitrary()?;
        (it.since_ns, it.at_ns) = (self.at_ns, self.at_ns);

        Ok(())
    }

    fn resource_created(&mut self, it: &mut ResourceCreated) -> Result<()> {
        ids!(self: it.id);
        some!(self: it.name, it.location, it.task);
        it.kind = ResourceKind::from(*self.bytes.choose(ResourceKind::KNOWN)?);
        it.closed_by_any = self.bytes.arbitrary()?;
        it.hand_off = Some(HandOff::from(*self.bytes.choose(HandOff::KNOWN)?)).filter(|_| it.id.0.is_multiple_of(2));
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn resource_updated(&mut self, it: &mut ResourceUpdated) -> Result<()> {
        ids!(self: it.id);
        some!(self: it.name);
        for count in [
            &mut it.length,
            &mut it.senders,
            &mut it.weak_senders,
            &mut it.receivers,
            &mut it.outside_senders,
            &mut it.outside_receivers,
        ] {
            *count = *self.bytes.choose(&[None, Some(0), Some(1), Some(2), Some(MAX_NUMBER)])?;
        }
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn resource_dropped(&mut self, it: &mut ResourceDropped) -> Result<()> {
        ids!(self: it.id);
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn edge_wait(&mut self, it: &mut EdgeWait) -> Result<()> {
        ids!(self: it.id, it.task, it.resource, it.reason);
        some!(self: it.location);
        it.operation = Operation::from(*self.bytes.choose(Operation::KNOWN)?);
        it.need = *self.bytes.choose(&[0, 1, MAX_NUMBER])?;
        it.transferable = self.bytes.arbitrary()?;
        it.since_ns = self.at_ns;

        Ok(())
    }

    fn edge_hold(&mut self, it: &mut EdgeHold) -> Result<()> {
        ids!(self: it.id, it.task, it.resource);
        some!(self: it.location);
        it.mode = HoldMode::from(*self.bytes.choose(HoldMode::KNOWN)?);
        it.units = *self.bytes.choose(&[0, 1, MAX_NUMBER])?;
        it.transferable = self.bytes.arbitrary()?;
        it.since_ns = self.at_ns;

        Ok(())
    }

    fn edge_party(&mut self, it: &mut EdgeParty) -> Result<()> {
        ids!(self: it.id, it.task, it.resource);
        it.role = PartyRole::from(*self.bytes.choose(PartyRole::KNOWN)?);
        it.exclusive = self.bytes.arbitrary()?;
        it.since_ns = self.at_ns;

        Ok(())
    }

    fn edge_updated(&mut self, it: &mut EdgeUpdated) -> Result<()> {
        ids!(self: it.id);
        it.polls = *self.bytes.choose(&[None, Some(0), Some(1), Some(MAX_NUMBER)])?;
        it.polled = *self.bytes.choose(&[None, Some(false), Some(true)])?;
        it.granted_ns = self.bytes.arbitrary::<bool>()?.then_some(self.at_ns);
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn edge_closed(&mut self, it: &mut EdgeClosed) -> Result<()> {
        ids!(self: it.id);
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn problem_raised(&mut self, it: &mut ProblemRaised) -> Result<()> {
        self.problem(&mut it.problem)?;
        it.at_ns = self.at_ns;
        Ok(())
    }

    fn problem_updated(&mut self, it: &mut ProblemUpdated) -> Result<()> {
        self.problem(&mut it.problem)?;
        it.at_ns = self.at_ns;
        Ok(())
    }

    fn problem_cleared(&mut self, it: &mut ProblemCleared) -> Result<()> {
        ids!(self: it.id);
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn snapshot_begin(&mut self, it: &mut SnapshotBegin) -> Result<()> {
        for count in [&mut it.tasks, &mut it.resources, &mut it.edges, &mut it.problems] {
            *count = self.bytes.int_in_range(0..=2)?;
        }
        it.at_ns = self.at_ns;

        Ok(())
    }

    fn snapshot_end(&mut self, it: &mut SnapshotEnd) -> Result<()> {
        it.at_ns = self.at_ns;
        Ok(())
    }

    fn gap(&mut self, it: &mut Gap) -> Result<()> {
        it.at_ns = self.at_ns;
        Ok(())
    }
}
