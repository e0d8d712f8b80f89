//! Code that is common to the named futures.

use insight_probe::{AsResource, Site, WaitFuture, waiting};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

insight_probe::pin_project! {
    /// async-lock's future `F`, observed: it waits on `R`.
    ///
    /// `F` is dropped as soon as it is ready, since it may borrow from a value that the caller then gives away.
    pub(super) struct Operation<'a, R, F> {
        #[pin]
        wait: Option<WaitFuture<'a, R, F>>,
    }
}

impl<'a, R: AsResource, F: Future> Operation<'a, R, F> {
    #[inline]
    pub(super) fn new(resource: &'a R, site: Site, real: F) -> Self {
        Operation { wait: Some(waiting(resource, site, real)) }
    }
}

impl<R: AsResource, F: Future> Future for Operation<'_, R, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut wait = self.project().wait;
        let polled = wait.as_mut().as_pin_mut().expect("not polled after it was ready").poll(cx);
        if polled.is_ready() {
            wait.set(None);
        }
        polled
    }
}

/// Makes `$type` a future: its field `operation`, whose `$output` becomes `$ready` with the values of its fields
/// `$field`. `$by` is this future as the acquirer of a guard.
macro_rules! future {
    ([$($generics:tt)*] $type:ty => $guard:ty, ($($field:ident),+), |$output:ident, $by:pat_param| $ready:expr) => {
        impl<$($generics)*> std::future::Future for $type {
            type Output = $guard;

            #[inline]
            fn poll(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<$guard> {
                let $by = insight_probe::Acquirer::operation(&*self);
                let this = self.project();
                $(let $field = this.$field;)+
                let result = this.operation.poll(cx).map(|$output| $ready);
                if result.is_ready() {
                    insight_probe::erase_old_copies();
                }
                result
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
