//! `jjj match`, `alerts`, `locate`, `status`, `block`, `prove`: what a node is asked and what a person reads.

use std::process::ExitCode;

use anyhow::Context as _;
use api::alert::alert_service_client::AlertServiceClient;
use api::alert::{
    Alert, AlertState, AlertTotal, GetAlertRequest, GetAlertResponse, ListAlertsRequest,
};
use api::ledger::ledger_service_client::LedgerServiceClient;
use api::ledger::{GetBlockRequest, ProveOperationRequest};
use api::node::node_service_client::NodeServiceClient;
use api::node::{GetStatusRequest, GetStatusResponse};
use api::trace::trace_service_client::TraceServiceClient;
use api::trace::{
    GetMatchesRequest, GetMatchesResponse, Holding, LocateRequest, LocateResponse, MatchStatus,
    Quantities, SubjectKind, Trip,
};
use genesis::files::{Access, write_durably};
use genesis::words::Language;
use proto::block::BlockHeader;
use proto::codec::Canonical as _;
use proto::glossary::Term;
use proto::schema::act::{AlertAcknowledge, MatchDecision};
use proto::schema::{Body, OperationKind};
use proto::submitter::SubmitterRole;
use serde_json::json;
use tonic::Code;
use tonic::transport::Channel;

use crate::args::{Alerts, Block, Cli, Kind, Locate, Match, Prove};
use crate::connection::{ANSWER_BYTES_MAX, connect, request};
use crate::identity::{acknowledgement, repeatable};
use crate::output::Output;
use crate::words::{amount, degrees, time};
use crate::{act, answer, trace};

/// Subjects of an alert that a line names: an alert of a lot concerns hundreds.
const SUBJECTS_SHOWN: usize = 8;

/// `jjj match`
pub(crate) async fn matches(cli: &Cli, args: &Match, output: &Output) -> anyhow::Result<ExitCode> {
    let decision = [
        (OperationKind::MatchConfirm, &args.confirm),
        (OperationKind::MatchDispute, &args.dispute),
        (OperationKind::MatchVoid, &args.void),
    ];
    for (kind, other) in decision {
        if let Some(other) = other {
            let reason = args.reason.clone();
            let body = MatchDecision { from: args.code.clone(), to: other.clone(), reason };
            let record = format!("{}:{}:{}:{}", kind.name(), body.from, body.to, body.reason);
            let record = repeatable(record, args.again.as_deref());
            let body = Body::MatchDecision(body);
            return act::submit_one(cli, SubmitterRole::Regulator, (kind, &record, &body), output)
                .await;
        }
    }
    let mut client =
        TraceServiceClient::new(connect(cli).await?).max_decoding_message_size(ANSWER_BYTES_MAX);
    let message = GetMatchesRequest { code: args.code.clone(), agency: args.agency };
    let found = client.get_matches(request(message, output)).await?.into_inner();
    show_matches(&found, output)?;
    Ok(ExitCode::SUCCESS)
}

fn show_matches(found: &GetMatchesResponse, output: &Output) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = found
        .matches
        .iter()
        .map(|found| {
            vec![
                found.from.clone(),
                found.to.clone(),
                relation_text(&found.relation, output).to_owned(),
                status_text(found.status(), output).to_owned(),
                found.document.clone(),
                output.pick(&found.text_zh, &found.text_en).to_owned(),
            ]
        })
        .collect();
    output.value(&json!({
        "proven": false, "height": found.height, "unit": found.unit,
        "truncated": found.truncated, "left_out": found.left_out,
        "matches": found.matches.iter().map(|found| json!({
            "from": found.from, "to": found.to, "relation": found.relation,
            "status": found.status().as_str_name(), "document": found.document,
            "zh": found.text_zh, "en": found.text_en,
        })).collect::<Vec<_>>(),
    }))?;
    output.unproven();
    output.line(format!("{} {}", output.pick("追溯单元", "unit"), found.unit));
    let head = [
        output.pick("发方码", "sender's code"),
        output.pick("收方码", "receiver's code"),
        output.pick("关系", "relation"),
        output.pick("状态", "status"),
        output.pick("单号", "document"),
        output.pick("说明", "what the sides say"),
    ];
    if rows.is_empty() {
        output.line(output.pick("没有关联码", "no code of another platform is matched to it"));
    } else {
        output.table(&head, rows);
    }
    output.left_out(found.left_out);
    Ok(())
}

