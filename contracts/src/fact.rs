//! A trace event with every name resolved to the key of its subject: what the contracts reckon with.

use std::sync::Arc;

use proto::AgencyIndex;
use proto::operation::OpUid;
use proto::schema::event::{
    Correction, Event, InspectionOutcome, Item, Lot, Observation, TestOutcome, Uom,
};
use proto::schema::roles::Normaliser;
use proto::schema::{Body, OperationKind};

use crate::key::{CertificateKey, DeclarationKey, DocumentKey, PartyKey, PersonKey, StationKey};
use crate::key::{UnitKey, VehicleKey, uid_key};
use crate::links::{self, Naming};
use crate::record::fact::{At, OperationRow};
use crate::record::shipment::Amount;
use crate::record::unit::Moment;
use crate::state::{Rows, StateFault};

/// Thousandths that a code without a quantity counts for: one of itself.
const ONE_CODE_MILLI: i64 = 1_000;

/// A unit in an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The unit.
    pub unit: UnitKey,
    /// The code as written.
    pub text: String,
    /// How much; a code without a quantity counts for one of itself.
    pub amount: Amount,
    /// The other side's unit of the same goods, where stated.
    pub counterpart: Option<UnitKey>,
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
    pub party: PartyKey,
    /// Where.
    pub station: StationKey,
    /// Document of the delivery, stock movement, sale or report.
    pub document: DocumentKey,
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
    pub counterparty: PartyKey,
    /// The other station.
    pub counterparty_station: StationKey,
    /// Vehicle.
    pub vehicle: VehicleKey,
    /// Commitment of a person.
    pub person: PersonKey,
    /// Certificates.
    pub certificates: Vec<CertificateKey>,
    /// Declaration line.
    pub declaration: DeclarationKey,
    /// Result of a test.
    pub test: TestOutcome,
    /// Result of a customs inspection.
    pub inspection: InspectionOutcome,
    /// What was tested for, or with what it was disinfected.
    pub agent: String,
    /// What is done by a process or a disposal.
    pub method: String,
    /// Document of the sampling that a test result is of.
    pub sample: DocumentKey,
    /// The goods behind a code.
    pub lot: Option<Lot>,
}

