//! A recorded operation as the state keeps it: where it stands, and for an event what corrects it. The
//! bytes stand in the block and are read there.

use proto::operation::OpUid;
use proto::trie::Namespace;
use proto::{Hash, Height};

use super::codec::{In, Out, Unreadable};
use super::row::Row;

/// Where an operation stands in the ledger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct At {
    /// Height of its block.
    pub height: Height,
    /// Position of its receipt in the block.
    pub receipt_index: u32,
}

/// An operation that was accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// Where it stands.
    pub at: At,
    /// Hash of its bytes.
    pub leaf: Hash,
}

/// What stands in place of an event: a correction, ordered by when it was made, then by identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Replacement {
    /// When the correction was made.
    pub occurred_ms: u64,
    /// `op_uid` of the correction.
    pub uid: OpUid,
    /// Where the correction stands.
    pub at: At,
}

/// Namespace `OP_UID`, key = agency u16, `op_uid`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct OperationRow {
    /// The operation; none where only corrections of it have arrived.
    pub accepted: Option<Accepted>,
    /// Of an event the correction in force: the latest by time, then by identity.
    pub replacement: Option<Replacement>,
    /// Where this operation is itself a correction: `op_uid` of what it corrects.
    pub corrects: Option<OpUid>,
}

impl Row for OperationRow {
    const NAMESPACE: Namespace = Namespace::OpUid;

    fn write(&self, out: &mut Out) {
        out.byte(u8::from(self.accepted.is_some()));
        if let Some(accepted) = &self.accepted {
            accepted.at.write(out);
            out.raw(accepted.leaf.as_bytes());
        }
        if self.replacement.is_none() && self.corrects.is_none() {
            return;
        }
        out.byte(u8::from(self.replacement.is_some()));
        if let Some(replacement) = &self.replacement {
            out.number(replacement.occurred_ms);
            out.raw(&replacement.uid.0);
            replacement.at.write(out);
        }
        out.byte(u8::from(self.corrects.is_some()));
        if let Some(corrects) = &self.corrects {
            out.raw(&corrects.0);
        }
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let mut row = Self::default();
        if input.byte()? != 0 {
            let at = At::read(input)?;
            row.accepted = Some(Accepted { at, leaf: Hash::new(input.array()?) });
        }
        if input.is_empty() {
            return Ok(row);
        }
        if input.byte()? != 0 {
            let (occurred_ms, uid) = (input.number()?, OpUid(input.array()?));
            row.replacement = Some(Replacement { occurred_ms, uid, at: At::read(input)? });
        }
        if input.byte()? != 0 {
            row.corrects = Some(OpUid(input.array()?));
        }
        Ok(row)
    }
}

impl At {
    fn write(self, out: &mut Out) {
        out.number(self.height.value());
        out.number(self.receipt_index.into());
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        Ok(Self { height: Height::new(input.number()?), receipt_index: input.small()? })
    }
}

/// Where the operation behind a row stands; none where only corrections of it have arrived.
pub fn place_of(row: &[u8]) -> Result<Option<At>, NoRow> {
    let row = OperationRow::read(&mut In::new(row)).map_err(|Unreadable(rule)| NoRow { rule })?;
    Ok(row.accepted.map(|accepted| accepted.at))
}

/// Bytes that are not the row of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the row of an operation: {rule}")]
pub struct NoRow {
    /// What the form demands.
    pub rule: &'static str,
}
