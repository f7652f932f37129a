//! The contracts alone: what typical events cost where the state is in memory.

mod chain;

use std::time::Duration;

use proto::operation::{OpUid, Operation, Salt};
use proto::schema::body::BODY_VERSION;
use proto::schema::event::{Event, Item, Quantity, Uom};
use proto::schema::{Body, OperationKind};
use tests::lots::{BATCH_EVENTS, BOXES, CONSIGNMENT_LOTS, Lots, Plan, Stage};

use crate::clock::{each, grouped, text};
use crate::execution::chain::{Chain, Signed, Spent};
use crate::table::Table;

/// Lots whose events are measured one kind at a time.
const LOTS: u64 = 50;

/// Boxes of the large delivery.
const DELIVERY_BOXES: u64 = 8_000;

/// Boxes that one event of it names.
const DELIVERY_LINES: u64 = 500;

/// Boxes scanned one by one at its end.
const SCANS: u64 = 10;

/// Events between two stages where the lots go through the contracts alone: short, so that a short run
/// has all three stages.
const APART: u64 = 4_200;

/// Events whose cost is one figure of the lots workload.
const WINDOW: u64 = 2_000;

/// Batches of a block.
const BLOCK_BATCHES: u64 = 10;

/// How much is measured.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// Events of the lots workload; its cost is shown at the end and at a fifth of them
    #[arg(long, default_value_t = 50_000)]
    pub(crate) events: u64,
}

/// Measures single events, and then the workload of lots.
pub(crate) fn measure(table: &mut Table, options: Options) -> anyhow::Result<()> {
    table.part("contracts alone, state in memory, processor time of one thread");
    let lots = Lots::new(Plan { seed: 1, apart: APART });
    kinds(table, &lots)?;
    delivery(table, &lots)?;
    workload(table, &lots, options.events)
}

fn figure(spent: Spent, count: u64) -> String {
    let (keys, bytes) = (spent.keys * 10 / count.max(1), spent.bytes / count.max(1));
    let time = text(each(spent.time, count));
    format!("{time}, {}.{} keys, {} B", keys / 10, keys % 10, grouped(bytes))
}

fn floor(table: &mut Table, name: &'static str, (spent, count): (Spent, u64), most: Duration) {
    let time = each(spent.time, count);
    table.floor(name, &text(time), (time <= most).into());
}

/// A chain on which everybody who takes part is registered, and the papers of some consignments.
fn registered(lots: &Lots, consignments: u64) -> anyhow::Result<Chain> {
    let mut chain = Chain::new()?;
    let entries = lots.registry().into_iter().chain(lots.papers(0..consignments));
    let mut operations: Vec<Signed> = Stage::ALL.map(|stage| (stage.agency(), vec![])).to_vec();
    for (stage, made) in entries {
        let own = operations.iter_mut().filter(|(agency, _)| *agency == stage.agency());
        own.for_each(|(_, operations)| operations.push(made.operation.clone()));
    }
    chain.block(operations)?;
    Ok(chain)
}

/// The events of a stage of the first lots at some of its steps.
fn steps(lots: &Lots, stage: Stage, steps: std::ops::Range<u64>) -> Vec<Operation> {
    let numbers =
        (0..LOTS).flat_map(|lot| steps.clone().map(move |step| lot * stage.events() + step));
    numbers.map(|number| lots.event(stage, number).operation).collect()
}

/// One line, a hand-over of 20 lines, a split into 20, each in blocks of many.
fn kinds(table: &mut Table, lots: &Lots) -> anyhow::Result<()> {
    let mut chain = registered(lots, LOTS / CONSIGNMENT_LOTS)?;
    let (hebei, tianjin) = (Stage::Hebei.agency(), Stage::Tianjin.agency());
    let mut run = |agency, operations: Vec<Operation>| {
        let count = u64::try_from(operations.len()).unwrap_or(u64::MAX);
        chain.block(vec![(agency, operations)]).map(|spent| (spent, count))
    };
    let (spent, count) = run(hebei, steps(lots, Stage::Hebei, 0..BOXES))?;
    table.row("commissioning of a box", &figure(spent, count), "");
    let line = run(hebei, steps(lots, Stage::Hebei, BOXES..2 * BOXES))?;
    table.row("one line: storage of a box", &figure(line.0, line.1), "");
    let (shipped, count) = run(hebei, steps(lots, Stage::Hebei, 2 * BOXES..2 * BOXES + 1))?;
    table.row("20 lines shipped", &figure(shipped, count), "");
    let received = run(tianjin, steps(lots, Stage::Tianjin, 0..1))?;
    table.row("20 lines received, own codes", &figure(received.0, received.1), "");
    let split = run(tianjin, (0..LOTS).map(|lot| divided(lots, lot)).collect())?;
    table.row("split into 20", &figure(split.0, split.1), "");
    floor(table, "one line <= 20 µs", line, Duration::from_micros(20));
    floor(table, "hand-over of 20 <= 240 µs", received, Duration::from_micros(240));
    floor(table, "split into 20 <= 200 µs", split, Duration::from_micros(200));
    Ok(())
}

