use crate::health::words;
use crate::lines::Lines;
use crate::location::line;
use crate::{Edge, EdgeBody, Model, is_hidden};
use insight_protocol::{Problem, ProblemAwait, ProblemEdge, ResourceId, ResourceKind, SourceLocation, TaskId, Tier};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Maximum number of tasks that are all drawn. Graphviz takes 0.2 s for 500 nodes, and minutes for 10,000.
const MOST_TASKS: usize = 500;

impl Model {
    /// The whole program in graphviz's DOT language. Tasks are boxes, resources are ellipses. A red arrow leads from a
    /// task to the resource that it waits for. Other arrows lead from a resource to the tasks that hold it or can
    /// unblock its waits. The tasks of an open problem are tinted.
    ///
    /// If there are more than 500 tasks, only tasks with an edge are drawn, and a note has the number of the others.
    pub fn dot(&self) -> String {
        let mut graph = Graph::new("program");
        let stuck: BTreeSet<TaskId> =
            self.problems.values().flat_map(|problem| problem.tasks.iter().map(|task| task.id)).collect();
        let all = self.tasks.len() <= MOST_TASKS;
        let mut left_out = 0;
        for task in self.tasks.values() {
            if !all && task.edges.is_empty() {
                left_out += 1;
                continue;
            }
            let state = task.state().map(|state| state.as_str());
            let place = task.origin.location.as_ref().map(|location| &location.place);
            let name = self.task_name(task).map(|name| name.name);
            let awaited = words::awaited(self, task.id);
            graph.task(task.id, name, state, place, awaited, stuck.contains(&task.id));
        }
        for resource in self.resources.values() {
            if all || !resource.edges.is_empty() {
                let place = resource.location.as_ref().map(|location| &location.place);
                let used = resource.length.zip(resource.capacity);
                graph.resource(resource.id, &resource.kind, resource.name.as_deref(), used, place);
            }
        }
        for edge in self.edges.values() {
            let Edge { task, resource, .. } = edge;
            let place = edge.location.as_ref().map(|location| &location.place);
            match &edge.body {
                EdgeBody::Wait { reason, .. } => {
                    graph.wait(*task, *resource, reason, &lines(&self.lines_of_wait(edge)))
                }
                EdgeBody::Hold { mode, .. } => graph.freer(*task, *resource, mode.as_str(), place),
                EdgeBody::Party { role, .. } => graph.freer(*task, *resource, role.as_str(), place),
            }
        }
        if left_out > 0 {
            graph.note(&format!("{} without an edge", words::count(left_out, "more task")));
        }
        graph.end()
    }
}

/// A problem in graphviz's DOT language, drawn as in [`Model::dot`], with a note for each unknown and for each way out.
pub fn dot_problem(problem: &Problem) -> String {
    let mut graph = Graph::new("problem");
    graph.title(&problem.title);
    for task in &problem.tasks {
        let awaited = task.awaits.first().and_then(awaited);
        graph.task(task.id, task.name.as_deref(), None, task.location.as_ref(), awaited, problem.tier == Tier::Proven);
    }
    for resource in &problem.resources {
        graph.resource(resource.id, &resource.kind, resource.name.as_deref(), None, resource.location.as_ref());
    }
    for edge in &problem.edges {
        match edge.kind.as_str() {
            "wait" => graph.wait(edge.task, edge.resource, &edge.reason, &lines_of(edge)),
            _ => graph.freer(edge.task, edge.resource, &edge.reason, edge.location.as_ref()),
        }
    }
    problem.unknowns.iter().for_each(|unknown| graph.note(unknown));
    problem.unless.iter().for_each(|way| graph.note(&format!("unless {way}")));
    graph.end()
}

/// The lines of a wait: the program's own line, the library's function, and the library's line.
fn lines(lines: &Lines) -> Vec<String> {
    let inside = lines.inside.map(|inside| format!("inside {inside}"));
    [lines.first.map(|it| it.line()), inside, lines.library.map(|it| it.line())].into_iter().flatten().collect()
}

