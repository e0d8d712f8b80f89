//! The bounded queue of one client, between the recorder's thread and the client's thread.
//!
//! A queue that would exceed its bound is emptied, and later messages are counted instead of queued. The client's thread
//! notices this at its next send, after the client has read all earlier messages. It then asks for a new opening. So a client
//! that has stopped reading holds at most one full queue and the changed pages of one snapshot, until its connection times out.

use insight_model::Model;
use insight_protocol::{Gap, Message, StreamHeader, with};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Memory of a queued message besides its text, in bytes.
const OVERHEAD_BYTES: usize = 32;

/// The begin of a stream, and its new begin after skipped messages.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) header: StreamHeader,
    /// A copy of the recorder's model; the two share the pages that have not changed. The client's thread makes its messages and
    /// encodes them.
    pub(crate) model: Model,
    /// Counts the facts that the snapshot lacks: all while recording is off, or those for which there was no room.
    pub(crate) gap: Option<Message>,
}

impl Opening {
    /// Passes the messages after the header to `tell`, one by one, with the definitions that later messages may name.
    pub(crate) fn tell<E>(&self, mut tell: impl FnMut(&Message) -> Result<(), E>) -> Result<(), E> {
        self.model.tell_opening(|message| tell(&message))?;
        self.gap.iter().try_for_each(tell)
    }
}

/// The next part of a client's stream.
#[derive(Debug)]
pub(crate) enum Next {
    /// An opening, and the count of skipped messages if the client was too slow.
    Opening(Box<Opening>, Option<Gap>),
    /// Encoded messages, in order.
    Live(Vec<Arc<str>>),
    /// Messages were skipped: ask for a new opening.
    Lagging,
    /// No message within the timeout: the recorder is busy, or this process was stopped.
    Silent,
    /// The stream has ended.
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
    /// Number of messages that were not queued since the queue was last full. Until the next opening, none is queued.
    skipped: u64,
    /// Whether the client's thread knows that messages were skipped.
    lag_reported: bool,
    closed: bool,
    /// Whether the queue is closed: it accepts no more messages, and ends after the messages in it.
    last: bool,
}

impl Client {
    pub(crate) fn new(queue_bytes: usize) -> Client {
        Client { queue_bytes, state: Mutex::default(), changed: Condvar::new() }
    }

    /// A poisoned lock is safe to use: each change of the queue is complete before any panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the client an opening. Messages that are pushed later follow it.
    pub(crate) fn open(&self, opening: Opening) {
        let mut state = self.state();
        let gap = (state.skipped > 0).then(|| {
            with!(
                Gap::default(),
                count = state.skipped,
                kinds = Vec::new(),
                reason = "this client reads too slowly".to_owned(),
                at_ns = opening.model.told_ns
            )
        });
        state.opening = Some((Box::new(opening), gap));
        state.skipped = 0;
        state.lag_reported = false;
        self.changed.notify_one();
    }

    /// Counts messages as skipped if the client lags; returns whether it does.
    pub(crate) fn skip_while_lagging(&self, count: usize) -> bool {
        let mut state = self.state();
        let lagging = state.skipped > 0;
        if lagging {
            state.skipped += count as u64;
        }
        lagging
    }

    /// Queues encoded messages, or empties the queue if it would exceed its bound.
    pub(crate) fn push(&self, bodies: &[Arc<str>]) {
        let mut state = self.state();
        if state.closed || state.last {
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

    /// Takes the next part of the stream, at most about `bytes` of it. Returns [`Next::Silent`] after `timeout` without a message;
    /// the stream is still open then.
    pub(crate) fn next(&self, bytes: usize, timeout: Duration) -> Next {
        let nothing = |state: &mut State| {
            state.opening.is_none()
                && state.live.is_empty()
                && (state.skipped == 0 || state.lag_reported)
                && !state.closed
                && !state.last
        };
        let (mut state, timed_out) =
            self.changed.wait_timeout_while(self.state(), timeout, nothing).unwrap_or_else(PoisonError::into_inner);
        if let Some((opening, gap)) = state.opening.take() {
            return Next::Opening(opening, gap);
        }
        if state.closed {
            return Next::Closed;
        }
        if timed_out.timed_out() {
            return Next::Silent;
        }
        if state.live.is_empty() {
            if state.last {
                return Next::Closed;
            }
            state.lag_reported = true;
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

    /// Ends the stream after the queued messages.
    pub(crate) fn finish(&self) {
        self.state().last = true;
        self.changed.notify_one();
    }

    /// Ends the stream at once, and drops the queued messages.
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
            Next::Silent => "silent".to_owned(),
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
        let begin = with!(SnapshotBegin::default(), at_ns = 7);
        let mut model = Model::default();
        [begin.into(), SnapshotEnd::new(7).into()].iter().for_each(|message| model.apply(message));
        Opening { header: header(), model, gap: None }
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
        assert_eq!(next(&client), "silent", "a lag is reported once");
        client.open(opening());
        push(&client, "j");
        assert_eq!(next(&client), "opening, gap of 6 at 7");
        assert_eq!(next(&client), "j");
        push(&client, "k");
        client.finish();
        push(&client, "l");
        assert_eq!(next(&client), "k");
        assert_eq!(next(&client), "closed");
        client.close();
        push(&client, "m");
        assert_eq!(next(&client), "closed");
    }

    #[test]
    fn a_batch_over_the_bound_is_skipped() {
        let client = Client::new(2 * (1 + OVERHEAD_BYTES));
        push(&client, "a,b,c");
        assert_eq!(next(&client), "lagging");
    }
}
