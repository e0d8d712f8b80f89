//! The stage of a case: its tasks wait for steps that the case opens, and record their own acts. No adapter observes these waits.
//!
//! The records are the truth that the sent facts are compared with. So an executor may poll a task too often, wake it without
//! need, or run it late.

use insight_protocol::Outcome;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Steps that a case opens one after the other, and the acts of its tasks.
#[derive(Clone, Debug, Default)]
pub(super) struct Stage(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    open: u32,
    waiting: Vec<Waiting>,
    acts: BTreeMap<&'static str, Act>,
    kept: Vec<Waker>,
}

#[derive(Debug)]
struct Waiting {
    step: u32,
    actor: &'static str,
    waker: Waker,
}

/// The acts of one task until now, as the task itself recorded them.
#[derive(Clone, Debug, Default)]
pub(super) struct Act {
    /// Number of its polls that have begun.
    pub(super) polls_begun: u64,
    /// Number of its polls that have ended.
    pub(super) polls_ended: u64,
    /// Number of wakes by the stage.
    pub(super) wakes: u64,
    /// The step for which it waits.
    at: Option<u32>,
    /// The last step that it has passed.
    passed: u32,
    /// It blocks its thread within a poll.
    blocked: bool,
    /// Time within its polls.
    pub(super) running: Duration,
    /// Time between its polls.
    pub(super) waiting: Duration,
    /// The end of its last poll.
    ended_at: Option<Instant>,
    /// Its end.
    pub(super) end: Option<Outcome>,
}

impl Act {
    /// Whether its last poll has ended, and left it waiting.
    pub(super) fn waits(&self) -> bool {
        self.polls_ended > 0 && self.polls_ended == self.polls_begun && self.end.is_none()
    }

    /// Whether it waits for this step.
    pub(super) fn waits_at(&self, step: u32) -> bool {
        self.waits() && self.at == Some(step)
    }

    /// Whether it waits for something else after this step.
    pub(super) fn waits_after(&self, step: u32) -> bool {
        self.waits() && self.at.is_none() && self.passed >= step
    }

    /// Whether this is the step for which it waits, or last waited.
    pub(super) fn is_at(&self, step: u32) -> bool {
        self.at == Some(step)
    }

    /// Whether it has passed this step.
    pub(super) fn has_passed(&self, step: u32) -> bool {
        self.passed >= step
    }

    /// Whether it blocks its thread.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked
    }
}

impl Stage {
    /// The step that is opened after the case.
    pub(super) const END: u32 = u32::MAX;

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.0.changed.notify_all();
        result
    }

    fn act_of(&self, actor: &'static str, change: impl FnOnce(&mut Act)) {
        self.change(|state| change(state.acts.entry(actor).or_default()));
    }

    /// A task of the case.
    pub(super) fn actor(&self, name: &'static str) -> Actor {
        Actor { stage: self.clone(), name }
    }

    /// Waits for the end of the case.
    pub(super) async fn over(&self) {
        self.actor("").reached(Stage::END).await;
    }

    /// The acts of the task with this name.
    pub(super) fn act(&self, name: &str) -> Act {
        self.state().acts.get(name).cloned().unwrap_or_default()
    }

    /// The names of the tasks that have recorded an act, and have not ended.
    pub(super) fn not_ended(&self) -> Vec<&'static str> {
        let state = self.state();
        let open = state.acts.iter().filter(|(name, act)| !name.is_empty() && act.end.is_none());
        open.map(|(name, _)| *name).collect()
    }

    /// Whether a task of this name belongs to the case.
    pub(super) fn has(&self, name: &str) -> bool {
        !name.is_empty() && self.state().acts.contains_key(name)
    }

    /// Opens all steps up to this one.
    pub(super) fn open(&self, step: u32) {
        let woken: Vec<Waiting> = self.change(|state| {
            state.open = state.open.max(step);
            let (woken, waiting) = std::mem::take(&mut state.waiting).into_iter().partition(|it| it.step <= step);
            state.waiting = waiting;
            woken
        });
        for Waiting { waker, actor, .. } in woken {
            // Before the wake, which may run the task to its end.
            self.act_of(actor, |act| act.wakes += 1);
            waker.wake();
        }
    }

    /// Drops one of the wakers that [`Actor::keeps`] has put there.
    pub(super) fn drop_kept(&self) {
        let kept = self.state().kept.pop();
        drop(kept);
    }

    /// Blocks the thread until the step is open, at most for `limit`. Returns whether the step is open.
    pub(super) fn block(&self, step: u32, limit: Duration) -> bool {
        let state = self.state();
        let waits = |state: &mut State| state.open < step;
        let (state, _) = self.0.changed.wait_timeout_while(state, limit, waits).unwrap_or_else(PoisonError::into_inner);
        state.open >= step
    }

    /// Blocks the thread until something changes on the stage, at most for `limit`.
    pub(super) fn until_change(&self, limit: Duration) {
        drop(self.0.changed.wait_timeout(self.state(), limit));
    }
}

