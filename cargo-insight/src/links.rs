//! The names by which cargo calls this program.
//!
//! A compiler wrapper is a path without arguments, so for each role there is a link to this program.

use crate::messages::Result;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The task of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `cargo insight ...`.
    Command,
    /// The compiler wrapper of the user's build.
    Rustc,
    /// The compiler wrapper of the build of insight's own crates.
    OwnRustc,
    /// Starts a program that cargo has built.
    Runner,
    /// Becomes the program that the user's own runner starts.
    Mark,
}

const NAMES: [(Role, &str); 4] = [
    (Role::Rustc, "insight-rustc"),
    (Role::OwnRustc, "insight-own-rustc"),
    (Role::Runner, "insight-runner"),
    (Role::Mark, "insight-mark"),
];

/// The role of a process whose program was called by this path.
pub fn role(called: &Path) -> Role {
    let name = called.file_stem().unwrap_or_default();
    NAMES.iter().find(|(_, link)| name == *link).map_or(Role::Command, |(role, _)| *role)
}

/// The folder that contains the links.
#[derive(Clone, Debug)]
pub struct Links(PathBuf);

impl Links {
    /// Creates the links to this program in `folder`.
    pub fn make(folder: &Path) -> Result<Links> {
        let failed = |error| format!("cannot write {}: {error}", folder.display());
        let this = std::env::current_exe().map_err(|error| format!("cannot find cargo-insight itself: {error}"))?;
        fs::create_dir_all(folder).map_err(failed)?;
        for (_, name) in NAMES {
            let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            if !points_to(&path, &this) {
                remove(&path).and_then(|()| link(&this, &path)).map_err(failed)?;
            }
        }
        Ok(Links(folder.to_owned()))
    }

    /// The path that calls this program in a role.
    pub fn path(&self, role: Role) -> PathBuf {
        let (_, name) = NAMES.iter().find(|(of, _)| *of == role).expect("a role that cargo calls has a link");
        self.0.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn points_to(path: &Path, this: &Path) -> bool {
    fs::read_link(path).is_ok_and(|there| there == this)
}

#[cfg(unix)]
fn link(this: &Path, path: &Path) -> std::io::Result<()> {
    match std::os::unix::fs::symlink(this, path) {
        // Another `cargo insight` in this workspace has made the link meanwhile.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

#[cfg(not(unix))]
fn points_to(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn link(this: &Path, path: &Path) -> std::io::Result<()> {
    fs::copy(this, path).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_selects_the_role() {
        for (path, expect) in [
            ("/t/insight/bin/insight-rustc", Role::Rustc),
            ("insight-own-rustc", Role::OwnRustc),
            ("./insight-runner", Role::Runner),
            ("insight-mark.exe", Role::Mark),
            ("/home/a/.cargo/bin/cargo-insight", Role::Command),
            ("", Role::Command),
        ] {
            assert_eq!(role(Path::new(path)), expect, "{path}");
        }
    }
}
