//! Bodies of operations have one encoding: another order, a default written out, an unknown field or
//! bytes of another type are refused.

use proptest::prelude::*;
use proto::schema::body::is_canonical_text;
use proto::schema::roles::{Field, named};
use proto::schema::{Body, BodyError, OperationKind};

use super::dice::Dice;
use super::sample;

#[test]
fn a_representative_body_of_every_type_reads_back() {
    for kind in OperationKind::ALL {
        let body = sample::body(*kind);
        assert_eq!(Body::decode(*kind, &body.encode()), Ok(body), "{}", kind.name());
    }
}

#[test]
fn a_body_is_refused_in_any_encoding_but_its_own() {
    for kind in OperationKind::ALL {
        let bytes = sample::body(*kind).encode();
        let not_canonical = Err(BodyError::NotCanonical { kind: kind.name() });
        let unknown_field = [&bytes[..], &[0xf8, 0x3f, 1]].concat(); // field 1023, varint 1
        assert_eq!(Body::decode(*kind, &unknown_field), not_canonical, "{}", kind.name());
        let cut = Body::decode(*kind, &bytes[..bytes.len() - 1]);
        assert!(cut.is_err(), "{}: one byte short", kind.name());
    }
    let kind = OperationKind::AlertAcknowledge;
    let not_canonical = Err(BodyError::NotCanonical { kind: kind.name() });
    let default_written = [0x0a, 1, b'a', 0x12, 0];
    assert_eq!(Body::decode(kind, &default_written), not_canonical);
    let other_order = [0x12, 1, b'b', 0x0a, 1, b'a'];
    assert_eq!(Body::decode(kind, &other_order), not_canonical);
    let field_twice = [0x0a, 1, b'x', 0x0a, 1, b'a', 0x12, 1, b'b'];
    assert_eq!(Body::decode(kind, &field_twice), not_canonical);
    let long_length = [0x0a, 0x81, 0x00, b'a', 0x12, 1, b'b'];
    assert_eq!(Body::decode(kind, &long_length), not_canonical);
    let not_utf8 = [0x0a, 1, 0xff];
    assert!(matches!(Body::decode(kind, &not_utf8), Err(BodyError::Malformed { .. })));
}

proptest! {
    #[test]
    fn random_and_changed_bodies_never_have_a_second_encoding(seed: u64) {
        let mut dice = Dice(seed);
        for kind in OperationKind::ALL {
            let mut bytes = sample::body(*kind).encode();
            let at = dice.below(bytes.len());
            bytes[at] = dice.u8();
            for bytes in [bytes, dice.bytes(60)] {
                if let Ok(body) = Body::decode(*kind, &bytes) {
                    prop_assert_eq!(body.encode(), bytes, "{}", kind.name());
                }
            }
        }
    }
}

#[test]
fn types_have_distinct_codes_and_names() {
    let mut codes = std::collections::BTreeSet::new();
    for kind in OperationKind::ALL {
        assert!(codes.insert(kind.code()), "{} shares its code", kind.name());
        assert_eq!(OperationKind::from_code(kind.code()), Some(*kind));
        assert_eq!(OperationKind::from_name(kind.name()), Some(*kind));
        assert_eq!(kind.is_event(), (16..=32).contains(&kind.code()), "{}", kind.name());
    }
    for code in (0..=u16::MAX).filter(|code| !codes.contains(code)) {
        assert_eq!(OperationKind::from_code(code), None);
    }
    assert_eq!(OperationKind::from_name("Party"), None, "names are exact");
}

#[test]
fn texts_are_nfc_and_trimmed() {
    for (text, canonical) in [
        ("", true),
        ("冻牛肉", true),
        ("caf\u{e9}", true),
        ("cafe\u{301}", false),
        (" a", false),
        ("a\u{3000}", false),
        ("a\n", false),
        ("a b", true),
    ] {
        assert_eq!(is_canonical_text(text), canonical, "{text:?}");
    }
}

#[test]
fn named_fields_carry_their_texts_and_leave_out_empty_ones() {
    let body = sample::body(OperationKind::Receive);
    let found = named(&body);
    for expected in [
        (Field::Items, "TJ12000001"),
        (Field::Counterparts, "HB-0007"),
        (Field::Vehicle, "津A12345"),
        (Field::Station, "TJ-COLD-1"),
        (Field::CounterpartyStation, "BJ-MARKET-1"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    for kind in OperationKind::ALL {
        let body = sample::body(*kind);
        assert!(named(&body).iter().all(|(_, text)| !text.is_empty()), "{}", kind.name());
    }
}
