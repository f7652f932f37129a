//! Items (C6.5): one history leaf each, and what is shown below it.

use genesis::StateEntry;
use ledger::bundle::{Bundle, Item, OpProof, ReceiptProof, StatePath, StateValue, TxProof};
use proto::block::BlockHeader;
use proto::hash::{Hash, Tag};
use proto::history::{HistoryLeaf, StateRoots};
use proto::namespace::{Class, Namespace};
use proto::receipt::{Alerts, Links, ReceiptPayload, ReceiptSource};
use proto::ring::{self, Ring, StateProof, TwigBits};
use proto::set_hash::{RowHash, SetHash};
use proto::transaction::SignedTxHeader;
use proto::tree;
use proto::types::Height;

use crate::chain::{Chain, decode, hash, hashes};
use crate::failure::{At, ChainProblem, Failure, Part, Problem, Rule};
use crate::log::{self, VerifiedLog};

/// An item whose every part is proven.
pub(crate) struct VerifiedItem {
    pub(crate) leaf: HistoryLeaf,
    pub(crate) logs: Vec<VerifiedLog>,
}

/// Verifies every item.
pub(crate) fn verify(bundle: &Bundle, chain: &Chain) -> Result<Vec<VerifiedItem>, Failure> {
    let one = |(position, item)| {
        let at = At::new(Rule::Item, format!("items[{position}]"));
        verify_item(&at, item, chain)
    };
    bundle.items.iter().enumerate().map(one).collect()
}

fn verify_item(at: &At, item: &Item, chain: &Chain) -> Result<VerifiedItem, Failure> {
    let leaf = verify_leaf(at, item, chain)?;
    let header = match &item.header {
        None => None,
        Some(bytes) => Some(verify_header(&at.inside("header"), bytes, &leaf, chain)?),
    };
    let tx = match (&item.tx, &header) {
        (None, _) => None,
        (Some(tx), Some(header)) => Some(verify_tx(&at.inside("tx"), tx, header, chain)?),
        (Some(_), None) => return Err(at.fail(Problem::Missing(Part::Header))),
    };
    let op_leaf = match (&item.op, &tx) {
        (None, _) => None,
        (Some(op), Some(tx)) => Some(verify_op(&at.inside("op"), op, tx)?),
        (Some(_), None) => return Err(at.fail(Problem::Missing(Part::Transaction))),
    };
    if let Some(receipt) = &item.receipt {
        let shown = Shown { tx: tx.as_ref(), op: item.op.as_ref().zip(op_leaf) };
        verify_receipt(&at.inside("receipt"), receipt, &leaf, &shown)?;
    }
    verify_states(at, &item.states, &leaf)?;
    let logs = log::verify_all(at, item, &leaf)?;
    Ok(VerifiedItem { leaf, logs })
}

/// The leaf is in the final history, and of the epoch of its height.
fn verify_leaf(at: &At, item: &Item, chain: &Chain) -> Result<HistoryLeaf, Failure> {
    let at = at.inside("leaf");
    let leaf: HistoryLeaf = decode(&at, Part::Leaf, &item.leaf)?;
    let height = leaf.height;
    let path = hashes(&at, &item.path)?;
    tree::verify_inclusion(
        &Tag::History.hash(&item.leaf),
        height.value(),
        chain.size,
        &path,
        &chain.root,
    )
    .map_err(|error| at.fail(Problem::Path(Part::Leaf, error)))?;
    at.equal(Part::Leaf, "chain", leaf.chain, chain.id)?;
    let epoch = chain.epoch_of(height);
    at.equal(Part::Leaf, "epoch", leaf.epoch, epoch.descriptor.epoch)?;
    let next = chain.epoch_of(height.next());
    let begins_recovered = next.recovered && next.descriptor.first_height == height.next();
    if height.history_size() != chain.size && !begins_recovered {
        at.equal(Part::Leaf, "next_epoch_hash", leaf.next_epoch_hash, next.hash)?;
    }
    if height == Height::GENESIS {
        verify_genesis_leaf(&at, item, &leaf, chain)?;
    }
    Ok(leaf)
}

