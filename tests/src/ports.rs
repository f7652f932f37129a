//! Loopback ports for one network at a time, however many tests run side by side.

use std::fs::{File, OpenOptions, TryLockError};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;

/// First port given out. Above the registered services' crowd and below the range from which systems
/// take the ports of outgoing connections (32,768 on Linux), so that no connection takes one away.
const FIRST: u16 = 20_000;

/// Ports of one network: ten a node.
const PER_NETWORK: u16 = 100;

/// Networks at the same time.
const NETWORKS_MAX: u16 = 120;

/// A range of ports, kept as long as this lives.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    // The system releases the lock with the process, however it ends.
    _lock: File,
}

impl Ports {
    /// A range that nobody holds and whose ports are free.
    pub fn take() -> anyhow::Result<Self> {
        for index in 0..NETWORKS_MAX {
            if let Some(ports) = Self::take_from(FIRST + index * PER_NETWORK)? {
                return Ok(ports);
            }
        }
        anyhow::bail!("no {PER_NETWORK} free ports between {FIRST} and 32,000")
    }

    /// The range that `port` lies in: that of a network which is started again.
    pub fn take_that_of(port: u16) -> anyhow::Result<Self> {
        let first = port - port % PER_NETWORK;
        anyhow::ensure!(first >= FIRST, "port {port} is below {FIRST}, where networks have theirs");
        Self::take_from(first)?.with_context(|| format!("the ports from {first} on are in use"))
    }

    /// The range from `first` on, unless somebody holds it or uses a port of it.
    fn take_from(first: u16) -> anyhow::Result<Option<Self>> {
        let folder = std::env::temp_dir().join("jjj-ports");
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let path = folder.join(first.to_string());
        let lock = OpenOptions::new().create(true).append(true).open(&path);
        let lock = lock.with_context(|| path.display().to_string())?;
        match lock.try_lock() {
            Ok(()) => Ok(all_free(first).then_some(Self { first, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| path.display().to_string())
            }
        }
    }

    /// The first of them.
    pub const fn first(&self) -> u16 {
        self.first
    }
}

fn all_free(first: u16) -> bool {
    (first..first + PER_NETWORK).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
}
