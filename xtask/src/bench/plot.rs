//! Bar charts in SVG.

use std::fmt::Write;

const LEFT: f64 = 250.0;
const WIDTH: f64 = 900.0;
const RIGHT: f64 = 110.0;
const BAR: f64 = 14.0;
const GAP: f64 = 12.0;
const TOP: f64 = 70.0;
/// A colour for each bar of a group.
const COLOURS: [&str; 9] =
    ["#9e9e9e", "#90caf9", "#1565c0", "#0d2f66", "#00897b", "#c62828", "#ef6c00", "#f9a825", "#6a1b9a"];

/// Groups of bars, each with its name and a value for each series. `None` if it was not measured.
pub struct Plot<'a> {
    pub title: &'a str,
    pub unit: &'a str,
    pub series: &'a [&'a str],
    pub groups: Vec<(&'a str, Vec<Option<f64>>)>,
}

impl Plot<'_> {
    /// Draws the chart. The lengths are logarithmic if the longest is more than 50 times the shortest of at least 1.
    pub fn svg(&self) -> String {
        let values = || self.groups.iter().flat_map(|(_, values)| values).flatten().copied();
        let most = values().fold(1.0, f64::max);
        let least = values().filter(|value| *value >= 1.0).fold(most, f64::min);
        let logarithmic = most > 50.0 * least;
        let length = |value: f64| {
            let part = if logarithmic { value.max(1.0).ln() / most.max(1.1).ln() } else { value.max(0.0) / most };
            part * (WIDTH - LEFT - RIGHT)
        };
        let rows: usize = self.groups.iter().map(|(_, values)| values.iter().flatten().count()).sum();
        let height = TOP + rows as f64 * BAR + self.groups.len() as f64 * GAP + 10.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"10\" y=\"22\" font-size=\"15\" font-weight=\"bold\">{}</text>\n\
             <text x=\"10\" y=\"40\" fill=\"#555555\">{}{}</text>\n",
            escaped(self.title),
            escaped(self.unit),
            if logarithmic { ", lengths are logarithmic" } else { "" }
        );
        let mut x = 10.0;
        for (index, (name, colour)) in self.series.iter().zip(COLOURS).enumerate() {
            // The legend has only series with a bar.
            if !self.groups.iter().any(|(_, values)| values.get(index).is_some_and(Option::is_some)) {
                continue;
            }
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"48\" width=\"10\" height=\"10\" fill=\"{colour}\"/><text x=\"{}\" y=\"57\">{}</text>",
                x + 14.0,
                escaped(name)
            );
            x += 30.0 + 6.5 * name.len() as f64;
        }
        let mut y = TOP;
        for (name, values) in &self.groups {
            let bars = values.iter().flatten().count() as f64;
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + bars * BAR / 2.0 + 4.0,
                escaped(name)
            );
            for (value, colour) in values.iter().zip(COLOURS) {
                let Some(value) = value else { continue };
                let width = length(*value).max(1.0);
                let _ = writeln!(
                    svg,
                    "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" fill=\"{colour}\"/>\
                     <text x=\"{:.1}\" y=\"{}\">{}</text>",
                    BAR - 2.0,
                    LEFT + width + 4.0,
                    y + BAR - 4.0,
                    number(*value)
                );
                y += BAR;
            }
            y += GAP;
        }
        svg + "</svg>\n"
    }
}

/// A number with its significant digits, and commas between thousands.
pub fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('`', "").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_between_thousands() {
        let check = |value: f64, expect: &str| assert_eq!(number(value), expect);
        check(0.04, "0.0");
        check(-3.25, "-3.2");
        check(99.94, "99.9");
        check(100.4, "100");
        check(43_783.0, "43,783");
        check(-1_000_000.0, "-1,000,000");
    }

    /// The widths of the bars, in order.
    fn bars(values: &[Option<f64>]) -> Vec<f64> {
        let series = vec!["on"; values.len()];
        let svg = Plot { title: "a < b", unit: "ns", series: &series, groups: vec![("poll", values.to_vec())] }.svg();
        assert!(svg.contains("a &lt; b") && svg.ends_with("</svg>\n"));
        let widths = svg.lines().filter(|line| line.starts_with("<rect x=\"250\""));
        widths.map(|line| line.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn length_of_a_bar_is_proportional_to_its_value() {
        assert_eq!(bars(&[Some(10.0), None, Some(5.0)]), [540.0, 270.0]);
        assert_eq!(bars(&[Some(1000.0), Some(10.0)]), [540.0, 180.0], "logarithmic");
        assert_eq!(bars(&[Some(-2.0), Some(10.0)]), [1.0, 540.0]);
    }
}
