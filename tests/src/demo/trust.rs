//! What an auditor does: verify a proof, and see forgeries refused.

use std::path::Path;

use super::stage::{Stage, path_text};
use crate::programs::{self, Ended};

/// Runs `jjj-verify` on a bundle; it knows the genesis hash and nothing else.
pub fn verify(stage: &Stage, bundle: &Path, lang: &str) -> anyhow::Result<Ended> {
    let arguments = [path_text(bundle)?, "--genesis-hash", &stage.chain, "--lang", lang];
    programs::run("jjj-verify", arguments)
}

/// Runs `jjj-node check` on a stopped node's home.
pub fn check(stage: &Stage, node: usize, lang: &str) -> anyhow::Result<Ended> {
    let home = stage.net.node(node)?.home.folder();
    programs::run("jjj-node", ["--lang", lang, "check", "--home", path_text(home)?])
}
