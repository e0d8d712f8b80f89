use crate::scenario::{Builder, MS, SETTLE_NS, scenario};
use insight_model::{Finding, Model, diagnose};
use insight_protocol::*;
use std::fmt::Write;

/// One line for each finding: tier, tasks, and the resources that they wait for. Then one line for each unknown. The tier of a
/// finding that is suspected only because other code could resolve it is `unless`.
fn words(model: &Model, findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let tasks: Vec<&str> = finding.tasks.iter().map(|id| model.tasks[id].origin.name.as_deref().unwrap()).collect();
        let resources: Vec<&str> =
            finding.resources.iter().map(|id| model.resources[id].name.as_deref().unwrap()).collect();
        let tier =
            if finding.unknowns.is_empty() && !finding.unless.is_empty() { "unless" } else { finding.tier.as_str() };
        assert_eq!(tier == "proven", finding.tier == Tier::Proven);
        writeln!(text, "{tier}: {} on {}", tasks.join(" "), resources.join(" ")).unwrap();
        finding.unknowns.iter().for_each(|unknown| writeln!(text, "  {unknown}").unwrap());
    }
    text
}

fn check(facts: &str, expect: &str) {
    let model = scenario(facts);
    let expect: String =
        expect.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("{line}\n")).collect();
    assert_eq!(words(&model, &diagnose(&model, SETTLE_NS)), expect, "{facts}");
}

const AB_BA: &str = "
    mutex m
    mutex n
    task a
    task b
    a holds m
    b holds n
    a locks n
    b locks m
";

#[test]
fn tasks_that_wait_for_locks_of_each_other_are_stuck() {
    check(AB_BA, "proven: a b on m n");
    check("mutex m\ntask a\na holds m\na locks m", "proven: a on m");
    check(
        "mutex l\nmutex m\nmutex n\ntask a\ntask b\ntask c
        a holds l\nb holds m\nc holds n\na locks m\nb locks n\nc locks l",
        "proven: a b c on l m n",
    );
    // The holder can make progress.
    check("mutex m\ntask a\ntask b running\nb holds m\na locks m", "");
    check("mutex m\ntask a\ntask b scheduled\nb holds m\na locks m", "");
    check("mutex m\ntask a\ntask b\nb holds m\na locks m", "");
    check("mutex m\ntask a\ntask b timer\nb holds m\na locks m", "");
    check("mutex m\ntask a\ntask b unobserved\nb holds m\na locks m", "");
    // No holder is known.
    check("mutex m\ntask a\na locks m", "");
    // The facts contradict each other, and one of two holders can make progress.
    check(&format!("{AB_BA}\ntask c running\nc holds m"), "");
}

#[test]
fn a_task_with_a_way_out_is_not_stuck() {
    for with in ["task b timer", "task b running", "task b scheduled", "task b unobserved"] {
        check(&AB_BA.replace("task b", with), "");
    }
    // A `select!`: one of two waits can end.
    check(&format!("{AB_BA}\nchannel q receivers=1 senders=1\ntask c running\nc sender q\na recvs q"), "");
    check(&format!("{AB_BA}\nresource g semaphore\na waits g"), "");
    // Neither wait can end.
    check(&format!("{AB_BA}\nchannel q receivers=1 senders=1\nb sender q\na recvs q"), "unless: a b on m n q");
}

/// Something foreign may wake `a`, such as a socket.
const CONNECTION: &str = "
    mutex m
    mutex n
    task a timer
    task b
    a holds m
    b holds n
    a locks n polled
    b locks m
";

