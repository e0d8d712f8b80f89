//! The futures of a channel's ends.

/// A future with a name: that of an operation of an `$end`, whose wait is seen.
macro_rules! operation {
    ($name:ident, $end:ident, $op:expr, $output:ty) => {
        #[doc = concat!("See [`async_channel::", stringify!($name), "`](real::", stringify!($name), ").")]
        #[must_use = "futures do nothing unless you `.await` or poll them"]
        pub struct $name<'a, T> {
            // First, so that the wait is over before the operation itself is.
            waiting: Waiting,
            inner: real::$name<'a, T>,
            end: &'a $end<T>,
            at: &'static Location<'static>,
        }

        impl<'a, T> $name<'a, T> {
            fn new(end: &'a $end<T>, inner: real::$name<'a, T>, at: &'static Location<'static>) -> Self {
                $name { waiting: Waiting::new(), inner, end, at }
            }
        }

        impl<T> Future for $name<'_, T> {
            type Output = $output;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<$output> {
                // SAFETY: `inner` is pinned structurally: it is never moved, and dropped in place; nothing else is pinned.
                let (inner, waiting, end, at) = unsafe {
                    let this = self.get_unchecked_mut();
                    (Pin::new_unchecked(&mut this.inner), &mut this.waiting, this.end, this.at)
                };
                if !on() {
                    return inner.poll(cx);
                }
                end.used(at);
                let result = waiting.poll(end.channel(), &site($op, 1, at), cx, |cx| inner.poll(cx));
                end.measure();
                result
            }
        }

        impl<T: fmt::Debug> fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

pub(super) use operation;
