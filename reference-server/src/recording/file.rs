//! Opens the file of a recording, without blocking and without overwriting the recording of another process.

use crate::signals;
use flate2::read::MultiGzDecoder;
use insight_protocol::{Decoded, Message, decode};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Maximum number of names with the process ID that are tried. A program that calls `exec` often uses many of them.
const MAX_NAMES: u32 = 1000;
/// Maximum size of a header that is read, in bytes.
const MAX_HEADER_BYTES: u64 = 64 << 10;

/// An open file, written from its start, to which no other process records.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) path: PathBuf,
    /// Notes for the user, one line each.
    pub(super) notes: Vec<String>,
}

/// Opens the file at `path`. If that file cannot be used, opens one beside it whose name begins with the process ID.
pub(super) fn open(path: &Path, pid: u32) -> io::Result<Opened> {
    signals::without_write_signals(|| {
        let taken = match open_at(path, pid)? {
            Found::Free(file, notes) => return Ok(Opened { file, path: path.to_owned(), notes }),
            Found::Taken(taken) => taken,
        };
        let name = path.file_name().unwrap_or_default();
        for number in 1..=MAX_NAMES {
            let mut own = OsString::from(if number == 1 { format!("{pid}-") } else { format!("{pid}-{number}-") });
            own.push(name);
            let own = path.with_file_name(own);
            match new_file(&own) {
                Ok(file) => {
                    let note = format!("{} is taken: {taken}", path.display());
                    return Ok(Opened { file, path: own, notes: vec![note] });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(
            ErrorKind::AlreadyExists,
            format!("{taken}, and {MAX_NAMES} names beside it are taken, too"),
        ))
    })
}

/// The outcome of locking a file. A lock lasts as long as the file is open.
#[cfg_attr(not(unix), expect(dead_code, reason = "a file is opened for this process alone"))]
enum Lock {
    Held,
    /// Another process holds the lock.
    Taken,
    /// The file system has no locks.
    Unsupported,
}

enum Found {
    Free(File, Vec<String>),
    /// The file is not used, for this reason.
    Taken(&'static str),
}

fn open_at(path: &Path, pid: u32) -> io::Result<Found> {
    match new_file(path) {
        Ok(file) => return Ok(Found::Free(file, Vec::new())),
        // Also the error for a link to a missing file, which is created below.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let Some(link) = system::link(path)? else { return Ok(Found::Taken("it is a link that another user has made")) };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    // With this flag, opening a pipe without a reader is an error and does not block. A link that has appeared since the check is
    // an error too.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, link | libc::O_NONBLOCK | libc::O_NOCTTY);
    #[cfg(not(unix))]
    let () = link;
    let file = options.open(path).map_err(explained)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        // A device, a terminal or a pipe has no content that we could overwrite.
        blocking(&file)?;
        return Ok(Found::Free(file, Vec::new()));
    }
    if !system::is_own(&metadata) {
        return Ok(Found::Taken("it belongs to another user"));
    }
    match system::lock(&file)? {
        Lock::Held => {}
        Lock::Taken => return Ok(Found::Taken("another process records to it")),
        Lock::Unsupported => {
            return Ok(Found::Taken("its file system has no locks, so another process may record to it"));
        }
    }
    if is_of_this_process(path, metadata.modified().ok(), pid) {
        return Ok(Found::Taken("this process has recorded to it before it called exec"));
    }
    file.set_len(0)?;
    let notes = system::make_private(&file, path, &metadata);
    Ok(Found::Free(file, notes))
}

/// Creates a new file, and locks it.
fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    let file = options.open(path)?;
    // Another process may have opened and locked the file in between.
    match system::lock(&file)? {
        Lock::Held | Lock::Unsupported => Ok(file),
        Lock::Taken => Err(ErrorKind::AlreadyExists.into()),
    }
}

/// r[file.private]
fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    // Other processes may read the file, but not write to it.
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(options, 1);
    #[cfg(not(any(unix, windows)))]
    let _ = options;
}

#[cfg(unix)]
fn explained(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(libc::ENXIO) {
        return io::Error::new(ErrorKind::NotConnected, "it is a pipe without a reader, or a socket");
    }
    error
}

#[cfg(not(unix))]
fn explained(error: io::Error) -> io::Error {
    error
}

/// Makes writes to a pipe block, which is allowed since a separate thread does them.
#[cfg(unix)]
fn blocking(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open as long as `file` is borrowed, and the calls take and return numbers.
    let set = unsafe {
        match libc::fcntl(file.as_raw_fd(), libc::F_GETFL) {
            -1 => -1,
            flags => libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags & !libc::O_NONBLOCK),
        }
    };
    if set == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(not(unix))]
