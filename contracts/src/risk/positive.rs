//! R24: a test found what must not be there. The alert is raised in the receipt of the result; the
//! search for everything that it concerns runs at the end of the same block and, where it is large,
//! of the next ones. Later events join what they touch to it; a corrected result withdraws it.
//!
//! The search is a closure: its result is a function of the events, not of their order.

mod search;

use std::collections::{BTreeMap, BTreeSet};

use proto::AgencyIndex;
use proto::limits::LINKS_MAX;
use proto::receipt::{Role, SubjectKind};
use proto::schema::OperationKind;
use proto::schema::event::TestOutcome;
use proto::trie::Namespace;

use super::alert::{self, AlertRecord, AlertStep, AlertSubject, Input, Level, Rule, Transition};
use super::{VERSION, dirty, parameter};
use crate::codes::Codes;
use crate::context::Raised;
use crate::execute::{BlockContext, uid_key};
use crate::fact::Fact;
use crate::links::unit_link;
use crate::pages::{Map, Pages};
use crate::record::step::{StepKind, StepRecord};
use crate::state::{Overlay, State, StateFault};
use crate::step;
use crate::trace::{self, Sign, unit};

use search::Search;

/// Entries that all searches look at in a block, lines of the events among them: some tens of
/// milliseconds.
const ENTRIES_MAX: usize = 4_096;

/// Units that all searches join in a block, and up to an event of a thousand lines above it: they are
/// links of its steps.
const UNITS_MAX: usize = 1_000;

/// Alerts of one unit that later events are joined to.
const ALERTS_MAX: usize = 64;

/// What a unit is to the goods that were tested. A stronger one stands above a weaker one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Relation {
    /// Not stated.
    Unspecified = 0,
    /// A container in which they lie or lay.
    Carrier = 1,
    /// Of the same declaration line, or of a unit that they were a part of.
    Sibling = 2,
    /// What they were made of.
    Ancestor = 3,
    /// What was made of them.
    Descendant = 4,
    /// The goods tested, under any of their codes.
    Tested = 5,
}

/// The search goes on to what the unit was made of.
const BACK: u32 = 1;

/// The search goes on to its parts, products and contents.
const FORWARD: u32 = 2;

/// The search goes on to its containers.
const OUTWARD: u32 = 4;

/// A unit or declaration that an alert concerns. Value of the alert's map.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Affected {
    /// What it is to the goods.
    #[prost(enumeration = "Relation", tag = "1")]
    pub relation: i32,
    /// Ways on which the search goes on from it.
    #[prost(uint32, tag = "2")]
    pub ways: u32,
}

/// Everything that an alert concerns: key = kind byte, subject, or `S` and agency u16 and document of
/// a sampling; value [`Affected`].
pub fn affected(id: &str) -> Pages {
    Pages::of(Namespace::Alert, id.as_bytes(), Map::Affected)
}

fn open(id: &str) -> Pages {
    Pages::of(Namespace::Alert, id.as_bytes(), Map::Open)
}

/// Alerts of this rule whose cause stands.
fn standing() -> Pages {
    Pages::of(Namespace::Alert, b"positive", Map::Listed)
}

fn searches() -> Pages {
    dirty(b"risk/searches")
}

/// Kind byte of an entry that is a sampling and no subject: agency u16 and document follow.
const SAMPLING: u8 = b'S';

/// The entry of a subject.
fn entry_of(kind: SubjectKind, subject: &[u8]) -> Vec<u8> {
    [&[kind.code()], subject].concat()
}

/// The entry of what an agency sampled under a document.
fn sampling_entry(sample: &[u8]) -> Vec<u8> {
    [&[SAMPLING], sample].concat()
}

/// Events that sample what an entry says.
fn samplings(entry: &[u8]) -> Pages {
    Pages::of(Namespace::Alert, entry, Map::Samplings)
}

/// Alerts that an entry was joined to; of a subject they are [`alert::of_subject`].
fn alerts_of(entry: &[u8]) -> Pages {
    Pages::of(Namespace::Alert, entry, Map::Alerts)
}

/// Agency and document of a sampling.
fn sample_of(agency: AgencyIndex, document: &str) -> Vec<u8> {
    [&agency.value().to_be_bytes(), document.as_bytes()].concat()
}

/// Keeps which events sample under a document, for results that name it.
pub(super) fn note_sampling(
    state: &mut Overlay<'_>,
    fact: &Fact,
    sign: Sign,
) -> Result<(), StateFault> {
    if fact.kind != OperationKind::Sampling || fact.document.is_empty() {
        return Ok(());
    }
    let entry = sampling_entry(&sample_of(fact.agency, &fact.document));
    trace::count(state, &samplings(&entry), &uid_key(fact.agency, fact.uid), sign.factor())
}

