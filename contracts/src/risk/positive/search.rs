//! The search of R24: visits what an alert concerns, entry by entry, and joins what each leads to. What
//! it begins at and when it begins anew is decided above.

use std::collections::{BTreeMap, BTreeSet};

use proto::AgencyIndex;
use proto::operation::OpUid;
use proto::receipt::{Role, SubjectKind};

use super::{
    AFFECTED, Affected, BACK, Budget, FORWARD, OPEN, OUTWARD, Relation, SAMPLING, entry_of, join,
    subject_of,
};
use crate::codes::Codes;
use crate::effect::matches::stands;
use crate::fact;
use crate::goods::{self, Across, Kin, Way};
use crate::key::event_of;
use crate::links::Naming;
use crate::record::codec::{In, Out, Unreadable, Value};
use crate::record::matching::Matched;
use crate::record::unit::UnitRow;
use crate::risk::parameter;
use crate::state::{Rows, StateFault};
use crate::trace::lineage::{self, Descent};
use crate::trace::papers::{DECLARATION_UNITS, Paper, SAMPLINGS};
use crate::trace::{stock, unit};

/// Entries of one list of a unit that are looked at in one go, where each joins one unit at most.
const CHUNK: usize = 64;

/// Places of a unit that are asked for their agency.
const PLACES_MAX: usize = 64;

/// Number of the list that says that an entry is being visited.
const VISITED: u32 = u32::MAX;

/// Where the search stands at an entry.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Cursor {
    /// Number of the list.
    list: u32,
    /// Key of the last entry of it that was followed, empty at its beginning.
    after: Vec<u8>,
}

impl Value for Cursor {
    fn is_nothing(&self) -> bool {
        false
    }

    fn write(&self, out: &mut Out) {
        out.number(self.list.into());
        out.bytes(&self.after);
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        Ok(Self { list: input.small()?, after: input.bytes()?.to_vec() })
    }
}

/// One search, as far as it goes in this block.
pub(super) struct Search<'a> {
    id: &'a str,
    codes: &'a Codes,
    pub(super) addressees: BTreeSet<u32>,
    pub(super) joined: Vec<Vec<u8>>,
    /// Events that were followed, and as what their other side was joined. An event of a thousand
    /// lines is met at each of them; what it leads to is joined once.
    followed: BTreeMap<(AgencyIndex, OpUid, Way), Relation>,
    /// Lines of events and places that were read in the visit that is going on.
    read: usize,
}

impl<'a> Search<'a> {
    pub(super) const fn new(id: &'a str, codes: &'a Codes) -> Self {
        Self {
            id,
            codes,
            addressees: BTreeSet::new(),
            joined: Vec::new(),
            followed: BTreeMap::new(),
            read: 0,
        }
    }

    pub(super) fn run(
        &mut self,
        state: &mut Rows<'_>,
        budget: &mut Budget,
    ) -> Result<bool, StateFault> {
        let alert = self.id.as_bytes();
        let mut last: Option<Vec<u8>> = None;
        while !budget.is_spent() {
            // On from the entry that was visited last: what was taken out before it is not gone through
            // again for each one. What was joined before it comes when the end is reached.
            let Some((entry, cursor)) = OPEN.scan(state, alert, last.as_deref(), 1)?.pop() else {
                if last.take().is_none() {
                    return Ok(true);
                }
                continue;
            };
            last = Some(entry.clone());
            let before = self.joined.len();
            let visited = Cursor { list: VISITED, after: Vec::new() };
            OPEN.put(state, alert, &entry, &visited);
            let (next, looked) = self.visit(state, &entry, &cursor)?;
            // Where the visit joined the entry again by a way back to it, it starts anew.
            if OPEN.get(state, alert, &entry)? == Some(visited) {
                OPEN.set(state, alert, &entry, next.as_ref())?;
            }
            budget.entries = budget.entries.saturating_sub(looked);
            budget.units = budget.units.saturating_sub(self.joined.len() - before);
        }
        OPEN.is_empty(state, alert)
    }

