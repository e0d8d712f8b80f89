//! What an operation takes of the processor, told apart by who takes it.

use std::time::{Duration, Instant};

/// How an operation is repeated.
#[derive(Clone, Copy, Debug)]
pub enum Repeat {
    /// As often as takes about `wanted`, after a quarter of that to warm up, and for `warm` by the clock at least.
    For { wanted: Duration, warm: Duration },
    /// So often, in parts of [`PART`], within [`insight_bench_measured`]: for callgrind.
    Counted(u64),
}

/// How many operations are between two collections by the recorder when instructions are counted.
pub const PART: u64 = 4096;

/// What a reading of the clocks says.
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
            // The low bits say which clock of the thread: the one of CLOCK_THREAD_CPUTIME_ID.
            program: threads.iter().map(|tid| cpu_clock((!tid << 3) | 6)).sum(),
            process: cpu_clock(libc::CLOCK_PROCESS_CPUTIME_ID),
        }
    }
}

/// What the time of a processor is by one of the system's clocks.
fn cpu_clock(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid to be written. A clock that is not there leaves it as it is.
    unsafe { libc::clock_gettime(clock, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The main thread, and those of the runtime, by their names. Every other thread is the observer's.
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

/// Repeats an operation, and prints what each took: of the program's threads' processor time, of the other threads', and of
/// the wall clock.
///
/// `run` does it so often. `between` is called between the parts when instructions are counted, and else at the end.
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

/// Says how often takes about as long as wanted.
fn warm_up(wanted: Duration, warm: Duration, run: &mut impl FnMut(u64)) -> u64 {
    let begun = Instant::now();
    let mut count = 64;
    loop {
        // Of the processor's time: on a busy machine that of the clock would say that few are enough.
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

/// What callgrind is told to count: this function, and all that it calls.
#[unsafe(no_mangle)]
#[inline(never)]
pub fn insight_bench_measured(run: &mut dyn FnMut()) {
    run();
    // So the call is no jump, after which callgrind would not see the end of this function.
    std::hint::black_box(());
}

/// The memory of this process that lies in RAM, and the most that ever did, in bytes.
#[allow(dead_code, reason = "not every program looks at its memory")]
pub fn resident() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    (of("VmRSS:"), of("VmHWM:"))
}
