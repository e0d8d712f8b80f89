//! The targets, and whether they are met.

use super::results::Results;
use std::fmt::Write;

/// An upper or a lower limit for a figure.
struct Target {
    title: &'static str,
    limit: f64,
    /// A limit that is better than the target.
    stretch: Option<f64>,
    unit: &'static str,
    at_least: bool,
    measured: fn(&Results) -> Option<f64>,
}

const fn at_most(
    title: &'static str,
    limit: f64,
    stretch: Option<f64>,
    unit: &'static str,
    measured: fn(&Results) -> Option<f64>,
) -> Target {
    Target { title, limit, stretch, unit, at_least: false, measured }
}

fn above(results: &Results, operation: &str, configuration: &str) -> Option<f64> {
    results.above_bare(&format!("tokio/1/{operation}"), configuration, "cpu_ns")
}

fn memory(results: &Results, tasks: u64) -> Option<f64> {
    results.above_bare(&format!("parked/{tasks}"), "on", "bytes")
}

/// The times are processor times of the program's threads on tokio's current-thread runtime: the least of all runs, less the
/// least of bare tokio.
const TARGETS: [Target; 20] = [
    at_most("poll, with its waking task", 20.0, Some(12.0), "ns", |r| above(r, "poll", "on")),
    at_most("spawn and join", 80.0, Some(40.0), "ns", |r| above(r, "spawn", "on")),
    at_most("Mutex, lock and unlock", 25.0, Some(12.0), "ns", |r| above(r, "lock", "on")),
    at_most("mpsc, send and receive", 40.0, Some(20.0), "ns", |r| above(r, "stream", "on")),
    at_most("linked and off, a poll", 1.0, None, "ns", |r| above(r, "poll", "off")),
    at_most("detail `polls` to a file, a poll", 40.0, None, "ns", |r| above(r, "poll", "polls")),
    at_most("detail `polls` to a file, an event compressed", 20.0, None, "B", |r| {
        r.max("tokio/1/poll", "polls", "event_bytes")
    }),
    at_most("memory of a live task, of 100,000", 400.0, Some(200.0), "B", |r| memory(r, 100_000)),
    at_most("memory of a live task, of 1,000,000", 400.0, Some(200.0), "B", |r| memory(r, 1_000_000)),
    Target {
        title: "HTTP with a client, requests/s of bare",
        limit: 97.0,
        stretch: Some(99.0),
        unit: "%",
        at_least: true,
        measured: |r| {
            Some(
                100.0 * r.max("http-client/1", "client", "requests_s")?
                    / r.max("http-client/1", "bare", "requests_s")?,
            )
        },
    },
    at_most("HTTP with a client, p99 of bare's", 105.0, None, "%", |r| {
        Some(100.0 * r.min("http-client/1", "client", "p99_us")? / r.min("http-client/1", "bare", "p99_us")?)
    }),
    Target {
        title: "HTTP beside 10,000 idle connections, with a client, requests/s of bare",
        limit: 97.0,
        stretch: None,
        unit: "%",
        at_least: true,
        measured: |r| {
            Some(100.0 * r.max("http-idle/1", "client", "requests_s")? / r.max("http-idle/1", "bare", "requests_s")?)
        },
    },
    at_most("first complete snapshot of 100,000 tasks", 500.0, Some(200.0), "ms", |r| {
        r.median("snapshot/100000", "on", "complete_ms")
    }),
    at_most("first complete snapshot of 1,000,000 tasks", 5000.0, Some(2000.0), "ms", |r| {
        r.median("snapshot/1000000", "on", "complete_ms")
    }),
    at_most("the program's stall during this snapshot", 1.0, None, "ms", |r| {
        r.median("snapshot/1000000", "on", "own_ms")
    }),
    at_most("the awaits of 100,000 tasks in 12 places are known", 2000.0, None, "ms", |r| {
        r.median("named/100000", "on", "named_ms")
    }),
    at_most("the program's stall meanwhile", 1.0, None, "ms", |r| r.median("named/100000", "on", "named_own_ms")),
    at_most("a new task is visible, at 100,000 spawns/s", 500.0, Some(250.0), "ms", |r| {
        r.max("spawns/100000", "client", "late_max_ms")
    }),
    at_most("gaps at 100,000 spawns/s", 0.0, None, "", |r| r.max("spawns/100000", "client", "gaps")),
    at_most("memory in a storm of 10,000,000 tasks, above bare", 256.0, None, "MiB", |r| {
        let most =
            ["on", "client", "stopped"].map(|configuration| r.max("storm/10000000", configuration, "storm_peak"));
        let most = most.into_iter().flatten().max_by(f64::total_cmp)?;
        Some((most - r.max("storm/10000000", "bare", "storm_peak")?) / f64::from(1 << 20))
    }),
];

/// The targets with their measured figures, as a table in Markdown. Targets without a measured figure are left out.
pub fn table(results: &Results) -> String {
    let mut text = String::new();
    for target in &TARGETS {
        let Some(measured) = (target.measured)(results) else { continue };
        let sign = if target.at_least { ">=" } else { "<=" };
        let stretch = target.stretch.map_or("-".to_owned(), |stretch| format!("{sign} {stretch} {}", target.unit));
        let _ = writeln!(
            text,
            "| {} | {sign} {} {} | {stretch} | {measured:.1} {} | {} |",
            target.title,
            target.limit,
            target.unit,
            target.unit,
            verdict(target, measured)
        );
    }
    if text.is_empty() {
        return text;
    }
    format!("| figure | target | stretch | measured | |\n|---|---|---|---:|---|\n{text}")
}

fn verdict(target: &Target, measured: f64) -> &'static str {
    let meets = |limit: f64| if target.at_least { measured >= limit } else { measured <= limit };
    match (meets(target.limit), target.stretch.is_some_and(meets)) {
        (true, true) => "met, and the stretch",
        (true, false) => "met",
        (false, _) => "**missed**",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_is_met_or_missed() {
        let mut results = Results::default();
        assert_eq!(table(&results), "");
        let mut case = |row: &str, configuration: &str, printed: &str| {
            results.take(row, configuration, printed);
        };
        case("tokio/1/poll", "bare", "measured cpu_ns=41.0");
        case("tokio/1/poll", "off", "measured cpu_ns=42.5");
        case("tokio/1/poll", "on", "measured cpu_ns=52.0");
        case("http-client/1", "bare", "measured requests_s=100000 p99_us=600");
        case("http-client/1", "client", "measured requests_s=98000 p99_us=600");
        let table = table(&results);
        let lines: Vec<&str> = table.lines().skip(2).collect();
        let expect = [
            "| poll, with its waking task | <= 20 ns | <= 12 ns | 11.0 ns | met, and the stretch |",
            "| linked and off, a poll | <= 1 ns | - | 1.5 ns | **missed** |",
            "| HTTP with a client, requests/s of bare | >= 97 % | >= 99 % | 98.0 % | met |",
            "| HTTP with a client, p99 of bare's | <= 105 % | - | 100.0 % | met |",
        ];
        assert_eq!(lines, expect);
    }
}
