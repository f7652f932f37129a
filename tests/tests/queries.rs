#![cfg(test)]
//! What the services that read answer: where goods are, how much proof comes with a trace, all that an
//! alert concerns, and each in the language of whoever asks.

use api::alert::alert_service_client::AlertServiceClient;
use api::alert::{GetAlertRequest, GetAlertResponse, ListAlertsRequest};
use api::ledger::ledger_service_client::LedgerServiceClient;
use api::ledger::{GetBlockRequest, ProveOperationRequest};
use api::trace::trace_service_client::TraceServiceClient;
use api::trace::{
    Direction, Holding, LocateRequest, LocateResponse, ProofMode, SubjectKind, TraceRequest,
    TraceResponse, Trip,
};
use ledger::bundle::Bundle;
use proto::operation::{OpUid, Operation, Salt};
use proto::schema::body::BODY_VERSION;
use proto::schema::event::{Event, Item, Quantity, TestOutcome, Uom};
use proto::schema::{Body, OperationKind};
use tests::devnet::Devnet;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

const SENDER: &str = "91110106MA0DE10166";

const RECEIVER: &str = "91120116MA0DE2019A";

const TRUCK: &str = "津A12345";

/// 2021-03-01 00:00 in Beijing.
const LEFT_MS: u64 = 1_614_528_000_000;

const ARRIVED_MS: u64 = LEFT_MS + 3 * 3_600_000;

fn boxes(code: &str, count: u64) -> Item {
    let quantity = Some(Quantity { milli: 1_000 * count, uom: Uom::Xbx.into() });
    Item { code: code.to_owned(), quantity, counterpart: String::new() }
}

fn at(occurred_ms: u64, party: &str, document: &str, items: Vec<Item>) -> Event {
    Event {
        occurred_ms,
        party: party.to_owned(),
        station: format!("S-{party}"),
        document: document.to_owned(),
        items,
        ..Event::default()
    }
}

fn operation(kind: OperationKind, record: &str, event: Event) -> Operation {
    let (uid, body) = (OpUid::of_record("queries", record), Body::Event(event).encode());
    Operation { kind: kind.code(), version: BODY_VERSION, uid, salt: Salt([7; 16]), body }
}

fn ship(document: &str, items: Vec<Item>) -> Operation {
    let event = Event {
        counterparty: RECEIVER.to_owned(),
        vehicle: TRUCK.to_owned(),
        ..at(LEFT_MS, SENDER, document, items)
    };
    operation(OperationKind::Ship, &format!("ship {document}"), event)
}

fn receive(document: &str, items: Vec<Item>) -> Operation {
    let event = Event {
        counterparty: SENDER.to_owned(),
        vehicle: TRUCK.to_owned(),
        ..at(ARRIVED_MS, RECEIVER, document, items)
    };
    operation(OperationKind::Receive, &format!("receive {document}"), event)
}

/// Records operations; the height that holds them.
async fn recorded(net: &Devnet, operations: Vec<Operation>) -> anyhow::Result<u64> {
    let outcome = net.submit(0, &net.sign(0, operations)?).await??;
    for receipt in &outcome.receipts {
        assert_eq!(receipt.code, 0, "{receipt:?}");
    }
    Ok(outcome.height)
}

async fn trips(net: &Devnet, kind: SubjectKind, subject: &str) -> anyhow::Result<Vec<Trip>> {
    Ok(located(net, kind, subject).await?.trips)
}

#[tokio::test]
async fn a_received_box_is_not_on_the_road_and_has_its_times() -> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    let loaded = ship("D-1", vec![boxes("BOX-1", 3), boxes("BOX-2", 2)]);
    recorded(&net, vec![loaded, ship("D-2", vec![boxes("BOX-3", 1)])]).await?;
    let asked =
        [(SubjectKind::Unit, "BOX-1"), (SubjectKind::Unit, "BOX-2"), (SubjectKind::Vehicle, TRUCK)];
    let of = |trips: Vec<Trip>, document: &str| {
        let mut trips = trips.into_iter().filter(|trip| trip.document == document);
        let trip = trips.next().expect("the trip is shown");
        assert!(trips.next().is_none(), "a trip is shown once");
        trip
    };
    for (kind, subject) in asked {
        let trip = of(trips(&net, kind, subject).await?, "D-1");
        assert_eq!((trip.departed_ms, trip.arrived_ms), (LEFT_MS, 0), "{trip:?}");
        assert!(trip.on_road, "{trip:?}");
    }
    recorded(&net, vec![receive("D-1", vec![boxes("BOX-1", 3), boxes("BOX-2", 2)])]).await?;
    for (kind, subject) in asked {
        let trip = of(trips(&net, kind, subject).await?, "D-1");
        assert_eq!((trip.departed_ms, trip.arrived_ms), (LEFT_MS, ARRIVED_MS), "{trip:?}");
        assert!(!trip.on_road, "{trip:?}");
        // Each side named its own place alone.
        assert!(!trip.from_station.is_empty() && !trip.to_station.is_empty(), "{trip:?}");
    }
    let still = of(trips(&net, SubjectKind::Vehicle, TRUCK).await?, "D-2");
    assert!(still.on_road, "{still:?}");
    Ok(())
}

