//! The runtime to which a thread belongs.

use crate::executor::EXECUTOR;
use insight_probe::{Home, begin_thread};

/// The threads of one runtime.
#[derive(Clone)]
pub(crate) struct Workers {
    home: Home,
    #[cfg(not(insight_whole_graph))]
    runtime: std::sync::Arc<own::Runtime>,
}

impl Workers {
    pub(crate) fn new(home: Home) -> Workers {
        Workers {
            home,
            #[cfg(not(insight_whole_graph))]
            runtime: std::sync::Arc::default(),
        }
    }

    /// Records that this thread belongs to the runtime.
    pub(crate) fn begin_thread(&self) {
        begin_thread(self.home, &EXECUTOR, self.check());
    }

    /// Records the runtime, which has just been built.
    #[cfg_attr(insight_whole_graph, expect(unused_variables))]
    pub(crate) fn are_of(&self, handle: &real::runtime::Handle) {
        #[cfg(not(insight_whole_graph))]
        let _ = self.runtime.set(handle.id());
    }

    /// In a whole graph we know all runtimes.
    #[cfg(insight_whole_graph)]
    fn check(&self) -> Option<fn() -> bool> {
        None
    }

    /// A closure of `spawn_blocking` of a library may run another runtime, which is tokio's own.
    #[cfg(not(insight_whole_graph))]
    fn check(&self) -> Option<fn() -> bool> {
        own::begin_thread(self.runtime.clone());
        Some(own::is_current)
    }
}

#[cfg(not(insight_whole_graph))]
mod own {
    use real::runtime::{Handle, Id};
    use std::cell::OnceCell;
    use std::sync::{Arc, OnceLock};

    /// Empty until the runtime is built.
    pub(super) type Runtime = OnceLock<Id>;

    thread_local! {
        /// The runtime that has made this thread.
        static MAKER: OnceCell<Arc<Runtime>> = const { OnceCell::new() };
    }

    pub(super) fn begin_thread(runtime: Arc<Runtime>) {
        let _ = MAKER.try_with(|maker| maker.set(runtime));
    }

    /// Whether the runtime that has made this thread is the current one.
    pub(super) fn is_current() -> bool {
        let made_by = |id: Id| MAKER.try_with(|maker| maker.get().is_some_and(|runtime| runtime.get() == Some(&id)));
        Handle::try_current().is_ok_and(|current| made_by(current.id()).unwrap_or(false))
    }
}
