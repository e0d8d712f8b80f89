use crate::program::{check, check_with};
use insight_model::health::Thresholds;

#[test]
fn a_task_that_wakes_itself() {
    let spin = "0: task a line=7 idle\n0: rate a polls=100000 wakes=99000 self=99000 running=300000 scheduled=690000";
    let program = check(&format!("{spin}\n12000: over"), &["+5000 spins proven: a"]);
    insta::assert_snapshot!(program.words(), @r"
    spins: task 1 (a) wakes itself again and again
    task 1 (a), spawned at src/main.rs:7, was polled 100000 times a second over 5 s, each time for 3 µs in the mean, and 99 % of these polls it asked for itself, by waking itself while it was polled.
    ");
    // It stops within a window, and the next one says so; or it ends.
    check(
        &format!("{spin}\n6000: rate a polls=10 wakes=10\n21000: over"),
        &["+5000 spins proven: a", "-10000 spins: a"],
    );
    check(&format!("{spin}\n6000: end a\n21000: over"), &["+5000 spins proven: a", "-6000 spins: a"]);
    // A little less is as before; much less is over.
    check(
        &format!("{spin}\n5000: rate a polls=900 wakes=900 self=700 running=6000 scheduled=970000\n21000: over"),
        &["+5000 spins proven: a"],
    );
    check(
        &format!("{spin}\n5000: rate a polls=700 wakes=700 self=700 running=6000 scheduled=970000\n21000: over"),
        &["+5000 spins proven: a", "-10000 spins: a"],
    );
}

#[test]
fn tasks_that_are_polled_often() {
    let check = |rate: &str, expect: &[&str]| {
        check(&format!("0: task a idle\n0: rate a {rate}\n21000: over"), expect);
    };
    // The thresholds, each at and under.
    check("polls=1000 wakes=1000 self=950 running=10000 scheduled=890000", &["+5000 spins proven: a"]);
    check("polls=990 wakes=990 self=980 running=9900 scheduled=980000", &[]);
    check("polls=1000 wakes=1000 self=940 running=10000 scheduled=890000", &[]);
    check("polls=1000 wakes=1000 self=950 running=11000 scheduled=980000", &[]);
    check("polls=1000 wakes=1000 self=950 running=10000 scheduled=880000", &[]);
    // A computation that yields by waking itself, and does something in between.
    check("polls=20000 wakes=20000 self=20000 running=990000 scheduled=10000", &[]);
    // A server under load: others wake it.
    check("polls=100000 wakes=100000 running=500000 scheduled=500000", &[]);
    // A timer that ticks each millisecond.
    check("polls=1000 wakes=1000 running=5000 scheduled=10000", &[]);
}

#[test]
fn tasks_of_many_parts() {
    let spin = "polls=100000 wakes=100000 self=100000 running=300000 scheduled=690000";
    for facts in [
        // A sender and its receiver in one task: at most looks, something waits.
        "0: channel q\n0: a recvs q\n3000: close 1\n6000: a recvs q\n7000: close 2\n9900: over",
        "0: channel q\n0: a sleeps q\n0: a sends q\n21000: over",
    ] {
        check(&format!("0: task a idle\n0: rate a {spin}\n{facts}"), &[]);
    }
    // It has no parts any more.
    check(
        &format!("0: task a idle\n0: rate a {spin}\n0: channel q\n0: a recvs q\n3000: close 1\n11000: over"),
        &["+10000 spins proven: a"],
    );
    // Something that is not seen keeps its waker.
    check(&format!("0: task a idle\n0: rate a {spin} foreign=1\n21000: over"), &[]);
    // A future that a thread runs, with others in it.
    check(&format!("0: task a block_on idle\n0: rate a {spin}\n21000: over"), &[]);
    // A limit in time is nobody else's waker.
    check(
        &format!("0: task a idle\n0: channel q\n0: a sleeps q\n0: rate a {spin}\n9000: over"),
        &["+5000 spins proven: a"],
    );
}

#[test]
fn a_task_that_keeps_its_thread() {
    let never = "0: task a line=7 idle
        0: task b idle
        0: rate a polls=10 wakes=10 running=950000 scheduled=40000
        0: rate b polls=10 wakes=10 running=100 scheduled=600000";
    // Lower ones: of rates there is a poll in each tenth of a second here, or none.
    let low = Thresholds { long_poll_ns: 90_000_000, delay_ns: 50_000_000, ..Thresholds::default() };
    let program = check_with(low.clone(), &format!("{never}\n12000: over"), &["+5000 never_yields proven: a"]);
    insta::assert_snapshot!(program.words(), @r"
    never yields: task 1 (a) runs nearly all the time, in long polls
    task 1 (a), spawned at src/main.rs:7, ran for 95 % of 5 s, in polls of 93.1 ms in the mean.
    Meanwhile task 2 (b) of the same executor waited 58.8 ms for a thread before each of its polls.
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
        // It rests, or yields; or nobody waits for a thread, as when it is in `block_in_place`.
        ("running=950000", "running=890000"),
        ("polls=10 wakes=10 running=950000", "polls=20 wakes=20 running=950000"),
        ("scheduled=600000", "scheduled=400000"),
        // A closure, and the future that a thread runs.
        ("task a", "task a blocking"),
        ("task a", "task a block_on"),
        // Who waits is another executor's.
        ("task b", "task b executor=x"),
    ] {
        let facts = never.replacen(from, to, 1);
        assert_ne!(facts, never);
        check_with(low.clone(), &format!("{facts}\n16000: over"), &[]);
    }
    // Others of its place block workers: that says it too.
    let blocked = "0: task g line=7 running\n0: task h line=7 running\n0: task i line=8 scheduled";
    check_with(low.clone(), &format!("{never}\n{blocked}\n12000: over"), &["+1500 worker_blocked proven: "]);
    // It waits for a thread itself, and nobody else does.
    check_with(
        Thresholds { delay_ns: 1_000_000, ..low.clone() },
        "0: task a idle\n0: rate a polls=10 wakes=10 running=950000 scheduled=40000\n16000: over",
        &[],
    );
    // A process that was stopped in the middle of a poll.
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

#[test]
fn a_task_that_is_woken_for_nothing() {
    let storm = "0: task a line=7 idle\n0: rate a polls=100 wakes=50000 running=1000 scheduled=1000";
    let program = check(&format!("{storm}\n12000: over"), &["+5000 waker_storm proven: a"]);
    insta::assert_snapshot!(program.words(), @r"
    waker storm: task 1 (a) is woken far more often than it is polled
    task 1 (a), spawned at src/main.rs:7, was woken 50000 times a second over 5 s, 500 times for each of its polls.
    ");
    for (wakes, expect) in [
        (8000, &["+5000 waker_storm proven: a"][..]),
        (7990, &["+5000 waker_storm proven: a", "-10000 waker_storm: a"]),
    ] {
        check(&format!("{storm}\n5000: rate a polls=10 wakes={wakes}\n21000: over"), expect);
    }
    for rate in ["polls=110 wakes=10000", "polls=90 wakes=9990", "polls=100000 wakes=200000", "polls=10 wakes=500"] {
        check(&format!("0: task a idle\n0: rate a {rate}\n21000: over"), &[]);
    }
    check("0: task a idle\n0: rate a polls=100 wakes=10000\n6000: over", &["+5000 waker_storm proven: a"]);
}
