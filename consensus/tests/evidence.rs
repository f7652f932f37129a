//! Evidence as a stranger judges it: every contradiction convicts, and nothing that an honest
//! member may sign does.
#![cfg(test)]

use std::collections::BTreeSet;

use consensus::Evidence;
use proto::block::{Block, BlockHeader};
use proto::certificate::{Certificate, PreparedCertificate, Vote};
use proto::codec::Canonical as _;
use proto::epoch::{BlockLimits, Descriptor, Validator};
use proto::message::{
    Checkpoint, Commit, PrePrepare, Prepare, Proposal, ViewChange, ViewChangeMessage,
    justification_hash,
};
use proto::quorum::Mode;
use proto::sign::SecretKey;
use proto::verified::{SetVerifier, Signed, Statement, Verified};
use proto::{AgencyIndex, BlockHash, ChainId, Epoch, Hash, Height, TimeMs, ValidatorIndex, View};

const EPOCH: Epoch = Epoch::ZERO;

fn key(index: u16) -> SecretKey {
    SecretKey::from_seed(&[u8::try_from(index).unwrap() + 1; 32])
}

fn descriptor() -> Descriptor {
    let validator = |index| Validator { agency: AgencyIndex::new(index), key: key(index).public() };
    Descriptor {
        epoch: EPOCH,
        first_height: Height::new(1),
        mode: Mode::Standard,
        rotation_blocks: 1024,
        lag: 4,
        limits: BlockLimits::default(),
        contracts: 1,
        role_table: Hash::ZERO,
        validators: (0..4).map(validator).collect(),
    }
}

fn signed<T: Statement>(statement: T, signer: u16) -> Signed<T> {
    let signature = key(signer).sign(&statement.signed_bytes(ChainId::default()));
    Signed { statement, signer: ValidatorIndex::new(signer), signature }
}

fn hash(byte: u8) -> BlockHash {
    BlockHash(Hash::new([byte; 32]))
}

fn pre_prepare(view: u32, block: u8, just: u8) -> PrePrepare {
    let (height, view) = (Height::new(5), View::new(view));
    let just_hash = Hash::new([just; 32]);
    PrePrepare { epoch: EPOCH, height, view, block_hash: hash(block), just_hash }
}

fn prepare(view: u32, block: u8) -> Prepare {
    let PrePrepare { epoch, height, view, block_hash, .. } = pre_prepare(view, block, 0);
    Prepare { epoch, height, view, block_hash }
}

fn commit(view: u32, block: u8) -> Commit {
    let Prepare { epoch, height, view, block_hash } = prepare(view, block);
    Commit { epoch, height, view, block_hash }
}

fn checkpoint(size: u64, root: u8) -> Checkpoint {
    Checkpoint { epoch: EPOCH, size, root: Hash::new([root; 32]) }
}

fn change(view: u32, prepared: Option<(u32, u8)>) -> ViewChange {
    let prepared = prepared.map(|(view, block)| (View::new(view), hash(block)));
    let (height, view) = (Height::new(5), View::new(view));
    ViewChange { epoch: EPOCH, height, view, parent: hash(0), prepared }
}

fn certificate<T: Statement + Copy>(statement: T, signers: &[u16]) -> Certificate<T> {
    let vote = |signer: &u16| {
        let Signed { signer, signature, .. } = signed(statement, *signer);
        Vote { signer, signature }
    };
    Certificate::new(statement, signers.iter().map(vote).collect())
}

fn prepared(view: u32, block: u8, backups: &[u16]) -> PreparedCertificate {
    let primary = u16::try_from(view % 4).unwrap();
    PreparedCertificate {
        pre_prepare: signed(pre_prepare(view, block, 0), primary),
        prepares: certificate(prepare(view, block), backups).votes,
    }
}

