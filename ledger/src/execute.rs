//! Executes the operations of a block in order: receipts, changes of the state, records of steps.
//!
//! Total: whatever the operations say, there is a receipt for each. Only a store that fails, or a
//! record that no contract wrote, ends it early. Writing is [`crate::ledger`]'s task.

use contracts::execute::{BlockContext, OpContext, Outcome, Step, end_of_block, execute};
use contracts::refusal::Refusal;
use contracts::state::{Changes, Overlay, State, StateFault};
use proto::codec::Canonical as _;
use proto::hash::Tag;
use proto::namespace::Namespace;
use proto::operation::Operation;
use proto::receipt::{CODE_ACCEPTED, Links, Receipt, ReceiptSource};
use proto::submitter::SubmitterRecord;
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
}

/// The block while it is being executed.
struct Run<'a> {
    context: &'a BlockContext,
    state: Overlay<'a>,
    receipts: Vec<Dated>,
    steps: Vec<Step>,
    refusals: Vec<(u32, Refusal)>,
    links: usize,
}

/// Executes the operations of `bodies` over `state`, the state below the block.
pub fn execute_block(
    context: &BlockContext,
    bodies: &[Transaction],
    state: &dyn State,
) -> Result<Executed, StateFault> {
    let mut run = Run {
        context,
        state: Overlay::new(state),
        receipts: Vec::new(),
        steps: Vec::new(),
        refusals: Vec::new(),
        links: 0,
    };
    for body in bodies {
        for (op_index, operation) in (0u16..).zip(body.operations()) {
            run.operation(state, body, (op_index, operation))?;
        }
    }
    let operations = run.next_index();
    // What is due is due: the budget of links is the operations'.
    run.steps.extend(end_of_block(context, &mut run.state)?);
    let mut records = Vec::new();
    for step in run.steps {
        let source = ReceiptSource::System { step_leaf: Tag::Step.hash(&step.record) };
        let Step { record, links, alerts, day } = step;
        records.push(record);
        let receipt = Receipt { source, code: CODE_ACCEPTED, links, alerts };
        run.receipts.push(Dated { receipt, day });
    }
    Ok(Executed {
        receipts: run.receipts,
        operations,
        records,
        refusals: run.refusals,
        changes: run.state.into_changes(),
    })
}

impl Run<'_> {
    fn next_index(&self) -> u32 {
        u32::try_from(self.receipts.len()).expect("a block holds far fewer than 2^32 operations")
    }

    fn operation(
        &mut self,
        before: &dyn State,
        body: &Transaction,
        (op_index, operation): (u16, &Operation),
    ) -> Result<(), StateFault> {
        let submitter = &body.header().submitter;
        let receipt_index = self.next_index();
        let op_context = OpContext { block: self.context, submitter, receipt_index };
        let mut child = self.state.child();
        let mut outcome = execute(operation, &op_context, &mut child)?;
        let limit = self.context.limits.max_block_links;
        if fits(self.links, &outcome, limit) {
            let changes = child.into_changes();
            self.state.merge(changes)?;
        } else {
            // Nothing of it stays, its identity neither: it may be submitted again.
            drop(child);
            let party = party(before, submitter.as_bytes())?;
            outcome = Outcome::refused(Refusal::BlockFull { limit }, party.as_deref());
        }
        self.links += links_of(&outcome);
        let Outcome { code, links, alerts, day, steps, refusal } = outcome;
        let source =
            ReceiptSource::Operation { tx_id: body.tx_id(), op_index, op_leaf: operation.leaf() };
        self.refusals.extend(refusal.map(|refusal| (receipt_index, refusal)));
        self.receipts.push(Dated { receipt: Receipt { source, code, links, alerts }, day });
        self.steps.extend(steps);
        Ok(())
    }
}

/// Whether an operation keeps the links of the block within its limit. A refusal always does: it has
/// one link, and there are at most 10,000 operations.
fn fits(links: usize, outcome: &Outcome, limit: u32) -> bool {
    let total = links.saturating_add(links_of(outcome));
    outcome.code != CODE_ACCEPTED || u32::try_from(total).is_ok_and(|total| total <= limit)
}

fn links_of(outcome: &Outcome) -> usize {
    let count = |links: &Links| links.as_slice().len();
    count(&outcome.links) + outcome.steps.iter().map(|step| count(&step.links)).sum::<usize>()
}

/// D2: the party of the submitter's key by the state before the block.
fn party(before: &dyn State, key: &[u8]) -> Result<Option<String>, StateFault> {
    let Some(value) = before.get(Namespace::Key, key)? else { return Ok(None) };
    let record = SubmitterRecord::decode(&value)
        .map_err(|error| StateFault::record(Namespace::Key, key, &error))?;
    Ok(Some(record.party))
}
