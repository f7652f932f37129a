//! A trace event with every name resolved to the key of its subject: what the contracts reckon with.

use prost::Message as _;
use proto::AgencyIndex;
use proto::operation::OpUid;
use proto::schema::OperationKind;
use proto::schema::event::{Event, InspectionOutcome, Item, Lot, Observation, TestOutcome, Uom};
use proto::schema::roles::Normaliser;
use proto::trie::Namespace;

use crate::execute::uid_key;
use crate::links::{self, Naming};
use crate::record;
use crate::record::fact::{FactRecord, Replacement};
use crate::record::shipment::Amount;
use crate::record::unit::Moment;
use crate::state::{State, StateFault};

/// Thousandths that a code without a quantity counts for: one of itself.
const ONE_CODE_MILLI: i64 = 1_000;

/// A unit in an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The unit.
    pub unit: Vec<u8>,
    /// The code as written.
    pub text: String,
    /// How much; a code without a quantity counts for one of itself.
    pub amount: Amount,
    /// The other side's unit of the same goods, where stated.
    pub counterpart: Option<Vec<u8>>,
    /// The other side's code as written.
    pub counterpart_text: String,
}

/// An event with its names resolved. Empty where the event says nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// Agency whose platform recorded it.
    pub agency: AgencyIndex,
    /// Its identity.
    pub uid: OpUid,
    /// The operation that states it so: itself, or the correction in force.
    pub stated_by: OpUid,
    /// Type: 16 to 33.
    pub kind: OperationKind,
    /// When it happened.
    pub occurred_ms: u64,
    /// Who acts.
    pub party: Vec<u8>,
    /// Where.
    pub station: Vec<u8>,
    /// Document of the delivery, stock movement, sale or report.
    pub document: String,
    /// Units acted on; the inputs of an observation.
    pub items: Vec<Line>,
    /// Units made.
    pub outputs: Vec<Line>,
    /// Contents of an observed container.
    pub contents: Vec<Line>,
    /// Units of an observation without a lineage role.
    pub mentions: Vec<Line>,
    /// The container.
    pub container: Option<Line>,
    /// The other party.
    pub counterparty: Vec<u8>,
    /// The other station.
    pub counterparty_station: Vec<u8>,
    /// Vehicle.
    pub vehicle: Vec<u8>,
    /// Commitment of a person.
    pub person: Vec<u8>,
    /// Certificates.
    pub certificates: Vec<Vec<u8>>,
    /// Declaration line.
    pub declaration: Vec<u8>,
    /// Result of a test.
    pub test: TestOutcome,
    /// Result of a customs inspection.
    pub inspection: InspectionOutcome,
    /// What was tested for, or with what it was disinfected.
    pub agent: String,
    /// What is done by a process or a disposal.
    pub method: String,
    /// Document of the sampling that a test result is of.
    pub sample: String,
    /// The goods behind a code.
    pub lot: Option<Lot>,
}

impl Fact {
    /// The fact that an event of type `kind` states.
    pub fn of_event(naming: &Naming<'_>, uid: OpUid, kind: OperationKind, event: &Event) -> Self {
        let lines = |items: &[Item]| items.iter().map(|item| line(naming, item)).collect();
        let optional = |normaliser, text: &str| named(naming, normaliser, text);
        Self {
            agency: naming.agency,
            uid,
            stated_by: uid,
            kind,
            occurred_ms: event.occurred_ms,
            party: optional(Normaliser::Party, &event.party),
            station: optional(Normaliser::Station, &event.station),
            document: links::document(&event.document),
            items: lines(&event.items),
            outputs: lines(&event.outputs),
            contents: Vec::new(),
            mentions: Vec::new(),
            container: code(naming, &event.container),
            counterparty: optional(Normaliser::Party, &event.counterparty),
            counterparty_station: optional(Normaliser::Station, &event.counterparty_station),
            vehicle: optional(Normaliser::Vehicle, &event.vehicle),
            person: optional(Normaliser::Person, &event.person),
            certificates: event
                .certificates
                .iter()
                .map(|number| naming.key(Normaliser::Certificate, number))
                .collect(),
            declaration: optional(Normaliser::Declaration, &event.declaration),
            test: event.test(),
            inspection: event.inspection(),
            agent: event.agent.clone(),
            method: event.method.clone(),
            sample: links::document(&event.sample),
            lot: event.lot.clone(),
        }
    }

    /// The fact that an observation states: lineage and containment, no quantities.
    pub fn of_observation(naming: &Naming<'_>, uid: OpUid, seen: &Observation) -> Self {
        let lines = |codes: &[String]| codes.iter().filter_map(|text| code(naming, text)).collect();
        let kind = OperationKind::Observation;
        let event = Event { occurred_ms: seen.occurred_ms, ..Event::default() };
        Self {
            items: lines(&seen.inputs),
            outputs: lines(&seen.outputs),
            contents: lines(&seen.contents),
            mentions: lines(&seen.codes),
            container: code(naming, &seen.container),
            ..Self::of_event(naming, uid, kind, &event)
        }
    }

