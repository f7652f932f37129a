//! Votes of agencies, and what a scheme does when it comes into force after its codes.

use contracts::backfill;
use contracts::codes::Codes;
use contracts::governance::{approvals_needed, proposal};
use contracts::matching;
use contracts::scheme::demo;
use contracts::trace::stock::balance;
use contracts::trace::unit as units;
use proto::AgencyIndex;
use proto::operation::Operation;
use proto::schema::act::{Approve, SchemePropose};
use proto::schema::event::{Event, Item, Uom};
use proto::schema::{Body, OperationKind};

use crate::harness::{
    BJ, Chain, HE, TJ, Who, agency, at, boxes, code, event, item, operation_with, platform,
    receive, ship, status_name, uid, unit,
};

const BEIJING: &str = "BJ110108069012345678922103150042F";
const BEIJING_UNIT: &str = "JJJ-DEMO-BJ:110108:06901234567892:210315:0042";
const HEBEI: &str = "HE91130181MA0F12343L0003172021031500007Y";

fn propose(name: &str, definition: &str) -> Operation {
    let body = Body::SchemePropose(SchemePropose { definition: definition.to_owned() });
    operation_with(OperationKind::SchemePropose, uid(name), &body)
}

fn approve(name: &str, proposal: &str, proposer: u16) -> Operation {
    let body = Approve { proposal: uid(proposal).0.to_vec(), proposer: proposer.into() };
    operation_with(OperationKind::Approve, uid(name), &Body::Approve(body))
}

#[test]
fn more_than_half_of_the_agencies_put_a_proposal_into_force() {
    for (agencies, needed) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)] {
        assert_eq!(approvals_needed(agencies), needed, "{agencies} agencies");
    }
    let mut chain = Chain::new();
    let steps: [(Who, Operation, u16, bool); 6] = [
        (agency(BJ), propose("p", demo::BEIJING), 0, false),
        (agency(BJ), approve("own", "p", BJ), 42, false),
        (agency(HE), approve("unknown", "q", BJ), 40, false),
        (agency(HE), approve("wrong proposer", "p", TJ), 40, false),
        (agency(HE), approve("second", "p", BJ), 0, true),
        (agency(TJ), approve("late", "p", BJ), 41, true),
    ];
    for (who, operation, code, is_active) in steps {
        let outcome = chain.one(who, operation);
        assert_eq!(outcome.code, code, "{:?}", outcome.refusal);
        assert!(code == 0 || outcome.links.as_slice().len() == 1);
        let codes = Codes::load(&chain.entries).unwrap();
        assert_eq!(codes.schemes().len(), usize::from(is_active));
    }
    let kept = proposal(&chain.entries, AgencyIndex::new(BJ), uid("p")).unwrap().unwrap();
    assert_eq!((kept.approvals, kept.accepted_height), (vec![0, 2], 5));
}

#[test]
fn a_scheme_that_fails_its_vectors_exists_or_reads_anothers_codes_is_refused() {
    let mut chain = Chain::new();
    let broken = demo::BEIJING.replace("042F", "042G");
    for definition in ["", "id = 1", &broken] {
        let outcome = chain.one(agency(BJ), propose(definition, definition));
        assert_eq!(outcome.code, 44, "{definition}");
    }
    chain.activate(&[demo::BEIJING]);
    assert_eq!(chain.one(agency(TJ), propose("again", demo::BEIJING)).code, 43);
    let copied = demo::BEIJING.replace("JJJ-DEMO-BJ", "COPY");
    assert_eq!(chain.one(agency(TJ), propose("copy", &copied)).code, 44);
}

#[test]
fn a_version_of_a_scheme_that_makes_other_units_of_its_codes_never_comes_into_force() {
    let mut chain = Chain::new();
    let second = demo::BEIJING.replace("version = 1", "version = 2");
    let identity = "identity = [\"region\", \"gtin\", \"day\"";
    let other = second.replace(&format!("{identity}, \"seq\"]"), &format!("{identity}]"));
    assert_ne!(other, second);
    // It clashes with nothing yet when it is proposed, and with the first version when it is accepted.
    assert_eq!(chain.one(agency(TJ), propose("early", &other)).code, 0);
    chain.activate(&[demo::BEIJING]);
    for (who, late) in
        [(agency(HE), approve("accept", "early", TJ)), (agency(TJ), propose("late", &other))]
    {
        let refused = chain.one(who, late);
        let told = refused.refusal.as_ref().map(contracts::refusal::Refusal::en);
        assert_eq!(refused.code, 44, "{told:?}");
        assert!(told.is_some_and(|told| told.contains("by version 1 and JJJ-DEMO-BJ:")));
    }
    assert_eq!(chain.one(agency(BJ), propose("second", &second)).code, 0);
    assert_eq!(chain.one(agency(HE), approve("second too", "second", BJ)).code, 0);
    let codes = Codes::load(&chain.entries).unwrap();
    assert_eq!(codes.schemes().len(), 2, "the same units are no clash");
}

#[test]
fn of_two_proposals_of_one_scheme_only_one_comes_into_force() {
    let mut chain = Chain::new();
    chain.block(&[
        (agency(BJ), propose("one", demo::BEIJING)),
        (agency(HE), propose("two", demo::BEIJING)),
    ]);
    assert_eq!(chain.one(agency(TJ), approve("a", "one", BJ)).code, 0);
    assert_eq!(chain.one(agency(TJ), approve("b", "two", HE)).code, 43);
    assert_eq!(Codes::load(&chain.entries).unwrap().schemes().len(), 1);
}

