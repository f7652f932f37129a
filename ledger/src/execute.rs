//! Executes the operations of a block in order: receipts, changes of the state, records of steps.
//!
//! Total: whatever the operations say, there is a receipt for each. Only a store that fails, or a
//! record that no contract wrote, ends it early. Writing is [`crate::ledger`]'s task.

use contracts::execute::{Block, BlockContext, Outcome, Step};
use contracts::refusal::Refusal;
use contracts::state::{Changes, State, StateFault};
use proto::hash::Tag;
use proto::receipt::{CODE_ACCEPTED, Receipt, ReceiptSource};
use proto::transaction::Transaction;

/// A receipt with the day of its event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dated {
    /// The receipt.
    pub receipt: Receipt,
    /// Days since 1970 UTC; none where there is no event time.
    pub day: Option<u32>,
}

/// What the operations of a block did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Executed {
    /// Receipts of the operations in block order, then those of the system steps.
    pub receipts: Vec<Dated>,
    /// Operations of the block; receipts from this index on are of system steps.
    pub operations: u32,
    /// Records of the system steps, in the order of their receipts.
    pub records: Vec<Vec<u8>>,
    /// Why operations were refused, by receipt index.
    pub refusals: Vec<(u32, Refusal)>,
    /// Writes of the contracts; the heads of logs are not among them.
    pub changes: Changes,
    /// Whether a search, a deadline or a judgement waits for the next block.
    pub work_left: bool,
}

/// Executes the operations of `bodies` over `state`, the state below the block.
pub fn execute_block(
    context: &BlockContext,
    bodies: &[Transaction],
    state: &dyn State,
) -> Result<Executed, StateFault> {
    let mut block = Block::new(context, state);
    let signed = |body| {
        let operations = Transaction::operations(body).iter();
        operations.map(move |operation| (operation, &body.header().submitter))
    };
    block.read_ahead(bodies.iter().flat_map(signed))?;
    let (mut receipts, mut steps, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
    for body in bodies {
        let tx_id = body.tx_id();
        for (op_index, operation) in (0u16..).zip(body.operations()) {
            let op_leaf = operation.leaf();
            let outcome = block.operation(operation, op_leaf, &body.header().submitter)?;
            let Outcome { code, links, alerts, day, steps: caused, refusal } = outcome;
            let receipt_index = index_of(&receipts);
            refusals.extend(refusal.map(|refusal| (receipt_index, refusal)));
            let source = ReceiptSource::Operation { tx_id, op_index, op_leaf };
            receipts.push(Dated { receipt: Receipt { source, code, links, alerts }, day });
            steps.extend(caused);
        }
    }
    let operations = index_of(&receipts);
    let ended = block.end()?;
    steps.extend(ended.steps);
    let mut records = Vec::new();
    for Step { record, links, alerts, day } in steps {
        let source = ReceiptSource::System { step_leaf: Tag::Step.hash(&record) };
        records.push(record);
        let receipt = Receipt { source, code: CODE_ACCEPTED, links, alerts };
        receipts.push(Dated { receipt, day });
    }
    let (changes, work_left) = (ended.changes, ended.work_left);
    Ok(Executed { receipts, operations, records, refusals, changes, work_left })
}

fn index_of(receipts: &[Dated]) -> u32 {
    u32::try_from(receipts.len()).expect("a block holds far fewer than 2^32 operations")
}
