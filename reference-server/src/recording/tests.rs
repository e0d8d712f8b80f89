use super::*;
use crate::recorder::prepare;
use crate::testing::Script;
use flate2::read::MultiGzDecoder;
use insight_protocol::{Decoded, Message, TaskId, TaskSpawned, decode, with};
use std::io::Read;

/// A step that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(20);

/// A file that is removed on drop.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Temporary {
        Temporary(std::env::temp_dir().join(format!("insight-{}-{name}", std::process::id())))
    }

    /// The part of its text that can be read now.
    fn text(&self) -> String {
        let bytes = std::fs::read(&self.0).unwrap_or_default();
        let mut text = Vec::new();
        if self.0.extension().is_some_and(|extension| extension == "gz") {
            // A file that was cut off ends with an error.
            drop(MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text));
        } else {
            text = bytes;
        }
        String::from_utf8(text).unwrap()
    }

    fn wait_for(&self, wanted: &str) -> String {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if text.contains(wanted) {
                return text;
            }
            assert!(begun.elapsed() < DEADLINE, "waited in vain for {wanted} in {text}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn spawned(id: u64) -> Message {
    with!(TaskSpawned::default(), id = TaskId(id)).into()
}

/// The types of the complete lines. Checks their sequence numbers.
fn types(text: &str) -> Vec<String> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let types = whole.lines().zip(1..).map(|(line, number)| match decode(line) {
        Ok(Decoded::Message { seq, message }) => {
            assert_eq!(seq, number, "{line}");
            message.type_name().to_owned()
        }
        other => panic!("{line}: {other:?}"),
    });
    types.filter(|type_name| type_name != "stream.heartbeat").collect()
}

#[test]
fn messages_are_written_to_the_file() {
    for name in ["run.ndjson", "run.ndjson.gz"] {
        let file = Temporary::new(name);
        let (script, feed) = Script::new();
        let settings = Settings { interval: Duration::from_millis(1), ..Settings::default() };
        feed.send(vec![spawned(1)]).unwrap();
        let recording = Recording::create(file.0.clone(), 7).unwrap();
        crate::instance::serve(None, Some(recording), script, settings).unwrap();
        file.wait_for("snapshot.end");
        feed.send(vec![spawned(2), spawned(3)]).unwrap();
        let text = file.wait_for("\"id\":3");
        let expect =
            ["stream.header", "snapshot.begin", "snapshot.end", "task.spawned", "task.spawned", "task.spawned"];
        assert_eq!(types(&text), expect, "{text}");
        #[cfg(unix)]
        {
            let metadata = std::fs::metadata(&file.0).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
            assert_eq!(mode & 0o777, 0o600, "its user's only");
        }
    }
}

#[test]
fn file_that_is_cut_off_has_all_messages_up_to_the_flush() {
    for name in ["cut.ndjson", "cut.ndjson.gz"] {
        let file = Temporary::new(name);
        let mut recording = Recording::create(file.0.clone(), 7).unwrap();
        for flushed in 1..=3 {
            (0..100).for_each(|_| recording.push(&body(&spawned(flushed))).unwrap());
            recording.flush().unwrap();
            assert_eq!(types(&file.text()).len() as u64, 100 * flushed);
        }
        recording.push(&body(&spawned(9))).unwrap();
        // The state of the file if the process is killed now.
        let whole = std::fs::read(&file.0).unwrap();
        let readable = types(&file.text()).len();
        assert!((300..=301).contains(&readable));
        std::mem::forget(recording);
        for cut in [0, 1, 20, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&file.0, &whole[..cut]).unwrap();
            assert!(types(&file.text()).len() < 301);
        }
    }
}

#[test]
fn file_is_completed_when_the_recorder_ends() {
    let file = Temporary::new("end.ndjson.gz");
    let (script, feed) = Script::new();
    let settings = Settings { interval: Duration::from_millis(1), ..Settings::default() };
    let (commands, mut recorder) = prepare(script, settings.clone());
    let recording = Recording::create(file.0.clone(), 7).unwrap();
    let client = recording.client(&settings);
    recorder.attach(Arc::clone(&client));
    let recorder = std::thread::spawn(move || recorder.run());
    let writer = std::thread::spawn(move || recording.run(&client, &settings, &commands));
    file.wait_for("snapshot.end");
    // An empty part makes the producer panic.
    feed.send(Vec::new()).unwrap();
    assert!(recorder.join().is_err());
    writer.join().unwrap();
    let bytes = std::fs::read(&file.0).unwrap();
    assert!(MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut Vec::new()).is_ok(), "whole, with its end");
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_ends_the_recording() {
    let (script, _feed) = Script::new();
    let settings = Settings { interval: Duration::from_millis(1), ..Settings::default() };
    let (commands, mut recorder) = prepare(script, settings.clone());
    let recording = Recording::create("/dev/full".into(), 7).unwrap();
    let client = recording.client(&settings);
    recorder.attach(Arc::clone(&client));
    let recorder = std::thread::spawn(move || recorder.run());
    // The writer prints the error on stderr.
    recording.run(&client, &settings, &commands);
    drop(commands);
    recorder.join().unwrap();
}
