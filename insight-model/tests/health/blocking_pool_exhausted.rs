use crate::program::{check, check_with, thresholds};
use insight_model::health::OFF;

#[test]
fn a_pool_in_which_no_closure_starts_is_exhausted() {
    let full = "0: task a blocking running\n0: task b blocking idle\n0: task c blocking line=9 scheduled";
    let program = check(&format!("{full}\n6000: over"), &["+5000 blocking_pool_exhausted proven: c"]);
    insta::assert_snapshot!(program.words(), @r"
    blocking pool exhausted: task 3 (c) waits for a thread, and none becomes free
    task 3 (c), spawned at src/main.rs:9, has been the first in the queue for a thread for more than 5 s: no thread has become free.
    2 blocking tasks of the same executor have a thread: task 1 (a) and task 2 (b).
    ");
    check(
        &format!("{full}\n5500: end a\n5500: c running\n7000: over"),
        &["+5000 blocking_pool_exhausted proven: c", "-5500 blocking_pool_exhausted: c"],
    );
    // Just below the threshold. And a small pool that makes progress.
    check(&format!("{full}\n4900: c running\n60000: over"), &[]);
    check(
        &format!(
            "{full}\n0: task d blocking scheduled\n0: task e blocking scheduled
             3000: end a\n3000: c running\n7000: end b\n7000: d running\n9000: e running\n20000: over"
        ),
        &[],
    );
    // No closure has a thread: the pool is shut down, or the threads belong to another pool.
    check("0: task c blocking scheduled\n60000: over", &[]);
    check("0: task a blocking running executor=x\n0: task c blocking scheduled executor=y\n60000: over", &[]);
    let off = thresholds(|it| it.blocking_pool_exhausted.queue_ns = OFF);
    check_with(off, &format!("{full}\n60000: over"), &[]);
}
