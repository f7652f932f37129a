//! How far a run has come, beside its network, so that another run can go on with it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use tests::lots::BATCH_EVENTS;

use crate::lots::row::Row;

/// File in the folder of the network.
const FILE: &str = "lots-progress.json";

/// How far a run has come.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Seed of the workload.
    pub(crate) seed: u64,
    /// Events between two stages of a lot.
    pub(crate) apart: u64,
    /// Consignments whose papers are registered; 0 where nothing is registered.
    pub(crate) consignments: u64,
    /// Every batch below has its receipts.
    pub(crate) next: u64,
    /// Batches above that have theirs.
    ahead: BTreeSet<u64>,
    /// Rows so far.
    pub(crate) rows: Vec<Row>,
}

impl Progress {
    /// Of a run that begins.
    pub(crate) const fn new(seed: u64, apart: u64) -> Self {
        let (consignments, next) = (0, 0);
        Self { seed, apart, consignments, next, ahead: BTreeSet::new(), rows: Vec::new() }
    }

    /// Of the run whose network lies in a folder.
    pub(crate) fn load(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let value: Value = serde_json::from_str(&text).context("the progress of a run")?;
        let number = |name: &str| {
            let found = value.get(name).and_then(Value::as_u64);
            found.with_context(|| format!("{}: {name} is a number", path.display()))
        };
        let rows = value.get("rows").and_then(Value::as_array);
        let rows = rows.context("the progress of a run has rows")?;
        Ok(Self {
            seed: number("seed")?,
            apart: number("apart")?,
            consignments: number("consignments")?,
            next: number("next")?,
            ahead: BTreeSet::new(),
            rows: rows.iter().map(Row::of_json).collect::<Result<_, _>>()?,
        })
    }

    /// Writes it into the folder of the network.
    pub(crate) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let value = json!({
            "seed": self.seed,
            "apart": self.apart,
            "consignments": self.consignments,
            "next": self.next,
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
        });
        let text = serde_json::to_string_pretty(&value)? + "\n";
        std::fs::write(folder.join(FILE), text).context("the progress of a run is written")
    }

    /// A batch has its receipts.
    pub(crate) fn done(&mut self, ordinal: u64) {
        self.ahead.insert(ordinal);
        while self.ahead.remove(&self.next) {
            self.next += 1;
        }
    }

    /// Events that are recorded.
    pub(crate) fn events(&self) -> u64 {
        let ahead = u64::try_from(self.ahead.len()).expect("usize is at most 64 bits");
        (self.next + ahead) * BATCH_EVENTS
    }
}
