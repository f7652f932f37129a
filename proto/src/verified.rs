//! From bytes to `Signed<T>` to `Verified<T>`: only what was verified reaches consensus.

use crate::epoch::Descriptor;
use crate::sign::{BadSignature, PublicKey, Signature};
use crate::types::{ChainId, Epoch, ValidatorIndex};

use thiserror::Error;

/// A statement that a validator signs: its kind, its epoch and its bytes.
pub trait Statement: Clone + PartialEq {
    /// Epoch whose set the signer is a member of.
    fn epoch(&self) -> Epoch;

    /// The pre-image on `chain`: `P(kind)` and the signed fields.
    fn signed_bytes(&self, chain: ChainId) -> Vec<u8>;
}

/// A statement with a signature that nobody has checked yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed<T> {
    /// What was said.
    pub statement: T,
    /// Who claims to have said it.
    pub signer: ValidatorIndex,
    /// The signature.
    pub signature: Signature,
}

/// Why a signed statement is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Refused {
    /// The signature does not hold.
    #[error(transparent)]
    BadSignature(#[from] BadSignature),
    /// The signer is not in the set.
    #[error("validator {signer} is not in the set of epoch {epoch}")]
    UnknownSigner {
        /// Claimed signer.
        signer: ValidatorIndex,
        /// Epoch of the statement.
        epoch: Epoch,
    },
    /// The epoch is not one the verifier knows.
    #[error("epoch {found} is not known here, the open epoch is {known}")]
    UnknownEpoch {
        /// Epoch of the statement.
        found: Epoch,
        /// Epoch of the verifier.
        known: Epoch,
    },
    /// A certificate with too few votes.
    #[error("{found} votes, a quorum has {needed}")]
    TooFew {
        /// Votes of the certificate.
        found: usize,
        /// Votes of a quorum.
        needed: u16,
    },
    /// A certificate whose signers are not strictly ascending.
    #[error("signers do not ascend strictly at validator {signer}")]
    Order {
        /// First signer out of order.
        signer: ValidatorIndex,
    },
    /// Parts of one message that contradict each other.
    #[error("{rule}")]
    Inconsistent {
        /// The rule they break.
        rule: &'static str,
    },
}

/// Whoever can tell a true signature from a false one.
pub trait Verifier {
    /// Checks one signed statement.
    fn verify<T: Statement>(&self, signed: &Signed<T>) -> Result<(), Refused>;
}

/// The verifier of one epoch of one chain.
#[derive(Clone, Debug)]
pub struct SetVerifier {
    chain: ChainId,
    epoch: Epoch,
    keys: Vec<PublicKey>,
}

impl SetVerifier {
    /// The verifier of `descriptor` on `chain`.
    pub fn new(chain: ChainId, descriptor: &Descriptor) -> Self {
        let keys = descriptor.validators.iter().map(|member| member.key).collect();
        Self { chain, epoch: descriptor.epoch, keys }
    }
}

impl Verifier for SetVerifier {
    fn verify<T: Statement>(&self, signed: &Signed<T>) -> Result<(), Refused> {
        let epoch = signed.statement.epoch();
        if epoch != self.epoch {
            return Err(Refused::UnknownEpoch { found: epoch, known: self.epoch });
        }
        let signer = signed.signer;
        let key =
            self.keys.get(signer.position()).ok_or(Refused::UnknownSigner { signer, epoch })?;
        key.verify(&signed.statement.signed_bytes(self.chain), &signed.signature)?;
        Ok(())
    }
}

/// A verifier that believes everything, for simulations whose signatures are empty. A node has no
/// way to use it: its own is made from the genesis document.
#[derive(Clone, Copy, Debug)]
pub struct TrustAll;

impl Verifier for TrustAll {
    fn verify<T: Statement>(&self, _: &Signed<T>) -> Result<(), Refused> {
        Ok(())
    }
}

/// A value whose every signature a [`Verifier`] has accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified<T>(T);

/// Something that carries signatures.
pub trait Verifiable {
    /// Checks every signature and the consistency of the parts; never looks at any state.
    fn check(&self, verifier: &impl Verifier, descriptor: &Descriptor) -> Result<(), Refused>;
}

impl<T: Verifiable> Verified<T> {
    /// Verifies `value` against the set of `descriptor`.
    pub fn check(
        value: T,
        verifier: &impl Verifier,
        descriptor: &Descriptor,
    ) -> Result<Self, Refused> {
        value.check(verifier, descriptor)?;
        Ok(Self(value))
    }
}

impl<T> Verified<T> {
    /// The value, still known to be verified by its owner only.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
