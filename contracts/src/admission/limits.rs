//! Sizes of what an operation may say, each with its reason.

/// Items, outputs, codes of one operation: with their counterparts they stay below the links of an
/// operation.
pub const ITEMS_MAX: usize = 1_000;

/// Certificates of one operation: a batch has five kinds of papers, a container some dozens.
pub const CERTIFICATES_MAX: usize = 100;

/// Licences of a party: one a class and place.
pub const LICENCES_MAX: usize = 50;

/// Containers of a declaration line.
pub const CONTAINERS_MAX: usize = 100;

/// Indicators of an evaluation.
pub const INDICATORS_MAX: usize = 50;

/// Lines of resource support.
pub const RESOURCES_MAX: usize = 50;

/// Characters of a trace code, as the scheme registry reads them.
pub const CODE_CHARS_MAX: usize = 256;

/// Bytes of the canonical form of a code: with scheme and agency it fits into a subject.
pub const CODE_BYTES_MAX: usize = 480;

/// Characters of an identifier of a station, a product, a document.
pub const ID_CHARS_MAX: usize = 64;

/// Characters of a place or party as an observation writes it: often a URI.
pub const URI_CHARS_MAX: usize = 256;

/// Bytes of the canonical form of such a place or party: like a code, it fits into a subject.
pub const URI_BYTES_MAX: usize = 480;

/// Characters of a name or title.
pub const NAME_CHARS_MAX: usize = 200;

/// Characters of a remark or reason.
pub const REMARK_CHARS_MAX: usize = 500;

/// Characters of the body of a notice.
pub const NOTICE_CHARS_MAX: usize = 10_000;

/// Thousandths of a unit in one quantity: a million tonnes. A million of them add up in 64 bits.
pub const QUANTITY_MILLI_MAX: u64 = 1_000_000_000_000;

/// Earliest time of an event: the second day of 1970, since day 0 is no bucket of a log.
pub const TIME_MS_MIN: u64 = 86_400_000;

/// Latest time of an event: 2200-01-01. What is later than the block is for the state to alarm.
pub const TIME_MS_MAX: u64 = 7_258_118_400_000;

/// Latest day of a document, 2200-01-01.
pub const DAY_MAX: u32 = 84_006;

/// Days of shelf life: ten years.
pub const SHELF_LIFE_DAYS_MAX: u32 = 3_653;