fn relation_text<'a>(relation: &'a str, output: &Output) -> &'a str {
    match Term::from_name(relation) {
        Some(term) => match output.pick("zh", "en") {
            "zh" => term.zh(),
            _ => term.en(),
        },
        None => relation,
    }
}

fn status_text(status: MatchStatus, output: &Output) -> &str {
    match status {
        MatchStatus::Unspecified => "",
        MatchStatus::Confirmed => output.pick("双方确认", "confirmed by both sides"),
        MatchStatus::OneSided => output.pick("单方", "one-sided"),
        MatchStatus::InDoubt => output.pick("存疑", "in doubt"),
        MatchStatus::Void => output.pick("已作废", "void"),
    }
}

/// `jjj alerts`
pub(crate) async fn alerts(cli: &Cli, args: &Alerts, output: &Output) -> anyhow::Result<ExitCode> {
    let mut client =
        AlertServiceClient::new(connect(cli).await?).max_decoding_message_size(ANSWER_BYTES_MAX);
    if let Some(id) = &args.ack {
        return acknowledge(cli, (id, &args.remark), &mut client, output).await;
    }
    if let Some(id) = &args.show {
        let message = GetAlertRequest { id: id.clone() };
        let found = client.get_alert(request(message, output)).await?.into_inner();
        show_concerned(&found, output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (mut alerts, mut page_token, mut height) = (Vec::new(), String::new(), 0);
    let left_out = loop {
        let message = ListAlertsRequest { include_closed: args.all, page_size: 1000, page_token };
        let page = client.list_alerts(request(message, output)).await?.into_inner();
        alerts.extend(page.alerts);
        (page_token, height) = (page.next_page_token, height.max(page.height));
        if page_token.is_empty() {
            break page.left_out;
        }
    };
    let values: Vec<_> = alerts.iter().map(alert_json).collect();
    output.value(&json!({
        "proven": false, "height": height, "alerts": values,
        "truncated": left_out > 0, "left_out": left_out,
    }))?;
    output.unproven();
    if alerts.is_empty() {
        output.line(output.pick("没有预警", "no alerts"));
    }
    for alert in &alerts {
        show_alert(alert, output);
    }
    output.left_out(left_out);
    Ok(ExitCode::SUCCESS)
}

/// Takes note of an alert as it was raised last: raised again, it can be taken note of again.
async fn acknowledge(
    cli: &Cli,
    (id, remark): (&str, &str),
    client: &mut AlertServiceClient<Channel>,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let asked = client.get_alert(request(GetAlertRequest { id: id.to_owned() }, output)).await;
    let raised = match asked {
        Ok(found) => found.into_inner().alert.unwrap_or_default().raised_height,
        // Whether there is such an alert is for the ledger to say.
        Err(status) if status.code() == Code::NotFound => 0,
        Err(status) => return Err(status.into()),
    };
    let body = AlertAcknowledge { alert: id.to_owned(), remark: remark.to_owned() };
    let (kind, body) = (OperationKind::AlertAcknowledge, Body::AlertAcknowledge(body));
    let record = acknowledgement(id, raised);
    act::submit_one(cli, SubmitterRole::Regulator, (kind, &record, &body), output).await
}

fn alert_json(alert: &Alert) -> serde_json::Value {
    json!({
        "id": alert.id, "rule": alert.rule, "rule_version": alert.rule_version,
        "level": alert.level, "state": alert.state().as_str_name(), "zh": alert.text_zh,
        "en": alert.text_en, "units": alert.units, "parties": alert.parties,
        "vehicles": alert.vehicles, "persons": alert.persons, "agencies": alert.agencies,
        "raised_height": alert.raised_height, "raised_ms": alert.raised_ms,
        "changed_height": alert.changed_height, "truncated": alert.truncated,
    })
}

fn show_alert(alert: &Alert, output: &Output) {
    let level = match alert.level {
        1 => output.pick("红", "red"),
        2 => output.pick("橙", "orange"),
        3 => output.pick("黄", "yellow"),
        _ => output.pick("蓝", "blue"),
    };
    let state = match alert.state() {
        AlertState::Unspecified => "",
        AlertState::Open => output.pick("未处置", "open"),
        AlertState::Acknowledged => output.pick("已阅", "acknowledged"),
        AlertState::Closed => output.pick("已解除", "closed"),
        AlertState::Withdrawn => output.pick("已撤回", "withdrawn"),
    };
    output.line(format!("[{level}] {} {} · {state}", alert.rule, alert.id));
    output.line(format!("    {}", output.pick(&alert.text_zh, &alert.text_en)));
    for (zh, en, subjects) in [
        ("单元", "units", &alert.units),
        ("主体", "parties", &alert.parties),
        ("车辆", "vehicles", &alert.vehicles),
        ("人员（隐私登记号）", "persons (commitments)", &alert.persons),
    ] {
        if let Some(text) = some_of(subjects, output.language()) {
            output.line(format!("    {}: {text}", output.pick(zh, en)));
        }
    }
    if alert.truncated {
        let (zh, en) = ("涉及更多对象，此处只列一部分", "it concerns more than is named here");
        output.line(format!("    {}", output.pick(zh, en)));
    }
}

/// The first subjects of a list and how many there are; nothing of an empty one. `--json` names all, and
/// `--show` every unit.
fn some_of(subjects: &[String], language: Language) -> Option<String> {
    let named = subjects.iter().take(SUBJECTS_SHOWN).map(String::as_str).collect::<Vec<_>>();
    let text = named.join(", ");
    if subjects.len() <= SUBJECTS_SHOWN {
        return (!subjects.is_empty()).then_some(text);
    }
    Some(match language {
        Language::Zh => format!("{text} 等 {} 个", subjects.len()),
        Language::En => format!("{text}, … {} in all", subjects.len()),
    })
}

/// `jjj locate`
pub(crate) async fn locate(cli: &Cli, args: &Locate, output: &Output) -> anyhow::Result<ExitCode> {
    let mut client =
        TraceServiceClient::new(connect(cli).await?).max_decoding_message_size(ANSWER_BYTES_MAX);
    let kind = match args.kind {
        Kind::Unit => SubjectKind::Unit,
        Kind::Party => SubjectKind::Party,
        Kind::Station => SubjectKind::Station,
        Kind::Vehicle => SubjectKind::Vehicle,
        Kind::Person => SubjectKind::Person,
        Kind::Declaration => SubjectKind::Declaration,
        Kind::Certificate => SubjectKind::Certificate,
    };
    let (subject, agency) = (args.subject.clone(), args.agency);
    let message = LocateRequest { kind: kind.into(), subject, agency };
    let found = client.locate(request(message, output)).await?.into_inner();
    show_location(&found, output)?;
    Ok(ExitCode::SUCCESS)
}

fn quantities_json(found: Option<&Quantities>) -> serde_json::Value {
    found.map_or(serde_json::Value::Null, |found| {
        json!({
            "uom": found.uom, "in_stock_milli": found.in_stock_milli,
            "sold_milli": found.sold_milli, "in_transit_milli": found.in_transit_milli,
            "disposed_milli": found.disposed_milli, "consumed_milli": found.consumed_milli,
        })
    })
}

fn holding_json(holding: &Holding) -> serde_json::Value {
    json!({
        "unit": holding.unit, "party": holding.party, "party_name": holding.party_name,
        "station": holding.station, "station_name": holding.station_name,
        "longitude": degrees(holding.longitude_micro), "latitude": degrees(holding.latitude_micro),
        "datum": holding.datum, "agency": holding.agency,
        "quantities": quantities_json(holding.quantities.as_ref()),
    })
}

fn trip_json(trip: &Trip) -> serde_json::Value {
    json!({
        "document": trip.document, "vehicle": trip.vehicle, "person": trip.person,
        "from_party": trip.from_party, "from_station": trip.from_station,
        "to_party": trip.to_party, "to_station": trip.to_station, "units": trip.units,
        "departed_ms": trip.departed_ms, "arrived_ms": trip.arrived_ms, "on_road": trip.on_road,
    })
}

/// An alert with every unit, holder, place and trip that it concerns, and the sums of them.
fn show_concerned(found: &GetAlertResponse, output: &Output) -> anyhow::Result<()> {
    let totals = found.totals.iter().map(|total| {
        json!({
            "origin_milli": total.origin_milli, "used_milli": total.used_milli,
            "quantities": quantities_json(total.quantities.as_ref()),
            "truncated": total.truncated,
        })
    });
    output.value(&json!({
        "proven": false, "height": found.height, "alert": found.alert.as_ref().map(alert_json),
        "holdings": found.holdings.iter().map(holding_json).collect::<Vec<_>>(),
        "trips": found.trips.iter().map(trip_json).collect::<Vec<_>>(),
        "totals": totals.collect::<Vec<_>>(), "truncated": found.truncated,
        "left_out": found.left_out,
    }))?;
    output.unproven();
    if let Some(alert) = &found.alert {
        show_alert(alert, output);
    }
    show_holdings(&found.holdings, output);
    show_trips(&found.trips, output);
    for total in &found.totals {
        output.line(total_text(total, output.language()));
    }
    output.left_out(found.left_out);
    if found.truncated || found.totals.iter().any(|total| total.truncated) {
        output.line(output.pick(
            "涉及范围过大：以上只是一部分，合计也只是这一部分的",
            "it concerns more: the above, and its sums, are a part",
        ));
    }
    Ok(())
}

/// What became of everything together. A node's wrong sums are shown as far as they go.
fn total_text(total: &AlertTotal, language: Language) -> String {
    let held = total.quantities.clone().unwrap_or_default();
    let parts = [
        (("已售", "sold"), held.sold_milli.saturating_sub(total.used_milli)),
        (("已用", "used"), total.used_milli),
        (("在库", "in stock"), held.in_stock_milli),
        (("在途", "in transit"), held.in_transit_milli),
        (("已处置", "disposed of"), held.disposed_milli),
    ];
    let pick = |(zh, en)| match language {
        Language::Zh => zh,
        Language::En => en,
    };
    let sum = parts.iter().fold(0, |sum: u64, (_, milli)| sum.saturating_add(*milli));
    let parts = parts.map(|(word, milli)| format!("{} {}", pick(word), amount(milli)));
    let (word, origin, sum) = (pick(("合计", "total")), amount(total.origin_milli), amount(sum));
    format!("{word} {origin} {}: {} = {sum}", held.uom, parts.join(" + "))
}

fn show_location(found: &LocateResponse, output: &Output) -> anyhow::Result<()> {
    output.value(&json!({
        "proven": false, "height": found.height,
        "holdings": found.holdings.iter().map(holding_json).collect::<Vec<_>>(),
        "trips": found.trips.iter().map(trip_json).collect::<Vec<_>>(),
        "alerts": found.alerts, "truncated": found.truncated, "left_out": found.left_out,
    }))?;
    output.unproven();
    show_holdings(&found.holdings, output);
    show_trips(&found.trips, output);
    if !found.alerts.is_empty() {
        output.line(format!("{}: {}", output.pick("预警", "alerts"), found.alerts.join(", ")));
    }
    output.left_out(found.left_out);
    Ok(())
}

fn show_holdings(holdings: &[Holding], output: &Output) {
    let rows = holdings.iter().map(|holding| {
        let held = holding.quantities.clone().unwrap_or_default();
        let place = if holding.datum.is_empty() {
            String::new() // in nobody's hands: sold, on the road, or an unregistered station
        } else {
            let (east, north) = (holding.longitude_micro, holding.latitude_micro);
            format!("{}, {} ({})", degrees(east), degrees(north), holding.datum)
        };
        vec![
            holding.unit.clone(),
            or_id(&holding.party_name, &holding.party),
            or_id(&holding.station_name, &holding.station),
            place,
            format!("{} {}", amount(held.in_stock_milli), held.uom),
            amount(held.sold_milli),
            amount(held.in_transit_milli),
        ]
    });
    let head = [
        output.pick("追溯单元", "unit"),
        output.pick("持有人", "holder"),
        output.pick("站点", "station"),
        output.pick("经度, 纬度", "longitude, latitude"),
        output.pick("在库", "in stock"),
        output.pick("已售", "sold"),
        output.pick("在途", "in transit"),
    ];
    if holdings.is_empty() {
        output.line(output.pick("没有在库货物", "nothing is held"));
    } else {
        output.table(&head, rows.collect());
    }
}

fn show_trips(trips: &[Trip], output: &Output) {
    for trip in trips {
        output.line(format!(
            "{} {}: {} → {} · {} · {} → {}",
            output.pick("运输", "trip"),
            trip.document,
            trip.from_station,
            trip.to_station,
            trip.vehicle,
            time(trip.departed_ms, output.language()),
            if trip.on_road {
                output.pick("在途", "on the road").to_owned()
            } else {
                time(trip.arrived_ms, output.language())
            },
        ));
    }
}

fn or_id(name: &str, id: &str) -> String {
    if name.is_empty() { id.to_owned() } else { name.to_owned() }
}

/// `jjj status`
pub(crate) async fn status(cli: &Cli, output: &Output) -> anyhow::Result<ExitCode> {
    let mut client =
        NodeServiceClient::new(connect(cli).await?).max_decoding_message_size(ANSWER_BYTES_MAX);
    let found = client.get_status(request(GetStatusRequest {}, output)).await?.into_inner();
    output.value(&json!({
        "chain": hex::encode(&found.chain), "version": found.version,
        "validator": found.validator, "agency": found.agency, "n": found.validators,
        "b": found.malicious_max, "q": found.quorum, "u": found.down_max, "epoch": found.epoch,
        "open_height": found.open_height, "view": found.view, "primary": found.primary,
        "voting": found.voting, "not_voting_reason": found.not_voting_reason,
        "decided": found.decided, "executed": found.executed, "certified": found.certified,
        "hardened": found.hardened, "block_hash": hex::encode(&found.block_hash),
        "state_root": hex::encode(&found.state_root),
        "history_root": hex::encode(&found.history_root), "block_ms": found.block_ms,
        "mempool_transactions": found.mempool_transactions, "mempool_bytes": found.mempool_bytes,
        "waiting_zh": found.waiting_zh, "waiting_en": found.waiting_en,
        "storage_zh": found.storage_zh, "storage_en": found.storage_en,
        "peers": found.peers.iter().map(|peer| json!({
            "validator": peer.validator, "agency": peer.agency, "connected": peer.connected,
            "executed": peer.executed, "clock_skew_ms": peer.clock_skew_ms,
        })).collect::<Vec<_>>(),
    }))?;
    show_status(&found, output);
    Ok(ExitCode::SUCCESS)
}

fn show_status(found: &GetStatusResponse, output: &Output) {
    let zh = output.pick("zh", "en") == "zh";
    let (n, q, u) = (found.validators, found.quorum, found.down_max);
    output.line(if zh {
        format!(
            "{}（共识节点 {}）· 共 {n} 家，需 {q} 家签认，可停 {u} 家",
            found.agency, found.validator
        )
    } else {
        format!(
            "{} (validator {}) · {n} validators, {q} must agree, {u} may stop",
            found.agency, found.validator
        )
    });
    for (term, height) in [
        (Term::Committed, found.decided),
        (Term::Certified, found.certified),
        (Term::Hardened, found.hardened),
    ] {
        let name = if zh { term.zh() } else { term.en() };
        output.line(format!("{height:>10}  {name}"));
    }
    let mempool = if zh { Term::Mempool.zh() } else { Term::Mempool.en() };
    output.line(format!("{:>10}  {mempool}", found.mempool_transactions));
    if !found.voting {
        let reason = &found.not_voting_reason;
        output.line(format!("{}: {reason}", output.pick("不参与投票", "does not vote")));
    }
    for peer in &found.peers {
        let state = if peer.connected {
            output.pick("已连接", "connected")
        } else {
            output.pick("未连接", "not connected")
        };
        output.line(format!(
            "    {} {}: {state}, {} {}, {} {} ms",
            peer.validator,
            peer.agency,
            output.pick("已执行", "executed"),
            peer.executed,
            output.pick("时钟差", "clock skew"),
            peer.clock_skew_ms
        ));
    }
    for (zh, en) in [(&found.waiting_zh, &found.waiting_en), (&found.storage_zh, &found.storage_en)]
    {
        let line = output.pick(zh, en);
        if !line.is_empty() {
            output.line(line);
        }
    }
}

/// `jjj block`
pub(crate) async fn block(cli: &Cli, args: &Block, output: &Output) -> anyhow::Result<ExitCode> {
    let mut client =
        LedgerServiceClient::new(connect(cli).await?).max_decoding_message_size(ANSWER_BYTES_MAX);
    let message = GetBlockRequest { height: args.height };
    let found = client.get_block(request(message, output)).await?.into_inner();
    let header = BlockHeader::decode(&found.header)
        .context("节点给出的区块头无法读取 the node's block header cannot be read")?;
    // The one check that needs no proof: the hash is the header's.
    let hash = header.hash();
    anyhow::ensure!(
        hash.as_bytes().as_slice() == found.block_hash,
        "节点给出的区块摘要与区块头不符 the node's block hash is not its header's"
    );
    output.value(&json!({
        "proven": false, "height": header.height.value(), "block_hash": hash.to_string(),
        "parent": header.parent.to_string(), "view": header.view.value(),
        "primary": header.primary.value(), "time_ms": header.time.value(),
        "transactions": header.tx_count, "operations": found.operations,
        "receipts": found.receipts, "tx_root": header.tx_root.to_string(), "level": found.level,
    }))?;
    output.unproven();
    let level = relation_text(&found.level, output).to_owned();
    for (zh, en, text) in [
        ("高度", "height", header.height.to_string()),
        ("区块", "block", hash.to_string()),
        ("上一块", "parent", header.parent.to_string()),
        ("时间", "time", time(header.time.value(), output.language())),
        ("出块节点", "primary", header.primary.to_string()),
        ("交易", "transactions", header.tx_count.to_string()),
        ("业务", "operations", found.operations.to_string()),
        ("回执", "receipts", found.receipts.to_string()),
        ("状态", "level", level),
    ] {
        output.line(format!("{}: {text}", output.pick(zh, en)));
    }
    Ok(ExitCode::SUCCESS)
}

/// `jjj prove`
pub(crate) async fn prove(cli: &Cli, args: &Prove, output: &Output) -> anyhow::Result<ExitCode> {
    let mut client =
        LedgerServiceClient::new(connect(cli).await?).max_decoding_message_size(ANSWER_BYTES_MAX);
    let message = ProveOperationRequest {
        height: args.height,
        receipt_index: args.receipt,
        pins: trace::ascending(&args.pins),
    };
    let bundle = client.prove_operation(request(message, output)).await?.into_inner().bundle;
    let report = trace::checked(cli, &bundle, output)?;
    answer::receipt(&report, (args.height, args.receipt))
        .map_err(|words| trace::refused(&words, output))?;
    write_durably(&args.proof, &bundle, Access::Everyone)?;
    trace::show_claims(&report, output);
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_subjects_is_cut_and_counted() {
        let subjects = |count: usize| vec!["S".to_owned(); count];
        for (count, zh, en) in [
            (0, None, None),
            (2, Some("S, S"), Some("S, S")),
            (
                65,
                Some("S, S, S, S, S, S, S, S 等 65 个"),
                Some("S, S, S, S, S, S, S, S, … 65 in all"),
            ),
        ] {
            assert_eq!(some_of(&subjects(count), Language::Zh).as_deref(), zh, "{count}");
            assert_eq!(some_of(&subjects(count), Language::En).as_deref(), en, "{count}");
        }
    }

    #[test]
    fn sums_of_a_wrong_answer_are_shown_and_do_not_end_the_command() {
        let total = |origin_milli, used_milli, quantities| AlertTotal {
            origin_milli,
            used_milli,
            quantities: Some(quantities),
            truncated: false,
        };
        let sold = |uom: &str, sold_milli| Quantities {
            uom: uom.to_owned(),
            sold_milli,
            ..Quantities::default()
        };
        for (total, expected) in [
            (
                total(3000, 500, sold("KGM", 3000)),
                "total 3 KGM: sold 2.5 + used 0.5 + in stock 0 + in transit 0 + disposed of 0 = 3",
            ),
            (
                total(3000, 2000, sold("KGM", 1000)),
                "total 3 KGM: sold 0 + used 2 + in stock 0 + in transit 0 + disposed of 0 = 2",
            ),
        ] {
            assert_eq!(total_text(&total, Language::En), expected);
        }
        let held = Quantities { in_stock_milli: u64::MAX, ..sold("KGM", u64::MAX) };
        assert!(!total_text(&total(0, 0, held), Language::Zh).is_empty());
    }
}
