//! Deterministic randomness: xoshiro256** streams, one for each subsystem, so that a new knob of one
//! does not shift the draws of another.

/// What a stream is drawn for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// Which knobs a seed turns.
    Plan,
    /// Loss, delay, duplication.
    Network,
    /// Latency, and what a crash leaves of unsynced bytes.
    Disk,
    /// When what breaks.
    Faults,
    /// What clients submit, where and when.
    Load,
    /// What liars do.
    Byzantine,
}

impl Stream {
    const fn number(self) -> u64 {
        match self {
            Self::Plan => 1,
            Self::Network => 2,
            Self::Disk => 3,
            Self::Faults => 4,
            Self::Load => 5,
            Self::Byzantine => 6,
        }
    }
}

/// One stream of one seed.
#[derive(Clone, Debug)]
pub struct Prng([u64; 4]);

impl Prng {
    /// The stream of a seed.
    pub fn new(seed: u64, stream: Stream) -> Self {
        let mut state = seed ^ stream.number().wrapping_mul(0xd134_2543_de82_ef95);
        // SplitMix64 spreads near seeds over the whole state, as the authors of xoshiro advise.
        Self(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }))
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        let Self([a, b, c, d]) = self;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number below `limit`, 0 for none. The bias of a 64-bit remainder is of no consequence here.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw().checked_rem(limit).unwrap_or(0)
    }

    /// A number of `low..=high`.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// Whether something happens that happens in `permille` of 1,000 cases.
    pub fn chance(&mut self, permille: u64) -> bool {
        permille > 0 && self.below(1_000) < permille
    }

    /// One of the items; `None` of an empty list.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        items.get(usize::try_from(self.below(count)).unwrap_or(0))
    }
}
