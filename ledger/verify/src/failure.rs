//! Why a bundle is refused: the rule, the place in the bundle, and a sentence in both languages.
//!
//! It owns the words of refusal. Every way to be refused has a variant; what leads to it is decided
//! where the rule stands.

mod sentence;

use std::fmt;

use ledger::bundle::BundleError;
use ledger::bundle::claims::ClaimError;
use ledger::words::Words;
use proto::codec::DecodeError;
use proto::hash::Hash;
use proto::receipt::Subject;
use proto::ring::StateProofError;
use proto::tree::TreeError;

use crate::level::Level;

/// The numbered rule that a bundle breaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rule {
    /// C5: the form of the bundle.
    Form,
    /// C6.1: the genesis document.
    Genesis,
    /// C6.2: hand-offs and recovery documents.
    Handoff,
    /// C6.3: the final certificate, pins, age and height.
    Final,
    /// C6.4: the level and the witnesses.
    Level,
    /// C6.5: items.
    Item,
    /// C6.6: claims and their words.
    Claim,
    /// D4: logs.
    Log,
    /// D5: traces.
    Trace,
    /// D6: windows.
    Window,
}

impl Rule {
    /// The number of the rule.
    pub const fn number(self) -> &'static str {
        match self {
            Self::Form => "C5",
            Self::Genesis => "C6.1",
            Self::Handoff => "C6.2",
            Self::Final => "C6.3",
            Self::Level => "C6.4",
            Self::Item => "C6.5",
            Self::Claim => "C6.6",
            Self::Log => "D4",
            Self::Trace => "D5",
            Self::Window => "D6",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

macro_rules! parts {
    ($($(#[$doc:meta])* $variant:ident = $zh:literal, $en:literal;)*) => {
        /// A part of a bundle, to name it in a sentence.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Part { $($(#[$doc])* $variant,)* }

        impl Part {
            const fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh,)* }
            }

            const fn en(self) -> &'static str {
                match self { $(Self::$variant => $en,)* }
            }
        }
    };
}

parts! {
    /// The genesis document.
    Genesis = "创世文件", "the genesis document";
    /// A checkpoint.
    Checkpoint = "签认点", "the checkpoint";
    /// A checkpoint's certificate.
    Certificate = "签认点证书", "the certificate";
    /// A signature.
    Signature = "签名", "a signature";
    /// An epoch descriptor.
    Descriptor = "纪元说明", "the epoch descriptor";
    /// A recovery document.
    Recovery = "恢复文件", "the recovery document";
    /// View changes of a recovery document.
    Survivors = "幸存节点的换届消息", "the survivors' view changes";
    /// Cosignatures.
    Cosignatures = "第三方存证签名", "the cosignatures";
    /// Pins.
    Pins = "留存点", "the pins";
    /// A history leaf.
    Leaf = "历史叶", "the history leaf";
    /// A digest or a path of digests.
    Digest = "摘要", "a digest";
    /// Which leaves of a twig are active.
    Bits = "有效位", "the bits of a twig";
    /// A block header.
    Header = "区块头", "the block header";
    /// A transaction.
    Transaction = "交易", "the transaction";
    /// An operation.
    Operation = "操作", "the operation";
    /// A receipt.
    Receipt = "回执", "the receipt";
    /// Links of a receipt.
    Links = "回执的关联", "the links of the receipt";
    /// Alerts of a receipt.
    Alerts = "回执的预警", "the alerts of the receipt";
    /// A body: operation bytes or a system record.
    Body = "正文", "the body";
    /// Values of the state.
    States = "状态值", "the state values";
    /// Logs.
    Logs = "日志", "the logs";
    /// The size and root of a log in the state.
    LogHead = "日志的状态值", "the state value of the log";
    /// A claim.
    Claim = "声明", "the claim";
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// Bytes that are not a bundle in its one form.
    Form(BundleError),
    /// Bytes that are not what stands there.
    Bytes(Part, DecodeError),
    /// A number that its place does not allow.
    Number(Part, u64),
    /// A part that must be there is not.
    Missing(Part),
    /// A part that must not be there is.
    Unexpected(Part),
    /// A list that does not ascend strictly.
    Order(Part),
    /// A path that does not lead to the root.
    Path(Part, TreeError),
    /// A state proof that does not hold.
    State(StateProofError),
    /// Bytes whose hash is not the one that stands for them.
    Hash(Part),
    /// A field that disagrees with what it must be equal to.
    Field {
        /// The part.
        part: Part,
        /// Name of the field.
        field: &'static str,
        /// Value found.
        found: String,
        /// Value demanded.
        expected: String,
    },
    /// A problem of the chain of signatures.
    Chain(ChainProblem),
    /// A demand of the verifier that is not met.
    Demand(DemandProblem),
    /// A problem of a log.
    Log(LogProblem),
    /// A problem of an entry of a log.
    Entry(EntryProblem),
    /// A problem of a claim.
    Claim(ClaimProblem),
}