#[test]
fn a_circle_with_a_foreign_waker_is_suspected() {
    let socket = "  something unobserved, such as a socket or a timer, has a waker of task 1 (a) and may wake it\n";
    check(CONNECTION, &format!("suspected: a b on m n\n{socket}"));
    check(
        &CONNECTION.replace("task b", "task b timer").replace("b locks m", "b locks m polled"),
        &format!("suspected: a b on m n\n{socket}{}", socket.replace("1 (a)", "2 (b)")),
    );
    // `a` keeps the receiver, and waits for the lock that the sender holds.
    let full = "mutex m\nchannel q 1/1 receivers=1\ntask a timer\ntask b\na receiver q\nb holds m
        a locks m polled\nb sends q";
    check(full, &format!("suspected: a b on m q\n{socket}"));
    // The other task may wait for something else than a lock, permits or room.
    let join = "mutex m\njoin j\ntask a timer\ntask b\na joined j\nb holds m\na locks m polled\nb joins j";
    check(join, &format!("suspected: a b on m j\n{socket}"));
    for (from, to) in [
        // A fact is too young, or the task was polled in between.
        ("task a timer", "task a timer @5100"),
        ("a locks n polled", "a locks n polled @5100"),
        // It also waits for something by which it usually makes progress: a message, or an observed timer.
        ("b locks m", "b locks m\nchannel q senders=1 receivers=1\nb sender q\na recvs q polled"),
        ("b locks m", "b locks m\nresource t timer\na sleeps t polled"),
        // We do not know whether the task polls the wait.
        ("a locks n polled", "a locks n"),
        // A second way out.
        ("b holds n", "b holds n transferable"),
        ("task b", "task b partial"),
        ("task b", "task b running"),
        ("task b", "task b timer"),
    ] {
        let facts = CONNECTION.replace(from, to);
        assert_ne!(facts, CONNECTION);
        check(&facts, "");
    }
    check(&CONNECTION.replace("task a timer", "task a timer @5000"), &format!("suspected: a b on m n\n{socket}"));
    check(&full.replace("receivers=1", "receivers=2"), "");
    // A part of the task may hold the lock that another part waits for, and make progress by the socket.
    check("mutex m\ntask a timer\na holds m\na locks m polled", "");
}

#[test]
fn tasks_that_wait_behind_a_knot_are_not_in_it() {
    let behind = "task c\ntask d\nmutex o\nc locks m\nc holds o\nd locks o";
    check(&format!("{AB_BA}{behind}"), "proven: a b on m n");
    check(
        &format!("{AB_BA}{behind}\ntask e\ntask f\nmutex x\nmutex y\ne holds x\nf holds y\ne locks y\nf locks x"),
        "proven: a b on m n\nproven: e f on x y",
    );
    // `t` waits for both knots, in a `select!`.
    check(
        &format!("{AB_BA}task s\nmutex x\ns holds x\ntask t\nt locks x\nt locks m\ns locks x"),
        "proven: a b on m n\nproven: s on x",
    );
}

#[test]
fn a_fact_counts_after_the_settle_time() {
    let young = |line: &str| AB_BA.replace(line, &format!("{line} @9600"));
    let old = |line: &str| AB_BA.replace(line, &format!("{line} @9500"));
    for line in ["task a", "a locks n", "b holds n"] {
        check(&young(line), "");
        check(&old(line), "proven: a b on m n");
    }
}

#[test]
fn tasks_that_wait_for_channels_of_each_other_are_stuck() {
    // The task sends to the channel whose only receiver it has.
    check("channel q 2/2 receivers=1\ntask a\na receiver q\na sends q", "unless: a on q");
    check("channel q 2/2 receivers=1\ntask a\na receiver q\na reserves q", "unless: a on q");
    check(
        "channel q 2/2 receivers=1\ntask a\na receiver q shared\na sends q",
        "suspected: a on q\n  the receiver of channel `q` that task 1 (a) uses is shared: other tasks may use it",
    );
    check(
        "channel q 2/2 receivers=3\ntask a\na receiver q\na sends q",
        "suspected: a on q\n  2 more receivers of channel `q` that no task has used yet",
    );
    check(
        "channel q 2/2\ntask a\na receiver q\na sends q",
        "suspected: a on q\n  the number of receivers of channel `q` is unknown",
    );
    // No receiving task is known.
    check("channel q 2/2 receivers=1\ntask a\na sends q", "");
    // There is room.
    check("channel q 1/2 receivers=1\ntask a\na receiver q\na sends q", "");
    check("channel q 1/2 receivers=1\ntask a\na receiver q\na reserves q need=2", "unless: a on q");
    // The channel has no place: the receiver takes the message from the waiting sender.
    check("channel q 0/0 receivers=1 fifo\ntask a\na receiver q\na sends q", "unless: a on q");
    check("channel q 0/0 receivers=1 fifo\ntask a\ntask b timer\nb receiver q\na sends q", "");
    // Two full channels between two tasks.
    let two = "channel p 1/1 receivers=1\nchannel q 1/1 receivers=1\ntask a\ntask b
        a receiver p\nb receiver q\na sends q\nb sends p";
    check(two, "unless: a b on p q");
    check(&two.replace("task b", "task b timer"), "");
    // A task has reserved a place and does not use it.
    let permit = "mutex m\nchannel q 1/1 receivers=1\ntask a\ntask b\ntask c\na permit q\nb holds m\na locks m
        b sends q\nc receiver q\nc recvs q";
    check(permit, "");
    let senders = "a sender q\nb sender q";
    let certain = format!("{}\n{senders}", permit.replace("receivers=1", "receivers=1 senders=2"));
    check(&certain, "unless: a b c on m q");
    check(&certain.replace("task a", "task a running"), "");
}