/// A task of a case.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    stage: Stage,
    name: &'static str,
}

impl Actor {
    /// The future of the task, with a record of its polls and of its end.
    pub(super) fn plays<F: Future<Output = ()>>(&self, future: F) -> impl Future<Output = ()> + use<F> {
        let ending = Ending { actor: self.clone(), outcome: Outcome::Cancelled };
        async move {
            let mut ending = ending;
            let mut future = pin!(future);
            poll_fn(|cx| {
                let poll = InPoll::begin(&ending.actor);
                let result = future.as_mut().poll(cx);
                drop(poll);
                result
            })
            .await;
            ending.outcome = Outcome::Returned;
        }
    }

    /// Waits until the step is open.
    pub(super) async fn reached(&self, step: u32) {
        let Actor { stage, name } = self;
        poll_fn(|cx| {
            stage.change(|state| {
                let act = state.acts.entry(name).or_default();
                if state.open >= step {
                    (act.at, act.passed) = (None, act.passed.max(step));
                    return Poll::Ready(());
                }
                act.at = Some(step);
                // Each waiting task has one entry, however often it is polled.
                match state.waiting.iter_mut().find(|it| it.step == step && it.actor == *name) {
                    Some(waiting) => waiting.waker.clone_from(cx.waker()),
                    None => state.waiting.push(Waiting { step, actor: name, waker: cx.waker().clone() }),
                }
                Poll::Pending
            })
        })
        .await;
    }

    /// Blocks its thread within a poll until the step is open.
    pub(super) fn block(&self, step: u32, limit: Duration) {
        self.stage.act_of(self.name, |act| act.blocked = true);
        self.stage.block(step, limit);
        self.stage.act_of(self.name, |act| (act.blocked, act.passed) = (false, act.passed.max(step)));
    }

    /// Puts `number` clones of its waker on the stage, and waits for ever.
    pub(super) async fn keeps(&self, number: usize) {
        let mut first = true;
        poll_fn(|cx| {
            if std::mem::take(&mut first) {
                self.stage.change(|state| state.kept.extend((0..number).map(|_| cx.waker().clone())));
            }
            Poll::Pending
        })
        .await
    }
}

/// One poll of a task.
struct InPoll<'a> {
    actor: &'a Actor,
    began: Instant,
}

impl<'a> InPoll<'a> {
    fn begin(actor: &'a Actor) -> InPoll<'a> {
        let began = Instant::now();
        actor.stage.act_of(actor.name, |act| {
            act.polls_begun += 1;
            act.waiting += act.ended_at.map_or(Duration::ZERO, |ended| began.duration_since(ended));
        });
        InPoll { actor, began }
    }
}

impl Drop for InPoll<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        self.actor.stage.act_of(self.actor.name, |act| {
            act.polls_ended += 1;
            act.running += now.duration_since(self.began);
            act.ended_at = Some(now);
        });
    }
}

/// Records the end of a task when its future is dropped.
struct Ending {
    actor: Actor,
    outcome: Outcome,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let outcome = if std::thread::panicking() { Outcome::Panicked } else { self.outcome.clone() };
        self.actor.stage.act_of(self.actor.name, |act| act.end = Some(outcome));
    }
}

/// A waker that stops in the middle of its wake: it opens step 1 of `woken`, and blocks until step 2 is open.
#[derive(Debug)]
pub(super) struct StoppedWake {
    pub(super) woken: Stage,
    pub(super) limit: Duration,
}

impl Wake for StoppedWake {
    fn wake(self: Arc<Self>) {
        self.woken.open(1);
        self.woken.block(2, self.limit);
    }
}
