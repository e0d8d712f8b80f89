//! The user's dependency graph, as cargo resolves it.

use crate::messages::Result;
use semver::Version;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The packages of a workspace and of all its dependencies.
#[derive(Debug, Deserialize)]
pub struct Graph {
    pub packages: Vec<Package>,
    pub target_directory: PathBuf,
    /// Cargo reports it since version 1.91.
    build_directory: Option<PathBuf>,
    workspace_root: PathBuf,
    workspace_members: Vec<String>,
    resolve: Option<Resolve>,
}

#[derive(Debug, Deserialize)]
pub struct Package {
    pub name: String,
    pub version: Version,
    id: String,
    /// The registry or repository, or `None` for a folder.
    pub source: Option<String>,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    /// `None` for a normal dependency.
    kind: Option<String>,
}

impl Graph {
    /// Asks cargo for the graph. If cargo fails, this returns its output.
    ///
    /// Cargo needs the manifest of every package, even of packages that only another target or a test uses. Offline some of
    /// them can be missing: then the packages are taken from the lock file.
    pub fn of(
        options: &[OsString],
        targets: &[String],
        is_offline: bool,
    ) -> Result<std::result::Result<Graph, Output>> {
        let filters = targets.iter().flat_map(|target| ["--filter-platform".into(), target.into()]);
        let output = metadata(options, filters.collect())?;
        if output.status.success() {
            return read(&output).map(Ok);
        }
        if is_offline {
            let members = metadata(options, vec!["--no-deps".into()])?;
            if members.status.success() {
                let graph = read(&members)?;
                let lock = fs::read_to_string(graph.workspace_root.join("Cargo.lock")).ok();
                if let Some(packages) = lock.and_then(|lock| packages_of_lock(&lock)) {
                    return Ok(Ok(Graph { packages, ..graph }));
                }
            }
        }
        Ok(Err(output))
    }

    /// Whether this cargo can have a separate folder for intermediate files.
    pub fn has_build_directory(&self) -> bool {
        self.build_directory.is_some()
    }

    /// The names of the programs, examples, tests and benchmarks of the workspace.
    pub fn programs(&self) -> BTreeSet<&str> {
        let members = self.packages.iter().filter(|package| self.workspace_members.contains(&package.id));
        members.flat_map(|package| &package.targets).map(|target| target.name.as_str()).collect()
    }

    /// The folders of all packages that come from no registry and no repository, each with whether it is a member of the workspace.
    pub fn folders(&self) -> Vec<(PathBuf, bool)> {
        let in_folder = self.packages.iter().filter(|package| package.source.is_none());
        let is_member = |package: &Package| self.workspace_members.contains(&package.id);
        in_folder.filter_map(|package| Some((package.folder()?, is_member(package)))).collect()
    }

    /// The packages that are compiled into the programs of the workspace. Packages that only build scripts or proc-macros use
    /// are not among them, and packages that only tests use are among them only if `with_tests`.
    pub fn linked(&self, with_tests: bool) -> Vec<&Package> {
        let Some(resolve) = &self.resolve else { return self.packages.iter().collect() };
        let nodes: BTreeMap<&str, &Node> = resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut next: Vec<&str> = self.workspace_members.iter().map(String::as_str).collect();
        while let Some(id) = next.pop() {
            if !reached.insert(id) {
                continue;
            }
            let dependencies = nodes.get(id).map_or(&[][..], |node| &node.deps);
            let is_linked = |dependency: &&Dependency| {
                dependency.dep_kinds.is_empty()
                    || dependency.dep_kinds.iter().any(|kind| match kind.kind.as_deref() {
                        None => true,
                        Some("dev") => with_tests,
                        Some(_) => false,
                    })
            };
            next.extend(dependencies.iter().filter(is_linked).map(|dependency| dependency.pkg.as_str()));
        }
        self.packages.iter().filter(|package| reached.contains(package.id.as_str())).collect()
    }
}

fn metadata(options: &[OsString], more: Vec<OsString>) -> Result<Output> {
    let mut command = Command::new(cargo());
    command.args(["metadata", "--format-version=1", "--quiet"]).args(options).args(more);
    command.output().map_err(|error| format!("cannot start cargo: {error}"))
}

fn read(output: &Output) -> Result<Graph> {
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cannot read the output of `cargo metadata`: {error}"))
}

/// The packages of a lock file, or `None` if the text is not a lock file.
fn packages_of_lock(lock: &str) -> Option<Vec<Package>> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        name: String,
        version: Version,
        source: Option<String>,
    }
    let lock: Lock = toml::from_str(lock).ok()?;
    let package = |locked: Locked| Package {
        id: format!("{}@{}", locked.name, locked.version),
        name: locked.name,
        version: locked.version,
        source: locked.source,
        manifest_path: None,
        targets: Vec::new(),
    };
    Some(lock.package.into_iter().map(package).collect())
}

impl Package {
    /// A package of a registry, for tests.
    #[cfg(test)]
    pub fn new(name: &str, version: &str) -> Package {
        let version = Version::parse(version).unwrap();
        let source = Some("registry+x".to_owned());
        Package {
            name: name.to_owned(),
            version,
            id: name.to_owned(),
            source,
            manifest_path: None,
            targets: Vec::new(),
        }
    }

    /// The folder that contains its manifest.
    pub fn folder(&self) -> Option<PathBuf> {
        self.manifest_path.as_deref()?.parent().map(PathBuf::from)
    }

    /// The package's source, if it is not a registry.
    pub fn unusual_source(&self) -> Option<String> {
        match self.source.as_deref() {
            None => Some("a folder".to_owned()),
            Some(source) if source.starts_with("git+") => {
                Some(source["git+".len()..].split(['?', '#']).next().unwrap_or_default().to_owned())
            }
            Some(_) => None,
        }
    }
}

/// The cargo that called this program, or the first cargo in `PATH`.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}
