//! The suite for adapters.

use insight_smol::adapter::Smol;

insight_conformance::suite!(Smol);
