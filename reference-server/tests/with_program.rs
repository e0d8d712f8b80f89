//! Insight that starts with a program's first runtime, in processes of their own.
#![cfg(unix)]

use insight::Detail;
use insight_protocol::announcement::Announcement;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The program, where [`Run`] starts it: the steps that the variable names. No test otherwise.
#[test]
fn program() {
    let Ok(steps) = std::env::var("STEPS") else { return };
    let threads = || fs::read_dir("/proc/self/task").into_iter().flatten().count();
    let before = threads();
    let said = |insight: insight::Insight| eprintln!("address {}", insight.address().map_or(0, |it| it.port()));
    for step in steps.split(' ') {
        match step {
            "runtime" => insight::start_with_program(),
            "init" => said(insight::init()),
            "options" => said(insight::init!(settle => Duration::from_millis(1), detail => Detail::Polls)),
            "record" => said(insight::init!(listen => "off", record_to => "/dev/null")),
            "off" => said(insight::init!(listen => "off")),
            "threads" => eprintln!("threads {}", if threads() == before { "none" } else { "some" }),
            // As `cargo insight` starts children: with their parent's variables.
            "child" => {
                let child = Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "program", "--nocapture", "--quiet"])
                    .env("STEPS", "runtime init threads")
                    .status();
                assert!(child.unwrap().success());
            }
            other => panic!("no step {other}"),
        }
    }
}

/// A user's runtime folder, which is gone at the end.
struct Runtime(PathBuf);

impl Runtime {
    fn new(name: &str) -> Runtime {
        let path = std::env::temp_dir().join(format!("insight-runtime-{name}-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        Runtime(path)
    }

    /// Runs the program in the mark of `cargo insight`, if it has one, and returns stderr, with each free port as `PORT`.
    fn run(&self, mark: &str, variables: &[(&str, &str)], steps: &str) -> String {
        let script = format!("{mark} exec \"$0\" --exact program --nocapture --quiet");
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
        for name in ["INSIGHT_LISTEN", "INSIGHT_RECORD", "INSIGHT_PROCESS", "INSIGHT_CHILDREN"] {
            command.env_remove(name);
        }
        command.env("XDG_RUNTIME_DIR", &self.0).env("TMPDIR", &self.0).env("STEPS", steps);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        let mut words: Vec<String> = stderr.split_inclusive([' ', ':', '\n']).map(str::to_owned).collect();
        for word in &mut words {
            if word.trim_end().parse::<u16>().is_ok_and(|port| port > 10_000) {
                *word = word.replace(word.trim_end(), "PORT");
            }
        }
        words.concat()
    }

    fn announced(&self) -> Vec<Announcement> {
        let files = fs::read_dir(self.0.join("insight")).into_iter().flatten().flatten();
        let announcements = files.map(|file| {
            let name = file.file_name().into_string().unwrap();
            Announcement::parse(&name, &fs::read(file.path()).unwrap()).unwrap()
        });
        announcements.collect()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const OWN: &str = "INSIGHT_PROCESS=$$";

#[test]
fn the_first_runtime_starts_one_instance_and_init_changes_it() {
    let check = |name: &str, mark: &str, variables: &[(&str, &str)], steps: &str, expect: &[&str], announced: usize| {
        let runtime = Runtime::new(name);
        let stderr = runtime.run(mark, variables, steps);
        assert_eq!(stderr.lines().collect::<Vec<_>>(), expect, "{mark} {variables:?} {steps}");
        assert_eq!(runtime.announced().len(), announced, "{mark} {variables:?} {steps}");
    };
    let listens = "insight: listening on http://127.0.0.1:PORT";
    let again = "insight: already on in this program; this call does nothing";
    let [on, off] = ["address PORT", "address 0"];
    check("unmarked", "", &[], "runtime runtime threads", &[listens, "threads some"], 1);
    check("own", OWN, &[], "runtime init options", &[listens, on, again, off], 1);
    check("options", OWN, &[], "runtime options", &[listens, on], 1);
    check("before", OWN, &[], "init runtime init", &[listens, on, again, off], 1);
    check("record", OWN, &[("INSIGHT_LISTEN", "off")], "runtime record", &["insight: recording to /dev/null", off], 0);
    check("declined", OWN, &[], "off runtime threads", &[off, "threads none"], 0);
    check("off", OWN, &[("INSIGHT_LISTEN", "off")], "runtime init threads", &[off, "threads none"], 0);
    check("child", OWN, &[], "runtime child", &[listens, off, "threads none"], 1);
    let children = &[("INSIGHT_CHILDREN", "on")];
    check("children", OWN, children, "runtime child", &[listens, listens, on, "threads some"], 2);
    let process = "insight: INSIGHT_PROCESS is \"x\": not a process ID; `cargo insight` sets this variable, so do not set \
                   it by hand. The program runs on without insight.";
    check("wrong", "", &[("INSIGHT_PROCESS", "x")], "runtime init threads", &[process, off, "threads none"], 0);
}

#[test]
fn a_folder_that_is_not_private_is_one_line_and_the_program_runs_on() {
    let runtime = Runtime::new("open");
    fs::DirBuilder::new().mode(0o755).create(runtime.0.join("insight")).unwrap();
    let stderr = runtime.run("", &[], "runtime threads");
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "insight: consolation does not list this program, and needs its address: the folder of announcements cannot be \
             used: other users can open it",
            "insight: listening on http://127.0.0.1:PORT",
            "threads some"
        ]
    );
    assert_eq!(runtime.announced(), []);
}

#[test]
fn the_announcement_says_what_the_stream_says() {
    let runtime = Runtime::new("content");
    runtime.run("", &[], "runtime");
    let [announcement] = &runtime.announced()[..] else { panic!() };
    assert!(announcement.process.name.starts_with("with_program-"), "{announcement:?}");
    assert_eq!(announcement.command[1..], ["--exact", "program", "--nocapture", "--quiet"]);
    assert_eq!(announcement.protocol, insight_protocol::PROTOCOL_VERSION);
    // The program has ended: the next one sweeps its announcement away, in a thread of its own.
    let first = announcement.process.pid;
    let swept = (0..1000).any(|_| {
        runtime.run("", &[], "runtime");
        runtime.announced().iter().all(|it| it.process.pid != first)
    });
    assert!(swept, "the program may end before its thread has swept, but not each time");
    // Without a runtime folder of this user, there is one in the folder for temporary files.
    runtime.run("", &[("XDG_RUNTIME_DIR", "/nowhere")], "runtime");
    let fallback = fs::read_dir(&runtime.0).unwrap().flatten().map(|it| it.file_name().into_string().unwrap());
    assert_eq!(fallback.filter(|name| name.starts_with("insight-")).count(), 1);
}
