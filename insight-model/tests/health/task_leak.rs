use crate::program::{check_with, thresholds};
use insight_model::health::{OFF, Thresholds};

/// A window of 10 s: a second each part.
fn short() -> Thresholds {
    thresholds(|it| it.task_leak.window_ns = 10_000_000_000)
}

#[test]
fn tasks_that_become_more_and_more() {
    let program = check_with(short(), "0: grow 200 line=7\n14000: over", &["+10800 task_leak suspected: "]);
    insta::assert_snapshot!(program.words(), @r"
    task leak: the tasks that are spawned at src/main.rs:7 become more and more
    Of the tasks that were spawned at src/main.rs:7, 2000 live; 10 s before it were 40, and their number has grown all the while.
    The oldest of them is task 1.
    whether these tasks end later is not known: it may be the program's load that grows
    ");
    // They come no more, and it is over with the window; or they end.
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
    // More than there were before it began, not only within the window.
    check_with(short(), "0: grow 20000 line=7\n100: grow 150 line=7\n30000: over", &["+14800 task_leak suspected: "]);
    // Where looks are rare for the window, two make a part.
    let rare = thresholds(|it| it.task_leak.window_ns = 1_000_000_000);
    check_with(rare, "0: grow 1000 line=7\n4000: over", &["+2100 task_leak suspected: "]);
    // The least growth, and a little less.
    check_with(short(), "0: grow 100 line=7\n0: task a idle\n20000: over", &["+11800 task_leak suspected: "]);
    check_with(short(), "0: grow 90 line=7\n30000: over", &[]);
}

#[test]
fn tasks_that_are_many_by_right() {
    for facts in [
        // A start, and from then on the same.
        "0: grow 1000 line=7\n5000: grow 0 line=7\n60000: over",
        // They come in bursts, and go.
        "0: grow 1000 line=7\n4000: shrink 1000 line=7\n7000: grow 1000 line=7\n11000: shrink 1000 line=7\n16000: over",
        // Twice as many is what counts.
        "0: grow 50000 line=7\n100: grow 150 line=7\n16000: over",
        // At different places.
        "0: grow 90 line=7\n0: grow 90 line=8\n30000: over",
    ] {
        check_with(short(), facts, &[]);
    }
    let mut off = short();
    off.task_leak.tasks = OFF;
    check_with(off, "0: grow 200 line=7\n30000: over", &[]);
}
