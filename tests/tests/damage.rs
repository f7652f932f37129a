#![cfg(test)]
//! A table file of one node is damaged while it is stopped: the check names column, key and file, and
//! the node that meets the damage in a query stops with the same words. The others go on.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ledger::store::{Column, StoreRead as _};
use rocks::RocksStore;
use tests::devnet::Devnet;
use tests::payload::Payload;
use tests::programs;

/// Byte of a table that lies in its first block of rows.
const INSIDE: usize = 20;

#[tokio::test]
async fn a_node_that_meets_a_damaged_table_stops_and_names_it() -> anyhow::Result<()> {
    let mut net = Devnet::started(3)?;
    net.executed(&[0, 1, 2], 1, 30).await?;
    let mut payload = Payload::new(30);
    let transaction = net.sign(0, payload.operations(10))?;
    let outcome = net.submit(0, &transaction).await??;
    net.executed(&[0, 1, 2], outcome.height, 30).await?;
    assert!(net.stop(2).await?.success(), "a node that is asked to stop ends well");
    let folder = net.node(2)?.home.data_folder().join("ledger");
    let table = damage_a_table(&folder, Column::Bodies)?;
    let table = table.file_name().and_then(|name| name.to_str()).context("a name in ASCII")?;

    let home = net.node(2)?.home.folder().to_str().context("a temporary folder is UTF-8")?;
    let found = programs::run("jjj-node", ["--lang", "en", "check", "--home", home])?.expect(1)?;
    let line = found.out.lines().find(|line| line.contains("bodies"));
    let line = line.with_context(|| format!("{} {}", found.out, found.err))?;
    for part in ["changed", "key", table, "Corruption"] {
        assert!(line.contains(part), "{part}: {line}");
    }

    net.start(2)?;
    net.executed(&[2], outcome.height, 30).await?;
    assert!(net.is_running(2)?, "it has not read the damaged rows yet");
    assert!(net.transaction(2, transaction.tx_id()).await.is_err(), "the rows are not readable");
    let status = net.ended(2).await?;
    let log = net.log(2)?;
    assert!(status.code().is_some_and(|code| code != 0), "it ends by itself: {status}\n{log}");
    for part in ["column bodies, key", table, "Corruption", "数据库损坏", "is damaged"] {
        assert!(log.contains(part), "{part}: {log}");
    }

    let transaction = net.sign(0, payload.operations(10))?;
    net.submit(1, &transaction).await??;
    Ok(())
}

/// Damages the table that holds the rows of `column`.
fn damage_a_table(folder: &Path, column: Column) -> anyhow::Result<PathBuf> {
    // Opening writes what the log holds into tables.
    drop(RocksStore::open(folder)?);
    let mut tables = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sst") {
            tables.push(path);
        }
    }
    for table in tables {
        let sound = fs::read(&table)?;
        let mut damaged = sound.clone();
        *damaged.get_mut(INSIDE).context("a table is longer")? ^= 0xff;
        fs::write(&table, damaged)?;
        let store = RocksStore::open_read_only(folder)?;
        if store.scan(column, b"", None, &mut |_, _| ControlFlow::Continue(())).is_err() {
            return Ok(table);
        }
        fs::write(&table, sound)?;
    }
    anyhow::bail!("no table holds rows of {column}")
}
