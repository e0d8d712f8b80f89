//! The lines around a finding. A finding is held back until the lines after it have arrived.

use crate::Finding;
use std::collections::VecDeque;
use std::rc::Rc;

/// Number of lines that are shown before a finding, and after it.
const AROUND: usize = 3;

/// Maximum size of the text that is kept of a line, in bytes.
pub const TEXT_LIMIT: usize = 64 << 10;

/// A line near a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextLine {
    /// Its number, from 1.
    pub number: u64,
    /// Its text without the line end, and at most the first [`TEXT_LIMIT`] bytes. U+FFFD replaces bytes that are not UTF-8.
    pub text: String,
    /// Size of the whole line, in bytes.
    pub bytes: u64,
}

/// The last lines, and the findings that wait for the next ones.
#[derive(Debug, Default)]
pub(crate) struct Context {
    before: VecDeque<Rc<ContextLine>>,
    held: VecDeque<Finding>,
}

impl Context {
    /// Adds the next line, and returns the findings that now have all of their lines.
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

    /// Holds back a finding in the last line or at the end of the stream.
    pub fn hold(&mut self, mut finding: Finding) {
        let near = |line: &&Rc<ContextLine>| finding.line > 0 && line.number + AROUND as u64 >= finding.line;
        finding.context = self.before.iter().filter(near).cloned().collect();
        self.held.push_back(finding);
    }

    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Returns all findings that are held back, without waiting for further lines.
    pub fn release(&mut self) -> Vec<Finding> {
        self.held.drain(..).collect()
    }
}