/// Problems of genesis, hand-offs, the final certificate and the verifier's own demands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChainProblem {
    /// The genesis document is another chain's.
    OtherGenesis {
        /// Its hash.
        found: Hash,
        /// The hash that the verifier trusts.
        expected: Hash,
    },
    /// The genesis document breaks a rule of its own.
    GenesisRule {
        /// Which.
        detail: String,
    },
    /// A hand-off with both a certificate and a recovery document, or neither.
    OneOfTwo,
    /// A checkpoint that is too small for its place.
    Size {
        /// Its size.
        found: u64,
        /// The smallest size allowed.
        least: u64,
    },
    /// Signers that do not ascend strictly: one twice, or out of order.
    SignerOrder {
        /// The first out of order.
        signer: u32,
    },
    /// A signer that is no member.
    UnknownSigner {
        /// Its index.
        signer: u32,
    },
    /// A signature that does not hold.
    BadSignature {
        /// Whose it claims to be.
        signer: u32,
    },
    /// Fewer signatures than are needed.
    TooFew {
        /// Signatures found.
        found: usize,
        /// Signatures needed.
        needed: u16,
    },
    /// An older checkpoint that is not the beginning of a newer one.
    Inconsistent {
        /// Leaves of the older.
        older: u64,
        /// Leaves of the newer.
        newer: u64,
        /// What is wrong with the path.
        error: TreeError,
    },
}

/// What the verifier itself demands, and the bundle does not meet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DemandProblem {
    /// The bundle is older than a checkpoint that the verifier holds.
    OlderThanPinned {
        /// Leaves of the verifier's checkpoint.
        pinned: u64,
        /// Leaves of the final one.
        found: u64,
    },
    /// The bundle does not show its consistency with a checkpoint that the verifier holds.
    PinNotShown {
        /// Leaves of the verifier's checkpoint.
        pinned: u64,
    },
    /// A leaf that is too old for the verifier.
    Stale {
        /// Its height.
        height: u64,
        /// Its age in milliseconds.
        age_ms: u64,
        /// Greatest age accepted.
        max_ms: u64,
    },
    /// A leaf later than the verifier's clock.
    Future {
        /// Its height.
        height: u64,
        /// Milliseconds ahead of the clock.
        ahead_ms: u64,
    },
    /// A leaf below the least height accepted.
    TooLow {
        /// Its height.
        height: u64,
        /// Least height accepted.
        least: u64,
    },
    /// A bad cosignature under the key of a witness that the verifier trusts.
    BadWitness {
        /// The key.
        key: Hash,
    },
    /// A level below the one demanded.
    LevelBelow {
        /// Level of the bundle.
        found: Level,
        /// Level demanded.
        wanted: Level,
    },
}

/// Problems of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogProblem {
    /// Entries left out, by their number from 1.
    EventsMissing {
        /// The log's subject.
        subject: Subject,
        /// Numbers of the missing entries.
        numbers: Vec<u64>,
        /// Entries that the state demands.
        of: u64,
    },
    /// Entries left out and the rest renumbered.
    Short {
        /// The log's subject.
        subject: Subject,
        /// Entries shown.
        found: u64,
        /// Entries that the state demands.
        of: u64,
    },
    /// Days left out of a directory.
    DaysMissing {
        /// The directory's subject.
        subject: Subject,
        /// Days shown.
        found: u64,
        /// Days that the state demands.
        of: u64,
    },
    /// More entries than the state knows.
    Long {
        /// The log's subject.
        subject: Subject,
        /// Entries shown.
        found: u64,
        /// Entries that the state demands.
        of: u64,
    },
    /// The entries are not the ones that the state commits to.
    Root {
        /// The log's subject.
        subject: Subject,
    },
    /// A log said to be empty, with entries.
    EmptyWithEntries {
        /// The log's subject.
        subject: Subject,
    },
}

