//! Many tasks that wait for one resource. Diagnosing them must take time in proportion to their number.

use super::Setting;
use super::attacked::{Attacked, until};
use crate::process::Result;
use std::time::{Duration, Instant};

/// The part of a core that the program and insight may use together. A diagnosis that takes too long would use all of it.
const SHARE: f64 = 0.5;

pub fn star(setting: &Setting) -> Result<String> {
    let tasks = setting.size(30_000, 3_000);
    let (attacked, answered) = answered(setting, &["star"], tasks)?;
    until("no self_deadlock in /v1/problems", || {
        Ok(attacked.problems()?.to_string().contains("self_deadlock").then_some(()))
    })?;
    calm(attacked, tasks, answered)
}

pub fn broadcast(setting: &Setting) -> Result<String> {
    signal(setting, "broadcast")
}

pub fn watch(setting: &Setting) -> Result<String> {
    signal(setting, "watch")
}

fn signal(setting: &Setting, kind: &str) -> Result<String> {
    let tasks = setting.size(50_000, 5_000);
    let (attacked, answered) = answered(setting, &["signal", kind], tasks)?;
    let problems = attacked.problems()?;
    if problems["problems"].as_array().is_none_or(|problems| !problems.is_empty()) {
        return Err(format!("expected no problem, actual: {problems}"));
    }
    calm(attacked, tasks, answered)
}

pub fn crowd(setting: &Setting) -> Result<String> {
    let side = setting.size(1_000, 316);
    let (attacked, answered) = answered(setting, &["crowd"], side)?;
    calm(attacked, 2 * side, answered)
}

/// Starts a mode with this number of tasks. Returns the time of its first answer.
fn answered(setting: &Setting, mode: &[&str], tasks: usize) -> Result<(Attacked, Duration)> {
    let tasks = tasks.to_string();
    let attacked = Attacked::start(setting, &[mode, &[&tasks]].concat())?;
    let start = Instant::now();
    attacked.problems()?;
    Ok((attacked, start.elapsed()))
}

/// Checks that the snapshot has all tasks, and that insight uses little of a core.
fn calm(mut attacked: Attacked, tasks: usize, answered: Duration) -> Result<String> {
    until(&format!("fewer than {tasks} tasks in the snapshot"), || {
        Ok((attacked.snapshot()?.spawned >= tasks).then_some(()))
    })?;
    let share = attacked.process().share(Duration::from_secs(3))?;
    if share > SHARE {
        return Err(format!("the program takes {share:.2} of a core with {tasks} waiting tasks"));
    }
    attacked.makes_progress()?;
    attacked.end()?;
    Ok(format!("{tasks} tasks, answered after {answered:.1?}, {share:.2} of a core"))
}
