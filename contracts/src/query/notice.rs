//! Notices and evaluation results.

use std::cmp::Reverse;

use proto::trie::Namespace;

use crate::evaluation::{self, EvaluationRecord};
use crate::record;
use crate::release::{self, ReleaseRecord};
use crate::state::{State, StateFault};

/// Notices, at most `limit`, the latest first.
pub fn releases(state: &dyn State, limit: usize) -> Result<Vec<ReleaseRecord>, StateFault> {
    let latest = |a: &ReleaseRecord, b: &ReleaseRecord| {
        let rank = |one: &ReleaseRecord| Reverse((one.published_height, id_of(one)));
        rank(a).cmp(&rank(b))
    };
    super::first_of(state, &release::all(), (limit, latest), |key| {
        record::load(state, Namespace::Release, key)
    })
}

fn id_of(release: &ReleaseRecord) -> String {
    release.notice.as_ref().map(|notice| notice.id.clone()).unwrap_or_default()
}

/// Evaluation results, at most `limit`, the latest first.
pub fn evaluations(state: &dyn State, limit: usize) -> Result<Vec<EvaluationRecord>, StateFault> {
    let latest =
        |a: &EvaluationRecord, b: &EvaluationRecord| b.recorded_height.cmp(&a.recorded_height);
    super::first_of(state, &evaluation::all(), (limit, latest), |key| {
        record::load(state, Namespace::Evaluation, key)
    })
}
