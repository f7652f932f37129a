//! Canonical bytes: big-endian integers of fixed width, lengths before content, nothing left over.
//!
//! Every structure that is hashed, signed or sent between nodes has exactly one encoding. A reader
//! checks a length against its limit before it allocates.

use thiserror::Error;

use crate::hash::Hash;

/// Why bytes are not the encoding of what was expected.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum DecodeError {
    /// The input ended inside a field.
    #[error("{field}: expected {expected} more bytes, found {found}")]
    Truncated {
        /// Field being read.
        field: &'static str,
        /// Bytes that the field needs.
        expected: usize,
        /// Bytes that were left.
        found: usize,
    },
    /// The structure ended before the input.
    #[error("{extra} bytes follow the end of the structure")]
    Trailing {
        /// Bytes left over.
        extra: usize,
    },
    /// A length or count is above its limit.
    #[error("{field}: {found} is above the limit of {limit}")]
    TooLong {
        /// Field being read.
        field: &'static str,
        /// Length that the input claims.
        found: u64,
        /// Largest length allowed.
        limit: u64,
    },
    /// A value that the format does not know or does not allow.
    #[error("{field}: {rule}")]
    Invalid {
        /// Field being read.
        field: &'static str,
        /// What the format demands there.
        rule: &'static str,
    },
}

/// A structure with one canonical encoding.
pub trait Canonical: Sized {
    /// Appends the encoding.
    fn encode_to(&self, out: &mut Writer);

    /// Reads one structure and leaves what follows it.
    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The encoding.
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.encode_to(&mut out);
        out.into_bytes()
    }

    /// Reads a structure that fills `bytes` exactly.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let value = Self::decode_from(&mut input)?;
        input.finish()?;
        Ok(value)
    }
}

/// Builds canonical bytes.
#[derive(Clone, Default, Debug)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// The bytes written so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// A digest.
    pub fn hash(&mut self, value: &Hash) -> &mut Self {
        self.raw(value.as_bytes())
    }

    /// Bytes whose length the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// `T(t)`: the length of an ASCII tag in one byte, then the tag.
    ///
    /// # Panics
    /// Where the tag is longer than 255 bytes: tags are constants of this crate.
    pub fn tag(&mut self, text: &str) -> &mut Self {
        self.u8(u8::try_from(text.len()).expect("a tag is shorter than 256 bytes"));
        self.raw(text.as_bytes())
    }

    /// A length in two bytes, then the bytes.
    ///
    /// # Panics
    /// Where there are more than 65,535 bytes: the types that are encoded so are limited below it.
    pub fn bytes16(&mut self, bytes: &[u8]) -> &mut Self {
        self.u16(u16::try_from(bytes.len()).expect("limited below 64 KiB where it was made"));
        self.raw(bytes)
    }

    /// A length in four bytes, then the bytes.
    ///
    /// # Panics
    /// Where there are 4 GiB or more: the types that are encoded so are limited below it.
    pub fn bytes32(&mut self, bytes: &[u8]) -> &mut Self {
        self.u32(u32::try_from(bytes.len()).expect("limited below 4 GiB where it was made"));
        self.raw(bytes)
    }

    /// A count in two bytes, then the structures.
    ///
    /// # Panics
    /// Where there are more than 65,535: the lists that are encoded so are limited below it.
    pub fn list16<T: Canonical>(&mut self, items: &[T]) -> &mut Self {
        self.u16(u16::try_from(items.len()).expect("limited below 65,536 where it was made"));
        for item in items {
            item.encode_to(self);
        }
        self
    }
}

/// Reads canonical bytes.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Bytes not read yet.
    pub const fn remaining(&self) -> usize {
        self.0.len()
    }

    /// Fails where anything is left.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing { extra: self.0.len() }) }
    }

    /// The next `length` bytes.
    pub fn raw(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], DecodeError> {
        let found = self.0.len();
        let Some((head, tail)) = self.0.split_at_checked(length) else {
            return Err(DecodeError::Truncated { field, expected: length, found });
        };
        self.0 = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let bytes = self.raw(field, N)?;
        Ok(bytes.try_into().expect("raw returned N bytes"))
    }

    /// One byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(u8::from_be_bytes(self.array(field)?))
    }

    /// Two bytes, big-endian.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array(field)?))
    }

    /// Four bytes, big-endian.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array(field)?))
    }

    /// Eight bytes, big-endian.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.array(field)?))
    }

    /// A digest.
    pub fn hash(&mut self, field: &'static str) -> Result<Hash, DecodeError> {
        Ok(Hash::new(self.array(field)?))
    }

    /// The expected tag, as `Writer::tag` writes it.
    pub fn tag(&mut self, field: &'static str, text: &str) -> Result<(), DecodeError> {
        let length = usize::from(self.u8(field)?);
        if self.raw(field, length)? == text.as_bytes() {
            Ok(())
        } else {
            Err(DecodeError::Invalid { field, rule: "is another structure's tag" })
        }
    }

    /// A length in two bytes, at most `limit`, then the bytes.
    pub fn bytes16(&mut self, field: &'static str, limit: u16) -> Result<&'a [u8], DecodeError> {
        let length = self.u16(field)?;
        if length > limit {
            return Err(DecodeError::TooLong { field, found: length.into(), limit: limit.into() });
        }
        self.raw(field, length.into())
    }

    /// A length in four bytes, at most `limit`, then the bytes.
    pub fn bytes32(&mut self, field: &'static str, limit: u32) -> Result<&'a [u8], DecodeError> {
        let length = self.u32(field)?;
        if length > limit {
            return Err(DecodeError::TooLong { field, found: length.into(), limit: limit.into() });
        }
        self.raw(field, usize::try_from(length).expect("usize holds 32 bits"))
    }

    /// A count in two bytes, at most `limit`, then the structures.
    pub fn list16<T: Canonical>(
        &mut self,
        field: &'static str,
        limit: u16,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.u16(field)?;
        if count > limit {
            return Err(DecodeError::TooLong { field, found: count.into(), limit: limit.into() });
        }
        // Grown as it is read: a claimed count never allocates more than the input holds.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(T::decode_from(self)?);
        }
        Ok(items)
    }
}

impl Canonical for Hash {
    fn encode_to(&self, out: &mut Writer) {
        out.hash(self);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.hash("hash")
    }
}
