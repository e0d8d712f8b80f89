//! What is on the screen, as a function of the picture and of where the user is.

pub mod columns;
pub mod help;
pub mod page;
pub mod problem;
pub mod program_list;
pub mod resource;
pub mod status;
pub mod task;
pub mod task_list;
pub mod trace;

use crate::args::Address;
use crate::picture::Picture;
use crate::shares::Shares;
use crate::theme::Theme;
use crate::traces::Traces;
use insight_model::Model;
use std::time::Instant;

/// What every view draws from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// What is known.
    pub picture: &'a Picture,
    /// The tasks' shares of the last second or two.
    pub shares: &'a Shares,
    /// What was asked for of where tasks wait.
    pub traces: &'a Traces,
    /// Where the program listens.
    pub address: &'a Address,
    /// The colours.
    pub theme: Theme,
    /// The time by which silence is measured.
    pub now: Instant,
}

impl<'a> Scene<'a> {
    /// The program.
    pub fn model(&self) -> &'a Model {
        &self.picture.model
    }
}
