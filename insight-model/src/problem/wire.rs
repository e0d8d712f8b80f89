//! The wire form of a problem.

use super::about::page;
use crate::{Edge, EdgeBody, Finding, Location, Model};
use insight_protocol::*;
use std::sync::Arc;

/// Maximum number of tasks, and of resources, that a problem lists, since readers do not accept lines of any length.
/// r[problem.listed]
const MOST_LISTED: usize = 1_000;

/// Maximum number of edges that a problem lists.
const MOST_EDGES: usize = 4 * MOST_LISTED;

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
        let edges: Vec<ProblemEdge> = edges.filter(listed).take(MOST_EDGES).map(problem_edge).collect();
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
            tasks = tasks.iter().map(|&id| problem_task(model, id)).collect(),
            resources = resources.iter().filter_map(|&id| problem_resource(model, id)).collect(),
            edges,
            unknowns = self.unknowns.clone(),
            explanation,
            advice = advice.to_owned(),
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

fn problem_task(model: &Model, id: TaskId) -> ProblemTask {
    let task = model.tasks.get(&id);
    let name = task.and_then(|task| task.origin.name.as_deref()).map(str::to_owned);
    with!(ProblemTask::new(id), name, location = task.and_then(|task| place(&task.origin.location)))
}

fn problem_resource(model: &Model, id: ResourceId) -> Option<ProblemResource> {
    let resource = model.resources.get(&id)?;
    let name = resource.name.as_deref().map(str::to_owned);
    Some(with!(ProblemResource::new(id, resource.kind.clone()), name, location = place(&resource.location)))
}

fn problem_edge(edge: &Edge) -> ProblemEdge {
    let (operation, reason) = match &edge.body {
        EdgeBody::Wait { operation, reason, .. } => (Some(operation.clone()), reason.as_ref()),
        EdgeBody::Hold { mode, .. } => (None, mode.as_str()),
        EdgeBody::Party { role, .. } => (None, role.as_str()),
    };
    with!(
        ProblemEdge::new(edge.body.kind(), edge.task, edge.resource, edge.since_ns),
        operation,
        reason = reason.to_owned(),
        location = place(&edge.location)
    )
}

fn place(location: &Option<Arc<Location>>) -> Option<SourceLocation> {
    location.as_ref().map(|location| location.place.clone())
}
