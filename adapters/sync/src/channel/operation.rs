//! The futures of a channel's ends.

/// A named future of an `$end`'s operation, with its wait observed.
macro_rules! operation {
    ($name:ident, $end:ident, $op:expr, $output:ty) => {
        insight_probe::pin_project! {
            #[doc = concat!("See [`async_channel::", stringify!($name), "`](real::", stringify!($name), ").")]
            #[must_use = "futures do nothing unless you `.await` or poll them"]
            pub struct $name<'a, T> {
                // The first field, so that the wait ends before the operation itself ends.
                waiting: Waiting,
                #[pin]
                inner: real::$name<'a, T>,
                end: &'a $end<T>,
                at: &'static Location<'static>,
            }
        }

        impl<'a, T> $name<'a, T> {
            fn new(end: &'a $end<T>, inner: real::$name<'a, T>, at: &'static Location<'static>) -> Self {
                $name { waiting: Waiting::new(), inner, end, at }
            }
        }

        impl<T> Future for $name<'_, T> {
            type Output = $output;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<$output> {
                let this = self.project();
                if !on() {
                    return this.inner.poll(cx);
                }
                let (end, site) = (*this.end, site($op, 1, this.at));
                end.used(this.at);
                let result = this.waiting.poll(end.channel(), &site, cx, |cx| this.inner.poll(cx));
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
