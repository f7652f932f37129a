//! The rows of the ring as bytes: a proved key, what a height replaced, what it appended and retired,
//! hashes of leaves, roots and bits of twigs. What is read is checked here and nowhere else.

use std::ops::ControlFlow;

use proto::hash::Hash;
use proto::ring::{SENTINEL, TWIG_BITS_BYTES, TWIG_LEAVES, TwigBits};
use proto::types::Height;

use crate::schema;
use crate::sealed;
use crate::store::{Batch, Column, Pair, StoreError, StoreRead};

/// Twigs in one row of column `twigs`: 9 KiB, so that a height writes a few rows and no range of them.
pub(super) const GROUP_TWIGS: usize = 32;

/// Bytes of one twig in such a row.
const TWIG_BYTES: usize = 32 + TWIG_BITS_BYTES;

/// Bytes of replaced rows after which another row of column `undo` begins: who looks for one key reads
/// one of them, and a height writes few.
const UNDO_BYTES: usize = 4_096;

/// A proved key's row: where its leaf is, which key follows, and its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Row<'a> {
    /// Position of the leaf.
    pub(crate) position: u64,
    /// The key that follows.
    pub(crate) next: &'a [u8],
    /// The value.
    pub(crate) value: &'a [u8],
}

impl<'a> Row<'a> {
    /// Bytes of the row before the value.
    pub(crate) const fn head_bytes(&self) -> usize {
        8 + 2 + self.next.len()
    }

    /// Reads the row of `key`.
    pub(crate) fn parse(key: &[u8], bytes: &'a [u8]) -> Result<Self, StoreError> {
        let rule = "expected position, next key and value";
        let mut input = Input(bytes);
        let read = |input: &mut Input<'a>| {
            let position = input.u64()?;
            let next = input.sized16()?;
            Some(Self { position, next, value: input.0 })
        };
        read(&mut input).ok_or_else(|| StoreError::damaged(Column::State, key, rule))
    }

    /// Appends the row.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.position.to_be_bytes());
        sized16(self.next, out);
        out.extend_from_slice(self.value);
    }
}

/// Bytes that are read from the front.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_be_bytes)
    }

    fn sized16(&mut self) -> Option<&'a [u8]> {
        let bytes = self.take(2)?.try_into().ok().map(u16::from_be_bytes)?;
        self.take(bytes.into())
    }

    fn sized32(&mut self) -> Option<&'a [u8]> {
        let bytes = self.take(4)?.try_into().ok().map(u32::from_be_bytes)?;
        self.take(usize::try_from(bytes).ok()?)
    }
}

fn sized16(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(bytes.len()).expect("a key of the state has at most 65,535 bytes");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// What a height did to the ring, its rows aside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Turn {
    /// The height.
    pub(crate) height: Height,
    /// Leaves of the ring below the height: position of the first that it appended.
    pub(crate) from: u64,
    /// Leaves of the ring after it.
    pub(crate) until: u64,
    /// Positions of the leaves that it retired, ascending.
    pub(crate) retired: Vec<u64>,
}

impl Turn {
    /// Writes the turn.
    pub(crate) fn write(&self, batch: &mut Batch) {
        sealed::put(batch, (Column::Turns, &schema::height(self.height)), |out| {
            for number in [self.from, self.until].iter().chain(&self.retired) {
                out.extend_from_slice(&number.to_be_bytes());
            }
        });
    }

    /// The turn of a height.
    pub(crate) fn read(store: &impl StoreRead, height: Height) -> Result<Self, StoreError> {
        let key = schema::height(height);
        let rule = "expected the size of the ring before and after, and retired leaves, ascending";
        let damaged = || StoreError::damaged(Column::Turns, &key, rule);
        let bytes = sealed::get(store, Column::Turns, &key)?.ok_or_else(damaged)?;
        let (numbers, rest) = bytes.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|number| u64::from_be_bytes(*number));
        let (from, until) = numbers.next().zip(numbers.next()).ok_or_else(damaged)?;
        let retired: Vec<u64> = numbers.collect();
        let ascends = retired.is_sorted_by(|a, b| a < b);
        let below = retired.last().is_none_or(|last| *last < from);
        if !rest.is_empty() || from > until || !ascends || !below {
            return Err(damaged());
        }
        Ok(Self { height, from, until, retired })
    }
}

