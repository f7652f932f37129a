//! Receipts as they are stored (README 2.2): those that follow each other share a row, and each is
//! stored with what it was made from: the place of its operation, or the record of its step.
//!
//! What can be computed is not stored: the hashes of links and alerts, and the leaf of a record.

use proto::codec::{Canonical as _, DecodeError, Reader, Writer};
use proto::hash::Tag;
use proto::receipt::{Alerts, Links, Receipt, ReceiptSource};
use proto::types::{Height, TxId};

use crate::schema;
use crate::sealed;
use crate::store::{Batch, Column, StoreError, StoreRead};

/// Receipts of a row: 64 of them take 16 KB. With all receipts of a block in one row, a trace whose events
/// lie in a hundred full blocks would read a hundred times 3 MB; with one each, rows cost more than what
/// they hold.
pub(crate) const RECEIPTS_PER_ROW: u32 = 64;

/// What a receipt was made from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// An operation of the transaction at this position of the block.
    Transaction(u32),
    /// A system step, with its record.
    Step(Vec<u8>),
}

impl Origin {
    /// Position of the transaction, of an operation.
    pub(crate) fn position(&self) -> Option<u32> {
        match self {
            Self::Transaction(position) => Some(*position),
            Self::Step(_) => None,
        }
    }

    /// The record, of a system step.
    pub(crate) fn record(&self) -> Option<&[u8]> {
        match self {
            Self::Transaction(_) => None,
            Self::Step(record) => Some(record),
        }
    }
}

/// A receipt with what it was made from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stored {
    pub(crate) receipt: Receipt,
    pub(crate) origin: Origin,
}

/// Key of the row that holds a receipt.
pub(crate) fn row_key(height: Height, index: u32) -> Vec<u8> {
    schema::placed(height, index - index % RECEIPTS_PER_ROW)
}

/// Puts all receipts of a height.
pub(crate) fn put<'a>(
    batch: &mut Batch,
    height: Height,
    receipts: impl Iterator<Item = (&'a Receipt, Origin)>,
) {
    let mut receipts = receipts.peekable();
    let mut first = 0;
    while receipts.peek().is_some() {
        let mut row = Row::default();
        for (receipt, origin) in receipts.by_ref().take(ROW_ITEMS) {
            row.push(receipt, &origin);
        }
        let key = schema::placed(height, first);
        sealed::put(batch, (Column::Receipts, &key), |out| row.write(out));
        first += RECEIPTS_PER_ROW;
    }
}

#[expect(clippy::as_conversions, reason = "64 as a length")]
const ROW_ITEMS: usize = RECEIPTS_PER_ROW as usize;

/// A row that is being filled.
#[derive(Default)]
struct Row {
    lengths: Vec<u32>,
    items: Writer,
}

impl Row {
    fn push(&mut self, receipt: &Receipt, origin: &Origin) {
        let mut item = Writer::default();
        match &receipt.source {
            ReceiptSource::Operation { tx_id, op_index, op_leaf } => {
                let position = origin.position().expect("an operation is stored with its place");
                item.u8(0).u32(position).hash(&tx_id.0).u16(*op_index).hash(op_leaf)
            }
            ReceiptSource::System { .. } => {
                item.u8(1).bytes32(origin.record().expect("a step is stored with its record"))
            }
        };
        item.u16(receipt.code);
        receipt.links.encode_to(&mut item);
        receipt.alerts.encode_to(&mut item);
        let item = item.into_bytes();
        self.lengths.push(u32::try_from(item.len()).expect("2,048 links take 1 MB"));
        self.items.raw(&item);
    }

    fn write(self, out: &mut Vec<u8>) {
        let count = u16::try_from(self.lengths.len()).expect("a row has at most 64 receipts");
        out.extend_from_slice(&count.to_be_bytes());
        for length in self.lengths {
            out.extend_from_slice(&length.to_be_bytes());
        }
        out.extend_from_slice(&self.items.into_bytes());
    }
}

/// A row as it was read: an index of its receipts, each decoded when it is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ReceiptRow {
    bytes: Vec<u8>,
    /// Ends of the receipts in `bytes`; each begins where the one before ends.
    ends: Vec<usize>,
    start: usize,
}

