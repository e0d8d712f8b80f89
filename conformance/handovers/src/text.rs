//! The text form of a program: a line for each resource and each body.

use crate::program::{Body, Claim, End, Home, Place, Program, Resource, Role, SLOTS, Step, TURNS};
use std::fmt::{Display, Formatter, Result as Fmt};

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> Fmt {
        match self.home {
            Home::Spawn => {}
            Home::Scope => writeln!(f, "home scope")?,
            Home::Executor => writeln!(f, "home executor")?,
            Home::Runtime => writeln!(f, "home runtime")?,
        }
        for (at, place) in self.mutexes.iter().enumerate() {
            writeln!(f, "m{at} {}", place_word(*place))?;
        }
        for (at, place) in self.rwlocks.iter().enumerate() {
            writeln!(f, "w{at} {}", place_word(*place))?;
        }
        for (at, (place, permits)) in self.semaphores.iter().enumerate() {
            writeln!(f, "s{at} {} {permits}", place_word(*place))?;
        }
        for (at, capacity) in self.channels.iter().enumerate() {
            writeln!(f, "c{at} {capacity}")?;
        }
        (0..self.onces).try_for_each(|at| writeln!(f, "o{at}"))?;
        (0..self.cells).try_for_each(|at| writeln!(f, "k{at}"))?;
        for (at, body) in self.bodies.iter().enumerate() {
            let role = match body.role {
                Role::Task => "task",
                Role::Thread => "thread",
                Role::Part => "part",
            };
            write!(f, "{role} {at}")?;
            for (at, end) in &body.ends {
                match end {
                    End::Sender(channel) => write!(f, " {}=sender{channel}", slot(*at))?,
                    End::Receiver(channel) => write!(f, " {}=receiver{channel}", slot(*at))?,
                }
            }
            let steps: Vec<String> = body.steps.iter().map(Step::to_string).collect();
            writeln!(f, ": {}", steps.join("; "))?;
        }
        Ok(())
    }
}

impl Display for Claim {
    fn fmt(&self, f: &mut Formatter<'_>) -> Fmt {
        match self {
            Claim::Lock(at) => write!(f, "lock m{at}"),
            Claim::Read(at) => write!(f, "read w{at}"),
            Claim::Write(at) => write!(f, "write w{at}"),
            Claim::Permits(at, count) => write!(f, "acquire s{at} {count}"),
        }
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> Fmt {
        let moved = |moved: &[usize]| moved.iter().map(|at| format!(" {}", slot(*at))).collect::<String>();
        match self {
            Step::Acquire(None, claim) => write!(f, "{claim}"),
            Step::Acquire(Some(into), claim) => write!(f, "{} = {claim}", slot(*into)),
            Step::Release(Resource::Mutex(at)) => write!(f, "release m{at}"),
            Step::Release(Resource::RwLock(at)) => write!(f, "release w{at}"),
            Step::Release(Resource::Semaphore(at)) => write!(f, "release s{at}"),
            Step::Drop(at) => write!(f, "drop {}", slot(*at)),
            Step::Detach(at) => write!(f, "detach {}", slot(*at)),
            Step::Abort(at) => write!(f, "abort {}", slot(*at)),
            Step::Aborter(into, of) => write!(f, "{} = aborter {}", slot(*into), slot(*of)),
            Step::Poll(at) => write!(f, "poll {}", slot(*at)),
            Step::Await(at) => write!(f, "await {}", slot(*at)),
            Step::Close(at) => write!(f, "close {}", slot(*at)),
            Step::Send(by, None) => write!(f, "send {}", slot(*by)),
            Step::Send(by, Some(it)) => write!(f, "send {} {}", slot(*by), slot(*it)),
            Step::Receive(into, by) => write!(f, "{} = receive {}", slot(*into), slot(*by)),
            Step::Closed(by) => write!(f, "closed {}", slot(*by)),
            Step::Put(cell, it) => write!(f, "put k{cell} {}", slot(*it)),
            Step::Take(into, cell) => write!(f, "{} = take k{cell}", slot(*into)),
            Step::Spawn(into, part, with) => write!(f, "{} = spawn {part}{}", slot(*into), moved(with)),
            Step::Group(into, part, with) => write!(f, "{} = group {part}{}", slot(*into), moved(with)),
            Step::Reserve(into, by) => write!(f, "{} = reserve {}", slot(*into), slot(*by)),
            Step::Map(at) => write!(f, "map {}", slot(*at)),
            Step::Init(once, part) => write!(f, "init o{once} {part}"),
            Step::ShutDown => write!(f, "shutdown"),
            Step::Thread(part, with) => write!(f, "thread {part}{}", moved(with)),
            Step::Boxed(into, part, with) => write!(f, "{} = box {part}{}", slot(*into), moved(with)),
            Step::Add(at, count) => write!(f, "add s{at} {count}"),
            Step::CloseSemaphore(at) => write!(f, "close s{at}"),
            Step::Stop => write!(f, "stop"),
            Step::Turn(turn) => write!(f, "turn {turn}"),
        }
    }
}

fn place_word(place: Place) -> &'static str {
    match place {
        Place::Shared => "shared",
        Place::Leaked => "leaked",
        Place::Static => "static",
        Place::Stack => "stack",
    }
}

