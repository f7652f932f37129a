//! The rows over one state: decoded when they are first asked for, changed in place, encoded once.
//!
//! A block has one of them, and its changes are what the block writes; a query has one too and drops
//! it. Rows of one kind lie in a table by key; single entries of long lists and proved records, which
//! few blocks change, lie beside the tables as bytes.

use std::cell::RefCell;
use std::collections::hash_map::{DefaultHasher, HashMap};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasherDefault;
use std::ops::Bound;
use std::rc::Rc;
use std::sync::Arc;

use prost::Message;
use proto::codec;
use proto::codec::{Canonical as _, Writer};
use proto::operation::{OpUid, Operation};
use proto::schema::{Body, OperationKind};
use proto::trie::Namespace;

use super::queue::Notes;
use super::{Changes, Pair, Range, State, StateFault};
use crate::record::codec::{In, Out, Unreadable, Value};
use crate::record::fact::{At, OperationRow};
pub(crate) use crate::record::list::Field;
use crate::record::list::{INLINE_MAX, List};
use crate::record::matching::MatchRow;
use crate::record::row::Row;
use crate::record::shipment::ShipmentRow;
use crate::record::unit::UnitRow;

/// Pairs that are read at a time where some of them may have been removed: so many removals cost one
/// reading more.
const PIECE: usize = 64;

/// Hashes with fixed keys. Tables are never iterated, so that the order that it gives is never seen.
type Fixed = BuildHasherDefault<DefaultHasher>;

/// One row, and what the state below has of it.
struct Slot<R> {
    row: Rc<R>,
    before: Option<Vec<u8>>,
    is_changed: bool,
}

/// The rows of one kind that were asked for.
pub(crate) struct Table<R> {
    slots: RefCell<HashMap<Arc<[u8]>, Slot<R>, Fixed>>,
    changed: Vec<Arc<[u8]>>,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { slots: RefCell::default(), changed: Vec::new() }
    }
}

impl<R: Row> Table<R> {
    fn is_loaded(&self, key: &[u8]) -> bool {
        self.slots.borrow().contains_key(key)
    }

    fn insert(&self, key: &[u8], before: Option<Vec<u8>>) -> Result<Rc<R>, StateFault> {
        let row = match &before {
            Some(bytes) => decoded(key, bytes)?,
            None => R::default(),
        };
        let row = Rc::new(row);
        let slot = Slot { row: Rc::clone(&row), before, is_changed: false };
        self.slots.borrow_mut().insert(key.into(), slot);
        Ok(row)
    }

    fn read(&self, base: &dyn State, key: &[u8]) -> Result<Rc<R>, StateFault> {
        if let Some(slot) = self.slots.borrow().get(key) {
            return Ok(Rc::clone(&slot.row));
        }
        self.insert(key, base.get(R::NAMESPACE, key)?)
    }

    fn edit(&mut self, base: &dyn State, key: &[u8]) -> Result<&mut R, StateFault> {
        if !self.is_loaded(key) {
            self.insert(key, base.get(R::NAMESPACE, key)?)?;
        }
        let slots = self.slots.get_mut();
        if slots.get(key).is_some_and(|slot| !slot.is_changed)
            && let Some((held, _)) = slots.get_key_value(key)
        {
            self.changed.push(Arc::clone(held));
        }
        let slot = slots.get_mut(key).expect("the row was loaded above");
        slot.is_changed = true;
        Ok(Rc::make_mut(&mut slot.row))
    }

    fn write_to(self, changes: &mut Changes) {
        let slots = self.slots.into_inner();
        for key in self.changed {
            let Some(slot) = slots.get(&key) else { continue };
            let now = (*slot.row != R::default()).then(|| encoded(&*slot.row));
            if now != slot.before {
                changes.insert((R::NAMESPACE, key.to_vec()), now);
            }
        }
    }
}

fn encoded<R: Row>(row: &R) -> Vec<u8> {
    let mut out = Out::default();
    row.write(&mut out);
    out.into_bytes()
}

