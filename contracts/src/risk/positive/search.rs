//! The search of R24: visits what an alert concerns, entry by entry, and joins what each leads to. What
//! it begins at and when it begins anew is decided above.

use std::collections::{BTreeMap, BTreeSet};

use proto::operation::OpUid;
use proto::receipt::{Role, SubjectKind};
use proto::trie::Namespace;
use proto::{AgencyIndex, Hash};

use super::{
    Affected, BACK, Budget, FORWARD, OUTWARD, Relation, SAMPLING, affected, entry_of, join, open,
    subject_of,
};
use crate::codes::Codes;
use crate::fact;
use crate::links::Naming;
use crate::matching;
use crate::pages::{Found, Map, Pages};
use crate::record::matching::MatchRecord;
use crate::record::parted;
use crate::risk::kin::{self, Across, Kin, Way};
use crate::risk::parameter;
use crate::state::{Overlay, StateFault};
use crate::trace::lineage::{self, Descent};
use crate::trace::{self, stock, unit, value_of};

/// Entries of one list of a unit that are looked at in one go, where each joins one unit at most.
const CHUNK: usize = 64;

/// Places of a unit that are asked for their agency.
const PLACES_MAX: usize = 64;

/// Stands at an entry while it is visited, and is no cursor.
const VISITED: &[u8] = b"visited";