#[test]
fn receivers_without_any_other_sender_are_stuck() {
    let actors = |handles: &str| {
        format!(
            "channel p receivers=1 {handles}\nchannel q receivers=1 {handles}\ntask a\ntask b
            a receiver p\na sender q\na recvs p\nb receiver q\nb sender p\nb recvs q"
        )
    };
    check(&actors("senders=1"), "unless: a b on p q");
    // An idle service: others may send, and there is no fault.
    check(&actors("senders=2"), "");
    check(&actors("senders=1 weak=1"), "");
    check(&actors(""), "");
    check(&actors("senders=1").replace("b sender p", "b sender p shared"), "");
    // A sender that waits until the channel is closed.
    check("channel q 0/1 receivers=2\ntask a\na receiver q\na closed q\na sender q", "");
    check("channel q 0/1 receivers=1\ntask a\na receiver q\na closed q\na sender q", "unless: a on q");
    // A receiver that waits for it. The senders are elsewhere.
    check("channel q 0/1 receivers=1\ntask a\na receiver q\na closed q", "");
    // A knot with a lock is suspected.
    check(
        "mutex m\nchannel q receivers=1 senders=1 weak=2\ntask a\ntask b
        a holds m\na receiver q\na recvs q\nb sender q\nb locks m",
        "suspected: a b on m q\n  2 weak senders of channel `q`, which may become senders",
    );
}

#[test]
fn a_task_that_must_end_and_waits_for_its_joiner_is_stuck() {
    let parent = "mutex m\njoin j\ntask a\ntask b\na holds m\na joins j\nb joined j\nb locks m";
    check(parent, "proven: a b on m j");
    // Other tasks may use the handle, but the task's end is its own.
    check(&parent.replace("b joined j", "b joined j shared"), "proven: a b on m j");
    check(&parent.replace("b joined j", ""), "");
    check(&parent.replace("task b", "task b ended"), "");
    // The end of any task of the set.
    let set = format!("{parent}\ntask c\nc joined j");
    check(&set, "");
    check(&format!("{set}\nc locks m"), "proven: a b c on m j");
    check(&format!("{set}\nend c"), "");
}

#[test]
fn unknowns_are_named() {
    check(&AB_BA.replace("b holds n", "b holds n transferable"), "unless: a b on m n");
    // The task has ended with its guard. The present owner of the guard can make progress.
    check(&format!("{}\nend b", AB_BA.replace("b holds n", "b holds n transferable")), "");
    check("mutex m\ntask a\ntask b ended\nb holds m transferable\na locks m", "");
    // A live and an ended task have a receiver.
    check(
        "channel q 1/1 receivers=2\ntask a\ntask b\na receiver q\nb receiver q\na sends q\nend b",
        "suspected: a on q\n  task 2 (b) has ended, and its receiver of channel `q` may be with another task",
    );
    let partial = AB_BA.replace("task b", "task b partial");
    let unknown = "task 2 (b) was not spawned through insight: it may make progress in other ways";
    check(&partial, &format!("suspected: a b on m n\n  {unknown}"));
    check(&partial.replace("b locks m", "b locks m @8000"), &format!("suspected: a b on m n\n  {unknown}"));
    check(&partial.replace("b locks m", "b locks m @8100"), "");
    // We observe only a part of its use. If it does not wait, it does something else.
    check(&partial.replace("b locks m", ""), "");
}