fn decoded<R: Row>(key: &[u8], bytes: &[u8]) -> Result<R, StateFault> {
    let mut input = In::new(bytes);
    let read = R::read(&mut input).and_then(|row| input.finish().map(|()| row));
    read.map_err(|error| StateFault::record(R::NAMESPACE, key, &error))
}

/// A kind of row that a block keeps in a table.
pub(crate) trait Tabled: Row {
    fn table<'b>(rows: &'b Rows<'_>) -> &'b Table<Self>;
    fn parts<'b, 'a>(rows: &'b mut Rows<'a>) -> (&'b mut Table<Self>, &'b mut Raw<'a>);
}

macro_rules! tabled {
    ($($row:ty: $field:ident;)*) => {
        $(
            impl Tabled for $row {
                fn table<'b>(rows: &'b Rows<'_>) -> &'b Table<Self> {
                    &rows.$field
                }

                fn parts<'b, 'a>(rows: &'b mut Rows<'a>) -> (&'b mut Table<Self>, &'b mut Raw<'a>) {
                    (&mut rows.$field, &mut rows.raw)
                }
            }
        )*
    };
}

tabled! {
    UnitRow: units;
    ShipmentRow: shipments;
    MatchRow: matches;
    OperationRow: operations;
}

/// What is written as bytes: entries of long lists, and proved records.
pub(crate) struct Raw<'a> {
    base: &'a dyn State,
    written: BTreeMap<Namespace, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    /// Whether anything may stand under a prefix of the lists, where that was asked.
    pub(super) used: RefCell<BTreeMap<Vec<u8>, bool>>,
}

impl Raw<'_> {
    pub(crate) fn get(
        &self,
        namespace: Namespace,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StateFault> {
        match self.written.get(&namespace).and_then(|writes| writes.get(key)) {
            Some(written) => Ok(written.clone()),
            None => self.base.get(namespace, key),
        }
    }

    pub(crate) fn put(&mut self, namespace: Namespace, key: Vec<u8>, value: Vec<u8>) {
        self.written.entry(namespace).or_default().insert(key, Some(value));
    }

    /// Removes a key. Where the state below has none either, nothing is left of it in the changes.
    pub(crate) fn delete(&mut self, namespace: Namespace, key: &[u8]) -> Result<(), StateFault> {
        let writes = self.written.entry(namespace).or_default();
        if self.base.get(namespace, key)?.is_some() {
            writes.insert(key.to_vec(), None);
        } else {
            writes.remove(key);
        }
        Ok(())
    }

    pub(crate) fn scan(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault> {
        let start = range.start();
        let below = (Bound::Included(&*start), Bound::Unbounded);
        let written = self.written.get(&namespace).into_iter();
        let written = written.flat_map(|writes| writes.range::<[u8], _>(below));
        let mut written = written.take_while(|(key, _)| key.starts_with(range.prefix)).peekable();
        if written.peek().is_none() {
            return self.base.scan(namespace, range, limit);
        }
        // Each key that was removed here takes the place of one that stays, so that the state below may
        // have to be read more than once.
        let mut pairs = Vec::new();
        let mut after = range.after.map(<[u8]>::to_vec);
        loop {
            let range = Range { prefix: range.prefix, after: after.as_deref() };
            let piece = limit.max(PIECE);
            let found = self.base.scan(namespace, &range, piece)?;
            let is_last = found.len() < piece;
            after = found.last().map(|(key, _)| key.clone());
            for (key, value) in found {
                while let Some((key, value)) = written.next_if(|(written, _)| **written < key) {
                    pairs.extend(value.iter().map(|value| (key.clone(), value.clone())));
                }
                match written.next_if(|(written, _)| **written == key) {
                    Some((_, value)) => pairs.extend(value.clone().map(|value| (key, value))),
                    None => pairs.push((key, value)),
                }
                if pairs.len() >= limit {
                    pairs.truncate(limit);
                    return Ok(pairs);
                }
            }
            if is_last {
                let rest = written.filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
                pairs.extend(rest.take(limit.saturating_sub(pairs.len())));
                return Ok(pairs);
            }
        }
    }
}

/// An operation that was recorded, decoded.
#[derive(Debug)]
pub(crate) struct Said {
    /// Its identity.
    pub(crate) uid: OpUid,
    /// Its type.
    pub(crate) kind: OperationKind,
    /// Its body.
    pub(crate) body: Body,
}

/// The rows over a state.
pub struct Rows<'a> {
    base: &'a dyn State,
    units: Table<UnitRow>,
    shipments: Table<ShipmentRow>,
    matches: Table<MatchRow>,
    operations: Table<OperationRow>,
    pub(super) raw: Raw<'a>,
    pub(super) notes: Notes,
    said: RefCell<BTreeMap<At, Rc<Said>>>,
}

