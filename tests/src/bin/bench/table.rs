//! The table: each figure beside its ceiling.

use std::io::{Stdout, Write as _, stdout};

/// Lines of figures, printed as they come.
#[derive(Debug)]
pub(crate) struct Table {
    out: Stdout,
    failed: Vec<&'static str>,
}

/// Columns that the name of a figure takes.
const NAME_WIDTH: usize = 40;

/// Columns that a figure takes.
const FIGURE_WIDTH: usize = 38;

/// Whether a floor is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It is.
    Pass,
    /// It is not.
    Fail,
}

impl From<bool> for Verdict {
    fn from(is_kept: bool) -> Self {
        if is_kept { Self::Pass } else { Self::Fail }
    }
}

fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

impl Default for Table {
    fn default() -> Self {
        Self { out: stdout(), failed: Vec::new() }
    }
}

impl Table {
    fn print(&self, line: &str) {
        writeln!(self.out.lock(), "{line}").expect("somebody reads the figures");
    }

    /// A line that is no figure.
    pub(crate) fn note(&self, text: &str) {
        self.print(text);
    }

    /// The head of a part.
    pub(crate) fn part(&self, name: &str) {
        self.print("");
        self.print(&format!(
            "{}{}ceiling, measured in this run",
            padded(name, NAME_WIDTH),
            padded("", FIGURE_WIDTH)
        ));
    }

    /// A figure beside its ceiling.
    pub(crate) fn row(&self, name: &str, figure: &str, ceiling: &str) {
        let name = padded(&format!("  {name}"), NAME_WIDTH);
        self.print(format!("{name}{}{ceiling}", padded(figure, FIGURE_WIDTH)).trim_end());
    }

    /// Whether a floor is kept.
    pub(crate) fn floor(&mut self, name: &'static str, figure: &str, verdict: Verdict) {
        let word = match verdict {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
        };
        self.print(&format!("  {word} {name}: {figure}"));
        if verdict == Verdict::Fail {
            self.failed.push(name);
        }
    }

    /// Whether every floor is kept.
    pub(crate) const fn is_kept(&self) -> bool {
        self.failed.is_empty()
    }
}