/// r[problem.unless.outside]
#[test]
fn ways_out_are_named() {
    let check = |facts: &str, expect: &[&str]| {
        let found = diagnose(&scenario(facts), SETTLE_NS);
        assert_eq!(found.iter().flat_map(|finding| &finding.unless).collect::<Vec<_>>(), expect, "{facts}");
    };
    check(AB_BA, &[]);
    check("task a\ntask b\njoin i\njoin j\na joined i\nb joined j\na joins j\nb joins i", &[]);
    check(
        &AB_BA.replace("b holds n", "b holds n transferable @2500"),
        &["the guard of mutex `n` was given to other code after second 2.5, when task 2 (b) acquired it"],
    );
    let receiver = "the receiver of channel `q` was given to other code after second 1.0, when task 1 (a) used it";
    check("channel q 1/1 receivers=1\ntask a\na receiver q @1000\na sends q", &[receiver]);
    check("channel q 0/1 receivers=1\ntask a\na receiver q @1000\na closed q\na sender q", &[receiver]);
    check(
        "channel q senders=1\ntask a\na sender q @1000\na recvs q",
        &["the sender of channel `q` was given to other code after second 1.0, when task 1 (a) used it"],
    );
    check(
        "resource s semaphore 1/1\ntask a\na permit s\na acquires s",
        &["other code adds permits to semaphore `s` or closes it"],
    );
    check(&format!("{AB_BA}\ncancellers b others"), &["other code cancels task 2 (b)"]);
    check(
        &format!("{AB_BA}\ntask main running\ncancellers a main a\ncancellers b main others"),
        &[
            "task 3 (main) cancels task 1 (a) or ends its runtime",
            "other code cancels task 2 (b)",
            "task 3 (main) cancels task 2 (b) or ends its runtime",
        ],
    );
    // A finding with an unknown names the ways out too.
    check("channel q 1/1 receivers=2\ntask a\na receiver q @1000\na sends q", &[receiver]);
    let closed = "channel q 1/1 senders=2 receivers=1 closed_by_any\ntask a\na receiver q @1000\na sender q\na sends q";
    check(closed, &["another task with an end of channel `q` closes it", receiver]);
}

/// r[problem.proven.certain]
#[test]
fn a_knot_is_proven_if_no_code_can_cancel_a_task_of_it() {
    let joined =
        "join i\njoin j\ntask main\na joined i\nb joined j\nmain joins i\ncancellers a main\ncancellers b main";
    // The task that has the handles waits for the knot, or is part of it.
    let waits = format!("{AB_BA}\n{joined}");
    check(&waits, "proven: a b on m n");
    check(&format!("{AB_BA}\ncancellers a b\ncancellers b a"), "proven: a b on m n");
    // It has another way out.
    check(&waits.replace("task main", "task main timer"), "unless: a b on m n");
    check(&format!("{waits}\nend main"), "unless: a b on m n");
    check(&format!("{waits}\ncancellers main others"), "unless: a b on m n");
    check(&format!("{waits}\ntask root running\ncancellers main root"), "unless: a b on m n");
    check(
        &format!(
            "{waits}\ntask root\nchannel q receivers=1\nroot receiver q\nroot closed q\nroot sender q\ncancellers main root"
        ),
        "unless: a b on m n\nunless: root on q",
    );
    // The latest message counts.
    check(&format!("{AB_BA}\ncancellers a others\ncancellers a"), "proven: a b on m n");
    // Only a task behind the knot can be cancelled.
    check(&format!("{AB_BA}\ntask c\nc locks m\ncancellers c others"), "proven: a b on m n");
    // A wait for permits ends if code adds some. The reader and the writer wait for each other without it.
    let mixed = "resource r rwlock fifo\nmutex m\nresource s semaphore 1/1\ntask a\ntask b\ntask w
        a shares r\nb shares r\nw holds m\nw writes r @1000\na locks m @2000\nb acquires s\nw permit s";
    check(mixed, "proven: a w on r m");
    check(&format!("{mixed}\ncancellers a others"), "unless: a b w on r m s");
}

#[test]
fn waits_of_unexplained_kinds_are_not_diagnosed() {
    for kind in ["timer", "io", "foreign", "semaphore", "rwlock", "notify", "com.example.gate"] {
        check(&format!("resource g {kind}\ntask a\na holds g\na locks g"), "");
    }
    // An unknown operation is not diagnosed either.
    check("mutex m\ntask a\na holds m\na dreams m", "");
}

