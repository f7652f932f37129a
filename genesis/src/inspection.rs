//! Checks that the files of a home agree: both forms of the document, the keys, the configuration.
//! It opens no key and changes nothing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use proto::sign::{KeyId, PublicKey};
use proto::{ChainId, ValidatorIndex};
use thiserror::Error;

use crate::document::Genesis;
use crate::files::{self, FileError};
use crate::home::{Home, HomeError, NodeConfig};
use crate::keys::KeyPurpose;
use crate::keystore::{Keystore, KeystoreError};
use crate::limits::TEXT_BYTES_MAX;
use crate::rendering::RenderingError;

/// What does not fit together in a home.
#[derive(Debug, Error)]
pub enum Finding {
    /// A file that cannot be used at all.
    #[error("{0}")]
    Home(#[from] HomeError),
    /// The rendering cannot be read.
    #[error("{0}")]
    File(#[from] FileError),
    /// The rendering is none.
    #[error("{}: {source}", path.display())]
    Rendering {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: RenderingError,
    },
    /// People would sign something else than nodes use.
    #[error("{}: genesis.bin says `{canonical}`, genesis.toml says `{rendered}`", path.display())]
    Differ {
        /// The rendering's file.
        path: PathBuf,
        /// First line that differs, as the canonical bytes have it.
        canonical: String,
        /// The same line of the rendering.
        rendered: String,
    },
    /// Another document than was expected.
    #[error("{}: chain is {found}, expected {expected}", path.display())]
    Chain {
        /// The document's file.
        path: PathBuf,
        /// Hash that was expected.
        expected: String,
        /// Hash of the document.
        found: ChainId,
    },
    /// A keystore cannot be read.
    #[error("{}: {source}", path.display())]
    Keystore {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: KeystoreError,
    },
    /// A key that the document does not know, or knows for something else.
    #[error("{}: {} key {key} {rule}", path.display(), purpose.name())]
    Key {
        /// The file.
        path: PathBuf,
        /// What the key is for.
        purpose: KeyPurpose,
        /// The key.
        key: KeyId,
        /// What it should be.
        rule: &'static str,
    },
    /// A peer that is none.
    #[error("{}: peers: validator {validator} {rule}", path.display())]
    Peer {
        /// The file.
        path: PathBuf,
        /// The validator.
        validator: ValidatorIndex,
        /// What is wrong with it.
        rule: &'static str,
    },
}

/// Checks one home; nothing found means that all its files agree. Files that a home may lack
/// (keys kept elsewhere, the configuration of a node that is set up later) are not missed.
pub fn inspect(home: &Home) -> Result<(Genesis, Vec<Finding>), Finding> {
    let genesis = home.read_genesis()?;
    let mut findings = Vec::new();
    compare_rendering(home, &genesis).unwrap_or_else(|finding| findings.push(finding));
    let own = inspect_keys(home, &genesis, &mut findings);
    if home.config_file().exists() {
        match home.read_config() {
            Ok(config) => inspect_peers(home, &genesis, (&config, own), &mut findings),
            Err(error) => findings.push(error.into()),
        }
    }
    Ok((genesis, findings))
}

fn compare_rendering(home: &Home, genesis: &Genesis) -> Result<(), Finding> {
    let path = home.rendering_file();
    let text = files::read_text(&path, TEXT_BYTES_MAX)?;
    let rendered = match Genesis::from_toml(&text) {
        // The stated chain is compared below, with the line that makes it another one.
        Ok(rendered) => rendered,
        Err(RenderingError::Chain { .. }) => {
            let rest: String = text.lines().filter(|line| !line.starts_with("chain ")).fold(
                String::new(),
                |mut kept, line| {
                    kept.push_str(line);
                    kept.push('\n');
                    kept
                },
            );
            Genesis::from_toml(&rest)
                .map_err(|source| Finding::Rendering { path: path.clone(), source })?
        }
        Err(source) => return Err(Finding::Rendering { path, source }),
    };
    if rendered == *genesis {
        return Ok(());
    }
    let (canonical, rendered) = (genesis.to_toml(), rendered.to_toml());
    // The chain follows from the rest: the line to show is the one that caused it.
    let content = |text: &str| -> Vec<String> {
        let kept = |line: &&str| !line.starts_with("chain ") && !line.starts_with('#');
        text.lines().filter(kept).map(str::to_owned).collect()
    };
    let (canonical, rendered) = (content(&canonical), content(&rendered));
    let position = canonical.iter().zip(&rendered).position(|(left, right)| left != right);
    let at = position.unwrap_or(canonical.len().min(rendered.len()));
    let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "(nothing)".to_owned());
    Err(Finding::Differ { path, canonical: line(&canonical), rendered: line(&rendered) })
}

/// Checks every keystore that is there; returns the validator whose key is here.
fn inspect_keys(
    home: &Home,
    genesis: &Genesis,
    findings: &mut Vec<Finding>,
) -> Option<ValidatorIndex> {
    let mut own = None;
    for purpose in KeyPurpose::ALL {
        let path = home.key_file(purpose);
        if !path.exists() {
            continue;
        }
        let keystore = match Keystore::read(&path) {
            Ok(keystore) => keystore,
            Err(source) => {
                findings.push(Finding::Keystore { path, source });
                continue;
            }
        };
        let key = keystore.public_key();
        let broken = if keystore.purpose() == purpose {
            broken_key_rule(genesis, purpose, &key, own)
        } else {
            Some("stands in the file of another purpose")
        };
        if purpose == KeyPurpose::Validator {
            own = genesis.descriptor().index_of(&key);
        }
        if let Some(rule) = broken {
            findings.push(Finding::Key { path, purpose, key: key.id(), rule });
        }
    }
    own
}

fn broken_key_rule(
    genesis: &Genesis,
    purpose: KeyPurpose,
    key: &PublicKey,
    own: Option<ValidatorIndex>,
) -> Option<&'static str> {
    let (fits, rule) = match purpose {
        KeyPurpose::Validator => {
            (genesis.descriptor().index_of(key).is_some(), "is not a validator of the document")
        }
        KeyPurpose::Transport => (
            own.is_none_or(|own| genesis.transport_keys().get(own.position()) == Some(key)),
            "is not the transport key of this home's validator",
        ),
        KeyPurpose::Governance => (
            genesis.agencies().iter().any(|agency| agency.governance_key == *key),
            "is not a governance key of the document",
        ),
        KeyPurpose::Submitter(role) => (
            genesis.submitters().get(key).is_some_and(|record| record.role == role),
            "is not a submitter with this role in the document",
        ),
    };
    if fits { None } else { Some(rule) }
}

fn inspect_peers(
    home: &Home,
    genesis: &Genesis,
    (config, own): (&NodeConfig, Option<ValidatorIndex>),
    findings: &mut Vec<Finding>,
) {
    let path = home.config_file();
    let named: BTreeSet<ValidatorIndex> =
        config.peers.iter().map(crate::home::Peer::index).collect();
    let mut find = |validator, rule| {
        findings.push(Finding::Peer { path: path.clone(), validator, rule });
    };
    for validator in &named {
        if genesis.descriptor().validator(*validator).is_none() {
            find(*validator, "is not in the document");
        } else if Some(*validator) == own {
            find(*validator, "is this node itself");
        }
    }
    for index in 0..genesis.descriptor().quorum().validators() {
        let validator = ValidatorIndex::new(index);
        if own.is_some() && Some(validator) != own && !named.contains(&validator) {
            find(validator, "has no address here");
        }
    }
}
