//! Findings of the strict mode, and of both modes.

use insight_conformance::{Finding, LINE_LIMIT, Options, Outcome, Sink, Strictness, Summary, check};
use std::io;

/// A sink that keeps the findings.
#[derive(Default)]
struct Keep(Vec<Finding>);

impl Sink for Keep {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.0.push(finding.clone());
        Ok(())
    }

    fn end(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

fn findings(stream: &[u8], strictness: Strictness, file_name: Option<&str>) -> Vec<Finding> {
    let options = Options { strictness, file_name: file_name.map(str::to_owned), ..Options::default() };
    let mut keep = Keep::default();
    let summary = check(stream, options, &mut keep).unwrap();
    assert_eq!(summary.total(), keep.0.len() as u64);
    keep.0
}

fn rules(stream: &[u8], strictness: Strictness, file_name: Option<&str>) -> Vec<(u64, &'static str)> {
    findings(stream, strictness, file_name).iter().map(|finding| (finding.line, finding.rule.id)).collect()
}

/// A stream of this version, with `line` as its fourth line.
fn stream(protocol: &str, extensions: &str, line: &[u8]) -> Vec<u8> {
    let header = r#"{"seq":1,"type":"stream.header","protocol":"PROTOCOL","session":"a","process":{"pid":1,"name":"a"},
        "executors":[],"clock":{"wall_anchor_unix_ms":1},"detail":"structure","interval_ms":100,"capabilities":["tasks"],
        "extensions":[EXTENSIONS],"at_ns":1}"#;
    let header = header.replace('\n', "").replace("PROTOCOL", protocol).replace("EXTENSIONS", extensions);
    let snapshot = r#"
{"seq":2,"type":"snapshot.begin","at_ns":1,"tasks":0,"resources":0,"edges":0,"problems":0}
{"seq":3,"type":"snapshot.end","at_ns":1}
"#;
    let end = "\n{\"seq\":5,\"type\":\"stream.heartbeat\",\"at_ns\":9}\n";
    [header.as_bytes(), snapshot.as_bytes(), line, end.as_bytes()].concat()
}

#[test]
fn recordings_have_no_finding() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let mut recordings = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap();
        let recording = std::fs::read(&path).unwrap();
        for strictness in [Strictness::Strict, Strictness::Lenient] {
            assert_eq!(findings(&recording, strictness, Some(name)), [], "{name}");
        }
        recordings += 1;
    }
    assert!(recordings >= 3);
}

