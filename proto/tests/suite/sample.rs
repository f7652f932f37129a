//! Fixed structures that the golden vectors are made of: a small world that does not change.

use proto::block::{Block, BlockHeader};
use proto::certificate::{CheckpointCertificate, CommitCertificate, PreparedCertificate, Vote};
use proto::epoch::{BlockLimits, Descriptor, Validator};
use proto::hash::Tag;
use proto::limits::{ALERTS_MAX, LINKS_MAX};
use proto::message::{
    Checkpoint, Commit, PrePrepare, Prepare, Status, ViewChange, ViewChangeMessage,
};
use proto::operation::{OpUid, Operation, Salt};
use proto::quorum::Mode;
use proto::receipt::{
    AlertNotice, Ascending, Link, Receipt, ReceiptSource, Role, Subject, SubjectKind,
};
use proto::schema::act::{
    AlertAcknowledge, Approve, Evaluation, Indicator, MatchDecision, MatchDeclare, Relation,
    ReleasePublish, ReleaseWithdraw, ResourceSupport, RulePropose, SchemePropose,
};
use proto::schema::event::{
    Correction, Event, InspectionOutcome, Item, Lot, Observation, Quantity, TestOutcome, Uom,
};
use proto::schema::registry::{
    Certificate, CertificateType, Datum, Declaration, Party, PartyType, Product, Station,
    StationType, Vehicle,
};
use proto::schema::{Body, OperationKind};
use proto::sign::SecretKey;
use proto::transaction::{Transaction, TxHeader};
use proto::types::{AgencyIndex, BlockHash, ChainId, Epoch, Height, TimeMs, ValidatorIndex, View};
use proto::verified::{Signed, Statement};
use proto::{Hash, schema, tree};

/// 2026-01-02T03:04:05Z.
const TIME: TimeMs = TimeMs::new(1_767_323_045_000);

pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

pub(crate) fn hash(byte: u8) -> Hash {
    Hash::new([byte; 32])
}

pub(crate) fn chain() -> ChainId {
    ChainId(Tag::Genesis.hash(b"the sample chain"))
}

pub(crate) fn descriptor() -> Descriptor {
    let member = |seed: u8| Validator {
        agency: AgencyIndex::new(u16::from(seed) % 3),
        key: key(seed).public(),
    };
    Descriptor {
        epoch: Epoch::ZERO,
        first_height: Height::new(1),
        mode: Mode::Standard,
        rotation_blocks: 1024,
        lag: 4,
        limits: BlockLimits::default(),
        contracts: 1,
        role_table: schema::roles::table_hash(),
        validators: (0..4).map(member).collect(),
    }
}

pub(crate) fn header() -> BlockHeader {
    BlockHeader {
        chain: chain(),
        epoch: Epoch::ZERO,
        epoch_hash: descriptor().hash(chain()),
        height: Height::new(1),
        view: View::ZERO,
        primary: ValidatorIndex::new(0),
        parent: chain().genesis_block(),
        time: TIME,
        tx_count: 0,
        tx_root: tree::empty_root(),
        evidence_count: 0,
        evidence_root: tree::empty_root(),
    }
}

pub(crate) fn block() -> Block {
    Block::new(header(), vec![transaction().leaf(), hash(2), hash(3)])
}

pub(crate) fn operation(kind: OperationKind) -> Operation {
    let uid = OpUid::of_record("platform-12", kind.name());
    Operation {
        kind: kind.code(),
        version: schema::body::BODY_VERSION,
        uid,
        salt: Salt::derive(&[5; 32], uid),
        body: body(kind).encode(),
    }
}

pub(crate) fn transaction() -> Transaction {
    let operations = [OperationKind::Party, OperationKind::Commission, OperationKind::Ship];
    let operations = operations.into_iter().map(operation).collect();
    Transaction::sign(chain(), &key(9), TIME.plus_ms(3_600_000), operations).expect("small")
}

pub(crate) fn tx_header() -> TxHeader {
    transaction().header().clone()
}

