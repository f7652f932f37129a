//! The largest files, rows and values that are read, each with its reason. They are checked before
//! anything of their size is allocated.

/// Bytes of one file: an end-of-day upload of 100,000 events of 400 bytes, with room to spare. A
/// larger export is cut by the platform; what was recorded already is answered as such.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of a mapping file; the longest known has 12 KiB.
pub const MAPPING_BYTES_MAX: usize = 256 * 1024;

/// Rows of one file, so that the answer about it stays readable. The file is refused.
pub const ROWS_MAX: u64 = 500_000;

/// Values of one JSON or XML document: each takes about 50 bytes of memory, 8,000,000 about 400 MiB.
pub const NODES_MAX: u32 = 8_000_000;

/// Elements of an XML document inside one another; JSON is bounded by its parser.
pub const DEPTH_MAX: u32 = 64;

/// Bytes of one text value of a row; the longest field of a body is shorter.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Characters of a value that a rejection repeats.
pub const SHOWN_CHARS_MAX: usize = 80;

/// Rows of one document when rows are grouped by their record number.
pub const GROUP_ROWS_MAX: usize = 2_000;

/// Bytes of the event that an observation keeps: one operation holds 64 KiB, the rest is for codes.
pub const EVENT_BYTES_MAX: usize = 48 * 1024;

/// Codes that one EPCIS event may name: the links of one operation are 2,048, places and parties need
/// some of them.
pub const EVENT_CODES_MAX: usize = 2_000;

/// Bytes of the body of one operation: 64 KiB with the envelope.
pub const BODY_BYTES_MAX: usize = 65_500;
