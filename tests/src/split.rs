//! One validator that is two: a second home with the same keys, so that each instance signs what it
//! likes and shows it to its own peers. This is how a validator equivocates without any code of its
//! own: whatever a real node signs, the other one signs something else.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::Context as _;
use genesis::files::{Access, write_durably};
use genesis::home::{Home, NodeConfig, Peer};

/// Writes a copy of `home` into `folder`: the same genesis document and keys, its own (empty) data,
/// three ports from `first_port` on, and only `peers` as members to talk to.
pub fn second_instance(
    home: &Home,
    folder: &Path,
    first_port: u16,
    peers: &[u16],
) -> anyhow::Result<Home> {
    let second = Home::new(folder);
    std::fs::create_dir_all(folder.join("keys"))?;
    for name in ["genesis.bin", "genesis.toml"] {
        std::fs::copy(home.folder().join(name), folder.join(name))?;
    }
    for name in ["validator.key", "transport.key"] {
        let name = Path::new("keys").join(name);
        std::fs::copy(home.folder().join(&name), folder.join(&name))?;
    }
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let config = NodeConfig {
        listen: vec![address(first_port)],
        grpc: local(first_port + 1),
        metrics: local(first_port + 2),
        peers: only(home.read_config()?.peers, peers),
    };
    write_config(&second, &config)?;
    Ok(second)
}

/// Lets the node of `home` talk to `peers` alone.
pub fn keep_peers(home: &Home, peers: &[u16]) -> anyhow::Result<()> {
    let config = home.read_config()?;
    let peers = only(config.peers, peers);
    write_config(home, &NodeConfig { peers, ..config })
}

/// Lets the node of `home` look for `validator` at another port.
pub fn redirect(home: &Home, validator: u16, port: u16) -> anyhow::Result<()> {
    let mut config = home.read_config()?;
    let peer = config.peers.iter_mut().find(|peer| peer.validator == validator);
    peer.with_context(|| format!("validator {validator} is no peer"))?.address = address(port);
    write_config(home, &config)
}

fn address(port: u16) -> String {
    format!("/ip4/127.0.0.1/tcp/{port}")
}

fn only(peers: Vec<Peer>, kept: &[u16]) -> Vec<Peer> {
    peers.into_iter().filter(|peer| kept.contains(&peer.validator)).collect()
}

fn write_config(home: &Home, config: &NodeConfig) -> anyhow::Result<()> {
    let text = config.to_text();
    Ok(write_durably(&home.config_file(), text.as_bytes(), Access::Everyone)?)
}
