//! The origin of the code in a frame, by its file and its function's crate.

use crate::environment::variable;
use crate::graph::folders;
use insight_protocol::FrameKind;

/// Crates that run a program's futures. Their frames do not help to find where a task waits.
const RUNTIMES: &[&str] = &[
    "async-executor",
    "async-global-executor",
    "async-io",
    "async-std",
    "async-task",
    "insight-async-std",
    "insight-probe",
    "insight-smol",
    "insight-sync",
    "insight-tokio",
    "smol",
    "tokio",
    "wish4-async-insight",
];
/// The crates of insight, which may be part of the program's workspace.
const OURS: &[&str] = &[
    "insight",
    "insight_async_std",
    "insight_event_listener",
    "insight_executor",
    "insight_flume",
    "insight_futures_channel",
    "insight_probe",
    "insight_smol",
    "insight_sync",
    "insight_task",
    "insight_tokio",
    "insight_tracing",
    "insight_want",
];

/// The crates that facades replace, by the beginning of the facade's paths. With `line-tables-only`, a path begins with the folder of
/// the facade.
const FACADES: &[(&str, &str)] = &[
    ("executor", "async_executor"),
    ("insight_async_std", "async_std"),
    ("insight_event_listener", "event_listener"),
    ("insight_executor", "async_executor"),
    ("insight_flume", "flume"),
    ("insight_futures_channel", "futures_channel"),
    ("insight_smol", "smol"),
    ("insight_sync::channel", "async_channel"),
    ("insight_sync::lock", "async_lock"),
    ("insight_task", "async_task"),
    ("insight_tokio", "tokio"),
    ("insight_want", "want"),
    ("sync::channel", "async_channel"),
    ("sync::lock", "async_lock"),
    ("task", "async_task"),
];

/// The path as the user of a facade knows it: `tokio::sync::Mutex::lock` of `insight_tokio::sync::Mutex::lock`.
pub(super) fn in_place_of(path: &str) -> Option<String> {
    let named = |facade: &str| path.strip_prefix(facade).filter(|rest| rest.is_empty() || rest.starts_with("::"));
    FACADES.iter().find_map(|(facade, replaced)| Some(format!("{replaced}{}", named(facade)?)))
}

/// Whether a crate is one of insight's.
pub(crate) fn is_of_insight(crate_name: &str) -> bool {
    OURS.contains(&crate_name)
}

/// The folders of the adapters that programs contain. A program may have a folder `adapters` of its own.
const ADAPTERS: &[&str] = &[
    "async-std",
    "event-listener",
    "executor",
    "flume",
    "futures-channel",
    "probe",
    "smol",
    "sync",
    "task",
    "tokio",
    "tracing",
    "want",
];

/// Whether a file belongs to insight, in a build where insight's source is beside the program's. The file is needed because
/// `line-tables-only` has no path for an inlined function, so its name lacks the crate.
pub(super) fn is_ours(file: &str) -> bool {
    let probe = insight_probe::SOURCE_FILE.replace('\\', "/");
    let Some(folder) = probe.strip_suffix("lib.rs") else { return false };
    let Some(adapters) = folder.strip_suffix("probe/src/") else { return file.contains(folder) };
    // The folder of each adapter is beside the folder of the probe.
    let inside = file.split_once(adapters).and_then(|(_, after)| after.split_once('/'));
    inside.is_some_and(|(adapter, inside)| ADAPTERS.contains(&adapter) && inside.starts_with("src/"))
        || adapters.strip_suffix("adapters/").is_some_and(|root| file.contains(&format!("{root}reference-server/src/")))
}

/// The probable module of a file: `tokio::sync::mpsc::bounded` for
/// `tokio-1.54.1/src/sync/mpsc/bounded.rs`.
pub(super) fn module(file: &str) -> Option<String> {
    let stem = file.strip_suffix(".rs")?;
    let (package, inside) = match stem.rsplit_once("/src/") {
        Some((before, inside)) => (Some(before.rsplit('/').next().unwrap_or(before)), inside),
        None => (None, stem.rsplit('/').next().unwrap_or(stem)),
    };
    let package = package.map(|package| without_version(package).replace('-', "_"));
    // A program of its own.
    let package = package.filter(|_| !inside.starts_with("bin/"));
    let inside = inside.split('/').filter(|part| !["lib", "main", "mod", "bin"].contains(part)).map(str::to_owned);
    Some(package.into_iter().chain(inside).collect::<Vec<_>>().join("::"))
}

