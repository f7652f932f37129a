//! How a request fails: a code, a sentence in the caller's language, and one `ErrorInfo` whose reason
//! is stable.
//!
//! Services answer through [`answered`], which reads the language; nothing below it knows who asks.

use std::collections::HashMap;

use contracts::state::StateFault;
use genesis::words::Language;
use ledger::bundle::BUNDLE_BYTES_MAX;
use ledger::prove::ProveError;
use ledger::reader::ReadError;
use ledger::store::StoreError;
use proto::codec::DecodeError;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::lane::Lane;
use crate::gate::Inadmissible;
use crate::mempool::MempoolError;

/// Domain of every reason.
const DOMAIN: &str = "jjj";

/// A failure with its stable reason, and its sentence in both languages.
#[derive(Debug)]
pub(super) struct Failure {
    code: Code,
    reason: &'static str,
    zh: String,
    en: String,
    metadata: Vec<(&'static str, String)>,
}

impl Failure {
    /// A failure without metadata.
    pub(super) fn new(
        code: Code,
        reason: &'static str,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        Self { code, reason, zh: zh.into(), en: en.into(), metadata: Vec::new() }
    }

    /// The same with a value for programs.
    pub(super) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// A field of the request that breaks a rule.
    pub(super) fn field((field, reason): (&'static str, &'static str), zh: &str, en: &str) -> Self {
        let (zh, en) = (format!("{field}：{zh}"), format!("{field}: {en}"));
        Self::new(Code::InvalidArgument, reason, zh, en)
    }

    /// What the caller is told: one sentence in its language, or both where it names none.
    pub(super) fn status(self, language: Option<Language>) -> Status {
        let text = match language {
            Some(Language::Zh) => self.zh,
            Some(Language::En) => self.en,
            None if self.zh == self.en => self.en,
            None => format!("{} {}", self.zh, self.en),
        };
        let metadata: HashMap<String, String> =
            self.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let details = ErrorDetails::with_error_info(self.reason, DOMAIN, metadata);
        Status::with_error_details(self.code, text, details)
    }
}

/// Answers a request from storage when its turn comes; a failure in the caller's language.
pub(super) async fn answered<Q, A>(
    lane: &Lane,
    request: Request<Q>,
    answer: impl FnOnce(&Q) -> Result<A, Failure>,
) -> Result<Response<A>, Status> {
    let language = language_of(request.metadata());
    let asked = request.into_inner();
    let answered = lane.run(|| answer(&asked)).await.flatten();
    answered.map(Response::new).map_err(|failure| failure.status(language))
}

/// The first language of `accept-language` that is spoken here, by the order in which the caller
/// writes them; none where it names neither.
pub(super) fn language_of(metadata: &MetadataMap) -> Option<Language> {
    let text = metadata.get("accept-language")?.to_str().ok()?;
    text.split(',').find_map(|range| {
        let tag = range.split(';').next().unwrap_or_default().trim();
        let primary = tag.split('-').next().unwrap_or_default();
        [("zh", Language::Zh), ("en", Language::En)]
            .into_iter()
            .find_map(|(known, language)| primary.eq_ignore_ascii_case(known).then_some(language))
    })
}

/// Details of a storage failure are for the operator's log, not for the caller.
fn storage() -> Failure {
    Failure::new(Code::Internal, "STORAGE", "节点存储故障", "the node's storage failed")
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the ledger cannot be read");
        storage()
    }
}

/// The state is not what a contract wrote, or cannot be read.
impl From<StateFault> for Failure {
    fn from(error: StateFault) -> Self {
        tracing::error!(%error, "the state cannot be read");
        storage()
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let en = error.to_string();
        match error {
            ReadError::Store(error) => error.into(),
            ReadError::OutsideWindow { at, oldest, head } => {
                let zh = format!("高度 {at} 的状态不可读：可读高度为 {oldest} 至 {head}");
                Self::new(Code::OutOfRange, "HEIGHT_OUT_OF_WINDOW", zh, en)
            }
            ReadError::NewestAlone { at, head, .. } => {
                let zh = format!("此类状态只保留最新高度 {head} 的，高度 {at} 的不可读");
                Self::new(Code::OutOfRange, "HEIGHT_OUT_OF_WINDOW", zh, en)
            }
            ReadError::NeverProven { .. } => {
                let zh = "此类状态不作证明：由已记录的业务得出".to_owned();
                Self::new(Code::InvalidArgument, "QUESTION", zh, en)
            }
        }
    }
}

