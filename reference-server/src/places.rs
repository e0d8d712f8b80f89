//! Places for connections. Their number leaves the program its descriptors and its memory, and an idle client gives up its place
//! to a new one.

use crate::patience::Patience;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Maximum number of connections at a time, of all listeners.
pub(crate) const MAX_CONNECTIONS: usize = 64;
/// Minimum number of connections, also under the program's lowest limits.
const MIN_CONNECTIONS: usize = 2;
/// Connections take one part of this many of the program's descriptors, and leave as many unused.
const PART_OF_FILES: u64 = 8;
/// Maximum number of descriptors that stay unused, so that you can connect to a program that leaks them.
const MAX_RESERVE: u64 = 32;
/// Time for which a client may read a reply before it gives up its place to a new client.
const UNDISTURBED: Duration = Duration::from_secs(5);
/// Connections take one part of this many of the program's address space.
const PART_OF_MEMORY: u64 = 4;
/// Address space of a connection's thread, in bytes: glibc reserves 64 MiB for its allocations.
const THREAD_BYTES: u64 = 65 << 20;

/// The program's present limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Maximum number of descriptors; `None` if unknown or unlimited, as for the address space.
    files: Option<u64>,
    memory: Option<u64>,
}

impl Limits {
    #[cfg(unix)]
    pub(crate) fn of_process() -> Limits {
        macro_rules! soft {
            ($resource:expr) => {{
                let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
                // SAFETY: the pointer is to memory for the answer.
                let asked = unsafe { libc::getrlimit($resource, &mut limit) };
                (asked == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then(|| limit.rlim_cur as u64)
            }};
        }
        Limits { files: soft!(libc::RLIMIT_NOFILE), memory: soft!(libc::RLIMIT_AS) }
    }

    #[cfg(not(unix))]
    pub(crate) fn of_process() -> Limits {
        Limits { files: None, memory: None }
    }

    /// Maximum number of connections.
    pub(crate) fn connections(&self) -> usize {
        let by_files = self.files.map(|files| files / PART_OF_FILES);
        let by_memory = self.memory.map(|bytes| bytes / PART_OF_MEMORY / THREAD_BYTES);
        let least = by_files.into_iter().chain(by_memory).min().and_then(|least| usize::try_from(least).ok());
        least.map_or(MAX_CONNECTIONS, |least| least.clamp(MIN_CONNECTIONS, MAX_CONNECTIONS))
    }

    /// Maximum number of streams. The other places are for short requests.
    pub(crate) fn streams(&self) -> usize {
        let connections = self.connections();
        connections - (connections / 4).max(1)
    }

    /// Whether the program has few descriptors left besides this one. The system assigns the lowest free number.
    pub(crate) fn is_near(&self, descriptor: u64) -> bool {
        self.files.is_some_and(|files| descriptor >= files - (files / PART_OF_FILES).min(MAX_RESERVE))
    }
}

/// The open connections.
#[derive(Debug, Default)]
pub(crate) struct Places {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The oldest first.
    open: Vec<Open>,
    /// Number of connections that gave up their place, and whose threads are about to end.
    leaving: usize,
    next: u64,
}

#[derive(Debug)]
struct Open {
    id: u64,
    held: Held,
    stream: Arc<TcpStream>,
    /// Time for which it keeps its place, once it has sent a request.
    undisturbed: Patience,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// It has not sent its request.
    Waiting,
    /// It gets a reply that ends.
    Asking,
    Stream,
}

impl Places {
    /// Returns a place for a new connection; `None` if all are taken.
    ///
    /// The oldest connection without a request gives up its place; if there is none, one that reads a short reply for long.
    pub(crate) fn enter(self: &Arc<Places>, stream: &Arc<TcpStream>, limits: Limits) -> Option<Place> {
        let mut state = self.state();
        let limit = limits.connections();
        if state.open.len() >= limit {
            // A thread that is about to end counts too, since many connections may come at once.
            if state.leaving >= limit {
                return None;
            }
            let at = state.idle()?;
            // Its thread's next read or write fails.
            let _ = state.open.remove(at).stream.shutdown(Shutdown::Both);
            state.leaving += 1;
        }
        let id = state.next;
        state.next += 1;
        let undisturbed = Patience::new(UNDISTURBED);
        state.open.push(Open { id, held: Held::Waiting, stream: Arc::clone(stream), undisturbed });
        Some(Place { places: Arc::clone(self), id })
    }

    #[cfg(test)]
    pub(crate) fn streams(&self) -> usize {
        self.state().number(Held::Stream)
    }

