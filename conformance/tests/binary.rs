//! The program `insight-conformance`: its arguments, its output and its exit status.

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

/// Answers one request with the head, and then with the bytes that `body` writes. Returns the address.
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
fn exit_status_is_1_if_there_is_a_finding() {
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
fn compressed_recording_is_checked_up_to_its_cut() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(STORY.as_bytes()).unwrap();
    packed.flush().unwrap();
    let flushed = packed.get_ref().len();
    let whole = packed.finish().unwrap();
    let cut = "The stream is cut off: line 133 and the lines after it were not checked. It broke off: its gzip data has no end.\n";
    for (bytes, more) in [(&whole[..], ""), (&whole[..flushed], cut)] {
        let recording = file("run.ndjson.gz", bytes);
        let printed = run(&[recording.to_str().unwrap()]);
        assert_eq!(printed, (0, format!("no finding in 132 lines (strict)\n{more}"), String::new()));
    }
    // The lines are checked, but the checksum at the end is wrong.
    let mut damaged = whole.clone();
    damaged[whole.len() - 6] ^= 1;
    let recording = file("damaged.ndjson.gz", &damaged);
    let (status, stdout, stderr) = run(&[recording.to_str().unwrap()]);
    assert!(stdout.starts_with("no finding in 132 lines (strict)\nThe stream is cut off: line 133 "), "{stdout}");
    assert_eq!((status, stderr.ends_with("reading failed: its gzip data is damaged\n")), (2, true), "{stderr}");
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn recording_that_expands_too_much_is_cut_off() {
    let (header, _) = STORY.split_once('\n').unwrap();
    let mut bomb = format!("{header}\n").into_bytes();
    bomb.extend_from_slice(&vec![b' '; 100 << 20]);
    let recording = file("bomb.ndjson.gz", &packed(&bomb));
    let (status, _, stderr) = diagnose(&[recording.to_str().unwrap()]);
    assert_eq!(status, 2, "{stderr}");
    assert!(stderr.contains("it is cut off at line 2: its text is more than 200 times as large"), "{stderr}");
}

#[test]
fn example_of_the_readme_is_the_printed_report() {
    let mut lines: Vec<String> = STORY.lines().map(str::to_owned).collect();
    lines[94] = lines[94].replace("returned", "finished");
    let recording = file("run.ndjson", (lines.join("\n") + "\n").as_bytes());
    let readme = include_str!("../README.md");
    let stdout = run(&[recording.to_str().unwrap()]).1;
    assert!(readme.contains(&format!("$ insight-conformance check run.ndjson\n{stdout}```\n")), "{stdout}");
}

#[test]
fn unreadable_source_is_reported_with_its_reason() {
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
    check(empty.to_str().unwrap(), "it is empty: no program has written to it");
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
fn wrong_command_line_is_reported() {
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
fn report_is_written_to_the_output_file() {
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/recordings/barbara.ndjson");
    let report = file("report.xml", b"the longer report of an earlier run".repeat(1_000).as_slice());
    let (status, stdout, _) = run(&[recording, "--format", "junit", "--output", report.to_str().unwrap()]);
    assert_eq!((status, stdout.as_str()), (0, ""));
    let xml = std::fs::read_to_string(report).unwrap();
    assert!(xml.starts_with("<?xml") && xml.ends_with("</testsuites>\n"), "{xml}");
    let nowhere = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("none/report.xml");
    let (status, _, stderr) = run(&[recording, "--output", nowhere.to_str().unwrap()]);
    assert!(status == 2 && stderr.contains("cannot write") && stderr.contains("report.xml: no such file"), "{stderr}");
}

#[test]
fn live_stream_is_checked_until_it_ends() {
    let (address, server) = serve(CHUNKED, |stream| {
        STORY.as_bytes().chunks(1_000).for_each(|part| chunk(stream, std::str::from_utf8(part).unwrap()));
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    assert_eq!(run(&[&address]), (0, "no finding in 132 lines (strict)\n".to_owned(), String::new()));
    assert_eq!(server.join().unwrap(), "GET /v1/stream HTTP/1.1");
}

#[test]
fn live_stream_that_breaks_off_is_checked_up_to_there() {
    let (address, server) = serve(CHUNKED, |stream| chunk(stream, &STORY[..STORY.len() - 5]));
    let (status, stdout, stderr) = run(&[&format!("http://{address}/v1/snapshot")]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("no finding in 131 lines (strict)\nThe stream is cut off: line 132 and the lines after it were not checked. It broke off: "), "{stdout}");
    assert_eq!(server.join().unwrap(), "GET /v1/snapshot HTTP/1.1");
}

#[test]
fn finding_of_a_live_stream_does_not_wait_for_missing_lines() {
    let (printed, wait) = std::sync::mpsc::channel();
    let (address, server) = serve(CHUNKED, move |stream| {
        chunk(stream, &format!("{STORY}hello\n"));
        wait.recv_timeout(Duration::from_secs(20)).expect("the finding is printed while the stream is open");
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    let mut child = command(&[&address]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    assert_eq!(first, "line 133: framing.message (MUST)\n");
    // Sending fails if the server has already stopped waiting.
    let _ = printed.send(());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("1 finding in 133 lines (strict)\n  1  framing.message\n"), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    server.join().unwrap();
}

#[test]
fn live_stream_is_read_for_the_requested_time() {
    let (ended, wait) = std::sync::mpsc::channel();
    let (address, server) = serve(CHUNKED, move |stream| {
        chunk(stream, &format!("{STORY}{{\"seq\":133"));
        wait.recv().unwrap();
    });
    let (status, stdout, _) = run(&[&address, "--for", "0.7"]);
    ended.send(()).unwrap();
    let expect = "no finding in 132 lines (strict)\nThe stream was read for the requested time; it has not ended.\n";
    assert_eq!((status, stdout.as_str()), (0, expect));
    server.join().unwrap();
}

fn diagnose(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_insight-conformance"));
    ended(command.arg("diagnose").args(arguments).stdin(Stdio::null()).output().unwrap())
}

fn recording(name: &str) -> String {
    format!("{}/recordings/{name}.ndjson", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn problems_of_a_recorded_program_are_found() {
    let none = "0 open problems at the end of the stream\n";
    assert_eq!(diagnose(&[&recording("barbara")]), (0, none.to_owned(), String::new()));
    for (name, tier, begins) in [
        ("deadlock", "suspected", "deadlock cycle: task 2"),
        ("lock_order", "proven", "deadlock cycle: 2 tasks wait for each other"),
    ] {
        let (status, printed, warned) = diagnose(&[&recording(name)]);
        assert_eq!((status, warned), (3, String::new()));
        assert!(
            printed.contains(&format!("problem 1 raised: deadlock, {tier}, hang\n")) && printed.contains(begins),
            "{printed}"
        );
        // The program itself found the same, so no difference is printed.
        assert!(printed.ends_with("1 open problem at the end of the stream\n"), "{printed}");
        let (_, printed, _) = diagnose(&[&recording(name), "--json"]);
        assert!(
            printed.starts_with("{\"seq\":1,\"type\":\"problem.raised\"") && printed.lines().count() == 1,
            "{printed}"
        );
    }
    assert_eq!(diagnose(&[&recording("lock_order"), "--settle", "3600"]).0, 0);
    let (status, _, why) = diagnose(&["no_such"]);
    assert_eq!(status, 2);
    assert!(why.starts_with("insight-conformance: "), "{why}");
}

#[test]
fn status_is_2_if_the_stream_does_not_describe_its_program() {
    let check = |name: &str, content: &[u8], expect: &str| {
        let path = file(name, content);
        let (status, stdout, stderr) = diagnose(&[path.to_str().unwrap()]);
        assert_eq!((status, stdout.as_str()), (2, ""), "{name}: {stderr}");
        assert!(stderr.contains(expect), "{name}: {stderr}");
        assert!(!stderr.contains('\x1b'), "{name}: {stderr}");
        // If `check` refuses the same bytes too, it prints the same reason.
        let (status, _, refusal) = run(&[path.to_str().unwrap()]);
        assert!(status != 2 || refusal == stderr, "{name}: {refusal}");
    };
    let lines: Vec<&str> = STORY.split_inclusive('\n').collect();
    check("d_empty.ndjson", b"", "it is empty");
    check("d_image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x1b[2J", "it is not a stream of insight");
    check("d_utf16.ndjson", b"\xff\xfe{\0\"\0", "it is UTF-16");
    check("d_later.ndjson", STORY.replacen("\"1.0\"", "\"2.0\"", 1).as_bytes(), "it speaks version 2.0");
    check("d_header.ndjson", lines[0].as_bytes(), "its snapshot is not complete: nothing can be said of its program");
    check("d_begun.ndjson", lines[..6].concat().as_bytes(), "its snapshot is not complete");
    check("d_headless.ndjson", lines[1..].concat().as_bytes(), "it has no `stream.header`");
    let begin = lines.iter().find(|line| line.contains("snapshot.begin")).unwrap();
    check("d_again.ndjson", format!("{STORY}{begin}").as_bytes(), "its snapshot is not complete");
}

#[test]
fn cut_is_reported_and_byte_order_mark_is_skipped() {
    let cut = file("d_cut.ndjson", &STORY.as_bytes()[..STORY.len() - 9]);
    let (status, stdout, stderr) = diagnose(&[cut.to_str().unwrap()]);
    assert_eq!((status, stdout.as_str()), (0, "0 open problems where the stream is cut off\n"));
    assert_eq!(stderr, "insight-conformance: it is cut off in line 132; later facts are unknown\n");
    let marked = file("d_marked.ndjson", format!("\u{feff}{STORY}").as_bytes());
    assert_eq!(diagnose(&[marked.to_str().unwrap()]).0, 0);
    let (status, stdout, _) = run(&[marked.to_str().unwrap()]);
    assert_eq!(status, 1);
    assert!(stdout.contains("actual:   a byte order mark"), "{stdout}");
    // A snapshot without a heartbeat is diagnosed too.
    let lines: Vec<String> =
        std::fs::read_to_string(recording("deadlock")).unwrap().lines().map(str::to_owned).collect();
    let mut model = insight_model::Model::default();
    for line in &lines {
        let Ok(insight_protocol::Decoded::Message { message, .. }) = insight_protocol::decode(line) else { continue };
        model.apply(&message);
    }
    let header = insight_protocol::encode(1, &model.header.clone().unwrap().into());
    let snapshot =
        model.snapshot().into_iter().enumerate().map(|(at, it)| insight_protocol::encode(at as u64 + 2, &it));
    let snapshot: Vec<String> = std::iter::once(header).chain(snapshot).collect();
    let alone = file("d_snapshot.ndjson", (snapshot.join("\n") + "\n").as_bytes());
    let (status, stdout, _) = diagnose(&[alone.to_str().unwrap()]);
    assert!(status == 3 && stdout.contains("raised: deadlock, suspected"), "{stdout}");
}

#[test]
fn nothing_is_proven_after_lost_lines() {
    let text = std::fs::read_to_string(recording("lock_order")).unwrap();
    let lost = text.replacen("\"type\":\"stream.heartbeat\"", "\"type\":\"stream.heartbeat", 1);
    let (status, stdout, stderr) = diagnose(&[file("d_lost.ndjson", lost.as_bytes()).to_str().unwrap()]);
    assert!(status == 3 && stdout.contains("raised: deadlock, suspected"), "{stdout}");
    assert!(stderr.contains("1 line is not a message"), "{stderr}");
}

#[test]
fn proof_about_a_channel_that_does_not_close_names_the_receiver() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proven_evidence.ndjson");
    let (status, stdout, _) = diagnose(&[source]);
    let title = "forgotten receiver: task 3 waits until broadcast 1 is closed, and keeps a receiver itself";
    assert!(status == 3 && stdout.contains(title), "{stdout}");
    // The checker accepts the problem as if the program had sent it.
    let (_, problem, _) = diagnose(&[source, "--json"]);
    let lines = include_str!("proven_evidence.ndjson");
    let seq = lines.lines().count() + 1;
    let problem = problem.replacen("\"seq\":1,", &format!("\"seq\":{seq},"), 1);
    let at = problem.rfind("\"at_ns\":").unwrap();
    let problem = format!("{}\"at_ns\":1400000000}}\n", &problem[..at]);
    let whole = file("evidence.ndjson", format!("{lines}{problem}").as_bytes());
    let (status, stdout, _) = run(&["--lenient", whole.to_str().unwrap()]);
    assert_eq!(status, 0, "{stdout}");
}

#[test]
fn no_escape_sequence_reaches_the_terminal() {
    let hidden = |text: &str| text.chars().any(|c| insight_reader::is_hidden(c) && c != '\n');
    let source = include_str!("escapes.ndjson");
    // Each kind of hidden character in each name, unescaped where JSON allows it.
    let source = source.replace("hidden", "\u{7f}\u{9b}\u{202e}\u{200b}\u{e0041}hidden");
    let path = file("escapes.ndjson", source.as_bytes());
    let path = path.to_str().unwrap();
    let (status, stdout, stderr) = diagnose(&[path]);
    assert!(status == 3 && stdout.contains(r"worker\u{1b}]52;c;ZXZpbA==\u{7}"), "{stdout}");
    assert!(!hidden(&stdout) && !hidden(&stderr), "{stdout:?} {stderr:?}");
    let (_, json, _) = diagnose(&[path, "--json"]);
    assert!(!hidden(&json) && json.contains(r"\u202e\u200b\udb40\udc41hidden"), "{json:?}");
    let broken = file(
        "escapes_broken.ndjson",
        source.replace("\"kind\": \"task\"", "\"kind\": \"\u{9b}2J\u{202e}\"").as_bytes(),
    );
    for format in ["text", "json", "junit"] {
        let (status, stdout, stderr) = run(&[broken.to_str().unwrap(), "--format", format]);
        assert!(status == 1 && !hidden(&stdout) && !hidden(&stderr), "{format}: {stdout:?} {stderr:?}");
    }
    let (_, _, stderr) = run(&["no\x1b[2Jfile"]);
    assert!(!hidden(&stderr) && stderr.contains(r"no\u{1b}[2Jfile"), "{stderr:?}");
}

#[cfg(unix)]
#[test]
fn full_or_closed_output_does_not_panic() {
    let deadlock = recording("deadlock");
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full");
    if full().is_err() {
        // Not every system has `/dev/full`.
        return;
    }
    for arguments in [&["diagnose", &deadlock][..], &["diagnose", &deadlock, "--json"], &["check", &deadlock]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_insight-conformance"));
        let (status, _, stderr) = ended(command.args(arguments).stdout(full().unwrap()).output().unwrap());
        assert_eq!((status, stderr.contains("cannot be written: no space left on device")), (2, true), "{stderr}");
        // The reader of stdout is closed, and stderr is full.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_insight-conformance"));
        let status = command.args(arguments).stdout(writer).stderr(full().unwrap()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}");
    }
    let (status, _, stderr) = diagnose(&["/dev/zero"]);
    assert!(status == 2 && stderr.contains("it is a device"), "{stderr}");
    let zeros = std::fs::File::open("/dev/zero").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_insight-conformance"));
    let (status, _, stderr) = ended(command.args(["diagnose", "-"]).stdin(zeros).output().unwrap());
    assert!(status == 2 && stderr.contains("it is not a stream of insight"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn pipe_without_a_writer_is_read_for_the_requested_time() {
    let pipe = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("pipe-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (status, _, stderr) in [run, diagnose].map(|command| command(&[pipe.to_str().unwrap(), "--for", "0.1"])) {
        assert!(stderr.ends_with("it did not answer in this time\n"), "{stderr}");
        assert_eq!(status, 2);
    }
    std::fs::remove_file(&pipe).unwrap();
}

#[test]
fn time_beyond_the_clock_is_no_limit() {
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/recordings/barbara.ndjson");
    assert_eq!(run(&[recording, "--for", "1e19"]), run(&[recording]));
    assert_eq!(diagnose(&[recording, "--for", "1e19"]), diagnose(&[recording]));
}

#[test]
fn refusal_with_an_unfinished_body_is_reported() {
    let head = "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n";
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let (address, server) = serve(head, move |stream| {
        stream.write_all(b"too many").unwrap();
        let _ = ended.recv();
    });
    let (status, _, stderr) = run(&[&address]);
    assert!(stderr.contains("and not 200: \"too many\""), "{stderr}");
    assert_eq!(status, 2);
    drop(end);
    server.join().unwrap();
}

#[test]
fn end_of_a_snapshot_without_its_begin_does_not_count() {
    let (header, _) = STORY.split_once('\n').unwrap();
    let text = format!("{header}\n{{\"seq\":2,\"type\":\"snapshot.end\",\"at_ns\":9}}\n");
    let recording = file("end.ndjson", text.as_bytes());
    let (status, stdout, stderr) = diagnose(&[recording.to_str().unwrap()]);
    assert!(stderr.contains("its snapshot is not complete"), "{stderr}");
    assert_eq!((status, stdout.as_str()), (2, ""));
}

#[test]
fn missing_messages_are_reported() {
    let text = STORY.lines().enumerate().filter(|(index, _)| !(50..53).contains(index));
    let text: String = text.map(|(_, line)| format!("{line}\n")).collect();
    let recording = file("missing.ndjson", text.as_bytes());
    let stderr = diagnose(&[recording.to_str().unwrap()]).2;
    assert_eq!(stderr, "insight-conformance: 3 messages missing, by the numbers in `seq`\n");
}
