//! The numbers and names of the protocol as types of their own, so that a height is never a view.

use std::fmt;

use crate::hash::Hash;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug, Default)]
        pub struct $name($inner);

        impl $name {
            /// The value of a number that came from outside.
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The bare number, for encoding and arithmetic beside the type.
            pub const fn value(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number! {
    /// Position of a block in the chain; genesis is height 0.
    Height(u64)
}
number! {
    /// Attempt at one height: `primary(height, view)` proposes in it.
    View(u32)
}
number! {
    /// Period with one validator set and one set of parameters; genesis opens epoch 0.
    Epoch(u32)
}
number! {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    TimeMs(u64)
}
number! {
    /// Position of a validator in its epoch's set.
    ValidatorIndex(u16)
}
number! {
    /// Position of an agency in the genesis document.
    AgencyIndex(u16)
}

impl Height {
    /// Height of the genesis state.
    pub const GENESIS: Self = Self(0);

    /// The height above.
    pub fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("heights do not reach 2^64"))
    }

    /// The height below; `None` at genesis.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }

    /// The height `count` above.
    pub fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// The height `count` below, or genesis.
    pub fn minus(self, count: u64) -> Self {
        Self(self.0.saturating_sub(count))
    }

    /// Number of leaves of the history that ends with this height.
    pub fn history_size(self) -> u64 {
        self.next().0
    }
}

impl View {
    /// The first view of an epoch.
    pub const ZERO: Self = Self(0);

    /// The view after this one. Views are clipped far below `u32::MAX` by the receipt rules.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The view `count` above.
    pub fn plus(self, count: u32) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl Epoch {
    /// The epoch that genesis opens.
    pub const ZERO: Self = Self(0);

    /// The epoch after this one.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl TimeMs {
    /// The time `ms` milliseconds later.
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The time `ms` milliseconds earlier, or 1970.
    pub fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// Milliseconds from `earlier` to this time, 0 if it is later.
    pub fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Days since 1970-01-01 UTC, the bucket of a place, party, vehicle or person log.
    pub fn day(self) -> u32 {
        u32::try_from(self.0 / 86_400_000).unwrap_or(u32::MAX)
    }
}

impl ValidatorIndex {
    /// The index as a slice position.
    pub fn position(self) -> usize {
        usize::from(self.0)
    }
}

impl AgencyIndex {
    /// The index as a slice position.
    pub fn position(self) -> usize {
        usize::from(self.0)
    }
}

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug, Default)]
        pub struct $name(pub Hash);

        impl $name {
            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

digest! {
    /// Hash of the genesis document: the name of the chain and the only thing a verifier must trust.
    ChainId
}
digest! {
    /// Hash of a block header.
    BlockHash
}
digest! {
    /// Hash of a transaction header: the name of a submission, whatever its signature.
    TxId
}

impl ChainId {
    /// The hash that stands for block 0.
    pub const fn genesis_block(self) -> BlockHash {
        BlockHash(self.0)
    }
}
