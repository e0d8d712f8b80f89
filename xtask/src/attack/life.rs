//! The life of a program: it is stopped, forks, replaces itself, and ends. Its recordings must be complete.

use super::Setting;
use super::attacked::{Attacked, PATIENCE, Recorded, ask, begin, check, signal, until};
use super::tools::run;
use crate::process::Result;
use crate::program::{Program, START};
use insight_protocol::{TaskTrace, TraceOutcome};
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longer than any time limit of a stream.
const PAUSE: Duration = Duration::from_secs(12);

pub fn stopped(setting: &Setting) -> Result<String> {
    let file = setting.folder.join("stopped.ndjson");
    let mut attacked = Attacked::limited(setting, &["idle"], "", &[("INSIGHT_RECORD", &file)])?;
    attacked.makes_progress()?;
    let mut client = Command::new(&setting.tools.conformance);
    let seconds = (PAUSE.as_secs() + 8).to_string();
    client.args(["check", &attacked.address.to_string(), "--for", &seconds]);
    let client = std::thread::spawn(move || run(&mut client, 2 * PATIENCE));
    until("insight-conformance does not connect", || {
        Ok(attacked.process().has_thread("insight-client")?.then_some(()))
    })?;
    // Time for the request and for the start of the stream.
    std::thread::sleep(Duration::from_secs(2));
    signal(attacked.program.pid(), "STOP")?;
    std::thread::sleep(PAUSE);
    signal(attacked.program.pid(), "CONT")?;
    attacked.makes_progress()?;
    let result = client.join().map_err(|_| "the client's thread has failed")??;
    let words = format!("{}{}", String::from_utf8_lossy(&result.stdout), String::from_utf8_lossy(&result.stderr));
    if !result.status.is_some_and(|status| status.success()) || words.contains("cut") || words.contains("closed") {
        return Err(format!("the stream did not continue after a pause of {PAUSE:?}: {words}"));
    }
    attacked.makes_progress()?;
    attacked.end()?;
    check(setting, &file)?;
    let recorded = Recorded::file(&file)?;
    if Duration::from_nanos(recorded.last_ns) < PAUSE + Duration::from_secs(5) {
        return Err(format!("the recording ends at {:?}", Duration::from_nanos(recorded.last_ns)));
    }
    Ok(format!("{PAUSE:?}, and a stream and a recording of {} lines continued", recorded.lines))
}

pub fn paused(setting: &Setting) -> Result<String> {
    let mut attacked = Attacked::start(setting, &["paused"])?;
    const NAME: &str = "through the pause";
    let id = until("the task is not in the snapshot", || {
        let found = attacked.snapshot()?.named.into_iter().find(|(name, _)| name == NAME);
        Ok(found.map(|(_, id)| id))
    })?;
    attacked.steps()?;
    attacked.program.line("attacked: resumed", PATIENCE)?;
    let trace = ask(attacked.address, &format!("/v1/tasks/{id}/trace"))?;
    let trace: TaskTrace = serde_json::from_str(&trace).map_err(|error| format!("not a trace: {error}: {trace}"))?;
    attacked.end()?;
    match trace.outcome {
        TraceOutcome::Ended => Err(format!("by the trace, a live task has ended: {}", trace.reason)),
        outcome => Ok(format!("the trace of a live task is `{}`", outcome.as_str())),
    }
}

pub fn fork(setting: &Setting) -> Result<String> {
    let mut program = begin(setting, &["pause-in-a-fork"], "", &[])?;
    let status = program.ends(PATIENCE)?;
    let printed = program.lines().join(" | ");
    let expected = ["attacked: child: pause false, resume false", "attacked: the child ended with 0"];
    match status.success() && expected.iter().all(|line| printed.contains(line)) {
        true => Ok("pause and resume return false in the child, at once".to_owned()),
        false => Err(format!("it ended with {status}: {printed}")),
    }
}

pub fn forks(setting: &Setting) -> Result<String> {
    let milliseconds = setting.size("20000", "3000");
    let mut program = begin(setting, &["forks", milliseconds], "", &[])?;
    let address = program.listens("insight: listening on http://", START)?;
    let over = AtomicBool::new(false);
    let line = std::thread::scope(|scope| {
        for path in ["/v1/problems", "/docs/task", "/v1/tasks/1/trace", "/v1/tasks/2/trace"] {
            let over = &over;
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    // The program may have ended.
                    let _ = ask(address, path);
                }
            });
        }
        let ended = program.ends(2 * PATIENCE);
        over.store(true, Ordering::Relaxed);
        ended.and_then(|_| program.line("attacked: ", PATIENCE))
    })?;
    match line.starts_with("attacked: 0 of ") {
        true => Ok(line),
        false => Err(line),
    }
}

