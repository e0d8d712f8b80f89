//! The kinds of misbehaviour, one row each.

use super::streams::*;
use super::wire::{Answer, Wire};
use crate::attack::tools::Expect;
use std::time::Duration;

/// A kind of misbehaviour, and the expectation for each client.
pub struct Kind {
    pub name: &'static str,
    /// The misbehaviour in a few words.
    pub about: &'static str,
    pub answer: Answer,
    /// For `consolation --once`, as text and as JSON. `None` if it is not tried.
    pub once: Option<Expect>,
    pub check: Option<Expect>,
    pub diagnose: Option<Expect>,
    pub trace: Option<Expect>,
    /// Whether it takes processor time, so that only a few run at the same time.
    pub heavy: bool,
    /// Whether `consolation` reads until its time limit, so that it is tried only in a full run.
    pub minute: bool,
    /// Whether connections end by a reset.
    pub resets: bool,
}

/// The usual row. `consolation` must end with 1, and the others with 2.
const fn kind(
    name: &'static str,
    about: &'static str,
    answer: Answer,
    once: &'static str,
    others: &'static str,
) -> Kind {
    let others = Some(Expect::Ends(&[2], others));
    Kind {
        name,
        about,
        answer,
        once: Some(Expect::Ends(&[1], once)),
        check: others,
        diagnose: others,
        trace: None,
        heavy: false,
        minute: false,
        resets: false,
    }
}

/// A row with a stream: the expectations of `consolation`, `check` and `diagnose`.
const fn stream(
    name: &'static str,
    about: &'static str,
    answer: Answer,
    [once, check, diagnose]: [Option<Expect>; 3],
) -> Kind {
    Kind { once, check, diagnose, ..kind(name, about, answer, "", "") }
}

/// A row with a snapshot that grows as fast as possible. It may break rules.
const fn flood(name: &'static str, about: &'static str, answer: Answer) -> Kind {
    let expect = [ends(&[1], INCOMPLETE), ends(&[0, 1], READ_IN_TIME), ends(&[2], NO_SNAPSHOT)];
    Kind { heavy: true, minute: true, ..stream(name, about, answer, expect) }
}

/// A row for `consolation --trace` only, which ends with 1.
const fn trace(name: &'static str, about: &'static str, answer: Answer, words: &'static str) -> Kind {
    with_trace(stream(name, about, answer, [None; 3]), words)
}

/// The row, with `consolation --trace`, which ends with 1.
const fn with_trace(kind: Kind, words: &'static str) -> Kind {
    Kind { trace: ends(&[1], words), ..kind }
}

const fn ends(codes: &'static [i32], words: &'static str) -> Option<Expect> {
    Some(Expect::Ends(codes, words))
}

const NOW: Duration = Duration::ZERO;
const TENTH: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);
/// Size of a piece of an endless answer, in bytes.
const PIECE: usize = 64 << 10;
const NOT_HTTP: &str = "something that is not HTTP";
const NO_ANSWER: &str = "gave no answer within 5 s";
const NO_STREAM: &str = "it is not a stream of insight: its first line is";
const NOT_INSIGHT: &str = "it answers, but does not speak insight";
const INCOMPLETE: &str = "the snapshot broke off";
const NO_SNAPSHOT: &str = "its snapshot is not complete: nothing can be said of its program";
const READ_IN_TIME: &str = "The stream was read for the requested time";
const NO_ANSWER_IN_TIME: &str = "it did not answer in this time";
const NO_LINE: &str = "no line of it came in this time";
const SILENT: &str = "nothing came for too long";
const ENDED: &str = "the connection ended too soon";
const RESET: &str = "connection reset by peer";
const NO_TRACE: &str = "the trace was not understood";
const HALF: [Option<Expect>; 3] =
    [ends(&[1], INCOMPLETE), ends(&[0], "The stream is cut off"), ends(&[2], NO_SNAPSHOT)];
const BROKE_OFF: &str = "it broke off before its first line ended";

