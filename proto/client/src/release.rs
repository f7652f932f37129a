//! `jjj release`: notices for the public, enterprises and agencies.

use std::process::ExitCode;

use api::release::ListReleasesRequest;
use api::release::release_service_client::ReleaseServiceClient;
use proto::schema::act::{ReleasePublish, ReleaseWithdraw};
use proto::schema::{Body, OperationKind};
use proto::submitter::SubmitterRole;
use serde_json::json;

use crate::act;
use crate::args::{Cli, Release, ReleaseCommand};
use crate::connection::{ANSWER_BYTES_MAX, connect, request};
use crate::output::Output;
use crate::words::time;

/// `jjj release`
pub(crate) async fn run(
    cli: &Cli,
    args: &ReleaseCommand,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match &args.command {
        Release::Publish(publish) => {
            let record = format!("release:{}", publish.id);
            let body = Body::ReleasePublish(ReleasePublish {
                id: publish.id.clone(),
                kind: publish.kind.clone(),
                title: publish.title.clone(),
                body: publish.body.clone(),
                audience: publish.audience.clone(),
                level: publish.level,
                codes: publish.codes.clone(),
                parties: Vec::new(),
                alerts: publish.alerts.clone(),
                valid_until_ms: 0,
            });
            let operation = (OperationKind::ReleasePublish, record.as_str(), &body);
            act::submit_one(cli, SubmitterRole::Regulator, operation, output).await
        }
        Release::Withdraw { id, reason } => {
            let record = format!("withdraw:{id}");
            let (id, reason) = (id.clone(), reason.clone());
            let body = Body::ReleaseWithdraw(ReleaseWithdraw { id, reason });
            let operation = (OperationKind::ReleaseWithdraw, record.as_str(), &body);
            act::submit_one(cli, SubmitterRole::Regulator, operation, output).await
        }
        Release::List { all } => list(cli, *all, output).await,
    }
}

#[expect(clippy::fn_params_excessive_bools, reason = "the request's own field")]
async fn list(cli: &Cli, include_withdrawn: bool, output: &Output) -> anyhow::Result<ExitCode> {
    let mut client =
        ReleaseServiceClient::new(connect(cli).await?).max_decoding_message_size(ANSWER_BYTES_MAX);
    let (mut releases, mut page_token) = (Vec::new(), String::new());
    let left_out = loop {
        let message = ListReleasesRequest { include_withdrawn, page_size: 1000, page_token };
        let page = client.list_releases(request(message, output)).await?.into_inner();
        releases.extend(page.releases);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break page.left_out;
        }
    };
    let values = releases.iter().map(|release| {
        json!({
            "id": release.id, "agency": release.agency, "kind": release.kind,
            "title": release.title, "body": release.body, "audience": release.audience,
            "level": release.level, "codes": release.codes, "alerts": release.alerts,
            "withdrawn": release.withdrawn, "withdrawn_reason": release.withdrawn_reason,
            "published_ms": release.published_ms,
        })
    });
    output.value(&json!({
        "proven": false, "releases": values.collect::<Vec<_>>(),
        "truncated": left_out > 0, "left_out": left_out,
    }))?;
    output.unproven();
    let head = [
        output.pick("编号", "id"),
        output.pick("标题", "title"),
        output.pick("级别", "level"),
        output.pick("发布时间", "published"),
        output.pick("状态", "state"),
    ];
    let rows = releases.iter().map(|release| {
        let state = if release.withdrawn {
            format!("{}: {}", output.pick("已撤回", "withdrawn"), release.withdrawn_reason)
        } else {
            output.pick("有效", "valid").to_owned()
        };
        let (id, title) = (release.id.clone(), release.title.clone());
        vec![
            id,
            title,
            release.level.to_string(),
            time(release.published_ms, output.language()),
            state,
        ]
    });
    output.table(&head, rows.collect());
    output.left_out(left_out);
    Ok(ExitCode::SUCCESS)
}