pub(crate) fn receipts() -> Vec<(&'static str, Receipt)> {
    let link = |role, kind, key: &str| Link { role, subject: Subject { kind, key: key.into() } };
    let notice = |code, alert: &str| AlertNotice { code, alert: alert.into() };
    let links = [
        link(Role::Output, SubjectKind::Unit, "TJ:12000001"),
        link(Role::Input, SubjectKind::Declaration, "020220261000000011-1"),
        link(Role::Other, SubjectKind::Party, "91120116MA05XXXX5K"),
        link(Role::Other, SubjectKind::Station, "TJ-PORT-1"),
    ];
    let links = Ascending::collect(links, LINKS_MAX).expect("four");
    let alerts = [notice(1_012, "b"), notice(12, "a"), notice(12, "aa")];
    let alerts = Ascending::collect(alerts, ALERTS_MAX).expect("three");
    let transaction = transaction();
    let of_operation = ReceiptSource::Operation {
        tx_id: transaction.tx_id(),
        op_index: 1,
        op_leaf: transaction.operations()[1].leaf(),
    };
    let of_system = ReceiptSource::System { step_leaf: Tag::Step.hash(b"a step record") };
    let operation = Receipt { source: of_operation, code: 0, links: links.clone(), alerts };
    let system = Receipt { source: of_system, code: 0, links, alerts: Ascending::default() };
    let nothing = (Ascending::default(), Ascending::default());
    let refused = Receipt { source: of_operation, code: 2, links: nothing.0, alerts: nothing.1 };
    vec![("operation", operation), ("system", system), ("refused", refused)]
}

pub(crate) fn pre_prepare() -> PrePrepare {
    PrePrepare {
        epoch: Epoch::ZERO,
        height: Height::new(1),
        view: View::ZERO,
        block_hash: block().hash(),
        just_hash: Hash::ZERO,
    }
}

pub(crate) fn prepare() -> Prepare {
    let PrePrepare { epoch, height, view, block_hash, .. } = pre_prepare();
    Prepare { epoch, height, view, block_hash }
}

pub(crate) fn commit() -> Commit {
    let PrePrepare { epoch, height, view, block_hash, .. } = pre_prepare();
    Commit { epoch, height, view, block_hash }
}

pub(crate) fn view_change(prepared: Option<(View, BlockHash)>) -> ViewChange {
    ViewChange {
        epoch: Epoch::ZERO,
        height: Height::new(1),
        view: View::new(2),
        parent: chain().genesis_block(),
        prepared,
    }
}

pub(crate) fn checkpoint() -> Checkpoint {
    Checkpoint { epoch: Epoch::ZERO, size: 2, root: hash(7) }
}

pub(crate) fn status() -> Status {
    Status {
        epoch: Epoch::ZERO,
        height: Height::new(2),
        view: View::new(1),
        decided: Height::new(1),
        decided_hash: block().hash(),
        executed: Height::new(1),
        certified: 1,
        voting: true,
        nonce: [8; 16],
        echo: [9; 16],
        clock: TIME,
    }
}

pub(crate) fn sign<T: Statement>(statement: T, signer: u8) -> Signed<T> {
    let signature = key(signer).sign(&statement.signed_bytes(chain()));
    Signed { statement, signer: ValidatorIndex::new(signer.into()), signature }
}

fn votes<T: Statement>(statement: &T, signers: &[u8]) -> Vec<Vote> {
    let vote = |signer: &u8| {
        let Signed { signer, signature, .. } = sign(statement.clone(), *signer);
        Vote { signer, signature }
    };
    signers.iter().map(vote).collect()
}

pub(crate) fn commit_certificate() -> CommitCertificate {
    CommitCertificate::new(commit(), votes(&commit(), &[3, 0, 2]))
}

pub(crate) fn checkpoint_certificate() -> CheckpointCertificate {
    CheckpointCertificate::new(checkpoint(), votes(&checkpoint(), &[0, 1, 2, 3]))
}

pub(crate) fn prepared_certificate() -> PreparedCertificate {
    let prepares = votes(&prepare(), &[1, 2]);
    PreparedCertificate { pre_prepare: sign(pre_prepare(), 0), prepares }
}

pub(crate) fn justification() -> Vec<ViewChangeMessage> {
    let named = Some((View::ZERO, block().hash()));
    let empty =
        |signer| ViewChangeMessage { signed: sign(view_change(None), signer), certificate: None };
    let holder = ViewChangeMessage {
        signed: sign(view_change(named), 1),
        certificate: Some(prepared_certificate()),
    };
    vec![empty(0), holder, empty(3)]
}

fn quantity(milli: u64, uom: Uom) -> Quantity {
    Quantity { milli, uom: uom.into() }
}

fn item(code: &str) -> Item {
    let quantity = Some(quantity(100_000, Uom::Xbx));
    Item { code: code.into(), quantity, counterpart: String::new() }
}

fn event() -> Event {
    Event {
        occurred_ms: TIME.value(),
        party: "91120116MA05XXXX5K".into(),
        station: "TJ-COLD-1".into(),
        document: "TJ-2026-0001".into(),
        items: vec![item("TJ12000001")],
        ..Event::default()
    }
}

