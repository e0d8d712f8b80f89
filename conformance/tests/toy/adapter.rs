use crate::executor::{JoinHandle, Toy};
use insight_probe::adapter::{Adapter, Descriptor, Spawned};
use insight_probe::{Capability, Executor, Joining, Kind, Outcome, SpawnMeta, observe};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

static TOY: Executor = Executor::new("toy", "1.0", || None).observing(&[
    Capability::Tasks,
    Capability::TaskTimes,
    Capability::ForeignWakers,
    Capability::Joins,
]);

impl Adapter for Toy {
    type Task = Task;

    fn descriptor(&self) -> Descriptor {
        TOY.descriptor()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        Toy::block_on(self, observe(future, SpawnMeta::new(&TOY).kind(Kind::BlockOn)))
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> Task {
        let future = observe(future, SpawnMeta::new(&TOY));
        let joining = Joining::new(future.task_ref());
        Task { handle: Toy::spawn(self, future), joining }
    }
}

/// What `spawn` returns: the executor's own handle, and that somebody waits for it.
pub struct Task {
    handle: JoinHandle,
    joining: Joining,
}

impl Future for Task {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Task>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Task { handle, joining } = &mut *self;
        let end = joining.poll(&TOY, cx, |cx| Pin::new(handle).poll(cx));
        end.map(|end| if end.is_ok() { Outcome::Returned } else { Outcome::Panicked })
    }
}

impl Spawned for Task {
    fn cancel(self) {
        self.handle.cancel();
    }

    fn detach(self) {}
}

insight_conformance::suite!(Toy::new());
