//! Whether everything that is stored of the ring belongs together: rows, leaves, bits, and the heights
//! of the window, each up to the state root that the history names.

use std::ops::ControlFlow;

use proto::hash::Hash;
use proto::ring::{self, SENTINEL, TWIG_LEAVES, TwigBits};
use proto::tree::Levels;
use proto::types::Height;

use super::leaf;
use super::rows::{Row, read_leaves, replaced};
use super::twigs::Twigs;
use crate::schema;
use crate::sealed;
use crate::store::{Column, StoreError, StoreRead};

/// Leaves that are computed before they are compared, in the order of their positions: each twig is
/// read once for so many, and they take 30 MB.
const COMPARED_AT_ONCE: usize = 1 << 18;

/// Something that does not belong together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Finding {
    /// Column of the row to blame.
    pub(crate) column: Column,
    /// Its key.
    pub(crate) key: Vec<u8>,
    /// The rule that is broken.
    pub(crate) rule: &'static str,
    /// What had to be.
    pub(crate) expected: String,
    /// What is.
    pub(crate) found: String,
}

/// What a check tells while it goes on.
pub(crate) enum Told {
    /// Something is wrong.
    Wrong(Finding),
    /// So many of so many older heights are done.
    Older(u64, u64),
}

/// What was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Checked {
    /// Proved keys.
    pub(crate) keys: u64,
    /// Twigs with leaves.
    pub(crate) twigs: u64,
    /// Heights below the head that can still be proven.
    pub(crate) older: u64,
}

/// A leaf that a row demands.
struct Demanded {
    position: u64,
    leaf: Hash,
    column: Column,
    key: Vec<u8>,
}

struct Check<'a, S> {
    store: &'a S,
    report: &'a mut dyn FnMut(Told) -> ControlFlow<()>,
    ended: ControlFlow<()>,
    demanded: Vec<Demanded>,
    checked: Checked,
}

/// Compares all of it. `root_of` is the state root that the history names for a height; `report`
/// is told what is found, and breaks where that is enough.
pub(crate) fn check<S: StoreRead>(
    store: &S,
    head: Height,
    root_of: &dyn Fn(Height) -> Option<Hash>,
    report: &mut dyn FnMut(Told) -> ControlFlow<()>,
) -> Result<Checked, StoreError> {
    let mut twigs = Twigs::open(store, head)?;
    let (ended, checked) = (ControlFlow::Continue(()), Checked::default());
    let mut check = Check { store, report, ended, demanded: Vec::new(), checked };
    check.root(&twigs, head, root_of);
    check.rows(&twigs)?;
    check.leaves(&twigs)?;
    check.older(&mut twigs, head, root_of)?;
    Ok(check.checked)
}