impl<'a> Rows<'a> {
    /// No rows read yet, and nothing written over `base`.
    pub fn new(base: &'a dyn State) -> Self {
        Self {
            base,
            units: Table::default(),
            shipments: Table::default(),
            matches: Table::default(),
            operations: Table::default(),
            raw: Raw { base, written: BTreeMap::new(), used: RefCell::default() },
            notes: Notes::default(),
            said: RefCell::default(),
        }
    }

    /// The writes.
    pub fn into_changes(self) -> Changes {
        let mut changes = Changes::new();
        self.units.write_to(&mut changes);
        self.shipments.write_to(&mut changes);
        self.matches.write_to(&mut changes);
        self.operations.write_to(&mut changes);
        for (namespace, writes) in self.raw.written {
            changes.extend(writes.into_iter().map(|(key, value)| ((namespace, key), value)));
        }
        changes
    }

    /// A row; the empty one where there is none.
    pub(crate) fn row<R: Tabled>(&self, key: &[u8]) -> Result<Rc<R>, StateFault> {
        R::table(self).read(self.base, key)
    }

    /// A row, to be changed.
    pub(crate) fn edit<'b, R: Tabled>(
        &'b mut self,
        key: &'b [u8],
    ) -> Result<Editor<'b, 'a, R>, StateFault> {
        let base = self.base;
        let (table, raw) = R::parts(self);
        Ok(Editor { row: table.edit(base, key)?, raw, owner: key })
    }

    /// The value of an entry of a list.
    pub(crate) fn entry<R: Tabled, V: Value>(
        &self,
        field: Field<R, V>,
        owner: &[u8],
        key: &[u8],
    ) -> Result<Option<V>, StateFault> {
        let row = self.row::<R>(owner)?;
        let list = (field.of)(&row);
        if list.is_spilled() {
            let key = [&*prefix_of(field, owner), key].concat();
            let found = self.raw.get(Namespace::List, &key)?;
            return found.map(|bytes| value_of(&key, &bytes)).transpose();
        }
        let found = list.position(key).ok().and_then(|position| list.inline().get(position));
        Ok(found.map(|(_, value)| value.clone()))
    }

    /// Up to `limit` entries of a list whose keys come after `after`, ascending by key.
    pub(crate) fn scan<R: Tabled, V: Value>(
        &self,
        field: Field<R, V>,
        owner: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, V)>, StateFault> {
        self.scan_below(field, owner, Range { prefix: &[], after }, limit)
    }

    /// As [`Self::scan`], of the entries whose keys begin with a prefix.
    pub(crate) fn scan_below<R: Tabled, V: Value>(
        &self,
        field: Field<R, V>,
        owner: &[u8],
        range: Range<'_>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, V)>, StateFault> {
        let row = self.row::<R>(owner)?;
        let list = (field.of)(&row);
        if list.is_spilled() {
            return entries(&self.raw, &prefix_of(field, owner), range, limit);
        }
        let inside = list.inline().iter().filter(|(key, _)| {
            key.starts_with(range.prefix) && range.after.is_none_or(|after| key.as_slice() > after)
        });
        Ok(inside.take(limit).cloned().collect())
    }

    /// Number of entries of a list.
    pub(crate) fn len<R: Tabled, V: Value>(
        &self,
        field: Field<R, V>,
        owner: &[u8],
    ) -> Result<u64, StateFault> {
        Ok((field.of)(&*self.row::<R>(owner)?).len())
    }

    /// Changes the value of an entry; an entry that says nothing any more goes.
    pub(crate) fn update<R: Tabled, V: Value>(
        &mut self,
        field: Field<R, V>,
        owner: &[u8],
        key: &[u8],
        change: impl FnOnce(&mut V),
    ) -> Result<(), StateFault> {
        self.edit(owner)?.update(field, key, change)
    }

    /// Writes an entry where `value` is some, removes it where none.
    pub(crate) fn set<R: Tabled, V: Value>(
        &mut self,
        field: Field<R, V>,
        owner: &[u8],
        key: &[u8],
        value: Option<V>,
    ) -> Result<(), StateFault> {
        self.edit(owner)?.set(field, key, value)
    }

    /// The value under a key that no table has.
    pub(crate) fn get(
        &self,
        namespace: Namespace,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StateFault> {
        self.raw.get(namespace, key)
    }

    /// Writes a value under a key that no table has.
    pub(crate) fn put(&mut self, namespace: Namespace, key: &[u8], value: Vec<u8>) {
        self.raw.put(namespace, key.to_vec(), value);
    }

    /// Removes a key that no table has.
    pub(crate) fn delete(&mut self, namespace: Namespace, key: &[u8]) -> Result<(), StateFault> {
        self.raw.delete(namespace, key)
    }

    /// The pairs of a namespace that no table has.
    pub(crate) fn scan_namespace(
        &self,
        namespace: Namespace,
        range: &Range<'_>,
        limit: usize,
    ) -> Result<Vec<Pair>, StateFault> {
        self.raw.scan(namespace, range, limit)
    }

    /// Reads a proved record.
    pub(crate) fn load<M: Message + Default>(
        &self,
        namespace: Namespace,
        key: &[u8],
    ) -> Result<Option<M>, StateFault> {
        let Some(value) = self.raw.get(namespace, key)? else { return Ok(None) };
        let record = M::decode(&*value);
        record.map(Some).map_err(|error| StateFault::record(namespace, key, &error))
    }

    /// Writes a proved record, or removes its key where it has no content.
    pub(crate) fn store<M: Message>(
        &mut self,
        namespace: Namespace,
        key: &[u8],
        record: &M,
    ) -> Result<(), StateFault> {
        let value = record.encode_to_vec();
        if value.is_empty() {
            return self.raw.delete(namespace, key);
        }
        self.raw.put(namespace, key.to_vec(), value);
        Ok(())
    }

    /// Keeps an operation of the block that is executed, for corrections in the same block.
    pub(crate) fn note_operation(&mut self, at: At, said: Rc<Said>) {
        self.said.get_mut().insert(at, said);
    }

    /// Forgets an operation that was refused.
    pub(crate) fn forget_operation(&mut self, at: At) {
        self.said.get_mut().remove(&at);
    }

    /// A recorded operation. A place where none stands is damage: a record names places of accepted
    /// operations alone, and going on without the event would give other records than on other nodes.
    pub(crate) fn said(&self, at: At) -> Result<Rc<Said>, StateFault> {
        if let Some(known) = self.said.borrow().get(&at) {
            return Ok(Rc::clone(known));
        }
        let bytes = self.base.operation(at.height, at.receipt_index)?;
        let said = bytes.and_then(|bytes| read_operation(&bytes)).map(Rc::new);
        let said = said.ok_or_else(|| StateFault::Storage {
            detail: format!(
                "receipt {} of height {} is of an operation by the records, and none can be read there",
                at.receipt_index, at.height
            ),
        })?;
        self.said.borrow_mut().insert(at, Rc::clone(&said));
        Ok(said)
    }

    /// Reads rows that will be asked for, all at once.
    pub(crate) fn read_ahead(&mut self, wanted: &Wanted) -> Result<(), StateFault> {
        let of = |namespace, keys: &BTreeSet<Vec<u8>>| -> Vec<(Namespace, Vec<u8>)> {
            keys.iter().map(|key| (namespace, key.clone())).collect()
        };
        let keys = [
            of(Namespace::Unit, &wanted.units),
            of(Namespace::Shipment, &wanted.shipments),
            of(Namespace::Match, &wanted.matches),
            of(Namespace::OpUid, &wanted.operations),
        ]
        .concat();
        let mut values = self.base.get_many(&keys)?.into_iter();
        fill(&self.units, &wanted.units, &mut values)?;
        fill(&self.shipments, &wanted.shipments, &mut values)?;
        fill(&self.matches, &wanted.matches, &mut values)?;
        fill(&self.operations, &wanted.operations, &mut values)
    }
}

