//! The suite for adapters, on both kinds of runtime.
#![cfg(feature = "full")]

use insight_tokio::adapter::Tokio;
use insight_tokio::runtime::Builder;

insight_conformance::suite!(
    mod two_workers,
    Tokio::from(Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
);
insight_conformance::suite!(mod one_thread, Tokio::from(Builder::new_current_thread().enable_all().build().unwrap()));
