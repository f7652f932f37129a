//! Rows that carry a checksum: what was changed behind the store's back is named when it is read.
//!
//! The hashes that lead to the history say that something is wrong with a height or with the working
//! rows as a whole; the checksum says which row. It protects against damage, not against an attacker,
//! who would write the right one: that is what the hashes are for.

use proto::hash::Tag;
use proto::namespace::KEY_BYTES_MAX;
use proto::set_hash::{CHECKSUM_BYTES, RowHash};

use crate::schema;
use crate::store::{Batch, Column, StoreError, StoreRead, hex};

/// Puts a row with the value that `write` appends.
pub(crate) fn put(
    batch: &mut Batch,
    (column, key): (Column, &[u8]),
    write: impl FnOnce(&mut Vec<u8>),
) {
    batch.put_with(column, key, |out| {
        let start = out.len();
        out.extend_from_slice(&[0; CHECKSUM_BYTES]);
        write(out);
        let (place, value) = out
            .get_mut(start..)
            .and_then(<[u8]>::split_first_chunk_mut::<CHECKSUM_BYTES>)
            .expect("the place of the checksum was written above");
        *place = checksum(column, key, value);
    });
}

/// The value of a row as it is stored.
pub(crate) fn open<'a>(
    column: Column,
    key: &[u8],
    stored: &'a [u8],
) -> Result<&'a [u8], StoreError> {
    let Some((found, value)) = stored.split_first_chunk::<CHECKSUM_BYTES>() else {
        return Err(StoreError::damaged(column, key, "expected a checksum of 8 bytes and a value"));
    };
    let expected = checksum(column, key, value);
    if *found == expected { Ok(value) } else { Err(changed((column, key), expected, *found)) }
}

/// As [`open`], in the buffer that holds the row.
pub(crate) fn opened(column: Column, key: &[u8], mut row: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    open(column, key, &row)?;
    row.drain(..CHECKSUM_BYTES);
    Ok(row)
}

/// The value of a working row with the hash that it was checked by.
pub(crate) fn open_working(
    state_key: &[u8],
    mut row: Vec<u8>,
) -> Result<(Vec<u8>, RowHash), StoreError> {
    let column = Column::Working;
    let rule = "expected a namespace, a checksum of 8 bytes and a value";
    let damaged = || StoreError::damaged(column, state_key, rule);
    let (namespace, key) = schema::split_state(state_key)
        .filter(|(_, key)| key.len() <= KEY_BYTES_MAX)
        .ok_or_else(damaged)?;
    let (found, value) = row.split_first_chunk::<CHECKSUM_BYTES>().ok_or_else(damaged)?;
    let hash = RowHash::of(namespace, key, value);
    if hash.checksum() != *found {
        return Err(changed((column, state_key), hash.checksum(), *found));
    }
    row.drain(..CHECKSUM_BYTES);
    Ok((row, hash))
}

/// The value of a key.
pub(crate) fn get(
    store: &impl StoreRead,
    column: Column,
    key: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    store.get(column, key)?.map(|row| opened(column, key, row)).transpose()
}

fn checksum(column: Column, key: &[u8], value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    if column == Column::Working
        && let Some((namespace, key)) = schema::split_state(key)
        && key.len() <= KEY_BYTES_MAX
    {
        return RowHash::of(namespace, key, value).checksum();
    }
    let length = u32::try_from(key.len()).expect("keys of a store are far shorter than 4 GiB");
    let name = column.name().as_bytes();
    let hash = Tag::StoredRow.hash_parts(&[name, &[0], &length.to_be_bytes(), key, value]);
    let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    *first
}

fn changed(
    (column, key): (Column, &[u8]),
    expected: [u8; CHECKSUM_BYTES],
    found: [u8; CHECKSUM_BYTES],
) -> StoreError {
    let (expected, found) = (hex(&expected), hex(&found));
    StoreError::Changed { column, key: key.to_vec(), expected, found }
}
