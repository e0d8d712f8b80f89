//! event-listener, with each event that tasks wait for visible to insight.
//!
//! async-lock and async-channel are built on it, and sqlx, zbus and async-process wait for its events directly. `cargo
//! insight` puts the facade in its place in a whole graph, or you do so in a manifest.
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
//! insight shows an event as a `notify`. Any task with a reference to it may notify, so no task is named that could end
//! a wait. The resource is made when something first listens. We do not record an event that is a part of an observed
//! primitive: a listener made within an operation of that primitive belongs to the primitive's own wait.
//!
//! The facade supports versions from 5.3.0 on.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

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