async fn located(net: &Devnet, kind: SubjectKind, subject: &str) -> anyhow::Result<LocateResponse> {
    let request = LocateRequest { kind: kind.into(), subject: subject.to_owned(), agency: Some(0) };
    Ok(TraceServiceClient::new(net.channel(0)?).locate(request).await?.into_inner())
}

/// More than a lorry's newest trips that one answer shows, in an order that is not that of time.
const SHUFFLED: u64 = 1_100;

fn shuffled(place: u64) -> u64 {
    place * 7_919 % SHUFFLED
}

#[tokio::test]
async fn the_newest_trips_and_the_largest_holdings_come_first_and_what_is_left_out_is_counted()
-> anyhow::Result<()> {
    const MINUTE_MS: u64 = 60_000;
    let net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    let places: Vec<u64> = (0..SHUFFLED).collect();
    for places in places.chunks(550) {
        let lots = places.iter().map(|place| boxes(&format!("LOT-{place}"), 1 + shuffled(*place)));
        let stock = at(LEFT_MS, SENDER, "", lots.collect());
        let mut operations =
            vec![operation(OperationKind::OpeningStock, &format!("stock {places:?}"), stock)];
        for place in places {
            let event = Event {
                counterparty: RECEIVER.to_owned(),
                vehicle: TRUCK.to_owned(),
                station: "S-dock".to_owned(),
                ..at(
                    LEFT_MS + shuffled(*place) * MINUTE_MS,
                    SENDER,
                    &format!("D-{}", shuffled(*place)),
                    vec![boxes("BULK", 1)],
                )
            };
            operations.push(operation(OperationKind::Ship, &format!("ship {place}"), event));
        }
        recorded(&net, operations).await?;
    }
    let all = usize::try_from(SHUFFLED)?;
    let shown = |answer: &LocateResponse| -> Vec<String> {
        answer.trips.iter().map(|trip| trip.document.clone()).collect()
    };
    let newest: Vec<String> = (100..SHUFFLED).rev().map(|minute| format!("D-{minute}")).collect();
    for (kind, subject) in [(SubjectKind::Vehicle, TRUCK), (SubjectKind::Unit, "BULK")] {
        let answer = located(&net, kind, subject).await?;
        assert_eq!((answer.truncated, answer.left_out), (true, 100), "{kind:?}");
        assert_eq!(shown(&answer), newest, "{kind:?}");
        for (trip, minute) in answer.trips.iter().zip((0..SHUFFLED).rev()) {
            assert_eq!(trip.departed_ms, LEFT_MS + minute * MINUTE_MS, "{kind:?} {trip:?}");
            assert!(trip.on_road, "{kind:?} {trip:?}");
        }
    }
    let answer = located(&net, SubjectKind::Station, &format!("S-{SENDER}")).await?;
    assert_eq!((answer.holdings.len(), answer.truncated, answer.left_out), (all, false, 0));
    let stock = |held: &Holding| held.quantities.as_ref().map(|held| held.in_stock_milli);
    let stocks: Vec<_> = answer.holdings.iter().filter_map(stock).collect();
    let expected: Vec<u64> = (1..=SHUFFLED).rev().map(|count| 1_000 * count).collect();
    assert_eq!(stocks, expected, "the largest first");
    Ok(())
}

async fn traced(
    net: &Devnet,
    asked: TraceRequest,
) -> anyhow::Result<Result<TraceResponse, Status>> {
    let request = TraceRequest {
        codes: vec!["BOX-1".to_owned()],
        direction: Direction::Both.into(),
        agency: Some(0),
        ..asked
    };
    let answer = TraceServiceClient::new(net.channel(0)?).trace(request).await;
    Ok(answer.map(tonic::Response::into_inner))
}