#[test]
fn without_the_capability_for_wakers_nothing_is_proven() {
    let mut model = scenario(AB_BA);
    let header = |capabilities| {
        with!(
            StreamHeader::new("f00", Process::new(1, "barbara")),
            clock = Clock::new(0),
            detail = Detail::Structure,
            interval_ms = 100,
            capabilities
        )
    };
    model.apply(&header(vec![Capability::ForeignWakers]).into());
    assert_eq!(words(&model, &diagnose(&model, SETTLE_NS)), "proven: a b on m n\n");
    model.apply(&header(vec![]).into());
    assert_eq!(
        words(&model, &diagnose(&model, SETTLE_NS)),
        "suspected: a b on m n\n  wakers are not observed: a timer or a socket may wake these tasks\n"
    );
}

#[test]
fn after_a_loss_nothing_is_proven_until_the_next_snapshot() {
    let gap = |kind: &str| {
        with!(Gap::default(), count = 1, kinds = vec![kind.into()], reason = "full".into(), at_ns = 10_000 * MS)
    };
    let mut model = scenario(AB_BA);
    for looks_unknown in ["task.stats", "task.polls", "resource.created", "edge.party"] {
        model.apply(&gap(looks_unknown).into());
    }
    assert_eq!(words(&model, &diagnose(&model, SETTLE_NS)), "proven: a b on m n\n");
    for lost in ["task.spawned", "task.completed", "edge.hold", "edge.closed", "resource.dropped"] {
        model.apply(&gap(lost).into());
        assert_eq!(
            words(&model, &diagnose(&model, SETTLE_NS)),
            "suspected: a b on m n\n  facts were lost: a hold or a wait may have ended\n",
            "{lost}"
        );
        model.snapshot().iter().for_each(|message| model.apply(message));
        assert_eq!(words(&model, &diagnose(&model, SETTLE_NS)), "proven: a b on m n\n");
    }
}

#[test]
fn evidence_is_complete_and_minimal() {
    // The edges 1 to 4 belong to the knot, and the others do not.
    let model = scenario(&format!("{AB_BA}\nmutex o\na holds o\ntask c\nc locks o @9000\nc locks m @9000"));
    let findings = diagnose(&model, SETTLE_NS);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].edges, [1, 2, 3, 4].map(EdgeId));
    assert_eq!(findings[0].since_ns, 0);
    let model = scenario(&AB_BA.replace("a locks n", "a locks n @7000"));
    assert_eq!(diagnose(&model, SETTLE_NS)[0].since_ns, 7_000 * MS);
}

#[test]
fn a_knot_is_found_ahead_of_a_hundred_thousand_tasks() {
    let mut facts = String::from(AB_BA);
    for task in 0..100_000 {
        let before = if task == 0 { "m".to_owned() } else { format!("m{}", task - 1) };
        write!(facts, "mutex m{task}\ntask t{task}\nt{task} holds m{task}\nt{task} locks {before}\n").unwrap();
    }
    // And thousands of tasks that all want the same thing from each other.
    facts += "channel q 1/1 receivers=5000\n";
    for task in 0..5_000 {
        write!(facts, "task s{task}\ns{task} receiver q\ns{task} sends q\n").unwrap();
    }
    let model = scenario(&facts);
    let findings = diagnose(&model, SETTLE_NS);
    assert_eq!(findings.len(), 2);
    assert_eq!(findings[0].tasks, [TaskId(1), TaskId(2)]);
    assert_eq!(findings[1].tasks.len(), 5_000);
    assert_eq!(findings[1].problem(&model, ProblemId(1)).explanation.len(), 52);
}

#[test]
fn the_order_of_facts_does_not_matter() {
    let mut model = Model::default();
    let mut builder = Builder::default();
    builder.add(&mut model, "task b\ntask a\nmutex n\nmutex m\nb locks m\na locks n\na holds m\nb holds n");
    model.apply(&StreamHeartbeat::new(10_000 * MS).into());
    assert_eq!(words(&model, &diagnose(&model, SETTLE_NS)), "proven: b a on n m\n");
}

/// As [`check`], with the kind at the begin of each line.
fn check_kind(facts: &str, expect: &str) {
    let model = scenario(facts);
    let mut text = String::new();
    for finding in diagnose(&model, SETTLE_NS) {
        writeln!(text, "{} {}", finding.kind, words(&model, std::slice::from_ref(&finding)).trim_end()).unwrap();
    }
    assert_eq!(text.trim_end(), expect, "{facts}");
}