fn operation(name: &str, kind: OperationKind, event: Event) -> Operation {
    let uid = OpUid::of_record("bench contracts", name);
    let (kind, body) = (kind.code(), Body::Event(event).encode());
    Operation { kind, version: BODY_VERSION, uid, salt: Salt([0; 16]), body }
}

fn item(code: String, milli: u64) -> Item {
    let quantity = Some(Quantity { milli, uom: Uom::Kgm.into() });
    Item { code, quantity, counterpart: String::new() }
}

/// An event of Tianjin's: a box of a lot is divided into 20 packets that Beijing's scheme codes.
fn divided(lots: &Lots, lot: u64) -> Operation {
    let packet = |number| item(lots.code(Stage::Beijing, lot, number), 500);
    let event = Event {
        occurred_ms: 1_620_000_000_000,
        party: "91120116MA0DE2019A".to_owned(),
        station: "TJ-CK-00".to_owned(),
        items: vec![item(lots.code(Stage::Tianjin, lot, 0), 10_000)],
        outputs: (0..BOXES).map(packet).collect(),
        ..Event::default()
    };
    operation(&format!("split {lot}"), OperationKind::Split, event)
}

/// One side of the large delivery.
fn handed_over(kind: OperationKind, name: &str, items: Vec<Item>) -> Operation {
    let parties = ["91130104MA0DE3054X", "91120116MA0DE2019A"];
    let [party, counterparty] = parties;
    let is_receipt = kind == OperationKind::Receive;
    let (party, counterparty) =
        if is_receipt { (counterparty, party) } else { (party, counterparty) };
    let event = Event {
        occurred_ms: 1_620_000_000_000,
        party: party.to_owned(),
        station: format!("S-{party}"),
        document: "YD-8000".to_owned(),
        counterparty: counterparty.to_owned(),
        items,
        ..Event::default()
    };
    operation(name, kind, event)
}

/// A delivery of 8,000 boxes under one code of the sender's, each with a code of the receiver's: what one more
/// box costs.
fn delivery(table: &mut Table, lots: &Lots) -> anyhow::Result<()> {
    let mut chain = registered(lots, 0)?;
    let (hebei, tianjin) = (Stage::Hebei.agency(), Stage::Tianjin.agency());
    let whole = lots.code(Stage::Hebei, 0, 0);
    let code = |number: u64| lots.code(Stage::Tianjin, number / BOXES, number % BOXES);
    let taken = |number| Item { counterpart: whole.clone(), ..item(code(number), 20_000) };
    let milli = (DELIVERY_BOXES + SCANS) * 20_000;
    let shipped = handed_over(OperationKind::Ship, "shipped", vec![item(whole.clone(), milli)]);
    let received = (0..DELIVERY_BOXES / DELIVERY_LINES).map(|part| {
        let items = (part * DELIVERY_LINES..(part + 1) * DELIVERY_LINES).map(taken).collect();
        handed_over(OperationKind::Receive, &format!("received {part}"), items)
    });
    chain.block(vec![(hebei, vec![shipped]), (tianjin, received.collect())])?;
    let mut total = Spent::default();
    for number in DELIVERY_BOXES..DELIVERY_BOXES + SCANS {
        let items = vec![taken(number)];
        let scanned = handed_over(OperationKind::Receive, &format!("scanned {number}"), items);
        total.add(chain.block(vec![(tianjin, vec![scanned])])?);
    }
    table.row("one more box on a delivery of 8,000", &figure(total, SCANS), "");
    floor(table, "one more box <= 0.2 ms", (total, SCANS), Duration::from_micros(200));
    Ok(())
}

/// The workload of lots in blocks of a thousand events.
fn workload(table: &Table, lots: &Lots, events: u64) -> anyhow::Result<()> {
    let consignments = (events / Stage::Hebei.events()).div_ceil(CONSIGNMENT_LOTS) + 1;
    let mut chain = registered(lots, consignments)?;
    let mut schedule = lots.schedule();
    let (mut done, mut window, mut alerts) = (0, Spent::default(), 0);
    let mut lines = 0;
    while done < events {
        let batches = (&mut schedule).take(usize::try_from(BLOCK_BATCHES)?);
        let mut block: Vec<Signed> = Vec::new();
        for batch in batches {
            let made = lots.batch(batch);
            lines += made.iter().map(|made| made.lines).sum::<u64>();
            let operations = made.into_iter().map(|made| made.operation).collect();
            block.push((batch.stage.agency(), operations));
        }
        let spent = chain.block(block)?;
        window.add(spent);
        alerts += spent.alerts;
        done += BLOCK_BATCHES * BATCH_EVENTS;
        if done.is_multiple_of(WINDOW) {
            if done == events || done == events / 5 {
                let name = format!("lots, after {} events", grouped(done));
                table.row(&name, &figure(window, WINDOW), "");
                let each_line = lines * 100 / WINDOW;
                let figure = format!("{}.{:02} lines an event", each_line / 100, each_line % 100);
                table.row("", &format!("{figure}, {alerts} alerts so far"), "");
            }
            (window, lines) = (Spent::default(), 0);
        }
    }
    Ok(())
}
