//! The rendering of a genesis document that people read and sign: TOML, one to one with the
//! canonical bytes. An unknown field is an error, because it would be signed and not hashed.

use std::fmt::Write as _;

use jiff::Timestamp;
use proto::epoch::{BlockLimits, Descriptor, PROTOCOL, Validator};
use proto::hash::SUITE;
use proto::quorum::Mode;
use proto::sign::PublicKey;
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::{AgencyIndex, ChainId, Epoch, Hash, Height, TimeMs, ValidatorIndex};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document::{Agency, Document, Genesis, GenesisError, StateEntry};
use crate::words::{Language, fault_model};

/// Name and version of the rendering.
const FORMAT: &str = "jjj-genesis/1";

/// Why a text is not the rendering of a genesis document.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RenderingError {
    /// Not TOML, a field too many, one missing, or one of another type; with line and column.
    #[error("genesis.toml: {0}")]
    Text(#[source] Box<toml::de::Error>),
    /// A value that the field does not take.
    #[error("genesis.toml {field}: expected {expected}, found {found:?}")]
    Field {
        /// The field.
        field: String,
        /// What it takes.
        expected: &'static str,
        /// What the text says.
        found: String,
    },
    /// The document breaks a rule.
    #[error("genesis.toml: {0}")]
    Rule(#[from] GenesisError),
    /// The text names another chain than its content gives.
    #[error("genesis.toml chain: the content gives {computed}, the text says {stated}")]
    Chain {
        /// Hash of the content.
        computed: ChainId,
        /// Hash that the text states.
        stated: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    /// Follows from everything else; left out while a document is being agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chain: Option<String>,
    time: String,
    recovery_threshold: u16,
    epoch: EpochText,
    agency: Vec<AgencyText>,
    validator: Vec<ValidatorText>,
    #[serde(default)]
    submitter: Vec<SubmitterText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EpochText {
    suite: u8,
    protocol: u32,
    number: u32,
    first_height: u64,
    mode: String,
    rotation_blocks: u32,
    lag: u16,
    max_ttl_ms: u64,
    max_block_bytes: u32,
    max_ops: u32,
    max_links: u16,
    max_block_links: u32,
    contracts: u32,
    role_table: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgencyText {
    index: u16,
    name: String,
    governance_key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ValidatorText {
    index: u16,
    agency: u16,
    key: String,
    transport_key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubmitterText {
    agency: u16,
    role: String,
    party: String,
    key: String,
}

impl Genesis {
    /// The rendering, with what it means as comments on top.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        for language in [Language::Zh, Language::En] {
            for sentence in fault_model(self.descriptor(), language) {
                writeln!(out, "# {sentence}").expect("writing to a string does not fail");
            }
        }
        out.push('\n');
        let text = toml::to_string(&to_text(self)).expect("strings and checked numbers are TOML");
        out.push_str(&text);
        out
    }

    /// Reads a rendering.
    pub fn from_toml(text: &str) -> Result<Self, RenderingError> {
        let text: Text =
            toml::from_str(text).map_err(|error| RenderingError::Text(Box::new(error)))?;
        if text.format != FORMAT {
            return Err(field("format", "\"jjj-genesis/1\"", &text.format));
        }
        let stated = text.chain.clone();
        let genesis = Self::new(to_document(text)?)?;
        match stated {
            Some(stated) if stated != genesis.chain().to_string() => {
                Err(RenderingError::Chain { computed: genesis.chain(), stated })
            }
            Some(_) | None => Ok(genesis),
        }
    }
}

/// A time as RFC 3339 in UTC, to the millisecond.
pub fn render_time(time: TimeMs) -> String {
    let ms = i64::try_from(time.value()).ok();
    ms.and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map_or_else(|| format!("{time} ms"), |stamp| stamp.to_string())
}

/// Reads an RFC 3339 time without parts of a millisecond, not before 1970.
pub fn parse_time(text: &str) -> Option<TimeMs> {
    let stamp: Timestamp = text.parse().ok()?;
    let whole = stamp.subsec_nanosecond() % 1_000_000 == 0;
    let ms = u64::try_from(stamp.as_millisecond()).ok()?;
    whole.then_some(TimeMs::new(ms))
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Standard => "standard",
        Mode::Unanimous => "unanimous",
    }
}

/// The mode with this name.
pub fn parse_mode(name: &str) -> Option<Mode> {
    [Mode::Standard, Mode::Unanimous].into_iter().find(|mode| mode_name(*mode) == name)
}

fn key_text(key: &PublicKey) -> String {
    hex::encode(key.as_bytes())
}

fn to_text(genesis: &Genesis) -> Text {
    let index = |position: usize| u16::try_from(position).expect("checked: fewer than 65,536");
    let agency = |(position, agency): (usize, &Agency)| AgencyText {
        index: index(position),
        name: agency.name.clone(),
        governance_key: key_text(&agency.governance_key),
    };
    let members = genesis.descriptor().validators.iter().zip(genesis.transport_keys());
    let validator =
        |(position, (member, transport)): (usize, (&Validator, &PublicKey))| ValidatorText {
            index: index(position),
            agency: member.agency.value(),
            key: key_text(&member.key),
            transport_key: key_text(transport),
        };
    let submitter = |(key, record): (&PublicKey, &SubmitterRecord)| SubmitterText {
        agency: record.agency.value(),
        role: record.role.name().to_owned(),
        party: record.party.clone(),
        key: key_text(key),
    };
    Text {
        format: FORMAT.to_owned(),
        chain: Some(genesis.chain().to_string()),
        time: render_time(genesis.time()),
        recovery_threshold: genesis.recovery_threshold(),
        epoch: epoch_text(genesis.descriptor()),
        agency: genesis.agencies().iter().enumerate().map(agency).collect(),
        validator: members.enumerate().map(validator).collect(),
        submitter: genesis.submitters().iter().map(submitter).collect(),
    }
}

fn epoch_text(descriptor: &Descriptor) -> EpochText {
    let limits = descriptor.limits;
    EpochText {
        suite: SUITE,
        protocol: PROTOCOL,
        number: descriptor.epoch.value(),
        first_height: descriptor.first_height.value(),
        mode: mode_name(descriptor.mode).to_owned(),
        rotation_blocks: descriptor.rotation_blocks,
        lag: descriptor.lag,
        max_ttl_ms: limits.max_ttl_ms,
        max_block_bytes: limits.max_block_bytes,
        max_ops: limits.max_ops,
        max_links: limits.max_links,
        max_block_links: limits.max_block_links,
        contracts: descriptor.contracts,
        role_table: descriptor.role_table.to_string(),
    }
}

fn to_document(text: Text) -> Result<Document, RenderingError> {
    let time = parse_time(&text.time).ok_or_else(|| {
        field("time", "RFC 3339 in whole milliseconds, as 2026-10-01T08:00:00Z", &text.time)
    })?;
    let mut agencies = Vec::new();
    for (position, agency) in text.agency.iter().enumerate() {
        expect_index("agency", position, agency.index)?;
        let governance_key =
            parse_key(format!("agency[{position}].governance_key"), &agency.governance_key)?;
        agencies.push(Agency { name: agency.name.clone(), governance_key });
    }
    let (mut validators, mut state) = (Vec::new(), Vec::new());
    for (position, member) in text.validator.iter().enumerate() {
        expect_index("validator", position, member.index)?;
        let key = parse_key(format!("validator[{position}].key"), &member.key)?;
        validators.push(Validator { agency: AgencyIndex::new(member.agency), key });
        let transport =
            parse_key(format!("validator[{position}].transport_key"), &member.transport_key)?;
        state.push(StateEntry::transport(ValidatorIndex::new(member.index), &transport));
    }
    for (position, submitter) in text.submitter.into_iter().enumerate() {
        state.push(to_submitter(position, submitter)?);
    }
    state.sort();
    let descriptor = to_descriptor(&text.epoch, validators)?;
    let recovery_threshold = text.recovery_threshold;
    Ok(Document { time, recovery_threshold, agencies, descriptor, state })
}

fn to_submitter(position: usize, text: SubmitterText) -> Result<StateEntry, RenderingError> {
    let key = parse_key(format!("submitter[{position}].key"), &text.key)?;
    let role = SubmitterRole::ALL.into_iter().find(|role| role.name() == text.role);
    let role = role.ok_or_else(|| {
        let name = format!("submitter[{position}].role");
        field(name, "platform, regulator or agency", &text.role)
    })?;
    if text.party.len() > 256 {
        let name = format!("submitter[{position}].party");
        return Err(field(name, "at most 256 bytes", &text.party));
    }
    let record = SubmitterRecord { agency: AgencyIndex::new(text.agency), role, party: text.party };
    Ok(StateEntry::submitter(&key, &record))
}

fn to_descriptor(
    text: &EpochText,
    validators: Vec<Validator>,
) -> Result<Descriptor, RenderingError> {
    if text.suite != SUITE {
        return Err(field("epoch.suite", "0, the only one known", &text.suite.to_string()));
    }
    if text.protocol != PROTOCOL {
        return Err(field("epoch.protocol", "1, the only one known", &text.protocol.to_string()));
    }
    let unknown_mode = || field("epoch.mode", "standard or unanimous", &text.mode);
    let role_table = Hash::from_hex(&text.role_table)
        .filter(|hash| hash.to_string() == text.role_table)
        .ok_or_else(|| {
            field("epoch.role_table", "64 lower-case hexadecimal digits", &text.role_table)
        })?;
    Ok(Descriptor {
        epoch: Epoch::new(text.number),
        first_height: Height::new(text.first_height),
        mode: parse_mode(&text.mode).ok_or_else(unknown_mode)?,
        rotation_blocks: text.rotation_blocks,
        lag: text.lag,
        limits: BlockLimits {
            max_ttl_ms: text.max_ttl_ms,
            max_block_bytes: text.max_block_bytes,
            max_ops: text.max_ops,
            max_links: text.max_links,
            max_block_links: text.max_block_links,
        },
        contracts: text.contracts,
        role_table,
        validators,
    })
}

fn expect_index(list: &'static str, position: usize, found: u16) -> Result<(), RenderingError> {
    if usize::from(found) == position {
        Ok(())
    } else {
        let name = format!("{list}[{position}].index");
        Err(field(name, "its position in the list", &found.to_string()))
    }
}

fn parse_key(name: String, text: &str) -> Result<PublicKey, RenderingError> {
    let key = hex::decode(text).ok().and_then(|bytes| PublicKey::from_bytes(&bytes).ok());
    key.filter(|key| key_text(key) == text).ok_or_else(|| {
        field(name, "an Ed25519 public key as 64 lower-case hexadecimal digits", text)
    })
}

fn field(name: impl Into<String>, expected: &'static str, found: &str) -> RenderingError {
    RenderingError::Field { field: name.into(), expected, found: found.to_owned() }
}