/// The value of a running search: whether it first has to forget what it found.
const FORGET: &[u8] = &[1];

/// A test result came into force, was changed or taken back.
pub(super) fn on_result(
    context: &BlockContext,
    state: &mut Overlay<'_>,
    (old, new): (Option<&Fact>, Option<&Fact>),
) -> Result<Raised, StateFault> {
    let is_result = |fact: &&Fact| fact.kind == OperationKind::TestResult;
    let Some(fact) = new.into_iter().chain(old).find(is_result) else {
        return Ok(Raised::default());
    };
    let cause = uid_key(fact.agency, fact.uid);
    let id = alert::id_of(state, Rule::PositiveSample, &cause)?;
    let held = alert::of(state, &id)?;
    let is_active = held.as_ref().is_some_and(|held| held.state().is_active());
    match (new.filter(|fact| is_found(fact)), held) {
        (None, Some(held)) if is_active => {
            searches().remove(state, id.as_bytes())?;
            standing().remove(state, id.as_bytes())?;
            let held = AlertRecord { is_searching: false, ..held };
            alert::inline(context, state, (&id, held), Transition::Withdrawn)
        }
        (None, _) => Ok(Raised::default()),
        (Some(found), held) => {
            let (was_known, before) = (held.is_some(), held.clone().map(|held| held.level));
            let held = AlertRecord { cause, ..held.unwrap_or_default() };
            let mut alert = described(state, found, held)?;
            let start = if was_known { FORGET } else { &[] };
            searches().put(state, id.as_bytes(), start.to_vec())?;
            standing().put(state, id.as_bytes(), Vec::new())?;
            if !was_known {
                alert.units = seed(state, &id, &alert)?;
            }
            // A suspicion that is confirmed is told again.
            if is_active && before == Some(alert.level) {
                alert::store(state, &id, &alert)?;
                return Ok(Raised::default());
            }
            alert::inline(context, state, (&id, alert), Transition::Raised)
        }
    }
}

/// Whether a result is one that must not be.
fn is_found(fact: &Fact) -> bool {
    fact.kind == OperationKind::TestResult
        && match fact.test {
            TestOutcome::Positive | TestOutcome::Suspected => true,
            TestOutcome::Unspecified | TestOutcome::Negative | TestOutcome::Invalid => false,
        }
}

fn described(
    state: &dyn State,
    found: &Fact,
    held: AlertRecord,
) -> Result<AlertRecord, StateFault> {
    let is_confirmed = found.test == TestOutcome::Positive;
    let mut alert = AlertRecord { version: VERSION, is_searching: true, ..held };
    alert.set_rule(Rule::PositiveSample);
    alert.set_level(if is_confirmed { Level::Red } else { Level::Orange });
    alert.units = 0;
    let mut subjects: Vec<AlertSubject> = Vec::new();
    for line in &found.items {
        let unit = unit::resolved(state, &line.unit)?;
        subjects.push(AlertSubject::new(SubjectKind::Unit, &unit));
    }
    for (kind, key) in
        [(SubjectKind::Declaration, &found.declaration), (SubjectKind::Station, &found.station)]
    {
        if !key.is_empty() {
            subjects.push(AlertSubject::new(kind, key));
        }
    }
    subjects.sort();
    subjects.dedup();
    alert.subjects = subjects;
    let is_of_sample = found.items.is_empty() && !found.sample.is_empty();
    alert.sample = if is_of_sample { sample_of(found.agency, &found.sample) } else { Vec::new() };
    alert.addressees = told_first(state, &alert)?;
    let result = if is_confirmed { "positive" } else { "suspected" };
    alert.inputs = vec![
        Input::new("result", result),
        Input::new("agent", found.agent.clone()),
        Input::new("report", found.document.clone()),
        Input::new("sample", found.sample.clone()),
        Input::new("occurred_ms", found.occurred_ms.to_string()),
    ];
    Ok(alert)
}

/// Agencies that are told before anything is found: whose platform recorded the result, and where.
fn told_first(state: &dyn State, alert: &AlertRecord) -> Result<Vec<u32>, StateFault> {
    let recorded = alert.cause.first_chunk::<2>().map(|index| u16::from_be_bytes(*index));
    let mut told: BTreeSet<u32> = recorded.map(u32::from).into_iter().collect();
    let station = u32::from(SubjectKind::Station.code());
    for subject in alert.subjects.iter().filter(|subject| subject.kind == station) {
        told.extend(parameter::agency_of_station(state, &subject.key)?);
    }
    Ok(told.into_iter().collect())
}

