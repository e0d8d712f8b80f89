//! The measured programs: ours, and for each peer a program in a separate package outside of the workspace.

use crate::peer_tests::write;
use crate::process::{Result, cargo, root, target};
use crate::program::{self, Profile, executable};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

/// Our programs, by their binaries.
const OURS: [&str; 7] = [
    "bench-bare",
    "bench-insight",
    "bench-smol-bare",
    "bench-smol-insight",
    "bench-async-std-bare",
    "bench-async-std-insight",
    "bench-client",
];

/// A crate with a similar purpose as insight.
struct Peer {
    /// The binary.
    name: &'static str,
    /// The source file in `bench/peers`.
    source: &'static str,
    /// The dependencies that it needs in addition to the rows' dependencies.
    depends: &'static str,
    /// Features of tokio.
    tokio: &'static str,
    flags: &'static str,
}

const PEERS: [Peer; 4] = [
    Peer {
        name: "bench-console",
        source: "console.rs",
        depends: "console-subscriber = \"=0.5.0\"",
        tokio: "\"full\", \"tracing\"",
        flags: "--cfg tokio_unstable",
    },
    Peer {
        name: "bench-dial9",
        source: "dial9.rs",
        depends: "dial9 = { version = \"=0.5.7\", default-features = false, features = [\"tokio\"] }",
        tokio: "\"full\"",
        flags: "--cfg tokio_unstable",
    },
    Peer {
        name: "bench-tokio-metrics",
        source: "tokio_metrics.rs",
        depends: "tokio-metrics = \"=0.5.2\"",
        tokio: "\"full\"",
        flags: "",
    },
    // This is not a peer. But tokio needs the flag for it, too.
    Peer {
        name: "bench-layer",
        source: "layer.rs",
        depends: "insight = { package = \"wish4-async-insight\", path = \"ROOT/reference-server\" }\n\
                  insight-tracing = { path = \"ROOT/adapters/tracing\" }\n\
                  tracing = \"0.1.44\"\n\
                  tracing-subscriber = { version = \"0.3.23\", default-features = false, features = [\"registry\"] }",
        tokio: "\"full\", \"tracing\"",
        flags: "--cfg tokio_unstable",
    },
];

/// The paths of the built programs, by their names.
#[derive(Default)]
pub struct Programs(BTreeMap<&'static str, PathBuf>);

impl Programs {
    /// Builds our programs, and those peers that `names` contains.
    pub fn build(names: impl Iterator<Item = &'static str>) -> Result<Programs> {
        let names: BTreeSet<&str> = names.collect();
        let mut programs = all_of_ours()?;
        for peer in PEERS.iter().filter(|peer| names.contains(peer.name)) {
            programs.0.insert(peer.name, peer.build()?);
        }
        Ok(programs)
    }

    /// Builds only these of our programs, as a step of `cargo xtask test` together with its others.
    pub fn ours(names: &[&'static str]) -> Result<Programs> {
        let built = names.iter().map(|name| Ok((*name, program::build("insight-bench", name, Profile::Release)?)));
        built.collect::<Result<_>>().map(Programs)
    }

    /// The path of a program.
    pub fn path(&self, name: &str) -> &PathBuf {
        self.0.get(name).unwrap_or_else(|| panic!("{name} is not built: name it in `Programs::build`"))
    }
}

fn all_of_ours() -> Result<Programs> {
    println!("xtask: building insight-bench");
    let output = cargo()
        .args(["build", "--release", "--package", "insight-bench", "--bins"])
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let mut programs = Programs::default();
    for name in OURS {
        let program = executable(&output, name);
        programs.0.insert(name, program.ok_or(format!("cannot build {name}: correct what cargo names above"))?);
    }
    Ok(programs)
}

impl Peer {
    /// Writes a package around its source, and builds it in a folder of its own with its own flags.
    fn build(&self) -> Result<PathBuf> {
        println!("xtask: building {}", self.name);
        let folder = target().join("bench").join(self.name);
        let source = root().join("bench/peers").join(self.source);
        let source = fs::read_to_string(&source).map_err(|error| format!("{}: {error}", source.display()))?;
        write(&folder.join("main.rs"), &source.replace("ROOT", &root().display().to_string()))?;
        write(&folder.join("Cargo.toml"), &self.manifest())?;
        let output = cargo()
            .args(["build", "--release", "--message-format", "json-render-diagnostics", "--manifest-path"])
            .arg(folder.join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("RUSTFLAGS", self.flags)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cannot start cargo: {error}"))?;
        executable(&output, self.name).ok_or(format!("cannot build {}: see cargo's messages above", self.name))
    }

    fn manifest(&self) -> String {
        format!(
            "# Generated by `cargo xtask bench`.\n\n\
             [package]\nname = {:?}\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n\
             [[bin]]\nname = {:?}\npath = \"main.rs\"\n\n\
             [profile.release]\ndebug = \"line-tables-only\"\n\n\
             [dependencies]\n{}\n\
             http-body-util = \"0.1\"\n\
             hyper = {{ version = \"1.12\", features = [\"http1\", \"server\"] }}\n\
             hyper-util = {{ version = \"0.1\", features = [\"tokio\"] }}\n\
             libc = \"0.2\"\n\
             tokio = {{ version = {:?}, features = [{}] }}\n",
            self.name,
            self.name,
            self.depends.replace("ROOT", &root().display().to_string()),
            format!("={TOKIO}"),
            self.tokio
        )
    }
}

/// The version of tokio for the peers: the version in the lock file of the workspace.
const TOKIO: &str = "1.54.1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_use_the_tokio_of_the_workspace() {
        let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
        assert!(lock.contains(&format!("name = \"tokio\"\nversion = \"{TOKIO}\"\n")), "change TOKIO");
    }
}
