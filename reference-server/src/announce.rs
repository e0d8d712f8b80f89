//! The announcement of this program to clients of the same user: a file in the user's runtime folder.
//!
//! consolation lists the programs from these files. The program leaves its file behind when it ends; the next program that
//! announces itself, and consolation, remove the files whose programs are gone.

use insight_protocol::StreamHeader;
use insight_protocol::announcement::{Announcement, MAX_BYTES};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Maximum number of announcements of other programs that one program checks.
const MAX_CHECKED: usize = 256;
/// Maximum time to connect. A running program on this machine accepts a connection immediately.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);

/// The folder for announcements. It is created if it is missing.
pub(crate) fn folder() -> io::Result<PathBuf> {
    let folder = system::folder();
    system::make_private(&folder)?;
    Ok(folder)
}

/// Writes the announcement atomically, and returns the files of the other announcements.
pub(crate) fn announce(folder: &Path, header: StreamHeader, address: SocketAddr) -> io::Result<Vec<PathBuf>> {
    let command = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let announcement = Announcement::new(header, command, address);
    let path = folder.join(announcement.file_name());
    let unfinished = path.with_extension("tmp");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    // r[announcement.private]
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // r[announcement.whole]
    let written = options.open(&unfinished).and_then(|mut file| {
        file.write_all(announcement.to_json().as_bytes())?;
        fs::rename(&unfinished, &path)
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    let others = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let others = others.filter(|other| *other != path && other.extension().is_some_and(|it| it == "json"));
    Ok(others.take(MAX_CHECKED).collect())
}

/// Removes the announcements of programs that are gone.
pub(crate) fn sweep(announcements: &[PathBuf]) {
    for path in announcements {
        let Some(before) = read(path) else { continue };
        // Another program may listen on the address now. Only a client can find that out.
        let gone = TcpStream::connect_timeout(&before.address, CONNECT_TIMEOUT)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        // A new program may have got the same process ID in between.
        if gone && read(path).is_some_and(|now| now == before) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The announcement in this file. `None` if the file is something else, which must not be removed.
fn read(path: &Path) -> Option<Announcement> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut json = Vec::new();
    File::open(path).ok()?.take(MAX_BYTES as u64 + 1).read_to_end(&mut json).ok()?;
    Announcement::parse(path.file_name()?.to_str()?, &json).ok()
}

#[cfg(unix)]
mod system {
    use insight_protocol::announcement::{Unusable, trust};
    use std::fs::{self, DirBuilder};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    use std::path::{Path, PathBuf};

    fn user() -> u32 {
        // SAFETY: the call has no arguments, returns a number and never fails.
        unsafe { libc::geteuid() }
    }

    /// r[announcement.folder]: after `su` the variable still names the other user's folder.
    pub(super) fn folder() -> PathBuf {
        let own = |path: &PathBuf| fs::metadata(path).is_ok_and(|it| it.is_dir() && it.uid() == user());
        let runtime =
            crate::environment::variable("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        match runtime.filter(own) {
            Some(runtime) => runtime.join("insight"),
            None => std::env::temp_dir().join(format!("insight-{}", user())),
        }
    }

    /// r[announcement.private]: if the parent folder is open to all users, another user may have created this folder first.
    pub(super) fn make_private(folder: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let metadata = fs::symlink_metadata(folder)?;
        let refuse = |unusable: Unusable| io::Error::new(io::ErrorKind::PermissionDenied, unusable);
        if !metadata.is_dir() {
            return Err(refuse(Unusable::WrongType));
        }
        trust(metadata.uid(), user(), metadata.mode()).map_err(refuse)
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;
    use std::path::{Path, PathBuf};

    /// r[announcement.folder]: each user has a separate folder on this system.
    pub(super) fn folder() -> PathBuf {
        crate::environment::variable("LOCALAPPDATA").map_or_else(std::env::temp_dir, PathBuf::from).join("insight")
    }

    pub(super) fn make_private(folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, header};
    use std::net::{Ipv4Addr, TcpListener};

    fn named(pid: u32) -> StreamHeader {
        let mut header = header();
        header.process.pid = pid;
        header
    }

    #[test]
    fn announcement_is_written_whole_and_stale_ones_are_removed() {
        let folder = Folder::new("announcements");
        let listener = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = |listener: &TcpListener| listener.local_addr().unwrap();
        let (ended, runs, own) = (listener(), listener(), listener());
        let (ended_address, runs_address) = (address(&ended), address(&runs));
        announce(&folder.0, named(1), ended_address).unwrap();
        announce(&folder.0, named(2), runs_address).unwrap();
        // Neither is an announcement, so both stay.
        fs::write(folder.0.join("3.json"), "{").unwrap();
        fs::write(folder.0.join("notes.txt"), "mine").unwrap();
        drop(ended);

        let mut others = announce(&folder.0, named(4), address(&own)).unwrap();
        others.sort();
        assert_eq!(others, ["1.json", "2.json", "3.json"].map(|name| folder.0.join(name)));
        sweep(&others);
        assert_eq!(folder.names(), ["2.json", "3.json", "4.json", "notes.txt"]);

        let json = fs::read(folder.0.join("4.json")).unwrap();
        let announcement = Announcement::parse("4.json", &json).unwrap();
        assert_eq!((announcement.address, announcement.session.as_str()), (address(&own), "test"));
        assert!(!announcement.command.is_empty());
        // The same process again, on another address: a reader that has the file open reads the old one to its end.
        let mut old = File::open(folder.0.join("4.json")).unwrap();
        announce(&folder.0, named(4), runs_address).unwrap();
        let mut same = Vec::new();
        old.read_to_end(&mut same).unwrap();
        assert_eq!(same, json);
        assert_eq!(read(&folder.0.join("4.json")).unwrap().address, runs_address);
    }

    #[cfg(unix)]
    #[test]
    fn folder_that_others_can_open_is_refused() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let parent = Folder::new("private");
        let folder = parent.0.join("insight");
        let check = |expect: &str| {
            let actual = match system::make_private(&folder) {
                Ok(()) => "private".to_owned(),
                Err(error) => error.to_string(),
            };
            assert_eq!(actual, expect);
        };
        check("private");
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        check("private");
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o770)).unwrap();
        check("other users can open it");
        fs::remove_dir(&folder).unwrap();
        fs::write(&folder, "").unwrap();
        check("it is a link, or of another type");
        fs::remove_file(&folder).unwrap();
        let target = parent.0.join("target");
        system::make_private(&target).unwrap();
        symlink(&target, &folder).unwrap();
        check("it is a link, or of another type");

        announce(&target, named(7), (Ipv4Addr::LOCALHOST, 1).into()).unwrap();
        let mode = fs::metadata(target.join("7.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = announce(&parent.0.join("missing"), named(7), (Ipv4Addr::LOCALHOST, 1).into()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
