//! What every run of one size shares: chain, members, keys, and how signatures are made and checked.

use std::sync::Arc;

use consensus::Config;
use proto::epoch::{BlockLimits, Descriptor, Validator};
use proto::hash::Tag;
use proto::message::Message;
use proto::quorum::{Mode, NoValidators, Quorum};
use proto::sign::{SecretKey, Signature};
use proto::verified::{Refused, SetVerifier, Signed, Statement, TrustAll, Verified};
use proto::{AgencyIndex, ChainId, Epoch, Hash, Height, TimeMs, ValidatorIndex};

/// Genesis time of every simulated chain.
pub(crate) const GENESIS_TIME: TimeMs = TimeMs::new(1_767_225_600_000);

/// T0 of simulated replicas: short, so that 20 heights with faults fit into seconds.
const TIMEOUT_MS: u64 = 300;

/// Heartbeat of simulated replicas.
const HEARTBEAT_MS: u64 = 1_000;

/// Milliseconds from first body to cut.
const BLOCK_INTERVAL_MS: u64 = 20;

/// Whether signatures are real.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signatures {
    /// Zeroes that everybody believes: two orders of magnitude faster, and liars still cannot speak
    /// for others, because the simulator lets nobody sign for another member.
    Empty,
    /// Ed25519.
    Real,
}

/// One chain with its members.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) chain: ChainId,
    pub(crate) descriptor: Descriptor,
    pub(crate) quorum: Quorum,
    keys: Vec<SecretKey>,
    verifier: SetVerifier,
    signatures: Signatures,
}

impl Cluster {
    /// `members` validators whose primary moves on every `rotation_blocks` heights.
    pub fn new(
        members: u8,
        rotation_blocks: u32,
        signatures: Signatures,
    ) -> Result<Arc<Self>, NoValidators> {
        let quorum = Quorum::of(members.into(), Mode::Standard)?;
        let chain = ChainId(Tag::Genesis.hash(b"a simulated chain"));
        let keys: Vec<SecretKey> =
            (1..=members).map(|seed| SecretKey::from_seed(&[seed; 32])).collect();
        let validators = (0u16..)
            .zip(&keys)
            .map(|(agency, key)| Validator { agency: AgencyIndex::new(agency), key: key.public() })
            .collect();
        let descriptor = Descriptor {
            epoch: Epoch::ZERO,
            first_height: Height::new(1),
            mode: Mode::Standard,
            rotation_blocks,
            lag: 4,
            limits: BlockLimits::default(),
            contracts: 1,
            role_table: Hash::ZERO,
            validators,
        };
        let verifier = SetVerifier::new(chain, &descriptor);
        Ok(Arc::new(Self { chain, descriptor, quorum, keys, verifier, signatures }))
    }

    /// How many votes decide.
    pub fn quorum(&self) -> Quorum {
        self.quorum
    }

    /// Number of members.
    pub fn members(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn config(&self, me: ValidatorIndex, nonce: [u8; 16]) -> Config {
        Config {
            timeout_ms: TIMEOUT_MS,
            heartbeat_ms: HEARTBEAT_MS,
            block_interval_ms: BLOCK_INTERVAL_MS,
            ..Config::new(self.chain, self.descriptor.clone(), me, nonce)
        }
    }

    pub(crate) fn root_of_genesis(&self) -> Hash {
        Tag::History.hash(self.chain.as_bytes())
    }

    /// Signs what `bytes` builds, or does as if.
    pub(crate) fn sign_bytes(
        &self,
        signer: ValidatorIndex,
        bytes: impl FnOnce(ChainId) -> Vec<u8>,
    ) -> Signature {
        match self.signatures {
            Signatures::Empty => Signature::new([0; 64]),
            Signatures::Real => {
                let key = self.keys.get(signer.position()).expect("signers are members");
                key.sign(&bytes(self.chain))
            }
        }
    }

    pub(crate) fn sign<T: Statement>(&self, signer: ValidatorIndex, statement: T) -> Signed<T> {
        let signature = self.sign_bytes(signer, |chain| statement.signed_bytes(chain));
        Signed { statement, signer, signature }
    }

    pub(crate) fn verify(&self, message: Message) -> Result<Verified<Message>, Refused> {
        match self.signatures {
            Signatures::Empty => Verified::check(message, &TrustAll, &self.descriptor),
            Signatures::Real => Verified::check(message, &self.verifier, &self.descriptor),
        }
    }
}
