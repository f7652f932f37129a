//! The genesis document: its canonical bytes, its rules, and what follows from them. It knows
//! nothing of files, keys that sign, or the rendering that people read.

use std::collections::BTreeMap;

use proto::codec::{Canonical, DecodeError, Reader, Writer};
use proto::epoch::{Descriptor, DescriptorError};
use proto::hash::Tag;
use proto::limits::AGENCIES_MAX;
use proto::schema::roles;
use proto::sign::{KeyId, PublicKey};
use proto::submitter::SubmitterRecord;
use proto::trie::Namespace;
use proto::{AgencyIndex, ChainId, Epoch, Hash, Height, TimeMs, ValidatorIndex};
use thiserror::Error;
use unicode_normalization::{UnicodeNormalization as _, is_nfc, is_nfkc};

use crate::limits::{
    AGENCY_NAME_BYTES_MAX, DESCRIPTOR_BYTES_MAX, GENESIS_BYTES_MAX, STATE_ENTRIES_MAX,
    STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX, TIME_MS_MAX, TIME_MS_MIN, TTL_MS_MAX,
};

/// Opens the encoding, so that no other structure is taken for a genesis document.
const DOCUMENT_TAG: &str = "jjj/genesis-doc/v1";

/// Start of the state key of a validator's transport key; the index follows as u16.
const TRANSPORT_PREFIX: &[u8] = b"transport/";

/// A member of the consortium. Its index is its position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agency {
    /// Name that people read.
    pub name: String,
    /// Key that signs recovery documents and changes of the validator set; kept offline.
    pub governance_key: PublicKey,
}

/// A value that the state holds before the first block.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct StateEntry {
    /// Part of the state.
    pub namespace: Namespace,
    /// Key in it.
    pub key: Vec<u8>,
    /// Value under the key.
    pub value: Vec<u8>,
}

impl StateEntry {
    /// The entry that lists `key` as a submitter.
    pub fn submitter(key: &PublicKey, record: &SubmitterRecord) -> Self {
        let namespace = Namespace::Key;
        Self { namespace, key: key.as_bytes().to_vec(), value: record.encode() }
    }

    /// The entry that names the transport key of a validator.
    pub fn transport(validator: ValidatorIndex, key: &PublicKey) -> Self {
        let namespace = Namespace::Sys;
        Self { namespace, key: transport_state_key(validator), value: key.as_bytes().to_vec() }
    }
}

/// State key, in namespace SYS, of a validator's transport key.
pub fn transport_state_key(validator: ValidatorIndex) -> Vec<u8> {
    let mut key = TRANSPORT_PREFIX.to_vec();
    key.extend_from_slice(&validator.value().to_be_bytes());
    key
}

/// What a genesis document says, before its rules are checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// Time of height 0.
    pub time: TimeMs,
    /// Agencies whose governance keys must sign a recovery document.
    pub recovery_threshold: u16,
    /// Members, in the order of their indices.
    pub agencies: Vec<Agency>,
    /// Validators and parameters of epoch 0.
    pub descriptor: Descriptor,
    /// State before the first block, ascending by (namespace, key).
    pub state: Vec<StateEntry>,
}

/// A genesis document that obeys its rules.
///
/// ```
/// use genesis::{Genesis, ceremony};
/// use proto::codec::Canonical as _;
///
/// let plan = ceremony::Plan::for_agencies(&[("北京", 11), ("天津", 12), ("河北", 13)], 1_760_000_000_000);
/// let made = ceremony::hold(&plan, &mut ceremony::seeds_for_tests(7))?;
/// let bytes = made.genesis.encode();
/// let read = Genesis::decode(&bytes)?;
/// assert_eq!(read.chain(), made.genesis.chain());
/// assert_eq!(read.agencies()[0].name, "北京");
/// assert_eq!(read.descriptor().quorum().votes(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Genesis {
    document: Document,
    submitters: BTreeMap<PublicKey, SubmitterRecord>,
    transport_keys: Vec<PublicKey>,
    chain: ChainId,
}

