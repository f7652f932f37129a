//! The numbers of the protocol and of the replica's memory, each with its reason.

/// Milliseconds of T0, the timeout of a view nobody left before. A loopback height takes 20 ms, one
/// between provinces 200 ms; a second leaves room for a slow disk.
pub const TIMEOUT_MS_DEFAULT: u64 = 1_000;

/// Milliseconds from one heartbeat block to the next while nothing is submitted.
pub const HEARTBEAT_MS_DEFAULT: u64 = 10_000;

/// Milliseconds from the first body to the cut of the block that holds it.
pub const BLOCK_INTERVAL_MS_DEFAULT: u64 = 50;

/// Longest timeout of a view in milliseconds: doubling stops here, so that a healed network is
/// never left alone for minutes.
pub(crate) const TIMEOUT_MS_MAX: u64 = 30_000;

/// Milliseconds by which clocks of voters may differ; a proposal further ahead waits.
pub(crate) const CLOCK_SKEW_MS_MAX: u64 = 500;

/// Least age in milliseconds at which a fresh block is too old to be prepared.
pub(crate) const BLOCK_AGE_MS_MIN: u64 = 5_000;

/// Milliseconds by which a heartbeat may be late before the primary is suspected.
pub(crate) const HEARTBEAT_GRACE_MS: u64 = 500;

/// Milliseconds from status to status.
pub(crate) const STATUS_MS: u64 = 1_000;

/// Milliseconds after which a start goes on without those who did not answer.
pub(crate) const START_WAIT_MS: u64 = 2_000;

/// Longest pause between resends in milliseconds. A quarter of a grown timeout is seven seconds;
/// links that heal should be noticed in one.
pub(crate) const RESEND_MS_MAX: u64 = 1_000;

/// Milliseconds before a missing body is fetched: most are under way already.
pub(crate) const FETCH_DELAY_MS: u64 = 20;

/// Least milliseconds for which a body is held before its primary is suspected of leaving it out.
pub(crate) const INCLUSION_MS_MIN: u64 = 5_000;

/// Decided blocks with room after which a body that was left out is held against the primary.
pub(crate) const INCLUSION_BLOCKS: u8 = 2;

/// Milliseconds that an expired body is still known, for a block that was proposed before.
pub(crate) const EXPIRED_BODY_MS: u64 = 60_000;

/// Decided blocks kept in memory to answer members that lag; older ones are served by the ledger.
/// 64 blocks of 1,000 leaves are 2 MiB.
pub(crate) const RECENT_BLOCKS_MAX: u64 = 64;

/// Decided heights that one member is answered in T0/4. A member that lags is at one height and asks for
/// the rest itself; without a limit it could draw the whole ledger from memory with one vote a height.
pub(crate) const ANSWERS_MAX: usize = 8;

/// Heights whose decided hash or history root is remembered, to see a fork. 65,536 entries are
/// 3 MiB and six hours of full blocks; older conflicts are found by the auditor, not here.
pub(crate) const REMEMBERED_MAX: usize = 65_536;

/// History sizes below the executed one whose CHECKPOINTs are counted towards hardening. Members
/// sign a size within the lag of the tip, so older sizes get no new votes.
pub(crate) const CHECKPOINT_SIZES_BELOW: u64 = 128;

/// History sizes above the executed one whose CHECKPOINTs are kept; others execute faster.
pub(crate) const CHECKPOINT_SIZES_ABOVE: u64 = 64;

/// Bodies that one message forwards again.
pub(crate) const FORWARD_MAX: usize = 1_000;

const _: () = assert!(RECENT_BLOCKS_MAX >= proto::limits::BUFFER_HEIGHTS_MAX);
const _: () = assert!(TIMEOUT_MS_DEFAULT <= TIMEOUT_MS_MAX);
