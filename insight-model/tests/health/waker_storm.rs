use crate::program::check;

#[test]
fn a_task_that_is_woken_far_more_often_than_polled_is_a_storm() {
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
