//! Recording of events, and their corrections: the old event stays as it was recorded, its effects
//! are taken back and those of the new one added.
//!
//! Of several corrections of one event the latest by time, then by identity, is in force, in whatever
//! order they arrive; a correction may arrive before the event that it corrects.

use std::collections::BTreeSet;

use proto::codec::Writer;
use proto::limits::LINKS_MAX;
use proto::operation::OpUid;
use proto::receipt::{Link, Role, Subject};
use proto::schema::Body;
use proto::schema::event::{Correction, Event};
use proto::schema::roles::Field;

use crate::context::{BlockContext, Step};
use crate::effect::{self, Sign};
use crate::fact::{self, Fact};
use crate::key::uid_key;
use crate::links::Naming;
use crate::record::fact::{At, OperationRow, Replacement};
use crate::record::step::{StepKind, StepRecord};
use crate::risk;
use crate::state::{Rows, Said, StateFault};
use crate::step;

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

/// Adds the effects of an event or takes them back, and tells the rules.
fn apply(state: &mut Rows<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    effect::apply(state, fact, sign)?;
    risk::on_effects(state, fact, sign)
}

/// Records an event or an observation.
pub(crate) fn record(
    state: &mut Rows<'_>,
    naming: &Naming<'_>,
    said: &Said,
) -> Result<Recorded, StateFault> {
    let stated = fact::stated(naming, said.uid, said.kind, &said.body);
    let row = state.row::<OperationRow>(&uid_key(naming.agency, said.uid))?;
    let Some(replacement) = row.replacement else {
        if let Some(fact) = &stated {
            apply(state, fact, Sign::Add)?;
        }
        return Ok(Recorded { new: stated, ..Recorded::default() });
    };
    // It was corrected before it came: it is known, and nothing of it counts.
    if let Some(fact) = &stated {
        effect::note(state, fact)?;
    }
    let links = relabelled(naming, Some(&said.body), event_at(state, replacement.at)?.as_ref());
    Ok(Recorded { links, ..corrected() })
}

/// Records a correction that stands at `at`.
pub(crate) fn correct(
    state: &mut Rows<'_>,
    naming: &Naming<'_>,
    (uid, at): (OpUid, At),
    correction: &Correction,
) -> Result<Recorded, StateFault> {
    let offered = Replacement { occurred_ms: correction.occurred_ms, uid, at };
    let root = root(state, naming, uid, &correction.supersedes)?;
    let own_key = uid_key(naming.agency, uid);
    let mut moved = None;
    let mut first = None;
    if root != uid {
        // Corrections of this correction that came before it are corrections of the event.
        let waiting = state.row::<OperationRow>(&own_key)?.replacement;
        if let Some(waiting) = waiting {
            moved = fact::replaced(naming, state, uid, waiting.at)?;
            if let Some(fact) = &moved {
                apply(state, fact, Sign::TakeBack)?;
            }
            first = Some(offer(state, naming, root, waiting)?);
        }
        let own = state.edit::<OperationRow>(&own_key)?.row;
        own.replacement = None;
        // The operation named, not the event in the end: which that is may become known later.
        own.corrects = uid_of(&correction.supersedes);
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

fn uid_of(bytes: &[u8]) -> Option<OpUid> {
    <[u8; 16]>::try_from(bytes).ok().map(OpUid)
}

/// The event that a correction is of in the end.
fn root(
    state: &Rows<'_>,
    naming: &Naming<'_>,
    uid: OpUid,
    supersedes: &[u8],
) -> Result<OpUid, StateFault> {
    let Some(mut root) = uid_of(supersedes) else { return Ok(uid) };
    for _ in 0..CHAIN_MAX {
        match state.row::<OperationRow>(&uid_key(naming.agency, root))?.corrects {
            Some(next) if root != uid => root = next,
            Some(_) | None => break,
        }
    }
    Ok(root)
}

/// Offers a replacement to an event; the later of the two stands.
fn offer(
    state: &mut Rows<'_>,
    naming: &Naming<'_>,
    uid: OpUid,
    offered: Replacement,
) -> Result<Recorded, StateFault> {
    let key = uid_key(naming.agency, uid);
    let row = state.row::<OperationRow>(&key)?;
    let old = fact::of_row(naming, state, uid, &row)?;
    let new = fact::replaced(naming, state, uid, offered.at)?;
    let old_body = in_force(state, &row)?;
    let links = relabelled(naming, old_body.as_ref(), event_at(state, offered.at)?.as_ref());
    let order = |replacement: &Replacement| (replacement.occurred_ms, replacement.uid);
    let is_later = row.replacement.as_ref().is_none_or(|held| order(held) < order(&offered));
    drop(row);
    if !is_later {
        if let Some(fact) = &new {
            effect::note(state, fact)?;
        }
        return Ok(Recorded { old: old.clone(), new: old, links, ..corrected() });
    }
    if let Some(fact) = &old {
        apply(state, fact, Sign::TakeBack)?;
    }
    if let Some(fact) = &new {
        apply(state, fact, Sign::Add)?;
    }
    state.edit::<OperationRow>(&key)?.row.replacement = Some(offered);
    Ok(Recorded { old, new, links, ..corrected() })
}

fn corrected() -> Recorded {
    Recorded { is_corrected: true, ..Recorded::default() }
}

/// The body of the event in force.
fn in_force(state: &Rows<'_>, row: &OperationRow) -> Result<Option<Body>, StateFault> {
    match (&row.replacement, &row.accepted) {
        (Some(replacement), _) => event_at(state, replacement.at),
        (None, Some(accepted)) => Ok(Some(state.said(accepted.at)?.body.clone())),
        (None, None) => Ok(None),
    }
}

/// The event that the correction at a place states.
fn event_at(state: &Rows<'_>, at: At) -> Result<Option<Body>, StateFault> {
    let said = state.said(at)?;
    let Body::Correction(correction) = &said.body else { return Ok(None) };
    let event = correction.event.as_ref().filter(|event| **event != Event::default());
    Ok(event.cloned().map(Body::Event))
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
