#![cfg(test)]
//! One weight is changed behind a stopped node's back, and the check names it.

use std::ops::ControlFlow;

use ledger::store::{Batch, Column, Durability, Store as _, StoreRead as _};
use proto::schema::OperationKind;
use rocks::RocksStore;
use tests::devnet::Devnet;
use tests::payload::Payload;
use tests::programs::{self, Ended};
use tests::tamper::change_a_weight;

fn check(net: &Devnet, node: usize, more: &[&str]) -> anyhow::Result<Ended> {
    let home = net.node(node)?.home.folder().to_str().expect("a temporary folder is UTF-8");
    let mut arguments = vec!["--lang", "en", "check", "--home", home];
    arguments.extend(more);
    programs::run("jjj-node", arguments)
}

#[tokio::test]
async fn one_changed_weight_is_found_and_named() -> anyhow::Result<()> {
    let mut net = Devnet::started(3)?;
    net.executed(&[0, 1, 2], 1, 30).await?;
    let mut payload = Payload::new(20);
    let mut last = 0;
    for round in 0..6 {
        let transaction = net.sign(round % 3, payload.operations(20))?;
        last = net.submit(round % 3, &transaction).await??.height;
    }
    net.executed(&[0, 1, 2], last, 30).await?;
    assert!(net.stop(2).await?.success(), "a node that is asked to stop ends well");

    let clean = check(&net, 2, &["--replay"])?.expect(0)?;
    assert!(clean.out.contains("everything is as it was written"), "{}", clean.out);

    let changed = change_a_weight(&net.node(2)?.home, OperationKind::StorageIn, 1_000)?;
    assert_eq!(changed.after, changed.before + 1_000);
    let found = check(&net, 2, &[])?.expect(1)?;
    let place = format!("height {}, transaction {}", changed.height, changed.position);
    assert!(found.out.contains(&place), "expected {place} in {}", found.out);
    println!("{}", found.out);

    // The others have never seen the changed weight and work on.
    let transaction = net.sign(0, payload.operations(3))?;
    net.submit(0, &transaction).await??;
    Ok(())
}

#[tokio::test]
async fn a_damaged_head_is_one_fault_among_those_that_are_listed() -> anyhow::Result<()> {
    let mut net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    let transaction = net.sign(0, Payload::new(21).operations(5))?;
    net.submit(0, &transaction).await??;
    assert!(net.stop(0).await?.success(), "a node that is asked to stop ends well");
    change_a_weight(&net.node(0)?.home, OperationKind::StorageIn, 1_000)?;
    damage_the_newest_leaf(&net)?;
    let found = check(&net, 0, &[])?.expect(1)?;
    assert!(found.out.contains("checked up to height"), "{} {}", found.out, found.err);
    let faults = found.out.lines().filter(|line| line.starts_with("changed: "));
    assert!(faults.count() >= 2, "the leaf and the weight: {}", found.out);
    Ok(())
}

fn damage_the_newest_leaf(net: &Devnet) -> anyhow::Result<()> {
    let store = RocksStore::open(&net.node(0)?.home.data_folder().join("ledger"))?;
    let mut newest = Vec::new();
    store.scan(Column::History, &[], None, &mut |key, _| {
        newest = key.to_vec();
        ControlFlow::Continue(())
    })?;
    let mut batch = Batch::default();
    batch.put(Column::History, newest, b"no leaf");
    Ok(store.write(batch, Durability::Synced)?)
}

#[tokio::test]
async fn a_home_without_data_is_not_called_sound() -> anyhow::Result<()> {
    let net = Devnet::new(1)?;
    let refused = check(&net, 0, &[])?.expect(1)?;
    assert!(refused.err.contains("ledger"), "names the folder: {}", refused.err);
    assert!(!refused.out.contains("as it was written"), "{}", refused.out);
    Ok(())
}
