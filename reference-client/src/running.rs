//! The programs of this user that run and have announced themselves.
//!
//! A program leaves its announcement behind when it ends. So we ask each announced address for its session, and remove the
//! file if there is another session or no answer.

use crate::connection::{Answer, who_answers};
use crate::text::clean;
use insight_protocol::announcement::{Announcement, MAX_BYTES, Unusable};
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Maximum number of announcements that we read in a folder: the youngest files.
const MAX_FILES: usize = 1000;
/// Maximum number of programs that we ask at the same time.
const AT_ONCE: usize = 32;

/// A program that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its announcement.
    pub announcement: Announcement,
    /// Whether it answers. A program that is stopped, such as by a debugger, does not.
    pub answers: bool,
}

/// The announcements in the folders.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// The programs, the youngest first.
    pub programs: Vec<Program>,
    /// The files and folders that were not used, with the reason for each.
    pub notes: Vec<String>,
}

/// Reads the folders of this user.
pub fn running() -> Running {
    look(&system::folders(), who_answers)
}

fn look(folders: &[PathBuf], ask: impl Fn(SocketAddr) -> Answer + Sync) -> Running {
    let mut found = Running::default();
    let mut announced = Vec::new();
    for folder in folders {
        match read_folder(folder, &mut found.notes) {
            Ok(more) => announced.extend(more),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => found.notes.push(note(folder, &error)),
        }
    }
    for part in announced.chunks(AT_ONCE) {
        let answers = std::thread::scope(|scope| {
            let asked: Vec<_> =
                part.iter().map(|(_, announcement)| scope.spawn(|| ask(announcement.address))).collect();
            asked.into_iter().map(|answer| answer.join().unwrap_or(Answer::Silence)).collect::<Vec<_>>()
        });
        for ((path, announcement), answer) in part.iter().zip(answers) {
            let answers = match answer {
                Answer::Session(session) if session == announcement.session => true,
                // r[announcement.stopped]
                Answer::Silence => false,
                Answer::Session(_) | Answer::Other | Answer::NoProgram => {
                    // A new program may have got the old one's process ID in between.
                    if read(path).is_ok_and(|now| now == *announcement) {
                        let _ = fs::remove_file(path);
                    }
                    continue;
                }
            };
            found.programs.push(Program { announcement: announcement.clone(), answers });
        }
    }
    found.programs.sort_by_key(|program| {
        (std::cmp::Reverse(program.announcement.started_unix_ms), program.announcement.process.pid)
    });
    found
}

type Announced = Vec<(PathBuf, Announcement)>;

fn read_folder(folder: &Path, notes: &mut Vec<String>) -> io::Result<Announced> {
    system::trust(folder, fs::Metadata::is_dir)?;
    let mut announced = Vec::new();
    let files = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().filter(|it| it.path().extension().is_some_and(|it| it == "json")));
    let modified = |entry: &fs::DirEntry| entry.metadata().and_then(|metadata| metadata.modified()).ok();
    let mut files: Vec<_> = files.map(|entry| (modified(&entry), entry.path())).collect();
    files.sort_unstable_by(|one, other| other.cmp(one));
    if files.len() > MAX_FILES {
        let more = files.len() - MAX_FILES;
        let text = format!("{more} older files in {} were not read; one may announce a program", folder.display());
        notes.push(clean(&text).into_owned());
        files.truncate(MAX_FILES);
    }
    for (_, path) in files {
        match read(&path) {
            Ok(announcement) => announced.push((path, announcement)),
            // Removed since by another consolation.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => notes.push(note(&path, &error)),
        }
    }
    Ok(announced)
}

fn read(path: &Path) -> io::Result<Announcement> {
    system::trust(path, fs::Metadata::is_file)?;
    let mut json = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut json)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Announcement::parse(&name, &json).map_err(unusable)
}

fn unusable(unusable: Unusable) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, unusable)
}

fn note(path: &Path, error: &io::Error) -> String {
    clean(&format!("{} is not used: {error}", path.display())).into_owned()
}

#[cfg(unix)]
mod system {
    use super::unusable;
    use insight_protocol::announcement::{self, Unusable};
    use std::fs::{self, Metadata};
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    fn user() -> u32 {
        // SAFETY: the call takes nothing, only returns a number, and never fails.
        unsafe { libc::geteuid() }
    }

    /// r[announcement.folder]: a program that was started elsewhere, such as by cron, may not have the variable.
    pub(super) fn folders() -> Vec<PathBuf> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        let own = std::env::temp_dir().join(format!("insight-{}", user()));
        runtime.map(|runtime| runtime.join("insight")).into_iter().chain([own]).collect()
    }

    /// r[announcement.private]
    pub(super) fn trust(path: &Path, is_right: fn(&Metadata) -> bool) -> io::Result<()> {
        let metadata = fs::symlink_metadata(path)?;
        if !is_right(&metadata) {
            return Err(unusable(Unusable::WrongType));
        }
        announcement::trust(metadata.uid(), user(), metadata.mode()).map_err(unusable)
    }
}

#[cfg(not(unix))]
mod system {
    use super::unusable;
    use insight_protocol::announcement::Unusable;
    use std::fs::{self, Metadata};
    use std::io;
    use std::path::{Path, PathBuf};

    /// r[announcement.folder]
    pub(super) fn folders() -> Vec<PathBuf> {
        vec![std::env::var_os("LOCALAPPDATA").map_or_else(std::env::temp_dir, PathBuf::from).join("insight")]
    }

