//! The search for handles in the program's own memory.
//!
//! A guard or a join handle has a [`Word`], which moves along with it. So each place with that word has the handle, or had it: a
//! copy remains where a value was moved from, until other data overwrites it. A search can therefore refute that a handle is where
//! it was last used. It proves nothing: registers, swapped pages and shared memory are not searched.
//!
//! The kernel copies the memory for us, so we cause no fault and no data race, whatever the program does meanwhile.

mod classes;
mod maps;
mod memory;
mod pace;
mod stacks;
#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests;
mod words;
mod worker;

pub use pace::{Pace, search_without_limit};
pub(crate) use worker::Search;
pub use worker::Searches;

use classes::Classes;
use insight_probe::Word;
use insight_protocol::TaskId;
use memory::{Buffer, Memory, PAGE};
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::ops::Range;
use std::time::Duration;
use words::Words;

/// The addresses of a task's own future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FutureRange {
    /// The task.
    pub task: TaskId,
    /// The addresses.
    pub addresses: Range<usize>,
    /// Whether the task is idle. Then the stack below the root future of a runtime has no values of the program, but only the
    /// runtime that waits there, and copies from earlier polls.
    pub idle: bool,
}

/// The place of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// In the own future of this task.
    Future(TaskId),
    /// In the part of a stack that the thread with this ID uses.
    Stack(u32),
    /// Below that part, where no value lives.
    DeadStack(u32),
    /// In other memory: a heap block, used or free; static memory; the stack of a thread that runs now, or has ended. The C library
    /// keeps the stacks of ended threads for later threads, and nothing shows that such memory is not in use.
    Elsewhere,
}

/// A copy of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Its address.
    pub address: usize,
    /// The place of that address.
    pub place: Place,
}

/// The copies of one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// The word.
    pub word: Word,
    /// At most [`MAX_COPIES`] copies, with the dead ones, by address.
    pub copies: Vec<Copy>,
}

impl Copies {
    /// Whether a handle that was last used within `tasks` may be elsewhere: a copy is outside of their own futures, in memory that
    /// may be in use.
    pub fn refutes(&self, tasks: &BTreeSet<TaskId>) -> bool {
        let mut copies = self.copies.iter();
        let refutes = |copy: &Copy| match copy.place {
            Place::Future(task) => !tasks.contains(&task),
            Place::Stack(_) | Place::Elsewhere => true,
            Place::DeadStack(_) => false,
        };
        self.are_cut() || copies.any(refutes)
    }

    /// Whether there may be further copies.
    pub(crate) fn are_cut(&self) -> bool {
        self.copies.len() >= MAX_COPIES
    }
}

/// Maximum number of copies of one word that a search returns. A handle with as many may also be elsewhere.
pub const MAX_COPIES: usize = 64;

/// The result of a search.
#[derive(Clone, Debug)]
pub struct Found {
    /// The copies of each word, in the order of the words.
    pub copies: Vec<Copies>,
    /// Size of the memory that was read, in bytes.
    pub bytes: usize,
    /// The processor time that it took.
    pub cost: Duration,
}

/// The reason why there is no search.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unavailable {
    /// The system has no such function.
    System,
    /// The system refuses it, such as a filter of system calls in a container.
    Refused(io::Error),
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the program's memory cannot be searched for guards and join handles that were given away")?;
        match self {
            Unavailable::System => f.write_str(", since this system has no function for it"),
            Unavailable::Refused(error) => write!(f, ": {error}"),
        }
    }
}

impl std::error::Error for Unavailable {}

/// Searches all private writable memory for these words. It takes a while: see [`Pace`].
///
/// The caller's stack is not searched, so call it on a thread of insight. Only one search may run at a time, since it would find
/// copies in the buffer of another one.
pub fn search(words: &[Word], futures: &[FutureRange], mut pace: Pace) -> Result<Found, Unavailable> {
    let begun = crate::thread::time();
    let mut memory = Memory::open()?;
    let mut buffer = Buffer::new().map_err(Unavailable::Refused)?;
    let own_buffer = buffer.addresses();
    let sought = Words::new(words);
    let mut found: Vec<Vec<usize>> = vec![Vec::new(); words.len()];
    let mut bytes = 0;
    let regions = maps::own().map_err(Unavailable::Refused)?;
    for region in &regions {
        for pages in memory.present(region) {
            let mut start = pages.start;
            while start < pages.end {
                if own_buffer.contains(&start) {
                    start = own_buffer.end;
                    continue;
                }
                let end = pages.end.min(start + buffer.bytes());
                // Not into itself.
                let end = if start < own_buffer.start { end.min(own_buffer.start) } else { end };
                let Some(values) = buffer.read(&memory, start..end) else {
                    // The first page is gone by now.
                    start += PAGE;
                    continue;
                };
                let read = size_of_val(values);
                sought.find(values, |word, index| {
                    let address = start + index * size_of::<u64>();
                    if found[word].len() < MAX_COPIES {
                        found[word].push(address);
                    }
                });
                bytes += read;
                start += read;
                pace.rest(read);
            }
        }
    }
    let here = memory::address_of_this_frame();
    let classes = Classes::new(&mut memory, &regions, stacks::pointers(), futures, here);
    let copies = words.iter().zip(found).map(|(word, found)| {
        let copies = found.into_iter().filter_map(|address| Some(Copy { address, place: classes.place(address)? }));
        Copies { word: *word, copies: copies.collect() }
    });
    let copies = copies.collect();
    Ok(Found { copies, bytes, cost: crate::thread::time().saturating_sub(begun) })
}
