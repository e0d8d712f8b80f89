use crate::scenario::{SETTLE_NS, scenario};
use insight_model::diagnose;
use insight_protocol::ProblemId;

/// Title, explanation, unknowns, ways out and advice of the only problem.
fn words(facts: &str) -> String {
    let model = scenario(facts);
    let findings = diagnose(&model, SETTLE_NS);
    assert_eq!(findings.len(), 1, "{facts}");
    let problem = findings[0].problem(&model, ProblemId(1));
    let mut lines = vec![problem.title];
    lines.extend(problem.explanation.into_iter().map(|line| format!("- {line}")));
    lines.extend(problem.unknowns.into_iter().map(|line| format!("? {line}")));
    lines.extend(problem.unless.into_iter().map(|line| format!("unless {line}")));
    lines.push(format!("> {}", problem.advice));
    lines.join("\n")
}

#[test]
fn problems_of_locks_are_explained() {
    insta::assert_snapshot!(words(
        "mutex accounts\nmutex ledger\ntask handler_a\ntask handler_b\nhandler_a holds accounts
        handler_b holds ledger\nhandler_a locks ledger\nhandler_b locks accounts"
    ), @r##"
    deadlock cycle: 2 tasks wait for each other over 2 mutexes
    - task 1 (handler_a) holds mutex `accounts` (src/main.rs:5) and waits to lock mutex `ledger` (src/main.rs:7), which task 2 (handler_b) holds.
    - task 2 (handler_b) holds mutex `ledger` (src/main.rs:6) and waits to lock mutex `accounts` (src/main.rs:8), which task 1 (handler_a) holds.
    > Lock them in the same order everywhere. Or drop the first guard before you wait for the next lock.
    "##);
    insta::assert_snapshot!(words("mutex m\ntask a\na holds m\na locks m"), @r##"
    deadlock cycle: task 1 (a) waits for itself through mutex `m`
    - task 1 (a) holds mutex `m` (src/main.rs:3) and waits to lock mutex `m` (src/main.rs:4), which it holds itself.
    > Drop the guard before you lock again, or pass it to the code that needs it.
    "##);
}

#[test]
fn problems_of_channels_are_explained() {
    insta::assert_snapshot!(words("channel queue 2/2 receivers=1\ntask pump\npump receiver queue\npump sends queue"), @r##"
    deadlock cycle: task 1 (pump) waits for itself through channel `queue`, unless the receiver of channel `queue` was given to other code after second 0.0, when task 1 (pump) used it
    - task 1 (pump) waits to send to channel `queue` (src/main.rs:4), which is full (2 of 2); task 1 (pump) receives from it.
    unless the receiver of channel `queue` was given to other code after second 0.0, when task 1 (pump) used it
    > Send from another task than the one that receives. Or use `try_send` and handle a full channel.
    "##);
    insta::assert_snapshot!(words(
        "channel requests 1/1 receivers=2\nchannel replies 1/1 receivers=1\ntask client\ntask server
        client receiver replies\nserver receiver requests\nclient reserves requests\nserver sends replies"
    ), @r##"
    deadlock cycle: 2 tasks wait for each other over 2 channels (suspected: 1 more receiver of channel `requests` that no task has used yet)
    - task 1 (client) waits to reserve places in channel `requests` (src/main.rs:7), which is full (1 of 1); task 2 (server) receives from it.
    - task 2 (server) waits to send to channel `replies` (src/main.rs:8), which is full (1 of 1); task 1 (client) receives from it.
    ? 1 more receiver of channel `requests` that no task has used yet
    unless the receiver of channel `requests` was given to other code after second 0.0, when task 2 (server) used it
    unless the receiver of channel `replies` was given to other code after second 0.0, when task 1 (client) used it
    > Do not wait to send in a task that must also receive. Send from another task, or use `try_send` and handle a full channel.
    "##);
    insta::assert_snapshot!(words(
        "channel p receivers=1 senders=1\nchannel q receivers=1 senders=1\ntask a\ntask b\na receiver p\na sender q
        a recvs p\nb receiver q\nb sender p\nb recvs q"
    ), @r##"
    deadlock cycle: 2 tasks wait for each other over 2 channels, unless the sender of channel `p` was given to other code after second 0.0, when task 2 (b) used it; and 1 more
    - task 1 (a) waits to receive from channel `p` (src/main.rs:7), which is empty; task 2 (b) sends to it.
    - task 2 (b) waits to receive from channel `q` (src/main.rs:10), which is empty; task 1 (a) sends to it.
    unless the sender of channel `p` was given to other code after second 0.0, when task 2 (b) used it
    unless the sender of channel `q` was given to other code after second 0.0, when task 1 (a) used it
    > Let one of them send before it receives. Or drop a sender that is no longer used, so that the receive ends.
    "##);
}

#[test]
fn problems_of_several_kinds_of_resources_are_explained() {
    insta::assert_snapshot!(words(
        "mutex m\njoin j\ntask parent\ntask child\nparent holds m\nparent joins j\nchild joined j\nchild locks m"
    ), @r##"
    deadlock cycle: 2 tasks wait for each other over 1 mutex and 1 join
    - task 1 (parent) holds mutex `m` (src/main.rs:5) and waits for the end of task 2 (child) (src/main.rs:6).
    - task 2 (child) waits to lock mutex `m` (src/main.rs:8), which task 1 (parent) holds.
    > Drop the guard before you wait for the end of a task: that task needs the lock to end.
    "##);
    insta::assert_snapshot!(words(
        "mutex m\nchannel q 1/1 receivers=1\ntask a\ntask b partial\ntask c\na permit q\nb holds m transferable
        a locks m\nb sends q\nc receiver q\nc locks m\na closed q\na sender q"
    ), @r##"
    deadlock cycle: 3 tasks wait for each other over 1 mutex and 1 channel (suspected: task 2 (b) was not spawned through insight: it may make progress in other ways)
    - task 1 (a) has a place in channel `q` reserved (src/main.rs:6) and waits to lock mutex `m` (src/main.rs:8), which task 2 (b) holds, and at the same time waits until channel `q` is closed (src/main.rs:12); task 3 (c) has a receiver. The end of any one of these waits would unblock it.
    - task 2 (b) holds mutex `m` (src/main.rs:7) and waits to send to channel `q` (src/main.rs:9), which is full (1 of 1); task 3 (c) receives from it; task 1 (a) has places in it reserved.
    - task 3 (c) waits to lock mutex `m` (src/main.rs:11), which task 2 (b) holds.
    ? task 2 (b) was not spawned through insight: it may make progress in other ways
    unless the guard of mutex `m` was given to other code after second 0.0, when task 2 (b) acquired it
    unless the receiver of channel `q` was given to other code after second 0.0, when task 3 (c) used it
    > Drop the guard before you wait on a channel: the task at the other end needs the lock.
    "##);
}

#[test]
fn problems_of_queues_are_explained() {
    insta::assert_snapshot!(words(
        "mutex state fifo\ntask a\ntask b running\nb holds state\na locks state @1000 unpolled\na locks state @2000"
    ), @r##"
    futurelock: task 1 (a) waits behind its own operation on mutex `state`, which it does not poll
    - task 1 (a) has a wait to lock mutex `state` (src/main.rs:5) that it no longer polls, and waits to lock mutex `state` (src/main.rs:6), behind its own operation, which it does not poll.
    > Poll the operation to its end, or drop it, before you wait for something else: move it into the `select!`, or spawn it. Do not `.await` in a branch while a `&mut` future of the same `select!` is alive.
    "##);
    insta::assert_snapshot!(words(
        "mutex state fifo\njoin j\ntask a\ntask c\na locks state @1000 unpolled granted=5000\nc locks state @2000
        a joins j\nc joined j"
    ), @r##"
    futurelock: 2 tasks wait behind an operation on mutex `state` that is not polled
    - task 1 (a) has a granted wait to lock mutex `state` (src/main.rs:5) that it no longer polls, and waits for the end of task 2 (c) (src/main.rs:7).
    - task 2 (c) waits to lock mutex `state` (src/main.rs:6), behind an operation that task 1 (a) does not poll.
    > Poll the operation to its end, or drop it, before you wait for something else: move it into the `select!`, or spawn it. Do not `.await` in a branch while a `&mut` future of the same `select!` is alive.
    "##);
    insta::assert_snapshot!(words(
        "resource config rwlock fifo\ntask reader\ntask writer\nreader shares config\nwriter writes config @1000
        reader reads config @2000"
    ), @r##"
    deadlock cycle: 2 tasks wait for each other behind a writer that waits for rwlock `config`
    - task 1 (reader) holds rwlock `config` (src/main.rs:4) and waits to read rwlock `config` (src/main.rs:6), behind task 2 (writer), which waits to write.
    - task 2 (writer) waits to write rwlock `config` (src/main.rs:5), which task 1 (reader) holds.
    > Do not read-lock again while you have a guard: pass on the guard or the value. Or drop the guard before you wait.
    "##);
    insta::assert_snapshot!(words(
        "resource slots semaphore 1/2 fifo\ntask a\ntask b\na permit slots\na acquires slots @2000
        b acquires slots need=2 @1000"
    ), @r##"
    deadlock cycle: 2 tasks wait for each other over 1 semaphore, unless other code adds permits to semaphore `slots` or closes it
    - task 1 (a) holds 1 permit of semaphore `slots` (src/main.rs:4) and waits to acquire 1 permit of semaphore `slots` (src/main.rs:5), behind task 2 (b), which waits to acquire.
    - task 2 (b) waits to acquire 2 permits of semaphore `slots` (src/main.rs:6), which task 1 (a) holds.
    unless other code adds permits to semaphore `slots` or closes it
    > Acquire all the permits that a task needs at once. Or release the first ones before you wait for more.
    "##);
}

#[test]
fn problems_of_forgotten_things_are_explained() {
    insta::assert_snapshot!(words(
        "channel q senders=1 receivers=1\ntask a\na receiver q\na sender q\na recvs q"
    ), @r##"
    forgotten sender: task 1 (a) waits to receive from channel `q`, and only it could send, unless the sender of channel `q` was given to other code after second 0.0, when task 1 (a) used it
    - task 1 (a) waits to receive from channel `q` (src/main.rs:5), which is empty; task 1 (a) sends to it.
    unless the sender of channel `q` was given to other code after second 0.0, when task 1 (a) used it
    > Drop the sender that the receiving task keeps, before it receives. Then the receive ends when all other senders are dropped.
    "##);
    insta::assert_snapshot!(words("mutex m\ntask a\ntask b\nb holds m\na locks m\nend b"), @r##"
    forgotten guard: task 2 (b) has ended and still holds mutex `m` (suspected: task 2 (b) has ended, and its guard of mutex `m` may be with another task)
    - task 2 (b) has ended and holds mutex `m` (src/main.rs:4).
    ? task 2 (b) has ended, and its guard of mutex `m` may be with another task
    > Look for `mem::forget`, `leak` or a reference cycle around the guard. Drop each guard before its task ends.
    "##);
    insta::assert_snapshot!(words("task a lost"), @r##"
    lost wake-up: task 1 (a) waits, and nothing is left that could wake it
    - The last waker of task 1 (a) was dropped without a wake: the task will not be polled again.
    > Find the future that the task waits for, and check its waker. A future that returns `Pending` must keep the waker of the last poll, and wake it when the future can make progress, also when the other side is dropped.
    "##);
}

#[test]
fn problems_about_the_end_of_a_channel_are_explained() {
    insta::assert_snapshot!(words("resource b broadcast\ntask a\na receiver b\na receiver b shared\na closed b\na sender b"), @r##"
    forgotten receiver: task 1 (a) waits until broadcast `b` is closed, and keeps a receiver itself, unless the receiver of broadcast `b` was given to other code after second 0.0, when task 1 (a) used it
    - task 1 (a) waits until broadcast `b` is closed (src/main.rs:5); it has a receiver itself.
    unless the receiver of broadcast `b` was given to other code after second 0.0, when task 1 (a) used it
    > Drop the receiver that the waiting task keeps, before it waits. Then the wait ends when all other receivers are dropped.
    "##);
    insta::assert_snapshot!(words(
        "resource b watch\nmutex m\ntask a\ntask c\na holds m\na closed b\nc receiver b\nc locks m\na sender b"
    ), @r##"
    deadlock cycle: 2 tasks wait for each other over 1 watch and 1 mutex, unless the receiver of watch `b` was given to other code after second 0.0, when task 2 (c) used it
    - task 1 (a) holds mutex `m` (src/main.rs:5) and waits until watch `b` is closed (src/main.rs:6); task 2 (c) has a receiver.
    - task 2 (c) waits to lock mutex `m` (src/main.rs:8), which task 1 (a) holds.
    unless the receiver of watch `b` was given to other code after second 0.0, when task 2 (c) used it
    > Drop the guard before you wait on a channel: the task at the other end needs the lock.
    "##);
}

const POOL: &str = "/home/u/.cargo/registry/src/index.crates.io-6f17/deadpool-0.12.1/src/managed/mod.rs";
const SQL: &str = "/home/u/.cargo/registry/src/index.crates.io-6f17/sqlx-0.8.0/src/lib.rs";

/// Two tasks that each have one connection of a pool and want another one.
fn pool(awaits: &str) -> String {
    format!(
        "resource permits semaphore 2/2 at={POOL}:98\ntask shop::order\ntask shop::bill
        shop::order permit permits at={POOL}:312\nshop::bill permit permits at={POOL}:312
        shop::order acquires permits at={POOL}:312\nshop::bill acquires permits at={POOL}:312\n{awaits}"
    )
}

#[test]
fn the_programs_own_line_comes_before_the_line_of_the_library() {
    let get = "fn=deadpool::managed::Pool::get";
    let (a, b) = (format!("dep:deadpool::managed::Pool::timeout_get@{POOL}:310"), "own:shop::pay@src/pay.rs:9");
    let facts = pool(&format!(
        "awaits shop::order edge=3 {get} {a} own:shop::order@src/main.rs:9\nawaits shop::bill edge=4 {get} {a} {b}"
    ));
    insta::assert_snapshot!(words(&facts), @r##"
    deadlock cycle: 2 tasks wait for each other over 1 semaphore, unless other code adds permits to deadpool's semaphore `permits` or closes it
    - task 1 (shop::order), at src/main.rs:9, holds 1 permit of deadpool's semaphore `permits` (deadpool-0.12.1/src/managed/mod.rs:312) and waits to acquire 1 permit of deadpool's semaphore `permits` (inside `deadpool::managed::Pool::get`), which task 1 (shop::order) and task 2 (shop::bill) hold.
    - task 2 (shop::bill), in `shop::pay` at src/pay.rs:9, holds 1 permit of deadpool's semaphore `permits` (deadpool-0.12.1/src/managed/mod.rs:312) and waits to acquire 1 permit of deadpool's semaphore `permits` (inside `deadpool::managed::Pool::get`), which task 1 (shop::order) and task 2 (shop::bill) hold.
    unless other code adds permits to deadpool's semaphore `permits` or closes it
    > Acquire all the permits that a task needs at once. Or release the first ones before you wait for more. Look at src/main.rs:9 and src/pay.rs:9.
    "##);
    // Nothing but the line of the library is known.
    insta::assert_snapshot!(words(&pool("")), @r##"
    deadlock cycle: 2 tasks wait for each other over 1 semaphore, unless other code adds permits to deadpool's semaphore `permits` or closes it
    - task 1 (shop::order) holds 1 permit of deadpool's semaphore `permits` (deadpool-0.12.1/src/managed/mod.rs:312) and waits to acquire 1 permit of deadpool's semaphore `permits` (deadpool-0.12.1/src/managed/mod.rs:312), which task 1 (shop::order) and task 2 (shop::bill) hold.
    - task 2 (shop::bill) holds 1 permit of deadpool's semaphore `permits` (deadpool-0.12.1/src/managed/mod.rs:312) and waits to acquire 1 permit of deadpool's semaphore `permits` (deadpool-0.12.1/src/managed/mod.rs:312), which task 1 (shop::order) and task 2 (shop::bill) hold.
    unless other code adds permits to deadpool's semaphore `permits` or closes it
    > Acquire all the permits that a task needs at once. Or release the first ones before you wait for more.
    "##);
    let facts = format!("awaits shop::order edge=3 {get} dep:sqlx::query@{SQL}:310 dep:sqlx::run@{SQL}:17");
    insta::assert_snapshot!(words(&pool(&facts)), @r##"
    deadlock cycle: 2 tasks wait for each other over 1 semaphore, unless other code adds permits to deadpool's semaphore `permits` or closes it
    - task 1 (shop::order), in `sqlx::run` at sqlx-0.8.0/src/lib.rs:17, holds 1 permit of deadpool's semaphore `permits` (deadpool-0.12.1/src/managed/mod.rs:312) and waits to acquire 1 permit of deadpool's semaphore `permits` (inside `deadpool::managed::Pool::get`), which task 1 (shop::order) and task 2 (shop::bill) hold.
    - task 2 (shop::bill) holds 1 permit of deadpool's semaphore `permits` (deadpool-0.12.1/src/managed/mod.rs:312) and waits to acquire 1 permit of deadpool's semaphore `permits` (deadpool-0.12.1/src/managed/mod.rs:312), which task 1 (shop::order) and task 2 (shop::bill) hold.
    unless other code adds permits to deadpool's semaphore `permits` or closes it
    > Acquire all the permits that a task needs at once. Or release the first ones before you wait for more.
    "##);
}

#[test]
fn a_task_represents_the_tasks_of_its_spawn_location_with_its_wait() {
    let facts = "mutex m\nmutex n\ntask a called=pay at=src/main.rs:3\ntask b called=pay at=src/main.rs:3\na holds m at=src/main.rs:4
        b holds n at=src/main.rs:4\na locks n at=src/main.rs:7\nb locks m at=src/main.rs:7
        awaits a edge=3 fn=tokio::sync::Mutex::lock own:shop::pay@src/main.rs:7 own:shop::run@src/main.rs:20";
    insta::assert_snapshot!(words(facts), @r##"
    deadlock cycle: 2 tasks wait for each other over 2 mutexes
    - task 1 (pay) holds mutex `m` (src/main.rs:4) and waits to lock mutex `n` (`shop::pay` at src/main.rs:7), which task 2 (pay) holds.
    - task 2 (pay) holds mutex `n` (src/main.rs:4) and waits to lock mutex `m` (`shop::pay` at src/main.rs:7, as in task 1), which task 1 (pay) holds.
    > Lock them in the same order everywhere. Or drop the first guard before you wait for the next lock.
    "##);
}

#[test]
fn the_await_of_an_uninstrumented_future_is_named() {
    insta::assert_snapshot!(words("task a lost\nawaits a fn=tokio::net::TcpStream::read own:a@src/main.rs:31"), @r##"
    lost wake-up: task 1 (a) waits at src/main.rs:31, and nothing is left that could wake it
    - task 1 (a) waits for `tokio::net::TcpStream::read` (src/main.rs:31). The last waker of task 1 (a) was dropped without a wake: the task will not be polled again.
    > Find the future that the task waits for, and check its waker. A future that returns `Pending` must keep the waker of the last poll, and wake it when the future can make progress, also when the other side is dropped.
    "##);
    insta::assert_snapshot!(words("task a lost\nawaits a own:shop::pay@src/main.rs:31"), @r##"
    lost wake-up: task 1 (a) waits at src/main.rs:31, and nothing is left that could wake it
    - task 1 (a) waits in `shop::pay` at src/main.rs:31. The last waker of task 1 (a) was dropped without a wake: the task will not be polled again.
    > Find the future that the task waits for, and check its waker. A future that returns `Pending` must keep the waker of the last poll, and wake it when the future can make progress, also when the other side is dropped.
    "##);
}
