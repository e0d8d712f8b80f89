//! Files of the program's source: the rules for reading them.
//!
//! All clients see the lines, and other users of the machine can be clients. So we read only source files of the program: regular
//! files below a source folder, whose owner the program trusts already. A link out of such a folder is not followed.

use super::built_from::BuiltFrom;
use crate::environment::variable;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Maximum size of a file that is read, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 8 << 20;
/// The file that marks a source folder.
const MANIFEST: &str = "Cargo.toml";

/// Source folders, and their trusted owners.
#[derive(Clone, Debug, Default)]
pub(super) struct Roots {
    /// The folder that the user has named. A relative path may start there.
    named: Option<Root>,
    /// Other folders in which a relative path may start, in order of preference.
    found: Vec<Root>,
    /// The files from which the executable was built. `None` if they are unknown.
    built_from: Option<BuiltFrom>,
    /// The source folders of dependencies, whose paths are always absolute.
    absolute: Vec<Root>,
    owners: Vec<u32>,
}

/// A source folder.
#[derive(Clone, Debug)]
struct Root {
    path: PathBuf,
    /// The same path with all links resolved.
    real: PathBuf,
}

impl Root {
    fn new(path: &Path) -> Option<Root> {
        Some(Root { path: path.to_owned(), real: path.canonicalize().ok()? })
    }
}

/// A file that may be read if its resolved path is below the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    root: PathBuf,
    owners: Vec<u32>,
}

impl Roots {
    /// Compile-time paths are relative to the workspace. The order is: `INSIGHT_SOURCE`, the executable's directory with its
    /// ancestors (the workspace contains `target/debug`), then the working directory with its ancestors. The executable comes
    /// first because a program may run in the directory of another package, whose `src/main.rs` would be wrong. An ancestor
    /// counts only if it has a manifest and no other user can write to it. Workspaces may share a target folder, so outside of
    /// `INSIGHT_SOURCE` the file must be one from which the executable was built, if these are known.
    pub(super) fn of_process() -> Roots {
        let executable = std::env::current_exe().ok();
        let named = variable("INSIGHT_SOURCE").and_then(|path| std::path::absolute(path).ok());
        let folders = executable.iter().flat_map(|path| path.ancestors().skip(1).map(Path::to_owned));
        let working = std::env::current_dir().ok();
        let working = working.iter().flat_map(|path| path.ancestors().map(Path::to_owned));
        let mut owners = system::own_owners();
        // We trust these owners already: the program runs their file, or its user has named their folder.
        owners.extend([&executable, &named].into_iter().flatten().filter_map(|path| system::owner(path)));
        let mut roots = Roots { owners, ..Roots::default() };
        roots.named = named.as_deref().and_then(Root::new);
        roots.built_from = executable.as_deref().and_then(BuiltFrom::of);
        for root in folders.chain(working).filter_map(|path| roots.with_manifest(&path)).collect::<Vec<_>>() {
            if !roots.found.iter().any(|known| known.path == root.path) {
                roots.found.push(root);
            }
        }
        let home = variable("HOME").map(|home| Path::new(&home).join(".cargo"));
        if let Some(cargo) = variable("CARGO_HOME").map(PathBuf::from).or(home).filter(|it| it.is_absolute()) {
            let folders = [cargo.join("registry/src"), cargo.join("git/checkouts")];
            let trusted = folders.iter().filter(|folder| system::is_trusted(folder, &roots.owners));
            roots.absolute = trusted.filter_map(|folder| Root::new(folder)).collect();
        }
        roots
    }

    #[cfg(test)]
    pub(super) fn at(folders: &[PathBuf]) -> Roots {
        let found = folders.iter().filter_map(|folder| Root::new(folder)).collect();
        Roots { found, owners: system::own_owners(), ..Roots::default() }
    }

    fn with_manifest(&self, folder: &Path) -> Option<Root> {
        let is_source = folder.join(MANIFEST).is_file() && system::is_trusted(folder, &self.owners);
        is_source.then(|| Root::new(folder))?
    }

