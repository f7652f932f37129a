//! The rules by which a row is rejected before admission sees it. Their codes are stable: platforms
//! count on them.

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $zh:literal, $en:literal;)*) => {
        /// Why a row did not become an operation.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Rule { $($(#[$doc])* $variant,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The rule as a sentence in Chinese.
            pub const fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh,)* }
            }

            /// The rule as a sentence in English.
            pub const fn en(self) -> &'static str {
                match self { $(Self::$variant => $en,)* }
            }
        }
    };
}

rules! {
    /// A value that must be there is empty or absent.
    MissingValue = "MISSING_VALUE", "必填项为空", "a value is required here";
    /// Not a number, or not one of the kind asked for.
    UnreadableNumber = "UNREADABLE_NUMBER", "不是可读的数字", "not a number of this kind";
    /// More digits than a number of the file format keeps.
    InexactNumber = "INEXACT_NUMBER", "数字位数过多，请改写为文本", "the number loses digits; write it as text";
    /// Not a time of the stated format.
    UnreadableTime = "UNREADABLE_TIME", "时间无法识别", "not a time of the stated format";
    /// Not a day of the stated format.
    UnreadableDay = "UNREADABLE_DAY", "日期无法识别", "not a day of the stated format";
    /// A word outside its list.
    UnknownWord = "UNKNOWN_WORD", "不在允许的取值之内", "not a word of the list for this value";
    /// A unit of measure outside the table.
    UnknownUnit = "UNKNOWN_UNIT", "计量单位不在表中", "not a unit of the table";
    /// A field that the type does not have.
    UnknownField = "UNKNOWN_FIELD", "该类型没有此字段", "the type has no such field";
    /// A text where a list stands, or the like.
    WrongShape = "WRONG_SHAPE", "值的结构不符", "a value of another shape is expected";
    /// Not hexadecimal digits, or not the right number of them.
    NotHex = "NOT_HEX", "不是规定长度的十六进制数", "not hexadecimal digits of the right length";
    /// A text longer than any field.
    TooLong = "TOO_LONG", "文本过长", "the text is too long";
    /// A line that is not JSON.
    NotJson = "NOT_JSON", "不是合法的 JSON", "not JSON";
    /// Two members of one name in one JSON object.
    DuplicateKey = "DUPLICATE_KEY", "同名成员重复", "two members have the same name";
    /// No operation type of this name.
    UnknownKind = "UNKNOWN_KIND", "没有此类业务", "no operation type has this name";
    /// Neither or both of `uid` and `record`.
    NoIdentity = "NO_IDENTITY", "缺少记录编号", "the record has no identity of its own";
    /// A row with more or fewer fields than the header.
    ColumnCount = "COLUMN_COUNT", "列数与表头不符", "the row has not as many fields as the header";
    /// A row that no rule of the mapping file takes.
    NoRule = "NO_RULE", "映射文件中没有适用的规则", "no rule of the mapping file takes this row";
    /// Rows of one document that disagree on a value of the document.
    GroupDisagrees = "GROUP_DISAGREES", "同一单据各行不一致", "the rows of one document disagree";
    /// A row whose document is not recorded, because another row of it is broken.
    GroupBroken = "GROUP_BROKEN", "同一单据的另一行有误", "another row of the same document is broken";
    /// A document of more rows than are taken together.
    GroupTooLarge = "GROUP_TOO_LARGE", "单据行数过多", "the document has too many rows";
    /// A record number that stands twice with different content.
    RecordReused = "RECORD_REUSED", "记录编号重复而内容不同", "the record number stands twice, with other content";
    /// Not an event that EPCIS knows.
    EpcisType = "EPCIS_TYPE", "不是 EPCIS 事件", "not an event type of EPCIS 2.0";
    /// An event without code, so that nobody could ever find it.
    EpcisNoCode = "EPCIS_NO_CODE", "事件没有任何代码", "the event names no code";
    /// An event of more codes than one operation may name.
    TooManyCodes = "TOO_MANY_CODES", "代码过多", "the event names too many codes";
    /// An event of more bytes than one operation keeps.
    EventTooLarge = "EVENT_TOO_LARGE", "事件过大", "the event is too large to be kept";
    /// An operation of more bytes than the chain takes.
    OperationTooLarge = "OPERATION_TOO_LARGE", "业务内容过大", "the operation has too many bytes";
    /// Contact data of a person in an event that would be kept verbatim.
    ContactData = "CONTACT_DATA", "含有联系方式", "contact data of a person in plain text";
}
