//! `--once`: the pages of the screens as plain text, one below the other, and the exit status.

use crate::args::Address;
use crate::connection;
use crate::document;
use crate::output::{complain, print_by};
use crate::shares::Shares;
use crate::snapshot::Snapshot;
use crate::terminal;
use crate::text::clean;
use crate::theme::Theme;
use crate::traces::Traces;
use crate::views::page::Page;
use crate::views::status::{self, losses};
use crate::views::table::Table;
use crate::views::task_list::TaskList;
use crate::views::{Scene, ended, problem, resource, trace};
use crate::words;
use insight_model::EdgeBody;
use insight_protocol::{ResourceId, TaskId, TaskTrace, TraceOutcome};
use insight_reader::{JsonWriter, exit_status};
use ratatui::text::Line;
use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// Prints one snapshot of the program at `address`, or the last one of a recording. The exit status is that of
/// [`exit_status`] for its problems, and 1 without a snapshot.
pub fn run(address: &Address, recording: Option<&Path>, json: bool) -> ExitCode {
    let (snapshot, source) = match recording {
        None => (connection::snapshot(address).map_err(|failure| failure.at(address)), format!("at http://{address}")),
        Some(path) => (
            connection::recording(path).map_err(|why| format!("{}: {why}", path.display())),
            format!("as recorded in {}", path.display()),
        ),
    };
    let snapshot = match snapshot {
        Ok(snapshot) => snapshot,
        Err(why) => {
            complain(&why);
            return ExitCode::FAILURE;
        }
    };
    // JSON has no place for the notes of the text.
    if json {
        losses(&snapshot).iter().for_each(|loss| complain(&format!("note: {loss}")));
    }
    let width = terminal::columns().unwrap_or(usize::MAX);
    let written = with_scene(&snapshot, address, |scene| {
        print_by(|output| if json { document::write(scene, output) } else { write(scene, &source, width, output) })
    });
    written.unwrap_or_else(|| ExitCode::from(exit_status(&snapshot.model.problems().problems)))
}

/// Prints where one task waits. The exit status is 0 when the program has answered, and 1 otherwise.
pub fn trace(address: &Address, task: TaskId, json: bool) -> ExitCode {
    let trace = match connection::trace(address, task) {
        Ok(trace) => trace,
        Err(why) => {
            complain(&format!("{address}: task {task}: {why}"));
            return ExitCode::FAILURE;
        }
    };
    let written = print_by(|output| match json {
        // A program may answer with any characters, so its answer is decoded and written again. r[security.control-characters]
        true => {
            serde_json::to_writer(JsonWriter(&mut *output), &trace)?;
            output.write_all(b"\n")
        }
        false => {
            let width = terminal::columns().unwrap_or(usize::MAX);
            write_trace(&trace, width, output)?;
            let ended = matches!(trace.outcome, TraceOutcome::Ended | TraceOutcome::NotKnown);
            let snapshot = if ended { connection::snapshot(address).ok() } else { None };
            snapshot.map_or(Ok(()), |snapshot| write_end(&snapshot, task, width, output))
        }
    });
    written.unwrap_or(ExitCode::SUCCESS)
}

/// Calls `print` with the scene of a screen that has just opened.
pub fn with_scene<T>(snapshot: &Snapshot, address: &Address, print: impl FnOnce(&Scene) -> T) -> T {
    let (shares, traces) = (Shares::default(), Traces::default());
    let (theme, now) = (Theme::new(false), Instant::now());
    print(&Scene { snapshot, shares: &shares, traces: &traces, address, theme, now })
}

/// Writes the head, the task list, the resources and the problems. A line is written before the next one is made: there may be
/// a million tasks.
pub fn write(scene: &Scene, source: &str, width: usize, output: &mut dyn Write) -> io::Result<()> {
    let mut list = TaskList::default();
    list.sort_again(scene);
    head(scene, &list, source, output)?;
    tasks(scene, &list, width, output)?;
    resources(scene, &list, width, output)?;
    failed(scene, width, output)?;
    problems(scene, width, output)
}

/// Writes a trace.
pub fn write_trace(trace: &TaskTrace, width: usize, output: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::plain(width);
    page.text(0, &format!("task {}: {}", trace.task, trace.reason));
    trace::awaits(&mut page, 4, trace);
    write_lines(&page, output)
}

/// Writes the end of a task that cannot be traced, if the program still knows it.
pub fn write_end(snapshot: &Snapshot, task: TaskId, width: usize, output: &mut dyn Write) -> io::Result<()> {
    let Some(ended) = snapshot.model.ended_tasks.get(task) else { return Ok(()) };
    let mut page = Page::plain(width);
    page.text(0, &words::ended(ended, snapshot.model.now_ns));
    if words::lacks_panic_message(ended) {
        page.text(0, words::NO_PANIC_MESSAGE);
    }
    write_lines(&page, output)
}