/// The facts about a frame that its file shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) kind: FrameKind,
    pub(super) crate_name: Option<String>,
    /// The path to display. The path of a file of the program is not changed.
    pub(super) file: Option<String>,
}

/// The folders by which a file is the program's own.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// The folders of packages, each with a `/` at its end, and whether the package is the program's own. Deeper folders come
    /// first.
    folders: Vec<(String, bool)>,
}

impl Origins {
    pub(super) fn of_process() -> Origins {
        let named = variable("INSIGHT_SOURCE").and_then(|path| std::path::absolute(path).ok());
        let named = named.iter().filter_map(|path| Some((path.to_str()?, true)));
        Origins::of(named.chain(folders().iter().map(|it| (it.folder.as_str(), it.own))))
    }

    fn of<'f>(folders: impl Iterator<Item = (&'f str, bool)>) -> Origins {
        let with_end = |folder: &str| folder.replace('\\', "/").trim_end_matches('/').to_owned() + "/";
        let mut folders: Vec<(String, bool)> = folders.map(|(folder, own)| (with_end(folder), own)).collect();
        folders.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        Origins { folders }
    }

    /// The origin of a frame. A path that looks like the program's own may be in the folder of a dependency beside its workspace. And
    /// the folder of a package of the program may be anywhere, such as in a folder `vendor` or in cargo's registry.
    pub(super) fn origin(&self, file: Option<&str>, root: Option<&str>) -> Origin {
        let path = file.map(|file| file.replace('\\', "/"));
        let is_in = |folder: &str| path.as_deref().is_some_and(|path| path.starts_with(folder));
        let package = self.folders.iter().find(|(folder, _)| is_in(folder));
        let known = package.map_or("", |(folder, _)| folder.trim_end_matches('/'));
        let origin = origin(path, root, known.len());
        let Some(path) = origin.file.as_deref().filter(|_| origin.kind == FrameKind::Own) else { return origin };
        let Some((folder, _)) = package.filter(|(_, own)| !own) else { return origin };
        let name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let file = Some(format!("{name}/{}", &path[folder.len()..]));
        Origin { kind: library(name), crate_name: Some(root.unwrap_or(name).to_owned()), file }
    }
}

/// `root` is the first part of the function's path. The first `known` bytes of `path` are the folder of a known package, whose name says
/// nothing about the file.
fn origin(path: Option<String>, root: Option<&str>, known: usize) -> Origin {
    let named = |kind, name: &str, file: Option<String>| Origin { kind, crate_name: Some(name.to_owned()), file };
    let inside = path.as_deref().map(|path| &path[known..]);
    if let Some(path) = inside {
        // As in /rustc/<hash>/library/core/src, and in .../lib/rustlib/src/rust/library/core/src of the component rust-src.
        let standard = path.split_once("/library/");
        let is_root = |before: &str| before.starts_with("/rustc/") || before.ends_with("/rustlib/src/rust");
        if let Some((_, after)) = standard.filter(|(before, _)| is_root(before)) {
            let name = after.split('/').next().unwrap_or("std");
            return named(FrameKind::Runtime, name, Some(format!("library/{after}")));
        }
        // <index>/<name>-<version>/src/...
        if let Some((_, after)) = path.split_once("/registry/src/").and_then(|(_, after)| after.split_once('/')) {
            let folder = after.split('/').next().unwrap_or_default();
            let name = without_version(folder);
            return named(library(name), name, Some(after.to_owned()));
        }
        // <name>-<hash>/<revision>/...
        if let Some((_, after)) = path.split_once("/git/checkouts/") {
            let folder = after.split('/').next().unwrap_or_default();
            let name = folder.rsplit_once('-').map_or(folder, |(name, _)| name);
            return named(library(name), name, Some(after.to_owned()));
        }
        if let Some((_, after)) = path.split_once("/vendor/") {
            let name = without_version(after.split('/').next().unwrap_or_default());
            return named(library(name), name, Some(after.to_owned()));
        }
    }
    if inside.is_some_and(is_ours) {
        return named(FrameKind::Runtime, root.filter(|root| OURS.contains(root)).unwrap_or("insight"), path);
    }
    match root {
        Some(root) if OURS.contains(&root) => named(FrameKind::Runtime, root, path),
        Some(root @ ("std" | "core" | "alloc")) if path.is_none() => named(FrameKind::Runtime, root, None),
        Some("tokio") if path.is_none() => named(FrameKind::Runtime, "tokio", None),
        root if path.is_some() => Origin { kind: FrameKind::Own, crate_name: root.map(str::to_owned), file: path },
        root => Origin { kind: FrameKind::Unknown, crate_name: root.map(str::to_owned), file: None },
    }
}

