//! Makes the keys and the genesis document of a consortium from a plan. It draws no randomness and
//! writes no file: seeds come in, keys and a document go out.

use std::collections::BTreeSet;

use proto::epoch::{BlockLimits, Descriptor, Validator};
use proto::hash::Tag;
use proto::quorum::Mode;
use proto::schema::roles;
use proto::sign::{PublicKey, SecretKey};
use proto::submitter::{SubmitterRecord, SubmitterRole};
use proto::{AgencyIndex, Epoch, Height, TimeMs, ValidatorIndex};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::document::{Agency, Document, Genesis, GenesisError, StateEntry};
use crate::keys::{EntropyError, KeyPurpose, Seed};

/// Default of `rotation_blocks`: at full load a dead member's turn costs one timeout in 1,024 blocks.
const ROTATION_BLOCKS: u32 = 1024;

/// Default of L: four blocks of execution may be outstanding, so that a slow disk does not stop votes.
const LAG: u16 = 4;

/// Default of `contracts`: the newest version. `ledger` tests that it executes this one.
pub const CONTRACTS: u32 = 1;

/// An agency that takes part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannedAgency {
    /// Name that people read.
    pub name: String,
    /// Whose events it answers for.
    pub duty: Duty,
}

/// What an agency does in the consortium.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Duty {
    /// Supervises a division (first two digits of GB/T 2260): validates and submits.
    Division(u8),
    /// Validates, and submits nothing.
    Witness,
}

/// What a genesis document is to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Agencies, one validator each, in the order of their indices.
    pub agencies: Vec<PlannedAgency>,
    /// How the quorum is counted.
    pub mode: Mode,
    /// Time of height 0.
    pub time: TimeMs,
    /// Heights after which the primary moves on.
    pub rotation_blocks: u32,
    /// L: heights by which execution may follow ordering.
    pub lag: u16,
    /// Limits of blocks.
    pub limits: BlockLimits,
    /// Version of the contracts that executes the heights of epoch 0.
    pub contracts: u32,
}

impl Plan {
    /// A plan with the default parameters for agencies given by name and division.
    pub fn for_agencies(agencies: &[(&str, u8)], time_ms: u64) -> Self {
        let planned = |(name, division): &(&str, u8)| PlannedAgency {
            name: (*name).to_owned(),
            duty: Duty::Division(*division),
        };
        Self::new(agencies.iter().map(planned).collect(), Mode::Standard, TimeMs::new(time_ms))
    }

    /// A plan with the default parameters.
    pub fn new(agencies: Vec<PlannedAgency>, mode: Mode, time: TimeMs) -> Self {
        let limits = BlockLimits::default();
        Self {
            agencies,
            mode,
            time,
            rotation_blocks: ROTATION_BLOCKS,
            lag: LAG,
            limits,
            contracts: CONTRACTS,
        }
    }
}

/// The keys of one agency. Governance belongs offline, submitter keys to the platform.
#[derive(Debug)]
pub struct AgencyKeys {
    /// Position of the agency.
    pub agency: AgencyIndex,
    /// Position of its validator.
    pub validator: ValidatorIndex,
    /// Every key with its purpose, in the order of [`KeyPurpose::ALL`].
    pub keys: Vec<(KeyPurpose, SecretKey)>,
}

impl AgencyKeys {
    /// The key for `purpose`; a witness has no submitter keys.
    pub fn key(&self, purpose: KeyPurpose) -> Option<&SecretKey> {
        self.keys.iter().find(|(kept, _)| *kept == purpose).map(|(_, key)| key)
    }
}

/// What a ceremony makes.
#[derive(Debug)]
pub struct Made {
    /// The document.
    pub genesis: Genesis,
    /// The keys of each agency, in the order of their indices.
    pub agencies: Vec<AgencyKeys>,
}

