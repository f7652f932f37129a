//! The safety record and the journal's records: what is admitted, what bytes mean, what a restart
//! makes of them.
#![cfg(test)]

use consensus::{
    Claim, Head, NotVoting, Position, Record, SafetyRecord, Step, Unsafe, Voting, restore,
};
use proptest::prelude::*;
use proto::codec::{Canonical as _, DecodeError};
use proto::{ChainId, Epoch, Hash, Height, TimeMs, View};

fn position(epoch: u32, height: u64, view: u32, step: Step) -> Position {
    Position { epoch: Epoch::new(epoch), height: Height::new(height), view: View::new(view), step }
}

fn vote(position: Position, byte: u8) -> Claim {
    Claim::Vote { position, hash: Hash::new([byte; 32]) }
}

fn checkpoint(size: u64, byte: u8) -> Claim {
    Claim::Checkpoint { size, root: Hash::new([byte; 32]) }
}

#[test]
fn only_what_is_above_or_the_same_bytes_again_is_admitted() {
    let base = position(1, 7, 2, Step::Prepare);
    let record = SafetyRecord::default().admit(vote(base, 1)).unwrap();
    for (asked, byte, admitted) in [
        (base, 1, true),
        (base, 2, false),
        (position(1, 7, 2, Step::Commit), 2, true),
        (position(1, 7, 2, Step::ViewChange), 1, false),
        (position(1, 7, 3, Step::ViewChange), 2, true),
        (position(1, 7, 1, Step::Commit), 1, false),
        (position(1, 8, 0, Step::ViewChange), 2, true),
        (position(1, 6, 9, Step::Commit), 1, false),
        (position(2, 1, 0, Step::ViewChange), 2, true),
        (position(0, 99, 9, Step::Commit), 1, false),
    ] {
        assert_eq!(record.admit(vote(asked, byte)).is_ok(), admitted, "{asked:?} with {byte}");
    }
}

#[test]
fn checkpoints_grow_and_stand_apart_from_votes() {
    let record = SafetyRecord::default().admit(checkpoint(5, 1)).unwrap();
    let refused = Err(Unsafe::Checkpoint { last: 5, asked: 5 });
    assert_eq!(record.admit(checkpoint(5, 1)), refused, "not even the same again");
    assert!(record.admit(checkpoint(4, 1)).is_err());
    assert!(record.admit(checkpoint(6, 1)).is_ok());
    assert!(record.admit(vote(position(0, 1, 0, Step::Prepare), 1)).is_ok());
}

#[test]
fn a_refusal_says_what_was_signed_and_what_was_asked() {
    let last = position(0, 7, 2, Step::Commit);
    let record = SafetyRecord::default().admit(vote(last, 1)).unwrap();
    let refusal = record.admit(vote(position(0, 7, 2, Step::Prepare), 1)).unwrap_err();
    assert!(refusal.to_string().contains("Commit"), "{refusal}");
    assert!(refusal.to_string().contains("Prepare"), "{refusal}");
}

#[test]
fn a_safety_record_has_one_width() {
    let empty = SafetyRecord::default();
    let both = empty
        .admit(vote(position(0, u64::MAX, u32::MAX, Step::Commit), 9))
        .and_then(|record| record.admit(checkpoint(u64::MAX, 9)))
        .unwrap();
    assert_eq!(empty.encode().len(), both.encode().len());
    for record in [empty, both] {
        assert_eq!(SafetyRecord::decode(&record.encode()), Ok(record));
    }
    let mut bytes = both.encode();
    bytes[0] = 2;
    let rule = DecodeError::Invalid { field: "vote flag", rule: "is 0 or 1" };
    assert_eq!(SafetyRecord::decode(&bytes), Err(rule));
    assert!(SafetyRecord::decode(&both.encode()[1..]).is_err());
}

#[test]
fn a_journal_record_of_an_unknown_kind_or_with_bytes_left_over_is_refused() {
    let record = Record::NotVoting(NotVoting::JournalMissing);
    assert_eq!(Record::decode(&record.encode()), Ok(record.clone()));
    assert!(record.is_urgent());
    assert_eq!(record.height(), None, "never released");
    for bytes in [&[][..], &[0], &[6], &[5], &[5, 0], &[5, 6], &[5, 1, 0], &[2, 9]] {
        assert!(Record::decode(bytes).is_err(), "{bytes:?}");
    }
}

fn restored(records: Vec<Record>, safety: SafetyRecord) -> Voting {
    let head = Head::genesis(ChainId::default(), TimeMs::new(1), Hash::ZERO);
    restore(ChainId::default(), head, records, safety).voting()
}

#[test]
fn a_safety_record_above_the_journal_ends_voting_unless_the_height_is_executed() {
    let at = |height| {
        SafetyRecord::default().admit(vote(position(0, height, 0, Step::Prepare), 1)).unwrap()
    };
    let damaged = Voting::Refused(NotVoting::JournalDamaged);
    assert_eq!(restored(Vec::new(), at(1)), damaged);
    assert_eq!(restored(Vec::new(), at(0)), Voting::Allowed, "released with its height");
    assert_eq!(restored(Vec::new(), SafetyRecord::default()), Voting::Allowed, "a first start");
    let signed = SafetyRecord::default().admit(checkpoint(1, 1)).unwrap();
    assert_eq!(restored(Vec::new(), signed), damaged, "the last checkpoint is never released");
}

#[test]
fn a_journal_that_says_so_ends_voting_with_its_own_reason() {
    let reason = NotVoting::SignatureAhead;
    let records = vec![Record::NotVoting(reason)];
    assert_eq!(restored(records, SafetyRecord::default()), Voting::Refused(reason));
}

fn claims() -> impl Strategy<Value = Claim> {
    let step = prop::sample::select(vec![Step::ViewChange, Step::Prepare, Step::Commit]);
    prop_oneof![
        (0..2u32, 0..4u64, 0..3u32, step, 0..3u8)
            .prop_map(|(e, h, v, step, byte)| vote(position(e, h, v, step), byte)),
        (0..6u64, 0..3u8).prop_map(|(size, byte)| checkpoint(size, byte)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is asked in whatever order, at most one thing is ever signed in one place.
    #[test]
    fn no_two_different_things_are_signed_in_one_place(
        asked in prop::collection::vec(claims(), 0..60),
    ) {
        let mut record = SafetyRecord::default();
        let mut votes = std::collections::BTreeMap::new();
        let mut sizes = std::collections::BTreeSet::new();
        for claim in asked {
            let Ok(next) = record.admit(claim) else { continue };
            prop_assert_eq!(SafetyRecord::decode(&next.encode()), Ok(next));
            prop_assert_eq!(record.join(next), next, "an admitted record is the higher one");
            record = next;
            match claim {
                Claim::Vote { position, hash } => {
                    prop_assert_eq!(*votes.entry(position).or_insert(hash), hash);
                }
                Claim::Checkpoint { size, .. } => prop_assert!(sizes.insert(size)),
            }
        }
    }
}
