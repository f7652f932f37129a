//! The first gate: whether an operation may stand in a block at all, judged by its bytes alone. Owns
//! the form of every operation type; what an admissible operation does is `execute`'s.
//!
//! What fails here is answered to its sender with field, value and rule, and is in no block.

mod act;
mod event;
mod field;
pub mod limits;
mod place;
mod registry;
pub mod rule;
mod texts;

use std::fmt;

use proto::ChainId;
use proto::epoch::BlockLimits;
use proto::operation::Operation;
use proto::schema::{Body, BodyError, OperationKind};
use proto::transaction::Transaction;
use thiserror::Error;

use crate::privacy::{Scan, scan};

pub use event::{COLUMNS, Column, Presence, presence};
pub use place::Place;
pub use rule::Rule;

/// Characters of a refused value that its error shows.
const SHOWN_CHARS_MAX: usize = 80;

/// Why an operation is not admitted: the field, its value unless it is personal, and the rule.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub struct AdmissionError {
    /// Position of the operation in its transaction, where it is judged as part of one.
    pub operation: Option<usize>,
    /// Path of the field, such as `items[3].code`; empty for the operation as a whole.
    pub field: String,
    /// The value as it came, shortened; none where it is personal or absent.
    pub value: Option<String>,
    /// The rule that it breaks.
    pub rule: Rule,
}

impl AdmissionError {
    fn whole(rule: Rule) -> Self {
        Self { operation: None, field: String::new(), value: None, rule }
    }

    /// The stable reason in capitals.
    pub fn reason(&self) -> &'static str {
        self.rule.reason()
    }

    /// The sentence in English.
    pub fn en(&self) -> String {
        let operation = self.operation.map(|at| format!("operation {at}: ")).unwrap_or_default();
        let field = self.shown_field(": ", " \"", "\"");
        format!("{operation}{field}{}", self.rule.en())
    }

    /// The sentence in Chinese.
    pub fn zh(&self) -> String {
        let operation = self.operation.map(|at| format!("第 {at} 条业务：")).unwrap_or_default();
        let field = self.shown_field("：", "“", "”");
        format!("{operation}{field}{}", self.rule.zh())
    }

    fn shown_field(&self, colon: &str, open: &str, close: &str) -> String {
        match (self.field.as_str(), &self.value) {
            ("", _) => String::new(),
            (field, None) => format!("{field}{colon}"),
            (field, Some(value)) => format!("{field}{open}{value}{close}{colon}"),
        }
    }
}

impl fmt::Display for AdmissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en())
    }
}

/// How checks report: they know the place, the value and the rule.
pub(crate) type Checked = Result<(), AdmissionError>;

/// A refusal of a field with its value. Where the value holds personal data that is the rule that
/// counts, whatever else is wrong with it: a resident number in the field of a party is no party, and
/// must not be repeated.
fn refuse(place: Place, value: &str, rule: Rule) -> Checked {
    if let Some(found) = scan(value, Scan::Free) {
        return refuse_unseen(place, Rule::personal(found));
    }
    let mut shown: String = value.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    let field = place.to_string();
    Err(AdmissionError { operation: None, field, value: Some(shown), rule })
}

/// A refusal of a field whose value is absent or must not be repeated.
fn refuse_unseen(place: Place, rule: Rule) -> Checked {
    Err(AdmissionError { operation: None, field: place.to_string(), value: None, rule })
}

