//! Streams to be mutated, and operations on their lines.

use insight_model::{Checker, RuleFinding};

pub const STORY: &str = include_str!("../../../conformance/recordings/barbara.ndjson");
pub const DEADLOCK: &str = include_str!("../../../conformance/recordings/deadlock.ndjson");
pub const LOCK_ORDER: &str = include_str!("../../../conformance/recordings/lock_order.ndjson");

/// Some facts that the recordings lack: a partial task, an extension, shared holds, a granted wait, awaits,
/// and a whole problem.
pub const MINI: &str = r#"{"seq":1,"type":"stream.header","protocol":"1.0","session":"f00","process":{"pid":1,"name":"mini"},"executors":[],"clock":{"wall_anchor_unix_ms":1},"detail":"structure","interval_ms":100,"capabilities":["tasks","task.times","task.foreign_wakers"],"extensions":["com.example"],"at_ns":5}
{"seq":2,"type":"snapshot.begin","at_ns":5,"tasks":1,"resources":1,"edges":1,"problems":0}
{"seq":3,"type":"define.string","id":1,"text":"waiting for the lock"}
{"seq":4,"type":"define.location","id":1,"file":"src/main.rs","line":3,"column":5,"source":{"status":"found","text":"lock().await"}}
{"seq":5,"type":"task.spawned","id":1,"kind":"block_on","location":1,"at_ns":1}
{"seq":6,"type":"resource.created","id":1,"kind":"mutex","at_ns":2}
{"seq":7,"type":"edge.hold","id":1,"task":1,"resource":1,"mode":"exclusive","units":1,"since_ns":3}
{"seq":8,"type":"snapshot.end","at_ns":5}
{"seq":9,"type":"task.spawned","id":2,"kind":"task","parent":1,"at_ns":6}
{"seq":10,"type":"task.spawned","id":3,"kind":"task","partial":true,"at_ns":6}
{"seq":11,"type":"resource.created","id":2,"kind":"channel","capacity":1,"at_ns":7}
{"seq":12,"type":"resource.created","id":3,"kind":"rwlock","at_ns":7}
{"seq":13,"type":"resource.updated","id":2,"senders":1,"receivers":1,"at_ns":8}
{"seq":14,"type":"edge.party","id":2,"task":2,"resource":2,"role":"receiver","exclusive":true,"since_ns":8}
{"seq":15,"type":"edge.hold","id":3,"task":3,"resource":3,"mode":"shared","units":1,"since_ns":8}
{"seq":16,"type":"edge.wait","id":4,"task":2,"resource":1,"operation":"lock","reason":1,"need":1,"location":1,"since_ns":9}
{"seq":17,"type":"task.stats","id":2,"state":"idle","since_ns":9,"polls":1,"wakes":0,"self_wakes":0,"running_ns":1,"scheduled_ns":1,"idle_ns":1,"foreign_wakers":0,"at_ns":10}
{"seq":18,"type":"task.stats","id":3,"since_ns":9,"polls":1,"wakes":0,"self_wakes":0,"running_ns":1,"scheduled_ns":1,"idle_ns":1,"at_ns":10}
{"seq":19,"type":"edge.updated","id":4,"polls":1,"polled":true,"at_ns":10}
{"seq":20,"type":"define.string","id":2,"text":"serve"}
{"seq":21,"type":"task.updated","id":2,"name":2,"at_ns":10}
{"seq":22,"type":"task.awaits","id":2,"polls":1,"awaits":[{"edge":4,"function":2,"frames":[{"function":2,"location":1,"kind":"own"}]}],"more":0,"complete":true,"at_ns":10}
{"seq":23,"type":"stream.heartbeat","at_ns":10}
{"seq":24,"type":"edge.updated","id":4,"polls":2,"polled":false,"granted_ns":10,"at_ns":11}
{"seq":25,"type":"problem.raised","problem":{"id":1,"kind":"deadlock","tier":"suspected","severity":"hang","title":"task 2 waits","tasks":[{"id":2,"name":null,"location":null}],"resources":[{"id":1,"kind":"mutex","name":null,"location":null}],"edges":[],"unknowns":["the holder"],"advice":"Wait.","docs":"/docs/deadlock","since_ns":9},"at_ns":10}
{"seq":26,"type":"problem.updated","problem":{"id":1,"kind":"deadlock","tier":"suspected","severity":"hang","title":"task 2 waits","tasks":[{"id":2,"name":null,"location":null}],"resources":[{"id":1,"kind":"mutex","name":null,"location":null}],"edges":[],"unknowns":["the holder, if there is one"],"advice":"Wait.","docs":"/docs/deadlock","since_ns":9},"at_ns":11}
{"seq":27,"type":"problem.cleared","id":1,"at_ns":12}
{"seq":28,"type":"edge.closed","id":1,"outcome":"released","at_ns":12}
{"seq":29,"type":"edge.closed","id":4,"outcome":"claimed","at_ns":12}
{"seq":30,"type":"edge.hold","id":5,"task":2,"resource":1,"mode":"exclusive","units":1,"since_ns":12}
{"seq":31,"type":"stream.heartbeat","at_ns":20}
{"seq":32,"type":"edge.closed","id":3,"outcome":"moved","at_ns":21}
{"seq":33,"type":"resource.dropped","id":3,"at_ns":22}
{"seq":34,"type":"task.completed","id":3,"outcome":"unseen","at_ns":23}
"#;

