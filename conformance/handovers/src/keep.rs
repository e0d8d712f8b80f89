//! Shrinks failing programs, and appends them to a file.

use crate::children::{BATCH, run};
use crate::outcome::Outcome;
use crate::program::Program;
use crate::shrink::candidates;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Maximum number of failing programs that are shrunk, of the rounds for it, and of the candidates of all in a round.
const SHRUNK: usize = 16;
const ROUNDS: usize = 14;
const CANDIDATES: usize = 4 * BATCH;
/// Number of runs of a shrunk program, in order to know whether it always fails.
const CONFIRMATIONS: usize = 3;

/// A program with a false proof.
#[derive(Clone, Debug)]
pub struct Failing {
    /// The class of the false proof. A smaller program has to fail in the same way.
    pub class: String,
    /// The program.
    pub program: Program,
}

/// Shrinks the smallest programs of each class, `most` of each, and appends them to the file unless they are known.
pub fn keep(file: &Path, known: &[Program], failing: Vec<Failing>, most: usize) -> Result<(), String> {
    let mut classes: BTreeMap<String, Vec<Failing>> = BTreeMap::new();
    failing.into_iter().for_each(|it| classes.entry(it.class.clone()).or_default().push(it));
    let mut chosen: Vec<Failing> = Vec::new();
    for mut class in classes.into_values() {
        class.sort_by_key(|it| it.program.size());
        chosen.extend(class.into_iter().take(most));
    }
    chosen.sort_by_key(|it| it.program.size());
    chosen.truncate(SHRUNK);
    if chosen.is_empty() {
        return Ok(());
    }
    let mut known = known.to_vec();
    let mut text = String::new();
    for (it, outcome, fails) in shrink(chosen)? {
        if !known.contains(&it.program) {
            let (program, notes) = (&it.program, outcome.in_words());
            // Without its seed, which makes another program as soon as the generator changes.
            text += &format!("\n# failed {fails} of {CONFIRMATIONS} times\n{notes}{program}");
            known.push(it.program);
        }
    }
    println!("failing programs, shrunk:\n{text}");
    let open = std::fs::OpenOptions::new().append(true).open(file);
    let written = open.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("cannot write {}: {error}", file.display()))
}

/// Shrinks all these programs together: the candidates of all run at once. Returns each with a result and its number of
/// failures. If the smallest program fails only at times, its steps have lost their order, and the original is returned.
fn shrink(original: Vec<Failing>) -> Result<Vec<(Failing, Outcome, usize)>, String> {
    let mut smallest = original.clone();
    for round in 0..ROUNDS {
        let mut left_out = false;
        let mut all: Vec<(usize, Program)> = Vec::new();
        for (at, it) in smallest.iter().enumerate() {
            let candidates = candidates(&it.program).into_iter().filter(|it| !it.bodies.is_empty());
            let candidates: Vec<Program> = candidates.collect();
            // Each round tries others, if there are too many.
            let parts = candidates.len().div_ceil(CANDIDATES / smallest.len()).max(1);
            left_out |= parts > 1;
            all.extend(candidates.into_iter().skip(round % parts).step_by(parts).map(|candidate| (at, candidate)));
        }
        let programs: Vec<Program> = all.iter().map(|(_, program)| program.clone()).collect();
        let report = run(&programs)?;
        let mut any = false;
        for ((at, candidate), outcome) in all.into_iter().zip(&report.outcomes) {
            let it = &mut smallest[at];
            let fails = outcome.false_proofs.iter().any(|found| found.class() == it.class);
            if fails && candidate.size() < it.program.size() {
                it.program = candidate;
                any = true;
            }
        }
        if !any && !left_out {
            break;
        }
    }
    let confirmed = confirm(smallest)?;
    let (firm, loose): (Vec<_>, Vec<_>) =
        confirmed.into_iter().zip(original).partition(|((.., fails), _)| *fails == CONFIRMATIONS);
    let originals = confirm(loose.into_iter().map(|(_, original)| original).collect())?;
    Ok(firm.into_iter().map(|(confirmed, _)| confirmed).chain(originals).collect())
}

/// Runs each program several times, and returns a result and the number of failures.
fn confirm(programs: Vec<Failing>) -> Result<Vec<(Failing, Outcome, usize)>, String> {
    let again: Vec<Program> = programs.iter().flat_map(|it| vec![it.program.clone(); CONFIRMATIONS]).collect();
    let report = run(&again)?;
    let confirmed = report.outcomes.chunks(CONFIRMATIONS).zip(programs).map(|(outcomes, it)| {
        let mut failing = outcomes.iter().filter(|outcome| !outcome.false_proofs.is_empty());
        let fails = failing.clone().count();
        (it, failing.next().unwrap_or(&outcomes[0]).clone(), fails)
    });
    Ok(confirmed.collect())
}
