//! The crates that are replaced, and their facades.

use semver::Version;

/// Major, minor and patch version.
pub type Triple = (u64, u64, u64);

/// A crate that can be replaced.
#[derive(Debug)]
pub struct Facade {
    /// The name in options and messages.
    pub name: &'static str,
    /// The package that is replaced.
    pub package: &'static str,
    crate_name: &'static str,
    /// The oldest version that the facade compiles with.
    pub from: Triple,
    /// The first version of the next series, which the facade does not support.
    pub before: Triple,
    /// The newest tested version. A newer version is used with a warning.
    pub newest: Triple,
    pub source: Source,
    /// The insight crates that the facade uses: the name in the facade's source, and the crate.
    pub externs: &'static [(&'static str, &'static str)],
    /// It spawns tasks. If a graph contains no runtime, there is nothing to observe.
    pub is_runtime: bool,
    /// The versions of the real crate that added an item that the facade covers. For an older version the facade is compiled
    /// with `insight_before = "VERSION"`.
    pub thresholds: &'static [&'static str],
}

/// The facade's source.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// A library in this folder of insight's sources, which uses the real crate.
    Over {
        folder: &'static str,
        /// The real crate's name in the library.
        real: &'static str,
        /// A feature that the library has in addition to the features of the real crate.
        feature: Option<&'static str>,
    },
    /// This text is compiled in place of the real crate.
    Instead(&'static str),
}

/// A facade whose library uses the real crate.
const fn over(
    name: &'static str,
    folder: &'static str,
    (from, before, newest): (Triple, Triple, Triple),
    externs: &'static [(&'static str, &'static str)],
) -> Facade {
    let source = Source::Over { folder, real: "real", feature: None };
    Facade {
        name,
        package: name,
        crate_name: name,
        from,
        before,
        newest,
        source,
        externs,
        is_runtime: true,
        thresholds: &[],
    }
}

/// A facade of a library that spawns no tasks.
const fn library(
    name: &'static str,
    folder: &'static str,
    versions: (Triple, Triple, Triple),
    thresholds: &'static [&'static str],
) -> Facade {
    Facade { is_runtime: false, thresholds, ..over(name, folder, versions, &[PROBE]) }
}

/// A facade that is a part of insight-sync.
const fn part(
    name: &'static str,
    (package, real, feature): (&'static str, &'static str, &'static str),
    versions: (Triple, Triple, Triple),
    thresholds: &'static [&'static str],
) -> Facade {
    let source = Source::Over { folder: "adapters/sync", real, feature: Some(feature) };
    let facade = over(name, "", versions, &[PROBE]);
    Facade { name, package, crate_name: package, source, is_runtime: false, thresholds, ..facade }
}

/// A facade whose text is compiled in place of the real crate, with a crate of insight as `own`.
const fn instead(
    (name, package): (&'static str, &'static str),
    text: &'static str,
    (from, before, newest): (Triple, Triple, Triple),
    externs: &'static [(&'static str, &'static str)],
) -> Facade {
    let source = Source::Instead(text);
    Facade {
        name,
        package,
        crate_name: package,
        from,
        before,
        newest,
        source,
        externs,
        is_runtime: false,
        thresholds: &[],
    }
}

/// A facade of a crate of insight itself. A program that depends on this crate gets the one that is linked into it anyway.
const fn own(
    package: &'static str,
    crate_name: &'static str,
    externs: &'static [(&'static str, &'static str)],
) -> Facade {
    let text = "//! insight's own.\n\npub use own::*;\n";
    Facade { crate_name, ..instead((package, package), text, ((0, 1, 0), (0, 2, 0), (0, 1, 0)), externs) }
}

/// A facade of an adapter. A program that depends on an adapter gets the real runtime, which has its facade already.
const fn renamed(package: &'static str, text: &'static str) -> Facade {
    instead((package, package), text, ((0, 1, 0), (0, 2, 0), (0, 1, 0)), &[])
}

const PROBE: (&str, &str) = ("insight_probe", "insight_probe");
const SERVER: (&str, &str) = ("insight", "insight");

