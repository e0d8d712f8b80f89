use crate::program::{check, check_with, thresholds};
use insight_model::health::OFF;

#[test]
fn a_place_with_large_futures_is_a_problem() {
    let program = check("0: task a bytes=65536 line=7 idle\n1000: over", &["+0 large_future proven: "]);
    insta::assert_snapshot!(program.words(), @r"
    large future: tasks spawned at src/main.rs:7 take 64 KiB each
    task 1 (a), spawned at src/main.rs:7, has a future of 64 KiB.
    A future has room for all values that live across its `.await`s, also those of the futures that it awaits.
    It is copied when it is spawned.
    ");
    // Tasks of one place make one finding, which does not depend on their lives.
    check(
        "0: task a bytes=65536 line=7 idle\n100: task b bytes=70000 line=7 idle\n200: end a\n300: end b
         59000: task c bytes=65536 line=7 idle\n59100: end c\n120000: over",
        &["+0 large_future proven: ", "-119100 large_future: "],
    );
    for facts in [
        "task a bytes=65535 idle",
        "task a blocking bytes=900000 idle",
        "task a block_on bytes=900000 idle",
        "task a idle",
    ] {
        check(&format!("0: {facts}\n10000: over"), &[]);
    }
    let off = thresholds(|it| it.large_future.bytes = OFF);
    check_with(off, "0: task a bytes=900000 idle\n10000: over", &[]);
}
