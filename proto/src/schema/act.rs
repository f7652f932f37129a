//! Acts: what an agency or a duty officer decides. Unlike facts they may be refused by the state.

use super::event::Quantity;

/// Relation between two codes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Relation {
    /// Not stated.
    Unspecified = 0,
    /// Two codes of the same goods.
    Same = 1,
    /// A new label of the same unit.
    Relabel = 2,
    /// The same code carried into another province.
    Carry = 3,
}

/// Declares a relation between two codes (type 48).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct MatchDeclare {
    /// The relation.
    #[prost(enumeration = "Relation", tag = "1")]
    pub relation: i32,
    /// Code of the giving side.
    #[prost(string, tag = "2")]
    pub from: String,
    /// Code of the taking side.
    #[prost(string, tag = "3")]
    pub to: String,
    /// How much of it.
    #[prost(message, optional, tag = "4")]
    pub quantity: Option<Quantity>,
    /// Document that both sides hold.
    #[prost(string, tag = "5")]
    pub document: String,
}

/// Confirms, disputes or withdraws a match (types 49 to 51).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct MatchDecision {
    /// Code of the giving side.
    #[prost(string, tag = "1")]
    pub from: String,
    /// Code of the taking side.
    #[prost(string, tag = "2")]
    pub to: String,
    /// Why.
    #[prost(string, tag = "3")]
    pub reason: String,
}

/// A duty officer has taken note of an alert (type 64).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct AlertAcknowledge {
    /// Identifier of the alert.
    #[prost(string, tag = "1")]
    pub alert: String,
    /// What is being done.
    #[prost(string, tag = "2")]
    pub remark: String,
}

/// Publishes a notice (type 80).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ReleasePublish {
    /// Identifier, unique within the agency.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Kind: `risk_alert`, `recall_notice`, `release_of_alert`, `policy`, `standard`, `statistics`.
    #[prost(string, tag = "2")]
    pub kind: String,
    /// Title.
    #[prost(string, tag = "3")]
    pub title: String,
    /// Body text.
    #[prost(string, tag = "4")]
    pub body: String,
    /// Who may read it: `public`, `enterprises`, `agencies`.
    #[prost(string, tag = "5")]
    pub audience: String,
    /// Level: 1 red to 4 blue.
    #[prost(uint32, tag = "6")]
    pub level: u32,
    /// Codes concerned.
    #[prost(string, repeated, tag = "7")]
    pub codes: Vec<String>,
    /// Parties concerned.
    #[prost(string, repeated, tag = "8")]
    pub parties: Vec<String>,
    /// Alerts concerned.
    #[prost(string, repeated, tag = "9")]
    pub alerts: Vec<String>,
    /// Last millisecond of validity; 0 for none stated.
    #[prost(uint64, tag = "10")]
    pub valid_until_ms: u64,
}

/// Withdraws a notice (type 81).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ReleaseWithdraw {
    /// Identifier of the notice.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Why.
    #[prost(string, tag = "2")]
    pub reason: String,
}

/// One indicator of an evaluation.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Indicator {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Score in permille.
    #[prost(uint32, tag = "2")]
    pub score_permille: u32,
    /// Weight in permille; the weights add up to 1,000.
    #[prost(uint32, tag = "3")]
    pub weight_permille: u32,
}

/// One line of the resource support that goes with a result (新的资源支持).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ResourceSupport {
    /// `people`, `funds`, `equipment`, `network` or `training`.
    #[prost(string, tag = "1")]
    pub resource: String,
    /// Amount in whole units.
    #[prost(uint64, tag = "2")]
    pub amount: u64,
    /// The unit.
    #[prost(string, tag = "3")]
    pub unit: String,
    /// Where it comes from.
    #[prost(string, tag = "4")]
    pub source: String,
}

/// Records an evaluation result (type 96).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Evaluation {
    /// Identifier, unique within the agency.
    #[prost(string, tag = "1")]
    pub id: String,
    /// What is evaluated: `node`, `platform`, `party`, `station`.
    #[prost(string, tag = "2")]
    pub object_kind: String,
    /// Which one.
    #[prost(string, tag = "3")]
    pub object: String,
    /// First day of the period, since 1970-01-01.
    #[prost(uint32, tag = "4")]
    pub from_day: u32,
    /// Last day of the period, since 1970-01-01.
    #[prost(uint32, tag = "5")]
    pub to_day: u32,
    /// Indicators with scores and weights.
    #[prost(message, repeated, tag = "6")]
    pub indicators: Vec<Indicator>,
    /// Grade, `A` to `D`; must follow from the weighted score.
    #[prost(string, tag = "7")]
    pub grade: String,
    /// Resource support.
    #[prost(message, repeated, tag = "8")]
    pub resources: Vec<ResourceSupport>,
}

/// Proposes a code scheme (type 112).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct SchemePropose {
    /// Definition in the grammar of `contracts/README.md`, TOML.
    #[prost(string, tag = "1")]
    pub definition: String,
}

/// Proposes parameters of the risk rules (type 113).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RulePropose {
    /// Name of the parameter, such as `settling_ms`.
    #[prost(string, tag = "1")]
    pub parameter: String,
    /// Agency whose platform it is for, as a number; empty for all.
    #[prost(string, tag = "2")]
    pub scope: String,
    /// Value, in the unit that the parameter's name ends with.
    #[prost(uint64, tag = "3")]
    pub value: u64,
}

/// Approves a proposal (type 114). The proposer approves by proposing.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Approve {
    /// `op_uid` of the proposal, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub proposal: Vec<u8>,
    /// Agency that proposed, as its index: `op_uid` is unique within an agency.
    #[prost(uint32, tag = "2")]
    pub proposer: u32,
}
