use crate::program::{check_with, thresholds};

#[test]
fn a_task_that_keeps_its_thread_never_yields() {
    let never = "0: task a line=7 idle
        0: task b idle
        0: rate a polls=10 wakes=10 running=950000 scheduled=40000
        0: rate b polls=10 wakes=10 running=100 scheduled=600000";
    // Lower thresholds, since the rates of this test make one poll in each tenth of a second, or none.
    let low = thresholds(|it| {
        it.never_yields.poll_ns = 90_000_000;
        it.never_yields.delay_ns = 50_000_000;
    });
    let program = check_with(low.clone(), &format!("{never}\n12000: over"), &["+5000 never_yields proven: a"]);
    insta::assert_snapshot!(program.words(), @r"
    never yields: task 1 (a) runs nearly all the time, in long polls
    task 1 (a), spawned at src/main.rs:7, ran for 95 % of 5 s, in polls of 93.1 ms on average.
    Meanwhile task 2 (b) of the same executor waited 58.8 ms for a thread before each poll, on average.
    ");
    check_with(
        low.clone(),
        &format!("{never}\n5000: rate a polls=10 wakes=10 running=760000\n16000: over"),
        &["+5000 never_yields proven: a"],
    );
    check_with(
        low.clone(),
        &format!("{never}\n5000: rate a polls=10 wakes=10 running=700000\n16000: over"),
        &["+5000 never_yields proven: a", "-10000 never_yields: a"],
    );
    for (from, to) in [
        // It rests, or yields. Or no task waits for a thread, as with `block_in_place`.
        ("running=950000", "running=890000"),
        ("polls=10 wakes=10 running=950000", "polls=20 wakes=20 running=950000"),
        ("scheduled=600000", "scheduled=400000"),
        // A closure, and a future that a thread runs.
        ("task a", "task a blocking"),
        ("task a", "task a block_on"),
        // The waiting task belongs to another executor.
        ("task b", "task b executor=x"),
    ] {
        let facts = never.replacen(from, to, 1);
        assert_ne!(facts, never);
        check_with(low.clone(), &format!("{facts}\n16000: over"), &[]);
    }
    // Other tasks of its place block workers, and that problem is enough.
    let blocked = "0: task g line=7 running\n0: task h line=7 running\n0: task i line=8 scheduled";
    check_with(low.clone(), &format!("{never}\n{blocked}\n12000: over"), &["+1500 worker_blocked proven: "]);
    // Only the task itself waits for a thread.
    let mut sensitive = low.clone();
    sensitive.never_yields.delay_ns = 1_000_000;
    check_with(
        sensitive,
        "0: task a idle\n0: rate a polls=10 wakes=10 running=950000 scheduled=40000\n16000: over",
        &[],
    );
    // The process was stopped in the middle of a poll.
    check_with(
        low,
        "0: task a idle
        0: task b idle
        0: rate a polls=10 wakes=10
        200: rate a
        200: a running
        200: b scheduled
        300: pause 60000
        60500: a idle
        60500: b idle
        75000: over",
        &[],
    );
}