/// Which rule of a genesis document is broken, and where.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum GenesisError {
    /// The time cannot be rendered, or lies before the first numbered day.
    #[error("time: {found} ms is outside {TIME_MS_MIN} to {TIME_MS_MAX}")]
    Time {
        /// Time given.
        found: u64,
    },
    /// No agency, or too many.
    #[error("agencies: expected 1 to {AGENCIES_MAX}, found {found}")]
    AgencyCount {
        /// Agencies given.
        found: usize,
    },
    /// A name that two people could read differently.
    #[error("agencies[{agency}].name: {rule}")]
    AgencyName {
        /// Position of the agency.
        agency: usize,
        /// What a name must be.
        rule: &'static str,
    },
    /// Two agencies share a name.
    #[error("agencies[{agency}].name: {name:?} is the name of agency {first} too")]
    AgencyNameTwice {
        /// Position of the second.
        agency: usize,
        /// Position of the first.
        first: usize,
        /// The shared name.
        name: String,
    },
    /// Two agencies share a governance key.
    #[error("agencies[{agency}].governance_key: {key} is the key of agency {first} too")]
    GovernanceKeyTwice {
        /// Position of the second.
        agency: usize,
        /// Position of the first.
        first: usize,
        /// The shared key.
        key: KeyId,
    },
    /// A threshold that a minority reaches, or nobody.
    #[error(
        "recovery_threshold: expected more than half of {agencies} agencies and at most all, found {found}"
    )]
    RecoveryThreshold {
        /// Threshold given.
        found: u16,
        /// Agencies of the document.
        agencies: usize,
    },
    /// A rule of the descriptor itself.
    #[error("descriptor: {0}")]
    Descriptor(#[source] DescriptorError),
    /// Genesis opens epoch 0.
    #[error("descriptor.epoch: genesis opens epoch 0, found {found}")]
    Epoch {
        /// Epoch given.
        found: Epoch,
    },
    /// Epoch 0 begins with the first block.
    #[error("descriptor.first_height: epoch 0 begins at height 1, found {found}")]
    FirstHeight {
        /// Height given.
        found: Height,
    },
    /// Transactions would have to be remembered for too long.
    #[error("descriptor.max_ttl_ms: expected at most {TTL_MS_MAX}, found {found}")]
    Ttl {
        /// Life given.
        found: u64,
    },
    /// A validator of an agency that is not listed.
    #[error("descriptor.validators[{validator}].agency: {found} is not one of {agencies} agencies")]
    ValidatorAgency {
        /// Position of the validator.
        validator: usize,
        /// Agency given.
        found: AgencyIndex,
        /// Agencies of the document.
        agencies: usize,
    },
    /// More entries than a document holds.
    #[error("state: expected at most {STATE_ENTRIES_MAX} entries, found {found}")]
    StateCount {
        /// Entries given.
        found: usize,
    },
    /// Entries must ascend, none twice.
    #[error("state[{entry}]: entries ascend strictly by namespace and key")]
    StateOrder {
        /// Position of the entry that does not follow.
        entry: usize,
    },
    /// An entry that this software would store without understanding it.
    #[error("state[{entry}]: {rule}")]
    StateEntry {
        /// Position of the entry.
        entry: usize,
        /// What an entry must be.
        rule: &'static str,
    },
    /// The value of a submitter key is not a record.
    #[error("state[{entry}] (submitter): {source}")]
    Submitter {
        /// Position of the entry.
        entry: usize,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// A submitter of an agency that is not listed.
    #[error("state[{entry}] (submitter): agency {found} is not one of {agencies} agencies")]
    SubmitterAgency {
        /// Position of the entry.
        entry: usize,
        /// Agency given.
        found: AgencyIndex,
        /// Agencies of the document.
        agencies: usize,
    },
    /// A party that no operation could name: links to refusals of its key would lead nowhere.
    #[error("state[{entry}] (submitter).party: {rule}, found {found:?}")]
    SubmitterParty {
        /// Position of the entry.
        entry: usize,
        /// What a party must be.
        rule: &'static str,
        /// Party given.
        found: String,
    },
    /// A validator that nobody could connect to.
    #[error("state: validator {validator} has no transport key")]
    TransportKeyMissing {
        /// The validator.
        validator: ValidatorIndex,
    },
    /// Two validators share a transport key.
    #[error("state: validators {first} and {second} share the transport key {key}")]
    TransportKeyTwice {
        /// The first validator.
        first: ValidatorIndex,
        /// The second.
        second: ValidatorIndex,
        /// The shared key.
        key: KeyId,
    },
}

/// Why bytes are not a genesis document.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ReadError {
    /// More bytes than any document takes.
    #[error("genesis: expected at most {GENESIS_BYTES_MAX} bytes, found {found}")]
    TooLong {
        /// Bytes given.
        found: usize,
    },
    /// The bytes are not the encoding of a document.
    #[error("genesis: {0}")]
    Bytes(#[source] DecodeError),
    /// The document breaks a rule.
    #[error("genesis: {0}")]
    Rule(#[source] GenesisError),
}

/// The document derives links by a role table that this software does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("descriptor.role_table: this software has {known}, the document demands {found}")]
pub struct UnknownRoleTable {
    /// Table of this software.
    pub known: Hash,
    /// Table that the document demands.
    pub found: Hash,
}

impl Genesis {
    /// Checks every rule of a document.
    pub fn new(document: Document) -> Result<Self, GenesisError> {
        let time = document.time.value();
        if !(TIME_MS_MIN..=TIME_MS_MAX).contains(&time) {
            return Err(GenesisError::Time { found: time });
        }
        check_agencies(&document.agencies)?;
        let agencies = document.agencies.len();
        let threshold = document.recovery_threshold;
        if usize::from(threshold) * 2 <= agencies || usize::from(threshold) > agencies {
            return Err(GenesisError::RecoveryThreshold { found: threshold, agencies });
        }
        check_descriptor(&document.descriptor, agencies)?;
        let (submitters, transport_keys) = read_state(&document)?;
        let chain = ChainId(Tag::Genesis.hash(&encode(&document)));
        Ok(Self { document, submitters, transport_keys, chain })
    }

    /// Reads the canonical bytes of a document, as they stand in a file, and names what is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        if bytes.len() > GENESIS_BYTES_MAX {
            return Err(ReadError::TooLong { found: bytes.len() });
        }
        let mut input = Reader::new(bytes);
        let document = read_document(&mut input).map_err(ReadError::Bytes)?;
        input.finish().map_err(ReadError::Bytes)?;
        Self::new(document).map_err(ReadError::Rule)
    }

    /// Name of the chain: the hash of the canonical bytes, and all that a verifier must trust.
    pub fn chain(&self) -> ChainId {
        self.chain
    }

    /// Time of height 0.
    pub fn time(&self) -> TimeMs {
        self.document.time
    }

    /// Agencies whose governance keys must sign a recovery document.
    pub fn recovery_threshold(&self) -> u16 {
        self.document.recovery_threshold
    }

    /// Members, in the order of their indices.
    pub fn agencies(&self) -> &[Agency] {
        &self.document.agencies
    }

    /// The agency at `index`.
    pub fn agency(&self, index: AgencyIndex) -> Option<&Agency> {
        self.document.agencies.get(index.position())
    }

    /// Validators and parameters of epoch 0.
    pub fn descriptor(&self) -> &Descriptor {
        &self.document.descriptor
    }

    /// State before the first block, ascending by (namespace, key).
    pub fn state(&self) -> &[StateEntry] {
        &self.document.state
    }

    /// Keys that may submit, with what they are for.
    pub fn submitters(&self) -> &BTreeMap<PublicKey, SubmitterRecord> {
        &self.submitters
    }

    /// Ed25519 key of each validator's network identity, in the order of validator indices.
    pub fn transport_keys(&self) -> &[PublicKey] {
        &self.transport_keys
    }

    /// The document without its proof of being checked, to change and check again.
    pub fn into_document(self) -> Document {
        self.document
    }

    /// Whether this software can execute the chain. A verifier need not: it checks proofs by the
    /// links they carry.
    pub fn check_role_table(&self) -> Result<(), UnknownRoleTable> {
        let (known, found) = (roles::table_hash(), self.document.descriptor.role_table);
        if known == found { Ok(()) } else { Err(UnknownRoleTable { known, found }) }
    }
}

