//! The lines around every view: the program, the state of the connection, the keys.

use super::Scene;
use crate::snapshot::{Link, Snapshot};
use crate::text::{clean, count, duration, fit, grouped, width};
use crate::theme::Theme;
use insight_model::ObservedTasks;
use insight_protocol::{PROTOCOL_VERSION, TaskState};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// The observed program: `barbara  pid 4242 · tokio 1.54 · up 2 min 3 s`.
pub fn program(scene: &Scene, columns: usize) -> Line<'static> {
    let Some(header) = &scene.model().header else {
        return Line::from(Span::styled(" consolation".to_owned(), scene.theme.title()));
    };
    let mut facts = vec![format!("pid {}", header.process.pid)];
    facts.extend(header.executors.iter().map(|executor| format!("{} {}", executor.name, executor.version)));
    facts.push(format!("up {}", duration(scene.model().now_ns)));
    if scene.snapshot.link != Link::Connected {
        facts.push("last snapshot".into());
    }
    let name = fit(&format!(" {}", header.process.name), columns);
    let facts = fit(&format!("  {}", facts.join(" · ")), columns.saturating_sub(width(&name)));
    Line::from(vec![Span::styled(name, scene.theme.title()), Span::styled(facts, scene.theme.dim())])
}

/// The number of tasks in each state, counted once a refresh.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Running.
    pub running: u64,
    /// Scheduled.
    pub scheduled: u64,
    /// Idle.
    pub idle: u64,
    /// Ended, with edges left.
    pub completed: u64,
    /// Library tasks: their state is unknown.
    pub unknown: u64,
}

impl Counts {
    /// Counts one task more.
    pub fn add(&mut self, state: Option<TaskState>) {
        match state {
            Some(TaskState::Running) => self.running += 1,
            Some(TaskState::Scheduled) => self.scheduled += 1,
            Some(TaskState::Idle) => self.idle += 1,
            Some(TaskState::Completed) => self.completed += 1,
            None => self.unknown += 1,
        }
    }

    /// `8 tasks: 1 running, 0 scheduled, 7 idle`.
    pub fn text(&self, ended: u64, panicked: u64) -> String {
        let all = self.running + self.scheduled + self.idle + self.completed + self.unknown;
        let mut text = format!(
            "{}: {} running, {} scheduled, {} idle",
            count(all, "task"),
            grouped(self.running),
            grouped(self.scheduled),
            grouped(self.idle)
        );
        for (number, state) in [(self.unknown, "unknown"), (self.completed, "completed"), (ended, "ended")] {
            if number > 0 {
                text += &format!(", {} {state}", grouped(number));
            }
        }
        if panicked > 0 {
            text += &format!(" ({} panicked)", grouped(panicked));
        }
        text
    }
}

/// The observed part of the program, in one line. r[coverage.shown]
pub fn coverage(scene: &Scene, observed: &ObservedTasks, columns: usize) -> Line<'static> {
    let model = scene.model();
    let text = fit(&format!(" {}", model.coverage_text(observed)), columns);
    let style = if model.is_partly_observed() { scene.theme.warning() } else { scene.theme.dim() };
    Line::from(Span::styled(text, style))
}

/// The state of the connection, and the losses.
pub fn link(scene: &Scene) -> (String, Style) {
    let (snapshot, address, theme) = (scene.snapshot, scene.address, scene.theme);
    let has_snapshot = snapshot.model.header.is_some();
    let (mut text, mut style) = match &snapshot.link {
        Link::Connecting => (format!("○ connecting to {address}"), theme.dim()),
        Link::Connected => match snapshot.behind(scene.now) {
            Some(silent) => {
                (format!("◐ {} s behind: {address} is connected and sends nothing", silent.as_secs()), theme.warning())
            }
            None => (format!("● connected to {address}"), theme.state(Some(TaskState::Running))),
        },
        Link::Reading { since } => {
            let seconds = scene.now.saturating_duration_since(*since).as_secs();
            let kept = if has_snapshot { "last snapshot kept, " } else { "" };
            let silent = if snapshot.behind(scene.now).is_some() { ": nothing comes" } else { "" };
            let text = format!("◐ {kept}waiting for a new one from {address} for {seconds} s{silent}");
            (text, theme.warning())
        }
        Link::OtherVersion { protocol } => {
            let kept = if has_snapshot { " (last snapshot kept)" } else { "" };
            let text = format!("○ {address} speaks insight {protocol}, this consolation {PROTOCOL_VERSION}{kept}");
            (text, theme.alarm())
        }
        Link::Gone { since, why } if has_snapshot => {
            let seconds = scene.now.saturating_duration_since(*since).as_secs();
            let text = format!("○ program gone for {seconds} s: last snapshot kept, reconnecting to {address} ({why})");
            (text, theme.alarm())
        }
        Link::Gone { why, .. } => (format!("○ no snapshot from {address}: {why}; trying again"), theme.alarm()),
        Link::NotInsight { sent } => {
            let kept = if has_snapshot { " (last snapshot kept)" } else { "" };
            (format!("○ {address} answers, but does not speak insight{kept}: it sent {sent}"), theme.alarm())
        }
    };
    for loss in losses(snapshot) {
        text = format!("{text} · {loss}");
        if snapshot.link == Link::Connected {
            style = theme.warning();
        }
    }
    (clean(&text).into_owned(), style)
}