/// Reads the body of an operation and checks every rule that needs no state.
///
/// ```
/// use contracts::admission::admit;
/// use proto::operation::{OpUid, Operation, Salt};
///
/// let unknown = Operation { kind: 9, version: 1, uid: OpUid([0; 16]), salt: Salt([0; 16]), body: vec![] };
/// assert_eq!(admit(&unknown).unwrap_err().reason(), "UNKNOWN_OPERATION_TYPE");
/// ```
pub fn admit(operation: &Operation) -> Result<Body, AdmissionError> {
    let Some(kind) = OperationKind::from_code(operation.kind) else {
        return Err(AdmissionError::whole(Rule::UnknownType { kind: operation.kind }));
    };
    if operation.version != proto::schema::body::BODY_VERSION {
        let version = operation.version;
        return Err(AdmissionError::whole(Rule::UnknownVersion { kind: kind.name(), version }));
    }
    let body = Body::decode(kind, &operation.body)
        .map_err(|error| AdmissionError::whole(body_rule(kind, error)))?;
    admit_body(kind, &body)?;
    Ok(body)
}

/// Checks a decoded body: what an importer asks before it has bytes.
pub fn admit_body(kind: OperationKind, body: &Body) -> Result<(), AdmissionError> {
    texts::check(body)?;
    form(kind, body)?;
    texts::subjects(body)
}

/// What each type demands of its fields.
fn form(kind: OperationKind, body: &Body) -> Checked {
    match body {
        Body::Party(party) => registry::party(party),
        Body::Station(station) => registry::station(station),
        Body::Product(product) => registry::product(product),
        Body::Vehicle(vehicle) => registry::vehicle(vehicle),
        Body::Certificate(certificate) => registry::certificate(certificate),
        Body::Declaration(declaration) => registry::declaration(declaration),
        Body::Event(event) => event::check(kind, event, ""),
        Body::Observation(seen) => event::observation(seen),
        Body::Correction(correction) => event::correction(correction),
        Body::MatchDeclare(declared) => act::match_declare(declared),
        Body::MatchDecision(decision) => act::match_decision(kind, decision),
        Body::AlertAcknowledge(note) => act::alert_acknowledge(note),
        Body::ReleasePublish(release) => act::release_publish(release),
        Body::ReleaseWithdraw(withdrawal) => act::release_withdraw(withdrawal),
        Body::Evaluation(evaluation) => act::evaluation(evaluation),
        Body::SchemePropose(proposal) => act::scheme_propose(proposal),
        Body::RulePropose(proposal) => act::rule_propose(proposal),
        Body::Approve(approval) => act::approve(approval),
    }
}

/// Checks every operation of a transaction, its chain and its size. Signature, time of life and
/// repetition are the caller's: they need keys, a clock and a memory.
pub fn admit_transaction(
    transaction: &Transaction,
    chain: ChainId,
    limits: &BlockLimits,
) -> Result<(), AdmissionError> {
    if transaction.header().chain != chain {
        let (found, expected) = (transaction.header().chain.to_string(), chain.to_string());
        return Err(AdmissionError::whole(Rule::ForeignChain { found, expected }));
    }
    let operations = transaction.operations();
    let found = operations.len();
    if u32::try_from(found).map_or(true, |count| count > limits.max_ops) {
        let limit = limits.max_ops;
        return Err(AdmissionError::whole(Rule::TooManyOperations { found, limit }));
    }
    let bytes: usize = operations.iter().map(|operation| operation.body.len()).sum();
    if u32::try_from(bytes).map_or(true, |bytes| bytes > limits.max_block_bytes) {
        let limit = limits.max_block_bytes;
        return Err(AdmissionError::whole(Rule::TransactionTooLarge { found: bytes, limit }));
    }
    for (at, operation) in operations.iter().enumerate() {
        admit(operation).map_err(|error| AdmissionError { operation: Some(at), ..error })?;
    }
    Ok(())
}

fn body_rule(kind: OperationKind, error: BodyError) -> Rule {
    let kind = kind.name();
    match error {
        BodyError::UnknownKind { kind } => Rule::UnknownType { kind },
        BodyError::UnknownVersion { version, .. } => Rule::UnknownVersion { kind, version },
        BodyError::Malformed { detail, .. } => Rule::MalformedBody { kind, detail },
        BodyError::NotCanonical { .. } | BodyError::Text { .. } => Rule::NotCanonical { kind },
    }
}
