//! Which certificates and declarations cover a unit: those that its events name, those that name its
//! code, and those that belong to its declaration.

use std::collections::BTreeSet;

use proto::trie::Namespace;

use super::{Sign, count};
use crate::codes::Codes;
use crate::execute::uid_key;
use crate::fact::{self, Fact};
use crate::links::Naming;
use crate::matching::settle;
use crate::pages::{Map, Pages};
use crate::risk;
use crate::state::{Overlay, State, StateFault};

/// Entry of a unit's papers: a declaration line.
const DECLARATION: u8 = b'D';

/// Entry of a unit's papers: a certificate that names the unit's code.
const CERTIFICATE: u8 = b'C';

/// Entry of a unit's papers: an event that names certificates for it. A hundred certificates of a
/// thousand boxes are a thousand and a hundred entries, not a hundred thousand.
const EVENT: u8 = b'E';

/// Declaration lines of a unit by its own events, at most `limit` papers looked at.
pub fn declarations(
    state: &dyn State,
    unit: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    of_kind(state, unit, DECLARATION, limit)
}

/// Certificates that cover a unit, by its own papers and by its declarations' certificates, at most
/// `limit` papers of each looked at.
pub fn certificates(
    state: &dyn State,
    codes: &Codes,
    unit: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let mut found = of_kind(state, unit, CERTIFICATE, limit)?;
    for event in of_kind(state, unit, EVENT, limit)? {
        let Some((agency, uid)) = super::lineage::event_of(&event) else { continue };
        let naming = Naming { agency, codes };
        if let Some(fact) = fact::in_force(&naming, state, uid)? {
            found.extend(fact.certificates);
        }
    }
    for declaration in declarations(state, unit, limit)? {
        found.extend(certificates_of_declaration(state, &declaration, limit)?);
    }
    Ok(found)
}

/// Certificates that name a unit's code themselves, at most `limit` papers looked at.
pub(crate) fn own_certificates(
    state: &dyn State,
    unit: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    of_kind(state, unit, CERTIFICATE, limit)
}

/// Keys of the events that name certificates for a unit, at most `limit` papers looked at.
pub(crate) fn naming_events(
    state: &dyn State,
    unit: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    of_kind(state, unit, EVENT, limit)
}

/// Certificates that are registered for a declaration line, at most `limit`.
pub fn certificates_of_declaration(
    state: &dyn State,
    declaration: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let pages = Pages::of(Namespace::Declaration, declaration, Map::Papers);
    Ok(pages.scan(state, None, limit)?.into_iter().map(|found| found.key).collect())
}

/// Units whose events name a declaration line, at most `limit`.
pub fn units_of_declaration(
    state: &dyn State,
    declaration: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let pages = Pages::of(Namespace::Declaration, declaration, Map::Units);
    Ok(pages.scan(state, None, limit)?.into_iter().map(|found| found.key).collect())
}

/// Units that a certificate names itself or that events name with it, at most `limit` of each.
pub fn units_of_certificate(
    state: &dyn State,
    codes: &Codes,
    certificate: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let pages = |map| Pages::of(Namespace::Certificate, certificate, map);
    let mut units: BTreeSet<Vec<u8>> =
        pages(Map::Units).scan(state, None, limit)?.into_iter().map(|found| found.key).collect();
    for event in pages(Map::Events).scan(state, None, limit)? {
        let Some((agency, uid)) = super::lineage::event_of(&event.key) else { continue };
        let naming = Naming { agency, codes };
        if let Some(fact) = fact::in_force(&naming, state, uid)? {
            units.extend(fact.lines().map(|line| line.unit.clone()));
        }
    }
    Ok(units)
}

/// The map that lists the units of an entry of a unit's papers, if there is one.
pub(crate) fn reverse(key: &[u8]) -> Option<Pages> {
    match key.split_first()? {
        (&DECLARATION, number) => Some(Pages::of(Namespace::Declaration, number, Map::Units)),
        (&CERTIFICATE, number) => Some(Pages::of(Namespace::Certificate, number, Map::Units)),
        (_, _) => None,
    }
}

/// The declaration line of an entry of a unit's papers; none where the entry is another paper.
pub(crate) fn declaration_of(entry: &[u8]) -> Option<&[u8]> {
    entry.strip_prefix(&[DECLARATION])
}

/// The papers that a certificate's registration names.
pub(crate) struct Covered<'a> {
    /// The certificate.
    pub(crate) certificate: &'a [u8],
    /// Declaration line that it is for, or empty.
    pub(crate) declaration: &'a [u8],
    /// Units that it names.
    pub(crate) units: &'a [Vec<u8>],
}

/// Adds what a registered certificate covers, or takes it back.
pub(crate) fn cover(
    state: &mut Overlay<'_>,
    covered: &Covered<'_>,
    sign: Sign,
) -> Result<(), StateFault> {
    let Covered { certificate, declaration, units } = *covered;
    let reverse = Pages::of(Namespace::Certificate, certificate, Map::Units);
    for unit in units {
        let key = [&[CERTIFICATE], certificate].concat();
        count(state, &Pages::of(Namespace::Unit, unit, Map::Papers), &key, sign.factor())?;
        count(state, &reverse, unit, sign.factor())?;
    }
    risk::on_papers(state, units, declaration);
    if declaration.is_empty() {
        return Ok(());
    }
    let pages = Pages::of(Namespace::Declaration, declaration, Map::Papers);
    count(state, &pages, certificate, sign.factor())
}

pub(super) fn apply(state: &mut Overlay<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    let event = uid_key(fact.agency, fact.uid);
    let units: BTreeSet<&[u8]> = fact.lines().map(|line| &*line.unit).collect();
    if !fact.declaration.is_empty() {
        let key = [&[DECLARATION], &*fact.declaration].concat();
        let reverse = Pages::of(Namespace::Declaration, &fact.declaration, Map::Units);
        for unit in &units {
            count(state, &Pages::of(Namespace::Unit, unit, Map::Papers), &key, sign.factor())?;
            count(state, &reverse, unit, sign.factor())?;
            settle::touch_unit(state, unit)?;
        }
    }
    if fact.certificates.is_empty() {
        return Ok(());
    }
    let key = [&[EVENT], &*event].concat();
    for unit in &units {
        count(state, &Pages::of(Namespace::Unit, unit, Map::Papers), &key, sign.factor())?;
    }
    let certificates: BTreeSet<&Vec<u8>> = fact.certificates.iter().collect();
    for certificate in certificates {
        let pages = Pages::of(Namespace::Certificate, certificate, Map::Events);
        count(state, &pages, &event, sign.factor())?;
    }
    Ok(())
}

fn of_kind(
    state: &dyn State,
    unit: &[u8],
    kind: u8,
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let found = Pages::of(Namespace::Unit, unit, Map::Papers).scan(state, None, limit)?;
    let split = |key: &[u8]| match key.split_first() {
        Some((first, rest)) if *first == kind => Some(rest.to_vec()),
        Some(_) | None => None,
    };
    Ok(found.iter().filter_map(|found| split(&found.key)).collect())
}
