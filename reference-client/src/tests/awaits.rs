//! Every wait has the line of the program's own code first, and the line of the library second.

use super::story::{S, Story, story};
use super::{Screen, address, snapshot_of};
use crate::{document, once};
use insight_model::{DEFAULT_SETTLE_NS, Model, Watch};
use insight_protocol::*;

const POOL: &str = "/home/u/.cargo/registry/src/index.crates.io-6f17d22bba15001f/deadpool-0.12.1/src/managed/mod.rs";
const GET: &str = "deadpool::managed::Pool::get";

/// A frame: its owner, its function, and its file, its line and the text of that line.
type OneFrame<'a> = (FrameKind, &'a str, &'a str, u32, &'a str);

/// One await, with its frames from the inside out.
fn leaf(story: &mut Story, edge: Option<u64>, function: &str, frames: &[OneFrame]) -> Await {
    let function = Some(story.string(function));
    let frame = |(kind, function, file, line, text): &OneFrame| {
        let source = with!(SourceLine::new(SourceStatus::Found), text = Some((*text).to_owned()));
        let at = story.place(file, *line, (!text.is_empty()).then_some(source));
        AwaitFrame::new(Some(story.string(function)), Some(at), kind.clone())
    };
    let frames = frames.iter().map(frame).collect();
    with!(Await::new(function, frames), edge = edge.map(EdgeId))
}

/// The awaits of a task after three polls.
fn awaits(story: &mut Story, task: u64, complete: bool, more: u64, awaits: Vec<Await>) {
    let id = TaskId(task);
    story.push(with!(TaskAwaits::default(), id, polls = 3, awaits, complete, more, at_ns = 15 * S));
}

/// Tasks of a shop: `order` and its copy wait for a connection of a pool. `page` reads from a socket, and its name says nothing.
/// Two workers were spawned at two lines.
fn shop(story: &mut Story) {
    use FrameKind::{Dependency, Own};
    // The tasks of the other story are at rest.
    [1, 4, 5].into_iter().for_each(|edge| story.push(EdgeClosed::new(EdgeId(edge), 15 * S)));
    let source =
        with!(SourceLine::new(SourceStatus::Found), text = Some("    tokio::spawn(order(pool.clone()));".into()));
    let spawn = story.place("src/main.rs", 30, Some(source));
    let (order, pool) = (story.string("shop::order"), story.string("permits"));
    let (made, acquired) = (story.place(POOL, 98, None), story.place(POOL, 312, None));
    story.resource(9, ResourceKind::Semaphore, Some(pool), Some(made), Some(1));
    for id in [11, 12] {
        story.push(with!(
            TaskSpawned::default(),
            id = TaskId(id),
            name = Some(order),
            location = Some(spawn),
            future_bytes = Some(640),
            at_ns = 2 * S
        ));
        story.stats(id, TaskState::Idle, 4 * S, 3, 0);
        story.wait(100 + id, (id, 9), Operation::Acquire, "waiting for permits", Some(acquired));
    }
    let hold = EdgeHold::new(EdgeId(200), TaskId(12), ResourceId(9), HoldMode::Permit, 1, 3 * S);
    story.push(with!(hold, location = Some(acquired)));
    let polled = with!(EdgeUpdated::default(), id = EdgeId(111), polls = Some(1), polled = Some(true), at_ns = 5 * S);
    story.push(polled);
    let get = leaf(
        story,
        Some(111),
        GET,
        &[
            (Dependency, "deadpool::managed::Pool::timeout_get", POOL, 310, ""),
            (Own, "shop::connection", "src/db.rs", 9, "    pool.get().await"),
            (Own, "shop::order", "src/main.rs", 31, "    let db = connection(&pool).await?;"),
        ],
    );
    awaits(story, 11, true, 0, vec![get.clone()]);
    awaits(story, 12, true, 0, vec![with!(get, edge = Some(EdgeId(112)))]);

    let boxed = story.string("Pin<Box<dyn Future<Output = ()> + Send>>");
    let spawn = story.place("src/main.rs", 33, None);
    story.push(with!(
        TaskSpawned::default(),
        id = TaskId(13),
        name = Some(boxed),
        location = Some(spawn),
        at_ns = 2 * S
    ));
    story.stats(13, TaskState::Idle, 4 * S, 3, 2);
    let read = leaf(
        story,
        None,
        "tokio::net::TcpStream::read",
        &[(Own, "shop::page", "src/page.rs", 31, "        size = socket.read(&mut buffer) => size?,")],
    );
    let hyper = POOL.replace("deadpool-0.12.1/src/managed/mod.rs", "h2-0.4.5/src/client.rs");
    let send = leaf(
        story,
        None,
        "h2::client::Connection::poll",
        &[(Dependency, "h2::client::Connection::poll", &hyper, 40, "")],
    );
    awaits(story, 13, false, 2, vec![read, send]);

    for id in [14, 15] {
        let at = story.place("src/main.rs", 26 + id, None);
        story.task(id.into(), "shop::worker", Some(at), None);
    }
}