fn blocking(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Whether this process wrote the recording before it called `exec`: that keeps the process ID, but releases the lock.
fn is_of_this_process(path: &Path, modified: Option<std::time::SystemTime>, pid: u32) -> bool {
    let Some(header) = header(path) else { return false };
    let Ok(Decoded::Message { message: Message::StreamHeader(header), .. }) = decode(&header) else { return false };
    // In containers, different programs may have the same process ID.
    let before_its_start = || modified.zip(system::started()).is_some_and(|(modified, started)| modified < started);
    header.process.pid == pid && !before_its_start()
}

/// The first line of a recording.
fn header(path: &Path) -> Option<String> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let gzip = file.fill_buf().ok()?.starts_with(&[0x1f, 0x8b]);
    let mut line = String::new();
    if gzip {
        BufReader::new(MultiGzDecoder::new(file).take(MAX_HEADER_BYTES)).read_line(&mut line).ok()?;
    } else {
        file.take(MAX_HEADER_BYTES).read_line(&mut line).ok()?;
    }
    Some(line)
}

#[cfg(unix)]
mod system {
    use super::Lock;
    use std::fs::{File, Metadata, Permissions};
    use std::io;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;
    use std::time::SystemTime;

    /// The mode bits that let other users open the file.
    const OTHERS: u32 = 0o077;

    /// Locks the file against other processes that record to it.
    pub(super) fn lock(file: &File) -> io::Result<Lock> {
        loop {
            // SAFETY: the descriptor is open as long as `file` is borrowed, and the call takes two numbers.
            if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
                return Ok(Lock::Held);
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EWOULDBLOCK) => return Ok(Lock::Taken),
                Some(libc::ENOLCK | libc::EOPNOTSUPP | libc::ENOSYS) => return Ok(Lock::Unsupported),
                _ => return Err(error),
            }
        }
    }

    /// Whether the file belongs to the effective user of this process.
    pub(super) fn is_own(metadata: &Metadata) -> bool {
        // SAFETY: the call takes nothing and returns a number.
        metadata.uid() == unsafe { libc::geteuid() }
    }

    /// The flag for opening the path. A link of this user is followed; a path that is no link must not become one. `None` if the
    /// path is a link of another user.
    pub(super) fn link(path: &Path) -> io::Result<Option<libc::c_int>> {
        let metadata = match std::fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(libc::O_NOFOLLOW)),
            Err(error) => return Err(error),
        };
        Ok(match metadata.is_symlink() {
            false => Some(libc::O_NOFOLLOW),
            // Links of root are followed too, such as `/dev/stdout`.
            true => (is_own(&metadata) || metadata.uid() == 0).then_some(0),
        })
    }

    /// Makes the file private to its owner, and returns a note if it was open to others.
    pub(super) fn make_private(file: &File, path: &Path, metadata: &Metadata) -> Vec<String> {
        let (mode, path) = (metadata.mode() & 0o7777, path.display());
        if mode & OTHERS == 0 {
            return Vec::new();
        }
        vec![match file.set_permissions(Permissions::from_mode(mode & !OTHERS)) {
            Ok(()) => format!("{path} was open to other users (mode {mode:o}); now only its owner can open it"),
            Err(error) => format!("other users can read {path} (mode {mode:o}), and this cannot be changed: {error}"),
        }]
    }

    /// The start of this process, or slightly earlier. `None` if it is unknown.
    pub(super) fn started() -> Option<SystemTime> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The program name is in parentheses, and may contain any character. The state, the third value, comes after it.
        let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
        // SAFETY: the call takes and returns a number.
        let per_second = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).ok().filter(|it| *it > 0)?;
        let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
        let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
        // Both are rounded down, to a tick and to a hundredth of a second.
        let age = uptime - ticks as f64 / per_second as f64 + 0.02;
        SystemTime::now().checked_sub(std::time::Duration::try_from_secs_f64(age.max(0.0)).ok()?)
    }
}

#[cfg(not(unix))]
mod system {
    use super::Lock;
    use std::fs::{File, Metadata};
    use std::io;
    use std::path::Path;
    use std::time::SystemTime;

    /// The file was opened so that no other process can write to it.
    pub(super) fn lock(_file: &File) -> io::Result<Lock> {
        Ok(Lock::Held)
    }

    pub(super) fn is_own(_metadata: &Metadata) -> bool {
        true
    }

    pub(super) fn link(_path: &Path) -> io::Result<Option<()>> {
        Ok(Some(()))
    }

    pub(super) fn make_private(_file: &File, _path: &Path, _metadata: &Metadata) -> Vec<String> {
        Vec::new()
    }

    pub(super) fn started() -> Option<SystemTime> {
        None
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::testing::{Folder, header};
    use insight_protocol::encode;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, SystemTime};

    const PID: u32 = 7;

