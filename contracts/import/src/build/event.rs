//! Trace events, observations and corrections.

use proto::operation::OpUid;
use proto::schema::OperationKind;
use proto::schema::event::{
    Correction, Event, InspectionOutcome, Item, Lot, Observation, TestOutcome,
};

use super::{Fields, text};
use crate::gate::Fault;
use crate::rule::Rule;
use crate::tree::Tree;

/// Bytes of an `op_uid`.
const OP_UID_BYTES: usize = 16;

pub(super) fn event(fields: &mut Fields<'_>) -> Result<Event, Fault> {
    Ok(Event {
        occurred_ms: fields.time("occurred_ms")?,
        party: fields.text("party")?,
        station: fields.text("station")?,
        document: fields.text("document")?,
        items: items(fields, "items")?,
        outputs: items(fields, "outputs")?,
        container: fields.text("container")?,
        counterparty: fields.text("counterparty")?,
        counterparty_station: fields.text("counterparty_station")?,
        vehicle: fields.text("vehicle")?,
        person: fields.text("person")?,
        certificates: fields.texts("certificates")?,
        declaration: fields.text("declaration")?,
        test: fields.word::<TestOutcome>("test")?,
        agent: fields.text("agent")?,
        inspection: fields.word::<InspectionOutcome>("inspection")?,
        lot: lot(fields)?,
        method: fields.text("method")?,
        sample: fields.text("sample")?,
    })
}

fn items(fields: &mut Fields<'_>, name: &str) -> Result<Vec<Item>, Fault> {
    let one = |mut fields: Fields<'_>| {
        let item = Item {
            code: fields.text("code")?,
            quantity: fields.quantity("quantity")?,
            counterpart: fields.text("counterpart")?,
        };
        fields.finish()?;
        Ok(item)
    };
    fields.objects(name)?.into_iter().map(one).collect()
}

fn lot(fields: &mut Fields<'_>) -> Result<Option<Lot>, Fault> {
    let Some(mut fields) = fields.object("lot")? else { return Ok(None) };
    let lot = Lot {
        product: fields.text("product")?,
        batch: fields.text("batch")?,
        produced_day: fields.day("produced_day")?,
        expires_day: fields.day("expires_day")?,
        origin_country: fields.text("origin_country")?,
        establishment: fields.text("establishment")?,
        imported: fields.flag("imported")?,
    };
    fields.finish()?;
    Ok(Some(lot))
}

pub(super) fn observation(fields: &mut Fields<'_>) -> Result<Observation, Fault> {
    let at = fields.at("original");
    let original = match fields.take("original") {
        None => Vec::new(),
        // Kept as it came: not trimmed, not normalised.
        Some(Tree::Text(original)) => original.clone().into_bytes(),
        Some(
            Tree::Null
            | Tree::Flag(_)
            | Tree::Number(_)
            | Tree::Inexact
            | Tree::List(_)
            | Tree::Object(_),
        ) => return Err(Fault::new(at, Rule::WrongShape)),
    };
    Ok(Observation {
        occurred_ms: fields.time("occurred_ms")?,
        format: fields.text("format")?,
        original,
        codes: fields.texts("codes")?,
        inputs: fields.texts("inputs")?,
        outputs: fields.texts("outputs")?,
        container: fields.text("container")?,
        contents: fields.texts("contents")?,
        stations: fields.texts("stations")?,
        parties: fields.texts("parties")?,
        business_step: fields.text("business_step")?,
    })
}

pub(super) fn correction(fields: &mut Fields<'_>) -> Result<Correction, Fault> {
    let supersedes = superseded(fields)?;
    let at = fields.at("event_kind");
    let kind = fields.text("event_kind")?;
    let kind = OperationKind::from_name(&kind)
        .filter(|kind| kind.is_event() || *kind == OperationKind::Observation)
        .ok_or_else(|| Fault::of(at, Rule::UnknownKind, kind))?;
    let event = match fields.object("event")? {
        None => None,
        Some(mut fields) => {
            let event = event(&mut fields)?;
            fields.finish()?;
            Some(event)
        }
    };
    Ok(Correction {
        occurred_ms: fields.time("occurred_ms")?,
        supersedes,
        reason: fields.text("reason")?,
        kind: u32::from(kind.code()),
        event,
    })
}

/// The `op_uid` of the superseded event: itself, or the platform and record it is made of.
fn superseded(fields: &mut Fields<'_>) -> Result<Vec<u8>, Fault> {
    let Some(mut of) = fields.object("supersedes_record")? else {
        let at = fields.at("supersedes");
        let uid = fields.bytes("supersedes", OP_UID_BYTES)?;
        return if uid.is_empty() { Err(Fault::new(at, Rule::MissingValue)) } else { Ok(uid) };
    };
    let (platform, record) = (of.take("platform"), of.take("record"));
    let (Some(platform), Some(record)) = (platform, record) else {
        return Err(Fault::new(of.path, Rule::NoIdentity));
    };
    let platform = text(platform, &of.at("platform"))?;
    let record = text(record, &of.at("record"))?;
    of.finish()?;
    Ok(OpUid::of_record(&platform, &record).0.to_vec())
}
