use insight_protocol::*;
use std::collections::HashMap;

/// Maximum size of a name, a path or a source line that is kept, in bytes.
pub const NAME_LIMIT: usize = 1 << 10;

/// Maximum size of all names, paths and source lines that are kept of one stream, in bytes.
pub const NAMES_LIMIT: usize = 256 << 20;

/// Maximum number of tasks, resources, edges and problems that are kept of one stream. A program with a million tasks has
/// fewer.
pub const THINGS_LIMIT: usize = 4 << 20;

/// Maximum size of all problems that are kept of one stream, in bytes.
pub const PROBLEMS_LIMIT: usize = 64 << 20;

/// Maximum size of the message of a panic, in bytes: a message of the protocol's length is never cut.
const PANIC_LIMIT: usize = 4 * MAX_PANIC;

/// Maximum size of an unknown word, in bytes.
const WORD_LIMIT: usize = 64;

/// Maximum number of types that a gap names. If it names more, it may have lost any type.
const GAP_KINDS_LIMIT: usize = 64;

/// Maximum number of counts in the histogram of a task: one for each bit of a number.
const HISTOGRAM_LIMIT: usize = 64;

/// Approximate size of a definition without its texts, in bytes.
const DEFINITION: usize = 128;

/// Limits the facts and texts that a stream can make a reader keep, before a model keeps them. r[security.limits]
///
/// Names are kept until the next snapshot, since a later message may refer to any of them.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    kept: usize,
    /// Sizes of the strings that may be dropped.
    strings: HashMap<StringId, usize>,
    problems: usize,
    /// Sizes of the open problems.
    open: HashMap<ProblemId, usize>,
    left_out: u64,
    facts_left_out: u64,
}

impl Bounds {
    /// Cuts the texts of a message. Returns `false` if there is no room for the message itself. Then it must not be applied
    /// to the model, which has `things` tasks, resources, edges and problems.
    #[must_use]
    pub fn admit(&mut self, message: &mut Message, things: usize) -> bool {
        message.visit_mut(&mut Admission { bounds: self, things })
    }

    fn problem(&mut self, problem: &Problem, things: usize) -> bool {
        let (size, before) = (size(problem), self.open.get(&problem.id).copied());
        let is_new_one_too_many = before.is_none() && things >= THINGS_LIMIT;
        let problems = self.problems - before.unwrap_or(0) + size;
        if is_new_one_too_many || problems > PROBLEMS_LIMIT {
            self.facts_left_out += 1;
            return false;
        }
        self.problems = problems;
        self.open.insert(problem.id, size);
        true
    }

    /// Number of facts that were not admitted for lack of room.
    pub fn facts_left_out(&self) -> u64 {
        self.facts_left_out
    }

    /// Number of names and places that were not admitted for lack of room.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Whether there is room for a definition of this size.
    fn definition(&mut self, size: usize) -> bool {
        let has_room = self.kept + size <= NAMES_LIMIT;
        if has_room {
            self.kept += size;
        } else {
            self.left_out += 1;
        }
        has_room
    }
}

/// Cuts the texts of one message. Each method returns whether there is room for the message.
struct Admission<'a> {
    bounds: &'a mut Bounds,
    things: usize,
}

impl Admission<'_> {
    /// Whether there is room for one more task, resource or edge.
    fn opens(&mut self) -> bool {
        let has_room = self.things < THINGS_LIMIT;
        self.bounds.facts_left_out += u64::from(!has_room);
        has_room
    }
}

