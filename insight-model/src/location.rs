use insight_protocol::{LocationId, SourceLine, SourceLocation};

/// A place in the source, with its text if the producer found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Its id in the stream.
    pub id: LocationId,
    /// File, line and column.
    pub place: SourceLocation,
    /// The result of the producer's search for the line's text; `None` if it did not search.
    pub source: Option<SourceLine>,
}

impl Location {
    /// `src/main.rs:9`. For a library's file, the path begins with the library: `deadpool-0.12.1/src/lib.rs:9`.
    pub fn line(&self) -> String {
        line(&self.place)
    }

    /// The name of the library that the file belongs to, such as `deadpool`; `None` for a file of the program.
    pub fn library(&self) -> Option<&str> {
        let folder = in_library(&self.place.file)?.split(['/', '\\']).next()?;
        let is_version = |at: usize| folder[at + 1..].starts_with(|first: char| first.is_ascii_digit());
        let version = folder.match_indices('-').map(|(at, _)| at).find(|at| is_version(*at));
        // A folder of a repository ends with a hash.
        Some(&folder[..version.or_else(|| folder.rfind('-')).unwrap_or(folder.len())])
    }

    /// Whether both are in the same file. Producers may leave out cargo's own folders.
    pub(crate) fn is_in_file_of(&self, other: &Location) -> bool {
        short_file(&self.place.file) == short_file(&other.place.file)
    }
}

/// `src/main.rs:9`. Only the file if the line is unknown.
pub(crate) fn line(place: &SourceLocation) -> String {
    match place.line {
        0 => short_file(&place.file).to_owned(),
        line => format!("{}:{line}", short_file(&place.file)),
    }
}

/// A path for people: cargo's own folders are left out, so a library's path begins with the library.
pub fn short_file(file: &str) -> &str {
    in_library(file).unwrap_or(file)
}

/// The path inside of cargo's folder of libraries: `deadpool-0.12.1/src/lib.rs`.
fn in_library(file: &str) -> Option<&str> {
    let separated = |parts: [&str; 2]| {
        let after = |separator: char| {
            let folder = format!("{separator}{}{separator}{}{separator}", parts[0], parts[1]);
            file.split_once(&folder).map(|(_, after)| after)
        };
        after('/').or_else(|| after('\\'))
    };
    // <index>/<name>-<version>/src/...
    let registry = || separated(["registry", "src"])?.split_once(['/', '\\']).map(|(_, after)| after);
    registry().or_else(|| separated(["git", "checkouts"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_library_begins_with_the_library() {
        let check = |file: &str, expect: (&str, Option<&str>)| {
            let place = SourceLocation::new(file, 9, 5);
            let location = Location { id: LocationId(1), place, source: None };
            assert_eq!((location.line().as_str(), location.library()), expect, "{file}");
        };
        check("src/main.rs", ("src/main.rs:9", None));
        check("/home/u/registry/src/main.rs", ("/home/u/registry/src/main.rs:9", None));
        let pool = "/home/u/.cargo/registry/src/index.crates.io-6f17/dead-pool-0.12.1/src/lib.rs";
        check(pool, ("dead-pool-0.12.1/src/lib.rs:9", Some("dead-pool")));
        let pool = r"C:\u\.cargo\registry\src\index-6f17\deadpool-0.12.1\src\lib.rs";
        check(pool, (r"deadpool-0.12.1\src\lib.rs:9", Some("deadpool")));
        check("/c/git/checkouts/hyper-aa11/1f/src/lib.rs", ("hyper-aa11/1f/src/lib.rs:9", Some("hyper")));
        assert_eq!(line(&SourceLocation::new("src/main.rs", 0, 0)), "src/main.rs", "an odd producer");
    }
}
