//! Colours. Words or signs have the same facts: with `NO_COLOR` nothing is lost.

use insight_protocol::{Severity, TaskState, Tier};
use ratatui::style::{Color, Modifier, Style};

/// The styles of a screen.
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

    /// A detail.
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

    /// A fact that needs care.
    pub fn warning(self) -> Style {
        self.foreground(Color::Yellow)
    }

    /// A cause of a hang.
    pub fn alarm(self) -> Style {
        self.foreground(Color::LightRed)
    }

    /// The reason of a wait: white on dark red.
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

    /// The line above every view while there is a hang.
    pub fn banner(self, tier: Tier) -> Style {
        let style = match tier {
            Tier::Proven => self.both(Color::Indexed(231), Color::Indexed(160)),
            Tier::Suspected => self.both(Color::Indexed(16), Color::Indexed(214)),
        };
        style.add_modifier(Modifier::BOLD)
    }

    /// The line with the cursor.
    pub fn cursor(self) -> Style {
        self.both(Color::Indexed(231), Color::Indexed(24))
    }

    /// A task's state; `None` if unknown.
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
