//! A program that records itself to a file, poll by poll.
#![cfg(feature = "full")]

extern crate insight_tokio as tokio;

use insight::Detail;
use insight_conformance::{Ending, Finding, Options, Outcome, Sink, Summary, check};
use insight_protocol::{Decoded, Message, TaskKind, decode};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// Time after which a test has failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// The text of the file so far. It has no end while the program runs.
fn read(file: &Path) -> String {
    let mut bytes = Vec::new();
    drop(flate2::read::MultiGzDecoder::new(std::fs::File::open(file).unwrap()).read_to_end(&mut bytes));
    let mut text = String::from_utf8(bytes).unwrap();
    text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
    text
}

/// For each spawned task: the number of reported polls, and its counter at the last heartbeat.
fn polls(text: &str) -> BTreeMap<u64, (u64, u64)> {
    let mut polls: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let (mut whole, mut spawned) = (polls.clone(), BTreeSet::new());
    for line in text.lines() {
        let Ok(Decoded::Message { message, .. }) = decode(line) else { panic!("{line}") };
        match message {
            // The other kinds are threads that run tasks.
            Message::TaskSpawned(task) if task.kind == TaskKind::Task => drop(spawned.insert(task.id.0)),
            Message::TaskPolls(told) => told.tasks.iter().for_each(|task| polls.entry(task.0).or_default().0 += 1),
            Message::TaskStats(stats) => polls.entry(stats.id.0).or_default().1 = stats.polls,
            Message::Gap(gap) => panic!("{gap:?}"),
            Message::StreamHeartbeat(_) => whole = polls.clone(),
            _ => {}
        }
    }
    whole.retain(|task, _| spawned.contains(task));
    whole
}

/// Keeps all findings.
#[derive(Default)]
struct Findings(Vec<String>);

impl Sink for Findings {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.0.push(format!("{finding:?}"));
        Ok(())
    }

    fn end(&mut self, _: &Summary) -> io::Result<()> {
        Ok(())
    }
}

const TASKS: u64 = 8;
const YIELDS: u64 = 500;
const ENDED: usize = 100;

#[test]
fn each_poll_of_each_task_is_in_the_file() {
    let file = std::env::temp_dir().join(format!("insight-tokio-{}.ndjson.gz", std::process::id()));
    let builder = insight::builder().listen("off").record_to(&file).detail(Detail::Polls);
    let insight = builder.interval(Duration::from_millis(5)).start().unwrap();
    assert!(insight.records() && insight.address().is_none());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // These tasks yield and then live on, so their counters stay.
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            runtime.spawn(async move {
                for _ in 0..YIELDS + task {
                    tokio::task::yield_now().await;
                }
                std::future::pending::<()>().await;
            })
        })
        .collect();
    // These tasks end.
    let ended: Vec<_> = (0..ENDED).map(|_| runtime.spawn(tokio::task::yield_now())).collect();
    for task in ended {
        runtime.block_on(task).unwrap();
    }
    let begun = Instant::now();
    let (text, polls) = loop {
        let text = read(&file);
        let polls = polls(&text);
        let mut told: Vec<u64> = polls.values().map(|(told, _)| *told).collect();
        told.sort();
        // One poll more than the task yields.
        if told.iter().copied().eq([2; ENDED].into_iter().chain(YIELDS + 1..=YIELDS + TASKS)) {
            break (text, polls);
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain for all polls: {polls:?}");
        std::thread::yield_now();
    };
    // The recorder had no counters of the tasks that ended soon.
    let mut alive = polls.values().filter(|(told, _)| *told > 2);
    assert!(alive.all(|(told, counted)| told == counted), "{polls:?}");
    let mut findings = Findings::default();
    let summary = check(text.as_bytes(), Options::default(), &mut findings).unwrap();
    assert_eq!(findings.0, Vec::<String>::new());
    assert_eq!((summary.ending, summary.outcome), (Ending::End, Outcome::Complete));
    drop(tasks);
    std::fs::remove_file(&file).unwrap();
}
