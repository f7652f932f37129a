//! Writes what a ceremony made: one home folder per agency, complete or not at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proto::codec::Canonical as _;
use thiserror::Error;

use crate::ceremony::{AgencyKeys, Duty, Made, Plan, PlannedAgency};
use crate::document::Genesis;
use crate::files::{self, Access, FileError};
use crate::home::{Home, NodeConfig, Peer, Storage};
use crate::keys::KeyPurpose;
use crate::keystore::{Cost, Keystore, KeystoreError, SealRandomness};
use crate::password::Password;

/// Ports between one agency's services and the next one's, where all share a host.
const PORTS_PER_AGENCY: u16 = 10;

/// Where a validator is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Host {
    /// By address.
    Address(IpAddr),
    /// By a name that is looked up.
    Name(String),
}

impl Host {
    /// This machine alone.
    pub const LOOPBACK: Self = Self::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));

    fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Name(name) => name == "localhost",
        }
    }

    fn dialled(&self, port: u16) -> String {
        match self {
            Self::Address(IpAddr::V4(address)) => format!("/ip4/{address}/tcp/{port}"),
            Self::Address(IpAddr::V6(address)) => format!("/ip6/{address}/tcp/{port}"),
            Self::Name(name) => format!("/dns/{name}/tcp/{port}"),
        }
    }

    /// A host that others reach is listened on by every interface: its address may be translated.
    fn listened(&self, port: u16) -> String {
        match self {
            Self::Address(_) | Self::Name(_) if self.is_loopback() => self.dialled(port),
            Self::Address(IpAddr::V4(_)) | Self::Name(_) => {
                Self::Address(Ipv4Addr::UNSPECIFIED.into()).dialled(port)
            }
            Self::Address(IpAddr::V6(_)) => {
                Self::Address(Ipv6Addr::UNSPECIFIED.into()).dialled(port)
            }
        }
    }
}

/// A text that names no host.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("host: expected an address or a DNS name, found {found:?}")]
pub struct BadHost {
    /// The text.
    pub found: String,
}

impl FromStr for Host {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let label = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        if text.len() <= 253 && text.split('.').all(label) {
            Ok(Self::Name(text.to_owned()))
        } else {
            Err(BadHost { found: text.to_owned() })
        }
    }
}

/// Where homes are written and how nodes find one another.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Folder of all homes; must not exist, or be empty.
    pub out: PathBuf,
    /// First port; each agency's follow at distances of ten.
    pub base_port: u16,
    /// Host of each agency, in the order of the plan.
    pub hosts: Vec<Host>,
}

/// Why no homes were written.
#[derive(Debug, Error)]
pub enum HomesError {
    /// The folder holds something.
    #[error("{}: already holds files; name a new folder, existing keys are never overwritten", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Ports above 65,535.
    #[error(
        "base port {base}: {validators} validators need ports up to {base} + {needed}, above 65535"
    )]
    Ports {
        /// First port.
        base: u16,
        /// Validators of the document.
        validators: usize,
        /// Distance of the last port.
        needed: usize,
    },
    /// Not one host per validator.
    #[error("hosts: expected {validators}, one per validator, found {found}")]
    HostCount {
        /// Validators of the document.
        validators: usize,
        /// Hosts given.
        found: usize,
    },
    /// Nodes of other machines would look for a validator on their own.
    #[error("hosts: {} is this machine alone; either all agencies are here or each has its own host", host.dialled(0).trim_end_matches("/tcp/0"))]
    MixedHosts {
        /// The host that others cannot reach.
        host: Host,
    },
    /// A configuration that an operator may have edited.
    #[error("{}: exists; it is not replaced", path.display())]
    ConfigExists {
        /// The file.
        path: PathBuf,
    },
    /// A validator key that the document does not list: whose node this is cannot be told.
    #[error("{}: is not the key of a validator of the document", path.display())]
    NoValidator {
        /// The keystore.
        path: PathBuf,
    },
    /// A file.
    #[error("{0}")]
    File(#[from] FileError),
    /// A keystore.
    #[error("{0}")]
    Keystore(#[from] KeystoreError),
}

/// The home of one agency, as it was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The agency's name.
    pub name: String,
    /// Its home.
    pub home: Home,
    /// Its configuration.
    pub config: NodeConfig,
}

