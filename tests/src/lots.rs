//! The workload of the benchmarks in the shape of real work: lots of 20 boxes that three platforms
//! code, store, hand over and sell. It owns what is said; who submits it and when is the caller's.
//!
//! Every event is a function of the seed and of its place, so that a run can go on where another one
//! ended, and a query can ask for goods that were recorded an hour ago.

mod cast;
mod codes;
mod registry;
mod schedule;
mod stages;

pub use schedule::{BATCH_EVENTS, Batch, Schedule};

use proto::operation::{OpUid, Operation, Salt};
use proto::schema::body::BODY_VERSION;
use proto::schema::{Body, OperationKind};

use self::cast::Cast;
use crate::demo::stage::{BEIJING, HEBEI, TIANJIN};

/// Boxes of a lot: what a pallet holds.
pub const BOXES: u64 = 20;

/// Events of a lot over all stages.
pub const LOT_EVENTS: u64 = 84;

/// Lots of a consignment: a container of 1,000 boxes, which has one declaration line and one set of
/// certificates.
pub const CONSIGNMENT_LOTS: u64 = 50;

/// One lot in so many has a fault.
const FAULT_EVERY: u64 = 50;

/// First event: 2021-03-01 00:00 in Beijing.
pub(crate) const START_MS: u64 = 1_614_528_000_000;

/// Time in which each agency does its stage of one lot. With stages 1,190 lots apart goods spend 20
/// hours in each province, and ten million events are 83 days.
pub(crate) const SLOT_MS: u64 = 60_000;

/// What happens to a lot in one province.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// Hebei commissions and stores each box, and ships all of them: 41 events.
    Hebei,
    /// Tianjin receives them under its own codes, stores each, and ships: 22 events.
    Tianjin,
    /// Beijing receives them under its own codes and sells each: 21 events.
    Beijing,
}

impl Stage {
    /// Every stage, in the order in which goods go through them.
    pub const ALL: [Self; 3] = [Self::Hebei, Self::Tianjin, Self::Beijing];

    /// Index of the agency.
    pub const fn agency(self) -> usize {
        match self {
            Self::Hebei => HEBEI,
            Self::Tianjin => TIANJIN,
            Self::Beijing => BEIJING,
        }
    }

    /// Events of a lot.
    pub const fn events(self) -> u64 {
        match self {
            Self::Hebei => 2 * BOXES + 1,
            Self::Tianjin => BOXES + 2,
            Self::Beijing => BOXES + 1,
        }
    }

    /// Stages that goods have gone through before.
    pub(crate) const fn before(self) -> u64 {
        match self {
            Self::Hebei => 0,
            Self::Tianjin => 1,
            Self::Beijing => 2,
        }
    }
}

const _: () = assert!(
    Stage::Hebei.events() + Stage::Tianjin.events() + Stage::Beijing.events() == LOT_EVENTS,
    "the events of a lot are those of its stages"
);

/// What is wrong with a lot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// Beijing sells more of a box than came.
    OverQuantity,
    /// Hebei names no certificate where it codes the boxes.
    MissingCertificate,
    /// Tianjin receives less of a box than was shipped.
    QuantityDiffers,
    /// Tianjin gives a box a code that no scheme reads.
    UnknownCode,
}

