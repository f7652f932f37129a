//! Bounded walks along the lineage of a unit: what it was made of, what was made of it, which codes
//! are the same goods.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proto::receipt::Role;
use proto::schema::OperationKind;

use crate::codes::Codes;
use crate::effect::matches::{GIVES, TAKES, beside};
use crate::fact;
use crate::key::event_of;
use crate::links::Naming;
use crate::record::unit::UnitRow;
use crate::state::{Range, Rows, StateFault};
use crate::trace::lineage::{self, Descent};
use crate::trace::papers;

/// Events and matches of one unit that are followed.
const NEIGHBOURS_MAX: usize = 256;

/// Which way a walk goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Way {
    /// To what the goods were before.
    Back,
    /// To what became of them.
    Forward,
}

/// How two units of one event are related.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kin {
    /// The other is what was divided.
    SplitParent,
    /// The other is an input of a process.
    ProcessParent,
    /// The other is a part.
    Part,
    /// The other is an output of a process.
    Product,
}

/// Which way the other units of an event lie from a unit with this role in it; none for roles without
/// lineage.
pub(crate) const fn way_of(role: Role) -> Option<Way> {
    match role {
        Role::SplitTo | Role::Output => Some(Way::Back),
        Role::SplitFrom | Role::Input => Some(Way::Forward),
        Role::Container
        | Role::Content
        | Role::Same
        | Role::Relabel
        | Role::Carry
        | Role::Void
        | Role::DerivedParent
        | Role::DerivedChild
        | Role::Scope
        | Role::Other => None,
    }
}

/// The other side of an event.
#[derive(Default)]
pub(crate) struct Across {
    /// Its units, and how they are related to this side's.
    pub(crate) units: Vec<(Kin, Vec<u8>)>,
    /// Lines that were read to know them: all of the event's, since each is given its key.
    pub(crate) lines: usize,
}

/// The units at the other side of an event in force; none where it is not in force any more.
pub(crate) fn across(
    state: &Rows<'_>,
    codes: &Codes,
    descent: &Descent,
) -> Result<Across, StateFault> {
    let Some(way) = way_of(descent.role) else { return Ok(Across::default()) };
    let naming = Naming::new(descent.agency, codes);
    let Some(fact) = fact::in_force(&naming, state, descent.uid)? else {
        return Ok(Across::default());
    };
    let is_split = fact.kind == OperationKind::Split;
    let (kin, lines) = match way {
        Way::Forward if is_split => (Kin::Part, fact.made()),
        Way::Forward => (Kin::Product, fact.made()),
        Way::Back if is_split => (Kin::SplitParent, fact.consumed()),
        Way::Back => (Kin::ProcessParent, fact.consumed()),
    };
    let units = lines.iter().map(|line| (kin, line.unit.to_vec())).collect();
    Ok(Across { units, lines: fact.lines().count() })
}

/// Lines of an event that cost as much as looking up a unit's neighbours does: a page holds as many
/// entries.
const LINES_PER_LOOKUP: usize = 32;

/// Matches of a unit that cost as much: each is a record of its own.
const MATCHES_PER_LOOKUP: usize = 8;

/// Units whose neighbours are looked up in a block. A block with more touched goods than that goes on
/// in the next one: no family of goods, however large, keeps a block from ending.
const LOOKUPS_MAX: usize = 16_384;

/// Walks over the state of one block. An event may have a thousand lines and be met at each of them,
/// a unit may be an ancestor of a thousand: what was read once is kept.
pub(crate) struct Walker<'a> {
    codes: &'a Codes,
    events: BTreeMap<Descent, Vec<Vec<u8>>>,
    neighbours: BTreeMap<(Way, Vec<u8>), Vec<Vec<u8>>>,
    certificates: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    lookups: usize,
}

impl<'a> Walker<'a> {
    /// A walker that knows nothing yet.
    pub(crate) const fn new(codes: &'a Codes) -> Self {
        Self {
            codes,
            events: BTreeMap::new(),
            neighbours: BTreeMap::new(),
            certificates: BTreeMap::new(),
            lookups: LOOKUPS_MAX,
        }
    }

    /// Whether the block has looked at as much as it may.
    pub(crate) const fn is_spent(&self) -> bool {
        self.lookups == 0
    }

