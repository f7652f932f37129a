//! The records behind the state's keys: prost messages, read and written whole. A record without
//! content is no record: writing it removes the key, so that what was taken back leaves no trace in
//! the state root.

pub mod fact;
pub mod governance;
pub mod matching;
pub mod registry;
pub mod shipment;
pub mod step;
pub mod unit;

use prost::Message;
use proto::codec::Writer;
use proto::trie::Namespace;

use crate::state::{Overlay, State, StateFault};

/// Reads the record under a key.
pub fn load<M: Message + Default>(
    state: &dyn State,
    namespace: Namespace,
    key: &[u8],
) -> Result<Option<M>, StateFault> {
    let Some(value) = state.get(namespace, key)? else { return Ok(None) };
    let record = M::decode(&*value);
    record.map(Some).map_err(|error| StateFault::record(namespace, key, &error))
}

/// Reads the record under a key, an empty one where there is none.
pub fn load_or_default<M: Message + Default>(
    state: &dyn State,
    namespace: Namespace,
    key: &[u8],
) -> Result<M, StateFault> {
    Ok(load(state, namespace, key)?.unwrap_or_default())
}

/// Writes the record under a key, or removes the key where the record has no content.
pub(crate) fn store<M: Message>(
    state: &mut Overlay<'_>,
    namespace: Namespace,
    key: &[u8],
    record: &M,
) -> Result<(), StateFault> {
    let value = record.encode_to_vec();
    if value.is_empty() {
        return state.delete(namespace, key);
    }
    state.put(namespace, key, value);
    Ok(())
}

/// A key of several parts: each but the last with its length before it, so that no two meet.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Writer::default();
    if let Some((last, heads)) = parts.split_last() {
        for head in heads {
            key.bytes16(head);
        }
        key.raw(last);
    }
    key.into_bytes()
}

/// The two parts of a key that [`joined`] made of two.
pub(crate) fn parted(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = key.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
