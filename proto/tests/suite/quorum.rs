//! The quorum table for every size of a set.

use proto::quorum::{Mode, NoValidators, Quorum};

#[test]
fn two_quorums_share_an_honest_member_and_the_malicious_cannot_stall() {
    for n in 1..=200u16 {
        let quorum = Quorum::of(n, Mode::Standard).expect("not empty");
        let (b, q, u) = (quorum.malicious_max(), quorum.votes(), quorum.down_max());
        assert_eq!(b, (n - 1) / 3, "n={n}");
        assert_eq!(q, u16::midpoint(n, b) + 1, "n={n}");
        assert_eq!(u, n - q, "n={n}");
        assert!(2 * q - n > b, "n={n}: 2q-n >= b+1");
        assert!(u >= b, "n={n}: u >= b");
        assert!(q >= 1 && q <= n, "n={n}: q is 1 to n");
        assert_eq!(quorum.join(), (b + 1).max(2), "n={n}");
        assert!(!quorum.reached(usize::from(q) - 1) && quorum.reached(q.into()), "n={n}");
    }
}

#[test]
fn a_unanimous_set_needs_everyone() {
    for n in 1..=200u16 {
        let quorum = Quorum::of(n, Mode::Unanimous).expect("not empty");
        assert_eq!((quorum.votes(), quorum.down_max()), (n, 0), "n={n}");
    }
}

#[test]
fn the_sets_of_the_design_have_its_numbers() {
    for (n, b, q, u) in [(1, 0, 1, 0), (3, 0, 2, 1), (4, 1, 3, 1), (5, 1, 4, 1), (7, 2, 5, 2)] {
        let quorum = Quorum::of(n, Mode::Standard).expect("not empty");
        let found = (quorum.malicious_max(), quorum.votes(), quorum.down_max());
        assert_eq!(found, (b, q, u), "n={n}");
    }
}

#[test]
fn an_empty_set_and_an_unknown_mode_are_refused() {
    assert_eq!(Quorum::of(0, Mode::Standard), Err(NoValidators));
    assert_eq!(Quorum::of(0, Mode::Unanimous), Err(NoValidators));
    for code in 2..=u8::MAX {
        assert_eq!(Mode::from_code(code), None, "mode {code}");
    }
}

#[test]
fn the_largest_set_does_not_overflow() {
    let quorum = Quorum::of(u16::MAX, Mode::Standard).expect("not empty");
    assert_eq!(u32::from(quorum.votes()), 43_690);
}