fn head(scene: &Scene, list: &TaskList, source: &str, output: &mut dyn Write) -> io::Result<()> {
    let model = scene.model();
    let at = words::banner_line(model).map_or_else(String::new, |line| format!(" at {line}"));
    let banner = words::banner(model).map(|(_, text)| text + &at);
    let found: Vec<String> = banner.into_iter().chain(words::other_problems(model)).collect();
    if !found.is_empty() {
        writeln!(output, "{}", found.join(" · "))?;
    }
    let program = status::program(scene, usize::MAX).to_string();
    writeln!(output, "{} · {}", program.trim(), clean(source))?;
    writeln!(output, "{}", list.counts.text(model.ended, model.panicked))?;
    // r[coverage.shown]
    writeln!(output, "{}", status::coverage(scene, &list.observed, usize::MAX).to_string().trim())?;
    losses(scene.snapshot).iter().try_for_each(|loss| writeln!(output, "note: {}", clean(loss)))
}

fn tasks(scene: &Scene, list: &TaskList, width: usize, output: &mut dyn Write) -> io::Result<()> {
    let model = scene.model();
    writeln!(output)?;
    // r[coverage.empty]
    if let Some(why) = model.why_empty() {
        return writeln!(output, "{}", clean(&why));
    }
    let table = match width {
        usize::MAX => Table::whole(scene, list.columns()),
        window => Table::within(scene, list.columns(), window),
    };
    write_line(&table.titles(scene, None), output)?;
    let mut tasks = list.order().iter().filter_map(|id| model.tasks.get(id));
    tasks.try_for_each(|task| write_line(&table.row(scene, task), output))
}

/// The awaited resources in the order of their waiting tasks, and then the other resources that a task holds.
fn resources(scene: &Scene, list: &TaskList, width: usize, output: &mut dyn Write) -> io::Result<()> {
    let model = scene.model();
    let is_wait = |body: &EdgeBody| matches!(body, EdgeBody::Wait { .. });
    let is_hold = |body: &EdgeBody| matches!(body, EdgeBody::Hold { .. });
    let mut written: HashSet<ResourceId> = HashSet::new();
    for is_wanted in [is_wait as fn(&EdgeBody) -> bool, is_hold] {
        let edges = list.order().iter().flat_map(|id| model.edges_of_task(*id));
        for edge in edges.filter(|edge| is_wanted(&edge.body)) {
            let Some(resource) = model.resources.get(&edge.resource) else { continue };
            if written.insert(resource.id) {
                write_page(width, output, |page| resource::describe(scene, page, resource))?;
            }
        }
    }
    Ok(())
}

/// The tasks that panicked or were cancelled, the newest first.
fn failed(scene: &Scene, width: usize, output: &mut dyn Write) -> io::Result<()> {
    let mut tasks = scene.model().ended_tasks.newest_first();
    tasks.retain(|task| task.outcome.is_failure());
    if tasks.is_empty() {
        return Ok(());
    }
    write_page(width, output, |page| {
        page.text(0, "PANICKED AND CANCELLED TASKS");
        ended::table(scene, page, &tasks);
        if tasks.iter().any(|task| words::lacks_panic_message(task)) {
            page.text(2, words::NO_PANIC_MESSAGE);
        }
    })
}

fn problems(scene: &Scene, width: usize, output: &mut dyn Write) -> io::Result<()> {
    let problems = scene.model().problems().problems;
    if problems.is_empty() {
        return write_page(width, output, |page| page.text(0, &problem::no_problem(scene)));
    }
    for (index, problem) in problems.iter().enumerate() {
        let number = format!("{} of {}", index + 1, problems.len());
        write_page(width, output, |page| problem::describe(scene, page, problem, &number))?;
    }
    Ok(())
}

/// Writes a page below a rule.
fn write_page(width: usize, output: &mut dyn Write, fill: impl FnOnce(&mut Page)) -> io::Result<()> {
    let mut page = Page::plain(width);
    fill(&mut page);
    writeln!(output, "\n{}", "─".repeat(width.min(RULE)))?;
    write_lines(&page, output)
}

/// Columns of a rule, where there is room for them.
const RULE: usize = 80;

fn write_lines(page: &Page, output: &mut dyn Write) -> io::Result<()> {
    page.lines().iter().try_for_each(|line| write_line(line, output))
}

fn write_line(line: &Line, output: &mut dyn Write) -> io::Result<()> {
    writeln!(output, "{}", line.to_string().trim_end())
}

/// The text for a program that runs.
#[cfg(test)]
pub fn text(scene: &Scene) -> String {
    let mut text = Vec::new();
    write(scene, &format!("at http://{}", scene.address), usize::MAX, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}
