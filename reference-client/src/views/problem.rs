//! The open problems, with their evidence and advice.

use super::page::Page;
use super::page_view::{PageView, Subject};
use super::status::losses;
use super::{BACK, Key, Kind, Opener, Scene, Traced, resource, task, trace};
use crate::text::{clean, count, duration};
use crate::words::{self, Weight};
use insight_model::{Edge, EdgeBody, Model};
use insight_protocol::{FrameKind, Problem, ProblemAwait, ProblemEdge, SourceLocation, TaskId};
use ratatui::text::Span;

/// The kind of this view.
pub static KIND: Kind = Kind {
    title: "Problems",
    keys: &[
        Key {
            keys: "↑ ↓ j k", does: "move over problems, tasks, resources and edges", hint: Some((6, "↑↓", "move"))
        },
        Key { keys: "Enter", does: "open the task or the resource", hint: Some((8, "Enter", "open")) },
        BACK,
        Key {
            keys: "t",
            does: "ask the program again for the line at which each task waits",
            hint: Some((5, "t", "trace")),
        },
        Key {
            keys: "D",
            does: "write the problem's graph to insight-deadlock-<n>.dot in the current folder",
            hint: None,
        },
    ],
    opener: Some(Opener {
        key: 'P',
        shown: Key { keys: "P", does: "problems, if there are any", hint: Some((5, "P", "problems")) },
        ready: |model| if model.problems.is_empty() { Err("No problem was found.") } else { Ok(()) },
        traces: true,
    }),
    help: HELP,
    docs: &["/docs/problem"],
    open: |_| PageView::open(Problems),
};

struct Problems;

impl Subject for Problems {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn name(&self, _: &Scene) -> String {
        "problems".to_owned()
    }

    /// All problems, the worst first.
    fn fill(&self, scene: &Scene, page: &mut Page) {
        let problems = scene.model().problems().problems;
        if problems.is_empty() {
            page.text(1, &no_problem(scene));
            page.hint(1, "Esc goes back.");
        }
        for (index, problem) in problems.iter().enumerate() {
            if index > 0 {
                page.blank();
            }
            let number = format!("{} of {}", index + 1, problems.len());
            describe(scene, page, problem, &number);
        }
    }

    /// Each task once, those of the first problem first.
    fn traced(&self, scene: &Scene) -> Traced {
        let mut tasks: Vec<TaskId> = Vec::new();
        for problem in scene.model().problems().problems {
            for task in problem.tasks.iter().map(|task| task.id) {
                if !tasks.contains(&task) {
                    tasks.push(task);
                }
            }
        }
        Traced::Tasks(tasks)
    }

    fn waits<'m>(&self, _: &'m Model) -> Vec<&'m Edge> {
        // Each problem has its own advice.
        Vec::new()
    }

    fn more_docs(&self, model: &Model) -> Vec<String> {
        model.problems().problems.into_iter().map(|problem| problem.docs).collect()
    }
}

/// The verdict on a program without a problem, and the waits on which there is none yet.
pub fn no_problem(scene: &Scene) -> String {
    // There may be a problem in facts that did not come.
    let part = if losses(scene.snapshot).is_empty() { "" } else { " in these facts" };
    let young = match young_waits(scene) {
        0 => String::new(),
        young => format!(", so far: {} for less than a second, too short to judge", count(young, "wait")),
    };
    format!("no problem found{part}{young}")
}

/// The waits for room, for a lock or for an end that are too young for a verdict.
fn young_waits(scene: &Scene) -> u64 {
    let model = scene.model();
    let young = model.edges.values().filter(|edge| {
        let hard = matches!(&edge.body, EdgeBody::Wait { operation, .. } if words::weight(operation) < Weight::Work);
        hard && model.now_ns.saturating_sub(edge.since_ns) < 1_000_000_000
    });
    young.count() as u64
}

/// Puts a problem on a page. `number` is its place among all: `1 of 2`.
pub fn describe(scene: &Scene, page: &mut Page, problem: &Problem, number: &str) {
    let theme = scene.theme;
    let of = Some(problem.id);
    let style = theme.problem(problem.severity, problem.tier);
    let first = problem.tasks.first().map(|task| task::link(task.id));
    page.entry(("problem", problem.id.0, 0), first, of, |page| {
        page.spans(2, vec![Span::styled(problem.title.clone(), style.patch(theme.title()))]);
    });
    let since = duration(scene.model().now_ns.saturating_sub(problem.since_ns));
    page.spans(
        2,
        vec![
            Span::styled(format!("{}: {} {}", problem.severity, problem.tier, problem.kind), style),
            Span::styled(format!(", open for {since}, problem {} ({number})", problem.id), theme.dim()),
        ],
    );
    if !problem.explanation.is_empty() {
        page.blank();
    }
    for sentence in &problem.explanation {
        page.text(3, sentence);
    }
    page.heading("TASKS");
    for task in &problem.tasks {
        page.entry(("problem task", problem.id.0, task.id.0), Some(task::link(task.id)), of, |page| {
            let name = task.name.as_deref().map_or(String::new(), |name| format!(" ({name})"));
            page.spans(
                2,
                vec![Span::raw(format!("task {}{name}", task.id)), at(scene, "  spawned at ", &task.location)],
            );
            for awaited in &task.awaits {
                describe_await(scene, page, awaited);
            }
            trace::body(scene, page, 4, task.id);
        });
    }
    page.heading("RESOURCES");
    for resource in &problem.resources {
        let key = ("problem resource", problem.id.0, resource.id.0);
        page.entry(key, Some(resource::link(resource.id)), of, |page| {
            let name = resource.name.as_deref().map_or(format!(" {}", resource.id), |name| format!(" `{name}`"));
            page.spans(
                2,
                vec![Span::raw(format!("{}{name}", resource.kind)), at(scene, "  created at ", &resource.location)],
            );
        });
    }
    page.heading("EDGES");
    for (index, edge) in problem.edges.iter().enumerate() {
        page.entry(("problem edge", problem.id.0, index as u64), Some(task::link(edge.task)), of, |page| {
            describe_edge(scene, page, problem, edge);
        });
    }
    if !problem.unknowns.is_empty() {
        page.heading("UNKNOWN");
    }
    for unknown in &problem.unknowns {
        page.styled(3, unknown, theme.warning());
    }
    if !problem.unless.is_empty() {
        page.heading("UNLESS");
    }
    for way in &problem.unless {
        page.styled(3, way, theme.warning());
    }
    page.heading("ADVICE");
    page.text(3, &problem.advice);
    page.styled(3, &scene.address.url(&clean(&problem.docs)), theme.accent());
    page.hint(3, "D writes the graph to a file for Graphviz.");
}

