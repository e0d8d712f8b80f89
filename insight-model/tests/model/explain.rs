use crate::scenario::{SETTLE_NS, scenario};
use insight_model::diagnose;
use insight_protocol::ProblemId;

/// Title, explanation, unknowns and advice of the only problem.
fn words(facts: &str) -> String {
    let model = scenario(facts);
    let findings = diagnose(&model, SETTLE_NS);
    assert_eq!(findings.len(), 1, "{facts}");
    let problem = findings[0].problem(&model, ProblemId(1));
    let mut lines = vec![problem.title];
    lines.extend(problem.explanation.into_iter().map(|line| format!("- {line}")));
    lines.extend(problem.unknowns.into_iter().map(|line| format!("? {line}")));
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
    deadlock cycle: task 1 (pump) waits for itself through channel `queue`
    - task 1 (pump) waits to send to channel `queue` (src/main.rs:4), which is full (2 of 2); only task 1 (pump) receives from it.
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
    > Do not wait to send in a task that must also receive. Send from another task, or use `try_send` and handle a full channel.
    "##);
    insta::assert_snapshot!(words(
        "channel p receivers=1 senders=1\nchannel q receivers=1 senders=1\ntask a\ntask b\na receiver p\na sender q
        a recvs p\nb receiver q\nb sender p\nb recvs q"
    ), @r##"
    deadlock cycle: 2 tasks wait for each other over 2 channels
    - task 1 (a) waits to receive from channel `p` (src/main.rs:7), which is empty; only task 2 (b) sends to it.
    - task 2 (b) waits to receive from channel `q` (src/main.rs:10), which is empty; only task 1 (a) sends to it.
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
        a locks m\nb sends q\nc receiver q\nc locks m\na closed q"
    ), @r##"
    deadlock cycle: 3 tasks wait for each other over 1 mutex and 1 channel (suspected: task 2 (b) was not spawned through insight: it may make progress in other ways; and 1 more)
    - task 1 (a) has a place in channel `q` reserved (src/main.rs:6) and waits to lock mutex `m` (src/main.rs:8), which task 2 (b) holds, and at the same time waits until channel `q` is closed (src/main.rs:12); task 3 (c) has a receiver. The end of any one of these waits would unblock it.
    - task 2 (b) holds mutex `m` (src/main.rs:7) and waits to send to channel `q` (src/main.rs:9), which is full (1 of 1); task 3 (c) receives from it; task 1 (a) has places in it reserved.
    - task 3 (c) waits to lock mutex `m` (src/main.rs:11), which task 2 (b) holds.
    ? task 2 (b) was not spawned through insight: it may make progress in other ways
    ? the guard of mutex `m` held by task 2 (b) may have moved to another task
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
    deadlock cycle: 2 tasks wait for each other over 1 semaphore
    - task 1 (a) holds 1 permit of semaphore `slots` (src/main.rs:4) and waits to acquire 1 permit of semaphore `slots` (src/main.rs:5), behind task 2 (b), which waits to acquire.
    - task 2 (b) waits to acquire 2 permits of semaphore `slots` (src/main.rs:6), which task 1 (a) holds.
    > Acquire all the permits that a task needs at once. Or release the first ones before you wait for more.
    "##);
}

#[test]
fn problems_of_forgotten_things_are_explained() {
    insta::assert_snapshot!(words(
        "channel q senders=1 receivers=1\ntask a\na receiver q\na sender q\na recvs q"
    ), @r##"
    forgotten sender: task 1 (a) waits to receive from channel `q`, and only it could send
    - task 1 (a) waits to receive from channel `q` (src/main.rs:5), which is empty; only task 1 (a) sends to it.
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
    > Find the future that the task waits for: it returned `Pending` and dropped its waker. Keep the waker of the last poll, and wake it when the future can make progress, also when the other side is dropped.
    "##);
}

#[test]
fn problems_about_the_end_of_a_channel_are_explained() {
    insta::assert_snapshot!(words("resource b broadcast\ntask a\na receiver b\na receiver b shared\na closed b"), @r##"
    forgotten receiver: task 1 (a) waits until broadcast `b` is closed, and keeps a receiver itself
    - task 1 (a) waits until broadcast `b` is closed (src/main.rs:5); it has a receiver itself.
    > Drop the receiver that the waiting task keeps, before it waits. Then the wait ends when all other receivers are dropped.
    "##);
    insta::assert_snapshot!(words(
        "resource b watch\nmutex m\ntask a\ntask c\na holds m\na closed b\nc receiver b\nc locks m"
    ), @r##"
    deadlock cycle: 2 tasks wait for each other over 1 watch and 1 mutex
    - task 1 (a) holds mutex `m` (src/main.rs:5) and waits until watch `b` is closed (src/main.rs:6); task 2 (c) has a receiver.
    - task 2 (c) waits to lock mutex `m` (src/main.rs:8), which task 1 (a) holds.
    > Drop the guard before you wait on a channel: the task at the other end needs the lock.
    "##);
}
