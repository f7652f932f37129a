//! R24: a test found what must not be there. The alert is raised in the receipt of the result; the
//! search for everything that it concerns runs at the end of the same block and, where it is large,
//! of the next ones. Later events join what they touch to it; a corrected result withdraws it.
//!
//! The search is a closure: its result is a function of the events, not of their order.

mod search;

use std::collections::{BTreeMap, BTreeSet};

use proto::limits::LINKS_MAX;
use proto::receipt::{Role, SubjectKind};
use proto::schema::OperationKind;
use proto::schema::event::TestOutcome;

use super::alert::{self, AlertRecord, AlertStep, AlertSubject, Input, Level, Rule, Transition};
use super::{VERSION, parameter};
use crate::codes::Codes;
use crate::context::{BlockContext, Raised, Step};
use crate::effect::Sign;
use crate::fact::Fact;
use crate::key::uid_key;
use crate::links::unit_link;
use crate::record::codec::{Byte, In, Mark, Out, Unreadable, Value};
use crate::record::step::{StepKind, StepRecord};
use crate::state::{Index, Rows, StateFault};
use crate::step;
use crate::trace::papers::{SAMPLING, sample_of, sampling_entry};
use crate::trace::unit;

use search::{Cursor, Search};

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
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Affected {
    /// What it is to the goods.
    pub relation: Relation,
    /// Ways on which the search goes on from it.
    pub ways: u32,
}

impl Value for Affected {
    fn is_nothing(&self) -> bool {
        false
    }

    fn write(&self, out: &mut Out) {
        out.byte(u8::try_from(i32::from(self.relation)).expect("relations are below 256"));
        out.number(self.ways.into());
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let relation = Relation::try_from(i32::from(input.byte()?));
        let relation = relation.map_err(|_| Unreadable("a unit has no such relation"))?;
        Ok(Self { relation, ways: input.small()? })
    }
}

/// Everything that an alert concerns, by its identifier: kind byte and subject, or `S` and agency u16
/// and document of a sampling.
const AFFECTED: Index<Affected> = Index::new(15);

/// What the search of an alert has still to visit, and where it stands there.
const OPEN: Index<Cursor> = Index::new(16);

/// Alerts of this rule whose cause stands.
const STANDING: Index<Mark> = Index::new(17);

/// Searches that go on; the value says whether one first has to forget what it found.
const SEARCHES: Index<Byte> = Index::new(18);

/// The entry of a subject.
fn entry_of(kind: SubjectKind, subject: &[u8]) -> Vec<u8> {
    [&[kind.code()], subject].concat()
}

/// A running search that begins, or goes on.
const GO_ON: Byte = Byte(1);

/// A running search that first has to forget what it found.
const FORGET: Byte = Byte(2);