    /// The folder is the user's own, and its access list is the system's default for such a folder.
    pub(super) fn trust(path: &Path, is_right: fn(&Metadata) -> bool) -> io::Result<()> {
        if is_right(&fs::symlink_metadata(path)?) { Ok(()) } else { Err(unusable(Unusable::WrongType)) }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use insight_protocol::{Clock, Process, StreamHeader, with};
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};

    /// A folder that is gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("consolation-{name}-{}", std::process::id()));
            fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
            Folder(path)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            path
        }

        fn announce(&self, pid: u32, port: u16, started_unix_ms: u64) -> PathBuf {
            let header = StreamHeader::new(format!("session {pid}"), Process::new(pid, "barbara"));
            let header = with!(header, clock = Clock::new(started_unix_ms));
            let announcement = Announcement::new(header, [], ([127, 0, 0, 1], port).into());
            self.write(&announcement.file_name(), &announcement.to_json())
        }

        fn look(&self, ask: impl Fn(SocketAddr) -> Answer + Sync) -> Running {
            look(std::slice::from_ref(&self.0), ask)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn a_program_is_found_among_many_stale_files() {
        let folder = Folder::new("stale");
        (1..=MAX_FILES as u32 + 5).for_each(|pid| drop(folder.announce(pid, 4, 1)));
        folder.announce(9999, 1, 2);
        let found = folder.look(|address| match address.port() {
            1 => Answer::Session("session 9999".to_owned()),
            _ => Answer::NoProgram,
        });
        let programs: Vec<_> = found.programs.iter().map(|it| it.announcement.process.pid).collect();
        assert_eq!(programs, [9999]);
        let note = format!("6 older files in {} were not read; one may announce a program", folder.0.display());
        assert_eq!(found.notes, [note]);
        // The stale files that were read are gone.
        assert_eq!(folder.look(|_| Answer::NoProgram).notes, [""; 0]);
    }

    #[test]
    fn only_programs_that_are_gone_are_removed() {
        let folder = Folder::new("gone");
        for pid in 1..=5 {
            folder.announce(pid, pid as u16, u64::from(10 - pid));
        }
        let found = folder.look(|address| match address.port() {
            1 => Answer::Session("session 1".to_owned()),
            2 => Answer::Session("session 1".to_owned()),
            3 => Answer::Other,
            4 => Answer::NoProgram,
            _ => Answer::Silence,
        });
        assert_eq!(found.notes, [""; 0]);
        let programs: Vec<_> = found.programs.iter().map(|it| (it.announcement.process.pid, it.answers)).collect();
        assert_eq!(programs, [(1, true), (5, false)]);
        let left: Vec<bool> = (1..=5).map(|pid| folder.0.join(format!("{pid}.json")).exists()).collect();
        assert_eq!(left, [true, false, false, false, true]);
    }

    #[test]
    fn the_youngest_program_is_first_and_many_are_all_found() {
        let folder = Folder::new("many");
        for pid in 1..=100 {
            folder.announce(pid, 1, u64::from(pid % 10));
        }
        let found = folder.look(|_| Answer::Silence);
        let pids: Vec<u32> = found.programs.iter().map(|program| program.announcement.process.pid).collect();
        assert_eq!(pids.len(), 100);
        assert_eq!(pids[..3], [9, 19, 29]);
    }

    #[test]
    fn a_file_that_a_new_program_has_replaced_stays() {
        let folder = Folder::new("replaced");
        folder.announce(7, 1, 1);
        let found = folder.look(|_| {
            folder.announce(7, 2, 2);
            Answer::NoProgram
        });
        assert_eq!(found.programs, []);
        assert!(folder.0.join("7.json").exists());
    }

    #[test]
    fn unusable_files_are_noted_and_left_alone() {
        let folder = Folder::new("unusable");
        let announced = folder.announce(1, 1, 1);
        let json = fs::read_to_string(&announced).unwrap();
        folder.write("2.json", &json);
        folder.write("a\x1b[31m\n.json", "{");
        folder.write("4.json", &" ".repeat(MAX_BYTES + 1));
        symlink(&announced, folder.0.join("5.json")).unwrap();
        fs::set_permissions(folder.announce(6, 6, 6), PermissionsExt::from_mode(0o620)).unwrap();
        fs::create_dir(folder.0.join("7.json")).unwrap();
        folder.write("8.tmp", "{");
        let mut found = folder.look(|_| Answer::Session("session 1".to_owned()));
        found.notes.sort();
        let at = folder.0.display();
        assert_eq!(
            found.notes,
            [
                format!("{at}/2.json is not used: it has the name of another process"),
                format!("{at}/4.json is not used: it is larger than 64 KiB"),
                format!("{at}/5.json is not used: it is a link, or of another type"),
                format!("{at}/6.json is not used: other users can open it"),
                format!("{at}/7.json is not used: it is a link, or of another type"),
                format!(
                    "{at}/a\u{fffd}[31m\u{fffd}.json is not used: it is malformed: EOF while parsing an object at line 1 \
                     column 1"
                ),
            ]
        );
        assert_eq!(found.programs.len(), 1);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 8);
    }

    #[test]
    fn a_folder_that_is_not_private_is_not_read() {
        let folder = Folder::new("open");
        folder.announce(1, 1, 1);
        fs::set_permissions(&folder.0, PermissionsExt::from_mode(0o750)).unwrap();
        let found = folder.look(|_| panic!("asked"));
        let at = folder.0.display();
        assert_eq!(found.notes, [format!("{at} is not used: other users can open it")]);
        let missing = look(&[folder.0.join("missing")], |_| panic!("asked"));
        assert_eq!(missing, Running::default());
    }
}
