//! Notices and evaluation results.

use std::cmp::Reverse;

use prost::Message;
use proto::trie::Namespace;

use super::Piece;
use crate::evaluation::EvaluationRecord;
use crate::release::ReleaseRecord;
use crate::state::{Range, Rows, StateFault};

/// Notices, at most `limit`, the latest first.
pub fn releases(state: &Rows<'_>, limit: usize) -> Result<Vec<ReleaseRecord>, StateFault> {
    let latest = |a: &ReleaseRecord, b: &ReleaseRecord| {
        let rank = |one: &ReleaseRecord| Reverse((one.published_height, id_of(one)));
        rank(a).cmp(&rank(b))
    };
    super::first_of((limit, latest), |after, limit| {
        records(state, Namespace::Release, after, limit)
    })
}

fn id_of(release: &ReleaseRecord) -> String {
    release.notice.as_ref().map(|notice| notice.id.clone()).unwrap_or_default()
}

/// Evaluation results, at most `limit`, the latest first.
pub fn evaluations(state: &Rows<'_>, limit: usize) -> Result<Vec<EvaluationRecord>, StateFault> {
    let latest =
        |a: &EvaluationRecord, b: &EvaluationRecord| b.recorded_height.cmp(&a.recorded_height);
    super::first_of((limit, latest), |after, limit| {
        records(state, Namespace::Evaluation, after, limit)
    })
}

/// How many notices there are, counted up to `limit`.
pub fn count_releases(state: &Rows<'_>, limit: usize) -> Result<usize, StateFault> {
    count(state, Namespace::Release, limit)
}

/// How many results there are, counted up to `limit`.
pub fn count_evaluations(state: &Rows<'_>, limit: usize) -> Result<usize, StateFault> {
    count(state, Namespace::Evaluation, limit)
}

fn count(state: &Rows<'_>, namespace: Namespace, limit: usize) -> Result<usize, StateFault> {
    Ok(state.scan_namespace(namespace, &Range { prefix: &[], after: None }, limit)?.len())
}

fn records<M: Message + Default>(
    state: &Rows<'_>,
    namespace: Namespace,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Piece<M>, StateFault> {
    let found = state.scan_namespace(namespace, &Range { prefix: &[], after }, limit)?;
    let read = |(key, value): (Vec<u8>, Vec<u8>)| match M::decode(&*value) {
        Ok(record) => Ok((key, Some(record))),
        Err(error) => Err(StateFault::record(namespace, &key, &error)),
    };
    found.into_iter().map(read).collect()
}
