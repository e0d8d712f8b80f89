//! Tasks and problems as plain text: what the screens show, without a terminal.

use crate::args::Address;
use crate::connection::{self, Failure};
use crate::document;
use crate::shares::Shares;
use crate::text::{clean, count, duration, grouped, width};
use crate::theme::Theme;
use crate::traces::Traces;
use crate::views::Scene;
use crate::views::columns::{Column, cell};
use crate::views::status::{Counts, losses};
use crate::views::task_list::TaskList;
use crate::views::trace::{self, Part};
use crate::words::{self, FreersOf, Weight};
use insight_model::{Edge, EdgeBody, Location, ObservedTasks};
use insight_protocol::{Problem, TaskId, TaskState, TaskTrace};
use insight_reader::{JsonWriter, exit_status, why};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// Prints one picture of the program at `address`, or the last one of a recording. Exit status: that of [`exit_status`] for
/// its problems; 1 without a picture.
pub fn run(address: &Address, recording: Option<&Path>, json: bool) -> ExitCode {
    let picture = match recording {
        None => connection::snapshot(address).map_err(|failure| failed(address, &failure)),
        Some(path) => connection::recording(path).map_err(|why| format!("{}: {why}", path.display())),
    };
    let picture = match picture {
        Ok(picture) => picture,
        Err(why) => {
            complain(&why);
            return ExitCode::FAILURE;
        }
    };
    let (shares, traces) = (Shares::default(), Traces::default());
    let scene = Scene {
        picture: &picture,
        shares: &shares,
        traces: &traces,
        address,
        theme: Theme::new(false),
        now: Instant::now(),
    };
    let source = match recording {
        None => format!("at http://{address}"),
        Some(path) => format!("as recorded in {}", path.display()),
    };
    // JSON has no place for the notes of the text.
    if json {
        losses(&picture).iter().for_each(|loss| complain(&format!("note: {loss}")));
    }
    let written =
        if json { print_by(|output| document::write(&scene, output)) } else { print(&text_from(&scene, &source)) };
    written.unwrap_or_else(|| ExitCode::from(exit_status(&picture.model.problems().problems)))
}

/// Prints where one task waits: 0 when the program has answered, 1 when not.
pub fn trace(address: &Address, task: TaskId, json: bool) -> ExitCode {
    let trace = match connection::trace(address, task) {
        Ok(trace) => trace,
        Err(why) => {
            complain(&format!("{address}: task {task}: {why}"));
            return ExitCode::FAILURE;
        }
    };
    let written = match json {
        // Written anew: a program may answer with anything. r[security.control-characters]
        true => print_by(|output| {
            serde_json::to_writer(JsonWriter(&mut *output), &trace)?;
            output.write_all(b"\n")
        }),
        false => print(&trace_text(&trace)),
    };
    written.unwrap_or(ExitCode::SUCCESS)
}

/// A trace as text.
pub fn trace_text(trace: &TaskTrace) -> String {
    let mut paper = Paper::default();
    paper.line(0, &format!("task {}: {}", trace.task, trace.reason));
    for line in trace::lines(trace) {
        let indent = 4 + line.indent;
        match line.part {
            Part::Own { function, location } => {
                paper.line(indent, &function);
                match location {
                    Some(location) => place(&mut paper, indent + 2, "at", &location),
                    None => paper.line(indent + 2, "line not known"),
                }
            }
            Part::Folded(text) | Part::Lead(text) => paper.line(indent, &text),
        }
    }
    paper.text
}

/// Writes to stdout; the status to end with when that failed.
pub fn print(output: &str) -> Option<ExitCode> {
    print_by(|stdout| stdout.write_all(output.as_bytes()))
}

/// As [`print()`], by parts.
fn print_by(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Option<ExitCode> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        // A reader such as `head` has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("the output cannot be written: {}", why(&error)));
            Some(ExitCode::FAILURE)
        }
        _ => None,
    }
}

/// Writes a line to stderr, or more of them. There is nobody to hear that this failed.
pub fn complain(text: &str) {
    let text: String = text.lines().map(|line| format!("{}\n", clean(line))).collect();
    let _ = write!(io::stderr(), "consolation: {text}");
}

fn failed(address: &Address, failure: &Failure) -> String {
    if address.is_assumed() {
        return format!(
            "no program of yours has announced itself, and at {address}: {failure}\n\
             Start one with `cargo insight run`, or call insight::init() in it. Another address: consolation HOST:PORT"
        );
    }
    format!("{address}: {failure}\n{}", remedy(failure))
}

