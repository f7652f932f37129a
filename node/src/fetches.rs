//! Which requests for missing blocks and bodies are under way: one of a kind at a time, each for no more than the
//! link has lately carried in time.
//!
//! The replica asks anew every quarter of T0 and remembers nothing; without this its requests for the same blocks
//! would share the link until none of them is answered in time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::ValidatorIndex;
use proto::limits::{FETCH_BLOCKS_MAX, FETCH_BODIES_MAX};

use crate::network::Fetch;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Decided blocks.
    Blocks,
    /// A block under way.
    Block,
    /// Bodies.
    Bodies,
}

impl Kind {
    /// The kind of a request.
    pub(crate) const fn of(fetch: &Fetch) -> Self {
        match fetch {
            Fetch::Blocks { .. } => Self::Blocks,
            Fetch::Block { .. } => Self::Block,
            Fetch::Bodies { .. } => Self::Bodies,
        }
    }

    /// Things that one request may name.
    const fn count_max(self) -> u16 {
        match self {
            Self::Blocks => FETCH_BLOCKS_MAX,
            Self::Block => 1,
            Self::Bodies => FETCH_BODIES_MAX,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// Something that was missing is here.
    Useful,
    /// Nothing of use came.
    Useless,
    /// Its time was over first.
    Late,
}

/// The requests of one kind.
#[derive(Debug)]
struct Line {
    /// Things that the request under way names.
    under_way: Option<u16>,
    /// Things that the next may name.
    count_max: u16,
    /// Who is passed over the next time that it is its turn: it brought nothing. Turns come by the clock, and a
    /// timeout may take a whole number of rounds.
    passed_over: Option<ValidatorIndex>,
}

#[derive(Debug)]
struct Inner {
    blocks: Line,
    block: Line,
    bodies: Line,
}

/// The requests, behind a lock that is never held across an await.
#[derive(Clone, Debug)]
pub(crate) struct Fetches(Arc<Mutex<Inner>>);

impl Default for Fetches {
    fn default() -> Self {
        let line =
            |kind: Kind| Line { under_way: None, count_max: kind.count_max(), passed_over: None };
        let (blocks, block, bodies) = (line(Kind::Blocks), line(Kind::Block), line(Kind::Bodies));
        Self(Arc::new(Mutex::new(Inner { blocks, block, bodies })))
    }
}

impl Inner {
    const fn line(&mut self, kind: Kind) -> &mut Line {
        match kind {
            Kind::Blocks => &mut self.blocks,
            Kind::Block => &mut self.block,
            Kind::Bodies => &mut self.bodies,
        }
    }
}

impl Fetches {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of the things wanted may be asked of `from`; `None` where it must not be asked.
    ///
    /// Each request that begins ends by [`Self::end`].
    pub(crate) fn begin(&self, kind: Kind, from: ValidatorIndex, wanted: u16) -> Option<u16> {
        let mut inner = self.lock();
        let line = inner.line(kind);
        if line.under_way.is_some() || line.passed_over.take_if(|it| *it == from).is_some() {
            return None;
        }
        let count = wanted.min(line.count_max);
        line.under_way = Some(count);
        Some(count)
    }

    /// The request under way has ended.
    pub(crate) fn end(&self, kind: Kind, from: ValidatorIndex, outcome: Outcome) {
        let mut inner = self.lock();
        let line = inner.line(kind);
        let count = line.under_way.take().unwrap_or(line.count_max);
        line.passed_over = match outcome {
            Outcome::Useful => {
                line.count_max = line.count_max.saturating_mul(2).min(kind.count_max());
                None
            }
            Outcome::Useless => Some(from),
            Outcome::Late => {
                line.count_max = (count / 2).max(1);
                Some(from)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ValidatorIndex = ValidatorIndex::new(1);
    const B: ValidatorIndex = ValidatorIndex::new(2);

    #[test]
    fn one_request_of_a_kind_is_under_way_at_a_time() {
        let fetches = Fetches::default();
        assert_eq!(fetches.begin(Kind::Blocks, A, 64), Some(64));
        for from in [A, B] {
            assert_eq!(fetches.begin(Kind::Blocks, from, 64), None, "{from}");
        }
        assert_eq!(fetches.begin(Kind::Bodies, A, 2_000), Some(1_000));
        assert_eq!(fetches.begin(Kind::Block, A, 1), Some(1));
        fetches.end(Kind::Blocks, A, Outcome::Useful);
        assert_eq!(fetches.begin(Kind::Bodies, B, 1), None);
        assert_eq!(fetches.begin(Kind::Blocks, A, 3), Some(3));
    }

    #[test]
    fn a_slow_link_is_asked_for_less_until_it_answers_in_time() {
        let fetches = Fetches::default();
        for (wanted, outcome, asked) in [
            (64, Outcome::Late, 64),
            (64, Outcome::Late, 32),
            (10, Outcome::Late, 10),
            (10, Outcome::Useless, 5),
            (10, Outcome::Late, 5),
            (10, Outcome::Late, 2),
            (10, Outcome::Late, 1),
            (10, Outcome::Useful, 1),
            (10, Outcome::Useful, 2),
            (10, Outcome::Useful, 4),
            (64, Outcome::Useful, 8),
            (64, Outcome::Useful, 16),
            (64, Outcome::Useful, 32),
            (64, Outcome::Useful, 64),
            (64, Outcome::Useful, 64),
        ] {
            // Another turn where the first was passed over.
            let begun = fetches.begin(Kind::Blocks, A, wanted);
            let count = begun.or_else(|| fetches.begin(Kind::Blocks, A, wanted));
            assert_eq!(count, Some(asked), "{wanted} {outcome:?}");
            fetches.end(Kind::Blocks, A, outcome);
        }
    }

    #[test]
    fn who_brought_nothing_is_passed_over_once() {
        for outcome in [Outcome::Useless, Outcome::Late] {
            let fetches = Fetches::default();
            assert!(fetches.begin(Kind::Bodies, A, 9).is_some());
            fetches.end(Kind::Bodies, A, outcome);
            assert_eq!(fetches.begin(Kind::Bodies, A, 9), None, "{outcome:?}");
            assert!(fetches.begin(Kind::Bodies, B, 9).is_some(), "{outcome:?}");
            fetches.end(Kind::Bodies, B, Outcome::Useful);
            // There may be nobody else.
            assert!(fetches.begin(Kind::Bodies, A, 9).is_some(), "{outcome:?}");
        }
    }
}
