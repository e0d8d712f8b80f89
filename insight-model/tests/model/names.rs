use crate::scenario::scenario;
use insight_model::Model;
use insight_protocol::{DefineString, StreamHeartbeat, StringId, TaskAwaits, TaskId, TaskUpdated, with};

/// The labels of all tasks, and their names in a narrow column.
fn names(model: &Model) -> Vec<String> {
    let name = |task| model.short_task_name(task).map_or("-".to_owned(), |name| name.to_string());
    model.tasks.values().map(|task| format!("{}: {}", model.task_label(task.id), name(task))).collect()
}

fn check(facts: &str, expect: &[&str]) {
    let model = scenario(facts);
    assert_eq!(names(&model), expect, "{facts}");
    // A client that begins with a snapshot shows the same names.
    let mut copy = Model::default();
    model.snapshot().iter().for_each(|message| copy.apply(message));
    assert_eq!(names(&copy), expect, "from a snapshot: {facts}");
    assert_eq!(names(&model.view()), expect, "of a view: {facts}");
}

#[test]
fn tasks_of_two_spawn_locations_with_one_name_are_told_apart_by_their_lines() {
    check("task a::run\ntask b::stop", &["task 1 (a::run): run", "task 2 (b::stop): stop"]);
    check(
        "task a::run\ntask a::run\ntask b::stop",
        &[
            "task 1 (a::run, src/main.rs:1): run (src/main.rs:1)",
            "task 2 (a::run, src/main.rs:2): run (src/main.rs:2)",
            "task 3 (b::stop): stop",
        ],
    );
    // The whole names differ.
    check(
        "task a::run\ntask b::run",
        &["task 1 (a::run): run (src/main.rs:1)", "task 2 (b::run): run (src/main.rs:2)"],
    );
    check("task a::run at=src/x.rs:7\ntask a::run at=src/x.rs:7", &["task 1 (a::run): run", "task 2 (a::run): run"]);
    // The spawn location of a library task is unknown.
    check("task a::run\ntask a::run partial", &["task 1 (a::run): run", "task 2 (a::run): run"]);
}

#[test]
fn a_name_without_meaning_gives_way_to_the_outermost_own_function() {
    let boxed = "task Pin<Box<dyn-Future>>\nawaits Pin<Box<dyn-Future>>";
    let own = "dep:hyper::serve@/h/registry/src/i/hyper-1.0.0/src/lib.rs:4 own:shop::inner@src/a.rs:3 own:shop::order@src/a.rs:8";
    check(&format!("{boxed} {own}"), &["task 1 (shop::order): order"]);
    // Its outermost function is unknown.
    check(&format!("{boxed} {own} cut"), &["task 1 (Pin<Box<dyn-Future>>): Pin<Box<dyn-Future>>"]);
    let named = |name: &str| format!("task {name}\nawaits {name} {own}");
    check(&named("hyper_util::rt::{{closure}}"), &["task 1 (shop::order): order"]);
    check(&named("Instrumented<hyper::Connection>"), &["task 1 (shop::order): order"]);
    check(&named("shop::main::{{closure}}"), &["task 1 (shop::main::{{closure}}): main::{{closure}}"]);
    check(
        &named("Instrumented<shop::Handler>"),
        &["task 1 (Instrumented<shop::Handler>): Instrumented<shop::Handler>"],
    );
    check(&named("orders"), &["task 1 (orders): orders"]);
    // Two locations that box their futures.
    check(
        &format!("{0} {own}\n{0} {own}", boxed),
        &[
            "task 1 (shop::order, src/main.rs:1): order (src/main.rs:1)",
            "task 2 (shop::order, src/main.rs:3): order (src/main.rs:3)",
        ],
    );
    check("task Pin<Box<x>>\nrename Pin<Box<x>> shop::order", &["task 1 (shop::order): order"]);
}

#[test]
fn task_of_a_library_that_hides_its_future_has_the_outermost_function_of_the_library() {
    let awaits = "awaits a dep:h2::poll@/h/registry/src/i/h2-0.4.5/src/a.rs:2 dep:hyper::serve@/h/registry/src/i/hyper-1.0.0/src/lib.rs:4";
    let check = |name: &str, expect: &str| {
        let mut model = scenario(&format!("task a\n{awaits}"));
        model.apply(&DefineString::new(StringId(90), name).into());
        model.apply(&with!(TaskUpdated::default(), id = TaskId(1), name = StringId(90)).into());
        assert_eq!(model.task_label(TaskId(1)), format!("task 1 ({expect})"));
    };
    check("Pin<Box<dyn Future<Output = ()> + Send>>", "hyper::serve");
    check("hyper::Connection<T>", "hyper::Connection<T>");
}

#[test]
fn a_name_follows_the_tasks_that_are_alive() {
    let mut model = scenario("task a::run\ntask a::run");
    assert_eq!(model.task_label(TaskId(1)), "task 1 (a::run, src/main.rs:1)");
    model.apply(&insight_protocol::TaskCompleted::new(TaskId(2), insight_protocol::Outcome::Returned, 11).into());
    model.apply(&StreamHeartbeat::new(12).into());
    assert_eq!(model.task_label(TaskId(1)), "task 1 (a::run)");
}

#[test]
fn a_task_has_the_outermost_span_in_which_it_waits() {
    let mut model = scenario("task a::run\ntask b::stop");
    model.apply(&DefineString::new(StringId(90), "request GET /orders").into());
    model.apply(&DefineString::new(StringId(91), "query").into());
    let spans = vec![StringId(90), StringId(91)];
    model.apply(&with!(TaskAwaits::default(), id = TaskId(1), polls = 9, spans).into());
    assert_eq!(
        names(&model),
        ["task 1 (a::run, in request GET /orders): run in request GET /orders", "task 2 (b::stop): stop"]
    );
}
