//! How much of the program is observed, counted and in words, the same in every client.

use crate::{Model, Task};
use insight_protocol::{AwaitsOf, ExecutorCoverage, PackageCoverage, StreamCoverage};
use std::sync::Arc;

/// Number of observed live tasks of each executor.
#[derive(Clone, Debug, Default)]
pub struct ObservedTasks {
    /// There are few executors.
    by_executor: Vec<(Arc<str>, u64)>,
}

impl ObservedTasks {
    /// Counts the tasks of a model.
    pub fn of(model: &Model) -> ObservedTasks {
        let mut observed = ObservedTasks::default();
        model.tasks.values().for_each(|task| observed.add(task));
        observed
    }

    /// Counts one task, unless it is partial or has ended. r[coverage.unobserved.partial]
    pub fn add(&mut self, task: &Task) {
        let Some(executor) = task.origin.executor.as_ref().filter(|_| !task.origin.partial && task.outcome().is_none())
        else {
            return;
        };
        // Tasks of one origin share the text, so a comparison seldom reads it.
        let same = |known: &Arc<str>| Arc::ptr_eq(known, executor) || known == executor;
        match self.by_executor.iter_mut().find(|(known, _)| same(known)) {
            Some((_, count)) => *count += 1,
            None => self.by_executor.push((executor.clone(), 1)),
        }
    }

    /// The number of tasks of the executor with this name.
    pub fn by(&self, executor: &str) -> u64 {
        self.by_executor.iter().find(|(known, _)| **known == *executor).map_or(0, |(_, count)| *count)
    }
}

impl Model {
    /// One line about the observed part of the program: ``observed: 52 of 60 tasks of tokio 1.54 · not covered: flume
    /// 0.11.1 (only awaits show these waits)``. It says if the awaits are off. r[coverage.shown]
    pub fn coverage_text(&self, observed: &ObservedTasks) -> String {
        let Some(coverage) = &self.coverage else { return "coverage: unknown".to_owned() };
        let tasks: Vec<String> =
            coverage.executors.iter().map(|executor| tasks_text(executor, observed.by(&executor.name))).collect();
        let tasks = match tasks.is_empty() {
            true => "no runtime".to_owned(),
            false => tasks.join(", "),
        };
        let awaits = match coverage.awaits_of {
            Some(AwaitsOf::NoTask) => "awaits: off · ",
            Some(AwaitsOf::Problems) => "awaits: only of tasks with a problem · ",
            _ => "",
        };
        format!("observed: {tasks} · {awaits}{}", packages_text(coverage))
    }

    /// Whether a part of the program is known to be unobserved.
    pub fn is_partly_observed(&self) -> bool {
        self.coverage.as_ref().is_some_and(|coverage| {
            coverage.executors.is_empty()
                || coverage.executors.iter().any(|executor| executor.unobserved_tasks.is_some_and(|count| count > 0))
                || coverage.packages.iter().flatten().any(|package| !package.covered)
        })
    }

    /// The reason why no task is shown, in one sentence; `None` while there is a task. r[coverage.empty]
    pub fn why_empty(&self) -> Option<String> {
        if !self.tasks.is_empty() {
            return None;
        }
        let Some(coverage) = &self.coverage else {
            return Some("No task is observed. Whether there are others is unknown.".to_owned());
        };
        if coverage.executors.is_empty() {
            return Some("No task is observed: the program has used no runtime that insight observes.".to_owned());
        }
        let counts: Vec<(String, Option<u64>)> =
            coverage.executors.iter().map(|executor| (name(executor), executor.unobserved_tasks)).collect();
        let unobserved: Vec<String> = counts
            .iter()
            .filter_map(|(name, count)| Some(format!("{name} has {} of them", (*count).filter(|count| *count > 0)?)))
            .collect();
        let unknown: Vec<&str> =
            counts.iter().filter(|(_, count)| count.is_none()).map(|(name, _)| name.as_str()).collect();
        Some(match (unobserved.is_empty(), unknown.is_empty()) {
            (false, _) => format!("All live tasks are unobserved: {}.", unobserved.join(", ")),
            (true, false) => format!(
                "No task is observed. Whether {} {} others is unknown.",
                unknown.join(" and "),
                if unknown.len() == 1 { "has" } else { "have" }
            ),
            (true, true) => "No task is alive.".to_owned(),
        })
    }
}

fn name(executor: &ExecutorCoverage) -> String {
    format!("{} {}", executor.name, executor.version)
}

fn tasks_text(executor: &ExecutorCoverage, observed: u64) -> String {
    let name = name(executor);
    match (observed, executor.unobserved_tasks) {
        (0, Some(0)) => format!("no task of {name}"),
        (1, Some(0)) => format!("the only task of {name}"),
        (_, Some(0)) => format!("all {observed} tasks of {name}"),
        (_, Some(unobserved)) => format!("{observed} of {} tasks of {name}", observed.saturating_add(unobserved)),
        (1, None) => format!("1 task of {name} (others unknown)"),
        (_, None) => format!("{observed} tasks of {name} (others unknown)"),
    }
}

fn packages_text(coverage: &StreamCoverage) -> String {
    // r[coverage.packages.unknown]
    let Some(packages) = &coverage.packages else { return "dependencies: unknown".to_owned() };
    let missing: Vec<&PackageCoverage> = packages.iter().filter(|package| !package.covered).collect();
    let left_out = match coverage.packages_left_out {
        0 => String::new(),
        1 => ", and 1 package that is not listed".to_owned(),
        number => format!(", and {number} packages that are not listed"),
    };
    if missing.is_empty() {
        return format!("dependencies: all covered{left_out}");
    }
    // Each reason once, after the packages that have it.
    let mut reasons: Vec<Option<&str>> = missing.iter().map(|package| package.reason.as_deref()).collect();
    let mut seen = Vec::new();
    reasons.retain(|reason| {
        !seen.contains(reason) && {
            seen.push(*reason);
            true
        }
    });
    let texts = reasons.into_iter().map(|reason| {
        let of_reason = missing.iter().filter(|package| package.reason.as_deref() == reason);
        let names: Vec<String> = of_reason.map(|package| format!("{} {}", package.name, package.version)).collect();
        match reason {
            Some(reason) => format!("{} ({reason})", names.join(", ")),
            None => names.join(", "),
        }
    });
    format!("not covered: {}{left_out}", texts.collect::<Vec<_>>().join(", "))
}