    /// The files that this path may name, in order of preference. `compiled_in`: the path is from the program's code, not from a
    /// string at run time.
    pub(super) fn candidates(&self, file: &str, compiled_in: bool) -> Vec<Candidate> {
        let file = Path::new(file);
        // A string at run time may come from a request; a path in the program's code cannot.
        if !compiled_in && file.extension().is_none_or(|extension| extension != "rs") {
            return Vec::new();
        }
        let candidate =
            |path: PathBuf, root: &Root| Candidate { path, root: root.real.clone(), owners: self.owners.clone() };
        let in_package = |path: &Path| path.ancestors().skip(1).find_map(|folder| self.with_manifest(folder));
        if !file.is_absolute() {
            let mut candidates: Vec<Candidate> =
                self.named.iter().map(|root| candidate(root.path.join(file), root)).collect();
            let in_roots = self.found.iter().map(|root| candidate(root.path.join(file), root));
            match &self.built_from {
                None => candidates.extend(in_roots),
                Some(built_from) => {
                    let path = built_from.path_of(file);
                    candidates.extend(path.and_then(|path| Some(candidate(path.to_owned(), &in_package(path)?))));
                }
            }
            return candidates;
        }
        let roots = self.named.iter().chain(&self.found).chain(&self.absolute);
        let known = roots.into_iter().find(|root| file.starts_with(&root.path)).cloned();
        let found = known.or_else(|| compiled_in.then(|| in_package(file))?);
        found.iter().map(|root| candidate(file.to_owned(), root)).collect()
    }
}

/// The lines of a file, and the time of its last change.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) lines: Vec<String>,
    pub(super) bytes: usize,
    pub(super) modified: Option<SystemTime>,
}

/// Reads the file if the rules allow it. Blocks as long as the disk does.
pub(super) fn read(candidate: &Candidate) -> Option<Text> {
    let real = candidate.path.canonicalize().ok()?;
    if !real.starts_with(&candidate.root) {
        return None;
    }
    let file = system::open(&real)?;
    let metadata = file.metadata().ok()?;
    let allowed = metadata.is_file()
        && metadata.len() <= MAX_FILE_BYTES
        && system::may_be_read(&file, &metadata, &candidate.owners)
        // A link may have replaced the file before it was opened.
        && system::is_at(&metadata, &real);
    if !allowed {
        return None;
    }
    let mut text = Vec::new();
    // Not more than the stated length. An endless file states 0.
    file.take(metadata.len()).read_to_end(&mut text).ok()?;
    let lines = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
    Some(Text { lines, bytes: text.len(), modified: metadata.modified().ok() })
}

#[cfg(unix)]
mod system {
    use std::fs::{File, Metadata};
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    use std::path::Path;

    /// The mode bit that lets all users write.
    const BY_ALL: u32 = 0o002;

    /// The program's user, and root.
    pub(super) fn own_owners() -> Vec<u32> {
        // SAFETY: the call has no arguments, returns a number and never fails.
        vec![unsafe { libc::geteuid() }, 0]
    }

    pub(super) fn owner(path: &Path) -> Option<u32> {
        Some(path.metadata().ok()?.uid())
    }

    /// Whether only trusted users can have written the content of the folder.
    pub(super) fn is_trusted(folder: &Path, owners: &[u32]) -> bool {
        folder.metadata().is_ok_and(|it| it.is_dir() && owners.contains(&it.uid()) && it.mode() & BY_ALL == 0)
    }

