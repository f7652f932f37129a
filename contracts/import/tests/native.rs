#![cfg(test)]
//! Our own format: strict about names, shapes and identities; the same file gives the same bytes.

use import::{Source, import};
use proto::operation::OpUid;
use proto::schema::{Body, OperationKind};

const SALE: &str = r#"{"kind":"sale","platform":"p","record":"S1","occurred_ms":"2021-03-15T08:30:00+08:00","party":"91110108MA00ABCD45","station":"T1","items":[{"code":"A","quantity":{"milli":2500,"uom":"KGM"}}]}"#;

/// The rule and column of the only rejection; `ok` where the line is taken.
fn check(line: &str) -> String {
    let read = import(line.as_bytes(), &Source::Native).unwrap();
    match (&read.operations[..], &read.rejected[..]) {
        ([_], []) => "ok".to_owned(),
        ([], [rejected]) => format!("{} {}", rejected.rule, rejected.column),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_is_taken_or_refused_with_field_and_rule() {
    for (change, to, expected) in [
        ("", "", "ok"),
        ("\"2021-03-15T08:30:00+08:00\"", "1615768200000", "ok"),
        (
            "\"platform\":\"p\",\"record\":\"S1\"",
            "\"uid\":\"00112233445566778899aabbccddeeff\"",
            "ok",
        ),
        ("\"record\":\"S1\",", "", "NO_IDENTITY record"),
        ("\"record\":\"S1\"", "\"record\":\"S1\",\"uid\":\"00\"", "NO_IDENTITY record"),
        ("\"platform\":\"p\",\"record\":\"S1\"", "\"uid\":\"0011\"", "NOT_HEX uid"),
        ("\"kind\":\"sale\"", "\"kind\":\"sales\"", "UNKNOWN_KIND kind"),
        ("\"kind\":\"sale\",", "", "MISSING_VALUE kind"),
        ("\"station\":\"T1\"", "\"station\":\"T1\",\"colour\":\"red\"", "UNKNOWN_FIELD colour"),
        ("\"uom\":\"KGM\"", "\"uom\":\"KGM\",\"x\":1", "UNKNOWN_FIELD items[0].quantity.x"),
        ("\"uom\":\"KGM\"", "\"uom\":\"KG\"", "UNKNOWN_UNIT items[0].quantity.uom"),
        ("2500", "2500.5", "UNREADABLE_NUMBER items[0].quantity.milli"),
        ("2500", "-1", "UNREADABLE_NUMBER items[0].quantity.milli"),
        ("2500", "1e30", "INEXACT_NUMBER items[0].quantity.milli"),
        ("2500", "0", "QUANTITY_ZERO items[0].quantity"),
        ("\"station\":\"T1\"", "\"station\":[\"T1\"]", "WRONG_SHAPE station"),
        ("\"station\":\"T1\"", "\"station\":\"T1\",\"station\":\"T2\"", "DUPLICATE_KEY station"),
        ("\"station\":\"T1\",", "", "FIELD_REQUIRED station"),
        (
            "\"station\":\"T1\"",
            "\"station\":\"T1\",\"declaration\":\"020220211000012345-1\"",
            "FIELD_FORBIDDEN declaration",
        ),
        ("45\"", "46\"", "BAD_CHECK party"),
        (
            "\"station\":\"T1\"",
            "\"station\":\"T1\",\"method\":\"110108199003071238\"",
            "PERSONAL_DATA method",
        ),
        ("2021-03-15T08:30:00+08:00", "2021-03-15 08:30", "UNREADABLE_TIME occurred_ms"),
        ("]}", "]", "NOT_JSON "),
    ] {
        let line = SALE.replacen(change, to, 1);
        assert_eq!(check(&line), expected, "{change} -> {to}");
    }
}

#[test]
fn the_same_file_gives_the_same_bytes_and_another_secret_other_salts() {
    let read = || import(SALE.as_bytes(), &Source::Native).unwrap().operations.remove(0);
    let (first, again) = (read(), read());
    assert_eq!(first.uid, OpUid::of_record("p", "S1"));
    assert_eq!(first.operation(&[7; 32]), again.operation(&[7; 32]));
    let other = first.operation(&[8; 32]);
    assert_eq!(other.body, first.operation(&[7; 32]).body);
    assert_ne!(other.salt, first.operation(&[7; 32]).salt);
    assert!(contracts::admission::admit(&other).is_ok());
}

#[test]
fn a_correction_names_the_record_that_it_corrects() {
    let line = r#"{"kind":"correction","platform":"p","record":"G1","occurred_ms":1617412800000,"supersedes_record":{"platform":"p","record":"test_result:T1"},"reason":"did_not_occur","event_kind":"test_result"}"#;
    let read = import(line.as_bytes(), &Source::Native).unwrap();
    let [prepared] = &read.operations[..] else { panic!("{read:?}") };
    let Body::Correction(correction) = &prepared.body else { panic!("{prepared:?}") };
    assert_eq!(correction.supersedes, OpUid::of_record("p", "test_result:T1").0);
    assert_eq!(correction.kind, u32::from(OperationKind::TestResult.code()));
    assert_eq!(correction.event, None);
}

#[test]
fn every_kind_of_operation_has_a_line() {
    for (kind, line) in [
        (
            "party",
            r#""id":"91110108MA00ABCD45","name":"A","party_type":"canteen","region":"110108","licences":["JY11108071215650"],"valid_to_day":"2021-12-31""#,
        ),
        (
            "station",
            r#""id":"T1","name":"A","party":"91110108MA00ABCD45","station_type":"kitchen","longitude_micro":116304000,"latitude_micro":39966000,"datum":"WGS84","region":"110108","gln":"6930000000028","first_station":false"#,
        ),
        (
            "product",
            r#""id":"06901234567892","name":"A","category":"meat","hs_code":"0202300090","shelf_life_days":730,"storage_max_milli_c":-18000"#,
        ),
        (
            "vehicle",
            r#""plate":"京A12345","party":"91110108MA00ABCD45","load_max_grams":8000000,"container":"CSQU3054383""#,
        ),
        (
            "certificate",
            r#""number":"HS-1001","certificate_type":"nucleic_acid","issuer":"L","issued_day":"2021-03-10","valid_to_day":18800,"file_hash":"0000000000000000000000000000000000000000000000000000000000000000","declaration":"020220211000012345-1","codes":["A"]"#,
        ),
        (
            "declaration",
            r#""number":"020220211000012345-1","consignee":"91110108MA00ABCD45","establishment":"AU-1","origin_country":"AUS","port":"P","hs_code":"0202300090","quantity":{"milli":1000,"uom":"KGM"},"entry_day":"2021-03-10","containers":["CSQU3054383"]"#,
        ),
        (
            "commission",
            r#""occurred_ms":1615768200000,"party":"91110108MA00ABCD45","station":"T1","items":[{"code":"A","quantity":{"milli":1000,"uom":"XBX"}}],"lot":{"product":"06901234567892","batch":"B","produced_day":"2021-01-10","expires_day":"2023-01-10","origin_country":"AUS","establishment":"AU-1","imported":true}"#,
        ),
        (
            "observation",
            r#""occurred_ms":1615768200000,"format":"log","original":" as it came ","codes":["A"],"business_step":"inspecting""#,
        ),
        (
            "match_declare",
            r#""relation":"same","from":"A","to":"B","quantity":{"milli":1000,"uom":"XBX"},"document":"D""#,
        ),
        ("match_confirm", r#""from":"A","to":"B""#),
        ("alert_acknowledge", r#""alert":"R24-1","remark":"seen""#),
        (
            "release_publish",
            r#""id":"N1","notice_kind":"recall_notice","title":"T","body":"B","audience":"public","level":2,"codes":["A"],"valid_until_ms":"2021-12-31T00:00:00+08:00""#,
        ),
        ("release_withdraw", r#""id":"N1","reason":"done""#),
        (
            "evaluation",
            r#""id":"E1","object_kind":"platform","object":"p","from_day":"2021-03-01","to_day":"2021-03-31","indicators":[{"name":"timely","score_permille":900,"weight_permille":1000}],"grade":"A","resources":[{"resource":"people","amount":3,"unit":"person","source":"city"}]"#,
        ),
        ("rule_propose", r#""parameter":"settling_ms","scope":"1","value":0"#),
        ("approve", r#""proposal":"00112233445566778899aabbccddeeff","proposer":1"#),
    ] {
        let line = format!(r#"{{"kind":"{kind}","platform":"p","record":"1",{line}}}"#);
        let read = import(line.as_bytes(), &Source::Native).unwrap();
        assert_eq!(read.rejected, [], "{kind}");
        assert_eq!(read.operations[0].kind.name(), kind);
    }
}