impl VisitMut for Admission<'_> {
    type Output = bool;

    fn stream_header(&mut self, _: &mut StreamHeader) -> bool {
        true
    }

    fn stream_heartbeat(&mut self, _: &mut StreamHeartbeat) -> bool {
        true
    }

    fn stream_coverage(&mut self, m: &mut StreamCoverage) -> bool {
        let long = m.awaits_of.as_ref().and_then(|awaits_of| word(awaits_of.as_str()));
        long.into_iter().for_each(|word| m.awaits_of = Some(word.as_str().into()));
        true
    }

    fn define_string(&mut self, m: &mut DefineString) -> bool {
        cut(&mut m.text, NAME_LIMIT);
        let size = DEFINITION + m.text.len();
        if !self.bounds.definition(size) {
            return false;
        }
        *self.bounds.strings.entry(m.id).or_default() += size;
        true
    }

    fn define_location(&mut self, m: &mut DefineLocation) -> bool {
        cut(&mut m.file, NAME_LIMIT);
        let mut size = DEFINITION + m.file.len();
        if let Some(SourceLine { text: Some(text), .. }) = &mut m.source {
            cut(text, NAME_LIMIT);
            size += text.len();
        }
        self.bounds.definition(size)
    }

    fn define_dropped(&mut self, m: &mut DefineDropped) -> bool {
        let sizes = m.strings.iter().filter_map(|id| self.bounds.strings.remove(id));
        self.bounds.kept -= sizes.sum::<usize>();
        true
    }

    fn task_spawned(&mut self, m: &mut TaskSpawned) -> bool {
        word(m.kind.as_str()).into_iter().for_each(|word| m.kind = word.as_str().into());
        self.opens()
    }

    fn task_updated(&mut self, _: &mut TaskUpdated) -> bool {
        true
    }

    fn task_completed(&mut self, m: &mut TaskCompleted) -> bool {
        word(m.outcome.as_str()).into_iter().for_each(|word| m.outcome = word.as_str().into());
        m.panic.iter_mut().for_each(|panic| cut(panic, PANIC_LIMIT));
        true
    }

    /// A model keeps a fixed number of them.
    fn task_ended(&mut self, m: &mut TaskEnded) -> bool {
        word(m.kind.as_str()).into_iter().for_each(|word| m.kind = word.as_str().into());
        word(m.outcome.as_str()).into_iter().for_each(|word| m.outcome = word.as_str().into());
        m.panic.iter_mut().for_each(|panic| cut(panic, PANIC_LIMIT));
        true
    }

    fn task_stats(&mut self, m: &mut TaskStats) -> bool {
        m.poll_ns_log2.truncate(HISTOGRAM_LIMIT);
        m.poll_ns_log2.shrink_to_fit();
        true
    }

    fn task_polls(&mut self, _: &mut TaskPolls) -> bool {
        true
    }

    fn task_operation(&mut self, _: &mut TaskOperation) -> bool {
        true
    }

    /// One message per task is kept, since a task's awaits replace its earlier ones.
    fn task_awaits(&mut self, m: &mut TaskAwaits) -> bool {
        m.more = m.more.saturating_add(m.awaits.len().saturating_sub(MAX_AWAITS) as u64).min(MAX_NUMBER);
        m.spans.truncate(MAX_SPANS);
        m.spans.shrink_to_fit();
        m.awaits.truncate(MAX_AWAITS);
        m.awaits.shrink_to_fit();
        for it in &mut m.awaits {
            it.cut |= it.frames.len() > MAX_FRAMES;
            it.frames.truncate(MAX_FRAMES);
            it.frames.shrink_to_fit();
            for frame in &mut it.frames {
                word(frame.kind.as_str()).into_iter().for_each(|word| frame.kind = word.as_str().into());
            }
            m.complete &= !it.cut;
        }
        m.complete &= m.more == 0;
        true
    }

    /// One message per task is kept. Tasks that do not fit are other code.
    fn task_cancellers(&mut self, m: &mut TaskCancellers) -> bool {
        m.others |= m.tasks.len() > MAX_CANCELLERS;
        m.tasks.truncate(MAX_CANCELLERS);
        m.tasks.shrink_to_fit();
        true
    }

    fn resource_created(&mut self, m: &mut ResourceCreated) -> bool {
        word(m.kind.as_str()).into_iter().for_each(|word| m.kind = word.as_str().into());
        self.opens()
    }

    fn resource_updated(&mut self, _: &mut ResourceUpdated) -> bool {
        true
    }

    fn resource_dropped(&mut self, _: &mut ResourceDropped) -> bool {
        true
    }

    fn edge_wait(&mut self, m: &mut EdgeWait) -> bool {
        word(m.operation.as_str()).into_iter().for_each(|word| m.operation = word.as_str().into());
        self.opens()
    }

    fn edge_hold(&mut self, m: &mut EdgeHold) -> bool {
        word(m.mode.as_str()).into_iter().for_each(|word| m.mode = word.as_str().into());
        self.opens()
    }

    fn edge_party(&mut self, m: &mut EdgeParty) -> bool {
        word(m.role.as_str()).into_iter().for_each(|word| m.role = word.as_str().into());
        self.opens()
    }

    fn edge_updated(&mut self, _: &mut EdgeUpdated) -> bool {
        true
    }

    fn edge_closed(&mut self, _: &mut EdgeClosed) -> bool {
        true
    }

    fn problem_raised(&mut self, m: &mut ProblemRaised) -> bool {
        self.bounds.problem(&m.problem, self.things)
    }

    fn problem_updated(&mut self, m: &mut ProblemUpdated) -> bool {
        self.bounds.problem(&m.problem, self.things)
    }

    fn problem_cleared(&mut self, m: &mut ProblemCleared) -> bool {
        self.bounds.problems -= self.bounds.open.remove(&m.id).unwrap_or(0);
        true
    }

    fn snapshot_begin(&mut self, _: &mut SnapshotBegin) -> bool {
        (self.bounds.kept, self.bounds.strings) = (0, HashMap::new());
        (self.bounds.problems, self.bounds.open) = (0, HashMap::new());
        true
    }

    fn snapshot_end(&mut self, _: &mut SnapshotEnd) -> bool {
        true
    }

    fn gap(&mut self, m: &mut Gap) -> bool {
        cut(&mut m.reason, NAME_LIMIT);
        if m.kinds.len() > GAP_KINDS_LIMIT {
            m.kinds = Vec::new();
        }
        m.kinds.iter_mut().for_each(|kind| cut(kind, NAME_LIMIT));
        true
    }
}