fn slot(at: usize) -> char {
    char::from(b'a' + at as u8)
}

/// Reads the programs of a text. An empty line separates two programs; a line that begins with `#` is a comment.
///
/// # Errors
///
/// Names the line that is no part of a program.
pub fn parse(text: &str) -> Result<Vec<Program>, String> {
    let mut programs = Vec::new();
    let mut program = Program::default();
    for (number, line) in (1..).zip(text.lines().chain([""])) {
        let line = line.trim();
        if line.is_empty() {
            if program != Program::default() {
                check(&program).map_err(|error| format!("the program before line {number}: {error}"))?;
                programs.push(std::mem::take(&mut program));
            }
        } else if !line.starts_with('#') {
            parse_line(&mut program, line).ok_or_else(|| format!("line {number} is no part of a program: {line}"))?;
        }
    }
    Ok(programs)
}

fn parse_line(program: &mut Program, line: &str) -> Option<()> {
    if let Some((head, steps)) = line.split_once(':') {
        let mut words = head.split_whitespace();
        let role = match words.next()? {
            "task" => Role::Task,
            "thread" => Role::Thread,
            "part" => Role::Part,
            _ => return None,
        };
        if words.next()?.parse() != Ok(program.bodies.len()) {
            return None;
        }
        let ends = words.map(parse_end).collect::<Option<_>>()?;
        let steps = steps.split(';').map(str::trim).filter(|step| !step.is_empty());
        let steps = steps.map(parse_step).collect::<Option<_>>()?;
        program.bodies.push(Body { role, ends, steps });
        return Some(());
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let next = |kind: char, made: usize| numbered(words[0], kind) == Some(made);
    match words[..] {
        ["home", "scope"] => program.home = Home::Scope,
        ["home", "runtime"] => program.home = Home::Runtime,
        ["home", "executor"] => program.home = Home::Executor,
        [_, place] if next('m', program.mutexes.len()) => program.mutexes.push(parse_place(place)?),
        [_, place] if next('w', program.rwlocks.len()) => program.rwlocks.push(parse_place(place)?),
        [_, place, permits] if next('s', program.semaphores.len()) => {
            program.semaphores.push((parse_place(place)?, permits.parse().ok()?));
        }
        [_, capacity] if next('c', program.channels.len()) => program.channels.push(capacity.parse().ok()?),
        [_] if next('o', program.onces) => program.onces += 1,
        [_] if next('k', program.cells) => program.cells += 1,
        _ => return None,
    }
    Some(())
}

fn parse_place(word: &str) -> Option<Place> {
    [Place::Shared, Place::Leaked, Place::Static, Place::Stack].into_iter().find(|place| place_word(*place) == word)
}

fn parse_end(word: &str) -> Option<(usize, End)> {
    let (at, end) = word.split_once('=')?;
    let end = match end.strip_prefix("sender") {
        Some(channel) => End::Sender(channel.parse().ok()?),
        None => End::Receiver(end.strip_prefix("receiver")?.parse().ok()?),
    };
    Some((parse_slot(at)?, end))
}

fn parse_slot(word: &str) -> Option<usize> {
    let [byte] = word.as_bytes() else { return None };
    Some(usize::from(byte.checked_sub(b'a')?)).filter(|at| *at < SLOTS)
}

/// The number of `m0` and the like.
fn numbered(word: &str, kind: char) -> Option<usize> {
    word.strip_prefix(kind)?.parse().ok()
}

fn parse_claim(words: &[&str]) -> Option<Claim> {
    Some(match words {
        ["lock", at] => Claim::Lock(numbered(at, 'm')?),
        ["read", at] => Claim::Read(numbered(at, 'w')?),
        ["write", at] => Claim::Write(numbered(at, 'w')?),
        ["acquire", at, count] => Claim::Permits(numbered(at, 's')?, count.parse().ok()?),
        _ => return None,
    })
}

fn parse_step(text: &str) -> Option<Step> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let slots = |words: &[&str]| words.iter().map(|word| parse_slot(word)).collect::<Option<Vec<usize>>>();
    if let [into, "=", rest @ ..] = &words[..] {
        let into = parse_slot(into)?;
        return Some(match rest {
            ["aborter", of] => Step::Aborter(into, parse_slot(of)?),
            ["receive", by] => Step::Receive(into, parse_slot(by)?),
            ["take", cell] => Step::Take(into, numbered(cell, 'k')?),
            ["spawn", part, with @ ..] => Step::Spawn(into, part.parse().ok()?, slots(with)?),
            ["reserve", by] => Step::Reserve(into, parse_slot(by)?),
            ["group", part, with @ ..] => Step::Group(into, part.parse().ok()?, slots(with)?),
            ["box", part, with @ ..] => Step::Boxed(into, part.parse().ok()?, slots(with)?),
            claim => Step::Acquire(Some(into), parse_claim(claim)?),
        });
    }
    Some(match &words[..] {
        ["release", at] => Step::Release(match at.chars().next()? {
            'm' => Resource::Mutex(numbered(at, 'm')?),
            'w' => Resource::RwLock(numbered(at, 'w')?),
            _ => Resource::Semaphore(numbered(at, 's')?),
        }),
        ["drop", at] => Step::Drop(parse_slot(at)?),
        ["detach", at] => Step::Detach(parse_slot(at)?),
        ["abort", at] => Step::Abort(parse_slot(at)?),
        ["poll", at] => Step::Poll(parse_slot(at)?),
        ["await", at] => Step::Await(parse_slot(at)?),
        ["close", at] => match numbered(at, 's') {
            Some(at) => Step::CloseSemaphore(at),
            None => Step::Close(parse_slot(at)?),
        },
        ["send", by] => Step::Send(parse_slot(by)?, None),
        ["send", by, it] => Step::Send(parse_slot(by)?, Some(parse_slot(it)?)),
        ["closed", by] => Step::Closed(parse_slot(by)?),
        ["put", cell, it] => Step::Put(numbered(cell, 'k')?, parse_slot(it)?),
        ["thread", part, with @ ..] => Step::Thread(part.parse().ok()?, slots(with)?),
        ["add", at, count] => Step::Add(numbered(at, 's')?, count.parse().ok()?),
        ["stop"] => Step::Stop,
        ["map", at] => Step::Map(parse_slot(at)?),
        ["init", once, part] => Step::Init(numbered(once, 'o')?, part.parse().ok()?),
        ["shutdown"] => Step::ShutDown,
        ["turn", turn] => Step::Turn(turn.parse().ok().filter(|turn| (1..=TURNS).contains(turn))?),
        claim => Step::Acquire(None, parse_claim(claim)?),
    })
}

