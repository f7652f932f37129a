//! What each key of an agency is for, and the only place that draws entropy for keys.

use proto::submitter::SubmitterRole;
use thiserror::Error;
use zeroize::Zeroizing;

/// The secret half of a key; wiped from memory when dropped.
pub type Seed = Zeroizing<[u8; 32]>;

/// What a key is for. A keystore names it, so that a key is never used for another purpose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum KeyPurpose {
    /// Signs the votes of a validator; on the node.
    Validator,
    /// Identity of a node in the network; on the node.
    Transport,
    /// Signs recovery documents and changes of the validator set; offline.
    Governance,
    /// Signs transactions.
    Submitter(SubmitterRole),
}

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 6] = [
        Self::Validator,
        Self::Transport,
        Self::Governance,
        Self::Submitter(SubmitterRole::Platform),
        Self::Submitter(SubmitterRole::Regulator),
        Self::Submitter(SubmitterRole::Agency),
    ];

    /// The name in keystores, and of the keystore's file before `.key`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Validator => "validator",
            Self::Transport => "transport",
            Self::Governance => "governance",
            Self::Submitter(role) => role.name(),
        }
    }

    /// The purpose with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// The operating system gave no randomness.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the operating system gives no randomness: {0}")]
pub struct EntropyError(#[source] getrandom::Error);

/// Fills `bytes` with randomness of the operating system.
pub fn draw(bytes: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(bytes).map_err(EntropyError)
}

/// A new random seed.
pub fn draw_seed() -> Result<Seed, EntropyError> {
    let mut seed = Zeroizing::new([0; 32]);
    draw(seed.as_mut_slice())?;
    Ok(seed)
}
