//! Recovery documents (C5, C6.2): how the agencies go on with a chain that has lost its quorum.
//!
//! It owns the format and the signatures. That what follows has the level RECOVERED, for ever, is
//! decided in `level`.

use genesis::Genesis;
use ledger::bundle::Recovery;
use proto::codec::{Canonical as _, DecodeError, Reader, Writer};
use proto::epoch::Descriptor;
use proto::hash::Hash;
use proto::message::ViewChange;
use proto::sign::Signature;
use proto::types::{AgencyIndex, ChainId, Epoch, ValidatorIndex, View};
use proto::verified::{SetVerifier, Signed, Verifier as _};

use crate::chain::signature;
use crate::failure::{At, ChainProblem, Failure, Part, Problem};

/// Opens the signed bytes.
const TAG: &str = "jjj/recovery/v1";

/// View of a survivor's last view change: no view comes after it, so an old vote never counts again.
const LAST_VIEW: View = View::new(u32::MAX);

/// Bytes of one survivor's view change.
const SURVIVOR_BYTES_MAX: u32 = 256;

/// Bytes of a descriptor: the largest set and the parameters.
const DESCRIPTOR_BYTES_MAX: u32 = 64 * 1024;

/// Bytes of the reason: a page of text.
const REASON_BYTES_MAX: u32 = 16 * 1024;

/// What the document is judged against.
pub(crate) struct Context<'a> {
    pub(crate) chain: ChainId,
    pub(crate) genesis: &'a Genesis,
    /// The epoch that ends.
    pub(crate) old: &'a Descriptor,
}

/// The checkpoint that is kept.
pub(crate) struct Kept {
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

struct Document<'a> {
    chain: ChainId,
    old_epoch: Epoch,
    size: u64,
    root: Hash,
    survivors: Vec<Signed<ViewChange>>,
    descriptor: &'a [u8],
}

/// Checks a recovery document; returns the agencies that signed it.
pub(crate) fn verify(
    at: &At,
    carried: &Recovery,
    context: &Context<'_>,
    kept: &Kept,
    descriptor: &[u8],
) -> Result<Vec<AgencyIndex>, Failure> {
    let document = parse(&carried.document, context.old.epoch)
        .map_err(|error| at.fail(Problem::Bytes(Part::Recovery, error)))?;
    at.equal(Part::Recovery, "chain", document.chain, context.chain)?;
    at.equal(Part::Recovery, "old epoch", document.old_epoch, context.old.epoch)?;
    at.equal(Part::Recovery, "kept size", document.size, kept.size)?;
    at.equal(Part::Recovery, "root", document.root, kept.root)?;
    if document.descriptor != descriptor {
        return Err(at.fail(Problem::Hash(Part::Descriptor)));
    }
    check_survivors(at, &document.survivors, context)?;
    check_agencies(at, carried, context.genesis)
}

fn check_survivors(
    at: &At,
    survivors: &[Signed<ViewChange>],
    context: &Context<'_>,
) -> Result<(), Failure> {
    let at = at.inside("survivors");
    if !survivors.windows(2).all(|pair| matches!(pair, [a, b] if a.signer < b.signer)) {
        return Err(at.fail(Problem::Order(Part::Survivors)));
    }
    let verifier = SetVerifier::new(context.chain, context.old);
    for change in survivors {
        let signer = change.signer.value().into();
        at.equal(Part::Survivors, "view", change.statement.view, LAST_VIEW)?;
        verifier.verify(change).map_err(|_| at.chain(ChainProblem::BadSignature { signer }))?;
    }
    Ok(())
}

/// At least `recovery_threshold` agencies signed the document's bytes, in ascending order; one bad
/// or double signature makes it invalid.
fn check_agencies(
    at: &At,
    carried: &Recovery,
    genesis: &Genesis,
) -> Result<Vec<AgencyIndex>, Failure> {
    let at = at.inside("signatures");
    let needed = genesis.recovery_threshold();
    let mut agencies: Vec<AgencyIndex> = Vec::new();
    for vote in &carried.signatures {
        let unknown = || at.chain(ChainProblem::UnknownSigner { signer: vote.signer });
        let index = AgencyIndex::new(u16::try_from(vote.signer).map_err(|_| unknown())?);
        if agencies.last().is_some_and(|last| *last >= index) {
            return Err(at.chain(ChainProblem::SignerOrder { signer: vote.signer }));
        }
        let agency = genesis.agency(index).ok_or_else(unknown)?;
        let signature = signature(&at, vote.signer, &vote.signature)?;
        agency
            .governance_key
            .verify(&carried.document, &signature)
            .map_err(|_| at.chain(ChainProblem::BadSignature { signer: vote.signer }))?;
        agencies.push(index);
    }
    if agencies.len() < usize::from(needed) {
        return Err(at.chain(ChainProblem::TooFew { found: agencies.len(), needed }));
    }
    Ok(agencies)
}

fn parse(bytes: &[u8], old_epoch: Epoch) -> Result<Document<'_>, DecodeError> {
    let mut input = Reader::new(bytes);
    input.tag("tag", TAG)?;
    let chain = ChainId(input.hash("chain")?);
    let epoch = Epoch::new(input.u32("old epoch")?);
    let size = input.u64("kept size")?;
    let root = input.hash("root")?;
    let mut last: Option<Hash> = None;
    for _ in 0..input.u16("abandoned blocks")? {
        let block = input.hash("abandoned block")?;
        if last.is_some_and(|last| last >= block) {
            let rule = "ascends, no two equal";
            return Err(DecodeError::Invalid { field: "abandoned blocks", rule });
        }
        last = Some(block);
    }
    let mut survivors = Vec::new();
    for _ in 0..input.u16("survivors")? {
        let one = input.bytes32("survivor", SURVIVOR_BYTES_MAX)?;
        survivors.push(parse_survivor(one, old_epoch)?);
    }
    let descriptor = input.bytes32("descriptor", DESCRIPTOR_BYTES_MAX)?;
    let reason = input.bytes32("reason", REASON_BYTES_MAX)?;
    if std::str::from_utf8(reason).is_err() {
        return Err(DecodeError::Invalid { field: "reason", rule: "is UTF-8" });
    }
    input.finish()?;
    Ok(Document { chain, old_epoch: epoch, size, root, survivors, descriptor })
}

/// `index u16 || signed fields || signature`; the epoch is the document's old one.
fn parse_survivor(bytes: &[u8], epoch: Epoch) -> Result<Signed<ViewChange>, DecodeError> {
    let mut input = Reader::new(bytes);
    let signer = ValidatorIndex::new(input.u16("survivor index")?);
    let mut whole = Writer::default();
    whole.u32(epoch.value()).raw(input.raw("survivor", input.remaining())?);
    let whole = whole.into_bytes();
    let mut input = Reader::new(&whole);
    let statement = ViewChange::decode_from(&mut input)?;
    let signature = Signature::decode_from(&mut input)?;
    input.finish()?;
    Ok(Signed { statement, signer, signature })
}
