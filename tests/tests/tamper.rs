#![cfg(test)]
//! One weight is changed behind a stopped node's back, and the check names it.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
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

/// The ledger of a stopped node with everything in tables, the largest first.
fn tables(net: &Devnet) -> anyhow::Result<Vec<PathBuf>> {
    let folder = net.node(0)?.home.data_folder().join("ledger");
    // Opening flushes what the log held into tables.
    drop(RocksStore::open(&folder)?);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sst") {
            found.push((fs::metadata(&path)?.len(), path));
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Changes one byte of the first block of a table.
fn damage(table: &Path) -> anyhow::Result<()> {
    let mut bytes = fs::read(table)?;
    let byte = bytes.get_mut(20).context("a table has more than 20 bytes")?;
    *byte ^= 0xff;
    Ok(fs::write(table, bytes)?)
}

/// Whether a line names the table and the column that it is of, what was expected and what was found.
fn names(told: &str, table: &Path) -> bool {
    let file = table.file_name().and_then(|name| name.to_str()).expect("tables have numbers");
    told.lines().any(|line| {
        let has_column = Column::ALL.iter().any(|column| line.contains(column.name()));
        has_column && [file, "expected", "found"].iter().all(|part| line.contains(part))
    })
}

/// A node with a few hundred events, stopped.
async fn stopped() -> anyhow::Result<Devnet> {
    let mut net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    let mut payload = Payload::new(22);
    for _ in 0..5 {
        let transaction = net.sign(0, payload.operations(60))?;
        net.submit(0, &transaction).await??;
    }
    assert!(net.stop(0).await?.success(), "a node that is asked to stop ends well");
    Ok(net)
}

#[tokio::test]
async fn a_damaged_table_file_is_named_by_the_check() -> anyhow::Result<()> {
    let net = stopped().await?;
    for table in tables(&net)? {
        let good = fs::read(&table)?;
        damage(&table)?;
        let found = check(&net, 0, &[])?.expect(1)?;
        let told = format!("{}{}", found.out, found.err);
        assert!(names(&told, &table), "{} is not named: {told}", table.display());
        fs::write(&table, good)?;
    }
    check(&net, 0, &[])?.expect(0)?;
    Ok(())
}

#[tokio::test]
async fn a_node_that_reads_a_damaged_table_stops_with_the_words_of_the_check() -> anyhow::Result<()>
{
    let mut net = stopped().await?;
    let tables = tables(&net)?;
    net.start(0)?;
    net.executed(&[0], 1, 30).await?;
    // Every table at once: whichever it reads next.
    for table in &tables {
        damage(table)?;
    }
    let mut payload = Payload::new(23);
    for _ in 0..50 {
        if !net.is_running(0)? {
            break;
        }
        let transaction = net.sign(0, payload.operations(20))?;
        drop(net.submit(0, &transaction).await);
    }
    let status = net.ended(0).await?;
    let log = net.log(0)?;
    assert!(status.code().is_some_and(|code| code != 0), "it ends by itself: {status}\n{log}");
    assert!(tables.iter().any(|table| names(&log, table)), "no table is named: {log}");
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