/// Where the search stands at an entry.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Cursor {
    /// Number of the list.
    #[prost(uint32, tag = "1")]
    list: u32,
    /// Place in it, empty at its beginning.
    #[prost(bytes = "vec", tag = "2")]
    after: Vec<u8>,
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
        state: &mut Overlay<'_>,
        budget: &mut Budget,
    ) -> Result<bool, StateFault> {
        while !budget.is_spent() {
            let Some(entry) = open(self.id).scan(state, None, 1)?.pop() else { return Ok(true) };
            let before = self.joined.len();
            let cursor: Cursor = value_of(&entry.key, &entry.value)?;
            open(self.id).put(state, &entry.key, VISITED.to_vec())?;
            let (next, looked) = self.visit(state, &entry.key, &cursor)?;
            // Where the visit joined the entry again by a way back to it, it starts anew.
            if open(self.id).get(state, &entry.key)?.as_deref() == Some(VISITED) {
                let value = next.map(|cursor| prost::Message::encode_to_vec(&cursor));
                open(self.id).set(state, &entry.key, value)?;
            }
            budget.entries = budget.entries.saturating_sub(looked);
            budget.units = budget.units.saturating_sub(self.joined.len() - before);
        }
        Ok(open(self.id).len(state)? == 0)
    }

    /// Visits an entry: where to go on, none where it is done, and how many entries were looked at.
    fn visit(
        &mut self,
        state: &mut Overlay<'_>,
        key: &[u8],
        cursor: &Cursor,
    ) -> Result<(Option<Cursor>, usize), StateFault> {
        let found: Option<Affected> = trace::entry(state, &affected(self.id), key)?;
        let (Some(found), Some(owner)) = (found, Owner::of(key)) else {
            return Ok((None, 1));
        };
        let subject = owner.key.to_vec();
        let mut after = hash_of(&cursor.after);
        if owner.namespace == Namespace::Unit && cursor.list == 0 && after.is_none() {
            self.note(state, &subject)?;
        }
        let (before, mut looked) = (self.joined.len(), 1 + std::mem::take(&mut self.read));
        for (number, list) in (0u32..).zip(owner.lists).skip_while(|(n, _)| *n < cursor.list) {
            // One event may join a thousand units; with the rest of the budget they fit one step.
            let chunk = if matches!(*list, Map::Lineage | Map::Samplings) { 1 } else { CHUNK };
            loop {
                let entries =
                    Pages::of(owner.namespace, &subject, *list).scan(state, after, chunk)?;
                for entry in &entries {
                    self.follow(state, (&subject, found), *list, entry)?;
                }
                looked += entries.len() + std::mem::take(&mut self.read);
                let Some(last) = entries.last().filter(|_| entries.len() == chunk) else { break };
                after = Some(last.place);
                if looked > CHUNK || self.joined.len() > before {
                    let after = last.place.as_bytes().to_vec();
                    return Ok((Some(Cursor { list: number, after }), looked));
                }
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
        state: &mut Overlay<'_>,
        (subject, found): (&[u8], Affected),
        list: Map,
        entry: &Found,
    ) -> Result<(), StateFault> {
        match list {
            Map::Lineage => self.lineage(state, found, &entry.key),
            Map::Containers => self.containment(state, found, &entry.key),
            Map::Matches => self.same(state, (subject, found), &entry.key),
            Map::Papers => self.papers(state, found, &entry.key),
            Map::Samplings => self.sampling(state, found, &entry.key),
            Map::Units => {
                // Goods of a declaration that was tested itself are the goods tested.
                let is_tested = found.relation() == Relation::Tested;
                let relation = if is_tested { Relation::Tested } else { Relation::Sibling };
                self.join(state, &entry.key, relation, FORWARD | OUTWARD)
            }
            Map::Places
            | Map::Shipments
            | Map::Lots
            | Map::Handlers
            | Map::Aliases
            | Map::Events
            | Map::Legs
            | Map::Takers
            | Map::Documents
            | Map::Opaque
            | Map::Dirty
            | Map::Deadlines
            | Map::Affected
            | Map::Open
            | Map::Alerts
            | Map::Listed
            | Map::Stock
            | Map::Trips
            | Map::Gone
            | Map::Ended => Ok(()), // no lists of kinship
        }
    }

    fn lineage(
        &mut self,
        state: &mut Overlay<'_>,
        found: Affected,
        key: &[u8],
    ) -> Result<(), StateFault> {
        let Some((role, event)) = key.split_first() else { return Ok(()) };
        let (Some(role), Some((agency, uid))) = (Role::from_code(*role), lineage::event_of(event))
        else {
            return Ok(());
        };
        // The event is read only where it is followed: it may have a thousand lines.
        let (way, relation) = match kin::way_of(role) {
            Some(Way::Back) if found.ways & BACK != 0 => (Way::Back, Relation::Ancestor),
            Some(Way::Forward) if found.ways & FORWARD != 0 => {
                (Way::Forward, forward(found.relation()))
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
        let Across { units, lines } = kin::across(state, self.codes, &descent)?;
        self.read += lines;
        for (kin, other) in units {
            // What a part was cut from has other parts; what a dish was cooked from need not be bad.
            let (relation, ways) = match kin {
                Kin::SplitParent => (Relation::Ancestor, BACK | FORWARD | OUTWARD),
                Kin::ProcessParent => (Relation::Ancestor, BACK | OUTWARD),
                Kin::Part | Kin::Product => (forward(found.relation()), FORWARD | OUTWARD),
            };
            self.join(state, &other, relation, ways)?;
        }
        Ok(())
    }

    fn containment(
        &mut self,
        state: &mut Overlay<'_>,
        found: Affected,
        key: &[u8],
    ) -> Result<(), StateFault> {
        let Some((role, other)) = lineage::containment_of(key) else { return Ok(()) };
        let other = other.to_vec();
        if role == Role::Container && found.ways & OUTWARD != 0 {
            return self.join(state, &other, Relation::Carrier, OUTWARD);
        }
        if role == Role::Content && found.ways & FORWARD != 0 {
            let is_tested = found.relation() == Relation::Tested;
            let (relation, back) =
                if is_tested { (Relation::Tested, BACK) } else { (forward(found.relation()), 0) };
            return self.join(state, &other, relation, back | FORWARD | OUTWARD);
        }
        Ok(())
    }

    fn same(
        &mut self,
        state: &mut Overlay<'_>,
        (unit, found): (&[u8], Affected),
        key: &[u8],
    ) -> Result<(), StateFault> {
        let Some((from, to)) = parted(key) else { return Ok(()) };
        let other = if from == unit { to.to_vec() } else { from.to_vec() };
        let record: MatchRecord = crate::record::load_or_default(state, Namespace::Match, key)?;
        if other == unit || !kin::is_live(matching::status_of(&record)) {
            return Ok(());
        }
        self.join(state, &other, found.relation(), found.ways)
    }

    fn papers(
        &mut self,
        state: &mut Overlay<'_>,
        found: Affected,
        key: &[u8],
    ) -> Result<(), StateFault> {
        let Some(declaration) = trace::papers::declaration_of(key) else { return Ok(()) };
        if found.ways & BACK == 0 {
            return Ok(());
        }
        let sibling = Affected { relation: Relation::Sibling.into(), ways: FORWARD };
        let entry = entry_of(SubjectKind::Declaration, declaration);
        join(state, self.id, &entry, sibling).map(drop)
    }

    /// What was sampled: the goods that the sampling names, or else all of its declaration.
    fn sampling(
        &mut self,
        state: &mut Overlay<'_>,
        found: Affected,
        event: &[u8],
    ) -> Result<(), StateFault> {
        let Some((agency, uid)) = lineage::event_of(event) else { return Ok(()) };
        let naming = Naming { agency, codes: self.codes };
        let Some(fact) = fact::in_force(&naming, state, uid)? else { return Ok(()) };
        self.read += fact.lines().count();
        for line in &fact.items {
            self.join(state, &line.unit, found.relation(), found.ways)?;
        }
        if fact.items.is_empty() && !fact.declaration.is_empty() {
            let entry = entry_of(SubjectKind::Declaration, &fact.declaration);
            join(state, self.id, &entry, found)?;
        }
        Ok(())
    }

    fn join(
        &mut self,
        state: &mut Overlay<'_>,
        other: &[u8],
        relation: Relation,
        ways: u32,
    ) -> Result<(), StateFault> {
        let found = Affected { relation: relation.into(), ways };
        let other = unit::resolved(state, other)?;
        if join(state, self.id, &entry_of(SubjectKind::Unit, &other), found)? {
            self.joined.push(other);
        }
        Ok(())
    }

    /// Notes which agencies are to be told of a unit: those whose stations have or had it, and those
    /// whose platforms name it.
    fn note(&mut self, state: &Overlay<'_>, unit: &[u8]) -> Result<(), StateFault> {
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

/// Whose lists a search goes through at an entry.
struct Owner<'a> {
    namespace: Namespace,
    key: &'a [u8],
    lists: &'static [Map],
}

impl<'a> Owner<'a> {
    fn of(entry: &'a [u8]) -> Option<Self> {
        if entry.first() == Some(&SAMPLING) {
            let lists = &[Map::Samplings];
            return Some(Self { namespace: Namespace::Alert, key: entry, lists });
        }
        let (kind, key) = subject_of(entry)?;
        Some(Self { namespace: namespace_of(kind), key, lists: lists_of(kind) })
    }
}

/// Lists of a subject that a search goes through.
const fn lists_of(kind: SubjectKind) -> &'static [Map] {
    match kind {
        SubjectKind::Unit => &[Map::Matches, Map::Lineage, Map::Containers, Map::Papers],
        SubjectKind::Declaration => &[Map::Units],
        SubjectKind::Certificate
        | SubjectKind::Party
        | SubjectKind::Station
        | SubjectKind::Vehicle
        | SubjectKind::Person => &[],
    }
}

fn hash_of(bytes: &[u8]) -> Option<Hash> {
    <[u8; 32]>::try_from(bytes).ok().map(Hash::new)
}

const fn namespace_of(kind: SubjectKind) -> Namespace {
    match kind {
        SubjectKind::Declaration => Namespace::Declaration,
        SubjectKind::Unit
        | SubjectKind::Certificate
        | SubjectKind::Party
        | SubjectKind::Station
        | SubjectKind::Vehicle
        | SubjectKind::Person => Namespace::Unit,
    }
}