fn library(name: &str) -> FrameKind {
    if RUNTIMES.contains(&name) { FrameKind::Runtime } else { FrameKind::Dependency }
}

/// `async-channel` of `async-channel-2.5.0`.
fn without_version(folder: &str) -> &str {
    let version = folder
        .match_indices('-')
        .find(|(at, _)| folder[at + 1..].starts_with(|character: char| character.is_ascii_digit()));
    version.map_or(folder, |(at, _)| &folder[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_is_derived_from_the_file() {
        let check = |file: &str, expect: &str| assert_eq!(module(file).as_deref(), Some(expect), "{file}");
        check("tokio-1.54.1/src/sync/mpsc/bounded.rs", "tokio::sync::mpsc::bounded");
        check("library/core/src/future/poll_fn.rs", "core::future::poll_fn");
        check("/home/u/my-app/src/main.rs", "my_app");
        check("/home/u/my-app/src/bin/tool.rs", "tool");
        check("/home/u/my-app/src/pool/mod.rs", "my_app::pool");
        check("examples/barbara.rs", "barbara");
        assert_eq!(module("a.c"), None);
    }

    #[test]
    fn function_of_a_facade_has_the_path_of_the_replaced_crate() {
        let check = |path: &str, expect: Option<&str>| assert_eq!(in_place_of(path).as_deref(), expect, "{path}");
        check("insight_tokio::sync::Mutex::lock", Some("tokio::sync::Mutex::lock"));
        check("insight_sync::lock::mutex::Lock", Some("async_lock::mutex::Lock"));
        check("insight_tokio", Some("tokio"));
        check("task::Task::poll", Some("async_task::Task::poll"));
        check("tokio::sync::Mutex::lock", None);
        check("insight_tokio_other::f", None);
        check("insight_probe::Observed::poll", None);
    }

    #[test]
    fn files_of_insight_are_recognized() {
        let probe = insight_probe::SOURCE_FILE;
        assert!(is_ours(probe) && is_ours(&format!("/x/{probe}")));
        assert!(!is_ours("/home/u/app/src/lib.rs"));
        let tokio = probe.replace("probe", "tokio");
        assert!(is_ours(&tokio.replace("lib.rs", "sync/mutex.rs")));
        assert!(!is_ours(&tokio.replace("src/lib.rs", "tests/trace.rs")));
        assert!(!is_ours(&probe.replace("probe", "postgres")), "an adapter of the program's own");
    }

    #[test]
    fn origin_is_derived_from_the_file_or_else_the_crate() {
        let check = |file: &str, root: &str, expect: &str| {
            let Origin { kind, crate_name, file: shown } = Origins::default()
                .origin(Some(file).filter(|file| !file.is_empty()), Some(root).filter(|root| !root.is_empty()));
            let actual = format!("{kind} {} {}", crate_name.as_deref().unwrap_or("-"), shown.as_deref().unwrap_or("-"));
            assert_eq!(actual, expect, "{file} {root}");
        };
        check("/app/src/main.rs", "app", "own app /app/src/main.rs");
        check("/app/src/main.rs", "", "own - /app/src/main.rs");
        check("/rustc/00ff/library/core/src/pin.rs", "core", "runtime core library/core/src/pin.rs");
        check("/x/lib/rustlib/src/rust/library/std/src/a.rs", "", "runtime std library/std/src/a.rs");
        check("/app/library/src/lib.rs", "app", "own app /app/library/src/lib.rs");
        let registry = "/home/u/.cargo/registry/src/index-6f17d22bba15001f";
        let inside = |path: &str| format!("{registry}/{path}");
        check(&inside("tokio-1.54.0/src/sync/mpsc.rs"), "tokio", "runtime tokio tokio-1.54.0/src/sync/mpsc.rs");
        check(&inside("async-channel-2.5.0/src/lib.rs"), "", "dependency async-channel async-channel-2.5.0/src/lib.rs");
        check(&inside("base-64-x-1.0.0-rc.1/a.rs"), "", "dependency base base-64-x-1.0.0-rc.1/a.rs");
        check("/c/git/checkouts/hyper-aa11/1f/src/lib.rs", "hyper", "dependency hyper hyper-aa11/1f/src/lib.rs");
        check("/app/vendor/hyper/src/lib.rs", "hyper", "dependency hyper hyper/src/lib.rs");
        check("/w/adapters/probe/src/wait.rs", "insight_probe", "runtime insight_probe /w/adapters/probe/src/wait.rs");
        check(r"C:\app\src\main.rs", "app", "own app C:/app/src/main.rs");
        check("", "core", "runtime core -");
        check("", "tokio", "runtime tokio -");
        check("", "app", "unknown app -");
        check("", "", "unknown - -");
    }

    #[test]
    fn own_path_may_be_in_the_folder_of_a_dependency() {
        let own =
            ["/w", "/w/crates/core", "/w/adapters/flume", "/vendor/shop", "/c/registry/src/index-0123/tool-1.0.0"];
        let folders = own.into_iter().map(|folder| (folder, true));
        let folders = folders.chain([("/w/third/forked", false), ("/beside/lib/", false), ("/w/adapters/want", false)]);
        let origins = Origins::of(folders);
        let check = |file: &str, root: &str, expect: &str| {
            let Origin { kind, crate_name, file: shown } = origins.origin(Some(file), Some(root));
            let actual = format!("{kind} {} {}", crate_name.as_deref().unwrap_or("-"), shown.as_deref().unwrap_or("-"));
            assert_eq!(actual, expect, "{file} {root}");
        };
        check("/w/src/main.rs", "app", "own app /w/src/main.rs");
        check("/w/vendor/a-1.0.0/src/lib.rs", "a", "dependency a a-1.0.0/src/lib.rs");
        check("/w/.cargo/registry/src/index-0123/a-1.0.0/src/lib.rs", "a", "dependency a a-1.0.0/src/lib.rs");
        check("/w/crates/core/src/lib.rs", "app_core", "own app_core /w/crates/core/src/lib.rs");
        check("/w/third/forked/src/lib.rs", "forked", "dependency forked forked/src/lib.rs");
        check("/beside/lib/src/lib.rs", "lib", "dependency lib lib/src/lib.rs");
        check("/beside/library/src/lib.rs", "library", "own library /beside/library/src/lib.rs");
        check("/rustc/00ff/library/core/src/pin.rs", "core", "runtime core library/core/src/pin.rs");
        check("/w/x/src/wait.rs", "insight_probe", "runtime insight_probe /w/x/src/wait.rs");
        // insight's own files have such a path.
        check("/w/adapters/flume/src/lib.rs", "flume", "own flume /w/adapters/flume/src/lib.rs");
        check("/w/adapters/want/src/lib.rs", "want", "dependency want want/src/lib.rs");
        let flume = format!("/w/target/{}", insight_probe::SOURCE_FILE.replace("probe", "flume"));
        check(&flume, "", &format!("runtime insight {flume}"));
        check("/vendor/shop/src/main.rs", "shop", "own shop /vendor/shop/src/main.rs");
        check("/vendor/shop/vendor/a-1.0.0/src/lib.rs", "a", "dependency a a-1.0.0/src/lib.rs");
        let tool = "/c/registry/src/index-0123/tool-1.0.0/src/main.rs";
        check(tool, "tool", &format!("own tool {tool}"));
    }
}
