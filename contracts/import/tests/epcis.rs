#![cfg(test)]
//! EPCIS events: which codes they name in which role, what is refused, what becomes an event of ours.

use import::{Imported, Source, import};
use proto::operation::OpUid;
use proto::schema::event::Observation;
use proto::schema::{Body, OperationKind};

fn read(file: &str) -> Imported {
    import(file.as_bytes(), &Source::Epcis).unwrap_or_else(|error| panic!("{error}: {file}"))
}

fn document(events: &str) -> String {
    format!(
        r#"{{"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        {{"ex": "http://ns.example.com/", "unused": "http://unused.example.com/"}}],
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2021-03-15T08:30:00Z",
        "sender": "urn:epc:id:sgln:0353579.00001.0", "epcisBody": {{"eventList": [{events}]}}}}"#
    )
}

/// One event, with the members that all have.
fn event(members: &str) -> String {
    document(&format!(
        r#"{{"eventID": "urn:uuid:1", "eventTime": "2021-03-15T08:30:00.000+08:00", {members}}}"#
    ))
}

fn seen(members: &str) -> Observation {
    let read = read(&event(members));
    assert_eq!(read.rejected, [], "{members}");
    let Body::Observation(seen) = &read.operations[0].body else { panic!("{members}: {read:?}") };
    seen.clone()
}

#[test]
fn codes_stand_in_the_role_that_the_event_gives_them() {
    for (members, expected) in [
        (
            r#""type": "ObjectEvent", "action": "OBSERVE", "bizStep": "cbv:BizStep-inspecting", "epcList": ["A"], "quantityList": [{"epcClass": "B", "quantity": 2.5}]"#,
            "codes [A, B] in [] out [] box  of [] step inspecting",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "bizStep": "https://ref.gs1.org/cbv/BizStep-commissioning", "epcList": ["A", "A"]"#,
            "codes [] in [] out [A] box  of [] step commissioning",
        ),
        (
            r#""type": "ObjectEvent", "action": "DELETE", "epcList": ["A"]"#,
            "codes [] in [A] out [] box  of [] step ",
        ),
        (
            r#""type": "AggregationEvent", "action": "ADD", "parentID": "P", "childEPCs": ["A"], "childQuantityList": [{"epcClass": "B"}]"#,
            "codes [] in [] out [] box P of [A, B] step ",
        ),
        (
            r#""type": "AggregationEvent", "action": "OBSERVE", "childEPCs": ["A"]"#,
            "codes [A] in [] out [] box  of [] step ",
        ),
        (
            r#""type": "AssociationEvent", "action": "DELETE", "parentID": "P""#,
            "codes [] in [] out [] box P of [] step ",
        ),
        (
            r#""type": "TransactionEvent", "action": "ADD", "epcList": ["A"], "bizTransactionList": [{"bizTransaction": "T"}]"#,
            "codes [A] in [] out [] box  of [] step ",
        ),
        (
            r#""type": "TransformationEvent", "inputEPCList": ["A"], "inputQuantityList": [{"epcClass": "urn:epc:idpat:sgtin:4012345.066666.*"}], "outputEPCList": ["B"]"#,
            "codes [urn:epc:idpat:sgtin:4012345.066666.*] in [A] out [B] box  of [] step ",
        ),
        (
            r#""type": "TransformationEvent", "transformationID": "X", "inputEPCList": ["A"]"#,
            "codes [] in [A] out [X] box  of [] step ",
        ),
        (
            r#""type": "TransformationEvent", "transformationID": "X", "outputEPCList": ["B"]"#,
            "codes [] in [X] out [B] box  of [] step ",
        ),
        (
            r#""type": "TransformationEvent", "inputEPCList": ["A", "B"], "outputEPCList": ["B"]"#,
            "codes [] in [A] out [B] box  of [] step ",
        ),
        (
            r#""type": "TransformationEvent", "inputEPCList": ["A"], "outputEPCList": ["B"], "errorDeclaration": {"declarationTime": "2021-03-16T00:00:00Z", "reason": "ex:other"}"#,
            "codes [A, B] in [] out [] box  of [] step ",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "epcList": ["urn:jjj:code:HE1"], "ex:note": "kept""#,
            "codes [] in [] out [HE1] box  of [] step ",
        ),
    ] {
        let seen = seen(members);
        let list = |codes: &[String]| codes.join(", ");
        let found = format!(
            "codes [{}] in [{}] out [{}] box {} of [{}] step {}",
            list(&seen.codes),
            list(&seen.inputs),
            list(&seen.outputs),
            seen.container,
            list(&seen.contents),
            seen.business_step
        );
        assert_eq!(found, expected, "{members}");
    }
}

