//! Acts, rule by rule.

use contracts::scheme::demo;
use proto::schema::act::{
    AlertAcknowledge, Approve, Evaluation, Indicator, MatchDecision, MatchDeclare, Relation,
    ReleasePublish, ReleaseWithdraw, ResourceSupport, RulePropose, SchemePropose,
};
use proto::schema::{Body, OperationKind};

use crate::{quantity, rows, verdict};

#[test]
fn a_match_is_between_two_codes() {
    let declared = MatchDeclare {
        relation: Relation::Same.into(),
        from: "A-1".to_owned(),
        to: "B-1".to_owned(),
        quantity: None,
        document: "CK-1".to_owned(),
    };
    for (change, expected) in rows::<MatchDeclare, _>([
        (|_| (), "ok"),
        (|m| m.relation = 0, "relation ENUM_UNSPECIFIED"),
        (|m| m.relation = 7, "relation \"7\" ENUM_UNKNOWN"),
        (|m| m.from.clear(), "from FIELD_REQUIRED"),
        (|m| m.to.clear(), "to FIELD_REQUIRED"),
        (|m| m.to = "A-1".into(), "to \"A-1\" SELF_REFERENCE"),
        (|m| m.quantity = Some(quantity(0)), "quantity QUANTITY_ZERO"),
        (|m| m.quantity = Some(quantity(5)), "ok"),
        (|m| m.document = "13800138000".into(), "document PERSONAL_DATA"),
    ]) {
        let mut changed = declared.clone();
        change(&mut changed);
        assert_eq!(verdict(OperationKind::MatchDeclare, &Body::MatchDeclare(changed)), expected);
    }
}

#[test]
fn who_disputes_or_withdraws_a_match_says_why() {
    let decision = |reason: &str| {
        let (from, to, reason) = ("A-1".to_owned(), "B-1".to_owned(), reason.to_owned());
        Body::MatchDecision(MatchDecision { from, to, reason })
    };
    for (kind, silent) in [
        (OperationKind::MatchConfirm, "ok"),
        (OperationKind::MatchDispute, "reason FIELD_REQUIRED"),
        (OperationKind::MatchVoid, "reason FIELD_REQUIRED"),
    ] {
        assert_eq!(verdict(kind, &decision("")), silent, "{}", kind.name());
        assert_eq!(verdict(kind, &decision("数量不符")), "ok", "{}", kind.name());
        let personal = verdict(kind, &decision("联系 138-0013-8000"));
        assert_eq!(personal, "reason PERSONAL_DATA", "{}", kind.name());
    }
}

#[test]
fn notes_and_withdrawals_name_what_they_are_of() {
    let note = |alert: &str| {
        let (alert, remark) = (alert.to_owned(), String::new());
        Body::AlertAcknowledge(AlertAcknowledge { alert, remark })
    };
    let kind = OperationKind::AlertAcknowledge;
    assert_eq!(verdict(kind, &note("R12-0123456789ab")), "ok");
    assert_eq!(verdict(kind, &note("")), "alert FIELD_REQUIRED");
    let withdraw = |id: &str, reason: &str| {
        let (id, reason) = (id.to_owned(), reason.to_owned());
        Body::ReleaseWithdraw(ReleaseWithdraw { id, reason })
    };
    let kind = OperationKind::ReleaseWithdraw;
    assert_eq!(verdict(kind, &withdraw("N-1", "复检阴性")), "ok");
    assert_eq!(verdict(kind, &withdraw("", "复检阴性")), "id FIELD_REQUIRED");
    assert_eq!(verdict(kind, &withdraw("N-1", "")), "reason FIELD_REQUIRED");
}

