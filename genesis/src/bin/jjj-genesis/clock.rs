//! The only place of the ceremony that reads a clock: for `--time now`.

use proto::TimeMs;

/// The time of this machine, to the second: nobody wants milliseconds in a document to be signed.
pub(crate) fn now() -> TimeMs {
    let seconds = jiff::Timestamp::now().as_second();
    TimeMs::new(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000))
}
