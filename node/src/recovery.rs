//! From what is on disk to what a node starts with: the ledger's head, and the journal's records.

use consensus::{Body, Head, NotVoting, Record, SafetyRecord, Voting};
use genesis::Genesis;
use genesis::home::Home;
use ledger::ledger::Ledger;
use ledger::store::StoreError;
use proto::codec::{Canonical as _, DecodeError};
use proto::{Height, ValidatorIndex, View};
use rocks::RocksStore;

use crate::bodies::Bodies;
use crate::clock;
use crate::intake::describe;
use crate::journal::{Journal, Opened};
use crate::records::{self, Entry, Live, Read};
use crate::run::{JournalFailure, RunError};

/// What the journal said.
pub(crate) struct Recovered {
    /// The journal, ready to be written.
    pub(crate) journal: Journal,
    /// The safety record beside it.
    pub(crate) safety: SafetyRecord,
    /// Its records, oldest first.
    pub(crate) records: Vec<Record>,
    /// What a compacted journal keeps.
    pub(crate) live: Live,
    /// Bodies that it holds, for the replica.
    pub(crate) bodies: Vec<Body>,
    /// Whether the replica may vote.
    pub(crate) voting: Voting,
}

/// Reads the journal of a home folder; its bodies are kept for the blocks that need them.
pub(crate) fn recover(
    home: &Home,
    genesis: &Genesis,
    me: ValidatorIndex,
    ledger: &Ledger<RocksStore>,
    bodies: &Bodies,
) -> Result<Recovered, RunError> {
    let reader = ledger.reader();
    let view = reader.view()?;
    let folder = home.data_folder().join("journal");
    let Opened { mut journal, records: bytes, safety, damage, fresh } =
        Journal::open(&folder, genesis.chain(), me)?;
    let mut voting = Voting::Allowed;
    if safety.is_none() {
        if fresh && view.head() == Height::GENESIS {
            // Nothing was signed yet. From now on a missing safety record means that it was lost.
            journal.write_safety(&SafetyRecord::default().encode())?;
        } else {
            voting = Voting::Refused(NotVoting::JournalMissing);
        }
    }
    if let Some(damage) = damage {
        tracing::error!(%damage, "journal");
        voting = Voting::Refused(NotVoting::JournalDamaged);
    }
    let unreadable = |error: DecodeError| {
        RunError::Journal(JournalFailure(format!(
            "the journal was written by another version: {error}"
        )))
    };
    let safety = match safety {
        None => SafetyRecord::default(),
        Some(bytes) => SafetyRecord::decode(&bytes).map_err(unreadable)?,
    };
    // A power cut may take a block that was acknowledged where the disk does not keep what it was told
    // to keep, or the end of the database's log was damaged afterwards.
    if safety.size() > view.head().history_size() {
        let (signed, head) = (safety.size() - 1, view.head());
        tracing::error!(
            "账本止于第 {head} 块，而本节点签认过至第 {signed} 块的历史：磁盘丢失了已确认的写入，缺失的区块将从其他节点取回 \
             the ledger ends at height {head}, but this node signed the history up to height {signed}: the \
             disk lost acknowledged writes; the blocks in between are fetched from the other members"
        );
    }
    let (mut found, mut live, mut held) = (Vec::new(), Live::default(), Vec::new());
    for bytes in bytes {
        match records::read(&bytes).map_err(unreadable)? {
            Read::Record(record) => {
                // A body stands in the journal once, under the first height that proposed it.
                for leaf in record.bodies() {
                    live.raise(leaf, record.height());
                    bodies.raise_to(leaf, record.height());
                }
                live.add_record(Entry::record(&record));
                found.push(record);
            }
            Read::Body(body, height) => {
                // What is executed already must never be proposed again: no member could prepare it,
                // and one that remembers it could not follow a block that holds it.
                if view.transaction(body.0.tx_id())?.is_none() {
                    held.push(describe(&body, clock::now()));
                }
                live.add_body(body.0.leaf(), Some(height), &body);
                bodies.keep(body, height);
            }
        }
    }
    Ok(Recovered { journal, safety, records: found, live, bodies: held, voting })
}

/// The end of the executed chain.
pub(crate) fn head_of(ledger: &Ledger<RocksStore>) -> Result<Head, StoreError> {
    let reader = ledger.reader();
    let view = reader.view()?;
    let height = view.head();
    let checkpoint = ledger.checkpoint();
    let certified = view.certificate(view.certified_size()?)?;
    let hardened = view.hardened_size()?;
    match view.block(height)? {
        Some(block) => Ok(Head {
            certificate: view.commit(height)?,
            height,
            block_hash: block.hash(),
            view: block.header().view,
            time: block.header().time,
            root: checkpoint.root,
            certified,
            hardened,
        }),
        None => Ok(Head {
            certificate: None,
            height,
            block_hash: ledger.chain().genesis_block(),
            view: View::ZERO,
            time: ledger.genesis().time(),
            root: checkpoint.root,
            certified,
            hardened,
        }),
    }
}