pub fn daemon(setting: &Setting) -> Result<String> {
    let file = setting.folder.join("daemon.ndjson");
    let mut program = begin(setting, &["daemon"], "", &[("INSIGHT_RECORD", &file)])?;
    let prefix = "insight: listening on http://";
    let parent = program.listens(prefix, START)?;
    let daemon = until("the child does not listen", || Ok(second_address(&mut program, prefix)))?;
    program.line("attacked: ready", PATIENCE)?;
    let result = Recorded::read(ask(daemon, "/v1/snapshot")?.as_bytes())?;
    if result.spawned < 10 {
        return Err(format!("the child shows {} tasks, and has 10 waiting tasks", result.spawned));
    }
    if TcpStream::connect(parent).is_ok() && parent != daemon {
        return Err(format!("{parent} accepts connections, and does not answer"));
    }
    program.close_stdin();
    until("the daemon does not end", || Ok(TcpStream::connect(daemon).is_err().then_some(())))?;
    // The child's recording has another name if the parent still had its file open.
    let files = recordings(&setting.folder, "daemon.ndjson")?;
    let tasks: Vec<usize> = files
        .iter()
        .map(|file| {
            check(setting, file)?;
            Ok(Recorded::file(file)?.spawned)
        })
        .collect::<Result<_>>()?;
    match tasks.iter().any(|tasks| *tasks >= 10) {
        true => Ok(format!("the child listens and records again: {tasks:?} tasks are recorded")),
        false => Err(format!("the child's 10 tasks are in none of {files:?}")),
    }
}

fn second_address(program: &mut Program, prefix: &str) -> Option<SocketAddr> {
    let mut addresses = program.lines().iter().filter_map(|line| line.strip_prefix(prefix));
    addresses.nth(1)?.trim().trim_end_matches('/').parse().ok()
}

pub fn worker(setting: &Setting) -> Result<String> {
    let file = setting.folder.join("worker.ndjson");
    let attacked = Attacked::limited(setting, &["worker-of-itself"], "", &[("INSIGHT_RECORD", &file)])?;
    attacked.end()?;
    both(setting, "worker.ndjson", [100, 10])
}

pub fn exec(setting: &Setting) -> Result<String> {
    let file = setting.folder.join("exec.ndjson");
    let mut program = begin(setting, &["exec"], "", &[("INSIGHT_RECORD", &file)])?;
    let status = program.ends(PATIENCE)?;
    if !status.success() {
        return Err(format!("it ended with {status}; {}", program.last_words()));
    }
    both(setting, "exec.ndjson", [10, 10])
}

/// Checks that there are two recordings, with at least these numbers of tasks.
fn both(setting: &Setting, name: &str, least: [usize; 2]) -> Result<String> {
    let mut files = recordings(&setting.folder, name)?;
    files.sort_by_key(|file| !file.ends_with(name));
    let [first, second] = files.as_slice() else {
        return Err(format!("expected 2 recordings, actual: {files:?}"));
    };
    let mut tasks = [0, 0];
    for ((file, least), tasks) in [first, second].into_iter().zip(least).zip(&mut tasks) {
        // `exec` ends a process without notice, so the last line may be cut.
        *tasks = whole_lines(file)?.spawned;
        if *tasks < least {
            return Err(format!("{} has {tasks} tasks, fewer than {least}", file.display()));
        }
    }
    Ok(format!("two recordings, with {} and {} tasks", tasks[0], tasks[1]))
}

/// The complete lines of a file.
pub fn whole_lines(file: &Path) -> Result<Recorded> {
    let mut bytes = fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    Recorded::read(bytes.as_slice())
}

/// The files of a folder whose names end with `end`.
fn recordings(folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let files = entries.flatten().map(|entry| entry.path());
    Ok(files.filter(|file| file.to_string_lossy().ends_with(end)).collect())
}

