use crate::scenario::scenario;
use insight_model::Cancellers;
use insight_protocol::TaskId;

/// Checks the code that could cancel the first task.
fn check(facts: &str, expect: Option<(&[u64], bool)>) {
    let model = scenario(facts);
    let expect =
        expect.map(|(tasks, others)| Cancellers { tasks: tasks.iter().copied().map(TaskId).collect(), others });
    assert_eq!(model.cancellers(TaskId(1)), expect.as_ref(), "{facts}");
}

#[test]
fn cancellers_are_replaced_and_end_with_their_task() {
    check("task a\ntask b", None);
    check("task a\ntask b\ncancellers a b", Some((&[2], false)));
    check("task a\ntask b\ncancellers a b\ncancellers a others", Some((&[], true)));
    check("task a\ntask b\ncancellers a b\ncancellers a", None);
    // A task that has ended stays one of them: it may have given its handle away.
    check("task a\ntask b\ncancellers a b\nend b", Some((&[2], false)));
    // The ended task still has a hold.
    check("mutex m\ntask a\na holds m\ncancellers a others\nend a", None);
    check("mutex m\ntask a\na holds m\nend a\ncancellers a others", None);
}
