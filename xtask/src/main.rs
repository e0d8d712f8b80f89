//! The commands of this repository: `cargo xtask` lists them.

mod archive;
mod attack;
mod bench;
mod circles;
mod clients;
mod demo;
mod docs;
mod english;
mod fuzz;
mod hangs;
mod kinds;
mod links;
mod load;
mod markdown;
mod msrv;
mod old_versions;
mod packages;
mod peer_program;
mod peer_tests;
mod process;
mod program;
mod real_programs;
mod runtime;
mod sanitize;
mod schema;
mod screen;
mod spec;
mod suites;
mod systems;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
The commands of this repository:

  cargo xtask demo            a service hangs: start it, hit its endpoint, open consolation on it
  cargo xtask demo deadlock   the alternate history: one task both enqueues and dequeues
  cargo xtask demo barbara|deadlock smol|async-std
                              the same programs on another runtime
  cargo xtask test            fmt, clippy, docs, and every test; the story in a real terminal is one of them
  cargo xtask test --full     the same, published programs, and the tests once more in a release build
  cargo xtask archive         write the sources that `cargo insight` compiles into programs to its package
  cargo xtask archive --check say whether the archive is made of these sources
  cargo xtask attack [--quick] [name...]
                              hostile clients, limits, signals, forks, strange files and servers: does the program go on,
                              and is what is said of it true; the whole takes about half an hour
  cargo xtask bench [--quick] [row...]
                              what insight costs beside bare programs and its peers, in about 15 minutes; a whole run
                              writes docs/cost
  cargo xtask bench --quick --write
                              the same of few and short runs, without peers
  cargo xtask bench --accept  write down how many instructions each operation takes; `cargo xtask test` holds them
  cargo xtask bench --functions [row...]
                              where in the source the instructions of an operation are
  cargo xtask circles [crate...]
                              which source files of the probe and the model need each other: there is to be none
  cargo xtask english [text...]
                              count patterns of speech that are hard to read, in each crate and document; of a text that
                              is named, list the sentences
  cargo xtask english --check the same, as an error if a count is above its limit
  cargo xtask english --write write down the counts above the limit, which may only fall
  cargo xtask fuzz [seconds]  make up lines and streams, each for 600 s: does a decoder, a checker or a model fail
  cargo xtask hangs [--seconds N] [--runs N] [name...]
                              the corpus of hangs, each program for at least 5 s: is what is said of it right; writes its
                              table when no program is named
  cargo xtask load [seconds] [seeds] [tokio|smol|async-std]
                              a program under load for 60 s: does its stream keep the rules of SPEC.md
  cargo xtask old-versions    compile each facade over the older versions that `cargo insight` replaces
  cargo xtask packages        package each published crate, build it outside the workspace, and compare its public items with
                              those of the last release
  cargo xtask packages --check
                              whether each published crate has README, LICENSE, and all that Cargo.toml needs
  cargo xtask peer-tests tokio [--off|--on] [file...]
                              tokio's own tests on the facade, with recording off and on; all files, or those named
  cargo xtask peer-tests tokio-stream, cargo xtask peer-tests tokio-util
                              their own tests, the crates unchanged, with the facade in the place of tokio
  cargo xtask peer-tests smol, cargo xtask peer-tests async-std
                              the tests of what smol is made of, and async-std's own, on their facades
  cargo xtask peer-tests futures-channel, flume or event-listener
                              their own tests on their facades
  cargo xtask peer-program mini-redis
                              a published server on the facade: 10,000 requests, and what is seen of it
  cargo xtask peer-program chat-server
                              the same of an example of smol's: eight clients, and what is seen of it
  cargo xtask peer-program sessions
                              the same of an example of tide's, on async-std
  cargo xtask real-programs [--seconds N] [--clean] [name...]
                              published programs, unchanged, under `cargo insight` and beside their plain builds: the same
                              answers, all tasks, and the cost; each under load for 60 s. --clean: both build from scratch
  cargo xtask suites [name...]
                              published libraries' own tests under `cargo insight test`, with recording off and on: as
                              many pass as plainly
  cargo xtask docs            render docs/*.md to the pages that the server serves
  cargo xtask docs --check    say which of them are not what docs/*.md says, which links lead nowhere,
                              and which examples of SPEC.md are not messages
  cargo xtask screen          write docs/screen.svg, the screen in the README; a test compares it with consolation
  cargo xtask sanitize        the adapters' tests with the address sanitizer; needs a nightly compiler
  cargo xtask systems         whether the published crates compile for Windows and macOS
  cargo xtask schema          write schema/v1 from the wire types of insight-protocol
  cargo xtask schema --check  say what of it is not what the types and its manifest say
  cargo xtask clients         the clients of docs/clients against programs that hang: do they say what is so
  cargo xtask clients --check the same without the programs: the generated types, the type check, the 60 lines
  cargo xtask clients --write write the types of docs/clients/typescript from schema/v1
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["demo", rest @ ..] => demo::command(rest),
        ["archive"] => archive::write(),
        ["archive", "--check"] => archive::check(),
        ["attack", rest @ ..] => attack::command(rest),
        ["test"] => test::run(false),
        ["test", "--full"] => test::run(true),
        ["bench", rest @ ..] => bench::run(rest),
        ["circles", rest @ ..] => circles::run(rest),
        ["english"] => english::run(&[]),
        ["english", "--check"] => english::check(),
        ["english", "--write"] => english::write(),
        ["english", names @ ..] => english::run(names),
        ["fuzz"] => fuzz::run(fuzz::SECONDS),
        ["fuzz", seconds] if let Ok(seconds) = seconds.parse() => fuzz::run(seconds),
        ["hangs", rest @ ..] => hangs::run(rest),
        ["load", rest @ ..] => load::command(rest),
        ["old-versions"] => old_versions::run(),
        ["packages"] => packages::run(),
        ["packages", "--check"] => packages::check(),
        ["peer-tests", rest @ ..] => peer_tests::run(rest),
        ["peer-program", rest @ ..] => peer_program::run(rest),
        ["real-programs", rest @ ..] => real_programs::run(rest),
        ["suites", rest @ ..] => suites::run(rest),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["systems"] => packages::names().and_then(|names| systems::check(&names, &systems::TARGETS)),
        ["screen"] => screen::write(),
        ["sanitize"] => sanitize::run(),
        ["schema"] => schema::write(),
        ["schema", "--check"] => schema::check(),
        ["clients"] => clients::run(),
        ["clients", "--check"] => clients::check(),
        ["clients", "--write"] => clients::write(),
        [] | ["help"] | ["-h"] | ["--help"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprintln!("xtask: there is no command `{}`; see `cargo xtask help`", other.join(" "));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