impl ReceiptRow {
    /// Reads the index of a row, checksum apart.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        let mut input = Reader::new(&bytes);
        let count = input.u16("receipts")?;
        if count == 0 || u32::from(count) > RECEIPTS_PER_ROW {
            let (found, limit) = (count.into(), RECEIPTS_PER_ROW.into());
            return Err(DecodeError::TooLong { field: "receipts", found, limit });
        }
        let lengths: Vec<u32> =
            (0..count).map(|_| input.u32("receipt length")).collect::<Result<_, _>>()?;
        let start = bytes.len() - input.remaining();
        let mut ends = Vec::with_capacity(lengths.len());
        for length in lengths {
            let length = usize::try_from(length).expect("usize holds 32 bits");
            input.raw("receipt", length)?;
            ends.push(bytes.len() - input.remaining());
        }
        input.finish()?;
        Ok(Self { bytes, ends, start })
    }

    /// Receipts in the row.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The receipt at a position of the row; none behind its end.
    pub(crate) fn item(&self, at: usize) -> Option<Result<Stored, DecodeError>> {
        let end = *self.ends.get(at)?;
        let before = at.checked_sub(1).and_then(|at| self.ends.get(at)).copied();
        self.bytes.get(before.unwrap_or(self.start)..end).map(decode)
    }
}

fn decode(bytes: &[u8]) -> Result<Stored, DecodeError> {
    let mut input = Reader::new(bytes);
    let (source, origin) = match input.u8("receipt kind")? {
        0 => {
            let origin = Origin::Transaction(input.u32("position")?);
            let tx_id = TxId(input.hash("tx_id")?);
            let op_index = input.u16("op_index")?;
            let op_leaf = input.hash("op_leaf")?;
            (ReceiptSource::Operation { tx_id, op_index, op_leaf }, origin)
        }
        1 => {
            let record = input.bytes32("record", u32::MAX)?;
            let step_leaf = Tag::Step.hash(record);
            (ReceiptSource::System { step_leaf }, Origin::Step(record.to_vec()))
        }
        _ => return Err(DecodeError::Invalid { field: "receipt kind", rule: "is 0 or 1" }),
    };
    let code = input.u16("receipt code")?;
    let links = Links::decode_from(&mut input)?;
    let alerts = Alerts::decode_from(&mut input)?;
    input.finish()?;
    Ok(Stored { receipt: Receipt { source, code, links, alerts }, origin })
}

/// Reads receipts one by one and keeps the last row: the entries of a log often share one.
#[derive(Debug)]
pub(crate) struct Receipts<'a, S> {
    store: &'a S,
    last: Option<(Vec<u8>, ReceiptRow)>,
}

impl<'a, S: StoreRead> Receipts<'a, S> {
    /// Nothing read yet.
    pub(crate) fn new(store: &'a S) -> Self {
        Self { store, last: None }
    }

    /// One receipt with what it was made from.
    pub(crate) fn get(&mut self, height: Height, index: u32) -> Result<Option<Stored>, StoreError> {
        let key = row_key(height, index);
        if self.last.as_ref().is_none_or(|(last, _)| *last != key) {
            let Some(bytes) = sealed::get(self.store, Column::Receipts, &key)? else {
                return Ok(None);
            };
            let row = ReceiptRow::parse(bytes).map_err(|_| damaged(&key))?;
            self.last = Some((key.clone(), row));
        }
        let Some((_, row)) = &self.last else { return Ok(None) };
        let at = usize::try_from(index % RECEIPTS_PER_ROW).expect("below 64");
        row.item(at).transpose().map_err(|_| damaged(&key))
    }
}

/// At most `limit` receipts of a height, from index `from` on.
pub(crate) fn range(
    store: &impl StoreRead,
    (height, from): (Height, u32),
    limit: usize,
) -> Result<Vec<Stored>, StoreError> {
    let mut skipped = usize::try_from(from % RECEIPTS_PER_ROW).expect("below 64");
    // One row more than the receipts fill: the first may hold few of them.
    let rows = limit.div_ceil(ROW_ITEMS).saturating_add(1);
    let (prefix, from) = (schema::height(height), row_key(height, from));
    let mut found = Vec::new();
    for (key, bytes) in store.scan_prefix(Column::Receipts, &prefix, &from, rows)? {
        let bytes = sealed::opened(Column::Receipts, &key, bytes)?;
        let row = ReceiptRow::parse(bytes).map_err(|_| damaged(&key))?;
        for at in std::mem::take(&mut skipped)..row.len() {
            if found.len() == limit {
                return Ok(found);
            }
            let item = row.item(at).transpose().map_err(|_| damaged(&key))?;
            found.extend(item);
        }
    }
    Ok(found)
}

fn damaged(key: &[u8]) -> StoreError {
    StoreError::damaged(Column::Receipts, key, "expected a row of receipts")
}