impl Fact {
    /// The fact that an event of type `kind` states.
    pub fn of_event(naming: &Naming<'_>, uid: OpUid, kind: OperationKind, event: &Event) -> Self {
        let lines = |items: &[Item]| items.iter().map(|item| line(naming, item)).collect();
        let named = |normaliser, text: &str| {
            if text.is_empty() { Arc::default() } else { naming.shared(normaliser, text) }
        };
        let party = |text| PartyKey::from(named(Normaliser::Party, text));
        let station = |text| StationKey::from(named(Normaliser::Station, text));
        let certificate =
            |text: &String| CertificateKey::from(naming.shared(Normaliser::Certificate, text));
        Self {
            agency: naming.agency,
            uid,
            stated_by: uid,
            kind,
            occurred_ms: event.occurred_ms,
            party: party(&event.party),
            station: station(&event.station),
            document: DocumentKey::new(links::document(&event.document).as_bytes()),
            items: lines(&event.items),
            outputs: lines(&event.outputs),
            contents: Vec::new(),
            mentions: Vec::new(),
            container: code(naming, &event.container),
            counterparty: party(&event.counterparty),
            counterparty_station: station(&event.counterparty_station),
            vehicle: VehicleKey::from(named(Normaliser::Vehicle, &event.vehicle)),
            person: PersonKey::from(named(Normaliser::Person, &event.person)),
            certificates: event.certificates.iter().map(certificate).collect(),
            declaration: DeclarationKey::from(named(Normaliser::Declaration, &event.declaration)),
            test: event.test(),
            inspection: event.inspection(),
            agent: event.agent.clone(),
            method: event.method.clone(),
            sample: DocumentKey::new(links::document(&event.sample).as_bytes()),
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
            uid: self.stated_by,
            kind: self.kind.code(),
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

/// The event in force under an identity: as recorded, or as its last correction says; none where it
/// did not occur, or where nothing is recorded under that identity.
pub fn in_force(
    naming: &Naming<'_>,
    state: &Rows<'_>,
    uid: OpUid,
) -> Result<Option<Fact>, StateFault> {
    let row = state.row::<OperationRow>(&uid_key(naming.agency, uid))?;
    of_row(naming, state, uid, &row)
}

/// The event in force of a row.
pub(crate) fn of_row(
    naming: &Naming<'_>,
    state: &Rows<'_>,
    uid: OpUid,
    row: &OperationRow,
) -> Result<Option<Fact>, StateFault> {
    match (&row.replacement, &row.accepted) {
        (Some(replacement), _) => replaced(naming, state, uid, replacement.at),
        (None, Some(accepted)) => {
            let said = state.said(accepted.at)?;
            Ok(stated(naming, uid, said.kind, &said.body))
        }
        (None, None) => Ok(None),
    }
}

/// The event as the correction at a place states it.
pub(crate) fn replaced(
    naming: &Naming<'_>,
    state: &Rows<'_>,
    uid: OpUid,
    at: At,
) -> Result<Option<Fact>, StateFault> {
    let said = state.said(at)?;
    let Body::Correction(correction) = &said.body else { return Ok(None) };
    Ok(corrected(naming, uid, said.uid, correction))
}

/// The event `uid` as a correction states it.
pub(crate) fn corrected(
    naming: &Naming<'_>,
    uid: OpUid,
    stated_by: OpUid,
    correction: &Correction,
) -> Option<Fact> {
    let kind = u16::try_from(correction.kind).ok().and_then(OperationKind::from_code);
    let kind = kind.filter(|kind| kind.is_event() && *kind != OperationKind::Observation)?;
    let event = correction.event.as_ref().filter(|event| **event != Event::default())?;
    Some(Fact { stated_by, ..Fact::of_event(naming, uid, kind, event) })
}

/// The event that an operation states; none where it is no event.
pub(crate) fn stated(
    naming: &Naming<'_>,
    uid: OpUid,
    kind: OperationKind,
    body: &Body,
) -> Option<Fact> {
    match body {
        Body::Event(event) if *event == Event::default() => None,
        Body::Event(event) => Some(Fact::of_event(naming, uid, kind, event)),
        Body::Observation(seen) => Some(Fact::of_observation(naming, uid, seen)),
        Body::Party(_)
        | Body::Station(_)
        | Body::Product(_)
        | Body::Vehicle(_)
        | Body::Certificate(_)
        | Body::Declaration(_)
        | Body::Correction(_)
        | Body::MatchDeclare(_)
        | Body::MatchDecision(_)
        | Body::AlertAcknowledge(_)
        | Body::ReleasePublish(_)
        | Body::ReleaseWithdraw(_)
        | Body::Evaluation(_)
        | Body::SchemePropose(_)
        | Body::RulePropose(_)
        | Body::Approve(_) => None,
    }
}

fn line(naming: &Naming<'_>, item: &Item) -> Line {
    let amount = item.quantity.map_or(Amount { uom: 0, milli: ONE_CODE_MILLI }, |stated| Amount {
        uom: Uom::try_from(stated.uom).map_or(0, i32::from),
        milli: i64::try_from(stated.milli).unwrap_or(i64::MAX),
    });
    let counterpart = Some(&item.counterpart).filter(|text| !text.is_empty());
    Line {
        unit: naming.unit(&item.code),
        text: item.code.clone(),
        amount,
        counterpart: counterpart.map(|text| naming.unit(text)),
        counterpart_text: item.counterpart.clone(),
    }
}

fn code(naming: &Naming<'_>, text: &str) -> Option<Line> {
    let item = Item { code: text.to_owned(), ..Item::default() };
    (!text.is_empty()).then(|| line(naming, &item))
}
