//! Colours. What they say is also said by words or by signs: with `NO_COLOR` nothing is lost.

use insight_protocol::{Severity, TaskState, Tier};
use ratatui::style::{Color, Modifier, Style};

/// What is drawn how.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    colour: bool,
}

impl Theme {
    /// With colours or without.
    pub fn new(colour: bool) -> Theme {
        Theme { colour }
    }

    /// With colours unless the environment says `NO_COLOR`.
    pub fn from_environment() -> Theme {
        Theme::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    /// A title.
    pub fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The heading of a section or a column.
    pub fn heading(self) -> Style {
        self.foreground(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// What is beside the point.
    pub fn dim(self) -> Style {
        if self.colour { Style::new().fg(Color::DarkGray) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    /// Source text.
    pub fn source(self) -> Style {
        self.foreground(Color::Green)
    }

    /// A key in a footer, a link.
    pub fn accent(self) -> Style {
        self.foreground(Color::Cyan)
    }

    /// What is not as it should be.
    pub fn warning(self) -> Style {
        self.foreground(Color::Yellow)
    }

    /// What stands in the way.
    pub fn alarm(self) -> Style {
        self.foreground(Color::LightRed)
    }

    /// Why a task waits: white on dark red.
    pub fn reason(self) -> Style {
        self.both(Color::Indexed(231), Color::Indexed(52))
    }

    /// A problem of this severity and tier.
    pub fn problem(self, severity: Severity, tier: Tier) -> Style {
        match (severity, tier) {
            (Severity::Hang, Tier::Proven) => self.alarm(),
            (Severity::Hang, Tier::Suspected) | (Severity::Degraded, _) => self.warning(),
            (Severity::Notice, _) => self.accent(),
        }
    }

    /// The line that says a hang was found.
    pub fn banner(self, tier: Tier) -> Style {
        let style = match tier {
            Tier::Proven => self.both(Color::Indexed(231), Color::Indexed(160)),
            Tier::Suspected => self.both(Color::Indexed(16), Color::Indexed(214)),
        };
        style.add_modifier(Modifier::BOLD)
    }

    /// Where the cursor is.
    pub fn cursor(self) -> Style {
        self.both(Color::Indexed(231), Color::Indexed(24))
    }

    /// A task's state; `None` when it is not seen.
    pub fn state(self, state: Option<TaskState>) -> Style {
        match state {
            Some(TaskState::Running) => self.foreground(Color::Green),
            Some(TaskState::Scheduled) => self.foreground(Color::Yellow),
            Some(TaskState::Idle) => Style::new(),
            Some(TaskState::Completed) | None => self.dim(),
        }
    }

    fn foreground(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    fn both(self, foreground: Color, background: Color) -> Style {
        if self.colour {
            Style::new().fg(foreground).bg(background)
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        }
    }
}
