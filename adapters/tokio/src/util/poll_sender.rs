//! A sender that is polled for a place.

use crate::sync::mpsc::error::SendError;
use crate::sync::mpsc::{OwnedPermit, Sender};
use futures_sink::Sink;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// See [`tokio_util::sync::PollSendError`].
#[derive(Debug)]
pub struct PollSendError<T>(Option<T>);

impl<T> PollSendError<T> {
    /// See [`tokio_util::sync::PollSendError::into_inner`].
    pub fn into_inner(self) -> Option<T> {
        self.0
    }
}

impl<T> fmt::Display for PollSendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed")
    }
}

impl<T: fmt::Debug> std::error::Error for PollSendError<T> {}

type Reserving<T> = Pin<Box<dyn Future<Output = Result<OwnedPermit<T>, SendError<()>>> + Send>>;

/// See [`tokio_util::sync::PollSender`]. Messages are `'static`.
pub struct PollSender<T> {
    place: Place<T>,
    /// `None` once it is closed.
    sender: Option<Sender<T>>,
}

/// The place for the next message.
enum Place<T> {
    Unasked,
    Asked(Reserving<T>),
    Reserved(OwnedPermit<T>),
    /// The sender is closed.
    Closed,
}

impl<T: Send + 'static> PollSender<T> {
    /// See [`tokio_util::sync::PollSender::new`].
    pub fn new(sender: Sender<T>) -> Self {
        PollSender { place: Place::Unasked, sender: Some(sender) }
    }

    /// See [`tokio_util::sync::PollSender::poll_reserve`].
    #[track_caller]
    pub fn poll_reserve(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PollSendError<T>>> {
        if let (Place::Unasked, Some(sender)) = (&self.place, &self.sender) {
            self.place = Place::Asked(Box::pin(sender.clone().reserve_owned()));
        }
        if let Place::Asked(reserving) = &mut self.place {
            self.place = match reserving.as_mut().poll(cx) {
                Poll::Ready(Ok(permit)) => Place::Reserved(permit),
                Poll::Ready(Err(_)) => Place::Closed,
                Poll::Pending => return Poll::Pending,
            };
        }
        match self.place {
            Place::Reserved(_) => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(PollSendError(None))),
        }
    }

    /// See [`tokio_util::sync::PollSender::send_item`].
    #[track_caller]
    pub fn send_item(&mut self, value: T) -> Result<(), PollSendError<T>> {
        let next = self.next_place();
        match std::mem::replace(&mut self.place, next) {
            Place::Reserved(permit) => {
                permit.send(value);
                Ok(())
            }
            Place::Closed => {
                self.place = Place::Closed;
                Err(PollSendError(Some(value)))
            }
            Place::Unasked | Place::Asked(_) => panic!("`send_item` called without first calling `poll_reserve`"),
        }
    }

    fn next_place(&self) -> Place<T> {
        if self.sender.is_some() { Place::Unasked } else { Place::Closed }
    }

    /// See [`tokio_util::sync::PollSender::is_closed`].
    pub fn is_closed(&self) -> bool {
        matches!(self.place, Place::Closed) || self.sender.is_none()
    }

    /// See [`tokio_util::sync::PollSender::get_ref`].
    pub fn get_ref(&self) -> Option<&Sender<T>> {
        self.sender.as_ref()
    }

    /// See [`tokio_util::sync::PollSender::close`].
    pub fn close(&mut self) {
        self.sender = None;
        // A reserved place can still be used.
        if !matches!(self.place, Place::Reserved(_)) {
            self.place = Place::Closed;
        }
    }

    /// See [`tokio_util::sync::PollSender::abort_send`].
    pub fn abort_send(&mut self) -> bool {
        let asked = matches!(self.place, Place::Asked(_) | Place::Reserved(_));
        if asked {
            self.place = self.next_place();
        }
        asked
    }
}

impl<T> Clone for PollSender<T> {
    fn clone(&self) -> PollSender<T> {
        let place = if self.sender.is_some() { Place::Unasked } else { Place::Closed };
        PollSender { place, sender: self.sender.clone() }
    }
}

impl<T> fmt::Debug for PollSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollSender").field("sender", &self.sender).finish_non_exhaustive()
    }
}

impl<T> Unpin for PollSender<T> {}

impl<T: Send + 'static> Sink<T> for PollSender<T> {
    type Error = PollSendError<T>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.get_mut().poll_reserve(cx)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, item: T) -> Result<(), Self::Error> {
        self.get_mut().send_item(item)
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.get_mut().close();
        Poll::Ready(Ok(()))
    }
}
