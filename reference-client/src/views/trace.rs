//! The trace of a task: the program's own functions with their lines, and all other functions folded.

use super::Scene;
use super::page::Page;
use crate::text::{clean, count, duration};
use crate::traces::Asked;
use insight_model::Location;
use insight_protocol::{FrameKind, LocationId, TaskId, TaskTrace, TraceFrame};
use ratatui::text::Span;

/// Maximum number of crates that a line of folded frames names.
const CRATES: usize = 3;

/// The section of a task's view, if the user has asked for a trace.
pub fn section(scene: &Scene, page: &mut Page, id: TaskId) {
    if scene.traces.of(id).is_some() {
        page.heading("TRACE");
        body(scene, page, 3, id);
    }
}

/// The trace of a task, if the user has asked for it.
pub fn body(scene: &Scene, page: &mut Page, indent: usize, id: TaskId) {
    match scene.traces.of(id) {
        None => {}
        Some(Asked::Waiting) => page.styled(indent, "waits for the program's answer ...", scene.theme.dim()),
        Some(Asked::Answered(Err(why))) => page.styled(indent, why, scene.theme.warning()),
        Some(Asked::Answered(Ok(trace))) => {
            let age = duration(scene.model().now_ns.saturating_sub(trace.at_ns));
            page.spans(
                indent,
                vec![
                    Span::raw(clean(&trace.reason).into_owned()),
                    Span::styled(format!(" ({age} ago)"), scene.theme.dim()),
                ],
            );
            awaits(page, indent, trace);
        }
    }
}

/// The awaits of a trace, and the functions that wait in them.
pub fn awaits(page: &mut Page, indent: usize, trace: &TaskTrace) {
    let theme = page.theme();
    for line in lines(trace) {
        let indent = indent + line.indent;
        match line.part {
            Part::Own { function, location } => {
                page.styled(indent, &function, theme.title());
                match location {
                    Some(location) => page.location(indent + 2, "at ", &location),
                    None => page.styled(indent + 2, "unknown line", theme.dim()),
                }
            }
            Part::Folded(text) => page.styled(indent, &text, theme.dim()),
            Part::Lead(text) => page.text(indent, &text),
        }
    }
}

/// A line of a trace, and its indentation.
struct TraceLine {
    indent: usize,
    part: Part,
}

/// The content of a line.
enum Part {
    /// A function of the program's own.
    Own {
        /// Its name.
        function: String,
        /// Where it is.
        location: Option<Location>,
    },
    /// Other functions.
    Folded(String),
    /// The start of an await.
    Lead(String),
}

/// A trace without styles.
fn lines(trace: &TaskTrace) -> Vec<TraceLine> {
    let mut lines = Vec::new();
    for (leaf, number) in trace.leaves.iter().zip(1..) {
        let lead = match (trace.leaves.len(), leaf.function.as_deref().map(clean)) {
            (1, None) => "awaits something in".to_owned(),
            (1, Some(function)) => format!("awaits {function} in"),
            (_, None) => format!("{number}. awaits something in"),
            (_, Some(function)) => format!("{number}. awaits {function} in"),
        };
        lines.push(TraceLine { indent: 0, part: Part::Lead(lead) });
        let first = leaf.own.map_or(0, |own| own as usize).min(leaf.frames.len());
        let (within, out) = leaf.frames.split_at(first);
        let mut folded: Vec<&TraceFrame> = Vec::new();
        for frame in out {
            if frame.kind != FrameKind::Own {
                folded.push(frame);
                continue;
            }
            fold(&mut lines, &mut folded);
            let function = clean(frame.function.as_deref().unwrap_or("a function without a name")).into_owned();
            let location = location(frame);
            lines.push(TraceLine { indent: 2, part: Part::Own { function, location } });
        }
        fold(&mut lines, &mut folded);
        if !within.is_empty() {
            let text =
                format!("the await is {} deep in {}", count(within.len() as u64, "frame"), crates(within.iter()));
            lines.push(TraceLine { indent: 2, part: Part::Folded(text) });
        }
        if leaf.cut {
            let text = "and more: the stack is too deep to show".to_owned();
            lines.push(TraceLine { indent: 2, part: Part::Folded(text) });
        }
    }
    if trace.more > 0 {
        let text = format!("and {} that are not shown", count(trace.more, "more await"));
        lines.push(TraceLine { indent: 0, part: Part::Folded(text) });
    }
    lines
}

fn fold(lines: &mut Vec<TraceLine>, folded: &mut Vec<&TraceFrame>) {
    if !folded.is_empty() {
        let text = format!("{} of {}", count(folded.len() as u64, "frame"), crates(folded.iter().copied()));
        lines.push(TraceLine { indent: 2, part: Part::Folded(text) });
    }
    folded.clear();
}

/// The crates of the frames, at most a few.
fn crates<'a>(frames: impl Iterator<Item = &'a TraceFrame>) -> String {
    let mut crates: Vec<&str> = Vec::new();
    for name in frames.filter_map(|frame| frame.crate_name.as_deref()) {
        if !crates.contains(&name) {
            crates.push(name);
        }
    }
    let more = if crates.len() > CRATES { ", ..." } else { "" };
    crates.truncate(CRATES);
    if crates.is_empty() { "unknown code".to_owned() } else { format!("{}{more}", clean(&crates.join(", "))) }
}

/// The line of the only await of a task, for a wait without a line.
pub fn only_await(scene: &Scene, id: TaskId) -> Option<Location> {
    let trace = scene.traces.captured(id)?;
    let [leaf] = trace.leaves.as_slice() else { return None };
    location(leaf.own_frame()?)
}

/// Locations of a trace have no IDs.
fn location(frame: &TraceFrame) -> Option<Location> {
    Some(Location { id: LocationId::default(), place: frame.location.clone()?, source: frame.source.clone() })
}