/// Single polls: of two threads, of a nested task, and of an ended task.
pub const POLLS: &str = r#"{"seq":1,"type":"stream.header","protocol":"1.0","session":"f00","process":{"pid":1,"name":"single"},"executors":[],"clock":{"wall_anchor_unix_ms":1},"detail":"polls","interval_ms":100,"capabilities":["tasks","task.times"],"at_ns":1}
{"seq":2,"type":"snapshot.begin","at_ns":1,"tasks":0,"resources":0,"edges":0,"problems":0}
{"seq":3,"type":"snapshot.end","at_ns":1}
{"seq":4,"type":"task.spawned","id":1,"kind":"block_on","at_ns":1}
{"seq":5,"type":"task.spawned","id":2,"kind":"task","parent":1,"at_ns":2}
{"seq":6,"type":"task.polls","thread":1,"tasks":[2,1],"after_ns":[0,2],"running_ns":[1,5],"at_ns":7}
{"seq":7,"type":"task.polls","thread":2,"tasks":[2],"after_ns":[0],"running_ns":[1],"at_ns":4}
{"seq":8,"type":"task.stats","id":2,"state":"idle","since_ns":9,"polls":2,"wakes":0,"self_wakes":0,"running_ns":1,"scheduled_ns":1,"idle_ns":1,"at_ns":10}
{"seq":9,"type":"stream.heartbeat","at_ns":10}
{"seq":10,"type":"task.completed","id":2,"outcome":"returned","at_ns":13}
{"seq":11,"type":"task.polls","thread":1,"tasks":[2],"after_ns":[0],"running_ns":[1],"at_ns":13}
{"seq":12,"type":"gap","count":3,"kinds":["task.polls"],"reason":"no room","at_ns":19}
{"seq":13,"type":"stream.heartbeat","at_ns":20}
"#;

/// Single operations: a contended lock, a failed attempt, a join of an ended task, a notification, permits that change, a timer,
/// an operation that is dropped, and a leaked one.
pub const OPERATIONS: &str = r#"{"seq":1,"type":"stream.header","protocol":"1.0","session":"f00","process":{"pid":1,"name":"operations"},"executors":[],"clock":{"wall_anchor_unix_ms":1},"detail":"operations","interval_ms":100,"capabilities":["tasks","operations"],"at_ns":1}
{"seq":2,"type":"snapshot.begin","at_ns":1,"tasks":0,"resources":0,"edges":0,"problems":0}
{"seq":3,"type":"snapshot.end","at_ns":1}
{"seq":4,"type":"define.location","id":1,"file":"src/main.rs","line":3,"column":9}
{"seq":5,"type":"task.spawned","id":1,"kind":"block_on","at_ns":1}
{"seq":6,"type":"task.spawned","id":2,"kind":"task","parent":1,"at_ns":2}
{"seq":7,"type":"resource.created","id":1,"kind":"mutex","at_ns":3}
{"seq":8,"type":"task.operation","id":1,"event":"begun","task":1,"thread":1,"resource":1,"operation":"lock","units":1,"location":1,"at_ns":4}
{"seq":9,"type":"task.operation","id":1,"event":"claimed","task":1,"thread":1,"at_ns":5}
{"seq":10,"type":"task.operation","id":2,"event":"held","task":1,"thread":1,"resource":1,"mode":"exclusive","units":1,"location":1,"at_ns":6}
{"seq":11,"type":"task.operation","id":3,"event":"begun","task":2,"thread":2,"resource":1,"operation":"lock","units":1,"at_ns":7}
{"seq":12,"type":"task.operation","id":3,"event":"pending","task":2,"thread":2,"at_ns":8}
{"seq":13,"type":"task.operation","id":4,"event":"begun","task":1,"thread":1,"resource":1,"operation":"lock","units":1,"at_ns":7}
{"seq":14,"type":"task.operation","id":4,"event":"claimed","task":1,"thread":1,"outcome":"unavailable","at_ns":9}
{"seq":15,"type":"task.operation","id":2,"event":"released","thread":3,"at_ns":10}
{"seq":16,"type":"task.operation","id":3,"event":"granted","thread":3,"at_ns":11}
{"seq":17,"type":"task.operation","id":3,"event":"pending","task":2,"thread":2,"at_ns":12}
{"seq":18,"type":"task.operation","id":3,"event":"abandoned","task":2,"thread":2,"at_ns":13}
{"seq":19,"type":"task.completed","id":2,"outcome":"returned","at_ns":14}
{"seq":20,"type":"task.operation","id":5,"event":"begun","task":1,"thread":1,"joined":2,"operation":"join","units":1,"at_ns":15}
{"seq":21,"type":"task.operation","id":5,"event":"claimed","task":1,"thread":1,"at_ns":16}
{"seq":22,"type":"resource.created","id":2,"kind":"semaphore","at_ns":17}
{"seq":23,"type":"task.operation","id":6,"event":"held","task":1,"thread":1,"resource":2,"mode":"permit","units":3,"at_ns":18}
{"seq":24,"type":"task.operation","id":6,"event":"moved","task":1,"thread":1,"mode":"permit","units":2,"at_ns":19}
{"seq":25,"type":"task.operation","id":7,"event":"held","task":1,"thread":1,"resource":2,"mode":"permit","units":1,"at_ns":20}
{"seq":26,"type":"task.operation","id":7,"event":"released","task":1,"thread":1,"at_ns":21}
{"seq":27,"type":"task.operation","id":8,"event":"begun","task":1,"thread":1,"operation":"sleep","units":1,"at_ns":22}
{"seq":28,"type":"task.operation","id":8,"event":"granted","thread":3,"at_ns":22}
{"seq":29,"type":"task.operation","id":8,"event":"pending","task":1,"thread":1,"at_ns":23}
{"seq":30,"type":"task.operation","id":9,"event":"begun","thread":3,"resource":2,"operation":"add_permits","units":1,"at_ns":24}
{"seq":31,"type":"task.operation","id":9,"event":"claimed","thread":3,"outcome":"succeeded","at_ns":25}
{"seq":32,"type":"resource.dropped","id":2,"at_ns":26}
{"seq":33,"type":"gap","count":3,"kinds":["task.operation"],"reason":"no room","at_ns":27}
{"seq":34,"type":"stream.heartbeat","at_ns":30}
"#;

