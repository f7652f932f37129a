//! The command line of `jjj-genesis`. It only reads arguments; a password is never one.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use genesis::ceremony::{Duty, PlannedAgency};
use genesis::homes::Host;
use genesis::rendering::parse_time;
use genesis::words::Language;
use proto::TimeMs;
use proto::quorum::Mode;

/// 创世文件：各机构共同签署的文件及其密钥 / The genesis document of a consortium, and its keys
#[derive(Parser, Debug)]
#[command(name = "jjj-genesis", version)]
pub(crate) struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Language of the words; Chinese where LANG is not English
    #[arg(long, global = true, value_enum)]
    pub(crate) lang: Option<LanguageArgument>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Make keys, homes and the genesis document of a consortium on this machine
    New(New),
    /// Make the keys of one agency, and print the public ones for the common document
    Keys(Keys),
    /// Make genesis.bin and genesis.toml from a genesis.toml that agencies have agreed on
    Build(Build),
    /// Say who takes part, by which rules, and what they mean
    Show(Source),
    /// Print the hash of the document, which is the name of the chain
    Hash(Source),
    /// Check that the files of a home or a folder of homes agree with one another
    Check(Check),
}

#[derive(Args, Debug)]
pub(crate) struct New {
    /// An agency: its name, the first two digits of its division code, and its host (127.0.0.1)
    #[arg(long = "agency", value_name = "NAME:DIVISION[@HOST]", required = true)]
    pub(crate) agencies: Vec<Seat>,
    /// A neutral witness, which validates and submits nothing
    #[arg(long, value_name = "NAME[@HOST]")]
    pub(crate) witness: Option<WitnessSeat>,
    /// Folder for the homes; must be new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// File whose first line seals the keys; asked for at the terminal where absent
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// How the quorum is counted
    #[arg(long, value_enum, default_value_t = ModeArgument::Standard)]
    pub(crate) mode: ModeArgument,
    /// Time of height 0
    #[arg(long, value_name = "RFC3339|now", default_value = "now")]
    pub(crate) time: TimeArgument,
    /// First port; each agency's follow at distances of ten
    #[arg(long, value_name = "PORT", default_value_t = 7100)]
    pub(crate) base_port: u16,
}

#[derive(Args, Debug)]
pub(crate) struct Keys {
    /// Home folder that gets the keys; must be new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// File whose first line seals the keys; asked for at the terminal where absent
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Make no submitter keys
    #[arg(long)]
    pub(crate) witness: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Build {
    /// The agreed rendering
    #[arg(value_name = "GENESIS.TOML")]
    pub(crate) rendering: PathBuf,
    /// Folder that gets genesis.bin and genesis.toml
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Host of a validator, one for each in the order of the document: writes node.toml of the node
    /// whose keys/validator.key stands in the folder
    #[arg(long = "host", value_name = "HOST")]
    pub(crate) hosts: Vec<Host>,
    /// First port; each validator's follow at distances of ten
    #[arg(long, value_name = "PORT", default_value_t = 7100, requires = "hosts")]
    pub(crate) base_port: u16,
}

#[derive(Args, Debug)]
pub(crate) struct Source {
    /// A genesis.bin, a genesis.toml, or a folder that holds genesis.bin
    #[arg(value_name = "FILE|DIR")]
    pub(crate) path: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// A home, or a folder of homes
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Hash that the document must have, as another agency read it out
    #[arg(long, value_name = "HASH")]
    pub(crate) chain: Option<String>,
}

/// A language by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum LanguageArgument {
    /// 中文
    Zh,
    /// English
    En,
}

impl From<LanguageArgument> for Language {
    fn from(argument: LanguageArgument) -> Self {
        match argument {
            LanguageArgument::Zh => Self::Zh,
            LanguageArgument::En => Self::En,
        }
    }
}

/// A quorum mode by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum ModeArgument {
    /// Goes on while some are down
    Standard,
    /// All must agree: fork-proof, any outage halts
    Unanimous,
}

impl From<ModeArgument> for Mode {
    fn from(argument: ModeArgument) -> Self {
        match argument {
            ModeArgument::Standard => Self::Standard,
            ModeArgument::Unanimous => Self::Unanimous,
        }
    }
}

/// A time, or the present.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimeArgument {
    /// The clock of this machine
    Now,
    /// As given
    At(TimeMs),
}

impl FromStr for TimeArgument {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "now" {
            return Ok(Self::Now);
        }
        parse_time(text)
            .map(Self::At)
            .ok_or("expected now, or RFC 3339 in whole milliseconds such as 2026-10-01T08:00:00Z")
    }
}

/// An agency and where its node runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seat {
    pub(crate) planned: PlannedAgency,
    pub(crate) host: Host,
}

impl FromStr for Seat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (agency, host) = split_host(text)?;
        let (name, division) =
            agency.rsplit_once(':').ok_or("expected NAME:DIVISION, for example 北京:11")?;
        let division = division.parse().map_err(|_| {
            format!("division: expected the first two digits of GB/T 2260, found {division:?}")
        })?;
        let planned = PlannedAgency { name: name.to_owned(), duty: Duty::Division(division) };
        Ok(Self { planned, host })
    }
}

/// A witness and where its node runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct WitnessSeat(pub(crate) Seat);

impl FromStr for WitnessSeat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, host) = split_host(text)?;
        let planned = PlannedAgency { name: name.to_owned(), duty: Duty::Witness };
        Ok(Self(Seat { planned, host }))
    }
}

fn split_host(text: &str) -> Result<(&str, Host), String> {
    match text.rsplit_once('@') {
        None => Ok((text, Host::LOOPBACK)),
        Some((agency, host)) => Ok((agency, host.parse().map_err(|error| format!("{error}"))?)),
    }
}
