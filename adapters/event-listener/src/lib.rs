//! event-listener, observed: each event that tasks wait for.
//!
//! It is the ground of async-lock and async-channel, and sqlx, zbus and async-process wait for its events themselves. The
//! facade takes its place by `cargo insight` in a whole graph, or in a manifest by hand.
//!
//! ```
//! let event = insight_event_listener::Event::new();
//! let listener = event.listen();
//! event.notify(1);
//! futures_lite::future::block_on(listener);
//! ```
//!
//! # The design and its cost
//!
//! An event is shown as a `notify`: any task that has a reference to it may notify, so nobody is named who could end a wait.
//! Its resource is made when something first listens. An event that is a part of an observed primitive is not recorded: a
//! listener that is made within an operation of that primitive belongs to the primitive's own wait.
//!
//! The facade takes versions from 5.3.0 on.

mod event;
mod listener;

pub use event::Event;
pub use listener::{EventListener, Listener};
pub use real::{IntoNotification, Notification};

/// See [`event_listener::listener!`](real::listener).
#[macro_export]
macro_rules! listener {
    ($event:expr => $listener:ident) => {
        let event = &$event;
        $crate::__private::real_listener!($crate::__private::real(event) => $listener);
        #[allow(unused_mut)]
        let mut $listener = $crate::__private::StackListener::new(event, $listener);
    };
}

/// For [`listener!`].
#[doc(hidden)]
pub mod __private {
    pub use crate::event::real;
    pub use crate::listener::StackListener;
    pub use ::real::listener as real_listener;
}