fn fill<R: Row>(
    table: &Table<R>,
    keys: &BTreeSet<Vec<u8>>,
    values: &mut impl Iterator<Item = Option<Vec<u8>>>,
) -> Result<(), StateFault> {
    for (key, value) in keys.iter().zip(values) {
        if !table.is_loaded(key) {
            table.insert(key, value)?;
        }
    }
    Ok(())
}

fn read_operation(bytes: &[u8]) -> Option<Said> {
    let operation: Result<Operation, codec::DecodeError> = Operation::decode(bytes);
    let operation = operation.ok()?;
    let kind = OperationKind::from_code(operation.kind)?;
    let body = Body::decode(kind, &operation.body).ok()?;
    Some(Said { uid: operation.uid, kind, body })
}

/// Keys of rows that the operations of a block name.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) units: BTreeSet<Vec<u8>>,
    pub(crate) shipments: BTreeSet<Vec<u8>>,
    pub(crate) matches: BTreeSet<Vec<u8>>,
    pub(crate) operations: BTreeSet<Vec<u8>>,
}

/// A row that is being changed, with its lists.
pub(crate) struct Editor<'b, 'a, R> {
    /// The row.
    pub(crate) row: &'b mut R,
    raw: &'b mut Raw<'a>,
    owner: &'b [u8],
}

