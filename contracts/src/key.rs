//! How a subject is spelled: one type for each kind of key, so that no unit is taken for a party.
//!
//! A key is cheap to clone: everything that names a subject in a block shares its bytes.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use proto::AgencyIndex;
use proto::codec::{Reader, Writer};
use proto::operation::OpUid;

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
            pub struct $name(Arc<[u8]>);

            impl $name {
                /// The key of these bytes.
                pub fn new(bytes: &[u8]) -> Self {
                    Self(bytes.into())
                }

                /// The bytes.
                pub fn as_bytes(&self) -> &[u8] {
                    &self.0
                }
            }

            impl Deref for $name {
                type Target = [u8];

                fn deref(&self) -> &[u8] {
                    &self.0
                }
            }

            impl Borrow<[u8]> for $name {
                fn borrow(&self) -> &[u8] {
                    &self.0
                }
            }

            impl From<Vec<u8>> for $name {
                fn from(bytes: Vec<u8>) -> Self {
                    Self(bytes.into())
                }
            }

            /// Shares the bytes.
            impl From<Arc<[u8]>> for $name {
                fn from(bytes: Arc<[u8]>) -> Self {
                    Self(bytes)
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "{}({})", stringify!($name), String::from_utf8_lossy(&self.0))
                }
            }
        )*
    };
}

keys! {
    /// A traced unit: `<scheme>:<identity>`, `GS1:<uri>` or `OPAQUE:<agency>:<text>`.
    UnitKey;
    /// A party.
    PartyKey;
    /// A station: `<agency>:<identifier>` or a URI.
    StationKey;
    /// The number of a stock document, waybill, sale or report.
    DocumentKey;
    /// A vehicle, by its plate.
    VehicleKey;
    /// A person, by the commitment of an identity.
    PersonKey;
    /// A certificate, by its number.
    CertificateKey;
    /// A line of a customs declaration.
    DeclarationKey;
}

/// State key of the match of two units.
pub fn match_key(from: &[u8], to: &[u8]) -> Vec<u8> {
    joined(&[from, to])
}

/// State key of the delivery of a sender's unit under a document.
pub fn shipment_key(document: &[u8], unit: &[u8]) -> Vec<u8> {
    joined(&[document, unit])
}

/// State key of an operation's identity.
pub fn uid_key(agency: AgencyIndex, uid: OpUid) -> Vec<u8> {
    let mut key = Writer::default();
    key.u16(agency.value()).raw(&uid.0);
    key.into_bytes()
}

/// Agency and identity in the key of an operation.
pub(crate) fn event_of(key: &[u8]) -> Option<(AgencyIndex, OpUid)> {
    let mut input = Reader::new(key);
    let agency = AgencyIndex::new(input.u16("agency").ok()?);
    let uid = OpUid(input.array("op_uid").ok()?);
    input.finish().ok()?;
    Some((agency, uid))
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
