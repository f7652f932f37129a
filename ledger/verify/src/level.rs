//! How much stands behind a bundle (C6.4): the level of its weakest step, and who is to be trusted.

use std::collections::BTreeSet;
use std::fmt;

use ledger::bundle::{Bundle, Cosignature};
use proto::codec::Writer;
use proto::hash::Hash;
use proto::sign::{PublicKey, Signature};

use crate::chain::{Chain, Step, StepKind};
use crate::demand::Options;
use crate::failure::{At, DemandProblem, Failure, Part, Problem, Rule};

/// The level of a bundle, from the least to the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// A step was made by the agencies, after the validators could no longer agree.
    Recovered,
    /// Each step has a quorum.
    Certified,
    /// Each step has every validator, or is known to the verifier or its witnesses.
    Hardened,
    /// Hardened, and witnesses have cosigned the final checkpoint.
    Anchored,
}

impl Level {
    /// The name, as on the command line in capitals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "RECOVERED",
            Self::Certified => "CERTIFIED",
            Self::Hardened => "HARDENED",
            Self::Anchored => "ANCHORED",
        }
    }

    /// The level in Chinese.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Recovered => "经恢复程序延续",
            Self::Certified => "多数签认",
            Self::Hardened => "三地全部签认",
            Self::Anchored => "第三方存证",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The level with the steps that hold it down.
pub(crate) struct Verdict {
    pub(crate) level: Level,
    /// Positions in `Chain::steps`, hand-offs in order, final last.
    pub(crate) weak: Vec<usize>,
    /// Positions of those that neither the verifier nor its witnesses vouch for, and of the final one:
    /// what the report is true under says something of their signers.
    pub(crate) unvouched: Vec<usize>,
}

/// Judges the steps of a verified chain.
pub(crate) fn verify(
    bundle: &Bundle,
    chain: &Chain,
    options: &Options,
) -> Result<Verdict, Failure> {
    let needed = options.witnesses.needed.max(1);
    let (mut weak, mut unvouched) = (Vec::new(), Vec::new());
    let mut final_cosigned = false;
    let last = chain.steps.len().saturating_sub(1);
    for (position, step) in chain.steps.iter().enumerate() {
        let (place, carried) = if let Some(handoff) = bundle.handoffs.get(position) {
            (format!("handoffs[{position}]"), handoff.cosignatures.as_slice())
        } else {
            let head = bundle.final_head.as_ref();
            ("final_head".to_owned(), head.map_or(&[][..], |head| &head.cosignatures))
        };
        let at = At::new(Rule::Level, place).inside("cosignatures");
        let cosigned = cosigners(&at, chain, step, carried, options)? >= needed;
        let known = position != last
            && (cosigned || step.handoff_hash.is_some_and(|h| options.handoff_pins.contains(&h)));
        if position == last {
            final_cosigned = cosigned;
        }
        if !known {
            unvouched.push(position);
            if !step.is_full() {
                weak.push(position);
            }
        }
    }
    let level = if chain.steps.iter().any(|step| step.kind == StepKind::Recovered) {
        Level::Recovered
    } else if !weak.is_empty() {
        Level::Certified
    } else if final_cosigned {
        Level::Anchored
    } else {
        Level::Hardened
    };
    match options.level {
        Some(wanted) if level < wanted => {
            let at = At::new(Rule::Level, "final_head");
            Err(at.demand(DemandProblem::LevelBelow { found: level, wanted }))
        }
        Some(_) | None => Ok(Verdict { level, weak, unvouched }),
    }
}

/// How many trusted witnesses cosigned a step. Unknown keys are nobody; a bad signature of a known
/// one is an attempt to deceive.
fn cosigners(
    at: &At,
    chain: &Chain,
    step: &Step,
    carried: &[Cosignature],
    options: &Options,
) -> Result<usize, Failure> {
    if !carried.windows(2).all(|pair| matches!(pair, [a, b] if a.key < b.key)) {
        return Err(at.fail(Problem::Order(Part::Cosignatures)));
    }
    let trusted: BTreeSet<&PublicKey> = options.witnesses.keys.iter().collect();
    let message = cosigned_bytes(chain, step);
    let mut found = 0;
    for cosignature in carried {
        let known = trusted.iter().find(|key| key.as_bytes().as_slice() == cosignature.key);
        let Some(key) = known else { continue };
        let bad = || at.demand(DemandProblem::BadWitness { key: Hash::new(*key.as_bytes()) });
        let bytes: [u8; 64] = cosignature.signature.as_slice().try_into().map_err(|_| bad())?;
        key.verify(&message, &Signature::new(bytes)).map_err(|_| bad())?;
        found += 1;
    }
    Ok(found)
}

/// `T("jjj/cosign/v1") || chain || epoch || size || root || epoch_hash(D')`, the last zero for final.
fn cosigned_bytes(chain: &Chain, step: &Step) -> Vec<u8> {
    let mut out = Writer::default();
    out.tag("jjj/cosign/v1")
        .hash(&chain.id.0)
        .u32(step.epoch.value())
        .u64(step.size)
        .hash(&step.root)
        .hash(&step.next_epoch_hash);
    out.into_bytes()
}
