//! A list of a record: in the record's row while it is short, in rows of its own where it is long.
//! Which of the two is a function of the number of entries, so that the order in which entries came
//! and went leaves no mark. Owns the form; `state` reads and writes the rows of long lists.

use super::codec::{In, Out, Unreadable, Value};

/// Entries of a list in its owner's row. Sixteen entries of 60 bytes are 1 KB; nearly every unit has
/// fewer, and a list with more is not worth reading whole each time its owner is touched.
pub(crate) const INLINE_MAX: usize = 16;

/// Entries by ascending key, or how many of them have rows of their own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct List<V> {
    entries: Vec<(Vec<u8>, V)>,
    spilled: u64,
}

impl<V> Default for List<V> {
    fn default() -> Self {
        Self { entries: Vec::new(), spilled: 0 }
    }
}

impl<V> List<V> {
    /// Number of entries.
    pub(crate) fn len(&self) -> u64 {
        let inline = u64::try_from(self.entries.len()).expect("usize is at most 64 bits");
        inline.saturating_add(self.spilled)
    }

    /// Whether it has none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.spilled == 0
    }

    /// Whether the entries have rows of their own.
    pub(crate) const fn is_spilled(&self) -> bool {
        self.spilled > 0
    }

    /// The entries in the row; none where they are spilled.
    pub(crate) fn inline(&self) -> &[(Vec<u8>, V)] {
        &self.entries
    }

    /// Position of a key among the entries in the row.
    pub(crate) fn position(&self, key: &[u8]) -> Result<usize, usize> {
        self.entries.binary_search_by(|(held, _)| held.as_slice().cmp(key))
    }

    /// The entries in the row, to be changed in place.
    pub(crate) const fn inline_mut(&mut self) -> &mut Vec<(Vec<u8>, V)> {
        &mut self.entries
    }

    /// Says how many entries have rows of their own.
    pub(crate) fn set_spilled(&mut self, count: u64) {
        self.spilled = count;
    }
}

/// A list without the type of its values.
pub(crate) trait Written {
    fn is_none(&self) -> bool;
    fn write(&self, out: &mut Out);
    fn fill(&mut self, input: &mut In<'_>) -> Result<(), Unreadable>;
}

impl<V: Value> Written for List<V> {
    fn is_none(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, out: &mut Out) {
        out.number(self.len());
        for (key, value) in &self.entries {
            out.bytes(key);
            value.write(out);
        }
    }

    fn fill(&mut self, input: &mut In<'_>) -> Result<(), Unreadable> {
        let count = input.number()?;
        let inline = usize::try_from(count).unwrap_or(usize::MAX);
        if inline > INLINE_MAX {
            self.spilled = count;
            return Ok(());
        }
        for _ in 0..inline {
            let key = input.bytes()?.to_vec();
            if self.entries.last().is_some_and(|(last, _)| *last >= key) {
                return Err(Unreadable("a list of the row does not ascend"));
            }
            self.entries.push((key, V::read(input)?));
        }
        Ok(())
    }
}

/// Writes the lists of a row: which of them have entries, then those.
pub(crate) fn write_lists(out: &mut Out, lists: &[&dyn Written]) {
    let mut mask = 0u64;
    for (position, list) in lists.iter().enumerate() {
        mask |= u64::from(!list.is_none()) << position;
    }
    out.number(mask);
    for list in lists.iter().filter(|list| !list.is_none()) {
        list.write(out);
    }
}

/// Reads what [`write_lists`] wrote.
pub(crate) fn read_lists(
    input: &mut In<'_>,
    lists: &mut [&mut dyn Written],
) -> Result<(), Unreadable> {
    let mask = input.number()?;
    if mask.checked_shr(u32::try_from(lists.len()).unwrap_or(u32::MAX)).unwrap_or(0) != 0 {
        return Err(Unreadable("the row has a list that no record has"));
    }
    for (position, list) in lists.iter_mut().enumerate() {
        if mask >> position & 1 == 1 {
            list.fill(input)?;
        }
    }
    Ok(())
}

/// Which list of which record, and the byte that its entries have in keys where they are spilled.
/// Bytes are fixed for ever.
pub(crate) struct Field<R, V> {
    /// The byte in keys.
    pub(crate) code: u8,
    /// The list.
    pub(crate) of: fn(&R) -> &List<V>,
    /// The list, to be changed.
    pub(crate) of_mut: fn(&mut R) -> &mut List<V>,
}

impl<R, V> Clone for Field<R, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, V> Copy for Field<R, V> {}

/// Declares the lists of a record.
macro_rules! fields {
    ($row:ident { $($name:ident: $value:ty = $code:literal, $field:ident;)* }) => {
        impl $row {
            $(
                pub(crate) const $name: $crate::record::list::Field<Self, $value> =
                    $crate::record::list::Field {
                        code: $code,
                        of: |row| &row.$field,
                        of_mut: |row| &mut row.$field,
                    };
            )*
        }
    };
}

pub(crate) use fields;
