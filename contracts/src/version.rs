//! Versions of the contracts: which of them this program executes, and what it says of an epoch that
//! demands another one. The code that each version runs is chosen in `ledger::version`.
//!
//! A version is the meaning of kinds, roles, normalisers, rules and effects. What a chain once executed
//! must give the same receipts for ever, so a changed meaning is a new version from the first height of
//! an epoch, and the code of the older one stays.

use std::fmt;

use proto::epoch::Descriptor;
use proto::types::{Epoch, Height};
use thiserror::Error;

/// The version whose meaning this crate implements.
pub const VERSION: u32 = 1;

/// Heights before the first height of an epoch from which on a node that cannot execute the epoch says
/// so. An epoch begins at a multiple of a hundred, and is known for little longer than that before.
pub const NOTICE_HEIGHTS: u64 = 100;

/// Versions of the contracts that a program executes, ascending.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known(Vec<u32>);

impl Known {
    /// These versions.
    pub fn of(versions: impl IntoIterator<Item = u32>) -> Self {
        let mut versions: Vec<u32> = versions.into_iter().collect();
        versions.sort_unstable();
        versions.dedup();
        Self(versions)
    }

    /// Whether the heights of an epoch can be executed.
    pub fn check(&self, descriptor: &Descriptor) -> Result<(), UnknownVersion> {
        let found = descriptor.contracts;
        if self.0.contains(&found) {
            return Ok(());
        }
        let Descriptor { epoch, first_height, .. } = *descriptor;
        Err(UnknownVersion { epoch, first_height, found, known: self.clone() })
    }

    /// What a node with the newest height `head` does about a coming epoch.
    ///
    /// ```
    /// # use proto::epoch::{BlockLimits, Descriptor};
    /// # let member = proto::epoch::Validator {
    /// #     agency: proto::AgencyIndex::new(0),
    /// #     key: proto::sign::SecretKey::from_seed(&[1; 32]).public(),
    /// # };
    /// use contracts::version::{Coming, Known, VERSION};
    /// use proto::{Epoch, Hash, Height};
    ///
    /// let next = Descriptor {
    ///     epoch: Epoch::new(1),
    ///     first_height: Height::new(500),
    ///     contracts: VERSION + 1,
    /// #   mode: proto::quorum::Mode::Standard,
    /// #   rotation_blocks: 1_024,
    /// #   lag: 4,
    /// #   limits: BlockLimits::default(),
    /// #   role_table: Hash::ZERO,
    /// #   validators: vec![member],
    /// };
    /// let known = Known::of([VERSION]);
    /// assert_eq!(known.coming(&next, Height::new(399)), Coming::Quiet);
    /// let Coming::Notice { heights, unknown } = known.coming(&next, Height::new(400)) else {
    ///     panic!("a hundred heights before");
    /// };
    /// assert_eq!(heights, 100);
    /// assert_eq!(
    ///     unknown.to_string(),
    ///     "epoch 1 from height 500 demands version 2 of the contracts, this program executes 1"
    /// );
    /// assert!(matches!(known.coming(&next, Height::new(499)), Coming::Stop(_)));
    /// ```
    pub fn coming(&self, next: &Descriptor, head: Height) -> Coming {
        let Err(unknown) = self.check(next) else { return Coming::Quiet };
        let heights = next.first_height.value().saturating_sub(head.value());
        match heights {
            0 | 1 => Coming::Stop(unknown),
            2..=NOTICE_HEIGHTS => Coming::Notice { heights, unknown },
            _ => Coming::Quiet,
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&versions.join(", "))
    }
}

/// An epoch demands a version of the contracts that this program does not execute.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error(
    "epoch {epoch} from height {first_height} demands version {found} of the contracts, this program \
     executes {known}"
)]
pub struct UnknownVersion {
    /// The epoch.
    pub epoch: Epoch,
    /// Its first height.
    pub first_height: Height,
    /// Version that it demands.
    pub found: u32,
    /// Versions of this program.
    pub known: Known,
}

/// What is to be done about a coming epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Coming {
    /// Nothing: it can be executed, or begins later than [`NOTICE_HEIGHTS`] from now.
    Quiet,
    /// The operator is told to install another version before so many heights have passed.
    Notice {
        /// Heights from the newest one to the first of the epoch.
        heights: u64,
        /// What is not known.
        unknown: UnknownVersion,
    },
    /// The next height is of the epoch: a node that would guess what it means stops instead.
    Stop(UnknownVersion),
}
