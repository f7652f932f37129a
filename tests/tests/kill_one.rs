#![cfg(test)]
//! One of three nodes is killed while transactions come in.

use tests::devnet::Devnet;
use tests::payload::Payload;

/// Submits `count` transactions, one after the other, to the nodes that run.
async fn submit(
    net: &Devnet,
    payload: &mut Payload,
    nodes: &[usize],
    count: usize,
) -> anyhow::Result<u64> {
    let mut height = 0;
    for node in nodes.iter().cycle().take(count) {
        let transaction = net.sign(*node, payload.operations(10))?;
        let outcome = net.submit(*node, &transaction).await??;
        assert_eq!(outcome.receipts.len(), 10);
        height = outcome.height;
    }
    Ok(height)
}

async fn one_killed(victim: usize, seed: u64) -> anyhow::Result<()> {
    let mut net = Devnet::started(3)?;
    net.executed(&[0, 1, 2], 1, 30).await?;
    let mut payload = Payload::new(seed);
    let before = submit(&net, &mut payload, &[0, 1, 2], 6).await?;

    net.kill(victim)?;
    let others: Vec<usize> = [0, 1, 2].into_iter().filter(|node| *node != victim).collect();
    let without = submit(&net, &mut payload, &others, 12).await?;
    assert!(without > before, "blocks go on without node {victim}");
    let standing =
        net.until(20, "a status of a node that runs", async || net.status(others[0]).await);
    assert!(standing.await?.hardened < without, "nothing hardens without node {victim}");

    net.start(victim)?;
    let after = submit(&net, &mut payload, &others, 3).await?;
    net.executed(&[0, 1, 2], after, 60).await?;
    net.hardened(after, 60).await?;
    net.agreed(60).await?;
    // The returned node takes part again: it takes a submission itself.
    let own = submit(&net, &mut payload, &[victim], 1).await?;
    net.hardened(own, 60).await
}

#[tokio::test]
async fn blocks_go_on_without_the_first_primary_and_it_catches_up() -> anyhow::Result<()> {
    one_killed(0, 10).await
}

#[tokio::test]
async fn blocks_go_on_without_a_backup_and_it_catches_up() -> anyhow::Result<()> {
    one_killed(2, 11).await
}

#[tokio::test]
async fn without_a_quorum_nothing_is_acknowledged_and_work_goes_on_when_it_is_back()
-> anyhow::Result<()> {
    let mut net = Devnet::started(3)?;
    net.executed(&[0, 1, 2], 1, 30).await?;
    let mut payload = Payload::new(12);
    let before = submit(&net, &mut payload, &[0, 1, 2], 3).await?;
    net.kill(1)?;
    net.kill(2)?;
    let transaction = net.sign(0, payload.operations(1))?;
    let refused = net.submit(0, &transaction).await?.expect_err("one of three is no quorum");
    assert_eq!(refused.code(), tonic::Code::DeadlineExceeded, "{refused}");
    let status = net.until(20, "the node that is left", async || net.status(0).await).await?;
    assert!(!status.waiting_en.is_empty(), "a node that waits says for whom");
    assert!(!status.waiting_zh.is_empty(), "a node that waits says for whom");

    net.start_all()?;
    // The same bytes again: the outcome that was unknown becomes known.
    let outcome = net.submit(0, &transaction).await??;
    assert!(outcome.height > before);
    net.hardened(outcome.height, 60).await
}
