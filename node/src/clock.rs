//! The only reader of a clock: the wall clock for block times, the runtime's clock for timers.

use proto::TimeMs;

/// The wall clock, milliseconds since 1970.
#[expect(clippy::disallowed_types, reason = "the one place where time enters the node")]
pub(crate) fn now() -> TimeMs {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    TimeMs::new(u64::try_from(ms).unwrap_or(u64::MAX))
}
