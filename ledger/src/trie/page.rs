//! One page of the state trie: four levels, sixteen slots. It knows its bytes and its hashes; it does
//! not know where it is stored.

use proto::codec::{DecodeError, Reader};
use proto::hash::Hash;
use proto::trie;

/// Bits of a path that one page decides.
pub(crate) const PAGE_BITS: usize = 4;

/// Levels that a path of 256 bits can have.
pub(crate) const LEVELS_MAX: usize = 256 / PAGE_BITS;

/// Slots of a page.
const SLOTS: usize = 1 << PAGE_BITS;

/// Most leaves that stand in a slot itself. One more, and the slot gets a page of its own; one less,
/// and that page goes: the pages are a function of the set of keys.
///
/// At ten million keys a page of the fifth level holds ten leaves in sixteen slots; with 3 a slot
/// overflows in one page of thirty, so that a key costs one page below the levels kept in memory.
pub(crate) const SLOT_LEAVES_MAX: usize = 3;

/// Bits of the four nodes two levels below the root of a page, in its heap. They are stored with it:
/// a change in one slot then hashes four slots anew and not sixteen.
const QUARTERS: u32 = 0b1111_0000;

/// Byte that stands for a page below where otherwise the number of leaves stands.
const CHILD: u8 = 0xff;

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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Slot<'a> {
    /// None to [`SLOT_LEAVES_MAX`] leaves, ascending by key.
    Leaves(&'a [Leaf]),
    /// A page with more leaves than that, and its root.
    Child(Hash),
}

impl Slot<'_> {
    const fn code(self) -> u8 {
        match self {
            Self::Leaves([]) => 0,
            Self::Leaves([_]) => 1,
            Self::Leaves([_, _]) => 2,
            // No slot is filled with more than three.
            Self::Leaves(_) => 3,
            Self::Child(_) => CHILD,
        }
    }

    /// Appends the content without its code.
    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Child(hash) => out.extend_from_slice(hash.as_bytes()),
            Self::Leaves(leaves) => {
                for leaf in leaves {
                    out.extend_from_slice(leaf.key.as_bytes());
                    out.extend_from_slice(leaf.value.as_bytes());
                }
            }
        }
    }

    fn node(self, depth: usize) -> Node {
        match self {
            Self::Child(hash) => Node { kind: Kind::Inner, hash },
            Self::Leaves([]) => Node::EMPTY,
            Self::Leaves([leaf]) => Node { kind: Kind::Leaf, hash: leaf.hash() },
            Self::Leaves(more) => Node { kind: Kind::Inner, hash: leaves_root(more, depth) },
        }
    }
}

/// A slot with its nibble, as a list of old slots holds it: nibble, code, content.
pub(crate) fn write_old(nibble: u8, slot: Slot<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&[nibble, slot.code()]);
    slot.write(out);
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
fn halves(leaves: &[Leaf], depth: usize) -> (&[Leaf], &[Leaf]) {
    leaves.split_at(leaves.partition_point(|leaf| !leaf.key.bit(depth)))
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// Leaves of each slot, or [`CHILD`].
    codes: [u8; SLOTS],
    /// The leaves of all slots, ascending by key.
    leaves: Vec<Leaf>,
    /// A heap: the root at 1, the children of `i` at `2i` and `2i + 1`, the slots from 16 on.
    nodes: [Node; 2 * SLOTS],
}

impl Default for Page {
    fn default() -> Self {
        Self { codes: [0; SLOTS], leaves: Vec::new(), nodes: [Node::EMPTY; 2 * SLOTS] }
    }
}

impl Page {
    fn code(&self, at: usize) -> u8 {
        *self.codes.get(at).expect("a nibble is below 16")
    }

    fn node(&self, at: usize) -> &Node {
        self.nodes.get(at).expect("a page has 32 nodes")
    }

    fn set_node(&mut self, at: usize, node: Node) {
        *self.nodes.get_mut(at).expect("a page has 32 nodes") = node;
    }

    /// Where the leaves of a slot stand.
    fn span(&self, at: usize) -> std::ops::Range<usize> {
        let counts = |code: &u8| if *code == CHILD { 0 } else { usize::from(*code) };
        let start = self.codes.iter().take(at).map(counts).sum();
        start..start + counts(&self.code(at))
    }

