//! The proved keys: each row against its checksum, then rows, leaves, bits and roots against each
//! other, and the heights of the window up to the state roots that the history names.

use std::ops::ControlFlow;

use super::{FAULTS_MAX, Progress, Run, row_place};
use crate::ring::check::{Told, check};
use crate::sealed;
use crate::store::{Column, StoreError, StoreRead};

/// Keys between two reports of progress.
pub(super) const PROGRESS_KEYS: u64 = 10_000;

impl<R: StoreRead> Run<'_, '_, R> {
    /// Checksums name the rows that were changed; where one was, the rest of the ring is not judged by
    /// it.
    pub(super) fn state(&mut self) -> Result<(), StoreError> {
        let mut is_sound = true;
        for column in [Column::State, Column::Undo, Column::Leaves, Column::Twigs, Column::Turns] {
            is_sound &= self.sealed(column)?;
        }
        if !is_sound {
            return Ok(());
        }
        let (roots, mut found) = (std::mem::take(&mut self.roots), Vec::new());
        let root_of = |height| roots.get(&height).copied();
        let progress = &mut self.progress;
        let checked = check(self.view.read(), self.head, &root_of, &mut |told| {
            match told {
                Told::Wrong(finding) => found.push(finding),
                Told::Older(done, all) => progress(Progress::OlderStates(done, all)),
            }
            if found.len() < FAULTS_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        for finding in found {
            let place = row_place(finding.column, finding.key);
            self.fault(finding.column, place, finding.rule, (finding.expected, finding.found));
        }
        let checked = checked?;
        self.counts.state_keys = checked.keys;
        self.counts.twigs = checked.twigs;
        self.counts.older_states = checked.older;
        Ok(())
    }

    /// Each row of a column against its checksum; whether none was changed.
    fn sealed(&mut self, column: Column) -> Result<bool, StoreError> {
        let (mut rows, mut wrong) = (0u64, Vec::new());
        let (read, progress) = (self.view.read(), &mut self.progress);
        read.scan(column, &[], None, &mut |key, stored| {
            rows += 1;
            if column == Column::State && rows.is_multiple_of(PROGRESS_KEYS) {
                progress(Progress::State(rows));
            }
            wrong.extend(sealed::open(column, key, stored).err());
            if wrong.len() < FAULTS_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        let is_sound = wrong.is_empty();
        for error in wrong {
            self.unread(error)?;
        }
        Ok(is_sound)
    }
}
