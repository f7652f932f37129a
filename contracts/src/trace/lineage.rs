//! Where a unit comes from and what became of it: dividing and processing by the events that did it,
//! containment by counts of packing and unpacking.
//!
//! A process of a hundred inputs and a hundred outputs is one event that two hundred units point to,
//! not ten thousand edges.

use proto::AgencyIndex;
use proto::codec::Reader;
use proto::operation::OpUid;
use proto::receipt::Role;
use proto::schema::OperationKind;
use proto::trie::Namespace;

use super::{Sign, count, update};
use crate::execute::uid_key;
use crate::fact::{Fact, Line};
use crate::pages::{Map, Pages};
use crate::record::unit::Packing;
use crate::state::{Overlay, State, StateFault};

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
pub fn descents(state: &dyn State, unit: &[u8], limit: usize) -> Result<Vec<Descent>, StateFault> {
    let found = Pages::of(Namespace::Unit, unit, Map::Lineage).scan(state, None, limit)?;
    let mut descents: Vec<Descent> =
        found.iter().filter_map(|found| descent_of(&found.key)).collect();
    descents.sort();
    Ok(descents)
}

/// Containers and contents of the unit, at most `limit`, ascending.
pub fn containments(
    state: &dyn State,
    unit: &[u8],
    limit: usize,
) -> Result<Vec<Containment>, StateFault> {
    let mut containments = Vec::new();
    for found in Pages::of(Namespace::Unit, unit, Map::Containers).scan(state, None, limit)? {
        let packing: Packing = super::value_of(&found.key, &found.value)?;
        if let Some((role, other)) = containment_of(&found.key) {
            let is_current = packing.is_inside();
            containments.push(Containment { role, other: other.to_vec(), is_current });
        }
    }
    containments.sort();
    Ok(containments)
}

pub(super) fn apply(state: &mut Overlay<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    let is_split = fact.kind == OperationKind::Split;
    let (from, to) =
        if is_split { (Role::SplitFrom, Role::SplitTo) } else { (Role::Input, Role::Output) };
    for (role, lines) in [(from, fact.consumed()), (to, fact.made())] {
        for line in lines {
            let pages = Pages::of(Namespace::Unit, &line.unit, Map::Lineage);
            let key = [&[role.code()], &*uid_key(fact.agency, fact.uid)].concat();
            count(state, &pages, &key, sign.factor())?;
        }
    }
    let Some(container) = &fact.container else { return Ok(()) };
    let packs = matches!(fact.kind, OperationKind::Pack | OperationKind::Observation);
    let unpacks = fact.kind == OperationKind::Unpack;
    // The container of any other event is where the goods stand, not what happens to them.
    let delta = Packing {
        packed: if packs { sign.factor() } else { 0 },
        unpacked: if unpacks { sign.factor() } else { 0 },
    };
    if !packs && !unpacks {
        return Ok(());
    }
    for line in fact.packed() {
        contain(state, &container.unit, line, delta)?;
    }
    Ok(())
}

fn contain(
    state: &mut Overlay<'_>,
    container: &[u8],
    content: &Line,
    delta: Packing,
) -> Result<(), StateFault> {
    let content = &content.unit;
    for (unit, role, other) in
        [(container, Role::Content, &**content), (&**content, Role::Container, container)]
    {
        add_packing(state, unit, &containment_key(role, other), delta)?;
    }
    Ok(())
}

pub(crate) fn add_packing(
    state: &mut Overlay<'_>,
    unit: &[u8],
    key: &[u8],
    delta: Packing,
) -> Result<(), StateFault> {
    let pages = Pages::of(Namespace::Unit, unit, Map::Containers);
    update(state, &pages, key, |packing: &mut Packing| {
        packing.packed = packing.packed.wrapping_add(delta.packed);
        packing.unpacked = packing.unpacked.wrapping_add(delta.unpacked);
    })
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

/// Agency and identity in the key of an event.
pub(crate) fn event_of(key: &[u8]) -> Option<(AgencyIndex, OpUid)> {
    let mut input = Reader::new(key);
    let agency = AgencyIndex::new(input.u16("agency").ok()?);
    let uid = OpUid(input.array("op_uid").ok()?);
    input.finish().ok()?;
    Some((agency, uid))
}
