//! Words that several commands use.

use genesis::words::Language;
use ledger::words;
use proto::TimeMs;

use crate::output::Output;

/// What an alert code says: the rule, and what happened to the alert.
pub(crate) fn code_text(code: u32, output: &Output) -> String {
    let (rule, change) = (code % 1000, code / 1000);
    let text = match change {
        0 => output.pick("预警", "alert raised"),
        1 => output.pick("预警解除", "alert closed"),
        2 => output.pick("预警撤回", "alert withdrawn"),
        _ => output.pick("预警已阅", "alert acknowledged"),
    };
    format!("R{rule:02} {text}")
}

/// A time as the verifier writes it: Beijing time in Chinese, UTC in English; a dash where none is
/// stated, which the API writes as 0.
pub(crate) fn time(ms: u64, language: Language) -> String {
    if ms == 0 {
        return "—".to_owned();
    }
    let words = words::time(TimeMs::new(ms));
    match language {
        Language::Zh => words.zh,
        Language::En => words.en,
    }
}

/// An amount in thousandths as people read it.
pub(crate) fn amount(milli: u64) -> String {
    let (whole, rest) = (milli / 1000, milli % 1000);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:03}").trim_end_matches('0').to_owned()
}

/// Degrees of a coordinate in micro-degrees.
pub(crate) fn degrees(micro: i64) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let value = micro.unsigned_abs();
    format!("{sign}{}.{:06}", value / 1_000_000, value % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_beijings_in_chinese_and_utc_in_english() {
        for (ms, zh, en) in [
            (0, "—", "—"),
            (1_617_292_800_000, "北京时间 2021-04-02 00:00:00.000", "2021-04-01T16:00:00.000Z"),
        ] {
            assert_eq!(time(ms, Language::Zh), zh, "{ms}");
            assert_eq!(time(ms, Language::En), en, "{ms}");
        }
        // A node's wrong answer ends no command.
        assert!(!time(u64::MAX, Language::Zh).is_empty());
    }
}
