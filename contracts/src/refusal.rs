//! Why an operation is refused by the state: a stable code, a reason in capitals, and a sentence
//! with the numbers in Chinese and English. Facts know only the first four; acts know all.

use proto::receipt::{CODE_ACCEPTED, CODE_ALREADY_RECORDED, CODE_OP_UID_REUSED};
use proto::schema::OperationKind;
use proto::submitter::SubmitterRole;

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident $({ $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })?
        = $code:expr, $reason:literal, $zh:literal, $en:literal;)*) => {
        /// A refusal, with what its sentence needs.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Refusal { $($(#[$doc])* $variant $({ $($(#[$fdoc])* $field: $type,)* })?,)* }

        /// Every code with its reason and its sentences; `{..}` stands for what differs.
        pub const TABLE: &[(u16, &str, &str, &str)] = &[$(($code, $reason, $zh, $en),)*];

        impl Refusal {
            /// The code in the receipt. Codes are fixed for ever.
            pub const fn code(&self) -> u16 {
                match self { $(Self::$variant $({ $($field: _,)* })? => $code,)* }
            }

            /// The reason in capitals, as in the service's error details.
            pub const fn reason(&self) -> &'static str {
                match self { $(Self::$variant $({ $($field: _,)* })? => $reason,)* }
            }

            /// The sentence in Chinese.
            pub fn zh(&self) -> String {
                match self { $(Self::$variant $({ $($field,)* })? => format!($zh),)* }
            }

            /// The sentence in English.
            pub fn en(&self) -> String {
                match self { $(Self::$variant $({ $($field,)* })? => format!($en),)* }
            }
        }
    };
}