/// The field and the rule that a refusal names.
fn broken(status: &Status) -> (String, String) {
    let details = status.get_error_details();
    let metadata = &details.error_info().expect("every refusal has an ErrorInfo").metadata;
    let named = |key: &str| metadata.get(key).cloned().unwrap_or_default();
    (named("field"), named("rule"))
}

#[tokio::test]
async fn a_trace_without_proof_says_the_same_as_a_proven_one() -> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    let boxed = || vec![boxes("BOX-1", 3)];
    let at_height = recorded(&net, vec![ship("D-1", boxed()), receive("D-1", boxed())]).await?;
    net.hardened(at_height, 30).await?;
    let asked = |mode: ProofMode| TraceRequest {
        proof_mode: mode.into(),
        at_height,
        ..TraceRequest::default()
    };
    let told = traced(&net, asked(ProofMode::None)).await??;
    let proven = traced(&net, asked(ProofMode::Complete)).await??;
    assert!(told.bundle.is_empty() && !proven.bundle.is_empty());
    assert_eq!(told.events.len(), 2, "{told:?}");
    assert_eq!(told, TraceResponse { bundle: Vec::new(), ..proven });

    let newest = traced(&net, TraceRequest::default()).await??;
    assert!(newest.height >= at_height && newest.bundle.is_empty(), "{newest:?}");
    let above = TraceRequest { at_height: 1_000_000, ..asked(ProofMode::None) };
    let status = traced(&net, above).await?.expect_err("it does not exist yet");
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    let status = traced(&net, asked(ProofMode::Inclusion)).await?.expect_err("half a trace");
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let (field, rule) = broken(&status);
    assert_eq!(field, "proof_mode", "{status:?}");
    assert!(rule.contains("complete or not at all"), "{status:?}");
    Ok(())
}

#[tokio::test]
async fn a_trace_of_any_height_says_where_the_units_are_as_of_the_newest() -> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    let stock = at(LEFT_MS, SENDER, "", vec![boxes("BOX-1", 3)]);
    let stored = recorded(&net, vec![operation(OperationKind::OpeningStock, "stock", stock)]);
    let stored = stored.await?;
    let shipped = recorded(&net, vec![ship("D-1", vec![boxes("BOX-1", 2)])]).await?;
    let received = recorded(&net, vec![receive("D-1", vec![boxes("BOX-1", 2)])]).await?;
    let used = recorded(&net, vec![ship("D-2", vec![boxes("BOX-1", 1)])]).await?;
    net.hardened(used, 30).await?;
    for mode in [ProofMode::None, ProofMode::Complete] {
        for at_height in [stored, shipped, used] {
            let asked = TraceRequest { proof_mode: mode.into(), at_height, ..Default::default() };
            let answer = traced(&net, asked).await??;
            let [unit] = answer.units.as_slice() else { anyhow::bail!("one unit: {answer:?}") };
            let held = unit.quantities.clone().unwrap_or_default();
            assert_eq!(
                (answer.height, &*unit.holder, held.in_stock_milli, held.in_transit_milli),
                (at_height, RECEIVER, 2_000, 1_000),
                "{mode:?} {unit:?}"
            );
        }
    }
    assert!(stored < shipped && shipped < received && received < used, "four heights");
    Ok(())
}

