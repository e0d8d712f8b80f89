use crate::program::{check, check_with, thresholds};
use insight_model::health::{OFF, Thresholds};

#[test]
fn a_long_poll_with_a_task_behind_it_blocks_a_worker() {
    let program = check(
        "0: task a line=7 running
         0: task b scheduled
         2000: over",
        &["+1500 worker_blocked proven: a"],
    );
    insta::assert_snapshot!(program.words(), @r"
    worker blocked: task 1 (a) does not return from its poll, and other tasks wait
    task 1 (a), spawned at src/main.rs:7, is in a poll that has lasted for more than 1 s: it keeps its thread, and reaches no `.await`.
    Meanwhile task 2 (b) of the same executor has waited for a thread for more than 1 s, and was not polled.
    ");
    // The poll ends, or the waiting task is polled.
    check(
        "0: task a running\n0: task b scheduled\n3000: a idle\n4000: over",
        &["+1500 worker_blocked proven: a", "-3000 worker_blocked: a"],
    );
    check(
        "0: task a running\n0: task b scheduled\n3000: b idle\n4000: over",
        &["+1500 worker_blocked proven: a", "-3000 worker_blocked: a"],
    );
    // Two threads.
    check(
        "0: task a line=2 running\n0: task b line=3 local running\n0: task c scheduled\n2000: end a\n3000: over",
        &["+1500 worker_blocked proven: a", "+1500 worker_blocked proven: b", "-2000 worker_blocked: a"],
    );
    // The poll is within the poll of a future that a thread runs.
    check(
        "0: task a block_on running\n0: task b local running\n0: task c scheduled\n2000: over",
        &["+1500 worker_blocked proven: b"],
    );
    // A task that was scheduled before the poll, and an async `main` that runs the other tasks on its thread.
    check("1000: task b scheduled\n1500: task a block_on running\n4000: over", &["+3000 worker_blocked proven: a"]);
}

#[test]
fn a_healthy_poll_is_no_problem() {
    for facts in [
        // Just below the threshold.
        "0: task a running\n0: task b scheduled\n1400: a idle\n4000: over",
        "0: task a running\n0: task b scheduled\n1400: b idle\n4000: over",
        // No task waits, because there is another thread, or because of `block_in_place`.
        "0: task a running\n0: task b idle\n60000: over",
        // The waiting task has waited since long before the poll, for a runtime that no thread runs.
        "0: task b scheduled\n5000: task a running\n60000: over",
        // The waiting task belongs to another executor.
        "0: task a running executor=x\n0: task b scheduled executor=y\n60000: over",
        // A closure may block, and closures may wait.
        "0: task a blocking running\n0: task b scheduled\n60000: over",
        "0: task a running\n0: task b blocking scheduled\n60000: over",
        // Only a part of its life is observed.
        "0: task a partial\n0: task b scheduled\n60000: over",
        // Many short polls.
        "0: task a running\n0: task b scheduled\n900: a running\n1800: a running\n2700: a running\n3500: over",
        // An executor that is a future polls one task after the other within one poll of its own.
        "0: task a block_on running\n0: task b scheduled\n0: task c running\n900: c running\n1800: c running\n2600: over",
        // The process was stopped, and continues.
        "0: task a running\n0: task b scheduled\n100: pause 60000\n60300: a idle\n60300: b idle\n61000: over",
        "0: task a running\n0: task b scheduled\n1100: pause 60000\n61300: a idle\n61300: b idle\n62000: over",
    ] {
        check(facts, &[]);
    }
}

#[test]
fn tasks_of_one_place_that_block_in_turn_are_one_problem() {
    // Two threads run two of four tasks at a time.
    let four =
        "0: task a line=7 running\n0: task b line=7 running\n0: task c line=7 scheduled\n0: task d line=7 scheduled";
    let turns: String = (1..8)
        .flat_map(|turn| {
            let (idle, runs) = if turn % 2 == 1 { (["a", "b"], ["c", "d"]) } else { (["c", "d"], ["a", "b"]) };
            let [end, begin] = [(idle, "scheduled"), (runs, "running")];
            let line = move |(tasks, state): ([&str; 2], &str)| {
                format!("{ms}: {} {state}\n{ms}: {} {state}\n", tasks[0], tasks[1], ms = turn * 2000)
            };
            [line(end), line(begin)]
        })
        .collect();
    let program = check(&format!("{four}\n{turns}15000: over"), &["+1500 worker_blocked proven: "]);
    insta::assert_snapshot!(program.words(), @r"
    worker blocked: tasks spawned at src/main.rs:7 do not return from their polls, and other tasks wait
    Tasks spawned at src/main.rs:7 keep their threads again and again, each time for more than 1 s in one poll.
    This was observed for task 1 (a) and task 2 (b).
    Meanwhile task 3 (c) and task 4 (d) of the same executor have waited for a thread for more than 1 s, and were not polled.
    ");
    // The problem ends when no task of the place has blocked for two windows.
    check(
        &format!("{four}\n2000: a idle\n2000: b idle\n2000: c idle\n2000: d idle\n15000: over"),
        &["+1500 worker_blocked proven: ", "-12000 worker_blocked: "],
    );
    // One thread. The first poll is a problem of its task, and the second poll makes it a problem of the place.
    let two = "0: task a line=7 running\n0: task b line=7 scheduled";
    check(
        &format!("{two}\n2000: a scheduled\n2000: b running\n4000: b scheduled\n4000: a running\n6000: over"),
        &["+1500 worker_blocked proven: a", "-2000 worker_blocked: a", "+3500 worker_blocked proven: "],
    );
    // The same task again, soon or long after.
    let again = |ms: u64| format!("{two}\n2000: a idle\n{ms}: a running\n{ms}: b scheduled\n{}: over", ms + 1700);
    check(
        &again(5000),
        &["+1500 worker_blocked proven: a", "-2000 worker_blocked: a", "+6500 worker_blocked proven: "],
    );
    check(
        &again(20_000),
        &["+1500 worker_blocked proven: a", "-2000 worker_blocked: a", "+21500 worker_blocked proven: a"],
    );
    // Two places have two problems.
    check(
        "0: task a line=7 running\n0: task b line=8 running\n0: task c scheduled\n2000: over",
        &["+1500 worker_blocked proven: a", "+1500 worker_blocked proven: b"],
    );
}

#[test]
fn thresholds_decide_the_time_of_the_problem() {
    let low = |poll_ns, settle_ns| {
        thresholds(|it| {
            it.settle_ns = settle_ns;
            it.worker_blocked.poll_ns = poll_ns;
        })
    };
    let facts = "0: task a running\n0: task b scheduled\n2000: over";
    check_with(low(200_000_000, 400_000_000), facts, &["+600 worker_blocked proven: a"]);
    check_with(low(200_000_000, 0), facts, &["+200 worker_blocked proven: a"]);
    check_with(low(OFF, 0), facts, &[]);
    let alone = thresholds(|it| it.worker_blocked.alone_ns = 5_000_000_000);
    check_with(alone.clone(), "0: task a running\n6000: over", &["+5500 worker_blocked proven: a"]);
    check_with(alone.clone(), "0: task a running\n5400: a idle\n6000: over", &[]);
    // A thread that runs its own future.
    check_with(alone, "0: task a block_on running\n60000: over", &[]);
}

#[test]
fn a_kind_has_at_most_50_findings() {
    let tasks: String = (0..200).map(|n| format!("0: task t{n:03} line={} running\n", n + 2)).collect();
    let (program, found) =
        crate::program::run(Thresholds::default(), &format!("{tasks}0: task b scheduled\n2000: over"));
    assert_eq!(found.len(), 50);
    assert_eq!(found[0], "+1500 worker_blocked proven: t000");
    assert_eq!(program.model.tasks.len(), 201);
}
