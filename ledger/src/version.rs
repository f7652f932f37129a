//! Which code executes a block: the version of the contracts that the descriptor of its epoch names.
//! What a version means is the contracts' business; here is the table of those that are built in.

use contracts::execute::BlockContext;
use contracts::state::{State, StateFault};
use contracts::version::{Known, UnknownVersion, VERSION};
use proto::epoch::Descriptor;
use proto::transaction::Transaction;

use crate::execute::{Executed, execute_block};

/// How one version executes the operations of a block over the state below it.
pub type ExecuteBlock =
    fn(&BlockContext, &[Transaction], &dyn State) -> Result<Executed, StateFault>;

/// Versions of the contracts that a ledger executes, by number.
#[derive(Clone, Copy, Debug)]
pub struct Versions(&'static [(u32, ExecuteBlock)]);

impl Versions {
    /// Those of this program. A line that a chain ever used is never taken out.
    pub const BUILT_IN: Self = Self(&[(VERSION, execute_block)]);

    /// A table of other versions, for a program that executes more than the built-in ones.
    pub const fn new(table: &'static [(u32, ExecuteBlock)]) -> Self {
        Self(table)
    }

    /// Their numbers.
    pub fn known(self) -> Known {
        Known::of(self.0.iter().map(|(number, _)| *number))
    }

    /// The code that executes the heights of an epoch.
    pub fn of(self, descriptor: &Descriptor) -> Result<ExecuteBlock, UnknownVersion> {
        let found = self.0.iter().find(|(number, _)| *number == descriptor.contracts);
        match found {
            Some((_, execute)) => Ok(*execute),
            None => Err(self.known().check(descriptor).expect_err("no line has this number")),
        }
    }
}