impl<S: StoreRead> Check<'_, S> {
    fn same<T: PartialEq + ToString>(
        &mut self,
        (column, key): (Column, &[u8]),
        rule: &'static str,
        (expected, found): (T, T),
    ) {
        if expected != found && self.ended.is_continue() {
            let (expected, found) = (expected.to_string(), found.to_string());
            let finding = Finding { column, key: key.to_vec(), rule, expected, found };
            self.ended = (self.report)(Told::Wrong(finding));
        }
    }

    fn root(&mut self, twigs: &Twigs, at: Height, root_of: &dyn Fn(Height) -> Option<Hash>) {
        let rule = "roots and bits of twigs lead to the state root of the height";
        let expected = root_of(at).unwrap_or_default();
        self.same((Column::Turns, &schema::height(at)), rule, (expected, twigs.root()));
    }

    /// Each row names the next one, and the active leaves are those of the rows.
    fn rows(&mut self, twigs: &Twigs) -> Result<(), StoreError> {
        let count = usize::try_from(twigs.size().div_ceil(TWIG_LEAVES)).unwrap_or(usize::MAX);
        let mut bits: Vec<TwigBits> = vec![[0; ring::TWIG_BITS_BYTES]; count];
        let mut expected = SENTINEL.to_vec();
        let (store, mut failed) = (self.store, None);
        store.scan(Column::State, &[], None, &mut |key, stored| {
            let opened = sealed::open(Column::State, key, stored);
            let row = match opened.and_then(|bytes| Row::parse(key, bytes)) {
                Ok(row) => row,
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            };
            let rule = "its key is the one that the row before names as next";
            let shown = |key: &[u8]| crate::store::hex(key);
            self.same((Column::State, key), rule, (shown(&expected), shown(key)));
            expected = row.next.to_vec();
            let rule = "each row has a leaf of its own in the ring";
            let twig = usize::try_from(row.position / TWIG_LEAVES).unwrap_or(usize::MAX);
            match bits.get_mut(twig).filter(|_| row.position < twigs.size()) {
                Some(bits) if !ring::is_active(bits, row.position) => {
                    ring::activate(bits, row.position);
                }
                Some(_) => self.same((Column::State, key), rule, ("one row", "two rows")),
                None => {
                    let outside = row.position.to_string();
                    let size = format!("below {}", twigs.size());
                    self.same((Column::State, key), rule, (size, outside));
                }
            }
            self.checked.keys += 1;
            failed = self.demand((Column::State, key), (key, &row), twigs.size()).err();
            if failed.is_some() { ControlFlow::Break(()) } else { self.ended }
        })?;
        failed.map_or(Ok(()), Err)?;
        self.compare()?;
        let rule = "the last key names the first as next";
        let shown = |key: &[u8]| crate::store::hex(key);
        self.same((Column::State, SENTINEL), rule, (shown(SENTINEL), shown(&expected)));
        let rule = "the active leaves of a twig are those of the rows";
        for (twig, bits) in (0u64..).zip(&bits) {
            let key = group_key(twig);
            self.same((Column::Twigs, &key), rule, (hex_bits(bits), hex_bits(&twigs.bits(twig))));
        }
        Ok(())
    }

    fn demand(
        &mut self,
        (column, of): (Column, &[u8]),
        (key, row): (&[u8], &Row<'_>),
        size: u64,
    ) -> Result<(), StoreError> {
        if row.position >= size {
            // No leaf is there; that the row names one is reported with the positions.
            return Ok(());
        }
        let leaf = leaf(key, row);
        self.demanded.push(Demanded { position: row.position, leaf, column, key: of.to_vec() });
        if self.demanded.len() == COMPARED_AT_ONCE { self.compare() } else { Ok(()) }
    }

    /// The leaves that rows demand stand at their positions.
    fn compare(&mut self) -> Result<(), StoreError> {
        let mut demanded = std::mem::take(&mut self.demanded);
        demanded.sort_unstable_by_key(|one| one.position);
        let of_twig = |one: &Demanded| one.position / TWIG_LEAVES;
        for part in demanded.chunk_by(|a, b| of_twig(a) == of_twig(b)) {
            let (Some(twig), Some(last)) = (part.first().map(of_twig), part.last()) else {
                continue;
            };
            let leaves = read_leaves(self.store, twig, last.position + 1)?;
            for one in part {
                let at = usize::try_from(one.position % TWIG_LEAVES).unwrap_or(usize::MAX);
                let found = leaves.get(at).copied().unwrap_or_default();
                let rule = "the row is that of its leaf";
                self.same((one.column, &one.key), rule, (found, one.leaf));
            }
        }
        Ok(())
    }

    /// The leaves of each full twig have the root that stands for them.
    fn leaves(&mut self, twigs: &Twigs) -> Result<(), StoreError> {
        for twig in 0..twigs.size() / TWIG_LEAVES {
            if self.ended.is_break() {
                return Ok(());
            }
            let from = (twig * TWIG_LEAVES).to_be_bytes();
            let until = ((twig + 1) * TWIG_LEAVES).to_be_bytes();
            let any = self.store.last_below(Column::Leaves, &from, &until)?.is_some();
            if !any && twigs.bits(twig) == [0; ring::TWIG_BITS_BYTES] {
                continue; // no height of the window needs them
            }
            let root = Levels::of(read_leaves(self.store, twig, u64::MAX)?).root();
            let rule = "the leaves of a twig hash to its root";
            let expected = twigs.sealed(twig).unwrap_or_default();
            self.same((Column::Leaves, &from), rule, (expected, root));
            self.checked.twigs += 1;
        }
        Ok(())
    }

    /// What the heights replaced leads back, height by height, to their state roots.
    fn older(
        &mut self,
        twigs: &mut Twigs,
        head: Height,
        root_of: &dyn Fn(Height) -> Option<Hash>,
    ) -> Result<(), StoreError> {
        let mut height = head;
        let all = twigs.steps_back();
        while let Some(turn) = twigs.step_back(self.store)? {
            let mut retired = Vec::with_capacity(turn.retired.len());
            for (key, bytes) in self.replaced_rows(turn.height)? {
                for one in replaced(&key, &bytes)? {
                    let row = Row::parse(one.key, one.row)?;
                    retired.push(row.position);
                    self.demand((Column::Undo, &key), (one.key, &row), turn.from)?;
                }
            }
            retired.sort_unstable();
            let rule = "the height replaced the rows whose leaves it retired";
            let key = schema::height(turn.height);
            let shown = |positions: &[u64]| format!("{positions:?}");
            if turn.retired != retired {
                let both = (shown(&turn.retired), shown(&retired));
                self.same((Column::Undo, &key), rule, both);
            }
            height = turn.height.minus(1);
            self.root(twigs, height, root_of);
            self.checked.older += 1;
            let told = (self.report)(Told::Older(self.checked.older, all));
            if self.ended.is_break() || told.is_break() {
                return Ok(());
            }
        }
        self.compare()?;
        self.strays(Column::Undo, height.next())?;
        self.strays(Column::Turns, height)
    }

    fn replaced_rows(&self, height: Height) -> Result<Vec<crate::store::Pair>, StoreError> {
        let prefix = schema::height(height);
        self.store.scan_prefix(Column::Undo, &prefix, &prefix, usize::MAX)
    }

    /// A column by height holds nothing below `floor`.
    fn strays(&mut self, column: Column, floor: Height) -> Result<(), StoreError> {
        let floor = schema::height(floor);
        let below = self.store.last_below(column, &[], &floor)?;
        if let Some((key, _)) = below {
            let rule = "it holds heights of the window";
            self.same((column, &key), rule, ("none", "a row"));
        }
        Ok(())
    }
}

fn group_key(twig: u64) -> [u8; 8] {
    let twigs = u64::try_from(super::rows::GROUP_TWIGS).expect("32");
    (twig / twigs).to_be_bytes()
}

fn hex_bits(bits: &TwigBits) -> String {
    crate::store::hex(bits)
}
