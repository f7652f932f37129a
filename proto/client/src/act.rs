//! Acts: one operation, signed by the role that may decide it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use proto::schema::act::{Approve, RulePropose, SchemePropose};
use proto::schema::{Body, OperationKind};
use proto::submitter::SubmitterRole;
use serde_json::json;

use crate::args::{self, Cli, Propose, ProposeCommand};
use crate::connection::{Fate, connect, fate, submit};
use crate::identity::{Identity, repeatable};
use crate::output::Output;
use crate::words::code_text;

/// Largest scheme definition: far above the longest code's grammar.
const DEFINITION_BYTES_MAX: u64 = 48 * 1024;

/// Submits one operation and says what became of it: recorded now, recorded before and thus without
/// effect, or refused, with exit code 3.
pub(crate) async fn submit_one(
    cli: &Cli,
    role: SubmitterRole,
    (kind, record, body): (OperationKind, &str, &Body),
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let identity = Identity::open(cli, role)?;
    let operation = identity.operation(kind, record, body)?;
    let uid = operation.uid;
    let channel = connect(cli).await?;
    let outcome = submit(&channel, &identity, vec![operation], output).await?;
    let receipt = outcome.receipts.first();
    let receipt = receipt.context("节点的回答没有回执 the node answered without a receipt")?;
    let fate = fate(receipt, outcome.height);
    // What the first one raised is not raised again.
    let alerts = if fate == Fate::RecordedBefore { &[] } else { receipt.alerts.as_slice() };
    output.value(&json!({
        "op_uid": uid.to_string(), "height": receipt.height, "receipt": receipt.receipt_index,
        "code": receipt.code, "already_recorded": fate == Fate::RecordedBefore,
        "reason": receipt.reason, "text": output.pick(&receipt.text_zh, &receipt.text_en),
        "alerts": alerts.iter().map(|notice| json!({"code": notice.code, "alert": notice.alert})).collect::<Vec<_>>(),
    }))?;
    let word = match fate {
        Fate::Recorded => output.pick("已上链", "recorded"),
        Fate::RecordedBefore => {
            output.pick("早已上链，本次未改变任何内容", "recorded before, nothing changed")
        }
        Fate::Refused => {
            let text = output.pick(&receipt.text_zh, &receipt.text_en);
            output.line(format!(
                "{} [{}] {text}",
                output.pick("被拒绝", "refused"),
                receipt.reason
            ));
            return Ok(ExitCode::from(3));
        }
    };
    let (height, index) = (receipt.height, receipt.receipt_index);
    output.line(format!("{word} {height}/{index} · op_uid {uid}"));
    for notice in alerts {
        output.line(format!("{}: {}", code_text(notice.code, output), notice.alert));
    }
    Ok(ExitCode::SUCCESS)
}

/// `jjj propose`
pub(crate) async fn propose(
    cli: &Cli,
    args: &ProposeCommand,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let (kind, record, body) = match &args.command {
        Propose::Scheme { file } => {
            let definition = read_text(file)?;
            let record = format!("scheme:{definition}");
            let body = Body::SchemePropose(SchemePropose { definition });
            (OperationKind::SchemePropose, record, body)
        }
        Propose::Rule { parameter, value, agency, again } => {
            let scope = agency.map(|agency| agency.to_string()).unwrap_or_default();
            let record = format!("rule:{parameter}:{scope}:{value}");
            let record = repeatable(record, again.as_deref());
            let (parameter, value) = (parameter.clone(), *value);
            let body = Body::RulePropose(RulePropose { parameter, scope, value });
            (OperationKind::RulePropose, record, body)
        }
    };
    submit_one(cli, SubmitterRole::Agency, (kind, &record, &body), output).await
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    Ok(genesis::files::read_text(path, DEFINITION_BYTES_MAX)?.trim().to_owned())
}

/// `jjj approve`
pub(crate) async fn approve(
    cli: &Cli,
    args: &args::Approve,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let expected = "proposal：应为提案的 op_uid，32 位十六进制数 \
                    expected 32 hexadecimal digits, the op_uid of the proposal";
    let proposal = hex::decode(&args.proposal).ok();
    let proposal = proposal.filter(|bytes| bytes.len() == 16).context(expected)?;
    let record = format!("approve:{}:{}", args.proposer, args.proposal);
    let record = repeatable(record, args.again.as_deref());
    let body = Body::Approve(Approve { proposal, proposer: args.proposer });
    submit_one(cli, SubmitterRole::Agency, (OperationKind::Approve, &record, &body), output).await
}
