//! What a forger would do to a proof bundle: one byte flipped, one event left out.

use std::path::Path;

use anyhow::Context as _;
use ledger::bundle::Bundle;

/// Copies a bundle with its middle byte changed; returns which byte that is.
pub fn flip_a_byte(from: &Path, to: &Path) -> anyhow::Result<usize> {
    let mut bytes = std::fs::read(from).with_context(|| from.display().to_string())?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("an empty bundle")? ^= 1;
    std::fs::write(to, bytes)?;
    Ok(middle)
}

/// Copies a bundle without one event of its longest log; returns the event's index in that log.
pub fn leave_an_event_out(from: &Path, to: &Path) -> anyhow::Result<u64> {
    let bytes = std::fs::read(from).with_context(|| from.display().to_string())?;
    let mut bundle = Bundle::from_bytes(&bytes)?;
    let logs = bundle.items.iter_mut().flat_map(|item| &mut item.logs);
    let longest = logs.max_by_key(|log| log.entries.len()).context("no log in the bundle")?;
    let middle = longest.entries.len() / 2;
    anyhow::ensure!(middle > 0, "no log with two events in the bundle");
    let entry = longest.entries.remove(middle);
    std::fs::write(to, bundle.to_bytes())?;
    Ok(entry.index)
}
