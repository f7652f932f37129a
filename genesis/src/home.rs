//! The home folder of a node: which file stands where, and the configuration that an operator
//! edits. It knows the names, not what the node does with them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use proto::ValidatorIndex;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document::{Genesis, ReadError};
use crate::files::{self, FileError};
use crate::keys::KeyPurpose;
use crate::limits::{
    CACHE_MIB_MAX, CACHE_MIB_MIN, GENESIS_BYTES_MAX, TEXT_BYTES_MAX, WRITES_MIB_MAX, WRITES_MIB_MIN,
};

/// Where the files of one node stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// The home in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Canonical bytes of the genesis document; what the node reads.
    pub fn genesis_file(&self) -> PathBuf {
        self.0.join("genesis.bin")
    }

    /// Rendering of the genesis document; what people read.
    pub fn rendering_file(&self) -> PathBuf {
        self.0.join("genesis.toml")
    }

    /// Configuration of the node.
    pub fn config_file(&self) -> PathBuf {
        self.0.join("node.toml")
    }

    /// Keystore of the key for `purpose`.
    pub fn key_file(&self, purpose: KeyPurpose) -> PathBuf {
        self.0.join("keys").join(format!("{}.key", purpose.name()))
    }

    /// What the node writes: ledger, journal, safety record.
    pub fn data_folder(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Reads the genesis document.
    pub fn read_genesis(&self) -> Result<Genesis, HomeError> {
        let path = self.genesis_file();
        let limit = u64::try_from(GENESIS_BYTES_MAX).unwrap_or(u64::MAX);
        let bytes = files::read(&path, limit)?;
        Genesis::read(&bytes).map_err(|source| HomeError::Genesis { path, source })
    }

    /// Reads the configuration.
    pub fn read_config(&self) -> Result<NodeConfig, HomeError> {
        let path = self.config_file();
        let text = files::read_text(&path, TEXT_BYTES_MAX)?;
        let config: NodeConfig = toml::from_str(&text)
            .map_err(|error| HomeError::Config { path: path.clone(), source: Box::new(error) })?;
        config.check().map_err(|rule| HomeError::ConfigRule { path, rule })?;
        Ok(config)
    }
}

/// Why a home folder cannot be used.
#[derive(Debug, Error)]
pub enum HomeError {
    /// A file cannot be read.
    #[error("{0}")]
    File(#[from] FileError),
    /// The genesis document is none.
    #[error("{}: {source}", path.display())]
    Genesis {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ReadError,
    },
    /// The configuration is not one.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The configuration contradicts itself.
    #[error("{}: {rule}", path.display())]
    ConfigRule {
        /// The file.
        path: PathBuf,
        /// The rule that is broken.
        rule: ConfigError,
    },
}

/// Which rule of a configuration is broken.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ConfigError {
    /// Nobody could connect.
    #[error("listen: must name at least one address")]
    NoListen,
    /// A text that is no multiaddr.
    #[error("{field}: expected a multiaddr such as /ip4/127.0.0.1/tcp/7100, found {found:?}")]
    Multiaddr {
        /// The field.
        field: &'static str,
        /// The text.
        found: String,
    },
    /// One validator, two entries.
    #[error("peers: validator {validator} stands there twice")]
    PeerTwice {
        /// The validator.
        validator: u16,
    },
    /// Two services on one port.
    #[error("grpc and metrics: both are {address}")]
    SameAddress {
        /// The shared address.
        address: SocketAddr,
    },
    /// Too little memory to work with, or more than a typing error away from what a machine has.
    #[error("{field}: expected {min} to {max} MiB, found {found}")]
    Memory {
        /// The field.
        field: &'static str,
        /// Least that is allowed.
        min: u32,
        /// Most that is allowed.
        max: u32,
        /// The number.
        found: u32,
    },
}

/// What an operator sets for one node. Everything that must be the same for all is in genesis.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Multiaddrs that the node listens on for other validators.
    pub listen: Vec<String>,
    /// Address of the gRPC service.
    pub grpc: SocketAddr,
    /// Address of the metrics.
    pub metrics: SocketAddr,
    /// Memory of the database.
    #[serde(default)]
    pub storage: Storage,
    /// Where the other validators are.
    pub peers: Vec<Peer>,
}

/// Memory of a node's database. What is absent has its default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// MiB of rows, indexes and filters kept in memory.
    pub cache_mib: u32,
    /// MiB of new rows kept in memory before they are sorted into files.
    pub writes_mib: u32,
}

/// Enough for ten million units, and three nodes fit on a machine of 4 GiB.
impl Default for Storage {
    fn default() -> Self {
        Self { cache_mib: 128, writes_mib: 96 }
    }
}

/// Where another validator listens. Its identity is in genesis, not here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Index of the validator.
    pub validator: u16,
    /// Multiaddr that it listens on.
    pub address: String,
}

impl Peer {
    /// Index of the validator.
    pub fn index(&self) -> ValidatorIndex {
        ValidatorIndex::new(self.validator)
    }
}

impl NodeConfig {
    /// Checks the rules that need nothing but the configuration.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.listen.is_empty() {
            return Err(ConfigError::NoListen);
        }
        let listen = self.listen.iter().map(|text| ("listen", text));
        let peers = self.peers.iter().map(|peer| ("peers.address", &peer.address));
        if let Some((field, text)) = listen.chain(peers).find(|(_, text)| !text.starts_with('/')) {
            return Err(ConfigError::Multiaddr { field, found: text.clone() });
        }
        let mut seen = std::collections::BTreeSet::new();
        if let Some(twice) = self.peers.iter().find(|peer| !seen.insert(peer.validator)) {
            return Err(ConfigError::PeerTwice { validator: twice.validator });
        }
        if self.grpc == self.metrics && self.grpc.port() != 0 {
            return Err(ConfigError::SameAddress { address: self.grpc });
        }
        let Storage { cache_mib, writes_mib } = self.storage;
        for (field, found, (min, max)) in [
            ("storage.cache_mib", cache_mib, (CACHE_MIB_MIN, CACHE_MIB_MAX)),
            ("storage.writes_mib", writes_mib, (WRITES_MIB_MIN, WRITES_MIB_MAX)),
        ] {
            if !(min..=max).contains(&found) {
                return Err(ConfigError::Memory { field, min, max, found });
            }
        }
        Ok(())
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        toml::to_string(self).expect("strings and small numbers are TOML")
    }
}
