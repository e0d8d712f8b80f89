//! The numbers of tried tasks, with a row for each kind of wait.

use crate::verdict::Verdict;
use crate::world::{Tasks, Verb};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Copy, Debug, Default)]
pub struct Row {
    /// Tasks that can make progress and were not diagnosed as stuck, of all tasks that can make progress.
    pub sound: (usize, usize),
    /// Tasks that were diagnosed as stuck, of all stuck tasks in worlds that the messages describe completely.
    pub complete: (usize, usize),
}

#[derive(Debug, Default)]
pub struct Table {
    pub rows: BTreeMap<&'static str, Row>,
    pub programs: usize,
    pub discarded: usize,
}

impl Table {
    pub fn add(&mut self, verdict: &Verdict) {
        self.programs += 1;
        let parked = verdict.parked();
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

    pub fn merge(&mut self, other: Table) {
        self.programs += other.programs;
        self.discarded += other.discarded;
        for (name, from) in other.rows {
            let row = self.rows.entry(name).or_default();
            row.sound = (row.sound.0 + from.sound.0, row.sound.1 + from.sound.1);
            row.complete = (row.complete.0 + from.complete.0, row.complete.1 + from.complete.1);
        }
    }
}

impl Row {
    fn add(&mut self, verdict: &Verdict, task: Tasks) {
        let diagnosed = verdict.diagnosed & task != 0;
        let (count, hit) = match verdict.stuck & task != 0 {
            false => (&mut self.sound, !diagnosed),
            true if verdict.known => (&mut self.complete, diagnosed),
            true => return,
        };
        count.0 += usize::from(hit);
        count.1 += 1;
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
        for (name, Row { sound, complete }) in &self.rows {
            writeln!(
                f,
                "{name:36} can make progress {:6} of {:6}   stuck {:6} of {:6}",
                sound.0, sound.1, complete.0, complete.1
            )?;
        }
        Ok(())
    }
}
