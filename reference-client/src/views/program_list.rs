//! The running programs, to choose one: as text, as JSON, and as a list for the terminal.

use super::cursor::mark;
use super::status;
use crate::running::Program;
use crate::text::{count, duration, fit, width};
use crate::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::{Value, json};

const TITLES: [&str; 6] = ["#", "NAME", "PID", "ADDRESS", "UP", "COMMAND"];
/// The last column takes the rest of the line.
const FIXED: usize = TITLES.len() - 1;

/// The facts of each program, one row each. `now_unix_ms` is the present time.
fn rows(programs: &[Program], now_unix_ms: u64) -> Vec<[String; TITLES.len()]> {
    let row = |(index, program): (usize, &Program)| {
        let announcement = &program.announcement;
        let up_ms = now_unix_ms.saturating_sub(announcement.started_unix_ms);
        let up = duration(up_ms.saturating_mul(1_000_000));
        [
            (index + 1).to_string(),
            announcement.process.name.clone(),
            announcement.process.pid.to_string(),
            announcement.address.to_string(),
            if program.answers { up } else { format!("{up}, no answer") },
            announcement.command.join(" "),
        ]
        .map(|text| fit(&text, usize::MAX))
    };
    programs.iter().enumerate().map(row).collect()
}

fn widths(rows: &[[String; TITLES.len()]]) -> [usize; FIXED] {
    std::array::from_fn(|column| {
        let longest = rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
        longest.max(width(TITLES[column]))
    })
}

/// The columns before the last one, with spaces between them.
fn fixed<'t>(cells: impl IntoIterator<Item = &'t str>, widths: &[usize; FIXED]) -> String {
    let cell = |(text, columns): (&str, &usize)| format!("{text}{}  ", " ".repeat(columns.saturating_sub(width(text))));
    cells.into_iter().zip(widths).map(cell).collect()
}