impl<R: Row> Editor<'_, '_, R> {
    /// Changes the value of an entry; an entry that says nothing any more goes.
    pub(crate) fn update<V: Value>(
        &mut self,
        field: Field<R, V>,
        key: &[u8],
        change: impl FnOnce(&mut V),
    ) -> Result<(), StateFault> {
        let list = (field.of_mut)(self.row);
        if list.is_spilled() {
            return self.update_spilled(field, key, change);
        }
        match list.position(key) {
            Ok(position) => {
                let is_nothing = list.inline_mut().get_mut(position).is_some_and(|(_, value)| {
                    change(value);
                    value.is_nothing()
                });
                if is_nothing {
                    list.inline_mut().remove(position);
                }
            }
            Err(position) => {
                let mut value = V::default();
                change(&mut value);
                if !value.is_nothing() {
                    list.inline_mut().insert(position, (key.to_vec(), value));
                }
                if list.inline().len() > INLINE_MAX {
                    spill(self.raw, &prefix_of(field, self.owner), list);
                }
            }
        }
        Ok(())
    }

    /// Writes an entry where `value` is some, removes it where none.
    pub(crate) fn set<V: Value>(
        &mut self,
        field: Field<R, V>,
        key: &[u8],
        value: Option<V>,
    ) -> Result<(), StateFault> {
        match value {
            Some(value) => self.update(field, key, |held| *held = value),
            None => self.remove(field, key),
        }
    }

