use crate::scenario::scenario;
use insight_model::{EdgeBody, Lines, Location};
use insight_protocol::TaskId;

const LIBRARY: &str = "/h/registry/src/i/pool-1.0.0/src/lib.rs";

fn words(lines: &Lines) -> String {
    let line = |location: Option<&Location>| location.map_or("-".to_owned(), Location::line);
    let callers = lines.callers.iter().filter_map(|frame| frame.function.as_deref()).map(|name| format!(" < {name}"));
    let [function, inside] = [lines.function, lines.inside].map(|name| name.unwrap_or("-"));
    let cut = if lines.cut { " ..." } else { "" };
    format!("{} {function}{}{cut}; {} {inside}", line(lines.first), callers.collect::<String>(), line(lines.library))
}

/// The lines of a task's only wait at the place `at`, and of its other awaits.
fn check(at: &str, awaits: &str, expect: &[&str]) {
    let model = scenario(&format!("mutex m\ntask a\na locks m at={at}\nawaits a {awaits}"));
    let waits = model.edges.values().filter(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
    let waits = waits.map(|wait| words(&model.lines_of_wait(wait)));
    let others = model.other_awaits(TaskId(1)).map(|leaf| words(&model.lines_of_await(TaskId(1), leaf)));
    assert_eq!(waits.chain(others).collect::<Vec<_>>(), expect, "{at} {awaits}");
}

#[test]
fn lines_of_an_await_begin_with_the_own_line() {
    let (own, library) = ("src/main.rs:9", format!("{LIBRARY}:30"));
    let get = format!("edge=1 fn=pool::get dep:pool::inner@{LIBRARY}:28");
    check(
        &library,
        &format!("{get} own:shop::a@{own}"),
        &["src/main.rs:9 shop::a; pool-1.0.0/src/lib.rs:30 pool::get"],
    );
    check(
        &library,
        &format!("{get} own:shop::a@{own} dep:tower::call@{LIBRARY}:5 own:shop::b@src/b.rs:4 own:shop::c@src/c.rs:5"),
        &["src/main.rs:9 shop::a < shop::b < shop::c; pool-1.0.0/src/lib.rs:30 pool::get"],
    );
    // The function is the program's own. The place of the call is more exact than that of the `.await`, two lines below.
    check("src/main.rs:7", &format!("edge=1 fn=lock own:shop::a@{own} cut"), &["src/main.rs:7 shop::a ...; - -"]);
    // The producer has left out cargo's folders in the frames.
    check(
        &library,
        "edge=1 fn=pool::get dep:pool::get@pool-1.0.0/src/lib.rs:20",
        &["pool-1.0.0/src/lib.rs:30 pool::get; - -"],
    );
    // The operation itself is called on the line of the wait.
    check(own, &format!("{get} own:shop::a@{own}"), &["src/main.rs:9 shop::a; - -"]);
    // Without an own frame, the outermost line of a library.
    check(
        &library,
        &format!("{get} dep:http::serve@/h/registry/src/i/http-1.0.0/src/lib.rs:3"),
        &["http-1.0.0/src/lib.rs:3 http::serve; pool-1.0.0/src/lib.rs:30 pool::get"],
    );
    check(&library, "edge=1 fn=pool::get", &["pool-1.0.0/src/lib.rs:30 -; - -"]);
    // Nothing is known of the wait itself.
    check(
        own,
        &format!("fn=net::read own:shop::a@src/main.rs:12 + fn=pool::get dep:pool::inner@{library} own:shop::a@{own}"),
        &[
            "src/main.rs:9 -; - -",
            "src/main.rs:12 shop::a; - -",
            "src/main.rs:9 shop::a; pool-1.0.0/src/lib.rs:30 pool::get",
        ],
    );
}