    /// The slot of a nibble.
    pub(crate) fn slot(&self, nibble: u8) -> Slot<'_> {
        let at = usize::from(nibble);
        if self.code(at) == CHILD {
            return Slot::Child(self.node(SLOTS + at).hash);
        }
        Slot::Leaves(self.leaves.get(self.span(at)).expect("the codes count the leaves"))
    }

    /// Every slot with its nibble.
    fn slots(&self) -> impl Iterator<Item = (u8, Slot<'_>)> {
        let (below, mut rest) = (self.nodes.iter().skip(SLOTS), self.leaves.as_slice());
        (0u8..).zip(self.codes).zip(below).map(move |((nibble, code), node)| {
            if code == CHILD {
                return (nibble, Slot::Child(node.hash));
            }
            let (leaves, others) = rest.split_at(usize::from(code));
            rest = others;
            (nibble, Slot::Leaves(leaves))
        })
    }

    /// Sets a slot. The nodes above are stale until `refresh`.
    pub(crate) fn set(&mut self, nibble: u8, slot: Slot<'_>) {
        let at = usize::from(nibble);
        let span = self.span(at);
        let leaves = match slot {
            Slot::Leaves(leaves) => leaves,
            Slot::Child(hash) => {
                self.set_node(SLOTS + at, Node { kind: Kind::Inner, hash });
                &[]
            }
        };
        match self.leaves.get_mut(span.clone()) {
            Some(place) if place.len() == leaves.len() => place.copy_from_slice(leaves),
            Some(_) | None => {
                self.leaves.splice(span, leaves.iter().copied());
            }
        }
        *self.codes.get_mut(at).expect("a nibble is below 16") = slot.code();
    }

    /// Computes the nodes above the slots of `touched` (bit = nibble) of a page at `level`, whose
    /// other nodes are computed.
    pub(crate) fn refresh(&mut self, level: usize, touched: u16) {
        self.slot_nodes(level, touched);
        self.join(u32::from(touched) << SLOTS);
    }

    /// As `refresh`, for a page that was filled and of which no more than the root is needed: only
    /// the quarters with touched slots are computed, the others are known by their hash.
    pub(crate) fn refresh_filled(&mut self, level: usize, touched: u16) {
        let quarter = |number: u16| 0xf << (4 * number);
        let mask = (0..4).map(quarter).filter(|quarter| touched & quarter != 0);
        let mask = mask.fold(0, |all, quarter| all | quarter);
        self.slot_nodes(level, mask);
        self.join(u32::from(mask) << SLOTS | QUARTERS);
    }

    fn slot_nodes(&mut self, level: usize, touched: u16) {
        let depth = (level + 1) * PAGE_BITS;
        for nibble in (0u8..16).filter(|nibble| touched >> nibble & 1 == 1) {
            let node = self.slot(nibble).node(depth);
            self.set_node(SLOTS + usize::from(nibble), node);
        }
    }

    /// Computes every node above those of `stale` (bit = position in the heap).
    fn join(&mut self, stale: u32) {
        let mut stale = stale;
        for at in (1..SLOTS).rev() {
            if stale >> (2 * at) & 0b11 != 0 {
                stale |= 1 << at;
                let joined = Node::join(self.node(2 * at), self.node(2 * at + 1));
                self.set_node(at, joined);
            }
        }
    }

    /// What the node above four slots is, by their codes.
    fn quarter_kind(&self, number: usize) -> Kind {
        let codes = self.codes.iter().skip(4 * number).take(4);
        match codes.map(|code| u32::from(*code)).sum() {
            0 => Kind::Empty,
            1 => Kind::Leaf,
            _ => Kind::Inner,
        }
    }

    /// Root of everything in and below the page.
    pub(crate) fn root(&self) -> Hash {
        self.node(1).hash
    }

    /// All leaves, where they are at most [`SLOT_LEAVES_MAX`] and none lies in a page below.
    pub(crate) fn few_leaves(&self) -> Option<&[Leaf]> {
        let few = self.leaves.len() <= SLOT_LEAVES_MAX && !self.codes.contains(&CHILD);
        few.then_some(self.leaves.as_slice())
    }

    /// The nibbles of the slots that are not empty.
    pub(crate) fn occupied(&self) -> impl Iterator<Item = u8> {
        (0u8..).zip(self.codes).filter(|(_, code)| *code != 0).map(|(nibble, _)| nibble)
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
        let span = self.span(at - SLOTS);
        *self.leaves.get(span.start).expect("a node is a leaf where one slot under it has one")
    }

    /// Appends the sixteen codes, the roots of the four quarters, then the content of each slot.
    pub(crate) fn encode_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.codes);
        for quarter in self.nodes.iter().skip(4).take(4) {
            out.extend_from_slice(quarter.hash.as_bytes());
        }
        self.slots().for_each(|(_, slot)| slot.write(out));
    }

    /// Reads a stored page of `level` and computes its nodes.
    pub(crate) fn decode(level: usize, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut page = Self::default();
        page.fill(level, bytes)?;
        let quarters: Vec<Node> = page.nodes.iter().skip(4).take(4).copied().collect();
        page.refresh(level, u16::MAX);
        if page.nodes.iter().skip(4).take(4).eq(&quarters) {
            Ok(page)
        } else {
            Err(DecodeError::Invalid { field: "quarter", rule: "is the root of its four slots" })
        }
    }

    /// Reads a stored page of `level` in place of what stands here, to be refreshed after changes. Its quarters
    /// are taken as they are stored: a wrong one shows in the root (`ledger/README.md`, 3.3).
    pub(crate) fn fill(&mut self, level: usize, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut input = Reader::new(bytes);
        self.codes = input.array("slots")?;
        for number in 0..4 {
            let (kind, hash) = (self.quarter_kind(number), input.hash("quarter")?);
            self.set_node(4 + number, Node { kind, hash });
        }
        self.leaves.clear();
        self.leaves.reserve_exact(input.remaining() / 64);
        for (at, code) in self.codes.into_iter().enumerate() {
            match read_slot(code, &mut input, &mut self.leaves)? {
                None => (), // its leaves are in place
                Some(hash) => self.set_node(SLOTS + at, Node { kind: Kind::Inner, hash }),
            }
        }
        input.finish()?;
        self.check(level)
    }

    /// What the hashes of a page at `level` are computed from: without it two leaves could share every
    /// bit that is left of their paths, and there is no root over such.
    fn check(&self, level: usize) -> Result<(), DecodeError> {
        let broken = |rule| Err(DecodeError::Invalid { field: "page", rule });
        if !self.leaves.is_sorted_by(|a, b| a.key < b.key) {
            return broken("its leaves ascend by key");
        }
        // They ascend, so that what the first and the last share is shared by all.
        let ends = self.leaves.first().zip(self.leaves.last());
        if ends.is_some_and(|(a, b)| (0..level).any(|at| nibble(&a.key, at) != nibble(&b.key, at)))
        {
            return broken("its leaves share the path of the page");
        }
        for (at, slot) in self.slots() {
            match slot {
                Slot::Leaves(leaves)
                    if leaves.iter().any(|leaf| nibble(&leaf.key, level) != at) =>
                {
                    return broken("a leaf stands in the slot of its path");
                }
                Slot::Child(_) if level + 1 == LEVELS_MAX => {
                    return broken("a path ends with the last level");
                }
                Slot::Leaves(_) | Slot::Child(_) => (), // as it must be
            }
        }
        Ok(())
    }

    /// Sets the value of a leaf that stands in a slot itself; false where it does not. The nodes
    /// above are stale until `refresh`.
    pub(crate) fn set_value(&mut self, nibble: u8, key: &Hash, value: &Hash) -> bool {
        let span = self.span(usize::from(nibble));
        let mut leaves = self.leaves.get_mut(span).into_iter().flatten();
        match leaves.find(|leaf| leaf.key == *key) {
            Some(leaf) => {
                leaf.value = *value;
                true
            }
            None => false,
        }
    }

    /// Puts back old slots of a page at `level`, as `write_old` wrote them, and returns their bits. The
    /// nodes are stale until `refresh`.
    pub(crate) fn restore(&mut self, level: usize, old: &[u8]) -> Result<u16, DecodeError> {
        let mut input = Reader::new(old);
        let mut touched = 0;
        while input.remaining() > 0 {
            let nibble = input.u8("nibble")?;
            if nibble > 0x0f {
                return Err(DecodeError::Invalid { field: "nibble", rule: "is below 16" });
            }
            let code = input.u8("slot")?;
            let mut leaves = Vec::new();
            let child = read_slot(code, &mut input, &mut leaves)?;
            self.set(nibble, child.map_or(Slot::Leaves(&leaves), Slot::Child));
            touched |= 1 << nibble;
        }
        self.check(level)?;
        Ok(touched)
    }
}

/// Reads the content of a slot: the root of a page below, or leaves, which are appended.
fn read_slot(
    code: u8,
    input: &mut Reader<'_>,
    leaves: &mut Vec<Leaf>,
) -> Result<Option<Hash>, DecodeError> {
    if code == CHILD {
        return input.hash("page below").map(Some);
    }
    if usize::from(code) > SLOT_LEAVES_MAX {
        return Err(DecodeError::Invalid { field: "slot", rule: "is 0 to 3, or 255" });
    }
    for _ in 0..code {
        leaves.push(Leaf { key: input.hash("leaf key")?, value: input.hash("leaf value")? });
    }
    Ok(None)
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
