//! What the named futures have in common.

use insight_probe::{AsResource, Site, WaitFuture, waiting};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// async-lock's future `F`, observed, which waits on `R`. It is dropped once it is ready: it may borrow what is given
/// away then.
pub(super) struct Operation<'a, R, F>(Option<WaitFuture<'a, R, F>>);

impl<'a, R: AsResource, F: Future> Operation<'a, R, F> {
    #[inline]
    pub(super) fn new(resource: &'a R, site: Site, real: F) -> Self {
        Operation(Some(waiting(resource, site, real)))
    }
}

impl<R: AsResource, F: Future> Future for Operation<'_, R, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the field is pinned structurally: it is never moved, and dropped in place.
        let mut wait = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        let polled = wait.as_mut().as_pin_mut().expect("not polled after it was ready").poll(cx);
        if polled.is_ready() {
            wait.set(None);
        }
        polled
    }
}

/// Makes `$type` a future: its field `operation`, whose `$output` becomes `$ready`, with what its fields `$field` have.
macro_rules! future {
    ([$($generics:tt)*] $type:ty => $guard:ty, ($($field:ident),+), |$output:ident| $ready:expr) => {
        impl<$($generics)*> std::future::Future for $type {
            type Output = $guard;

            #[inline]
            fn poll(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<$guard> {
                // SAFETY: `operation` is pinned structurally: it is never moved, and dropped in place; nothing else is.
                let (operation, $($field),+) = unsafe {
                    let this = self.get_unchecked_mut();
                    (std::pin::Pin::new_unchecked(&mut this.operation), $(&mut this.$field),+)
                };
                operation.poll(cx).map(|$output| $ready)
            }
        }
    };
}

/// The text of a future.
macro_rules! future_debug {
    ([$($generics:tt)*] $type:ty, $text:literal) => {
        impl<$($generics)*> std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($text)
            }
        }
    };
}

pub(super) use {future, future_debug};
