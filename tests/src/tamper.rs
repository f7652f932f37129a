//! Changes one weight in one stored operation, behind a stopped node's back, in its database.

use std::ops::ControlFlow;

use anyhow::Context as _;
use genesis::home::Home;
use ledger::store::{Batch, Column, Durability, Store as _, StoreRead as _};
use proto::codec::Canonical as _;
use proto::operation::Operation;
use proto::schema::{Body, OperationKind};
use proto::transaction::Transaction;
use rocks::RocksStore;

/// What was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// Height of its block.
    pub height: u64,
    /// Position of its transaction in the block.
    pub position: u32,
    /// Code whose weight it was.
    pub code: String,
    /// Weight that was recorded, in thousandths.
    pub before: u64,
    /// Weight that stands there now.
    pub after: u64,
    key: Vec<u8>,
    original: Vec<u8>,
}

impl Changed {
    /// Puts back what was recorded.
    pub fn undo(&self, home: &Home) -> anyhow::Result<()> {
        write(&open(home)?, &self.key, &self.original)
    }
}

fn open(home: &Home) -> anyhow::Result<RocksStore> {
    let path = home.data_folder().join("ledger");
    RocksStore::open(&path).with_context(|| path.display().to_string())
}

fn write(store: &RocksStore, key: &[u8], value: &[u8]) -> anyhow::Result<()> {
    let mut batch = Batch::default();
    batch.put(Column::Bodies, key, value);
    Ok(store.write(batch, Durability::Synced)?)
}

/// Adds `more_milli` to the first weight of the first stored event of `kind`.
pub fn change_a_weight(
    home: &Home,
    kind: OperationKind,
    more_milli: u64,
) -> anyhow::Result<Changed> {
    let store = open(home)?;
    let mut found = None;
    store.scan(Column::Bodies, &[], None, &mut |key, value| {
        found = forged((key, value), kind, more_milli);
        if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let (value, changed) = found.context("no event of this kind with a weight is stored")?;
    write(&store, &changed.key, &value)?;
    Ok(changed)
}

/// The changed bytes, and what they say.
type Forged = (Vec<u8>, Changed);

fn forged((key, value): (&[u8], &[u8]), kind: OperationKind, more_milli: u64) -> Option<Forged> {
    let transaction = Transaction::decode(value).ok()?;
    let (height, position) = key.split_at_checked(8)?;
    let height = u64::from_be_bytes(height.try_into().ok()?);
    let position = u32::from_be_bytes(position.try_into().ok()?);
    for operation in transaction.operations() {
        if let Some((body, code, before)) = heavier(operation, kind, more_milli) {
            let after = before + more_milli;
            let bytes = replace_once(value, &operation.body, &body)?;
            let (key, original) = (key.to_vec(), value.to_vec());
            return Some((bytes, Changed { height, position, code, before, after, key, original }));
        }
    }
    None
}

/// The body with a heavier first item, in as many bytes: what stands around it stays where it is.
fn heavier(
    operation: &Operation,
    kind: OperationKind,
    more_milli: u64,
) -> Option<(Vec<u8>, String, u64)> {
    if operation.kind != kind.code() {
        return None;
    }
    let Ok(Body::Event(mut event)) = Body::decode(kind, &operation.body) else { return None };
    let item = event.items.first_mut()?;
    let quantity = item.quantity.as_mut()?;
    let before = quantity.milli;
    quantity.milli += more_milli;
    let code = item.code.clone();
    let body = Body::Event(event).encode();
    (body.len() == operation.body.len()).then_some((body, code, before))
}

fn replace_once(bytes: &[u8], old: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let at = bytes.windows(old.len()).position(|window| window == old)?;
    let (before, rest) = bytes.split_at_checked(at)?;
    let (_, after) = rest.split_at_checked(old.len())?;
    Some([before, new, after].concat())
}
