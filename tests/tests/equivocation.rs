#![cfg(test)]
//! Four validators, one of them equivocating: no fork, and work goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use api::ledger::GetBlockRequest;
use api::ledger::ledger_service_client::LedgerServiceClient;
use tests::devnet::Devnet;
use tests::payload::Payload;
use tests::{programs, split};

/// Places in the order of votes for which a log names two signatures of different content, such as
/// `epoch 0 height 1 view 0 Prepare`.
fn signed_twice(log: &str) -> Vec<&str> {
    let mut signed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in log.lines() {
        let claim = line.split_once(" signed claim=").and_then(|(_, claim)| claim.split_once(": "));
        if let Some((position, hash)) = claim {
            signed.entry(position).or_default().insert(hash);
        }
    }
    signed
        .into_iter()
        .filter(|(_, hashes)| hashes.len() > 1)
        .map(|(position, _)| position)
        .collect()
}

/// The first primary equivocates: `first` see one of its instances, `second` the other.
async fn no_fork(first: &[u16], second: &[u16], seed: u64) -> anyhow::Result<()> {
    let mut net = Devnet::new(4)?;
    let port = net.spare_port();
    for node in second {
        split::redirect(&net.node((*node).into())?.home, 0, port)?;
    }
    let list = |nodes: &[u16]| nodes.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
    let log = std::fs::File::create(net.folder().join("equivocator.log"))?;
    let mut equivocator = Command::new(programs::find("equivocator")?)
        .arg("--home")
        .arg(net.node(0)?.home.folder())
        .arg("--password-file")
        .arg(net.password_file())
        .args(["--first", &list(first), "--second", &list(second)])
        .args(["--second-port", &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let honest = [1, 2, 3];
    for node in honest {
        net.start(node)?;
    }
    net.executed(&honest, 1, 60).await?;
    let mut payload = Payload::new(seed);
    let mut last = 0;
    for round in 0..12 {
        let node = honest[round % 3];
        // The witness (3) submits nothing itself and takes submissions like every node.
        let transaction = net.sign(round % 3, payload.operations(5))?;
        let outcome = net.submit(node, &transaction).await??;
        assert_eq!(outcome.receipts.len(), 5);
        last = outcome.height;
    }
    net.executed(&honest, last, 60).await?;
    for height in 1..=last {
        let mut hashes = BTreeSet::new();
        for node in honest {
            let mut client = LedgerServiceClient::new(net.channel(node)?);
            let block = client.get_block(GetBlockRequest { height }).await?.into_inner();
            hashes.insert((block.block_hash, block.history_leaf));
        }
        assert_eq!(hashes.len(), 1, "one block and one result at height {height}");
    }
    let text = std::fs::read_to_string(net.folder().join("equivocator.log"))?;
    assert_eq!(text.matches("node started").count(), 2, "both instances run:\n{text}");
    assert!(equivocator.try_wait()?.is_none(), "the equivocator runs to the end:\n{text}");
    drop(equivocator.stdin.take());
    equivocator.wait()?;
    let twice = signed_twice(&text);
    assert!(!twice.is_empty(), "the equivocator contradicts itself:\n{text}");
    println!("{last} heights, no fork; validator 0 signed twice: {}", twice.join(", "));
    Ok(())
}

#[tokio::test]
async fn a_primary_that_shows_one_validator_another_block_forks_nobody() -> anyhow::Result<()> {
    no_fork(&[1, 2], &[3], 40).await
}

#[tokio::test]
async fn a_primary_that_shows_two_validators_another_block_forks_nobody() -> anyhow::Result<()> {
    no_fork(&[1], &[2, 3], 41).await
}
