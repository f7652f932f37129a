//! The largest things that may be built, sent or stored, each with its reason. A decoder checks
//! them before it allocates.

/// Validators of an epoch. Certificates stay below 64 KiB and a full mesh below 10,000 links.
pub const VALIDATORS_MAX: u16 = 100;

/// Agencies of a genesis document: every province-level division, and witnesses.
pub const AGENCIES_MAX: u16 = 64;

/// Operations of a transaction: one signature over a batch that a platform can build in a second.
pub const OPERATIONS_PER_TX_MAX: u16 = 1_000;

/// Bytes of one operation. A trace event takes about 400; an observation keeps an EPCIS event whole.
pub const OPERATION_BYTES_MAX: u32 = 64 * 1024;

/// Bytes of a transaction with its operations: a quarter of the largest frame between nodes.
pub const TX_BYTES_MAX: u32 = 1024 * 1024;

/// Transactions of a block: the primary cuts a block here.
pub const TXS_PER_BLOCK_MAX: u32 = 1_000;

/// Bytes of bodies of a block: the primary cuts a block here.
pub const BLOCK_BYTES_MAX: u32 = 1024 * 1024;

/// Operations of a block: execution of a full block stays below half a second.
pub const OPERATIONS_PER_BLOCK_MAX: u32 = 10_000;

/// Links of one operation; above it the operation is refused as `TOO_MANY_SUBJECTS`.
pub const LINKS_MAX: u16 = 2_048;

/// Links of a block: bounds the log entries that one batch writes.
pub const BLOCK_LINKS_MAX: u32 = 200_000;

/// Evidence of a block.
pub const EVIDENCE_PER_BLOCK_MAX: u32 = 16;

/// Bytes of a subject in a link: the longest normalised code.
pub const SUBJECT_BYTES_MAX: u16 = 512;

/// Alerts of one receipt.
pub const ALERTS_MAX: u16 = 4_096;

/// Bytes of a key or a value of the state.
pub const STATE_VALUE_BYTES_MAX: u32 = 1024 * 1024;

/// Bytes of one frame between nodes: a block with its bodies and certificates, with room to spare.
pub const FRAME_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// Blocks of one answer to a fetch.
pub const FETCH_BLOCKS_MAX: u16 = 64;

/// Bodies of one request.
pub const FETCH_BODIES_MAX: u16 = 1_000;

/// Heights above the open one whose messages are kept; the sender resends what was dropped.
pub const BUFFER_HEIGHTS_MAX: u64 = 16;

/// Views above one's own that are looked at, so that one liar cannot choose the views.
pub const BUFFER_VIEWS_MAX: u32 = 64;
