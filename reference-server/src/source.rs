//! The program's source: the text of the lines that messages name, and the names of resources in the source.

mod built_from;
mod file;
mod reader;

use crate::name::derive;
use crate::producer::Producer;
use crate::trace::symbol::closing;
use file::{Candidate, Roots, Text};
use insight_model::resource_kind;
use insight_protocol::{
    DefineLocation, DefineString, LocationId, Message, ResourceCreated, SourceLine, SourceLocation, SourceStatus,
    StringId, TaskKind, with,
};
use reader::Reader;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::SystemTime;

/// Maximum size of the files that are kept while one batch of messages is processed, in bytes.
const MAX_KEPT_BYTES: usize = 32 << 20;
/// Maximum length of a line, in characters. A longer line is cut.
const MAX_LINE_CHARS: usize = 1000;

pub(crate) struct Sources {
    roots: Roots,
    reader: Reader,
    /// When the program was built.
    built: Option<SystemTime>,
    /// The name in the source of the resource that is created at a location.
    names: HashMap<LocationId, String>,
    /// Locations at which the unchanged source does not call `block_on`.
    not_block_on: HashSet<LocationId>,
    /// The names for which the stream has a string.
    strings: HashMap<String, StringId>,
    /// The files that the current batch of messages names. `None` for a file that cannot be read.
    files: HashMap<PathBuf, Option<File>>,
    kept_bytes: usize,
}

struct File {
    lines: Vec<String>,
    changed: bool,
}

impl Sources {
    pub(crate) fn new() -> Sources {
        let built = std::env::current_exe().ok().and_then(|path| path.metadata().ok()?.modified().ok());
        Sources::with(Roots::of_process(), built)
    }

    fn with(roots: Roots, built: Option<SystemTime>) -> Sources {
        Sources {
            roots,
            reader: Reader::new(),
            built,
            names: HashMap::new(),
            not_block_on: HashSet::new(),
            strings: HashMap::new(),
            files: HashMap::new(),
            kept_bytes: 0,
        }
    }

