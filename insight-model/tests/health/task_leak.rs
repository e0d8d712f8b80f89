use crate::program::{check_with, thresholds};
use insight_model::health::{OFF, Thresholds};

/// A window of 10 s, so each part is a second long.
fn short() -> Thresholds {
    thresholds(|it| it.task_leak.window_ns = 10_000_000_000)
}

#[test]
fn steadily_more_tasks_of_a_place_are_a_leak() {
    let program = check_with(short(), "0: grow 200 line=7\n14000: over", &["+10800 task_leak suspected: "]);
    insta::assert_snapshot!(program.words(), @r"
    task leak: more and more tasks are spawned at src/main.rs:7 and do not end
    The number of live tasks spawned at src/main.rs:7 has grown from 40 to 2000 in 10 s, without a break.
    The oldest of them is task 1.
    these tasks may end later: perhaps only the program's load grows
    ");
    // No tasks are added, and the problem ends with the window. Or the tasks end.
    check_with(
        short(),
        "0: grow 200 line=7\n14000: grow 0 line=7\n30000: over",
        &["+10800 task_leak suspected: ", "-24800 task_leak: "],
    );
    check_with(
        short(),
        "0: grow 200 line=7\n14000: shrink 2000 line=7\n30000: over",
        &["+10800 task_leak suspected: ", "-14400 task_leak: "],
    );
    // The number must double from the begin of the growth, and not only within the window.
    check_with(short(), "0: grow 20000 line=7\n100: grow 150 line=7\n30000: over", &["+14800 task_leak suspected: "]);
    // If checks are rare in a short window, a part has two.
    let rare = thresholds(|it| it.task_leak.window_ns = 1_000_000_000);
    check_with(rare, "0: grow 1000 line=7\n4000: over", &["+2100 task_leak suspected: "]);
    // The smallest growth that counts, and slightly less.
    check_with(short(), "0: grow 100 line=7\n0: task a idle\n20000: over", &["+11800 task_leak suspected: "]);
    check_with(short(), "0: grow 90 line=7\n30000: over", &[]);
}

#[test]
fn many_tasks_without_steady_growth_are_no_leak() {
    for facts in [
        // A start, and then a constant number.
        "0: grow 1000 line=7\n5000: grow 0 line=7\n60000: over",
        // Bursts of tasks that end.
        "0: grow 1000 line=7\n4000: shrink 1000 line=7\n7000: grow 1000 line=7\n11000: shrink 1000 line=7\n16000: over",
        // The number does not double.
        "0: grow 50000 line=7\n100: grow 150 line=7\n16000: over",
        // The tasks are spawned at different places.
        "0: grow 90 line=7\n0: grow 90 line=8\n30000: over",
    ] {
        check_with(short(), facts, &[]);
    }
    let mut off = short();
    off.task_leak.tasks = OFF;
    check_with(off, "0: grow 200 line=7\n30000: over", &[]);
}
