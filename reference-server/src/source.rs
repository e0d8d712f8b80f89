//! The program's source: the text of the lines that messages name, and the names that resources have there.

use crate::name::derive;
use crate::producer::Producer;
use insight_protocol::{
    DefineLocation, DefineString, LocationId, Message, ResourceCreated, ResourceKind, SourceLine, SourceLocation,
    SourceStatus, StringId, TaskKind,
};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file that is larger is not read.
const MAX_FILE_BYTES: u64 = 8 << 20;
/// A line that is longer is cut.
const MAX_LINE_CHARS: usize = 1000;

pub(crate) struct Sources {
    /// Where a relative path may start, the best first.
    roots: Vec<PathBuf>,
    /// When the program was built.
    built: Option<SystemTime>,
    /// What the source calls what is made at a location.
    names: HashMap<LocationId, String>,
    /// Locations at which the source, as it was built, does not call `block_on`.
    not_block_on: HashSet<LocationId>,
    /// The names that the stream has a string for.
    strings: HashMap<String, StringId>,
    /// The files that the messages at hand name; `None` for one that cannot be read.
    files: HashMap<PathBuf, Option<File>>,
}

struct File {
    lines: Vec<String>,
    changed: bool,
}

impl Sources {
    /// Compile-time paths are relative to the workspace. So after `INSIGHT_SOURCE` come the executable's directory and
    /// its ancestors, which hold `target/debug`, before the working directory and its own: a program that runs in
    /// another package's directory must not be shown that one's `src/main.rs`.
    pub(crate) fn new() -> Sources {
        let executable = std::env::current_exe().ok();
        let mut roots: Vec<PathBuf> = Vec::new();
        let mut add = |path: &Path| {
            if path.is_absolute() && !roots.iter().any(|root| root == path) {
                roots.push(path.to_owned());
            }
        };
        if let Some(named) = std::env::var_os("INSIGHT_SOURCE").and_then(|path| std::path::absolute(path).ok()) {
            add(&named);
        }
        executable.iter().flat_map(|path| path.ancestors().skip(1)).for_each(&mut add);
        std::env::current_dir().iter().flat_map(|path| path.ancestors()).for_each(&mut add);
        let built = executable.and_then(|path| path.metadata().ok()?.modified().ok());
        Sources::with(roots, built)
    }

    fn with(roots: Vec<PathBuf>, built: Option<SystemTime>) -> Sources {
        Sources {
            roots,
            built,
            names: HashMap::new(),
            not_block_on: HashSet::new(),
            strings: HashMap::new(),
            files: HashMap::new(),
        }
    }

    /// Adds to locations the text of their lines, and to resources that have no name the one that their source gives.
    pub(crate) fn enrich(&mut self, mut messages: Vec<Message>, producer: &mut impl Producer) -> Vec<Message> {
        // What is to be put in, and before which: seldom anything, and there may be a message of each of a million tasks.
        let mut put: Vec<(usize, Message)> = Vec::new();
        for (at, message) in messages.iter_mut().enumerate() {
            match message {
                // What was sent before is not referenced after.
                Message::SnapshotBegin(_) => {
                    self.names.clear();
                    self.not_block_on.clear();
                    self.strings.clear();
                }
                Message::DefineLocation(location) if location.source.is_none() => self.locate(location),
                // A `main` macro calls `block_on` at the end of what it was put on, where nobody wrote that.
                Message::TaskSpawned(task) if task.kind == TaskKind::BlockOn => {
                    task.location = task.location.filter(|location| !self.not_block_on.contains(location));
                }
                Message::ResourceCreated(resource) if resource.name.is_none() => {
                    let mut defined = Vec::new();
                    resource.name = self.name(resource, producer, &mut defined);
                    put.extend(defined.into_iter().map(|message| (at, message)));
                }
                _ => {}
            }
        }
        if !put.is_empty() {
            let mut put = put.into_iter().peekable();
            let mut merged = Vec::with_capacity(messages.len() + put.len());
            for (at, message) in messages.into_iter().enumerate() {
                merged.extend(
                    std::iter::from_fn(|| put.next_if(|(before, _)| *before == at)).map(|(_, message)| message),
                );
                merged.push(message);
            }
            messages = merged;
        }
        // Read again when it is needed again: few locations come after a program's first minutes.
        self.files.clear();
        messages
    }

