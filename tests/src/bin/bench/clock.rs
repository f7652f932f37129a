//! Time: the only place of the benchmark that reads a clock, and what is made of the readings.

use std::time::Duration;

#[expect(clippy::disallowed_types, reason = "a benchmark measures time")]
type Moment = std::time::Instant;

/// Since some moment in the past, always forwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch(Moment);

impl Watch {
    /// Starts now.
    #[expect(clippy::disallowed_types, reason = "a benchmark measures time")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// How long `work` takes, with what it returns.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let watch = Watch::start();
    let done = work();
    (watch.elapsed(), done)
}

/// Durations of the same thing, many times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    /// Adds one.
    pub(crate) fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// Adds those of another.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The shortest duration that `percent` of a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or_default()
    }

    /// `p50 1.23 ms, p99 4.56 ms`.
    pub(crate) fn both(&self) -> String {
        format!("p50 {}, p99 {}", text(self.percentile(50)), text(self.percentile(99)))
    }
}

/// A duration with three digits and a unit.
pub(crate) fn text(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    match nanos {
        0..10_000 => format!("{nanos} ns"),
        10_000..10_000_000 => decimal(nanos, 1_000, "µs"),
        10_000_000..10_000_000_000 => decimal(nanos, 1_000_000, "ms"),
        10_000_000_000.. => decimal(nanos, 1_000_000_000, "s"),
    }
}

fn decimal(value: u128, unit: u128, name: &str) -> String {
    let (whole, tenths) = (value / unit, value % unit * 10 / unit);
    if whole < 100 { format!("{whole}.{tenths} {name}") } else { format!("{whole} {name}") }
}

/// How many a second, where `count` took `duration`.
pub(crate) fn per_second(count: u64, duration: Duration) -> u64 {
    let nanos = duration.as_nanos().max(1);
    u64::try_from(u128::from(count) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
}

/// The share of one of `count` things that took `duration` together.
pub(crate) fn each(duration: Duration, count: u64) -> Duration {
    let nanos = duration.as_nanos() / u128::from(count.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// A number with a comma between each three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
