//! Every subject that an admitted body names fits into a link of a receipt that can be read again.

use contracts::admission::admit;
use contracts::codes::Codes;
use contracts::links::Naming;
use proptest::prelude::*;
use proto::AgencyIndex;
use proto::codec::Canonical as _;
use proto::limits::{AGENCIES_MAX, LINKS_MAX, SUBJECT_BYTES_MAX};
use proto::receipt::{Link, Links};
use proto::schema::act::{Evaluation, Indicator, MatchDecision, ReleasePublish, ResourceSupport};
use proto::schema::event::{Event, Item, Observation};
use proto::schema::registry::{
    Certificate, CertificateType, Datum, Declaration, Station, StationType, Vehicle,
};
use proto::schema::roles::Field;
use proto::schema::{Body, OperationKind};

use crate::{item, operation, quantity, verdict};

/// One character that NFC leaves alone and NFKC writes with eighteen, 33 bytes.
const LONG: &str = "\u{fdfa}";

const TIME_MS: u64 = 1_616_000_000_000;

const PARTY: &str = "91130181MA0F12343L";

fn evaluation(object_kind: &str, object: &str) -> Body {
    Body::Evaluation(Evaluation {
        id: "E-1".to_owned(),
        object_kind: object_kind.to_owned(),
        object: object.to_owned(),
        from_day: 18_628,
        to_day: 18_717,
        indicators: vec![Indicator {
            name: "上传及时率".to_owned(),
            score_permille: 950,
            weight_permille: 1_000,
        }],
        grade: "A".to_owned(),
        resources: vec![ResourceSupport {
            resource: "equipment".to_owned(),
            amount: 2,
            unit: "台".to_owned(),
            source: "省级财政".to_owned(),
        }],
    })
}

fn observation(change: impl FnOnce(&mut Observation)) -> Body {
    let mut seen = Observation {
        occurred_ms: TIME_MS,
        format: "epcis-2.0-json".to_owned(),
        original: b"{}".to_vec(),
        ..Observation::default()
    };
    change(&mut seen);
    Body::Observation(seen)
}

fn sale(change: impl FnOnce(&mut Event)) -> Body {
    let mut sold = Event {
        occurred_ms: TIME_MS,
        party: PARTY.to_owned(),
        station: "st-1".to_owned(),
        items: vec![item("A-1")],
        ..Event::default()
    };
    change(&mut sold);
    Body::Event(sold)
}

fn station(id: &str) -> Body {
    Body::Station(Station {
        id: id.to_owned(),
        name: "京东冷库".to_owned(),
        party: PARTY.to_owned(),
        station_type: StationType::ColdStore.into(),
        longitude_micro: 116_397_000,
        latitude_micro: 39_909_000,
        datum: Datum::Cgcs2000.into(),
        region: "110108".to_owned(),
        gln: String::new(),
        first_station: true,
    })
}

fn declaration(port: &str) -> Body {
    Body::Declaration(Declaration {
        number: "021020211000000123-1".to_owned(),
        consignee: PARTY.to_owned(),
        origin_country: "BRA".to_owned(),
        port: port.to_owned(),
        hs_code: "0202300090".to_owned(),
        quantity: Some(quantity(1_000)),
        entry_day: 18_628,
        ..Declaration::default()
    })
}

#[test]
fn a_text_whose_subject_no_link_holds_is_refused_by_its_field() {
    use OperationKind as Kind;
    let (long, short) = (LONG.repeat(16), LONG.repeat(15));
    let unseen = format!("a{}", "\u{200b}".repeat(250));
    for (kind, body, expected) in [
        (Kind::Station, station(&short), "ok"),
        (Kind::Station, station(&long), "id CODE_LENGTH"),
        (Kind::Declaration, declaration(&short), "ok"),
        (Kind::Declaration, declaration(&long), "port CODE_LENGTH"),
        (Kind::Sale, sale(|s| s.station.clone_from(&short)), "ok"),
        (Kind::Sale, sale(|s| s.station.clone_from(&long)), "station CODE_LENGTH"),
        (Kind::Evaluation, evaluation("station", &"冷".repeat(169)), "ok"),
        (Kind::Evaluation, evaluation("station", &"冷".repeat(171)), "object CODE_LENGTH"),
        (Kind::Evaluation, evaluation("platform", &"冷".repeat(200)), "ok"),
        // Characters that nobody sees are no part of a code, and bytes of a place.
        (
            Kind::Observation,
            observation(|seen| seen.stations = vec!["st".to_owned(), unseen.clone()]),
            "stations[1] CODE_LENGTH",
        ),
        (
            Kind::Observation,
            observation(|seen| seen.parties = vec![unseen]),
            "parties[0] CODE_LENGTH",
        ),
    ] {
        let found = verdict(kind, &body);
        let (field, rest) = found.split_once(' ').unwrap_or((&found, ""));
        let reason = rest.rsplit(' ').next().unwrap_or_default();
        assert_eq!(format!("{field} {reason}").trim_end(), expected, "{}", kind.name());
    }
}

