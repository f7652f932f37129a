//! `jjj trace`: asks for a complete proof, checks it, and shows nothing that was not proven.

use std::collections::BTreeSet;
use std::process::ExitCode;

use api::trace::trace_service_client::TraceServiceClient;
use api::trace::{Direction as Asked, ProofMode, Quantities, TraceRequest, TraceUnit};
use genesis::files::{Access, write_durably};
use genesis::words::Language;
use ledger::bundle::{Bundle, Direction as Proven};
use ledger::words::Words;
use serde_json::json;
use verify::{Options, Report};

use crate::answer::{self, Question};
use crate::args::{Cli, Direction, Trace};
use crate::connection::{ANSWER_BYTES_MAX, connect, request};
use crate::identity::trusted_genesis;
use crate::output::Output;
use crate::words::amount;

/// Pins as the services take them: ascending, none twice.
pub(crate) fn ascending(pins: &[u64]) -> Vec<u64> {
    pins.iter().copied().collect::<BTreeSet<u64>>().into_iter().collect()
}

/// `jjj trace`
pub(crate) async fn run(cli: &Cli, args: &Trace, output: &Output) -> anyhow::Result<ExitCode> {
    let mut client =
        TraceServiceClient::new(connect(cli).await?).max_decoding_message_size(ANSWER_BYTES_MAX);
    let (direction, proven) = match args.direction {
        Direction::Back => (Asked::Back, Proven::Back),
        Direction::Forward => (Asked::Forward, Proven::Forward),
        Direction::Both => (Asked::Both, Proven::Both),
    };
    let message = TraceRequest {
        codes: vec![args.code.clone()],
        direction: direction.into(),
        proof_mode: ProofMode::Complete.into(),
        at_height: args.at_height.unwrap_or_default(),
        min_height: 0,
        unit_limit: 0,
        agency: args.agency,
        pins: ascending(&args.pins),
    };
    let answer = client.trace(request(message, output)).await?.into_inner();
    let report = checked(cli, &answer.bundle, output)?;
    let (code, agency) = (args.code.as_str(), args.agency);
    // 0 asks the node for its newest certified height, as no height does.
    let height = args.at_height.filter(|height| *height > 0);
    let question = Question { code, agency, direction: proven, height };
    answer::trace(&report, &question).map_err(|words| refused(&words, output))?;
    if let Some(path) = &args.proof {
        write_durably(path, &answer.bundle, Access::Everyone)?;
        let bytes = answer.bundle.len();
        output.line(format!(
            "{} {} ({bytes} {})",
            output.pick("存证文件", "proof bundle"),
            path.display(),
            output.pick("字节", "bytes"),
        ));
    }
    output.value(&json!({
        "verified": report.json(),
        "units": answer.units.iter().map(unit_json).collect::<Vec<_>>(),
        "truncated": answer.truncated,
    }))?;
    show_claims(&report, output);
    show_units(&answer.units, output);
    Ok(ExitCode::SUCCESS)
}

/// Verifies a bundle against the trusted genesis document.
pub(crate) fn checked(cli: &Cli, bytes: &[u8], output: &Output) -> anyhow::Result<Report> {
    let chain = trusted_genesis(cli)?.chain();
    let bundle = Bundle::from_bytes(bytes).map_err(verify::Failure::unreadable);
    let report = bundle.and_then(|bundle| verify::verify(chain, &bundle, &Options::default()));
    report.map_err(|failure| {
        let refused = output.pick("节点给出的证明不成立", "the node's proof does not hold");
        anyhow::anyhow!("{refused}: {}", failure.text(language(output)))
    })
}

/// The refusal of a true proof of something else.
pub(crate) fn refused(words: &Words, output: &Output) -> anyhow::Error {
    anyhow::Error::msg(output.pick(&words.zh, &words.en).to_owned())
}

/// What was proven, in words and as a tree.
pub(crate) fn show_claims(report: &Report, output: &Output) {
    output.line(report.text(language(output)));
}

fn language(output: &Output) -> verify::Language {
    match output.language() {
        Language::Zh => verify::Language::Zh,
        Language::En => verify::Language::En,
    }
}

fn unit_json(unit: &TraceUnit) -> serde_json::Value {
    let held = unit.quantities.clone().unwrap_or_default();
    json!({
        "unit": unit.unit, "holder": unit.holder, "station": unit.station, "alerts": unit.alerts,
        "uom": held.uom, "in_stock_milli": held.in_stock_milli, "sold_milli": held.sold_milli,
        "in_transit_milli": held.in_transit_milli, "disposed_milli": held.disposed_milli,
        "consumed_milli": held.consumed_milli, "proven": false,
    })
}

/// What the node says beside the proof: where the units were at the height of the answer, a dash where
/// it does not say.
fn show_units(units: &[TraceUnit], output: &Output) {
    let rows = units.iter().map(|unit| {
        let held = |text: fn(&Quantities) -> String| {
            unit.quantities.as_ref().map_or_else(|| "—".to_owned(), text)
        };
        vec![
            unit.unit.clone(),
            unit.holder.clone(),
            held(|held| format!("{} {}", amount(held.in_stock_milli), held.uom)),
            held(|held| amount(held.sold_milli)),
            held(|held| amount(held.in_transit_milli)),
            unit.alerts.join(", "),
        ]
    });
    let head = [
        output.pick("追溯单元", "unit"),
        output.pick("持有人", "holder"),
        output.pick("在库", "in stock"),
        output.pick("已售", "sold"),
        output.pick("在途", "in transit"),
        output.pick("预警", "alerts"),
    ];
    output.unproven();
    output.table(&head, rows.collect());
}