/// Leaf 0 follows from the genesis document alone (C4), and has no block.
fn verify_genesis_leaf(
    at: &At,
    item: &Item,
    leaf: &HistoryLeaf,
    chain: &Chain,
) -> Result<(), Failure> {
    if item.header.is_some() {
        return Err(at.fail(Problem::Unexpected(Part::Header)));
    }
    let (mut proved, mut sum) = (Vec::new(), SetHash::default());
    for StateEntry { namespace, key, value } in chain.genesis.state() {
        match namespace.class() {
            Class::Proved => {
                proved.push((ring::state_key(*namespace, key), ring::value_hash(value)));
            }
            Class::Working => sum.add(&RowHash::of(*namespace, key, value)),
        }
    }
    let state_root = Ring::genesis(proved).root();
    let roots = StateRoots { state_root, working_root: sum.root() };
    let epoch_hash = chain.epoch_of(Height::GENESIS).hash;
    let expected = HistoryLeaf::genesis(chain.id, chain.genesis.time(), roots, epoch_hash);
    // The last field says nothing of genesis where a recovery began at height 1, or at the head.
    let expected = HistoryLeaf { next_epoch_hash: leaf.next_epoch_hash, ..expected };
    if *leaf == expected { Ok(()) } else { Err(at.fail(Problem::Hash(Part::Genesis))) }
}

fn verify_header(
    at: &At,
    bytes: &[u8],
    leaf: &HistoryLeaf,
    chain: &Chain,
) -> Result<BlockHeader, Failure> {
    let header: BlockHeader = decode(at, Part::Header, bytes)?;
    if header.hash() != leaf.block_hash {
        return Err(at.fail(Problem::Hash(Part::Header)));
    }
    let epoch = chain.epoch_of(leaf.height);
    at.equal(Part::Header, "chain", header.chain, leaf.chain)?;
    at.equal(Part::Header, "height", header.height, leaf.height)?;
    at.equal(Part::Header, "epoch", header.epoch, leaf.epoch)?;
    at.equal(Part::Header, "time", header.time, leaf.time)?;
    at.equal(Part::Header, "epoch_hash", header.epoch_hash, epoch.hash)?;
    Ok(header)
}

fn verify_tx(
    at: &At,
    tx: &TxProof,
    header: &BlockHeader,
    chain: &Chain,
) -> Result<SignedTxHeader, Failure> {
    let signed: SignedTxHeader = decode(at, Part::Transaction, &tx.payload)?;
    let leaf = Tag::Tx.hash(&tx.payload);
    let path = hashes(at, &tx.path)?;
    tree::verify_inclusion(&leaf, tx.index.into(), header.tx_count.into(), &path, &header.tx_root)
        .map_err(|error| at.fail(Problem::Path(Part::Transaction, error)))?;
    at.equal(Part::Transaction, "chain", signed.header.chain, chain.id)?;
    signed.verify().map_err(|_| at.chain(ChainProblem::BadSignature { signer: tx.index }))?;
    Ok(signed)
}

fn verify_op(at: &At, op: &OpProof, tx: &SignedTxHeader) -> Result<Hash, Failure> {
    let leaf = Tag::Op.hash(&op.bytes);
    let path = hashes(at, &op.path)?;
    let header = &tx.header;
    tree::verify_inclusion(&leaf, op.index.into(), header.op_count.into(), &path, &header.op_root)
        .map_err(|error| at.fail(Problem::Path(Part::Operation, error)))?;
    Ok(leaf)
}

/// What the item shows of the receipt's operation.
struct Shown<'a> {
    tx: Option<&'a SignedTxHeader>,
    op: Option<(&'a OpProof, Hash)>,
}

