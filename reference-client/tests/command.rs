//! The binary: its exit status and its messages.

#[path = "../src/tests/story.rs"]
mod story;

use insight_protocol::announcement::Announcement;
use insight_protocol::{Clock, ProblemRaised, Process, Severity, Tier, with};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use story::{deadlock, no_hang};

/// Runs the binary against a server that gives one answer.
fn run(answer: &str, options: &[&str]) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::scope(|scope| {
        // The listener is closed after the answer.
        scope.spawn(move || answer_one(&listener, answer));
        command(&[&["--port", &port], options].concat())
    })
}

fn answer_one(listener: &TcpListener, answer: &str) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while request.read_line(&mut line).unwrap() > 2 {
        line.clear();
    }
    stream.write_all(answer.as_bytes()).unwrap();
}

fn command(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_consolation")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// A user's runtime folder, which is gone at the end.
struct Runtime(PathBuf);

impl Runtime {
    fn new() -> Runtime {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("consolation-runtime-{}-{number}", std::process::id()));
        private(fs::DirBuilder::new().recursive(true)).create(path.join("insight")).unwrap();
        Runtime(path)
    }

    /// Announces a program that gives one answer after another.
    fn announce(&self, pid: u32, answers: Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let process = Process::new(pid, format!("program\x1b{pid}"));
        let header = with!(story::header("first run"), process, clock = Clock::new(u64::from(pid)));
        let announcement = Announcement::new(header, ["./program".to_owned()], listener.local_addr().unwrap());
        let path = self.0.join("insight").join(announcement.file_name());
        fs::write(&path, announcement.to_json()).unwrap();
        make_private(&path);
        std::thread::spawn(move || answers.iter().for_each(|answer| answer_one(&listener, answer)));
    }

    fn command(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consolation"));
        command.args(arguments).stdin(Stdio::null());
        let output = command.env("XDG_RUNTIME_DIR", &self.0).env("TMPDIR", &self.0).env("LOCALAPPDATA", &self.0);
        let output = output.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The tests announce as programs do: for this user only.
fn private(builder: &mut fs::DirBuilder) -> &fs::DirBuilder {
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
    builder
}

fn make_private(_file: &std::path::Path) {
    #[cfg(unix)]
    fs::set_permissions(_file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn snapshot(problem: Option<ProblemRaised>) -> String {
    let story = story::story(|story| problem.into_iter().for_each(|problem| story.push(problem)));
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}\n", story.lines().join("\n"))
}

#[test]
fn the_exit_status_is_that_of_the_worst_problem() {
    let check = |answer: &str, options: &[&str], status: i32, expect: &str| {
        let output = run(answer, options);
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expect), "{text}");
        assert_eq!(output.status.code(), Some(status), "{text}");
    };
    check(&snapshot(None), &["--once"], 0, "`prototype_channel`: waiting on channel capacity");
    check(&snapshot(None), &[], 0, "no problem found");
    check(
        &snapshot(Some(deadlock(1, Tier::Proven))),
        &["--once"],
        3,
        "deadlock cycle: task 3 (post_prototype) waits for itself",
    );
    check(&snapshot(Some(deadlock(1, Tier::Suspected))), &["--once", "--json"], 3, "\"tier\": \"suspected\"");
    check(&snapshot(Some(no_hang(1, Severity::Degraded))), &["--once"], 4, "degraded: proven lock_held_long");
    check(&snapshot(Some(no_hang(1, Severity::Notice))), &["--once", "--json"], 0, "\"severity\": \"notice\"");
    check("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\nno", &["--once"], 1, "does not speak insight");
    check("SSH-2.0-OpenSSH_9.6\r\n", &["--once"], 1, "does not speak insight: it sent something that is not HTTP");
}

#[test]
fn the_exit_status_of_a_wrong_command_line_is_2() {
    for arguments in
        [&["--port", "0"][..], &["a/b"], &["--list", "--once"], &["--what"], &["localhost:1", "--port", "2"]]
    {
        assert_eq!(command(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_json_is_json() {
    let output = run(&snapshot(None), &["--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["tasks"][0]["waits"][0]["resource_name"], "prototype_channel");
    assert_eq!(document["tasks"][0]["waits"][0]["freed_by"]["tasks"][0], 4);
}

#[test]
fn a_recording_shows_its_last_snapshot() {
    let recordings = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/recordings");
    let check = |name: &str, status: i32, expect: &str| {
        let output = command(&["--recording", &format!("{recordings}/{name}")]);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(status), "{text}");
        assert!(text.contains(expect), "{text}");
    };
    check("barbara.ndjson", 0, "as recorded in ");
    check("deadlock.ndjson", 3, "problem 1 (1 of 1)");
    check("no_such", 1, "there is no such file");
    check("../README.md", 1, "it is not a stream of insight: its first line is \"# insight-conformance\"");
    check("..", 1, "it is a directory");
}

/// A file that is gone at the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: &[u8]) -> File {
        let path = std::env::temp_dir().join(format!("consolation-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

#[test]
fn a_damaged_recording_has_a_note_or_an_error() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/recordings/barbara.ndjson"));
    let text = text.unwrap();
    let check = |name: &str, content: &[u8], status: i32, expect: &str| {
        let file = File::new(name, content);
        for options in [&[][..], &["--json"]] {
            let output = command(&[&["--recording", file.0.to_str().unwrap()], options].concat());
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert_eq!(output.status.code(), Some(status), "{text}");
            assert!(text.contains(expect), "{text}");
        }
    };
    let cut = "note: it is cut off in line 132; later messages are missing";
    check("cut", &text.as_bytes()[..text.len() - 9], 0, cut);
    check("mark", format!("\u{feff}{text}").as_bytes(), 0, "");
    check("empty", b"", 1, "it is empty");
    check("png", b"\x89PNG\r\n\x1a\n\0\0", 1, "it is not a stream of insight");
    check(
        "later",
        text.replacen("\"1.0\"", "\"2.0\"", 1).as_bytes(),
        1,
        "it speaks version 2.0 of the protocol, and this program knows 1.0",
    );
    let header = text.split_inclusive('\n').next().unwrap();
    check("header", header.as_bytes(), 1, "its snapshot is not complete: nothing can be said of its program");
}

#[cfg(unix)]
#[test]
fn a_device_is_refused_and_a_pipe_has_a_note() {
    let output = command(&["--recording", "/dev/zero"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.contains("it is a device")), (Some(1), true), "{stderr}");
    let path = std::env::temp_dir().join(format!("consolation-fifo-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut child = Command::new(env!("CARGO_BIN_EXE_consolation"));
    child
        .args(["--recording", path.to_str().unwrap()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("it is a pipe: waiting for its writer"), "{line}");
    let lines = story::story(|_| {}).lines().join("\n") + "\n";
    fs::write(&path, lines).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("as recorded in "));
    fs::remove_file(&path).unwrap();
}

/// The trace says that the task has ended, and the snapshot says how.
#[test]
fn trace_of_an_ended_task_has_its_end() {
    let answer = |body: &str| format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}");
    let check = |task: &str, outcome: &str, expect: &str| {
        let trace = format!(
            r#"{{"task":{task},"at_ns":1,"outcome":"{outcome}","reason":"task {task} has ended","leaves":[]}}"#
        );
        let lines = story::story(|story| story.ended(Some("no user 7"))).lines().join("\n");
        let answers = [answer(&trace), answer(&format!("{lines}\n"))];
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        std::thread::spawn(move || answers.iter().for_each(|answer| answer_one(&listener, answer)));
        let output = command(&["--port", &port, "--trace", task]);
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(stdout, format!("task {task}: task {task} has ended\n{expect}"));
    };
    let end = "task 11 (shop::import) panicked 3.0 s ago: no user 7; spawned at examples/src/bin/barbara.rs:30:9\n";
    check("11", "ended", end);
    check("11", "not_known", end);
    check("99", "ended", "");
    check("11", "running", "");
}

#[test]
fn a_hostile_trace_is_written_without_control_characters() {
    let hidden = |text: &str| text.chars().any(|c| insight_reader::is_hidden(c) && c != '\n');
    let trace =
        "{\"task\":7,\"at_ns\":1,\"outcome\":\"captured\",\"reason\":\"a\u{9b}2J\u{7f}\u{202e}b\",\"leaves\":[]}";
    let answer = |body: &str| format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}");
    let output = run(&answer(trace), &["--trace", "7", "--json"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !hidden(&stdout), "{stdout:?}");
    assert!(stdout.contains(r"a\u009b2J\u007f\u202eb"), "{stdout:?}");
    let output = run(&answer("\x1b[2Jowned"), &["--trace", "7", "--json"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{stderr}");
    assert!(stderr.contains("the trace was not understood") && !hidden(&stderr), "{stderr:?}");
}

#[cfg(unix)]
#[test]
fn a_full_output_is_an_error() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let deadlock = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/recordings/deadlock.ndjson");
    for options in [&[][..], &["--json"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consolation"));
        command.args(["--recording", deadlock]).args(options).stdin(Stdio::null());
        let output = command.stdout(full.try_clone().unwrap()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("the output cannot be written: no space left on device"), "{stderr}");
        command.stdout(full.try_clone().unwrap()).stderr(full.try_clone().unwrap());
        assert_eq!(command.status().unwrap().code(), Some(1));
    }
}

#[test]
fn a_closed_output_does_not_change_the_exit_status() {
    let deadlock = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/recordings/deadlock.ndjson");
    for options in [&[][..], &["--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_consolation"));
        command.args(["--recording", deadlock]).args(options).stdin(Stdio::null()).stdout(writer);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
}

#[test]
fn the_only_program_is_opened_without_an_address() {
    let runtime = Runtime::new();
    // The header, by which it is recognised, and then the snapshot.
    runtime.announce(7, vec![snapshot(None), snapshot(None)]);
    let (status, stdout, stderr) = runtime.command(&["--once"]);
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stdout.contains("`prototype_channel`: waiting on"), "{stdout}");
    // It has ended now.
    let (status, stdout, stderr) = runtime.command(&["--list"]);
    assert_eq!((status, stdout.as_str(), stderr.as_str()), (Some(0), "no program with insight runs\n", ""));
    assert_eq!(fs::read_dir(runtime.0.join("insight")).unwrap().count(), 0);
}

#[test]
fn the_exit_status_of_several_programs_without_an_address_is_2() {
    let runtime = Runtime::new();
    for pid in [7, 8] {
        runtime.announce(pid, vec![snapshot(None); 3]);
    }
    let (status, stdout, stderr) = runtime.command(&["--once", "--json"]);
    assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(lines[0].starts_with("#  NAME"), "{stderr}");
    assert!(lines[1].starts_with("1  program\u{fffd}8  8    127.0.0.1:"), "{stderr}");
    assert!(lines[2].starts_with("2  program\u{fffd}7  7    127.0.0.1:"), "{stderr}");
    assert!(
        lines[3].starts_with("consolation: 2 programs run with insight: name one of them, for example --port "),
        "{stderr}"
    );

    let (status, stdout, _) = runtime.command(&["--list"]);
    assert_eq!((status, stdout.lines().count()), (Some(0), 3), "{stdout}");
    let (status, stdout, _) = runtime.command(&["--list", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((status, &document["programs"][1]["process"]["pid"]), (Some(0), &7.into()));
}

#[test]
fn without_a_program_the_message_says_how_to_start_one() {
    let runtime = Runtime::new();
    let (status, stdout, _) = runtime.command(&["--list", "--json"]);
    assert_eq!((status, stdout.as_str()), (Some(0), "{\n  \"programs\": []\n}\n"));
    if TcpStream::connect("127.0.0.1:8080").is_ok() {
        // Another program of this machine listens there, perhaps one with insight.
        return;
    }
    let (status, _, stderr) = runtime.command(&["--once"]);
    assert_eq!(status, Some(1), "{stderr}");
    let start = "consolation: no program of yours has announced itself, and at 127.0.0.1:8080: ";
    assert!(stderr.starts_with(start) && stderr.contains("`cargo insight run`"), "{stderr}");
}
