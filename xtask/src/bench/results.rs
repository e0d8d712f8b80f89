//! The measured figures.

use std::collections::BTreeMap;

/// A row and a configuration.
type Case = (String, String);

/// All samples, by row and configuration, and by figure.
#[derive(Debug, Default)]
pub struct Results(BTreeMap<Case, BTreeMap<String, Vec<f64>>>);

impl Results {
    /// Adds the output of a process: lines of `measured` or `client` with `figure=number`. Returns the number of figures.
    pub fn take(&mut self, row: &str, configuration: &str, printed: &str) -> usize {
        let case = self.0.entry((row.to_owned(), configuration.to_owned())).or_default();
        let mut taken = 0;
        for line in printed.lines().filter(|line| line.starts_with("measured ") || line.starts_with("client ")) {
            for (figure, number) in line.split(' ').filter_map(|pair| pair.split_once('=')) {
                let Ok(number) = number.parse() else { continue };
                case.entry(figure.to_owned()).or_default().push(number);
                taken += 1;
            }
        }
        taken
    }

    fn samples(&self, row: &str, configuration: &str, figure: &str) -> &[f64] {
        self.0.get(&(row.to_owned(), configuration.to_owned())).and_then(|case| case.get(figure)).map_or(&[], |all| all)
    }

    /// The least sample.
    pub fn min(&self, row: &str, configuration: &str, figure: &str) -> Option<f64> {
        self.samples(row, configuration, figure).iter().copied().min_by(f64::total_cmp)
    }

    /// The greatest sample.
    pub fn max(&self, row: &str, configuration: &str, figure: &str) -> Option<f64> {
        self.samples(row, configuration, figure).iter().copied().max_by(f64::total_cmp)
    }

    /// The median of the samples.
    pub fn median(&self, row: &str, configuration: &str, figure: &str) -> Option<f64> {
        let mut samples = self.samples(row, configuration, figure).to_vec();
        samples.sort_by(f64::total_cmp);
        let middle = samples.len() / 2;
        match samples.as_slice() {
            [] => None,
            all if all.len() % 2 == 1 => Some(all[middle]),
            all => Some((all[middle - 1] + all[middle]) / 2.0),
        }
    }

    /// The least sample of a configuration less the least sample of bare.
    pub fn above_bare(&self, row: &str, configuration: &str, figure: &str) -> Option<f64> {
        Some(self.min(row, configuration, figure)? - self.min(row, "bare", figure)?)
    }

    /// Whether a row has samples.
    pub fn has(&self, row: &str) -> bool {
        self.0.iter().any(|((name, _), figures)| name == row && !figures.is_empty())
    }

    /// All rows and configurations with their figures.
    pub fn cases(&self) -> impl Iterator<Item = (&str, &str, Vec<&str>)> {
        self.0.iter().map(|((row, configuration), figures)| {
            (row.as_str(), configuration.as_str(), figures.keys().map(String::as_str).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_figures_are_added_and_other_lines_are_ignored() {
        let mut results = Results::default();
        let line =
            |ns: f64| format!("insight: listening\nmeasured cpu_ns={ns} wall_ns=60\nclient lost=0\nx cpu_ns=1\n");
        for ns in [43.0, 41.0, 45.5, 42.0] {
            assert_eq!(results.take("poll", "bare", &line(ns)), 3);
        }
        assert_eq!(results.min("poll", "bare", "cpu_ns"), Some(41.0));
        assert_eq!(results.median("poll", "bare", "cpu_ns"), Some(42.5));
        assert_eq!(results.max("poll", "bare", "cpu_ns"), Some(45.5));
        assert_eq!(results.min("poll", "on", "cpu_ns"), None);
        assert_eq!(results.take("poll", "on", "measured cpu_ns=52.5\nmeasured count=nothing"), 1);
        assert_eq!(results.above_bare("poll", "on", "cpu_ns"), Some(11.5));
        assert_eq!(results.median("poll", "on", "cpu_ns"), Some(52.5));
        assert!(results.has("poll") && !results.has("spawn"));
    }
}
