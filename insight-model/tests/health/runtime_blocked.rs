use crate::program::check;

#[test]
fn a_block_on_within_a_poll_blocks_the_runtime() {
    let program = check(
        "0: mutex m
         0: task a line=3 running
         0: task b scheduled
         100: task inner block_on parent=a line=4 idle
         100: inner locks m line=5
         3000: over",
        &["+1600 runtime_blocked proven: a inner"],
    );
    insta::assert_snapshot!(program.words(), @r"
    runtime blocked: task 1 (a) blocks its thread until a future is ready, and other tasks wait
    task 1 (a), spawned at src/main.rs:3, is in a poll that has lasted for more than 1 s.
    In this poll `block_on` runs task 3 (inner) at src/main.rs:4, which waits to lock mutex `m` (src/main.rs:5).
    Meanwhile task 2 (b) of the same executor has waited for a thread for more than 1 s, and was not polled.
    ");
}

#[test]
fn a_wait_in_the_poll_without_its_waker_is_suspected() {
    let facts = "0: channel q\n0: task a running\n0: task b scheduled\n0: a recvs q line=5";
    let program = check(&format!("{facts}\n2000: over"), &["+1500 runtime_blocked suspected: a on q"]);
    insta::assert_snapshot!(program.words(), @r"
    runtime blocked: task 1 (a) blocks its thread until a future is ready, and other tasks wait
    task 1 (a), spawned at src/main.rs:1, is in a poll that has lasted for more than 1 s.
    In this poll the task began to wait to receive from channel `q` (src/main.rs:5), but not with its own waker.
    Meanwhile task 2 (b) of the same executor has waited for a thread for more than 1 s, and was not polled.
    the thread may run other code of the poll instead of blocking at that wait
    ");
    check(&format!("{facts}\n2000: lost\n2200: over"), &["+1500 runtime_blocked suspected: a on q"]);
    // The operation counts its polls with any waker.
    check(&format!("{facts} counted\n2000: over"), &["+1500 runtime_blocked suspected: a on q"]);
    // It was polled with the task's waker, so the poll does something else now.
    check(&format!("{facts} polled\n2000: over"), &["+1500 worker_blocked proven: a"]);
    // The wait began in an earlier poll.
    check(
        "0: channel q\n0: task a idle\n0: a recvs q\n100: task b scheduled\n100: a running\n2000: over",
        &["+1600 worker_blocked proven: a"],
    );
    // `block_in_place`: the other tasks have another thread.
    check("0: task a running\n0: task inner block_on parent=a idle\n0: task b idle\n60000: over", &[]);
    // A closure may block its thread.
    check("0: task a blocking running\n0: task inner block_on parent=a idle\n0: task b scheduled\n60000: over", &[]);
}
