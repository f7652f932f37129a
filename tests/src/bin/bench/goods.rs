//! Trace events as platforms send them: boxes of declared goods that come in, go out, travel, arrive
//! and are sold, each event with papers, parties and people, 400 bytes or so.

use contracts::identifier::check::mod97_10;
use proto::operation::{OpUid, Operation, Salt};
use proto::schema::body::BODY_VERSION;
use proto::schema::event::{Event, Item, Quantity, Uom};
use proto::schema::{Body, OperationKind};

/// Invented enterprises with valid check characters, as in the sample world.
const PARTIES: [&str; 3] = ["91110106MA0DE10166", "91120116MA0DE2019A", "91130104MA0DE3054X"];

/// First event: 2021-03-01 00:00 in Beijing.
const START_MS: u64 = 1_614_528_000_000;

const MINUTE_MS: u64 = 60_000;

/// Boxes of one declaration.
const BOXES: u64 = 500;

/// What happens to a box, in order.
const STAGES: [OperationKind; 5] = [
    OperationKind::StorageIn,
    OperationKind::StorageOut,
    OperationKind::Ship,
    OperationKind::Receive,
    OperationKind::Sale,
];

/// The events of one source.
#[derive(Clone, Debug)]
pub(crate) struct Goods {
    source: u64,
    made: u64,
}

impl Goods {
    /// The events of source `source`, at most 999; sources share no box and no operation.
    pub(crate) const fn new(source: u64) -> Self {
        Self { source, made: 0 }
    }

    /// The next `count` operations.
    pub(crate) fn operations(&mut self, count: usize) -> anyhow::Result<Vec<Operation>> {
        (0..count).map(|_| self.operation()).collect()
    }

    /// The next operation.
    pub(crate) fn operation(&mut self) -> anyhow::Result<Operation> {
        let stages = u64::try_from(STAGES.len())?;
        let (stage, number) = (usize::try_from(self.made % stages)?, self.made / stages);
        let kind = STAGES.get(stage).copied().unwrap_or(OperationKind::Sale);
        let event = self.event(kind, number, self.made)?;
        let uid = OpUid::of_record("bench", &format!("{}:{}", self.source, self.made));
        let salt = Salt::derive(&[5; 32], uid);
        self.made += 1;
        let (kind, body) = (kind.code(), Body::Event(event).encode());
        Ok(Operation { kind, version: BODY_VERSION, uid, salt, body })
    }

    fn event(&self, kind: OperationKind, number: u64, made: u64) -> anyhow::Result<Event> {
        let at = |number: u64| usize::try_from(number % 3).ok().and_then(|at| PARTIES.get(at));
        let party = |number| at(number).copied().unwrap_or("91110106MA0DE10166");
        let declaration = self.declaration(number);
        // Where a box is sold, it has arrived.
        let is_there = matches!(kind, OperationKind::Receive | OperationKind::Sale);
        let (own, other) = if is_there { (number + 1, number) } else { (number, number + 1) };
        let is_sale = kind == OperationKind::Sale;
        let has_vehicle = matches!(kind, OperationKind::Ship | OperationKind::Receive);
        let quantity = Some(Quantity { milli: 20_000, uom: Uom::Kgm.into() });
        let code = code(&declaration, 1, number % BOXES + 1)?;
        // Both sides of a delivery name the same waybill.
        let document = format!("YD{:03}{number:09}", self.source);
        Ok(Event {
            occurred_ms: START_MS + made * MINUTE_MS / 10,
            party: party(own).to_owned(),
            station: format!("S-{}-01", party(own)),
            document,
            items: vec![Item { code, quantity, counterpart: String::new() }],
            counterparty: party(other).to_owned(),
            counterparty_station: format!("S-{}-01", party(other)),
            vehicle: if has_vehicle { "津A12345".to_owned() } else { String::new() },
            person: format!("{:064x}", number % 50),
            certificates: vec![format!("JYJY{:03}{:06}", self.source, number / BOXES)],
            declaration: if is_sale { String::new() } else { format!("{declaration}-1") },
            ..Event::default()
        })
    }

    /// Tianjin customs, 2021, import, a number of its own for each source.
    fn declaration(&self, number: u64) -> String {
        format!("020220211{:03}{:06}", self.source, number / BOXES)
    }
}

/// A box code of the demo scheme of Tianjin.
fn code(declaration: &str, item: u64, number: u64) -> anyhow::Result<String> {
    let body = format!("12{declaration}{item:03}{number:06}");
    let check = mod97_10(&body).ok_or_else(|| anyhow::anyhow!("{body}: digits alone"))?;
    Ok(body + &check)
}