refusals! {
    /// Other bytes were recorded under the same identity.
    OpUidReused {
        /// Height of the block that holds the first.
        height: u64,
    } = CODE_OP_UID_REUSED, "OP_UID_REUSED",
        "业务编号已被使用：第 {height} 块中同一编号的内容与本次不同",
        "identity reused: block {height} holds other content under the same op_uid";
    /// The submitter's key is not in the state.
    UnknownSubmitter = 10, "UNKNOWN_SUBMITTER",
        "提交密钥未登记", "the submitter key is not registered";
    /// The submitter's role may not do this.
    RoleNotAllowed {
        /// Role of the key.
        role: &'static str,
        /// Name of the operation type.
        kind: &'static str,
    } = 11, "ROLE_NOT_ALLOWED",
        "无权操作：角色 {role} 不能提交 {kind}", "role {role} may not submit {kind}";
    /// More subjects than one operation may name.
    TooManySubjects {
        /// Links that it would make.
        found: usize,
        /// Largest number allowed.
        limit: u16,
    } = 12, "TOO_MANY_SUBJECTS",
        "涉及对象过多：{found} 个，上限 {limit} 个",
        "{found} links, an operation has at most {limit}";
    /// The body is not one that admission lets through.
    Malformed = 13, "MALFORMED", "内容不符合格式", "the body is not of the stated type";
    /// The operations of a block may make only so many links; submitted again, it may fit.
    BlockFull {
        /// Largest number allowed.
        limit: u32,
    } = 14, "BLOCK_FULL",
        "本块关联对象已满：上限 {limit} 个，请重新提交",
        "the block holds its {limit} links already, submit again";

    /// Both codes of a match are the same unit.
    MatchSameUnit {
        /// The unit.
        unit: String,
    } = 20, "MATCH_SAME_UNIT",
        "两码相同：{unit} 与自身无需匹配", "{unit} is one unit, it cannot be matched with itself";
    /// There is no such match.
    MatchUnknown {
        /// Giving unit.
        from: String,
        /// Taking unit.
        to: String,
    } = 21, "MATCH_UNKNOWN",
        "没有这一匹配：{from} → {to}", "there is no match {from} to {to}";
    /// The match was withdrawn.
    MatchVoided {
        /// Height of the withdrawal.
        height: u64,
    } = 22, "MATCH_VOIDED",
        "该匹配已在第 {height} 块撤销", "the match was withdrawn in block {height}";
    /// The match is confirmed.
    MatchConfirmed = 23, "MATCH_CONFIRMED",
        "该匹配已由双方确认", "both sides have confirmed the match";
    /// The agency has already said so.
    MatchAlreadySaid {
        /// Index of the agency.
        agency: u16,
    } = 24, "MATCH_ALREADY_SAID",
        "第 {agency} 号机构已作过同样的表示", "agency {agency} has already said so";
    /// A confirmation by the only side that has spoken.
    MatchOwnWord {
        /// Index of the agency.
        agency: u16,
    } = 25, "MATCH_OWN_WORD",
        "不能自我确认：目前只有第 {agency} 号机构主张该匹配，须由对方确认",
        "agency {agency} alone has claimed the match, the other side must confirm it";
    /// The agency has no part in the match.
    MatchNotInvolved {
        /// Index of the agency.
        agency: u16,
    } = 26, "MATCH_NOT_INVOLVED",
        "第 {agency} 号机构不是该匹配的一方", "agency {agency} is no side of the match";
    /// A matching would form a cycle.
    MatchCycle {
        /// Giving unit.
        from: String,
        /// Taking unit.
        to: String,
    } = 27, "MATCH_CYCLE",
        "形成循环：{to} 已经是 {from} 的来源", "a cycle: {to} is already a source of {from}";
    /// More would be matched than was shipped.
    MatchOverAllocated {
        /// Quantity shipped.
        shipped: String,
        /// Quantity that would be matched.
        matched: String,
    } = 28, "MATCH_OVER_ALLOCATED",
        "超量匹配：发出 {shipped}，匹配 {matched}",
        "{shipped} shipped, {matched} would be matched";
    /// Nothing is left of the giving unit: all of it went into other units.
    MatchSourceConsumed {
        /// Giving unit.
        from: String,
        /// How much of it went into others.
        consumed: String,
    } = 29, "MATCH_SOURCE_CONSUMED",
        "来源已用尽：{from} 已全部加工或分割，共 {consumed}",
        "{from} is no more: all of it, {consumed}, went into other units";

    /// There is no such proposal.
    ProposalUnknown {
        /// Index of the proposing agency.
        proposer: u16,
    } = 40, "PROPOSAL_UNKNOWN",
        "第 {proposer} 号机构没有这一提案", "agency {proposer} has made no such proposal";
    /// The proposal is in force.
    ProposalInForce {
        /// Height at which it was accepted.
        height: u64,
    } = 41, "PROPOSAL_IN_FORCE",
        "提案已在第 {height} 块通过", "the proposal was accepted in block {height}";
    /// The agency has approved it.
    ProposalApproved {
        /// Index of the agency.
        agency: u16,
        /// Approvals so far.
        approvals: usize,
        /// Approvals needed.
        needed: u16,
    } = 42, "PROPOSAL_APPROVED",
        "第 {agency} 号机构已同意该提案：现有 {approvals} 家，需 {needed} 家",
        "agency {agency} has approved it: {approvals} approvals, {needed} needed";
    /// A scheme's version is immutable.
    SchemeExists {
        /// Identifier of the scheme.
        id: String,
        /// Its version.
        version: u32,
    } = 43, "SCHEME_EXISTS",
        "编码方案 {id} 第 {version} 版已存在，不可更改",
        "version {version} of scheme {id} exists and is immutable";
    /// A scheme's definition or test vectors fail.
    SchemeInvalid {
        /// What fails.
        detail: String,
    } = 44, "SCHEME_INVALID",
        "编码方案未通过检验：{detail}", "the scheme does not pass its checks: {detail}";
    /// A rule has no such parameter, or not for this scope or value.
    RuleInvalid {
        /// What is wrong.
        detail: String,
    } = 45, "RULE_INVALID",
        "规则参数无效：{detail}", "the rule parameter is not valid: {detail}";

    /// There is no such alert.
    AlertUnknown {
        /// Its identifier.
        alert: String,
    } = 60, "ALERT_UNKNOWN", "没有这一预警：{alert}", "there is no alert {alert}";
    /// The alert is not open.
    AlertNotOpen {
        /// Its identifier.
        alert: String,
        /// Its status.
        status: String,
    } = 61, "ALERT_NOT_OPEN",
        "预警 {alert} 不在待处置状态：{status}", "alert {alert} is {status}, not open";

    /// A station that another agency registered.
    StationForeign {
        /// Its key.
        station: String,
        /// Agency that registered it.
        agency: u32,
    } = 70, "STATION_FOREIGN",
        "站点 {station} 由第 {agency} 号机构登记，只能由其更改",
        "station {station} was registered by agency {agency}, which alone may change it";

    /// A release identifier is taken.
    ReleaseExists {
        /// Its identifier.
        id: String,
    } = 80, "RELEASE_EXISTS", "信息发布编号已存在：{id}", "notice {id} exists";
    /// There is no such release.
    ReleaseUnknown {
        /// Its identifier.
        id: String,
    } = 81, "RELEASE_UNKNOWN", "没有这一信息发布：{id}", "there is no notice {id}";
    /// The release was withdrawn.
    ReleaseWithdrawn {
        /// Its identifier.
        id: String,
        /// Height of the withdrawal.
        height: u64,
    } = 82, "RELEASE_WITHDRAWN",
        "信息发布 {id} 已在第 {height} 块撤回", "notice {id} was withdrawn in block {height}";

    /// A release of another agency.
    ReleaseForeign {
        /// Its identifier.
        id: String,
        /// Agency that published it.
        agency: u16,
    } = 83, "RELEASE_FOREIGN",
        "信息发布 {id} 由第 {agency} 号机构发布，只能由其撤回",
        "notice {id} is of agency {agency}, which alone may withdraw it";

    /// An evaluation identifier is taken.
    EvaluationExists {
        /// Its identifier.
        id: String,
    } = 90, "EVALUATION_EXISTS", "评价结果编号已存在：{id}", "evaluation {id} exists";
    /// The grade does not follow from the scores.
    EvaluationGrade {
        /// Grade stated.
        stated: String,
        /// Grade that the scores give.
        computed: String,
    } = 91, "EVALUATION_GRADE",
        "等级不符：填报 {stated}，按得分应为 {computed}",
        "grade {stated} stated, the scores give {computed}";
}

impl Refusal {
    /// The role has no right to the type.
    pub const fn role(role: SubmitterRole, kind: OperationKind) -> Self {
        Self::RoleNotAllowed { role: role.name(), kind: kind.name() }
    }
}

/// The reason that belongs to a receipt code, for readers that hold only the receipt.
pub fn reason(code: u16) -> Option<&'static str> {
    match code {
        CODE_ACCEPTED => Some("ACCEPTED"),
        CODE_ALREADY_RECORDED => Some("ALREADY_RECORDED"),
        _ => TABLE.iter().find(|(known, ..)| *known == code).map(|(_, reason, ..)| *reason),
    }
}