/// Writes every home. They are built beside the folder and get its name when all are complete.
pub fn write(
    plan: &Plan,
    made: &Made,
    layout: &Layout,
    password: &Password,
    cost: Cost,
) -> Result<Vec<Written>, HomesError> {
    let configs = configure(layout.base_port, &layout.hosts, plan.agencies.len())?;
    refuse_occupied(&layout.out)?;
    let building = building_folder(&layout.out);
    if building.exists() {
        files::remove_folder(&building)?;
    }
    let finished = build(plan, made, &configs, &building, (password, cost))
        .and_then(|()| Ok(files::rename_folder(&building, &layout.out)?));
    if let Err(error) = finished {
        // The first error is the one to tell; what is left is named like the folder and hidden.
        drop(files::remove_folder(&building));
        return Err(error);
    }
    let homes = plan.agencies.iter().zip(configs);
    Ok(homes
        .map(|(planned, config)| Written {
            name: planned.name.clone(),
            home: Home::new(layout.out.join(folder_name(planned))),
            config,
        })
        .collect())
}

/// Name of an agency's folder: its division in Latin letters, or `witness`.
pub fn folder_name(planned: &PlannedAgency) -> String {
    match planned.duty {
        Duty::Witness => "witness".to_owned(),
        Duty::Division(division) => {
            let known = DIVISIONS.iter().find(|(code, _)| *code == division);
            known.map_or_else(|| format!("division-{division}"), |(_, name)| (*name).to_owned())
        }
    }
}

/// Provincial divisions of GB/T 2260 by their first two digits.
const DIVISIONS: [(u8, &str); 34] = [
    (11, "beijing"),
    (12, "tianjin"),
    (13, "hebei"),
    (14, "shanxi"),
    (15, "neimenggu"),
    (21, "liaoning"),
    (22, "jilin"),
    (23, "heilongjiang"),
    (31, "shanghai"),
    (32, "jiangsu"),
    (33, "zhejiang"),
    (34, "anhui"),
    (35, "fujian"),
    (36, "jiangxi"),
    (37, "shandong"),
    (41, "henan"),
    (42, "hubei"),
    (43, "hunan"),
    (44, "guangdong"),
    (45, "guangxi"),
    (46, "hainan"),
    (50, "chongqing"),
    (51, "sichuan"),
    (52, "guizhou"),
    (53, "yunnan"),
    (54, "xizang"),
    (61, "shaanxi"),
    (62, "gansu"),
    (63, "qinghai"),
    (64, "ningxia"),
    (65, "xinjiang"),
    (71, "taiwan"),
    (81, "hongkong"),
    (82, "macao"),
];

/// Configurations of all nodes, in the order of the validators.
fn configure(base: u16, hosts: &[Host], validators: usize) -> Result<Vec<NodeConfig>, HomesError> {
    let found = hosts.len();
    if found != validators {
        return Err(HomesError::HostCount { validators, found });
    }
    let (near, far): (Vec<&Host>, Vec<&Host>) = hosts.iter().partition(|host| host.is_loopback());
    if let (Some(host), false) = (near.first(), far.is_empty()) {
        return Err(HomesError::MixedHosts { host: Host::clone(host) });
    }
    let needed = validators.saturating_mul(PORTS_PER_AGENCY.into());
    let last = u16::try_from(needed).ok().and_then(|distance| base.checked_add(distance));
    last.ok_or(HomesError::Ports { base, validators, needed })?;
    let places: Vec<(u16, u16, &Host)> = (0..)
        .zip(hosts)
        .map(|(index, host)| (index, base + index * PORTS_PER_AGENCY, host))
        .collect();
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let configured = places.iter().map(|(own, port, host)| NodeConfig {
        listen: vec![host.listened(*port)],
        grpc: local(port + 1),
        metrics: local(port + 2),
        storage: Storage::default(),
        peers: places
            .iter()
            .filter(|(index, ..)| index != own)
            .map(|(index, port, host)| Peer { validator: *index, address: host.dialled(*port) })
            .collect(),
    });
    Ok(configured.collect())
}

