//! Alerts as the state keeps them: identity, life, lists. Owns the record; when one is raised is the
//! rules' business.

use proto::codec::Writer;
use proto::hash::Tag;
use proto::receipt::{AlertNotice, Link, Role, Subject, SubjectKind};
use proto::trie::Namespace;

use crate::context::{BlockContext, Raised};
use crate::record::codec::Mark;
use crate::record::step::{StepKind, StepRecord};
use crate::record::unit::UnitRow;
use crate::state::{Index, Rows, StateFault};
use crate::step;

/// A rule. The number is fixed for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Rule {
    /// Not stated.
    Unspecified = 0,
    /// Imported goods went on without a certificate that their period demands (缺证).
    MissingCertificate = 1,
    /// More left a place than came to it (超量出库).
    OverQuantity = 12,
    /// A match contradicts itself or another one (匹配冲突).
    MatchConflict = 22,
    /// A test found what must not be there (阳性命中).
    PositiveSample = 24,
}

impl Rule {
    /// The rules that this version knows.
    pub const ALL: [Self; 4] =
        [Self::MissingCertificate, Self::OverQuantity, Self::MatchConflict, Self::PositiveSample];

    /// The number in alert codes.
    pub fn number(self) -> u16 {
        u16::try_from(i32::from(self)).expect("rule numbers are below 1,000")
    }

    /// Name in Chinese.
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Unspecified => "未知规则",
            Self::MissingCertificate => "缺少证明",
            Self::OverQuantity => "超量出库",
            Self::MatchConflict => "匹配冲突",
            Self::PositiveSample => "检测阳性",
        }
    }

    /// Name in English.
    pub const fn english(self) -> &'static str {
        match self {
            Self::Unspecified => "unknown rule",
            Self::MissingCertificate => "missing certificate",
            Self::OverQuantity => "over-quantity",
            Self::MatchConflict => "match conflict",
            Self::PositiveSample => "positive sample",
        }
    }
}

/// How urgent an alert is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Level {
    /// Not stated.
    Unspecified = 0,
    /// Red, the most urgent (红).
    Red = 1,
    /// Orange (橙).
    Orange = 2,
    /// Yellow (黄).
    Yellow = 3,
    /// Blue (蓝).
    Blue = 4,
}

/// Where an alert stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum AlertState {
    /// Waits for the settling time; nobody has been told.
    Unspecified = 0,
    /// Raised.
    Open = 1,
    /// A duty officer has taken note; the cause stands.
    Acknowledged = 2,
    /// Later events removed the cause.
    Closed = 3,
    /// A correction says that the cause never was.
    Withdrawn = 4,
}

impl AlertState {
    /// Name in files and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "settling",
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether the cause stands.
    pub const fn is_active(self) -> bool {
        match self {
            Self::Open | Self::Acknowledged => true,
            Self::Unspecified | Self::Closed | Self::Withdrawn => false,
        }
    }
}

/// What happens to an alert; the thousands of the notice's code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Transition {
    /// Raised, or raised again.
    Raised,
    /// Closed by later events.
    Closed,
    /// Withdrawn by a correction.
    Withdrawn,
    /// A duty officer took note.
    Acknowledged,
}

impl Transition {
    const fn thousand(self) -> u16 {
        match self {
            Self::Raised => 0,
            Self::Closed => 1_000,
            Self::Withdrawn => 2_000,
            Self::Acknowledged => 3_000,
        }
    }

    /// Transition and rule of a notice's code.
    pub fn of_code(code: u16) -> Option<(Self, Rule)> {
        let transition = match code / 1_000 {
            0 => Self::Raised,
            1 => Self::Closed,
            2 => Self::Withdrawn,
            3 => Self::Acknowledged,
            _ => return None,
        };
        let rule = Rule::ALL.into_iter().find(|rule| rule.number() == code % 1_000)?;
        Some((transition, rule))
    }
}

/// A thing that an alert is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, prost::Message)]
pub struct AlertSubject {
    /// Kind of the subject.
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// Its key.
    #[prost(bytes = "vec", tag = "2")]
    pub key: Vec<u8>,
}

impl AlertSubject {
    /// A subject of an alert.
    pub fn new(kind: SubjectKind, key: &[u8]) -> Self {
        Self { kind: kind.code().into(), key: key.to_vec() }
    }

    fn link(&self) -> Option<Link> {
        let kind = SubjectKind::from_code(u8::try_from(self.kind).ok()?)?;
        Some(Link { role: Role::Other, subject: Subject { kind, key: self.key.clone() } })
    }
}

