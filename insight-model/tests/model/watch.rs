use crate::scenario::{Builder, MS, SETTLE_NS};
use insight_model::{Confirmation, Model, Watch};
use insight_protocol::*;

/// A program, and the watch over it.
struct Run {
    model: Model,
    builder: Builder,
    watch: Watch,
    /// The confirmation of each proven finding.
    confirmation: Confirmation,
    /// The confirmation has changed since the last check.
    again: bool,
}

const CONFIRMED: Confirmation = Confirmation::Confirmed { because: None };

impl Run {
    fn new(facts: &str) -> Run {
        let (model, builder, watch) = (Model::default(), Builder::default(), Watch::new(SETTLE_NS));
        let mut run = Run { model, builder, watch, confirmation: CONFIRMED, again: false };
        run.builder.add(&mut run.model, facts);
        run
    }

    /// Adds facts, sets the time, and checks the messages of the watch.
    fn check(&mut self, at_ms: u64, facts: &str, expect: &[&str]) {
        self.builder.add(&mut self.model, facts);
        self.model.apply(&StreamHeartbeat::new(at_ms * MS).into());
        let mut messages = Vec::new();
        let again = std::mem::take(&mut self.again);
        self.watch.check_confirmed(&self.model, &mut messages, again, |_| self.confirmation.clone());
        messages.iter().for_each(|message| self.model.apply(message));
        let text = |problem: &Problem| format!("{} {}: {}", problem.id, problem.tier.as_str(), problem.tasks.len());
        let words: Vec<String> = messages
            .iter()
            .map(|message| match message {
                Message::ProblemRaised(m) => format!("raised {}", text(&m.problem)),
                Message::ProblemUpdated(m) => format!("updated {}", text(&m.problem)),
                Message::ProblemCleared(m) => format!("cleared {}", m.id),
                other => other.type_name().to_owned(),
            })
            .collect();
        assert_eq!(words, expect, "at {at_ms} ms");
        let open: Vec<ProblemId> = self.watch.standing().map(|problem| problem.id).collect();
        assert_eq!(open.len(), self.model.problems.len());
        assert!(open.iter().all(|id| self.model.problems.contains_key(id)));
    }

    fn close(&mut self, edge: u64) {
        self.model.apply(&EdgeClosed::new(EdgeId(edge), self.model.now_ns).into());
    }
}

#[test]
fn a_proven_finding_is_held_back_until_it_is_confirmed() {
    let unless = || "a search finds it".to_owned();
    let confirm = |run: &mut Run, confirmation| (run.confirmation, run.again) = (confirmation, true);
    let mut run = Run::new("mutex m\nmutex n\ntask a\ntask b\na holds m\nb holds n\na locks n\nb locks m");
    run.confirmation = Confirmation::HeldBack { unless: unless() };
    run.check(1_000, "", &[]);
    assert_eq!(run.watch.to_confirm().map(|finding| finding.tasks.len()).collect::<Vec<_>>(), [2]);
    confirm(&mut run, Confirmation::Suspected { unless: unless() });
    run.check(1_100, "", &["raised 1 suspected: 2"]);
    assert_eq!(run.model.problems[&ProblemId(1)].unless, [unless()]);
    let because = Some("A search found nothing.".to_owned());
    confirm(&mut run, Confirmation::Confirmed { because: because.clone() });
    run.check(1_200, "", &["updated 1 proven: 2"]);
    assert_eq!(run.model.problems[&ProblemId(1)].explanation.last(), because.as_ref());
    run.check(1_300, "", &[]);
    // A problem that is open is not held back.
    confirm(&mut run, Confirmation::HeldBack { unless: unless() });
    run.check(1_400, "", &["updated 1 suspected: 2"]);
    run.close(3);
    run.check(1_500, "", &["cleared 1"]);
    assert!(run.watch.to_confirm().next().is_none());
}

#[test]
fn a_problem_is_raised_when_settled_and_cleared_when_resolved() {
    let mut run = Run::new("mutex m\nmutex n\ntask a\ntask b\na holds m\nb holds n\na locks n @100\nb locks m @200");
    run.check(300, "", &[]);
    run.check(699, "", &[]);
    run.check(700, "", &["raised 1 proven: 2"]);
    run.check(800, "", &[]);
    // Another knot. The first one keeps its id.
    run.check(1_500, "mutex o\ntask c\nc holds o @900\nc locks o @900", &["raised 2 proven: 1"]);
    run.check(1_600, "", &[]);
    run.close(4);
    run.check(1_700, "", &["cleared 1"]);
    run.check(1_800, "", &[]);
    // The same tasks again are a new problem.
    run.check(2_500, "b locks m @1900", &["raised 3 proven: 2"]);
    run.close(6);
    run.close(4);
    run.close(7);
    run.check(2_600, "", &["cleared 3", "cleared 2"]);
}