#[tokio::test]
async fn a_proof_continues_the_checkpoints_that_the_caller_holds() -> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    let height = recorded(&net, vec![ship("D-1", vec![boxes("BOX-1", 3)])]).await?;
    net.hardened(height, 30).await?;
    let held = vec![1, height + 1];
    let proof = |pins: &[u64]| TraceRequest {
        proof_mode: ProofMode::Complete.into(),
        pins: pins.to_vec(),
        ..TraceRequest::default()
    };
    let sizes = |bytes: &[u8]| -> anyhow::Result<Vec<u64>> {
        Ok(Bundle::from_bytes(bytes)?.pins.iter().map(|pin| pin.size).collect())
    };
    assert_eq!(sizes(&traced(&net, proof(&held)).await??.bundle)?, held);
    let mut ledger = LedgerServiceClient::new(net.channel(0)?);
    let asked = ProveOperationRequest { height, receipt_index: 0, pins: held.clone() };
    assert_eq!(sizes(&ledger.prove_operation(asked).await?.into_inner().bundle)?, held);

    let many: Vec<u64> = (1..=17).collect();
    for pins in [&many[..], &[2, 1], &[1, 1], &[0, 1]] {
        let asked = ProveOperationRequest { height, receipt_index: 0, pins: pins.to_vec() };
        let of_operation = ledger.prove_operation(asked).await.expect_err("pins that are none");
        let of_trace = traced(&net, proof(pins)).await?.expect_err("pins that are none");
        for status in [of_operation, of_trace] {
            assert_eq!(status.code(), Code::InvalidArgument, "{pins:?}: {status}");
            let (field, rule) = broken(&status);
            assert_eq!(field, "pins", "{status:?}");
            assert!(rule.contains("at most 16") || rule.contains("ascending"), "{status:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_is_in_the_language_of_the_caller() -> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    let (zh, en) = ("第 1000000 块尚不存在", "block 1000000 does not exist yet");
    for (accepted, expected) in [
        (Some("zh"), zh.to_owned()),
        (Some("en-GB, en;q=0.9"), en.to_owned()),
        (None, format!("{zh} {en}")),
    ] {
        let mut request = Request::new(GetBlockRequest { height: 1_000_000 });
        if let Some(accepted) = accepted {
            request.metadata_mut().insert("accept-language", accepted.parse()?);
        }
        let mut client = LedgerServiceClient::new(net.channel(0)?);
        let status = client.get_block(request).await.expect_err("there is no such block");
        assert_eq!(status.message(), expected, "{accepted:?}");
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.as_str());
        assert_eq!(reason, Some("NO_SUCH_BLOCK"), "{accepted:?}");
    }
    Ok(())
}

/// Boxes that a lot is split into, in two events.
const PARTS: [u64; 2] = [700, 701];

fn split_and_tested() -> Vec<Operation> {
    let opening = at(LEFT_MS, SENDER, "", vec![boxes("LOT-1", PARTS.iter().sum())]);
    let mut operations = vec![operation(OperationKind::OpeningStock, "opening", opening)];
    for (round, count) in PARTS.into_iter().enumerate() {
        let event = Event {
            outputs: (0..count).map(|part| boxes(&format!("PART-{round}-{part}"), 1)).collect(),
            ..at(LEFT_MS, SENDER, "", vec![boxes("LOT-1", count)])
        };
        operations.push(operation(OperationKind::Split, &format!("split {round}"), event));
    }
    let tested = Event {
        test: TestOutcome::Positive.into(),
        agent: "SARS-CoV-2".to_owned(),
        ..at(LEFT_MS, SENDER, "REPORT-1", vec![Item { quantity: None, ..boxes("LOT-1", 1) }])
    };
    operations.push(operation(OperationKind::TestResult, "test", tested));
    operations
}

#[tokio::test]
async fn an_alert_adds_up_everything_that_it_concerns_and_a_row_says_what_it_leaves_out()
-> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    for operation in split_and_tested() {
        recorded(&net, vec![operation]).await?;
    }
    let client = AlertServiceClient::new(net.channel(0)?);
    let parts: u64 = PARTS.iter().sum();
    let concerned = usize::try_from(parts)? + 1;
    // The search goes on in later blocks.
    let found = net.until(60, "an alert that concerns all parts", async || {
        let mut client = client.clone();
        let listed = client.list_alerts(ListAlertsRequest::default()).await.ok()?.into_inner();
        let row = listed.alerts.into_iter().find(|alert| alert.rule == "R24")?;
        let asked = GetAlertRequest { id: row.id.clone() };
        let one = client.get_alert(asked).await.ok()?.into_inner();
        let all = one.alert.as_ref().is_some_and(|alert| alert.units.len() >= concerned);
        all.then_some((row, one))
    });
    let (row, GetAlertResponse { alert, totals, truncated, .. }) = found.await?;
    let alert = alert.expect("it was asked for");
    assert!(!truncated && !alert.truncated, "nothing is left out");
    assert_eq!(alert.units.len(), concerned);
    let boxed = totals.iter().find_map(|total| total.quantities.clone().filter(|q| q.uom == "XBX"));
    assert_eq!(boxed.expect("boxes are counted").in_stock_milli, 1_000 * parts, "{totals:?}");
    assert!(totals.iter().all(|total| !total.truncated), "{totals:?}");
    assert!(row.truncated && row.units.len() <= 1_001, "a row names a part and says so");
    Ok(())
}
