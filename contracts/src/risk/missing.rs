//! R01: imported goods that went on (shipped, sold, used) although a certificate that their period
//! demands is not there. One alert for each imported lot, at its first coding: whatever became of it
//! is reached from there.

mod way;

use std::collections::{BTreeMap, BTreeSet};

use proto::receipt::SubjectKind;
use proto::schema::registry::{Certificate, CertificateType};

use super::alert::{self, AlertRecord, AlertSubject, Input, Level, Rule, Transition};
use super::same::Same;
use super::{VERSION, parameter};
use crate::codes::Codes;
use crate::context::{BlockContext, Raised};
use crate::effect::{DECLARATION, PAPERS, WAY, touch};
use crate::goods::{Walker, Way};
use crate::matching;
use crate::record::registry::CertificateRecord;
use crate::record::unit::{UnitRow, day_begins_ms};
use crate::registry;
use crate::state::{Queue, Rows, StateFault};
use crate::trace::papers::DECLARATION_UNITS;
use crate::trace::unit;

/// Units of a walk to the origin of a unit.
const BACK_MAX: usize = 256;

/// Units of a walk to what became of a lot; of a lot of more boxes it is kept which of them moved.
const FORWARD_MAX: usize = 256;

/// Papers of one unit that are looked at.
const PAPERS_MAX: usize = 256;

/// Units that are looked at in a block; the rest waits for the next one.
const UNITS_MAX: usize = 2_048;

/// Takes the units that are to be looked at in this block out of the queue, with the strongest entry
/// of each.
fn take(state: &mut Rows<'_>) -> Result<BTreeMap<Vec<u8>, u8>, StateFault> {
    let mut units: BTreeMap<Vec<u8>, u8> = BTreeMap::new();
    for found in Queue::PAPERS.scan(state, UNITS_MAX)? {
        let room = UNITS_MAX.saturating_sub(units.len());
        if room == 0 {
            break;
        }
        match found.key.split_first() {
            Some((&DECLARATION, declaration)) => {
                let after = Some(&*found.value).filter(|after| !after.is_empty());
                let named = DECLARATION_UNITS.scan(state, declaration, after, room)?;
                let last = named.last().filter(|_| named.len() == room);
                let cursor = last.map(|(unit, _)| unit.clone());
                Queue::PAPERS.set(state, &found.key, cursor)?;
                units.extend(named.into_iter().map(|(unit, _)| (unit, PAPERS)));
            }
            Some((&kind, unit)) => {
                if units.get(unit) != Some(&PAPERS) {
                    units.insert(unit.to_vec(), kind);
                }
                Queue::PAPERS.remove(state, &found.key)?;
            }
            None => Queue::PAPERS.remove(state, &found.key)?,
        }
    }
    Ok(units)
}

/// Looks at the units that were touched.
pub(super) fn run(
    context: &BlockContext,
    codes: &Codes,
    state: &mut Rows<'_>,
) -> Result<Raised, StateFault> {
    let mut walker = Walker::new(codes);
    let mut same = Same::default();
    let mut reached: BTreeSet<Vec<u8>> = BTreeSet::new();
    for (touched, kind) in take(state)? {
        if walker.is_spent() {
            Queue::PAPERS.put(state, &[&[kind], &*touched].concat(), Vec::new());
            continue;
        }
        let unit = unit::resolved(state, &touched)?;
        let ancestors = walker.walk(state, &unit, (Way::Back, BACK_MAX))?;
        way::keep(&mut walker, state, &unit, &ancestors)?;
        reached.extend(ancestors);
        if kind == PAPERS {
            let number = same.class(state, &unit, walker.room())?;
            reached.extend(same.units(number).cloned());
            reached.extend(walker.walk(state, &unit, (Way::Forward, FORWARD_MAX))?);
        }
        // What an alert was raised for may not be imported any more.
        reached.insert(touched);
    }
    let mut origins: BTreeSet<Vec<u8>> = BTreeSet::new();
    for unit in reached {
        let row = state.row::<UnitRow>(&unit)?;
        let is_told = has_alert(&row);
        if row.is_imported() || is_told {
            origins.insert(unit);
        }
    }
    let mut raised = Raised::default();
    for origin in origins {
        if walker.is_spent() {
            touch(state, Queue::PAPERS, WAY, &origin);
            continue;
        }
        raised.extend(judge(context, &mut walker, state, &origin)?);
    }
    Ok(raised)
}

/// Whether an alert may have been raised of the unit as an origin. A list that has become long is not
/// read: the alert itself is.
fn has_alert(row: &UnitRow) -> bool {
    row.alerts.is_spilled() || row.alerts.inline().iter().any(|(id, _)| id.starts_with(b"R01-"))
}

fn known(state: &Rows<'_>, origin: &[u8]) -> Result<(String, Option<AlertRecord>), StateFault> {
    let id = alert::id_of(state, Rule::MissingCertificate, origin)?;
    let found = alert::of(state, &id)?;
    Ok((id, found))
}