#[test]
fn each_form_of_a_hang_has_its_kind() {
    check_kind(AB_BA, "deadlock proven: a b on m n");
    check_kind("mutex m\ntask a\na holds m\na locks m", "self_deadlock proven: a on m");
    check_kind("resource r rwlock\ntask a\na shares r\na writes r", "self_deadlock proven: a on r");
    check_kind("channel q 2/2 receivers=1\ntask a\na receiver q\na sends q", "deadlock unless: a on q");
    check_kind(
        "channel p 1/1 receivers=1\nchannel q 1/1 receivers=1\ntask a\ntask b
        a receiver p\nb receiver q\na sends q\nb sends p",
        "channel_cycle unless: a b on p q",
    );
    check_kind(
        "mutex m\njoin j\ntask a\ntask b\na holds m\na joins j\nb joined j\nb locks m",
        "lock_across_join proven: a b on m j",
    );
    check_kind(
        "mutex m\nchannel q 1/1 receivers=1\ntask a\ntask b\na holds m\na sends q\nb receiver q\nb locks m",
        "channel_full unless: a b on m q",
    );
    check_kind(
        "channel q senders=1 receivers=1\ntask a\na receiver q\na sender q\na recvs q",
        "forgotten_party unless: a on q",
    );
    check_kind("resource o oneshot senders=1\ntask a\na sender o\na recvs o", "forgotten_party unless: a on o");
    let ends = "resource b broadcast\ntask a\na receiver b\na receiver b shared\na closed b\na sender b";
    check_kind(ends, "forgotten_party unless: a on b");
    check_kind(
        "channel q senders=1 receivers=1\nresource b broadcast\ntask a\na sender q\na recvs q\na receiver b\na closed b\na sender b",
        "deadlock unless: a on q b",
    );
    let forgotten = "mutex m\ntask a\ntask b\nb holds m\na locks m\nend b";
    check_kind(
        forgotten,
        "forgotten_party suspected: b on m\n  task 2 (b) has ended, and its guard of mutex `m` may be with another task",
    );
    check_kind(&forgotten.replace("b holds m", "b holds m transferable"), "");
    check_kind("task a lost", "lost_wakeup proven: a on");
    for healthy in ["task a lost timer", "task a lost running", "task a lost partial", "task a lost @9600"] {
        check_kind(healthy, "");
    }
    // The resource that it waits for has its waker.
    check_kind("resource n notify\ntask a lost\na notified n", "");
    check_kind("resource n notify\ntask a lost\na notified n unpolled", "lost_wakeup proven: a on");
}

/// Any end of some channels can close them.
#[test]
fn any_end_closes_a_channel_with_closed_by_any() {
    let itself = "channel q 1/1 senders=1 receivers=1 closed_by_any\ntask a\na receiver q\na sender q\na sends q\n";
    check(itself, "unless: a on q");
    check(&itself.replace("senders=1", "senders=2"), "unless: a on q");
    let other = itself.replace("senders=1", "senders=2");
    let other = format!("{other}task b timer\nb sender q\n");
    check(&other, "unless: a on q");
    check(&other.replace(" closed_by_any", ""), "unless: a on q");
    // A task that cannot make progress does not close the channel either.
    check(
        &format!("{itself}mutex m\ntask b\nb sender q\nb holds m\nb locks m\n").replace("senders=1", "senders=2"),
        "proven: b on m\nunless: a on q",
    );
    let empty = "channel q senders=1 receivers=2 closed_by_any\ntask a\na receiver q\na sender q\na recvs q\ntask b timer\nb receiver q\n";
    check(&empty.replace(" closed_by_any", ""), "unless: a on q");
    // A wait for a message alone is never suspected.
    check(empty, "");
}

