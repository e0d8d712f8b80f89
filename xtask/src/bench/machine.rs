//! The machine of a measurement.

use std::fmt::Write;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// The average number of threads that wanted a processor in the last minute. If it is high before the first row, other
/// programs used the machine, and the times are less exact.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

/// The machine, its software and the date, as a list in Markdown. `load` is the load before the first row.
pub fn description(load: &str) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).map(|rest| rest.trim_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory_kb =
        memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    let mut text = String::new();
    let mut add = |name: &str, value: &str| {
        let _ = writeln!(text, "- {name}: {value}");
    };
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    add("date", &date(seconds));
    add("processor", &format!("{}, {cores} cores", model.unwrap_or("unknown")));
    add("memory", &format!("{:.0} GiB", memory_kb.unwrap_or(0.0) / f64::from(1 << 20)));
    add("system", &first_line("uname", &["-s", "-r", "-m"]));
    add("compiler", &first_line("rustc", &["--version"]));
    add("load before the first row", load);
    add("commit", &first_line("git", &["describe", "--always", "--dirty"]));
    text
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(crate::process::root()).output();
    let line = output.ok().and_then(|output| Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned()));
    line.unwrap_or_else(|| "unknown".to_owned())
}

/// The day of a time in seconds since 1970, in UTC.
fn date(seconds: u64) -> String {
    let mut days = seconds / 86_400;
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_of_a_time() {
        let check = |seconds: u64, expect: &str| assert_eq!(date(seconds), expect);
        check(0, "1970-01-01");
        check(951_782_400, "2000-02-29");
        check(1_735_689_599, "2024-12-31");
        check(1_795_392_000, "2026-11-23");
    }
}