    /// Adds the source line to locations, and the name in the source to resources without a name.
    pub(crate) fn enrich(&mut self, mut messages: Vec<Message>, producer: &mut impl Producer) -> Vec<Message> {
        // The messages to insert, and the index of the message before which each goes. Usually there are none, while a batch may
        // have a message for each of a million tasks.
        let mut put: Vec<(usize, Message)> = Vec::new();
        for (at, message) in messages.iter_mut().enumerate() {
            match message {
                // Messages after this cannot refer to definitions before it.
                Message::SnapshotBegin(_) => {
                    self.names.clear();
                    self.not_block_on.clear();
                    self.strings.clear();
                }
                Message::DefineLocation(location) if location.source.is_none() => {
                    let compiled_in = producer.is_compiled_in(location.id);
                    self.locate(location, compiled_in);
                }
                // A `main` macro creates a call of `block_on` at the end of the function. The source has no such call.
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
        // A file that is needed later is read again. That is rare: few new locations appear after a program's first minutes.
        self.forget_files();
        self.reader.end_batch();
        messages
    }

    /// Forgets the files, and ends the thread that reads them. A file that is needed later is read again.
    pub(crate) fn rest(&mut self) {
        self.forget_files();
        self.reader = Reader::new();
    }

    /// The text of a line from the program's debug information.
    pub(crate) fn text_at(&mut self, location: &SourceLocation) -> SourceLine {
        let SourceLocation { file, line, column, .. } = location.clone();
        let mut location = DefineLocation::new(LocationId(1), file, line, column);
        self.locate(&mut location, true);
        location.source.unwrap_or(SourceLine::new(SourceStatus::Missing))
    }

    /// The type whose `impl` contains a line: the nearest `impl` above the line without indentation. `file` is a whole path.
    pub(crate) fn implementation_at(&mut self, file: &str, line: u32) -> Option<String> {
        let candidate = self.roots.candidates(file, true).into_iter().next()?;
        let file = self.file(&candidate)?;
        let above = file.lines.get(..usize::try_from(line).ok()?)?;
        // After the `}` of an `impl`, a function belongs to none.
        let begin =
            above.iter().rev().take_while(|line| !line.starts_with('}')).find(|line| line.starts_with("impl"))?;
        let rest = begin.strip_prefix("impl").filter(|rest| rest.starts_with(['<', ' ']))?;
        let rest = if rest.starts_with('<') { &rest[closing(rest)? + 1..] } else { rest };
        let of = rest.rsplit_once(" for ").map_or(rest, |(_, of)| of).trim_start_matches([' ', '&']);
        let end = of.find(|character: char| !(character.is_alphanumeric() || "_:".contains(character)));
        let of = &of[..end.unwrap_or(of.len())];
        Some(of).filter(|of| !of.is_empty()).map(str::to_owned)
    }

    /// The name of the function that contains a line: the nearest `fn` above the line with less indentation. `file` is a whole
    /// path.
    pub(crate) fn function_at(&mut self, file: &str, line: u32) -> Option<String> {
        let candidate = self.roots.candidates(file, true).into_iter().next()?;
        let file = self.file(&candidate)?;
        let above = file.lines.get(..usize::try_from(line).ok()?)?;
        let indent = |line: &str| line.len() - line.trim_start().len();
        let (last, above) = above.split_last()?;
        // The line itself is included, for a function of one line.
        let candidates = std::iter::once(last).chain(above.iter().rev().filter(|line| indent(line) < indent(last)));
        candidates.into_iter().find_map(|line| {
            let (before, name) = line.split_once("fn ")?;
            let is_word = |character: char| character.is_alphanumeric() || character == '_';
            let end = name.find(|character| !is_word(character)).unwrap_or(name.len());
            let begins = before.chars().next_back().is_none_or(char::is_whitespace) && !before.contains("//");
            (begins && end > 0 && name[end..].starts_with(['(', '<'])).then(|| name[..end].to_owned())
        })
    }

    fn locate(&mut self, location: &mut DefineLocation, compiled_in: bool) {
        let missing = SourceLine::new(SourceStatus::Missing);
        location.source = Some(missing);
        for candidate in self.roots.candidates(&location.file, compiled_in) {
            let Some((line, fits)) = self.line(&candidate, location.line, location.column) else { continue };
            let found = line.status == SourceStatus::Found;
            let first = location.source.as_ref().is_some_and(|source| source.text.is_none());
            if first || fits {
                location.source = Some(line);
            }
            if let Some(Some(file)) = self.files.get(&candidate.path).filter(|_| found) {
                let text = &file.lines[location.line as usize - 1];
                // The location of a method call is the begin of the method's name. That of a function call is the begin of its path.
                let called = text.chars().skip(location.column as usize - 1);
                let called: String = called.take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
                if !called.split("::").any(|part| part == "block_on") {
                    self.not_block_on.insert(location.id);
                }
                let name = derive(&file.lines, location.line, location.column);
                name.and_then(|name| self.names.insert(location.id, name));
            }
            if fits {
                return;
            }
        }
    }

    fn file(&mut self, candidate: &Candidate) -> Option<&File> {
        if !self.files.contains_key(&candidate.path) {
            let text = self.reader.read(candidate);
            let bytes = text.as_ref().map_or(0, |text| text.bytes);
            if self.kept_bytes + bytes > MAX_KEPT_BYTES {
                self.forget_files();
            }
            self.kept_bytes += bytes;
            let file = text.map(|text| File::new(text, self.built));
            self.files.insert(candidate.path.clone(), file);
        }
        self.files.get(&candidate.path)?.as_ref()
    }

    fn forget_files(&mut self) {
        self.files = HashMap::new();
        self.kept_bytes = 0;
    }

    /// The line of the file, and whether a token begins at the column. If none does, the file is not the one that was compiled.
    fn line(&mut self, candidate: &Candidate, line: u32, column: u32) -> Option<(SourceLine, bool)> {
        let file = self.file(candidate)?;
        let text = file.lines.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        let at = text.chars().nth(usize::try_from(column).ok()?.checked_sub(1)?);
        let fits = at.is_some_and(|character| !character.is_whitespace());
        let status = if fits && !file.changed { SourceStatus::Found } else { SourceStatus::Changed };
        let mut shown: String = text.chars().take(MAX_LINE_CHARS).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Some((with!(SourceLine::new(status), text = Some(shown)), fits))
    }

    fn name(
        &mut self,
        resource: &ResourceCreated,
        producer: &mut impl Producer,
        out: &mut Vec<Message>,
    ) -> Option<StringId> {
        if !resource_kind::of(&resource.kind).named_by_source {
            return None;
        }
        let name = self.names.get(&resource.location?)?;
        if let Some(id) = self.strings.get(name) {
            return Some(*id);
        }
        let before = out.len();
        let id = producer.intern(name, out);
        if out.len() == before {
            // The producer may have defined the string before this snapshot, so it is defined again.
            out.push(DefineString::new(id, name.clone()).into());
        }
        self.strings.insert(name.clone(), id);
        Some(id)
    }
}

impl File {
    fn new(text: Text, built: Option<SystemTime>) -> File {
        // If a time cannot be read, we assume that the file was changed after the build.
        let changed = !matches!((text.modified, built), (Some(modified), Some(built)) if modified <= built);
        File { lines: text.lines, changed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;
    use insight_protocol::{ResourceId, ResourceKind, TaskId, TaskSpawned};
    use std::time::Duration;

    /// A folder that is removed on drop.
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
        DefineLocation::new(LocationId(id), file, line, column).into()
    }

    fn resource(kind: ResourceKind, location: u64) -> Message {
        with!(ResourceCreated::new(ResourceId(1), kind, 1), location = Some(LocationId(location))).into()
    }

    #[test]
    fn locations_get_the_text_of_their_lines() {
        let folder = Folder::new("lines");
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let (before, after) = (built - Duration::from_secs(1), built + Duration::from_secs(1));
        folder.write("src/main.rs", b"fn main() {\r\n    run();\n}\n", before);
        folder.write("near/src/main.rs", b"//\n", before);
        folder.write("src/edited.rs", b"fn edited() {}\n", after);
        folder.write("src/latin.rs", b"fn \xe4() {}\n", before);
        folder.write("src/long.rs", "x".repeat(5000).as_bytes(), before);
        let large = std::fs::File::create(folder.0.join("src/large.rs")).unwrap();
        large.set_len(file::MAX_FILE_BYTES + 1).unwrap();

        let (mut script, _feed) = Script::new();
        let mut check = |file: &str, line: u32, column: u32, expect: &str| {
            let mut sources = Sources::with(Roots::at(&[folder.0.join("near"), folder.0.clone()]), Some(built));
            let messages = sources.enrich(vec![location(1, file, line, column)], &mut script);
            let Message::DefineLocation(location) = &messages[0] else { panic!("{messages:?}") };
            let source = location.source.as_ref().unwrap();
            let actual = format!("{} {}", source.status, source.text.as_deref().unwrap_or("-"));
            assert_eq!(actual, expect, "{file}:{line}:{column}");
        };
        check("src/main.rs", 1, 1, "found //");
        // The nearer file has no such line.
        check("src/main.rs", 2, 5, "found     run();");
        // The nearer file has no token at that column.
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
    fn location_from_a_string_gets_no_line_of_a_file_outside_the_source() {
        let folder = Folder::new("strings");
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        folder.write("src/main.rs", b"fn main() {}\n", built);
        folder.write("secret", b"a secret\n", built);
        std::fs::create_dir_all(folder.0.join("other/src")).unwrap();
        folder.write("other/Cargo.toml", b"", built);
        folder.write("other/src/lib.rs", b"fn other() {}\n", built);
        let (mut script, _feed) = Script::new();
        let mut sources = Sources::with(Roots::at(&[folder.0.join("src")]), Some(built));
        let other = folder.0.join("other/src/lib.rs");
        let mut check = |id: u64, file: &str, expect: Option<&str>| {
            let messages = sources.enrich(vec![location(id, file, 1, 1)], &mut script);
            let Message::DefineLocation(location) = &messages[0] else { panic!("{messages:?}") };
            assert_eq!(location.source.as_ref().unwrap().text.as_deref(), expect, "{id} {file}");
        };
        check(1, "main.rs", Some("fn main() {}"));
        check(100, "main.rs", Some("fn main() {}"));
        check(1, other.to_str().unwrap(), Some("fn other() {}"));
        check(100, other.to_str().unwrap(), None);
        for file in ["../secret", "/etc/passwd", "/proc/self/environ"] {
            check(100, file, None);
        }
    }

    #[test]
    fn function_is_the_nearest_one_above_the_line() {
        let folder = Folder::new("functions");
        let text =
            b"// fn no()\npub(crate) async fn first<T>(\n) {\n    fn inner() {}\n    wait();\n}\nfn second() {}\n";
        folder.write("src/main.rs", text, SystemTime::UNIX_EPOCH);
        let mut sources = Sources::with(Roots::at(std::slice::from_ref(&folder.0)), None);
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
    fn implementation_is_the_one_that_contains_the_line() {
        let folder = Folder::new("implementations");
        let text = b"impl<M: Into<A>, W: Fn() -> u8> Pool<M, W> {\n    fn get() {}\n}\nfn free() {}\nimpl<'a, T: for<'b> Fn(&'b T)> Future for Map<T>\n\
                     where\n{\n    fn poll() {}\n}\nimpl Plain {\n    fn of() {}\n}\nimplement!();\n";
        folder.write("src/main.rs", text, SystemTime::UNIX_EPOCH);
        let mut sources = Sources::with(Roots::at(std::slice::from_ref(&folder.0)), None);
        let path = folder.0.join("src/main.rs");
        let mut check = |line, expect| {
            assert_eq!(sources.implementation_at(path.to_str().unwrap(), line).as_deref(), expect, "{line}");
        };
        check(2, Some("Pool"));
        check(4, None);
        check(8, Some("Map"));
        check(11, Some("Plain"));
        check(13, None);
    }

    #[test]
    fn roots() {
        let folder = Folder::new("roots");
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        folder.write("src/main.rs", b"runtime.block_on(serve());\n    serve().await;\ntask::block_on(serve())", built);
        let (mut script, _feed) = Script::new();
        let mut check = |file: &str, line: u32, column: u32, kind: TaskKind, located: bool| {
            let mut sources = Sources::with(Roots::at(std::slice::from_ref(&folder.0)), Some(built));
            let root = with!(TaskSpawned::default(), id = TaskId(1), kind, location = Some(LocationId(1)));
            let messages = sources.enrich(vec![location(1, file, line, column), root.into()], &mut script);
            let Message::TaskSpawned(root) = &messages[1] else { panic!("{messages:?}") };
            assert_eq!(root.location.is_some(), located, "{file}:{line}:{column}");
        };
        check("src/main.rs", 1, 9, TaskKind::BlockOn, true);
        check("src/main.rs", 2, 18, TaskKind::BlockOn, false);
        check("src/main.rs", 3, 1, TaskKind::BlockOn, true);
        check("src/main.rs", 2, 18, TaskKind::Task, true);
        check("src/none.rs", 2, 18, TaskKind::BlockOn, true);
    }

    #[test]
    fn resources_get_names_from_unchanged_source() {
        let folder = Folder::new("names");
        let built = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        folder.write("src/main.rs", b"let jobs = Mutex::new(0);\n", built);
        folder.write("src/edited.rs", b"let jobs = Mutex::new(0);\n", built + Duration::from_secs(1));
        let (mut script, _feed) = Script::new();
        let mut sources = Sources::with(Roots::at(std::slice::from_ref(&folder.0)), Some(built));
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
        // A name from the program takes precedence. It comes with the resource, or in a later update.
        let mut given = resource(ResourceKind::Mutex, 1);
        if let Message::ResourceCreated(given) = &mut given {
            given.name = Some(StringId(7));
        }
        check(vec![given], "named 7");
        let update = with!(insight_protocol::ResourceUpdated::default(), id = ResourceId(1), name = Some(StringId(7)));
        check(vec![resource(ResourceKind::Mutex, 1), update.into()], "named 1001, updated to 7");
        // The producer still has the string, but a new snapshot does not refer to earlier definitions.
        let begin = with!(insight_protocol::SnapshotBegin::default(), at_ns = 1, resources = 1);
        check(
            vec![begin.into(), location(1, "src/main.rs", 1, 12), resource(ResourceKind::Mutex, 1)],
            "snapshot.begin, define.location, 1001=jobs, named 1001",
        );
    }
}