/// The list as text, with a line for the titles.
pub fn text(programs: &[Program], now_unix_ms: u64) -> String {
    let rows = rows(programs, now_unix_ms);
    let widths = widths(&rows);
    let mut text = format!("{}{}\n", fixed(TITLES, &widths), TITLES[FIXED]);
    for row in &rows {
        let line = fixed(row.iter().map(String::as_str), &widths) + &row[FIXED];
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The list as a JSON document: each announcement, and whether the program answers.
pub fn json(programs: &[Program]) -> String {
    let program = |program: &Program| {
        let mut value = json!(program.announcement);
        value["answers"] = json!(program.answers);
        value
    };
    let programs: Vec<Value> = programs.iter().map(program).collect();
    format!("{:#}\n", json!({ "programs": programs }))
}

/// The list in a terminal, and the cursor in it.
pub struct ProgramList {
    rows: Vec<[String; TITLES.len()]>,
    index: usize,
    offset: usize,
    height: usize,
}

/// The result of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice {
    /// None yet.
    None,
    /// To end.
    Quit,
    /// The program with this index.
    Program(usize),
}

impl ProgramList {
    /// A list with the cursor at its first program.
    pub fn new(programs: &[Program], now_unix_ms: u64) -> ProgramList {
        ProgramList { rows: rows(programs, now_unix_ms), index: 0, offset: 0, height: 1 }
    }

    /// Takes a key. A digit chooses one of the first nine programs.
    pub fn on_key(&mut self, event: KeyEvent) -> Choice {
        let last = self.rows.len().saturating_sub(1);
        if event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            let quits = event.code == KeyCode::Char('c') && event.modifiers.contains(KeyModifiers::CONTROL);
            return if quits { Choice::Quit } else { Choice::None };
        }
        self.index = match event.code {
            KeyCode::Char('q') | KeyCode::Esc => return Choice::Quit,
            KeyCode::Enter => return Choice::Program(self.index),
            KeyCode::Char(digit @ '1'..='9') => match digit as usize - '1' as usize {
                index if index <= last => return Choice::Program(index),
                _ => self.index,
            },
            KeyCode::Down | KeyCode::Char('j') => (self.index + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => self.index.saturating_sub(1),
            KeyCode::PageDown => (self.index + self.height).min(last),
            KeyCode::PageUp => self.index.saturating_sub(self.height),
            KeyCode::End | KeyCode::Char('G') => last,
            KeyCode::Home | KeyCode::Char('g') => 0,
            _ => self.index,
        };
        Choice::None
    }

    /// Draws the whole screen.
    pub fn draw(&mut self, theme: Theme, area: Rect, buffer: &mut Buffer) {
        let columns = usize::from(area.width);
        // The title, the row of titles, and the keys.
        self.height = usize::from(area.height).saturating_sub(3).max(1);
        self.offset = self.offset.max((self.index + 1).saturating_sub(self.height)).min(self.index);
        let widths = widths(&self.rows);
        let title = format!(" {} with insight", count(self.rows.len() as u64, "program"));
        let mut lines = vec![
            Line::from(Span::styled(fit(&title, columns), theme.title())),
            Line::from(Span::styled(
                fit(&format!(" {}{}", fixed(TITLES, &widths), TITLES[FIXED]), columns),
                theme.heading(),
            )),
        ];
        let room = columns.saturating_sub(1 + widths.iter().map(|width| width + 2).sum::<usize>());
        for row in self.rows.iter().skip(self.offset).take(self.height) {
            let first = fit(&format!(" {}", fixed(row.iter().map(String::as_str), &widths)), columns);
            lines.push(Line::from(vec![
                Span::styled(first, Style::new()),
                Span::styled(fit(&row[FIXED], room), theme.dim()),
            ]));
        }
        for (line, y) in lines.iter().zip(area.y..area.bottom()) {
            buffer.set_line(area.x, y, line, area.width);
        }
        let marked = area.y.saturating_add(u16::try_from(2 + self.index - self.offset).unwrap_or(u16::MAX));
        if marked < area.bottom() {
            mark(buffer, Rect { y: marked, height: 1, ..area }, theme);
        }
        if area.height > 3 {
            let keys = [(6, "↑↓", "move"), (8, "Enter", "open"), (5, "1-9", "by number"), (7, "q", "quit")];
            buffer.set_line(area.x, area.bottom() - 1, &status::keys(theme, &keys, columns), area.width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insight_protocol::announcement::Announcement;
    use insight_protocol::{Clock, Process, StreamHeader, with};

    fn program(pid: u32, name: &str, command: &[&str], answers: bool) -> Program {
        let header = StreamHeader::new("session", Process::new(pid, name));
        let header = with!(header, clock = Clock::new(10_000_000 - u64::from(pid) * 1000));
        let command = command.iter().map(|argument| (*argument).to_owned());
        let announcement = Announcement::new(header, command, ([127, 0, 0, 1], 41234).into());
        Program { announcement, answers }
    }

    fn programs() -> Vec<Program> {
        vec![
            program(7, "barbara", &["target/debug/barbara", "--fast"], true),
            program(4127, "a\x1b[31m\nb", &["./a", "--key\u{202e}"], false),
            program(90, "名前", &[], true),
        ]
    }

    fn screen(list: &mut ProgramList, width: u16, height: u16) -> Vec<String> {
        let area = Rect { x: 0, y: 0, width, height };
        let mut buffer = Buffer::empty(area);
        list.draw(Theme::new(false), area, &mut buffer);
        let line = |y| {
            if width == 0 {
                return String::new();
            }
            let reversed = buffer[(0, y)].modifier.contains(ratatui::style::Modifier::REVERSED);
            let mut text = String::new();
            let mut x = 0;
            while x < width {
                let symbol = buffer[(x, y)].symbol();
                text.push_str(symbol);
                x += crate::text::width(symbol).max(1) as u16;
            }
            format!("{}{}", if reversed { ">" } else { "" }, text.trim_end())
        };
        (0..height).map(line).collect()
    }

    #[test]
    fn the_list_is_harmless_text() {
        assert_eq!(
            text(&programs(), 10_000_000),
            "\
#  NAME      PID   ADDRESS          UP                    COMMAND
1  barbara   7     127.0.0.1:41234  7.0 s                 target/debug/barbara --fast
2  a\u{fffd}[31m\u{fffd}b  4127  127.0.0.1:41234  1 h 8 min, no answer  ./a --key\u{fffd}
3  名前      90    127.0.0.1:41234  1 min 30 s
"
        );
    }

    #[test]
    fn the_json_has_the_announcements() {
        let document: Value = serde_json::from_str(&json(&programs())).unwrap();
        assert_eq!(document["programs"][1]["answers"], false);
        assert_eq!(document["programs"][1]["process"]["name"], "a\x1b[31m\nb");
        assert_eq!(document["programs"][0]["address"], "127.0.0.1:41234");
        assert_eq!(json(&[]), "{\n  \"programs\": []\n}\n");
    }

    #[test]
    fn a_program_is_chosen_by_the_cursor_or_by_its_number() {
        let check = |keys: &[KeyCode], expect: Choice| {
            let mut list = ProgramList::new(&programs(), 0);
            let outcome = keys.iter().map(|key| list.on_key(KeyEvent::from(*key))).last();
            assert_eq!(outcome, Some(expect), "{keys:?}");
        };
        check(&[KeyCode::Enter], Choice::Program(0));
        check(&[KeyCode::Down, KeyCode::Char('j'), KeyCode::Down, KeyCode::Enter], Choice::Program(2));
        check(&[KeyCode::End, KeyCode::Up, KeyCode::Enter], Choice::Program(1));
        check(&[KeyCode::Up, KeyCode::Enter], Choice::Program(0));
        check(&[KeyCode::Char('3')], Choice::Program(2));
        check(&[KeyCode::Char('4')], Choice::None);
        check(&[KeyCode::Char('q')], Choice::Quit);
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(ProgramList::new(&programs(), 0).on_key(control_c), Choice::Quit);
    }

    #[test]
    fn the_cursor_is_on_the_screen_at_each_size() {
        let mut list = ProgramList::new(&programs(), 10_000_000);
        assert_eq!(
            screen(&mut list, 60, 7),
            [
                " 3 programs with insight",
                " #  NAME      PID   ADDRESS          UP                    …",
                "> 1  barbara   7     127.0.0.1:41234  7.0 s                 …",
                " 2  a\u{fffd}[31m\u{fffd}b  4127  127.0.0.1:41234  1 h 8 min, no answer  …",
                " 3  名前      90    127.0.0.1:41234  1 min 30 s",
                "",
                " ↑↓ move  Enter open  1-9 by number  q quit",
            ]
        );
        list.on_key(KeyEvent::from(KeyCode::End));
        let small = screen(&mut list, 24, 4);
        assert!(small[2].starts_with("> 3  名前"), "{small:?}");
        for (width, height) in [(1, 1), (0, 5), (5, 0), (3, 2), (10, 3)] {
            screen(&mut list, width, height);
        }
    }
}
