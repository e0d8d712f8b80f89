//! Insight that starts with a program's first runtime. Each test runs the program in a separate process.
#![cfg(unix)]

use insight::Detail;
use insight_probe::{Executor, Kind, Observed};
use insight_protocol::announcement::Announcement;
use insight_protocol::{Decoded, Message, decode};
use std::fs;
use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::Location;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{Command, Output};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// The observed program, when [`Runtime::run`] starts it: runs the steps in the variable `STEPS`. Without it, this test does
/// nothing.
#[test]
fn program() {
    let Ok(steps) = std::env::var("STEPS") else { return };
    let threads = || fs::read_dir("/proc/self/task").into_iter().flatten().count();
    let before = threads();
    let print_address =
        |insight: insight::Insight| eprintln!("address {}", insight.address().map_or(0, |it| it.port()));
    for step in steps.split(' ') {
        match step {
            "runtime" => insight::start_with_program(),
            "init" => print_address(insight::init()),
            "options" => print_address(insight::init!(settle => Duration::from_millis(1), detail => Detail::Polls)),
            "record" => print_address(insight::init!(listen => "off", record_to => "/dev/null")),
            "off" => print_address(insight::init!(listen => "off")),
            "written" => wait_for(|| !thread_names().contains(&"insight-file".to_owned())),
            "threads" => eprintln!("threads {}", if threads() == before { "none" } else { "some" }),
            // A child inherits the variables of its parent, as under `cargo insight`.
            "child" => {
                let child = Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "program", "--nocapture", "--quiet"])
                    .env("STEPS", "runtime init threads")
                    .status();
                assert!(child.unwrap().success());
            }
            "exec" => {
                wait_for(|| recordings_of_this_process() == 1);
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.args(["--exact", "program", "--nocapture", "--quiet"]).env("STEPS", "runtime begun");
                panic!("{}", command.exec());
            }
            "begun" => wait_for(|| recordings_of_this_process() == 2),
            "task" => spawn(),
            "panicking" => run_a_task_that_panics(),
            "message" => print_address(insight::init!(panics => message, settle => Duration::from_millis(1),)),
            "ended" => wait_for_the_panic(),
            "pause" => eprintln!("pause {}", insight::pause()),
            "sockets" => eprintln!("sockets {}", sockets()),
            "answer" => answer(),
            "fork" => fork(),
            "exit" => std::process::exit(0),
            "abort" => std::process::abort(),
            "panic" => panic!("a panic"),
            "panic-twice" => {
                let _bomb = Bomb;
                panic!("a panic");
            }
            other => panic!("no step {other}"),
        }
    }
}

/// Forks. The remaining steps run in the child, and the program ends in the same way as the child. A signal ends a child that
/// hangs.
fn fork() {
    // SAFETY: the child has only this thread, which holds no lock.
    match unsafe { libc::fork() } {
        // SAFETY: the call takes a number.
        0 => drop(unsafe { libc::alarm(20) }),
        child => {
            let mut status = 0;
            // SAFETY: the pointer is to a number.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0, "the child has hung, or failed");
            assert!(insight::pause() && insight::resume(), "the parent goes on");
            std::process::exit(0);
        }
    }
}

