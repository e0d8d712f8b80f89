//! Mutations of recordings. Each has the rule that its first finding must name.

use crate::stream::{DEADLOCK, LOCK_ORDER, MINI, OPERATIONS, POLLS, STORY, Stream};

type Mutate = fn(&mut Stream);

/// Rules that a single line can break are not here, but in schema/v1/examples/invalid.
pub const MUTATIONS: &[(&str, &str, Mutate)] = &[
    // The stream.
    ("framing.message", STORY, |s| s.lines[30] = "hello".to_owned()),
    ("malformed.known-type", STORY, |s| s.replace(s.last("task.completed"), "\"outcome\"", "\"outcomes\"")),
    ("stream.seq.plus-one", STORY, |s| s.remove(20)),
    ("header.first", STORY, |s| s.remove(0)),
    ("header.first", MINI, |s| s.lines.clear()),
    ("header.first", MINI, |s| s.insert(0, r#""type":"com.example.a""#)),
    ("header.once", STORY, |s| s.lines.push(s.lines[0].clone())),
    ("version.digits", STORY, |s| s.replace(0, "\"1.0\"", "\"one\"")),
    ("version.digits", MINI, |s| s.replace(0, "\"1.0\"", "\"01.0\"")),
    ("version.digits", MINI, |s| s.replace(0, "\"1.0\"", "\"1.-0\"")),
    ("extension.name", MINI, |s| s.replace(0, "com.example", "example")),
    ("extension.listed", DEADLOCK, |s| s.push(r#""type":"com.example.flush","at_ns":9"#)),
    ("extension.listed", MINI, |s| s.push(r#""type":"com.examples.flush","at_ns":9"#)),
    ("heartbeat.forward", STORY, |s| s.set(s.last("stream.heartbeat"), "at_ns", 5)),
    ("file.opening", DEADLOCK, |s| {
        let snapshot = s.first("snapshot.begin")..=s.first("snapshot.end");
        s.lines.drain(snapshot);
    }),
    ("coverage.in-snapshot", MINI, |s| {
        s.push(r#""type":"stream.coverage","executors":[],"at_ns":30"#);
        s.push(r#""type":"snapshot.begin","at_ns":30,"tasks":0,"resources":0,"edges":0,"problems":0"#);
        s.push(r#""type":"snapshot.end","at_ns":30"#);
    }),
    ("gap.standing", MINI, |s| {
        s.push(r#""type":"gap","count":2,"kinds":["task.spawned"],"reason":"no room","tasks":2,"at_ns":30"#);
        s.push(r#""type":"snapshot.begin","at_ns":30,"tasks":0,"resources":0,"edges":0,"problems":0"#);
        s.push(r#""type":"snapshot.end","at_ns":30"#);
        s.push(r#""type":"stream.heartbeat","at_ns":31"#);
    }),
    ("gap.standing", MINI, |s| {
        s.push(r#""type":"gap","count":2,"kinds":["task.spawned"],"reason":"no room","standing":true,"at_ns":30"#);
    }),
    ("coverage.packages.bounded", MINI, |s| {
        let packages = vec![r#"{"name":"flume","version":"0.11.1","covered":false}"#; 65].join(",");
        s.push(&format!(r#""type":"stream.coverage","executors":[],"packages":[{packages}],"at_ns":30"#));
    }),
    ("coverage.packages.bounded", MINI, |s| {
        let packages = r#"{"name":"a","version":"1","covered":true},{"name":"b","version":"1","covered":false}"#;
        s.push(&format!(r#""type":"stream.coverage","executors":[],"packages":[{packages}],"at_ns":30"#));
    }),
    // Definitions.
    ("define.before-use", STORY, |s| s.remove(s.last("define.location"))),
    ("define.before-use", MINI, |s| s.set(s.last("edge.wait"), "reason", 77)),
    ("define.once", STORY, |s| {
        let other = s.lines[s.last("define.string")].replace("\"text\":\"", "\"text\":\"another ");
        s.lines.push(other);
    }),
    ("define.once", MINI, |s| s.push(r#""type":"define.location","id":1,"file":"src/main.rs","line":4,"column":5"#)),
    ("define.dropped", MINI, |s| s.push(r#""type":"define.dropped","strings":[77]"#)),
    ("define.dropped", MINI, |s| {
        s.push(r#""type":"define.string","id":77,"text":"a""#);
        s.push(r#""type":"define.dropped","strings":[77]"#);
        s.push(r#""type":"define.string","id":77,"text":"a""#);
    }),
    ("define.before-use", MINI, |s| {
        let id = s.number(s.first("define.string"), "id");
        s.push(&format!(r#""type":"define.dropped","strings":[{id}]"#));
        s.push(&format!(r#""type":"task.spawned","id":78,"kind":"task","name":{id},"at_ns":30"#));
    }),
    ("location.missing.no-text", MINI, |s| s.replace(s.last("define.location"), "found", "missing")),
    // References to absent things.
    ("order.introduced", MINI, |s| s.set(s.first("task.stats"), "id", 77)),
    ("order.introduced", MINI, |s| s.set(s.first("resource.updated"), "id", 77)),
    ("order.introduced", MINI, |s| {
        s.replace(s.first("problem.raised"), "\"tasks\":[{\"id\":2", "\"tasks\":[{\"id\":77")
    }),
    ("gap.left-out-whole", STORY, |s| {
        let closed = s.number(s.last("edge.closed"), "id");
        s.remove(s.first(&format!("\"id\":{closed},\"task\"")));
    }),
    ("gap.left-out-whole", MINI, |s| s.set(s.last("task.completed"), "id", 77)),
    ("gap.left-out-whole", MINI, |s| s.set(s.last("resource.dropped"), "id", 77)),
    ("id.never-reused", STORY, |s| {
        let ended = s.number(s.last("task.completed"), "id");
        let again = s.last("task.spawned");
        s.lines.push(s.lines[again].clone());
        s.set(s.lines.len() - 1, "id", ended);
    }),
    ("id.never-reused", MINI, |s| s.double("task.spawned")),
    ("id.never-reused", MINI, |s| s.double("resource.created")),
    ("id.never-reused", MINI, |s| s.push(r#""type":"resource.created","id":3,"kind":"rwlock","at_ns":30"#)),
    // Tasks.
    ("task.completed.waits", MINI, |s| {
        let end = r#""type":"task.completed","id":2,"outcome":"returned","at_ns":10"#;
        s.insert(s.first("stream.heartbeat"), end);
    }),
    ("task.stats.monotone", MINI, |s| {
        // Also across a snapshot.
        let retold = [
            r#""type":"snapshot.begin","at_ns":30,"tasks":1,"resources":0,"edges":0,"problems":0"#,
            r#""type":"task.spawned","id":2,"kind":"task","at_ns":6"#,
            r#""type":"task.stats","id":2,"state":"idle","since_ns":9,"polls":0,"wakes":0,"self_wakes":0,"running_ns":1,"scheduled_ns":1,"idle_ns":1,"at_ns":30"#,
        ];
        retold.iter().for_each(|line| s.push(line));
    }),
    ("snapshot.order", MINI, |s| {
        // The snapshot has an ended task, but not its end.
        let retold = [
            r#""type":"snapshot.begin","at_ns":30,"tasks":1,"resources":0,"edges":0,"problems":0"#,
            r#""type":"task.spawned","id":3,"kind":"task","partial":true,"at_ns":6"#,
            r#""type":"snapshot.end","at_ns":30"#,
        ];
        retold.iter().for_each(|line| s.push(line));
    }),
    ("task.partial.no-state", MINI, |s| s.replace(s.last("task.stats"), "\"id\":3", r#""id":3,"state":"idle""#)),
    ("task.completed.once", STORY, |s| s.double("task.completed")),
    ("task.completed.once", LOCK_ORDER, |s| {
        // The task has an open edge.
        let end = r#""type":"task.completed","id":2,"outcome":"returned","at_ns":9"#;
        s.push(end);
        s.push(end);
    }),
    ("task.completed.panic", STORY, |s| {
        s.replace(s.first("task.completed"), "\"outcome\":\"returned\"", r#""outcome":"returned","panic":"no""#);
    }),
    ("task.completed.panic", MINI, |s| {
        let ended =
            r#""type":"task.ended","id":77,"kind":"task","spawned_ns":1,"outcome":"cancelled","panic":"no","at_ns":2"#;
        s.insert(s.first("snapshot.end"), ended);
    }),
    ("task.completed.panic-bounded", STORY, |s| {
        let panicked = format!(r#""outcome":"panicked","panic":"{}""#, "é".repeat(1025));
        s.replace(s.first("task.completed"), "\"outcome\":\"returned\"", &panicked);
    }),
    ("task.ended.in-snapshot", MINI, |s| {
        s.push(r#""type":"task.ended","id":77,"kind":"task","spawned_ns":1,"outcome":"returned","at_ns":2"#);
    }),
    ("task.ended.once", MINI, |s| {
        let ended = r#""type":"task.ended","id":77,"kind":"task","spawned_ns":1,"outcome":"returned","at_ns":2"#;
        s.insert(s.first("snapshot.end"), ended);
        s.insert(s.first("snapshot.end"), ended);
    }),
    ("task.ended.bounded", MINI, |s| {
        for id in 100..201 {
            let outcome = if id % 2 == 0 { "panicked" } else { "cancelled" };
            s.insert(
                s.first("snapshot.end"),
                &format!(
                    r#""type":"task.ended","id":{id},"kind":"task","spawned_ns":1,"outcome":"{outcome}","at_ns":2"#
                ),
            );
        }
    }),
    ("task.ended.over", MINI, |s| {
        let task = s.number(s.first("task.spawned"), "id");
        s.insert(
            s.first("snapshot.end"),
            &format!(r#""type":"task.ended","id":{task},"kind":"task","spawned_ns":1,"outcome":"returned","at_ns":2"#),
        );
    }),
    ("id.never-reused", MINI, |s| {
        let ended = r#""type":"task.ended","id":77,"kind":"task","spawned_ns":1,"outcome":"returned","at_ns":2"#;
        s.insert(s.first("snapshot.end"), ended);
        s.push(r#""type":"task.spawned","id":77,"kind":"task","at_ns":30"#);
    }),
    ("snapshot.order", MINI, |s| {
        let ended = r#""type":"task.ended","id":77,"kind":"task","spawned_ns":1,"outcome":"returned","at_ns":2"#;
        s.insert(s.first("snapshot.begin") + 1, ended);
    }),
    ("task.completed.last", STORY, |s| {
        let ended = s.number(s.last("task.completed"), "id");
        let stats = s.last("task.stats");
        s.lines.push(s.lines[stats].clone());
        s.set(s.lines.len() - 1, "id", ended);
    }),
    ("task.completed.last", MINI, |s| {
        s.push(r#""type":"edge.party","id":9,"task":3,"resource":2,"role":"sender","since_ns":30"#);
    }),
    ("task.stats.monotone", STORY, |s| s.set(s.last("task.stats"), "polls", 0)),
    ("task.stats.monotone", MINI, |s| {
        let stats = s.lines[s.first("task.stats")].replace("\"running_ns\":1", "\"running_ns\":0");
        s.lines.push(stats);
    }),
    ("task.stats.monotone", STORY, |s| {
        let at = s.last("poll_ns_log2");
        let (before, after) = s.lines[at].split_once("\"poll_ns_log2\":[").unwrap();
        let after = after.split_once(']').unwrap().1;
        s.lines[at] = format!("{before}\"poll_ns_log2\":[]{after}");
    }),
    ("task.stats.once-a-sample", STORY, |s| s.double("task.stats")),
    // Polls.
    ("detail.polls", POLLS, |s| s.replace(0, "polls", "structure")),
    ("task.polls.columns", POLLS, |s| s.replace(s.first("task.polls"), "\"tasks\":[", "\"tasks\":[1,")),
    ("task.polls.columns", POLLS, |s| s.replace(s.first("task.polls"), "\"after_ns\":[0,2", "\"after_ns\":[0,2,3")),
    ("task.polls.columns", POLLS, |s| s.replace(s.first("task.polls"), "\"running_ns\":[", "\"running_ns\":[1,")),
    ("task.polls.columns", POLLS, |s| {
        s.push(r#""type":"task.polls","thread":1,"tasks":[],"after_ns":[],"running_ns":[],"at_ns":30"#);
    }),
    ("task.polls.columns", POLLS, |s| {
        let column = |first: u64, number: u64| format!("[{first}{}]", format!(",{number}").repeat(1024));
        let (tasks, zeros) = (column(1, 1), column(0, 0));
        s.push(&format!(
            r#""type":"task.polls","thread":1,"tasks":{tasks},"after_ns":{zeros},"running_ns":{zeros},"at_ns":30"#
        ));
    }),
    ("task.polls.first", POLLS, |s| s.replace(s.first("task.polls"), "\"after_ns\":[0", "\"after_ns\":[1")),
    ("task.polls.in-order", POLLS, |s| s.set(s.last("\"thread\""), "at_ns", 8)),
    ("task.polls.counted", POLLS, |s| s.set(s.first("task.stats"), "polls", 1)),
    ("task.polls.after-end", POLLS, |s| {
        let polls = s.lines.remove(s.last("\"thread\""));
        s.lines.push(polls);
    }),
    ("task.polls.after-end", POLLS, |s| {
        s.push(r#""type":"snapshot.begin","at_ns":30,"tasks":0,"resources":0,"edges":0,"problems":0"#);
        s.push(r#""type":"snapshot.end","at_ns":30"#);
        s.push(r#""type":"task.polls","thread":1,"tasks":[2],"after_ns":[0],"running_ns":[1],"at_ns":30"#);
    }),
    ("order.introduced", POLLS, |s| s.replace(s.last("\"thread\""), "\"tasks\":[2", "\"tasks\":[77")),
    // Operations.
    ("detail.operations", OPERATIONS, |s| s.replace(0, "\"detail\":\"operations\"", "\"detail\":\"polls\"")),
    ("operation.opened", OPERATIONS, |s| s.remove(s.first("\"begun\""))),
    ("operation.opened", OPERATIONS, |s| s.remove(s.first("\"held\""))),
    ("operation.once", OPERATIONS, |s| s.double("\"begun\"")),
    ("operation.once", OPERATIONS, |s| s.set(s.last("\"held\""), "id", 1)),
    ("operation.event-fits", OPERATIONS, |s| s.set(s.first("\"released\""), "id", 3)),
    ("operation.event-fits", OPERATIONS, |s| s.set(s.first("\"pending\""), "id", 2)),
    ("operation.ended", OPERATIONS, |s| s.double("\"claimed\"")),
    ("operation.ended", OPERATIONS, |s| {
        s.push(r#""type":"task.operation","id":6,"event":"released","task":1,"thread":1,"at_ns":31"#);
    }),
    ("operation.pending", OPERATIONS, |s| s.remove(s.first("\"granted\""))),
    ("operation.granted", OPERATIONS, |s| {
        let granted = s.lines[s.last("\"granted\"")].clone();
        s.lines.insert(s.last("\"granted\""), granted);
    }),
    ("operation.fields", OPERATIONS, |s| s.replace(s.first("\"claimed\""), ",\"at_ns\"", ",\"units\":1,\"at_ns\"")),
    ("operation.fields", OPERATIONS, |s| s.replace(s.first("\"begun\""), "\"operation\":\"lock\",", "")),
    ("operation.fields", OPERATIONS, |s| s.replace(s.first("\"held\""), "\"mode\":\"exclusive\",", "")),
    ("operation.fields", OPERATIONS, |s| s.replace(s.first("\"moved\""), ",\"units\":2", "")),
    ("operation.thread-order", OPERATIONS, |s| s.set(s.first("\"abandoned\""), "at_ns", 9)),
    ("operation.hold-alone", OPERATIONS, |s| {
        let held = r#""type":"task.operation","id":77,"event":"held","thread":3,"resource":1,"mode":"shared","units":1,"at_ns":9"#;
        s.insert(s.first("\"released\""), held);
    }),
    ("operation.hold-alone", OPERATIONS, |s| {
        s.replace(s.last("\"held\""), "permit", "exclusive");
    }),
    ("define.before-use", OPERATIONS, |s| s.set(s.first("\"held\""), "location", 77)),
    ("task.completed.last", OPERATIONS, |s| s.set(s.last("\"moved\""), "task", 2)),
    ("order.introduced", OPERATIONS, |s| s.set(s.last("\"moved\""), "task", 77)),
    ("order.introduced", OPERATIONS, |s| s.set(s.first("\"begun\""), "resource", 77)),
    ("resource.dropped.last", OPERATIONS, |s| {
        let begun = s.lines.remove(s.first("add_permits"));
        s.lines.insert(s.last("resource.dropped") + 1, begun);
        s.remove(s.last("succeeded"));
    }),
    // Awaits.
    ("awaits.bounded", MINI, |s| {
        let awaits = vec![r#"{"frames":[]}"#; 65].join(",");
        s.insert(
            s.last("task.awaits"),
            &format!(r#""type":"task.awaits","id":2,"polls":1,"awaits":[{awaits}],"at_ns":10"#),
        );
    }),
    ("awaits.bounded", MINI, |s| {
        let frames = vec![r#"{"kind":"own"}"#; 33].join(",");
        s.replace(s.last("task.awaits"), r#""frames":[{"#, &format!(r#""frames":[{frames},{{"#));
    }),
    ("awaits.bounded", MINI, |s| s.replace(s.last("task.awaits"), r#""more":0"#, r#""spans":[2,2,2,2,2],"more":0"#)),
    ("define.before-use", MINI, |s| s.replace(s.last("task.awaits"), r#""more":0"#, r#""spans":[77],"more":0"#)),
    ("awaits.edge", MINI, |s| s.replace(s.last("task.awaits"), r#""edge":4"#, r#""edge":77"#)),
    ("awaits.edge", MINI, |s| s.replace(s.last("task.awaits"), r#""edge":4"#, r#""edge":2"#)),
    ("awaits.edge", MINI, |s| s.set(s.last("task.awaits"), "id", 1)),
    ("awaits.polls", MINI, |s| s.set(s.last("task.awaits"), "polls", 0)),
    ("cancellers.bounded", MINI, |s| {
        let tasks = ["1"; 17].join(",");
        s.push(&format!(r#""type":"task.cancellers","id":2,"tasks":[{tasks}],"at_ns":10"#));
    }),
    ("cancellers.alive", MINI, |s| s.push(r#""type":"task.cancellers","id":2,"tasks":[1,3],"at_ns":30"#)),
    ("cancellers.alive", MINI, |s| s.push(r#""type":"task.cancellers","id":2,"tasks":[77],"at_ns":30"#)),
    ("order.introduced", MINI, |s| s.push(r#""type":"task.cancellers","id":77,"others":true,"at_ns":30"#)),
    ("task.completed.last", MINI, |s| s.push(r#""type":"task.cancellers","id":3,"others":true,"at_ns":30"#)),
    ("awaits.complete", MINI, |s| s.replace(s.last("task.awaits"), r#""more":0"#, r#""more":1"#)),
    ("awaits.complete", MINI, |s| {
        s.replace(s.last("task.awaits"), r#""kind":"own"}]"#, r#""kind":"own"}],"cut":true"#)
    }),
    ("order.introduced", MINI, |s| s.set(s.last("task.awaits"), "id", 77)),
    ("order.introduced", MINI, |s| s.set(s.last("task.updated"), "id", 77)),
    ("define.before-use", MINI, |s| s.set(s.last("task.updated"), "name", 77)),
    ("define.before-use", MINI, |s| {
        s.replace(s.last("task.awaits"), r#""function":2,"frames""#, r#""function":77,"frames""#)
    }),
    ("define.before-use", MINI, |s| s.replace(s.last("task.awaits"), r#""location":1"#, r#""location":77"#)),
    ("task.completed.last", MINI, |s| s.push(r#""type":"task.awaits","id":3,"polls":1,"at_ns":30"#)),
    ("snapshot.only", MINI, |s| {
        s.insert(s.first("snapshot.end"), r#""type":"task.updated","id":1,"name":1,"at_ns":5"#);
    }),
    ("snapshot.order", MINI, |s| {
        s.insert(s.first("edge.hold"), r#""type":"task.awaits","id":1,"polls":1,"at_ns":5"#);
    }),
    // Resources.
    ("resource.dropped.once", STORY, |s| s.double("resource.dropped")),
    ("resource.dropped.last", MINI, |s| s.push(r#""type":"resource.updated","id":3,"at_ns":30"#)),
    ("resource.dropped.last", MINI, |s| {
        s.push(r#""type":"edge.party","id":9,"task":2,"resource":3,"role":"sender","since_ns":30"#);
    }),
    ("resource.dropped.no-edge-closed", LOCK_ORDER, |s| {
        let hold = s.last("edge.hold");
        let (edge, resource) = (s.number(hold, "id"), s.number(hold, "resource"));
        s.push(&format!(r#""type":"resource.dropped","id":{resource},"at_ns":9"#));
        s.push(&format!(r#""type":"edge.closed","id":{edge},"at_ns":9"#));
    }),
    // Edges.
    ("edge.opened.once", LOCK_ORDER, |s| s.double("edge.wait")),
    ("edge.opened.once", MINI, |s| {
        s.push(r#""type":"edge.party","id":1,"task":1,"resource":2,"role":"sender","since_ns":30"#);
    }),
    ("edge.updated.wait", MINI, |s| s.push(r#""type":"edge.updated","id":2,"polls":1,"at_ns":30"#)),
    ("edge.updated.open", MINI, |s| s.push(r#""type":"edge.updated","id":4,"polls":3,"at_ns":30"#)),
    ("edge.updated.open", MINI, |s| s.insert(s.first("edge.wait"), r#""type":"edge.updated","id":4,"at_ns":9"#)),
    ("edge.updated.monotone", MINI, |s| s.set(s.last("edge.updated"), "polls", 0)),
    ("edge.closed.once", STORY, |s| s.double("edge.closed")),
    ("edge.opened.ends-known", STORY, |s| s.set(s.last("edge.wait"), "resource", 4_000_000)),
    ("edge.opened.ends-known", MINI, |s| s.set(s.last("edge.wait"), "task", 77)),
    ("edge.hold.before-release", LOCK_ORDER, |s| {
        s.double("edge.hold");
        s.set(s.last("edge.hold"), "id", 5_000_000);
    }),
    ("edge.hold.exclusive-alone", MINI, |s| {
        s.push(r#""type":"edge.hold","id":9,"task":1,"resource":1,"mode":"shared","units":1,"since_ns":30"#);
    }),
    ("edge.hold.exclusive-alone", MINI, |s| {
        let shared = s.last("\"mode\":\"shared\"");
        s.insert(
            shared + 1,
            r#""type":"edge.hold","id":9,"task":2,"resource":3,"mode":"exclusive","units":1,"since_ns":9"#,
        );
    }),
    ("party.exclusive.spawn", MINI, |s| {
        s.push(r#""type":"task.spawned","id":4,"kind":"task","parent":2,"at_ns":30"#);
    }),
    ("edge.closed.outcome-fits", MINI, |s| s.replace(s.first("claimed"), "claimed", "released")),
    ("edge.closed.outcome-fits", MINI, |s| s.replace(s.first("released"), "released", "abandoned")),
    ("edge.closed.outcome-fits", MINI, |s| s.replace(s.first("claimed"), "claimed", "moved")),
    ("edge.closed.outcome-fits", MINI, |s| {
        s.push(r#""type":"edge.closed","id":2,"outcome":"released","at_ns":30"#);
    }),
    ("edge.closed.not-before-since", MINI, |s| s.set(s.first("claimed"), "at_ns", 8)),
    ("edge.closed.not-before-since", MINI, |s| s.set(s.first("released"), "at_ns", 2)),
    // Problems.
    ("problem.docs", MINI, |s| s.replace(s.first("problem.raised"), "/docs", "docs")),
    ("problem.severity.of-kind", MINI, |s| s.replace(s.first("problem.raised"), "hang", "notice")),
    ("problem.severity.of-kind", MINI, |s| s.replace(s.last("problem.updated"), "hang", "degraded")),
    ("problem.raised.none-running", MINI, |s| s.replace(s.first("task.stats"), "idle", "running")),
    ("problem.raised.none-running", MINI, |s| s.replace(s.first("task.stats"), "idle", "scheduled")),
    ("problem.raised.once", DEADLOCK, |s| s.double("problem.raised")),
    ("problem.new-id", DEADLOCK, |s| {
        s.push(r#""type":"problem.cleared","id":1,"at_ns":9"#);
        s.lines.push(s.lines[s.last("problem.raised")].clone());
    }),
    ("problem.cleared.once", DEADLOCK, |s| s.push(r#""type":"problem.cleared","id":77,"at_ns":9"#)),
    ("problem.cleared.once", MINI, |s| s.double("problem.cleared")),
    ("problem.updated.standing", MINI, |s| s.remove(s.first("problem.raised"))),
    ("problem.updated.same-parts", MINI, |s| {
        s.replace(s.last("problem.updated"), "\"tasks\":[{\"id\":2", "\"tasks\":[{\"id\":1");
    }),
    ("problem.updated.same-parts", MINI, |s| {
        s.replace(s.last("problem.updated"), "\"resources\":[{\"id\":1", "\"resources\":[{\"id\":2");
    }),
    ("problem.suspected.named", LOCK_ORDER, |s| s.replace(s.last("problem.raised"), "proven", "suspected")),
    ("problem.suspected.named", DEADLOCK, |s| s.replace(s.last("problem.raised"), "\"unless\"", "\"unlike\"")),
    ("problem.proven.no-unknowns", LOCK_ORDER, |s| {
        s.replace(s.last("problem.raised"), "\"explanation\"", "\"unless\":[\"it ends\"],\"explanation\"");
    }),
    ("problem.proven.no-unknowns", MINI, |s| s.replace(s.first("problem.raised"), "suspected", "proven")),
    ("problem.proven.nothing-unknown", LOCK_ORDER, |s| {
        let raised = s.last("problem.raised");
        for line in &mut s.lines[..raised] {
            *line = line.replace("\"foreign_wakers\":0", "\"foreign_wakers\":1");
        }
    }),
    ("problem.proven.nothing-unknown", LOCK_ORDER, |s| s.replace(0, "\"task.foreign_wakers\",", "")),
    ("problem.proven.nothing-unknown", LOCK_ORDER, |s| {
        let partial = s.first("\"type\":\"task.spawned\",\"id\":2");
        s.replace(partial, "\"parent\"", "\"partial\":true,\"parent\"");
        s.remove(s.first("\"type\":\"task.stats\",\"id\":2"));
    }),
    ("problem.proven.certain", DEADLOCK, |s| {
        let raised = s.last("problem.raised");
        s.replace(raised, "suspected", "proven");
        s.replace(raised, "\"unless\"", "\"unlike\"");
    }),
    ("problem.proven.certain", LOCK_ORDER, |s| {
        s.replace(s.last("edge.hold"), "\"mode\"", "\"transferable\":true,\"mode\"");
    }),
    ("problem.proven.certain", LOCK_ORDER, |s| {
        let raised = s.last("problem.raised");
        s.insert(raised, r#""type":"task.cancellers","id":2,"others":true,"at_ns":30"#);
    }),
    // Snapshots.
    ("snapshot.self-contained", DEADLOCK, |s| {
        s.push(r#""type":"snapshot.begin","at_ns":9,"tasks":1,"resources":0,"edges":0,"problems":0"#);
        s.push(r#""type":"task.spawned","id":2,"kind":"task","name":1,"at_ns":9"#);
        s.push(r#""type":"snapshot.end","at_ns":9"#);
    }),
    ("snapshot.self-contained", MINI, |s| {
        s.push(r#""type":"snapshot.begin","at_ns":30,"tasks":0,"resources":1,"edges":1,"problems":0"#);
        s.push(r#""type":"resource.created","id":1,"kind":"mutex","at_ns":2"#);
        s.push(r#""type":"edge.party","id":2,"task":2,"resource":1,"role":"receiver","since_ns":8"#);
    }),
    ("snapshot.order", MINI, |s| {
        let task = s.first("task.spawned");
        s.lines.swap(task, task + 1);
    }),
    ("snapshot.order", MINI, |s| {
        s.insert(s.first("snapshot.end"), r#""type":"stream.coverage","executors":[],"at_ns":5"#);
    }),
    ("snapshot.only", MINI, |s| s.insert(s.first("snapshot.end"), r#""type":"stream.heartbeat","at_ns":5"#)),
    ("snapshot.only", MINI, |s| {
        s.insert(s.first("snapshot.end"), r#""type":"gap","count":1,"kinds":[],"reason":"slow","at_ns":5"#);
    }),
    ("snapshot.counts", STORY, |s| {
        let begin = s.first("snapshot.begin");
        s.set(begin, "tasks", s.number(begin, "tasks") + 1);
    }),
    ("snapshot.counts", MINI, |s| s.set(s.first("snapshot.begin"), "problems", 1)),
    ("snapshot.end.same-time", STORY, |s| s.set(s.first("snapshot.end"), "at_ns", 3)),
    ("snapshot.end.pairs", MINI, |s| s.push(r#""type":"snapshot.end","at_ns":5"#)),
    ("snapshot.end.pairs", MINI, |s| s.double("snapshot.begin")),
];