/// A proposal in view 1 of a block first proposed in `block_view`, justified by `set`.
fn proposal(block_view: u32, set: Vec<ViewChangeMessage>) -> Proposal {
    let header = BlockHeader {
        chain: ChainId::default(),
        epoch: EPOCH,
        epoch_hash: Hash::ZERO,
        height: Height::new(5),
        view: View::new(block_view),
        primary: ValidatorIndex::new(1),
        parent: hash(0),
        time: TimeMs::new(1),
        tx_count: 0,
        tx_root: Hash::ZERO,
        evidence_count: 0,
        evidence_root: Hash::ZERO,
    };
    let block = Block::new(header, Vec::new());
    let just_hash = if set.is_empty() { Hash::ZERO } else { justification_hash(&set) };
    let statement = PrePrepare { block_hash: block.hash(), just_hash, ..pre_prepare(1, 0, 0) };
    Proposal { signed: signed(statement, 1), block, justification: set }
}

fn changes(signers: &[u16]) -> Vec<ViewChangeMessage> {
    let change = |signer: &u16| ViewChangeMessage {
        signed: signed(change(1, None), *signer),
        certificate: None,
    };
    signers.iter().map(change).collect()
}

/// Whom a stranger convicts, who holds only the descriptor.
fn convicted(evidence: &Evidence) -> Option<BTreeSet<u16>> {
    let read = Evidence::decode(&evidence.encode()).expect("evidence decodes to itself");
    assert_eq!(&read, evidence);
    let descriptor = descriptor();
    let verifier = SetVerifier::new(ChainId::default(), &descriptor);
    let verified = Verified::check(read, &verifier, &descriptor).ok()?;
    Some(verified.guilty().into_iter().map(ValidatorIndex::value).collect())
}

#[test]
fn contradictory_votes_convict_their_signer_and_nobody_else() {
    for (evidence, guilty) in [
        (
            Evidence::DoublePrePrepare {
                first: signed(pre_prepare(2, 1, 0), 2),
                second: signed(pre_prepare(2, 2, 0), 2),
            },
            &[2][..],
        ),
        (
            Evidence::DoublePrePrepare {
                first: signed(pre_prepare(2, 1, 1), 2),
                second: signed(pre_prepare(2, 1, 2), 2),
            },
            &[2],
        ),
        (
            Evidence::DoublePrepare {
                first: signed(prepare(2, 1), 3),
                second: signed(prepare(2, 2), 3),
            },
            &[3],
        ),
        (
            Evidence::DoubleCommit {
                first: signed(commit(2, 1), 0),
                second: signed(commit(2, 2), 0),
            },
            &[0],
        ),
        (
            Evidence::DoubleCheckpoint {
                first: signed(checkpoint(4, 1), 1),
                second: signed(checkpoint(4, 2), 1),
            },
            &[1],
        ),
        (
            Evidence::LockHidden {
                commit: signed(commit(2, 1), 3),
                view_change: signed(change(3, None), 3),
            },
            &[3],
        ),
        (
            Evidence::LockHidden {
                commit: signed(commit(2, 1), 3),
                view_change: signed(change(3, Some((1, 1))), 3),
            },
            &[3],
        ),
    ] {
        let expected = guilty.iter().copied().collect();
        assert_eq!(convicted(&evidence), Some(expected), "{evidence}");
    }
}

#[test]
fn contradictory_certificates_convict_their_common_signers_and_nobody_else() {
    let with_lock = {
        let mut set = changes(&[0, 2]);
        set.push(ViewChangeMessage {
            signed: signed(change(1, Some((0, 9))), 3),
            certificate: Some(prepared(0, 9, &[1, 2])),
        });
        set
    };
    for (evidence, guilty) in [
        (
            Evidence::DoublePrepared {
                first: prepared(0, 1, &[1, 2]),
                second: prepared(0, 2, &[2, 3]),
            },
            &[0, 2][..],
        ),
        (Evidence::InvalidNewView(proposal(1, changes(&[0, 2]))), &[1]),
        (Evidence::InvalidNewView(proposal(0, changes(&[0, 2, 3]))), &[1]),
        (Evidence::InvalidNewView(proposal(1, with_lock)), &[1]),
        (
            Evidence::Fork {
                first: certificate(commit(0, 1), &[0, 1, 2]),
                second: certificate(commit(0, 2), &[1, 2, 3]),
            },
            &[1, 2],
        ),
        (
            Evidence::Fork {
                first: certificate(commit(0, 1), &[0, 1, 2]),
                second: certificate(commit(1, 2), &[1, 2, 3]),
            },
            &[],
        ),
        (
            Evidence::ForkedCheckpoint {
                first: certificate(checkpoint(4, 1), &[0, 1, 2]),
                second: certificate(checkpoint(4, 2), &[0, 2, 3]),
            },
            &[0, 2],
        ),
    ] {
        let expected = guilty.iter().copied().collect();
        assert_eq!(convicted(&evidence), Some(expected), "{evidence}");
    }
}