fn verify_receipt(
    at: &At,
    receipt: &ReceiptProof,
    leaf: &HistoryLeaf,
    shown: &Shown<'_>,
) -> Result<(), Failure> {
    let payload: ReceiptPayload = decode(at, Part::Receipt, &receipt.payload)?;
    let path = hashes(at, &receipt.path)?;
    tree::verify_inclusion(
        &Tag::Receipt.hash(&receipt.payload),
        receipt.index.into(),
        leaf.receipts_count.into(),
        &path,
        &leaf.receipts_root,
    )
    .map_err(|error| at.fail(Problem::Path(Part::Receipt, error)))?;
    verify_lists(at, &payload, &receipt.links, &receipt.alerts)?;
    match (&payload.source, shown.tx) {
        (_, None) => Ok(()),
        (ReceiptSource::System { .. }, Some(_)) => {
            Err(at.fail(Problem::Unexpected(Part::Transaction)))
        }
        (ReceiptSource::Operation { tx_id, op_index, op_leaf }, Some(tx)) => {
            at.equal(Part::Receipt, "tx_id", *tx_id, tx.header.tx_id())?;
            let Some((op, shown_leaf)) = shown.op else { return Ok(()) };
            at.equal(Part::Receipt, "op_index", u32::from(*op_index), op.index)?;
            at.equal(Part::Receipt, "op_leaf", *op_leaf, shown_leaf)
        }
    }
}

/// The lists of a receipt are those that its payload commits to.
pub(crate) fn verify_lists(
    at: &At,
    payload: &ReceiptPayload,
    links: &[u8],
    alerts: &[u8],
) -> Result<(Links, Alerts), Failure> {
    let (links_at, alerts_at) = (at.inside("links"), at.inside("alerts"));
    if Tag::Links.hash(links) != payload.links_hash {
        return Err(links_at.fail(Problem::Hash(Part::Links)));
    }
    if Tag::Alerts.hash(alerts) != payload.alerts_hash {
        return Err(alerts_at.fail(Problem::Hash(Part::Alerts)));
    }
    Ok((decode(&links_at, Part::Links, links)?, decode(&alerts_at, Part::Alerts, alerts)?))
}

fn verify_states(at: &At, states: &[StateValue], leaf: &HistoryLeaf) -> Result<(), Failure> {
    let name = |state: &StateValue| (state.namespace, state.key.clone());
    if !states.windows(2).all(|pair| matches!(pair, [a, b] if name(a) < name(b))) {
        return Err(at.inside("states").fail(Problem::Order(Part::States)));
    }
    for (position, state) in states.iter().enumerate() {
        let at = at.inside(&format!("states[{position}]"));
        let code = u8::try_from(state.namespace).ok();
        let namespace = code
            .and_then(Namespace::from_code)
            // Working rows are not in the trie: their absence there says nothing.
            .filter(|namespace| namespace.class() == Class::Proved)
            .ok_or_else(|| at.fail(Problem::Number(Part::States, state.namespace.into())))?;
        let proof = state_proof(&at, state.proof.as_ref())?;
        proof
            .verify(namespace, &state.key, state.value.as_deref(), &leaf.state_root)
            .map_err(|error| at.fail(Problem::State(error)))?;
    }
    Ok(())
}

/// The typed form of a state path.
pub(crate) fn state_proof(at: &At, path: Option<&StatePath>) -> Result<StateProof, Failure> {
    let at = at.inside("proof");
    let path = path.ok_or_else(|| at.fail(Problem::Missing(Part::States)))?;
    let length = u64::try_from(path.bits.len()).unwrap_or(u64::MAX);
    let bits = TwigBits::try_from(path.bits.as_slice());
    let bits = bits.map_err(|_| at.fail(Problem::Number(Part::Bits, length)))?;
    Ok(StateProof {
        size: path.size,
        position: path.position,
        key: path.key.clone(),
        value: hash(&at, &path.value)?,
        next: path.next.clone(),
        leaf_path: hashes(&at, &path.leaf_path)?,
        bits: Box::new(bits),
        twig_path: hashes(&at, &path.twig_path)?,
    })
}
