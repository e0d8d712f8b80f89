//! The program itself: what it takes, what it answers, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

const STORY: &str = include_str!("../recordings/barbara.ndjson");

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_insight-conformance"));
    command.arg("check").args(arguments).stdin(Stdio::null());
    command
}

/// The exit status, stdout and stderr.
fn ended(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    ended(command(arguments).output().unwrap())
}

/// A file of this test run.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// Answers one request with the head and then with what `body` writes; gives the address.
fn serve(head: &'static str, body: impl FnOnce(&mut TcpStream) + Send + 'static) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = String::new();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        while lines.read_line(&mut request).unwrap() > 2 {}
        stream.write_all(head.as_bytes()).unwrap();
        body(&mut stream);
        request.lines().next().unwrap_or_default().to_owned()
    });
    (address, server)
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n";

fn chunk(stream: &mut TcpStream, text: &str) {
    write!(stream, "{:x}\r\n{text}\r\n", text.len()).unwrap();
    stream.flush().unwrap();
}

#[test]
fn the_exit_status_says_whether_something_was_found() {
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/recordings/barbara.ndjson");
    assert_eq!(run(&[recording]), (0, "no finding in 132 lines (strict)\n".to_owned(), String::new()));
    assert_eq!(run(&["--lenient", recording]).1, "no finding in 132 lines (lenient)\n");
    let unknown = file("unknown.ndjson", STORY.replacen("\"at_ns\"", "\"cost\":5,\"at_ns\"", 1).as_bytes());
    let unknown = unknown.to_str().unwrap();
    let (status, stdout, stderr) = run(&[unknown]);
    assert_eq!((status, stderr.as_str()), (1, ""));
    assert!(stdout.ends_with("1 finding in 132 lines (strict)\n  1  extension.words\n"), "{stdout}");
    assert_eq!(run(&["--strict", unknown]).1, stdout);
    assert_eq!(run(&["--lenient", unknown]).0, 0);
}

#[test]
fn a_compressed_recording_is_checked_up_to_where_it_is_cut_off() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(STORY.as_bytes()).unwrap();
    packed.flush().unwrap();
    let flushed = packed.get_ref().len();
    let whole = packed.finish().unwrap();
    for bytes in [&whole[..], &whole[..flushed]] {
        let recording = file("run.ndjson.gz", bytes);
        let said = run(&[recording.to_str().unwrap()]);
        assert_eq!(said, (0, "no finding in 132 lines (strict)\n".to_owned(), String::new()));
    }
}

#[test]
fn the_example_of_the_readme_is_what_is_printed() {
    let mut lines: Vec<String> = STORY.lines().map(str::to_owned).collect();
    lines[94] = lines[94].replace("returned", "finished");
    let recording = file("run.ndjson", (lines.join("\n") + "\n").as_bytes());
    let readme = include_str!("../README.md");
    let stdout = run(&[recording.to_str().unwrap()]).1;
    assert!(readme.contains(&format!("$ insight-conformance check run.ndjson\n{stdout}```\n")), "{stdout}");
}

#[test]
fn what_cannot_be_read_is_said() {
    let empty = file("empty.ndjson", b"");
    let compressed = file("run.ndjson.zst", b"\x28\xb5\x2f\xfd\x24\x00");
    let later = file("later.ndjson", STORY.replacen("\"1.0\"", "\"2.0\"", 1).as_bytes());
    let check = |source: &str, expect: &str| {
        let (status, stdout, stderr) = run(&[source]);
        assert_eq!((status, stdout.as_str()), (2, ""), "{source}");
        assert_eq!(stderr, format!("insight-conformance: {source}: {expect}\n"));
    };
    check("none.ndjson", "there is no such file: name a recording, an address such as 127.0.0.1:8080, or - for stdin");
    check(env!("CARGO_MANIFEST_DIR"), "it is a directory: name a recording in it");
    check(empty.to_str().unwrap(), "it has no line that ends: there is nothing to check");
    check(
        compressed.to_str().unwrap(),
        "it is compressed with Zstandard, and this program does not decompress: `zstd -dc FILE | insight-conformance check -`",
    );
    check(
        later.to_str().unwrap(),
        "it speaks version 2.0 of the protocol, and this program knows 1.0: use one that knows that version",
    );
    check("https://localhost", "insight is served over plain http: name it as http://HOST:PORT");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    check(&closed, "connection refused: is the program running, and does it listen there?");
    let (address, server) = serve("HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\nno such page", |_| {});
    check(
        &address,
        "it answers 404 Not Found, and not 200: \"no such page\". The stream of a program is at /v1/stream",
    );
    assert_eq!(server.join().unwrap(), "GET /v1/stream HTTP/1.1");
    let (address, _) = serve("220 mail ready\r\n", |_| {});
    let (status, _, stderr) = run(&[&address]);
    assert!(status == 2 && stderr.contains("not HTTP"), "{stderr}");
}

