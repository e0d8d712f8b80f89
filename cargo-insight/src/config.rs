//! cargo's configuration, including the values of `--config`.

use crate::messages::Result;
use cargo_config2::{Config, ResolveOptions};
use std::ffi::OsString;
use std::fs;
use toml::{Table, Value};

/// The oldest compiler for insight's own crates.
const OLDEST: (u32, u32) = (1, 85);

/// Reads the configuration for the current folder. A value of `--config` overrides a variable, and a variable overrides a file:
/// so each value of `--config` is read as the variable for its key.
pub fn load(configs: &[String]) -> Result<Config> {
    let failed = |error: std::io::Error| format!("cannot find the current folder: {error}");
    let folder = std::env::current_dir().map_err(failed)?;
    let given = configs.iter().flat_map(|config| variables(config));
    let all = std::env::vars_os().chain(given.map(|(name, value)| (name.into(), value.into())));
    let options = ResolveOptions::default().env(all.collect::<Vec<(OsString, OsString)>>());
    Config::load_with_options(folder, options).map_err(|error| format!("cannot read cargo's configuration: {error}"))
}

/// The host's triple. An error if the compiler is too old.
pub fn host(config: &Config) -> Result<String> {
    let failed = |error| format!("cannot ask the compiler for its version: {error}");
    too_old(config.rustc_version().map_err(failed)?.major_minor())?;
    config.host_triple().map(str::to_owned).map_err(failed)
}

fn too_old(version: (u32, u32)) -> Result {
    let (major, minor) = OLDEST;
    match version < OLDEST {
        true => Err(format!(
            "rustc {}.{} is too old: insight's own crates need Rust {major}.{minor}. `cargo +{major}.{minor} insight` \
             uses another compiler of rustup",
            version.0, version.1
        )),
        false => Ok(()),
    }
}

/// The variables for a value of `--config`, which is a file or `KEY=VALUE`. Cargo reports text that is not TOML.
fn variables(config: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(config).unwrap_or_else(|_| config.to_owned());
    let mut found = Vec::new();
    collect("CARGO", &toml::from_str(&text).unwrap_or_default(), &mut found);
    found
}

fn collect(before: &str, table: &Table, found: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let name = format!("{before}_{}", key.to_uppercase().replace(['-', '.'], "_"));
        match value {
            Value::Table(table) => collect(&name, table, found),
            Value::String(text) => found.push((name, text.clone())),
            Value::Boolean(on) => found.push((name, on.to_string())),
            Value::Array(values) => {
                let words: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
                found.push((name, words.join(" ")));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_config_becomes_a_variable() {
        for (config, expect) in [
            ("build.rustc-wrapper='a b'", &[("CARGO_BUILD_RUSTC_WRAPPER", "a b")][..]),
            ("target.x86_64-a.runner=['b', 'c']", &[("CARGO_TARGET_X86_64_A_RUNNER", "b c")]),
            ("net.offline=true", &[("CARGO_NET_OFFLINE", "true")]),
            ("no toml", &[]),
        ] {
            let expect: Vec<_> = expect.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            assert_eq!(variables(config), expect, "{config}");
        }
    }

    #[test]
    fn an_older_compiler_is_refused() {
        assert_eq!(too_old((1, 85)), Ok(()));
        assert_eq!(too_old((2, 0)), Ok(()));
        assert!(too_old((1, 84)).unwrap_err().starts_with("rustc 1.84 is too old"));
    }
}
