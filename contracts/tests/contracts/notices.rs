//! Information release and evaluation: acts that the state may refuse.

use contracts::query::notice::{evaluations, releases};
use contracts::{evaluation, release};
use proto::AgencyIndex;
use proto::operation::Operation;
use proto::receipt::Role;
use proto::schema::act::{Evaluation, Indicator, ReleasePublish, ReleaseWithdraw, ResourceSupport};
use proto::schema::{Body, OperationKind};

use crate::harness::{BJ, Chain, HE, TJ, Who, agency, gs1, operation, platform, regulator, unit};

fn publish(id: &str, title: &str, alerts: &[&str]) -> Operation {
    let notice = ReleasePublish {
        id: id.to_owned(),
        kind: "risk_alert".to_owned(),
        title: title.to_owned(),
        body: "请立即下架。".to_owned(),
        audience: "public".to_owned(),
        level: 1,
        codes: vec![gs1("L")],
        alerts: alerts.iter().map(|alert| (*alert).to_owned()).collect(),
        ..ReleasePublish::default()
    };
    operation(OperationKind::ReleasePublish, &Body::ReleasePublish(notice))
}

fn withdraw(id: &str, reason: &str) -> Operation {
    let (id, reason) = (id.to_owned(), reason.to_owned());
    let body = Body::ReleaseWithdraw(ReleaseWithdraw { id, reason });
    operation(OperationKind::ReleaseWithdraw, &body)
}

fn said(chain: &mut Chain, who: Who, operation: Operation) -> String {
    let outcome = chain.one(who, operation);
    outcome.refusal.map_or("ok".to_owned(), |refusal| refusal.zh())
}

#[test]
fn a_notice_is_published_once_and_withdrawn_once_by_its_own_agency() {
    let mut chain = Chain::new();
    let (bj, he) = (regulator(BJ), regulator(HE));
    let rows = [
        (bj, publish("N-1", "first", &[]), "ok"),
        (bj, publish("N-1", "again", &[]), "信息发布编号已存在：N-1"),
        (he, publish("N-1", "another agency's", &[]), "ok"),
        (he, publish("N-2", "second", &[]), "ok"),
        (bj, withdraw("N-2", "误发"), "信息发布 N-2 由第 2 号机构发布，只能由其撤回"),
        (bj, withdraw("N-3", "误发"), "没有这一信息发布：N-3"),
        (bj, withdraw("N-1", "复检阴性"), "ok"),
        (bj, withdraw("N-1", "again"), "信息发布 N-1 已在第 7 块撤回"),
        (bj, publish("N-1", "anew", &[]), "信息发布编号已存在：N-1"),
        (bj, publish("N-4", "of nothing", &["R24-000000000000"]), "没有这一预警：R24-000000000000"),
    ];
    for (row, (who, operation, expected)) in rows.into_iter().enumerate() {
        assert_eq!(said(&mut chain, who, operation), expected, "row {row}");
    }
    let held = release::of(&chain.rows(), AgencyIndex::new(BJ), "N-1").unwrap().unwrap();
    assert_eq!((held.published_height, held.withdrawn_height), (1, 7));
    assert_eq!(held.withdrawn_reason, "复检阴性");
    assert_eq!(held.notice.unwrap().title, "first", "a withdrawn notice stays");
    let titles: Vec<String> = releases(&chain.rows(), 9)
        .unwrap()
        .into_iter()
        .map(|held| held.notice.unwrap().title)
        .collect();
    assert_eq!(titles, ["second", "another agency's", "first"], "the latest first");
}

#[test]
fn a_withdrawal_stands_in_the_logs_of_what_the_notice_named() {
    let mut chain = Chain::new();
    chain.one(regulator(BJ), publish("N-1", "first", &[]));
    let outcome = chain.one(regulator(BJ), withdraw("N-1", "复检阴性"));
    let links = outcome.links.as_slice();
    assert_eq!(links.len(), 1);
    assert_eq!((links[0].role, &links[0].subject.key), (Role::Other, &unit("L")));
}

#[test]
fn a_notice_may_name_an_alert_that_was_raised() {
    use proto::schema::event::TestOutcome;
    let mut chain = Chain::new();
    let tested = crate::risk::result(1, &["L"], TestOutcome::Positive);
    chain.block(&[(platform(BJ), tested)]);
    let id =
        contracts::query::alert::alerts(&chain.rows(), contracts::query::alert::Filter::Active, 9)
            .unwrap()
            .remove(0)
            .id;
    assert_eq!(said(&mut chain, regulator(BJ), publish("N-1", "positive", &[&id])), "ok");
}

