//! The snapshots that are being sent. Each keeps the pages of the model that have changed since it was taken, and a client may read
//! slowly. So they have a bound in bytes, and a slow one is cut off for a waiting one.

use crate::patience::Patience;
use insight_model::Model;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Approximate maximum size of all, in bytes. One snapshot is always sent.
pub(crate) const MAX_BYTES: usize = 128 << 20;
/// Time after which one is cut off for another one.
const SLOW: Duration = Duration::from_secs(5);
/// The recorder's estimates of the size of each fact, in bytes.
const TASK_BYTES: usize = 500;
const RESOURCE_BYTES: usize = 800;
const EDGE_BYTES: usize = 500;

/// The snapshots that are being sent, of all connections.
#[derive(Debug, Default)]
pub(crate) struct SnapshotsInProgress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Entry>,
    /// The size of the last snapshot. It is the estimate for the next one, whose size is still unknown.
    last_bytes: usize,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    bytes: usize,
    slow: Patience,
    stream: Arc<TcpStream>,
    /// Its connection was closed for another snapshot.
    gives_way: bool,
}

/// A snapshot that is being sent, until this is dropped.
#[derive(Debug)]
pub(crate) struct SnapshotInProgress {
    snapshots: Arc<SnapshotsInProgress>,
    id: u64,
}

impl SnapshotsInProgress {
    /// Waits for room for another snapshot, which is sent to `stream`; `None` if there is no room in time.
    pub(crate) fn enter(
        self: &Arc<SnapshotsInProgress>,
        stream: &Arc<TcpStream>,
        mut patience: Patience,
    ) -> Option<SnapshotInProgress> {
        let mut state = self.state();
        while !state.has_room() {
            state.make_room();
            let slice = patience.next()?;
            state = self.changed.wait_timeout(state, slice).unwrap_or_else(PoisonError::into_inner).0;
        }
        let (id, bytes) = (state.next, state.last_bytes);
        state.next += 1;
        let slow = Patience::new(SLOW);
        state.entries.push(Entry { id, bytes, slow, stream: Arc::clone(stream), gives_way: false });
        Some(SnapshotInProgress { snapshots: Arc::clone(self), id })
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.state().entries.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self) -> bool {
        let bytes: usize = self.entries.iter().map(|entry| entry.bytes).sum();
        self.entries.is_empty() || bytes + self.last_bytes <= MAX_BYTES
    }

    /// Closes the connection of the oldest snapshot that has had its time.
    fn make_room(&mut self) {
        // Each limit is checked, so that a pause counts once.
        let mut slow: Vec<&mut Entry> =
            self.entries.iter_mut().filter_map(|entry| entry.slow.next().is_none().then_some(entry)).collect();
        if slow.iter().any(|entry| entry.gives_way) {
            return;
        }
        if let Some(oldest) = slow.first_mut() {
            oldest.gives_way = true;
            // Its thread's next write fails.
            let _ = oldest.stream.shutdown(Shutdown::Both);
        }
    }
}

impl SnapshotInProgress {
    /// Sets the size of this snapshot to the estimated size of `model`.
    pub(crate) fn set_model(&self, model: &Model) {
        let (tasks, resources, edges) = (model.tasks.len(), model.resources.len(), model.edges.len());
        self.set_bytes(tasks * TASK_BYTES + resources * RESOURCE_BYTES + edges * EDGE_BYTES);
    }

    fn set_bytes(&self, bytes: usize) {
        let mut state = self.snapshots.state();
        state.last_bytes = bytes;
        state.entries.iter_mut().filter(|entry| entry.id == self.id).for_each(|entry| entry.bytes = bytes);
    }
}

impl Drop for SnapshotInProgress {
    fn drop(&mut self) {
        self.snapshots.state().entries.retain(|entry| entry.id != self.id);
        self.snapshots.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn a_slow_snapshot_is_cut_off_when_all_exceed_the_bound() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = Arc::new(listener.accept().unwrap().0);
        let snapshots = Arc::new(SnapshotsInProgress::default());
        let at_once = || Patience::new(Duration::ZERO);
        let first = snapshots.enter(&stream, at_once()).unwrap();
        first.set_bytes(MAX_BYTES / 2);
        let second = snapshots.enter(&stream, at_once()).unwrap();
        assert!(snapshots.enter(&stream, at_once()).is_none(), "two are the bound");
        second.set_bytes(MAX_BYTES / 4);
        let third = snapshots.enter(&stream, at_once()).unwrap();
        assert!(snapshots.enter(&stream, at_once()).is_none());
        drop(third);
        // The first has had its time.
        snapshots.state().entries[0].slow = Patience::new(Duration::ZERO);
        snapshots.state().last_bytes = MAX_BYTES;
        assert!(snapshots.enter(&stream, at_once()).is_none(), "its thread has not ended yet");
        assert_eq!(client.read(&mut [0]).unwrap(), 0, "its connection has");
        drop((first, second));
        // One is always sent, however large it is.
        let large = snapshots.enter(&stream, at_once()).unwrap();
        large.set_bytes(MAX_BYTES * 2);
        // A waiting snapshot gets the room.
        let waiting = std::thread::spawn({
            let (snapshots, stream) = (Arc::clone(&snapshots), Arc::clone(&stream));
            move || snapshots.enter(&stream, Patience::new(Duration::from_secs(20))).is_some()
        });
        drop(large);
        assert!(waiting.join().unwrap());
    }
}
