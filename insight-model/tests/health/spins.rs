use crate::program::check;

#[test]
fn a_task_that_wakes_itself_spins() {
    let spin = "0: task a line=7 idle\n0: rate a polls=100000 wakes=99000 self=99000 running=300000 scheduled=690000";
    let program = check(&format!("{spin}\n12000: over"), &["+5000 spins proven: a"]);
    insta::assert_snapshot!(program.words(), @r"
    spins: task 1 (a) wakes itself again and again
    task 1 (a), spawned at src/main.rs:7, was polled 100000 times a second over 5 s, for 3 µs on average, and 99 % of these polls followed a wake by the task itself.
    ");
    // It stops within a window, and the problem ends with the next window. Or the task ends.
    check(
        &format!("{spin}\n6000: rate a polls=10 wakes=10\n21000: over"),
        &["+5000 spins proven: a", "-10000 spins: a"],
    );
    check(&format!("{spin}\n6000: end a\n21000: over"), &["+5000 spins proven: a", "-6000 spins: a"]);
    // Slightly lower rates change nothing. Much lower ones end the problem.
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
fn only_a_busy_task_with_short_polls_and_own_wakes_spins() {
    let check = |rate: &str, expect: &[&str]| {
        check(&format!("0: task a idle\n0: rate a {rate}\n21000: over"), expect);
    };
    // At each threshold, and below it.
    check("polls=1000 wakes=1000 self=950 running=10000 scheduled=890000", &["+5000 spins proven: a"]);
    check("polls=990 wakes=990 self=980 running=9900 scheduled=980000", &[]);
    check("polls=1000 wakes=1000 self=940 running=10000 scheduled=890000", &[]);
    check("polls=1000 wakes=1000 self=950 running=11000 scheduled=980000", &[]);
    check("polls=1000 wakes=1000 self=950 running=10000 scheduled=880000", &[]);
    // A computation that wakes itself to yield, and works in between.
    check("polls=20000 wakes=20000 self=20000 running=990000 scheduled=10000", &[]);
    // A server under load, which others wake.
    check("polls=100000 wakes=100000 running=500000 scheduled=500000", &[]);
    // A timer with a tick in each millisecond.
    check("polls=1000 wakes=1000 running=5000 scheduled=10000", &[]);
}

#[test]
fn a_task_that_something_else_may_wake_does_not_spin() {
    let spin = "polls=100000 wakes=100000 self=100000 running=300000 scheduled=690000";
    for facts in [
        // A sender and its receiver in one task. At most checks, something waits.
        "0: channel q\n0: a recvs q\n3000: close 1\n6000: a recvs q\n7000: close 2\n9900: over",
        "0: channel q\n0: a sleeps q\n0: a sends q\n21000: over",
    ] {
        check(&format!("0: task a idle\n0: rate a {spin}\n{facts}"), &[]);
    }
    // The task has no parts any more.
    check(
        &format!("0: task a idle\n0: rate a {spin}\n0: channel q\n0: a recvs q\n3000: close 1\n11000: over"),
        &["+10000 spins proven: a"],
    );
    // Something unobserved keeps its waker.
    check(&format!("0: task a idle\n0: rate a {spin} foreign=1\n21000: over"), &[]);
    // A future that a thread runs, with other futures in it.
    check(&format!("0: task a block_on idle\n0: rate a {spin}\n21000: over"), &[]);
    // A timeout keeps no other waker.
    check(
        &format!("0: task a idle\n0: channel q\n0: a sleeps q\n0: rate a {spin}\n9000: over"),
        &["+5000 spins proven: a"],
    );
}