fn lot() -> Lot {
    Lot {
        product: "06901234567892".into(),
        batch: "B-7".into(),
        produced_day: 20_400,
        expires_day: 20_900,
        origin_country: "BRA".into(),
        establishment: "SIF 337".into(),
        imported: true,
    }
}

/// An event that moves goods to another party.
fn moved() -> Event {
    Event {
        counterparty: "91110105MA01XXXX7Q".into(),
        counterparty_station: "BJ-MARKET-1".into(),
        vehicle: "津A12345".into(),
        person: "ab".repeat(32),
        ..event()
    }
}

fn received() -> Event {
    let items = vec![Item { counterpart: "HB-0007".into(), ..item("TJ12000001") }];
    Event { items, ..moved() }
}

fn commissioned() -> Event {
    Event { lot: Some(lot()), declaration: "020220261000000011-1".into(), ..event() }
}

fn inspected() -> Event {
    Event {
        inspection: InspectionOutcome::Released.into(),
        certificates: vec!["RY-1".into()],
        declaration: "020220261000000011-1".into(),
        ..event()
    }
}

fn tested() -> Event {
    Event {
        test: TestOutcome::Positive.into(),
        agent: "SARS-CoV-2".into(),
        sample: "S-1".into(),
        ..event()
    }
}

fn divided() -> Event {
    let outputs = vec![item("TJ12000002"), item("TJ12000003")];
    Event { outputs, method: "cut".into(), ..event() }
}

fn party() -> Party {
    Party {
        id: "91120116MA05XXXX5K".into(),
        name: "天津冷链物流有限公司".into(),
        party_type: PartyType::ColdStore.into(),
        region: "120116".into(),
        licences: vec!["JY11201160000001".into()],
        valid_to_day: 21_000,
    }
}

fn station() -> Station {
    Station {
        id: "TJ-COLD-1".into(),
        name: "一号冷库".into(),
        party: "91120116MA05XXXX5K".into(),
        station_type: StationType::ColdStore.into(),
        longitude_micro: 117_700_000,
        latitude_micro: -38_990_000,
        datum: Datum::Cgcs2000.into(),
        region: "120116".into(),
        gln: "6901234567892".into(),
        first_station: true,
    }
}

fn product() -> Product {
    Product {
        id: "06901234567892".into(),
        name: "冻牛肉".into(),
        category: "meat".into(),
        hs_code: "0202300090".into(),
        shelf_life_days: 720,
        storage_max_milli_c: -18_000,
    }
}

fn vehicle() -> Vehicle {
    Vehicle {
        plate: "津A12345".into(),
        party: "91120116MA05XXXX5K".into(),
        load_max_grams: 20_000_000,
        container: "TEMU9000001".into(),
    }
}

fn certificate() -> Certificate {
    Certificate {
        number: "RY-1".into(),
        certificate_type: CertificateType::EntryInspection.into(),
        issuer: "天津海关".into(),
        issued_day: 20_400,
        valid_to_day: 20_500,
        file_hash: vec![1; 32],
        declaration: "020220261000000011-1".into(),
        codes: vec!["TJ12000001".into()],
    }
}

fn declaration() -> Declaration {
    Declaration {
        number: "020220261000000011-1".into(),
        consignee: "91120116MA05XXXX5K".into(),
        establishment: "SIF 337".into(),
        origin_country: "BRA".into(),
        port: "TJ-PORT-1".into(),
        hs_code: "0202300090".into(),
        quantity: Some(quantity(2_500_000, Uom::Kgm)),
        entry_day: 20_400,
        file_hash: vec![2; 32],
        containers: vec!["TEMU9000001".into()],
    }
}

fn observation() -> Observation {
    Observation {
        occurred_ms: TIME.value(),
        format: "epcis-2.0-json".into(),
        original: br#"{"type":"ObjectEvent"}"#.to_vec(),
        codes: vec!["urn:epc:id:sgtin:4012345.011111.9876".into()],
        inputs: vec!["urn:epc:class:lgtin:4012345.011111.1".into()],
        outputs: vec!["urn:epc:class:lgtin:4012345.011111.2".into()],
        container: "urn:epc:id:sscc:4012345.0000000111".into(),
        contents: vec!["urn:epc:id:sgtin:4012345.011111.9877".into()],
        stations: vec!["urn:epc:id:sgln:4012345.00001.0".into()],
        parties: vec!["urn:epc:id:pgln:4012345.00002".into()],
        business_step: "inspecting".into(),
    }
}

