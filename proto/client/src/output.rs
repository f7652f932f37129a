//! What people and programs read: text in two languages, or JSON.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use genesis::words::Language;
use serde::Serialize;
use tonic_types::StatusExt as _;

use crate::args::{Cli, Lang};

/// How the command speaks.
pub(crate) struct Output {
    json: bool,
    language: Language,
}

#[expect(clippy::disallowed_methods, reason = "the language of messages is the caller's locale")]
fn locale() -> Option<String> {
    std::env::var("LANG").ok()
}

impl Output {
    /// As the arguments and the locale say.
    pub(crate) fn new(cli: &Cli) -> Self {
        let language = match cli.lang {
            Some(Lang::Zh) => Language::Zh,
            Some(Lang::En) => Language::En,
            None => Language::of_locale(locale().as_deref()),
        };
        Self { json: cli.json, language }
    }

    /// Whether programs read the output.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// The language.
    pub(crate) const fn language(&self) -> Language {
        self.language
    }

    /// One of two texts.
    pub(crate) fn pick<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        match self.language {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    /// A line for people; nothing where programs read.
    pub(crate) fn line(&self, text: impl Display) {
        if !self.json {
            self.write(text);
        }
    }

    /// Ends the command where what it says cannot be written. A reader that has seen enough, as in
    /// `jjj alerts | head`, changes nothing in what the command does or how it ends.
    fn write(&self, text: impl Display) {
        let Err(error) = writeln!(std::io::stdout().lock(), "{text}") else { return };
        if error.kind() != ErrorKind::BrokenPipe {
            self.error(&anyhow::Error::new(error).context("标准输出 standard output"));
            std::process::exit(1);
        }
    }

    /// Says that what follows is the node's bare word.
    pub(crate) fn unproven(&self) {
        self.line(self.pick("节点所述（未作证明）", "as the node says (not proven)"));
    }

    /// Says how much an answer leaves out; nothing where it shows all.
    pub(crate) fn left_out(&self, count: u64) {
        if let Some(text) = left_out(count, self.language) {
            self.line(text);
        }
    }

    /// A value for programs; nothing where people read.
    pub(crate) fn value(&self, value: &impl Serialize) -> anyhow::Result<()> {
        if self.json {
            self.write(serde_json::to_string_pretty(value)?);
        }
        Ok(())
    }

    /// A table for people; nothing where programs read.
    pub(crate) fn table(&self, head: &[&str], rows: Vec<Vec<String>>) {
        let mut table = Table::new();
        table
            .load_style(UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(head.to_vec());
        for row in rows {
            table.add_row(row);
        }
        self.line(table);
    }

    /// Why the command failed, on standard error.
    #[expect(clippy::print_stderr, reason = "the one place that writes to standard error")]
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let word = self.pick("错误", "error");
        match error.downcast_ref::<tonic::Status>() {
            Some(status) => {
                let details = status.get_error_details();
                let reason = details.error_info().map(|info| info.reason.clone());
                let reason = reason.map(|reason| format!(" [{reason}]")).unwrap_or_default();
                eprintln!("{word}: {}{reason}", status.message());
            }
            None => eprintln!("{word}: {error:#}"),
        }
    }
}

/// How much an answer leaves out, in words.
fn left_out(count: u64, language: Language) -> Option<String> {
    let text = match language {
        Language::Zh => format!("另有 {count} 条未列出"),
        Language::En => format!("{count} more are not listed"),
    };
    (count > 0).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_in_both_languages_and_nothing_is_said_where_all_is_shown() {
        for (count, zh, en) in
            [(0, None, None), (1_201, Some("另有 1201 条未列出"), Some("1201 more are not listed"))]
        {
            assert_eq!(left_out(count, Language::Zh).as_deref(), zh, "{count}");
            assert_eq!(left_out(count, Language::En).as_deref(), en, "{count}");
        }
    }
}
