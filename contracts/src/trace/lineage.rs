//! Where a unit comes from and what became of it: dividing and processing by the events that did it,
//! containment by counts of packing and unpacking.
//!
//! A process of a hundred inputs and a hundred outputs is one event that two hundred units point to,
//! not ten thousand edges.

use proto::AgencyIndex;
use proto::operation::OpUid;
use proto::receipt::Role;

use crate::key::event_of;
use crate::record::unit::UnitRow;
use crate::state::{Rows, StateFault};

/// An event that made or consumed a unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Descent {
    /// What the unit is in it: INPUT, OUTPUT, `SPLIT_FROM`, `SPLIT_TO`.
    pub role: Role,
    /// Agency that recorded it.
    pub agency: AgencyIndex,
    /// Its identity.
    pub uid: OpUid,
}

/// A unit in a container, or a container of a unit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Containment {
    /// What the other one is: CONTAINER or CONTENT.
    pub role: Role,
    /// The other one.
    pub other: Vec<u8>,
    /// Whether it is so now; otherwise it was.
    pub is_current: bool,
}

/// Events that made or consumed the unit, at most `limit`, ascending.
pub fn descents(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Vec<Descent>, StateFault> {
    let found = state.scan(UnitRow::LINEAGE, unit, None, limit)?;
    Ok(found.iter().filter_map(|(key, _)| descent_of(key)).collect())
}

/// Containers and contents of the unit, at most `limit`, ascending.
pub fn containments(
    state: &Rows<'_>,
    unit: &[u8],
    limit: usize,
) -> Result<Vec<Containment>, StateFault> {
    let mut containments = Vec::new();
    for (key, packing) in state.scan(UnitRow::CONTAINMENT, unit, None, limit)? {
        if let Some((role, other)) = containment_of(&key) {
            let is_current = packing.is_inside();
            containments.push(Containment { role, other: other.to_vec(), is_current });
        }
    }
    Ok(containments)
}

pub(crate) fn containment_key(role: Role, other: &[u8]) -> Vec<u8> {
    [&[role.code()], other].concat()
}

pub(crate) fn containment_of(key: &[u8]) -> Option<(Role, &[u8])> {
    let (role, other) = key.split_first()?;
    Some((Role::from_code(*role)?, other))
}

fn descent_of(key: &[u8]) -> Option<Descent> {
    let (role, rest) = key.split_first()?;
    let (agency, uid) = event_of(rest)?;
    Some(Descent { role: Role::from_code(*role)?, agency, uid })
}
