//! What a record of the working state is: one row, decoded once in a block.

use proto::trie::Namespace;

use super::codec::{In, Out, Unreadable};

/// A record that is read, changed and written as one row. A record equal to the default one is none.
pub(crate) trait Row: Clone + Default + PartialEq {
    /// Where it stands.
    const NAMESPACE: Namespace;

    /// Appends the bytes.
    fn write(&self, out: &mut Out);

    /// Reads what [`Self::write`] wrote.
    fn read(input: &mut In<'_>) -> Result<Self, Unreadable>;
}
