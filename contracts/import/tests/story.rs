#![cfg(test)]
//! The sample world before the contracts: everything that `tests/data/README.md` promises of its
//! files (matches, alerts, the trace of the packet, the sums of the positive lot) comes out so.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;

use contracts::codes::Codes;
use contracts::execute::{Block, BlockContext};
use contracts::links::Naming;
use contracts::query::alert::{AlertView, Filter, alerts, scope};
use contracts::record::matching::MatchStatus;
use contracts::record::step::{StepKind, StepRecord};
use contracts::scheme::demo;
use contracts::state::{Pair, Range, Rows, State, StateFault};
use contracts::trace::stock::balance;
use contracts::walk::{Direction, LogView, walk};
use import::{Mapping, Prepared, Source, import};
use proto::codec::Canonical as _;
use proto::epoch::BlockLimits;
use proto::operation::OpUid;
use proto::receipt::{Links, Subject, SubjectKind};
use proto::schema::act::{Approve, SchemePropose};
use proto::schema::event::Uom;
use proto::schema::roles::Normaliser;
use proto::schema::{Body, OperationKind};
use proto::sign::SecretKey;
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::trie::Namespace;
use proto::{AgencyIndex, ChainId, Hash, Height, TimeMs};

const BEIJING: u16 = 0;
const TIANJIN: u16 = 1;
const HEBEI: u16 = 2;
const DAY_MS: u64 = 86_400_000;

/// A chain of the three agencies in memory, with the logs that a node would keep.
struct Chain {
    entries: BTreeMap<(Namespace, Vec<u8>), Vec<u8>>,
    /// Operations as submitted, by height and receipt index.
    operations: BTreeMap<(u64, u32), Vec<u8>>,
    height: u64,
    time_ms: u64,
    logs: BTreeMap<Subject, Vec<LogView>>,
    matches: BTreeMap<(Vec<u8>, Vec<u8>), MatchStatus>,
}

fn key(agency: u16, role: SubmitterRole) -> SecretKey {
    SecretKey::from_seed(&[u8::try_from(agency).unwrap() * 4 + role.code(); 32])
}

impl State for Chain {
    fn get(&self, namespace: Namespace, key: &[u8]) -> Result<Option<Vec<u8>>, StateFault> {
        State::get(&self.entries, namespace, key)
    }

    fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault> {
        State::scan(&self.entries, namespace, range, limit)
    }

    fn operation(&self, height: Height, index: u32) -> Result<Option<Vec<u8>>, StateFault> {
        Ok(self.operations.get(&(height.value(), index)).cloned())
    }
}

impl Chain {
    /// A chain on which the demo schemes are active.
    fn new() -> Self {
        let mut entries = BTreeMap::new();
        for agency in [BEIJING, TIANJIN, HEBEI] {
            for role in SubmitterRole::ALL {
                let party = format!("platform-{agency}");
                let record = SubmitterRecord { agency: AgencyIndex::new(agency), role, party };
                let name = key(agency, role).public().as_bytes().to_vec();
                entries.insert((Namespace::Key, name), record.encode());
            }
        }
        let mut chain = Self {
            entries,
            operations: BTreeMap::new(),
            height: 0,
            time_ms: 1_617_900_000_000,
            logs: BTreeMap::new(),
            matches: BTreeMap::new(),
        };
        for definition in demo::ALL {
            let uid = OpUid::of_record("test", definition);
            let body =
                Body::SchemePropose(SchemePropose { definition: definition.trim().to_owned() });
            let proposal = Prepared { row: 1, kind: OperationKind::SchemePropose, uid, body };
            chain.block(BEIJING, SubmitterRole::Agency, &[proposal]);
            let body = Body::Approve(Approve { proposal: uid.0.to_vec(), proposer: 0 });
            let uid = OpUid::of_record("test", &format!("approve {definition}"));
            let approval = Prepared { row: 1, kind: OperationKind::Approve, uid, body };
            chain.block(HEBEI, SubmitterRole::Agency, &[approval]);
        }
        chain
    }

    fn block(&mut self, agency: u16, role: SubmitterRole, operations: &[Prepared]) {
        self.height += 1;
        self.time_ms += 1_000;
        let context = BlockContext {
            chain: ChainId(Hash::ZERO),
            height: Height::new(self.height),
            time: TimeMs::new(self.time_ms),
            limits: BlockLimits::default(),
            agencies: 3,
        };
        let submitter = key(agency, role).public();
        let mut block = Block::new(&context, self);
        let mut submitted = Vec::new();
        let (mut steps, mut receipts) = (Vec::new(), Vec::new());
        for prepared in operations {
            let operation = prepared.operation(&[1; 32]);
            let outcome = block.operation(&operation, operation.leaf(), &submitter).unwrap();
            assert_eq!(outcome.code, 0, "row {}: {:?}", prepared.row, outcome.refusal);
            submitted.push(operation.encode());
            receipts.push(outcome.links);
            steps.extend(outcome.steps);
        }
        let ended = block.end().unwrap();
        steps.extend(ended.steps);
        let changes = ended.changes;
        for step in steps {
            let record = <StepRecord as prost::Message>::decode(&*step.record).unwrap();
            if record.kind() == StepKind::Match {
                self.matches.insert((record.from.clone(), record.to.clone()), record.status());
            }
            receipts.push(step.links);
        }
        for (index, links) in (0u32..).zip(&receipts) {
            self.log(index, links);
        }
        let places = (0u32..).map(|index| (self.height, index));
        self.operations.extend(places.zip(submitted));
        for ((namespace, key), value) in changes {
            match value {
                Some(value) => self.entries.insert((namespace, key), value),
                None => self.entries.remove(&(namespace, key)),
            };
        }
    }