#[test]
fn a_container_in_our_own_urn_is_the_code_that_the_lists_name() {
    let packed = r#""type": "AggregationEvent", "action": "ADD", "parentID": "urn:jjj:code:P", "childEPCs": ["urn:jjj:code:P", "A"]"#;
    let found = seen(packed);
    assert_eq!((&*found.container, &*found.contents), ("P", &["A".to_owned()][..]));
    let error = r#""errorDeclaration": {"declarationTime": "2021-03-16T00:00:00Z"}"#;
    assert_eq!(seen(&format!("{packed}, {error}")).codes, ["P", "A"]);
}

#[test]
fn places_and_parties_are_named_as_written() {
    let seen = seen(
        r#""type": "ObjectEvent", "action": "OBSERVE", "epcList": ["A"],
        "readPoint": {"id": "urn:r"}, "bizLocation": {"id": "urn:b"},
        "sourceList": [{"type": "possessing_party", "source": "urn:p1"}, {"type": "location", "source": "urn:l1"}],
        "destinationList": [{"type": "urn:epcglobal:cbv:sdt:owning_party", "destination": "urn:p2"}],
        "gdst:productOwner": "urn:p1""#,
    );
    assert_eq!(seen.stations, ["urn:r", "urn:b", "urn:l1"]);
    assert_eq!(seen.parties, ["urn:p1", "urn:p2"]);
}