/// Whether all names of a program are defined, and each part is started at most once.
fn check(program: &Program) -> Result<(), String> {
    let mut started = vec![false; program.bodies.len()];
    let mut received = vec![false; program.channels.len()];
    for body in &program.bodies {
        for (_, end) in &body.ends {
            let (End::Sender(channel) | End::Receiver(channel)) = *end;
            let is_taken = received.get_mut(channel).ok_or_else(|| format!("there is no channel c{channel}"))?;
            if matches!(end, End::Receiver(_)) && std::mem::replace(is_taken, true) {
                return Err(format!("c{channel} has two receivers"));
            }
        }
        for step in &body.steps {
            let is_defined = match step {
                Step::Acquire(_, claim) => has(program, claim.resource()),
                Step::Release(resource) => has(program, *resource),
                Step::Add(at, _) | Step::CloseSemaphore(at) => *at < program.semaphores.len(),
                Step::Put(cell, _) | Step::Take(_, cell) => *cell < program.cells,
                Step::Init(once, _) if *once >= program.onces => false,
                step => step.part().is_none_or(|part| {
                    let is_part = program.bodies.get(part).is_some_and(|body| body.role == Role::Part);
                    is_part && !std::mem::replace(&mut started[part], true)
                }),
            };
            if !is_defined {
                return Err(format!("`{step}` names a thing that does not exist, or starts a part again"));
            }
        }
    }
    Ok(())
}

