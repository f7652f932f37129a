//! Words that several commands use.

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

/// A time as people read it, in China's zone.
pub(crate) fn time(ms: u64) -> String {
    genesis::rendering::render_time(TimeMs::new(ms))
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
