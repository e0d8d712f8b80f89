//! Code that is common to the receivers of both kinds of channels, and to their weak senders.

/// The documentation of a method that tokio has too.
macro_rules! see {
    ($name:ident, $method:ident) => {
        concat!(
            "See [`tokio::sync::mpsc::",
            stringify!($name),
            "::",
            stringify!($method),
            "`](real::sync::mpsc::",
            stringify!($name),
            "::",
            stringify!($method),
            ")."
        )
    };
}

/// Records the length of a receiver's queue after an operation with this result.
#[cfg(not(insight_before = "1.38.0"))]
macro_rules! measure {
    ($receiver:ident, $result:ident) => {
        $receiver.measure()
    };
}

/// The same over a tokio whose receivers have no method for the length of the queue.
#[cfg(insight_before = "1.38.0")]
macro_rules! measure {
    ($receiver:ident, $result:ident) => {
        if on() {
            $receiver.measure_after($result.messages());
        }
    };
}

/// The methods of a receiver with a `measure`.
macro_rules! receiver {
    ($name:ident) => {
        insight_probe::pin_project! {
            /// A receiving operation. An `async` block would nest two futures.
            struct Receiving<'a, T, P> {
                receiver: &'a mut $name<T>,
                at: &'static Location<'static>,
                poll: P,
                waiting: Waiting,
                is_used: bool,
                // Not `Unpin`, like tokio's future, which an `async fn` makes.
                #[pin]
                _pinned: PhantomPinned,
            }
        }

        impl<T, R, P> Future for Receiving<'_, T, P>
        where
            R: Received,
            P: FnMut(&mut tokio::$name<T>, &mut Context<'_>) -> Poll<R>,
        {
            type Output = R;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
                let this = self.project();
                let receiver = this.receiver;
                if !*this.is_used && on() {
                    *this.is_used = true;
                    receiver.end.used(this.at);
                }
                let site = site(Op::Recv, 1, this.at);
                let result =
                    this.waiting.poll(receiver.end.channel(), &site, cx, |cx| (this.poll)(&mut receiver.inner, cx));
                measure!(receiver, result);
                result
            }
        }

        impl<T> $name<T> {
            /// Polls a receiving operation until it is ready.
            #[inline]
            fn wait<R, P>(&mut self, at: &'static Location<'static>, poll: P) -> Receiving<'_, T, P>
            where
                R: Received,
                P: FnMut(&mut tokio::$name<T>, &mut Context<'_>) -> Poll<R>,
            {
                Receiving { receiver: self, at, poll, waiting: Waiting::new(), is_used: false, _pinned: PhantomPinned }
            }

            #[doc = see!($name, recv)]
            #[track_caller]
            pub fn recv(&mut self) -> impl Future<Output = Option<T>> + use<'_, T> {
                self.wait(Location::caller(), |inner, cx| inner.poll_recv(cx))
            }

            #[doc = see!($name, recv_many)]
            #[track_caller]
            pub fn recv_many<'a>(
                &'a mut self,
                buffer: &'a mut Vec<T>,
                limit: usize,
            ) -> impl Future<Output = usize> + use<'a, T> {
                self.wait(Location::caller(), move |inner, cx| inner.poll_recv_many(cx, buffer, limit))
            }

            #[doc = see!($name, try_recv)]
            #[track_caller]
            pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
                let at = Location::caller();
                self.end.used(at);
                let call = calling(self.end.channel(), Call::Recv, 1, at);
                let result = self.inner.try_recv();
                call.ends(|| outcome(&result));
                measure!(self, result);
                result
            }

            #[doc = see!($name, blocking_recv)]
            #[track_caller]
            pub fn blocking_recv(&mut self) -> Option<T> {
                let at = Location::caller();
                self.end.used(at);
                let blocking = Blocking::new(self.end.channel(), &site(Op::Recv, 1, at));
                let result = self.inner.blocking_recv();
                drop(blocking);
                measure!(self, result);
                result
            }

            #[doc = see!($name, blocking_recv_many)]
            #[cfg(not(insight_before = "1.41.0"))]
            #[track_caller]
            pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
                let at = Location::caller();
                self.end.used(at);
                let blocking = Blocking::new(self.end.channel(), &site(Op::Recv, 1, at));
                let result = self.inner.blocking_recv_many(buffer, limit);
                drop(blocking);
                measure!(self, result);
                result
            }

            #[doc = see!($name, close)]
            #[track_caller]
            pub fn close(&mut self) {
                let call = calling(self.end.channel(), Call::Close, 1, Location::caller());
                self.inner.close();
                call.succeeded();
            }

            #[doc = see!($name, is_closed)]
            #[cfg(not(insight_before = "1.37.0"))]
            pub fn is_closed(&self) -> bool {
                self.inner.is_closed()
            }

            #[doc = see!($name, is_empty)]
            #[cfg(not(insight_before = "1.37.0"))]
            pub fn is_empty(&self) -> bool {
                self.inner.is_empty()
            }

            #[doc = see!($name, len)]
            #[cfg(not(insight_before = "1.37.0"))]
            pub fn len(&self) -> usize {
                self.inner.len()
            }

            #[doc = see!($name, poll_recv)]
            ///
            /// A poll without a result does not record a wait, since we could not observe its end.
            #[track_caller]
            pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
                let at = Location::caller();
                self.end.used(at);
                let call = calling(self.end.channel(), Call::Recv, 1, at);
                let result = self.inner.poll_recv(cx);
                call.polled(&result, received);
                measure!(self, result);
                result
            }

            #[doc = see!($name, poll_recv_many)]
            ///
            /// A poll without a result does not record a wait, since we could not observe its end.
            #[track_caller]
            pub fn poll_recv_many(&mut self, cx: &mut Context<'_>, buffer: &mut Vec<T>, limit: usize) -> Poll<usize> {
                let at = Location::caller();
                self.end.used(at);
                let call = calling(self.end.channel(), Call::Recv, 1, at);
                let result = self.inner.poll_recv_many(cx, buffer, limit);
                call.polled(&result, |count| match count {
                    0 if limit > 0 => CallOutcome::Closed,
                    _ => CallOutcome::Succeeded,
                });
                measure!(self, result);
                result
            }

            /// Polls for a message. The wait is open while `waiting` has it.
            #[cfg(feature = "stream")]
            pub(crate) fn poll_seen(
                &mut self,
                waiting: &mut Waiting,
                at: &'static Location<'static>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<T>> {
                self.end.used(at);
                let site = insight_probe::Site { location: None, ..site(Op::Recv, 1, at) };
                let result = waiting.poll(self.end.channel(), &site, cx, |cx| self.inner.poll_recv(cx));
                measure!(self, result);
                result
            }
        }

        #[cfg(not(insight_before = "1.39.0"))]
        impl<T> $name<T> {
            #[doc = see!($name, sender_strong_count)]
            pub fn sender_strong_count(&self) -> usize {
                self.inner.sender_strong_count()
            }

            #[doc = see!($name, sender_weak_count)]
            pub fn sender_weak_count(&self) -> usize {
                self.inner.sender_weak_count()
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

/// Conversions of an end to tokio's own and back. `$unseen`: the unobserved ends of a channel that was tokio's.
/// `$capacity`: its capacity.
macro_rules! crossing {
    ($name:ident, $handle:expr, $unseen:expr, $inner:ident => $capacity:expr) => {
        border!(out [T] $name<T> => tokio::$name<T>, self => {
            self.end.leave(&[]);
            self.inner
        });
        border!(in [T] tokio::$name<T> => $name<T>, inner => {
            let $inner = &inner;
            let channel = Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), $capacity);
            let taken_in = $name { end: End::beside_unobserved(channel, $handle, &EXECUTOR, &$unseen), inner };
            taken_in.measure();
            taken_in
        });
    };
}

/// The methods of a weak sender.
macro_rules! weak_sender {
    ($name:ident, $sender:ident) => {
        impl<T> $name<T> {
            #[doc = see!($name, upgrade)]
            pub fn upgrade(&self) -> Option<$sender<T>> {
                let inner = self.inner.upgrade()?;
                Some($sender { end: self.end.another(Handle::Sender), inner })
            }

            #[doc = see!($name, strong_count)]
            #[cfg(not(insight_before = "1.37.0"))]
            pub fn strong_count(&self) -> usize {
                self.inner.strong_count()
            }

            #[doc = see!($name, weak_count)]
            #[cfg(not(insight_before = "1.37.0"))]
            pub fn weak_count(&self) -> usize {
                self.inner.weak_count()
            }
        }

        named!([T] $name<T>, self => self.end.channel());

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                $name { end: self.end.another(Handle::WeakSender), inner: self.inner.clone() }
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

pub(super) use {crossing, measure, receiver, see, weak_sender};