/// A test result came into force, was changed or taken back.
pub(super) fn on_result(
    context: &BlockContext,
    state: &mut Rows<'_>,
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
            SEARCHES.remove(state, b"", id.as_bytes())?;
            STANDING.remove(state, b"", id.as_bytes())?;
            let held = AlertRecord { is_searching: false, ..held };
            alert::inline(context, state, (&id, held), Transition::Withdrawn)
        }
        (None, _) => Ok(Raised::default()),
        (Some(found), held) => {
            let (was_known, before) = (held.is_some(), held.clone().map(|held| held.level));
            let held = AlertRecord { cause, ..held.unwrap_or_default() };
            let mut alert = described(state, found, held)?;
            let start = if was_known { FORGET } else { GO_ON };
            SEARCHES.put(state, b"", id.as_bytes(), &start);
            STANDING.put(state, b"", id.as_bytes(), &Mark);
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

fn described(state: &Rows<'_>, found: &Fact, held: AlertRecord) -> Result<AlertRecord, StateFault> {
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
    for (kind, key) in [
        (SubjectKind::Declaration, found.declaration.as_bytes()),
        (SubjectKind::Station, found.station.as_bytes()),
    ] {
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
        Input::new("report", text_of(&found.document)),
        Input::new("sample", text_of(&found.sample)),
        Input::new("occurred_ms", found.occurred_ms.to_string()),
    ];
    Ok(alert)
}

/// Agencies that are told before anything is found: whose platform recorded the result, and where.
fn told_first(state: &Rows<'_>, alert: &AlertRecord) -> Result<Vec<u32>, StateFault> {
    let recorded = alert.cause.first_chunk::<2>().map(|index| u16::from_be_bytes(*index));
    let mut told: BTreeSet<u32> = recorded.map(u32::from).into_iter().collect();
    let station = u32::from(SubjectKind::Station.code());
    for subject in alert.subjects.iter().filter(|subject| subject.kind == station) {
        told.extend(parameter::agency_of_station(state, &subject.key)?);
    }
    Ok(told.into_iter().collect())
}

/// The units and declarations that a search begins at; how many units.
fn seed(state: &mut Rows<'_>, id: &str, alert: &AlertRecord) -> Result<u64, StateFault> {
    let tested = Affected { relation: Relation::Tested, ways: BACK | FORWARD | OUTWARD };
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
fn join(state: &mut Rows<'_>, id: &str, entry: &[u8], found: Affected) -> Result<bool, StateFault> {
    let held = AFFECTED.get(state, id.as_bytes(), entry)?;
    let before = held.unwrap_or_default();
    let now =
        Affected { relation: before.relation.max(found.relation), ways: before.ways | found.ways };
    if held == Some(now) {
        return Ok(false);
    }
    AFFECTED.put(state, id.as_bytes(), entry, &now);
    if held.is_none() {
        alert::set_of_entry(state, entry, id, Some(Mark))?;
    }
    OPEN.put(state, id.as_bytes(), entry, &Cursor::default());
    Ok(held.is_none())
}

fn text_of(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

/// Whether no alert of this rule stands: of nearly every block that is all there is to know.
pub(super) fn is_quiet(state: &Rows<'_>) -> Result<bool, StateFault> {
    Ok(!STANDING.is_used(state, b"")?)
}

/// An event came into force or was taken back that may change what active alerts concern.
pub(super) fn touch(state: &mut Rows<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    if is_quiet(state)? {
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
    let units: BTreeSet<&[u8]> = fact.lines().map(|line| line.unit.as_bytes()).collect();
    for unit in units {
        revisit(state, &entry_of(SubjectKind::Unit, unit), sign, &mut known)?;
    }
    Ok(())
}

/// Two codes turned out to be the same goods, or not to be.
pub(super) fn touch_match(
    state: &mut Rows<'_>,
    (from, to): (&[u8], &[u8]),
    sign: Sign,
) -> Result<(), StateFault> {
    if is_quiet(state)? {
        return Ok(());
    }
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
    state: &mut Rows<'_>,
    entry: &[u8],
    sign: Sign,
    known: &mut Known,
) -> Result<(), StateFault> {
    for id in alert::of_entry(state, entry, ALERTS_MAX)? {
        let stands = match known.get(&id) {
            Some(stands) => *stands,
            None => begin(state, &id, sign)?,
        };
        if stands && sign == Sign::Add {
            OPEN.put(state, &id, entry, &Cursor::default());
        }
        known.insert(id, stands);
    }
    Ok(())
}

/// Begins the search of an alert, or begins it anew; whether it is one of this rule that stands.
fn begin(state: &mut Rows<'_>, id: &[u8], sign: Sign) -> Result<bool, StateFault> {
    // The list says what the record says, and is read without the record's subjects.
    if STANDING.get(state, b"", id)?.is_none() {
        return Ok(false);
    }
    match sign {
        Sign::Add if SEARCHES.get(state, b"", id)?.is_some() => (), // it runs, or begins anew
        Sign::Add => SEARCHES.put(state, b"", id, &GO_ON),
        Sign::TakeBack => SEARCHES.put(state, b"", id, &FORGET),
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
    state: &mut Rows<'_>,
) -> Result<Raised, StateFault> {
    let mut raised = Raised::default();
    let mut budget = Budget { entries: ENTRIES_MAX, units: UNITS_MAX };
    if !SEARCHES.is_used(state, b"")? {
        return Ok(raised);
    }
    for (key, value) in SEARCHES.scan(state, b"", None, UNITS_MAX)? {
        if budget.is_spent() {
            break;
        }
        let Ok(id) = std::str::from_utf8(&key) else { continue };
        let is_over = search(context, codes, state, (id, value), &mut budget, &mut raised)?;
        if is_over {
            SEARCHES.remove(state, b"", &key)?;
        }
    }
    Ok(raised)
}

/// Goes on with one search; whether it is over.
#[expect(clippy::too_many_arguments, reason = "the search, its budget and what it found")]
fn search(
    context: &BlockContext,
    codes: &Codes,
    state: &mut Rows<'_>,
    (id, value): (&str, Byte),
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
        SEARCHES.put(state, b"", id.as_bytes(), &GO_ON);
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
fn found_steps(context: &BlockContext, (id, units): (&str, u64), joined: &[Vec<u8>]) -> Vec<Step> {
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
fn forget(state: &mut Rows<'_>, id: &str, budget: &mut Budget) -> Result<bool, StateFault> {
    let alert = id.as_bytes();
    let found = AFFECTED.scan(state, alert, None, budget.entries)?;
    budget.entries = budget.entries.saturating_sub(found.len());
    for (entry, _) in found {
        AFFECTED.remove(state, alert, &entry)?;
        OPEN.remove(state, alert, &entry)?;
        alert::set_of_entry(state, &entry, id, None)?;
    }
    AFFECTED.is_empty(state, alert)
}

/// Whether a search waits for the next block.
pub(super) fn is_searching(state: &Rows<'_>) -> Result<bool, StateFault> {
    Ok(!SEARCHES.is_empty(state, b"")?)
}

/// What an alert concerns, at most `limit` entries whose keys come after `after`.
pub(crate) fn affected(
    state: &Rows<'_>,
    id: &str,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<(Vec<u8>, Affected)>, StateFault> {
    AFFECTED.scan(state, id.as_bytes(), after, limit)
}

/// Kind and key of the subject that an entry is; none where it is a sampling.
pub(crate) fn subject_of(key: &[u8]) -> Option<(SubjectKind, &[u8])> {
    let (kind, subject) = key.split_first()?;
    Some((SubjectKind::from_code(*kind)?, subject))
}
