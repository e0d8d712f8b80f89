//! Programs in the shapes of smol-macros' users, under its name.

extern crate insight_smol as smol;
extern crate insight_smol_macros as smol_macros;

use macro_rules_attribute::apply;
use smol_macros::{Executor, LocalExecutor, test};
use std::rc::Rc;
use std::sync::Arc;

#[apply(test!)]
async fn nothing() {
    smol::future::yield_now().await;
}

#[apply(test!)]
async fn an_executor(executor: &Executor<'_>) {
    let task: smol::Task<u8> = executor.spawn(async { 1 });
    assert_eq!(task.await, 1);
}

#[apply(test!)]
async fn an_executor_of_its_own(executor: Arc<Executor<'_>>) {
    let same = executor.clone();
    assert_eq!(executor.spawn(async move { same.spawn(async { 2 }).await }).await, 2);
}

#[apply(test!)]
async fn a_shared_one(executor: &Arc<Executor<'_>>) {
    assert_eq!(executor.spawn(async { 2 }).await, 2);
}

#[apply(test!)]
async fn smols_own_name(executor: &smol::Executor<'_>) -> Result<(), smol::channel::RecvError> {
    let (sender, receiver) = smol::channel::bounded(1);
    executor.spawn(async move { sender.send(()).await }).detach();
    receiver.recv().await
}

#[apply(test!)]
async fn a_local_one(executor: &LocalExecutor<'_>) {
    let value = Rc::new(3);
    assert_eq!(executor.spawn(async move { *value }).await, 3);
}

#[apply(test!)]
async fn a_local_one_of_its_own(executor: Rc<LocalExecutor<'_>>) {
    assert_eq!(executor.spawn(async { 4 }).await, 4);
}