#[test]
fn the_original_is_kept_as_it_came_with_the_terms_that_it_uses() {
    let plain = r#""type": "ObjectEvent", "action": "OBSERVE", "epcList": ["A"]"#;
    let kept = |seen: &Observation| String::from_utf8(seen.original.clone()).unwrap();
    let bare = kept(&seen(plain));
    assert!(bare.starts_with(r#"{"eventID":"urn:uuid:1","eventTime":"#), "{bare}");
    let extended = kept(&seen(&format!(r#"{plain}, "ex:weight" : 1.50, "ex:note": "a  b""#)));
    assert!(extended.starts_with(r#"{"@context":{"ex":"http://ns.example.com/"},"eventID""#));
    assert!(extended.ends_with(r#""ex:weight":1.50,"ex:note":"a  b"}"#), "{extended}");
    let again: serde_json::Value = serde_json::from_str(&extended).unwrap();
    let single = read(&again.to_string());
    assert_eq!(single.operations.len(), 1, "what is kept can be read again");
}

#[test]
fn what_cannot_be_recorded_is_refused_with_member_and_rule() {
    for (members, expected) in [
        (r#""type": "PartyEvent", "action": "ADD", "epcList": ["A"]"#, "EPCIS_TYPE type"),
        (r#""type": "ObjectEvent", "epcList": ["A"]"#, "MISSING_VALUE action"),
        (r#""type": "ObjectEvent", "action": "MOVE", "epcList": ["A"]"#, "UNKNOWN_WORD action"),
        (r#""type": "ObjectEvent", "action": "ADD", "epcList": []"#, "EPCIS_NO_CODE epcList"),
        (r#""type": "ObjectEvent", "action": "ADD", "epcList": "A""#, "WRONG_SHAPE epcList"),
        (r#""type": "ObjectEvent", "action": "ADD", "epcList": [1]"#, "WRONG_SHAPE epcList[0]"),
        (
            r#""type": "ObjectEvent", "action": "ADD", "quantityList": [{"quantity": 1}]"#,
            "MISSING_VALUE quantityList[0].epcClass",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "action": "ADD", "epcList": ["A"]"#,
            "DUPLICATE_KEY action",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "epcList": ["A"], "ex:contactPhone": "010-1234""#,
            "CONTACT_DATA ex:contactPhone",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "epcList": ["A"], "ex:a": [{"b": "ask li@example.com"}]"#,
            "CONTACT_DATA ex:a[0].b",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "epcList": ["A"], "ex:note": "driver 13800138000""#,
            "PERSONAL_DATA ex:note",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "epcList": ["A"], "ex:note": "11010519491231002X""#,
            "PERSONAL_DATA ex:note",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "epcList": ["A"], "ex:a": [{"b": "\u8eab\u4efd\u8bc1110108199003071238"}]"#,
            "PERSONAL_DATA ex:a[0].b",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "epcList": ["A"], "ex:a": {"\u624b\u673a\u53f713800138000": true}"#,
            "PERSONAL_DATA ex:a",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "epcList": ["A"], "ex:driver": 13800138000"#,
            "PERSONAL_DATA ex:driver",
        ),
    ] {
        let read = read(&event(members));
        assert_eq!(read.operations, [], "{members}");
        let [rejected] = &read.rejected[..] else { panic!("{members}: {read:?}") };
        assert_eq!(format!("{} {}", rejected.rule, rejected.column), expected, "{members}");
        assert!(!format!("{rejected:?}").contains("138"), "{rejected:?}");
    }
    let undated = document(
        r#"{"type": "ObjectEvent", "action": "ADD", "eventTime": "2021-03-15", "epcList": ["A"]}"#,
    );
    assert_eq!(read(&undated).rejected[0].rule, "UNREADABLE_TIME");
}

#[test]
fn one_broken_event_does_not_stop_the_others_and_a_repeated_one_counts_once() {
    let good = r#"{"eventID": "urn:uuid:1", "type": "ObjectEvent", "action": "ADD", "eventTime": "2021-03-15T08:30:00Z", "epcList": ["A"]}"#;
    let read = read(&document(&format!(r#"{good}, {{"type": "X"}}, {good}"#)));
    assert_eq!((read.rows, read.operations.len(), read.duplicates), (3, 1, 1));
    assert_eq!(read.rejected[0].row, 2);
}

#[test]
fn an_event_is_itself_by_its_id_its_content_or_the_error_that_it_declares() {
    let members =
        r#""type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2021-03-15T08:30:00Z""#;
    let uid = |event: String| read(&document(&event)).operations[0].uid;
    let named = format!(r#"{{"eventID": "urn:uuid:9", {members}, "epcList": ["A"]}}"#);
    assert_eq!(uid(named), OpUid::of_record("epcis", "urn:uuid:9"));
    let wrong = format!(
        r#"{{"eventID": "urn:uuid:9", {members}, "epcList": ["A"], "errorDeclaration": {{"declarationTime": "2021-03-16T00:00:00Z"}}}}"#
    );
    assert_eq!(uid(wrong), OpUid::of_record("epcis", "urn:uuid:9#error/2021-03-16T00:00:00Z"));
    let first = uid(format!(r#"{{{members}, "epcList": ["A", "B"]}}"#));
    let moved = uid(format!(
        r#"{{"epcList": ["B", "A"], "recordTime": "2021-03-15T09:00:00Z", {members}}}"#
    ));
    let other = uid(format!(r#"{{{members}, "epcList": ["A", "C"]}}"#));
    assert_eq!(first, moved);
    assert_ne!(first, other);
}

#[test]
fn a_single_event_a_list_and_a_query_answer_are_read_like_a_document() {
    let event = r#"{"eventID": "urn:uuid:1", "type": "ObjectEvent", "action": "ADD", "eventTime": "2021-03-15T08:30:00Z", "epcList": ["A"]}"#;
    let all = [
        document(event),
        event.to_owned(),
        format!("[{event}]"),
        format!(
            r#"{{"type": "EPCISQueryDocument", "epcisBody": {{"queryResults": {{"queryName": "q", "resultsBody": {{"eventList": [{event}]}}}}}}}}"#
        ),
    ];
    let first = read(&all[0]).operations;
    for file in &all {
        assert_eq!(read(file).operations, first, "{file}");
    }
}

/// A hand-over in our own URNs.
const SHIPPING: &str = r#""type": "ObjectEvent", "action": "OBSERVE", "bizStep": "shipping", "disposition": "in_transit",
    "quantityList": [{"epcClass": "urn:jjj:code:A", "quantity": 12.5, "uom": "KGM"}],
    "bizLocation": {"id": "urn:jjj:station:T1"},
    "bizTransactionList": [{"type": "desadv", "bizTransaction": "urn:jjj:document:D1"}],
    "sourceList": [{"type": "possessing_party", "source": "urn:jjj:party:91110108MA00ABCD45"}],
    "destinationList": [{"type": "possessing_party", "destination": "urn:jjj:party:91120116MA05K7X26W"}],
    "jjj:vehicle": "京A12345""#;

#[test]
fn an_event_in_our_own_urns_is_one_of_ours_and_one_that_says_more_stays_an_observation() {
    let kind = |members: &str| {
        let read = read(&event(members));
        assert_eq!(read.rejected, [], "{members}");
        (read.operations[0].kind, read.operations[0].body.clone())
    };
    let (shipped, body) = kind(SHIPPING);
    assert_eq!(shipped, OperationKind::Ship);
    let Body::Event(ship) = body else { panic!("a trace event") };
    assert_eq!((&*ship.party, &*ship.counterparty), ("91110108MA00ABCD45", "91120116MA05K7X26W"));
    assert_eq!((&*ship.station, &*ship.document, &*ship.vehicle), ("T1", "D1", "京A12345"));
    assert_eq!((&*ship.items[0].code, ship.items[0].quantity.unwrap().milli), ("A", 12_500));

    let receiving = SHIPPING
        .replace("shipping", "receiving")
        .replace("in_transit", "in_progress")
        .replace(r#""uom": "KGM""#, r#""uom": "KGM", "jjj:counterpart": "urn:jjj:code:B""#);
    let (received, body) = kind(&receiving);
    assert_eq!(received, OperationKind::Receive);
    let Body::Event(receive) = body else { panic!("a trace event") };
    assert_eq!((&*receive.party, &*receive.items[0].counterpart), ("91120116MA05K7X26W", "B"));

    for (change, to) in [
        (r#""jjj:vehicle""#, r#""ex:vehicle""#),
        (r#""uom": "KGM""#, r#""uom": "LBR""#),
        ("urn:jjj:station:T1", "urn:epc:id:sgln:0614141.00777.0"),
        ("in_transit", "recalled"),
        ("\"OBSERVE\"", "\"ADD\""),
        (r#""jjj:vehicle""#, r#""sensorElementList": [], "jjj:vehicle""#),
        ("urn:jjj:document:D1", "urn:epcglobal:cbv:bt:0614141073467:1152"),
    ] {
        let members = SHIPPING.replace(change, to);
        assert_ne!(members, SHIPPING, "{change}");
        assert_eq!(kind(&members).0, OperationKind::Observation, "{change} -> {to}");
    }
}

#[test]
fn a_wrong_value_in_our_own_urns_is_refused_with_its_member_and_stays_no_observation() {
    let making = r#""type": "ObjectEvent", "action": "ADD", "bizStep": "commissioning",
        "quantityList": [{"epcClass": "urn:jjj:code:A", "quantity": 1, "uom": "XBX"}],
        "bizLocation": {"id": "urn:jjj:station:T1"},
        "ilmd": {"jjj:product": "P1", "jjj:producedDay": "2021-03-01"}, "jjj:party": "91110108MA00ABCD45""#;
    let made = read(&event(making));
    assert_eq!(made.operations[0].kind, OperationKind::Commission, "{made:?}");
    let driver = r#""jjj:driver": "", "jjj:vehicle""#;
    for (members, change, to, expected) in [
        (SHIPPING, "45\"", "46\"", "BAD_CHECK sourceList[0].source"),
        (SHIPPING, "26W\"", "26X\"", "BAD_CHECK destinationList[0].destination"),
        (SHIPPING, "京A12345", "京A1", "BAD_LENGTH jjj:vehicle"),
        (SHIPPING, "12.5", "0", "QUANTITY_ZERO quantityList[0].quantity"),
        (SHIPPING, "12.5", "-12.5", "UNREADABLE_NUMBER quantityList[0].quantity"),
        (
            SHIPPING,
            "document:D1",
            "document:13800138000",
            "PERSONAL_DATA bizTransactionList[0].bizTransaction",
        ),
        (SHIPPING, "code:A", "code:110108199003071238", "PERSONAL_DATA quantityList[0].epcClass"),
        (
            SHIPPING,
            r#""jjj:vehicle""#,
            &driver.replace("\"\"", "\"张三\""),
            "BAD_LENGTH jjj:driver",
        ),
        (
            SHIPPING,
            r#""jjj:vehicle""#,
            &driver.replace("\"\"", "\"110108199003071238\""),
            "PERSONAL_DATA jjj:driver",
        ),
        // It says more than one of ours, and still names nobody.
        (
            SHIPPING,
            r#""jjj:vehicle""#,
            r#""ex:note": "", "jjj:driver": "张三", "jjj:vehicle""#,
            "BAD_LENGTH jjj:driver",
        ),
        (
            SHIPPING,
            r#""jjj:vehicle""#,
            r#""jjj:driver": ["张三"], "jjj:vehicle""#,
            "BAD_CHAR jjj:driver",
        ),
        (making, "2021-03-01", "2021-02-30", "UNREADABLE_DAY ilmd.jjj:producedDay"),
        (making, "\"P1\"", "\"110108199003071238\"", "PERSONAL_DATA ilmd.jjj:product"),
    ] {
        let changed = members.replace(change, to);
        assert_ne!(changed, members, "{change}");
        let read = read(&event(&changed));
        assert_eq!(read.operations, [], "{change} -> {to}");
        let [rejected] = &read.rejected[..] else { panic!("{change} -> {to}: {read:?}") };
        let found = format!("{} {}", rejected.rule, rejected.column);
        assert_eq!(found, expected, "{change} -> {to}");
    }
}

#[test]
fn an_event_that_declares_an_error_takes_the_event_back_whatever_it_was() {
    let observed = r#""type": "ObjectEvent", "action": "ADD", "epcList": ["A"], "ex:note": "kept""#;
    // In the old data a wrong value had made an observation of it.
    let wrong = SHIPPING.replace("45\"", "46\"");
    let id = OpUid::of_record("epcis", "urn:uuid:1");
    for (members, reason, kind) in [
        (SHIPPING, "did_not_occur", OperationKind::Ship),
        (SHIPPING, "incorrect_data", OperationKind::Ship),
        (SHIPPING, "urn:epcglobal:cbv:er:incorrect_data", OperationKind::Ship),
        (SHIPPING, "https://ref.gs1.org/cbv/ER-did_not_occur", OperationKind::Ship),
        (observed, "incorrect_data", OperationKind::Observation),
        (&wrong, "did_not_occur", OperationKind::Observation),
    ] {
        for more in ["", r#", "correctiveEventIDs": ["urn:uuid:2"]"#] {
            let error = format!(
                r#", "errorDeclaration": {{"declarationTime": "2021-03-16T00:00:00Z", "reason": "{reason}"{more}}}"#
            );
            let read = read(&event(&format!("{members}{error}")));
            let Body::Correction(correction) = &read.operations[0].body else { panic!("{read:?}") };
            assert_eq!(correction.supersedes, id.0, "{reason}{more}");
            assert_eq!(correction.kind, u32::from(kind.code()), "{reason}{more}");
            let bare = reason.rsplit([':', '-']).next().unwrap();
            assert_eq!((&*correction.reason, &correction.event), (bare, &None));
            assert_eq!(correction.occurred_ms, 1_615_852_800_000);
        }
    }
}

#[test]
fn a_declared_error_is_of_the_event_of_the_same_content_where_there_is_no_id() {
    let members = r#""type": "ObjectEvent", "action": "ADD", "eventTime": "2021-03-15T08:30:00Z", "epcList": ["A", "B"]"#;
    let error = r#""errorDeclaration": {"declarationTime": "2021-03-16T00:00:00Z", "reason": "did_not_occur"}"#;
    let read = read(&document(&format!("{{{members}}}, {{{error}, {members}}}")));
    let [first, second] = &read.operations[..] else { panic!("{read:?}") };
    let Body::Correction(correction) = &second.body else { panic!("{second:?}") };
    assert_eq!(correction.supersedes, first.uid.0);
    assert_ne!(first.uid, second.uid);
}

#[test]
fn a_declared_error_has_a_time_and_is_of_an_event() {
    for (members, error, expected) in [
        (
            SHIPPING,
            r#""reason": "did_not_occur""#,
            "MISSING_VALUE errorDeclaration.declarationTime",
        ),
        (
            SHIPPING,
            r#""reason": "did_not_occur", "declarationTime": "2021-03-16""#,
            "UNREADABLE_TIME errorDeclaration.declarationTime",
        ),
        (
            r#""type": "ObjectEvent", "action": "ADD", "epcList": []"#,
            r#""reason": "did_not_occur", "declarationTime": "2021-03-16T00:00:00Z""#,
            "EPCIS_NO_CODE epcList",
        ),
    ] {
        let read = read(&event(&format!("{members}, \"errorDeclaration\": {{{error}}}")));
        let [rejected] = &read.rejected[..] else { panic!("{error}: {read:?}") };
        assert_eq!(format!("{} {}", rejected.rule, rejected.column), expected, "{error}");
    }
}
