//! The envelope, the encoding, texts and personal data: what holds for every type.

use contracts::admission::rule::Rule;
use contracts::admission::{admit, admit_transaction};
use proto::epoch::BlockLimits;
use proto::hash::Hash;
use proto::operation::Operation;
use proto::schema::act::{AlertAcknowledge, ReleasePublish};
use proto::schema::event::Observation;
use proto::schema::{Body, OperationKind};
use proto::sign::SecretKey;
use proto::transaction::Transaction;
use proto::{ChainId, TimeMs};

use crate::{operation, said, verdict};

fn remark(text: &str) -> Body {
    Body::AlertAcknowledge(AlertAcknowledge {
        alert: "R12-0123456789ab".to_owned(),
        remark: text.to_owned(),
    })
}

const NOTE: OperationKind = OperationKind::AlertAcknowledge;

#[test]
fn an_envelope_names_a_known_type_and_version_and_holds_the_one_encoding() {
    let good = operation(NOTE, &remark("ok"));
    let with = |kind, version, body: &[u8]| {
        let changed = Operation { kind, version, body: body.to_vec(), ..good.clone() };
        said(&admit(&changed).unwrap_err())
    };
    let (kind, body) = (good.kind, good.body.as_slice());
    assert_eq!(with(9, 1, body), " UNKNOWN_OPERATION_TYPE");
    assert_eq!(with(kind, 2, body), " UNKNOWN_VERSION");
    assert_eq!(with(kind, 1, b"\xff\xff"), " MALFORMED_BODY");
    let unknown_field = [body, &[0x9a, 0x01, 0x00]].concat();
    assert_eq!(with(kind, 1, &unknown_field), " NOT_CANONICAL");
    let default_written = [&[0x0a, 0x00], body].concat();
    assert_eq!(with(kind, 1, &default_written), " NOT_CANONICAL");
    assert_eq!(with(kind, 1, b""), "alert FIELD_REQUIRED");
}

#[test]
fn a_text_is_in_nfc_trimmed_short_and_without_control_characters() {
    for (text, expected) in [
        ("处置中\u{e9}", "ok"),
        (" 处置中", "remark \" 处置中\" TEXT_NOT_CANONICAL"),
        ("处置中\u{3000}", "remark \"处置中\u{3000}\" TEXT_NOT_CANONICAL"),
        ("e\u{301}", "remark \"e\u{301}\" TEXT_NOT_CANONICAL"),
        ("a\u{7}b", "remark CONTROL_CHARACTER"),
        ("a\nb", "remark CONTROL_CHARACTER"),
    ] {
        assert_eq!(verdict(NOTE, &remark(text)), expected, "{text:?}");
    }
    assert_eq!(verdict(NOTE, &remark(&"字".repeat(500))), "ok");
    let long = verdict(NOTE, &remark(&"字".repeat(501)));
    assert!(long.ends_with("…\" TEXT_TOO_LONG"), "{long}");
    let notice = ReleasePublish {
        id: "N-1".to_owned(),
        kind: "policy".to_owned(),
        title: "通知".to_owned(),
        body: "第一行\n第二行\t表格".to_owned(),
        audience: "public".to_owned(),
        level: 4,
        ..ReleasePublish::default()
    };
    let kind = OperationKind::ReleasePublish;
    assert_eq!(verdict(kind, &Body::ReleasePublish(notice)), "ok", "a notice has lines");
}

#[test]
fn personal_data_is_named_by_field_and_offset_and_never_by_value() {
    for (text, offset) in
        [("司机 13800138000", 7), ("身份证110108199003071238", 9), ("商户 92130102MA07Q1W95K", 7)]
    {
        let error = admit(&operation(NOTE, &remark(text))).unwrap_err();
        assert_eq!(said(&error), "remark PERSONAL_DATA", "{text:?}");
        for sentence in [error.zh(), error.en(), error.to_string(), format!("{error:?}")] {
            assert!(!sentence.contains("138"), "{sentence}");
            assert!(!sentence.contains("MA07Q1W95K"), "{sentence}");
        }
        assert!(error.en().contains(&format!("at byte {offset}")), "{}", error.en());
    }
    // A resident number where a party belongs is personal data before it is no party.
    let sold = proto::schema::event::Event {
        occurred_ms: 1_616_000_000_000,
        party: "110108199003071238".to_owned(),
        station: "st-1".to_owned(),
        items: vec![crate::item("A-1")],
        ..proto::schema::event::Event::default()
    };
    let found = verdict(OperationKind::Sale, &Body::Event(sold));
    assert_eq!(found, "party PERSONAL_DATA");
}

