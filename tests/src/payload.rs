//! Valid trace events without end, the same for the same seed.

use proto::operation::{OpUid, Operation, Salt};
use proto::schema::body::BODY_VERSION;
use proto::schema::event::{Event, Item, Observation, Quantity, Uom};
use proto::schema::registry::{Datum, Party, PartyType, Station, StationType};
use proto::schema::{Body, OperationKind};

/// Invented enterprises with valid check characters, as in the sample world.
const PARTIES: [&str; 3] = ["91110106MA0DE10166", "91120116MA0DE2019A", "91130104MA0DE3054X"];

/// First event: 2021-03-01 00:00 in Beijing.
const START_MS: u64 = 1_614_528_000_000;

const MINUTE_MS: u64 = 60_000;

/// A source of operations.
#[derive(Clone, Debug)]
pub struct Payload {
    seed: u64,
    state: u64,
    made: u64,
}

impl Payload {
    /// The source of a seed; operations of different seeds differ in their identity.
    pub const fn new(seed: u64) -> Self {
        Self { seed, state: seed, made: 0 }
    }

    /// A number below `limit`, by the generator `SplitMix64`.
    fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).checked_rem(limit).unwrap_or(0)
    }

    fn party(&mut self) -> &'static str {
        let at = usize::try_from(self.below(3)).unwrap_or(0);
        PARTIES.get(at).copied().unwrap_or("91110106MA0DE10166")
    }

    /// A code that no scheme knows: kept as it is.
    fn code(&mut self) -> String {
        let lot = self.below(2_000);
        format!("LOT-{}-{lot:04}", self.seed)
    }

    fn named(&mut self, kind: OperationKind, body: &Body) -> Operation {
        self.made += 1;
        let uid = OpUid::of_record("devnet", &format!("{}:{}", self.seed, self.made));
        let mut salt = [0; 16];
        for half in salt.chunks_mut(8) {
            half.copy_from_slice(&self.below(u64::MAX).to_be_bytes());
        }
        let (kind, body) = (kind.code(), body.encode());
        Operation { kind, version: BODY_VERSION, uid, salt: Salt(salt), body }
    }

    /// The next operation: mostly storage, shipments and sales, now and then something else.
    pub fn operation(&mut self) -> Operation {
        match self.below(10) {
            0 => self.registered(),
            1 => self.observed(),
            2 => self.event(OperationKind::OpeningStock),
            3 | 4 => self.event(OperationKind::Ship),
            5 => self.event(OperationKind::Sale),
            6 => self.event(OperationKind::StorageOut),
            _ => self.event(OperationKind::StorageIn),
        }
    }

    /// The next `count` operations.
    pub fn operations(&mut self, count: usize) -> Vec<Operation> {
        (0..count).map(|_| self.operation()).collect()
    }

    /// An event of a kind that names goods with their quantity.
    pub fn event(&mut self, kind: OperationKind) -> Operation {
        let party = self.party();
        let milli = 1_000 * (1 + self.below(500));
        let quantity = Some(Quantity { milli, uom: Uom::Kgm.into() });
        let item = Item { code: self.code(), quantity, counterpart: String::new() };
        let to = self.party();
        let document = format!("D-{}-{}", self.seed, self.made);
        let is_shipment = kind == OperationKind::Ship;
        let event = Event {
            occurred_ms: START_MS + self.below(50_000) * MINUTE_MS,
            party: party.to_owned(),
            station: format!("S-{party}"),
            document,
            items: vec![item],
            counterparty: if is_shipment { to.to_owned() } else { String::new() },
            vehicle: if is_shipment { "津A12345".to_owned() } else { String::new() },
            ..Event::default()
        };
        self.named(kind, &Body::Event(event))
    }

    fn observed(&mut self) -> Operation {
        let observation = Observation {
            occurred_ms: START_MS + self.below(50_000) * MINUTE_MS,
            format: "text".to_owned(),
            original: format!("temperature {}", self.below(30)).into_bytes(),
            codes: vec![self.code()],
            ..Observation::default()
        };
        self.named(OperationKind::Observation, &Body::Observation(observation))
    }

    fn registered(&mut self) -> Operation {
        let party = self.party().to_owned();
        if self.below(2) == 0 {
            let party = Party {
                id: party,
                name: format!("示例企业 {}", self.below(1_000)),
                party_type: PartyType::ColdStore.into(),
                region: "110106".to_owned(),
                ..Party::default()
            };
            return self.named(OperationKind::Party, &Body::Party(party));
        }
        let station = Station {
            id: format!("S-{party}"),
            name: "示例冷库".to_owned(),
            party,
            station_type: StationType::ColdStore.into(),
            longitude_micro: 116_300_000 + i64::try_from(self.below(100_000)).unwrap_or(0),
            latitude_micro: 39_800_000,
            datum: Datum::Cgcs2000.into(),
            region: "110106".to_owned(),
            ..Station::default()
        };
        self.named(OperationKind::Station, &Body::Station(station))
    }
}
