//! Iterators over the messages of a channel.

use crate::Receiver;
use std::fmt;

/// See [`flume::Iter`](real::Iter).
pub struct Iter<'a, T> {
    pub(crate) receiver: &'a Receiver<T>,
}

/// See [`flume::TryIter`](real::TryIter).
pub struct TryIter<'a, T> {
    pub(crate) receiver: &'a Receiver<T>,
}

/// See [`flume::IntoIter`](real::IntoIter).
pub struct IntoIter<T> {
    pub(crate) receiver: Receiver<T>,
}

macro_rules! iterator {
    ([$($generics:tt)*] $type:ty, $name:literal, $receive:ident) => {
        impl<$($generics)*> Iterator for $type {
            type Item = T;

            // Gives the wait the line of a `for` loop.
            #[track_caller]
            fn next(&mut self) -> Option<T> {
                self.receiver.$receive().ok()
            }
        }

        impl<$($generics)*> fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name).field("receiver", &self.receiver).finish()
            }
        }
    };
}

iterator!([T] Iter<'_, T>, "Iter", recv);
iterator!([T] TryIter<'_, T>, "TryIter", try_recv);
iterator!([T] IntoIter<T>, "IntoIter", recv);
