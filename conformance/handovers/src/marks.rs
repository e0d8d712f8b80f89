//! The truth about each body of a program: where it is, and when it last made a step.

use crate::turns;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// The beginning of all times here.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Time since the first call, in nanoseconds.
pub fn now_ns() -> u64 {
    BEGIN.elapsed().as_nanos() as u64
}

/// The form in which a body runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// It has not started.
    None,
    /// A task.
    Task,
    /// A thread.
    Thread,
    /// A future in a box. It makes steps only when a body polls it.
    Boxed,
}

/// The marks of a program. Each body writes its own, and the judge reads them when all is still: Relaxed.
#[derive(Debug)]
pub struct Marks {
    /// The number of the program in its process.
    pub program: usize,
    bodies: Vec<Mark>,
}

#[derive(Debug)]
struct Mark {
    /// As `Kind`.
    kind: AtomicU8,
    ended: AtomicU8,
    /// The number of the present step.
    step: AtomicUsize,
    /// The time of its last step.
    moved_ns: AtomicU64,
    /// The body that last polled this one.
    polled_by: AtomicUsize,
}

impl Marks {
    /// The marks of a program that has not started.
    pub fn new(program: usize, bodies: usize) -> Marks {
        let mark = || Mark {
            kind: AtomicU8::new(Kind::None as u8),
            ended: AtomicU8::new(0),
            step: AtomicUsize::new(0),
            moved_ns: AtomicU64::new(0),
            polled_by: AtomicUsize::new(usize::MAX),
        };
        Marks { program, bodies: (0..bodies).map(|_| mark()).collect() }
    }

    /// Marks that a body polls another one.
    pub fn polls(&self, body: usize, boxed: usize) {
        self.bodies[boxed].polled_by.store(body, Ordering::Relaxed);
    }

    /// The time of the last step of a body, or of a future that it polls.
    pub fn last_step_ns(&self, body: usize) -> u64 {
        let polled = self.bodies.iter().filter(|it| it.polled_by.load(Ordering::Relaxed) == body);
        let all = self.bodies.get(body).into_iter().chain(polled);
        all.map(|mark| mark.moved_ns.load(Ordering::Relaxed)).max().unwrap_or(0)
    }

    /// The tasks and threads that have started and have not ended, each with the number of its step. No body has to poll a
    /// future in a box, so it is not among them.
    pub fn left(&self) -> Vec<(usize, Kind, usize)> {
        let left = self.bodies.iter().enumerate().filter_map(|(body, mark)| {
            let kind = match mark.kind.load(Ordering::Relaxed) {
                kind if kind == Kind::Task as u8 => Kind::Task,
                kind if kind == Kind::Thread as u8 => Kind::Thread,
                _ => return None,
            };
            let ended = mark.ended.load(Ordering::Relaxed) == 1;
            (!ended).then(|| (body, kind, mark.step.load(Ordering::Relaxed)))
        });
        left.collect()
    }
}

/// A body that was started. Its drop marks the end, also of a cancelled task.
#[derive(Debug)]
pub struct Running {
    marks: &'static Marks,
    body: usize,
    kind: Kind,
    /// Whether it has made no step.
    starts: bool,
}

impl Running {
    /// Marks the start of a body.
    pub fn start(marks: &'static Marks, body: usize, kind: Kind) -> Running {
        marks.bodies[body].kind.store(kind as u8, Ordering::Relaxed);
        // A box may wait for ever until a body polls it.
        let starts = kind != Kind::Boxed;
        if starts {
            turns::count_start();
        }
        Running { marks, body, kind, starts }
    }

    /// The number of the body.
    pub fn body(&self) -> usize {
        self.body
    }

    /// Marks that the body made a step, and begins the step of this number.
    pub fn step(&mut self, step: usize) {
        self.marks.bodies[self.body].step.store(step, Ordering::Relaxed);
        self.moved();
    }

    fn moved(&mut self) {
        self.marks.bodies[self.body].moved_ns.store(now_ns(), Ordering::Relaxed);
        turns::count_step();
        if std::mem::take(&mut self.starts) {
            turns::count_first_step();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.marks.bodies[self.body].ended.store(1, Ordering::Relaxed);
        // The drop of a box is no step of the body that polled it.
        if self.kind == Kind::Boxed {
            turns::count_step();
        } else {
            self.moved();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks() -> &'static Marks {
        Box::leak(Box::new(Marks::new(0, 2)))
    }

    #[test]
    fn a_task_is_left_from_its_start_to_its_end() {
        let marks = marks();
        let mut task = Running::start(marks, 0, Kind::Task);
        let boxed = Running::start(marks, 1, Kind::Boxed);
        task.step(4);
        assert_eq!(marks.left(), [(0, Kind::Task, 4)]);
        drop((task, boxed));
        assert_eq!(marks.left(), []);
    }

    #[test]
    fn steps_of_a_box_count_for_its_poller_and_its_drop_does_not() {
        let marks = marks();
        let mut boxed = Running::start(marks, 1, Kind::Boxed);
        boxed.step(0);
        assert_eq!(marks.last_step_ns(0), 0);
        marks.polls(0, 1);
        boxed.step(1);
        let polled_ns = marks.last_step_ns(0);
        assert!(polled_ns > 0);
        drop(boxed);
        assert_eq!(marks.last_step_ns(0), polled_ns);
    }
}