#[test]
fn the_original_of_an_observation_is_searched_too() {
    let seen = |original: &[u8]| {
        Body::Observation(Observation {
            occurred_ms: 1_616_000_000_000,
            format: "epcis-2.0-json".to_owned(),
            original: original.to_vec(),
            codes: vec!["urn:epc:id:sgtin:4012345.011122.25".to_owned()],
            ..Observation::default()
        })
    };
    let kind = OperationKind::Observation;
    for (original, expected) in [
        (&br#"{"epc":"urn:epc:id:sgtin:4012345.011122.13800138000"}"#[..], "ok"),
        (br#"{"contact":"13800138000"}"#, "original PERSONAL_DATA"),
        (br#"{"ex:note":"\u8eab\u4efd\u8bc1110108199003071238"}"#, "original PERSONAL_DATA"),
        (br#"{"ex:note":"\u624b\u673a\u53f713800138000"}"#, "original PERSONAL_DATA"),
        (br#"{"ex:note":"\u0031\u0033800138000"}"#, "original PERSONAL_DATA"),
        (br#"{"ex:note":"138\u20130013\u20138000"}"#, "original PERSONAL_DATA"),
        // A text of JSON within JSON is escaped twice; a pair of escapes may stand for one character.
        (br#"{"ex:note":"{\"a\":\"\\u8bc1110108199003071238\"}"}"#, "original PERSONAL_DATA"),
        (br#"{"ex:note":"\ud83d\udcde13800138000"}"#, "original PERSONAL_DATA"),
        (br#"{"ex:note":"\ud835\udfcf3800138000"}"#, "original PERSONAL_DATA"),
        (br#"{"ex:note":"\ud83d13800138000 \u12"}"#, "original PERSONAL_DATA"),
        (br#"{"ex:note":"\u51b7\u51bb\u725b\u8089 138001380001"}"#, "ok"),
        (b"\xff\xfe", "original NOT_UTF8"),
        (b"", "original FIELD_REQUIRED"),
    ] {
        let shown = String::from_utf8_lossy(original);
        assert_eq!(verdict(kind, &seen(original)), expected, "{shown}");
    }
    let escaped = br#"{"ex:note":"\u624b\u673a\u53f713800138000"}"#;
    let error = admit(&operation(kind, &seen(escaped))).unwrap_err();
    assert!(error.en().contains("at byte 30"), "the byte of what was sent: {}", error.en());
}

#[test]
fn a_transaction_is_for_this_chain_fits_a_block_and_each_operation_is_admitted() {
    let chain = ChainId(Hash::new([7; 32]));
    let sign = |chain, operations| {
        let key = SecretKey::from_seed(&[3; 32]);
        Transaction::sign(chain, &key, TimeMs::new(1), operations).unwrap()
    };
    let good = operation(NOTE, &remark("ok"));
    let bad = operation(NOTE, &remark("13800138000"));
    let limits = BlockLimits::default();
    let judged = |transaction: &Transaction, limits: &BlockLimits| match admit_transaction(
        transaction,
        chain,
        limits,
    ) {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("{:?} {}", error.operation, said(&error)),
    };
    let two = sign(chain, vec![good.clone(), good.clone()]);
    assert_eq!(judged(&two, &limits), "ok");
    let foreign = sign(ChainId(Hash::new([8; 32])), vec![good.clone()]);
    assert_eq!(judged(&foreign, &limits), "None  FOREIGN_CHAIN");
    let second_bad = sign(chain, vec![good, bad]);
    assert_eq!(judged(&second_bad, &limits), "Some(1) remark PERSONAL_DATA");
    let few = BlockLimits { max_ops: 1, ..limits };
    assert_eq!(judged(&two, &few), "None  TOO_MANY_OPERATIONS");
    let small = BlockLimits { max_block_bytes: 10, ..limits };
    assert_eq!(judged(&two, &small), "None  TRANSACTION_TOO_LARGE");
    let error = admit_transaction(&second_bad, chain, &BlockLimits::default()).unwrap_err();
    assert!(error.zh().starts_with("第 1 条业务：remark："), "{}", error.zh());
}

#[test]
fn every_reason_is_stable_in_form_and_stands_once() {
    let mut reasons = Rule::REASONS.to_vec();
    let count = reasons.len();
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), count, "no reason stands for two rules");
    for reason in reasons {
        let screaming = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        assert!(reason.chars().all(screaming), "{reason}");
    }
}