fn has(program: &Program, resource: Resource) -> bool {
    match resource {
        Resource::Mutex(at) => at < program.mutexes.len(),
        Resource::RwLock(at) => at < program.rwlocks.len(),
        Resource::Semaphore(at) => at < program.semaphores.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::generate;

    #[test]
    fn a_generated_program_is_read_as_it_was_written() {
        for seed in 0..500 {
            let program = generate(seed);
            let text = program.to_string();
            assert_eq!(parse(&text), Ok(vec![program]), "{text}");
        }
    }

    #[test]
    fn each_step_has_a_text() {
        let text = "home scope\nm0 stack\nw0 static\ns0 leaked 2\nc0 1\no0\nk0\n\
            task 0 a=sender0 b=receiver0: lock m0; c = lock m0; read w0; d = write w0; acquire s0 2; release m0; release w0; \
            release s0; drop a; detach a; abort a; f = aborter a; poll a; await a; close a; send a; send a b; c = receive b; \
            closed a; put k0 a; a = take k0; a = spawn 1 b c; thread 2 a; c = box 3; d = group 4; \
            b = reserve a; map a; shutdown; init o0 5; add s0 1; close s0; stop; turn 5\n\
            part 1: \npart 2: \npart 3: turn 1\npart 4: \npart 5: \n";
        let programs = parse(text).unwrap();
        assert_eq!(programs[0].to_string(), text);
    }

    #[test]
    fn a_wrong_program_is_refused_with_its_line() {
        let check = |text: &str, expect: &str| assert_eq!(parse(text), Err(expect.to_owned()));
        check("task 0: jump", "line 1 is no part of a program: task 0: jump");
        check("task 0: turn 6", "line 1 is no part of a program: task 0: turn 6");
        check("m1 shared", "line 1 is no part of a program: m1 shared");
        let undefined = |step: &str| {
            format!("the program before line 2: `{step}` names a thing that does not exist, or starts a part again")
        };
        check("task 0: lock m0", &undefined("lock m0"));
        check("task 0: thread 0", &undefined("thread 0"));
        check("c0 1\ntask 0 a=receiver0 b=receiver0:", "the program before line 3: c0 has two receivers");
    }
}
