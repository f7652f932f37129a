//! Whether a proven answer answers the question: a node may send a true proof of something else. It
//! compares what the verifier found with what was asked, and proves nothing itself.

use ledger::bundle::Direction;
use ledger::words::{self, Words};
use verify::{Detail, Event, Report, TracePart};

/// What was asked of a trace.
pub(crate) struct Question<'a> {
    /// Code as a platform writes it.
    pub(crate) code: &'a str,
    /// Agency that captured a code which no scheme knows.
    pub(crate) agency: Option<u32>,
    /// Which way.
    pub(crate) direction: Direction,
    /// As of which height, where it matters.
    pub(crate) height: Option<u64>,
}

/// A trace answers where it is the only claim, of the units of the code, in the direction and at the
/// height asked for; otherwise what was asked and what came.
pub(crate) fn trace(report: &Report, asked: &Question<'_>) -> Result<(), Words> {
    let answers = match claims(report).as_slice() {
        [Detail::Trace(found)] => {
            let height = found.facts.at.height.value();
            found.facts.direction == asked.direction
                && asked.height.is_none_or(|asked| asked == height)
                && starts_there(found, asked)
        }
        []
        | [Detail::Event(_) | Detail::Receipt(_) | Detail::State | Detail::Window(_)]
        | [_, _, ..] => false,
    };
    if answers {
        return Ok(());
    }
    let code = words::quoted(asked.code.as_bytes());
    let (zh, en) = match asked.direction {
        Direction::Back => ("溯源（来源）", "a trace back"),
        Direction::Forward => ("追踪（去向）", "a trace forward"),
        Direction::Both => ("溯源与追踪", "a trace back and forward"),
        Direction::Unspecified => ("追溯", "a trace"),
    };
    let mut question = Words::new(format!("{} 的{zh}", code.zh), format!("{en} of {}", code.en));
    if let Some(agency) = asked.agency {
        question.push(&format!("（机构 {agency}）"), &format!(" captured by agency {agency}"));
    }
    if let Some(height) = asked.height {
        question.push(&format!("（高度 {height}）"), &format!(" at height {height}"));
    }
    Err(mismatch(&question, report))
}

/// A proof answers where it is the only claim, of the receipt asked for.
pub(crate) fn receipt(report: &Report, (height, index): (u64, u32)) -> Result<(), Words> {
    let is_asked =
        |event: &Event| event.height.value() == height && event.receipt_index == Some(index);
    let answers = match claims(report).as_slice() {
        [Detail::Event(event) | Detail::Receipt(event)] => is_asked(event),
        [] | [Detail::State | Detail::Trace(_) | Detail::Window(_)] | [_, _, ..] => false,
    };
    if answers {
        return Ok(());
    }
    let question = Words::new(
        format!("高度 {height} 第 {index} 号回执"),
        format!("receipt {index} of height {height}"),
    );
    Err(mismatch(&question, report))
}

fn claims(report: &Report) -> Vec<&Detail> {
    report.claims.iter().map(|claim| &claim.detail).collect()
}

/// A code that no scheme knows may be a unit of several agencies: then every start must be one of them.
fn starts_there(found: &TracePart, asked: &Question<'_>) -> bool {
    let of_agency = |key: &[u8]| {
        let opaque = key.starts_with(b"OPAQUE:");
        !opaque || asked.agency.is_none_or(|at| key.starts_with(format!("OPAQUE:{at}:").as_bytes()))
    };
    !found.starts.is_empty()
        && found
            .starts
            .iter()
            .all(|start| found.is_unit_of(start, asked.code) && of_agency(&start.key))
}

fn mismatch(question: &Words, report: &Report) -> Words {
    let mut words = Words::new(
        format!("节点给出的证明答非所问：所问为{}，所答为", question.zh),
        format!("the node's proof answers another question: asked was {}, proven is ", question.en),
    );
    if report.claims.is_empty() {
        words.push("空", "nothing");
    }
    for (position, claim) in report.claims.iter().enumerate() {
        if position > 0 {
            words.push("；又 ", "; and ");
        }
        words.append(&claim.words);
    }
    words
}

#[cfg(test)]
mod tests;
