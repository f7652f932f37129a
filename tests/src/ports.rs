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
        let folder = std::env::temp_dir().join("jjj-ports");
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for index in 0..NETWORKS_MAX {
            let first = FIRST + index * PER_NETWORK;
            let path = folder.join(first.to_string());
            let lock = OpenOptions::new().create(true).append(true).open(&path);
            let lock = lock.with_context(|| path.display().to_string())?;
            match lock.try_lock() {
                Ok(()) if all_free(first) => return Ok(Self { first, _lock: lock }),
                Ok(()) | Err(TryLockError::WouldBlock) => (), // the next range
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| path.display().to_string());
                }
            }
        }
        anyhow::bail!("no {PER_NETWORK} free ports between {FIRST} and 32,000")
    }

    /// The first of them.
    pub const fn first(&self) -> u16 {
        self.first
    }
}

fn all_free(first: u16) -> bool {
    (first..first + PER_NETWORK).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
}
