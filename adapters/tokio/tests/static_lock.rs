//! A guard of a lock in static memory can be given away. Alone in its process, since the lock stays.
#![cfg(feature = "full")]

extern crate insight_tokio as tokio;

use insight_model::EdgeBody;
use std::future::pending;
use tokio::sync::Mutex;

static STATIC: Mutex<u8> = Mutex::const_new(1);

/// r[edge.hold.transferable]
#[test]
fn a_guard_of_a_static_lock_is_transferable() {
    async fn holds() {
        let _guard = STATIC.lock().await;
        pending::<()>().await
    }
    let mut bench = insight_test_kit::bench();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.spawn(holds());
    let transferable = bench.until(|model| {
        model.edges.values().find_map(|edge| match edge.body {
            EdgeBody::Hold { transferable, .. } => Some(transferable),
            _ => None,
        })
    });
    assert!(transferable);
}
