//! Certificates and messages under a real verifier: one bad, duplicate or foreign signature makes
//! the whole invalid, and parts that contradict each other are refused.

use proto::Hash;
use proto::certificate::{CommitCertificate, PreparedCertificate};
use proto::message::{
    Decided, Message, Proposal, Seen, StatusMessage, ViewChangeMessage, justification_hash,
};
use proto::types::{BlockHash, ChainId, Epoch, ValidatorIndex, View};
use proto::verified::{Refused, SetVerifier, TrustAll, Verifiable, Verified};

use super::sample;

fn check(value: &impl Verifiable) -> Result<(), Refused> {
    let descriptor = sample::descriptor();
    value.check(&SetVerifier::new(sample::chain(), &descriptor), &descriptor)
}

fn inconsistent(result: Result<(), Refused>, rule: &str) {
    assert!(
        matches!(result, Err(Refused::Inconsistent { rule: found }) if found.contains(rule)),
        "{rule}: {result:?}"
    );
}

fn commits(change: impl FnOnce(&mut CommitCertificate)) -> Result<(), Refused> {
    let mut certificate = sample::commit_certificate();
    change(&mut certificate);
    check(&certificate)
}

#[test]
fn a_quorum_of_distinct_members_in_order_makes_a_certificate() {
    assert_eq!(commits(|_| ()), Ok(()));
    let signers: Vec<u16> =
        sample::commit_certificate().signers().map(ValidatorIndex::value).collect();
    assert_eq!(signers, [0, 2, 3], "ordered by index, whatever order the votes came in");
    assert!(!sample::commit_certificate().is_unanimous(4));
    assert!(sample::checkpoint_certificate().is_unanimous(4));
}

#[test]
fn one_vote_too_few_twice_or_out_of_order_makes_none() {
    let short = commits(|certificate| certificate.votes.truncate(2));
    assert_eq!(short, Err(Refused::TooFew { found: 2, needed: 3 }));
    let twice = commits(|certificate| certificate.votes[2] = certificate.votes[1]);
    assert_eq!(twice, Err(Refused::Order { signer: ValidatorIndex::new(2) }));
    let swapped = commits(|certificate| certificate.votes.swap(0, 1));
    assert_eq!(swapped, Err(Refused::Order { signer: ValidatorIndex::new(0) }));
}

#[test]
fn one_bad_or_foreign_signature_beside_a_quorum_makes_none() {
    let bad =
        commits(|certificate| certificate.votes[1].signature = certificate.votes[0].signature);
    assert!(matches!(bad, Err(Refused::BadSignature(_))));
    let foreign = commits(|certificate| {
        let mut extra = certificate.votes[2];
        extra.signer = ValidatorIndex::new(4);
        certificate.votes.push(extra);
    });
    let (signer, epoch) = (ValidatorIndex::new(4), Epoch::ZERO);
    assert_eq!(foreign, Err(Refused::UnknownSigner { signer, epoch }));
    let padded = commits(|certificate| {
        let mut extra = certificate.votes[0];
        extra.signer = ValidatorIndex::new(1);
        certificate.votes.insert(1, extra);
    });
    assert!(matches!(padded, Err(Refused::BadSignature(_))), "padding condemns the certificate");
}

#[test]
fn votes_hold_for_their_statement_chain_and_epoch_only() {
    let view = commits(|certificate| certificate.statement.view = View::new(1));
    assert!(matches!(view, Err(Refused::BadSignature(_))));
    let epoch = commits(|certificate| certificate.statement.epoch = Epoch::new(1));
    let expected = Refused::UnknownEpoch { found: Epoch::new(1), known: Epoch::ZERO };
    assert_eq!(epoch, Err(expected));
    let descriptor = sample::descriptor();
    let elsewhere = SetVerifier::new(ChainId(Hash::ZERO), &descriptor);
    let found = sample::commit_certificate().check(&elsewhere, &descriptor);
    assert!(matches!(found, Err(Refused::BadSignature(_))), "another chain");
    let commit = sample::sign(sample::commit(), 1);
    let as_prepare = proto::verified::Signed {
        statement: sample::prepare(),
        signer: commit.signer,
        signature: commit.signature,
    };
    let found = check(&Message::Prepare(as_prepare));
    assert!(matches!(found, Err(Refused::BadSignature(_))), "a commit is no prepare");
}

fn prepared(change: impl FnOnce(&mut PreparedCertificate)) -> Result<(), Refused> {
    let mut certificate = sample::prepared_certificate();
    change(&mut certificate);
    check(&certificate)
}

#[test]
fn a_prepared_certificate_counts_the_primary_once_and_only_the_primary_proposes() {
    assert_eq!(prepared(|_| ()), Ok(()));
    let short = prepared(|certificate| certificate.prepares.truncate(1));
    assert_eq!(short, Err(Refused::TooFew { found: 1, needed: 2 }));
    let own = sample::sign(sample::prepare(), 0);
    inconsistent(
        prepared(|certificate| {
            let vote = proto::certificate::Vote { signer: own.signer, signature: own.signature };
            certificate.prepares[0] = vote;
        }),
        "counts once",
    );
    inconsistent(
        prepared(|certificate| certificate.pre_prepare = sample::sign(sample::pre_prepare(), 3)),
        "the primary's pre-prepare",
    );
}