/// A number or word that the rule reckoned with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, prost::Message)]
pub struct Input {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value.
    #[prost(string, tag = "2")]
    pub value: String,
}

impl Input {
    /// A named value.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: value.into() }
    }
}

/// Namespace ALERT, key = identifier.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct AlertRecord {
    /// The rule.
    #[prost(enumeration = "Rule", tag = "1")]
    pub rule: i32,
    /// Version of the rule's text.
    #[prost(uint32, tag = "2")]
    pub version: u32,
    /// Height at which the newest parameter that the rule used came into force; 0 for built-in ones.
    #[prost(uint64, tag = "3")]
    pub parameters_height: u64,
    /// Level.
    #[prost(enumeration = "Level", tag = "4")]
    pub level: i32,
    /// Where it stands.
    #[prost(enumeration = "AlertState", tag = "5")]
    pub state: i32,
    /// What the alert is of, within its rule: the identifier is made of its hash.
    #[prost(bytes = "vec", tag = "6")]
    pub cause: Vec<u8>,
    /// What it is about.
    #[prost(message, repeated, tag = "7")]
    pub subjects: Vec<AlertSubject>,
    /// What the rule reckoned with.
    #[prost(message, repeated, tag = "8")]
    pub inputs: Vec<Input>,
    /// Agencies to be told, ascending.
    #[prost(uint32, repeated, tag = "9")]
    pub addressees: Vec<u32>,
    /// Time of the block that raised it last.
    #[prost(uint64, tag = "10")]
    pub raised_ms: u64,
    /// Height of that block.
    #[prost(uint64, tag = "11")]
    pub raised_height: u64,
    /// Time of the block that changed it last.
    #[prost(uint64, tag = "12")]
    pub changed_ms: u64,
    /// Height of that block.
    #[prost(uint64, tag = "13")]
    pub changed_height: u64,
    /// Since when a cause waits for its settling time; 0 where none does.
    #[prost(uint64, tag = "14")]
    pub pending_since_ms: u64,
    /// Agency whose duty officer took note, plus one; 0 where none did.
    #[prost(uint32, tag = "15")]
    pub acknowledged_by: u32,
    /// What the duty officer said.
    #[prost(string, tag = "16")]
    pub remark: String,
    /// Units found by the search of the rule, where it searches.
    #[prost(uint64, tag = "17")]
    pub units: u64,
    /// Whether a search goes on.
    #[prost(bool, tag = "18")]
    pub is_searching: bool,
    /// Agency u16 and document of the sampling whose goods the search begins at, where the result names
    /// no goods itself.
    #[prost(bytes = "vec", tag = "19")]
    pub sample: Vec<u8>,
}

/// What a step of an alert says: the detail of its record.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct AlertStep {
    /// The alert.
    #[prost(string, tag = "1")]
    pub alert: String,
    /// Code of the notice; 0 where the search found more units.
    #[prost(uint32, tag = "2")]
    pub code: u32,
    /// Units found by the search so far.
    #[prost(uint64, tag = "3")]
    pub units: u64,
}

/// The record of an alert.
pub fn of(state: &Rows<'_>, id: &str) -> Result<Option<AlertRecord>, StateFault> {
    state.load(Namespace::Alert, id.as_bytes())
}

/// Alerts whose cause stands.
pub(crate) const ACTIVE: Index<Mark> = Index::new(12);

/// Every alert that was ever raised.
pub(crate) const ALL: Index<Mark> = Index::new(13);

/// Alerts of a declaration or a sampling; those of a unit stand in its own row.
const ALERTS_OF: Index<Mark> = Index::new(14);