    /// Opens the file. Does not block on a pipe, and follows no link.
    pub(super) fn open(real: &Path) -> Option<File> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
        File::options().read(true).custom_flags(flags).open(real).ok()
    }

    pub(super) fn may_be_read(file: &File, metadata: &Metadata, owners: &[u32]) -> bool {
        owners.contains(&metadata.uid()) && is_on_disk(file)
    }

    /// Whether the path still names this file, and is no link.
    pub(super) fn is_at(metadata: &Metadata, real: &Path) -> bool {
        let same = |it: Metadata| (it.dev(), it.ino()) == (metadata.dev(), metadata.ino());
        real.canonicalize().is_ok_and(|now| now == real) && real.symlink_metadata().is_ok_and(same)
    }

    /// Whether the file has stored content. Reading a file without it may block or have side effects.
    #[cfg(target_os = "linux")]
    fn is_on_disk(file: &File) -> bool {
        use std::os::fd::AsRawFd;
        let mut found = std::mem::MaybeUninit::<libc::statfs>::uninit();
        // SAFETY: the descriptor is open as long as `file` is borrowed, and the pointer is to memory for the answer.
        if unsafe { libc::fstatfs(file.as_raw_fd(), found.as_mut_ptr()) } != 0 {
            return false;
        }
        // SAFETY: the call has succeeded, so it has written the whole answer.
        let kind = unsafe { found.assume_init() }.f_type as u32;
        !VIRTUAL.contains(&kind)
    }

    #[cfg(not(target_os = "linux"))]
    fn is_on_disk(_file: &File) -> bool {
        true
    }

    /// File systems whose content the kernel generates on each read, by their numbers in linux/magic.h: proc, sysfs, debugfs,
    /// tracefs, securityfs, cgroup and cgroup2, bpf, devpts, selinux, smack, resctrl, xenfs, nsfs, configfs, efivarfs, pstore,
    /// binfmt_misc, fusectl, mqueue.
    #[cfg(target_os = "linux")]
    const VIRTUAL: [u32; 20] = [
        0x9fa0,
        0x6265_6572,
        0x6462_6720,
        0x7472_6163,
        0x7363_6673,
        0x0027_e0eb,
        0x6367_7270,
        0xcafe_4a11,
        0x1cd1,
        0xf97c_ff8c,
        0x4341_5d53,
        0x0765_5821,
        0xabba_1974,
        0x6e73_6673,
        0x6265_6570,
        0xde5e_81e4,
        0x6165_676c,
        0x4249_4e4d,
        0x6573_5543,
        0x1980_0202,
    ];
}

#[cfg(not(unix))]
mod system {
    use std::fs::{File, Metadata};
    use std::path::Path;

    pub(super) fn own_owners() -> Vec<u32> {
        Vec::new()
    }

    pub(super) fn owner(_path: &Path) -> Option<u32> {
        None
    }

    pub(super) fn is_trusted(folder: &Path, _owners: &[u32]) -> bool {
        folder.is_dir()
    }

    pub(super) fn open(real: &Path) -> Option<File> {
        File::open(real).ok()
    }

    pub(super) fn may_be_read(_file: &File, _metadata: &Metadata, _owners: &[u32]) -> bool {
        true
    }

