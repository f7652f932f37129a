#![cfg(test)]
//! Real operations through the contracts and a ledger in memory, proofs by the ledger's own prover,
//! checked by the library and by the command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use contracts::walk::Direction;
use genesis::ceremony::{self, Made, Plan};
use genesis::keys::KeyPurpose;
use ledger::bundle::Bundle;
use ledger::prove::{Bodies, Prover, TraceQuery};
use ledger::{Ledger, MemoryStore};
use proto::block::{Block, BlockHeader};
use proto::certificate::{Certificate, Vote};
use proto::hash::Hash;
use proto::message::{Commit, Decided};
use proto::operation::{OpUid, Operation, Salt};
use proto::receipt::{Subject, SubjectKind};
use proto::schema::event::{Event, Item, Lot, Quantity, Uom};
use proto::schema::{Body, OperationKind as Kind};
use proto::submitter::SubmitterRole;
use proto::transaction::Transaction;
use proto::trie::Namespace;
use proto::types::{Epoch, Height, ValidatorIndex, View};
use proto::verified::Statement;
use verify::{Detail, Level, Options, PinnedCheckpoint};

/// 2025-10-09T08:53:20Z, and the day before.
const START: u64 = 1_760_000_000_000;
const DAY: u32 = 20_369;

const IMPORTER: &str = "91130000700000001A";
const PLANT: &str = "91120000700000003C";
const SHOP: &str = "91110000700000002B";

/// Two blocks are appended for each act: the act, and a heartbeat.
struct Chain {
    made: Made,
    ledger: Ledger<MemoryStore>,
    records: u32,
}

impl Chain {
    fn new() -> Self {
        let agencies = [("北京", 11), ("天津", 12), ("河北", 13)];
        let plan = Plan::for_agencies(&agencies, START);
        let made = ceremony::hold(&plan, &mut ceremony::seeds_for_tests(7)).unwrap();
        let ledger = Ledger::open_or_create(MemoryStore::default(), &made.genesis).unwrap();
        Self { made, ledger, records: 0 }
    }

    fn certify<T: Statement>(&self, statement: T, signers: &[u16]) -> Certificate<T> {
        let bytes = statement.signed_bytes(self.ledger.chain());
        let vote = |signer: &u16| {
            let agency = &self.made.agencies[usize::from(*signer)];
            let key = agency.key(KeyPurpose::Validator).unwrap();
            Vote { signer: ValidatorIndex::new(*signer), signature: key.sign(&bytes) }
        };
        Certificate::new(statement, signers.iter().map(vote).collect())
    }

    /// Appends a block with these events of one agency's platform, and certifies it.
    fn block(&mut self, agency: usize, acts: &[(Kind, Event)], signers: &[u16]) {
        let operations: Vec<Operation> = acts
            .iter()
            .map(|(kind, event)| {
                self.records += 1;
                let uid = OpUid::of_record("test", &self.records.to_string());
                let body = Body::Event(event.clone()).encode();
                let salt = Salt::derive(&[9; 32], uid);
                Operation { kind: kind.code(), version: 1, uid, salt, body }
            })
            .collect();
        let head = self.ledger.head();
        let time = head.time.plus_ms(1_000);
        let role = KeyPurpose::Submitter(SubmitterRole::Platform);
        let key = self.made.agencies[agency].key(role).unwrap();
        let bodies: Vec<Transaction> = if operations.is_empty() {
            Vec::new()
        } else {
            let chain = self.ledger.chain();
            vec![Transaction::sign(chain, key, time.plus_ms(60_000), operations).unwrap()]
        };
        let height = head.height.next();
        let descriptor = self.ledger.descriptor();
        let header = BlockHeader {
            chain: self.ledger.chain(),
            epoch: Epoch::ZERO,
            epoch_hash: descriptor.hash(self.ledger.chain()),
            height,
            view: View::ZERO,
            primary: descriptor.primary(height, View::ZERO),
            parent: head.block_hash,
            time,
            tx_count: 0,
            tx_root: Hash::ZERO,
            evidence_count: 0,
            evidence_root: Hash::ZERO,
        };
        let block = Block::new(header, bodies.iter().map(Transaction::leaf).collect());
        let (epoch, view, block_hash) = (Epoch::ZERO, View::ZERO, block.hash());
        let statement = Commit { epoch, height, view, block_hash };
        let certificate = self.certify(statement, &[0, 1]);
        self.ledger.append(&Decided { block, certificate }, &bodies).unwrap();
        let certificate = self.certify(self.ledger.checkpoint(), signers);
        self.ledger.add_checkpoint_certificate(certificate).unwrap();
    }