fn check_agencies(agencies: &[Agency]) -> Result<(), GenesisError> {
    let found = agencies.len();
    if found == 0 || found > usize::from(AGENCIES_MAX) {
        return Err(GenesisError::AgencyCount { found });
    }
    let (mut names, mut keys) = (BTreeMap::new(), BTreeMap::new());
    for (agency, entry) in agencies.iter().enumerate() {
        if let Some(rule) = broken_name_rule(&entry.name) {
            return Err(GenesisError::AgencyName { agency, rule });
        }
        if let Some(first) = names.insert(&entry.name, agency) {
            return Err(GenesisError::AgencyNameTwice { agency, first, name: entry.name.clone() });
        }
        let key = entry.governance_key;
        if let Some(first) = keys.insert(key, agency) {
            return Err(GenesisError::GovernanceKeyTwice { agency, first, key: key.id() });
        }
    }
    Ok(())
}

fn broken_name_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("must not be empty")
    } else if name.len() > usize::from(AGENCY_NAME_BYTES_MAX) {
        Some("is longer than 256 bytes")
    } else if name.trim() != name {
        Some("must not begin or end with white space")
    } else if name.chars().any(char::is_control) {
        Some("must not hold control characters")
    } else if !is_nfc(name) {
        Some("must be in Unicode normalisation form C")
    } else {
        None
    }
}