#[test]
fn a_notice_has_a_kind_an_audience_and_a_level() {
    let notice = ReleasePublish {
        id: "N-2021-001".to_owned(),
        kind: "recall_notice".to_owned(),
        title: "关于召回问题牛肉的通知".to_owned(),
        body: "请立即下架。".to_owned(),
        audience: "public".to_owned(),
        level: 1,
        codes: vec!["A-1".to_owned()],
        parties: vec!["91130181MA0F12343L".to_owned()],
        alerts: vec!["R24-0123456789ab".to_owned()],
        valid_until_ms: 0,
    };
    for (change, expected) in rows::<ReleasePublish, _>([
        (|_| (), "ok"),
        (|r| r.id.clear(), "id FIELD_REQUIRED"),
        (|r| r.kind = "rumour".into(), "kind \"rumour\" UNKNOWN_WORD"),
        (|r| r.title.clear(), "title FIELD_REQUIRED"),
        (|r| r.body.clear(), "body FIELD_REQUIRED"),
        (|r| r.body = "举报电话 13800138000".into(), "body PERSONAL_DATA"),
        (|r| r.audience = "press".into(), "audience \"press\" UNKNOWN_WORD"),
        (|r| r.level = 0, "level \"0\" NUMBER_RANGE"),
        (|r| r.level = 5, "level \"5\" NUMBER_RANGE"),
        (|r| r.codes.push(String::new()), "codes[1] FIELD_REQUIRED"),
        (|r| r.parties[0] = "92130102MA07Q1W95K".into(), "parties[0] HOUSEHOLD_IN_PLAIN"),
        (|r| r.alerts = vec!["R".into(); 1_001], "alerts LIST_TOO_LONG"),
        (|r| r.valid_until_ms = u64::MAX, "valid_until_ms \"18446744073709551615\" NUMBER_RANGE"),
    ]) {
        let mut changed = notice.clone();
        change(&mut changed);
        assert_eq!(
            verdict(OperationKind::ReleasePublish, &Body::ReleasePublish(changed)),
            expected
        );
    }
}

fn indicator(name: &str, score_permille: u32, weight_permille: u32) -> Indicator {
    Indicator { name: name.to_owned(), score_permille, weight_permille }
}

fn evaluation() -> Evaluation {
    Evaluation {
        id: "E-2021-Q1".to_owned(),
        object_kind: "platform".to_owned(),
        object: "河北冷链食品追溯管理系统".to_owned(),
        from_day: 18_628,
        to_day: 18_717,
        indicators: vec![indicator("上传及时率", 950, 600), indicator("码匹配率", 900, 400)],
        grade: "A".to_owned(),
        resources: vec![ResourceSupport {
            resource: "equipment".to_owned(),
            amount: 2,
            unit: "台".to_owned(),
            source: "省级财政".to_owned(),
        }],
    }
}

