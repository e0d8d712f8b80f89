//! The first call of a facade.

/// Names a facade's executor in streams that begin from now on. In a whole graph it also starts insight, unless insight runs.
///
/// `once`: for a call at each spawn, which then costs one load. Without it, the child of a fork starts insight again.
#[doc(hidden)]
#[macro_export]
macro_rules! announce {
    ($executor:expr) => {
        #[cfg(insight_whole_graph)]
        {
            insight::graph_facts_at(env!("INSIGHT_COVERAGE_FILE"));
            insight::start_with_program();
        }
        $executor.announce();
    };
    (once $executor:expr) => {
        static ANNOUNCED: std::sync::Once = std::sync::Once::new();
        ANNOUNCED.call_once(|| {
            $crate::announce!($executor);
        });
    };
}
