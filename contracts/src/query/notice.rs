//! Notices and evaluation results.

use proto::trie::Namespace;

use crate::evaluation::{self, EvaluationRecord};
use crate::record;
use crate::release::{self, ReleaseRecord};
use crate::state::{State, StateFault};

/// Notices, at most `limit`, the latest first.
pub fn releases(state: &dyn State, limit: usize) -> Result<Vec<ReleaseRecord>, StateFault> {
    let mut list: Vec<ReleaseRecord> = Vec::new();
    for found in release::all().scan(state, None, limit)? {
        list.extend(record::load(state, Namespace::Release, &found.key)?);
    }
    list.sort_by_key(|one| std::cmp::Reverse((one.published_height, id_of(one))));
    Ok(list)
}

fn id_of(release: &ReleaseRecord) -> String {
    release.notice.as_ref().map(|notice| notice.id.clone()).unwrap_or_default()
}

/// Evaluation results, at most `limit`, the latest first.
pub fn evaluations(state: &dyn State, limit: usize) -> Result<Vec<EvaluationRecord>, StateFault> {
    let mut list: Vec<EvaluationRecord> = Vec::new();
    for found in evaluation::all().scan(state, None, limit)? {
        list.extend(record::load(state, Namespace::Evaluation, &found.key)?);
    }
    list.sort_by_key(|one| std::cmp::Reverse(one.recorded_height));
    Ok(list)
}