    /// The place of the event in the order of events.
    pub fn moment(&self) -> Moment {
        Moment {
            occurred_ms: self.occurred_ms,
            agency: self.agency.value().into(),
            uid: self.stated_by.0.to_vec(),
            kind: self.kind.code().into(),
        }
    }

    /// What the event turned into something else.
    pub fn consumed(&self) -> &[Line] {
        if self.is_lineage() { &self.items } else { &[] }
    }

    /// What the event made out of it.
    pub fn made(&self) -> &[Line] {
        if self.is_lineage() { &self.outputs } else { &[] }
    }

    /// What lies in the container of the event, or lay in it before it was unpacked.
    pub fn packed(&self) -> &[Line] {
        let in_items = matches!(self.kind, OperationKind::Pack | OperationKind::Unpack);
        if in_items { &self.items } else { &self.contents }
    }

    /// Every unit that the event names.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        let lists = [&self.items, &self.outputs, &self.contents, &self.mentions];
        lists.into_iter().flatten().chain(&self.container)
    }

    const fn is_lineage(&self) -> bool {
        matches!(
            self.kind,
            OperationKind::Split | OperationKind::Process | OperationKind::Observation
        )
    }
}

/// Key of the record of an event.
pub(crate) fn key(agency: AgencyIndex, uid: OpUid) -> Vec<u8> {
    let mut key = uid_key(agency, uid);
    key.push(1);
    key
}

/// The event in force under an identity: as recorded, or as its last correction says; none where it
/// did not occur, or where nothing is recorded under that identity.
pub fn in_force(
    naming: &Naming<'_>,
    state: &dyn State,
    uid: OpUid,
) -> Result<Option<Fact>, StateFault> {
    let key = key(naming.agency, uid);
    let found: Option<FactRecord> = record::load(state, Namespace::OpUid, &key)?;
    let Some(found) = found else { return Ok(None) };
    of_record(naming, uid, &found)
        .map_err(|error| StateFault::record(Namespace::OpUid, &key, &error))
}

/// The event in force of a record.
pub(crate) fn of_record(
    naming: &Naming<'_>,
    uid: OpUid,
    found: &FactRecord,
) -> Result<Option<Fact>, prost::DecodeError> {
    match &found.replacement {
        Some(replacement) => of_replacement(naming, uid, replacement),
        None => original(naming, uid, found),
    }
}

/// The event as a correction states it.
pub(crate) fn of_replacement(
    naming: &Naming<'_>,
    uid: OpUid,
    replacement: &Replacement,
) -> Result<Option<Fact>, prost::DecodeError> {
    let fact = decode(naming, uid, replacement.kind, &replacement.event)?;
    let stated_by = <[u8; 16]>::try_from(&*replacement.uid).map_or(uid, OpUid);
    Ok(fact.map(|fact| Fact { stated_by, ..fact }))
}

/// The event as it was recorded, whatever corrected it.
pub(crate) fn original(
    naming: &Naming<'_>,
    uid: OpUid,
    found: &FactRecord,
) -> Result<Option<Fact>, prost::DecodeError> {
    decode(naming, uid, found.kind, &found.body)
}

fn decode(
    naming: &Naming<'_>,
    uid: OpUid,
    kind: u32,
    body: &[u8],
) -> Result<Option<Fact>, prost::DecodeError> {
    let kind = u16::try_from(kind).ok().and_then(OperationKind::from_code);
    match kind {
        Some(_) if body.is_empty() => Ok(None),
        Some(OperationKind::Observation) => {
            Ok(Some(Fact::of_observation(naming, uid, &Observation::decode(body)?)))
        }
        Some(kind) if kind.is_event() => {
            Ok(Some(Fact::of_event(naming, uid, kind, &Event::decode(body)?)))
        }
        Some(_) | None => Ok(None),
    }
}

fn named(naming: &Naming<'_>, normaliser: Normaliser, text: &str) -> Vec<u8> {
    if text.is_empty() { Vec::new() } else { naming.key(normaliser, text) }
}

fn line(naming: &Naming<'_>, item: &Item) -> Line {
    let amount = item.quantity.map_or(Amount { uom: 0, milli: ONE_CODE_MILLI }, |stated| Amount {
        uom: Uom::try_from(stated.uom).map_or(0, i32::from),
        milli: i64::try_from(stated.milli).unwrap_or(i64::MAX),
    });
    let counterpart = Some(&item.counterpart).filter(|text| !text.is_empty());
    Line {
        unit: naming.key(Normaliser::Unit, &item.code),
        text: item.code.clone(),
        amount,
        counterpart: counterpart.map(|text| naming.key(Normaliser::Unit, text)),
        counterpart_text: item.counterpart.clone(),
    }
}

fn code(naming: &Naming<'_>, text: &str) -> Option<Line> {
    let item = Item { code: text.to_owned(), ..Item::default() };
    (!text.is_empty()).then(|| line(naming, &item))
}