#[test]
fn tasks_that_wait_for_permits_of_each_other_are_stuck() {
    let one = "resource s semaphore 1/1\nresource t semaphore 1/1\ntask a\ntask b
        a permit s\nb permit t\na acquires t\nb acquires s";
    check(one, "unless: a b on s t");
    // A second permit is free, or a task has it that can make progress.
    check(&one.replace("s semaphore 1/1", "s semaphore 1/2"), "");
    check(&format!("{}\ntask c running\nc permit s", one.replace("s semaphore 1/1", "s semaphore 2/2")), "");
    // A thread has the second permit.
    check(&one.replace("s semaphore 1/1", "s semaphore 2/2"), "");
    // Two tasks have one permit each, and each waits for another one.
    let both = "resource s semaphore 2/2\ntask a\ntask b\na permit s\nb permit s\na acquires s\nb acquires s";
    check(both, "unless: a b on s");
    check(&both.replace("task b", "task b timer"), "");
    check(&both.replace("b permit s", "b permit s transferable"), "unless: a b on s");
    // The task needs three permits, and can get two.
    let two = "resource s semaphore 2/3\ntask a\ntask b timer\na permit s\nb permit s\na acquires s need=3";
    check(two, "unless: a on s");
    check(&two.replace("need=3", "need=2"), "");
    // No task has a permit, so some code has to add them.
    check("resource s semaphore 0/0\ntask a\na acquires s", "");
    check("resource s semaphore 1/1\ntask a\na permit s\na acquires s need=2", "");
    check("resource s semaphore\ntask a\na permit s\na acquires s", "");
}

#[test]
fn a_wait_behind_a_stuck_wait_is_stuck() {
    // A large need is first in the queue. A smaller need waits behind it, in a task that the first task waits for.
    let big = "resource s semaphore 1/2 fifo\njoin j\ntask a\ntask b\na permit s\na acquires s @2000\nb acquires s need=2 @1000";
    check(big, "unless: a b on s");
    check(&big.replace("@2000", "@1000"), "");
    check(&big.replace("@2000", "@500"), "");
    check(&big.replace("fifo", ""), "");
    check(&big.replace("fifo", "barging"), "");
    check(&big.replace("task b", "task b timer"), "");
    // A reader that reads again behind a writer.
    let again = "resource r rwlock fifo\ntask a\ntask w\na shares r\nw writes r @1000\na reads r @2000";
    check_kind(again, "read_behind_writer proven: a w on r");
    check_kind(&again.replace("fifo", "writer_first"), "read_behind_writer proven: a w on r");
    check(&again.replace("fifo", ""), "");
    check(&again.replace("fifo", "barging"), "");
    // The polls in which they began ended in the other order. While others read, a reader waits only because of a writer. But
    // that may be a writer that is not observed.
    let guessed = "read_behind_writer suspected: a w on r\n  another writer may be ahead in the queue of rwlock `r`";
    check_kind(&again.replace("@2000", "@901"), guessed);
    check_kind(&again.replace("@2000", "@901").replace("fifo", "writer_first"), guessed);
    check(&again.replace("@2000", "@900"), "");
    // A task writes, or has been granted it, or the writer is not stuck.
    let written = "resource r rwlock fifo\ntask a\ntask w\ntask x running\nx holds r\nw writes r @1000\na reads r @950";
    check(written, "");
    check(&again.replace("@2000", "@950").replace("task w", "task w timer"), "");
    check(&format!("{}\ntask x running\nx writes r granted=9999", again.replace("@2000", "@950")), "");
    // The holder is not observed.
    check("resource r rwlock fifo\ntask a\ntask w\nw writes r @1000 unpolled\na reads r @950\nw reads r @1000", "");
    // It waits behind another writer, which makes progress.
    check(&format!("{}\ntask x timer\nx writes r @900", again.replace("@2000", "@950")), "");
    check(&again.replace("task w", "task w timer"), "");
    check(&format!("{}\ntask c running\nc shares r", again.replace("a shares r", "")), "");
    // Readers beside readers.
    check("resource r rwlock fifo\ntask a\ntask b\na shares r\nb shares r\na reads r\nb reads r", "");
    check("resource r rwlock fifo\ntask a\na holds r\na reads r", "proven: a on r");
}