/// The units and declarations that a search begins at; how many units.
fn seed(state: &mut Overlay<'_>, id: &str, alert: &AlertRecord) -> Result<u64, StateFault> {
    let tested = Affected { relation: Relation::Tested.into(), ways: BACK | FORWARD | OUTWARD };
    let mut units = 0;
    for subject in &alert.subjects {
        if subject.kind == u32::from(SubjectKind::Unit.code()) {
            let unit = unit::resolved(state, &subject.key)?;
            units += u64::from(join(state, id, &entry_of(SubjectKind::Unit, &unit), tested)?);
        } else if subject.kind == u32::from(SubjectKind::Declaration.code()) {
            join(state, id, &entry_of(SubjectKind::Declaration, &subject.key), tested)?;
        }
    }
    if !alert.sample.is_empty() {
        join(state, id, &sampling_entry(&alert.sample), tested)?;
    }
    Ok(units)
}

/// Joins an entry to an alert; whether it is new there. A stronger relation or a new way makes the
/// search visit it again.
fn join(
    state: &mut Overlay<'_>,
    id: &str,
    entry: &[u8],
    found: Affected,
) -> Result<bool, StateFault> {
    let held: Option<Affected> = trace::entry(state, &affected(id), entry)?;
    let before = held.unwrap_or_default();
    let now =
        Affected { relation: before.relation.max(found.relation), ways: before.ways | found.ways };
    if held == Some(now) {
        return Ok(false);
    }
    affected(id).put(state, entry, prost::Message::encode_to_vec(&now))?;
    if held.is_none() {
        alerts_of(entry).put(state, id.as_bytes(), Vec::new())?;
    }
    open(id).put(state, entry, Vec::new())?;
    Ok(held.is_none())
}

/// An event came into force or was taken back that may change what active alerts concern.
pub(super) fn touch(state: &mut Overlay<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    // In nearly every block there is no such alert, and this is all it costs to know.
    if standing().len(state)? == 0 {
        return Ok(());
    }
    let mut known = Known::new();
    if !fact.declaration.is_empty() {
        let entry = entry_of(SubjectKind::Declaration, &fact.declaration);
        revisit(state, &entry, sign, &mut known)?;
    }
    if fact.kind == OperationKind::Sampling && !fact.document.is_empty() {
        let entry = sampling_entry(&sample_of(fact.agency, &fact.document));
        revisit(state, &entry, sign, &mut known)?;
    }
    // An event without kinship may still bring a unit to another agency's station.
    let units: BTreeSet<&[u8]> = fact.lines().map(|line| &*line.unit).collect();
    for unit in units {
        revisit(state, &entry_of(SubjectKind::Unit, unit), sign, &mut known)?;
    }
    Ok(())
}

/// Two codes turned out to be the same goods, or not to be.
pub(super) fn touch_match(
    state: &mut Overlay<'_>,
    (from, to): (&[u8], &[u8]),
    sign: Sign,
) -> Result<(), StateFault> {
    let mut known = Known::new();
    revisit(state, &entry_of(SubjectKind::Unit, from), sign, &mut known)?;
    revisit(state, &entry_of(SubjectKind::Unit, to), sign, &mut known)
}

/// Alerts that one operation has met, and whether each is one of this rule whose cause stands. Goods
/// of a thousand lines have the same alerts, and an alert may name a thousand goods itself.
type Known = BTreeMap<Vec<u8>, bool>;

/// Visits an entry again in every active alert that concerns it; what was taken back makes the
/// search begin anew.
fn revisit(
    state: &mut Overlay<'_>,
    entry: &[u8],
    sign: Sign,
    known: &mut Known,
) -> Result<(), StateFault> {
    for found in alerts_of(entry).scan(state, None, ALERTS_MAX)? {
        let Ok(id) = std::str::from_utf8(&found.key) else { continue };
        let stands = match known.get(&found.key) {
            Some(stands) => *stands,
            None => begin(state, &found.key, sign)?,
        };
        if stands && sign == Sign::Add {
            open(id).put(state, entry, Vec::new())?;
        }
        known.insert(found.key, stands);
    }
    Ok(())
}

