//! Recording of events, and their corrections: the old event stays as it was recorded, its effects
//! are taken back and those of the new one added.
//!
//! Of several corrections of one event the latest by time, then by identity, is in force, in whatever
//! order they arrive; a correction may arrive before the event that it corrects.

use std::collections::BTreeSet;

use prost::Message as _;
use proto::codec::Writer;
use proto::limits::LINKS_MAX;
use proto::operation::OpUid;
use proto::receipt::{Link, Role, Subject};
use proto::schema::event::{Correction, Event};
use proto::schema::roles::Field;
use proto::schema::{Body, OperationKind};
use proto::trie::Namespace;

use crate::execute::{BlockContext, Step};
use crate::fact::{self, Fact};
use crate::links::Naming;
use crate::record::fact::{FactRecord, Replacement};
use crate::record::step::{StepKind, StepRecord};
use crate::record::{load_or_default, store};
use crate::state::{Overlay, StateFault};
use crate::step;
use crate::trace::{self, Sign};

/// Corrections of corrections that are followed to the event. A longer chain is followed from where
/// it was cut.
const CHAIN_MAX: usize = 64;

/// What recording an event or a correction changed.
#[derive(Default)]
pub(crate) struct Recorded {
    /// The event in force before; none where there was none.
    pub(crate) old: Option<Fact>,
    /// The event in force now; none where it did not occur.
    pub(crate) new: Option<Fact>,
    /// The event that was in force under the identity of a correction, as long as it was not known
    /// that this is one.
    pub(crate) moved: Option<Fact>,
    /// Whether a correction had a part in it.
    pub(crate) is_corrected: bool,
    /// Links of old and new subjects of changed fields.
    pub(crate) links: Vec<Link>,
}

/// Records an event or an observation.
pub(crate) fn record(
    state: &mut Overlay<'_>,
    naming: &Naming<'_>,
    uid: OpUid,
    kind: OperationKind,
    body: &Body,
) -> Result<Recorded, StateFault> {
    let key = fact::key(naming.agency, uid);
    let mut record: FactRecord = load_or_default(state, Namespace::OpUid, &key)?;
    record.kind = kind.code().into();
    record.body = kept(body);
    store(state, Namespace::OpUid, &key, &record)?;
    let stated = decoded(&key, fact::original(naming, uid, &record))?;
    let Some(replacement) = &record.replacement else {
        if let Some(fact) = &stated {
            trace::apply(state, fact, Sign::Add)?;
        }
        return Ok(Recorded { new: stated, ..Recorded::default() });
    };
    // It was corrected before it came: it is known, and nothing of it counts.
    if let Some(fact) = &stated {
        trace::unit::note(state, fact)?;
    }
    let links = relabelled(naming, Some(body), event_of(replacement).as_ref());
    Ok(Recorded { links, ..corrected() })
}

/// Records a correction.
pub(crate) fn correct(
    state: &mut Overlay<'_>,
    naming: &Naming<'_>,
    uid: OpUid,
    correction: &Correction,
) -> Result<Recorded, StateFault> {
    let offered = Replacement {
        occurred_ms: correction.occurred_ms,
        uid: uid.0.to_vec(),
        kind: correction.kind,
        event: correction.event.as_ref().map(Event::encode_to_vec).unwrap_or_default(),
    };
    let root = root(state, naming, uid, &correction.supersedes)?;
    let own_key = fact::key(naming.agency, uid);
    let mut own: FactRecord = load_or_default(state, Namespace::OpUid, &own_key)?;
    let mut moved = None;
    let mut first = None;
    if root != uid {
        // Corrections of this correction that came before it are corrections of the event.
        if let Some(waiting) = own.replacement.take() {
            moved = decoded(&own_key, fact::of_replacement(naming, uid, &waiting))?;
            if let Some(fact) = &moved {
                trace::apply(state, fact, Sign::TakeBack)?;
            }
            first = Some(offer(state, naming, root, waiting)?);
        }
        // The operation named, not the event in the end: which that is may become known later.
        own.corrects.clone_from(&correction.supersedes);
        store(state, Namespace::OpUid, &own_key, &own)?;
    }
    let later = offer(state, naming, root, offered)?;
    let Some(first) = first else { return Ok(later) };
    // What was in force before both, also where that is nothing.
    let links = [first.links, later.links].concat();
    Ok(Recorded { old: first.old, new: later.new, moved, is_corrected: true, links })
}

/// Steps with the links of changed fields that the receipt of `cause` has no room for. The first one
/// of RELABEL stands in each step, so that a trace goes from any of them to any.
pub(crate) fn apart(
    context: &BlockContext,
    (cause, day): (&[u8], Option<u32>),
    links: Vec<Link>,
) -> Vec<Step> {
    let links: BTreeSet<Link> = links.into_iter().collect();
    let (related, gone): (Vec<Link>, Vec<Link>) =
        links.into_iter().partition(|link| link.role == Role::Relabel);
    let first = related.first().cloned();
    let room = usize::from(LINKS_MAX) - 1;
    let related = related.chunks(room).map(|part| part.iter().cloned().chain(first.clone()));
    let gone = gone.chunks(room).map(|part| part.iter().cloned().chain(None));
    let mut steps = Vec::new();
    for (number, part) in (0u32..).zip(related.chain(gone)) {
        let mut detail = Writer::default();
        detail.raw(cause).u32(number);
        let record = StepRecord {
            kind: StepKind::Correction.into(),
            height: context.height.value(),
            detail: detail.into_bytes(),
            ..StepRecord::default()
        };
        steps.push(Step { day, ..step::of(&record, part.collect(), Vec::new()) });
    }
    steps
}

