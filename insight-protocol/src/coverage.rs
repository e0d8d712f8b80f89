//! The part of a program that is observed, and the part that is not.

use crate::open_enum::open_enum;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Maximum number of packages that one `stream.coverage` lists.
pub const MAX_PACKAGES: usize = 64;

/// The part of the program that is observed. The latest message is valid, up to the next
/// [`SnapshotBegin`](crate::SnapshotBegin).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct StreamCoverage {
    /// The executors whose tasks are observed, as far as they have been used.
    pub executors: Vec<ExecutorCoverage>,
    /// The packages of the program's dependency graph in which a task can wait; absent when the graph is unknown.
    #[cfg_attr(feature = "schema", schemars(extend("x-emit" = crate::schema::at_most(MAX_PACKAGES))))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<Vec<PackageCoverage>>,
    /// Number of packages that did not fit into `packages`.
    #[serde(default, skip_serializing_if = "is_0")]
    pub packages_left_out: u64,
    /// The tasks whose awaits the producer captures; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits_of: Option<AwaitsOf>,
    /// The producer's time.
    pub at_ns: u64,
}

open_enum!(
    /// The tasks whose awaits a producer captures.
    AwaitsOf {
        /// All waiting tasks, as far as its budget allows.
        All = "all",
        /// Only tasks with a problem.
        Problems = "problems",
        /// No task.
        NoTask = "none",
    }
);

/// An executor, and its unobserved tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ExecutorCoverage {
    /// Its name, such as `tokio`.
    pub name: String,
    /// The version of its adapter's runtime, such as `1.54`.
    pub version: String,
    /// Minimum number of live tasks that the executor counts and whose spawn was not observed; absent when unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unobserved_tasks: Option<u64>,
}

impl ExecutorCoverage {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> ExecutorCoverage {
        ExecutorCoverage { name: name.into(), version: version.into(), unobserved_tasks: None }
    }
}

/// A package in which a task can wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PackageCoverage {
    /// Its name, such as `flume`.
    pub name: String,
    /// Its version, such as `0.11.1`.
    pub version: String,
    /// Whether its waits are observed.
    pub covered: bool,
    /// The reason why it is not covered, or how its waits can be observed nevertheless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl PackageCoverage {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(name: impl Into<String>, version: impl Into<String>, covered: bool) -> PackageCoverage {
        PackageCoverage { name: name.into(), version: version.into(), covered, reason: None }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_0(number: &u64) -> bool {
    *number == 0
}

/// The packages of a program's dependency graph in which a task can wait, as the tool that builds the program knows them. It
/// is a JSON file, and not a message.
///
/// ```
/// use insight_protocol::GraphFacts;
///
/// let text = r#"{"version":1,"packages":[{"name":"flume","version":"0.11.1","covered":false,"reason":"only awaits show these waits"}]}"#;
/// assert_eq!(GraphFacts::parse(text).unwrap().packages[0].name, "flume");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GraphFacts {
    /// The version of this format: [`GraphFacts::VERSION`].
    pub version: u64,
    /// The packages, in any order and of any number.
    pub packages: Vec<PackageCoverage>,
    /// The folders of all packages that come from no registry and no repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<PackageFolder>,
}

/// The folder of a package that comes from no registry and no repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PackageFolder {
    /// The whole path.
    pub folder: String,
    /// The package is a member of the program's workspace, and not a dependency beside it.
    pub own: bool,
}

impl PackageFolder {
    /// Makes one.
    pub fn new(folder: impl Into<String>, own: bool) -> PackageFolder {
        PackageFolder { folder: folder.into(), own }
    }
}

impl GraphFacts {
    /// Makes one with its required fields. Each other field is empty, zero or false.
    pub fn new(packages: Vec<PackageCoverage>) -> GraphFacts {
        GraphFacts { version: GraphFacts::VERSION, packages, folders: Vec::new() }
    }
}

/// A text that is not a [`GraphFacts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotGraphFacts {
    reason: String,
}

impl fmt::Display for NotGraphFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for NotGraphFacts {}

impl GraphFacts {
    /// The version of the format.
    pub const VERSION: u64 = 1;
    /// Maximum size of the file, in bytes.
    pub const MAX_BYTES: usize = 1 << 20;
    /// Maximum size of one text in it, in bytes, except for a folder.
    pub const MAX_TEXT: usize = 256;
    /// Maximum length of the path of a folder in it, in bytes.
    pub const MAX_PATH: usize = 4096;

