//! The largest and smallest things that a genesis document and a keystore may hold, each with its
//! reason.

/// Bytes of a genesis document: 64 agencies, 100 validators and 1,000 submitters take 200 KiB.
pub const GENESIS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of an agency's name: the longest official name takes 90 in UTF-8.
pub const AGENCY_NAME_BYTES_MAX: u16 = 256;

/// Bytes of a descriptor: 100 validators of 37 bytes and 88 bytes of parameters.
pub const DESCRIPTOR_BYTES_MAX: u32 = 4 * 1024;

/// State entries of a genesis document: submitter and transport keys.
pub const STATE_ENTRIES_MAX: u32 = 10_000;

/// Bytes of a key of a state entry: a submitter's public key takes 32.
pub const STATE_KEY_BYTES_MAX: u16 = 512;

/// Bytes of a value of a state entry: a submitter's record takes at most 261.
pub const STATE_VALUE_BYTES_MAX: u32 = 1024;

/// Earliest time of a genesis: day 1 since 1970, because day logs are numbered from 1.
pub const TIME_MS_MIN: u64 = 86_400_000;

/// Latest time of a genesis, the end of the year 9998: the rendering writes four digits.
pub const TIME_MS_MAX: u64 = 253_370_764_799_999;

/// Longest life of a transaction. Replicas remember the ids of all younger ones, so that none is
/// recorded twice: 31 days at the floor of 20 transactions a second are 54 million.
pub const TTL_MS_MAX: u64 = 31 * 24 * 60 * 60 * 1000;

/// Bytes of a configuration, rendering or keystore file read as text.
pub const TEXT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Bytes of a password: more is a wrong file, not a password.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Characters of a password chosen for new keys. Argon2id makes each guess cost 64 MiB.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// Largest memory that a keystore may demand to open, in KiB: a file must not exhaust the machine.
pub const KDF_MEMORY_KIB_MAX: u32 = 1024 * 1024;

/// Largest number of passes that a keystore may demand: ten seconds at the default memory.
pub const KDF_PASSES_MAX: u32 = 64;

/// Largest number of lanes that a keystore may demand.
pub const KDF_LANES_MAX: u32 = 64;

/// Least memory for a database's cache, in MiB: the pinned parts of indexes and filters of a ledger of
/// 100 million units, and some rows.
pub const CACHE_MIB_MIN: u32 = 16;

/// Most memory for a database's cache, in MiB: 1 TiB, beyond which a number is a typing error.
pub const CACHE_MIB_MAX: u32 = 1024 * 1024;

/// Least memory for a database's writes, in MiB: one full block with what it changes.
pub const WRITES_MIB_MIN: u32 = 16;

/// Most memory for a database's writes, in MiB: a start replays as much, at 150 MB/s in two minutes.
pub const WRITES_MIB_MAX: u32 = 16 * 1024;
