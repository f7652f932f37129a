//! Every canonical structure has one encoding: what decodes re-encodes to the same bytes, nothing
//! may be missing and nothing may follow.

use std::fmt::Write as _;

use expect_test::expect_file;
use proptest::prelude::*;
use proto::Hash;
use proto::block::{Block, BlockHeader};
use proto::certificate::{CheckpointCertificate, CommitCertificate, PreparedCertificate, Vote};
use proto::codec::Canonical;
use proto::epoch::{Descriptor, Validator};
use proto::hash::Tag;
use proto::history::{HistoryLeaf, LogEntry, LogHead};
use proto::message::{
    Checkpoint, Commit, Decided, Message, PrePrepare, Prepare, Proposal, Seen, Status,
    StatusMessage, ViewChange, ViewChangeMessage,
};
use proto::operation::Operation;
use proto::receipt::{AlertNotice, Alerts, Link, Links, Receipt, ReceiptPayload};
use proto::ring::StateProof;
use proto::set_hash::SetHash;
use proto::sign::{PublicKey, Signature};
use proto::submitter::SubmitterRecord;
use proto::transaction::{SignedTxHeader, Transaction, TxHeader};
use proto::verified::Signed;

use super::dice::Dice;

/// One structure: draws a value and hands back its bytes after checking that they read back, and a
/// reader that says whether bytes decode and, if so, to what they re-encode.
struct Structure {
    name: &'static str,
    draw: fn(&mut Dice) -> Vec<u8>,
    reencode: fn(&[u8]) -> Option<Vec<u8>>,
}

macro_rules! structures {
    ($($type:ty: $draw:expr;)*) => {
        [$(Structure {
            name: stringify!($type),
            draw: |dice| {
                let make: fn(&mut Dice) -> $type = $draw;
                let value = make(dice);
                let bytes = value.encode();
                assert_eq!(<$type>::decode(&bytes).as_ref(), Ok(&value), stringify!($type));
                bytes
            },
            reencode: |bytes| <$type>::decode(bytes).ok().map(|value| value.encode()),
        },)*]
    };
}

const STRUCTURES: &[Structure] = &structures! {
    Hash: Dice::hash;
    Signature: Dice::signature;
    PublicKey: Dice::public_key;
    Validator: |dice| dice.descriptor().validators[0];
    Descriptor: Dice::descriptor;
    BlockHeader: Dice::header;
    Block: Dice::block;
    TxHeader: |dice| dice.transaction().header().clone();
    SignedTxHeader: |dice| dice.transaction().signed().clone();
    Transaction: Dice::transaction;
    Link: Dice::link;
    AlertNotice: Dice::alert;
    Links: Dice::links;
    Alerts: Dice::alerts;
    ReceiptPayload: |dice| dice.receipt().payload();
    Receipt: Dice::receipt;
    HistoryLeaf: Dice::history_leaf;
    SetHash: Dice::sum;
    LogEntry: Dice::log_entry;
    LogHead: Dice::log_head;
    StateProof: Dice::state_proof;
    SubmitterRecord: Dice::submitter;
    Vote: Dice::vote;
    PrePrepare: Dice::pre_prepare;
    Prepare: Dice::prepare;
    Commit: Dice::commit;
    ViewChange: Dice::view_change;
    Checkpoint: Dice::checkpoint;
    Status: Dice::status;
    Signed<Commit>: |dice| dice.signed(Dice::commit);
    CommitCertificate: |dice| dice.certificate(Dice::commit);
    CheckpointCertificate: |dice| dice.certificate(Dice::checkpoint);
    PreparedCertificate: Dice::prepared;
    ViewChangeMessage: Dice::view_change_message;
    Proposal: Dice::proposal;
    Seen: Dice::seen;
    StatusMessage: Dice::status_message;
    Decided: Dice::decided;
    Message: Dice::message;
};

proptest! {
    #[test]
    fn what_is_encoded_reads_back_and_cut_or_lengthened_it_does_not(seed: u64) {
        for structure in STRUCTURES {
            let name = structure.name;
            let mut dice = Dice(seed);
            let bytes = (structure.draw)(&mut dice);
            for length in 0..bytes.len() {
                let cut = (structure.reencode)(&bytes[..length]);
                prop_assert!(cut.is_none(), "{name}: {length} of {} bytes decode", bytes.len());
            }
            let mut longer = bytes;
            longer.push(dice.u8());
            prop_assert!((structure.reencode)(&longer).is_none(), "{name}: a byte more decodes");
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_are_another_value_with_these_very_bytes(seed: u64) {
        for structure in STRUCTURES {
            let mut dice = Dice(seed);
            let mut bytes = (structure.draw)(&mut dice);
            for _ in 0..8 {
                let at = dice.below(bytes.len());
                bytes[at] ^= 1 << dice.below(8);
                if let Some(again) = (structure.reencode)(&bytes) {
                    prop_assert_eq!(&again, &bytes, "{}", structure.name);
                }
            }
        }
    }

    #[test]
    fn random_bytes_never_panic_and_never_have_a_second_encoding(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        for structure in STRUCTURES {
            if let Some(again) = (structure.reencode)(&bytes) {
                prop_assert_eq!(&again, &bytes, "{}", structure.name);
            }
        }
        if let Ok(operation) = Operation::decode(&bytes) {
            prop_assert_eq!(operation.encode(), bytes);
        }
    }

    #[test]
    fn an_operation_fills_the_field_it_stands_in(seed: u64) {
        let operation = Dice(seed).operation();
        let bytes = operation.encode();
        prop_assert_eq!(Operation::decode(&bytes), Ok(operation));
        for length in 0..36 {
            prop_assert!(Operation::decode(&bytes[..length]).is_err(), "{length} bytes of 36");
        }
    }
}

/// What every structure hashed to over many seeds: a change of one byte of any encoding shows, whether or
/// not a golden vector has that case.
#[test]
fn ten_thousand_encodings_of_each_structure_are_those_that_were_frozen() {
    const SEEDS: u64 = 10_000;
    let mut pinned = String::new();
    for Structure { name, draw, .. } in STRUCTURES {
        let mut chained = Hash::ZERO;
        for seed in 0..SEEDS {
            let bytes = draw(&mut Dice(seed));
            chained = Tag::Value.hash_parts(&[chained.as_bytes(), &bytes]);
        }
        writeln!(pinned, "{name}: {chained}").expect("strings are writable");
    }
    expect_file!["../golden/pinned.txt"].assert_eq(&pinned);
}
