//! The working rows: each against its checksum, all of them against the leaf of the head.

use std::ops::ControlFlow;

use proto::set_hash::SetHash;

use super::state::PROGRESS_KEYS;
use super::{FAULTS_MAX, Place, Progress, Run};
use crate::sealed;
use crate::state::read_sum;
use crate::store::{Column, StoreError, StoreRead};

impl<R: StoreRead> Run<'_, '_, R> {
    /// One pass over the rows, in the order in which they are stored.
    pub(super) fn working(&mut self) -> Result<(), StoreError> {
        let (mut sum, mut rows, mut wrong) = (SetHash::default(), 0u64, Vec::new());
        let (read, progress) = (self.view.read(), &mut self.progress);
        read.scan(Column::Working, &[], None, &mut |state_key, stored| {
            rows += 1;
            if rows.is_multiple_of(PROGRESS_KEYS) {
                progress(Progress::State(rows));
            }
            match sealed::open_working(state_key, stored.to_vec()) {
                Ok((_, row)) => sum.add(&row),
                Err(error) => wrong.push(error),
            }
            if wrong.len() < FAULTS_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        self.counts.working_rows = rows;
        let named = !wrong.is_empty();
        for error in wrong {
            self.unread(error)?;
        }
        // A leaf that cannot be read is a fault of its own, and nothing is judged by it.
        let Some(expected) = self.working_root else { return Ok(()) };
        let rule = "the sum of the working rows is what the leaf of the head names";
        let place = || Place::Meta("working");
        let kept = read_sum(self.read())?.root();
        let kept = self.same(Column::Meta, place, rule, (expected, kept));
        if kept && !named {
            let head = self.head;
            let rule = "the rows give the sum that the leaf of the head names: one came or went";
            self.same(Column::Working, || Place::Height(head), rule, (expected, sum.root()));
        }
        Ok(())
    }
}