/// The losses of a snapshot, in words.
pub fn losses(snapshot: &Snapshot) -> Vec<String> {
    let losses = &snapshot.losses;
    let mut texts = Vec::new();
    if let Some(cut) = &losses.cut {
        texts.push(format!("{cut}; later messages are missing"));
    }
    if losses.bad_lines > 0 {
        texts.push(format!("{} not understood ({})", count(losses.bad_lines, "line"), losses.last_bad_line));
    }
    if losses.names > 0 {
        texts.push(format!("{} not kept", count(losses.names, "name")));
    }
    if losses.facts > 0 {
        texts.push(format!("{} not kept: too many", count(losses.facts, "fact")));
    }
    if losses.unknown_messages > 0 {
        texts.push(format!("{} of an unknown type", count(losses.unknown_messages, "message")));
    }
    if snapshot.model.left_out_tasks() > 0 {
        texts.push(format!("at least {} not shown", count(snapshot.model.left_out_tasks(), "task")));
    }
    if losses.missing_messages > 0 {
        texts.push(format!("{} missing", count(losses.missing_messages, "message")));
    }
    if let Some(last) = snapshot.model.gaps.last().filter(|_| snapshot.gap_count() > 0) {
        texts.push(format!("{} lost by the program ({})", count(snapshot.gap_count(), "fact"), last.reason));
    }
    texts
}

/// The rank of a key, its name and its effect. Without room, the keys of the lowest ranks are left out.
pub type Hint = (u8, &'static str, &'static str);

/// The line of keys, as many as there is room for.
pub fn keys(theme: Theme, hints: &[Hint], columns: usize) -> Line<'static> {
    let size = |hint: &Hint| width(hint.1) + width(hint.2) + 3;
    let mut ranked: Vec<&Hint> = hints.iter().collect();
    ranked.sort_by_key(|hint| std::cmp::Reverse(hint.0));
    let mut room = columns;
    ranked.retain(|hint| {
        let fits = size(hint) <= room;
        room -= if fits { size(hint) } else { 0 };
        fits
    });
    let mut spans = Vec::new();
    for hint in hints.iter().filter(|hint| ranked.contains(hint)) {
        spans.push(Span::styled(format!(" {}", hint.1), theme.accent()));
        spans.push(Span::styled(format!(" {} ", hint.2), theme.dim()));
    }
    Line::from(spans)
}

/// Advice without a snapshot: the lines in the middle of the screen.
pub fn nothing_yet(scene: &Scene) -> Vec<String> {
    let address = scene.address;
    match &scene.snapshot.link {
        Link::Connecting => vec![format!("Connecting to {address} ...")],
        Link::Connected | Link::Reading { .. } => vec!["Reading the first snapshot ...".into()],
        Link::OtherVersion { protocol } => vec![
            format!("{address} speaks insight {}, and this consolation {PROTOCOL_VERSION}.", fit(protocol, 20)),
            String::new(),
            "The program was built with another version of insight. Use the consolation of that version.".into(),
        ],
        Link::Gone { why, .. } if address.is_assumed() => {
            nothing_announced(&format!("nothing answers at {address}: {why}"))
        }
        Link::NotInsight { .. } if address.is_assumed() => {
            nothing_announced(&format!("{address} does not speak insight"))
        }
        Link::Gone { why, .. } => vec![
            format!("No snapshot from {address}: {why}."),
            String::new(),
            "Start a program with `cargo insight run`, or call insight::init() in it. It prints its address on stderr:"
                .into(),
            "    insight: listening on http://127.0.0.1:8080".into(),
            String::new(),
            "Another address: consolation HOST:PORT. This screen fills when the program answers.".into(),
        ],
        Link::NotInsight { sent } => vec![
            format!("{address} answers, but does not speak insight: it sent {}", fit(sent, 200)),
            String::new(),
            "Another program has this port. Yours prints its address on stderr:".into(),
            "    insight: listening on http://127.0.0.1:8080".into(),
        ],
    }
}

/// Advice without a program.
fn nothing_announced(and: &str) -> Vec<String> {
    vec![
        format!("No program of yours has announced itself, and {and}."),
        String::new(),
        "Start one with `cargo insight run`, or call insight::init() in it. Then start consolation again.".into(),
        String::new(),
        "Another address: consolation HOST:PORT".into(),
    ]
}
