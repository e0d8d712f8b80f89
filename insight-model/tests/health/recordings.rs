//! Recordings of real programs without a measured problem: one healthy program, and two programs with stuck tasks.

use insight_model::Model;
use insight_model::health::{Health, Thresholds};
use insight_protocol::{Decoded, Message, decode};

const RECORDINGS: [&str; 3] = [
    include_str!("../../../conformance/recordings/barbara.ndjson"),
    include_str!("../../../conformance/recordings/deadlock.ndjson"),
    include_str!("../../../conformance/recordings/lock_order.ndjson"),
];

#[test]
fn recordings_have_no_measured_problem() {
    for recording in RECORDINGS {
        let (mut model, mut health) = (Model::default(), Health::default());
        let mut looks = 0;
        for line in recording.lines() {
            let Ok(Decoded::Message { message, .. }) = decode(line) else { panic!("{line}") };
            model.apply(&message);
            if matches!(message, Message::StreamHeartbeat(_) | Message::SnapshotEnd(_)) {
                looks += 1;
                assert_eq!(health.check(&model, &Thresholds::default()), []);
            }
        }
        assert!(looks > 2);
    }
}
