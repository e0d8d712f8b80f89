//! Timers: a sleeping task waits for a timer, and is not stuck.

use super::scene::{At, Running};
use insight_protocol::adapter::{Adapter, Spawned, Timer};
use insight_protocol::{Operation, ResourceKind};
use std::time::Duration;

/// Longer than any case waits.
const LONG: Duration = Duration::from_secs(3600);

pub(super) fn sleeps<A: Adapter, T: Timer>(case: &mut Running<'_, A>) {
    case.run(
        |adapter, stage| async move {
            let sleeps = stage.actor("sleeps").plays(async {
                T::sleep(LONG).await; // sleeps
            });
            let sleeps = insight_probe::task_name("sleeps", || adapter.spawn(sleeps));
            stage.over().await;
            sleeps.cancel();
        },
        |scene| {
            let at = At::comment(file!(), include_str!("timers.rs"), "sleeps");
            scene.program("`sleeps` waits", |stage| stage.act("sleeps").waits())?;
            let wait = scene.wait("sleeps")?;
            scene.check_wait(&wait, &[Operation::Sleep], &ResourceKind::Timer, Some(at));
            scene.settle();
            Ok(())
        },
    );
}
