//! The numbers of tried tasks, with a row for each kind of wait.

use crate::feature::Feature;
use crate::verdict::{Disagreement, Verdict};
use crate::world::{Tasks, Verb};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Copy, Debug, Default)]
pub struct Row {
    /// Tasks that can make progress and were not proven, of all tasks that can make progress.
    pub sound: (usize, usize),
    /// Tasks that were suspected or proven, of all stuck tasks in worlds that the messages describe completely.
    pub complete: (usize, usize),
    /// Tasks in programs with a proof, of all tasks that are stuck by locks and joins that the messages describe.
    pub proven: (usize, usize),
}

/// The programs with one kind of hand-over.
#[derive(Clone, Copy, Debug, Default)]
pub struct HandedOver {
    pub programs: usize,
    /// Programs with a task that no schedule lets make progress.
    pub stuck: usize,
    /// Programs with a proof.
    pub proven: usize,
    /// Programs with a wrong proof, and the first of them.
    pub wrong: usize,
    pub first: Option<u64>,
}

#[derive(Debug, Default)]
pub struct Table {
    pub handovers: BTreeMap<Feature, HandedOver>,
    pub rows: BTreeMap<&'static str, Row>,
    pub programs: usize,
    pub discarded: usize,
    /// Programs with a proof, of all programs with tasks that are stuck by locks and joins: those in which tasks wait for nothing
    /// else, and the others.
    pub by_locks: [(usize, usize); 2],
    /// Stuck tasks in captured worlds that the messages describe completely, each with a foreign waker that nothing uses.
    pub outdated: usize,
}

impl Table {
    pub fn add(&mut self, verdict: &Verdict) {
        self.programs += 1;
        if verdict.by_locks.unwrap_or(0) != 0 {
            let count = &mut self.by_locks[usize::from(!verdict.is_of_locks())];
            *count = (count.0 + usize::from(verdict.proven != 0), count.1 + 1);
        }
        let parked = verdict.world.parked();
        for task in (0..8).filter(|task| parked & 1 << task != 0) {
            let mut names: Vec<&'static str> = Vec::new();
            let operations = &verdict.world.tasks[task].operations;
            for op in operations.iter().filter(|op| op.polled) {
                names.push(verdict.world.resources[usize::from(op.resource)].word());
            }
            names.extend(special(verdict, task));
            names.sort_unstable();
            names.dedup();
            for name in names {
                self.rows.entry(name).or_default().add(verdict, 1 << task);
            }
        }
    }

    pub fn add_handover(&mut self, verdict: &Verdict, seed: u64) {
        let wrong = verdict.wrong(Disagreement::Unsound) != 0;
        self.handovers.entry(verdict.feature).or_default().merge(HandedOver {
            programs: 1,
            stuck: usize::from(verdict.stuck != 0),
            proven: usize::from(verdict.proven != 0),
            wrong: usize::from(wrong),
            first: wrong.then_some(seed),
        });
    }

    pub fn add_captured(&mut self, verdict: &Verdict) {
        let stuck = if verdict.known { verdict.stuck } else { 0 };
        let keeps_a_timer = |task: usize| verdict.world.tasks[task].operations.iter().any(|op| op.verb == Verb::Sleep);
        self.outdated += (0..8).filter(|task| stuck & 1 << task != 0 && keeps_a_timer(*task)).count();
    }

    pub fn merge(&mut self, other: Table) {
        self.outdated += other.outdated;
        self.programs += other.programs;
        self.discarded += other.discarded;
        for (count, from) in self.by_locks.iter_mut().zip(other.by_locks) {
            *count = (count.0 + from.0, count.1 + from.1);
        }
        for (feature, from) in other.handovers {
            self.handovers.entry(feature).or_default().merge(from);
        }
        for (name, from) in other.rows {
            let row = self.rows.entry(name).or_default();
            row.sound = (row.sound.0 + from.sound.0, row.sound.1 + from.sound.1);
            row.complete = (row.complete.0 + from.complete.0, row.complete.1 + from.complete.1);
            row.proven = (row.proven.0 + from.proven.0, row.proven.1 + from.proven.1);
        }
    }
}

impl HandedOver {
    fn merge(&mut self, other: HandedOver) {
        self.programs += other.programs;
        self.stuck += other.stuck;
        self.proven += other.proven;
        self.wrong += other.wrong;
        self.first = self.first.into_iter().chain(other.first).min();
    }
}

impl Row {
    fn add(&mut self, verdict: &Verdict, task: Tasks) {
        let is_in = |tasks: Tasks| tasks & task != 0;
        let add = |count: &mut (usize, usize), hit| *count = (count.0 + usize::from(hit), count.1 + 1);
        if !is_in(verdict.stuck) {
            add(&mut self.sound, !is_in(verdict.proven));
        } else if verdict.known {
            add(&mut self.complete, is_in(verdict.suspected));
        }
        if is_in(verdict.by_locks.unwrap_or(0)) {
            add(&mut self.proven, verdict.proven != 0);
        }
    }
}

/// Additional rows for special situations.
fn special(verdict: &Verdict, task: usize) -> Vec<&'static str> {
    let world = &verdict.world;
    let operations = &world.tasks[task].operations;
    let mut names = Vec::new();
    for op in operations.iter().filter(|op| op.polled) {
        let resource = &world.resources[usize::from(op.resource)];
        let others =
            || world.operations().filter(|(_, other)| other.resource == op.resource && other.ticket != op.ticket);
        if others().any(|(_, other)| other.granted && !other.polled) {
            names.push("behind a grant that is not claimed");
        }
        let place = |ticket| resource.queue.iter().position(|it| *it == ticket);
        let writer_ahead = |other: u8, verb| verb == Verb::Write && place(other) < place(op.ticket);
        let queued_writer =
            others().any(|(_, other)| place(other.ticket).is_some() && writer_ahead(other.ticket, other.verb));
        if op.verb == Verb::Read && queued_writer && resource.holds.iter().all(|hold| !hold.exclusive) {
            names.push("a reader behind a writer");
        }
        if op.verb == Verb::Acquire && op.need <= world.free(usize::from(op.resource)) {
            names.push("free permits, and a queue");
        }
    }
    if operations.iter().filter(|op| op.polled).count() > 1 {
        names.push("several waits");
    }
    names
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} programs, {} with too many states", self.programs, self.discarded)?;
        writeln!(f, "{} stuck tasks with an outdated waker, by a capture", self.outdated)?;
        let [alone, beside] = self.by_locks;
        writeln!(f, "stuck by locks, and no other waits: proofs in {} of {} programs", alone.0, alone.1)?;
        writeln!(f, "stuck by locks, beside other waits: proofs in {} of {} programs", beside.0, beside.1)?;
        for (name, Row { sound, complete, proven }) in &self.rows {
            write!(f, "{name:36} can make progress {:6} of {:6}", sound.0, sound.1)?;
            write!(f, "   stuck {:6} of {:6}", complete.0, complete.1)?;
            writeln!(f, "   stuck by locks {:6} of {:6}", proven.0, proven.1)?;
        }
        writeln!(f)?;
        for (feature, HandedOver { programs, stuck, proven, wrong, first }) in &self.handovers {
            write!(f, "{feature:45} {programs:4} programs   stuck {stuck:4}   proven {proven:4}   wrong {wrong:4}")?;
            writeln!(f, "{}", first.map_or_else(String::new, |seed| format!("   the first is {seed}")))?;
        }
        Ok(())
    }
}