    /// Reads the text of such a file. Unknown fields are ignored.
    pub fn parse(text: &str) -> Result<GraphFacts, NotGraphFacts> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let refuse = |reason: String| NotGraphFacts { reason };
        if text.len() > GraphFacts::MAX_BYTES {
            return Err(refuse(format!("it has more than {} bytes", GraphFacts::MAX_BYTES)));
        }
        // The version is read first, since another version may have other fields.
        let Version { version } = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
        if version != GraphFacts::VERSION {
            return Err(refuse(format!("its version is {version}, and this crate reads {}", GraphFacts::VERSION)));
        }
        let facts: GraphFacts = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
        let texts = |package: &PackageCoverage| {
            package.name.len().max(package.version.len()).max(package.reason.as_ref().map_or(0, String::len))
        };
        if facts.packages.iter().any(|package| texts(package) > GraphFacts::MAX_TEXT) {
            return Err(refuse(format!("a text in it has more than {} bytes", GraphFacts::MAX_TEXT)));
        }
        if facts.folders.iter().any(|it| it.folder.len() > GraphFacts::MAX_PATH) {
            return Err(refuse(format!("a path in it has more than {} bytes", GraphFacts::MAX_PATH)));
        }
        Ok(facts)
    }

    /// The packages in the order of a message, uncovered ones first, and the number of packages that are left out.
    pub fn listed(mut self) -> (Vec<PackageCoverage>, u64) {
        // r[coverage.packages.bounded]
        self.packages.sort_by(|a, b| (a.covered, &a.name, &a.version).cmp(&(b.covered, &b.name, &b.version)));
        self.packages.dedup();
        let left_out = self.packages.len().saturating_sub(MAX_PACKAGES);
        self.packages.truncate(MAX_PACKAGES);
        (self.packages, left_out as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, covered: bool) -> PackageCoverage {
        PackageCoverage { name: name.to_owned(), version: "1.0.0".to_owned(), covered, reason: None }
    }

    #[test]
    fn file_is_read_or_the_reason_is_given() {
        let check = |text: &str, expect: Result<usize, &str>| {
            let read = GraphFacts::parse(text).map(|facts| facts.packages.len()).map_err(|error| error.to_string());
            assert_eq!(read, expect.map_err(str::to_owned), "{text:.80}");
        };
        check(r#"{"version":1,"packages":[]}"#, Ok(0));
        check(r#"{"version":1,"packages":[{"name":"a","version":"1","covered":true,"new":1}],"new":{}}"#, Ok(1));
        check(r#"{"version":2,"crates":[]}"#, Err("its version is 2, and this crate reads 1"));
        check(r#"{"version":1}"#, Err("missing field `packages` at line 1 column 13"));
        check("", Err("EOF while parsing a value at line 1 column 0"));
        let long = "a".repeat(257);
        check(
            &format!(r#"{{"version":1,"packages":[{{"name":"{long}","version":"1","covered":true}}]}}"#),
            Err("a text in it has more than 256 bytes"),
        );
        check(r#"{"version":1,"packages":[],"folders":[{"folder":"/app","own":true}]}"#, Ok(0));
        let long = "a".repeat(4097);
        check(
            &format!(r#"{{"version":1,"packages":[],"folders":[{{"folder":"{long}","own":true}}]}}"#),
            Err("a path in it has more than 4096 bytes"),
        );
        let large = format!(r#"{{"version":1,"packages":[]}}{}"#, " ".repeat(GraphFacts::MAX_BYTES));
        check(&large, Err("it has more than 1048576 bytes"));
    }

    #[test]
    fn uncovered_packages_are_listed_first_and_the_rest_is_counted() {
        let list = |packages: Vec<PackageCoverage>| GraphFacts::new(packages).listed();
        let (some, left_out) =
            list(vec![package("b", true), package("z", false), package("a", true), package("b", true)]);
        let names: Vec<&str> = some.iter().map(|package| package.name.as_str()).collect();
        assert_eq!((names, left_out), (vec!["z", "a", "b"], 0));
        let mut many: Vec<PackageCoverage> = (0..70).map(|number| package(&format!("p{number:02}"), true)).collect();
        many.push(package("z", false));
        let (some, left_out) = list(many);
        assert_eq!((some.len(), some[0].name.as_str(), left_out), (MAX_PACKAGES, "z", 7));
    }
}