/// The event that a correction is of in the end.
fn root(
    state: &Overlay<'_>,
    naming: &Naming<'_>,
    uid: OpUid,
    supersedes: &[u8],
) -> Result<OpUid, StateFault> {
    let of = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).ok().map(OpUid);
    let Some(mut root) = of(supersedes) else { return Ok(uid) };
    for _ in 0..CHAIN_MAX {
        let key = fact::key(naming.agency, root);
        let record: FactRecord = load_or_default(state, Namespace::OpUid, &key)?;
        match of(&record.corrects) {
            Some(next) if root != uid => root = next,
            Some(_) | None => break,
        }
    }
    Ok(root)
}

/// Offers a replacement to an event; the later of the two stands.
fn offer(
    state: &mut Overlay<'_>,
    naming: &Naming<'_>,
    uid: OpUid,
    offered: Replacement,
) -> Result<Recorded, StateFault> {
    let key = fact::key(naming.agency, uid);
    let mut record: FactRecord = load_or_default(state, Namespace::OpUid, &key)?;
    let old = decoded(&key, fact::of_record(naming, uid, &record))?;
    let new = decoded(&key, fact::of_replacement(naming, uid, &offered))?;
    let old_body = in_force(&record);
    let links = relabelled(naming, old_body.as_ref(), event_of(&offered).as_ref());
    let order = |replacement: &Replacement| (replacement.occurred_ms, replacement.uid.clone());
    let is_later = record.replacement.as_ref().is_none_or(|held| order(held) < order(&offered));
    if !is_later {
        if let Some(fact) = &new {
            trace::unit::note(state, fact)?;
        }
        return Ok(Recorded { old: old.clone(), new: old, links, ..corrected() });
    }
    if let Some(fact) = &old {
        trace::apply(state, fact, Sign::TakeBack)?;
    }
    if let Some(fact) = &new {
        trace::apply(state, fact, Sign::Add)?;
    }
    record.replacement = Some(offered);
    store(state, Namespace::OpUid, &key, &record)?;
    Ok(Recorded { old, new, links, ..corrected() })
}

fn corrected() -> Recorded {
    Recorded { is_corrected: true, ..Recorded::default() }
}

/// The body of the event in force.
fn in_force(record: &FactRecord) -> Option<Body> {
    if let Some(replacement) = &record.replacement {
        return event_of(replacement);
    }
    let kind = u16::try_from(record.kind).ok().and_then(OperationKind::from_code)?;
    Body::decode(kind, &record.body).ok()
}

/// The event that a replacement states.
fn event_of(replacement: &Replacement) -> Option<Body> {
    if replacement.event.is_empty() {
        return None;
    }
    Event::decode(&*replacement.event).ok().map(Body::Event)
}

/// What is kept of a body: an observation's original text has no effect and stays in the block.
fn kept(body: &Body) -> Vec<u8> {
    let Body::Observation(seen) = body else { return body.encode() };
    let mut seen = seen.clone();
    seen.original.clear();
    seen.encode_to_vec()
}

/// Links of the subjects of changed fields: RELABEL where a field has an old and a new subject, so that
/// a trace from either finds the other; a subject that only went is named.
fn relabelled(naming: &Naming<'_>, old: Option<&Body>, new: Option<&Body>) -> Vec<Link> {
    let subjects = |body: Option<&Body>| -> BTreeSet<(Field, Subject)> {
        body.map(|body| naming.subjects(body)).unwrap_or_default().into_iter().collect()
    };
    let (before, now) = (subjects(old), subjects(new));
    let mut links = Vec::new();
    for field in Field::ALL {
        let of = |set: &BTreeSet<(Field, Subject)>, other: &BTreeSet<(Field, Subject)>| {
            let changed = set.difference(other).filter(|(named, _)| *named == field);
            changed.map(|(_, subject)| subject.clone()).collect::<Vec<_>>()
        };
        let (gone, come) = (of(&before, &now), of(&now, &before));
        if gone.is_empty() {
            continue;
        }
        let role = if come.is_empty() { Role::Other } else { Role::Relabel };
        links.extend(gone.into_iter().chain(come).map(|subject| Link { role, subject }));
    }
    links
}

fn decoded(
    key: &[u8],
    fact: Result<Option<Fact>, prost::DecodeError>,
) -> Result<Option<Fact>, StateFault> {
    fact.map_err(|error| StateFault::record(Namespace::OpUid, key, &error))
}