#[test]
fn a_wrong_command_line_is_said() {
    for arguments in [&[][..], &["--strict", "--lenient", "a"], &["--format", "yaml", "a"], &["--for", "0", "a"]] {
        let (status, stdout, stderr) = run(arguments);
        assert_eq!((status, stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(stderr.contains("--help"), "{stderr}");
    }
}

#[test]
fn stdin_is_read_to_its_end() {
    let mut child = command(&["-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(STORY.as_bytes()).unwrap();
    let (status, stdout, stderr) = ended(child.wait_with_output().unwrap());
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(stdout.contains("\"findings\":0") && stdout.contains("\"source\":\"-\""), "{stdout}");
}

#[test]
fn the_report_goes_to_a_file() {
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/recordings/barbara.ndjson");
    let report = file("report.xml", b"of the run before, which was longer".repeat(1_000).as_slice());
    let (status, stdout, _) = run(&[recording, "--format", "junit", "--output", report.to_str().unwrap()]);
    assert_eq!((status, stdout.as_str()), (0, ""));
    let xml = std::fs::read_to_string(report).unwrap();
    assert!(xml.starts_with("<?xml") && xml.ends_with("</testsuites>\n"), "{xml}");
    let nowhere = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("none/report.xml");
    let (status, _, stderr) = run(&[recording, "--output", nowhere.to_str().unwrap()]);
    assert!(status == 2 && stderr.contains("cannot write") && stderr.contains("report.xml: no such file"), "{stderr}");
}

#[test]
fn a_live_stream_is_checked_until_it_ends() {
    let (address, server) = serve(CHUNKED, |stream| {
        STORY.as_bytes().chunks(1_000).for_each(|part| chunk(stream, std::str::from_utf8(part).unwrap()));
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    assert_eq!(run(&[&address]), (0, "no finding in 132 lines (strict)\n".to_owned(), String::new()));
    assert_eq!(server.join().unwrap(), "GET /v1/stream HTTP/1.1");
}

#[test]
fn a_live_stream_that_breaks_off_is_checked_as_far_as_it_came() {
    let (address, server) = serve(CHUNKED, |stream| chunk(stream, &STORY[..STORY.len() - 5]));
    let (status, stdout, stderr) = run(&[&format!("http://{address}/v1/snapshot")]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("no finding in 131 lines (strict)\nThe stream broke off: "), "{stdout}");
    assert!(stdout.ends_with("line 132 has no end, and was not checked. A stream may end anywhere.\n"), "{stdout}");
    assert_eq!(server.join().unwrap(), "GET /v1/snapshot HTTP/1.1");
}

#[test]
fn a_finding_of_a_live_stream_does_not_wait_for_lines_that_do_not_come() {
    let (told, wait) = std::sync::mpsc::channel();
    let (address, server) = serve(CHUNKED, move |stream| {
        chunk(stream, &format!("{STORY}hello\n"));
        wait.recv_timeout(Duration::from_secs(20)).expect("the finding is told while the stream is open");
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    let mut child = command(&[&address]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    assert_eq!(first, "line 133: framing.message (MUST)\n");
    // It is gone when the server did not wait any longer.
    let _ = told.send(());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("1 finding in 133 lines (strict)\n  1  framing.message\n"), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    server.join().unwrap();
}

#[test]
fn a_live_stream_is_read_for_as_long_as_is_asked_for() {
    let (ended, wait) = std::sync::mpsc::channel();
    let (address, server) = serve(CHUNKED, move |stream| {
        chunk(stream, &format!("{STORY}{{\"seq\":133"));
        wait.recv().unwrap();
    });
    let (status, stdout, _) = run(&[&address, "--for", "0.7"]);
    ended.send(()).unwrap();
    let expect = "no finding in 132 lines (strict)\nIt was read for as long as was asked for; the stream goes on.\n";
    assert_eq!((status, stdout.as_str()), (0, expect));
    server.join().unwrap();
}

#[test]
fn what_a_recorded_program_suffers_from() {
    let diagnose = |name: &str, arguments: &[&str]| {
        let recording = format!("{}/recordings/{name}.ndjson", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_insight-conformance"));
        ended(command.args(["diagnose", &recording]).args(arguments).output().unwrap())
    };
    let none = "0 problems stood at the end of the stream\n";
    assert_eq!(diagnose("barbara", &[]), (0, none.to_owned(), String::new()));
    for (name, begins) in
        [("deadlock", "deadlock cycle: task 2"), ("lock_order", "deadlock cycle: 2 tasks wait for each other")]
    {
        let (status, said, warned) = diagnose(name, &[]);
        assert_eq!((status, warned), (1, String::new()));
        assert!(said.contains("problem 1 raised: deadlock, proven") && said.contains(begins), "{said}");
        // As the program itself found: nothing is said of a difference.
        assert!(said.ends_with("1 problem stood at the end of the stream\n"), "{said}");
        let (_, said, _) = diagnose(name, &["--json"]);
        assert!(said.starts_with("{\"seq\":1,\"type\":\"problem.raised\"") && said.lines().count() == 1, "{said}");
    }
    assert_eq!(diagnose("lock_order", &["--settle", "3600"]).0, 0);
    let (status, _, why) = diagnose("no_such", &[]);
    assert_eq!(status, 2);
    assert!(why.starts_with("insight-conformance: "), "{why}");
}
