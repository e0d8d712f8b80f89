//! Real programs: one that goes on, and two that are stuck and in good health otherwise.

use insight_model::Model;
use insight_model::health::{Health, Thresholds};
use insight_protocol::{Decoded, Message, decode};

const RECORDINGS: [&str; 3] = [
    include_str!("../../../conformance/recordings/barbara.ndjson"),
    include_str!("../../../conformance/recordings/deadlock.ndjson"),
    include_str!("../../../conformance/recordings/lock_order.ndjson"),
];

#[test]
fn no_false_alarm() {
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
