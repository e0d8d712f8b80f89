//! Channels: a task waits at one end, and the other end belongs to the task that can unblock it.

use super::scene::{At, Case, same};
use super::stage::Stage;
use insight_protocol::Operation;
use insight_protocol::adapter::{Adapter, Channel, Spawned};

fn at(comment: &str) -> At {
    At::comment(file!(), include_str!("channels.rs"), comment)
}

/// Receives one message, and the others after step 1.
async fn reads<C: Channel>(mut receiver: C::Receiver, stage: Stage) {
    C::recv(&mut receiver).await;
    stage.reached(1).await;
    while C::recv(&mut receiver).await.is_some() {} // is empty
}

/// A task that sends to a full channel waits for the task that receives.
pub(super) fn full<A: Adapter, C: Channel>(case: &mut Case<'_, A>) -> Result<(), String> {
    async fn writes<C: Channel>(mut sender: C::Sender) {
        for number in 0..3 {
            C::send(&mut sender, number).await; // is full
        }
    }

    case.run(
        |adapter, stage| async move {
            let (sender, receiver) = C::new(1); // is created to be full
            let reads = reads::<C>(receiver, stage.clone());
            insight_probe::task_name("reader", || adapter.spawn(reads)).detach();
            insight_probe::task_name("writer", || adapter.spawn(writes::<C>(sender))).detach();
            stage.reached(Stage::END).await;
        },
        |scene| {
            // The reader takes one message, the channel holds one, and the third does not fit.
            let reader = scene.task("reader")?.id;
            scene.until("a receiver that belongs to `reader`", |reported| {
                let roles = reported.model.edges_of_task(reader).map(|edge| edge.body.kind());
                (roles.collect::<Vec<_>>() == ["party"]).then_some(())
            })?;
            scene.settle()?;
            let wait = scene.wait("writer")?;
            wait.check(&[Operation::Send], &C::KIND, at("is full"))?;
            same("the capacity", &wait.resource.capacity, &Some(1))?;
            at("is created to be full").check("the resource", wait.resource.location.as_deref())?;
            scene.unblocked_by(&wait, &["reader"])
        },
    )
}

/// A task that receives from an empty channel waits for the task that sends.
pub(super) fn empty<A: Adapter, C: Channel>(case: &mut Case<'_, A>) -> Result<(), String> {
    async fn writes<C: Channel>(mut sender: C::Sender, stage: Stage) {
        C::send(&mut sender, 1).await;
        stage.reached(2).await;
    }

    case.run(
        |adapter, stage| async move {
            let (sender, receiver) = C::new(1);
            let reads = reads::<C>(receiver, stage.clone());
            insight_probe::task_name("reader", || adapter.spawn(reads)).detach();
            let writes = writes::<C>(sender, stage.clone());
            insight_probe::task_name("writer", || adapter.spawn(writes)).detach();
            stage.reached(Stage::END).await;
        },
        |scene| {
            scene.stage.open(1);
            scene.settle()?;
            let wait = scene.wait("reader")?;
            wait.check(&[Operation::Recv], &C::KIND, at("is empty"))?;
            scene.unblocked_by(&wait, &["writer"])
        },
    )
}
