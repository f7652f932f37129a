#![cfg(test)]
//! Four validators, one of them equivocating: no fork, work goes on, and the liar is named.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use api::ledger::GetBlockRequest;
use api::ledger::ledger_service_client::LedgerServiceClient;
use tests::devnet::Devnet;
use tests::payload::Payload;
use tests::programs;

const HONEST: [usize; 3] = [1, 2, 3];

/// Transactions submitted, in turn through each honest node.
const ROUNDS: usize = 12;

/// The primary shows one block of each height to `first`, another one to `second`.
async fn no_fork(first: &str, second: &str, seed: u64) -> anyhow::Result<()> {
    let mut net = Devnet::new(4)?;
    let (told, failed) = (net.folder().join("told"), net.folder().join("failed"));
    let mut equivocator = Command::new(programs::find("equivocator")?)
        .arg("--home")
        .arg(net.node(0)?.home.folder())
        .arg("--password-file")
        .arg(net.password_file())
        .args(["--first", first, "--second", second])
        .stdin(Stdio::piped())
        .stdout(std::fs::File::create(&told)?)
        .stderr(std::fs::File::create(&failed)?)
        .spawn()?;
    for node in HONEST {
        net.start(node)?;
    }
    net.executed(&HONEST, 1, 60).await?;
    let mut payload = Payload::new(seed);
    let mut last = 0;
    for round in 0..ROUNDS {
        // The witness (3) submits nothing itself and takes submissions like every node.
        let transaction = net.sign(round % 3, payload.operations(5))?;
        let outcome = net.submit(HONEST[round % 3], &transaction).await??;
        assert_eq!(outcome.receipts.len(), 5);
        last = outcome.height;
    }
    net.executed(&HONEST, last, 60).await?;
    for height in 1..=last {
        let mut hashes = BTreeSet::new();
        for node in HONEST {
            let mut client = LedgerServiceClient::new(net.channel(node)?);
            let block = client.get_block(GetBlockRequest { height }).await?.into_inner();
            hashes.insert((block.block_hash, block.history_leaf));
        }
        assert_eq!(hashes.len(), 1, "one block and one result at height {height}");
    }
    let said = std::fs::read_to_string(&failed)?;
    assert!(equivocator.try_wait()?.is_none(), "the equivocator runs to the end: {said}");
    drop(equivocator.stdin.take());
    equivocator.wait()?;

    let told = std::fs::read_to_string(&told)?;
    let lies = told.lines().filter(|line| line.contains(": signed ")).count();
    assert!(lies > 0, "the primary of the first heights equivocates");
    let mut named = 0;
    for node in HONEST {
        let log = net.log(node)?;
        let mut evidence = log.lines().filter(|line| line.contains("contradicted its own"));
        assert!(evidence.all(|line| line.contains("guilty=[0]")), "no innocent is named: {log}");
        named += log.matches("contradicted its own").count();
    }
    println!(
        "{last} heights, {lies} with two blocks: no fork; honest nodes named the liar {named} times"
    );
    assert!(named > 0, "somebody saw both signatures:\n{told}");
    Ok(())
}

#[tokio::test]
async fn a_primary_that_shows_one_validator_another_block_forks_nobody() -> anyhow::Result<()> {
    no_fork("1,2", "3", 40).await
}

#[tokio::test]
async fn a_primary_that_shows_two_validators_another_block_forks_nobody() -> anyhow::Result<()> {
    no_fork("1", "2,3", 41).await
}