fn sockets() -> usize {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// Requests the tasks from the instance of this process, at the address in its announcement.
fn answer() {
    let reply = snapshot();
    let pid = if reply.contains(&format!("\"pid\":{},", std::process::id())) { "own" } else { "another" };
    eprintln!("answer of {pid} process with {} tasks", reply.matches("task.spawned").count());
}

fn snapshot() -> String {
    let folder = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR").unwrap()).join("insight");
    let name = format!("{}.json", std::process::id());
    let announcement = Announcement::parse(&name, &fs::read(folder.join(&name)).unwrap()).unwrap();
    let mut stream = TcpStream::connect(announcement.address).unwrap();
    stream.write_all(b"GET /v1/snapshot HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

fn run_a_task_that_panics() {
    std::panic::set_hook(Box::new(|_| {}));
    let task = observed(async { panic!("no user 7") });
    let poll = || pin!(task).poll(&mut Context::from_waker(Waker::noop()));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err());
}

/// Requests snapshots until one has the task that panicked, and prints the message.
fn wait_for_the_panic() {
    let mut ended = None;
    wait_for(|| {
        let snapshot = snapshot();
        ended = snapshot.lines().find_map(|line| match decode(line) {
            Ok(Decoded::Message { message: Message::TaskEnded(ended), .. }) => Some(ended),
            _ => None,
        });
        ended.is_some()
    });
    let ended = ended.unwrap();
    eprintln!("{} with {:?}", ended.outcome, ended.panic);
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a panic while another one unwinds");
    }
}

fn observed<F: Future>(future: F) -> Observed<F> {
    static EXECUTOR: Executor = Executor::new("toy", "1.0", || None);
    Observed::new(future, &EXECUTOR, Kind::Task, Location::caller())
}

/// Spawns a task that is never ready and never dropped.
fn spawn() {
    let task = observed(std::future::pending::<()>());
    assert!(Box::leak(Box::new(Box::pin(task))).as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

fn thread_names() -> Vec<String> {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    threads.filter_map(|thread| Some(fs::read_to_string(thread.path().join("comm")).ok()?.trim().to_owned())).collect()
}

/// The number of files in the folder of the recording whose header names this process.
fn recordings_of_this_process() -> usize {
    let file = PathBuf::from(std::env::var_os("INSIGHT_RECORD").unwrap());
    let files = fs::read_dir(file.parent().unwrap()).unwrap().flatten();
    let own = format!("\"pid\":{},", std::process::id());
    files.filter(|file| fs::read_to_string(file.path()).is_ok_and(|text| text.contains(&own))).count()
}

fn wait_for(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain");
        std::thread::yield_now();
    }
}

/// A user's runtime folder. It is removed on drop.
struct Runtime(PathBuf);

impl Runtime {
    fn new(name: &str) -> Runtime {
        let path = std::env::temp_dir().join(format!("insight-runtime-{name}-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        Runtime(path)
    }

    /// Runs the program after the shell text `mark`, which may mark it as `cargo insight` does. Returns stderr, with `PORT` for each
    /// free port.
    fn run(&self, mark: &str, variables: &[(&str, &str)], steps: &str) -> String {
        let output = self.output(mark, variables, steps);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        let mut words: Vec<String> = stderr.split_inclusive([' ', ':', '\n']).map(str::to_owned).collect();
        for word in &mut words {
            if word.trim_end().parse::<u16>().is_ok_and(|port| port > 10_000) {
                *word = word.replace(word.trim_end(), "PORT");
            }
        }
        words.concat()
    }

    /// Runs the program, which may also abort or panic.
    fn output(&self, mark: &str, variables: &[(&str, &str)], steps: &str) -> Output {
        let script = format!("{mark} exec \"$0\" --exact program --nocapture --quiet");
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
        for name in [
            "INSIGHT_LISTEN",
            "INSIGHT_RECORD",
            "INSIGHT_PROCESS",
            "INSIGHT_CHILDREN",
            "INSIGHT_PANICS",
            "INSIGHT_DETAIL",
        ] {
            command.env_remove(name);
        }
        command.env("XDG_RUNTIME_DIR", &self.0).env("TMPDIR", &self.0).env("STEPS", steps);
        command.envs(variables.iter().copied()).output().unwrap()
    }

    fn announced(&self) -> Vec<Announcement> {
        let files = fs::read_dir(self.0.join("insight")).into_iter().flatten().flatten();
        let announcements = files.map(|file| {
            let name = file.file_name().into_string().unwrap();
            Announcement::parse(&name, &fs::read(file.path()).unwrap()).unwrap()
        });
        announcements.collect()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const OWN: &str = "INSIGHT_PROCESS=$$";

#[test]
fn first_runtime_starts_one_instance_and_init_changes_it() {
    let check = |name: &str, mark: &str, variables: &[(&str, &str)], steps: &str, expect: &[&str], announced: usize| {
        let runtime = Runtime::new(name);
        let stderr = runtime.run(mark, variables, steps);
        assert_eq!(stderr.lines().collect::<Vec<_>>(), expect, "{mark} {variables:?} {steps}");
        assert_eq!(runtime.announced().len(), announced, "{mark} {variables:?} {steps}");
    };
    let listens = "insight: listening on http://127.0.0.1:PORT";
    let again = "insight: already on in this program; this call does nothing";
    let [on, off] = ["address PORT", "address 0"];
    check("unmarked", "", &[], "runtime runtime threads", &[listens, "threads some"], 1);
    check("own", OWN, &[], "runtime init options", &[listens, on, again, off], 1);
    check("options", OWN, &[], "runtime options", &[listens, on], 1);
    check("before", OWN, &[], "init runtime init", &[listens, on, again, off], 1);
    check("record", OWN, &[("INSIGHT_LISTEN", "off")], "runtime record", &["insight: recording to /dev/null", off], 0);
    check("declined", OWN, &[], "off runtime threads", &[off, "threads none"], 0);
    check("off", OWN, &[("INSIGHT_LISTEN", "off")], "runtime init threads", &[off, "threads none"], 0);
    check("child", OWN, &[], "runtime child", &[listens, off, "threads none"], 1);
    let children = &[("INSIGHT_CHILDREN", "on")];
    check("children", OWN, children, "runtime child", &[listens, listens, on, "threads some"], 2);
    let process = "insight: INSIGHT_PROCESS is \"x\": not a process ID; `cargo insight` sets this variable, so do not set \
                   it by hand. The program runs on without insight.";
    check("wrong", "", &[("INSIGHT_PROCESS", "x")], "runtime init threads", &[process, off, "threads none"], 0);
}

/// r[security.panics]
#[test]
fn message_of_a_panic_is_sent_on_request() {
    let check = |name: &str, panics: Option<&str>, steps: &str, expect: &[&str]| {
        let variable = panics.map(|value| ("INSIGHT_PANICS", value));
        let stderr = Runtime::new(name).run(OWN, variable.as_slice(), steps);
        assert_eq!(stderr.lines().collect::<Vec<_>>(), expect, "{panics:?} {steps}");
    };
    let (listens, on) = ("insight: listening on http://127.0.0.1:PORT", "address PORT");
    let (without, with) = ("panicked with None", "panicked with Some(\"no user 7\")");
    check("panics-default", None, "runtime panicking ended", &[listens, without]);
    check("panics-variable", Some("message"), "runtime panicking ended", &[listens, with]);
    check("panics-code", None, "runtime message panicking ended", &[listens, on, with]);
    check("panics-first", None, "panicking message panicking ended", &[listens, on, with]);
    check("panics-off", Some("off"), "runtime message panicking ended", &[listens, on, without]);
    let wrong = "insight: INSIGHT_PANICS is \"on\": write message to send the messages of panics to clients, or off. \
                 The program runs on without insight.";
    check("panics-wrong", Some("on"), "runtime message", &[wrong, "address 0"]);
}

#[test]
fn folder_that_is_not_private_prints_one_line_and_the_program_runs_on() {
    let runtime = Runtime::new("open");
    fs::DirBuilder::new().mode(0o755).create(runtime.0.join("insight")).unwrap();
    let stderr = runtime.run("", &[], "runtime threads");
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "insight: consolation does not list this program, and needs its address: the folder of announcements cannot be \
             used: other users can open it",
            "insight: listening on http://127.0.0.1:PORT",
            "threads some"
        ]
    );
    assert_eq!(runtime.announced(), []);
}

#[test]
fn announcement_agrees_with_the_stream() {
    let runtime = Runtime::new("content");
    runtime.run("", &[], "runtime");
    let [announcement] = &runtime.announced()[..] else { panic!() };
    assert!(announcement.process.name.starts_with("with_program-"), "{announcement:?}");
    assert_eq!(announcement.command[1..], ["--exact", "program", "--nocapture", "--quiet"]);
    assert_eq!(announcement.protocol, insight_protocol::PROTOCOL_VERSION);
    // The program has ended. The next one removes its announcement, on a separate thread.
    let first = announcement.process.pid;
    let swept = (0..1000).any(|_| {
        runtime.run("", &[], "runtime");
        runtime.announced().iter().all(|it| it.process.pid != first)
    });
    assert!(swept, "the program may end before its thread removes the announcement, but not each time");
    // If this user has no runtime folder, we use one in the folder for temporary files.
    runtime.run("", &[("XDG_RUNTIME_DIR", "/nowhere")], "runtime");
    let fallback = fs::read_dir(&runtime.0).unwrap().flatten().map(|it| it.file_name().into_string().unwrap());
    assert_eq!(fallback.filter(|name| name.starts_with("insight-")).count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn file_size_limit_ends_the_recording_but_not_the_program() {
    let runtime = Runtime::new("limit");
    let file = runtime.0.join("run.ndjson");
    let stderr = runtime.run("ulimit -f 0;", &[("INSIGHT_RECORD", file.to_str().unwrap())], "runtime written");
    let written = format!("insight: cannot write {}: File too large (os error 27); ", file.display());
    assert!(stderr.contains(&written), "{stderr}");
    assert!(
        stderr.contains("insight: consolation does not list this program"),
        "its file is not written either: {stderr}"
    );
}

/// The programs of the recordings in the folder, by file name.
fn recorded(runtime: &Runtime) -> Vec<(String, u32)> {
    let files = fs::read_dir(&runtime.0).unwrap().flatten().filter(|file| file.path().extension().is_some());
    let mut recorded: Vec<(String, u32)> = files
        .map(|file| {
            let text = fs::read_to_string(file.path()).unwrap();
            let Ok(Decoded::Message { message: Message::StreamHeader(header), .. }) =
                decode(text.lines().next().unwrap_or_default())
            else {
                panic!("{file:?}: {text}")
            };
            (file.file_name().into_string().unwrap(), header.process.pid)
        })
        .collect();
    recorded.sort();
    recorded
}

#[test]
fn child_and_program_after_exec_record_to_separate_files() {
    for (steps, names) in [("runtime child", 2), ("runtime exec", 2)] {
        let runtime = Runtime::new(steps.split(' ').next_back().unwrap());
        let file = runtime.0.join("run.ndjson");
        runtime.run("", &[("INSIGHT_RECORD", file.to_str().unwrap())], steps);
        let recorded = recorded(&runtime);
        assert_eq!(recorded.len(), names, "{recorded:?}");
        let other = recorded.iter().find(|(name, _)| name != "run.ndjson").unwrap();
        assert_eq!(other.0, format!("{}-run.ndjson", other.1));
    }
}

#[test]
fn recording_is_complete_when_the_program_exits_aborts_or_panics() {
    const SIGABRT: i32 = 6;
    let check = |end: &str, signal: Option<i32>, extension: &str| {
        let runtime = Runtime::new(&format!("end-{end}-{extension}"));
        let file = runtime.0.join(format!("run.ndjson{extension}"));
        let output = runtime.output(
            "ulimit -c 0;",
            &[("INSIGHT_RECORD", file.to_str().unwrap()), ("INSIGHT_LISTEN", "off")],
            &format!("runtime task {end}"),
        );
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.signal(), signal, "{end}: {stderr}");
        assert!(!stderr.contains("since the recorder has stopped"), "{stderr}");
        let mut text = String::new();
        let bytes = fs::read(file).unwrap();
        match extension {
            // Reading fails if the end is missing.
            ".gz" => flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).map(drop).unwrap(),
            _ => text.push_str(std::str::from_utf8(&bytes).unwrap()),
        }
        assert!(text.ends_with("}\n"), "{end}: {text}");
        assert!(text.contains("\"type\":\"task.spawned\""), "{end}: {text}");
    };
    for extension in ["", ".gz"] {
        check("threads", None, extension);
        check("exit", None, extension);
        check("panic", None, extension);
        check("abort", Some(SIGABRT), extension);
        check("panic-twice", Some(SIGABRT), extension);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn forked_child_does_not_hang_and_can_start_insight_again() {
    let check = |name: &str, mark: &str, variables: &[(&str, &str)], steps: &str, expect: &[&str]| {
        let runtime = Runtime::new(&format!("fork-{name}"));
        let file = runtime.0.join("run.ndjson");
        let stderr = runtime.run(mark, &[variables, &[("INSIGHT_RECORD", file.to_str().unwrap())]].concat(), steps);
        let lines: Vec<&str> = stderr.lines().filter(|line| !line.contains("run.ndjson")).collect();
        let lines: Vec<String> = lines
            .iter()
            .map(|line| match line.split_once(" in process ") {
                Some((before, after)) => {
                    format!("{before} in process {}", after.trim_start_matches(|it: char| it.is_ascii_digit()))
                }
                None => (*line).to_owned(),
            })
            .collect();
        assert_eq!(lines, expect, "{mark} {variables:?} {steps}");
        recorded(&runtime).len()
    };
    let listens = "insight: listening on http://127.0.0.1:PORT";
    let (free, own) = (&[("INSIGHT_LISTEN", "0")][..], "INSIGHT_PROCESS=$$");
    let off =
        |way: &str| format!("insight: off in process , which was forked from the observed one; to observe it, {way}");
    let (call, set) = (off("call insight::init() after the fork"), off("set INSIGHT_CHILDREN=on"));
    // The child has none of its parent's threads, and not its port or file.
    let steps = "runtime task fork sockets pause pause exit";
    let files = check("pause", "", free, steps, &[listens, "sockets 0", &call, "pause false", "pause false"]);
    assert_eq!(files, 1);
    let steps = "runtime task fork init task task answer pause exit";
    let lines = [listens, listens, "address PORT", "answer of own process with 2 tasks", "pause true"];
    assert_eq!(check("init", "", free, steps, &lines), 2);
    let steps = "runtime fork runtime fork runtime answer exit";
    let lines = [listens, listens, listens, "answer of own process with 0 tasks"];
    assert_eq!(check("runtimes", "", free, steps, &lines), 3);
    // Under `cargo insight`.
    assert_eq!(check("silent", own, free, "runtime fork runtime init exit", &[listens, &set, "address 0"]), 1);
    let children = &[("INSIGHT_CHILDREN", "on")];
    let lines = [listens, listens, "answer of own process with 0 tasks"];
    assert_eq!(check("children", own, children, "runtime fork runtime answer exit", &lines), 2);
}
