//! The streams of a fake server.

/// A correct recording. It begins with a snapshot.
const RECORDING: &str = include_str!("../../../../conformance/recordings/lock_order.ndjson");

/// The header lines of a short text.
pub const TEXT: &str = "Content-Type: text/plain\r\n";
/// The start of a snapshot, with a task and a resource.
pub const BEGIN: &str = concat!(
    r#"{"seq":2,"type":"snapshot.begin","at_ns":1,"tasks":1,"resources":1,"edges":0,"problems":0}"#,
    "\n",
    r#"{"seq":3,"type":"task.spawned","id":1,"kind":"task","at_ns":1}"#,
    "\n",
    r#"{"seq":4,"type":"resource.created","id":1,"kind":"semaphore","at_ns":1}"#,
    "\n",
);
pub const TRACE_WITH_ESCAPES: &str = concat!(
    r#"{"task":1,"outcome":"captured","reason":"\u001b[2J\u009b31m \u202e it waits","leaves":[{"frames":[{"#,
    r#""function":"a\u001b]0;x\u0007","kind":"own","crate_name":"a","location":{"file":"\u001bc.rs","line":1,"column":1},"#,
    r#""source":{"status":"found","text":"\u001b[31m\r\n"}}],"own":0}],"since_ns":null,"at_ns":1}"#,
);

/// The first line of the recording.
pub fn header() -> &'static str {
    &RECORDING[..=RECORDING.find('\n').expect("the recording has lines")]
}

/// The header and a whole snapshot.
pub fn snapshot() -> String {
    let end = RECORDING.find("\"snapshot.end\"").expect("the recording has a snapshot");
    let line = RECORDING[end..].find('\n').expect("its line has an end");
    RECORDING[..=end + line].to_owned()
}

/// The snapshot with these lines after its start.
pub fn insert(lines: &str) -> String {
    let snapshot = snapshot();
    let begin = snapshot.find("\"seq\":3,").expect("the snapshot has lines") - 1;
    format!("{}{lines}\n{}", &snapshot[..begin], &snapshot[begin..])
}

pub fn heartbeat(seq: u64, at_ns: u64) -> String {
    format!("{{\"seq\":{seq},\"type\":\"stream.heartbeat\",\"at_ns\":{at_ns}}}\n")
}

pub fn gaps(count: u64) -> String {
    let gap = |number| {
        format!("{{\"seq\":3,\"type\":\"gap\",\"count\":1,\"kinds\":[],\"reason\":\"reason {number}\",\"at_ns\":1}}")
    };
    (0..count).map(gap).collect::<Vec<_>>().join("\n")
}

pub fn short_name(number: u64) -> String {
    format!("{{\"seq\":3,\"type\":\"define.string\",\"id\":{number},\"text\":\"name {number}\"}}\n")
}

/// A name of 1 KiB.
pub fn name(number: u64) -> String {
    let rest = "n".repeat(1000);
    format!("{{\"seq\":{number},\"type\":\"define.string\",\"id\":{number},\"text\":\"{number}{rest}\"}}\n")
}

/// A location whose source line has 1 KiB.
pub fn place(number: u64) -> String {
    let text = "t".repeat(1000);
    format!(
        "{{\"seq\":{number},\"type\":\"define.location\",\"id\":{number},\"file\":\"a.rs\",\"line\":{number},\"column\":1,\
         \"source\":{{\"status\":\"found\",\"text\":\"{text}\"}}}}\n"
    )
}

pub fn task(number: u64) -> String {
    format!("{{\"seq\":{number},\"type\":\"task.spawned\",\"id\":{number},\"kind\":\"task\",\"at_ns\":1}}\n")
}

/// A task whose kind has 1 MB.
pub fn word(number: u64) -> String {
    let kind = "k".repeat(1_000_000);
    format!(
        "{{\"seq\":{number},\"type\":\"task.spawned\",\"id\":{number},\"kind\":\"com.example.{number}{kind}\",\"at_ns\":1}}\n"
    )
}

/// A gap whose reason has 1 MB.
pub fn long_gap(number: u64) -> String {
    let reason = "r".repeat(1_000_000);
    format!(
        "{{\"seq\":{number},\"type\":\"gap\",\"count\":1,\"kinds\":[],\"reason\":\"{number}{reason}\",\"at_ns\":1}}\n"
    )
}

/// A hold of the first task.
pub fn hold(number: u64) -> String {
    format!(
        "{{\"seq\":{number},\"type\":\"edge.hold\",\"id\":{number},\"task\":1,\"resource\":1,\"mode\":\"permit\",\"units\":1,\
         \"since_ns\":1}}\n"
    )
}

/// The snapshot without its tasks, resources and names.
pub fn without_things() -> String {
    let is_thing = |line: &&str| [".spawned", ".created", "define."].iter().any(|part| line.contains(part));
    snapshot().lines().filter(|line| !is_thing(line)).map(|line| format!("{line}\n")).collect()
}

/// A suspected problem with long texts.
pub fn problem(number: u64) -> String {
    let words = "w".repeat(1000);
    format!(
        "{{\"seq\":{number},\"type\":\"problem.raised\",\"problem\":{{\"id\":{number},\"kind\":\"deadlock\",\
         \"tier\":\"suspected\",\"severity\":\"hang\",\"title\":\"{words}\",\"tasks\":[],\"resources\":[],\"edges\":[],\"since_ns\":1,\
         \"explanation\":[\"{words}\"],\"unknowns\":[],\"advice\":\"{words}\",\"docs\":\"deadlock\"}},\"at_ns\":1}}\n"
    )
}

/// The snapshot in a later minor version.
pub fn later() -> String {
    let unknown = "{\"seq\":35,\"type\":\"task.dreamt\",\"id\":1,\"of\":[1,2,{\"a\":null}],\"at_ns\":12914294}\n";
    let snapshot = snapshot().replace("\"1.0\"", "\"1.99\"");
    snapshot.replace("\"task.spawned\",", "\"task.spawned\",\"mood\":\"good\",") + unknown
}

/// The snapshot in which the numbers of a field count down.
pub fn backwards(field: &str) -> String {
    let mut next = 9_000_000_000_u64;
    replace_numbers(&snapshot(), field, || {
        next -= 1;
        next.to_string()
    })
}

/// The snapshot in which all numbers are `number`.
pub fn numbers(number: &str) -> String {
    replace_numbers(&snapshot(), "\":", || number.to_owned())
}

fn replace_numbers(text: &str, after: &str, mut number: impl FnMut() -> String) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(after) {
        let (before, there) = rest.split_at(at + after.len());
        replaced.push_str(before);
        let digits = there.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            replaced.push_str(&number());
        }
        rest = &there[digits..];
    }
    replaced + rest
}

/// A trace with a text of 20 MB.
pub fn large_trace() -> String {
    format!(
        "{{\"task\":1,\"outcome\":\"captured\",\"reason\":\"{}\",\"leaves\":[],\"since_ns\":null,\"at_ns\":1}}",
        "x".repeat(20_000_000)
    )
}

/// One chunk of a body.
pub fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// Random bytes, the same for the same seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut random = crate::attack::tools::Random::new(seed);
    (0..length).map(|_| random.below(256) as u8).collect()
}
