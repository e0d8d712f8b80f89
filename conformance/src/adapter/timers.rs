//! Timers: a sleeping task waits for a timer, and is not stuck.

use super::scene::{At, Case};
use super::stage::Stage;
use insight_protocol::adapter::{Adapter, Spawned, Timer};
use insight_protocol::{Operation, ResourceKind};
use std::time::Duration;

/// Longer than any case waits.
const LONG: Duration = Duration::from_secs(3600);

pub(super) fn sleeps<A: Adapter, T: Timer>(case: &mut Case<'_, A>) -> Result<(), String> {
    case.run(
        |adapter, stage| async move {
            let sleeps = async {
                T::sleep(LONG).await; // sleeps
            };
            let sleeps = insight_probe::task_name("sleeps", || adapter.spawn(sleeps));
            stage.reached(Stage::END).await;
            sleeps.cancel();
        },
        |scene| {
            let at = At::comment(file!(), include_str!("timers.rs"), "sleeps");
            scene.wait("sleeps")?.check(&[Operation::Sleep], &ResourceKind::Timer, at)?;
            scene.settle()
        },
    )
}