/// Two more tasks of one spawn location, which lock in the program's own code. Only the first one was captured.
fn represented(story: &mut Story) {
    shop(story);
    let (spawn, locks) = (story.place("src/main.rs", 50, None), story.place("src/main.rs", 52, None));
    story.resource(10, ResourceKind::Mutex, None, Some(locks), None);
    for id in [16, 17] {
        story.task(id, "shop::audit", Some(spawn), None);
        story.wait(100 + id, (id, 10), Operation::Lock, "waiting for the lock", Some(locks));
    }
    let frames = [(FrameKind::Own, "shop::audit", "src/main.rs", 52, "    ledger.lock().await;")];
    let lock = leaf(story, Some(116), "tokio::sync::Mutex::lock", &frames);
    awaits(story, 16, true, 0, vec![lock]);
}

fn screen(name: &str, (width, height): (u16, u16), keys: &str, more: impl FnOnce(&mut Story)) {
    let text = Screen::new(&story(more), width, height).press(keys).text();
    insta::with_settings!({ description => keys, omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

/// Finds the problems as the program does.
fn with_problems(story: &mut Story) {
    shop(story);
    let mut model = Model::default();
    story.messages.iter().for_each(|message| model.apply(message));
    model.apply(&SnapshotEnd::new(16 * S).into());
    let mut found = Vec::new();
    Watch::new(DEFAULT_SETTLE_NS).check(&model, &mut found);
    found.into_iter().for_each(|message| story.push(message));
}

#[test]
fn lists_and_pages_have_the_own_line_first() {
    screen("awaits_list", (200, 18), "", shop);
    screen("awaits_list_80", (80, 18), "", shop);
    screen("awaits_task", (110, 36), "Enter", shop);
    screen("awaits_represented", (110, 36), "j j j Enter", represented);
    screen("awaits_resource", (110, 36), "Enter Enter", shop);
    screen("awaits_holder", (110, 36), "Enter Enter Enter", shop);
    screen("awaits_uninstrumented", (110, 36), "G Enter", shop);
}

#[test]
fn a_problem_has_the_own_line_first() {
    screen("awaits_problem", (110, 50), "P", with_problems);
    // A client that does not know `task.awaits`.
    screen("awaits_problem_alone", (110, 50), "P", |story| {
        with_problems(story);
        story.messages.retain(|message| !matches!(message, Message::TaskAwaits(_)));
    });
}

#[test]
fn the_banner_has_no_line_of_a_library() {
    let check = |keep_own: bool, expect: &str| {
        let story = story(|story| {
            with_problems(story);
            for message in &mut story.messages {
                let Message::ProblemRaised(raised) = message else { continue };
                let awaited = raised.problem.edges.iter_mut().filter_map(|edge| edge.awaited.as_mut());
                awaited.for_each(|it| it.frames.retain(|frame| keep_own || frame.kind != FrameKind::Own));
            }
        });
        assert_eq!(Screen::new(&story, 100, 10).line(0).trim(), expect);
    };
    check(true, "suspected self deadlock, P for more: src/db.rs:9:9");
    check(false, "suspected self deadlock, P for more");
}

#[test]
fn plain_text_has_the_own_line_first() {
    let snapshot = snapshot_of(&story(with_problems).lines());
    let address = address("127.0.0.1:8080");
    let text = once::with_scene(&snapshot, &address, once::text);
    let json: serde_json::Value = serde_json::from_str(&once::with_scene(&snapshot, &address, document::json)).unwrap();
    let tasks = json["tasks"].as_array().unwrap();
    let task = |id: u64| tasks.iter().find(|task| task["id"] == id).unwrap();
    let awaits = serde_json::json!({ "order": task(11)["awaits"], "copy": task(12)["awaits"]["as_in"], "wait": task(12)["waits"][0]["lines"], "name": task(13)["shown_name"] });
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("awaits_once", text);
        insta::assert_snapshot!("awaits_json", serde_json::to_string_pretty(&awaits).unwrap());
    });
}