fn remedy(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unreachable(_) => {
            "Start a program with `cargo insight run`, or call insight::init() in it; it says on stderr where it listens. \
             Another address: consolation HOST:PORT"
        }
        Failure::NotInsight(_) => {
            "Another program has this port. Yours says on stderr where it listens: consolation HOST:PORT"
        }
        Failure::OtherVersion(_) => "The program was built with another version of insight.",
        Failure::Incomplete { .. } => "The program ended, or was too slow. Try again.",
    }
}

/// The whole text of a program that runs.
#[cfg(test)]
pub fn text(scene: &Scene) -> String {
    text_from(scene, &format!("at http://{}", scene.address))
}

fn text_from(scene: &Scene, source: &str) -> String {
    let mut paper = Paper::default();
    head(&mut paper, scene, source);
    tasks(&mut paper, scene);
    problems(&mut paper, scene);
    paper.text
}

#[derive(Default)]
struct Paper {
    text: String,
}

impl Paper {
    fn line(&mut self, indent: usize, text: &str) {
        let line = format!("{:indent$}{}", "", clean(text));
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

fn head(paper: &mut Paper, scene: &Scene, source: &str) {
    let model = scene.model();
    if let Some(header) = &model.header {
        let executors: String =
            header.executors.iter().map(|executor| format!(", {} {}", executor.name, executor.version)).collect();
        paper.line(
            0,
            &format!(
                "{} (pid {}){executors}, up {}, {source}",
                header.process.name,
                header.process.pid,
                duration(model.now_ns),
            ),
        );
    }
    let mut counts = Counts::default();
    model.tasks.values().for_each(|task| counts.add(task.state()));
    paper.line(0, &counts.text(model.ended, model.panicked));
    // r[coverage.shown]
    paper.line(0, &model.coverage_text(&ObservedTasks::of(model)));
    for loss in losses(scene.picture) {
        paper.line(0, &format!("note: {loss}"));
    }
}

/// One line a task, sorted by attention, and below it where it waits and who can free it.
fn tasks(paper: &mut Paper, scene: &Scene) {
    let model = scene.model();
    // r[coverage.empty]
    if let Some(why) = model.why_empty() {
        paper.line(0, "");
        return paper.line(0, &why);
    }
    let freers = FreersOf::new(model);
    let mut list = TaskList::default();
    list.sort_again(scene);
    // What a task waits for, and where, is below it.
    let shown = |column: &&Column| !matches!(column, Column::WaitsFor | Column::Location);
    let columns: Vec<Column> = list.columns().iter().filter(shown).copied().collect();
    let rows: Vec<Vec<String>> = list
        .order()
        .iter()
        .filter_map(|id| model.tasks.get(id))
        .map(|task| columns.iter().map(|column| cell(scene, task, *column)).collect())
        .collect();
    let titles: Vec<String> = columns.iter().map(|column| column.title().to_owned()).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|index| rows.iter().map(|row| width(&row[index])).chain([width(&titles[index])]).max().unwrap_or(0))
        .collect();
    let format = |row: &[String]| -> String {
        let cells = row.iter().zip(&widths).zip(&columns).map(|((text, columns), column)| {
            let padding = " ".repeat(columns - width(text));
            if column.right_aligned() { format!("{padding}{text}") } else { format!("{text}{padding}") }
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    paper.line(0, "");
    paper.line(0, &format(&titles));
    for (row, id) in rows.iter().zip(list.order()) {
        paper.line(0, &format(row));
        let Some(task) = model.tasks.get(id) else { continue };
        if let Some(location) = &task.location {
            let what = if task.partial { "first seen at" } else { "spawned at" };
            place(paper, 4, what, location);
        }
        let waits = model.waits_of_task(*id);
        if waits.is_empty() && task.state() == Some(TaskState::Idle) {
            paper.line(4, &format!("waits for {}", words::unobserved_wait(task)));
        }
        waits.iter().for_each(|edge| wait(paper, scene, edge, &freers));
        if let Some(others) = words::other_wakers(task).filter(|_| !waits.is_empty()) {
            paper.line(4, &others);
        }
        for edge in model.edges_of_task(*id).filter(|edge| matches!(edge.body, EdgeBody::Hold { .. })) {
            let since = duration(model.now_ns.saturating_sub(edge.since_ns));
            let name = words::resource_name(model, edge);
            paper.line(4, &format!("holds {name} ({}) for {since}", words::role(edge)));
            if let Some(location) = &edge.location {
                place(paper, 6, "since", location);
            }
        }
    }
}

fn wait(paper: &mut Paper, scene: &Scene, edge: &Edge, freers: &FreersOf) {
    let model = scene.model();
    let since = duration(model.now_ns.saturating_sub(edge.since_ns));
    let (name, reason) = (words::resource_name(model, edge), words::reason(edge));
    paper.line(4, &format!("waits for {name}: {reason} ({}) for {since}", words::role(edge)));
    match &edge.location {
        Some(location) => place(paper, 6, "at", location),
        None => paper.line(6, "location of this await is not known"),
    }
    let (Some(resource), EdgeBody::Wait { operation, .. }) = (model.resources.get(&edge.resource), &edge.body) else {
        return;
    };
    let sizes = words::sizes(resource);
    if !sizes.is_empty() {
        paper.line(6, &format!("{} {}: {sizes}", resource.kind, resource.id));
    }
    let freers = freers.freers(resource, operation);
    for freer in freers.known.iter().take(FREERS) {
        let waits_for = words::waits_for(model, freer.task).map_or(String::new(), |text| format!(", waits for {text}"));
        let state = model.tasks.get(&freer.task).map_or("", words::state);
        paper.line(6, &format!("can be freed by {} ({state}{waits_for})", model.task_label(freer.task)));
    }
    if freers.known.len() > FREERS {
        paper.line(6, &format!("can be freed by {} tasks more", grouped((freers.known.len() - FREERS) as u64)));
    }
    if let Some(unknown) = words::unknown_freers(&freers) {
        paper.line(6, &format!("can be freed by {unknown}"));
    }
}

/// So many tasks that can free a resource are named; the JSON names all.
const FREERS: usize = 5;

fn place(paper: &mut Paper, indent: usize, lead: &str, location: &Location) {
    let (text, note) = words::source(location);
    let note = note.map_or(String::new(), |note| format!(" ({note})"));
    paper.line(indent, &format!("{lead} {}{note}", words::place(location)));
    if let Some(text) = text {
        paper.line(indent + 2, &text);
    }
}

fn problems(paper: &mut Paper, scene: &Scene) {
    let problems = scene.model().problems().problems;
    paper.line(0, "");
    if problems.is_empty() {
        let young = young_waits(scene);
        let note = match young {
            0 => String::new(),
            _ => format!(", so far: {} for less than a second, too short to judge", count(young, "wait")),
        };
        // What was not read may be a problem.
        let part = if losses(scene.picture).is_empty() { "" } else { " in what was read" };
        paper.line(0, &format!("no problem found{part}{note}"));
    }
    for problem in &problems {
        describe(paper, scene, problem);
    }
}

/// Waits for room, for a lock or for an end that have stood for so short a time that nothing is said about them yet.
fn young_waits(scene: &Scene) -> u64 {
    let model = scene.model();
    let young = model.edges.values().filter(|edge| {
        let hard = matches!(&edge.body, EdgeBody::Wait { operation, .. } if words::weight(operation) < Weight::Work);
        hard && model.now_ns.saturating_sub(edge.since_ns) < 1_000_000_000
    });
    young.count() as u64
}

fn describe(paper: &mut Paper, scene: &Scene, problem: &Problem) {
    let since = duration(scene.model().now_ns.saturating_sub(problem.since_ns));
    let Problem { severity, tier, kind, .. } = problem;
    paper.line(0, &format!("problem {}: {}", problem.id, problem.title));
    paper.line(4, &format!("{severity}: {tier} {kind}, stands for {since}"));
    problem.explanation.iter().for_each(|sentence| paper.line(4, sentence));
    for task in &problem.tasks {
        let name = task.name.as_deref().map_or(String::new(), |name| format!(" ({name})"));
        let place = task.location.as_ref().map_or(String::new(), |place| format!(", spawned at {place}"));
        paper.line(4, &format!("task {}{name}{place}", task.id));
    }
    for resource in &problem.resources {
        let name = resource.name.as_deref().map_or(format!(" {}", resource.id), |name| format!(" `{name}`"));
        let place = resource.location.as_ref().map_or(String::new(), |place| format!(", created at {place}"));
        paper.line(4, &format!("{}{name}{place}", resource.kind));
    }
    for edge in &problem.edges {
        let place = edge.location.as_ref().map_or(String::new(), |place| format!(", at {place}"));
        let model = scene.model();
        let (task, resource) = (model.task_label(edge.task), model.resource_label(edge.resource));
        let text = match edge.kind.as_str() {
            "wait" => format!("{task} waits for {resource}: {}{place}", edge.reason),
            "hold" => format!("{task} holds {resource} ({}){place}", edge.reason),
            _ => format!("{task} can free {resource}: {}{place}", edge.reason),
        };
        paper.line(4, &text);
    }
    problem.unknowns.iter().for_each(|unknown| paper.line(4, &format!("not known: {unknown}")));
    paper.line(4, &format!("advice: {}", problem.advice));
    paper.line(4, &format!("more: {}", scene.address.url(&problem.docs)));
}
