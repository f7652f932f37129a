//! The hash of a set of rows that follows each row that comes or goes: the working state has one.
//!
//! It is LtHash (Lewi, Kim, Maykov, Weis: "Securing Update Propagation with Homomorphic Hashing", 2019):
//! each row is expanded to 1,024 numbers of 16 bits, and the sum over all rows, lane by lane, is hashed.
//! It knows no storage, and cannot say which of two different sets has the wrong row.

use std::fmt;

use chacha20::ChaCha12;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _};

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::hash::{Hash, Tag};
use crate::namespace::Namespace;

/// Numbers of a sum. With 1,024 of 16 bits the paper expects more than 2^200 steps for two sets of one
/// sum, beyond the 2^128 of the other hashes.
const LANES: usize = 1_024;

/// Bytes of a sum.
pub const SUM_BYTES: usize = 2 * LANES;

/// Bytes of a row's checksum.
pub const CHECKSUM_BYTES: usize = 8;

/// The hash of one row: namespace, key and value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowHash(Hash);

impl RowHash {
    /// The hash of a row.
    ///
    /// # Panics
    /// Where the key is longer than 65,535 bytes: contracts bound their keys far below.
    pub fn of(namespace: Namespace, key: &[u8], value: &[u8]) -> Self {
        let length = u16::try_from(key.len()).expect("a key of the state has at most 65,535 bytes");
        let [high, low] = length.to_be_bytes();
        Self(Tag::WorkingRow.hash_parts(&[&[namespace.code(), high, low], key, value]))
    }

    /// The bytes that stand before the value where the row is stored: a set hash cannot name the row
    /// that was changed, these can.
    pub fn checksum(&self) -> [u8; CHECKSUM_BYTES] {
        let (first, _) = self.0.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
        *first
    }

    /// The row's numbers, as bytes. The cipher stands for a random oracle of long output: BLAKE3's own
    /// has 7 double rounds of the same mixing, this one 6, at a quarter of the time without AVX-512.
    fn expand(&self) -> [u8; SUM_BYTES] {
        let mut out = [0; SUM_BYTES];
        let mut stream = ChaCha12::new(self.0.as_bytes().into(), &[0; 12].into());
        stream.write_keystream(&mut out);
        out
    }
}

/// The sum over a set of rows. A row is to be added once: it is a sum, and counts what it is told.
#[derive(Clone, PartialEq, Eq)]
pub struct SetHash(Box<[u16; LANES]>);

impl Default for SetHash {
    fn default() -> Self {
        Self(Box::new([0; LANES]))
    }
}

impl SetHash {
    /// A row comes.
    pub fn add(&mut self, row: &RowHash) {
        self.change(row, u16::wrapping_add);
    }

    /// A row goes that was there.
    pub fn remove(&mut self, row: &RowHash) {
        self.change(row, u16::wrapping_sub);
    }

    fn change(&mut self, row: &RowHash, step: impl Fn(u16, u16) -> u16) {
        let numbers = row.expand();
        let (numbers, _) = numbers.as_chunks::<2>();
        for (lane, number) in self.0.iter_mut().zip(numbers) {
            *lane = step(*lane, u16::from_be_bytes(*number));
        }
    }

    /// What the leaf of a height says of the set.
    pub fn root(&self) -> Hash {
        Tag::Working.hash(&self.encode())
    }
}

impl Canonical for SetHash {
    fn encode_to(&self, out: &mut Writer) {
        for lane in self.0.iter() {
            out.u16(*lane);
        }
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = input.raw("sum of rows", SUM_BYTES)?;
        let mut sum = Self::default();
        let (numbers, _) = bytes.as_chunks::<2>();
        for (lane, number) in sum.0.iter_mut().zip(numbers) {
            *lane = u16::from_be_bytes(*number);
        }
        Ok(sum)
    }
}

impl fmt::Debug for SetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetHash({})", self.root())
    }
}
