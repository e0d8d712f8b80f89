//! Problems.

use super::Checker;
use super::live::{EdgeKind, OpenProblem};
use crate::problem::{about, is_measured};
use insight_protocol::*;

impl Checker {
    pub(super) fn problem_raised(&mut self, problem: &Problem) {
        let id = problem.id;
        let actual = || format!("problem {id} again");
        // r[problem.raised.once]
        let is_open = self.open_problems.contains_key(&id);
        self.expect(!is_open, "problem.raised.once", "a problem that is not open", actual);
        // r[problem.new-id]
        let cleared = self.ended_problems.contains(id.0);
        self.expect(!cleared, "problem.new-id", "a new id for a problem that returns", actual);
        self.open_problems.insert(id, OpenProblem::of(problem));
        self.diagnosis(problem);
    }

    pub(super) fn problem_updated(&mut self, problem: &Problem) {
        let id = problem.id;
        let now = OpenProblem::of(problem);
        let Some(before) = self.open_problems.get(&id) else {
            // r[problem.updated.standing]
            return self.find("problem.updated.standing", "a problem that is open".into(), format!("problem {id}"));
        };
        // r[problem.updated.same-parts]
        let same = before.tasks == now.tasks && before.resources == now.resources;
        self.expect(same, "problem.updated.same-parts", "the tasks and resources as raised", || "others".to_owned());
        self.diagnosis(problem);
    }

    pub(super) fn problem_cleared(&mut self, id: ProblemId) {
        if self.open_problems.remove(&id).is_none() {
            // r[problem.cleared.once]
            self.find("problem.cleared.once", "a problem that is open".into(), format!("problem {id}"));
        }
        self.ended_problems.insert(id.0);
    }

    fn diagnosis(&mut self, problem: &Problem) {
        // r[problem.docs]
        self.expect(problem.docs.starts_with('/'), "problem.docs", "a path on the server", || problem.docs.clone());
        if let Some(about) = about(&problem.kind) {
            // r[problem.severity.of-kind]
            let actual = || format!("a {} that is {}", problem.kind, problem.severity);
            self.expect(
                about.severities.has(problem.severity),
                "problem.severity.of-kind",
                "a severity of its kind",
                actual,
            );
        }
        // r[order.introduced]
        let (rule, expected) = (self.unless_in_snapshot("order.introduced"), "a task or resource of the stream");
        for id in problem.tasks.iter().map(|part| part.id).chain(problem.edges.iter().map(|edge| edge.task)) {
            let known = self.tasks.contains_key(&id) || self.ended_tasks.contains(id.0);
            self.expect(known, rule, expected, || format!("task {id}"));
        }
        for id in problem.resources.iter().map(|part| part.id).chain(problem.edges.iter().map(|edge| edge.resource)) {
            let known = self.resources.contains_key(&id) || self.ended_resources.contains(id.0);
            self.expect(known, rule, expected, || format!("resource {id}"));
        }
        // The rules of stuck tasks. The tasks of a measured problem may run, and anything may wake them.
        let stuck = !is_measured(&problem.kind);
        for part in problem.tasks.iter().filter(|_| stuck) {
            // An ended task that still holds a guard has no state any more.
            let task = self.tasks.get(&part.id).filter(|task| !task.completed);
            let state = task.and_then(|task| task.stats.as_ref()).and_then(|stats| stats.state);
            // r[problem.raised.none-running]
            let waits = !matches!(state, Some(TaskState::Running | TaskState::Scheduled));
            let actual = || format!("task {} is {}", part.id, state.map_or("not observed", TaskState::as_str));
            self.expect(waits, "problem.raised.none-running", "tasks that wait", actual);
        }
        if problem.tier == Tier::Suspected {
            // r[problem.suspected.named]
            let named = !problem.unknowns.is_empty() || !problem.unless.is_empty();
            let expected = "at least one unknown or way out";
            return self.expect(named, "problem.suspected.named", expected, || "none".to_owned());
        }
        // r[problem.proven.no-unknowns]
        let doubts = || problem.unknowns.iter().chain(&problem.unless);
        let certain = doubts().next().is_none();
        let actual = || doubts().map(String::as_str).collect::<Vec<_>>().join("; ");
        self.expect(certain, "problem.proven.no-unknowns", "no unknowns and no way out", actual);
        // r[problem.proven.nothing-unknown]
        let blind = stuck
            && self.header.as_ref().is_some_and(|header| !header.capabilities.contains(&Capability::ForeignWakers));
        self.expect(!blind, "problem.proven.nothing-unknown", "a producer that observes wakers", || {
            "one that does not".into()
        });
        for part in problem.tasks.iter().filter(|_| stuck) {
            let observed = self.tasks.get(&part.id).is_some_and(|task| {
                !task.partial && task.stats.as_ref().is_some_and(|stats| stats.foreign_wakers == 0)
            });
            let actual = || format!("task {}", part.id);
            self.expect(observed, "problem.proven.nothing-unknown", "tasks without unobserved wakers", actual);
        }
        // r[problem.proven.certain]
        for part in problem.tasks.iter().filter(|_| stuck) {
            let cancelled = self.tasks.get(&part.id).is_some_and(|task| task.cancelled_by_others);
            let actual = || format!("task {}", part.id);
            self.expect(!cancelled, "problem.proven.certain", "tasks that no other code can cancel", actual);
        }
        for edge in problem.edges.iter().filter(|_| stuck) {
            let may_have_moved = self.edges.values().any(|open| {
                let same = open.task == edge.task && open.resource == edge.resource && open.since_ns == edge.since_ns;
                same && matches!(open.kind, EdgeKind::Hold { transferable: true, .. })
            });
            let likely = match edge.kind.as_str() {
                "hold" => may_have_moved || edge.reason == HoldMode::Permit.as_str(),
                "party" => edge.reason != PartyRole::Joined.as_str(),
                _ => false,
            };
            let actual = || format!("the {} of task {} on resource {}", edge.kind, edge.task, edge.resource);
            self.expect(!likely, "problem.proven.certain", "edges that no other code can end", actual);
        }
    }
}
