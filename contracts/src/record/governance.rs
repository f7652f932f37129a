//! Proposals, votes and what they put into force.

/// Namespace GOVERNANCE, key = proposing agency u16, `op_uid` of the proposal.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ProposalRecord {
    /// Type of the proposal: 112 a scheme, 113 a rule parameter.
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// Its body.
    #[prost(bytes = "vec", tag = "2")]
    pub body: Vec<u8>,
    /// Agencies that approve, ascending.
    #[prost(uint32, repeated, tag = "3")]
    pub approvals: Vec<u32>,
    /// Height at which it was accepted; 0 while it is open.
    #[prost(uint64, tag = "4")]
    pub accepted_height: u64,
    /// Height at which it was made.
    #[prost(uint64, tag = "5")]
    pub proposed_height: u64,
}

/// Namespace SCHEME, key = scheme id, `:`, version in decimal digits.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct SchemeRecord {
    /// The definition, TOML.
    #[prost(string, tag = "1")]
    pub definition: String,
    /// Height at which it became active.
    #[prost(uint64, tag = "2")]
    pub active_height: u64,
}

/// An active scheme.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, prost::Message)]
pub struct ActiveScheme {
    /// Identifier.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Version.
    #[prost(uint32, tag = "2")]
    pub version: u32,
    /// Hash of the definition, so that a parsed copy can be recognised.
    #[prost(bytes = "vec", tag = "3")]
    pub digest: Vec<u8>,
}

/// Namespace SYS, key `schemes`: every active scheme, ascending.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ActiveSchemes {
    /// The schemes.
    #[prost(message, repeated, tag = "1")]
    pub schemes: Vec<ActiveScheme>,
}
