//! What a height replaced: the old slots of pages and the old values, so that the state of a recent
//! height can still be read and proven.
//!
//! Grouped by the first byte of the path, because a proof reads along one path: two groups for each
//! height between the one asked for and the head.

use std::collections::BTreeMap;

use proto::codec::{Canonical, DecodeError, Reader, Writer};
use proto::hash::Hash;
use proto::limits::STATE_VALUE_BYTES_MAX;
use proto::types::Height;

use super::page::{Page, Slot};
use crate::schema;
use crate::store::{Batch, Column, StoreError, StoreRead};

/// A value as it stands in the column of the state, with its own height.
pub(crate) type Stored = Option<Vec<u8>>;

/// A page's level with the start of its path, as in its key.
pub(crate) type PageKey = Vec<u8>;

/// Old slots of one page.
pub(crate) type OldSlots = Vec<(u8, Slot)>;

/// What one height replaced in one group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Group {
    pub(crate) pages: Vec<(PageKey, OldSlots)>,
    pub(crate) values: Vec<(Vec<u8>, Stored)>,
}

/// What a height replaces, while its block is being executed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Undo(BTreeMap<[u8; 2], Group>);

/// Group of the pages of the first two levels, which lie on every path that shares their start.
const TOP: [u8; 2] = [0, 0];

/// Group of everything else on the path of `key`.
fn group_of(key: &Hash) -> [u8; 2] {
    let [first, ..] = key.as_bytes();
    [1, *first]
}

impl Undo {
    /// Remembers the old slots of the page at `level` on the path of `key`.
    pub(crate) fn page(&mut self, level: usize, key: &Hash, old: OldSlots) {
        let group = if level < 2 { TOP } else { group_of(key) };
        self.0.entry(group).or_default().pages.push((schema::page(level, key), old));
    }

    /// Remembers an old value under its state key.
    pub(crate) fn value(&mut self, path: &Hash, state_key: Vec<u8>, old: Stored) {
        self.0.entry(group_of(path)).or_default().values.push((state_key, old));
    }

    /// Writes the groups of `height`.
    pub(crate) fn write(self, height: Height, batch: &mut Batch) {
        for (group, content) in self.0 {
            batch.put(Column::Undo, schema::undo(height, group), content.encode());
        }
    }
}

/// Visits, newest first, what the heights `(at, head]` replaced on the path of `key`.
pub(crate) fn visit(
    store: &impl StoreRead,
    (at, head): (Height, Height),
    key: &Hash,
    groups: Groups,
    mut each: impl FnMut(Group),
) -> Result<(), StoreError> {
    let groups: &[[u8; 2]] = match groups {
        Groups::Path => &[TOP, group_of(key)],
        Groups::Value => &[group_of(key)],
    };
    for group in groups {
        for height in (at.next().value()..=head.value()).rev() {
            let key = schema::undo(Height::new(height), *group);
            if let Some(bytes) = store.get(Column::Undo, &key)? {
                each(Group::decode(&bytes).map_err(|_| {
                    StoreError::damaged(Column::Undo, &key, "expected old slots and old values")
                })?);
            }
        }
    }
    Ok(())
}

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Groups {
    /// Every page on a path.
    Path,
    /// One value.
    Value,
}

/// Puts old slots back into a page.
pub(crate) fn restore(page: &mut Page, old: OldSlots) {
    for (nibble, slot) in old {
        page.replace(nibble, slot);
    }
}

/// Bytes of a page's key: one for the level, then half a byte for each level.
const PAGE_KEY_BYTES_MAX: u16 = 33;

impl Canonical for Group {
    fn encode_to(&self, out: &mut Writer) {
        out.u32(count(self.pages.len()));
        for (key, slots) in &self.pages {
            out.bytes16(key).u8(u8::try_from(slots.len()).expect("a page has 16 slots"));
            for (nibble, slot) in slots {
                out.u8(*nibble);
                slot.encode_to(out);
            }
        }
        out.u32(count(self.values.len()));
        for (key, value) in &self.values {
            out.bytes16(key);
            match value {
                None => out.u8(0),
                Some(value) => out.u8(1).bytes32(value),
            };
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut group = Self::default();
        for _ in 0..input.u32("pages")? {
            let key = input.bytes16("page key", PAGE_KEY_BYTES_MAX)?.to_vec();
            let mut slots = Vec::new();
            for _ in 0..input.u8("slots")? {
                let nibble = input.u8("nibble")?;
                if nibble > 0x0f {
                    return Err(DecodeError::Invalid { field: "nibble", rule: "is below 16" });
                }
                slots.push((nibble, Slot::decode_from(input)?));
            }
            group.pages.push((key, slots));
        }
        for _ in 0..input.u32("values")? {
            let key = input.bytes16("state key", u16::MAX)?.to_vec();
            let value = match input.u8("old value")? {
                0 => None,
                1 => Some(input.bytes32("old value", STATE_VALUE_BYTES_MAX + 8)?.to_vec()),
                _ => return Err(DecodeError::Invalid { field: "old value", rule: "is 0 or 1" }),
            };
            group.values.push((key, value));
        }
        Ok(group)
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a block changes fewer than 2^32 keys")
}