fn check_descriptor(descriptor: &Descriptor, agencies: usize) -> Result<(), GenesisError> {
    descriptor.check().map_err(GenesisError::Descriptor)?;
    if descriptor.epoch != Epoch::ZERO {
        return Err(GenesisError::Epoch { found: descriptor.epoch });
    }
    if descriptor.first_height != Height::GENESIS.next() {
        return Err(GenesisError::FirstHeight { found: descriptor.first_height });
    }
    if descriptor.limits.max_ttl_ms > TTL_MS_MAX {
        return Err(GenesisError::Ttl { found: descriptor.limits.max_ttl_ms });
    }
    for (validator, member) in descriptor.validators.iter().enumerate() {
        if member.agency.position() >= agencies {
            let found = member.agency;
            return Err(GenesisError::ValidatorAgency { validator, found, agencies });
        }
    }
    Ok(())
}

type StateContents = (BTreeMap<PublicKey, SubmitterRecord>, Vec<PublicKey>);

fn read_state(document: &Document) -> Result<StateContents, GenesisError> {
    let found = document.state.len();
    if u32::try_from(found).is_ok_and(|count| count <= STATE_ENTRIES_MAX) {
        let agencies = document.agencies.len();
        read_entries(&document.state, agencies, document.descriptor.validators.len())
    } else {
        Err(GenesisError::StateCount { found })
    }
}

fn read_entries(
    state: &[StateEntry],
    agencies: usize,
    members: usize,
) -> Result<StateContents, GenesisError> {
    let mut submitters = BTreeMap::new();
    let mut transports = BTreeMap::new();
    let mut previous: Option<&StateEntry> = None;
    for (entry, current) in state.iter().enumerate() {
        let follows = previous.is_none_or(|before| {
            (before.namespace, &before.key) < (current.namespace, &current.key)
        });
        if !follows {
            return Err(GenesisError::StateOrder { entry });
        }
        previous = Some(current);
        if current.namespace == Namespace::Key {
            let (key, record) = read_submitter(entry, current, agencies)?;
            submitters.insert(key, record);
        } else if current.namespace == Namespace::Sys {
            let (validator, key) = read_transport(entry, current, members)?;
            transports.insert(validator, key);
        } else {
            let rule = "genesis holds only submitter keys (KEY) and transport keys (SYS)";
            return Err(GenesisError::StateEntry { entry, rule });
        }
    }
    Ok((submitters, collect_transports(&transports, members)?))
}

fn read_submitter(
    entry: usize,
    current: &StateEntry,
    agencies: usize,
) -> Result<(PublicKey, SubmitterRecord), GenesisError> {
    let failed = |source| GenesisError::Submitter { entry, source };
    let key = PublicKey::from_bytes(&current.key).map_err(failed)?;
    let record = SubmitterRecord::decode(&current.value).map_err(failed)?;
    if record.agency.position() >= agencies {
        return Err(GenesisError::SubmitterAgency { entry, found: record.agency, agencies });
    }
    match broken_party_rule(&record.party) {
        Some(rule) => Err(GenesisError::SubmitterParty { entry, rule, found: record.party }),
        None => Ok((key, record)),
    }
}

/// Which rule of a party's normal form is broken: that of a subject of kind 4, normaliser 4.
fn broken_party_rule(party: &str) -> Option<&'static str> {
    /// Digits of a commitment.
    const COMMITMENT_CHARS: usize = 64;
    let kept = |c: &char| !c.is_whitespace() && *c != '-';
    let folded: String = party.nfkc().filter(kept).flat_map(char::to_uppercase).collect();
    let is_commitment = party.len() == COMMITMENT_CHARS && is_hexadecimal(party);
    if party.is_empty() {
        Some("must not be empty")
    } else if party.trim() != party {
        Some("must not begin or end with white space")
    } else if !is_nfkc(party) {
        Some("must be in Unicode normalisation form KC")
    } else if is_commitment && party.contains(|c: char| c.is_ascii_uppercase()) {
        Some("a commitment is written in lower case")
    } else if has_form_of_credit_code(&folded) && folded != party {
        Some("a credit code is written in capitals without hyphens and white space")
    } else {
        None
    }
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// 18 digits and capitals, the six of a division at their place. The check digits are not looked at:
/// nobody names a party so unless it is a code.
fn has_form_of_credit_code(text: &str) -> bool {
    const CHARS: usize = 18;
    let is_code = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let division = text.as_bytes().get(2..8).unwrap_or_default();
    text.len() == CHARS && text.bytes().all(is_code) && division.iter().all(u8::is_ascii_digit)
}

