use crate::program::{check, check_with, thresholds};
use insight_protocol::Severity;

const HELD: &str = "0: mutex m
    0: channel q
    0: task a line=2 idle
    0: task b idle
    0: a holds m line=3";

#[test]
fn a_lock_that_is_held_while_a_task_waits_is_a_problem() {
    let program = check(
        &format!("{HELD}\n0: a sleeps q line=4\n2000: b locks m line=8\n6000: over"),
        &["+5500 lock_held_long proven: a on m"],
    );
    insta::assert_snapshot!(program.words(), @r"
    lock held long: task 1 (a) holds mutex `m`, and others wait for it
    task 1 (a), spawned at src/main.rs:2, has held mutex `m` (src/main.rs:3) for more than 5 s, and waits for a timer (src/main.rs:4).
    task 2 (b) waits to lock mutex `m` (src/main.rs:8).
    ");
    // A task waits for it later, the holder releases it, or the task stops waiting.
    check(&format!("{HELD}\n9000: b locks m\n11000: over"), &["+10500 lock_held_long proven: a on m"]);
    for close in [1, 2] {
        check(
            &format!("{HELD}\n2000: b locks m\n7000: close {close}\n8000: over"),
            &["+5500 lock_held_long proven: a on m", "-7000 lock_held_long: a on m"],
        );
    }
    // The holder runs, or reads, or has the only permit.
    check(&format!("{HELD}\n0: b locks m\n0: a running\n6000: over"), &["+5500 lock_held_long proven: a on m"]);
    check(
        "0: rwlock m\n0: task a idle\n0: task b idle\n0: a shares m\n0: b writes m\n6000: over",
        &["+5500 lock_held_long proven: a on m"],
    );
    check(
        "0: semaphore m capacity=1\n0: task a idle\n0: task b idle\n0: a permit m\n0: b acquires m\n6000: over",
        &["+5500 lock_held_long proven: a on m"],
    );
}

#[test]
fn a_lock_that_is_held_for_30_s_is_degraded() {
    let held = |until_ms: u64| {
        check(
            &format!("{HELD}\n0: a sleeps q line=4\n2000: b locks m line=8\n{until_ms}: over"),
            &["+5500 lock_held_long proven: a on m"],
        )
    };
    assert_eq!(held(29_900).severities(), [Severity::Notice]);
    let program = held(30_000);
    assert_eq!(program.severities(), [Severity::Degraded]);
    insta::assert_snapshot!(program.words(), @r"
    lock held long: task 1 (a) holds mutex `m`, and others wait for it
    task 1 (a), spawned at src/main.rs:2, has held mutex `m` (src/main.rs:3) for more than 30 s, and waits for a timer (src/main.rs:4).
    task 2 (b) waits to lock mutex `m` (src/main.rs:8).
    ");
}

#[test]
fn an_unknown_about_a_lock_makes_it_suspected() {
    check(
        &format!("{}\n0: b locks m\n6000: over", HELD.replace("m line=3", "m line=3 transferable")),
        &["+5500 lock_held_long suspected: a on m"],
    );
    check(
        &format!("{HELD}\n0: b locks m\n6000: lost\n7000: over"),
        &["+5500 lock_held_long proven: a on m", "+6000 lock_held_long suspected: a on m"],
    );
}

#[test]
fn a_wait_of_the_holder_that_leads_back_is_explained() {
    let program = check(
        "0: mutex m
        0: semaphore n capacity=2
        0: channel q
        0: task a line=2 idle foreign
        0: task b idle
        0: task c idle
        0: a holds m line=3
        0: b permit n line=4
        0: c permit q line=5
        0: a acquires n line=6
        0: b sends q line=7
        0: c locks m line=8
        6000: over",
        &["+5500 lock_held_long proven: a on m"],
    );
    insta::assert_snapshot!(program.words(), @r"
    lock held long: task 1 (a) holds mutex `m`, and others wait for it
    task 1 (a), spawned at src/main.rs:2, has held mutex `m` (src/main.rs:3) for more than 5 s, and waits for permits of semaphore `n` (src/main.rs:6).
    task 3 (c) waits to lock mutex `m` (src/main.rs:8).
    Its wait leads back to mutex `m`: task 2 (b) has permits of semaphore `n` (src/main.rs:4) and waits for room in channel `q` (src/main.rs:7); task 3 (c) has a place in channel `q` reserved (src/main.rs:5) and waits to lock mutex `m` (src/main.rs:8).
    ");
    let program = check(
        "0: mutex m\n0: task a idle foreign\n0: a holds m line=3\n0: a locks m line=4 polled\n6000: over",
        &["+5500 lock_held_long proven: a on m"],
    );
    insta::assert_snapshot!(program.words(), @r"
    lock held long: task 1 (a) holds mutex `m`, and waits for it itself
    task 1 (a), spawned at src/main.rs:1, has held mutex `m` (src/main.rs:3) for more than 5 s, and waits to lock mutex `m` (src/main.rs:4).
    It waits for mutex `m` and holds it itself: only another part of the same task can release it.
    ");
}

#[test]
fn a_healthy_lock_is_no_problem() {
    for facts in [
        // Just below the threshold.
        "0: b locks m\n5400: close 1\n60000: over",
        "4500: b locks m\n5900: close 2\n60000: over",
        // No task waits for it.
        "60000: over",
        // Each task holds it for a short time.
        "0: b locks m\n3000: close 1\n3000: close 2\n3000: b holds m\n3000: a locks m\n7500: close 3\n60000: over",
        // The wait was granted, or is no longer polled.
        "0: b locks m granted\n60000: over",
        "0: b locks m unpolled\n60000: over",
        // Workers share a receiver, and it is the turn of one of them.
        "0: a recvs q line=4\n0: b locks m line=3\n60000: over",
        // The holder waits for itself, which is a deadlock.
        "0: a locks m\n60000: over",
        "0: b locks m\n5000: stuck a\n60000: over",
        // The holder has ended with its guard, so the present owner of the guard is unknown.
        "0: b locks m\n1000: end a\n60000: over",
    ] {
        check(&format!("{HELD}\n{facts}"), &[]);
    }
    // A task on another line does not wait for its turn.
    check(
        &format!("{HELD}\n0: a recvs q line=4\n0: b locks m line=9\n6000: over"),
        &["+5500 lock_held_long proven: a on m"],
    );
    for facts in [
        // Two readers.
        "0: rwlock m\n0: task a idle\n0: task b idle\n0: a shares m\n0: b reads m\n60000: over",
        // The limit of a semaphore is reached.
        "0: semaphore m capacity=2\n0: task a idle\n0: task b idle\n0: a permit m\n0: b acquires m\n60000: over",
        // A resource of another kind.
        "0: channel m\n0: task a idle\n0: task b idle\n0: a permit m\n0: b recvs m\n60000: over",
    ] {
        check(facts, &[]);
    }
    let limits = thresholds(|it| it.lock_held_long.permit_held_ns = 10_000_000_000);
    check_with(
        limits,
        "0: semaphore m capacity=2\n0: task a idle\n0: task b idle\n0: a permit m\n0: b acquires m\n20000: over",
        &["+10500 lock_held_long proven: a on m"],
    );
}
