//! Channels: a task waits at one end, and the other end belongs to the task that can unblock it.

use super::scene::{At, Fact, Running, Scene, is_resource};
use super::stage::{Actor, Stage};
use insight_model::Resource;
use insight_protocol::Operation;
use insight_protocol::adapter::{Adapter, Channel, Spawned};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn at(comment: &str) -> At {
    At::comment(file!(), include_str!("channels.rs"), comment)
}

/// More messages than a channel for one takes. A channel may have room for some more.
const MANY: u64 = 100;

/// Receives one message, and the others after step 1.
async fn reads<C: Channel>(mut receiver: C::Receiver, actor: Actor) {
    C::recv(&mut receiver).await;
    actor.reached(1).await;
    while C::recv(&mut receiver).await.is_some() {} // is empty
}

/// A task that sends to a full channel waits for the task that receives.
pub(super) fn full<A: Adapter, C: Channel>(case: &mut Running<'_, A>) {
    let sent = Arc::<AtomicU64>::default();
    let counts = sent.clone();
    case.run(
        |adapter, stage| async move {
            let (mut sender, receiver) = C::new(1); // is created to be full
            let reads = stage.actor("reader").plays(reads::<C>(receiver, stage.actor("reader")));
            insight_probe::task_name("reader", || adapter.spawn(reads)).detach();
            let writes = stage.actor("writer").plays(async move {
                for number in 0..MANY {
                    C::send(&mut sender, number).await; // is full
                    counts.fetch_add(1, Ordering::Relaxed);
                }
            });
            insight_probe::task_name("writer", || adapter.spawn(writes)).detach();
            stage.over().await;
        },
        |scene| {
            let full = |stage: &Stage| stage.act("reader").waits_at(1) && stage.act("writer").waits();
            scene.program("`writer` waits, and `reader` has one message", full)?;
            // The writer may have filled the channel before the reader took a message. Then it sends one more.
            scene.settle();
            scene.program("`writer` waits", full)?;
            let wait = scene.wait("writer")?;
            scene.check_wait(&wait, &[Operation::Send, Operation::Reserve], &C::KIND, Some(at("is full")));
            scene.check_made_at(&wait.resource, at("is created to be full"));
            check_room(scene, &wait.resource, &sent);
            scene.unblocked_by(&wait, "exact.sent", "edge.party", &["reader"])
        },
    );
}

/// Checks the capacity of a full channel: all sent messages but one, which the reader has, are in it.
fn check_room(scene: &mut Scene<'_, '_>, channel: &Resource, sent: &AtomicU64) {
    let id = channel.id;
    let capacity = Fact {
        rule: "fields.meaning",
        about: "the capacity of the full channel".to_owned(),
        expected: format!(
            r#"{{"type":"resource.created","id":{id},"capacity":{}}}"#,
            sent.load(Ordering::Relaxed).saturating_sub(1)
        ),
    };
    // It is optional. The writer fills the channel when it is polled next, which may take a while.
    let fits = || channel.capacity.is_none_or(|capacity| capacity + 1 == sent.load(Ordering::Relaxed));
    let _ = scene.fact_like(capacity, is_resource(id), |_, _| fits().then_some(()));
}

/// A task that receives from an empty channel waits for the task that sends.
pub(super) fn empty<A: Adapter, C: Channel>(case: &mut Running<'_, A>) {
    case.run(
        |adapter, stage| async move {
            let (mut sender, receiver) = C::new(1);
            let reads = stage.actor("reader").plays(reads::<C>(receiver, stage.actor("reader")));
            insight_probe::task_name("reader", || adapter.spawn(reads)).detach();
            let actor = stage.actor("writer");
            let writes = stage.actor("writer").plays(async move {
                C::send(&mut sender, 1).await;
                actor.reached(2).await;
            });
            insight_probe::task_name("writer", || adapter.spawn(writes)).detach();
            stage.over().await;
        },
        |scene| {
            let sent = |stage: &Stage| stage.act("reader").waits_at(1) && stage.act("writer").waits_at(2);
            scene.program("`reader` has the only message", sent)?;
            scene.open(1);
            scene.program("`reader` waits for another one", |stage| stage.act("reader").waits_after(1))?;
            let wait = scene.wait("reader")?;
            scene.check_wait(&wait, &[Operation::Recv], &C::KIND, Some(at("is empty")));
            scene.unblocked_by(&wait, "exact.sent", "edge.party", &["writer"])?;
            scene.settle();
            Ok(())
        },
    );
}