    /// The story: coded and divided in Hebei, shipped to Tianjin and taken in under another code, cut
    /// there, shipped to Beijing, sold.
    fn tell(signers: &[u16]) -> Self {
        let mut chain = Self::new();
        for (agency, kind, event) in scenes() {
            chain.block(agency, &[(kind, event)], signers);
        }
        chain.block(0, &[], signers);
        chain
    }

    fn prove<T>(&self, ask: impl FnOnce(&Prover<'_, SnapshotOf<'_>>) -> T) -> T {
        let reader = self.ledger.reader();
        let view = reader.view().unwrap();
        ask(&Prover::new(&view, &[3]))
    }

    fn accept(&self, bundle: &Bundle) -> verify::Report {
        // Through bytes and through JSON, as bundles travel.
        let read = Bundle::from_bytes(&bundle.to_bytes()).unwrap();
        assert_eq!(Bundle::from_json(&read.to_json()).unwrap(), read);
        match verify::verify(self.ledger.chain(), &read, &Options::default()) {
            Ok(report) => report,
            Err(failure) => panic!("{failure}"),
        }
    }
}

type SnapshotOf<'a> = <MemoryStore as ledger::store::Store>::Snapshot<'a>;

fn code(name: &str) -> String {
    format!("urn:epc:id:sgtin:{name}")
}

fn unit(name: &str) -> Subject {
    Subject::unit(format!("GS1:{}", code(name)))
}

const LOT: &str = "4012345.011111.LOT";
const BOX_1: &str = "4012345.011111.1";
const BOX_2: &str = "4012345.011111.2";
const TIANJIN: &str = "6901234.022222.9";
const PACKET_1: &str = "6901234.033333.1";
const PACKET_2: &str = "6901234.033333.2";

fn item(name: &str, kilograms: u64) -> Item {
    let quantity = Some(Quantity { milli: kilograms * 1_000, uom: Uom::Kgm.into() });
    Item { code: code(name), quantity, counterpart: String::new() }
}

fn event(party: &str, station: &str, items: Vec<Item>) -> Event {
    Event {
        occurred_ms: u64::from(DAY) * 86_400_000 + 43_200_000,
        party: party.to_owned(),
        station: station.to_owned(),
        items,
        ..Event::default()
    }
}

fn scenes() -> Vec<(usize, Kind, Event)> {
    let coded = Event {
        declaration: "021020251000000017-1".to_owned(),
        lot: Some(Lot { batch: "B7".to_owned(), imported: true, ..Lot::default() }),
        ..event(IMPORTER, "HE-PORT", vec![item(LOT, 1_000)])
    };
    let split = Event {
        outputs: vec![item(BOX_1, 600), item(BOX_2, 400)],
        ..event(IMPORTER, "HE-PORT", vec![item(LOT, 1_000)])
    };
    let sent = Event {
        vehicle: "冀A12345".to_owned(),
        document: "WB-1".to_owned(),
        counterparty: PLANT.to_owned(),
        ..event(IMPORTER, "HE-PORT", vec![item(BOX_1, 600)])
    };
    let mut taken = item(TIANJIN, 600);
    taken.counterpart = code(BOX_1);
    let taken = Event {
        document: "WB-1".to_owned(),
        counterparty: IMPORTER.to_owned(),
        ..event(PLANT, "TJ-PLANT", vec![taken])
    };
    let cut = Event {
        outputs: vec![item(PACKET_1, 300), item(PACKET_2, 300)],
        method: "cut".to_owned(),
        ..event(PLANT, "TJ-PLANT", vec![item(TIANJIN, 600)])
    };
    let delivery = |party: &str, station: &str, other: &str| Event {
        document: "WB-2".to_owned(),
        counterparty: other.to_owned(),
        ..event(party, station, vec![item(PACKET_1, 300)])
    };
    vec![
        (2, Kind::Commission, coded),
        (2, Kind::Split, split),
        (2, Kind::Ship, sent),
        (1, Kind::Receive, taken),
        (1, Kind::Process, cut),
        (1, Kind::Ship, delivery(PLANT, "TJ-PLANT", SHOP)),
        (0, Kind::Receive, delivery(SHOP, "BJ-SHOP", PLANT)),
        (0, Kind::Sale, event(SHOP, "BJ-SHOP", vec![item(PACKET_1, 300)])),
    ]
}