fn describe_edge(scene: &Scene, page: &mut Page, problem: &Problem, edge: &ProblemEdge) {
    let task = problem.tasks.iter().find(|task| task.id == edge.task).and_then(|task| task.name.as_deref());
    let task = task.map_or(format!("task {}", edge.task), |name| format!("task {} ({name})", edge.task));
    let resource = match problem.resources.iter().find(|resource| resource.id == edge.resource) {
        Some(resource) => match &resource.name {
            Some(name) => format!("`{name}`"),
            None => format!("{} {}", resource.kind, resource.id),
        },
        None => format!("resource {}", edge.resource),
    };
    let waits = edge.kind == "wait";
    let verb = match edge.kind.as_str() {
        "wait" => "waits for",
        "hold" => "holds",
        "party" => "can unblock",
        other => other,
    };
    let reason_style = if waits { scene.theme.reason() } else { scene.theme.dim() };
    let for_ns = scene.model().now_ns.saturating_sub(edge.since_ns);
    let operation = edge.operation.as_ref().map_or(String::new(), |operation| format!("{operation} "));
    let lead = format!("{operation}for {}", duration(for_ns));
    page.spans(
        2,
        vec![Span::raw(format!("{task} {verb} {resource}: ")), Span::styled(edge.reason.clone(), reason_style)],
    );
    let first = edge.awaited.as_ref().and_then(|awaited| awaited.line.as_ref()).or(edge.location.as_ref());
    let at = match first {
        Some(first) => Span::styled(words::source_place(first), scene.theme.accent()),
        None if waits => Span::styled("an unknown location", scene.theme.dim()),
        None => return page.styled(4, &lead, scene.theme.dim()),
    };
    page.spans(4, vec![Span::styled(format!("{lead} at "), scene.theme.dim()), at]);
    if let Some(awaited) = &edge.awaited {
        stack(scene, page, awaited, edge.library_line());
    }
}

/// An await that belongs to no wait.
fn describe_await(scene: &Scene, page: &mut Page, awaited: &ProblemAwait) {
    let function = awaited.function.as_deref().unwrap_or(words::NO_SYMBOL);
    let at = at(scene, " at ", &awaited.line);
    page.spans(4, vec![Span::raw(format!("awaits {function}")), at]);
    stack(scene, page, awaited, None);
}

/// The lines of an await below its first line: the library's, and the own functions that called it.
fn stack(scene: &Scene, page: &mut Page, awaited: &ProblemAwait, library: Option<&SourceLocation>) {
    let theme = scene.theme;
    let inside = awaited.function.as_deref().filter(|_| library.is_some());
    if let (Some(inside), Some(library)) = (inside, library) {
        page.styled(4, &format!("inside {inside} ({})", words::source_place(library)), theme.dim());
    } else if let Some(library) = library {
        page.styled(4, &format!("inside {}", words::source_place(library)), theme.dim());
    }
    let own = awaited.frames.iter().filter(|frame| frame.kind == FrameKind::Own);
    for caller in own.skip(1) {
        let function = caller.function.as_deref().unwrap_or("a function without a name");
        let at = caller.location.as_ref().map_or(String::new(), |at| format!(" at {}", words::source_place(at)));
        page.styled(4, &format!("called by {function}{at}"), theme.dim());
    }
    if let Some(task) = awaited.as_in {
        page.styled(4, &words::as_in(task), theme.dim());
    }
}

fn at(scene: &Scene, lead: &str, location: &Option<SourceLocation>) -> Span<'static> {
    let text = location.as_ref().map_or(String::new(), |location| format!("{lead}{}", words::source_place(location)));
    Span::styled(text, scene.theme.dim())
}

const HELP: &str = "
# TERMS

proven: every fact was observed, and none of these tasks can make progress
suspected: an UNKNOWN fact may unblock a task, or other code may, as UNLESS says
EDGES: the evidence: waits, holds, and the tasks that can unblock a resource
at: the line of your own code; inside: the library's function and line; called by: your functions around it

The program finds the problems, and this screen shows them. A program without a problem may still hang.
To draw a graph: dot -Tsvg insight-deadlock-1.dot -o deadlock.svg
";