    /// Visits an entry: where to go on, none where it is done, and how many entries were looked at.
    fn visit(
        &mut self,
        state: &mut Rows<'_>,
        key: &[u8],
        cursor: &Cursor,
    ) -> Result<(Option<Cursor>, usize), StateFault> {
        let found = AFFECTED.get(state, self.id.as_bytes(), key)?;
        let (Some(found), Some(owner)) = (found, Owner::of(key)) else {
            return Ok((None, 1));
        };
        let is_unit = owner.lists.first() == Some(&Kinship::Matches);
        if is_unit && cursor.list == 0 && cursor.after.is_empty() {
            self.note(state, owner.key)?;
        }
        let mut after = Some(cursor.after.clone()).filter(|after| !after.is_empty());
        let (before, mut looked) = (self.joined.len(), 1 + std::mem::take(&mut self.read));
        for (number, list) in (0u32..).zip(owner.lists).skip_while(|(n, _)| *n < cursor.list) {
            // One event may join a thousand units; with the rest of the budget they fit one step.
            let is_of_events = matches!(*list, Kinship::Lineage | Kinship::Samplings);
            let chunk = if is_of_events { 1 } else { CHUNK };
            loop {
                let entries = list.scan(state, owner.key, after.as_deref(), chunk)?;
                for entry in &entries {
                    self.follow(state, (owner.key, found), *list, entry)?;
                }
                looked += entries.len() + std::mem::take(&mut self.read);
                let Some((last, _)) = entries.last().filter(|_| entries.len() == chunk) else {
                    break;
                };
                if looked > CHUNK || self.joined.len() > before {
                    return Ok((Some(Cursor { list: number, after: last.clone() }), looked));
                }
                after = Some(last.clone());
            }
            after = None;
            // Each list may join as much as a block may have left: what is left is asked anew.
            if self.joined.len() > before {
                return Ok((Some(Cursor { list: number + 1, after: Vec::new() }), looked));
            }
        }
        Ok((None, looked))
    }

    /// Follows one entry of one list.
    fn follow(
        &mut self,
        state: &mut Rows<'_>,
        (subject, found): (&[u8], Affected),
        list: Kinship,
        (key, matched): &Met,
    ) -> Result<(), StateFault> {
        match list {
            Kinship::Lineage => self.lineage(state, found, key),
            Kinship::Containment => self.containment(state, found, key),
            Kinship::Matches => self.same(state, (subject, found), key, *matched),
            Kinship::Papers => self.papers(state, found, key),
            Kinship::Samplings => self.sampling(state, found, key),
            Kinship::Units => {
                // Goods of a declaration that was tested itself are the goods tested.
                let is_tested = found.relation == Relation::Tested;
                let relation = if is_tested { Relation::Tested } else { Relation::Sibling };
                self.join(state, key, relation, FORWARD | OUTWARD)
            }
        }
    }

    fn lineage(
        &mut self,
        state: &mut Rows<'_>,
        found: Affected,
        key: &[u8],
    ) -> Result<(), StateFault> {
        let Some((role, event)) = key.split_first() else { return Ok(()) };
        let (Some(role), Some((agency, uid))) = (Role::from_code(*role), event_of(event)) else {
            return Ok(());
        };
        // The event is read only where it is followed: it may have a thousand lines.
        let (way, relation) = match goods::way_of(role) {
            Some(Way::Back) if found.ways & BACK != 0 => (Way::Back, Relation::Ancestor),
            Some(Way::Forward) if found.ways & FORWARD != 0 => {
                (Way::Forward, forward(found.relation))
            }
            Some(Way::Back | Way::Forward) | None => return Ok(()),
        };
        // A weaker relation, and the same ways, change nothing at what was joined with a stronger.
        let followed = self.followed.entry((agency, uid, way)).or_default();
        if *followed >= relation {
            return Ok(());
        }
        *followed = relation;
        let descent = Descent { role, agency, uid };
        let Across { units, lines } = goods::across(state, self.codes, &descent)?;
        self.read += lines;
        for (kin, other) in units {
            // What a part was cut from has other parts; what a dish was cooked from need not be bad.
            let (relation, ways) = match kin {
                Kin::SplitParent => (Relation::Ancestor, BACK | FORWARD | OUTWARD),
                Kin::ProcessParent => (Relation::Ancestor, BACK | OUTWARD),
                Kin::Part | Kin::Product => (forward(found.relation), FORWARD | OUTWARD),
            };
            self.join(state, &other, relation, ways)?;
        }
        Ok(())
    }

    fn containment(
        &mut self,
        state: &mut Rows<'_>,
        found: Affected,
        key: &[u8],
    ) -> Result<(), StateFault> {
        let Some((role, other)) = lineage::containment_of(key) else { return Ok(()) };
        let other = other.to_vec();
        if role == Role::Container && found.ways & OUTWARD != 0 {
            return self.join(state, &other, Relation::Carrier, OUTWARD);
        }
        if role == Role::Content && found.ways & FORWARD != 0 {
            let is_tested = found.relation == Relation::Tested;
            let (relation, back) =
                if is_tested { (Relation::Tested, BACK) } else { (forward(found.relation), 0) };
            return self.join(state, &other, relation, back | FORWARD | OUTWARD);
        }
        Ok(())
    }

    fn same(
        &mut self,
        state: &mut Rows<'_>,
        (unit, found): (&[u8], Affected),
        key: &[u8],
        matched: Option<Matched>,
    ) -> Result<(), StateFault> {
        let Some((_, other)) = key.split_first() else { return Ok(()) };
        if other == unit || !matched.is_some_and(|matched| stands(matched.status)) {
            return Ok(());
        }
        self.join(state, other, found.relation, found.ways)
    }