    fn log(&mut self, receipt_index: u32, links: &Links) {
        let links = links.as_slice().to_vec();
        let subjects: BTreeSet<&Subject> = links.iter().map(|link| &link.subject).collect();
        let height = Height::new(self.height);
        for subject in subjects {
            let entry = LogView { height, receipt_index, links: links.clone() };
            self.logs.entry(subject.clone()).or_default().push(entry);
        }
    }

    /// Submits a file in blocks of fifty, and lets the jobs of its last block finish.
    fn submit(&mut self, agency: u16, operations: &[Prepared]) {
        for chunk in operations.chunks(50) {
            self.block(agency, SubmitterRole::Platform, chunk);
        }
        (0..20).for_each(|_| self.block(agency, SubmitterRole::Platform, &[]));
    }

    /// What the three platforms export, in the order of `order`.
    fn world(order: [u16; 3]) -> Self {
        let mut chain = Self::new();
        for agency in order {
            let files: &[(&str, &str)] = match agency {
                BEIJING => &[
                    ("beijing/registry.csv", "beijing/registry.toml"),
                    ("beijing/events.csv", "beijing/events.toml"),
                ],
                TIANJIN => &[("tianjin/export.json", "tianjin/mapping.toml")],
                _ => &[("hebei/export.xml", "hebei/mapping.toml")],
            };
            for (file, mapping) in files {
                chain.submit(agency, &mapped(file, mapping));
            }
        }
        // Beyond the settling time of the platforms; a block walks an hour of deadlines.
        chain.time_ms += 2 * DAY_MS;
        (0..60).for_each(|_| chain.block(BEIJING, SubmitterRole::Platform, &[]));
        chain
    }

    fn unit(&self, agency: u16, code: &str) -> Vec<u8> {
        let codes = Codes::load(&Rows::new(self)).unwrap();
        Naming::new(AgencyIndex::new(agency), &codes).key(Normaliser::Unit, code)
    }

    /// Everything that a trace back from a code of Beijing reaches.
    fn back_from(&self, code: &str) -> BTreeSet<String> {
        let start = Subject { kind: SubjectKind::Unit, key: self.unit(BEIJING, code) };
        let found = walk(&[start], Direction::Back, 1_000, |subject| {
            Ok::<_, Infallible>(self.logs.get(subject).cloned().unwrap_or_default())
        });
        let text = |subject: &Subject| {
            format!("{:?} {}", subject.kind, String::from_utf8_lossy(&subject.key))
        };
        found.unwrap().reached.keys().map(text).collect()
    }

    fn active(&self) -> Vec<AlertView> {
        alerts(&Rows::new(self), Filter::Active, 100).unwrap()
    }

    fn told(&self) -> Vec<String> {
        self.active().into_iter().map(|alert| alert.zh).collect()
    }

    fn count(&self, status: MatchStatus) -> usize {
        self.matches.values().filter(|found| **found == status).count()
    }
}

