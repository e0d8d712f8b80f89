//! The lines around a finding: it is held back until those after it have come.

use crate::Finding;
use std::collections::VecDeque;
use std::rc::Rc;

/// How many lines are shown before and after the one that is found.
const AROUND: usize = 3;

/// The most that is kept of a line for showing it.
pub const TEXT_LIMIT: usize = 64 << 10;

/// A line near a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextLine {
    /// Its number, from 1.
    pub number: u64,
    /// Its text without its end; what is not UTF-8 is U+FFFD. Only the start of one of more than [`TEXT_LIMIT`] bytes.
    pub text: String,
    /// How many bytes it has.
    pub bytes: u64,
}

/// The last lines, and the findings that wait for the next ones.
#[derive(Debug, Default)]
pub(crate) struct Context {
    before: VecDeque<Rc<ContextLine>>,
    held: VecDeque<Finding>,
}

impl Context {
    /// Takes the next line, and gives the findings that have all of their lines by that.
    pub fn line(&mut self, number: u64, text: &str, bytes: u64) -> Vec<Finding> {
        let kept = &text[..text.floor_char_boundary(TEXT_LIMIT)];
        let line = Rc::new(ContextLine { number, text: kept.to_owned(), bytes });
        for finding in &mut self.held {
            finding.context.push(Rc::clone(&line));
        }
        self.before.push_back(line);
        if self.before.len() > AROUND + 1 {
            self.before.pop_front();
        }
        let ready = self.held.iter().take_while(|finding| finding.line + AROUND as u64 <= number).count();
        self.held.drain(..ready).collect()
    }

    /// Holds a finding of the last line back, or of the end of the stream.
    pub fn hold(&mut self, mut finding: Finding) {
        let near = |line: &&Rc<ContextLine>| finding.line > 0 && line.number + AROUND as u64 >= finding.line;
        finding.context = self.before.iter().filter(near).cloned().collect();
        self.held.push_back(finding);
    }

    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// No further lines shall be waited for.
    pub fn release(&mut self) -> Vec<Finding> {
        self.held.drain(..).collect()
    }
}