#[test]
fn codes_that_came_before_their_scheme_move_to_it_with_everything_recorded() {
    let mut chain = Chain::new();
    let line = |code: &str, count| Item { code: code.to_owned(), ..item("", boxes(count)) };
    let opening = at(1, "p-bj", vec![line(BEIJING, 100), line("批-7", 5)]);
    chain.one(platform(BJ), event(OperationKind::OpeningStock, opening));
    let sent = ship(10, ("p-he", "p-bj"), "D-1", vec![line(HEBEI, 60)]);
    let got = Item { counterpart: HEBEI.to_owned(), ..line(BEIJING, 60) };
    let got = receive(60, ("p-bj", "p-he"), "D-1", vec![got]);
    let told = chain.told(&[(platform(HE), sent), (platform(BJ), got)]);
    // Of unknown codes each platform speaks for itself: the sender's code is another unit here.
    let (opaque_he, opaque_bj) = (format!("OPAQUE:0:{HEBEI}"), format!("OPAQUE:0:{BEIJING}"));
    assert_eq!(
        told,
        format!(
            "{opaque_he} -> {opaque_bj}: - -> one-sided [Same {opaque_bj}, Same {opaque_he}]\n"
        )
    );
    let done = chain.block(&[(agency(BJ), propose("bj", demo::BEIJING))]);
    assert!(done.steps.is_empty());
    let told = chain.told(&[(agency(HE), approve("bj-2", "bj", BJ))]);
    assert!(told.contains(&format!("{opaque_bj} is {BEIJING_UNIT}")), "{told}");
    chain.block(&[(agency(BJ), propose("he", demo::HEBEI))]);
    let told = chain.told(&[(agency(HE), approve("he-2", "he", BJ))]);
    let hebei =
        String::from_utf8(Codes::load(&chain.entries).unwrap().unit(AgencyIndex::new(0), HEBEI))
            .unwrap();
    assert!(told.contains(&format!("{opaque_he} is {hebei}")), "{told}");
    assert!(told.contains(&format!("OPAQUE:2:{HEBEI} is {hebei}")), "{told}");
    let found = matching::of(&chain.entries, hebei.as_bytes(), BEIJING_UNIT.as_bytes()).unwrap();
    assert_eq!(status_name(found.unwrap().status()), "confirmed", "{told}");
    assert!(backfill::pending(&chain.entries).unwrap().is_empty());

    let state = &chain.entries;
    let sums = balance(state, BEIJING_UNIT.as_bytes(), b"0:st-p-bj", Uom::Xbx.into()).unwrap();
    assert_eq!((sums.opening, sums.received), (100_000, 60_000));
    assert_eq!(balance(state, opaque_bj.as_bytes(), b"0:st-p-bj", Uom::Xbx.into()).unwrap().uom, 0);
    assert_eq!(units::resolved(state, opaque_bj.as_bytes()).unwrap(), BEIJING_UNIT.as_bytes());
    let kept = "OPAQUE:0:批-7".as_bytes();
    assert_eq!(units::resolved(state, kept).unwrap(), kept, "what no scheme reads stays");
    assert!(units::of(state, kept).unwrap().is_some());
}

#[test]
fn a_long_search_goes_on_block_by_block_and_names_its_scheme_until_it_ends() {
    let mut chain = Chain::new();
    let line = |code: String| Item { code, ..item("", boxes(1)) };
    for block in 0..4 {
        let items = (0..200).map(|number| line(format!("x-{block}-{number}"))).collect();
        chain.one(platform(BJ), event(OperationKind::StorageIn, at(block, "p", items)));
    }
    let wide: Vec<Item> = (0..900).map(|number| code(&format!("in{number}"))).collect();
    let into = Event { container: BEIJING.to_owned(), ..at(9, "p", wide.clone()) };
    let more = Event { document: "2".to_owned(), ..into.clone() };
    let stored = at(8, "p", vec![line(BEIJING.to_owned())]);
    for (kind, event_) in [
        (OperationKind::Pack, into),
        (OperationKind::Pack, more),
        (OperationKind::StorageIn, stored),
    ] {
        assert_eq!(chain.one(platform(BJ), event(kind, event_)).code, 0);
    }
    chain.block(&[(agency(BJ), propose("bj", demo::BEIJING))]);
    let mut told = chain.told(&[(agency(HE), approve("bj-2", "bj", BJ))]);
    let mut blocks = 0;
    while !backfill::pending(&chain.entries).unwrap().is_empty() {
        assert_eq!(backfill::pending(&chain.entries).unwrap(), ["JJJ-DEMO-BJ"]);
        told += &chain.told(&[]);
        blocks += 1;
        assert!(blocks < 10, "the search ends");
    }
    assert!(blocks >= 3, "801 units in blocks of 256: {blocks}");
    assert_eq!(told.matches(" is ").count(), 1, "{told}");
    let inside = contracts::trace::lineage::containments(&chain.entries, &unit("in7"), 10).unwrap();
    let [only] = inside.as_slice() else { panic!("one container") };
    assert_eq!((only.other.as_slice(), only.is_current), (BEIJING_UNIT.as_bytes(), true));
    let sums =
        balance(&chain.entries, BEIJING_UNIT.as_bytes(), b"0:st-p", Uom::Xbx.into()).unwrap();
    assert_eq!(sums.stored_in, 1_000);
}
