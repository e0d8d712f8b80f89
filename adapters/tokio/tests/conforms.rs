//! The suite for adapters, on both kinds of runtime.
#![cfg(feature = "full")]

use insight_conformance::adapter::Suite;
use insight_tokio::adapter::Tokio;
use insight_tokio::runtime::Builder;

#[test]
fn two_workers_conform() {
    Suite::new(|| Tokio::from(Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())).assert();
}

#[test]
fn one_thread_conforms() {
    Suite::new(|| Tokio::from(Builder::new_current_thread().enable_all().build().unwrap())).assert();
}
