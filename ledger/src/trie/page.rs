//! One page of the state trie: four levels, sixteen slots. It knows its bytes and its hashes; it does
//! not know where it is stored.

use proto::codec::{Canonical, DecodeError, Reader, Writer};
use proto::hash::Hash;
use proto::trie;

/// Bits of a path that one page decides.
pub(crate) const PAGE_BITS: usize = 4;

/// Slots of a page.
const SLOTS: usize = 1 << PAGE_BITS;

/// Most leaves that stand in a slot itself. One more, and the slot gets a page of its own; one less,
/// and that page goes: the pages are a function of the set of keys.
///
/// At ten million keys a page of the fifth level holds ten leaves in sixteen slots; with 3 a slot
/// overflows in one page of thirty, so that a key costs one page below the levels kept in memory.
pub(crate) const SLOT_LEAVES_MAX: usize = 3;

/// A key of the state with its value, both hashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Leaf {
    pub(crate) key: Hash,
    pub(crate) value: Hash,
}

impl Leaf {
    fn hash(&self) -> Hash {
        trie::leaf(&self.key, &self.value)
    }
}

/// What stands under one of the sixteen ends of a page.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Slot {
    /// Nothing.
    #[default]
    Empty,
    /// One to [`SLOT_LEAVES_MAX`] leaves, ascending by key.
    Leaves(Box<[Leaf]>),
    /// A page with more leaves than that, and its root.
    Child(Hash),
}

/// Byte that stands for a child page where otherwise the number of leaves stands.
const CHILD: u8 = 0xff;

impl Slot {
    /// A slot of leaves, ascending by key.
    pub(crate) fn of(leaves: Vec<Leaf>) -> Self {
        if leaves.is_empty() { Self::Empty } else { Self::Leaves(leaves.into_boxed_slice()) }
    }

    /// The leaves in the slot itself.
    pub(crate) fn leaves(&self) -> &[Leaf] {
        match self {
            Self::Empty | Self::Child(_) => &[],
            Self::Leaves(leaves) => leaves,
        }
    }

    fn node(&self, depth: usize) -> Node {
        match self {
            Self::Empty => Node::EMPTY,
            Self::Child(hash) => Node { kind: Kind::Inner, hash: *hash },
            Self::Leaves(leaves) => match leaves.as_ref() {
                [] => Node::EMPTY,
                [leaf] => Node { kind: Kind::Leaf, hash: leaf.hash() },
                more => Node { kind: Kind::Inner, hash: leaves_root(more, depth) },
            },
        }
    }
}

/// Root over leaves that share their first `depth` bits.
pub(crate) fn leaves_root(leaves: &[Leaf], depth: usize) -> Hash {
    match leaves {
        [] => Hash::ZERO,
        [leaf] => leaf.hash(),
        more => {
            let (left, right) = halves(more, depth);
            trie::inner(&leaves_root(left, depth + 1), &leaves_root(right, depth + 1))
        }
    }
}

/// The leaves whose bit `depth` is 0, and those whose it is 1.
pub(crate) fn halves(leaves: &[Leaf], depth: usize) -> (&[Leaf], &[Leaf]) {
    leaves.split_at(leaves.partition_point(|leaf| !leaf.key.bit(depth)))
}

impl Canonical for Slot {
    fn encode_to(&self, out: &mut Writer) {
        match self {
            Self::Empty => {
                out.u8(0);
            }
            Self::Leaves(leaves) => {
                out.u8(u8::try_from(leaves.len()).expect("a slot holds at most three leaves"));
                for leaf in leaves {
                    out.hash(&leaf.key).hash(&leaf.value);
                }
            }
            Self::Child(hash) => {
                out.u8(CHILD).hash(hash);
            }
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = input.u8("slot")?;
        if count == CHILD {
            return Ok(Self::Child(input.hash("child page")?));
        }
        if usize::from(count) > SLOT_LEAVES_MAX {
            return Err(DecodeError::Invalid { field: "slot", rule: "is 0 to 3, or 255" });
        }
        let mut leaves: Vec<Leaf> = Vec::new();
        for _ in 0..count {
            let leaf = Leaf { key: input.hash("leaf key")?, value: input.hash("leaf value")? };
            if leaves.last().is_some_and(|last| last.key >= leaf.key) {
                return Err(DecodeError::Invalid { field: "slot", rule: "leaves ascend by key" });
            }
            leaves.push(leaf);
        }
        Ok(Self::of(leaves))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Empty,
    Leaf,
    Inner,
}

/// Root of a subtree, and whether it is one leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Node {
    kind: Kind,
    hash: Hash,
}

impl Node {
    const EMPTY: Self = Self { kind: Kind::Empty, hash: Hash::ZERO };

    fn join(left: &Self, right: &Self) -> Self {
        match (left.kind, right.kind) {
            (Kind::Empty, Kind::Empty) => Self::EMPTY,
            // A subtree with one leaf is that leaf.
            (Kind::Leaf, Kind::Empty) => *left,
            (Kind::Empty, Kind::Leaf) => *right,
            (Kind::Leaf | Kind::Inner, Kind::Leaf | Kind::Inner)
            | (Kind::Inner, Kind::Empty)
            | (Kind::Empty, Kind::Inner) => {
                Self { kind: Kind::Inner, hash: trie::inner(&left.hash, &right.hash) }
            }
        }
    }
}

/// Where a walk through a page ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// No leaf shares the path so far.
    Empty,
    /// One leaf shares the path so far.
    Leaf(Leaf),
    /// The walk goes on in the page below.
    Below,
}

/// Sixteen slots and the fifteen nodes above them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Page {
    slots: [Slot; SLOTS],
    /// A heap: the root at 1, the children of `i` at `2i` and `2i + 1`, the slots from 16 on.
    nodes: [Node; 2 * SLOTS],
}