#[test]
fn a_problem_is_updated_only_when_it_has_changed() {
    let mut run = Run::new("channel q 2/2 receivers=2\ntask a\na receiver q\na sends q");
    run.check(1_000, "", &["raised 1 suspected: 1"]);
    run.check(1_100, "", &[]);
    let update = |receivers| with!(ResourceUpdated::default(), id = ResourceId(1), receivers).into();
    run.model.apply(&update(Some(1)));
    run.check(1_200, "", &["updated 1 suspected: 1"]);
    assert!(run.model.problems[&ProblemId(1)].unknowns.is_empty());
    run.model.apply(&update(Some(1)));
    run.check(1_300, "", &[]);
    run.model.apply(&update(Some(3)));
    run.check(1_400, "", &["updated 1 suspected: 1"]);
    // A task outside of the problem.
    run.check(1_500, "task b\nb sends q @1400", &[]);
}

#[test]
fn a_problem_is_updated_when_the_awaits_of_its_tasks_arrive() {
    let mut run = Run::new("mutex m\nmutex n\ntask a\ntask b\na holds m\nb holds n\na locks n\nb locks m");
    run.check(1_000, "", &["raised 1 proven: 2"]);
    run.check(1_100, "awaits a edge=3 fn=pool::get own:shop::a@src/a.rs:9", &["updated 1 proven: 2"]);
    let awaited = |run: &Run| run.model.problems[&ProblemId(1)].edges.iter().find_map(|edge| edge.awaited.clone());
    let (awaited, line) = (awaited(&run).unwrap(), SourceLocation::new("src/a.rs", 9, 5));
    assert_eq!((awaited.line, awaited.function.as_deref()), (Some(line), Some("pool::get")));
    run.check(1_200, "", &[]);
    // The awaits of a task that is not part of the problem.
    run.check(1_300, "task c timer\nawaits c fn=pool::get own:shop::c@src/a.rs:9", &[]);
    run.check(1_400, "rename a shop::a", &["updated 1 proven: 2"]);
    assert_eq!(run.model.problems[&ProblemId(1)].tasks[0].name.as_deref(), Some("shop::a"));
}

#[test]
fn a_knot_with_another_task_is_another_problem() {
    let mut run = Run::new("channel q 2/2 receivers=1\ntask a\na receiver q\na sends q");
    run.check(1_000, "", &["raised 1 suspected: 1"]);
    run.model.apply(&with!(ResourceUpdated::default(), id = ResourceId(1), receivers = Some(2)).into());
    run.check(1_100, "task b @1100\nb receiver q @1100\nb sends q @1100", &["cleared 1"]);
    run.check(1_600, "", &["raised 2 suspected: 2"]);
}

#[test]
fn after_new_limits_some_problems_are_cleared_and_the_others_keep_their_ids() {
    let mut run = Run::new("mutex m\nmutex n\ntask a\ntask b\na holds m\nb holds n\na locks m @100\nb locks n @600");
    run.check(1_300, "", &["raised 1 proven: 1", "raised 2 proven: 1"]);
    let settle = |run: &mut Run, ms: u64| run.watch.set_limits(ms * MS, insight_model::health::Thresholds::default());
    settle(&mut run, 1_000);
    run.check(1_310, "", &["cleared 2"]);
    settle(&mut run, 10_000);
    run.check(1_320, "", &["cleared 1"]);
    settle(&mut run, 100);
    run.check(1_330, "", &["raised 3 proven: 1", "raised 4 proven: 1"]);
    settle(&mut run, 200);
    run.check(1_340, "", &[]);
}

#[test]
fn a_large_problem_and_many_problems_are_listed_in_part() {
    // 1,500 tasks in a ring, or 1,500 tasks that each wait for themselves.
    let ring = |task: usize| {
        let next = (task + 1) % 1_500;
        format!("mutex m{task}\ntask t{task}\nt{task} holds m{task}\nt{task} locks m{next}")
    };
    let alone = |task: usize| format!("mutex m{task}\ntask t{task}\nt{task} holds m{task}\nt{task} locks m{task}");
    // The locks come before the tasks that wait for them.
    let facts = |of: &dyn Fn(usize) -> String| {
        let lines: Vec<String> =
            (0..1_500).flat_map(|task| of(task).lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        let (waits, others): (Vec<String>, Vec<String>) = lines.into_iter().partition(|line| line.contains(" locks "));
        [others, waits].concat().join("\n")
    };
    let problems = |facts: String| -> Vec<Problem> {
        let mut run = Run::new(&facts);
        run.model.apply(&StreamHeartbeat::new(2_000 * MS).into());
        run.watch.check(&run.model, &mut Vec::new());
        run.watch.standing().cloned().collect()
    };
    let large = problems(facts(&ring));
    let [large] = large.as_slice() else { panic!("{} problems", large.len()) };
    assert_eq!((large.tasks.len(), large.resources.len(), large.edges.len()), (1_000, 1_000, 2_000));
    assert_eq!(
        large.explanation.last().unwrap(),
        "It has 1500 tasks, 1500 resources and 3000 edges: the first 1000, 1000 and 2000 are listed."
    );
    let many = problems(facts(&alone));
    assert_eq!(many.len(), 1_000);
    let has_note = |problem: &Problem| problem.explanation.iter().any(|it| it == "500 more problems are not listed.");
    assert_eq!(many.iter().filter(|problem| has_note(problem)).count(), 1);
}