    /// The text of a line that the program's debug information names.
    pub(crate) fn text_at(&mut self, location: &SourceLocation) -> SourceLine {
        let SourceLocation { file, line, column } = location.clone();
        let mut location = DefineLocation { id: LocationId(1), file, line, column, source: None };
        self.locate(&mut location);
        location.source.unwrap_or(SourceLine { status: SourceStatus::Missing, text: None })
    }

    /// The name of the function in which a line is: the nearest `fn` above it that is indented less; `file` is a whole path.
    pub(crate) fn function_at(&mut self, file: &str, line: u32) -> Option<String> {
        let (path, built) = (PathBuf::from(file), self.built);
        let file = self.files.entry(path.clone()).or_insert_with(|| File::read(&path, built)).as_ref()?;
        let above = file.lines.get(..usize::try_from(line).ok()?)?;
        let indent = |line: &str| line.len() - line.trim_start().len();
        let (last, above) = above.split_last()?;
        // A function of one line is its own.
        let candidates = std::iter::once(last).chain(above.iter().rev().filter(|line| indent(line) < indent(last)));
        candidates.into_iter().find_map(|line| {
            let (before, name) = line.split_once("fn ")?;
            let is_word = |character: char| character.is_alphanumeric() || character == '_';
            let end = name.find(|character| !is_word(character)).unwrap_or(name.len());
            let begins = before.chars().next_back().is_none_or(char::is_whitespace) && !before.contains("//");
            (begins && end > 0 && name[end..].starts_with(['(', '<'])).then(|| name[..end].to_owned())
        })
    }

    fn locate(&mut self, location: &mut DefineLocation) {
        let missing = SourceLine { status: SourceStatus::Missing, text: None };
        location.source = Some(missing);
        for index in 0..self.roots.len().max(1) {
            // An absolute path replaces the root.
            let path = self.roots.get(index).map_or_else(PathBuf::new, PathBuf::clone).join(&location.file);
            let absolute = Path::new(&location.file).is_absolute();
            if let Some((line, fits)) = self.line(&path, location.line, location.column) {
                let found = line.status == SourceStatus::Found;
                let first = location.source.as_ref().is_some_and(|source| source.text.is_none());
                if first || fits {
                    location.source = Some(line);
                }
                if let Some(Some(file)) = self.files.get(&path).filter(|_| found) {
                    let text = &file.lines[location.line as usize - 1];
                    let calls: String = text.chars().skip(location.column as usize - 1).take(8).collect();
                    if calls != "block_on" {
                        self.not_block_on.insert(location.id);
                    }
                    let name = derive(&file.lines, location.line, location.column);
                    name.and_then(|name| self.names.insert(location.id, name));
                }
                if fits {
                    return;
                }
            }
            if absolute {
                return;
            }
        }
    }

    /// The line of the file, and whether something begins at the column: if not, this is not what was compiled.
    fn line(&mut self, path: &Path, line: u32, column: u32) -> Option<(SourceLine, bool)> {
        let built = self.built;
        let file = self.files.entry(path.to_owned()).or_insert_with(|| File::read(path, built)).as_ref()?;
        let text = file.lines.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let at = text.chars().nth(usize::try_from(column).ok()?.checked_sub(1)?);
        let fits = at.is_some_and(|character| !character.is_whitespace());
        let status = if fits && !file.changed { SourceStatus::Found } else { SourceStatus::Changed };
        let mut shown: String = text.chars().take(MAX_LINE_CHARS).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Some((SourceLine { status, text: Some(shown) }, fits))
    }

    fn name(
        &mut self,
        resource: &ResourceCreated,
        producer: &mut impl Producer,
        out: &mut Vec<Message>,
    ) -> Option<StringId> {
        // A join that has no name is of a set, or of a task without one: what stands there is the set or the handle. A timer's
        // location is where it is waited for: the name there is the result's.
        if resource.kind == ResourceKind::Timer {
            return None;
        }
        let name = self.names.get(&resource.location?)?;
        if let Some(id) = self.strings.get(name) {
            return Some(*id);
        }
        let before = out.len();
        let id = producer.intern(name, out);
        if out.len() == before {
            // It was new to the producer once, but perhaps before the snapshot.
            out.push(DefineString { id, text: name.clone() }.into());
        }
        self.strings.insert(name.clone(), id);
        Some(id)
    }
}

