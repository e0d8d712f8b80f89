//! The suite for adapters.

use insight_conformance::adapter::Suite;
use insight_smol::adapter::Smol;

#[test]
fn it_conforms() {
    Suite::new(|| Smol).assert();
}