/// As [`lines`].
fn lines_of(edge: &ProblemEdge) -> Vec<String> {
    let place = edge.location.as_ref().map(line);
    let Some(ProblemAwait { line: Some(first), function, .. }) = &edge.awaited else {
        return place.into_iter().collect();
    };
    let (first, library) = (line(first), edge.library_line().map(line));
    let inside = function.as_deref().filter(|_| library.is_some()).map(|inside| format!("inside {inside}"));
    [Some(first), inside, library].into_iter().flatten().collect()
}

/// "for `tokio::net::TcpStream::read` (src/main.rs:9)".
fn awaited(awaited: &ProblemAwait) -> Option<String> {
    let at = awaited.line.as_ref().map_or_else(String::new, |first| format!(" ({})", line(first)));
    awaited.function.as_deref().map(|function| format!("for `{function}`{at}"))
}

/// DOT text under construction.
struct Graph {
    text: String,
    notes: usize,
}

impl Graph {
    fn new(name: &str) -> Graph {
        let mut graph = Graph { text: String::new(), notes: 0 };
        graph.line(format_args!("digraph {name} {{"));
        graph.line(format_args!("  rankdir=LR; node [fontname=\"sans-serif\"]; edge [fontname=\"sans-serif\"];"));
        graph
    }

    fn end(mut self) -> String {
        self.text.push_str("}\n");
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments) {
        writeln!(self.text, "{line}").expect("writing to a String cannot fail");
    }

    fn title(&mut self, title: &str) {
        self.line(format_args!("  labelloc=t; label={};", quoted(&[title])));
    }

    fn task(
        &mut self,
        id: TaskId,
        name: Option<&str>,
        state: Option<&str>,
        place: Option<&SourceLocation>,
        awaited: Option<String>,
        stuck: bool,
    ) {
        let head = match state {
            Some(state) => format!("task {id}: {state}"),
            None => format!("task {id}"),
        };
        let place = place.map(line);
        let waits = awaited.map(|awaited| format!("waits {awaited}"));
        let label = label([Some(&*head), name, place.as_deref(), waits.as_deref()]);
        let style = if stuck { ", style=filled, fillcolor=\"#ffd6d6\"" } else { "" };
        self.line(format_args!("  t{id} [shape=box, label={label}{style}];"));
    }

    fn resource(
        &mut self,
        id: ResourceId,
        kind: &ResourceKind,
        name: Option<&str>,
        used: Option<(u64, u64)>,
        place: Option<&SourceLocation>,
    ) {
        let head = match used {
            Some((length, capacity)) => format!("{kind} {id}: {length} of {capacity}"),
            None => format!("{kind} {id}"),
        };
        self.line(format_args!(
            "  r{id} [shape=ellipse, label={}];",
            label([Some(&*head), name, place.map(line).as_deref()])
        ));
    }

    fn wait(&mut self, task: TaskId, resource: ResourceId, reason: &str, lines: &[String]) {
        let label = label([reason].into_iter().chain(lines.iter().map(String::as_str)).map(Some));
        self.line(format_args!("  t{task} -> r{resource} [color=red, fontcolor=red, label={label}];"));
    }

    fn freer(&mut self, task: TaskId, resource: ResourceId, word: &str, place: Option<&SourceLocation>) {
        self.line(format_args!(
            "  r{resource} -> t{task} [label={}];",
            label([Some(word), place.map(line).as_deref()])
        ));
    }

    fn note(&mut self, text: &str) {
        self.notes += 1;
        let number = self.notes;
        self.line(format_args!("  note{number} [shape=note, label={}];", quoted(&[text])));
    }
}

fn label<'a>(lines: impl IntoIterator<Item = Option<&'a str>>) -> String {
    quoted(&lines.into_iter().flatten().collect::<Vec<&str>>())
}

/// A DOT string of these lines. Special characters are escaped, so each line is shown as it is.
fn quoted(lines: &[&str]) -> String {
    let mut text = String::from("\"");
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            text.push_str("\\n");
        }
        for character in line.chars() {
            match character {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                // graphviz reads HTML's entities even in a plain string.
                '&' => text.push_str("&amp;"),
                // Graphviz refuses some control characters, and ends the text at a NUL.
                _ if character.is_control() => text.push(' '),
                // r[security.control-characters]
                _ if is_hidden(character) => text.push('\u{fffd}'),
                _ => text.push(character),
            }
        }
    }
    text.push('"');
    text
}
