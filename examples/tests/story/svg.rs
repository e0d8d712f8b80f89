//! A terminal's screen as an SVG.

use crate::screen::Frame;
use std::fmt::Write;
use vt100::{Cell, Color};

/// Width and height of a cell, in pixels.
const CELL: (f64, f64) = (8.4, 18.0);
/// Distance from the top of a row to the base line of its text.
const BASE: f64 = 13.5;
const MARGIN: f64 = 14.0;
const FOREGROUND: &str = "#d5d8de";
const BACKGROUND: &str = "#15171c";
const FONT: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";
/// The 16 colours that each terminal chooses.
const PALETTE: [&str; 16] = [
    "#2a2d34", "#d3505a", "#6aa84f", "#c9a227", "#4a86c5", "#a86fc0", "#4fb0b0", "#c5c8ce", "#7f8793", "#ff6b74",
    "#8fd36b", "#f0cf5a", "#74acf0", "#cf95e6", "#74dada", "#ffffff",
];

/// Cells of a row that look the same.
struct Run {
    column: usize,
    text: String,
    style: Style,
}

#[derive(Clone, PartialEq, Eq)]
struct Style {
    foreground: String,
    /// `None` for the background of the screen.
    background: Option<String>,
    bold: bool,
    underline: bool,
}

/// The screen with some texts replaced, such as `("127.0.0.1:41234", "127.0.0.1:8080")`.
pub fn of(frame: &Frame, replaced: &[(&str, &str)]) -> String {
    let rows = frame.cells();
    let columns = rows.first().map_or(0, Vec::len);
    let (width, height) = (columns as f64 * CELL.0 + 2.0 * MARGIN, rows.len() as f64 * CELL.1 + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\">\n<title>consolation in a terminal</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"{FONT}\" font-size=\"14\" fill=\"{FOREGROUND}\">\n"
    );
    for (row, cells) in rows.iter().enumerate() {
        let top = MARGIN + row as f64 * CELL.1;
        let mut shift = 0;
        for mut run in runs(cells) {
            run.column = run.column.saturating_add_signed(shift);
            let length = run.text.chars().count();
            run.text = replaced.iter().fold(run.text, |text, (old, new)| text.replace(old, new));
            shift += run.text.chars().count().wrapping_sub(length) as isize;
            draw(&mut svg, &run, top);
        }
    }
    svg + "</g>\n</svg>\n"
}

/// The runs of a row from left to right, without runs that show nothing.
fn runs(cells: &[&Cell]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (column, cell) in cells.iter().enumerate() {
        let (style, blank) = (style(cell), !cell.has_contents() || cell.contents() == " ");
        let text = if cell.has_contents() { cell.contents() } else { " " };
        match runs.last_mut() {
            // A blank has no foreground.
            Some(run)
                if run.style == style
                    || (blank
                        && run.style.background == style.background
                        && !run.style.underline
                        && !style.underline) =>
            {
                run.text.push_str(text);
            }
            _ => runs.push(Run { column, text: text.to_owned(), style }),
        }
    }
    runs.retain(|run| run.style.background.is_some() || !run.text.trim().is_empty());
    runs
}

fn style(cell: &Cell) -> Style {
    let (mut foreground, mut background) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
    if cell.inverse() {
        (foreground, background) =
            (Some(background.unwrap_or(BACKGROUND.to_owned())), Some(foreground.unwrap_or(FOREGROUND.to_owned())));
    }
    Style {
        foreground: foreground.unwrap_or(FOREGROUND.to_owned()),
        background,
        bold: cell.bold(),
        underline: cell.underline(),
    }
}

/// `None` for the default colour.
fn colour(colour: Color) -> Option<String> {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * u32::from(step) };
    match colour {
        Color::Default => None,
        Color::Idx(index @ 0..16) => Some(PALETTE[usize::from(index)].to_owned()),
        Color::Idx(index @ 16..232) => {
            let index = index - 16;
            let (red, green, blue) = (level(index / 36), level(index / 6 % 6), level(index % 6));
            Some(format!("#{red:02x}{green:02x}{blue:02x}"))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * u32::from(index - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}

fn draw(svg: &mut String, run: &Run, top: f64) {
    let left = MARGIN + run.column as f64 * CELL.0;
    let width = run.text.chars().count() as f64 * CELL.0;
    if let Some(background) = &run.style.background {
        let height = CELL.1;
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{background}\" shape-rendering=\"crispEdges\"/>"
        );
    }
    let text = run.text.trim_start();
    let left = left + (run.text.chars().count() - text.chars().count()) as f64 * CELL.0;
    let text = text.trim_end();
    if text.is_empty() {
        return;
    }
    let width = text.chars().count() as f64 * CELL.0;
    let mut attributes = String::new();
    if run.style.foreground != FOREGROUND {
        let _ = write!(attributes, " fill=\"{}\"", run.style.foreground);
    }
    if run.style.bold {
        attributes.push_str(" font-weight=\"bold\"");
    }
    if run.style.underline {
        attributes.push_str(" text-decoration=\"underline\"");
    }
    // The length keeps columns aligned in every font.
    let _ = writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\"{attributes}>{}</text>",
        top + BASE,
        escaped(text)
    );
}

/// Blanks become no-break spaces: an SVG shows several blanks as one.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(' ', "\u{a0}")
}

#[test]
fn text_is_escaped_and_colours_are_kept() {
    let mut parser = vt100::Parser::new(1.try_into().unwrap(), 20.try_into().unwrap(), 0);
    parser.process("a<b \x1b[1;31m&\x1b[0m  \x1b[48;5;52mc\x1b[0m".as_bytes());
    let svg = of(&Frame::of(parser.screen()), &[("a", "aa")]);
    let texts: Vec<&str> =
        svg.lines().filter(|line| line.starts_with("<text") || line.starts_with("<rect x")).collect();
    let text = |column: f64, columns: f64, rest: &str| {
        let (x, length) = (MARGIN + column * CELL.0, columns * CELL.0);
        format!(
            "<text x=\"{x:.1}\" y=\"27.5\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\"{rest}</text>"
        )
    };
    assert_eq!(
        texts,
        [
            text(0.0, 4.0, ">aa&lt;b"),
            text(5.0, 1.0, " fill=\"#d3505a\" font-weight=\"bold\">&amp;"),
            format!(
                "<rect x=\"{:.1}\" y=\"14.0\" width=\"8.4\" height=\"18.0\" fill=\"#5f0000\" shape-rendering=\"crispEdges\"/>",
                MARGIN + 8.0 * CELL.0
            ),
            text(8.0, 1.0, ">c"),
        ]
    );
}
