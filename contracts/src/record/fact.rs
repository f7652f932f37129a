//! A recorded event as the state keeps it, so that a correction can take back what it did.

/// What stands in place of an event.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Replacement {
    /// When the correction was made.
    #[prost(uint64, tag = "1")]
    pub occurred_ms: u64,
    /// `op_uid` of the correction.
    #[prost(bytes = "vec", tag = "2")]
    pub uid: Vec<u8>,
    /// Type of the event.
    #[prost(uint32, tag = "3")]
    pub kind: u32,
    /// The event as it should have been; empty where it did not occur.
    #[prost(bytes = "vec", tag = "4")]
    pub event: Vec<u8>,
}

/// Namespace `OP_UID`, key = agency u16, `op_uid`, the byte 1.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FactRecord {
    /// Type of the event; 0 where only corrections of it have arrived.
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// The body, of an observation without `original`.
    #[prost(bytes = "vec", tag = "2")]
    pub body: Vec<u8>,
    /// The correction in force: the latest by time, then by identity.
    #[prost(message, optional, tag = "3")]
    pub replacement: Option<Replacement>,
    /// Where this operation is itself a correction: `op_uid` of what it corrects.
    #[prost(bytes = "vec", tag = "4")]
    pub corrects: Vec<u8>,
}