/// Begins the search of an alert, or begins it anew; whether it is one of this rule that stands.
fn begin(state: &mut Overlay<'_>, id: &[u8], sign: Sign) -> Result<bool, StateFault> {
    // The list says what the record says, and is read without the record's subjects.
    if standing().get(state, id)?.is_none() {
        return Ok(false);
    }
    match sign {
        Sign::Add if searches().get(state, id)?.is_some() => (), // it runs, or begins anew
        Sign::Add => searches().put(state, id, Vec::new())?,
        Sign::TakeBack => searches().put(state, id, FORGET.to_vec())?,
    }
    Ok(true)
}

/// What a block may still do.
struct Budget {
    entries: usize,
    units: usize,
}

impl Budget {
    const fn is_spent(&self) -> bool {
        self.entries == 0 || self.units == 0
    }
}

/// Goes on with every search.
pub(super) fn run(
    context: &BlockContext,
    codes: &Codes,
    state: &mut Overlay<'_>,
) -> Result<Raised, StateFault> {
    let mut raised = Raised::default();
    let mut budget = Budget { entries: ENTRIES_MAX, units: UNITS_MAX };
    for found in searches().scan(state, None, UNITS_MAX)? {
        if budget.is_spent() {
            break;
        }
        let Ok(id) = std::str::from_utf8(&found.key) else { continue };
        let is_over = search(context, codes, state, (id, &found.value), &mut budget, &mut raised)?;
        if is_over {
            searches().remove(state, &found.key)?;
        }
    }
    Ok(raised)
}

/// Goes on with one search; whether it is over.
#[expect(clippy::too_many_arguments, reason = "the search, its budget and what it found")]
fn search(
    context: &BlockContext,
    codes: &Codes,
    state: &mut Overlay<'_>,
    (id, value): (&str, &[u8]),
    budget: &mut Budget,
    raised: &mut Raised,
) -> Result<bool, StateFault> {
    let Some(mut held) = alert::of(state, id)? else { return Ok(true) };
    if !held.state().is_active() {
        return Ok(true);
    }
    budget.entries = budget.entries.saturating_sub(held.subjects.len());
    if value == FORGET {
        if !forget(state, id, budget)? {
            return Ok(false);
        }
        searches().put(state, id.as_bytes(), Vec::new())?;
        held.units = seed(state, id, &held)?;
        held.addressees = told_first(state, &held)?;
    }
    let mut search = Search::new(id, codes);
    search.addressees.extend(&held.addressees);
    let is_over = search.run(state, budget)?;
    held.units = held.units.saturating_add(count_of(&search.joined));
    held.is_searching = !is_over;
    held.addressees = search.addressees.iter().copied().collect();
    let units = held.units;
    alert::store(state, id, &held)?;
    raised.steps.extend(found_steps(context, (id, units), &search.joined));
    Ok(is_over)
}

/// The steps that name the units that a search joined, so that the log of each says so. `units` is how
/// many it has found with them.
fn found_steps(
    context: &BlockContext,
    (id, units): (&str, u64),
    joined: &[Vec<u8>],
) -> Vec<crate::execute::Step> {
    let mut found = units.saturating_sub(count_of(joined));
    let mut steps = Vec::new();
    for part in joined.chunks(usize::from(LINKS_MAX)) {
        found = found.saturating_add(count_of(part));
        let detail = AlertStep { alert: id.to_owned(), code: 0, units: found };
        let record = StepRecord {
            kind: StepKind::RiskJob.into(),
            height: context.height.value(),
            detail: prost::Message::encode_to_vec(&detail),
            ..StepRecord::default()
        };
        let links = part.iter().map(|unit| unit_link(Role::Other, unit)).collect();
        steps.push(step::of(&record, links, Vec::new()));
    }
    steps
}

fn count_of(units: &[Vec<u8>]) -> u64 {
    u64::try_from(units.len()).expect("usize is at most 64 bits")
}

/// Forgets what a search found; whether all of it is forgotten.
fn forget(state: &mut Overlay<'_>, id: &str, budget: &mut Budget) -> Result<bool, StateFault> {
    let found = affected(id).scan(state, None, budget.entries)?;
    budget.entries = budget.entries.saturating_sub(found.len());
    for entry in found {
        affected(id).remove(state, &entry.key)?;
        open(id).remove(state, &entry.key)?;
        alerts_of(&entry.key).remove(state, id.as_bytes())?;
    }
    Ok(affected(id).len(state)? == 0)
}

/// Kind and key of the subject that an entry is; none where it is a sampling.
pub(crate) fn subject_of(key: &[u8]) -> Option<(SubjectKind, &[u8])> {
    let (kind, subject) = key.split_first()?;
    Some((SubjectKind::from_code(*kind)?, subject))
}
