#![cfg(test)]
//! Three nodes start, agree, execute and harden.

use std::time::Duration;

use api::submission::TransactionState;
use api::{alert, evaluation, ledger, node, release, submission, trace};
use tests::devnet::Devnet;
use tests::payload::Payload;
use tokio::time::Instant;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Health;
use tonic_health::pb::health_client::HealthClient;

/// The longest that the first block after a start may take.
const FIRST_BLOCK: Duration = Duration::from_secs(5);

/// The longest that a commit may take at idle; the benchmark holds 300 ms at the 99th percentile.
const COMMIT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn three_nodes_agree_from_the_first_block_on() -> anyhow::Result<()> {
    let mut net = Devnet::new(3)?;
    let started = Instant::now();
    net.start_all()?;
    net.executed(&[0, 1, 2], 1, 30).await?;
    let first_block = started.elapsed();
    println!("first block at all three nodes after {first_block:?}");
    assert!(first_block < FIRST_BLOCK, "first block after {first_block:?}");

    let mut payload = Payload::new(1);
    let mut latencies = Vec::new();
    let mut last = 0;
    for round in 0..10 {
        let node = round % 3;
        let transaction = net.sign(round % 3, payload.operations(5))?;
        let sent = Instant::now();
        let outcome = net.submit(node, &transaction).await??;
        latencies.push(sent.elapsed());
        assert_eq!(outcome.receipts.len(), 5);
        for receipt in &outcome.receipts {
            assert_eq!(receipt.code, 0, "{receipt:?}");
        }
        last = outcome.height;
    }
    println!("commit at idle: {latencies:?}");
    assert!(latencies.iter().all(|latency| *latency < COMMIT), "{latencies:?}");

    net.executed(&[0, 1, 2], last, 20).await?;
    let stand = net.agreed(20).await?;
    assert!(stand.executed >= last);
    net.hardened(last, 20).await
}

#[tokio::test]
async fn health_answers_for_the_node_and_for_each_of_its_services() -> anyhow::Result<()> {
    let mut net = Devnet::new(3)?;
    net.start(0)?;
    let names = [
        "",
        submission::submission_service_server::SERVICE_NAME,
        ledger::ledger_service_server::SERVICE_NAME,
        trace::trace_service_server::SERVICE_NAME,
        alert::alert_service_server::SERVICE_NAME,
        release::release_service_server::SERVICE_NAME,
        evaluation::evaluation_service_server::SERVICE_NAME,
        node::node_service_server::SERVICE_NAME,
    ];
    // Alone it does not get beyond asking the others: what is recorded can be read all the same.
    for (at, name) in names.into_iter().enumerate() {
        let expected = if at < 2 { Health::NotServing } else { Health::Serving };
        serves(&net, name, expected).await?;
    }
    net.start_all()?;
    net.executed(&[0, 1, 2], 1, 30).await?;
    for name in names {
        serves(&net, name, Health::Serving).await?;
    }
    let mut health = HealthClient::new(net.channel(0)?);
    let unknown = HealthCheckRequest { service: "jjj.unknown.v1.UnknownService".to_owned() };
    let refused = health.check(unknown).await.expect_err("there is no such service");
    assert_eq!(refused.code(), tonic::Code::NotFound, "{refused}");
    Ok(())
}

async fn serves(net: &Devnet, name: &str, expected: Health) -> anyhow::Result<()> {
    let channel = net.channel(0)?;
    net.until(20, &format!("{name:?} is {expected:?}"), async || {
        let request = HealthCheckRequest { service: name.to_owned() };
        let answer = HealthClient::new(channel.clone()).check(request).await.ok()?;
        (answer.into_inner().status() == expected).then_some(())
    })
    .await
}

#[tokio::test]
async fn a_transaction_submitted_twice_answers_with_its_first_receipts() -> anyhow::Result<()> {
    let net = Devnet::started(3)?;
    net.executed(&[0, 1, 2], 1, 30).await?;
    let transaction = net.sign(0, Payload::new(2).operations(3))?;
    let first = net.submit(0, &transaction).await??;
    net.hardened(first.height, 20).await?;
    for node in [0, 1, 2] {
        let again = net.submit(node, &transaction).await??;
        assert_eq!((again.height, &again.receipts), (first.height, &first.receipts), "node {node}");
        assert_eq!(again.state(), TransactionState::Hardened);
    }
    Ok(())
}

#[tokio::test]
async fn a_single_validator_makes_blocks_alone() -> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    let transaction = net.sign(0, Payload::new(3).operations(2))?;
    net.executed(&[0], 1, 30).await?;
    let outcome = net.submit(0, &transaction).await??;
    net.hardened(outcome.height, 20).await
}
