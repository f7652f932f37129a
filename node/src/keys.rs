//! The node's own keys, and the only place of the node that draws entropy.

use genesis::home::Home;
use genesis::keys::{self, EntropyError, KeyPurpose};
use genesis::keystore::{self, KeystoreError};
use genesis::password::Password;
use proto::sign::SecretKey;

/// The keys that a running node holds.
#[derive(Debug)]
pub(crate) struct NodeKeys {
    /// Signs votes.
    pub(crate) validator: SecretKey,
    /// Identity in the mesh.
    pub(crate) transport: SecretKey,
}

impl NodeKeys {
    /// Opens both keystores of a home folder.
    pub(crate) fn open(home: &Home, password: &Password) -> Result<Self, KeystoreError> {
        let open = |purpose| keystore::open(&home.key_file(purpose), purpose, password);
        Ok(Self {
            validator: open(KeyPurpose::Validator)?,
            transport: open(KeyPurpose::Transport)?,
        })
    }
}

/// A nonce for one start, so that answers to an earlier start are told apart.
pub(crate) fn nonce() -> Result<[u8; 16], EntropyError> {
    let mut nonce = [0; 16];
    keys::draw(&mut nonce)?;
    Ok(nonce)
}