/// All facades. Their order does not matter: each is found by its package.
pub static FACADES: &[Facade] = &[
    Facade {
        thresholds: &[
            "1.37.0", "1.38.0", "1.39.0", "1.40.0", "1.41.0", "1.44.0", "1.46.0", "1.47.0", "1.49.0", "1.51.0",
            "1.52.0", "1.54.0",
        ],
        ..over("tokio", "adapters/tokio", ((1, 36, 0), (2, 0, 0), (1, 54, 1)), &[SERVER, PROBE])
    },
    Facade {
        thresholds: &["1.13.0"],
        ..over("async-std", "adapters/async-std", ((1, 12, 0), (2, 0, 0), (1, 13, 2)), &[SERVER, PROBE])
    },
    over("smol", "adapters/smol", ((1, 3, 0), (3, 0, 0), (2, 0, 2)), &[SERVER, PROBE]),
    Facade {
        thresholds: &["1.10.0", "1.13.0"],
        ..over("async-executor", "adapters/executor", ((1, 5, 0), (2, 0, 0), (1, 14, 1)), &[SERVER, PROBE])
    },
    library("async-task", "adapters/task", ((4, 4, 0), (5, 0, 0), (4, 7, 1)), &[]),
    library("futures-channel", "adapters/futures-channel", ((0, 3, 28), (0, 4, 0), (0, 3, 34)), &["0.3.31", "0.3.32"]),
    library("flume", "adapters/flume", ((0, 11, 0), (0, 13, 0), (0, 12, 0)), &["0.11.1"]),
    library("event-listener", "adapters/event-listener", ((5, 3, 0), (6, 0, 0), (5, 4, 2)), &[]),
    library("want", "adapters/want", ((0, 3, 0), (0, 4, 0), (0, 3, 2)), &["0.3.2"]),
    part("async-lock", ("async-lock", "async_lock", "lock"), ((3, 4, 0), (4, 0, 0), (3, 5, 0)), &["3.5.0"]),
    part("async-channel-1", ("async-channel", "async_channel_1", "channel-1"), ((1, 9, 0), (2, 0, 0), (1, 9, 0)), &[]),
    part(
        "async-channel",
        ("async-channel", "async_channel_2", "channel-2"),
        ((2, 0, 0), (3, 0, 0), (2, 5, 0)),
        &["2.3.0", "2.4.0", "2.5.0"],
    ),
    own("wish4-async-insight", "insight", &[("own", "insight")]),
    own("insight-probe", "insight_probe", &[("own", "insight_probe")]),
    renamed(
        "insight-tokio",
        "//! The program's tokio is observed.\n\npub use real::*;\n\n\
         #[cfg(feature = \"stream\")]\npub use tokio_stream as stream;\n\
         #[cfg(feature = \"util\")]\npub use tokio_util as util;\n",
    ),
    renamed(
        "insight-sync",
        "//! The program's async-lock and async-channel are observed.\n\n\
         #[cfg(feature = \"lock\")]\npub use async_lock as lock;\n\
         #[cfg(feature = \"channel-1\")]\npub use async_channel_1 as channel_1;\n\
         #[cfg(feature = \"channel-2\")]\npub use async_channel_2 as channel_2;\n",
    ),
    renamed("insight-smol", "//! The program's smol is observed.\n\npub use real::*;\n"),
    renamed("insight-task", "//! The program's async-task is observed.\n\npub use real::*;\n"),
    renamed("insight-executor", "//! The program's async-executor is observed.\n\npub use real::*;\n"),
    renamed("insight-async-std", "//! The program's async-std is observed.\n\npub use real::*;\n"),
];

/// Facades that use items of another facade.
const NEEDS: [(&str, &str); 1] = [("async-executor", "async-task")];

impl Facade {
    /// The facade that this one needs to compile.
    pub fn needs(&self) -> Option<&'static str> {
        NEEDS.iter().find(|(name, _)| *name == self.name).map(|(_, needed)| *needed)
    }

    /// The facade for this version of a package.
    pub fn of(package: &str, version: &Version) -> Option<&'static Facade> {
        FACADES.iter().find(|facade| facade.package == package && facade.covers_series(version))
    }

    /// Whether the facade is for the series of this version: for `tokio` 1, but not for `tokio` 0.2.
    fn covers_series(&self, version: &Version) -> bool {
        let (major, minor, _) = self.from;
        triple(version) < self.before && version.major >= major && (major > 0 || version.minor >= minor)
    }

    /// The name of its library for the compiler.
    pub fn crate_name(&self) -> String {
        self.crate_name.replace('-', "_")
    }

    /// The facade with this name.
    pub fn named(name: &str) -> Option<&'static Facade> {
        FACADES.iter().find(|facade| facade.name == name)
    }

    /// Whether it replaces a crate of insight itself, which the user cannot leave out.
    pub fn is_own(&self) -> bool {
        self.package.starts_with("insight-") || self.crate_name == "insight"
    }

    /// Whether this version is older than the versions that the facade compiles with.
    pub fn is_too_old(&self, version: &Version) -> bool {
        triple(version) < self.from
    }

    /// Whether this version is newer than the newest tested version.
    pub fn is_newer(&self, version: &Version) -> bool {
        triple(version) > self.newest
    }
}

/// The version without its pre-release part.
fn triple(version: &Version) -> Triple {
    (version.major, version.minor, version.patch)
}

/// The version as text: `1.2.3`.
pub fn dotted((major, minor, patch): Triple) -> String {
    format!("{major}.{minor}.{patch}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// Collects the versions of `insight_before = "VERSION"` in all files below a folder.
    fn thresholds_below(folder: &Path, versions: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                thresholds_below(&path, versions);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let versions_of_file = text.split("insight_before = \"").skip(1);
            versions.extend(versions_of_file.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }

    /// Checks that a program of tests/programs.rs depends on these versions of all crates that have a facade.
    fn assert_versions(manifest: &str, version_of: impl Fn(&Facade) -> Triple) {
        for facade in FACADES.iter().filter(|facade| !facade.is_own()) {
            let line = manifest.lines().find(|line| line.split(" = ").next() == Some(facade.name));
            let exact = format!("\"={}\"", dotted(version_of(facade)));
            assert!(line.is_some_and(|line| line.contains(&exact)), "{} {exact}: {line:?}", facade.name);
        }
    }

    #[test]
    fn the_oldest_and_the_newest_versions_are_tested() {
        assert_versions(include_str!("../tests/versions/oldest.toml"), |facade| facade.from);
        assert_versions(include_str!("../tests/versions/newest.toml"), |facade| facade.newest);
    }

    #[test]
    fn thresholds_are_the_versions_in_the_source_of_the_facade() {
        let folder_of = |facade: &Facade| match facade.source {
            Source::Over { folder, .. } => Some(folder),
            Source::Instead(_) => None,
        };
        for folder in FACADES.iter().filter_map(folder_of) {
            let mut versions = BTreeSet::new();
            thresholds_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join("src"), &mut versions);
            versions.remove("VERSION");
            // Several facades share the folder of insight-sync.
            let facades = FACADES.iter().filter(|facade| folder_of(facade) == Some(folder));
            let thresholds = facades.flat_map(|facade| facade.thresholds.iter().map(|version| (*version).to_owned()));
            assert_eq!(versions, thresholds.collect(), "{folder}");
        }
    }
}
