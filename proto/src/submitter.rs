//! Who may submit what: the state's record of a submitter key, written by genesis.

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::types::AgencyIndex;

/// What a submitter key is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SubmitterRole {
    /// A provincial platform: registry entries and trace events.
    Platform,
    /// A duty officer: matches, alerts, releases.
    Regulator,
    /// The agency itself: proposals, approvals, evaluations.
    Agency,
}

impl SubmitterRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Platform, Self::Regulator, Self::Agency];

    /// The byte of the role.
    pub const fn code(self) -> u8 {
        match self {
            Self::Platform => 1,
            Self::Regulator => 2,
            Self::Agency => 3,
        }
    }

    /// The name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Regulator => "regulator",
            Self::Agency => "agency",
        }
    }

    /// The role of a byte.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }
}

/// The value of namespace KEY under a submitter's 32-byte public key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubmitterRecord {
    /// Agency that answers for the key.
    pub agency: AgencyIndex,
    /// What it is for.
    pub role: SubmitterRole,
    /// Name of the platform or party, a subject of kind 4.
    pub party: String,
}

/// Bytes of a party name in a record.
const PARTY_BYTES_MAX: u16 = 256;

impl Canonical for SubmitterRecord {
    fn encode_to(&self, out: &mut Writer) {
        out.u16(self.agency.value()).u8(self.role.code()).bytes16(self.party.as_bytes());
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let agency = AgencyIndex::new(input.u16("agency")?);
        let role = SubmitterRole::from_code(input.u8("submitter role")?)
            .ok_or(DecodeError::Invalid { field: "submitter role", rule: "is 1, 2 or 3" })?;
        let party = String::from_utf8(input.bytes16("party", PARTY_BYTES_MAX)?.to_vec())
            .map_err(|_| DecodeError::Invalid { field: "party", rule: "is UTF-8" })?;
        Ok(Self { agency, role, party })
    }
}