fn trace(chain: &Chain, start: Subject, direction: Direction, unit_limit: u32) -> Bundle {
    let query =
        TraceQuery { starts: vec![start], direction, at: None, unit_limit, bodies: Bodies::Shown };
    chain.prove(|prover| prover.trace(&query)).unwrap()
}

#[test]
fn every_receipt_of_the_ledger_is_proven_and_verified() {
    let chain = Chain::tell(&[0, 1, 2]);
    let head = chain.ledger.head().height;
    let (mut events, mut steps) = (0, 0);
    for height in (1..=head.value()).map(Height::new) {
        for index in 0.. {
            let Ok(receipt) = chain.prove(|prover| prover.receipt(height, index)) else { break };
            assert_eq!(chain.accept(&receipt).level, Level::Hardened);
            match chain.prove(|prover| prover.event(height, index)) {
                Ok(event) => {
                    let report = chain.accept(&event);
                    assert!(report.claims[0].words.en.contains(": recorded"), "{height}/{index}");
                    assert!(report.claims[0].words.en.contains("platform"), "{height}/{index}");
                    events += 1;
                }
                Err(_) => steps += 1,
            }
        }
    }
    assert_eq!(events, 8);
    assert!(steps > 0, "matches are written by steps of the system");
}

#[test]
fn a_packet_in_beijing_is_traced_to_the_declaration_in_hebei() {
    let chain = Chain::tell(&[0, 1]);
    let bundle = trace(&chain, unit(PACKET_1), Direction::Back, 1_000);
    let report = chain.accept(&bundle);
    assert_eq!(report.level, Level::Certified);
    let words = &report.claims[0].words;
    assert!(words.zh.contains("：完整；") && words.en.contains(": complete; "), "{words:?}");
    let Detail::Trace(found) = &report.claims[0].detail else { panic!("a trace") };
    let declaration =
        Subject { kind: SubjectKind::Declaration, key: b"021020251000000017-1".to_vec() };
    for subject in [unit(PACKET_1), unit(TIANJIN), unit(BOX_1), unit(LOT), declaration] {
        assert!(found.walk.reached.contains_key(&subject), "{subject:?}");
    }
    for subject in [unit(PACKET_2), unit(BOX_2)] {
        assert!(!found.walk.reached.contains_key(&subject), "{subject:?}");
    }
}

#[test]
fn traces_in_every_direction_and_limit_verify() {
    let chain = Chain::tell(&[1, 2]);
    for start in [LOT, BOX_1, BOX_2, TIANJIN, PACKET_1, PACKET_2, "4012345.011111.NEVER"] {
        for direction in [Direction::Back, Direction::Forward, Direction::Both] {
            for limit in [1, 2, 3, 5, 100] {
                let bundle = trace(&chain, unit(start), direction, limit);
                chain.accept(&bundle);
            }
        }
    }
}