    /// Writes a recording of the process `pid` that was last written at `modified`.
    fn write_recording(path: &Path, pid: u32, modified: SystemTime) {
        let mut header = header();
        header.process.pid = pid;
        std::fs::write(path, format!("{}\n", encode(1, &header.into()))).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
    }

    #[test]
    fn each_process_records_to_a_separate_file() {
        let folder = Folder::new("own-file");
        let path = folder.0.join("run.ndjson");
        let open = |expect: &str| {
            let mut opened = open(&path, PID).unwrap();
            assert_eq!(opened.path, folder.0.join(expect));
            opened.file.write_all(expect.as_bytes()).unwrap();
            opened
        };
        let first = open("run.ndjson");
        assert!(first.notes.is_empty());
        let second = open("7-run.ndjson");
        assert_eq!(second.notes, [format!("{} is taken: another process records to it", path.display())]);
        let _third = open("7-2-run.ndjson");
        drop(first);
        // No process holds the file any more, so it is overwritten.
        drop(open("run.ndjson"));
        for name in folder.names() {
            assert_eq!(std::fs::read_to_string(folder.0.join(&name)).unwrap(), name, "one process each");
        }
        assert_eq!(folder.names(), ["7-2-run.ndjson", "7-run.ndjson", "run.ndjson"]);
    }

    #[test]
    fn recording_of_this_process_before_exec_is_kept() {
        let folder = Folder::new("exec");
        let path = folder.0.join("run.ndjson");
        let check = |pid: u32, modified: SystemTime, kept: bool| {
            write_recording(&path, pid, modified);
            let opened = open(&path, PID).unwrap();
            assert_eq!(opened.path != path, kept, "{pid} {modified:?}");
            assert_eq!(std::fs::metadata(&path).unwrap().len() > 0, kept);
        };
        check(PID, SystemTime::now(), true);
        check(PID + 1, SystemTime::now(), false);
        // An earlier process had this ID, as in a container that was restarted.
        check(PID, SystemTime::now() - Duration::from_secs(365 * 24 * 3600), false);
    }

    #[test]
    fn file_or_link_of_another_user_is_not_used() {
        let folder = Folder::new("other-user");
        let (path, target) = (folder.0.join("run.ndjson"), folder.0.join("target"));
        let check = |expect: Option<&str>| {
            let opened = open(&path, PID).unwrap();
            let note = expect.map(|why| format!("{} is taken: {why}", path.display()));
            assert_eq!(opened.notes, Vec::from_iter(note));
            assert_eq!(opened.path == path, expect.is_none());
            drop(std::fs::remove_file(folder.0.join("7-run.ndjson")));
        };
        std::fs::write(&target, "").unwrap();
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        check(None);
        // SAFETY: the call takes nothing and returns a number.
        if unsafe { libc::geteuid() } != 0 {
            // Only root can give a file to another user.
            return;
        }
        let other = Some(65_534);
        std::os::unix::fs::lchown(&path, other, None).unwrap();
        check(Some("it is a link that another user has made"));
        std::fs::remove_file(&path).unwrap();
        std::fs::rename(&target, &path).unwrap();
        std::os::unix::fs::chown(&path, other, None).unwrap();
        check(Some("it belongs to another user"));
    }

    #[test]
    fn pipe_without_a_reader_is_an_error_and_does_not_block() {
        let folder = Folder::new("pipe");
        let path = folder.0.join("run.ndjson");
        let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: the name ends in a zero, and the call only reads it.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        assert_eq!(open(&path, PID).unwrap_err().to_string(), "it is a pipe without a reader, or a socket");
        let mut options = OpenOptions::new();
        options.read(true);
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
        let _reader = options.open(&path).unwrap();
        assert_eq!(open(&path, PID).unwrap().path, path);
    }

    #[test]
    fn file_that_others_can_open_becomes_private() {
        let folder = Folder::new("mode");
        let path = folder.0.join("run.ndjson");
        let check = |mode: u32, note: Option<&str>| {
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let opened = open(&path, PID).unwrap();
            let notes: Vec<String> = note.iter().map(|note| format!("{} {note}", path.display())).collect();
            assert_eq!(opened.notes, notes, "{mode:o}");
            assert_eq!(opened.file.metadata().unwrap().permissions().mode() & 0o777, mode & 0o700);
        };
        check(0o600, None);
        check(0o700, None);
        check(0o644, Some("was open to other users (mode 644); now only its owner can open it"));
        check(0o620, Some("was open to other users (mode 620); now only its owner can open it"));
    }

    #[test]
    fn header_of_a_compressed_file_is_read() {
        let folder = Folder::new("gzip-header");
        let path = folder.0.join("run.ndjson.gz");
        let mut gzip = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
        writeln!(gzip, "{}", encode(1, &header().into())).unwrap();
        // Cut off, as when the process is killed.
        gzip.flush().unwrap();
        assert!(is_of_this_process(&path, None, header().process.pid));
    }
}
