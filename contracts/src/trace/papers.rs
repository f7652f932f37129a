//! Which certificates and declarations cover a unit: those that its events name, those that name its
//! code, and those that belong to its declaration.

use std::collections::BTreeSet;

use proto::AgencyIndex;

use crate::codes::Codes;
use crate::fact;
use crate::key::event_of;
use crate::links::Naming;
use crate::record::codec::Count;
use crate::record::unit::UnitRow;
use crate::state::{Index, Range, Rows, StateFault};

/// Certificates that are registered for a declaration line.
pub(crate) const DECLARATION_CERTIFICATES: Index<Count> = Index::new(4);

/// Units whose events name a declaration line.
pub(crate) const DECLARATION_UNITS: Index<Count> = Index::new(5);

/// Units that a certificate names.
pub(crate) const CERTIFICATE_UNITS: Index<Count> = Index::new(6);

/// Events that name a certificate.
pub(crate) const CERTIFICATE_EVENTS: Index<Count> = Index::new(7);

/// Events that sample under a document of an agency.
pub(crate) const SAMPLINGS: Index<Count> = Index::new(8);

/// First byte of an entry that is a sampling and no subject: agency u16 and document follow.
pub(crate) const SAMPLING: u8 = b'S';

/// The entry of what an agency sampled under a document.
pub(crate) fn sampling_entry(sample: &[u8]) -> Vec<u8> {
    [&[SAMPLING], sample].concat()
}

/// Agency and document of a sampling.
pub(crate) fn sample_of(agency: AgencyIndex, document: &[u8]) -> Vec<u8> {
    [&agency.value().to_be_bytes(), document].concat()
}

/// A kind of paper in a unit's list of papers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Paper {
    /// A declaration line.
    Declaration,
    /// A certificate that names the unit's code.
    Certificate,
    /// An event that names certificates for the unit. A hundred certificates of a thousand boxes are a
    /// thousand and a hundred entries, not a hundred thousand.
    Event,
}

impl Paper {
    const fn code(self) -> u8 {
        match self {
            Self::Declaration => b'D',
            Self::Certificate => b'C',
            Self::Event => b'E',
        }
    }

    /// The key of a paper in a unit's list.
    pub(crate) fn key(self, paper: &[u8]) -> Vec<u8> {
        [&[self.code()], paper].concat()
    }

    /// The paper of this kind that a key in a unit's list is.
    pub(crate) fn of(self, key: &[u8]) -> Option<&[u8]> {
        key.strip_prefix(&[self.code()])
    }
}

/// Declaration lines of a unit by its own events, at most `limit` papers looked at.
pub fn declarations(
    state: &Rows<'_>,
    unit: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    of_kind(state, unit, Paper::Declaration, limit)
}

/// Certificates that cover a unit, by its own papers and by its declarations' certificates, at most
/// `limit` papers of each looked at.
pub fn certificates(
    state: &Rows<'_>,
    codes: &Codes,
    unit: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let mut found = of_kind(state, unit, Paper::Certificate, limit)?;
    for event in of_kind(state, unit, Paper::Event, limit)? {
        let Some((agency, uid)) = event_of(&event) else { continue };
        let naming = Naming::new(agency, codes);
        if let Some(fact) = fact::in_force(&naming, state, uid)? {
            found.extend(fact.certificates.iter().map(|number| number.to_vec()));
        }
    }
    for declaration in declarations(state, unit, limit)? {
        found.extend(certificates_of_declaration(state, &declaration, limit)?);
    }
    Ok(found)
}

/// Certificates that name a unit's code themselves, at most `limit` papers looked at.
pub(crate) fn own_certificates(
    state: &Rows<'_>,
    unit: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    of_kind(state, unit, Paper::Certificate, limit)
}

/// Keys of the events that name certificates for a unit, at most `limit` papers looked at.
pub(crate) fn naming_events(
    state: &Rows<'_>,
    unit: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    of_kind(state, unit, Paper::Event, limit)
}

/// Certificates that are registered for a declaration line, at most `limit`.
pub fn certificates_of_declaration(
    state: &Rows<'_>,
    declaration: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    keys(DECLARATION_CERTIFICATES, state, declaration, limit)
}

/// Units whose events name a declaration line, at most `limit`.
pub fn units_of_declaration(
    state: &Rows<'_>,
    declaration: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    keys(DECLARATION_UNITS, state, declaration, limit)
}

/// Units that a certificate names itself or that events name with it, at most `limit` of each.
pub fn units_of_certificate(
    state: &Rows<'_>,
    codes: &Codes,
    certificate: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let mut units = keys(CERTIFICATE_UNITS, state, certificate, limit)?;
    for event in keys(CERTIFICATE_EVENTS, state, certificate, limit)? {
        let Some((agency, uid)) = event_of(&event) else { continue };
        let naming = Naming::new(agency, codes);
        if let Some(fact) = fact::in_force(&naming, state, uid)? {
            units.extend(fact.lines().map(|line| line.unit.to_vec()));
        }
    }
    Ok(units)
}

fn keys(
    index: Index<Count>,
    state: &Rows<'_>,
    owner: &[u8],
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    Ok(index.scan(state, owner, None, limit)?.into_iter().map(|(key, _)| key).collect())
}

fn of_kind(
    state: &Rows<'_>,
    unit: &[u8],
    kind: Paper,
    limit: usize,
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let range = Range { prefix: &[kind.code()], after: None };
    let found = state.scan_below(UnitRow::PAPERS, unit, range, limit)?;
    Ok(found.iter().filter_map(|(key, _)| kind.of(key)).map(<[u8]>::to_vec).collect())
}