fn result(id: &str, grade: &str) -> Operation {
    let indicator = |name: &str, score_permille, weight_permille| Indicator {
        name: name.to_owned(),
        score_permille,
        weight_permille,
    };
    let body = Evaluation {
        id: id.to_owned(),
        object_kind: "party".to_owned(),
        object: "91130181MA0F12343L".to_owned(),
        from_day: 18_628,
        to_day: 18_717,
        indicators: vec![indicator("上传及时率", 950, 600), indicator("码匹配率", 700, 400)],
        grade: grade.to_owned(),
        resources: vec![ResourceSupport {
            resource: "people".to_owned(),
            amount: 3,
            unit: "人".to_owned(),
            source: "省局".to_owned(),
        }],
    };
    operation(OperationKind::Evaluation, &Body::Evaluation(body))
}

#[test]
fn a_result_is_recorded_once_with_the_grade_that_its_scores_give() {
    let mut chain = Chain::new();
    let tj = agency(TJ);
    let wrong = said(&mut chain, tj, result("E-1", "A"));
    assert_eq!(wrong, "等级不符：填报 A，按得分应为 B");
    let outcome = chain.one(tj, result("E-1", "B"));
    assert_eq!(outcome.code, 0);
    assert_eq!(outcome.links.as_slice()[0].subject.key, b"91130181MA0F12343L");
    let mut twice = result("E-1", "B");
    twice.uid = crate::harness::uid("twice");
    assert_eq!(said(&mut chain, tj, twice), "评价结果编号已存在：E-1");
    let held = evaluation::of(&chain.rows(), AgencyIndex::new(TJ), "E-1").unwrap().unwrap();
    assert_eq!((held.score_permille, held.recorded_height), (850, 2));
    assert_eq!(held.result.unwrap().resources[0].amount, 3);
    assert_eq!(evaluations(&chain.rows(), 9).unwrap().len(), 1);
    assert_eq!(evaluation::of(&chain.rows(), AgencyIndex::new(BJ), "E-1").unwrap(), None);
}

#[test]
fn the_log_of_the_station_that_a_result_is_of_says_so() {
    let mut chain = Chain::new();
    let of = |kind: &str, object: &str| {
        let Body::Evaluation(body) =
            Body::decode(OperationKind::Evaluation, &result("E", "B").body).unwrap()
        else {
            unreachable!("a result was encoded")
        };
        let (object_kind, object) = (kind.to_owned(), object.to_owned());
        let id = format!("E-{kind}");
        let body = Evaluation { id, object_kind, object, ..body };
        operation(OperationKind::Evaluation, &Body::Evaluation(body))
    };
    let outcome = chain.one(agency(TJ), of("station", "CK01"));
    let links: Vec<&[u8]> =
        outcome.links.as_slice().iter().map(|link| &*link.subject.key).collect();
    assert_eq!(links, [b"1:CK01"]);
    let outcome = chain.one(agency(TJ), of("platform", "CK01"));
    assert_eq!((outcome.code, outcome.links.as_slice().len()), (0, 0));
}

#[test]
fn a_short_list_is_the_beginning_of_a_long_one() {
    use contracts::query::alert::{Filter, alerts};
    use proto::schema::event::TestOutcome;
    let mut chain = Chain::new();
    for number in 0..12 {
        let tested = crate::risk::result(number, &[&format!("L-{number}")], TestOutcome::Positive);
        chain.block(&[
            (regulator(BJ), publish(&format!("N-{number}"), "title", &[])),
            (agency(TJ), result(&format!("E-{number}"), "B")),
            (platform(BJ), tested),
        ]);
    }
    let entries = &chain.rows();
    let lists = |limit: usize| -> [Vec<String>; 3] {
        let alerts = alerts(entries, Filter::Active, limit).unwrap();
        let releases = releases(entries, limit).unwrap();
        let evaluations = evaluations(entries, limit).unwrap();
        [
            alerts.into_iter().map(|one| one.id).collect(),
            releases.into_iter().map(|one| one.notice.unwrap().id).collect(),
            evaluations.into_iter().map(|one| one.result.unwrap().id).collect(),
        ]
    };
    let long = lists(100);
    assert_eq!(long.each_ref().map(Vec::len), [12; 3]);
    for limit in 0..12 {
        for (short, long) in lists(limit).iter().zip(&long) {
            assert_eq!(short.as_slice(), &long[..limit], "the first {limit}");
        }
    }
}