/// Why a ceremony made nothing.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CeremonyError {
    /// No randomness for keys.
    #[error("{0}")]
    Entropy(#[from] EntropyError),
    /// The planned document breaks a rule.
    #[error("{0}")]
    Genesis(#[from] GenesisError),
    /// Two agencies answer for one division.
    #[error("division {division} is given to two agencies")]
    DivisionTwice {
        /// The division.
        division: u8,
    },
    /// Two witnesses.
    #[error("a consortium has at most one witness")]
    WitnessTwice,
    /// A division that GB/T 2260 cannot have.
    #[error("division {division}: expected the first two digits of GB/T 2260, 11 to 82")]
    Division {
        /// The division.
        division: u8,
    },
}

/// Where seeds come from: [`crate::keys::draw_seed`], except in tests.
pub type Seeds<'a> = dyn FnMut() -> Result<Seed, EntropyError> + 'a;

/// Draws the keys of every agency and writes the document they belong to.
pub fn hold(plan: &Plan, seeds: &mut Seeds<'_>) -> Result<Made, CeremonyError> {
    check_duties(plan)?;
    let mut agencies = Vec::new();
    for (position, planned) in plan.agencies.iter().enumerate() {
        let found = plan.agencies.len();
        let index = u16::try_from(position).map_err(|_| GenesisError::AgencyCount { found })?;
        agencies.push(AgencyKeys {
            agency: AgencyIndex::new(index),
            validator: ValidatorIndex::new(index),
            keys: draw_keys(planned.duty, seeds)?,
        });
    }
    Ok(Made { genesis: Genesis::new(write_document(plan, &agencies))?, agencies })
}

/// Seeds that anybody can compute: for tests that must repeat, never for keys that protect anything.
pub fn seeds_for_tests(start: u64) -> impl FnMut() -> Result<Seed, EntropyError> {
    let mut next = start.wrapping_mul(1 << 20);
    move || {
        next = next.wrapping_add(1);
        let digest = Tag::OpSalt.hash(&next.to_be_bytes());
        Ok(Zeroizing::new(*digest.as_bytes()))
    }
}

/// Name of a submitter key's party in its record: division and role, a subject of kind 4.
pub fn party_name(division: u8, role: SubmitterRole) -> String {
    format!("{division}:{}", role.name())
}

/// Purposes of the keys that an agency with this duty has.
pub fn purposes(duty: Duty) -> &'static [KeyPurpose] {
    match duty {
        Duty::Division(_) => &KeyPurpose::ALL,
        Duty::Witness => &[KeyPurpose::Validator, KeyPurpose::Transport, KeyPurpose::Governance],
    }
}

fn check_duties(plan: &Plan) -> Result<(), CeremonyError> {
    let mut seen = BTreeSet::new();
    for planned in &plan.agencies {
        let first = seen.insert(planned.duty);
        match planned.duty {
            Duty::Division(division) if !(11..=82).contains(&division) => {
                return Err(CeremonyError::Division { division });
            }
            Duty::Division(division) if !first => {
                return Err(CeremonyError::DivisionTwice { division });
            }
            Duty::Witness if !first => return Err(CeremonyError::WitnessTwice),
            Duty::Division(_) | Duty::Witness => (), // the first with this duty
        }
    }
    Ok(())
}

fn draw_keys(
    duty: Duty,
    seeds: &mut Seeds<'_>,
) -> Result<Vec<(KeyPurpose, SecretKey)>, EntropyError> {
    let mut keys = Vec::new();
    for purpose in purposes(duty) {
        keys.push((*purpose, SecretKey::from_seed(&*seeds()?)));
    }
    Ok(keys)
}

fn write_document(plan: &Plan, agencies: &[AgencyKeys]) -> Document {
    let public = |keys: &AgencyKeys, purpose| -> PublicKey {
        keys.key(purpose).expect("every duty has validator, transport and governance keys").public()
    };
    let mut state = Vec::new();
    for (planned, keys) in plan.agencies.iter().zip(agencies) {
        state.push(StateEntry::transport(keys.validator, &public(keys, KeyPurpose::Transport)));
        for (purpose, key) in &keys.keys {
            if let (KeyPurpose::Submitter(role), Duty::Division(division)) =
                (*purpose, planned.duty)
            {
                let party = party_name(division, role);
                let record = SubmitterRecord { agency: keys.agency, role, party };
                state.push(StateEntry::submitter(&key.public(), &record));
            }
        }
    }
    state.sort();
    let count = u16::try_from(plan.agencies.len()).unwrap_or(u16::MAX);
    let member = |keys: &AgencyKeys| Validator {
        agency: keys.agency,
        key: public(keys, KeyPurpose::Validator),
    };
    let named = |(planned, keys): (&PlannedAgency, &AgencyKeys)| Agency {
        name: planned.name.clone(),
        governance_key: public(keys, KeyPurpose::Governance),
    };
    Document {
        time: plan.time,
        recovery_threshold: count / 2 + 1,
        agencies: plan.agencies.iter().zip(agencies).map(named).collect(),
        descriptor: Descriptor {
            epoch: Epoch::ZERO,
            first_height: Height::GENESIS.next(),
            mode: plan.mode,
            rotation_blocks: plan.rotation_blocks,
            lag: plan.lag,
            limits: plan.limits,
            contracts: plan.contracts,
            role_table: roles::table_hash(),
            validators: agencies.iter().map(member).collect(),
        },
        state,
    }
}