/// Raises, changes or closes the alert of one lot.
fn judge(
    context: &BlockContext,
    walker: &mut Walker<'_>,
    state: &mut Rows<'_>,
    origin: &[u8],
) -> Result<Raised, StateFault> {
    let (id, held) = known(state, origin)?;
    let is_active = held.as_ref().is_some_and(|held| held.state().is_active());
    let Some(found) = finding(walker, state, origin)? else {
        return match held {
            Some(held) if is_active => alert::step(context, state, (&id, held), Transition::Closed),
            Some(_) | None => Ok(Raised::default()),
        };
    };
    let mut now =
        AlertRecord { version: VERSION, cause: origin.to_vec(), ..held.unwrap_or_default() };
    now.set_rule(Rule::MissingCertificate);
    now.set_level(if found.is_consumed { Level::Red } else { Level::Orange });
    now.parameters_height = found.parameters_height;
    now.subjects = vec![AlertSubject::new(SubjectKind::Unit, origin)];
    now.addressees = found.addressees.into_iter().collect();
    now.inputs = vec![
        Input::new("missing", found.missing),
        Input::new("required", found.required),
        Input::new("certificates", found.certificates.to_string()),
        Input::new("coded_ms", found.coded_ms.to_string()),
    ];
    if is_active {
        alert::store(state, &id, &now)?;
        return Ok(Raised::default());
    }
    alert::step(context, state, (&id, now), Transition::Raised)
}

/// What is missing, and what the rule reckoned with.
struct Finding {
    missing: String,
    required: String,
    certificates: usize,
    coded_ms: u64,
    is_consumed: bool,
    addressees: BTreeSet<u32>,
    parameters_height: u64,
}

/// What is missing at a lot; `None` where nothing is, where it has not moved, or where it is no origin.
fn finding(
    walker: &mut Walker<'_>,
    state: &Rows<'_>,
    origin: &[u8],
) -> Result<Option<Finding>, StateFault> {
    let Some(record) = unit::of(state, origin)? else { return Ok(None) };
    if !record.is_imported() {
        return Ok(None);
    }
    // Papers first: where they are in order, and mostly they are, nothing needs to be walked.
    let coded_day = record.coded_day();
    let coded_ms = day_begins_ms(coded_day);
    let (required, parameters_height) = required(state, coded_ms)?;
    let (present, certificates) = present(walker, state, (origin, coded_day))?;
    let missing: Vec<CertificateType> =
        required.iter().copied().filter(|kind| !present.contains(kind)).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let ancestors = walker.walk(state, origin, (Way::Back, BACK_MAX))?;
    for ancestor in ancestors.iter().filter(|ancestor| **ancestor != origin) {
        if unit::of(state, ancestor)?.is_some_and(|record| record.is_imported()) {
            return Ok(None);
        }
    }
    let Some(way) = way::moved(walker, state, origin)? else { return Ok(None) };
    Ok(Some(Finding {
        missing: names(&missing),
        required: names(&required),
        certificates,
        coded_ms,
        is_consumed: way.is_consumed,
        addressees: way.addressees,
        parameters_height,
    }))
}

/// Types that the period demands, with the height of the newest parameter.
fn required(state: &Rows<'_>, coded_ms: u64) -> Result<(Vec<CertificateType>, u64), StateFault> {
    let (change, first) = parameter::value(state, parameter::REQUIRED_CHANGE_MS, None)?;
    let period = if coded_ms < change {
        parameter::REQUIRED_BEFORE_BITS
    } else {
        parameter::REQUIRED_AFTER_BITS
    };
    let (bits, second) = parameter::value(state, period, None)?;
    let kinds = (1..=5u8).filter(|kind| bits >> kind & 1 == 1);
    let kinds = kinds.filter_map(|kind| CertificateType::try_from(i32::from(kind)).ok());
    Ok((kinds.collect(), first.max(second)))
}

/// Types that are there for a lot and were valid on the day of its coding, by its own papers and
/// those of codes of the same goods.
fn present(
    walker: &mut Walker<'_>,
    state: &Rows<'_>,
    (origin, coded_day): (&[u8], u32),
) -> Result<(BTreeSet<CertificateType>, usize), StateFault> {
    let units = matching::class::of(state, origin)?.units;
    walker.spend(units.len());
    let mut numbers = BTreeSet::new();
    for unit in units {
        numbers.extend(walker.certificates(state, &unit, PAPERS_MAX)?);
    }
    let mut kinds = BTreeSet::new();
    for number in &numbers {
        let registered = registry::certificate(state, number)?;
        let entries = registered.iter().flat_map(CertificateRecord::entries);
        let valid = entries.filter(|entry| is_valid(entry, coded_day));
        kinds.extend(valid.map(Certificate::certificate_type));
    }
    Ok((kinds, numbers.len()))
}

/// Whether a certificate was still valid on a day; one that states no last day is.
const fn is_valid(certificate: &Certificate, day: u32) -> bool {
    certificate.valid_to_day == 0 || certificate.valid_to_day >= day
}

fn names(kinds: &[CertificateType]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind_name(*kind)).collect();
    names.join(",")
}

/// Name of a type of certificate in files and answers.
pub const fn kind_name(kind: CertificateType) -> &'static str {
    match kind {
        CertificateType::Unspecified => "unspecified",
        CertificateType::EntryInspection => "entry_inspection",
        CertificateType::NucleicAcid => "nucleic_acid",
        CertificateType::Disinfection => "disinfection",
        CertificateType::WarehouseExit => "warehouse_exit",
        CertificateType::Quality => "quality",
    }
}
