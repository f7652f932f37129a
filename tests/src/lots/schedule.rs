//! Which batch comes when: each agency's events come in batches of their own, and the batches of the
//! three agencies in the order in which their events happen.

use super::Stage;

/// Events of a batch: what a platform signs at once.
pub const BATCH_EVENTS: u64 = 100;

/// A hundred consecutive events of one agency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Batch {
    /// The agency's stage.
    pub stage: Stage,
    /// Position among the batches of that agency.
    pub number: u64,
}

impl Batch {
    /// Numbers of its events among those of the agency.
    pub const fn numbers(self) -> std::ops::Range<u64> {
        self.number * BATCH_EVENTS..(self.number + 1) * BATCH_EVENTS
    }

    /// Lots of whose stage nothing is left to come once this batch is recorded.
    pub const fn lots_done(self) -> u64 {
        (self.number + 1) * BATCH_EVENTS / self.stage.events()
    }
}

/// The batches without end.
#[derive(Clone, Debug)]
pub struct Schedule {
    apart_lots: u64,
    next: [Batch; 3],
}

impl Schedule {
    /// From the first batch on.
    pub(crate) const fn new(apart_lots: u64) -> Self {
        let [hebei, tianjin, beijing] = Stage::ALL;
        let next = [
            Batch { stage: hebei, number: 0 },
            Batch { stage: tianjin, number: 0 },
            Batch { stage: beijing, number: 0 },
        ];
        Self { apart_lots, next }
    }

    /// The lot that Hebei begins while the last event of a batch happens.
    const fn slot(&self, batch: Batch) -> u64 {
        (batch.numbers().end - 1) / batch.stage.events() + batch.stage.before() * self.apart_lots
    }
}

impl Iterator for Schedule {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let slots = self.next.map(|batch| self.slot(batch));
        // Of equals the first: a sender speaks before its receiver.
        let (_, batch) = slots.into_iter().zip(&mut self.next).min_by_key(|(slot, _)| *slot)?;
        let found = *batch;
        batch.number += 1;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lots::{Lots, Plan};

    #[test]
    fn stages_of_a_lot_lie_as_far_apart_as_asked_and_no_agency_runs_ahead() {
        let lots = Lots::new(Plan { seed: 1, apart: 8_400 });
        let batches: Vec<Batch> = lots.schedule().take(2_000).collect();
        // Where each stage of lot 500 ends, in events from the start.
        let ends = Stage::ALL.map(|stage| {
            let is_there = |batch: &Batch| batch.stage == stage && batch.lots_done() > 500;
            let at = batches.iter().position(is_there).expect("within 2,000 batches");
            u64::try_from(at + 1).expect("small") * BATCH_EVENTS
        });
        let [hebei, tianjin, beijing] = ends;
        for found in [tianjin - hebei, beijing - tianjin] {
            assert!((8_000..=8_800).contains(&found), "{ends:?}");
        }
        for stage in Stage::ALL {
            let numbers = batches.iter().filter(|batch| batch.stage == stage);
            assert!(numbers.map(|batch| batch.number).eq(0..numbers_of(&batches, stage)));
        }
    }

    fn numbers_of(batches: &[Batch], stage: Stage) -> u64 {
        let count = batches.iter().filter(|batch| batch.stage == stage).count();
        u64::try_from(count).expect("small")
    }
}