#[test]
fn a_wait_behind_an_unpolled_future_is_stuck() {
    let lock = "mutex m fifo\ntask a\ntask b running\nb holds m\na locks m @1000 unpolled\na locks m @2000";
    check_kind(lock, "futurelock proven: a on m");
    check(&lock.replace(" unpolled", ""), "");
    check(&lock.replace("fifo", ""), "");
    check(&lock.replace("fifo", "barging"), "");
    // The polled wait began first, so it is served first.
    check(&lock.replace("@1000", "@3000"), "");
    check(&lock.replace("task a", "task a timer"), "");
    // The unpolled wait was granted the lock, or was woken to look, and does not look.
    let granted = "mutex m fifo\ntask a\na locks m @1000 unpolled granted=5000\na locks m @2000";
    check_kind(granted, "futurelock proven: a on m");
    check_kind(&granted.replace("fifo", "barging"), "futurelock proven: a on m");
    // Another operation, which the task no longer polls either, may wake it to look.
    let woken = format!("{}\nmutex n fifo\na locks n @900 unpolled", granted.replace("fifo", "barging"));
    check_kind(&woken, "futurelock suspected: a on m\n  another operation of task 1 (a) may wake it for mutex `m`");
    // It is in a box, which another task may have now.
    check_kind(&granted.replace("unpolled", "unpolled transferable"), "futurelock unless: a on m");
    check(&granted.replace("fifo", ""), "");
    // Through another task.
    let other = "mutex m fifo\njoin j\ntask a\ntask c\na locks m @1000 unpolled granted=5000\nc locks m @2000
        a joins j\nc joined j";
    check_kind(other, "futurelock proven: a c on m j");
    check(&other.replace("task c", "task c running"), "");
    // The granted wait is about to be polled.
    check(&granted.replace("unpolled", ""), "");
    // A place in a channel: it is empty, and its receiver can do nothing about that.
    let place = "channel q 1/1 fifo senders=1 receivers=1\ntask a\ntask r\na sender q\nr receiver q\nr recvs q
        a sends q @1000 unpolled granted=5000\na sends q @2000";
    check_kind(place, "futurelock unless: a on q");
    check(&place.replace("q 1/1", "q 1/2"), "");
    // The task polls no wait, so it waits for something unobserved.
    check(&lock.replace("@2000", "@2000 unpolled"), "");
}

#[test]
fn a_task_is_stuck_if_a_stuck_task_has_the_other_end() {
    let watch = "resource w watch senders=1\nmutex m\ntask a\ntask b\na holds m\na changeds w\nb sender w\nb locks m";
    check(watch, "unless: a b on w m");
    check(
        &watch.replace("senders=1", "senders=2"),
        "suspected: a b on w m\n  1 more sender of watch `w` that no task has used yet",
    );
    // A thread has a sender, and makes progress.
    check(&watch.replace("senders=1", "senders=2 outside_senders=1"), "");
    let full = "mutex m\nchannel q 1/1 receivers=2\ntask a\ntask b\na holds m\na sends q\nb receiver q\nb locks m";
    check(full, "suspected: a b on m q\n  1 more receiver of channel `q` that no task has used yet");
    check(&full.replace("receivers=2", "receivers=2 outside_receivers=1"), "");
    let init = "resource c once_cell\nmutex m\ntask a\ntask b\na holds c\na locks m\nb holds m\nb inits c";
    check(init, "proven: a b on c m");
    for unknown in ["notified n", "waits n"] {
        check(&format!("mutex m\nresource n notify\ntask a\ntask b\na holds m\na {unknown}\nb locks m"), "");
    }
    check("resource n barrier 1/2\nmutex m\ntask a\ntask b\na holds m\na waits n\nb locks m", "");
}

/// A finding without an unknown names no shared handle.
#[test]
fn a_finding_without_unknowns_names_only_exclusive_edges() {
    let check = |facts: &str, expect: &[u64]| {
        let found = diagnose(&scenario(facts), SETTLE_NS);
        let proven: Vec<u64> = found
            .iter()
            .filter(|finding| finding.unknowns.is_empty())
            .flat_map(|finding| finding.edges.iter().map(|edge| edge.0))
            .collect();
        assert_eq!(proven, expect, "{facts}");
    };
    let one = "resource b broadcast\ntask a\na receiver b\na receiver b shared\na closed b\na sender b";
    check(one, &[1, 3]);
    check(&one.replace("receiver b\na", "receiver b shared\na"), &[]);
    check(&one.replace("broadcast", "watch"), &[1, 3]);
    // Another stuck task with a shared receiver does not belong to it.
    check(&format!("{one}\nmutex m\ntask c\nc receiver b shared\nc holds m\nc locks m"), &[6, 7, 1, 3]);
}
