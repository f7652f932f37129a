//! How a request fails: a code, a sentence in the caller's language, and one `ErrorInfo` whose reason
//! is stable.

use std::collections::HashMap;

use contracts::state::StateFault;
use ledger::prove::ProveError;
use ledger::reader::ReadError;
use ledger::store::StoreError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::gate::Inadmissible;
use crate::mempool::MempoolError;

/// Domain of every reason.
const DOMAIN: &str = "jjj";

/// A failure with its stable reason.
pub(super) fn failure(
    code: Code,
    reason: &'static str,
    text: impl Into<String>,
    metadata: &[(&str, String)],
) -> Status {
    let metadata: HashMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    Status::with_error_details(
        code,
        text.into(),
        ErrorDetails::with_error_info(reason, DOMAIN, metadata),
    )
}

/// The store failed; details are for the operator's log, not for the caller.
pub(super) fn store_failed(error: &StoreError) -> Status {
    tracing::error!(%error, "the ledger cannot be read");
    failure(Code::Internal, "STORAGE", "节点存储故障 the node's storage failed", &[])
}

/// The state is not what a contract wrote, or cannot be read.
pub(super) fn state_failed(error: &StateFault) -> Status {
    tracing::error!(%error, "the state cannot be read");
    failure(Code::Internal, "STORAGE", "节点存储故障 the node's storage failed", &[])
}

/// A query has no answer.
pub(super) fn read_failed(error: &ReadError) -> Status {
    match error {
        ReadError::Store(error) => store_failed(error),
        ReadError::OutsideWindow { .. } => {
            failure(Code::OutOfRange, "HEIGHT_OUT_OF_WINDOW", error.to_string(), &[])
        }
    }
}

/// There is no proof for a question.
pub(super) fn prove_failed(error: &ProveError) -> Status {
    let text = error.to_string();
    match error {
        ProveError::Store(error) => store_failed(error),
        ProveError::Read(error) => read_failed(error),
        ProveError::NotCertified { .. } => {
            failure(Code::Unavailable, "NOT_CERTIFIED_YET", text, &[])
        }
        ProveError::NoReceipt { .. } => failure(Code::NotFound, "NO_SUCH_RECEIPT", text, &[]),
        ProveError::NotAnOperation { .. } => {
            failure(Code::FailedPrecondition, "NOT_AN_OPERATION", text, &[])
        }
        ProveError::SubjectKind { .. } | ProveError::Claim(_) => {
            failure(Code::InvalidArgument, "QUESTION", text, &[])
        }
        ProveError::TooManyStarts { .. } => {
            failure(Code::InvalidArgument, "TOO_MANY_CODES", text, &[])
        }
        ProveError::TooLarge { .. } => {
            failure(Code::ResourceExhausted, "PROOF_TOO_LARGE", text, &[])
        }
    }
}

/// The gate refused a transaction.
pub(super) fn inadmissible(error: &Inadmissible) -> Status {
    let text = error.to_string();
    match error {
        Inadmissible::Malformed(_) => failure(Code::InvalidArgument, "MALFORMED", text, &[]),
        Inadmissible::ForeignChain { .. } => {
            failure(Code::InvalidArgument, "FOREIGN_CHAIN", text, &[])
        }
        Inadmissible::Expired { .. } => failure(Code::FailedPrecondition, "EXPIRED", text, &[]),
        Inadmissible::TooFar { .. } => failure(Code::InvalidArgument, "TTL_TOO_LONG", text, &[]),
        Inadmissible::BadSignature(_) => failure(Code::Unauthenticated, "BAD_SIGNATURE", text, &[]),
        Inadmissible::UnlistedSubmitter { .. } => {
            failure(Code::PermissionDenied, "UNLISTED_SUBMITTER", text, &[])
        }
        Inadmissible::Ordered { tx_id, .. } => {
            failure(Code::AlreadyExists, "ORDERED", text, &[("tx_id", tx_id.to_string())])
        }
        Inadmissible::Operation(error) => {
            failure(Code::InvalidArgument, error.reason(), text, &[("field", error.field.clone())])
        }
        Inadmissible::Store(error) => store_failed(error),
    }
}

/// No room.
pub(super) fn mempool_full(error: MempoolError) -> Status {
    failure(Code::ResourceExhausted, "MEMPOOL_FULL", error.to_string(), &[])
}
