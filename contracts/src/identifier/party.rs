//! Identity of a party in an operation: a unified social credit code, or the keyed commitment of an
//! individual household.

use thiserror::Error;

use super::document::commitment;
use super::uscc::{self, Uscc};
use super::{Reason, fold};

/// A party as operations name it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PartyId {
    /// By its code, in capitals.
    Enterprise(Uscc),
    /// `party_ref`: 64 hexadecimal digits in lower case.
    Household(String),
}

/// Why a text names no party.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum PartyError {
    /// Neither a code nor a commitment.
    #[error("is neither a unified social credit code nor a party_ref: {0}")]
    Form(Reason),
    /// The code of an individual household in plain text: it names a natural person.
    #[error("is the plain code of an individual household; use its party_ref")]
    HouseholdInPlain,
}

impl PartyId {
    /// Reads a party's identity.
    pub fn parse(text: &str) -> Result<Self, PartyError> {
        if let Ok(reference) = commitment(text) {
            return Ok(Self::Household(reference));
        }
        let code = uscc::parse(&fold(text)).map_err(PartyError::Form)?;
        if code.is_household() {
            return Err(PartyError::HouseholdInPlain);
        }
        Ok(Self::Enterprise(code))
    }

    /// The key of the party as a subject.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Enterprise(code) => code.as_str(),
            Self::Household(reference) => reference,
        }
    }
}
