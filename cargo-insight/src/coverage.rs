//! The graph facts that the program tells its clients: which packages are covered, and which are not.

use crate::plan::{Plan, write_whole};
use crate::say::Result;
use serde_json::json;

/// Writes the facts to the plan's file.
pub fn write(plan: &Plan, uncovered: &[Uncovered]) -> Result {
    let covered = plan
        .replaced
        .iter()
        .map(|replaced| json!({ "name": replaced.package, "version": replaced.version, "covered": true }));
    let uncovered = uncovered.iter().map(|package| {
        json!({ "name": package.name, "version": package.version, "covered": false, "reason": package.reason })
    });
    let packages: Vec<_> = covered.chain(uncovered).collect();
    write_whole(&plan.coverage, &format!("{:#}\n", json!({ "version": 1, "packages": packages })))
}

/// A package in the graph that tasks can wait on, and that is not covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    pub name: String,
    pub version: String,
    pub reason: String,
}