#[test]
fn a_grade_follows_from_the_weighted_score_and_comes_with_support() {
    for (change, expected) in rows::<Evaluation, _>([
        (|_| (), "ok"),
        (|e| e.id.clear(), "id FIELD_REQUIRED"),
        (|e| e.object_kind = "person".into(), "object_kind \"person\" UNKNOWN_WORD"),
        (|e| e.object.clear(), "object FIELD_REQUIRED"),
        (
            |e| (e.object_kind, e.object) = ("party".into(), "92130102MA07Q1W95K".into()),
            "object PERSONAL_DATA",
        ),
        (
            |e| (e.object_kind, e.object) = ("party".into(), "9113".into()),
            "object \"9113\" BAD_LENGTH",
        ),
        (|e| e.from_day = 0, "from_day \"0\" DAY_RANGE"),
        (|e| e.to_day = 18_627, "to_day \"18627\" DAYS_REVERSED"),
        (|e| e.indicators.clear(), "indicators FIELD_REQUIRED"),
        (|e| e.indicators = vec![indicator("x", 1, 1); 51], "indicators LIST_TOO_LONG"),
        (|e| e.indicators[0].name.clear(), "indicators[0].name FIELD_REQUIRED"),
        (
            |e| e.indicators[1].score_permille = 1_001,
            "indicators[1].score_permille \"1001\" NUMBER_RANGE",
        ),
        (
            |e| e.indicators[1].weight_permille = 0,
            "indicators[1].weight_permille \"0\" NUMBER_RANGE",
        ),
        (|e| e.indicators[1].weight_permille = 399, "indicators WEIGHT_SUM"),
        (|e| e.grade = "E".into(), "grade \"E\" UNKNOWN_WORD"),
        (|e| e.grade = "B".into(), "grade \"B\" GRADE_MISMATCH"),
        // 949 * 600 + 825 * 400 = 899,400: a hair below an A.
        (
            |e| (e.indicators[0].score_permille, e.indicators[1].score_permille) = (949, 825),
            "grade \"A\" GRADE_MISMATCH",
        ),
        (|e| e.resources.clear(), "resources FIELD_REQUIRED"),
        (
            |e| e.resources[0].resource = "luck".into(),
            "resources[0].resource \"luck\" UNKNOWN_WORD",
        ),
        (|e| e.resources[0].amount = 0, "resources[0].amount QUANTITY_ZERO"),
        (|e| e.resources[0].unit.clear(), "resources[0].unit FIELD_REQUIRED"),
        (|e| e.resources[0].source.clear(), "resources[0].source FIELD_REQUIRED"),
    ]) {
        let mut changed = evaluation();
        change(&mut changed);
        assert_eq!(verdict(OperationKind::Evaluation, &Body::Evaluation(changed)), expected);
    }
}

#[test]
fn a_scheme_is_proposed_only_if_it_passes_its_own_vectors() {
    let kind = OperationKind::SchemePropose;
    let proposed = |definition: &str| {
        let definition = definition.trim().to_owned();
        verdict(kind, &Body::SchemePropose(SchemePropose { definition }))
    };
    for definition in demo::ALL {
        assert_eq!(proposed(definition), "ok");
    }
    assert_eq!(proposed(""), "definition FIELD_REQUIRED");
    assert_eq!(proposed("id = 7"), "definition SCHEME_INVALID");
    let wrong = demo::HEBEI.replacen("mod37_36", "mod31_7", 1);
    assert_eq!(proposed(&wrong), "definition SCHEME_INVALID");
}

#[test]
fn a_parameter_exists_and_has_a_value_within_its_bounds() {
    let proposed = |parameter: &str, scope: &str, value| {
        let (parameter, scope) = (parameter.to_owned(), scope.to_owned());
        let body = Body::RulePropose(RulePropose { parameter, scope, value });
        verdict(OperationKind::RulePropose, &body)
    };
    assert_eq!(proposed("settling_ms", "", 0), "ok");
    assert_eq!(proposed("settling_ms", "2", 3_600_000), "ok");
    assert_eq!(proposed("", "", 0), "parameter FIELD_REQUIRED");
    assert_eq!(proposed("patience_ms", "", 0), "parameter \"patience_ms\" RULE_INVALID");
    assert_eq!(proposed("settling_ms", "02", 0), "scope \"02\" RULE_INVALID");
    assert_eq!(proposed("settling_ms", "all", 0), "scope \"all\" RULE_INVALID");
    let found = proposed("settling_ms", "", 2_592_000_001);
    assert_eq!(found, "value \"2592000001\" NUMBER_RANGE");
}

#[test]
fn an_approval_names_a_proposal_of_an_agency() {
    let approve = |proposal: Vec<u8>, proposer| {
        verdict(OperationKind::Approve, &Body::Approve(Approve { proposal, proposer }))
    };
    assert_eq!(approve(vec![1; 16], 2), "ok");
    assert_eq!(approve(vec![1; 17], 2), "proposal DIGEST_LENGTH");
    assert_eq!(approve(Vec::new(), 2), "proposal DIGEST_LENGTH");
    assert_eq!(approve(vec![1; 16], 64), "proposer \"64\" NUMBER_RANGE");
}