fn read_transport(
    entry: usize,
    current: &StateEntry,
    members: usize,
) -> Result<(ValidatorIndex, PublicKey), GenesisError> {
    let failed = |rule| GenesisError::StateEntry { entry, rule };
    let index = current
        .key
        .strip_prefix(TRANSPORT_PREFIX)
        .and_then(|rest| <[u8; 2]>::try_from(rest).ok())
        .ok_or(failed("a SYS key is \"transport/\" and a validator index of two bytes"))?;
    let validator = ValidatorIndex::new(u16::from_be_bytes(index));
    if validator.position() >= members {
        return Err(failed("a transport key names a validator that is not in the descriptor"));
    }
    let key = PublicKey::from_bytes(&current.value)
        .map_err(|_| failed("a transport key is an Ed25519 public key of 32 bytes"))?;
    Ok((validator, key))
}

fn collect_transports(
    transports: &BTreeMap<ValidatorIndex, PublicKey>,
    members: usize,
) -> Result<Vec<PublicKey>, GenesisError> {
    let mut seen = BTreeMap::new();
    let mut keys = Vec::new();
    for position in 0..members {
        let position = u16::try_from(position).expect("checked: at most 100 validators");
        let validator = ValidatorIndex::new(position);
        let missing = GenesisError::TransportKeyMissing { validator };
        let key = *transports.get(&validator).ok_or(missing)?;
        if let Some(first) = seen.insert(key, validator) {
            let key = key.id();
            return Err(GenesisError::TransportKeyTwice { first, second: validator, key });
        }
        keys.push(key);
    }
    Ok(keys)
}

fn encode(document: &Document) -> Vec<u8> {
    let mut out = Writer::default();
    out.tag(DOCUMENT_TAG)
        .u64(document.time.value())
        .u16(document.recovery_threshold)
        .list16(&document.agencies)
        .bytes32(&document.descriptor.encode())
        .u32(u32::try_from(document.state.len()).expect("checked: at most 10,000 entries"));
    for entry in &document.state {
        entry.encode_to(&mut out);
    }
    out.into_bytes()
}

impl Canonical for Genesis {
    fn encode_to(&self, out: &mut Writer) {
        out.raw(&encode(&self.document));
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        // `Genesis::read` names the rule; a structure that holds a genesis only needs the verdict.
        let document = read_document(input)?;
        let rule = "breaks a rule of the document";
        Self::new(document).map_err(|_| DecodeError::Invalid { field: "genesis", rule })
    }
}

fn read_document(input: &mut Reader<'_>) -> Result<Document, DecodeError> {
    input.tag("genesis tag", DOCUMENT_TAG)?;
    let time = TimeMs::new(input.u64("time")?);
    let recovery_threshold = input.u16("recovery_threshold")?;
    let agencies = input.list16("agencies", AGENCIES_MAX)?;
    let descriptor = Descriptor::decode(input.bytes32("descriptor", DESCRIPTOR_BYTES_MAX)?)?;
    let count = input.u32("state")?;
    if count > STATE_ENTRIES_MAX {
        let (found, limit) = (count.into(), STATE_ENTRIES_MAX.into());
        return Err(DecodeError::TooLong { field: "state", found, limit });
    }
    // Grown as it is read: a claimed count never allocates more than the input holds.
    let mut state = Vec::new();
    for _ in 0..count {
        state.push(StateEntry::decode_from(input)?);
    }
    Ok(Document { time, recovery_threshold, agencies, descriptor, state })
}

impl Canonical for StateEntry {
    fn encode_to(&self, out: &mut Writer) {
        out.u8(self.namespace.code()).bytes16(&self.key).bytes32(&self.value);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let unknown = DecodeError::Invalid { field: "state namespace", rule: "is not known" };
        Ok(Self {
            namespace: Namespace::from_code(input.u8("state namespace")?).ok_or(unknown)?,
            key: input.bytes16("state key", STATE_KEY_BYTES_MAX)?.to_vec(),
            value: input.bytes32("state value", STATE_VALUE_BYTES_MAX)?.to_vec(),
        })
    }
}

impl Canonical for Agency {
    fn encode_to(&self, out: &mut Writer) {
        out.bytes16(self.name.as_bytes());
        self.governance_key.encode_to(out);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let name = input.bytes16("agency name", AGENCY_NAME_BYTES_MAX)?;
        let name = String::from_utf8(name.to_vec())
            .map_err(|_| DecodeError::Invalid { field: "agency name", rule: "is UTF-8" })?;
        Ok(Self { name, governance_key: PublicKey::decode_from(input)? })
    }
}
