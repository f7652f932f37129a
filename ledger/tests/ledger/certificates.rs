//! Checkpoint certificates: stored late, put together, never of another history.

use ledger::ledger::CertificateError;
use proto::certificate::Certificate;
use proto::hash::Tag;
use proto::message::Checkpoint;
use proto::types::ValidatorIndex;

use crate::chain::Chain;

fn sizes(chain: &Chain) -> (u64, u64) {
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    (view.certified_size().unwrap(), view.hardened_size().unwrap())
}

#[test]
fn two_signatures_certify_and_the_third_hardens() {
    let mut chain = Chain::new();
    assert_eq!(sizes(&chain), (0, 0));
    chain.checkpoint(&[0, 1]);
    assert_eq!(sizes(&chain), (1, 0), "genesis is certified like any height");
    chain.block(0, vec![]);
    chain.checkpoint(&[0, 1]);
    assert_eq!(sizes(&chain), (2, 0));
    let merged = chain.checkpoint(&[1, 2]);
    assert_eq!(merged.signers().collect::<Vec<_>>(), [0, 1, 2].map(ValidatorIndex::new));
    assert_eq!(sizes(&chain), (2, 2), "both certificates together have all three");
    let reader = chain.ledger.reader();
    assert_eq!(reader.view().unwrap().certificate(2).unwrap(), Some(merged));
}

#[test]
fn a_certificate_of_an_older_size_lowers_nothing() {
    let mut chain = Chain::new();
    let old = chain.certify(chain.ledger.checkpoint(), &[0, 1, 2]);
    chain.block(0, vec![]);
    chain.checkpoint(&[0, 1, 2]);
    chain.ledger.add_checkpoint_certificate(old).unwrap();
    assert_eq!(sizes(&chain), (2, 2));
}

#[test]
fn a_certificate_that_does_not_fit_the_history_is_refused() {
    let mut chain = Chain::new();
    chain.block(0, vec![]);
    let good = chain.ledger.checkpoint();
    let ahead = chain.certify(Checkpoint { size: 3, ..good }, &[0, 1]);
    let error = chain.ledger.add_checkpoint_certificate(ahead).unwrap_err();
    assert_eq!(error.to_string(), "the checkpoint has size 3, the history here has 2");
    let none = chain.certify(Checkpoint { size: 0, ..good }, &[0, 1]);
    assert!(chain.ledger.add_checkpoint_certificate(none).is_err());

    let root = Tag::Node.hash(b"another history");
    let other = chain.certify(Checkpoint { root, ..good }, &[0, 1]);
    let error = chain.ledger.add_checkpoint_certificate(other).unwrap_err();
    assert!(matches!(error, CertificateError::OtherRoot { size: 2, .. }), "{error}");

    let too_few = chain.certify(good, &[2]);
    let error = chain.ledger.add_checkpoint_certificate(too_few).unwrap_err();
    assert_eq!(error.to_string(), "1 votes, a quorum has 2");

    let mut forged: Certificate<Checkpoint> = chain.certify(good, &[0, 1]);
    forged.votes[1].signer = ValidatorIndex::new(2);
    let error = chain.ledger.add_checkpoint_certificate(forged).unwrap_err();
    assert!(matches!(error, CertificateError::Refused(_)), "{error}");
    assert_eq!(sizes(&chain), (0, 0), "nothing was stored");
}

#[test]
fn a_certificate_lost_with_the_power_is_taken_again() {
    let mut chain = Chain::new();
    chain.block(0, vec![]);
    let certificate = chain.checkpoint(&[0, 1, 2]);
    chain.store.crash();
    chain.reopen();
    assert_eq!(sizes(&chain), (0, 0));
    chain.ledger.add_checkpoint_certificate(certificate).unwrap();
    assert_eq!(sizes(&chain), (2, 2));
}
