//! Acts: matches, alerts, notices, evaluations, governance.

use proto::schema::act::{
    AlertAcknowledge, Approve, Evaluation, Indicator, MatchDecision, MatchDeclare, Relation,
    ReleasePublish, ReleaseWithdraw, ResourceSupport, RulePropose, SchemePropose,
};

use super::Fields;
use crate::gate::Fault;

/// Bytes of an `op_uid`.
const OP_UID_BYTES: usize = 16;

pub(super) fn match_declare(fields: &mut Fields<'_>) -> Result<MatchDeclare, Fault> {
    Ok(MatchDeclare {
        relation: fields.word::<Relation>("relation")?,
        from: fields.text("from")?,
        to: fields.text("to")?,
        quantity: fields.quantity("quantity")?,
        document: fields.text("document")?,
    })
}

pub(super) fn match_decision(fields: &mut Fields<'_>) -> Result<MatchDecision, Fault> {
    Ok(MatchDecision {
        from: fields.text("from")?,
        to: fields.text("to")?,
        reason: fields.text("reason")?,
    })
}

pub(super) fn acknowledge(fields: &mut Fields<'_>) -> Result<AlertAcknowledge, Fault> {
    Ok(AlertAcknowledge { alert: fields.text("alert")?, remark: fields.text("remark")? })
}

pub(super) fn publish(fields: &mut Fields<'_>) -> Result<ReleasePublish, Fault> {
    Ok(ReleasePublish {
        id: fields.text("id")?,
        kind: fields.text("notice_kind")?,
        title: fields.text("title")?,
        body: fields.text("body")?,
        audience: fields.text("audience")?,
        level: fields.whole("level")?,
        codes: fields.texts("codes")?,
        parties: fields.texts("parties")?,
        alerts: fields.texts("alerts")?,
        valid_until_ms: fields.time("valid_until_ms")?,
    })
}

pub(super) fn withdraw(fields: &mut Fields<'_>) -> Result<ReleaseWithdraw, Fault> {
    Ok(ReleaseWithdraw { id: fields.text("id")?, reason: fields.text("reason")? })
}

pub(super) fn evaluation(fields: &mut Fields<'_>) -> Result<Evaluation, Fault> {
    let indicator = |mut fields: Fields<'_>| {
        let indicator = Indicator {
            name: fields.text("name")?,
            score_permille: fields.whole("score_permille")?,
            weight_permille: fields.whole("weight_permille")?,
        };
        fields.finish()?;
        Ok(indicator)
    };
    let resource = |mut fields: Fields<'_>| {
        let resource = ResourceSupport {
            resource: fields.text("resource")?,
            amount: fields.whole("amount")?,
            unit: fields.text("unit")?,
            source: fields.text("source")?,
        };
        fields.finish()?;
        Ok(resource)
    };
    Ok(Evaluation {
        id: fields.text("id")?,
        object_kind: fields.text("object_kind")?,
        object: fields.text("object")?,
        from_day: fields.day("from_day")?,
        to_day: fields.day("to_day")?,
        indicators: fields
            .objects("indicators")?
            .into_iter()
            .map(indicator)
            .collect::<Result<_, _>>()?,
        grade: fields.text("grade")?,
        resources: fields
            .objects("resources")?
            .into_iter()
            .map(resource)
            .collect::<Result<_, _>>()?,
    })
}

pub(super) fn scheme(fields: &mut Fields<'_>) -> Result<SchemePropose, Fault> {
    Ok(SchemePropose { definition: fields.text("definition")? })
}

pub(super) fn rule(fields: &mut Fields<'_>) -> Result<RulePropose, Fault> {
    Ok(RulePropose {
        parameter: fields.text("parameter")?,
        scope: fields.text("scope")?,
        value: fields.whole("value")?,
    })
}

pub(super) fn approve(fields: &mut Fields<'_>) -> Result<Approve, Fault> {
    Ok(Approve {
        proposal: fields.bytes("proposal", OP_UID_BYTES)?,
        proposer: fields.whole("proposer")?,
    })
}
