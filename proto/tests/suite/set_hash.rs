//! The hash of a set: no order, no trace of what went, no row like another.

use proptest::prelude::*;
use proto::codec::Canonical as _;
use proto::namespace::Namespace;
use proto::set_hash::{RowHash, SUM_BYTES, SetHash};

use super::dice::Dice;

fn row(dice: &mut Dice) -> RowHash {
    let namespace = Namespace::ALL[dice.below(Namespace::ALL.len())];
    let bytes = |dice: &mut Dice, most| (0..dice.below(most)).map(|_| dice.u8()).collect();
    let (key, value): (Vec<u8>, Vec<u8>) = (bytes(dice, 40), bytes(dice, 400));
    RowHash::of(namespace, &key, &value)
}

fn sum(rows: &[RowHash]) -> SetHash {
    let mut sum = SetHash::default();
    for row in rows {
        sum.add(row);
    }
    sum
}

proptest! {
    #[test]
    fn order_does_not_matter_and_what_went_leaves_nothing(seed: u64, count in 0usize..12) {
        let mut dice = Dice(seed);
        let rows: Vec<RowHash> = (0..count).map(|_| row(&mut dice)).collect();
        let expected = sum(&rows);
        let mut shuffled = rows.clone();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, dice.below(at + 1));
        }
        let guest = row(&mut dice);
        let mut other = SetHash::default();
        other.add(&guest);
        for row in &shuffled {
            other.add(row);
        }
        prop_assert_ne!(other.root(), expected.root());
        other.remove(&guest);
        prop_assert_eq!(&other, &expected);
        for row in &rows {
            other.remove(row);
        }
        prop_assert_eq!(other, SetHash::default());
    }

    #[test]
    fn a_sum_reads_back_from_its_bytes_and_from_no_others(seed: u64) {
        let mut dice = Dice(seed);
        let sum = sum(&[row(&mut dice), row(&mut dice)]);
        let bytes = sum.encode();
        prop_assert_eq!(bytes.len(), SUM_BYTES);
        prop_assert_eq!(SetHash::decode(&bytes), Ok(sum));
        prop_assert!(SetHash::decode(&bytes[1..]).is_err());
    }
}

#[test]
fn rows_that_differ_in_where_the_key_ends_are_different_rows() {
    let rows = [
        RowHash::of(Namespace::Unit, b"ab", b"c"),
        RowHash::of(Namespace::Unit, b"a", b"bc"),
        RowHash::of(Namespace::Unit, b"abc", b""),
        RowHash::of(Namespace::Unit, b"", b"abc"),
        RowHash::of(Namespace::Match, b"ab", b"c"),
    ];
    for (at, row) in rows.iter().enumerate() {
        for other in &rows[at + 1..] {
            assert_ne!(row.checksum(), other.checksum());
            assert_ne!(sum(&[*row]).root(), sum(&[*other]).root());
        }
    }
}