/// Alerts of an entry (kind byte, subject), at most `limit`.
pub(crate) fn of_entry(
    state: &Rows<'_>,
    entry: &[u8],
    limit: usize,
) -> Result<Vec<Vec<u8>>, StateFault> {
    let found = match unit_of(entry) {
        Some(unit) => state.scan(UnitRow::ALERTS, unit, None, limit)?,
        None => ALERTS_OF.scan(state, entry, None, limit)?,
    };
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

/// Notes an alert at an entry, or takes it off.
pub(crate) fn set_of_entry(
    state: &mut Rows<'_>,
    entry: &[u8],
    id: &str,
    mark: Option<Mark>,
) -> Result<(), StateFault> {
    match unit_of(entry) {
        Some(unit) => state.set(UnitRow::ALERTS, unit, id.as_bytes(), mark),
        None => ALERTS_OF.set(state, entry, id.as_bytes(), mark.as_ref()),
    }
}

fn unit_of(entry: &[u8]) -> Option<&[u8]> {
    entry.strip_prefix(&[SubjectKind::Unit.code()])
}

/// The identifier of the alert of `rule` with this cause, whether it exists or not: twelve digits of
/// the hash, more only where another cause has the same twelve.
pub(crate) fn id_of(state: &Rows<'_>, rule: Rule, cause: &[u8]) -> Result<String, StateFault> {
    let mut out = Writer::default();
    out.u16(rule.number()).raw(cause);
    let hash = Tag::Value.hash(&out.into_bytes()).to_string();
    for digits in [12, 24, 48] {
        let head = hash.get(..digits).unwrap_or(&hash);
        let id = format!("R{:02}-{head}", rule.number());
        match of(state, &id)? {
            Some(found) if found.cause != cause => (), // taken by another cause
            Some(_) | None => return Ok(id),
        }
    }
    Ok(format!("R{:02}-{hash}", rule.number()))
}

/// Writes an alert and keeps the lists.
pub(crate) fn store(state: &mut Rows<'_>, id: &str, alert: &AlertRecord) -> Result<(), StateFault> {
    let before: Option<AlertRecord> = of(state, id)?;
    state.store(Namespace::Alert, id.as_bytes(), alert)?;
    let key = id.as_bytes();
    let is_raised = alert.raised_height > 0;
    let was_active = before.as_ref().is_some_and(|before| before.state().is_active());
    let is_active = alert.state().is_active();
    if is_active != was_active {
        ACTIVE.set(state, b"", key, is_active.then_some(&Mark))?;
    }
    if is_raised && before.is_none_or(|before| before.raised_height == 0) {
        ALL.put(state, b"", key, &Mark);
    }
    for subject in alert.subjects.iter().filter(|_| is_raised) {
        if subject.kind == u32::from(SubjectKind::Unit.code()) {
            state.set(UnitRow::ALERTS, &subject.key, key, Some(Mark))?;
        }
    }
    Ok(())
}

/// Moves an alert on and says so in a step of its own, which names its subjects.
pub(crate) fn step(
    context: &BlockContext,
    state: &mut Rows<'_>,
    (id, alert): (&str, AlertRecord),
    transition: Transition,
) -> Result<Raised, StateFault> {
    let units = alert.units;
    let (notice, links) = shift(context, state, (id, alert), transition)?;
    let detail = AlertStep { alert: id.to_owned(), code: notice.code.into(), units };
    let record = StepRecord {
        kind: StepKind::RiskJob.into(),
        height: context.height.value(),
        detail: prost::Message::encode_to_vec(&detail),
        ..StepRecord::default()
    };
    let steps = vec![step::of(&record, links, vec![notice])];
    Ok(Raised { steps, ..Raised::default() })
}

/// Moves an alert on within the receipt of the operation that is its cause.
pub(crate) fn inline(
    context: &BlockContext,
    state: &mut Rows<'_>,
    (id, alert): (&str, AlertRecord),
    transition: Transition,
) -> Result<Raised, StateFault> {
    let (notice, _) = shift(context, state, (id, alert), transition)?;
    Ok(Raised { alerts: vec![notice], ..Raised::default() })
}

fn shift(
    context: &BlockContext,
    state: &mut Rows<'_>,
    (id, mut alert): (&str, AlertRecord),
    transition: Transition,
) -> Result<(AlertNotice, Vec<Link>), StateFault> {
    alert.changed_ms = context.time.value();
    alert.changed_height = context.height.value();
    match transition {
        Transition::Raised => {
            alert.set_state(AlertState::Open);
            alert.raised_ms = context.time.value();
            alert.raised_height = context.height.value();
            alert.pending_since_ms = 0;
            alert.acknowledged_by = 0;
            alert.remark.clear();
        }
        Transition::Closed => alert.set_state(AlertState::Closed),
        Transition::Withdrawn => alert.set_state(AlertState::Withdrawn),
        Transition::Acknowledged => alert.set_state(AlertState::Acknowledged),
    }
    store(state, id, &alert)?;
    let code = transition.thousand() + alert.rule().number();
    let links = alert.subjects.iter().filter_map(AlertSubject::link).collect();
    Ok((AlertNotice { code, alert: id.as_bytes().to_vec() }, links))
}
