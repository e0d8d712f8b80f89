//! The suite for adapters.
#![cfg(feature = "default")]

use insight_async_std::adapter::AsyncStd;
use insight_conformance::adapter::Suite;

#[test]
fn it_conforms() {
    Suite::new(|| AsyncStd).assert();
}
