use insight_protocol::{Decoded, Message, TaskId, decode};

/// The newest task of a program, from a snapshot that begins after this call. `snapshot` asks the program for one.
///
/// # Panics
///
/// Panics if the program has no task.
pub fn newest(mut snapshot: impl FnMut() -> String) -> u64 {
    let (before, _) = newest_of(&snapshot());
    loop {
        // A program whose snapshots take long answers with the last one.
        let (at_ns, newest) = newest_of(&snapshot());
        if at_ns > before {
            return newest.expect("a task");
        }
    }
}

/// The time of a snapshot, and its newest task.
///
/// # Panics
///
/// Panics if the text is no snapshot.
pub fn newest_of(snapshot: &str) -> (u64, Option<u64>) {
    let (mut at_ns, mut newest) = (None, None);
    for line in snapshot.lines() {
        match decode(line) {
            Ok(Decoded::Message { message: Message::SnapshotBegin(begin), .. }) => at_ns = Some(begin.at_ns),
            Ok(Decoded::Message { message: Message::TaskSpawned(task), .. }) => {
                let TaskId(id) = task.id;
                newest = newest.max(Some(id));
            }
            Ok(_) => {}
            Err(error) => panic!("{error}: {line}"),
        }
    }
    (at_ns.expect("a snapshot"), newest)
}
