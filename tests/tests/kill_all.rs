#![cfg(test)]
//! `kill -9` of all nodes at once, under load, ten times in a row.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use api::submission::TransactionState;
use proto::TxId;
use proto::codec::Canonical as _;
use tests::devnet::{Devnet, submit_to};
use tests::payload::Payload;
use tokio::task::JoinSet;

const ROUNDS: u64 = 10;

/// Transactions acknowledged in a round before everything is killed.
const ACKNOWLEDGED_MIN: usize = 12;

/// Submitters at the same time, two a node, so that the kill hits transactions in every phase.
const SUBMITTERS: usize = 6;

/// Transactions prepared for each submitter and round: more than it can get through.
const PREPARED: usize = 60;

/// Submitters at work.
struct Load {
    submitters: JoinSet<Vec<(TxId, u64)>>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
}

/// Submits prepared transactions until it is told to stop, and keeps what was acknowledged.
fn load(net: &Devnet, round: u64) -> anyhow::Result<Load> {
    let (stop, acknowledged) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let mut submitters = JoinSet::new();
    for submitter in 0..SUBMITTERS {
        let mut payload = Payload::new(round * 100 + u64::try_from(submitter)?);
        let mut prepared = Vec::new();
        for _ in 0..PREPARED {
            let transaction = net.sign(submitter % 3, payload.operations(4))?;
            prepared.push((transaction.tx_id(), transaction.encode()));
        }
        let client = net.submission(submitter % 3)?;
        let (stop, counter) = (Arc::clone(&stop), Arc::clone(&acknowledged));
        submitters.spawn(async move {
            let mut kept = Vec::new();
            for (tx_id, bytes) in prepared {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                // Failures here mean that the node is gone; what counts is what was acknowledged.
                if let Ok(outcome) = submit_to(client.clone(), bytes).await {
                    assert_eq!(outcome.receipts.len(), 4);
                    kept.push((tx_id, outcome.height));
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
            kept
        });
    }
    Ok(Load { submitters, stop, acknowledged })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_all_are_killed_ten_times_in_a_row() -> anyhow::Result<()>
{
    let mut net = Devnet::started(3)?;
    let mut acknowledged: Vec<(TxId, u64)> = Vec::new();
    let mut height = 1;
    for round in 0..ROUNDS {
        net.executed(&[0, 1, 2], height, 60).await?;
        let load = load(&net, round)?;
        net.until(60, "enough is acknowledged under load", async || {
            (load.acknowledged.load(Ordering::Relaxed) >= ACKNOWLEDGED_MIN).then_some(())
        })
        .await?;
        net.kill_all()?;
        load.stop.store(true, Ordering::Relaxed);
        for kept in load.submitters.join_all().await {
            acknowledged.extend(kept);
        }
        height = acknowledged.iter().map(|(_, height)| *height).max().unwrap_or(1);
        net.start_all()?;
    }
    // The chain goes on without help: a new transaction on top of everything.
    net.executed(&[0, 1, 2], height, 60).await?;
    let after = net.sign(0, Payload::new(9_999).operations(2))?;
    let outcome = net.submit(0, &after).await??;
    assert!(outcome.height > height, "{} after {height}", outcome.height);
    net.hardened(outcome.height, 60).await?;
    net.agreed(60).await?;

    println!("{} transactions acknowledged over {ROUNDS} kills", acknowledged.len());
    for (tx_id, height) in &acknowledged {
        for node in [0, 1, 2] {
            let found = net.transaction(node, *tx_id).await?;
            assert_eq!(found.height, *height, "node {node}, transaction {tx_id}");
            assert_eq!(found.receipts.len(), 4, "node {node}, transaction {tx_id}");
            assert_eq!(found.state(), TransactionState::Hardened, "node {node}, {tx_id}");
        }
    }
    Ok(())
}
