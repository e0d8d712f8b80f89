//! The processor time of an operation: of the program, and of the observer.

use std::time::{Duration, Instant};

/// How an operation is repeated.
#[derive(Clone, Copy, Debug)]
pub enum Repeat {
    /// Repeats it for about `wanted`, after a warm-up of a quarter of that, and of at least `warm` by the clock.
    For { wanted: Duration, warm: Duration },
    /// Repeats it this often, in parts of [`PART`] within [`insight_bench_measured`]. For callgrind.
    Counted(u64),
}

/// Number of operations between two collections by the recorder when instructions are counted.
pub const PART: u64 = 4096;

/// One reading of the clocks.
struct Clocks {
    wall: Instant,
    program: Duration,
    process: Duration,
}

impl Clocks {
    fn now() -> Clocks {
        let threads = program_threads();
        Clocks {
            wall: Instant::now(),
            // The low bits select the thread's clock, as for CLOCK_THREAD_CPUTIME_ID.
            program: threads.iter().map(|tid| cpu_clock((!tid << 3) | 6)).sum(),
            process: cpu_clock(libc::CLOCK_PROCESS_CPUTIME_ID),
        }
    }
}

/// The processor time of one of the system's clocks.
fn cpu_clock(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid to be written. A clock that does not exist leaves it unchanged.
    unsafe { libc::clock_gettime(clock, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The main thread and the threads of the runtime, by their names. All other threads are the observer's.
fn program_threads() -> Vec<libc::pid_t> {
    const NAMES: [&str; 5] = ["bench-", "smol-", "async-std/", "blocking-", "async-io"];
    let process = std::process::id() as libc::pid_t;
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let tids = tasks.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_program = |tid: &libc::pid_t| {
        let name = std::fs::read_to_string(format!("/proc/self/task/{tid}/comm")).unwrap_or_default();
        *tid == process || NAMES.iter().any(|start| name.starts_with(start))
    };
    tids.filter(is_program).collect()
}

/// Repeats an operation, and prints the times of one: processor time of the program's threads, processor time of the other
/// threads, and time by the clock.
///
/// `run` does it this often. When instructions are counted, `between` is called between the parts, and otherwise at the end.
pub fn measure(repeat: Repeat, mut run: impl FnMut(u64), mut between: impl FnMut()) {
    match repeat {
        Repeat::Counted(count) => {
            run(PART);
            between();
            for _ in 0..count.div_ceil(PART) {
                insight_bench_measured(&mut || run(PART));
                between();
            }
            println!("measured count={}", count.div_ceil(PART) * PART);
        }
        Repeat::For { wanted, warm } => {
            let count = warm_up(wanted, warm, &mut run);
            let start = Clocks::now();
            run(count);
            let end = Clocks::now();
            let program = end.program.saturating_sub(start.program);
            let beside = end.process.saturating_sub(start.process).saturating_sub(program);
            let each = |time: Duration| time.as_nanos() as f64 / count as f64;
            println!(
                "measured cpu_ns={:.2} beside_ns={:.2} wall_ns={:.2} count={count}",
                each(program),
                each(beside),
                each(end.wall - start.wall)
            );
            between();
        }
    }
}

/// The number of operations that takes about the wanted time.
fn warm_up(wanted: Duration, warm: Duration, run: &mut impl FnMut(u64)) -> u64 {
    let begun = Instant::now();
    let mut count = 64;
    loop {
        // By processor time: on a busy machine, too few operations would take the wanted time by the clock.
        let start = Clocks::now();
        run(count);
        let took = Clocks::now().program.saturating_sub(start.program);
        if took <= wanted / 8 {
            count *= 2;
        } else if begun.elapsed() >= warm {
            return ((count as f64 * wanted.as_secs_f64() / took.as_secs_f64()) as u64).max(64);
        }
    }
}

/// The function that callgrind counts, with all functions that it calls.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn insight_bench_measured(run: &mut dyn FnMut()) {
    run();
    // Without this, the call would be a jump, and callgrind would not notice the end of this function.
    std::hint::black_box(());
}

/// The present memory of this process in RAM, and the largest until now, in bytes.
#[allow(dead_code, reason = "not every program measures its memory")]
pub fn resident() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    (of("VmRSS:"), of("VmHWM:"))
}
