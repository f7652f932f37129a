//! Admission of acts: matches, acknowledgements, notices, evaluations, proposals.

use proto::limits::AGENCIES_MAX;
use proto::schema::OperationKind;
use proto::schema::act::{
    AlertAcknowledge, Approve, Evaluation, MatchDecision, MatchDeclare, Relation, ReleasePublish,
    ReleaseWithdraw, RulePropose, SchemePropose,
};

use super::limits::{INDICATORS_MAX, ITEMS_MAX, RESOURCES_MAX, TIME_MS_MAX};
use super::registry::filled;
use super::{Checked, Place, Rule, field, refuse, refuse_unseen};
use crate::evaluation::{PERMILLE, grade_of, weighted_score};
use crate::risk::parameter;
use crate::scheme::Scheme;

/// Bytes of an operation's identity.
const UID_BYTES: usize = 16;

fn both_sides(kind: &'static str, from: &str, to: &str) -> Checked {
    field::required(kind, "from", from)?;
    field::required(kind, "to", to)?;
    if from == to {
        return refuse(Place::field("to"), to, Rule::SelfReference { other: "from" });
    }
    Ok(())
}

pub(super) fn match_declare(declared: &MatchDeclare) -> Checked {
    let kind = OperationKind::MatchDeclare.name();
    field::stated::<Relation>(Place::field("relation"), declared.relation)?;
    both_sides(kind, &declared.from, &declared.to)?;
    declared
        .quantity
        .as_ref()
        .map_or(Ok(()), |quantity| field::quantity(Place::field("quantity"), quantity))
}

/// Who disputes or withdraws a match says why; who confirms it need not.
pub(super) fn match_decision(kind: OperationKind, decision: &MatchDecision) -> Checked {
    both_sides(kind.name(), &decision.from, &decision.to)?;
    if kind == OperationKind::MatchConfirm {
        Ok(())
    } else {
        field::required(kind.name(), "reason", &decision.reason)
    }
}

pub(super) fn alert_acknowledge(note: &AlertAcknowledge) -> Checked {
    field::required(OperationKind::AlertAcknowledge.name(), "alert", &note.alert)
}

pub(super) fn release_publish(release: &ReleasePublish) -> Checked {
    let kind = OperationKind::ReleasePublish.name();
    for (name, text) in [
        ("id", &release.id),
        ("kind", &release.kind),
        ("title", &release.title),
        ("body", &release.body),
        ("audience", &release.audience),
    ] {
        field::required(kind, name, text)?;
    }
    let kinds =
        ["risk_alert", "recall_notice", "release_of_alert", "policy", "standard", "statistics"];
    let allowed = "risk_alert, recall_notice, release_of_alert, policy, standard, statistics";
    field::word(Place::field("kind"), &release.kind, &kinds, allowed)?;
    let audiences = ["public", "enterprises", "agencies"];
    let allowed = "public, enterprises, agencies";
    field::word(Place::field("audience"), &release.audience, &audiences, allowed)?;
    field::range(Place::field("level"), release.level.into(), 1, 4)?;
    for (name, texts) in
        [("codes", &release.codes), ("parties", &release.parties), ("alerts", &release.alerts)]
    {
        field::list(name, texts.len(), ITEMS_MAX)?;
        filled(name, texts, kind)?;
    }
    for (at, party) in release.parties.iter().enumerate() {
        field::party(Place::item("parties", at), party)?;
    }
    field::range(Place::field("valid_until_ms"), release.valid_until_ms, 0, TIME_MS_MAX)
}

pub(super) fn release_withdraw(withdrawal: &ReleaseWithdraw) -> Checked {
    let kind = OperationKind::ReleaseWithdraw.name();
    field::required(kind, "id", &withdrawal.id)?;
    field::required(kind, "reason", &withdrawal.reason)
}

pub(super) fn evaluation(evaluation: &Evaluation) -> Checked {
    let kind = OperationKind::Evaluation.name();
    for (name, text) in [
        ("id", &evaluation.id),
        ("object_kind", &evaluation.object_kind),
        ("object", &evaluation.object),
        ("grade", &evaluation.grade),
    ] {
        field::required(kind, name, text)?;
    }
    let kinds = ["node", "platform", "party", "station"];
    let allowed = "node, platform, party, station";
    field::word(Place::field("object_kind"), &evaluation.object_kind, &kinds, allowed)?;
    if evaluation.object_kind == "party" {
        field::party(Place::field("object"), &evaluation.object)?;
    }
    field::day(Place::field("from_day"), evaluation.from_day)?;
    field::day(Place::field("to_day"), evaluation.to_day)?;
    let days = (Place::field("to_day"), evaluation.to_day);
    field::later_day(days, ("from_day", evaluation.from_day))?;
    field::word(Place::field("grade"), &evaluation.grade, &["A", "B", "C", "D"], "A, B, C, D")?;
    indicators(evaluation, kind)?;
    resources(evaluation, kind)
}

