//! The risk rules: what raises an alert, what closes and withdraws it, and that neither the order of
//! arrival nor the cut into blocks changes what stands in the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use contracts::codes::Codes;
use contracts::query::alert::{Filter, Scope, alerts, one, scope};
use contracts::query::locate;
use contracts::risk::alert::{AlertState, Level, Transition};
use contracts::risk::positive::Relation;
use contracts::scheme::demo;
use expect_test::{Expect, expect};
use proto::operation::Operation;
use proto::receipt::Alerts;
use proto::schema::act::{AlertAcknowledge, Approve, RulePropose};
use proto::schema::event::{Event, Item, Lot, TestOutcome};
use proto::schema::registry::{Certificate, CertificateType, Station};
use proto::schema::{Body, OperationKind};

use crate::correction::correction;
use crate::harness::{
    BJ, Chain, Done, HE, TJ, Who, agency, at, boxes, code, event, gs1, item, kilograms, operation,
    operation_with, platform, receive, regulator, ship, short, taken, uid, unit,
};

pub(crate) const DECLARATION: &str = "020220211000012345-1";

/// A code that the demo scheme of Beijing reads.
const BEIJING: &str = "BJ110108069012345678922103150042F";

/// 2023-06-01, after the change of the required certificates, in minutes of the harness.
pub(crate) const LATER: u64 = 1_161_000;

impl Done {
    /// Every alert notice of the block, as `raised R12`.
    pub(crate) fn notices(&self) -> Vec<String> {
        let of_operations = self.outcomes.iter().map(|outcome| &outcome.alerts);
        let of_steps = self.steps.iter().map(|step| &step.alerts);
        let mut told = Vec::new();
        for notice in of_operations.chain(of_steps).flat_map(Alerts::as_slice) {
            let (transition, rule) = Transition::of_code(notice.code).unwrap();
            let what = match transition {
                Transition::Raised => "raised",
                Transition::Closed => "closed",
                Transition::Withdrawn => "withdrawn",
                Transition::Acknowledged => "acknowledged",
            };
            told.push(format!("{what} R{:02}", rule.number()));
        }
        told.sort();
        told
    }
}

fn imported() -> Lot {
    Lot { imported: true, product: "beef".to_owned(), ..Lot::default() }
}

pub(crate) fn coding(minute: u64, name: &str) -> Operation {
    let coding = Event {
        declaration: DECLARATION.to_owned(),
        lot: Some(imported()),
        ..at(minute, "p-he", vec![item(name, boxes(100))])
    };
    event(OperationKind::Commission, coding)
}

pub(crate) fn sale(minute: u64, name: &str, count: u64) -> Operation {
    event(OperationKind::Sale, at(minute, "p-bj", vec![item(name, boxes(count))]))
}

pub(crate) fn certificate(number: &str, kind: CertificateType, declaration: &str) -> Operation {
    let body = Certificate {
        number: number.to_owned(),
        certificate_type: kind.into(),
        declaration: declaration.to_owned(),
        ..Certificate::default()
    };
    operation(OperationKind::Certificate, &Body::Certificate(body))
}

pub(crate) fn result(minute: u64, names: &[&str], test: TestOutcome) -> Operation {
    let tested = Event {
        test: test.into(),
        document: "REPORT-1".to_owned(),
        agent: "SARS-CoV-2".to_owned(),
        ..at(minute, "p-lab", names.iter().map(|name| code(name)).collect())
    };
    event(OperationKind::TestResult, tested)
}

fn approved(chain: &mut Chain, parameter: &str, scope: &str, value: u64) {
    let (parameter, scope) = (parameter.to_owned(), scope.to_owned());
    let id = uid(&format!("{parameter} {scope} {value}"));
    let body = Body::RulePropose(RulePropose { parameter, scope, value });
    let proposed = operation_with(OperationKind::RulePropose, id, &body);
    let outcome = chain.one(agency(BJ), proposed);
    assert_eq!(outcome.code, 0, "{:?}", outcome.refusal);
    let approve = Body::Approve(Approve { proposal: id.0.to_vec(), proposer: 0 });
    let outcome = chain.one(agency(HE), operation(OperationKind::Approve, &approve));
    assert_eq!(outcome.code, 0, "{:?}", outcome.refusal);
}

/// Every alert that was raised, in a line each.
pub(crate) fn listed(chain: &Chain) -> String {
    let mut text = String::new();
    for view in alerts(&chain.rows(), Filter::All, 100).unwrap() {
        let record = &view.record;
        let (state, level) = (record.state().name(), record.level());
        let subjects: Vec<String> = record.subjects.iter().map(|s| short(&s.key)).collect();
        let told = &record.addressees;
        writeln!(text, "{state} {level:?} {subjects:?} to {told:?}: {}", view.zh).unwrap();
    }
    text
}

