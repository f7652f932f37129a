//! `jjj evaluation`: results with their resource support.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use api::evaluation::ListEvaluationsRequest;
use api::evaluation::evaluation_service_client::EvaluationServiceClient;
use import::Source;
use proto::schema::OperationKind;
use proto::submitter::SubmitterRole;
use serde_json::{Value, json};

use crate::act;
use crate::args::{Cli, Evaluation, EvaluationCommand};
use crate::connection::{ANSWER_BYTES_MAX, connect, request};
use crate::output::Output;
use crate::words::{amount, time};

/// Largest result file.
const RESULT_BYTES_MAX: u64 = 48 * 1024;

/// `jjj evaluation`
pub(crate) async fn run(
    cli: &Cli,
    args: &EvaluationCommand,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match &args.command {
        Evaluation::Record { file } => record(cli, file, output).await,
        Evaluation::List => list(cli, output).await,
    }
}

async fn record(cli: &Cli, file: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let text = genesis::files::read_text(file, RESULT_BYTES_MAX)?;
    let mut value: Value = serde_json::from_str(&text).context("不是 JSON not JSON")?;
    let fields = value.as_object_mut().context("应为 JSON 对象 expected a JSON object")?;
    let id = fields.get("id").and_then(Value::as_str);
    let id = id.context("id：应为文本 expected a text")?;
    let record = format!("evaluation:{id}");
    fields.insert("kind".to_owned(), json!(OperationKind::Evaluation.name()));
    fields.insert("record".to_owned(), json!(record));
    let imported = import::import(value.to_string().as_bytes(), &Source::Native)?;
    if let Some(rejected) = imported.rejected.first() {
        let reason = output.pick(&rejected.zh, &rejected.en);
        anyhow::bail!("{}: {reason} [{}]", rejected.column, rejected.rule);
    }
    let prepared = imported.operations.first();
    let prepared = prepared.context("文件中没有评价结果 the file holds no result")?;
    let operation = (OperationKind::Evaluation, record.as_str(), &prepared.body);
    act::submit_one(cli, SubmitterRole::Agency, operation, output).await
}

async fn list(cli: &Cli, output: &Output) -> anyhow::Result<ExitCode> {
    let mut client = EvaluationServiceClient::new(connect(cli).await?)
        .max_decoding_message_size(ANSWER_BYTES_MAX);
    let (mut results, mut page_token) = (Vec::new(), String::new());
    let left_out = loop {
        let message = ListEvaluationsRequest { page_size: 1000, page_token };
        let page = client.list_evaluations(request(message, output)).await?.into_inner();
        results.extend(page.evaluations);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break page.left_out;
        }
    };
    let values = results.iter().map(|result| {
        json!({
            "id": result.id, "agency": result.agency, "object_kind": result.object_kind,
            "object": result.object, "score_permille": result.score_permille,
            "grade": result.grade, "resources": result.resources,
            "recorded_ms": result.recorded_ms,
        })
    });
    output.value(&json!({
        "proven": false, "evaluations": values.collect::<Vec<_>>(),
        "truncated": left_out > 0, "left_out": left_out,
    }))?;
    output.unproven();
    let head = [
        output.pick("编号", "id"),
        output.pick("评价对象", "object"),
        output.pick("得分", "score"),
        output.pick("等级", "grade"),
        output.pick("资源支持", "resource support"),
        output.pick("时间", "time"),
    ];
    let rows = results.iter().map(|result| {
        vec![
            result.id.clone(),
            format!("{} {}", result.object_kind, result.object),
            amount(u64::from(result.score_permille) * 100),
            result.grade.clone(),
            result.resources.join("; "),
            time(result.recorded_ms, output.language()),
        ]
    });
    output.table(&head, rows.collect());
    output.left_out(left_out);
    Ok(ExitCode::SUCCESS)
}