#[test]
fn the_field_of_a_corrected_event_is_told_with_its_path() {
    let Body::Event(event) = sale(|s| s.station = LONG.repeat(16)) else { unreachable!() };
    let body = Body::Correction(proto::schema::event::Correction {
        supersedes: vec![7; 16],
        occurred_ms: TIME_MS,
        reason: "incorrect_data".to_owned(),
        kind: u32::from(OperationKind::Sale.code()),
        event: Some(event),
    });
    let error = admit(&operation(OperationKind::Correction, &body)).unwrap_err();
    assert_eq!((&*error.field, error.reason()), ("event.station", "CODE_LENGTH"));
}

/// A body of each type that makes links, with `text` in every field that takes such a text.
fn bodies(text: &str) -> Vec<(OperationKind, Body)> {
    use OperationKind as Kind;
    let text = || text.to_owned();
    let code = || Item { code: text(), ..item("A-1") };
    let moved = |s: &mut Event| {
        s.document = text();
        s.counterparty = PARTY.to_owned();
        s.counterparty_station = text();
    };
    let received = Item { code: "A-2".to_owned(), counterpart: text(), ..item("A-1") };
    let mut bodies = vec![
        (Kind::Station, station(&text())),
        (Kind::Declaration, declaration(&text())),
        (
            Kind::Vehicle,
            Body::Vehicle(Vehicle { plate: text(), party: PARTY.to_owned(), ..Vehicle::default() }),
        ),
        (
            Kind::Certificate,
            Body::Certificate(Certificate {
                number: text(),
                certificate_type: CertificateType::NucleicAcid.into(),
                issuer: "海关".to_owned(),
                issued_day: 18_628,
                file_hash: vec![1; 32],
                codes: vec![text()],
                ..Certificate::default()
            }),
        ),
        (Kind::Sale, sale(|s| s.station = text())),
        (Kind::Sale, sale(|s| s.items = vec![code()])),
        (Kind::Sale, sale(|s| s.certificates = vec![text()])),
        (
            Kind::Receive,
            sale(|s| {
                moved(s);
                s.items = vec![received];
            }),
        ),
        (Kind::Pack, sale(|s| s.container = text())),
        (Kind::Split, sale(|s| s.outputs = vec![code()])),
        (
            Kind::MatchConfirm,
            Body::MatchDecision(MatchDecision {
                from: text(),
                to: "B-1".to_owned(),
                ..MatchDecision::default()
            }),
        ),
        (
            Kind::ReleasePublish,
            Body::ReleasePublish(ReleasePublish {
                id: "N-1".to_owned(),
                kind: "policy".to_owned(),
                title: "通知".to_owned(),
                body: "通知".to_owned(),
                audience: "public".to_owned(),
                level: 4,
                codes: vec![text()],
                ..ReleasePublish::default()
            }),
        ),
        (Kind::Evaluation, evaluation("station", &text())),
    ];
    bodies.extend(observations(&text()).map(|body| (Kind::Observation, body)));
    bodies
}

fn observations(text: &str) -> [Body; 6] {
    let texts = || vec![text.to_owned()];
    [
        observation(|seen| seen.codes = texts()),
        observation(|seen| seen.inputs = texts()),
        observation(|seen| seen.outputs = texts()),
        observation(|seen| {
            seen.container = "P-1".to_owned();
            seen.contents = texts();
        }),
        observation(|seen| seen.stations = texts()),
        observation(|seen| seen.parties = texts()),
    ]
}

/// Links of a body as a receipt holds them, by the agency with the longest index.
fn links(kind: OperationKind, body: &Body) -> Links {
    let codes = Codes::default();
    let naming = Naming::new(AgencyIndex::new(AGENCIES_MAX - 1), &codes);
    let subjects = naming.subjects(body).into_iter();
    let link = |(field, subject): (Field, _)| Link { role: field.role(kind), subject };
    Links::collect(subjects.map(link), LINKS_MAX).unwrap()
}

fn characters() -> impl Strategy<Value = String> {
    let one = prop::sample::select(vec![
        "a", "7", ":", "冷", "é", LONG, "\u{fdfb}", "\u{3316}", "\u{200b}", "ﷲ", "１", "🐟", "ß",
        "ΐ",
    ]);
    let run = (one, 1_usize..90).prop_map(|(one, times)| one.repeat(times));
    prop::collection::vec(run, 1..5).prop_map(|runs| runs.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_admitted_makes_links_that_can_be_read(text in characters()) {
        for (kind, body) in bodies(&text) {
            let Ok(body) = admit(&operation(kind, &body)) else { continue };
            let links = links(kind, &body);
            prop_assert!(!links.as_slice().is_empty(), "{}", kind.name());
            prop_assert_eq!(Links::decode(&links.encode()), Ok(links), "{}", kind.name());
        }
    }
}

#[test]
fn the_bodies_of_the_property_are_admitted_with_an_ordinary_text() {
    for (kind, body) in bodies("京A12345") {
        assert_eq!(verdict(kind, &body), "ok", "{}", kind.name());
        let longest = links(kind, &body);
        let lengths = longest.as_slice().iter().map(|link| link.subject.key.len());
        assert!(lengths.max().unwrap() <= usize::from(SUBJECT_BYTES_MAX));
    }
}
