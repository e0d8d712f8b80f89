//! Whose source a place is in, as far as its path says.

/// Whether a file is the standard library's: as it was compiled, or as rustc finds it where its source is installed.
///
/// A location is in such a file if the library calls a `#[track_caller]` function for the program, such as `Default::default`
/// within `Arc::default` or `unwrap_or_default`.
pub(crate) fn is_of_std(file: &str) -> bool {
    let file = file.replace('\\', "/");
    file.starts_with("/rustc/") || file.contains("/rustlib/src/rust/library/")
}

/// Whether a file may be the program's own: neither of the standard library, nor of a package that was fetched, nor of an
/// adapter.
pub(crate) fn is_of_program(file: &str) -> bool {
    let file = file.replace('\\', "/");
    let fetched = ["/registry/src/", "/git/checkouts/"].iter().any(|folder| file.contains(folder));
    // As this file's own path is given, so are those of the adapters beside the probe.
    let of_adapter = file!().strip_suffix("probe/src/origin.rs").is_some_and(|adapters| {
        let within = file.strip_prefix(&adapters.replace('\\', "/"));
        within.and_then(|path| path.split('/').nth(1)) == Some("src")
    });
    !(is_of_std(&file) || fetched || of_adapter)
}

#[cfg(test)]
mod tests {
    use super::{is_of_program, is_of_std};

    #[test]
    fn by_its_path() {
        let adapters = file!().strip_suffix("probe/src/origin.rs").unwrap();
        for own in ["src/main.rs", "/home/barbara/service/src/main.rs", "service\\src\\main.rs"] {
            assert!(is_of_program(own), "{own}");
        }
        assert!(is_of_program(&format!("{adapters}tokio/tests/seen.rs")));
        for other in [
            "/rustc/0123/library/core/src/future/future.rs",
            "/home/barbara/.rustup/toolchains/stable/lib/rustlib/src/rust/library/core/src/future/future.rs",
            "/home/barbara/.cargo/registry/src/mirror-0123/futures-util-0.3.31/src/future/select.rs",
            "C:\\Users\\Barbara\\.cargo\\git\\checkouts\\tokio-0123\\src\\lib.rs",
            &format!("{adapters}tokio/src/time/timeout.rs"),
            file!(),
        ] {
            assert!(!is_of_program(other), "{other}");
        }
        for (file, expect) in [
            ("/rustc/0123/library/alloc/src/sync.rs", true),
            ("/rustc/0123\\library\\alloc\\src\\sync.rs", true),
            ("/home/barbara/.rustup/toolchains/stable/lib/rustlib/src/rust/library/core/src/option.rs", true),
            ("C:\\rust\\lib\\rustlib\\src\\rust\\library\\core\\src\\option.rs", true),
            ("library/core/src/option.rs", false),
            ("/home/barbara/rustc/src/main.rs", false),
        ] {
            assert_eq!(is_of_std(file), expect, "{file}");
        }
    }
}