#[test]
fn withheld_bodies_states_and_windows_verify() {
    let chain = Chain::tell(&[0, 1, 2]);
    let query = TraceQuery {
        starts: vec![unit(LOT)],
        direction: Direction::Both,
        at: Some(Height::new(4)),
        unit_limit: 100,
        bodies: Bodies::Withheld,
    };
    let bundle = chain.prove(|prover| prover.trace(&query)).unwrap();
    let words = &chain.accept(&bundle).claims[0].words;
    assert!(words.en.contains("bodies withheld") && words.en.contains("height 4"), "{words:?}");
    for key in [b"backfill".as_slice(), b"never"] {
        let bundle = chain.prove(|prover| prover.state(Namespace::Sys, key, None)).unwrap();
        chain.accept(&bundle);
    }
    for (kind, key, from, to) in [
        (SubjectKind::Party, IMPORTER, DAY, DAY),
        (SubjectKind::Party, SHOP, 1, DAY + 9),
        (SubjectKind::Vehicle, "冀A12345", DAY - 1, DAY + 1),
        (SubjectKind::Party, "91110000NOBODY0000", 1, DAY),
    ] {
        let subject = Subject { kind, key: key.as_bytes().to_vec() };
        let ask = |prover: &Prover<'_, SnapshotOf<'_>>| {
            prover.window(&subject, (from, to), None, Bodies::Shown)
        };
        chain.accept(&chain.prove(ask).unwrap());
    }
}

#[test]
fn the_provers_pins_satisfy_a_verifier_who_holds_one() {
    let chain = Chain::tell(&[0, 1, 2]);
    let bundle = trace(&chain, unit(LOT), Direction::Both, 100);
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let root = view.history_root(3).unwrap().unwrap();
    let pin =
        |root| Options { pins: vec![PinnedCheckpoint { size: 3, root }], ..Options::default() };
    verify::verify(chain.ledger.chain(), &bundle, &pin(root)).unwrap();
    let other = verify::verify(chain.ledger.chain(), &bundle, &pin(Hash::ZERO)).unwrap_err();
    assert_eq!(other.rule.number(), "C6.3");
}

#[test]
fn a_pin_above_the_hardened_size_is_met_although_the_answer_lies_below() {
    let mut chain = Chain::tell(&[0, 1, 2]);
    (0..3).for_each(|_| chain.block(0, &[], &[0, 1]));
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let size = view.certified_size().unwrap() - 1;
    assert!(view.hardened_size().unwrap() < size);
    let held = PinnedCheckpoint { size, root: view.history_root(size).unwrap().unwrap() };
    let options = Options { pins: vec![held], ..Options::default() };
    let ask = |pins: &[u64]| {
        let bundle = Prover::new(&view, pins).receipt(Height::new(1), 0).unwrap();
        verify::verify(chain.ledger.chain(), &bundle, &options).map(|report| report.level)
    };
    assert_eq!(ask(&[size]), Ok(Level::Certified));
    assert_eq!(ask(&[]).unwrap_err().rule.number(), "C6.3");
}

/// Runs the command line on a bundle's bytes.
struct Desk {
    folder: tempfile::TempDir,
    genesis_hash: String,
}

impl Desk {
    fn new(chain: &Chain) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, genesis_hash: chain.ledger.chain().to_string() }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn run(&self, path: &Path, more: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jjj-verify"));
        command.arg(path).args(["--genesis-hash", &self.genesis_hash]).args(more);
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
        (status.code().unwrap(), text)
    }
}

#[test]
fn the_command_verifies_refuses_and_says_why() {
    let chain = Chain::tell(&[0, 1, 2]);
    let desk = Desk::new(&chain);
    let bundle = trace(&chain, unit(PACKET_1), Direction::Back, 100);
    let good = desk.file("good.jjj", &bundle.to_bytes());
    let json = desk.file("good.json", bundle.to_json().as_bytes());
    for path in [&good, &json] {
        let (code, text) = desk.run(path, &[]);
        assert_eq!(code, 0, "{text}");
        assert!(
            text.contains("核验通过") && text.contains("[同货] ") && text.contains("信任："),
            "{text}"
        );
        let (code, text) = desk.run(path, &["--lang", "en", "--level", "hardened"]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("verified: HARDENED") && text.contains("Trust: "), "{text}");
        let (code, text) = desk.run(path, &["--json"]);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, value["verified"].as_bool()), (0, Some(true)), "{text}");
    }

    let mut flipped = bundle.to_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let (code, text) = desk.run(&desk.file("flipped.jjj", &flipped), &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("核验未通过（规则 "), "{text}");

    let mut deleted = bundle.clone();
    let busiest = deleted.items[0].logs.iter_mut().max_by_key(|log| log.entries.len()).unwrap();
    let gone = busiest.entries.len() - 1;
    busiest.entries.remove(gone - 1);
    let path = desk.file("deleted.json", deleted.to_json().as_bytes());
    let (code, text) = desk.run(&path, &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&format!("缺少第 {gone} 条记录")), "{text}");
    let (code, text) = desk.run(&path, &["--lang", "en"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&format!("event {gone} is missing")), "{text}");
    let (code, text) = desk.run(&path, &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, value["rule"].as_str()), (1, Some("D4")), "{text}");
}