#[test]
fn a_view_change_carries_exactly_the_certificate_it_names() {
    let set = sample::justification();
    let (empty, holder) = (set[0].clone(), set[1].clone());
    assert_eq!((check(&empty), check(&holder)), (Ok(()), Ok(())));
    let bare = ViewChangeMessage { certificate: None, ..holder.clone() };
    inconsistent(check(&bare), "exactly where");
    let laden = ViewChangeMessage { certificate: holder.certificate.clone(), ..empty };
    inconsistent(check(&laden), "exactly where");
    for named in [
        (View::new(1), sample::block().hash()), // another view
        (View::ZERO, BlockHash::default()),     // another block
    ] {
        let signed = sample::sign(sample::view_change(Some(named)), 1);
        let other = ViewChangeMessage { signed, certificate: holder.certificate.clone() };
        inconsistent(check(&other), "the block it names");
    }
    let mut late = sample::view_change(Some((View::ZERO, sample::block().hash())));
    late.view = View::ZERO;
    let late = ViewChangeMessage { signed: sample::sign(late, 1), certificate: holder.certificate };
    inconsistent(check(&late), "the block it names");
}

fn new_view(set: Vec<ViewChangeMessage>, just_hash: Hash) -> Proposal {
    let mut statement = sample::pre_prepare();
    statement.view = View::new(2);
    statement.just_hash = just_hash;
    Proposal { signed: sample::sign(statement, 2), block: sample::block(), justification: set }
}

#[test]
fn a_new_view_signs_the_set_it_carries() {
    let set = sample::justification();
    let hash = justification_hash(&set);
    assert_eq!(check(&new_view(set.clone(), hash)), Ok(()));
    inconsistent(check(&new_view(set.clone(), Hash::ZERO)), "just_hash");
    inconsistent(check(&new_view(Vec::new(), hash)), "just_hash");
    inconsistent(check(&new_view(set[..2].to_vec(), hash)), "just_hash");
    let mut swapped = set.clone();
    swapped.swap(0, 2);
    let found = check(&new_view(swapped.clone(), justification_hash(&swapped)));
    assert_eq!(found, Err(Refused::Order { signer: ValidatorIndex::new(1) }));
    let mut bad = set;
    bad[2].signed.signature = bad[0].signed.signature;
    let found = check(&new_view(bad.clone(), justification_hash(&bad)));
    assert!(matches!(found, Err(Refused::BadSignature(_))));
}

#[test]
fn a_proposal_and_a_decided_block_carry_the_block_they_name() {
    let mut proposal = new_view(Vec::new(), Hash::ZERO);
    assert_eq!(check(&proposal), Ok(()));
    let other = proto::block::Block::new(sample::header(), vec![sample::hash(9)]);
    proposal.block = other.clone();
    inconsistent(check(&proposal), "the block that it names");
    let certificate = sample::commit_certificate();
    assert_eq!(
        check(&Decided { block: sample::block(), certificate: certificate.clone() }),
        Ok(())
    );
    inconsistent(check(&Decided { block: other, certificate }), "the block that it names");
}

#[test]
fn a_status_carries_its_senders_own_checkpoint_and_true_signatures() {
    let status = |checkpoint_by, seen| StatusMessage {
        signed: sample::sign(sample::status(), 1),
        decided: Some(sample::commit_certificate()),
        certified: Some(sample::checkpoint_certificate()),
        checkpoint: Some(sample::sign(sample::checkpoint(), checkpoint_by)),
        seen,
    };
    let seen = Seen::Commit(sample::sign(sample::commit(), 0));
    assert_eq!(check(&status(1, vec![seen])), Ok(()));
    inconsistent(check(&status(2, Vec::new())), "sender's own checkpoint");
    let mut forged = sample::sign(sample::commit(), 0);
    forged.signer = ValidatorIndex::new(2);
    let found = check(&status(1, vec![Seen::Commit(forged)]));
    assert!(matches!(found, Err(Refused::BadSignature(_))));
}

#[test]
fn only_a_check_makes_a_verified_value() {
    let descriptor = sample::descriptor();
    let verifier = SetVerifier::new(sample::chain(), &descriptor);
    let good = Verified::check(sample::commit_certificate(), &verifier, &descriptor).expect("good");
    assert_eq!(good.statement, sample::commit());
    assert_eq!(good.into_inner(), sample::commit_certificate());
    let mut bad = sample::commit_certificate();
    bad.votes[0].signature = bad.votes[1].signature;
    assert!(Verified::check(bad.clone(), &verifier, &descriptor).is_err());
    assert!(Verified::check(bad, &TrustAll, &descriptor).is_ok(), "a simulation believes it");
}