fn release_publish() -> ReleasePublish {
    ReleasePublish {
        id: "R-1".into(),
        kind: "recall_notice".into(),
        title: "召回公告".into(),
        body: "批次 B-7 停止销售".into(),
        audience: "public".into(),
        level: 2,
        codes: vec!["TJ12000001".into()],
        parties: vec!["91120116MA05XXXX5K".into()],
        alerts: vec!["a1".into()],
        valid_until_ms: TIME.value() + 1,
    }
}

fn evaluation() -> Evaluation {
    Evaluation {
        id: "E-1".into(),
        object_kind: "platform".into(),
        object: "platform-12".into(),
        from_day: 20_400,
        to_day: 20_490,
        indicators: vec![Indicator {
            name: "及时率".into(),
            score_permille: 950,
            weight_permille: 1_000,
        }],
        grade: "A".into(),
        resources: vec![ResourceSupport {
            resource: "funds".into(),
            amount: 100_000,
            unit: "CNY".into(),
            source: "市级财政".into(),
        }],
    }
}

fn correction() -> Correction {
    Correction {
        occurred_ms: TIME.value(),
        supersedes: operation(OperationKind::Ship).uid.0.to_vec(),
        reason: "incorrect_data".into(),
        kind: OperationKind::Ship.code().into(),
        event: Some(moved()),
    }
}

fn match_declare() -> MatchDeclare {
    MatchDeclare {
        relation: Relation::Same.into(),
        from: "HB-0007".into(),
        to: "TJ12000001".into(),
        quantity: Some(quantity(100_000, Uom::Xbx)),
        document: "TJ-2026-0001".into(),
    }
}

fn decision(kind: OperationKind) -> Body {
    let (from, to) = ("HB-0007".into(), "TJ12000001".into());
    Body::MatchDecision(MatchDecision { from, to, reason: kind.name().into() })
}

/// One representative body for each type of operation.
pub(crate) fn body(kind: OperationKind) -> Body {
    match kind {
        OperationKind::Party => Body::Party(party()),
        OperationKind::Station => Body::Station(station()),
        OperationKind::Product => Body::Product(product()),
        OperationKind::Vehicle => Body::Vehicle(vehicle()),
        OperationKind::Certificate => Body::Certificate(certificate()),
        OperationKind::Declaration => Body::Declaration(declaration()),
        OperationKind::OpeningStock => Body::Event(Event { lot: Some(lot()), ..event() }),
        OperationKind::CustomsInspection => Body::Event(inspected()),
        OperationKind::Commission => Body::Event(commissioned()),
        OperationKind::TestResult => Body::Event(tested()),
        OperationKind::Disinfection => {
            Body::Event(Event { agent: "次氯酸钠".into(), ..event() })
        }
        OperationKind::Sampling
        | OperationKind::StorageIn
        | OperationKind::StorageOut
        | OperationKind::Use => Body::Event(event()),
        OperationKind::Pack | OperationKind::Unpack => {
            Body::Event(Event { container: "TJP1".into(), ..event() })
        }
        OperationKind::Split | OperationKind::Process => Body::Event(divided()),
        OperationKind::Ship | OperationKind::Sale => Body::Event(moved()),
        OperationKind::Receive => Body::Event(received()),
        OperationKind::Disposal => Body::Event(Event { method: "destroyed".into(), ..event() }),
        OperationKind::Observation => Body::Observation(observation()),
        OperationKind::Correction => Body::Correction(correction()),
        OperationKind::MatchDeclare => Body::MatchDeclare(match_declare()),
        OperationKind::MatchConfirm | OperationKind::MatchDispute | OperationKind::MatchVoid => {
            decision(kind)
        }
        OperationKind::AlertAcknowledge => Body::AlertAcknowledge(AlertAcknowledge {
            alert: "a1".into(),
            remark: "已派员".into(),
        }),
        OperationKind::ReleasePublish => Body::ReleasePublish(release_publish()),
        OperationKind::ReleaseWithdraw => Body::ReleaseWithdraw(ReleaseWithdraw {
            id: "R-1".into(),
            reason: "复检阴性".into(),
        }),
        OperationKind::Evaluation => Body::Evaluation(evaluation()),
        OperationKind::SchemePropose => {
            Body::SchemePropose(SchemePropose { definition: "id = \"TJ\"".into() })
        }
        OperationKind::RulePropose => Body::RulePropose(RulePropose {
            parameter: "settling_ms".into(),
            scope: "1".into(),
            value: 86_400_000,
        }),
        OperationKind::Approve => Body::Approve(Approve { proposal: vec![3; 16], proposer: 1 }),
    }
}
