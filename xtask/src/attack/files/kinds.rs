//! The strange files, one row each.

use crate::attack::fake_server::streams::{header, insert, snapshot};
use crate::attack::tools::Expect;
use flate2::{Compression, write::GzEncoder};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::Command;

const RECORDING: &str = include_str!("../../../../conformance/recordings/deadlock.ndjson");
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

/// A strange file, and the expectation for each client.
pub struct Kind {
    pub name: &'static str,
    /// Its name in the folder of the attack.
    pub file: &'static str,
    /// Makes the file. The number is its number of lines, if it has many.
    pub make: fn(&Path, u64) -> io::Result<()>,
    /// The path of an existing file.
    pub at: Option<&'static str>,
    /// For `consolation --once --recording`, as text and as JSON.
    pub once: Expect,
    /// For `check`, strict and lenient.
    pub check: Expect,
    pub diagnose: Expect,
}

const fn kind(
    name: &'static str,
    file: &'static str,
    make: fn(&Path, u64) -> io::Result<()>,
    [once, check, diagnose]: [Expect; 3],
) -> Kind {
    Kind { name, file, make, at: None, once, check, diagnose }
}

/// A row with an existing file.
const fn there(name: &'static str, path: &'static str, expect: [Expect; 3]) -> Kind {
    Kind { at: Some(path), ..kind(name, "", |_, _| Ok(()), expect) }
}

/// Expects that all clients refuse the file, with these words.
const fn refused(words: &'static str) -> [Expect; 3] {
    [Expect::Ends(&[1], words), Expect::Ends(&[2], words), Expect::Ends(&[2], words)]
}

const fn code(codes: &'static [i32], words: &'static str) -> Expect {
    Expect::Ends(codes, words)
}

const PIPE: &str = "it is a pipe: waiting for its writer";

pub const KINDS: &[Kind] = &[
    kind("empty", "empty.ndjson", |path, _| fs::write(path, ""), refused("")),
    kind("PNG", "picture.png", |path, _| fs::write(path, PNG), refused("")),
    kind("pipe without a writer", "pipe", pipe, [Expect::Waits(PIPE); 3]),
    kind("directory", "folder", |path, _| fs::create_dir(path), refused("it is a directory")),
    there("/dev/zero", "/dev/zero", refused("it is a device")),
    there("/dev/null", "/dev/null", refused("it is a device")),
    there("missing", "/no/such/file.ndjson", refused("there is no such file")),
    kind(
        "cut in a line",
        "cut.ndjson",
        |path, _| fs::write(path, &RECORDING[..RECORDING.len() - 20]),
        [code(&[0, 3], ""), code(&[0], ""), code(&[0, 3, 4], "")],
    ),
    kind(
        "cut in the snapshot",
        "half.ndjson",
        |path, _| fs::write(path, &RECORDING[..1500]),
        [code(&[1], ""), code(&[0, 1], ""), code(&[2], "")],
    ),
    kind(
        "cut gzip",
        "cut.ndjson.gz",
        |path, _| {
            let bytes = gzip(RECORDING.as_bytes())?;
            fs::write(path, &bytes[..bytes.len() - 30])
        },
        [code(&[0, 1, 3], ""), code(&[0, 1], ""), code(&[0, 2, 3, 4], "")],
    ),
    kind(
        "wrong trailer of gzip",
        "trailer.ndjson.gz",
        |path, _| {
            let mut bytes = gzip(RECORDING.as_bytes())?;
            let crc = bytes.len() - 8;
            bytes[crc] ^= 1;
            fs::write(path, bytes)
        },
        [code(&[3], ""), code(&[2], ""), code(&[3, 4], "")],
    ),
    kind("gzip bomb", "bomb.ndjson.gz", bomb, [code(&[1], ""), code(&[2], ""), code(&[2], "")]),
    kind("gzip bomb of zeros", "zeros.gz", zeros, refused("")),
    kind("gzip of nothing", "nothing.gz", |path, _| fs::write(path, gzip(b"")?), refused("")),
    kind("only the mark of gzip", "mark.gz", |path, _| fs::write(path, [0x1f, 0x8b]), refused("")),
    kind("Zstandard", "a.ndjson.zst", |path, _| fs::write(path, [0x28, 0xb5, 0x2f, 0xfd, 0, 0]), refused("")),
    kind(
        "byte order mark",
        "bom.ndjson",
        |path, _| fs::write(path, format!("\u{feff}{RECORDING}")),
        [code(&[3], ""), code(&[1], ""), code(&[3, 4], "")],
    ),
    kind(
        "CRLF",
        "crlf.ndjson",
        |path, _| fs::write(path, RECORDING.replace('\n', "\r\n")),
        [code(&[3], ""), code(&[0], ""), code(&[3, 4], "")],
    ),
    kind("UTF-16", "utf16.ndjson", utf16, refused("it is UTF-16")),
    kind(
        "protocol 2.0",
        "later.ndjson",
        |path, _| fs::write(path, snapshot().replace("\"1.0\"", "\"2.0\"")),
        refused("2.0"),
    ),
    kind(
        "only a header",
        "header.ndjson",
        |path, _| fs::write(path, header()),
        [code(&[1], ""), code(&[0, 1], ""), code(&[2], "")],
    ),
    kind(
        "only a gap",
        "gap.ndjson",
        |path, _| {
            fs::write(path, "{\"seq\":1,\"type\":\"gap\",\"count\":1,\"kinds\":[],\"reason\":\"lost\",\"at_ns\":1}\n")
        },
        [code(&[1], ""), code(&[1], ""), code(&[2], "")],
    ),
    kind(
        "two recordings",
        "two.ndjson",
        |path, _| fs::write(path, RECORDING.repeat(2)),
        [code(&[3], ""), code(&[1], ""), code(&[3, 4], "")],
    ),
    kind(
        "line of 20 MB",
        "long.ndjson",
        |path, _| {
            fs::write(path, insert(&format!("{{\"seq\":3,\"type\":\"long\",\"x\":\"{}\"}}", "x".repeat(20_000_000))))
        },
        [code(&[0], ""), code(&[1], ""), code(&[0, 3, 4], "")],
    ),
    kind("a million names", "names.ndjson", names, [code(&[0], ""), code(&[0, 1], ""), code(&[0, 3, 4], "")]),
    kind("a million edges of a task", "edges.ndjson", edges, [code(&[0], ""), code(&[0, 1], ""), code(&[0, 3, 4], "")]),
    kind("half a million tasks", "tasks.ndjson", tasks, [code(&[0], ""), code(&[0, 1], ""), code(&[0, 3, 4], "")]),
    kind(
        "escapes",
        "escapes.ndjson",
        |path, _| fs::write(path, include_str!("../../../../conformance/tests/escapes.ndjson")),
        [code(&[0, 3], ""), code(&[0, 1], ""), code(&[3, 4], "")],
    ),
    kind(
        "evidence",
        "evidence.ndjson",
        |path, _| fs::write(path, include_str!("../../../../conformance/tests/proven_evidence.ndjson")),
        [code(&[0], ""), code(&[0], ""), code(&[3, 4], "")],
    ),
    kind(
        "wide name",
        "wide.ndjson",
        |path, _| fs::write(path, include_str!("../../../../reference-client/src/tests/wide_name.ndjson")),
        [code(&[0, 3], ""), code(&[0, 1], ""), code(&[0, 3, 4], "")],
    ),
];