impl File {
    fn read(path: &Path, built: Option<SystemTime>) -> Option<File> {
        let metadata = path.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return None;
        }
        let text = std::fs::read(path).ok()?;
        let lines = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
        // Of a time that cannot be read, nothing is known: it is not called the program's.
        let changed = !matches!((metadata.modified(), built), (Ok(modified), Some(built)) if modified <= built);
        Some(File { lines, changed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;
    use insight_protocol::{ResourceId, TaskId, TaskSpawned};
    use std::time::Duration;

    /// A folder that is gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("insight-{name}-{}", std::process::id()));
            std::fs::create_dir_all(path.join("near/src")).unwrap();
            std::fs::create_dir_all(path.join("src")).unwrap();
            Folder(path)
        }

        fn write(&self, file: &str, text: &[u8], modified: SystemTime) {
            let path = self.0.join(file);
            std::fs::write(&path, text).unwrap();
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }

    fn location(id: u64, file: &str, line: u32, column: u32) -> Message {
        DefineLocation { id: LocationId(id), file: file.to_owned(), line, column, source: None }.into()
    }

    fn resource(kind: ResourceKind, location: u64) -> Message {
        ResourceCreated {
            id: ResourceId(1),
            kind,
            name: None,
            location: Some(LocationId(location)),
            task: None,
            capacity: None,
            hand_off: None,
            closed_by_any: false,
            at_ns: 1,
        }
        .into()
    }

    #[test]
    fn lines() {
        let folder = Folder::new("lines");
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let (before, after) = (built - Duration::from_secs(1), built + Duration::from_secs(1));
        folder.write("src/main.rs", b"fn main() {\r\n    run();\n}\n", before);
        folder.write("near/src/main.rs", b"//\n", before);
        folder.write("src/edited.rs", b"fn edited() {}\n", after);
        folder.write("src/latin.rs", b"fn \xe4() {}\n", before);
        folder.write("src/long.rs", "x".repeat(5000).as_bytes(), before);
        let large = std::fs::File::create(folder.0.join("src/large.rs")).unwrap();
        large.set_len(MAX_FILE_BYTES + 1).unwrap();

        let (mut script, _feed) = Script::new();
        let mut check = |file: &str, line: u32, column: u32, expect: &str| {
            let mut sources = Sources::with(vec![folder.0.join("near"), folder.0.clone()], Some(built));
            let messages = sources.enrich(vec![location(1, file, line, column)], &mut script);
            let Message::DefineLocation(location) = &messages[0] else { panic!("{messages:?}") };
            let source = location.source.as_ref().unwrap();
            let actual = format!("{} {}", source.status, source.text.as_deref().unwrap_or("-"));
            assert_eq!(actual, expect, "{file}:{line}:{column}");
        };
        check("src/main.rs", 1, 1, "found //");
        // Not the nearer file, which has no such line.
        check("src/main.rs", 2, 5, "found     run();");
        // Not the nearer file, which has nothing at that column.
        check("src/main.rs", 1, 4, "found fn main() {");
        check("src/main.rs", 2, 1, "changed     run();");
        check("src/main.rs", 2, 80, "changed     run();");
        check("src/main.rs", 4, 1, "missing -");
        check("src/main.rs", 0, 0, "missing -");
        check("src/none.rs", 1, 1, "missing -");
        check("src", 1, 1, "missing -");
        check("src/large.rs", 1, 1, "missing -");
        check("src/edited.rs", 1, 1, "changed fn edited() {}");
        check("src/latin.rs", 1, 4, "found fn \u{fffd}() {}");
        check("src/long.rs", 1, 1, &format!("found {}…", "x".repeat(MAX_LINE_CHARS)));
        check("/rustc/0/library/core/src/lib.rs", 1, 1, "missing -");
        let absolute = folder.0.join("src/main.rs");
        check(absolute.to_str().unwrap(), 3, 1, "found }");
    }

    #[test]
    fn functions() {
        let folder = Folder::new("functions");
        let text =
            b"// fn no()\npub(crate) async fn first<T>(\n) {\n    fn inner() {}\n    wait();\n}\nfn second() {}\n";
        folder.write("src/main.rs", text, SystemTime::UNIX_EPOCH);
        let mut sources = Sources::with(Vec::new(), None);
        let path = folder.0.join("src/main.rs");
        let mut check = |line, expect| assert_eq!(sources.function_at(path.to_str().unwrap(), line).as_deref(), expect);
        check(0, None);
        check(1, None);
        check(4, Some("inner"));
        check(5, Some("first"));
        check(7, Some("second"));
        check(70, None);
    }

    #[test]
    fn roots() {
        let folder = Folder::new("roots");
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        folder.write("src/main.rs", b"runtime.block_on(serve());\n    serve().await;\n", built);
        let (mut script, _feed) = Script::new();
        let mut check = |file: &str, line: u32, column: u32, kind: TaskKind, located: bool| {
            let mut sources = Sources::with(vec![folder.0.clone()], Some(built));
            let root = TaskSpawned { id: TaskId(1), kind, location: Some(LocationId(1)), ..TaskSpawned::default() };
            let messages = sources.enrich(vec![location(1, file, line, column), root.into()], &mut script);
            let Message::TaskSpawned(root) = &messages[1] else { panic!("{messages:?}") };
            assert_eq!(root.location.is_some(), located, "{file}:{line}:{column}");
        };
        check("src/main.rs", 1, 9, TaskKind::BlockOn, true);
        check("src/main.rs", 2, 18, TaskKind::BlockOn, false);
        check("src/main.rs", 2, 18, TaskKind::Task, true);
        check("src/none.rs", 2, 18, TaskKind::BlockOn, true);
    }

    #[test]
    fn names() {
        let folder = Folder::new("names");
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        folder.write("src/main.rs", b"let jobs = Mutex::new(0);\n", built);
        folder.write("src/edited.rs", b"let jobs = Mutex::new(0);\n", built + Duration::from_secs(1));
        let (mut script, _feed) = Script::new();
        let mut sources = Sources::with(vec![folder.0.clone()], Some(built));
        let mut check = |messages: Vec<Message>, expect: &str| {
            let actual: Vec<String> = sources
                .enrich(messages, &mut script)
                .into_iter()
                .map(|message| match message {
                    Message::DefineString(string) => format!("{}={}", string.id, string.text),
                    Message::ResourceCreated(resource) => {
                        resource.name.map_or("unnamed".to_owned(), |name| format!("named {name}"))
                    }
                    Message::ResourceUpdated(resource) => {
                        resource.name.map_or("updated".to_owned(), |name| format!("updated to {name}"))
                    }
                    other => other.type_name().to_owned(),
                })
                .collect();
            assert_eq!(actual.join(", "), expect);
        };
        check(
            vec![location(1, "src/main.rs", 1, 12), location(2, "src/edited.rs", 1, 12)],
            "define.location, define.location",
        );
        check(vec![resource(ResourceKind::Mutex, 1)], "1001=jobs, named 1001");
        check(vec![resource(ResourceKind::Mutex, 1)], "named 1001");
        check(vec![resource(ResourceKind::Mutex, 2)], "unnamed");
        check(vec![resource(ResourceKind::Mutex, 3)], "unnamed");
        check(vec![resource(ResourceKind::Join, 1)], "named 1001");
        check(vec![resource(ResourceKind::Timer, 1)], "unnamed");
        // A name that the program gives wins: it comes with the resource, or after the source's.
        let mut given = resource(ResourceKind::Mutex, 1);
        if let Message::ResourceCreated(given) = &mut given {
            given.name = Some(StringId(7));
        }
        check(vec![given], "named 7");
        let update = insight_protocol::ResourceUpdated {
            id: ResourceId(1),
            name: Some(StringId(7)),
            ..insight_protocol::ResourceUpdated::default()
        };
        check(vec![resource(ResourceKind::Mutex, 1), update.into()], "named 1001, updated to 7");
        // The producer has the string, but the stream does not any more.
        let begin = insight_protocol::SnapshotBegin { at_ns: 1, tasks: 0, resources: 1, edges: 0, problems: 0 };
        check(
            vec![begin.into(), location(1, "src/main.rs", 1, 12), resource(ResourceKind::Mutex, 1)],
            "snapshot.begin, define.location, 1001=jobs, named 1001",
        );
    }
}