    pub(super) fn is_at(_metadata: &Metadata, real: &Path) -> bool {
        real.canonicalize().is_ok_and(|now| now == real)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::testing::Folder;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_source_files_are_read() {
        let folder = Folder::new("source-file");
        let at = |name: &str| folder.0.join(name);
        for name in ["work/src", "elsewhere", "open", "cargo/src"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for name in
            ["work/src/main.rs", "work/.env", "elsewhere/key", "elsewhere/key.rs", "open/main.rs", "cargo/src/lib.rs"]
        {
            fs::write(at(name), name).unwrap();
        }
        for name in ["work", "open", "cargo"] {
            fs::write(at(name).join(MANIFEST), "").unwrap();
        }
        fs::set_permissions(at("open"), fs::Permissions::from_mode(0o777)).unwrap();
        symlink(at("elsewhere/key"), at("work/src/link.rs")).unwrap();
        symlink(at("elsewhere"), at("work/linked")).unwrap();
        symlink(at("work/src/main.rs"), at("work/src/inner.rs")).unwrap();
        symlink("/proc/self/environ", at("work/src/environ.rs")).unwrap();
        let name = std::ffi::CString::new(at("work/src/pipe.rs").to_str().unwrap()).unwrap();
        // SAFETY: the name ends in a zero, and the call only reads it.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        fs::File::create(at("work/src/large.rs")).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();

        let roots = Roots::at(&[at("work")]);
        let check = |file: &str, compiled_in: Option<&str>, run_time: Option<&str>| {
            for (is_compiled_in, expect) in [(true, compiled_in), (false, run_time)] {
                let text = roots.candidates(file, is_compiled_in).iter().find_map(read);
                let actual = text.map(|text| text.lines.concat());
                assert_eq!(actual.as_deref(), expect, "{file} {is_compiled_in}");
            }
        };
        let absolute = |name: &str| at(name).to_str().unwrap().to_owned();
        let main = Some("work/src/main.rs");
        check("src/main.rs", main, main);
        check("src/inner.rs", main, main);
        check(&absolute("work/src/main.rs"), main, main);
        check("src/../src/main.rs", main, main);
        for file in
            ["src", "src/none.rs", "src/large.rs", "src/pipe.rs", "src/link.rs", "src/environ.rs", "linked/key.rs"]
        {
            check(file, None, None);
        }
        check("../elsewhere/key.rs", None, None);
        check(&absolute("work/../elsewhere/key.rs"), None, None);
        check(&absolute("elsewhere/key.rs"), None, None);
        for file in ["/etc/passwd", "/proc/self/environ", "/dev/zero", "/dev/zero.rs", "/"] {
            check(file, None, None);
        }
        // Only a compiled-in path can name the source of a dependency.
        check(&absolute("cargo/src/lib.rs"), Some("cargo/src/lib.rs"), None);
        // All users can write to this folder.
        check(&absolute("open/main.rs"), None, None);
        check(".env", Some("work/.env"), None);
    }

    /// Two workspaces have one target folder, which is in the first one.
    #[test]
    fn relative_path_names_a_file_of_the_executable_if_these_are_known() {
        let folder = Folder::new("source-built");
        let at = |name: &str| folder.0.canonicalize().unwrap().join(name);
        for name in ["one", "two"] {
            fs::create_dir_all(at(name).join("src")).unwrap();
            for file in [MANIFEST, "src/main.rs", "src/other.rs"] {
                fs::write(at(name).join(file), name).unwrap();
            }
        }
        let text = |roots: &Roots, file: &str| {
            roots.candidates(file, true).iter().find_map(read).map(|text| text.lines.concat())
        };
        let mut roots = Roots::at(&[at("one")]);
        assert_eq!(text(&roots, "src/main.rs").as_deref(), Some("one"), "nothing is known");
        assert_eq!(BuiltFrom::of(&at("app")), None);
        fs::write(at("app.d"), format!("{}: {}\n", at("app").display(), at("two/src/main.rs").display())).unwrap();
        roots.built_from = BuiltFrom::of(&at("app"));
        assert_eq!(text(&roots, "src/main.rs").as_deref(), Some("two"));
        assert_eq!(text(&roots, "src/other.rs"), None, "it is not compiled in");
        // The user knows better.
        roots.named = Root::new(&at("one"));
        assert_eq!(text(&roots, "src/main.rs").as_deref(), Some("one"));
    }

    #[test]
    fn file_of_another_owner_or_of_the_kernel_is_not_read() {
        let folder = Folder::new("source-owner");
        let path = folder.0.join("main.rs");
        fs::write(&path, "text").unwrap();
        let root = folder.0.canonicalize().unwrap();
        let candidate = |owners: Vec<u32>| Candidate { path: path.clone(), root: root.clone(), owners };
        let own = system::own_owners();
        assert!(read(&candidate(own.clone())).is_some());
        assert!(read(&candidate(vec![own[0] + 1])).is_none());
        let kernel = |path: &str| Candidate { path: path.into(), root: "/".into(), owners: own.clone() };
        assert!(read(&kernel("/etc/passwd")).is_some(), "a root decides");
        if cfg!(target_os = "linux") {
            for path in
                ["/proc/self/status", "/proc/self/pagemap", "/proc/kmsg", "/sys/kernel/mm/transparent_hugepage/enabled"]
            {
                assert!(read(&kernel(path)).is_none(), "{path}");
            }
        }
    }
}