/// A number that depends on all of `parts` and on nothing else: SplitMix64 over each in turn.
pub fn draw(parts: &[u64]) -> u64 {
    parts.iter().fold(0x6a6a_6a00, |state: u64, part| {
        let mut mixed = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// The element of `list` that `number` picks.
pub fn pick<T>(list: &[T], number: u64) -> &T {
    let length = u64::try_from(list.len()).expect("usize is at most 64 bits");
    let at = number.checked_rem(length).expect("a list to pick from is not empty");
    list.get(usize::try_from(at).expect("it is below a length")).expect("it is below the length")
}

/// Which workload it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Seed: workloads of different seeds share no code and no operation.
    pub seed: u64,
    /// Events between two stages of a lot, once all three provinces are at work. In between a unit is
    /// not touched, so it is cold when it is met again.
    pub apart: u64,
}

/// The workload of a plan.
#[derive(Clone, Debug)]
pub struct Lots {
    plan: Plan,
    cast: Cast,
}

/// An operation with the number of goods lines that it names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Made {
    /// The operation.
    pub operation: Operation,
    /// Its items.
    pub lines: u64,
}

impl Lots {
    /// Casts the parties of a plan.
    pub fn new(plan: Plan) -> Self {
        Self { plan, cast: Cast::of(plan.seed) }
    }

    /// Lots between two stages of one lot.
    pub const fn apart_lots(&self) -> u64 {
        self.plan.apart.div_ceil(LOT_EVENTS)
    }

    /// Every batch of the workload, in the order in which they are to be submitted.
    pub const fn schedule(&self) -> Schedule {
        Schedule::new(self.apart_lots())
    }

    /// What is wrong with a lot; nothing with most.
    pub fn fault(&self, lot: u64) -> Option<Fault> {
        let drawn = draw(&[self.plan.seed, 1, lot]);
        if !drawn.is_multiple_of(FAULT_EVERY) {
            return None;
        }
        let faults = [
            Fault::OverQuantity,
            Fault::MissingCertificate,
            Fault::QuantityDiffers,
            Fault::UnknownCode,
        ];
        Some(*pick(&faults, drawn / FAULT_EVERY))
    }

    /// Whether a lot was imported: three consignments of four.
    pub const fn is_imported(lot: u64) -> bool {
        lot / CONSIGNMENT_LOTS % 4 != 3
    }

    /// The operations of a batch.
    pub fn batch(&self, batch: Batch) -> Vec<Made> {
        batch.numbers().map(|number| self.event(batch.stage, number)).collect()
    }

    /// An operation of the workload, named by what it is.
    fn operation(&self, name: &str, kind: OperationKind, body: &Body) -> Operation {
        let uid = OpUid::of_record("lots", &format!("{}:{name}", self.plan.seed));
        let salt = Salt::derive(&[5; 32], uid);
        let (kind, body) = (kind.code(), body.encode());
        Operation { kind, version: BODY_VERSION, uid, salt, body }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use contracts::admission::admit;

    use super::*;

    const LOTS: std::ops::Range<u64> = 149..451;

    #[test]
    fn every_operation_is_admitted_and_a_lot_has_84_events_with_160_lines() {
        let lots = Lots::new(Plan { seed: 1, apart: 100_000 });
        let entries = lots.registry().into_iter().chain(lots.papers(0..4));
        for (_, made) in entries {
            admit(&made.operation).unwrap_or_else(|error| panic!("{error}"));
        }
        for lot in LOTS {
            let (mut events, mut lines) = (0, 0);
            for stage in Stage::ALL {
                for number in lot * stage.events()..(lot + 1) * stage.events() {
                    let made = lots.event(stage, number);
                    admit(&made.operation).unwrap_or_else(|error| panic!("lot {lot}: {error}"));
                    (events, lines) = (events + 1, lines + made.lines);
                }
            }
            assert_eq!((events, lines), (LOT_EVENTS, 160), "lot {lot}");
        }
    }

    #[test]
    fn no_two_boxes_share_a_code_and_one_lot_in_fifty_has_a_fault() {
        let lots = Lots::new(Plan { seed: 1, apart: 100_000 });
        for stage in Stage::ALL {
            let boxes = LOTS.flat_map(|lot| (0..BOXES).map(move |number| (lot, number)));
            let codes = boxes.map(|(lot, number)| lots.code(stage, lot, number));
            let count = (LOTS.end - LOTS.start) * BOXES;
            let different: BTreeSet<String> = codes.collect();
            assert_eq!(u64::try_from(different.len()), Ok(count), "{stage:?}");
        }
        let faulty = (0..10_000).filter(|lot| lots.fault(*lot).is_some()).count();
        assert!((160..=240).contains(&faulty), "{faulty} of 10,000 lots");
    }

    #[test]
    fn a_seed_makes_the_same_events_each_time_and_another_one_others() {
        let made = |seed| Lots::new(Plan { seed, apart: 1_000 }).event(Stage::Tianjin, 44);
        assert_eq!(made(1), made(1));
        assert_ne!(made(1).operation.uid, made(2).operation.uid);
    }
}
