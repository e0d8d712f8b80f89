//! The suite for adapters.
#![cfg(feature = "default")]

use insight_async_std::adapter::AsyncStd;

insight_conformance::suite!(AsyncStd);