fn refuse_occupied(out: &Path) -> Result<(), HomesError> {
    match std::fs::read_dir(out).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(HomesError::NotEmpty { path: out.to_owned() }),
        // Empty or absent; a folder that cannot be read fails when it is replaced.
        Ok(false) | Err(_) => Ok(()),
    }
}

fn building_folder(out: &Path) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!(".{name}.{}.building", std::process::id()))
}

fn build(
    plan: &Plan,
    made: &Made,
    configs: &[NodeConfig],
    building: &Path,
    seal: (&Password, Cost),
) -> Result<(), HomesError> {
    for ((planned, keys), config) in plan.agencies.iter().zip(&made.agencies).zip(configs) {
        let home = Home::new(building.join(folder_name(planned)));
        write_keys(&home, keys, seal)?;
        let text = config_text(&planned.name, config);
        files::write_durably(&home.config_file(), text.as_bytes(), Access::Everyone)?;
        write_genesis(&home, &made.genesis)?;
    }
    // Beside the homes too: the copy that agencies compare and auditors get.
    write_genesis(&Home::new(building), &made.genesis)
}

fn write_keys(home: &Home, keys: &AgencyKeys, seal: (&Password, Cost)) -> Result<(), HomesError> {
    let (password, cost) = seal;
    for (purpose, key) in &keys.keys {
        let path = home.key_file(*purpose);
        files::create_folder(path.parent().unwrap_or(home.folder()))?;
        let randomness = SealRandomness::draw().map_err(KeystoreError::Entropy)?;
        Keystore::seal(*purpose, key, password, cost, &randomness)?.write(&path)?;
    }
    Ok(())
}

/// Writes the configuration of the node whose validator key is in `home`: `hosts` are those of the
/// document's validators, in their order.
pub fn write_config(
    home: &Home,
    genesis: &Genesis,
    (hosts, base_port): (&[Host], u16),
) -> Result<NodeConfig, HomesError> {
    let path = home.config_file();
    if path.exists() {
        return Err(HomesError::ConfigExists { path });
    }
    let key_file = home.key_file(KeyPurpose::Validator);
    let key = Keystore::read(&key_file)?.public_key();
    let descriptor = genesis.descriptor();
    let own = descriptor.index_of(&key).ok_or(HomesError::NoValidator { path: key_file })?;
    let configs = configure(base_port, hosts, descriptor.validators.len())?;
    let config = configs.into_iter().nth(own.position());
    let config = config.expect("there is one configuration for each validator");
    let member = descriptor.validator(own).expect("its key stands at this index");
    let name = genesis.agency(member.agency).map_or("", |agency| &agency.name);
    let text = config_text(name, &config);
    files::write_durably(&path, text.as_bytes(), Access::Everyone)?;
    Ok(config)
}

/// Writes both forms of the document.
pub fn write_genesis(home: &Home, genesis: &Genesis) -> Result<(), HomesError> {
    files::write_durably(&home.genesis_file(), &genesis.encode(), Access::Everyone)?;
    let text = genesis.to_toml();
    Ok(files::write_durably(&home.rendering_file(), text.as_bytes(), Access::Everyone)?)
}

fn config_text(name: &str, config: &NodeConfig) -> String {
    format!(
        "# {name}\n\
         # listen: 共识节点之间的监听地址 / where other validators connect (multiaddr)\n\
         # grpc, metrics: 查询与指标地址 / addresses of the query service and of the metrics\n\
         # storage: 数据库占用的内存 / memory of the database, MiB\n\
         # peers: 其他共识节点的地址；身份以创世文件为准 / where the others are; who they are is in genesis\n\n\
         {text}",
        text = config.to_text(),
    )
}