/// Problems of the entries of a log, and of its shape.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntryProblem {
    /// A receipt that does not name the log's subject.
    NotNamed {
        /// Height of the receipt.
        height: u64,
        /// Position among the receipts of that height.
        receipt_index: u32,
    },
    /// A receipt whose code has no place in this log.
    Code {
        /// The code.
        code: u16,
    },
    /// Entries that do not ascend strictly by height and receipt, or that lie above t.
    EntryOrder {
        /// Height of the first out of order.
        height: u64,
    },
    /// The last entry is not at the height that the state names.
    LastHeight {
        /// Height of the last entry.
        found: u64,
        /// Height in the state.
        expected: u64,
    },
    /// Days and entries in the wrong kind of log, or a bucket that its kind does not have.
    Bucket {
        /// The bucket.
        bucket: u32,
    },
    /// Subtrees that do not fit the entries shown.
    Cover,
    /// A complete log that no claim stands on.
    Unused {
        /// The log's subject.
        subject: Subject,
        /// Its bucket.
        bucket: u32,
    },
}

/// Problems of a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClaimProblem {
    /// The claim cannot be read.
    Unreadable(ClaimError),
    /// The words are not those that the proven bytes give.
    Words {
        /// The words that they give.
        proven: Words,
    },
    /// A start among the truncated subjects.
    StartTruncated {
        /// The start.
        subject: Subject,
    },
    /// A subject that its normaliser would change.
    NormalForm {
        /// The subject.
        subject: Subject,
        /// What it would become.
        normal: Vec<u8>,
    },
    /// The trace reaches a subject whose log is not shown.
    NotShown {
        /// The subject.
        subject: Subject,
    },
    /// A subject declared truncated that the trace does not reach.
    NotReached {
        /// The subject.
        subject: Subject,
    },
    /// A subject declared truncated whose log is shown.
    TruncatedShown {
        /// The subject.
        subject: Subject,
    },
    /// More logs than the claim's own limit.
    OverLimit {
        /// Logs used.
        used: usize,
        /// The limit.
        limit: u32,
    },
    /// A log that the claim stands on is shown in part only.
    NotComplete {
        /// The subject.
        subject: Subject,
    },
    /// A day whose first entry is not at the height that the directory names.
    DayStart {
        /// The day.
        day: u32,
        /// Height of the first entry.
        found: u64,
        /// Height in the directory.
        expected: u64,
    },
}

/// A refused bundle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The rule.
    pub rule: Rule,
    /// The place, as a path into the bundle.
    pub place: String,
    /// What is wrong.
    pub problem: Problem,
}

impl Failure {
    /// The refusal of bytes that are not a bundle in its one form (C5).
    pub fn unreadable(error: BundleError) -> Self {
        At::new(Rule::Form, "bundle").fail(Problem::Form(error))
    }

    /// The sentence in both languages, without rule and place.
    pub fn sentence(&self) -> Words {
        self.problem.sentence()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.rule, self.place, self.sentence().en)
    }
}

impl std::error::Error for Failure {}

/// Where the verifier is: the rule and the place that a failure names.
#[derive(Clone, Debug)]
pub(crate) struct At {
    rule: Rule,
    place: String,
}

impl At {
    pub(crate) fn new(rule: Rule, place: impl Into<String>) -> Self {
        Self { rule, place: place.into() }
    }

    pub(crate) fn inside(&self, name: &str) -> Self {
        Self { rule: self.rule, place: format!("{}.{name}", self.place) }
    }

    pub(crate) fn with(&self, rule: Rule) -> Self {
        Self { rule, place: self.place.clone() }
    }

    pub(crate) fn fail(&self, problem: Problem) -> Failure {
        Failure { rule: self.rule, place: self.place.clone(), problem }
    }

    pub(crate) fn chain(&self, problem: ChainProblem) -> Failure {
        self.fail(Problem::Chain(problem))
    }

    pub(crate) fn demand(&self, problem: DemandProblem) -> Failure {
        self.fail(Problem::Demand(problem))
    }

    pub(crate) fn entry(&self, problem: EntryProblem) -> Failure {
        self.fail(Problem::Entry(problem))
    }

    pub(crate) fn log(&self, problem: LogProblem) -> Failure {
        self.fail(Problem::Log(problem))
    }

    pub(crate) fn claim(&self, problem: ClaimProblem) -> Failure {
        self.fail(Problem::Claim(problem))
    }

    /// Demands that a field is equal to what it must be.
    #[expect(clippy::needless_pass_by_value, reason = "the values are numbers and digests")]
    pub(crate) fn equal<T: PartialEq + fmt::Display>(
        &self,
        part: Part,
        field: &'static str,
        found: T,
        expected: T,
    ) -> Result<(), Failure> {
        if found == expected {
            return Ok(());
        }
        let (found, expected) = (found.to_string(), expected.to_string());
        Err(self.fail(Problem::Field { part, field, found, expected }))
    }
}