#[test]
fn nothing_that_an_honest_member_may_sign_convicts() {
    for evidence in [
        Evidence::DoublePrePrepare {
            first: signed(pre_prepare(2, 1, 0), 2),
            second: signed(pre_prepare(2, 1, 0), 2),
        },
        Evidence::DoublePrePrepare {
            first: signed(pre_prepare(2, 1, 0), 2),
            second: signed(pre_prepare(6, 2, 0), 2),
        },
        Evidence::DoublePrepare {
            first: signed(prepare(2, 1), 3),
            second: signed(prepare(2, 2), 1),
        },
        Evidence::DoublePrepare {
            first: signed(prepare(2, 1), 3),
            second: signed(prepare(3, 2), 3),
        },
        Evidence::DoubleCommit { first: signed(commit(2, 1), 0), second: signed(commit(3, 2), 0) },
        Evidence::DoubleCheckpoint {
            first: signed(checkpoint(4, 1), 1),
            second: signed(checkpoint(5, 2), 1),
        },
        Evidence::LockHidden {
            commit: signed(commit(2, 1), 3),
            view_change: signed(change(3, Some((2, 1))), 3),
        },
        Evidence::LockHidden {
            commit: signed(commit(2, 1), 3),
            view_change: signed(change(2, None), 3),
        },
        Evidence::LockHidden {
            commit: signed(commit(2, 1), 3),
            view_change: signed(change(3, None), 2),
        },
        Evidence::DoublePrepared {
            first: prepared(0, 1, &[1, 2]),
            second: prepared(0, 1, &[2, 3]),
        },
        Evidence::DoublePrepared {
            first: prepared(0, 1, &[1, 2]),
            second: prepared(1, 2, &[2, 3]),
        },
        Evidence::InvalidNewView(proposal(1, changes(&[0, 2, 3]))),
        Evidence::InvalidNewView(proposal(1, Vec::new())),
        Evidence::Fork {
            first: certificate(commit(0, 1), &[0, 1, 2]),
            second: certificate(commit(1, 1), &[1, 2, 3]),
        },
        Evidence::ForkedCheckpoint {
            first: certificate(checkpoint(4, 1), &[0, 1, 2]),
            second: certificate(checkpoint(5, 2), &[0, 2, 3]),
        },
    ] {
        assert_eq!(convicted(&evidence), None, "{evidence}");
    }
}

#[test]
fn a_forged_signature_or_a_short_certificate_convicts_nobody() {
    let mut forged = signed(commit(2, 2), 1);
    forged.signer = ValidatorIndex::new(0);
    let first = signed(commit(2, 1), 0);
    assert_eq!(convicted(&Evidence::DoubleCommit { first, second: forged }), None);
    let short = Evidence::Fork {
        first: certificate(commit(0, 1), &[0, 1]),
        second: certificate(commit(0, 2), &[1, 2, 3]),
    };
    assert_eq!(convicted(&short), None);
}

#[test]
fn evidence_is_told_in_one_sentence() {
    let evidence =
        Evidence::DoubleCommit { first: signed(commit(2, 1), 0), second: signed(commit(2, 2), 0) };
    assert_eq!(evidence.to_string(), "two commits at height 5 view 2, against validator 0");
}
