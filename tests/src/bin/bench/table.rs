//! The table: each figure beside its ceiling.

/// Lines of figures, printed as they come.
#[derive(Debug, Default)]
pub(crate) struct Table {
    failed: Vec<&'static str>,
}

/// Columns that the name of a figure takes.
const NAME_WIDTH: usize = 40;

/// Columns that a figure takes.
const FIGURE_WIDTH: usize = 38;

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn print(line: &str) {
    println!("{line}");
}

fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

impl Table {
    /// A line that is no figure.
    pub(crate) fn note(&self, text: &str) {
        print(text);
    }

    /// The head of a part.
    pub(crate) fn part(&self, name: &str) {
        print("");
        print(&format!(
            "{}{}ceiling, measured in this run",
            padded(name, NAME_WIDTH),
            padded("", FIGURE_WIDTH)
        ));
    }

    /// A figure beside its ceiling.
    pub(crate) fn row(&self, name: &str, figure: &str, ceiling: &str) {
        let name = padded(&format!("  {name}"), NAME_WIDTH);
        print(format!("{name}{}{ceiling}", padded(figure, FIGURE_WIDTH)).trim_end());
    }

    /// Whether a floor is kept.
    pub(crate) fn floor(&mut self, name: &'static str, figure: &str, kept: bool) {
        let verdict = if kept { "PASS" } else { "FAIL" };
        print(&format!("  {verdict} {name}: {figure}"));
        if !kept {
            self.failed.push(name);
        }
    }

    /// Whether every floor is kept.
    pub(crate) const fn is_kept(&self) -> bool {
        self.failed.is_empty()
    }
}