    fn remove<V: Value>(&mut self, field: Field<R, V>, key: &[u8]) -> Result<(), StateFault> {
        let list = (field.of_mut)(self.row);
        if !list.is_spilled() {
            if let Ok(position) = list.position(key) {
                list.inline_mut().remove(position);
            }
            return Ok(());
        }
        let prefix = prefix_of(field, self.owner);
        let key = [&*prefix, key].concat();
        if self.raw.get(Namespace::List, &key)?.is_none() {
            return Ok(());
        }
        self.raw.delete(Namespace::List, &key)?;
        shrink(self.raw, &prefix, list)
    }

    fn update_spilled<V: Value>(
        &mut self,
        field: Field<R, V>,
        key: &[u8],
        change: impl FnOnce(&mut V),
    ) -> Result<(), StateFault> {
        let prefix = prefix_of(field, self.owner);
        let key = [&*prefix, key].concat();
        let held = self.raw.get(Namespace::List, &key)?;
        let is_new = held.is_none();
        let mut value = held.map_or_else(|| Ok(V::default()), |bytes| value_of(&key, &bytes))?;
        change(&mut value);
        let list = (field.of_mut)(self.row);
        match (value.is_nothing(), is_new) {
            (true, true) => Ok(()),
            (true, false) => {
                self.raw.delete(Namespace::List, &key)?;
                shrink(self.raw, &prefix, list)
            }
            (false, _) => {
                self.raw.put(Namespace::List, key, value.to_bytes());
                list.set_spilled(list.len() + u64::from(is_new));
                Ok(())
            }
        }
    }
}

/// Gives each entry of a list that has become long a row of its own.
fn spill<V: Value>(raw: &mut Raw<'_>, prefix: &[u8], list: &mut List<V>) {
    let count = list.len();
    for (key, value) in std::mem::take(list.inline_mut()) {
        raw.put(Namespace::List, [prefix, &*key].concat(), value.to_bytes());
    }
    list.set_spilled(count);
}

/// Counts an entry that went, and takes the rest into the owner's row where they are few enough.
fn shrink<V: Value>(
    raw: &mut Raw<'_>,
    prefix: &[u8],
    list: &mut List<V>,
) -> Result<(), StateFault> {
    let left = list.len().saturating_sub(1);
    list.set_spilled(left);
    if usize::try_from(left).unwrap_or(usize::MAX) > INLINE_MAX {
        return Ok(());
    }
    let found = entries(raw, prefix, Range { prefix: &[], after: None }, INLINE_MAX)?;
    for (key, _) in &found {
        raw.delete(Namespace::List, &[prefix, &**key].concat())?;
    }
    list.set_spilled(0);
    *list.inline_mut() = found;
    Ok(())
}

/// Entries of a spilled list or an index, with their keys below the prefix of the owner.
pub(super) fn entries<V: Value>(
    raw: &Raw<'_>,
    prefix: &[u8],
    range: Range<'_>,
    limit: usize,
) -> Result<Vec<(Vec<u8>, V)>, StateFault> {
    let below = [prefix, range.prefix].concat();
    let after = range.after.map(|after| [prefix, after].concat());
    let range = Range { prefix: &below, after: after.as_deref() };
    let mut found = Vec::new();
    for (key, bytes) in raw.scan(Namespace::List, &range, limit)? {
        let value = value_of(&key, &bytes)?;
        found.push((key.split_at(prefix.len()).1.to_vec(), value));
    }
    Ok(found)
}

pub(super) fn value_of<V: Value>(key: &[u8], bytes: &[u8]) -> Result<V, StateFault> {
    let value = V::of_bytes(bytes);
    value.map_err(|error: Unreadable| StateFault::record(Namespace::List, key, &error))
}

/// Beginning of the keys of a list's entries: namespace of the owner, byte of the list, owner.
fn prefix_of<R: Row, V>(field: Field<R, V>, owner: &[u8]) -> Vec<u8> {
    prefix(R::NAMESPACE.code(), field.code, owner)
}

pub(super) fn prefix(namespace: u8, list: u8, owner: &[u8]) -> Vec<u8> {
    let mut prefix = Writer::default();
    prefix.u8(namespace).u8(list).bytes16(owner);
    prefix.into_bytes()
}
