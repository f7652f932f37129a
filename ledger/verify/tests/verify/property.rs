//! No flipped byte makes a bundle say something else, and no bytes make the verifier fall.

use std::sync::LazyLock;

use ledger::bundle::{Bundle, Direction};
use ledger::words::Words;
use proptest::prelude::*;
use verify::Options;

use crate::accepted::{event, traced};
use crate::story::{self, a_unit};
use crate::world::World;

/// Bundles of each kind, with the words that they prove.
struct Sample {
    bytes: Vec<u8>,
    words: Vec<Words>,
}

static WORLD: LazyLock<World> = LazyLock::new(story::world);

fn words_of(bundle: &Bundle) -> Option<Vec<Words>> {
    let report = verify::verify(WORLD.chain(), bundle, &Options::default()).ok()?;
    Some(report.claims.into_iter().map(|claim| claim.words).collect())
}

fn sample(bundle: &Bundle) -> Sample {
    Sample { bytes: bundle.to_bytes(), words: words_of(bundle).unwrap() }
}

static SAMPLES: LazyLock<[Sample; 2]> = LazyLock::new(|| {
    [sample(&event(&WORLD, 7, 0)), sample(&traced(&WORLD, &[a_unit("TJ:P1")], Direction::Back, 3))]
});

/// The flipped bytes are refused, or say the same.
fn check(sample: &Sample, at: usize, mask: u8) {
    let mut bytes = sample.bytes.clone();
    bytes[at] ^= mask;
    if let Ok(bundle) = Bundle::from_bytes(&bytes)
        && let Some(words) = words_of(&bundle)
    {
        assert_eq!(words, sample.words, "byte {at}, mask {mask:#04x}");
    }
}

/// Every byte once, each with another bit.
#[test]
fn no_flipped_bit_of_any_byte_changes_the_words() {
    for sample in SAMPLES.iter() {
        for at in 0..sample.bytes.len() {
            check(sample, at, 1 << (at % 8));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_flipped_byte_changes_the_words(
        which in 0..2_usize,
        at in any::<prop::sample::Index>(),
        mask in 1..=255_u8,
    ) {
        let sample = &SAMPLES[which];
        check(sample, at.index(sample.bytes.len()), mask);
    }

    #[test]
    fn no_cut_or_lengthened_bundle_is_accepted(
        which in 0..2_usize,
        at in any::<prop::sample::Index>(),
        more in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let sample = &SAMPLES[which];
        let cut = &sample.bytes[..at.index(sample.bytes.len())];
        let longer = [sample.bytes.as_slice(), &more].concat();
        for bytes in [cut, &longer] {
            let words = Bundle::from_bytes(bytes).ok().and_then(|bundle| words_of(&bundle));
            // Claims stand last, so that a cut may leave some of them, each still as it was.
            prop_assert!(words.is_none_or(|words| sample.words.starts_with(&words)));
        }
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(bundle) = Bundle::from_bytes(&bytes) {
            prop_assert!(words_of(&bundle).is_none());
        }
    }
}