#[test]
fn unknown_names_are_findings_in_strict_mode_only() {
    let check = |protocol: &str, line: &str, strict: &[&'static str], lenient: &[&'static str]| {
        let stream = stream(protocol, r#""com.example""#, line.as_bytes());
        let of = |rules: &[&'static str]| rules.iter().map(|rule| (4, *rule)).collect::<Vec<_>>();
        assert_eq!(rules(&stream, Strictness::Strict, None), of(strict), "strict, {protocol}: {line}");
        assert_eq!(rules(&stream, Strictness::Lenient, None), of(lenient), "lenient, {protocol}: {line}");
    };
    check("1.0", r#"{"seq":4,"type":"stream.heartbeat","at_ns":5}"#, &[], &[]);
    for unknown in [
        r#"{"seq":4,"type":"stream.heartbeat","at_ns":5,"cost":1}"#,
        r#"{"seq":4,"type":"stream.weather"}"#,
        r#"{"seq":4,"type":"define.location","id":1,"file":"a","line":1,"column":1,"source":{"status":"moved"}}"#,
    ] {
        check("1.0", unknown, &["extension.words"], &[]);
        check("1.7", unknown, &[], &[]);
    }
    for protocol in ["1.0", "1.7"] {
        let field = r#"{"seq":4,"type":"stream.heartbeat","at_ns":5,"com.example.cost":1}"#;
        check(protocol, field, &[], &[]);
        check(protocol, &field.replace("com.", "org."), &["extension.listed"], &[]);
        let type_name = r#"{"seq":4,"type":"com.example.weather"}"#;
        check(protocol, type_name, &[], &[]);
        check(protocol, &type_name.replace("com.", "org."), &["extension.listed"], &["extension.listed"]);
    }
    let both = |line: &str, rule: &'static str| check("1.0", line, &[rule], &[rule]);
    both("hello", "framing.message");
    both(r#"{"seq":4,"type":"stream.heartbeat","at_ns":"5"}"#, "malformed.known-type");
    both(r#"{"seq":4,"type":"stream.heartbeat","at_ns":-5}"#, "number.range");
    both(r#"{"seq":4,"type":"define.location","id":0,"file":"a","line":1,"column":1}"#, "id.range");
}

#[test]
fn name_is_checked_for_recordings_in_strict_mode_only() {
    let recording = stream("1.0", "", br#"{"seq":4,"type":"stream.heartbeat","at_ns":5}"#);
    let check = |name: Option<&str>, strict: &[(u64, &'static str)]| {
        assert_eq!(rules(&recording, Strictness::Strict, name), strict, "{name:?}");
        assert_eq!(rules(&recording, Strictness::Lenient, name), [], "{name:?}");
    };
    check(None, &[]);
    check(Some("run.ndjson"), &[]);
    check(Some("run.ndjson.zst"), &[]);
    check(Some("run.ndjson.gz"), &[]);
    check(Some("run.json"), &[(0, "file.name")]);
}

#[test]
fn line_that_is_not_text_is_a_finding_and_the_next_lines_are_read() {
    for strictness in [Strictness::Strict, Strictness::Lenient] {
        let check = |line: &[u8], expect: &str| {
            let findings = findings(&stream("1.0", "", line), strictness, None);
            let actual: Vec<String> = findings
                .iter()
                .map(|f| format!("{} {} {:?}: {} / {}", f.line, f.rule.id, f.column, f.expected, f.actual))
                .collect();
            assert_eq!(actual, [expect], "{:?}", String::from_utf8_lossy(&line[..line.len().min(80)]));
        };
        check(
            b"{\"seq\":4,\"type\":\"define.string\",\"id\":1,\"text\":\"na\xefve\"}",
            "4 framing.message Some(50): UTF-8 / the byte 0xef (column 50)",
        );
        check(b"\x00\xff", "4 framing.message Some(2): UTF-8 / the byte 0xff (column 2)");
        let long = format!(r#"{{"seq":4,"type":"define.string","id":1,"text":"{}"}}"#, "x".repeat(LINE_LIMIT));
        check(
            long.as_bytes(),
            &format!(
                "4 stream.line-limit None: a line of at most 16777216 bytes / {} bytes: it was not read",
                long.len()
            ),
        );
    }
}

#[test]
fn stream_may_end_at_any_byte_and_its_lines_with_cr_lf() {
    let recording = stream("1.0", "", br#"{"seq":4,"type":"stream.heartbeat","at_ns":5}"#);
    let first_line = recording.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for end in first_line..=recording.len() {
        let mut keep = Keep::default();
        let summary = check(&recording[..end], Options::default(), &mut keep).unwrap();
        assert_eq!(keep.0, [], "cut off after {end} bytes");
        assert_eq!(summary.outcome != Outcome::Complete, recording[end - 1] != b'\n', "cut off after {end} bytes");
    }
    let windows = String::from_utf8(recording).unwrap().replace('\n', "\r\n");
    assert_eq!(rules(windows.as_bytes(), Strictness::Strict, None), []);
    let findings = findings((windows + "hello\r\n").as_bytes(), Strictness::Strict, None);
    let texts: Vec<&str> =
        findings.iter().flat_map(|finding| &finding.context).map(|line| line.text.as_str()).collect();
    assert!(texts.len() == 4 && texts.iter().all(|text| !text.ends_with('\r')), "{texts:?}");
}

#[test]
fn unreadable_stream_is_refused_with_its_reason() {
    let check = |stream: &[u8], expect: &str| {
        let error = check(stream, Options::default(), &mut Keep::default()).unwrap_err().to_string();
        assert!(error.starts_with(expect), "{error}");
    };
    check(b"", "it is empty");
    check(b"{\"seq\":1", "it has no line that ends");
    check(b"\x28\xb5\x2f\xfd\x00", "it is compressed with Zstandard");
    check(&stream("2.0", "", b""), "it speaks version 2.0 of the protocol, and this program knows 1.0");
    // In another major version, even the fields of the header are unknown.
    let later = b"{\"type\":\"stream.header\",\"protocol\":\"12.34\",\"seq\":\"one\"}\n";
    check(later, "it speaks version 12.34 of the protocol");
}

#[test]
fn finding_has_three_lines_before_and_after_it() {
    let mut lines: Vec<String> =
        String::from_utf8(stream("1.0", "", b"hello")).unwrap().lines().map(str::to_owned).collect();
    for seq in 6..12 {
        lines.push(format!("{{\"seq\":{seq},\"type\":\"stream.heartbeat\",\"at_ns\":9}}"));
    }
    lines.extend(["bye".to_owned(), String::new()]);
    let findings = findings(lines.join("\n").as_bytes(), Strictness::Strict, None);
    let around: Vec<(u64, Vec<u64>)> =
        findings.iter().map(|f| (f.line, f.context.iter().map(|line| line.number).collect())).collect();
    assert_eq!(around, [(4, vec![1, 2, 3, 4, 5, 6, 7]), (12, vec![9, 10, 11, 12])]);
}
