//! The active code schemes, and the unit key that a code has under them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use proto::AgencyIndex;
use proto::hash::{Hash, Tag};
use proto::trie::Namespace;

use crate::record::codec::Mark;
use crate::record::governance::{ActiveSchemes, SchemeRecord};
use crate::scheme::{Scheme, order, read_code};
use crate::state::{Index, Rows, StateFault};

/// State key, namespace SYS: the active schemes.
pub const SCHEMES_KEY: &[u8] = b"schemes";

/// Beginning of the key of a unit whose code no active scheme reads.
pub const OPAQUE: &str = "OPAQUE:";

/// Sets of schemes that are kept parsed: the one in force, and a few that tests and queries of older
/// heights ask for.
const CACHED_MAX: usize = 8;

/// Parsed schemes by the hash of their list. The list holds a digest of each definition, so what is
/// found here is what parsing would give: the cache saves time and changes nothing.
static PARSED: LazyLock<Mutex<BTreeMap<Hash, Codes>>> = LazyLock::new(Mutex::default);

/// The active code schemes, parsed.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    schemes: Arc<Vec<Scheme>>,
}

impl Codes {
    /// The schemes that are active in `state`.
    pub fn load(state: &Rows<'_>) -> Result<Self, StateFault> {
        let Some(list) = state.get(Namespace::Sys, SCHEMES_KEY)? else {
            return Ok(Self::default());
        };
        let hash = Tag::Value.hash(&list);
        if let Some(codes) = PARSED.lock().unwrap_or_else(PoisonError::into_inner).get(&hash) {
            return Ok(codes.clone());
        }
        let codes = Self::parse(state)?;
        let mut parsed = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
        if parsed.len() >= CACHED_MAX {
            parsed.clear();
        }
        parsed.insert(hash, codes.clone());
        Ok(codes)
    }

    fn parse(state: &Rows<'_>) -> Result<Self, StateFault> {
        let active: ActiveSchemes = state.load(Namespace::Sys, SCHEMES_KEY)?.unwrap_or_default();
        let mut schemes = Vec::new();
        for scheme in &active.schemes {
            let key = scheme_key(&scheme.id, scheme.version);
            let fault = |detail: &str| StateFault::record(Namespace::Scheme, &key, &detail);
            let record: Option<SchemeRecord> = state.load(Namespace::Scheme, &key)?;
            let record = record.ok_or_else(|| fault("an active scheme has no definition"))?;
            let parsed = Scheme::parse(&record.definition);
            schemes.push(parsed.map_err(|error| fault(&error.to_string()))?);
        }
        schemes.sort_by(|a: &Scheme, b: &Scheme| order(a).cmp(&order(b)));
        Ok(Self { schemes: Arc::new(schemes) })
    }

    /// Whether these are the same schemes, parsed once.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.schemes, &other.schemes)
    }

    /// The schemes, in the order in which they are asked.
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }

    /// The unit key of a code that a platform of `agency` wrote.
    pub fn unit(&self, agency: AgencyIndex, text: &str) -> Vec<u8> {
        read_code(text, agency, self.schemes.iter()).into_bytes()
    }

    /// The unit of an active scheme that an OPAQUE unit is; none where no scheme reads its text.
    pub fn recognised(&self, opaque: &[u8]) -> Option<Vec<u8>> {
        let (agency, text) = opaque_parts(opaque)?;
        let unit = self.unit(agency, text);
        (!unit.starts_with(OPAQUE.as_bytes())).then_some(unit)
    }
}

/// State key, namespace SCHEME: the definition of a scheme.
pub fn scheme_key(id: &str, version: u32) -> Vec<u8> {
    format!("{id}:{version}").into_bytes()
}

/// The OPAQUE units, for the job that looks at them again when a scheme becomes active.
pub(crate) const OPAQUE_UNITS: Index<Mark> = Index::new(2);

/// Notes a unit that is seen for the first time.
pub(crate) fn note_unit(state: &mut Rows<'_>, unit: &[u8]) {
    if unit.starts_with(OPAQUE.as_bytes()) {
        OPAQUE_UNITS.put(state, b"", unit, &Mark);
    }
}

fn opaque_parts(unit: &[u8]) -> Option<(AgencyIndex, &str)> {
    let rest = std::str::from_utf8(unit).ok()?.strip_prefix(OPAQUE)?;
    let (agency, text) = rest.split_once(':')?;
    Some((AgencyIndex::new(agency.parse().ok()?), text))
}
