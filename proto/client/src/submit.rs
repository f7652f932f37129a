//! `jjj submit`: a platform's file to signed transactions, with progress and a list of rejected rows.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use api::submission::TransactionOutcome;
use genesis::files::{Access, write_durably};
use genesis::words::Language;
use import::{Imported, Mapping, Rejected, Source};
use indicatif::{ProgressBar, ProgressStyle};
use proto::operation::Operation;
use serde_json::json;

use crate::args::{Cli, Format, Submit};
use crate::connection::{Fate, connect, fate, submit};
use crate::identity::Identity;
use crate::output::Output;
use crate::words::code_text;

/// Bytes of operations that go into one transaction; leaves room below the limit of 1 MiB.
const BATCH_BYTES_MAX: usize = 768 * 1024;

/// Largest file read: an end-of-day upload of 100,000 events.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Rejected rows that are shown; the reject file holds all.
const SHOWN_MAX: usize = 20;

/// What became of the operations.
#[derive(Default)]
struct Tally {
    accepted: u64,
    repeated: u64,
    refused: Vec<(u64, u32, String)>,
    alerts: Vec<(u32, String)>,
    heights: Option<(u64, u64)>,
    /// A transaction failed, and those behind it were not sent.
    interrupted: bool,
}

/// Reads, submits, reports. Exit code 3 where rows were rejected or operations refused; what had been
/// recorded when a transaction failed is reported before the failure.
pub(crate) async fn run(cli: &Cli, args: &Submit, output: &Output) -> anyhow::Result<ExitCode> {
    let imported = read(args)?;
    if let Some(path) = &args.rejects {
        write_rejects(path, &imported.rejected)?;
    }
    let identity = Identity::open(cli, args.role.into())?;
    let channel = connect(cli).await?;
    let secret = identity.salt_secret();
    let mut tally = Tally::default();
    let progress = progress(&imported, output);
    let mut failed = None;
    for batch in batches(&imported, &secret, args.batch) {
        let rows: Vec<u64> = batch.iter().map(|(row, _)| *row).collect();
        let operations = batch.into_iter().map(|(_, operation)| operation).collect();
        match submit(&channel, &identity, operations, output).await {
            Ok(outcome) => tally.add(&outcome, &rows, output),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
        progress.inc(u64::try_from(rows.len()).unwrap_or(u64::MAX));
    }
    progress.finish_and_clear();
    tally.interrupted = failed.is_some();
    report(&imported, &tally, output)?;
    if let Some(error) = failed {
        return Err(error);
    }
    let clean = imported.rejected.is_empty() && tally.refused.is_empty();
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

fn read_limited(path: &Path) -> anyhow::Result<Vec<u8>> {
    Ok(genesis::files::read(path, FILE_BYTES_MAX)?)
}

fn read(args: &Submit) -> anyhow::Result<Imported> {
    let bytes = read_limited(&args.file)?;
    let mapping = match &args.mapping {
        Some(path) => {
            let text = String::from_utf8(read_limited(path)?)
                .with_context(|| format!("{}：不是 UTF-8 not UTF-8", path.display()))?;
            Some(Mapping::parse(&text).with_context(|| path.display().to_string())?)
        }
        None => None,
    };
    let source = match (args.format, &mapping) {
        (Format::Native, _) => Source::Native,
        (Format::Epcis, _) => Source::Epcis,
        (Format::Mapped, Some(mapping)) => Source::Mapped(mapping),
        (Format::Mapped, None) => {
            anyhow::bail!(
                "--mapping：mapped 格式须有映射文件 the format mapped needs a mapping file"
            )
        }
    };
    import::import(&bytes, &source).with_context(|| args.file.display().to_string())
}

fn write_rejects(path: &Path, rejected: &[Rejected]) -> anyhow::Result<()> {
    let mut text = String::new();
    for row in rejected {
        writeln!(text, "{}", reject_json(row))?;
    }
    Ok(write_durably(path, text.as_bytes(), Access::Owner)?)
}

fn reject_json(row: &Rejected) -> serde_json::Value {
    json!({
        "row": row.row, "column": row.column, "value": row.value, "rule": row.rule,
        "zh": row.zh, "en": row.en,
    })
}

type Row = (u64, Operation);

fn batches(imported: &Imported, secret: &[u8; 32], limit: u16) -> Vec<Vec<Row>> {
    let mut batches: Vec<Vec<Row>> = Vec::new();
    let mut bytes = 0;
    for prepared in &imported.operations {
        let operation = prepared.operation(secret);
        let size = operation.body.len() + 64;
        let full = batches.last().is_none_or(|batch| {
            batch.len() >= usize::from(limit) || bytes + size > BATCH_BYTES_MAX
        });
        if full {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(batch) = batches.last_mut() {
            batch.push((prepared.row, operation));
        }
    }
    batches
}

fn progress(imported: &Imported, output: &Output) -> ProgressBar {
    let total = u64::try_from(imported.operations.len()).unwrap_or(u64::MAX);
    if output.is_json() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {elapsed}");
    let bar = ProgressBar::new(total);
    style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}

impl Tally {
    fn add(&mut self, outcome: &TransactionOutcome, rows: &[u64], output: &Output) {
        let height = outcome.height;
        let (first, last) = self.heights.unwrap_or((height, height));
        self.heights = Some((first.min(height), last.max(height)));
        for receipt in &outcome.receipts {
            let at = usize::try_from(receipt.op_index).ok().and_then(|at| rows.get(at)).copied();
            match fate(receipt, height) {
                Fate::Recorded => self.accepted += 1,
                Fate::RecordedBefore => self.repeated += 1,
                Fate::Refused => {
                    let text = output.pick(&receipt.text_zh, &receipt.text_en).to_owned();
                    self.refused.push((at.unwrap_or_default(), receipt.code, text));
                }
            }
            if receipt.height == height {
                let alerts = receipt.alerts.iter();
                self.alerts.extend(alerts.map(|notice| (notice.code, notice.alert.clone())));
            }
        }
    }
}

fn report(imported: &Imported, tally: &Tally, output: &Output) -> anyhow::Result<()> {
    output.value(&report_json(imported, tally))?;
    for line in summary(imported, tally, output.language()) {
        output.line(line);
    }
    if !imported.rejected.is_empty() {
        let head = [
            output.pick("行", "row"),
            output.pick("列", "column"),
            output.pick("规则", "rule"),
            output.pick("原因", "reason"),
        ];
        let rows = imported.rejected.iter().take(SHOWN_MAX).map(|row| {
            let reason = output.pick(&row.zh, &row.en).to_owned();
            vec![row.row.to_string(), row.column.clone(), row.rule.clone(), reason]
        });
        output.table(&head, rows.collect());
    }
    if let Some(more) = more(imported.rejected.len(), "--rejects", output.language()) {
        output.line(more);
    }
    for (row, code, text) in tally.refused.iter().take(SHOWN_MAX) {
        output.line(format!("{} {row}: [{code}] {text}", output.pick("第", "row")));
    }
    if let Some(more) = more(tally.refused.len(), "--json", output.language()) {
        output.line(more);
    }
    for (code, alert) in &tally.alerts {
        output.line(format!("{}: {alert}", code_text(*code, output)));
    }
    Ok(())
}

fn report_json(imported: &Imported, tally: &Tally) -> serde_json::Value {
    let rejected: Vec<_> = imported.rejected.iter().map(reject_json).collect();
    let refused = tally.refused.iter();
    let refused: Vec<_> =
        refused.map(|(row, code, text)| json!({"row": row, "code": code, "text": text})).collect();
    let alerts: Vec<_> =
        tally.alerts.iter().map(|(code, id)| json!({"code": code, "alert": id})).collect();
    json!({
        "rows": imported.rows, "duplicates": imported.duplicates,
        "duplicate_rows": imported.duplicate_rows, "skipped": imported.skipped,
        "operations": imported.operations.len(), "accepted": tally.accepted,
        "already_recorded": tally.repeated, "rejected": rejected, "refused": refused,
        "alerts": alerts, "first_height": tally.heights.map(|(first, _)| first),
        "last_height": tally.heights.map(|(_, last)| last), "interrupted": tally.interrupted,
    })
}

/// The counts, and what to do where a transaction failed.
fn summary(imported: &Imported, tally: &Tally, language: Language) -> Vec<String> {
    let (rows, operations) = (imported.rows, imported.operations.len());
    let (accepted, repeated) = (tally.accepted, tally.repeated);
    let (rejected, refused) = (imported.rejected.len(), tally.refused.len());
    let counts = match language {
        Language::Zh => format!(
            "读入 {rows} 行，业务 {operations} 条：上链 {accepted}，早已上链 {repeated}，退回 {rejected} 行，拒绝 {refused} 条"
        ),
        Language::En => format!(
            "{rows} rows, {operations} operations: {accepted} recorded, {repeated} recorded before, \
             {rejected} rows rejected, {refused} operations refused"
        ),
    };
    let twice = (imported.duplicates > 0).then(|| twice(imported, language));
    let advice = match language {
        Language::Zh => "提交中断，其余未得结果；再次提交不会重复",
        Language::En => {
            "interrupted, the rest has no result; submit the file again: nothing is recorded twice"
        }
    };
    let advice = tally.interrupted.then(|| advice.to_owned());
    std::iter::once(counts).chain(twice).chain(advice).collect()
}

/// The rows that say again what an earlier row of the file says.
fn twice(imported: &Imported, language: Language) -> String {
    let shown = imported.duplicate_rows.iter().take(SHOWN_MAX).map(u64::to_string);
    let rows = shown.collect::<Vec<_>>().join(", ");
    let found = imported.duplicates;
    match language {
        Language::Zh => format!("重复 {found} 行，只计一次：{rows}"),
        Language::En => format!("{found} rows stand twice and count once: {rows}"),
    }
}

/// How many rows are not shown, and where they are.
fn more(found: usize, place: &str, language: Language) -> Option<String> {
    let hidden = found.checked_sub(SHOWN_MAX).filter(|hidden| *hidden > 0)?;
    Some(match language {
        Language::Zh => format!("另有 {hidden} 条，见 {place}"),
        Language::En => format!("+{hidden} more, see {place}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_submission_says_what_is_recorded_and_what_to_do() {
        let imported = Imported::default();
        let mut tally = Tally { accepted: 100, ..Tally::default() };
        assert_eq!(summary(&imported, &tally, Language::En).len(), 1, "not interrupted");
        tally.interrupted = true;
        for (language, counted, advised) in [
            (Language::Zh, "上链 100", "再次提交不会重复"),
            (Language::En, "100 recorded", "submit the file again: nothing is recorded twice"),
        ] {
            let said = summary(&imported, &tally, language).join("\n");
            assert!(said.contains(counted) && said.contains(advised), "{said}");
        }
        assert_eq!(report_json(&imported, &tally)["interrupted"], true);
    }

    #[test]
    fn rows_that_stand_twice_are_named() {
        let mut imported = Imported { rows: 5, ..Imported::default() };
        assert_eq!(summary(&imported, &Tally::default(), Language::En).len(), 1, "none");
        (imported.duplicates, imported.duplicate_rows) = (2, vec![4, 5]);
        for (language, expected) in [
            (Language::Zh, "重复 2 行，只计一次：4, 5"),
            (Language::En, "2 rows stand twice and count once: 4, 5"),
        ] {
            let said = summary(&imported, &Tally::default(), language);
            assert_eq!(said.get(1).map(String::as_str), Some(expected), "{said:?}");
        }
        assert_eq!(report_json(&imported, &Tally::default())["duplicate_rows"], json!([4, 5]));
    }

    #[test]
    fn rows_that_are_not_shown_are_counted() {
        for (found, zh, en) in [
            (0, None, None),
            (20, None, None),
            (21, Some("另有 1 条，见 --rejects"), Some("+1 more, see --rejects")),
            (1000, Some("另有 980 条，见 --rejects"), Some("+980 more, see --rejects")),
        ] {
            assert_eq!(more(found, "--rejects", Language::Zh).as_deref(), zh, "{found}");
            assert_eq!(more(found, "--rejects", Language::En).as_deref(), en, "{found}");
        }
    }
}