fn data(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn mapped(file: &str, mapping: &str) -> Vec<Prepared> {
    let text = String::from_utf8(data(mapping)).unwrap();
    let mapping = Mapping::parse(&text).unwrap();
    import(&data(file), &Source::Mapped(&mapping)).unwrap().operations
}

/// The packet that a customer of the shop in Beijing scans.
const PACKET: &str = "BJ1101050690123456789221032100116";

/// The alerts that the three exports raise.
const PLANTED: [&str; 2] =
    ["超量出库：入库 100 箱，出库 120 箱", "缺少证明：进口货物已流转，缺少核酸检测报告"];

#[test]
fn matches_and_alerts_are_the_planted_ones_in_whatever_order_the_files_come() {
    for order in [[HEBEI, TIANJIN, BEIJING], [BEIJING, HEBEI, TIANJIN], [TIANJIN, BEIJING, HEBEI]] {
        let chain = Chain::world(order);
        assert_eq!(chain.told(), PLANTED, "{order:?}");
        let counts = [MatchStatus::Confirmed, MatchStatus::OneSided, MatchStatus::InDoubt]
            .map(|status| chain.count(status));
        assert_eq!(counts, [27, 1, 1], "{order:?}");
    }
}

#[test]
fn the_packet_leads_through_three_provinces_to_the_papers_and_the_ranches_abroad() {
    let mut chain = Chain::world([HEBEI, TIANJIN, BEIJING]);
    let at_home = [
        "Certificate HSJC-0403-101",
        "Certificate RJ040321000101",
        "Certificate XD-0403-101",
        "Declaration 040320211000000101-1",
        "Unit GS1:urn:epc:id:sscc:0693000.0000000421",
        "Unit JJJ-DEMO-BJ:110105:06901234567892:210321:0011",
        "Unit JJJ-DEMO-BJ:110106:06901234567892:210318:0001",
        "Unit JJJ-DEMO-HE:91130209MA0DE3011X:000317:20210310:00101",
        "Unit JJJ-DEMO-TJ:040320211000000101:001:000001",
        "Unit JJJ-DEMO-TJ:040320211000000101:001:000101",
    ];
    assert_eq!(chain.back_from(PACKET), at_home.map(str::to_owned).into());
    let abroad = import(&data("epcis/beef-chain.jsonld"), &Source::Epcis).unwrap();
    assert_eq!((abroad.rows, abroad.rejected), (27, vec![]));
    chain.submit(HEBEI, &abroad.operations);
    let reached = chain.back_from(PACKET);
    let ranches = ["MOB-A-2020", "MOB-B-2020", "9312345.011222.EST0620-0101", "JJJU0010113"];
    for end in ranches {
        assert!(reached.iter().any(|subject| subject.ends_with(end)), "{end}: {reached:?}");
    }
    assert_eq!(reached.len(), 17);
    assert_eq!(chain.told(), PLANTED);
}

#[test]
fn an_event_declared_wrong_and_its_corrective_event_count_as_one_in_any_order() {
    let event = |id: u64, boxes: u64, more: &str| {
        format!(
            r#"{{"eventID": "urn:uuid:{id}", "type": "ObjectEvent", "action": "ADD",
            "eventTime": "2021-03-15T08:30:00Z", "bizStep": "commissioning",
            "quantityList": [{{"epcClass": "urn:jjj:code:A", "quantity": {boxes}, "uom": "XBX"}}],
            "bizLocation": {{"id": "urn:jjj:station:T1"}}, "ilmd": {{"jjj:product": "P1"}},
            "jjj:party": "91110108MA00ABCD45"{more}}}"#
        )
    };
    let error = r#", "errorDeclaration": {"declarationTime": "2021-03-16T00:00:00Z",
        "reason": "incorrect_data", "correctiveEventIDs": ["urn:uuid:2"]}"#;
    let (first, second) = (event(1, 10, ""), event(2, 8, ""));
    let declared = event(1, 10, error);
    let observed = r#"{"eventID": "urn:uuid:3", "type": "ObjectEvent", "action": "ADD",
        "eventTime": "2021-03-15T08:30:00Z", "epcList": ["A"]}"#;
    let unseen = observed.replace(
        "[\"A\"]",
        "[\"A\"], \"errorDeclaration\": {\"reason\": \
        \"did_not_occur\", \"declarationTime\": \"2021-03-16T00:00:00Z\"}",
    );
    let events = [&first, &declared, &second, &observed.to_owned(), &unseen];
    for order in [[0, 1, 2, 3, 4], [4, 2, 1, 0, 3], [1, 4, 0, 3, 2]] {
        let list = order.map(|at| events[at].as_str()).join(",");
        let read = import(format!("[{list}]").as_bytes(), &Source::Epcis).unwrap();
        assert_eq!((read.operations.len(), read.rejected), (5, vec![]));
        let mut chain = Chain::new();
        chain.submit(BEIJING, &read.operations);
        let unit = chain.unit(BEIJING, "A");
        let there = balance(&Rows::new(&chain), &unit, b"0:T1", Uom::Xbx.into()).unwrap();
        assert_eq!(there.on_hand(), 8_000, "{order:?}");
    }
}

#[test]
fn the_positive_lot_adds_up_and_its_correction_takes_the_alert_back() {
    let mut chain = Chain::world([HEBEI, TIANJIN, BEIJING]);
    chain.submit(HEBEI, &mapped("hebei/positive.xml", "hebei/mapping.toml"));
    let positive = "检测阳性：新型冠状病毒核酸，报告 HSFJ-2021-0402，涉及 58 个追溯单元";
    assert_eq!(chain.told(), [positive, PLANTED[0], PLANTED[1]]);
    let id = chain.active()[0].id.clone();
    let scope = scope(&Rows::new(&chain), &id, None, 1_000).unwrap();
    let [total] = &scope.totals[..] else { panic!("{:?}", scope.totals) };
    let ends = [total.sold, total.used, total.disposed, total.in_stock, total.in_transit];
    assert_eq!(ends, [100_000, 30_000, 100_000, 770_000, 200_000]);
    assert_eq!(ends.iter().sum::<i64>(), 1_200_000);
    let vehicles: BTreeSet<&[u8]> =
        scope.units.iter().flat_map(|unit| &unit.place.vehicles).map(Vec::as_slice).collect();
    assert_eq!(vehicles.len(), 4);
    let corrected = import(&data("hebei/correction.ndjson"), &Source::Native).unwrap();
    assert_eq!(corrected.rejected, []);
    chain.submit(HEBEI, &corrected.operations);
    assert_eq!(chain.told(), PLANTED);
}
