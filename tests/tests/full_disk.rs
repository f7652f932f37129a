#![cfg(test)]
//! One of three nodes runs out of room: it stops and says so, the others go on, and with room again it
//! is back with everything.
//!
//! A limit on the size of its files takes the place of a full disk: a write that finds no room fails in
//! its middle, in the journal or in the database, whichever grows first.

use proto::TxId;
use tests::devnet::Devnet;
use tests::payload::Payload;

/// Room for each file of the node, KiB: a few transactions of a hundred operations.
const ROOM_KIB: u32 = 1_024;

/// Transactions after which the room must have been used up, several times over.
const TRANSACTIONS_MAX: usize = 100;

#[tokio::test]
async fn a_node_without_room_stops_with_the_reason_and_loses_nothing() -> anyhow::Result<()> {
    let mut net = Devnet::new(3)?;
    net.start(0)?;
    net.start(1)?;
    net.start_with_room(2, ROOM_KIB)?;
    net.executed(&[0, 1, 2], 1, 30).await?;

    let mut payload = Payload::new(50);
    let mut acknowledged: Vec<(TxId, u64)> = Vec::new();
    while net.is_running(2)? {
        assert!(acknowledged.len() < TRANSACTIONS_MAX, "the room is not used up");
        let transaction = net.sign(0, payload.operations(100))?;
        let outcome = net.submit(0, &transaction).await??;
        acknowledged.push((transaction.tx_id(), outcome.height));
    }
    let status = net.ended(2).await?;
    let log = net.log(2)?;
    assert!(status.code().is_some_and(|code| code != 0), "it ends by itself: {status}\n{log}");
    assert!(log.contains("disk may be full") && log.contains("磁盘可能已满"), "{log}");

    // Two of three go on without it.
    let transaction = net.sign(0, payload.operations(10))?;
    let outcome = net.submit(1, &transaction).await??;
    acknowledged.push((transaction.tx_id(), outcome.height));

    net.start(2)?;
    net.hardened(outcome.height, 60).await?;
    net.agreed(60).await?;
    for (tx_id, height) in &acknowledged {
        assert_eq!(net.transaction(2, *tx_id).await?.height, *height, "{tx_id}");
    }
    Ok(())
}
