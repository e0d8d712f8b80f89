//! The rows of a screen, taken one by one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws a line into a row, if there is one.
pub fn put(buffer: &mut Buffer, row: Rect, line: &Line) {
    if !row.is_empty() {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

/// Takes rows off a screen, from its top and its bottom; empty ones when none is left.
pub struct Rows {
    /// The rows that are left.
    pub rest: Rect,
}

impl Rows {
    /// Takes the first row.
    pub fn top(&mut self) -> Rect {
        self.top_if(true)
    }

    /// Takes the first row if it is wanted.
    pub fn top_if(&mut self, wanted: bool) -> Rect {
        let height = self.rest.height.min(wanted.into());
        let row = Rect { height, ..self.rest };
        self.rest.y += height;
        self.rest.height -= height;
        row
    }

    /// Takes the last row if it is wanted.
    pub fn bottom_if(&mut self, wanted: bool) -> Rect {
        let height = self.rest.height.min(wanted.into());
        self.rest.height -= height;
        Rect { y: self.rest.y + self.rest.height, height, ..self.rest }
    }
}