impl From<ProveError> for Failure {
    fn from(error: ProveError) -> Self {
        let en = error.to_string();
        let (code, reason, zh) = match error {
            ProveError::Store(error) => return error.into(),
            ProveError::Read(error) => return error.into(),
            ProveError::NotCertified { height, certified } => (
                Code::Unavailable,
                "NOT_CERTIFIED_YET",
                format!("高度 {height} 尚未签认：已签认 {certified} 个高度"),
            ),
            ProveError::NoReceipt { height, index } => {
                (Code::NotFound, "NO_SUCH_RECEIPT", format!("高度 {height} 没有第 {index} 号回执"))
            }
            ProveError::NotAnOperation { height, index } => (
                Code::FailedPrecondition,
                "NOT_AN_OPERATION",
                format!("高度 {height} 第 {index} 号回执属于系统步骤，不属于业务"),
            ),
            ProveError::SubjectKind { kind, .. } => {
                (Code::InvalidArgument, "QUESTION", format!("此问题不适用于类别 {kind} 的对象"))
            }
            ProveError::Claim(error) => (Code::InvalidArgument, "QUESTION", error.words().zh),
            ProveError::TooManyStarts { starts, limit } => (
                Code::InvalidArgument,
                "TOO_MANY_CODES",
                format!("起点 {starts} 个，超出 {limit} 个追溯单元的上限"),
            ),
            ProveError::LogTooLarge { subject, left } => {
                let subject = String::from_utf8_lossy(&subject.key).into_owned();
                (
                    Code::ResourceExhausted,
                    "PROOF_TOO_LARGE",
                    format!("{subject} 的台账放不进存证文件所余的 {left} 字节：请缩小查询范围"),
                )
            }
            ProveError::TooLarge { bytes } => (
                Code::ResourceExhausted,
                "PROOF_TOO_LARGE",
                format!(
                    "证明有 {bytes} 字节，存证文件至多 {BUNDLE_BYTES_MAX} 字节：请缩小查询范围"
                ),
            ),
        };
        Self::new(code, reason, zh, en)
    }
}

/// The gate refused a transaction.
impl From<Inadmissible> for Failure {
    fn from(error: Inadmissible) -> Self {
        let en = error.to_string();
        match error {
            Inadmissible::Store(error) => error.into(),
            Inadmissible::Malformed(error) => {
                let zh = format!("交易：{}", malformed_zh(&error));
                Self::new(Code::InvalidArgument, "MALFORMED", zh, en)
            }
            Inadmissible::ForeignChain { found, expected } => {
                let zh = format!("链：交易属于另一条链 {found}，本链为 {expected}");
                Self::new(Code::InvalidArgument, "FOREIGN_CHAIN", zh, en)
            }
            Inadmissible::Expired { valid_until, now } => {
                let zh = format!("valid_until：有效期 {valid_until} 毫秒已过，现为 {now} 毫秒");
                Self::new(Code::FailedPrecondition, "EXPIRED", zh, en)
            }
            Inadmissible::TooFar { valid_until, max_ttl_ms } => {
                let zh =
                    format!("valid_until：有效期 {valid_until} 毫秒距现在超过 {max_ttl_ms} 毫秒");
                Self::new(Code::InvalidArgument, "TTL_TOO_LONG", zh, en)
            }
            Inadmissible::BadSignature(error) => {
                let zh = format!("签名：用公钥 {} 核验不成立", error.key);
                Self::new(Code::Unauthenticated, "BAD_SIGNATURE", zh, en)
            }
            Inadmissible::UnlistedSubmitter { key } => {
                let zh = format!("提交者：公钥 {key} 未在本链登记");
                Self::new(Code::PermissionDenied, "UNLISTED_SUBMITTER", zh, en)
            }
            Inadmissible::Ordered { tx_id, .. } => {
                let zh = format!("交易 {tx_id} 此前已上链");
                Self::new(Code::AlreadyExists, "ORDERED", zh, en).with("tx_id", tx_id.to_string())
            }
            Inadmissible::Operation(error) => {
                Self::new(Code::InvalidArgument, error.reason(), error.zh(), en)
                    .with("field", error.field)
            }
        }
    }
}

/// What is wrong with bytes, in Chinese.
fn malformed_zh(error: &DecodeError) -> String {
    match error {
        DecodeError::Truncated { field, expected, found } => {
            format!("{field}：应还有 {expected} 字节，实有 {found} 字节")
        }
        DecodeError::Trailing { extra } => format!("结构之后多出 {extra} 字节"),
        DecodeError::TooLong { field, found, limit } => {
            format!("{field}：{found} 超出上限 {limit}")
        }
        DecodeError::Invalid { field, rule } => format!("{field}：不合规则（{rule}）"),
    }
}

/// No room.
impl From<MempoolError> for Failure {
    fn from(error: MempoolError) -> Self {
        let MempoolError::Full { transactions, bytes } = error;
        let zh = format!("待上链队列已满：{transactions} 笔交易，{bytes} 字节");
        let en = format!("the mempool is full: {transactions} transactions, {bytes} bytes");
        Self::new(Code::ResourceExhausted, "MEMPOOL_FULL", zh, en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_answered_in_the_first_language_that_it_names_and_is_spoken_here() {
        for (accepted, expected) in [
            (None, "拒绝 refused"),
            (Some("fr, *"), "拒绝 refused"),
            (Some("zh"), "拒绝"),
            (Some("zh-CN"), "拒绝"),
            (Some("EN"), "refused"),
            (Some("en-GB,en;q=0.9,zh;q=0.8"), "refused"),
            (Some("fr;q=0.9, zh-Hans;q=0.8, en"), "拒绝"),
        ] {
            let mut metadata = MetadataMap::new();
            if let Some(accepted) = accepted {
                metadata.insert("accept-language", accepted.parse().expect("it is ASCII"));
            }
            let failure = Failure::new(Code::NotFound, "NONE", "拒绝", "refused");
            let status = failure.status(language_of(&metadata));
            assert_eq!(status.message(), expected, "{accepted:?}");
        }
    }
}