    fn papers(
        &mut self,
        state: &mut Rows<'_>,
        found: Affected,
        key: &[u8],
    ) -> Result<(), StateFault> {
        let Some(declaration) = Paper::Declaration.of(key) else { return Ok(()) };
        if found.ways & BACK == 0 {
            return Ok(());
        }
        let sibling = Affected { relation: Relation::Sibling, ways: FORWARD };
        let entry = entry_of(SubjectKind::Declaration, declaration);
        join(state, self.id, &entry, sibling).map(drop)
    }

    /// What was sampled: the goods that the sampling names, or else all of its declaration.
    fn sampling(
        &mut self,
        state: &mut Rows<'_>,
        found: Affected,
        event: &[u8],
    ) -> Result<(), StateFault> {
        let Some((agency, uid)) = event_of(event) else { return Ok(()) };
        let naming = Naming::new(agency, self.codes);
        let Some(fact) = fact::in_force(&naming, state, uid)? else { return Ok(()) };
        self.read += fact.lines().count();
        for line in &fact.items {
            self.join(state, &line.unit, found.relation, found.ways)?;
        }
        if fact.items.is_empty() && !fact.declaration.is_empty() {
            let entry = entry_of(SubjectKind::Declaration, &fact.declaration);
            join(state, self.id, &entry, found)?;
        }
        Ok(())
    }

    fn join(
        &mut self,
        state: &mut Rows<'_>,
        other: &[u8],
        relation: Relation,
        ways: u32,
    ) -> Result<(), StateFault> {
        let found = Affected { relation, ways };
        let other = unit::resolved(state, other)?;
        if join(state, self.id, &entry_of(SubjectKind::Unit, &other), found)? {
            self.joined.push(other);
        }
        Ok(())
    }

    /// Notes which agencies are to be told of a unit: those whose stations have or had it, and those
    /// whose platforms name it.
    fn note(&mut self, state: &Rows<'_>, unit: &[u8]) -> Result<(), StateFault> {
        for place in stock::places(state, unit, PLACES_MAX)? {
            self.read += 1;
            self.addressees.extend(parameter::agency_of_station(state, &place.station)?);
        }
        if let Some(record) = unit::of(state, unit)? {
            let named = record.agencies.iter().filter(|count| count.count > 0);
            self.addressees.extend(named.map(|count| count.agency));
        }
        Ok(())
    }
}

/// The relation of what comes out of a unit with this relation.
const fn forward(relation: Relation) -> Relation {
    match relation {
        Relation::Tested | Relation::Descendant => Relation::Descendant,
        Relation::Ancestor | Relation::Sibling => Relation::Sibling,
        Relation::Carrier | Relation::Unspecified => Relation::Carrier,
    }
}

/// Key of an entry; of a match what the unit knows of it.
type Met = (Vec<u8>, Option<Matched>);

/// A list that leads from goods to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kinship {
    Matches,
    Lineage,
    Containment,
    Papers,
    Units,
    Samplings,
}

impl Kinship {
    /// Entries of the list of a subject; of a match what the unit knows of it.
    fn scan(
        self,
        state: &Rows<'_>,
        owner: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Met>, StateFault> {
        fn keys<V>(found: Vec<(Vec<u8>, V)>) -> Vec<Met> {
            found.into_iter().map(|(key, _)| (key, None)).collect()
        }
        Ok(match self {
            Self::Matches => {
                let found = state.scan(UnitRow::MATCHES, owner, after, limit)?;
                found.into_iter().map(|(key, matched)| (key, Some(matched))).collect()
            }
            Self::Lineage => keys(state.scan(UnitRow::LINEAGE, owner, after, limit)?),
            Self::Containment => keys(state.scan(UnitRow::CONTAINMENT, owner, after, limit)?),
            Self::Papers => keys(state.scan(UnitRow::PAPERS, owner, after, limit)?),
            Self::Units => keys(DECLARATION_UNITS.scan(state, owner, after, limit)?),
            Self::Samplings => keys(SAMPLINGS.scan(state, owner, after, limit)?),
        })
    }
}

/// Whose lists a search goes through at an entry.
struct Owner<'a> {
    key: &'a [u8],
    lists: &'static [Kinship],
}

impl<'a> Owner<'a> {
    fn of(entry: &'a [u8]) -> Option<Self> {
        if entry.first() == Some(&SAMPLING) {
            return Some(Self { key: entry, lists: &[Kinship::Samplings] });
        }
        let (kind, key) = subject_of(entry)?;
        Some(Self { key, lists: lists_of(kind) })
    }
}

/// Lists of a subject that a search goes through.
const fn lists_of(kind: SubjectKind) -> &'static [Kinship] {
    match kind {
        SubjectKind::Unit => {
            &[Kinship::Matches, Kinship::Lineage, Kinship::Containment, Kinship::Papers]
        }
        SubjectKind::Declaration => &[Kinship::Units],
        SubjectKind::Certificate
        | SubjectKind::Party
        | SubjectKind::Station
        | SubjectKind::Vehicle
        | SubjectKind::Person => &[],
    }
}
