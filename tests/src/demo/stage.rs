//! The stage: three homes made by `jjj-genesis`, three nodes, and what the agencies say with `jjj`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use genesis::home::Home;
use serde_json::Value;

use crate::devnet::Devnet;
use crate::ports::Ports;
use crate::programs::{self, Ended};

/// Agencies in the order of their indices: name, division, folder.
pub const AGENCIES: [(&str, &str, &str); 3] =
    [("北京", "11", "beijing"), ("天津", "12", "tianjin"), ("河北", "13", "hebei")];

/// Index of Beijing's agency.
pub const BEIJING: usize = 0;
/// Index of Tianjin's agency.
pub const TIANJIN: usize = 1;
/// Index of Hebei's agency.
pub const HEBEI: usize = 2;

/// Seconds that a node may need to get somewhere on a busy machine.
pub const PATIENCE: u64 = 90;

/// How long a shortage waits for late events here, in milliseconds; a day by default.
const SETTLING_MS: &str = "3000";

/// The stage.
#[derive(Debug)]
pub struct Stage {
    /// The three nodes.
    pub net: Devnet,
    /// Hash of the genesis document: all that an auditor must trust.
    pub chain: String,
}

impl Stage {
    /// Makes the homes with `jjj-genesis new`. Nothing runs yet.
    pub fn build() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("jjj-demo-").tempdir()?;
        let ports = Ports::take()?;
        let password_file = folder.path().join("password");
        std::fs::write(&password_file, "demo-password-2021\n")?;
        let out = folder.path().join("net");
        let mut arguments = vec!["new".to_owned()];
        for (name, division, _) in AGENCIES {
            arguments.extend(["--agency".to_owned(), format!("{name}:{division}")]);
        }
        arguments.extend(["--base-port".to_owned(), ports.first().to_string()]);
        arguments.extend(["--out".to_owned(), out.display().to_string()]);
        arguments.extend(["--password-file".to_owned(), password_file.display().to_string()]);
        programs::run("jjj-genesis", &arguments)?.expect(0)?;
        let hash = programs::run("jjj-genesis", ["hash".into(), out.join("genesis.bin")])?;
        let chain = hash.expect(0)?.out.trim().to_owned();
        let homes = AGENCIES.map(|(_, _, name)| Home::new(out.join(name))).to_vec();
        let net = Devnet::of_homes(homes, folder, password_file, ports)?;
        Ok(Self { net, chain })
    }

    /// A stage of a network that is there already.
    pub fn of(net: Devnet) -> Self {
        let chain = net.chain().to_string();
        Self { net, chain }
    }

    /// What `jjj` says for programs, where it must succeed.
    pub fn ask(&self, agency: usize, arguments: &[&str]) -> anyhow::Result<Value> {
        self.json(agency, arguments)?.expect(0)?.json()
    }

    /// What `jjj` says for programs, however it ends.
    pub fn json(&self, agency: usize, arguments: &[&str]) -> anyhow::Result<Ended> {
        self.net.jjj(agency, &[&["--json"], arguments].concat())
    }

    /// The three code schemes and the settling time: proposed by one agency, approved by another.
    pub fn agree_on_rules(&self) -> anyhow::Result<()> {
        self.agree_on_schemes()?;
        self.agree_on_settling(SETTLING_MS)
    }

    /// The three code schemes: each proposed by its own agency, approved by another.
    pub fn agree_on_schemes(&self) -> anyhow::Result<()> {
        let schemes = programs::root().join("contracts/src/scheme/demo");
        for (proposer, (_, _, name)) in AGENCIES.iter().enumerate() {
            let file = schemes.join(format!("{name}.toml"));
            let approver = (proposer + 1) % AGENCIES.len();
            self.agree((proposer, approver), &["propose", "scheme", path_text(&file)?])?;
        }
        Ok(())
    }

    /// How long a shortage waits for late events, in milliseconds.
    pub fn agree_on_settling(&self, settling_ms: &str) -> anyhow::Result<()> {
        self.agree((BEIJING, HEBEI), &["propose", "rule", "settling_ms", settling_ms])
    }

    fn agree(&self, (from, to): (usize, usize), proposal: &[&str]) -> anyhow::Result<()> {
        let proposed = self.ask(from, proposal)?;
        let uid = proposed["op_uid"].as_str().context("a proposal has an op_uid")?;
        self.ask(to, &["approve", &from.to_string(), uid])?;
        Ok(())
    }

    /// Submits a file of the sample world through its mapping; what became of the rows.
    pub fn submit(&self, agency: usize, file: &str, mapping: &str) -> anyhow::Result<Submitted> {
        let (file, mapping) = (programs::sample(file), programs::sample(mapping));
        let format = ["--format", "mapped", "--mapping", path_text(&mapping)?];
        self.submitted(agency, &file, &format)
    }

    /// Submits a file of the sample world that needs no mapping.
    pub fn submit_as(&self, agency: usize, file: &str, format: &str) -> anyhow::Result<Submitted> {
        self.submitted(agency, &programs::sample(file), &["--format", format])
    }

    fn submitted(&self, agency: usize, file: &Path, rest: &[&str]) -> anyhow::Result<Submitted> {
        let arguments = [&["submit", path_text(file)?], rest].concat();
        let ended = self.json(agency, &arguments)?;
        // Exit code 3 says that rows were rejected; which ones is in the answer.
        anyhow::ensure!(matches!(ended.code, Some(0 | 3)), "{}{}", ended.out, ended.err);
        let answer = ended.json()?;
        let number = |name: &str| answer[name].as_u64().unwrap_or_default();
        let refused = answer["refused"].as_array().map_or(0, Vec::len);
        anyhow::ensure!(refused == 0, "operations were refused: {}", answer["refused"]);
        Ok(Submitted {
            rows: number("rows"),
            operations: number("operations"),
            accepted: number("accepted"),
            already_recorded: number("already_recorded"),
            rejected: answer["rejected"].as_array().cloned().unwrap_or_default(),
            alerts: answer["alerts"].as_array().cloned().unwrap_or_default(),
            last_height: number("last_height"),
        })
    }

    /// The alerts that a node shows, closed and withdrawn ones too if `all`.
    pub fn alerts(&self, agency: usize, all: &[&str]) -> anyhow::Result<Vec<Value>> {
        let answer = self.ask(agency, &[&["alerts"], all].concat())?;
        Ok(answer["alerts"].as_array().cloned().unwrap_or_default())
    }

    /// A file beside the homes.
    pub fn file(&self, name: &str) -> PathBuf {
        self.net.folder().join(name)
    }
}

/// What became of a submitted file.
#[derive(Clone, PartialEq, Debug)]
pub struct Submitted {
    /// Rows read.
    pub rows: u64,
    /// Operations made of them.
    pub operations: u64,
    /// Operations recorded now.
    pub accepted: u64,
    /// Operations recorded before.
    pub already_recorded: u64,
    /// Rows rejected, with row, column and rule.
    pub rejected: Vec<Value>,
    /// Alerts raised, closed or withdrawn.
    pub alerts: Vec<Value>,
    /// Height of the last transaction.
    pub last_height: u64,
}

/// A path as an argument.
pub fn path_text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