fn check(chain: &Chain, expected: &Expect) {
    expected.assert_eq(&listed(chain));
}

#[test]
fn imported_goods_that_go_on_without_papers_are_alerted_until_the_papers_are_there() {
    let mut chain = Chain::new();
    let he = platform(HE);
    assert_eq!(chain.block(&[(he, coding(1, "L"))]).notices(), [""; 0], "coded is not gone");
    let shipped = ship(10, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(60))]);
    assert_eq!(chain.block(&[(he, shipped)]).notices(), ["raised R01"]);
    check(
        &chain,
        &expect![[r#"
        open Orange ["L"] to [2]: 缺少证明：进口货物已流转，缺少入境货物检验检疫证明、核酸检测报告、消毒证明
    "#]],
    );
    let received = receive(60, ("p-bj", "p-he"), "D-1", vec![taken("B", "L", boxes(60))]);
    chain.block(&[(platform(BJ), received)]);
    let sold = chain.block(&[(platform(BJ), sale(90, "B", 5))]);
    assert_eq!(sold.notices(), [""; 0], "one lot has one alert");
    check(
        &chain,
        &expect![[r#"
        open Red ["L"] to [0, 2]: 缺少证明：进口货物已流转，缺少入境货物检验检疫证明、核酸检测报告、消毒证明
    "#]],
    );
    let papers = [
        certificate("C-1", CertificateType::EntryInspection, DECLARATION),
        certificate("C-2", CertificateType::NucleicAcid, DECLARATION),
    ];
    for paper in papers {
        assert_eq!(chain.block(&[(he, paper)]).notices(), [""; 0]);
    }
    check(
        &chain,
        &expect![[r#"
        open Red ["L"] to [0, 2]: 缺少证明：进口货物已流转，缺少消毒证明
    "#]],
    );
    let last = certificate("C-3", CertificateType::Disinfection, DECLARATION);
    assert_eq!(chain.block(&[(he, last)]).notices(), ["closed R01"]);
    check(
        &chain,
        &expect![[r#"
        closed Red ["L"] to [0, 2]: 缺少证明：进口货物已流转，缺少消毒证明
    "#]],
    );
}

#[test]
fn the_required_papers_depend_on_the_time_of_coding_and_on_what_the_agencies_approved() {
    let he = platform(HE);
    let way = |minute| {
        let shipped = ship(minute + 9, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(60))]);
        let entry = certificate("C-1", CertificateType::EntryInspection, DECLARATION);
        [(he, coding(minute, "L")), (he, entry), (he, shipped)]
    };
    let mut before = Chain::new();
    assert_eq!(before.block(&way(1)).notices(), ["raised R01"], "three papers in 2021");
    let mut after = Chain::new();
    assert_eq!(after.block(&way(LATER)).notices(), [""; 0], "one paper in 2023");
    let mut changed = Chain::new();
    approved(&mut changed, "certificates_after_bits", "", 0b110);
    assert_eq!(changed.block(&way(LATER)).notices(), ["raised R01"], "two papers by approval");
    let record = alerts(&changed.rows(), Filter::Active, 9).unwrap().remove(0).record;
    assert_eq!((record.version, record.parameters_height), (1, 2));
}

#[test]
fn what_was_cut_and_sold_leads_back_to_the_lot_without_papers() {
    let bj = platform(BJ);
    let cut = Event {
        outputs: vec![item("PACK-1", boxes(50)), item("PACK-2", boxes(50))],
        ..at(20, "p-bj", vec![item("L", boxes(100))])
    };
    let lot = coding(1, "L");
    let cut = event(OperationKind::Split, cut);
    let sold = sale(30, "PACK-2", 1);
    // The missing link may come last.
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let all = [(platform(HE), lot.clone()), (bj, cut.clone()), (bj, sold.clone())];
        let mut chain = Chain::new();
        let told: Vec<String> =
            order.iter().flat_map(|at| chain.block(&[all[*at].clone()]).notices()).collect();
        assert_eq!(told, ["raised R01"], "order {order:?}");
        check(
            &chain,
            &expect![[r#"
            open Red ["L"] to [0, 2]: 缺少证明：进口货物已流转，缺少入境货物检验检疫证明、核酸检测报告、消毒证明
        "#]],
        );
    }
}

/// A chain whose platforms settle in ten seconds, the blocks being a second apart.
pub(crate) fn settling() -> Chain {
    let mut chain = Chain::new();
    approved(&mut chain, "settling_ms", "", 10_000);
    chain
}

pub(crate) fn wait(chain: &mut Chain, blocks: usize) -> Vec<String> {
    (0..blocks).flat_map(|_| chain.block(&[]).notices()).collect()
}

fn came(minute: u64, count: u64) -> Operation {
    event(OperationKind::StorageIn, at(minute, "p-bj", vec![item("L", boxes(count))]))
}

#[test]
fn more_out_than_in_is_alerted_after_the_settling_time_and_closed_by_the_missing_event() {
    let mut chain = settling();
    let bj = platform(BJ);
    let done = chain.block(&[(bj, came(1, 100)), (bj, sale(2, "L", 120))]);
    assert_eq!(done.notices(), [""; 0], "a late event may still come");
    assert_eq!(listed(&chain), "", "nobody is told before the time");
    assert_eq!(wait(&mut chain, 9), [""; 0]);
    assert_eq!(wait(&mut chain, 3), ["raised R12"]);
    check(
        &chain,
        &expect![[r#"
        open Red ["L", "0:st-p-bj"] to [0]: 超量出库：入库 100 箱，出库 120 箱
    "#]],
    );
    let english = alerts(&chain.rows(), Filter::Active, 1).unwrap().remove(0).en;
    assert_eq!(english, "over-quantity: 100 boxes came, 120 boxes left");
    let late = chain.block(&[(bj, came(3, 25))]);
    assert_eq!(late.notices(), ["closed R12"]);
    // It is raised again where the goods run short again.
    chain.block(&[(bj, sale(4, "L", 30))]);
    assert_eq!(wait(&mut chain, 12), ["raised R12"]);
    let never = correction("never", (99, sale(4, "L", 30).uid), OperationKind::Sale, None);
    assert_eq!(chain.block(&[(bj, never)]).notices(), ["closed R12"]);
}

#[test]
fn a_shortage_that_passes_in_time_leaves_no_trace() {
    let bj = platform(BJ);
    let mut late = settling();
    late.block(&[(bj, sale(2, "L", 120))]);
    wait(&mut late, 5);
    late.block(&[(bj, came(1, 120))]);
    assert_eq!(wait(&mut late, 20), [""; 0]);
    let alert = |key: &&(proto::trie::Namespace, Vec<u8>)| key.0 == proto::trie::Namespace::Alert;
    assert_eq!(late.entries.keys().filter(alert).count(), 0);
}

#[test]
fn a_shortage_that_comes_back_waits_anew() {
    let bj = platform(BJ);
    let mut chain = settling();
    chain.block(&[(bj, sale(2, "L", 120))]);
    wait(&mut chain, 6);
    chain.block(&[(bj, came(1, 120))]);
    chain.block(&[(bj, sale(3, "L", 50))]);
    assert_eq!(wait(&mut chain, 8), [""; 0], "the first deadline is not the second's");
    assert_eq!(wait(&mut chain, 4), ["raised R12"]);
}

#[test]
fn stock_from_before_tolerance_packing_and_other_codes_are_no_shortage() {
    let bj = platform(BJ);
    let opening = event(OperationKind::OpeningStock, at(1, "p-bj", vec![item("L", boxes(120))]));
    let drip = |milli| {
        let mut sold = at(5, "p-bj", vec![item("L", kilograms(1))]);
        sold.items[0].quantity.as_mut().unwrap().milli = milli;
        event(OperationKind::Sale, sold)
    };
    let tonne = event(OperationKind::StorageIn, at(1, "p-bj", vec![item("L", kilograms(1_000))]));
    let pack = Event { container: gs1("PALLET"), ..at(2, "p-he", vec![code("BOX")]) };
    let made =
        |count| event(OperationKind::Commission, at(1, "p-he", vec![item("BOX", boxes(count))]));
    let packed = event(OperationKind::Pack, pack);
    let kept = receive(3, ("p-bj", "p-he"), "D-1", vec![taken("B", "L", boxes(10))]);
    let under_the_old_code = sale(4, "L", 10);
    for (name, operations, expected) in [
        ("opening stock", vec![(bj, opening), (bj, sale(2, "L", 120))], vec![]),
        ("half a percent", vec![(bj, tonne.clone()), (bj, drip(1_005_000))], vec![]),
        ("above half a percent", vec![(bj, tonne), (bj, drip(1_005_001))], vec!["raised R12"]),
        ("one box", vec![(bj, came(1, 10)), (bj, sale(2, "L", 11))], vec![]),
        ("two boxes", vec![(bj, came(1, 10)), (bj, sale(2, "L", 12))], vec!["raised R12"]),
        (
            "in a pallet that came by another name",
            vec![(platform(HE), made(2)), (platform(HE), packed.clone()), (bj, sale(9, "BOX", 2))],
            vec![],
        ),
        (
            "more than was ever made",
            vec![(platform(HE), made(2)), (platform(HE), packed), (bj, sale(9, "BOX", 20))],
            vec!["raised R12"],
        ),
        ("two codes of one goods", vec![(bj, kept), (bj, under_the_old_code)], vec![]),
    ] {
        let mut chain = settling();
        chain.block(&operations);
        assert_eq!(wait(&mut chain, 12), expected, "{name}");
    }
}

/// Who packs BOX into PALLET.
pub(crate) fn packed(who: Who, minute: u64, party: &str, name: &str) -> (Who, Operation) {
    let pack = Event { container: gs1("PALLET"), ..at(minute, party, vec![code(name)]) };
    (who, event(OperationKind::Pack, pack))
}

#[test]
fn goods_that_came_by_the_box_and_leave_by_weight_are_no_shortage() {
    let bj = platform(BJ);
    let weighed =
        |count| (bj, event(OperationKind::Sale, at(2, "p-bj", vec![item("L", kilograms(count))])));
    let mut chain = settling();
    chain.block(&[(bj, came(1, 10)), weighed(20)]);
    assert_eq!(wait(&mut chain, 12), [""; 0]);
    let mut chain = settling();
    chain.block(&[weighed(20)]);
    assert_eq!(wait(&mut chain, 12), ["raised R12"], "nothing came at all");
    assert_eq!(chain.block(&[(bj, came(1, 10))]).notices(), ["closed R12"]);
    // What came by both measures is reckoned in each.
    let kilo = (bj, event(OperationKind::StorageIn, at(1, "p-bj", vec![item("L", kilograms(5))])));
    chain.block(&[kilo]);
    assert_eq!(wait(&mut chain, 12), ["raised R12"]);
}

#[test]
fn goods_that_were_packed_are_reckoned_as_a_whole_only_where_they_came_in_a_container() {
    let (bj, he) = (platform(BJ), platform(HE));
    let pallet = || receive(5, ("p-bj", "p-he"), "D-7", vec![item("PALLET", boxes(1))]);
    let made = (he, event(OperationKind::Commission, at(1, "p-he", vec![item("L", boxes(200))])));
    // Packed where it lay, having come as itself.
    let mut chain = settling();
    let here = packed(bj, 2, "p-bj", "L");
    chain.block(&[made.clone(), (bj, came(1, 100)), here, (bj, sale(3, "L", 120))]);
    assert_eq!(wait(&mut chain, 12), ["raised R12"]);
    // Some came as itself, some on a pallet.
    let there = packed(he, 2, "p-he", "L");
    let mut chain = settling();
    chain.block(&[made.clone(), there.clone(), (bj, came(1, 100)), (bj, sale(9, "L", 120))]);
    assert_eq!(wait(&mut chain, 12), ["raised R12"]);
    assert_eq!(chain.block(&[(bj, pallet())]).notices(), ["closed R12"], "the pallet has come");
    // The pallet was there, that it held some was said later.
    let mut chain = settling();
    chain.block(&[made, (bj, pallet()), (bj, came(1, 100)), (bj, sale(9, "L", 120))]);
    assert_eq!(wait(&mut chain, 12), ["raised R12"]);
    assert_eq!(chain.block(&[there]).notices(), ["closed R12"]);
}

#[test]
fn each_platform_has_its_own_settling_time() {
    let mut chain = settling();
    approved(&mut chain, "settling_ms", "1", 3_000);
    let sold = |party: &str| event(OperationKind::Sale, at(2, party, vec![item("L", boxes(9))]));
    chain.block(&[(platform(BJ), sold("p-bj")), (platform(TJ), sold("p-tj"))]);
    assert_eq!(wait(&mut chain, 4), ["raised R12"]);
    check(
        &chain,
        &expect![[r#"
        open Red ["L", "1:st-p-tj"] to [1]: 超量出库：入库 0 箱，出库 9 箱
    "#]],
    );
    assert_eq!(wait(&mut chain, 8), ["raised R12"]);
}

#[test]
fn codes_of_one_goods_from_two_declarations_are_a_conflict_until_one_is_corrected() {
    let mut chain = Chain::new();
    let (he, bj) = (platform(HE), platform(BJ));
    let other = |number: &str| {
        let coding =
            Event { declaration: number.to_owned(), ..at(1, "p-bj", vec![item("B", boxes(60))]) };
        event(OperationKind::CustomsInspection, coding)
    };
    let strange = other("020220211000099999-2");
    chain.block(&[(he, coding(1, "L")), (bj, strange.clone())]);
    let received = receive(60, ("p-bj", "p-he"), "D-1", vec![taken("B", "L", boxes(60))]);
    assert_eq!(chain.block(&[(bj, received)]).notices(), ["raised R22"]);
    check(
        &chain,
        &expect![[r#"
        open Red ["L", "B"] to [0, 2]: 匹配冲突：同一货物的码出自不同报关单
    "#]],
    );
    let Body::Event(right) =
        Body::decode(OperationKind::CustomsInspection, &other(DECLARATION).body).unwrap()
    else {
        unreachable!("an event");
    };
    let kind = OperationKind::CustomsInspection;
    let corrected = correction("right", (70, strange.uid), kind, Some(right));
    assert_eq!(chain.block(&[(bj, corrected)]).notices(), ["closed R22"]);
}

#[test]
fn a_conflict_of_a_code_that_a_scheme_reads_goes_with_its_old_name() {
    let mut chain = Chain::new();
    let (he, bj) = (platform(HE), platform(BJ));
    let written = || Item { code: BEIJING.to_owned(), ..item("", boxes(60)) };
    let seen =
        Event { declaration: "020220211000099999-2".to_owned(), ..at(1, "p-bj", vec![written()]) };
    let received =
        receive(60, ("p-bj", "p-he"), "D-1", vec![Item { counterpart: gs1("L"), ..written() }]);
    let seen = event(OperationKind::CustomsInspection, seen);
    let done = chain.block(&[(he, coding(1, "L")), (bj, seen), (bj, received)]);
    assert_eq!(done.notices(), ["raised R22"]);
    chain.activate(&[demo::BEIJING]);
    chain.block(&[]);
    check(
        &chain,
        &expect![[r#"
        open Red ["L", "JJJ-DEMO-BJ:110108:06901234567892:210315:0042"] to [0, 2]: 匹配冲突：同一货物的码出自不同报关单
        closed Red ["L", "OPAQUE:0:BJ110108069012345678922103150042F"] to [0, 2]: 匹配冲突：同一货物的码出自不同报关单
    "#]],
    );
}

/// A lot from Hebei, received as a box in Beijing and in Tianjin, cut into packets in Beijing.
pub(crate) fn road() -> Vec<(Who, Operation)> {
    let (he, bj, tj) = (platform(HE), platform(BJ), platform(TJ));
    let cut = Event {
        outputs: vec![item("PACK-1", boxes(6)), item("PACK-2", boxes(4))],
        person: "ab".repeat(32),
        ..at(70, "p-bj", vec![item("B", boxes(10))])
    };
    let cooked = Event {
        outputs: vec![item("DISH", kilograms(3))],
        ..at(80, "p-bj", vec![item("PACK-2", boxes(2)), item("SAUCE", kilograms(1))])
    };
    vec![
        (he, coding(1, "L")),
        (he, ship(10, ("p-he", "p-bj"), "D-1", vec![item("L", boxes(60))])),
        (bj, receive(60, ("p-bj", "p-he"), "D-1", vec![taken("B", "L", boxes(60))])),
        (he, ship(11, ("p-he", "p-tj"), "D-2", vec![item("L", boxes(10))])),
        (bj, event(OperationKind::Split, cut)),
        (bj, sale(90, "PACK-1", 3)),
        (bj, event(OperationKind::Process, cooked)),
        (tj, event(OperationKind::OpeningStock, at(1, "p-tj", vec![item("STRANGER", boxes(7))]))),
    ]
}

fn of_positive(chain: &Chain) -> (String, Scope) {
    let all = alerts(&chain.rows(), Filter::All, 100).unwrap();
    let view = all.into_iter().find(|view| view.id.starts_with("R24-")).unwrap();
    let scope = scope(&chain.rows(), &view.id, None, 10_000).unwrap();
    (view.id, scope)
}

fn relations(scope: &Scope) -> BTreeMap<String, Relation> {
    scope.units.iter().map(|unit| (short(&unit.place.unit), unit.relation)).collect()
}

pub(crate) fn relation_lines(scope: &Scope) -> Vec<String> {
    relations(scope).into_iter().map(|(unit, relation)| format!("{unit} {relation:?}")).collect()
}

#[test]
fn a_positive_sample_finds_everything_it_concerns_in_its_own_block() {
    let mut chain = Chain::new();
    chain.block(&road());
    let station = Station {
        id: "st-p-bj".to_owned(),
        name: "京东冷库".to_owned(),
        longitude_micro: 116_400_000,
        latitude_micro: 39_900_000,
        region: "110108".to_owned(),
        ..Station::default()
    };
    let station = operation(OperationKind::Station, &Body::Station(station));
    let positive = result(100, &["PACK-1"], TestOutcome::Positive);
    let done = chain.block(&[(platform(BJ), station), (platform(BJ), positive)]);
    assert_eq!(done.notices(), ["raised R24"]);
    let codes: Vec<u16> = done.outcomes[1].alerts.as_slice().iter().map(|n| n.code).collect();
    assert_eq!(codes, [24], "the receipt of the result itself says so");
    let (id, scope) = of_positive(&chain);
    assert_eq!(
        relation_lines(&scope),
        ["B Ancestor", "DISH Sibling", "L Ancestor", "PACK-1 Tested", "PACK-2 Sibling"]
    );
    assert_eq!(scope.declarations, [DECLARATION.as_bytes()]);
    let record = one(&chain.rows(), &id).unwrap().unwrap().record;
    assert_eq!((record.units, record.is_searching), (5, false));
    assert_eq!(record.addressees, [0, 2]);
    check(
        &chain,
        &expect![[r#"
        open Red ["PACK-1", "0:st-p-lab"] to [0, 2]: 检测阳性：SARS-CoV-2，报告 REPORT-1，涉及 5 个追溯单元
        open Red ["L"] to [0, 2]: 缺少证明：进口货物已流转，缺少入境货物检验检疫证明、核酸检测报告、消毒证明
    "#]],
    );
    let holder = |name: &str| {
        let unit = scope.units.iter().find(|found| short(&found.place.unit) == name).unwrap();
        unit.place.clone()
    };
    let packet = holder("PACK-1");
    assert_eq!(packet.holders[0].site.longitude_micro, 116_400_000);
    assert_eq!(packet.holders[0].site.name, "京东冷库");
    assert_eq!(packet.holders[0].site.agency.unwrap().value(), BJ);
    assert_eq!(packet.holders[0].amount.milli, 3_000);
    assert_eq!(packet.persons, ["ab".repeat(32).into_bytes()]);
    let lot = holder("L");
    let documents: Vec<&str> = lot.consignments.iter().map(|one| &*one.document).collect();
    assert_eq!(documents, ["D-1", "D-2"]);
    assert_eq!(lot.consignments[1].sender().unwrap().vehicle, "冀A12345".as_bytes());
    assert_eq!(lot.consignments[1].in_transit[0].milli, 10_000);
    assert!(lot.alerts.contains(&id), "the unit itself names the alert");
    let in_boxes = scope.totals.iter().find(|total| total.uom == 2).unwrap();
    let parts = [in_boxes.sold, in_boxes.in_stock, in_boxes.in_transit];
    assert_eq!(parts, [3_000, 85_000, 10_000]);
    // Two boxes were cooked; all the rest of the hundred is sold, in stock or on the road.
    assert_eq!(parts.iter().sum::<i64>() + 2_000, 100_000);
}

#[test]
fn later_events_join_what_they_touch_and_corrected_lineage_leaves() {
    let mut chain = Chain::new();
    chain.block(&road());
    chain.block(&[(platform(BJ), result(100, &["PACK-1"], TestOutcome::Suspected))]);
    let cut = Event {
        outputs: vec![item("SLICE", boxes(1))],
        ..at(110, "p-bj", vec![item("PACK-1", boxes(1))])
    };
    let cut = event(OperationKind::Split, cut);
    let received = receive(111, ("p-tj", "p-he"), "D-2", vec![taken("T", "L", boxes(10))]);
    let done = chain.block(&[(platform(BJ), cut.clone()), (platform(TJ), received)]);
    assert_eq!(done.notices(), [""; 0], "the alert stands already");
    let (id, scope) = of_positive(&chain);
    let found = relations(&scope);
    assert_eq!(found.get("SLICE"), Some(&Relation::Descendant));
    assert_eq!(found.get("T"), Some(&Relation::Ancestor), "the same goods as the lot");
    let record = one(&chain.rows(), &id).unwrap().unwrap().record;
    assert_eq!(record.addressees, [0, 1, 2], "Tianjin has some of it now");
    assert_eq!(record.level(), Level::Orange);
    let never = correction("never", (120, cut.uid), OperationKind::Split, None);
    chain.block(&[(platform(BJ), never)]);
    chain.block(&[]);
    let (_, scope) = of_positive(&chain);
    assert_eq!(relations(&scope).get("SLICE"), None, "it was never cut");
    assert_eq!(relations(&scope).len(), 6);
}

#[test]
fn a_corrected_result_withdraws_its_alert_and_a_confirmed_suspicion_is_told_again() {
    let mut chain = Chain::new();
    let bj = platform(BJ);
    chain.block(&road());
    let suspected = result(100, &["PACK-1"], TestOutcome::Suspected);
    assert_eq!(chain.block(&[(bj, suspected.clone())]).notices(), ["raised R24"]);
    let stated = |test: TestOutcome| {
        let body = Body::decode(OperationKind::TestResult, &result(100, &["PACK-1"], test).body);
        let Body::Event(event) = body.unwrap() else { unreachable!("an event") };
        Some(event)
    };
    let kind = OperationKind::TestResult;
    let confirmed = stated(TestOutcome::Positive);
    let confirmed = correction("confirmed", (101, suspected.uid), kind, confirmed);
    assert_eq!(chain.block(&[(bj, confirmed)]).notices(), ["raised R24"]);
    let (id, scope) = of_positive(&chain);
    assert_eq!(one(&chain.rows(), &id).unwrap().unwrap().record.level(), Level::Red);
    assert_eq!(relations(&scope).len(), 5, "found again from the beginning");
    let refuted = correction("refuted", (102, suspected.uid), kind, stated(TestOutcome::Negative));
    let done = chain.block(&[(bj, refuted)]);
    let codes: Vec<u16> = done.outcomes[0].alerts.as_slice().iter().map(|n| n.code).collect();
    assert_eq!(codes, [2_024], "the receipt of the correction itself says so");
    assert_eq!(one(&chain.rows(), &id).unwrap().unwrap().record.state(), AlertState::Withdrawn);
    let place = locate::unit(&chain.rows(), &unit("PACK-1"), 9).unwrap().unwrap();
    assert_eq!(place.alerts, [""; 0], "a withdrawn alert concerns nobody");
    let again = correction("again", (103, suspected.uid), kind, stated(TestOutcome::Positive));
    assert_eq!(chain.block(&[(bj, again)]).notices(), ["raised R24"]);
}

#[test]
fn a_negative_result_and_one_that_was_corrected_before_it_came_raise_nothing() {
    let mut chain = Chain::new();
    let bj = platform(BJ);
    chain.block(&road());
    let negative = result(100, &["PACK-1"], TestOutcome::Negative);
    assert_eq!(chain.block(&[(bj, negative)]).notices(), [""; 0]);
    let positive = result(101, &["PACK-1"], TestOutcome::Positive);
    let never = correction("never", (102, positive.uid), OperationKind::TestResult, None);
    assert_eq!(chain.block(&[(bj, never)]).notices(), [""; 0]);
    assert_eq!(chain.block(&[(bj, positive)]).notices(), [""; 0]);
}

#[test]
fn a_large_search_goes_on_block_by_block_and_ends_with_all_of_it() {
    let mut chain = Chain::new();
    let he = platform(HE);
    chain.block(&[(he, coding(1, "L"))]);
    for lorry in 0u64..6 {
        let outputs = (0..500).map(|at| item(&format!("BOX-{lorry}-{at}"), boxes(1))).collect();
        let cut = Event { outputs, ..at(2 + lorry, "p-he", vec![item("L", boxes(500))]) };
        chain.block(&[(he, event(OperationKind::Split, cut))]);
    }
    let test = result(100, &["BOX-3-7"], TestOutcome::Positive);
    assert_eq!(chain.block(&[(he, test)]).notices(), ["raised R24"]);
    let (id, scope) = of_positive(&chain);
    assert!(scope.units.len() < 2_500, "a block finds {}", scope.units.len());
    assert!(one(&chain.rows(), &id).unwrap().unwrap().record.is_searching);
    let mut blocks = 1;
    while one(&chain.rows(), &id).unwrap().unwrap().record.is_searching {
        for step in chain.block(&[]).steps {
            assert!(step.links.as_slice().len() <= 1_600, "{}", step.links.as_slice().len());
        }
        blocks += 1;
        assert!(blocks < 200, "the search ends");
    }
    let (_, scope) = of_positive(&chain);
    assert_eq!(scope.units.len(), 3_001);
    let record = one(&chain.rows(), &id).unwrap().unwrap().record;
    assert_eq!(record.units, 3_001);
}

#[test]
fn a_container_is_named_and_its_other_contents_are_not() {
    let mut chain = Chain::new();
    let he = platform(HE);
    let pack = |container: &str, names: &[&str]| {
        let contents = names.iter().map(|name| code(name)).collect();
        let pack = Event { container: gs1(container), ..at(2, "p-he", contents) };
        (he, event(OperationKind::Pack, pack))
    };
    chain.block(&[pack("PALLET", &["BOX", "OTHER"]), pack("LORRY", &["PALLET"])]);
    chain.block(&[(he, result(3, &["BOX"], TestOutcome::Positive))]);
    let (_, found) = of_positive(&chain);
    assert_eq!(relation_lines(&found), ["BOX Tested", "LORRY Carrier", "PALLET Carrier"]);
    let mut chain = Chain::new();
    chain.block(&[pack("PALLET", &["BOX", "OTHER"]), pack("LORRY", &["PALLET"])]);
    chain.block(&[(he, result(3, &["PALLET"], TestOutcome::Positive))]);
    let (_, found) = of_positive(&chain);
    let expected = ["BOX Tested", "LORRY Carrier", "OTHER Tested", "PALLET Tested"];
    assert_eq!(relation_lines(&found), expected, "who tests a pallet tests what lies on it");
}

#[test]
fn a_test_of_a_declaration_concerns_every_unit_of_it_whenever_it_is_coded() {
    let mut chain = Chain::new();
    let he = platform(HE);
    chain.block(&[(he, coding(1, "L-1"))]);
    let tested = Event {
        test: TestOutcome::Positive.into(),
        declaration: DECLARATION.to_owned(),
        ..at(2, "p-lab", Vec::new())
    };
    chain.block(&[(he, event(OperationKind::TestResult, tested))]);
    chain.block(&[(he, coding(3, "L-2"))]);
    let (_, found) = of_positive(&chain);
    assert_eq!(relation_lines(&found), ["L-1 Tested", "L-2 Tested"]);
}

#[test]
fn a_duty_officer_takes_note_once_and_of_nothing_unknown_or_over() {
    let mut chain = Chain::new();
    chain.block(&road());
    let positive = result(100, &["PACK-1"], TestOutcome::Positive);
    chain.block(&[(platform(BJ), positive.clone())]);
    let (id, _) = of_positive(&chain);
    let note = |alert: &str, remark: &str| {
        let body = AlertAcknowledge { alert: alert.to_owned(), remark: remark.to_owned() };
        operation(OperationKind::AlertAcknowledge, &Body::AlertAcknowledge(body))
    };
    let noted = chain.block(&[(regulator(HE), note(&id, "已封存"))]);
    assert_eq!(noted.notices(), ["acknowledged R24"]);
    let view = one(&chain.rows(), &id).unwrap().unwrap();
    assert_eq!((view.acknowledged_by().unwrap().value(), &*view.record.remark), (HE, "已封存"));
    assert_eq!(alerts(&chain.rows(), Filter::Active, 9).unwrap().len(), 2, "its cause stands");
    let refusal = |outcome: contracts::execute::Outcome| outcome.refusal.unwrap().zh();
    let twice = chain.one(regulator(BJ), note(&id, "again"));
    assert_eq!(refusal(twice), format!("预警 {id} 不在待处置状态：acknowledged"));
    let unknown = chain.one(regulator(BJ), note("R24-000000000000", ""));
    assert_eq!(refusal(unknown), "没有这一预警：R24-000000000000");
    let never = correction("never", (101, positive.uid), OperationKind::TestResult, None);
    assert_eq!(chain.block(&[(platform(BJ), never)]).notices(), ["withdrawn R24"]);
    let over = chain.one(regulator(BJ), note(&id, "too late"));
    assert_eq!(refusal(over), format!("预警 {id} 不在待处置状态：withdrawn"));
}

#[test]
fn a_parameter_that_is_unknown_out_of_bounds_or_of_no_agency_is_refused() {
    let mut chain = Chain::new();
    for (parameter, scope, value, detail) in [
        ("patience_ms", "", 1, "there is no parameter patience_ms"),
        ("settling_ms", "", 2_592_000_001, "2592000001 is not between 0 and 2592000000"),
        ("settling_ms", "3", 1, "there is no agency 3"),
        ("settling_ms", "01", 1, "there is no agency 01"),
        ("settling_ms", "-1", 1, "there is no agency -1"),
    ] {
        let (parameter, scope) = (parameter.to_owned(), scope.to_owned());
        let body = Body::RulePropose(RulePropose { parameter, scope, value });
        let outcome = chain.one(agency(BJ), operation(OperationKind::RulePropose, &body));
        let found = outcome.refusal.unwrap().en();
        assert_eq!(found, format!("the rule parameter is not valid: {detail}"));
    }
}

#[test]
fn stations_parties_and_vehicles_know_what_they_have_and_had() {
    let mut chain = Chain::new();
    chain.block(&road());
    let names = |held: Vec<contracts::place::Held>| -> Vec<String> {
        held.iter().map(|held| format!("{} {}", short(&held.unit), held.on_hand)).collect()
    };
    let at_station = locate::station(&chain.rows(), b"0:st-p-bj", 99).unwrap();
    let expected = ["B 50000", "DISH 3000", "PACK-1 3000", "PACK-2 2000"];
    let mut found = names(at_station);
    found.sort();
    assert_eq!(found, expected);
    let mut of_party = names(locate::party(&chain.rows(), b"p-bj", 99).unwrap());
    of_party.sort();
    assert_eq!(of_party, expected);
    let sold_out = sale(95, "PACK-1", 3);
    chain.block(&[(platform(BJ), sold_out.clone())]);
    let left = names(locate::station(&chain.rows(), b"0:st-p-bj", 99).unwrap());
    assert!(!left.iter().any(|line| line.starts_with("PACK-1")), "{left:?}");
    let codes = Codes::load(&chain.rows()).unwrap();
    let trips = locate::vehicle(&chain.rows(), &codes, "冀A12345".as_bytes(), 99).unwrap();
    let documents: Vec<&str> = trips.iter().map(|trip| &*trip.document).collect();
    assert_eq!(documents, ["D-1", "D-2"]);
    assert_eq!(trips[0].from.1.station, b"2:st-p-he");
    assert_eq!(
        trips[0].units,
        [(unit("L"), contracts::record::shipment::Amount { uom: 2, milli: 60_000 })]
    );
    let never = correction("never", (99, road()[3].1.uid), OperationKind::Ship, None);
    chain.block(&[(platform(HE), never)]);
    let trips = locate::vehicle(&chain.rows(), &codes, "冀A12345".as_bytes(), 99).unwrap();
    assert_eq!(trips.len(), 1, "a trip that never was");
}