fn pipe(path: &Path, _: u64) -> io::Result<()> {
    let made = Command::new("mkfifo").arg(path).status()?.success();
    if made { Ok(()) } else { Err(io::Error::other("mkfifo failed")) }
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes)?;
    packed.finish()
}

/// A header, and about 2 GB of spaces in about 2 MB.
fn bomb(path: &Path, _: u64) -> io::Result<()> {
    packed_spaces(path, header().as_bytes(), b' ')
}

fn zeros(path: &Path, _: u64) -> io::Result<()> {
    packed_spaces(path, b"", 0)
}

fn packed_spaces(path: &Path, start: &[u8], byte: u8) -> io::Result<()> {
    // A member of 64 MB, repeated, since compressing the whole would take long.
    let member = gzip(&vec![byte; 64 << 20])?;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&gzip(start)?)?;
    (0..32).try_for_each(|_| file.write_all(&member))?;
    file.flush()
}

fn utf16(path: &Path, _: u64) -> io::Result<()> {
    let units = "\u{feff}".encode_utf16().chain(RECORDING.encode_utf16());
    fs::write(path, units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
}

/// Writes a snapshot with these lines in it.
fn with_lines(path: &Path, count: u64, line: impl Fn(u64) -> String) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let snapshot = snapshot();
    let at = snapshot.find("{\"seq\":34").expect("the snapshot has an end");
    file.write_all(&snapshot.as_bytes()[..at])?;
    (0..count).try_for_each(|number| writeln!(file, "{}", line(number)))?;
    file.write_all(&snapshot.as_bytes()[at..])?;
    file.flush()
}

fn names(path: &Path, count: u64) -> io::Result<()> {
    with_lines(path, count, |number| {
        format!(
            "{{\"seq\":{},\"type\":\"define.string\",\"id\":{},\"text\":\"name {number}\"}}",
            number + 34,
            number + 1000
        )
    })
}

fn edges(path: &Path, count: u64) -> io::Result<()> {
    with_lines(path, count, |number| {
        format!(
            "{{\"seq\":{},\"type\":\"edge.hold\",\"id\":{},\"task\":1,\"resource\":1,\"mode\":\"shared\",\"units\":1,\"since_ns\":1}}",
            number + 34,
            number + 10_000,
        )
    })
}

fn tasks(path: &Path, count: u64) -> io::Result<()> {
    with_lines(path, count / 2, |number| {
        format!(
            "{{\"seq\":{},\"type\":\"task.spawned\",\"id\":{},\"kind\":\"task\",\"at_ns\":1}}",
            number + 34,
            number + 1000
        )
    })
}