fn indicators(evaluation: &Evaluation, kind: &'static str) -> Checked {
    let list = Place::field("indicators");
    if evaluation.indicators.is_empty() {
        return refuse_unseen(list, Rule::FieldRequired { kind });
    }
    field::list("indicators", evaluation.indicators.len(), INDICATORS_MAX)?;
    for (at, indicator) in evaluation.indicators.iter().enumerate() {
        let place = Place::item("indicators", at);
        if indicator.name.is_empty() {
            return refuse_unseen(place.leaf("name"), Rule::FieldRequired { kind });
        }
        let score = place.leaf("score_permille");
        field::range(score, indicator.score_permille.into(), 0, PERMILLE)?;
        let weight = place.leaf("weight_permille");
        field::range(weight, indicator.weight_permille.into(), 1, PERMILLE)?;
    }
    let found = evaluation.indicators.iter().map(|i| u64::from(i.weight_permille)).sum();
    if found != PERMILLE {
        return refuse_unseen(list, Rule::WeightSum { found });
    }
    let score = weighted_score(&evaluation.indicators);
    let expected = grade_of(score);
    if evaluation.grade == expected {
        Ok(())
    } else {
        let rule = Rule::GradeMismatch { score, expected };
        refuse(Place::field("grade"), &evaluation.grade, rule)
    }
}

/// Resource support belongs to every result: the standard asks for it by name.
fn resources(evaluation: &Evaluation, kind: &'static str) -> Checked {
    if evaluation.resources.is_empty() {
        return refuse_unseen(Place::field("resources"), Rule::FieldRequired { kind });
    }
    field::list("resources", evaluation.resources.len(), RESOURCES_MAX)?;
    for (at, line) in evaluation.resources.iter().enumerate() {
        let place = Place::item("resources", at);
        for (leaf, text) in
            [("resource", &line.resource), ("unit", &line.unit), ("source", &line.source)]
        {
            if text.is_empty() {
                return refuse_unseen(place.leaf(leaf), Rule::FieldRequired { kind });
            }
        }
        let words = ["people", "funds", "equipment", "network", "training"];
        let allowed = "people, funds, equipment, network, training";
        field::word(place.leaf("resource"), &line.resource, &words, allowed)?;
        if line.amount == 0 {
            return refuse_unseen(place.leaf("amount"), Rule::QuantityZero);
        }
    }
    Ok(())
}

pub(super) fn scheme_propose(proposal: &SchemePropose) -> Checked {
    let kind = OperationKind::SchemePropose.name();
    field::required(kind, "definition", &proposal.definition)?;
    match Scheme::parse(&proposal.definition) {
        Ok(_) => Ok(()),
        Err(error) => {
            let detail = error.to_string();
            refuse_unseen(Place::field("definition"), Rule::SchemeInvalid { detail })
        }
    }
}

pub(super) fn rule_propose(proposal: &RulePropose) -> Checked {
    let kind = OperationKind::RulePropose.name();
    field::required(kind, "parameter", &proposal.parameter)?;
    let Some(known) = parameter::named(&proposal.parameter) else {
        let names: Vec<&str> = parameter::ALL.iter().map(|known| known.name).collect();
        let detail = names.join(", ");
        let rule = Rule::ParameterInvalid { detail };
        return refuse(Place::field("parameter"), &proposal.parameter, rule);
    };
    field::range(Place::field("value"), proposal.value, known.min, known.max)?;
    if proposal.scope.is_empty() || parameter::scope(&proposal.scope).is_some() {
        return Ok(());
    }
    let detail = "the scope is the index of an agency, or empty for all".to_owned();
    refuse(Place::field("scope"), &proposal.scope, Rule::ParameterInvalid { detail })
}

pub(super) fn approve(approval: &Approve) -> Checked {
    let found = approval.proposal.len();
    if found != UID_BYTES {
        let rule = Rule::DigestLength { found, expected: UID_BYTES };
        return refuse_unseen(Place::field("proposal"), rule);
    }
    let last = u64::from(AGENCIES_MAX - 1);
    field::range(Place::field("proposer"), approval.proposer.into(), 0, last)
}
