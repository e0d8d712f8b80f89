//! The wire form of a problem.

use super::about::page;
use super::story::and;
use crate::awaits::{Frame, Leaf};
use crate::lines::Lines;
use crate::{Edge, EdgeBody, Finding, Location, Model};
use insight_protocol::*;
use std::sync::Arc;

/// Maximum number of tasks, and of resources, that a problem lists, since readers do not accept lines of any length.
/// r[problem.listed]
const MOST_LISTED: usize = 1_000;

/// Maximum number of edges that a problem lists.
const MOST_EDGES: usize = 4 * MOST_LISTED;

/// Maximum number of waits with their stacks, and of tasks with those of their other awaits.
const MOST_STACKS: usize = 50;

/// Maximum number of the program's own lines that the advice names.
const MOST_LINES: usize = 3;

impl Finding {
    /// The problem with this severity and these words.
    pub(crate) fn problem_in_words(&self, model: &Model, id: ProblemId, texts: Texts) -> Problem {
        let Texts { severity, title, mut explanation, advice } = texts;
        let tasks = &self.tasks[..self.tasks.len().min(MOST_LISTED)];
        let resources = &self.resources[..self.resources.len().min(MOST_LISTED)];
        let edges = self.edges.iter().filter_map(|id| model.edges.get(id));
        // Only edges of listed tasks. Both lists are sorted. A measured problem of a place lists no task.
        let all_tasks = tasks.len() == self.tasks.len();
        let listed = |edge: &&Edge| all_tasks || tasks.binary_search(&edge.task).is_ok();
        let edges: Vec<&Edge> = edges.filter(listed).take(MOST_EDGES).collect();
        let mut advice = advice.to_owned();
        advice.extend(own_lines(model, &edges));
        let mut stacks = MOST_STACKS;
        let edges: Vec<ProblemEdge> = edges.into_iter().map(|edge| problem_edge(model, edge, &mut stacks)).collect();
        if !all_tasks || resources.len() < self.resources.len() || self.edges.len() > MOST_EDGES {
            explanation.push(format!(
                "It has {} tasks, {} resources and {} edges: the first {}, {} and {} are listed.",
                self.tasks.len(),
                self.resources.len(),
                self.edges.len(),
                tasks.len(),
                resources.len(),
                edges.len()
            ));
        }
        with!(
            Problem::new(id, self.kind.clone(), self.tier, severity),
            title,
            tasks = (0..).zip(tasks).map(|(at, &id)| problem_task(model, id, at < MOST_STACKS)).collect(),
            resources = resources.iter().filter_map(|&id| problem_resource(model, id)).collect(),
            edges,
            unknowns = self.unknowns.clone(),
            unless = self.unless.clone(),
            explanation,
            advice,
            docs = format!("/docs/{}", page(&self.kind)),
            since_ns = self.since_ns
        )
    }
}

/// Severity and words of a problem.
pub(crate) struct Texts {
    pub(crate) severity: Severity,
    pub(crate) title: String,
    pub(crate) explanation: Vec<String>,
    pub(crate) advice: &'static str,
}

/// " Look at src/main.rs:9 and src/main.rs:31.": the lines of the program's own code that lead into a library.
fn own_lines(model: &Model, edges: &[&Edge]) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let waits = edges.iter().filter(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
    let into_library = waits.map(|wait| model.lines_of_wait(wait)).filter(|it| it.is_own && it.library.is_some());
    for line in into_library.filter_map(|it| it.first).map(Location::line) {
        if !lines.contains(&line) {
            lines.push(line);
        }
        if lines.len() == MOST_LINES {
            break;
        }
    }
    (!lines.is_empty()).then(|| format!(" Look at {}.", and(lines)))
}

fn problem_task(model: &Model, id: TaskId, with_stacks: bool) -> ProblemTask {
    let task = model.tasks.get(&id);
    let name = task.and_then(|task| model.task_name(task)).map(|name| name.name.to_owned());
    let others = model.other_awaits(id).filter(|_| with_stacks);
    let awaits = others.map(|leaf| problem_await(leaf, &model.lines_of_await(id, leaf))).collect();
    with!(ProblemTask::new(id), name, location = task.and_then(|task| place(&task.origin.location)), awaits)
}

fn problem_await(leaf: &Leaf, lines: &Lines) -> ProblemAwait {
    let frame = |frame: &Frame| {
        with!(
            ProblemFrame::new(frame.kind.clone()),
            function = frame.function.as_deref().map(str::to_owned),
            location = place(&frame.location)
        )
    };
    with!(
        ProblemAwait::default(),
        line = lines.first.map(|first| first.place.clone()),
        function = leaf.function.as_deref().map(str::to_owned),
        frames = leaf.frames.iter().map(frame).collect(),
        cut = leaf.cut,
        as_in = lines.as_in
    )
}

fn problem_resource(model: &Model, id: ResourceId) -> Option<ProblemResource> {
    let resource = model.resources.get(&id)?;
    let name = resource.name.as_deref().map(str::to_owned);
    Some(with!(ProblemResource::new(id, resource.kind.clone()), name, location = place(&resource.location)))
}

/// `stacks` is the number of stacks for which there is room.
fn problem_edge(model: &Model, edge: &Edge, stacks: &mut usize) -> ProblemEdge {
    let leaf = matches!(edge.body, EdgeBody::Wait { .. }).then(|| model.await_of(edge)).flatten();
    let awaited = leaf.filter(|_| *stacks > 0).map(|leaf| problem_await(leaf, &model.lines_of_wait(edge)));
    *stacks -= usize::from(awaited.is_some());
    let (operation, reason) = match &edge.body {
        EdgeBody::Wait { operation, reason, .. } => (Some(operation.clone()), reason.as_ref()),
        EdgeBody::Hold { mode, .. } => (None, mode.as_str()),
        EdgeBody::Party { role, .. } => (None, role.as_str()),
    };
    with!(
        ProblemEdge::new(edge.body.kind(), edge.task, edge.resource, edge.since_ns),
        operation,
        reason = reason.to_owned(),
        location = place(&edge.location),
        awaited
    )
}

fn place(location: &Option<Arc<Location>>) -> Option<SourceLocation> {
    location.as_ref().map(|location| location.place.clone())
}