    /// A connection that has sent a request.
    #[cfg(test)]
    pub(crate) fn asking(self: &Arc<Places>, limits: Limits) -> Place {
        let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = Arc::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let place = self.enter(&stream, limits).unwrap();
        assert!(place.ask());
        place
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn number(&self, held: Held) -> usize {
        self.open.iter().filter(|open| open.held == held).count()
    }

    fn find(&mut self, id: u64) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.id == id)
    }

    /// The position of a connection that can give up its place.
    fn idle(&mut self) -> Option<usize> {
        let waiting = self.open.iter().position(|open| open.held == Held::Waiting);
        // Each limit is checked, so that a pause counts once.
        let slow: Vec<bool> = self.open.iter_mut().map(|open| open.undisturbed.next().is_none()).collect();
        waiting.or_else(|| self.open.iter().zip(slow).position(|(open, slow)| slow && open.held == Held::Asking))
    }
}

impl Place {
    /// Marks that the request has arrived. False if the place was already given up.
    pub(crate) fn ask(&self) -> bool {
        let mut state = self.places.state();
        let Some(open) = state.find(self.id) else { return false };
        open.held = Held::Asking;
        open.undisturbed = Patience::new(UNDISTURBED);
        true
    }

    /// Marks that the reply is a stream. False if there are too many.
    pub(crate) fn stream(&self, limits: Limits) -> bool {
        let mut state = self.places.state();
        if state.number(Held::Stream) >= limits.streams() {
            return false;
        }
        let Some(open) = state.find(self.id) else { return false };
        open.held = Held::Stream;
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.state();
        let before = state.open.len();
        state.open.retain(|open| open.id != self.id);
        if state.open.len() == before {
            state.leaving -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn connections_leave_the_program_its_descriptors_and_memory() {
        let check = |files: Option<u64>, memory: Option<u64>, connections: usize, streams: usize| {
            let limits = Limits { files, memory };
            assert_eq!((limits.connections(), limits.streams()), (connections, streams), "{limits:?}");
        };
        check(None, None, 64, 48);
        check(Some(1024), None, 64, 48);
        check(Some(256), None, 32, 24);
        check(Some(64), None, 8, 6);
        check(Some(8), None, 2, 1);
        check(None, Some(200 << 20), 2, 1);
        check(None, Some(2 << 30), 7, 6);
        check(Some(64), Some(2 << 30), 7, 6);
        check(Some(u64::MAX), Some(u64::MAX), 64, 48);
        let near = |files, descriptor| Limits { files, memory: None }.is_near(descriptor);
        assert!(near(Some(64), 56) && !near(Some(64), 55) && !near(None, u64::MAX));
        assert!(near(Some(1024), 992) && !near(Some(1024), 991));
    }

    #[test]
    fn an_idle_connection_gives_up_its_place() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let connect = || {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (client, Arc::new(listener.accept().unwrap().0))
        };
        let limits = Limits { files: Some(32), memory: None };
        assert_eq!((limits.connections(), limits.streams()), (4, 3));
        let places = Arc::new(Places::default());
        let enter = || {
            let (client, stream) = connect();
            (client, places.enter(&stream, limits))
        };
        let (mut first, place) = enter();
        let mut idle: Vec<Place> = place.into_iter().collect();
        let mut clients = Vec::new();
        for _ in 0..3 {
            let (client, place) = enter();
            clients.push(client);
            idle.extend(place);
        }
        assert_eq!(idle.len(), 4);
        // The oldest makes room for each new one.
        let (_client, place) = enter();
        let fifth = place.expect("a place");
        assert_eq!(first.read(&mut [0]).unwrap(), 0, "its connection has ended");
        assert!(!idle[0].ask(), "its thread ends");
        assert!(fifth.ask() && fifth.stream(limits));
        for place in &idle[1..3] {
            assert!(place.ask() && place.stream(limits));
        }
        assert!(idle[3].ask());
        assert!(!idle[3].stream(limits), "the last place is for short requests");
        assert!(enter().1.is_none(), "all have sent a request");
        // It reads its reply for long. Streams keep their places.
        for open in &mut places.state().open {
            open.undisturbed = Patience::new(Duration::ZERO);
        }
        let (_client, sixth) = enter();
        assert_eq!(clients[2].read(&mut [0]).unwrap(), 0, "its connection has ended");
        assert!(sixth.as_ref().is_some_and(Place::ask) && enter().1.is_none());
        drop(fifth);
        assert!(sixth.is_some_and(|place| place.stream(limits)));
        drop(idle);
        let state = places.state();
        assert_eq!((state.open.len(), state.leaving), (0, 0));
    }
}