/// Cuts a text at a character boundary.
fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit - '…'.len_utf8()));
        text.push('…');
        text.shrink_to_fit();
    }
}

/// The start of a word that is too long. No word of this version is.
fn word(word: &str) -> Option<String> {
    (word.len() > WORD_LIMIT).then(|| {
        let mut text = word.to_owned();
        cut(&mut text, WORD_LIMIT);
        text
    })
}

/// Approximate size of a problem in memory, in bytes.
fn size(problem: &Problem) -> usize {
    let Problem { title, tasks, resources, edges, unknowns, unless, explanation, advice, docs, .. } = problem;
    let file = |location: &Option<SourceLocation>| location.as_ref().map_or(0, |location| location.file.len());
    let name = |name: &Option<String>| name.as_ref().map_or(0, String::len);
    let texts = unknowns.iter().chain(unless).chain(explanation).map(|text| size_of::<String>() + text.len());
    let frames = |frames: &[ProblemFrame]| {
        let frame = |it: &ProblemFrame| size_of::<ProblemFrame>() + name(&it.function) + file(&it.location);
        frames.iter().map(frame).sum::<usize>()
    };
    let awaited =
        |it: &ProblemAwait| size_of::<ProblemAwait>() + name(&it.function) + file(&it.line) + frames(&it.frames);
    let awaits = |it: &ProblemTask| it.awaits.iter().map(awaited).sum::<usize>();
    let tasks = tasks.iter().map(|it| size_of::<ProblemTask>() + name(&it.name) + file(&it.location) + awaits(it));
    let resources = resources.iter().map(|it| size_of::<ProblemResource>() + name(&it.name) + file(&it.location));
    let edges = edges.iter().map(|it| {
        let awaited = it.awaited.as_ref().map_or(0, awaited);
        size_of::<ProblemEdge>() + it.kind.len() + it.reason.len() + file(&it.location) + awaited
    });
    size_of::<Problem>()
        + title.len()
        + advice.len()
        + docs.len()
        + texts.chain(tasks).chain(resources).chain(edges).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use insight_protocol::{Decoded, DefineDropped, DefineString, Gap, ProblemCleared, SnapshotBegin, decode, with};

    /// The name that is kept. `None` if there is no room for it.
    fn name(bounds: &mut Bounds, id: u64, text: &str) -> Option<String> {
        let mut message = Message::from(DefineString::new(StringId(id), text));
        let admitted = bounds.admit(&mut message, 0);
        let Message::DefineString(define) = message else { unreachable!() };
        admitted.then_some(define.text)
    }

    #[test]
    fn long_name_is_cut_at_a_character() {
        let mut bounds = Bounds::default();
        assert_eq!(name(&mut bounds, 1, &"é".repeat(512)), Some("é".repeat(512)));
        assert_eq!(name(&mut bounds, 2, &"é".repeat(1 << 20)), Some(format!("{}…", "é".repeat(510))));
        assert_eq!(bounds.left_out(), 0);
    }

    #[test]
    fn names_have_a_total_limit_until_the_next_snapshot() {
        let mut bounds = Bounds::default();
        let text = "x".repeat(NAME_LIMIT - DEFINITION);
        for id in 1..=(NAMES_LIMIT / NAME_LIMIT) as u64 {
            assert_eq!(name(&mut bounds, id, &text).as_ref(), Some(&text));
        }
        let place = r#"{"seq":1,"type":"define.location","id":1,"file":"a.rs","line":1,"column":1}"#;
        assert_eq!((name(&mut bounds, 0, ""), bounds.left_out()), (None, 1));
        assert!(!bounds.admit(&mut message(place), 0));
        assert!(bounds.admit(&mut DefineDropped::new(vec![StringId(1), StringId(0)]).into(), 0));
        assert!(bounds.admit(&mut message(place), 0));
        assert_eq!((name(&mut bounds, 0, "y"), bounds.left_out()), (Some("y".to_owned()), 2));
        bounds.kept = NAMES_LIMIT;
        let begin = with!(SnapshotBegin::default(), at_ns = 1);
        assert!(bounds.admit(&mut begin.into(), 0));
        assert_eq!((name(&mut bounds, 0, "y"), bounds.left_out()), (Some("y".to_owned()), 2));
    }

    fn message(json: &str) -> Message {
        match decode(json).unwrap() {
            Decoded::Message { message, .. } => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn thing_without_room_is_left_out() {
        let mut bounds = Bounds::default();
        let mut task = message(r#"{"seq":1,"type":"task.spawned","id":1,"kind":"task","at_ns":1}"#);
        let mut end = message(r#"{"seq":1,"type":"task.completed","id":1,"outcome":"returned","at_ns":1}"#);
        assert!(bounds.admit(&mut task, THINGS_LIMIT - 1));
        assert!(!bounds.admit(&mut task, THINGS_LIMIT));
        assert!(bounds.admit(&mut end, THINGS_LIMIT));
        assert_eq!((bounds.facts_left_out(), bounds.left_out()), (1, 0));
    }

    #[test]
    fn problems_have_a_total_limit_until_they_are_cleared() {
        let problem = |id: u64| {
            let mut problem = message(
                r#"{"seq":1,"type":"problem.raised","at_ns":1,"problem":{"id":1,"kind":"deadlock","tier":"suspected","severity":"hang",
                "title":"","tasks":[],"resources":[],"edges":[],"advice":"","docs":"/docs/deadlock","since_ns":1}}"#,
            );
            let Message::ProblemRaised(raised) = &mut problem else { unreachable!() };
            raised.problem.id = ProblemId(id);
            raised.problem.explanation = vec!["x".repeat(PROBLEMS_LIMIT / 2)];
            problem
        };
        let mut bounds = Bounds::default();
        assert!(bounds.admit(&mut problem(1), 0));
        assert!(bounds.admit(&mut problem(1), 1), "it replaces the problem with the same id");
        assert!(!bounds.admit(&mut problem(2), 1));
        assert!(bounds.admit(&mut ProblemCleared::new(ProblemId(1), 1).into(), 1));
        assert!(bounds.admit(&mut problem(2), 0));
        assert_eq!(bounds.facts_left_out(), 1);
    }

    #[test]
    fn long_message_of_a_panic_is_cut() {
        let mut bounds = Bounds::default();
        for ended in ["completed", "ended"] {
            let mut check = |text: String, expect: &str| {
                let json = format!(
                    r#"{{"seq":1,"type":"task.{ended}","id":1,"kind":"task","spawned_ns":0,"outcome":"panicked","panic":"{text}","at_ns":1}}"#
                );
                let mut message = message(&json);
                assert!(bounds.admit(&mut message, THINGS_LIMIT));
                let panic = match message {
                    Message::TaskCompleted(end) => end.panic,
                    Message::TaskEnded(end) => end.panic,
                    other => panic!("{other:?}"),
                };
                assert_eq!(panic.as_deref(), Some(expect));
            };
            check("🦀".repeat(MAX_PANIC), &"🦀".repeat(MAX_PANIC));
            check("x".repeat(1 << 20), &format!("{}…", "x".repeat(4 * MAX_PANIC - 3)));
        }
    }

    #[test]
    fn long_word_is_cut() {
        let mut gap = Message::from(with!(Gap::default(), reason = "x".repeat(NAME_LIMIT + 1)));
        let mut task = message(r#"{"seq":1,"type":"task.spawned","id":1,"kind":"KIND","at_ns":1}"#);
        if let Message::TaskSpawned(task) = &mut task {
            task.kind = "k".repeat(WORD_LIMIT + 1).as_str().into();
        }
        let mut bounds = Bounds::default();
        assert!(bounds.admit(&mut gap, 0) && bounds.admit(&mut task, 0));
        let (Message::Gap(gap), Message::TaskSpawned(task)) = (gap, task) else { unreachable!() };
        assert_eq!((gap.reason.len(), task.kind.as_str().len()), (NAME_LIMIT, WORD_LIMIT));
    }
}
