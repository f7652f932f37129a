//! The envelope of an operation: what every operation type shares, and its leaf.
//!
//! The body is the canonical protobuf of the type and stays opaque here; `contracts` reads it.

use std::fmt;

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::hash::{Hash, Tag};
use crate::limits::OPERATION_BYTES_MAX;

/// Identity of an operation at its source: a platform's record number or an EPCIS event hash, hashed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash)]
pub struct OpUid(pub [u8; 16]);

impl OpUid {
    /// The identity of record `record` of platform `platform`, so that a file submitted twice changes nothing.
    pub fn of_record(platform: &str, record: &str) -> Self {
        let mut out = Writer::default();
        out.bytes32(platform.as_bytes()).bytes32(record.as_bytes());
        Self(first_half(&Tag::OpUid.hash(&out.into_bytes())))
    }
}

impl fmt::Display for OpUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for OpUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Salt of an operation, so that the hash of a sibling in a shown path betrays nothing.
///
/// Derived from a secret of the submitter and the operation's identity: a resubmission has the same bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

impl Salt {
    /// The salt of `uid` under the submitter's secret.
    pub fn derive(secret: &[u8; 32], uid: OpUid) -> Self {
        let mut out = Writer::default();
        out.raw(secret).raw(&uid.0);
        Self(first_half(&Tag::OpSalt.hash(&out.into_bytes())))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

fn first_half(hash: &Hash) -> [u8; 16] {
    let (head, _) = hash.as_bytes().split_at(16);
    head.try_into().expect("half of 32 bytes")
}

/// One operation as submitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Type code; the table is in `contracts`.
    pub kind: u16,
    /// Version of the type.
    pub version: u16,
    /// Identity at the source.
    pub uid: OpUid,
    /// Salt.
    pub salt: Salt,
    /// Canonical protobuf of the type.
    pub body: Vec<u8>,
}

/// Bytes of the envelope before the body.
const ENVELOPE_BYTES: u32 = 2 + 2 + 16 + 16;

impl Operation {
    /// Leaf of the operation in its transaction's tree: the hash of its bytes as submitted.
    pub fn leaf(&self) -> Hash {
        Tag::Op.hash(&self.encode())
    }
}

/// Fills its input: an operation always stands in a field that knows its length.
impl Canonical for Operation {
    fn encode_to(&self, out: &mut Writer) {
        out.u16(self.kind).u16(self.version).raw(&self.uid.0).raw(&self.salt.0).raw(&self.body);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let limit = OPERATION_BYTES_MAX - ENVELOPE_BYTES;
        let kind = input.u16("operation type")?;
        let version = input.u16("operation version")?;
        let uid = OpUid(input.array("op_uid")?);
        let salt = Salt(input.array("salt")?);
        let found = u64::try_from(input.remaining()).expect("usize is at most 64 bits");
        if found > u64::from(limit) {
            let field = "operation body";
            return Err(DecodeError::TooLong { field, found, limit: limit.into() });
        }
        let body = input.raw("operation body", input.remaining())?.to_vec();
        Ok(Self { kind, version, uid, salt, body })
    }
}
