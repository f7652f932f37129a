//! Papers of units: what an event cites, and what a registered certificate covers.

use std::collections::BTreeSet;

use super::{DECLARATION, PAPERS, Sign, touch};
use crate::fact::Fact;
use crate::key::{UnitKey, uid_key};
use crate::record::codec::Count;
use crate::record::unit::UnitRow;
use crate::state::{Queue, Rows, StateFault};
use crate::trace::papers::{
    CERTIFICATE_EVENTS, CERTIFICATE_UNITS, DECLARATION_CERTIFICATES, DECLARATION_UNITS, Paper,
};

use super::matches::touch_class;

/// The papers that a certificate's registration names.
pub(crate) struct Covered<'a> {
    /// The certificate.
    pub(crate) certificate: &'a [u8],
    /// Declaration line that it is for, or empty.
    pub(crate) declaration: &'a [u8],
    /// Units that it names.
    pub(crate) units: &'a [UnitKey],
}

/// Adds what a registered certificate covers, or takes it back.
pub(crate) fn cover(
    state: &mut Rows<'_>,
    covered: &Covered<'_>,
    sign: Sign,
) -> Result<(), StateFault> {
    let Covered { certificate, declaration, units } = *covered;
    let add = |count: &mut Count| count.add(sign.factor());
    for unit in units {
        state.update(UnitRow::PAPERS, unit, &Paper::Certificate.key(certificate), add)?;
        CERTIFICATE_UNITS.update(state, certificate, unit, add)?;
        touch(state, Queue::PAPERS, PAPERS, unit);
    }
    if declaration.is_empty() {
        return Ok(());
    }
    touch(state, Queue::PAPERS, DECLARATION, declaration);
    DECLARATION_CERTIFICATES.update(state, declaration, certificate, add)
}

/// Adds the papers that an event cites for each unit that it names, or takes them back.
pub(super) fn cite(state: &mut Rows<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    if fact.declaration.is_empty() && fact.certificates.is_empty() {
        return Ok(());
    }
    let event = uid_key(fact.agency, fact.uid);
    let units: BTreeSet<&UnitKey> = fact.lines().map(|line| &line.unit).collect();
    let add = |count: &mut Count| count.add(sign.factor());
    if !fact.declaration.is_empty() {
        let key = Paper::Declaration.key(&fact.declaration);
        for unit in &units {
            state.update(UnitRow::PAPERS, unit, &key, add)?;
            DECLARATION_UNITS.update(state, &fact.declaration, unit, add)?;
            touch_class(state, unit)?;
        }
    }
    if fact.certificates.is_empty() {
        return Ok(());
    }
    let key = Paper::Event.key(&event);
    for unit in &units {
        state.update(UnitRow::PAPERS, unit, &key, add)?;
    }
    for certificate in fact.certificates.iter().collect::<BTreeSet<_>>() {
        CERTIFICATE_EVENTS.update(state, certificate, &event, add)?;
    }
    Ok(())
}