    /// Notes that `count` more units were looked at.
    pub(crate) const fn spend(&mut self, count: usize) {
        self.lookups = self.lookups.saturating_sub(count);
    }

    /// How much more the block may look at.
    pub(crate) const fn room(&mut self) -> &mut usize {
        &mut self.lookups
    }

    /// The unit and everything that it can be reached from (or that can be reached from it), at most
    /// `limit` units, breadth first. Contents go with their container where the goods move on.
    pub(crate) fn walk(
        &mut self,
        state: &Rows<'_>,
        start: &[u8],
        (way, limit): (Way, usize),
    ) -> Result<BTreeSet<Vec<u8>>, StateFault> {
        let mut seen = BTreeSet::from([start.to_vec()]);
        let mut open = VecDeque::from([start.to_vec()]);
        while let Some(unit) = open.pop_front() {
            for next in self.neighbours(state, &unit, way)? {
                if seen.len() >= limit {
                    return Ok(seen);
                }
                if seen.insert(next.clone()) {
                    open.push_back(next.clone());
                }
            }
        }
        Ok(seen)
    }

    /// Certificates that a unit's own papers and its declarations name, at most `limit` papers of each
    /// looked at.
    pub(crate) fn certificates(
        &mut self,
        state: &Rows<'_>,
        unit: &[u8],
        limit: usize,
    ) -> Result<BTreeSet<Vec<u8>>, StateFault> {
        let mut found = papers::own_certificates(state, unit, limit)?;
        for event in papers::naming_events(state, unit, limit)? {
            if !self.certificates.contains_key(&event) {
                self.spend(1);
                let Some((agency, uid)) = event_of(&event) else { continue };
                let naming = Naming::new(agency, self.codes);
                let named = fact::in_force(&naming, state, uid)?;
                let named = named.map(|fact| fact.certificates).unwrap_or_default();
                let named = named.iter().map(|number| number.to_vec()).collect();
                self.certificates.insert(event.clone(), named);
            }
            found.extend(self.certificates.get(&event).into_iter().flatten().cloned());
        }
        for declaration in papers::declarations(state, unit, limit)? {
            found.extend(papers::certificates_of_declaration(state, &declaration, limit)?);
        }
        Ok(found)
    }

    fn neighbours(
        &mut self,
        state: &Rows<'_>,
        unit: &[u8],
        way: Way,
    ) -> Result<&[Vec<u8>], StateFault> {
        let key = (way, unit.to_vec());
        if !self.neighbours.contains_key(&key) {
            self.spend(1);
            let found = self.look_up(state, unit, way)?;
            self.neighbours.insert(key.clone(), found);
        }
        Ok(self.neighbours.get(&key).map(Vec::as_slice).unwrap_or_default())
    }

    fn look_up(
        &mut self,
        state: &Rows<'_>,
        unit: &[u8],
        way: Way,
    ) -> Result<Vec<Vec<u8>>, StateFault> {
        let mut found = Vec::new();
        for descent in lineage::descents(state, unit, NEIGHBOURS_MAX)? {
            if way_of(descent.role) == Some(way) {
                found.extend_from_slice(self.event(state, descent)?);
            }
        }
        let (side, role) = match way {
            // A container that was shipped moved its contents: back from it are they, forward is it.
            Way::Back => (TAKES, Role::Content),
            Way::Forward => (GIVES, Role::Container),
        };
        let matched = beside(state, unit, side, NEIGHBOURS_MAX)?;
        self.spend(matched.len() / MATCHES_PER_LOOKUP);
        found.extend(matched);
        let range = Range { prefix: &[role.code()], after: None };
        let packed = state.scan_below(UnitRow::CONTAINMENT, unit, range, NEIGHBOURS_MAX)?;
        found.extend(packed.iter().filter_map(|(key, _)| Some(key.split_first()?.1.to_vec())));
        Ok(found)
    }

    fn event(&mut self, state: &Rows<'_>, descent: Descent) -> Result<&[Vec<u8>], StateFault> {
        if !self.events.contains_key(&descent) {
            let found = across(state, self.codes, &descent)?;
            self.spend(1 + found.lines / LINES_PER_LOOKUP);
            self.events.insert(descent, found.units.into_iter().map(|(_, unit)| unit).collect());
        }
        Ok(self.events.get(&descent).map(Vec::as_slice).unwrap_or_default())
    }
}
