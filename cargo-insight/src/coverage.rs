//! The facts about the dependency graph that the program sends to its clients: which packages are covered.

use crate::facades::Facade;
use crate::graph::{Graph, Package};
use crate::messages::Result;
use crate::plan::{Plan, write_whole};
use insight_protocol::{GraphFacts, PackageCoverage, PackageFolder, with};
use semver::VersionReq;
use serde::Deserialize;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// The packages without a facade in which tasks can wait.
static PRIMITIVES: &str = include_str!("../primitives.toml");

/// The reason why the waits in a package that is not covered are not in the list of waits.
const ONLY_AWAITS: &str = "only awaits show these waits";

#[derive(Deserialize)]
struct Primitives {
    primitive: Vec<Primitive>,
}

#[derive(Deserialize)]
struct Primitive {
    name: String,
    versions: Option<VersionReq>,
    covered: bool,
}

/// The packages of the graph in which tasks can wait and that have no facade.
pub fn without_facade(linked: &[&Package]) -> Vec<PackageCoverage> {
    let primitives: Primitives = toml::from_str(PRIMITIVES).expect("a test reads the same text");
    let is_about = |primitive: &&Primitive, package: &Package| {
        primitive.name == package.name
            && primitive.versions.as_ref().is_none_or(|versions| versions.matches(&package.version))
    };
    let found = linked.iter().filter_map(|package| {
        let primitive = primitives.primitive.iter().find(|primitive| is_about(primitive, package))?;
        Some(with!(
            PackageCoverage::new(package.name.clone(), package.version.to_string(), primitive.covered),
            reason = (!primitive.covered).then(|| ONLY_AWAITS.to_owned())
        ))
    });
    found.collect()
}

/// Writes the facts to a new file in `folder` and returns its path. It also writes them to the plan's folder, in one file for
/// each program, with the program's name.
pub fn write(plan: &Plan, others: &[PackageCoverage], graph: &Graph, folder: &Path) -> Result<PathBuf> {
    let replaced =
        plan.replaced.iter().filter(|replaced| Facade::named(&replaced.facade).is_some_and(|it| !it.is_own()));
    let covered =
        replaced.map(|replaced| PackageCoverage::new(replaced.package.clone(), replaced.version.clone(), true));
    let packages = covered.chain(others.iter().cloned()).collect();
    let facts = with!(GraphFacts::new(packages), folders = folders(graph.folders()));
    let text = serde_json::to_string_pretty(&facts).map_err(|error| format!("cannot write the coverage: {error}"))?;
    let text = text + "\n";
    for program in graph.programs() {
        write_whole(&plan.coverage.join(format!("{program}.json")), &text)?;
    }
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let path = folder.join(format!("coverage-{:016x}.json", hasher.finish()));
    write_whole(&path, &text)?;
    Ok(path)
}

/// Maximum length of all folders, in bytes: the file has a bound.
const MAX_FOLDERS: usize = GraphFacts::MAX_BYTES / 4;

/// The folders by which the program tells its own code from that of dependencies.
fn folders(folders: Vec<(PathBuf, bool)>) -> Vec<PackageFolder> {
    let mut bytes = 0;
    let paths = folders.into_iter().filter_map(|(path, own)| Some(PackageFolder::new(path.to_str()?, own)));
    let short = paths.filter(|it| it.folder.len() <= GraphFacts::MAX_PATH);
    short
        .take_while(|it| {
            bytes += it.folder.len();
            bytes <= MAX_FOLDERS
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facades::FACADES;

    #[test]
    fn each_primitive_is_named_once_and_has_no_facade() {
        let primitives: Primitives = toml::from_str(PRIMITIVES).unwrap();
        assert!(primitives.primitive.len() > 20);
        for (index, primitive) in primitives.primitive.iter().enumerate() {
            let again = primitives.primitive[index + 1..].iter().any(|other| {
                other.name == primitive.name && (other.versions.is_none() || other.versions == primitive.versions)
            });
            assert!(!again, "{} is named twice", primitive.name);
            assert!(!FACADES.iter().any(|facade| facade.package == primitive.name), "{} has a facade", primitive.name);
        }
    }

    #[test]
    fn folders_have_a_bound() {
        let path = |name: &str| PathBuf::from(format!("/{name}"));
        let some = folders(vec![(path("app"), true), (path(&"x".repeat(5000)), true), (path("beside"), false)]);
        assert_eq!(some, [PackageFolder::new("/app", true), PackageFolder::new("/beside", false)]);
        let many = folders((0..1000).map(|n| (path(&format!("{n:04}{}", "x".repeat(1019))), true)).collect());
        assert_eq!(many.len(), 256);
    }

    #[test]
    fn a_package_is_covered_by_name_and_version() {
        let package = |name: &str, version: &str| Package::new(name, version);
        let graph = [
            package("kanal", "0.1.1"),
            package("tower", "0.5.0"),
            package("serde", "1.0.0"),
            package("async-broadcast", "0.5.1"),
        ];
        let found = without_facade(&graph.iter().collect::<Vec<_>>());
        let lines: Vec<(&str, bool)> = found.iter().map(|package| (package.name.as_str(), package.covered)).collect();
        assert_eq!(lines, [("kanal", false), ("tower", true), ("async-broadcast", false)]);
    }
}