/// Replaced rows of one height, ascending by key, on their way into column `undo`.
pub(crate) struct Undo {
    height: Height,
    first: Option<Vec<u8>>,
    bytes: Vec<u8>,
}

impl Undo {
    /// Nothing replaced yet.
    pub(crate) const fn new(height: Height) -> Self {
        Self { height, first: None, bytes: Vec::new() }
    }

    /// Remembers the row that a key had.
    pub(crate) fn push(&mut self, key: &[u8], row: &[u8], batch: &mut Batch) {
        if self.bytes.len() >= UNDO_BYTES {
            self.flush(batch);
        }
        self.first.get_or_insert_with(|| key.to_vec());
        sized16(key, &mut self.bytes);
        let length = u32::try_from(row.len()).expect("a value of the state has at most a megabyte");
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(row);
    }

    /// Writes what is not written yet.
    pub(crate) fn flush(&mut self, batch: &mut Batch) {
        if let Some(first) = self.first.take() {
            let key = undo_key(self.height, &first);
            sealed::put(batch, (Column::Undo, &key), |out| out.extend_from_slice(&self.bytes));
            self.bytes.clear();
        }
    }
}

/// Key of a row of replaced rows: their height, and the first key among them.
pub(crate) fn undo_key(height: Height, key: &[u8]) -> Vec<u8> {
    [height.value().to_be_bytes().as_slice(), key].concat()
}

/// A replaced row: its key, and what stood there.
pub(crate) struct Replaced<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) row: &'a [u8],
}

/// The replaced rows in a row of column `undo` as it is stored, ascending by key.
pub(crate) fn replaced<'a>(key: &[u8], stored: &'a [u8]) -> Result<Vec<Replaced<'a>>, StoreError> {
    let rule = "expected replaced rows, ascending by key";
    let damaged = || StoreError::damaged(Column::Undo, key, rule);
    let (mut input, mut rows) = (Input(sealed::open(Column::Undo, key, stored)?), Vec::new());
    while !input.0.is_empty() {
        let (key, row) = input.sized16().zip(input.sized32()).ok_or_else(damaged)?;
        rows.push(Replaced { key, row });
    }
    let first = rows.first().map(|first| first.key);
    let ascends = rows.is_sorted_by(|a, b| a.key < b.key);
    if first.is_none() || first != key.get(8..) || !ascends { Err(damaged()) } else { Ok(rows) }
}

/// The last key not above `key` that a height replaced, with its row.
pub(crate) fn replaced_at(
    store: &impl StoreRead,
    height: Height,
    key: &[u8],
) -> Result<Option<Pair>, StoreError> {
    let from = schema::height(height);
    let until = undo_key(height, &just_above(key));
    let Some((row_key, bytes)) = store.last_below(Column::Undo, &from, &until)? else {
        return Ok(None);
    };
    let rows = replaced(&row_key, &bytes)?;
    let last = rows.into_iter().take_while(|found| found.key <= key).last();
    Ok(last.map(|found| (found.key.to_vec(), found.row.to_vec())))
}

/// The last proved key below `until`, with its row.
pub(crate) fn row_below(store: &impl StoreRead, until: &[u8]) -> Result<Option<Pair>, StoreError> {
    let Some((key, row)) = store.last_below(Column::State, SENTINEL, until)? else {
        return Ok(None);
    };
    let row = sealed::opened(Column::State, &key, row)?;
    Ok(Some((key, row)))
}

