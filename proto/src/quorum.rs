//! How many votes are enough, in whole numbers, for any number of validators.

use thiserror::Error;

/// How the quorum of an epoch is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// `q = floor((n + b) / 2) + 1`: safe against `b` malicious validators, live with `u` down.
    Standard,
    /// `q = n`: fork-proof, and any outage halts.
    Unanimous,
}

impl Mode {
    /// The byte that stands for the mode in a descriptor.
    pub const fn code(self) -> u8 {
        match self {
            Self::Standard => 0,
            Self::Unanimous => 1,
        }
    }

    /// The mode of a byte in a descriptor.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Standard),
            1 => Some(Self::Unanimous),
            _ => None,
        }
    }
}

/// A set without members has no quorum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a validator set needs at least one member")]
pub struct NoValidators;

/// The arithmetic of one validator set.
///
/// ```
/// use proto::quorum::{Mode, Quorum};
/// let three = Quorum::of(3, Mode::Standard)?;
/// assert_eq!((three.malicious_max(), three.votes(), three.down_max()), (0, 2, 1));
/// let four = Quorum::of(4, Mode::Standard)?;
/// assert_eq!((four.malicious_max(), four.votes(), four.down_max()), (1, 3, 1));
/// # Ok::<(), proto::quorum::NoValidators>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quorum {
    validators: u16,
    malicious_max: u16,
    votes: u16,
}

impl Quorum {
    /// The quorum of `validators` members; refuses an empty set.
    pub fn of(validators: u16, mode: Mode) -> Result<Self, NoValidators> {
        let most = validators.checked_sub(1).ok_or(NoValidators)?;
        let malicious_max = most / 3;
        let votes = match mode {
            // Not 2f + 1, which at n = 3 lets one node decide alone.
            Mode::Standard => u16::midpoint(validators, malicious_max) + 1,
            Mode::Unanimous => validators,
        };
        Ok(Self { validators, malicious_max, votes })
    }

    /// n: members, one vote each.
    pub const fn validators(self) -> u16 {
        self.validators
    }

    /// b: malicious members that cannot fork the chain.
    pub const fn malicious_max(self) -> u16 {
        self.malicious_max
    }

    /// q: votes that decide.
    pub const fn votes(self) -> u16 {
        self.votes
    }

    /// u: members that may be down while the others go on.
    pub const fn down_max(self) -> u16 {
        self.validators - self.votes
    }

    /// J: members in a higher view that one joins.
    pub const fn join(self) -> u16 {
        if self.malicious_max == 0 { 2 } else { self.malicious_max + 1 }
    }

    /// Whether `count` distinct members are a quorum.
    pub fn reached(self, count: usize) -> bool {
        count >= usize::from(self.votes)
    }
}
