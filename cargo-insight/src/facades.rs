//! The crates that are replaced, and by which facade.

use semver::Version;

/// Major, minor and patch version.
pub type Triple = (u64, u64, u64);

/// A crate that can be replaced.
#[derive(Debug)]
pub struct Facade {
    /// How options and messages call it.
    pub name: &'static str,
    /// The package that it replaces, and its library.
    pub package: &'static str,
    crate_name: &'static str,
    /// The versions for which the facade compiles: the oldest, and the first of the series that it does not cover.
    pub from: Triple,
    pub before: Triple,
    /// The newest version with which it was tested. A newer one is tried, with a warning.
    pub newest: Triple,
    pub source: Source,
    /// The crates of insight that it names, and the names that these have in its source.
    pub externs: &'static [(&'static str, &'static str)],
    /// Its tasks are what insight shows. Without a runtime in the graph there is nothing to observe.
    pub is_runtime: bool,
    /// Versions from which on the real crate has something that the facade covers. For an older one the facade is compiled with
    /// `insight_before = "VERSION"`.
    pub thresholds: &'static [&'static str],
}

/// The facade's source.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// A library in this folder of insight's sources, over the real crate.
    Over {
        folder: &'static str,
        /// The real crate's name in the library.
        real: &'static str,
        /// A feature of the library, besides those that the program asks of the crate.
        feature: Option<&'static str>,
    },
    /// This text, in the place of the real crate, which is not compiled.
    Instead(&'static str),
}

/// A library that is compiled over the real crate, and its versions.
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

/// The same for a library that has no tasks of its own.
const fn library(
    name: &'static str,
    folder: &'static str,
    versions: (Triple, Triple, Triple),
    thresholds: &'static [&'static str],
) -> Facade {
    Facade { is_runtime: false, thresholds, ..over(name, folder, versions, &[PROBE]) }
}

/// A part of insight-sync over the real crate.
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

/// A text that is compiled instead of a library, with a crate of insight as `own`.
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

/// A crate of insight itself, which a program has that keeps insight: the one that is linked into it already.
const fn own(
    package: &'static str,
    crate_name: &'static str,
    externs: &'static [(&'static str, &'static str)],
) -> Facade {
    let text = "//! insight's own.\n\npub use own::*;\n";
    Facade { crate_name, ..instead((package, package), text, ((0, 1, 0), (0, 2, 0), (0, 1, 0)), externs) }
}

/// The same for a facade: the program's runtime is the facade already.
const fn renamed(package: &'static str, text: &'static str) -> Facade {
    instead((package, package), text, ((0, 1, 0), (0, 2, 0), (0, 1, 0)), &[])
}

const PROBE: (&str, &str) = ("insight_probe", "insight_probe");
const SERVER: (&str, &str) = ("insight", "insight");

/// All facades. A crate that another one is built on needs no order: each is found by its package.
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

/// A facade that names what only another facade has.
const NEEDS: [(&str, &str); 1] = [("async-executor", "async-task")];

impl Facade {
    /// The facade without which this one does not compile.
    pub fn needs(&self) -> Option<&'static str> {
        NEEDS.iter().find(|(name, _)| *name == self.name).map(|(_, needed)| *needed)
    }

    /// The facade of a package.
    pub fn of(package: &str, version: &Version) -> Option<&'static Facade> {
        FACADES.iter().find(|facade| facade.package == package && facade.covers_series(version))
    }

    /// Whether a version is of the series for which the facade is made: `tokio` 1, but not `tokio` 0.2.
    fn covers_series(&self, version: &Version) -> bool {
        let (major, minor, _) = self.from;
        triple(version) < self.before && version.major >= major && (major > 0 || version.minor >= minor)
    }

    /// Its library's name within the compiler.
    pub fn crate_name(&self) -> String {
        self.crate_name.replace('-', "_")
    }

    /// The entry with this name.
    pub fn named(name: &str) -> Option<&'static Facade> {
        FACADES.iter().find(|facade| facade.name == name)
    }

    /// It is one of insight's own crates, and no choice of the user's.
    pub fn is_own(&self) -> bool {
        self.package.starts_with("insight-") || self.crate_name == "insight"
    }

    /// The facade does not compile over a version so old.
    pub fn is_too_old(&self, version: &Version) -> bool {
        triple(version) < self.from
    }

    /// The facade was not tested over a version so new.
    pub fn is_newer(&self, version: &Version) -> bool {
        triple(version) > self.newest
    }
}

/// A version without its pre-release.
fn triple(version: &Version) -> Triple {
    (version.major, version.minor, version.patch)
}

/// A triple in words.
pub fn words((major, minor, patch): Triple) -> String {
    format!("{major}.{minor}.{patch}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// The versions in `insight_before = "VERSION"` below a folder.
    fn named(folder: &Path, versions: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named(&path, versions);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let versions_of_file = text.split("insight_before = \"").skip(1);
            versions.extend(versions_of_file.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }

    /// The manifest of a program in tests/programs.rs has these versions of all crates with a facade.
    fn assert_versions(manifest: &str, version_of: impl Fn(&Facade) -> Triple) {
        for facade in FACADES.iter().filter(|facade| !facade.is_own()) {
            let line = manifest.lines().find(|line| line.split(" = ").next() == Some(facade.name));
            let exact = format!("\"={}\"", words(version_of(facade)));
            assert!(line.is_some_and(|line| line.contains(&exact)), "{} {exact}: {line:?}", facade.name);
        }
    }

    #[test]
    fn the_oldest_and_the_newest_versions_have_a_test() {
        assert_versions(include_str!("../tests/versions/oldest.toml"), |facade| facade.from);
        assert_versions(include_str!("../tests/versions/newest.toml"), |facade| facade.newest);
    }

    #[test]
    fn thresholds_are_the_versions_that_a_facade_names() {
        let folder_of = |facade: &Facade| match facade.source {
            Source::Over { folder, .. } => Some(folder),
            Source::Instead(_) => None,
        };
        for folder in FACADES.iter().filter_map(folder_of) {
            let mut versions = BTreeSet::new();
            named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join("src"), &mut versions);
            versions.remove("VERSION");
            // insight-sync is three of them.
            let facades = FACADES.iter().filter(|facade| folder_of(facade) == Some(folder));
            let thresholds = facades.flat_map(|facade| facade.thresholds.iter().map(|version| (*version).to_owned()));
            assert_eq!(versions, thresholds.collect(), "{folder}");
        }
    }
}