impl Default for Page {
    fn default() -> Self {
        Self { slots: Default::default(), nodes: [Node::EMPTY; 2 * SLOTS] }
    }
}

impl Page {
    /// The slot of a nibble.
    pub(crate) fn slot(&self, nibble: u8) -> &Slot {
        self.slots.get(usize::from(nibble)).expect("a nibble is below 16")
    }

    /// Sets a slot and returns what stood there. The nodes above are stale until `refresh`.
    pub(crate) fn replace(&mut self, nibble: u8, slot: Slot) -> Slot {
        let place = self.slots.get_mut(usize::from(nibble)).expect("a nibble is below 16");
        std::mem::replace(place, slot)
    }

    /// Computes the nodes above the slots of `touched` (bit = nibble) of a page at `level`.
    pub(crate) fn refresh(&mut self, level: usize, touched: u16) {
        let mut stale = u32::from(touched) << SLOTS;
        let depth = (level + 1) * PAGE_BITS;
        for (at, slot) in self.slots.iter().enumerate() {
            if touched >> at & 1 == 1 {
                *self.nodes.get_mut(SLOTS + at).expect("32 nodes") = slot.node(depth);
            }
        }
        for at in (1..SLOTS).rev() {
            if stale >> (2 * at) & 0b11 != 0 {
                stale |= 1 << at;
                let joined = Node::join(self.node(2 * at), self.node(2 * at + 1));
                *self.nodes.get_mut(at).expect("32 nodes") = joined;
            }
        }
    }

    fn node(&self, at: usize) -> &Node {
        self.nodes.get(at).expect("a page has 32 nodes")
    }

    /// Root of everything in and below the page.
    pub(crate) fn root(&self) -> Hash {
        self.node(1).hash
    }

    /// All leaves, where they are at most [`SLOT_LEAVES_MAX`] and none lies in a page below.
    pub(crate) fn few_leaves(&self) -> Option<Vec<Leaf>> {
        let mut few = Vec::new();
        for slot in &self.slots {
            if matches!(slot, Slot::Child(_)) || few.len() + slot.leaves().len() > SLOT_LEAVES_MAX {
                return None;
            }
            few.extend_from_slice(slot.leaves());
        }
        Some(few)
    }

    /// The slots with their nibbles.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (u8, &Slot)> {
        (0u8..).zip(&self.slots)
    }

    /// Follows `key` through a page at `level` and collects the siblings on the way.
    pub(crate) fn walk(&self, level: usize, key: &Hash, siblings: &mut Vec<Hash>) -> End {
        let mut at = 1;
        for depth in level * PAGE_BITS..(level + 1) * PAGE_BITS {
            match self.node(at).kind {
                Kind::Empty => return End::Empty,
                Kind::Leaf => return End::Leaf(self.only_leaf(at)),
                Kind::Inner => {
                    let (left, right) = (2 * at, 2 * at + 1);
                    let (next, other) = if key.bit(depth) { (right, left) } else { (left, right) };
                    siblings.push(self.node(other).hash);
                    at = next;
                }
            }
        }
        match self.slot(nibble(key, level)) {
            Slot::Empty => End::Empty,
            Slot::Child(_) => End::Below,
            Slot::Leaves(leaves) => walk_leaves(leaves, (level + 1) * PAGE_BITS, key, siblings),
        }
    }

    /// The one leaf under a node that is a leaf.
    fn only_leaf(&self, at: usize) -> Leaf {
        let mut at = at;
        while at < SLOTS {
            at = if self.node(2 * at).kind == Kind::Empty { 2 * at + 1 } else { 2 * at };
        }
        let slot = self.slots.get(at - SLOTS).expect("sixteen slots");
        *slot.leaves().first().expect("a node is a leaf where one slot under it has one")
    }
}

fn walk_leaves(leaves: &[Leaf], depth: usize, key: &Hash, siblings: &mut Vec<Hash>) -> End {
    match leaves {
        [] => End::Empty,
        [leaf] => End::Leaf(*leaf),
        more => {
            let (left, right) = halves(more, depth);
            let (next, other) = if key.bit(depth) { (right, left) } else { (left, right) };
            siblings.push(leaves_root(other, depth + 1));
            walk_leaves(next, depth + 1, key, siblings)
        }
    }
}

/// Which slot of a page at `level` a key belongs to.
pub(crate) fn nibble(key: &Hash, level: usize) -> u8 {
    let byte = key.as_bytes().get(level / 2).expect("a key hash has 64 nibbles");
    if level.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

/// Bits of the occupied slots, then those slots by nibble.
impl Canonical for Page {
    fn encode_to(&self, out: &mut Writer) {
        let occupied = || self.slots().filter(|(_, slot)| **slot != Slot::Empty);
        out.u16(occupied().fold(0, |bits, (nibble, _)| bits | 1 << nibble));
        occupied().for_each(|(_, slot)| slot.encode_to(out));
    }

    /// The level is not in the bytes: the nodes are stale until `refresh`.
    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let occupied = input.u16("occupied slots")?;
        let mut page = Self::default();
        for (at, slot) in page.slots.iter_mut().enumerate() {
            if occupied >> at & 1 == 1 {
                *slot = Slot::decode_from(input)?;
                if *slot == Slot::Empty {
                    let rule = "is not empty where its bit is set";
                    return Err(DecodeError::Invalid { field: "slot", rule });
                }
            }
        }
        Ok(page)
    }
}

impl Page {
    /// Reads a stored page of `level` and computes its nodes.
    pub(crate) fn read(level: usize, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut page = Self::decode(bytes)?;
        page.refresh(level, u16::MAX);
        Ok(page)
    }
}
