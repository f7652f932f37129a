//! The rules of admission: a stable reason in capitals and a sentence in Chinese and English each.

use crate::identifier::Reason;
use crate::privacy::Finding;

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident $({ $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })?
        = $reason:literal, $zh:literal, $en:literal;)*) => {
        /// A rule that was broken, with what its sentence needs.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Rule { $($(#[$doc])* $variant $({ $($(#[$fdoc])* $field: $type,)* })?,)* }

        impl Rule {
            /// Every reason that is not an identifier's own, for documents and tests.
            pub const REASONS: &'static [&'static str] = &[$($reason,)*];

            fn table(&self) -> (&'static str, String, String) {
                match self {
                    $(Self::$variant $({ $($field,)* })? => ($reason, format!($zh), format!($en)),)*
                }
            }
        }
    };
}

rules! {
    /// The type code is not in the table.
    UnknownType {
        /// Code of the envelope.
        kind: u16,
    } = "UNKNOWN_OPERATION_TYPE",
        "业务类型 {kind} 不存在", "operation type {kind} is not known";
    /// The version of the type is not known.
    UnknownVersion {
        /// Name of the type.
        kind: &'static str,
        /// Version of the envelope.
        version: u16,
    } = "UNKNOWN_VERSION",
        "业务类型 {kind} 没有第 {version} 版", "{kind} has no version {version}";
    /// Not protobuf of the type.
    MalformedBody {
        /// Name of the type.
        kind: &'static str,
        /// What the decoder says.
        detail: String,
    } = "MALFORMED_BODY",
        "内容不是 {kind} 的编码：{detail}", "the body is not protobuf of {kind}: {detail}";
    /// Protobuf, but not the one encoding.
    NotCanonical {
        /// Name of the type.
        kind: &'static str,
    } = "NOT_CANONICAL",
        "{kind} 的内容不是唯一编码（含未知字段、顺序不对或写出了默认值）",
        "the body of {kind} is not the canonical encoding (unknown field, order or default)";
    /// A transaction for another chain.
    ForeignChain {
        /// Chain of the transaction.
        found: String,
        /// This chain.
        expected: String,
    } = "FOREIGN_CHAIN",
        "交易属于另一条链 {found}，本链为 {expected}",
        "the transaction is for chain {found}, this is {expected}";
    /// More operations than a block may hold.
    TooManyOperations {
        /// Operations of the transaction.
        found: usize,
        /// Operations of a block.
        limit: u32,
    } = "TOO_MANY_OPERATIONS",
        "一笔交易含 {found} 条业务，一块最多 {limit} 条",
        "{found} operations, a block holds at most {limit}";
    /// More bytes than a block may hold.
    TransactionTooLarge {
        /// Bytes of the bodies.
        found: usize,
        /// Bytes of a block.
        limit: u32,
    } = "TRANSACTION_TOO_LARGE",
        "交易内容 {found} 字节，一块最多 {limit} 字节",
        "{found} bytes of bodies, a block holds at most {limit}";

    /// A field that the type demands is absent.
    FieldRequired {
        /// Name of the type.
        kind: &'static str,
    } = "FIELD_REQUIRED", "{kind} 必须填写此项", "is required for {kind}";
    /// A field that the type does not have is present.
    FieldForbidden {
        /// Name of the type.
        kind: &'static str,
    } = "FIELD_FORBIDDEN", "{kind} 不能填写此项", "has no place in {kind}";
    /// None of several fields is present.
    SubjectMissing {
        /// Fields of which one is needed.
        fields: &'static str,
    } = "SUBJECT_MISSING", "以下各项至少填写一项：{fields}", "one of {fields} is required";
    /// Not NFC, or white space at an end.
    TextNotCanonical = "TEXT_NOT_CANONICAL",
        "文本须为 NFC 规范形式，首尾无空白", "is not in NFC or has white space at an end";
    /// A control character.
    ControlCharacter {
        /// Byte at which it stands.
        offset: usize,
    } = "CONTROL_CHARACTER",
        "第 {offset} 字节处有控制字符", "has a control character at byte {offset}";
    /// Too many characters.
    TextTooLong {
        /// Characters given.
        found: usize,
        /// Characters allowed.
        limit: usize,
    } = "TEXT_TOO_LONG", "共 {found} 个字符，最多 {limit} 个", "has {found} characters, at most {limit} are allowed";
    /// A code whose canonical form is empty or too long.
    CodeLength {
        /// Bytes of the canonical form.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    } = "CODE_LENGTH",
        "规范形式为 {found} 字节，应为 1 至 {limit} 字节",
        "has a canonical form of {found} bytes, 1 to {limit} are allowed";
    /// Too many items.
    ListTooLong {
        /// Items given.
        found: usize,
        /// Items allowed.
        limit: usize,
    } = "LIST_TOO_LONG", "共 {found} 项，最多 {limit} 项", "has {found} items, at most {limit} are allowed";
    /// Personal data in plain text.
    PersonalData {
        /// What was found.
        zh: &'static str,
        /// The same in English.
        en: &'static str,
        /// Byte at which it stands.
        offset: usize,
    } = "PERSONAL_DATA",
        "第 {offset} 字节起含有{zh}，个人信息不得以明文上链",
        "has {en} in plain text at byte {offset}";
    /// Not the identifier that the field holds.
    Identifier {
        /// What the field holds.
        zh: &'static str,
        /// The same in English.
        en: &'static str,
        /// What is wrong.
        reason: Reason,
    } = "BAD_IDENTIFIER", "不是有效的{zh}（{reason}）", "is not a valid {en} ({reason})";
    /// A value outside a list of words.
    UnknownWord {
        /// The words.
        allowed: &'static str,
    } = "UNKNOWN_WORD", "只能是以下之一：{allowed}", "is not one of {allowed}";
    /// An enumeration left at its zero value.
    EnumUnspecified = "ENUM_UNSPECIFIED", "未选择", "is not stated";
    /// An enumeration value that is not in the table.
    EnumUnknown = "ENUM_UNKNOWN", "取值不在代码表中", "is not in the table of its values";
    /// A quantity of nothing.
    QuantityZero = "QUANTITY_ZERO", "数量必须大于 0", "must be above zero";
    /// More than any consignment.
    QuantityTooLarge {
        /// Thousandths of the unit allowed.
        limit: u64,
    } = "QUANTITY_TOO_LARGE", "数量过大，最多 {limit}（千分之一单位）", "is above {limit} thousandths of its unit";
    /// A number outside its range.
    NumberRange {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    } = "NUMBER_RANGE", "应在 {min} 至 {max} 之间", "is not between {min} and {max}";
    /// A time that no event has.
    TimeRange = "TIME_RANGE",
        "时间须在 1970-01-02 与 2200-01-01 之间", "is not between 1970-01-02 and 2200-01-01";
    /// A day that no document has.
    DayRange = "DAY_RANGE",
        "日期须在 1970-01-02 与 2200-01-01 之间", "is not between 1970-01-02 and 2200-01-01";
    /// The later of two days is the earlier one.
    DaysReversed {
        /// The field that must not be later.
        earlier: &'static str,
    } = "DAYS_REVERSED", "早于 {earlier}", "is earlier than {earlier}";
    /// Digest of another size.
    DigestLength {
        /// Bytes given.
        found: usize,
        /// Bytes of a digest.
        expected: usize,
    } = "DIGEST_LENGTH", "为 {found} 字节，应为 {expected} 字节", "has {found} bytes, {expected} are expected";
    /// Not a point of the earth.
    CoordinateRange {
        /// Largest absolute value in micro-degrees.
        limit: i64,
    } = "COORDINATE_RANGE", "超出 ±{limit} 微度", "is outside ±{limit} micro-degrees";
    /// Longitude and latitude exchanged.
    CoordinatesSwapped = "COORDINATES_SWAPPED",
        "经纬度疑似颠倒：互换后位于中国境内",
        "longitude and latitude seem to be swapped: exchanged they lie in China";
    /// An individual household by its code.
    HouseholdInPlain = "HOUSEHOLD_IN_PLAIN",
        "个体工商户的信用代码属个人信息，须使用隐私登记号 party_ref",
        "is the plain code of an individual household; use its party_ref";
    /// A split of more than one unit.
    SplitOneItem {
        /// Items given.
        found: usize,
    } = "SPLIT_ONE_ITEM", "拆分须恰为 1 个来源单元，现有 {found} 个", "a split divides exactly 1 unit, not {found}";
    /// A unit made of itself.
    SelfReference {
        /// The field that names it too.
        other: &'static str,
    } = "SELF_REFERENCE", "与 {other} 是同一个码", "is the same code as in {other}";
    /// The corrected event is of no event type.
    CorrectionKind {
        /// Code given.
        kind: u32,
    } = "CORRECTION_KIND", "类型 {kind} 不是可更正的追溯事件", "type {kind} is no trace event that can be corrected";
    /// An event in a correction that states none.
    CorrectionEvent = "CORRECTION_EVENT",
        "did_not_occur 及对观察记录的更正不带事件",
        "did_not_occur, and a correction of an observation, come without an event";
    /// Weights that do not add up.
    WeightSum {
        /// Their sum.
        found: u64,
    } = "WEIGHT_SUM", "各项权重合计 {found}‰，应为 1000‰", "the weights add up to {found} permille, not 1000";
    /// A grade that the scores do not give.
    GradeMismatch {
        /// Weighted score in permille.
        score: u64,
        /// Grade that it gives.
        expected: &'static str,
    } = "GRADE_MISMATCH",
        "加权得分 {score}‰，对应等级为 {expected}",
        "the weighted score of {score} permille gives {expected}";
    /// A scheme that does not pass its own vectors.
    SchemeInvalid {
        /// What fails.
        detail: String,
    } = "SCHEME_INVALID", "编码方案未通过检验：{detail}", "the scheme does not pass its checks: {detail}";
    /// A rule parameter that does not exist, or not with this value or scope.
    ParameterInvalid {
        /// What is wrong.
        detail: String,
    } = "RULE_INVALID", "规则参数无效：{detail}", "is no valid rule parameter: {detail}";
    /// The original of an observation is not text.
    NotUtf8 {
        /// First byte that is not UTF-8.
        offset: usize,
    } = "NOT_UTF8", "第 {offset} 字节处不是 UTF-8", "is not UTF-8 at byte {offset}";
}

impl Rule {
    /// A finding of the privacy scan.
    pub const fn personal(found: Finding) -> Self {
        let (zh, en) = (found.personal.chinese(), found.personal.english());
        Self::PersonalData { zh, en, offset: found.offset }
    }

    /// A person who is told otherwise than by a commitment.
    pub const fn no_commitment(reason: Reason) -> Self {
        let (zh, en) = ("人员隐私登记号（64 位十六进制）", "commitment of 64 hexadecimal digits");
        Self::Identifier { zh, en, reason }
    }

    /// The stable reason in capitals. An identifier answers with the reason of its own check.
    pub fn reason(&self) -> &'static str {
        if let Self::Identifier { reason, .. } = self { reason.code() } else { self.table().0 }
    }

    /// The sentence in Chinese, without the field.
    pub fn zh(&self) -> String {
        self.table().1
    }

    /// The sentence in English, without the field.
    pub fn en(&self) -> String {
        self.table().2
    }
}