#[test]
fn the_command_holds_the_bundle_against_the_auditors_demands() {
    let chain = Chain::tell(&[0, 1]);
    let desk = Desk::new(&chain);
    let bundle = trace(&chain, unit(PACKET_1), Direction::Back, 100);
    let path = desk.file("bundle.jjj", &bundle.to_bytes());
    let reader = chain.ledger.reader();
    let root = reader.view().unwrap().history_root(3).unwrap().unwrap();
    let pins = |size: u64, root: &str| format!(r#"{{"pins":[{{"size":{size},"root":"{root}"}}]}}"#);
    let held = desk.file("held.json", pins(3, &root.to_string()).as_bytes());
    let other = desk.file("other.json", pins(3, &"00".repeat(32)).as_bytes());
    let newer = desk.file("newer.json", pins(99, &root.to_string()).as_bytes());
    let broken = desk.file("broken.json", b"{ \"pin\": 3 }");
    let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let (held, other, newer, broken) = (text(&held), text(&other), text(&newer), text(&broken));
    for (more, code, says) in [
        (vec!["--pin", &*held], 0, "核验通过"),
        (vec!["--pin", &*other], 1, "C6.3"),
        (vec!["--pin", &*newer], 1, "早于您留存的 99 个高度"),
        (vec!["--pin", &*broken], 2, "is not valid"),
        (vec!["--pin", "/nowhere/pins.json"], 2, "cannot read the pin file"),
        (vec!["--min-height", "9"], 0, "核验通过"),
        (vec!["--min-height", "10"], 1, "低于您要求的 10"),
        (vec!["--level", "certified"], 0, "核验通过"),
        (vec!["--level", "hardened"], 1, "低于您要求的 HARDENED"),
        (vec!["--level", "anchored"], 1, "低于您要求的 ANCHORED"),
        (vec!["--max-age", "60"], 1, "您最多接受 60000 毫秒"),
        (vec!["--max-age", "3000000000"], 0, "核验通过"),
        (vec!["--level", "certain"], 2, "certain"),
        (vec!["--max-age", "soon"], 2, "soon"),
    ] {
        let (found, text) = desk.run(&path, &more);
        assert_eq!(found, code, "{more:?}: {text}");
        assert!(text.contains(says), "{more:?}: {text}");
    }
}

#[test]
fn unreadable_files_and_other_chains_have_their_own_exit_codes() {
    let chain = Chain::tell(&[0, 1]);
    let desk = Desk::new(&chain);
    let bundle = trace(&chain, unit(LOT), Direction::Both, 100);
    let good = desk.file("bundle.jjj", &bundle.to_bytes());
    let other = Desk { genesis_hash: "ab".repeat(32), folder: tempfile::tempdir().unwrap() };
    let (code, text) = other.run(&good, &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("另一条链"), "{text}");
    let short = Desk { genesis_hash: "ab".to_owned(), folder: tempfile::tempdir().unwrap() };
    assert_eq!(short.run(&good, &[]).0, 2);
    assert_eq!(desk.run(Path::new("/nowhere/at/all"), &[]).0, 2);
    let mut json = bundle.to_json().into_bytes();
    json[100] ^= 0x80;
    for (name, bytes, says) in [
        ("flipped.json", &*json, "byte 100 is not UTF-8"),
        ("empty", b"".as_slice(), "C6.1"),
        ("noise", b"\xff\xff\xff\xff", "C5"),
        ("json of something else", b"{\"a\":1}", "C5"),
        ("items without number", &[0x2a, 0].repeat(1_000_000), "C5"),
    ] {
        let (code, text) = desk.run(&desk.file(name, bytes), &[]);
        assert_eq!(code, 1, "{name}: {text}");
        assert!(text.contains(says), "{name}: {text}");
    }
}
