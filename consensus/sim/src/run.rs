//! Seeds: from a number to a verdict.

use std::sync::Arc;

use proto::quorum::NoValidators;

use crate::check::Violation;
use crate::cluster::{Cluster, Signatures};
use crate::plan::{Micros, Plan, SECOND};
use crate::world::{Mutant, World};

/// Heights after which the primary moves on, in simulated chains: 20 heights see some turns.
const ROTATION_BLOCKS: u32 = 8;

/// A broken core seldom converges; what it does wrong shows soon.
const MUTANT_CONVERGE_WITHIN: Micros = 3 * SECOND;

/// What seeds are run on.
#[derive(Clone, Debug)]
pub struct Size {
    cluster: Arc<Cluster>,
    liars_max: usize,
    mutant: Option<Mutant>,
}

/// How a seed ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The rule that was broken, if any.
    pub violation: Option<Violation>,
    /// Highest decided height.
    pub height: u64,
    /// Events carried out.
    pub events: u64,
    /// Simulated microseconds.
    pub micros: u64,
    /// Equal for equal runs.
    pub digest: u64,
}

impl Size {
    /// Clusters of `members`; as many of them lie as the quorum tolerates, or fewer.
    pub fn new(members: u8, signatures: Signatures) -> Result<Self, NoValidators> {
        let cluster = Cluster::new(members, ROTATION_BLOCKS, signatures)?;
        let liars_max = cluster.quorum().malicious_max().into();
        Ok(Self { cluster, liars_max, mutant: None })
    }

    /// The same with a deliberate defect.
    pub fn with_mutant(self, mutant: Mutant) -> Self {
        Self { mutant: Some(mutant), ..self }
    }

    /// The world of a seed, before its first event.
    pub fn world(&self, seed: u64) -> World {
        let mut plan = Plan::of_seed(seed, self.cluster.members(), self.liars_max);
        if self.mutant.is_some() {
            plan.converge_within = MUTANT_CONVERGE_WITHIN;
        }
        World::new(&self.cluster, plan, self.mutant)
    }

    /// Runs a seed to its end.
    pub fn run(&self, seed: u64) -> Outcome {
        self.finish(seed, self.world(seed))
    }

    /// Runs a world of a seed to its end.
    pub fn finish(&self, seed: u64, mut world: World) -> Outcome {
        let violation = world.run().cloned();
        Outcome {
            seed,
            violation,
            height: world.height(),
            events: world.events(),
            micros: world.now(),
            digest: world.digest(),
        }
    }
}
