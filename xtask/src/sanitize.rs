//! `cargo xtask sanitize`: the tests of each crate with unsafe code under the address sanitizer, which finds uses of freed
//! memory, and leaks.
//!
//! It is not part of `cargo xtask test`, since a sanitizer needs a nightly compiler.

use crate::fuzz::host;
use crate::packages;
use crate::peer_program::files;
use crate::process::{Result, read, root, succeeds, target};
use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Its tests run cargo, whose own builds would get the sanitizer's flags.
const LEFT_OUT: &str = "cargo-insight";

/// Its tests fork, and a child has leaked the memory of the threads that it lost. So leaks are not reported.
const FORKS: &str = "wish4-async-insight";

/// Leaks that are meant, by a function on their stack.
///
/// A poll that ends on another thread than its own leaks its task's cell, since a pointer to it may still be in use.
const SUPPRESSIONS: &str = "leak:a_poll_belongs_to_its_thread\n";

/// The begins of the names of tests that search the memory. The sanitizer keeps freed memory and has large maps of its own. So a search
/// takes minutes there, and finds values that were dropped.
const SEARCHES: [&str; 9] = [
    "guard_of_a_",
    "owned_guard_of_a_mutex",
    "mapped_guard_of_a_mutex",
    "join_handle_that_",
    "handle_of_a_task",
    "locks_in_arcs_are_proven",
    "a_join_handle_that_a_thread_has",
    "the_guard_of_a_leaked_lock",
    "detached_tasks_",
];

/// Runs the tests of each package.
pub fn run() -> Result {
    if !succeeds(Command::new("rustup").args(["run", "nightly", "cargo", "--version"])) {
        return Err("needs a nightly compiler: install one by `rustup toolchain install nightly`".to_owned());
    }
    let packages = with_unsafe_code()?;
    println!("xtask: crates with unsafe code: {}", packages.join(", "));
    let (forks, others): (Vec<&str>, Vec<&str>) =
        packages.iter().map(String::as_str).partition(|package| *package == FORKS);
    let done = [test(&others, true)?, test(&forks, false)?];
    if done == [true, true] { Ok(()) } else { Err("see the failed test or the sanitizer's report above".to_owned()) }
}

/// Runs the tests of these packages. Returns whether all passed.
fn test(packages: &[&str], leaks: bool) -> Result<bool> {
    let mut command = Command::new("rustup");
    command.current_dir(root()).args(["run", "nightly", "cargo", "test", "--all-features", "--no-fail-fast"]);
    let folder = target().join("sanitize");
    let suppressions = folder.join("suppressions.txt");
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&suppressions, SUPPRESSIONS));
    written.map_err(|error| format!("cannot write {}: {error}", suppressions.display()))?;
    // With a target named, the flag is not that of build scripts.
    command.args(["--target", &host()?]).args(packages.iter().flat_map(|package| ["--package", package]));
    command.arg("--").args(SEARCHES.iter().flat_map(|search| ["--skip", search]));
    for flags in ["RUSTFLAGS", "RUSTDOCFLAGS"] {
        command.env(flags, "-Zsanitizer=address");
    }
    command.env("ASAN_OPTIONS", format!("detect_leaks={}", u8::from(leaks)));
    command.env("LSAN_OPTIONS", format!("suppressions={}", suppressions.display())).env("CARGO_TARGET_DIR", folder);
    command.env_remove("RUSTC").env_remove("CARGO");
    let status = command.status().map_err(|error| format!("cannot start rustup: {error}"))?;
    Ok(status.success())
}

/// The published packages whose sources have the keyword `unsafe`, outside of comments and strings.
fn with_unsafe_code() -> Result<Vec<String>> {
    let mut packages = Vec::new();
    for (name, folder) in packages::folders()? {
        if name == LEFT_OUT {
            continue;
        }
        for source in files(&folder, Path::new("src"))? {
            let path = folder.join(source);
            if path.extension().is_some_and(|extension| extension == "rs") && has_unsafe(&read(&path)?) {
                packages.push(name);
                break;
            }
        }
    }
    Ok(packages)
}

fn has_unsafe(source: &str) -> bool {
    let mut start = 0;
    tokenize(source, FrontmatterAllowed::No).any(|token| {
        let text = &source[start..start + token.len as usize];
        start += token.len as usize;
        token.kind == TokenKind::Ident && text == "unsafe"
    })
}

#[cfg(test)]
mod tests {
    use super::has_unsafe;

    #[test]
    fn only_the_keyword_counts() {
        for (source, expect) in [
            ("fn f() { unsafe { g() } }", true),
            ("unsafe impl Send for A {}", true),
            ("// unsafe\nfn f() { \"unsafe\"; is_unsafe() }", false),
            ("#![forbid(unsafe_code)]", false),
        ] {
            assert_eq!(has_unsafe(source), expect, "{source}");
        }
    }
}