pub const KINDS: &[Kind] = &[
    // The connection.
    kind("silent", "accepts and never answers", |wire| wire.silence(), NO_ANSWER, NO_ANSWER_IN_TIME),
    Kind {
        minute: true,
        ..trace("silent to a trace", "accepts and never answers", |wire| wire.silence(), "within 30 s")
    },
    with_trace(kind("closes", "closes at once", |_| Ok(()), ENDED, ENDED), ENDED),
    Kind { resets: true, ..with_trace(kind("resets", "resets at once", |_| Ok(()), RESET, RESET), RESET) },
    // The head.
    with_trace(
        kind(
            "status 500",
            "a server error",
            |wire| wire.status("500 Oh", TEXT, "out of order\n"),
            "it sent \"500 Internal Server Error out of order\"",
            "it answers 500 Internal Server Error, and not 200: \"out of order\"",
        ),
        "the program refuses: 500 Internal Server Error out of order",
    ),
    with_trace(
        kind(
            "status 404",
            "no such page",
            |wire| wire.status("404 Not Found", TEXT, "no such page\n"),
            "it sent \"404 Not Found no such page\"",
            "it answers 404 Not Found, and not 200: \"no such page\"",
        ),
        "this program does not trace tasks: it sent \"404 no such page\"",
    ),
    kind(
        "status 204",
        "no content",
        |wire| wire.send("HTTP/1.1 204 No Content\r\n\r\n"),
        "it sent \"204 No Content\"",
        "it answers 204 No Content, and not 200",
    ),
    kind(
        "status 301",
        "a redirection to itself",
        |wire| wire.status("301 Moved Permanently", "Location: /v1/snapshot\r\n", "moved\n"),
        "it sent \"301 Moved Permanently moved\"",
        "it answers 301 Moved Permanently, and not 200",
    ),
    kind(
        "refusal without end",
        "status 503, and its body never comes",
        refusal_without_end,
        "the program refuses",
        "it answers 503 Service Unavailable, and not 200",
    ),
    kind(
        "refusal of one line",
        "status 500, and one line for ever",
        refusal_of_one_line,
        "it sent \"500 Internal Server Error xxx",
        "it answers 500 Internal Server Error, and not 200: \"xxx",
    ),
    with_trace(
        kind(
            "refusal with escapes",
            "escape sequences in the text of a refusal",
            |wire| wire.status("500 Oh", TEXT, "\u{1b}]0;title\u{7}\u{9b}31m\u{202e}red\r\n"),
            "]0;title",
            "\\u{1b}]0;title\\u{7}\\u{9b}31m\\u{202e}red",
        ),
        "]0;title",
    ),
    kind(
        "continue for ever",
        "100 Continue again and again",
        |wire| wire.endless(Duration::from_millis(1), |_| b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
        NO_ANSWER,
        NO_ANSWER_IN_TIME,
    ),
    with_trace(
        kind(
            "html",
            "a page of another server",
            |wire| wire.status("200 OK", "Content-Type: text/html\r\n", "<!doctype html>\n<title>Welcome</title>\n"),
            "it sent \"<!doctype html>\"",
            NO_STREAM,
        ),
        NO_TRACE,
    ),
    stream(
        "image",
        "a good stream with the content type of an image",
        |wire| wire.status("200 OK", "Content-Type: image/png\r\n", &snapshot()),
        [ends(&[0], "3 tasks"), ends(&[0], "no finding in 34 lines"), ends(&[0], "0 open problems")],
    ),
    kind("other protocol", "the first words of SSH", |wire| wire.send("SSH-2.0-OpenSSH_9.6\r\n"), NOT_HTTP, NOT_HTTP),
    kind("HTTP/0.9", "a page without a head", |wire| wire.send("<html>hello</html>\n"), NOT_HTTP, NOT_HTTP),
    kind("TLS", "an alert of TLS", |wire| wire.send([21, 3, 3, 0, 2, 2, 70]), NOT_HTTP, NOT_HTTP),
    kind("HTTP/2", "the first frame of HTTP/2", |wire| wire.send([0, 0, 0, 4, 0, 0, 0, 0, 0]), NOT_HTTP, NOT_HTTP),
    kind(
        "endless status line",
        "a status line without end",
        |wire| endless_after(wire, "HTTP/1.1 200 "),
        "a head of more than 65536 bytes",
        "a head of more than 65536 bytes",
    ),
    kind(
        "endless header",
        "a header without end",
        |wire| endless_after(wire, "HTTP/1.1 200 OK\r\nX: "),
        "a head of more than 65536 bytes",
        "a head of more than 65536 bytes",
    ),
    kind(
        "endless headers",
        "headers without end",
        |wire| {
            wire.send("HTTP/1.1 200 OK\r\n")?;
            wire.endless(NOW, |number| format!("X-{number}: y\r\n").into_bytes())
        },
        NOT_HTTP,
        NOT_HTTP,
    ),
    kind("slow head", "one byte of the head each second", slow_head, NO_ANSWER, NO_ANSWER_IN_TIME),
    Kind {
        minute: true,
        ..trace("slow head of a trace", "one byte of the head each second", slow_head, "within 30 s")
    },
    // The body.
    kind("no body", "a good head and then silence", |wire| wire.head().and_then(|()| wire.silence()), SILENT, NO_LINE),
    stream(
        "only a header",
        "the header's line and then silence",
        |wire| {
            wire.head()?;
            wire.chunk(header())?;
            wire.silence()
        },
        [ends(&[1], INCOMPLETE), ends(&[0], READ_IN_TIME), ends(&[2], NO_SNAPSHOT)],
    ),
    Kind {
        minute: true,
        ..kind(
            "slow body",
            "one byte of a good stream each second",
            |wire| {
                wire.head()?;
                let snapshot = snapshot().into_bytes();
                wire.endless(SECOND, |number| chunk(&snapshot[number as usize % snapshot.len()..][..1]))
            },
            "it did not come to its end in time",
            NO_LINE,
        )
    },
    kind("empty", "a body of no bytes", |wire| wire.whole(""), "it sent nothing", "it is empty"),
    kind(
        "wrong chunks",
        "chunks that are longer than their size",
        |wire| {
            wire.head()?;
            wire.send(format!("10\r\n{}\r\n0\r\n\r\n", snapshot()))
        },
        "chunk",
        BROKE_OFF,
    ),
    kind(
        "chunk without size",
        "the size of a chunk is not a number",
        |wire| {
            wire.head()?;
            wire.send(format!("zz\r\n{}\r\n0\r\n\r\n", snapshot()))
        },
        "chunk",
        BROKE_OFF,
    ),
    stream(
        "largest chunk",
        "a whole snapshot, and then the end of the connection in a chunk of 2^64 - 1 bytes",
        |wire| {
            wire.head()?;
            wire.send(format!("ffffffffffffffff\r\n{}", snapshot()))
        },
        [ends(&[0], "3 tasks"), ends(&[0], "The stream is cut off"), ends(&[0], "it is cut off")],
    ),
    kind(
        "endless chunk extension",
        "a chunk whose size has an extension without end",
        |wire| {
            wire.head()?;
            endless_after(wire, "5;x=")
        },
        "chunk",
        BROKE_OFF,
    ),
    stream(
        "length too short",
        "a content length that is less than the snapshot",
        |wire| wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{}", snapshot())),
        [ends(&[1], INCOMPLETE), ends(&[0], "The stream is cut off"), ends(&[2], NO_SNAPSHOT)],
    ),
    stream(
        "length too long",
        "a whole snapshot, and a larger content length",
        |wire| wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n{}", snapshot())),
        [ends(&[0], "3 tasks"), ends(&[0], "The stream is cut off"), ends(&[0], "it is cut off")],
    ),
    kind(
        "length no number",
        "a content length that is not a number",
        |wire| wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}", snapshot())),
        NOT_HTTP,
        NOT_HTTP,
    ),
    stream(
        "cut in a line",
        "a body that ends in the middle of a line",
        |wire| wire.whole(&snapshot()[..1500]),
        [ends(&[1], INCOMPLETE), ends(&[0], "The stream is cut off: line 10 has no end"), ends(&[2], NO_SNAPSHOT)],
    ),
    stream("breaks in a line", "a connection that ends in the middle of a line", half, HALF),
    Kind { resets: true, ..stream("resets in a line", "a reset in the middle of a line", half, HALF) },
    // The text.
    kind(
        "not UTF-8",
        "bytes that are not text",
        |wire| wire.whole([0xf8, 0xf9, 0x80, b'\n'].repeat(20)),
        NOT_INSIGHT,
        NO_STREAM,
    ),
    kind("UTF-16", "text of another encoding", |wire| wire.whole([0xff, 0xfe, b'{', 0].repeat(20)), "UTF-16", "UTF-16"),
    kind("random bytes", "random bytes", |wire| wire.whole(noise(9, 5000)), NOT_INSIGHT, NO_STREAM),
    kind("NUL", "lines of zeros", |wire| wire.whole(b"\0\0\0\n".repeat(20)), NOT_INSIGHT, NO_STREAM),
    kind("not JSON", "lines of a log", |wire| wire.whole("INFO started\n".repeat(20)), "INFO started", NO_STREAM),
    kind(
        "gzip",
        "a compressed body",
        |wire| wire.whole([&[0x1f, 0x8b, 8, 0][..], &noise(3, 5000)].concat()),
        NOT_INSIGHT,
        NO_STREAM,
    ),
    with_trace(kind("array", "an empty array", |wire| wire.whole("[]\n"), "it sent \"[]\"", NO_STREAM), NO_TRACE),
    with_trace(
        kind("deep", "a million brackets", |wire| wire.whole("[".repeat(1_000_000) + "\n"), NOT_INSIGHT, NO_STREAM),
        NO_TRACE,
    ),
    with_trace(
        kind(
            "other route",
            "the answer of /v1/problems on each path",
            |wire| wire.whole("{\"problems\":[]}\n"),
            NOT_INSIGHT,
            NO_STREAM,
        ),
        NO_TRACE,
    ),
    with_trace(
        stream(
            "stream on each path",
            "the answer of /v1/stream on each path",
            |wire| wire.whole(snapshot()),
            [ends(&[0], "3 tasks"), ends(&[0], "no finding in 34 lines"), ends(&[0], "0 open problems")],
        ),
        NO_TRACE,
    ),
    trace("large trace", "a trace of 20 MB", |wire| wire.whole(large_trace()), "the trace is larger than 16 MiB"),
    Kind {
        trace: ends(&[0], "it waits"),
        ..trace("trace with escapes", "a trace with escape sequences", |wire| wire.whole(TRACE_WITH_ESCAPES), "")
    },
    kind(
        "zeros for ever",
        "bytes without a line",
        |wire| {
            wire.head()?;
            wire.endless(NOW, |_| chunk(&[0; PIECE]))
        },
        NOT_INSIGHT,
        NO_STREAM,
    ),
    // The stream.
    kind(
        "protocol 2.0",
        "another major version",
        |wire| wire.whole(snapshot().replace("\"1.0\"", "\"2.0\"")),
        "it speaks insight 2.0",
        "it speaks version 2.0 of the protocol",
    ),
    stream(
        "protocol with escapes",
        "escape sequences in the version, which is not valid",
        |wire| wire.whole(snapshot().replace("\"1.0\"", r#""2.\u001b[31m0""#)),
        [ends(&[0], "3 tasks"), ends(&[1], "version.digits"), ends(&[0], "0 open problems")],
    ),
    kind(
        "later protocol with escapes",
        "escape sequences in the session and the name, of another major version",
        |wire| wire.whole(snapshot().replace("\"1.0\"", "\"3.0\"").replace("lock_order", r"\u001b[2J\u202e")),
        "it speaks insight 3.0",
        "it speaks version 3.0 of the protocol",
    ),
    stream(
        "protocol 1.99",
        "a later minor version, with a message and unknown fields",
        |wire| wire.whole(later()),
        [ends(&[0], "of an unknown type"), ends(&[0], "no finding in 35 lines"), ends(&[0], "0 open problems")],
    ),
    stream(
        "no header",
        "a snapshot without a header",
        |wire| wire.whole(&snapshot()[header().len()..]),
        [ends(&[1], "messages without a header"), ends(&[1], "header.first"), ends(&[2], "its version is unknown")],
    ),
    stream(
        "end without begin",
        "the end of a snapshot that has not begun",
        |wire| wire.whole(format!("{}{{\"seq\":2,\"type\":\"snapshot.end\",\"at_ns\":9}}\n", header())),
        [ends(&[1], INCOMPLETE), ends(&[1], "file.opening"), ends(&[2], NO_SNAPSHOT)],
    ),
    Kind {
        minute: true,
        ..stream(
            "snapshot without end",
            "a snapshot that never ends",
            |wire| {
                wire.head()?;
                let snapshot = snapshot();
                wire.chunk(&snapshot[..snapshot.rfind("{\"seq\":34").expect("the snapshot has an end")])?;
                wire.endless(TENTH, |number| chunk(heartbeat(34 + number, 20_000_000 + number).as_bytes()))
            },
            [ends(&[1], INCOMPLETE), ends(&[1], "snapshot.only"), ends(&[2], NO_SNAPSHOT)],
        )
    },
    stream(
        "heartbeats only",
        "a header, and heartbeats without a snapshot",
        |wire| {
            wire.head()?;
            wire.chunk(header())?;
            (2..500).try_for_each(|seq| wire.chunk(heartbeat(seq, 1_000_000 * seq)))?;
            wire.send("0\r\n\r\n")
        },
        [ends(&[1], INCOMPLETE), ends(&[1], "file.opening"), ends(&[2], NO_SNAPSHOT)],
    ),
    stream(
        "long line",
        "a line of 20 MB in the snapshot",
        |wire| wire.whole(insert(&format!("{{\"seq\":3,\"type\":\"long\",\"x\":\"{}\"}}", "x".repeat(20_000_000)))),
        [ends(&[0], "1 line not understood"), ends(&[1], "stream.line-limit"), ends(&[0], "1 line is not a message")],
    ),
    Kind {
        heavy: true,
        minute: true,
        ..stream(
            "line without end",
            "a line that never ends, after a header",
            |wire| {
                wire.head()?;
                wire.chunk(header())?;
                wire.endless(NOW, |_| chunk(&[b'x'; PIECE]))
            },
            [ends(&[1], INCOMPLETE), ends(&[0], READ_IN_TIME), ends(&[2], NO_SNAPSHOT)],
        )
    },
    stream(
        "numbers backwards",
        "messages whose numbers count down",
        |wire| wire.whole(backwards("\"seq\":")),
        [ends(&[0], "3 tasks"), ends(&[1], "stream.seq.plus-one"), ends(&[0], "0 open problems")],
    ),
    stream(
        "clock backwards",
        "times that count down",
        |wire| wire.whole(backwards("\"at_ns\":")),
        [ends(&[0], "3 tasks"), ends(&[1], "snapshot.end.same-time"), ends(&[3], "1 open problem")],
    ),
    stream(
        "largest numbers",
        "each number is 2^64 - 1",
        |wire| wire.whole(numbers("18446744073709551615")),
        [ends(&[1], "messages without a header"), ends(&[2], NO_STREAM), ends(&[2], NO_STREAM)],
    ),
    stream(
        "largest allowed numbers",
        "each number is 2^53 - 1",
        |wire| wire.whole(numbers("9007199254740991")),
        [ends(&[1], "messages without a header"), ends(&[1], "number.range"), ends(&[2], "its version is unknown")],
    ),
    stream(
        "each line twice",
        "each line of the snapshot comes twice, and so does each task",
        |wire| wire.whole(snapshot().lines().flat_map(|line| [line, "\n", line, "\n"]).collect::<String>()),
        [ends(&[0], "3 tasks"), ends(&[1], "stream.seq.plus-one"), ends(&[0], "0 open problems")],
    ),
    stream(
        "edges to nothing",
        "edges of tasks, resources and names that do not exist",
        |wire| wire.whole(without_things()),
        [ends(&[0], "22 messages missing"), ends(&[1], "snapshot.self-contained"), ends(&[0], "22 messages missing")],
    ),
    stream(
        "names with escapes",
        "escape sequences and changes of direction in all names",
        |wire| wire.whole(include_str!("../../../../conformance/tests/escapes.ndjson")),
        [ends(&[0], "2 tasks"), ends(&[0], "no finding in 26 lines"), ends(&[3], "1 open problem")],
    ),
    stream(
        "endless gaps",
        "a hundred thousand gaps, each with another reason",
        |wire| wire.whole(insert(&gaps(100_000))),
        [
            ends(&[0], "100,000 facts lost by the program"),
            ends(&[1], "snapshot.only"),
            ends(&[0], "100000 facts lost by the program"),
        ],
    ),
    Kind {
        heavy: true,
        ..stream(
            "a million names",
            "a snapshot with unused names; in a short run a tenth of a million",
            many_names,
            [ends(&[0], "3 tasks"), ends(&[1], "stream.seq.plus-one"), ends(&[0], "0 open problems")],
        )
    },
    flood("flood of heartbeats", "heartbeats as fast as possible", |wire| {
        lines(wire, |number| heartbeat(number, number))
    }),
    flood("flood of names", "names of 1 KiB as fast as possible", |wire| lines(wire, name)),
    flood("flood of places", "source lines of 1 KiB as fast as possible", |wire| lines(wire, place)),
    flood("flood of tasks", "tasks that never end, as fast as possible", |wire| lines(wire, task)),
    flood("flood of edges", "holds of one task, as fast as possible", |wire| lines(wire, hold)),
    flood("flood of problems", "problems with long words, as fast as possible", |wire| lines(wire, problem)),
    flood("flood of words", "tasks of unknown kinds of 1 MB, as fast as possible", |wire| lines(wire, word)),
    flood("flood of gaps", "gaps with reasons of 1 MB, as fast as possible", |wire| lines(wire, long_gap)),
];

fn refusal_without_end(wire: &mut Wire) -> std::io::Result<()> {
    wire.send("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n")?;
    wire.silence()
}

fn refusal_of_one_line(wire: &mut Wire) -> std::io::Result<()> {
    wire.send("HTTP/1.1 500 Oh\r\n\r\n")?;
    wire.endless(NOW, |_| vec![b'x'; PIECE])
}

fn endless_after(wire: &mut Wire, start: &str) -> std::io::Result<()> {
    wire.send(start)?;
    wire.endless(NOW, |_| vec![b'x'; PIECE])
}

fn slow_head(wire: &mut Wire) -> std::io::Result<()> {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n";
    wire.endless(SECOND, |number| vec![head[number as usize % head.len()]])
}

fn half(wire: &mut Wire) -> std::io::Result<()> {
    wire.head()?;
    wire.chunk(&snapshot()[..1500])
}

/// A header, the start of a snapshot with a task and a resource, and then `line` for ever.
fn lines(wire: &mut Wire, line: impl Fn(u64) -> String) -> std::io::Result<()> {
    wire.head()?;
    wire.chunk(header())?;
    wire.chunk(BEGIN)?;
    let mut next = 5;
    wire.endless(NOW, |_| {
        let mut lines = String::new();
        while lines.len() < PIECE {
            lines += &line(next);
            next += 1;
        }
        chunk(lines.as_bytes())
    })
}

fn many_names(wire: &mut Wire) -> std::io::Result<()> {
    let count = if wire.full { 1_000_000 } else { 100_000 };
    let names: String = (0..count).map(|number| short_name(1000 + number)).collect();
    wire.whole(insert(names.trim_end()))
}