/// The findings of all lines.
pub fn check(lines: &[String]) -> Vec<RuleFinding> {
    let mut checker = Checker::default();
    let mut findings: Vec<RuleFinding> = lines.iter().flat_map(|line| checker.line(line)).collect();
    findings.extend(checker.end());
    findings
}

/// The lines of a recording.
pub struct Stream {
    pub lines: Vec<String>,
}

impl Stream {
    pub fn of(recording: &str) -> Stream {
        Stream { lines: recording.lines().map(str::to_owned).collect() }
    }

    /// Numbers the lines again. A line without a number stays as it is.
    pub fn renumber(&mut self) {
        for (number, line) in self.lines.iter_mut().enumerate() {
            let after_digits = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
            if let Some(rest) = line.strip_prefix("{\"seq\":").map(after_digits) {
                *line = format!("{{\"seq\":{}{rest}", number + 1);
            }
        }
    }

    /// The first line with this text, such as a type.
    pub fn first(&self, text: &str) -> usize {
        let at = self.lines.iter().position(|line| line.contains(text));
        at.unwrap_or_else(|| panic!("no line with {text}"))
    }

    /// The last line with this text.
    pub fn last(&self, text: &str) -> usize {
        let at = self.lines.iter().rposition(|line| line.contains(text));
        at.unwrap_or_else(|| panic!("no line with {text}"))
    }

    /// The number of a field of a line.
    pub fn number(&self, at: usize, field: &str) -> u64 {
        let line = &self.lines[at];
        let (_, rest) = line.split_once(&format!("\"{field}\":")).unwrap_or_else(|| panic!("no {field} in {line}"));
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    }

    pub fn set(&mut self, at: usize, field: &str, value: u64) {
        let before = self.number(at, field);
        self.replace(at, &format!("\"{field}\":{before}"), &format!("\"{field}\":{value}"));
    }

    pub fn replace(&mut self, at: usize, from: &str, to: &str) {
        let line = &mut self.lines[at];
        assert!(line.contains(from), "no {from} in {line}");
        *line = line.replacen(from, to, 1);
    }

    pub fn remove(&mut self, at: usize) {
        self.lines.remove(at);
    }

    /// Duplicates the last line with this text.
    pub fn double(&mut self, text: &str) {
        let at = self.last(text);
        self.lines.insert(at, self.lines[at].clone());
    }

    /// Inserts a message before this line. `fields` are its fields from `type` on.
    pub fn insert(&mut self, at: usize, fields: &str) {
        self.lines.insert(at, format!("{{\"seq\":0,{fields}}}"));
    }

    /// Appends a message.
    pub fn push(&mut self, fields: &str) {
        self.insert(self.lines.len(), fields);
    }
}
