//! Epoch descriptors: who validates, by which parameters, from which height on.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::hash::{Hash, Tag};
use crate::limits::{
    BLOCK_BYTES_MAX, BLOCK_LINKS_MAX, LINKS_MAX, OPERATIONS_PER_BLOCK_MAX, VALIDATORS_MAX,
};
use crate::quorum::{Mode, Quorum};
use crate::sign::{KeyId, PublicKey};
use crate::transaction::expect_suite;
use crate::types::{AgencyIndex, ChainId, Epoch, Height, ValidatorIndex, View};

/// The only version of the protocol so far.
pub const PROTOCOL: u32 = 1;

/// A member of the validator set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validator {
    /// Agency that operates it.
    pub agency: AgencyIndex,
    /// Key that signs its votes.
    pub key: PublicKey,
}

/// Limits of an epoch's blocks. They are part of the chain; those of `limits` bound them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockLimits {
    /// Longest life of a transaction, in milliseconds.
    pub max_ttl_ms: u64,
    /// Bytes of bodies of a block.
    pub max_block_bytes: u32,
    /// Operations of a block.
    pub max_ops: u32,
    /// Links of an operation.
    pub max_links: u16,
    /// Links of a block.
    pub max_block_links: u32,
}

impl Default for BlockLimits {
    fn default() -> Self {
        Self {
            max_ttl_ms: 24 * 60 * 60 * 1000,
            max_block_bytes: BLOCK_BYTES_MAX,
            max_ops: OPERATIONS_PER_BLOCK_MAX,
            max_links: LINKS_MAX,
            max_block_links: BLOCK_LINKS_MAX,
        }
    }
}

/// Everything that holds for one epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// Which epoch.
    pub epoch: Epoch,
    /// Its first height; 1 for epoch 0.
    pub first_height: Height,
    /// How the quorum is counted.
    pub mode: Mode,
    /// Heights after which the primary of a view moves on to the next validator.
    pub rotation_blocks: u32,
    /// L: heights by which execution may follow ordering.
    pub lag: u16,
    /// Limits of blocks.
    pub limits: BlockLimits,
    /// Version of the contracts that executes its heights: kinds, roles, normalisers, rules, effects.
    pub contracts: u32,
    /// Hash of the role table that links are derived by.
    pub role_table: Hash,
    /// Members, in the order of their indices.
    pub validators: Vec<Validator>,
}

/// Why a descriptor is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DescriptorError {
    /// No member, or more than a certificate holds.
    #[error("an epoch has 1 to {VALIDATORS_MAX} validators, not {found}")]
    ValidatorCount {
        /// Members given.
        found: usize,
    },
    /// Two members share a key.
    #[error("two validators share the key {key}")]
    KeyTwice {
        /// The shared key.
        key: KeyId,
    },
    /// A parameter that must not be zero is.
    #[error("{field} must be above zero")]
    Zero {
        /// Name of the parameter.
        field: &'static str,
    },
    /// A limit above what the software holds.
    #[error("{field} is {found}, at most {limit} is allowed")]
    AboveLimit {
        /// Name of the parameter.
        field: &'static str,
        /// Value given.
        found: u64,
        /// Largest value allowed.
        limit: u64,
    },
}

impl Descriptor {
    /// Checks the rules of a descriptor.
    pub fn check(&self) -> Result<(), DescriptorError> {
        let found = self.validators.len();
        if found == 0 || found > usize::from(VALIDATORS_MAX) {
            return Err(DescriptorError::ValidatorCount { found });
        }
        let mut keys = BTreeSet::new();
        if let Some(twice) = self.validators.iter().find(|member| !keys.insert(member.key)) {
            return Err(DescriptorError::KeyTwice { key: twice.key.id() });
        }
        let limits = &self.limits;
        for (field, value, limit) in [
            ("rotation_blocks", self.rotation_blocks.into(), u64::from(u32::MAX)),
            ("lag", self.lag.into(), u64::from(u16::MAX)),
            ("contracts", self.contracts.into(), u64::from(u32::MAX)),
            ("max_ttl_ms", limits.max_ttl_ms, u64::MAX),
            ("max_block_bytes", limits.max_block_bytes.into(), BLOCK_BYTES_MAX.into()),
            ("max_ops", limits.max_ops.into(), OPERATIONS_PER_BLOCK_MAX.into()),
            ("max_links", limits.max_links.into(), LINKS_MAX.into()),
            ("max_block_links", limits.max_block_links.into(), BLOCK_LINKS_MAX.into()),
        ] {
            if value == 0 {
                return Err(DescriptorError::Zero { field });
            }
            if value > limit {
                return Err(DescriptorError::AboveLimit { field, found: value, limit });
            }
        }
        Ok(())
    }

