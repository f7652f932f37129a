//! `jjj-node check`: reads a stopped node's data from the first byte to the last.

use std::path::PathBuf;

use genesis::home::{Home, HomeError};
use genesis::words::Language;
use ledger::check::CheckReport;
use ledger::ledger::OpenError;
use ledger::reader::Reader;
use ledger::replay::{ReplayError, Replayed};
use ledger::store::StoreError;
use ledger::version::Versions;
use proto::ChainId;
use rocks::RocksStore;
use thiserror::Error;

use crate::run::ledger_folder;

/// Why the data could not be checked at all.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The home folder is not usable.
    #[error("节点目录不可用 {0}")]
    Home(#[from] HomeError),
    /// The database cannot be opened.
    #[error("数据库无法打开，节点是否仍在运行？ {path}: {source}; is the node still running?")]
    Store {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: rocks::OpenError,
    },
    /// The database is not a ledger.
    #[error("账本无法打开 {0}")]
    Open(#[from] OpenError),
    /// The database is another chain's.
    #[error(
        "数据目录属于另一条链 the data folder holds chain {found}, the genesis document is chain \
         {expected}"
    )]
    Chain {
        /// Chain of the genesis document.
        expected: ChainId,
        /// Chain of the database.
        found: ChainId,
    },
    /// The database cannot be read.
    #[error("账本无法读取 {0}")]
    Read(#[from] StoreError),
}

/// What was found.
#[derive(Debug)]
pub struct Checked {
    report: CheckReport,
    replayed: Option<Result<Replayed, ReplayError>>,
}

/// How deep a check goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// Every stored byte against the hashes that cover it.
    Bytes,
    /// The same, and every block executed again.
    Replay,
}

/// Checks the data of a home folder.
pub fn check(home: &Home, depth: Depth) -> Result<Checked, CheckError> {
    let expected = home.read_genesis()?.chain();
    let path = ledger_folder(home);
    let store = RocksStore::open_read_only(&path)
        .map_err(|source| CheckError::Store { path: path.clone(), source })?;
    // Not as a ledger: that would end at a damaged head instead of naming what is damaged.
    let reader = Reader::open(store)?;
    let found = reader.genesis().chain();
    if found != expected {
        return Err(CheckError::Chain { expected, found });
    }
    let report = ledger::check::check(&reader, &mut |_| ())?;
    let replayed = match depth {
        Depth::Bytes => None,
        Depth::Replay => Some(ledger::replay::replay(&reader, Versions::BUILT_IN, &mut |_, _| ())),
    };
    Ok(Checked { report, replayed })
}

impl Checked {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.report.is_sound() && !matches!(self.replayed, Some(Err(_)))
    }

    /// What was looked at and what is wrong, for people.
    pub fn lines(&self, language: Language) -> Vec<String> {
        let counts = &self.report.counts;
        let mut lines = vec![match language {
            Language::Zh => format!(
                "核查至第 {} 块：交易 {}，业务 {}，回执 {}，签认 {}，状态 {}，台账条目 {}",
                self.report.head,
                counts.transactions,
                counts.operations,
                counts.receipts,
                counts.certificates,
                counts.state_keys,
                counts.log_entries
            ),
            Language::En => format!(
                "checked up to height {}: {} transactions, {} operations, {} receipts, \
                 {} certificates, {} state keys, {} log entries",
                self.report.head,
                counts.transactions,
                counts.operations,
                counts.receipts,
                counts.certificates,
                counts.state_keys,
                counts.log_entries
            ),
        }];
        let word = |zh: &str, en: &str| match language {
            Language::Zh => zh.to_owned(),
            Language::En => en.to_owned(),
        };
        for fault in &self.report.faults {
            lines.push(format!("{}: {fault}", word("被改动", "changed")));
        }
        match &self.replayed {
            None => (), // not asked for
            Some(Ok(replayed)) => lines.push(format!(
                "{}: {} / {}",
                word("重新执行一致（块/业务）", "re-executed, equal (heights/operations)"),
                replayed.heights,
                replayed.operations
            )),
            Some(Err(error)) => {
                lines.push(format!("{}: {error}", word("重新执行不一致", "re-execution differs")));
            }
        }
        if self.is_clean() {
            lines.push(word("全部一致", "everything is as it was written"));
        }
        lines
    }
}