/// The first key above `key`.
pub(crate) fn just_above(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// Writes hashes of leaves that stand one after the other, a row for each twig that they lie in.
pub(crate) fn write_leaves(from: u64, leaves: &[Hash], batch: &mut Batch) {
    let (mut from, mut rest) = (from, leaves);
    while !rest.is_empty() {
        let room = usize::try_from(TWIG_LEAVES - from % TWIG_LEAVES).expect("at most 2,048");
        let (part, more) = rest.split_at(room.min(rest.len()));
        sealed::put(batch, (Column::Leaves, &from.to_be_bytes()), |out| {
            part.iter().for_each(|leaf| out.extend_from_slice(leaf.as_bytes()));
        });
        from += u64::try_from(part.len()).expect("at most 2,048");
        rest = more;
    }
}

/// The hashes of a twig's leaves below position `until`.
pub(crate) fn read_leaves(
    store: &impl StoreRead,
    twig: u64,
    until: u64,
) -> Result<Vec<Hash>, StoreError> {
    let from = twig * TWIG_LEAVES;
    let until = until.min(from + TWIG_LEAVES);
    let (mut leaves, mut failed) = (Vec::new(), None);
    let end = until.to_be_bytes();
    store.scan(
        Column::Leaves,
        &from.to_be_bytes(),
        Some(&end),
        &mut |key, stored| match leaves_row(key, stored, from, &mut leaves) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        },
    )?;
    failed.map_or(Ok(()), Err)?;
    let wanted = usize::try_from(until - from).expect("at most 2,048");
    if leaves.len() < wanted {
        let next = from + u64::try_from(leaves.len()).expect("at most 2,048");
        return Err(StoreError::damaged(Column::Leaves, &next.to_be_bytes(), LEAVES));
    }
    leaves.truncate(wanted);
    Ok(leaves)
}

/// What a row of column `leaves` has to be.
const LEAVES: &str = "expected the hashes of leaves, one row after the other";

/// Appends the leaves of a row to those of its twig, which begins at `from`.
fn leaves_row(
    key: &[u8],
    stored: &[u8],
    from: u64,
    leaves: &mut Vec<Hash>,
) -> Result<(), StoreError> {
    let (hashes, rest) = sealed::open(Column::Leaves, key, stored)?.as_chunks::<32>();
    let position = from + u64::try_from(leaves.len()).expect("at most 2,048");
    leaves.extend(hashes.iter().map(|hash| Hash::new(*hash)));
    let fits = u64::try_from(leaves.len()).is_ok_and(|leaves| leaves <= TWIG_LEAVES);
    let sound = key == position.to_be_bytes() && rest.is_empty() && !hashes.is_empty() && fits;
    if sound { Ok(()) } else { Err(StoreError::damaged(Column::Leaves, key, LEAVES)) }
}

/// A group of twigs as of the height of its row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Group {
    /// Height whose end the row describes.
    pub(crate) height: Height,
    /// Root over the leaves of each twig, zero where the twig was not full; and its bits.
    pub(crate) twigs: Vec<(Hash, TwigBits)>,
}

/// Writes a group of twigs.
pub(crate) fn write_group<'a>(
    number: u64,
    height: Height,
    twigs: impl Iterator<Item = (Hash, &'a TwigBits)>,
    batch: &mut Batch,
) {
    sealed::put(batch, (Column::Twigs, &number.to_be_bytes()), |out| {
        out.extend_from_slice(&height.value().to_be_bytes());
        for (root, bits) in twigs {
            out.extend_from_slice(root.as_bytes());
            out.extend_from_slice(bits);
        }
    });
}

/// Reads every group, ascending by number.
pub(crate) fn read_groups(store: &impl StoreRead) -> Result<Vec<(u64, Group)>, StoreError> {
    let (mut groups, mut failed) = (Vec::new(), None);
    store.scan(Column::Twigs, &[], None, &mut |key, stored| match read_group(key, stored) {
        Ok(group) => {
            groups.push(group);
            ControlFlow::Continue(())
        }
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(groups), Err)
}

fn read_group(key: &[u8], stored: &[u8]) -> Result<(u64, Group), StoreError> {
    let number = key.try_into().ok().map(u64::from_be_bytes);
    let group = parse_group(sealed::open(Column::Twigs, key, stored)?);
    let rule = "expected a height, roots and bits of twigs";
    number.zip(group).ok_or_else(|| StoreError::damaged(Column::Twigs, key, rule))
}

fn parse_group(bytes: &[u8]) -> Option<Group> {
    let mut input = Input(bytes);
    let height = Height::new(input.u64()?);
    let (twigs, rest) = input.0.as_chunks::<TWIG_BYTES>();
    if !rest.is_empty() || twigs.is_empty() || twigs.len() > GROUP_TWIGS {
        return None;
    }
    let twig = |bytes: &[u8; TWIG_BYTES]| {
        let (root, bits) = bytes.split_first_chunk::<32>()?;
        Some((Hash::new(*root), bits.try_into().ok()?))
    };
    Some(Group { height, twigs: twigs.iter().map(twig).collect::<Option<_>>()? })
}