    /// Hash of the descriptor on its chain.
    pub fn hash(&self, chain: ChainId) -> Hash {
        let mut out = Writer::default();
        out.hash(&chain.0);
        self.encode_to(&mut out);
        Tag::Epoch.hash(&out.into_bytes())
    }

    /// The arithmetic of the set.
    pub fn quorum(&self) -> Quorum {
        let members = u16::try_from(self.validators.len()).expect("checked: at most 100");
        Quorum::of(members, self.mode).expect("checked: at least one member")
    }

    /// The member at `index`.
    pub fn validator(&self, index: ValidatorIndex) -> Option<&Validator> {
        self.validators.get(index.position())
    }

    /// Index of the member with `key`.
    pub fn index_of(&self, key: &PublicKey) -> Option<ValidatorIndex> {
        let position = self.validators.iter().position(|member| member.key == *key)?;
        Some(ValidatorIndex::new(u16::try_from(position).ok()?))
    }

    /// `primary(h, v) = (v + (h - first_height) / rotation_blocks) mod n`.
    pub fn primary(&self, height: Height, view: View) -> ValidatorIndex {
        let turns = (height.value().saturating_sub(self.first_height.value()))
            / u64::from(self.rotation_blocks);
        let members = u64::try_from(self.validators.len()).expect("usize is at most 64 bits");
        let turn = (turns % members + u64::from(view.value()) % members) % members;
        ValidatorIndex::new(u16::try_from(turn).expect("below the validator count, a u16"))
    }
}

impl Canonical for Descriptor {
    fn encode_to(&self, out: &mut Writer) {
        let limits = &self.limits;
        out.u8(crate::hash::SUITE)
            .u32(PROTOCOL)
            .u32(self.epoch.value())
            .u64(self.first_height.value())
            .u8(self.mode.code())
            .u32(self.rotation_blocks)
            .u16(self.lag)
            .u64(limits.max_ttl_ms)
            .u32(limits.max_block_bytes)
            .u32(limits.max_ops)
            .u16(limits.max_links)
            .u32(limits.max_block_links)
            .u32(self.contracts)
            .hash(&self.role_table)
            .list16(&self.validators);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        expect_suite(input)?;
        if input.u32("protocol")? != PROTOCOL {
            return Err(DecodeError::Invalid { field: "protocol", rule: "only 1 is known" });
        }
        let unknown_mode = DecodeError::Invalid { field: "mode", rule: "is 0 or 1" };
        let descriptor = Self {
            epoch: Epoch::new(input.u32("epoch")?),
            first_height: Height::new(input.u64("first_height")?),
            mode: Mode::from_code(input.u8("mode")?).ok_or(unknown_mode)?,
            rotation_blocks: input.u32("rotation_blocks")?,
            lag: input.u16("lag")?,
            limits: BlockLimits {
                max_ttl_ms: input.u64("max_ttl_ms")?,
                max_block_bytes: input.u32("max_block_bytes")?,
                max_ops: input.u32("max_ops")?,
                max_links: input.u16("max_links")?,
                max_block_links: input.u32("max_block_links")?,
            },
            contracts: input.u32("contracts")?,
            role_table: input.hash("role_table")?,
            validators: input.list16("validators", VALIDATORS_MAX)?,
        };
        descriptor.check().map_err(|_| DecodeError::Invalid {
            field: "descriptor",
            rule: "breaks a rule of its parameters",
        })?;
        Ok(descriptor)
    }
}

impl Canonical for Validator {
    fn encode_to(&self, out: &mut Writer) {
        out.u16(self.agency.value());
        self.key.encode_to(out);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            agency: AgencyIndex::new(input.u16("agency")?),
            key: PublicKey::decode_from(input)?,
        })
    }
}
