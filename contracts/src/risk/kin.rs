//! Bounded walks along the lineage of a unit: what it was made of, what was made of it, which codes
//! are the same goods.

use std::collections::BTreeSet;

use proto::receipt::Role;

use crate::codes::Codes;
use crate::fact;
use crate::links::Naming;
use crate::matching;
use crate::record::matching::MatchStatus;
use crate::state::{State, StateFault};
use crate::trace::lineage::{self, Descent};

/// Events and matches of one unit that are followed.
const NEIGHBOURS_MAX: usize = 256;

/// Which way a walk goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// To what the goods were before.
    Back,
    /// To what became of them.
    Forward,
}

/// How two units of one event are related.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kin {
    /// The other is what was divided.
    SplitParent,
    /// The other is an input of a process.
    ProcessParent,
    /// The other is a part.
    Part,
    /// The other is an output of a process.
    Product,
}

/// The units at the other side of an event in force; none where it is not in force any more.
pub(super) fn across(
    state: &dyn State,
    codes: &Codes,
    descent: &Descent,
) -> Result<Vec<(Kin, Vec<u8>)>, StateFault> {
    let naming = Naming { agency: descent.agency, codes };
    let Some(fact) = fact::in_force(&naming, state, descent.uid)? else { return Ok(Vec::new()) };
    let (kin, lines) = match descent.role {
        Role::SplitFrom => (Kin::Part, fact.made()),
        Role::Input => (Kin::Product, fact.made()),
        Role::SplitTo => (Kin::SplitParent, fact.consumed()),
        Role::Output => (Kin::ProcessParent, fact.consumed()),
        Role::Container
        | Role::Content
        | Role::Same
        | Role::Relabel
        | Role::Carry
        | Role::Void
        | Role::DerivedParent
        | Role::DerivedChild
        | Role::Scope
        | Role::Other => return Ok(Vec::new()), // no roles of lineage
    };
    Ok(lines.iter().map(|line| (kin, line.unit.clone())).collect())
}

/// The unit and everything that it can be reached from (or that can be reached from it), at most
/// `limit` units, breadth first. Contents go with their container where the goods move on.
pub(super) fn walk(
    state: &dyn State,
    codes: &Codes,
    start: &[u8],
    (way, limit): (Way, usize),
) -> Result<BTreeSet<Vec<u8>>, StateFault> {
    let mut seen = BTreeSet::from([start.to_vec()]);
    let mut open = std::collections::VecDeque::from([start.to_vec()]);
    while let Some(unit) = open.pop_front() {
        for next in neighbours(state, codes, &unit, way)? {
            if seen.len() >= limit {
                return Ok(seen);
            }
            if seen.insert(next.clone()) {
                open.push_back(next);
            }
        }
    }
    Ok(seen)
}

fn neighbours(
    state: &dyn State,
    codes: &Codes,
    unit: &[u8],
    way: Way,
) -> Result<Vec<Vec<u8>>, StateFault> {
    let mut found = Vec::new();
    for descent in lineage::descents(state, unit, NEIGHBOURS_MAX)? {
        for (kin, other) in across(state, codes, &descent)? {
            let is_back = matches!(kin, Kin::SplitParent | Kin::ProcessParent);
            if is_back == (way == Way::Back) {
                found.push(other);
            }
        }
    }
    for held in matching::of_unit(state, unit, NEIGHBOURS_MAX)? {
        let other = match way {
            Way::Back if held.to == unit => held.from,
            Way::Forward if held.from == unit => held.to,
            Way::Back | Way::Forward => continue,
        };
        if is_live(matching::status_of(&held.record)) {
            found.push(other);
        }
    }
    for containment in lineage::containments(state, unit, NEIGHBOURS_MAX)? {
        // A container that was shipped moved its contents: back from it are they, forward is it.
        let goes = match way {
            Way::Back => Role::Content,
            Way::Forward => Role::Container,
        };
        if containment.role == goes {
            found.push(containment.other);
        }
    }
    Ok(found)
}

/// Whether a match says that both codes are the same goods.
pub(super) const fn is_live(status: MatchStatus) -> bool {
    match status {
        MatchStatus::OneSided | MatchStatus::Confirmed | MatchStatus::InDoubt => true,
        MatchStatus::Unspecified | MatchStatus::Voided => false,
    }
}
