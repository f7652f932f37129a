//! Bytes of the working rows: variable-length numbers, lengths before content, nothing left over.
//! Equal records have equal bytes, because every list and sum in them is kept in one order.

use std::fmt;

/// Bytes that are no row: what stands there was not written by a contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unreadable(pub(crate) &'static str);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Builds the bytes of a row.
#[derive(Default)]
pub(crate) struct Out(Vec<u8>);

impl Out {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Seven bits a byte, the lowest first.
    pub(crate) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(low_byte(value) | 0x80);
            value >>= 7;
        }
        self.0.push(low_byte(value));
    }

    /// A number with its sign in the lowest bit, so that small ones are short on both sides of zero.
    pub(crate) fn signed(&mut self, value: i64) {
        self.number((value << 1).cast_unsigned() ^ (value >> 63).cast_unsigned());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(u64::try_from(bytes.len()).expect("usize is at most 64 bits"));
        self.raw(bytes);
    }
}

fn low_byte(value: u64) -> u8 {
    u8::try_from(value & 0x7f).expect("seven bits are a byte")
}

/// Reads the bytes of a row.
pub(crate) struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Unreadable> {
        let (first, rest) = self.0.split_first().ok_or(Unreadable("the row ends in a field"))?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn raw(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let parts = self.0.split_at_checked(length);
        let (head, rest) = parts.ok_or(Unreadable("a length is beyond the end of the row"))?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        self.raw(N)?.try_into().map_err(|_| Unreadable("the row ends in a field"))
    }

    pub(crate) fn number(&mut self) -> Result<u64, Unreadable> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Unreadable("a number has more than ten bytes"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Unreadable> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    pub(crate) fn small(&mut self) -> Result<u32, Unreadable> {
        u32::try_from(self.number()?).map_err(|_| Unreadable("a number is above 32 bits"))
    }

    pub(crate) fn int(&mut self) -> Result<i32, Unreadable> {
        i32::try_from(self.number()?).map_err(|_| Unreadable("a number is above 31 bits"))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = usize::try_from(self.number()?);
        self.raw(length.map_err(|_| Unreadable("a length is beyond the end of the row"))?)
    }

    pub(crate) fn text(&mut self) -> Result<String, Unreadable> {
        let text = str::from_utf8(self.bytes()?).map_err(|_| Unreadable("a text is not UTF-8"))?;
        Ok(text.to_owned())
    }

    /// How many items follow: no more than there are bytes left, so that nothing is allocated for a
    /// number that was never written.
    pub(crate) fn count(&mut self) -> Result<usize, Unreadable> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if count > self.0.len() {
            return Err(Unreadable("a list is longer than the row"));
        }
        Ok(count)
    }

    pub(crate) const fn finish(&self) -> Result<(), Unreadable> {
        if self.0.is_empty() { Ok(()) } else { Err(Unreadable("bytes follow the end of the row")) }
    }
}

/// The value of an entry of a list. It knows its own end, so that values can stand side by side.
pub(crate) trait Value: Clone + Default + PartialEq {
    /// Whether the entry says nothing and goes.
    fn is_nothing(&self) -> bool;
    /// Appends the bytes.
    fn write(&self, out: &mut Out);
    /// Reads what [`Self::write`] wrote.
    fn read(input: &mut In<'_>) -> Result<Self, Unreadable>;

    /// The bytes of a value that stands alone.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Out::default();
        self.write(&mut out);
        out.into_bytes()
    }

    /// Reads a value that stands alone.
    fn of_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut input = In::new(bytes);
        let value = Self::read(&mut input)?;
        input.finish()?;
        Ok(value)
    }
}

/// The value of an entry that says only that it is there.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Mark;

impl Value for Mark {
    fn is_nothing(&self) -> bool {
        false
    }

    fn write(&self, _: &mut Out) {}

    fn read(_: &mut In<'_>) -> Result<Self, Unreadable> {
        Ok(Self)
    }
}

/// A byte with a meaning of its own; 0 says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Byte(pub(crate) u8);

impl Value for Byte {
    fn is_nothing(&self) -> bool {
        self.0 == 0
    }

    fn write(&self, out: &mut Out) {
        out.byte(self.0);
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        input.byte().map(Self)
    }
}

/// How many events in force say so.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Count(pub(crate) i64);

impl Count {
    /// Adds to the count.
    pub(crate) const fn add(&mut self, count: i64) {
        self.0 = self.0.wrapping_add(count);
    }
}

impl Value for Count {
    fn is_nothing(&self) -> bool {
        self.0 == 0
    }

    fn write(&self, out: &mut Out) {
        out.signed(self.0);
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        input.signed().map(Self)
    }
}

/// Any bytes.
impl Value for Vec<u8> {
    fn is_nothing(&self) -> bool {
        false
    }

    fn write(&self, out: &mut Out) {
        out.bytes(self);
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        input.bytes().map(<[u8]>::to_vec)
    }
}
