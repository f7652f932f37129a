//! What a height replaced: the old slots of pages and the old values, so that the state of a recent
//! height can still be read and proven.
//!
//! Grouped by the first byte of the path, because a proof reads along one path: two groups for each
//! height between the one asked for and the head.

use std::collections::BTreeMap;

use proto::codec::{DecodeError, Reader, Writer};
use proto::hash::Hash;
use proto::types::Height;

use crate::schema;
use crate::store::{Batch, Column, StoreError, StoreRead};

/// Byte of an old value that was there.
const PRESENT: u8 = 1;

/// Byte of an old value that was not there.
const ABSENT: u8 = 0;

/// What one height replaced in one group, as it is read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Group {
    /// Key of a page with its old slots.
    pub(crate) pages: Vec<(Vec<u8>, Vec<u8>)>,
    /// State key with the old value, or none.
    pub(crate) values: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// The same while its block is being executed.
#[derive(Clone, Debug, Default)]
struct Growing {
    pages: u32,
    page_bytes: Writer,
    values: u32,
    value_bytes: Writer,
}

/// What a height replaces, while its block is being executed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Undo(BTreeMap<[u8; 2], Growing>);

/// Group of the pages of the first two levels, which lie on every path that shares their start.
pub(crate) const TOP: [u8; 2] = [0, 0];

/// Levels of the pages in [`TOP`].
pub(crate) const TOP_LEVELS: usize = 2;

/// Group of a value under the path of its key.
pub(crate) fn value_group(path: &Hash) -> [u8; 2] {
    let [first, ..] = path.as_bytes();
    [1, *first]
}

/// Group of a page under its key: level, then the start of its path.
pub(crate) const fn page_group(key: &[u8]) -> [u8; 2] {
    match key {
        [level, first, ..] if *level >= 2 => [1, *first],
        _ => TOP,
    }
}

impl Undo {
    /// Remembers the old slots of a page.
    pub(crate) fn page(&mut self, page: &[u8], old: &[u8]) {
        let growing = self.0.entry(page_group(page)).or_default();
        growing.pages += 1;
        growing.page_bytes.bytes16(page).bytes16(old);
    }

    /// Remembers an old value under its state key.
    pub(crate) fn value(&mut self, path: &Hash, state_key: &[u8], old: Option<&[u8]>) {
        let growing = self.0.entry(value_group(path)).or_default();
        growing.values += 1;
        growing.value_bytes.bytes16(state_key);
        match old {
            None => growing.value_bytes.u8(ABSENT),
            Some(old) => growing.value_bytes.u8(PRESENT).bytes32(old),
        };
    }

    /// Writes the groups of `height`.
    pub(crate) fn write(self, height: Height, batch: &mut Batch) {
        for (group, growing) in self.0 {
            batch.put_with(Column::Undo, schema::undo(height, group), |out| {
                out.extend_from_slice(&growing.pages.to_be_bytes());
                out.extend_from_slice(&growing.page_bytes.into_bytes());
                out.extend_from_slice(&growing.values.to_be_bytes());
                out.extend_from_slice(&growing.value_bytes.into_bytes());
            });
        }
    }
}

/// What several heights replaced in one group, put together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Folded {
    /// By the key of a page its old slots, those of the newest height first.
    pub(crate) pages: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    /// By state key the value before the lowest of the heights.
    pub(crate) values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// Puts together what the heights `(at, head]` replaced in a group.
pub(crate) fn fold(
    store: &impl StoreRead,
    (at, head): (Height, Height),
    group: [u8; 2],
) -> Result<Folded, StoreError> {
    let mut folded = Folded::default();
    for height in (at.next().value()..=head.value()).rev() {
        let key = schema::undo(Height::new(height), group);
        let Some(bytes) = store.get(Column::Undo, &key)? else { continue };
        let group = Group::decode(&bytes).map_err(|_| {
            StoreError::damaged(Column::Undo, &key, "expected old slots and old values")
        })?;
        for (page, old) in group.pages {
            folded.pages.entry(page).or_default().push(old);
        }
        folded.values.extend(group.values);
    }
    Ok(folded)
}

impl Group {
    /// Reads a group.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let mut group = Self::default();
        for _ in 0..input.u32("pages")? {
            let page = input.bytes16("page key", u16::MAX)?.to_vec();
            group.pages.push((page, input.bytes16("old slots", u16::MAX)?.to_vec()));
        }
        for _ in 0..input.u32("values")? {
            let key = input.bytes16("state key", u16::MAX)?.to_vec();
            let value = match input.u8("old value")? {
                ABSENT => None,
                PRESENT => Some(input.bytes32("old value", u32::MAX)?.to_vec()),
                _ => return Err(DecodeError::Invalid { field: "old value", rule: "is 0 or 1" }),
            };
            group.values.push((key, value));
        }
        input.finish()?;
        Ok(group)
    }
}
