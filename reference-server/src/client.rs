//! What waits to be sent to one client: a queue with a bound, between the recorder's thread and the client's.
//!
//! A queue that would grow past its bound is emptied, and what comes is counted instead of kept.
//! The client's thread notices when it next has something to send, which is when the client has read what was on its
//! way. It then asks for a new opening. So a client that has stopped reading holds at most a full queue and the one picture
//! that it is being sent, which costs what has changed since, until its connection times out.

use insight_model::Model;
use insight_protocol::{Gap, Message, StreamHeader};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a queued message takes besides its text.
const OVERHEAD_BYTES: usize = 32;

/// With what a stream begins, or begins again.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) header: StreamHeader,
    /// What there is: a copy, which shares with the recorder's what has not changed since. To make messages of it, and to
    /// encode them, is left to the thread of who asked.
    pub(crate) picture: Model,
    /// While recording is off: what says so.
    pub(crate) off: Option<Message>,
}

impl Opening {
    /// Gives out its messages after the header one after another, and what the stream that goes on may name besides.
    pub(crate) fn tell<E>(&self, mut tell: impl FnMut(&Message) -> Result<(), E>) -> Result<(), E> {
        self.picture.tell_opening(|message| tell(&message))?;
        self.off.iter().try_for_each(tell)
    }
}

/// What there is for a client.
#[derive(Debug)]
pub(crate) enum Next {
    /// An opening, and for a client that had too much to read what was skipped.
    Opening(Box<Opening>, Option<Gap>),
    /// Encoded messages, in order.
    Live(Vec<Arc<str>>),
    /// Some were skipped: ask for a new opening.
    Lagging,
    /// Nothing more will come.
    Closed,
}

#[derive(Debug)]
pub(crate) struct Client {
    queue_bytes: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    opening: Option<(Box<Opening>, Option<Gap>)>,
    live: VecDeque<Arc<str>>,
    live_bytes: usize,
    /// How many messages were not queued since the queue was last full; until the next opening, none is.
    skipped: u64,
    /// The client's thread knows that some were skipped.
    told: bool,
    closed: bool,
}

impl Client {
    pub(crate) fn new(queue_bytes: usize) -> Client {
        Client { queue_bytes, state: Mutex::default(), changed: Condvar::new() }
    }

    /// A panic elsewhere leaves the queue as it was between two changes of it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the client an opening; what is pushed from now on follows it.
    pub(crate) fn open(&self, opening: Opening) {
        let mut state = self.state();
        let gap = (state.skipped > 0).then(|| Gap {
            count: state.skipped,
            kinds: Vec::new(),
            reason: "this client reads too slowly".to_owned(),
            at_ns: opening.picture.told_ns,
        });
        state.opening = Some((Box::new(opening), gap));
        state.skipped = 0;
        state.told = false;
        self.changed.notify_one();
    }

    /// Counts messages that a lagging client does not get; `false` when it is not lagging.
    pub(crate) fn skip_while_lagging(&self, count: usize) -> bool {
        let mut state = self.state();
        let lagging = state.skipped > 0;
        if lagging {
            state.skipped += count as u64;
        }
        lagging
    }

    /// Queues encoded messages, or empties the queue when it would be over its bound.
    pub(crate) fn push(&self, bodies: &[Arc<str>]) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        let bytes: usize = bodies.iter().map(|body| body.len() + OVERHEAD_BYTES).sum();
        if state.live_bytes + bytes <= self.queue_bytes {
            state.live_bytes += bytes;
            state.live.extend(bodies.iter().cloned());
        } else {
            state.skipped += (state.live.len() + bodies.len()) as u64;
            state.live = VecDeque::new();
            state.live_bytes = 0;
        }
        self.changed.notify_one();
    }

    /// What there is for the client, at most about `bytes` of it. [`Next::Closed`] when nothing comes for `timeout`:
    /// a recorder that lives sends a heartbeat much sooner.
    pub(crate) fn next(&self, bytes: usize, timeout: Duration) -> Next {
        let nothing = |state: &mut State| {
            state.opening.is_none() && state.live.is_empty() && (state.skipped == 0 || state.told) && !state.closed
        };
        let (mut state, timed_out) =
            self.changed.wait_timeout_while(self.state(), timeout, nothing).unwrap_or_else(PoisonError::into_inner);
        if let Some((opening, gap)) = state.opening.take() {
            return Next::Opening(opening, gap);
        }
        if state.closed || timed_out.timed_out() {
            return Next::Closed;
        }
        if state.live.is_empty() {
            state.told = true;
            return Next::Lagging;
        }
        let mut bodies = Vec::new();
        let mut taken = 0;
        while taken < bytes {
            let Some(body) = state.live.pop_front() else { break };
            let size = body.len() + OVERHEAD_BYTES;
            taken += size;
            state.live_bytes -= size;
            bodies.push(body);
        }
        Next::Live(bodies)
    }

    /// Nothing more is queued; what is queued is let go.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        *state = State { closed: true, ..State::default() };
        self.changed.notify_one();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::header;
    use insight_protocol::{SnapshotBegin, SnapshotEnd};

    fn next(client: &Client) -> String {
        match client.next(usize::MAX, Duration::ZERO) {
            Next::Opening(_, None) => "opening".to_owned(),
            Next::Opening(_, Some(gap)) => format!("opening, gap of {} at {}", gap.count, gap.at_ns),
            Next::Live(bodies) => bodies.iter().map(|body| &**body).collect::<Vec<_>>().join(","),
            Next::Lagging => "lagging".to_owned(),
            Next::Closed => "closed".to_owned(),
        }
    }

    fn push(client: &Client, text: &str) {
        let bodies: Vec<Arc<str>> = text.split(',').map(Arc::from).collect();
        if !client.skip_while_lagging(bodies.len()) {
            client.push(&bodies);
        }
    }

    fn opening() -> Opening {
        let begin = SnapshotBegin { at_ns: 7, tasks: 0, resources: 0, edges: 0, problems: 0 };
        let mut picture = Model::default();
        [begin.into(), SnapshotEnd { at_ns: 7 }.into()].iter().for_each(|message| picture.apply(message));
        Opening { header: header(), picture, off: None }
    }

    #[test]
    fn a_full_queue_is_skipped_and_reopened() {
        let client = Client::new(3 * (1 + OVERHEAD_BYTES));
        client.open(opening());
        push(&client, "a,b");
        push(&client, "c");
        assert_eq!(next(&client), "opening");
        assert_eq!(next(&client), "a,b,c");
        push(&client, "d,e");
        push(&client, "f,g");
        push(&client, "h");
        assert_eq!(next(&client), "lagging");
        push(&client, "i");
        assert_eq!(next(&client), "closed", "told once, and then nothing comes");
        client.open(opening());
        push(&client, "j");
        assert_eq!(next(&client), "opening, gap of 6 at 7");
        assert_eq!(next(&client), "j");
        client.close();
        push(&client, "k");
        assert_eq!(next(&client), "closed");
    }

    #[test]
    fn a_batch_over_the_bound_is_skipped() {
        let client = Client::new(2 * (1 + OVERHEAD_BYTES));
        push(&client, "a,b,c");
        assert_eq!(next(&client), "lagging");
    }
}