pub fn abort(setting: &Setting) -> Result<String> {
    let file = setting.folder.join("abort.ndjson");
    let mut attacked = Attacked::limited(setting, &["handles-abort"], "", &[("INSIGHT_RECORD", &file)])?;
    for _ in 0..3 {
        signal(attacked.program.pid(), "ABRT")?;
        attacked.program.line("attacked: SIGABRT", PATIENCE)?;
        attacked.makes_progress()?;
    }
    attacked.end()?;
    check(setting, &file)?;
    Ok("the program's own handler runs, and the program continues".to_owned())
}

pub fn thread_local(setting: &Setting) -> Result<String> {
    let mut program = begin(setting, &["thread-local"], "", &[])?;
    let status = program.ends(PATIENCE)?;
    match program.line("attacked: the thread ended well: true", START) {
        Ok(_) if status.success() => Ok("a name in the destructor of a thread-local".to_owned()),
        _ => Err(format!("it ended with {status}; {}", program.last_words())),
    }
}

pub fn short(setting: &Setting) -> Result<String> {
    let mut programs = 0;
    for end in ["return", "exit", "abort", "panic", "kept"] {
        for milliseconds in ["0", "100"] {
            for extension in ["ndjson", "ndjson.gz"] {
                let file = setting.folder.join(format!("short-{end}-{milliseconds}.{extension}"));
                let mut program = begin(setting, &["short", milliseconds, end], "", &[("INSIGHT_RECORD", &file)])?;
                program.ends(PATIENCE)?;
                // Also a compressed recording must be complete.
                let recorded = Recorded::file(&file)?;
                if recorded.spawned < 10 {
                    let (tasks, file) = (recorded.spawned, file.display());
                    return Err(format!("{file} has {tasks} of 10 tasks; {}", program.last_words()));
                }
                check(setting, &file)?;
                programs += 1;
            }
        }
    }
    Ok(format!("{programs} recordings of programs that ended after 0 or 100 ms, all complete"))
}

pub fn fifo(setting: &Setting) -> Result<String> {
    let fifo = setting.folder.join("fifo.ndjson");
    mkfifo(&fifo)?;
    let mut program = begin(setting, &["idle"], "", &[("INSIGHT_RECORD", &fifo)])?;
    program.line("attacked: ready", START)?;
    program.write_line("question")?;
    program.line("attacked: question", PATIENCE)?;
    program.close_stdin();
    program.ends(PATIENCE)?;
    let line = program.lines().iter().find(|line| line.contains("fifo.ndjson")).cloned();
    line.ok_or("the program does not report that it cannot record to the FIFO".to_owned())
}

fn mkfifo(fifo: &Path) -> Result {
    match Command::new("mkfifo").arg(fifo).status().is_ok_and(|status| status.success()) {
        true => Ok(()),
        false => Err(format!("cannot make the FIFO {}", fifo.display())),
    }
}

pub fn source(setting: &Setting) -> Result<String> {
    const SECRET: &str = "a-secret-of-the-user";
    // Outside of the program's workspace.
    let folder = std::env::temp_dir().join(format!("insight-attack-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let (secret, fifo) = (folder.join("secret.rs"), folder.join("fifo.rs"));
    fs::write(&secret, SECRET).map_err(|error| format!("cannot write {}: {error}", secret.display()))?;
    mkfifo(&fifo)?;
    let files = [
        secret.as_path(),
        &fifo,
        Path::new("/proc/self/environ"),
        Path::new("/proc/self/pagemap"),
        Path::new("/proc/kmsg"),
        Path::new("/dev/zero"),
        Path::new("/etc/passwd"),
    ];
    let result = files.iter().try_for_each(|file| {
        let name = file.to_string_lossy();
        let mut attacked =
            Attacked::limited(setting, &["source", &name], "", &[("ATTACKED_SECRET", Path::new(SECRET))])?;
        let text = until("the task is not in the snapshot", || {
            let snapshot = attacked.snapshot()?;
            Ok(snapshot.named.iter().any(|(name, _)| name == "of a library").then_some(snapshot.text))
        })?;
        if text.contains(SECRET) || text.contains("root:") {
            return Err(format!("the snapshot has a line of {name}"));
        }
        let memory = attacked.process().memory()?;
        if memory > 100 {
            return Err(format!("{name} took {memory} MiB"));
        }
        attacked.makes_progress()?;
        attacked.end()
    });
    // The folder is outside of the target folder, so it is removed.
    let _ = fs::remove_dir_all(&folder);
    result.map(|()| format!("no line of {} files", files.len()))
}
