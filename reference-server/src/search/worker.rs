//! The thread `insight-search`.

use super::pace::Budget;
use super::{Found, FutureRange, Pace, search};
use crate::say;
use crate::thread::{self, SMALL};
use insight_probe::Word;
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::time::Instant;

/// Searches, one after another. Tests implement it with data.
pub(crate) trait Search: Send {
    /// See [`Searches::is_free`].
    fn is_free(&self, now: Instant) -> bool;
    /// See [`Searches::is_unavailable`].
    fn is_unavailable(&self) -> bool;
    /// See [`Searches::begin`].
    fn begin(&mut self, words: Vec<Word>, futures: Vec<FutureRange>);
    /// See [`Searches::found`].
    fn found(&mut self, now: Instant) -> Option<Found>;
}

impl Search for Searches {
    fn is_free(&self, now: Instant) -> bool {
        Searches::is_free(self, now)
    }

    fn is_unavailable(&self) -> bool {
        Searches::is_unavailable(self)
    }

    fn begin(&mut self, words: Vec<Word>, futures: Vec<FutureRange>) {
        Searches::begin(self, words, futures);
    }

    fn found(&mut self, now: Instant) -> Option<Found> {
        Searches::found(self, now)
    }
}

/// Searches on a thread of its own, one after another, within a budget.
#[derive(Debug)]
pub struct Searches {
    requests: SyncSender<Request>,
    found: Receiver<Option<Found>>,
    state: State,
    budget: Budget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Busy,
    /// The system does not allow it.
    Unavailable,
}

#[derive(Debug)]
struct Request {
    words: Vec<Word>,
    futures: Vec<FutureRange>,
}

impl Searches {
    /// Starts the thread. It ends when this is dropped.
    pub fn start() -> io::Result<Searches> {
        let (requests, requests_in) = mpsc::sync_channel(1);
        let (found_out, found) = mpsc::sync_channel(1);
        thread::spawn("insight-search", SMALL, move || run(&requests_in, &found_out))?;
        Ok(Searches { requests, found, state: State::Free, budget: Budget::new(Instant::now()) })
    }

    /// Whether a search may begin: there is none, and those before it have not taken too much.
    pub fn is_free(&self, now: Instant) -> bool {
        self.state == State::Free && self.budget.is_free(now)
    }

    /// Whether the system allows no search, as a line on stderr has said. Known after the first one.
    pub fn is_unavailable(&self) -> bool {
        self.state == State::Unavailable
    }

    /// Begins a search for these words, among these futures: those of all tasks, also of tasks that the finding does not name.
    /// Call it when it [is free](Searches::is_free).
    pub fn begin(&mut self, words: Vec<Word>, futures: Vec<FutureRange>) {
        self.state = State::Busy;
        let _ = self.requests.try_send(Request { words, futures });
    }

    /// The result of the search that has begun, once it is there.
    pub fn found(&mut self, now: Instant) -> Option<Found> {
        let found = match self.found.try_recv() {
            Ok(found) => found,
            Err(TryRecvError::Empty) => return None,
            // The thread has stopped by a fault.
            Err(TryRecvError::Disconnected) => None,
        };
        let Some(found) = found else {
            self.state = State::Unavailable;
            return None;
        };
        self.state = State::Free;
        self.budget.pay(now, found.cost);
        Some(found)
    }
}

fn run(requests: &Receiver<Request>, found: &SyncSender<Option<Found>>) {
    for Request { words, futures } in requests {
        let result = search(&words, &futures, Pace::slow());
        let is_unavailable = result.is_err();
        let result = result.inspect_err(|why| say(&why.to_string())).ok();
        if found.send(result).is_err() || is_unavailable {
            return;
        }
    }
}
