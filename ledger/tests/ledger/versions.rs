//! Versions of the contracts: each height is executed by the one that the descriptor of its epoch names,
//! and a chain of an unknown one is refused before anything is written.

use std::collections::BTreeMap;

use contracts::execute::BlockContext;
use contracts::state::{State, StateFault};
use contracts::version::VERSION;
use genesis::ceremony::CONTRACTS;
use ledger::execute::{Executed, execute_block};
use ledger::ledger::OpenError;
use ledger::replay::{ReplayError, replay};
use ledger::store::Column;
use ledger::version::Versions;
use ledger::{Ledger, MemoryStore};
use proto::codec::Canonical as _;
use proto::epoch::{BlockLimits, Descriptor};
use proto::receipt::CODE_ACCEPTED;
use proto::schema::{Body, OperationKind};
use proto::transaction::Transaction;
use proto::trie::Namespace;
use proto::types::Height;
use proto::{Epoch, TimeMs};

use crate::chain::{Chain, EVENT_DAY, event, item};
use crate::check::rows;

/// A later version for these tests: an operation may have one link.
const SECOND: u32 = VERSION + 1;

/// The code of an operation with more links than it may have.
const TOO_MANY_SUBJECTS: u16 = 12;

/// Both versions.
const VERSIONS: Versions = Versions::new(&[(VERSION, execute_block), (SECOND, second)]);

fn second(
    context: &BlockContext,
    bodies: &[Transaction],
    state: &dyn State,
) -> Result<Executed, StateFault> {
    let limits = BlockLimits { max_links: 1, ..context.limits };
    execute_block(&BlockContext { limits, ..context.clone() }, bodies, state)
}

fn stored(chain: &mut Chain) -> Transaction {
    let stored = event(EVENT_DAY, "91130000700000001A", "S", vec![item("LOT", 1_000)]);
    let operation = chain.operation(OperationKind::Commission, &Body::Event(stored));
    chain.transaction(2, vec![operation])
}

#[test]
fn a_new_chain_begins_with_the_version_that_is_built_in() {
    assert_eq!(CONTRACTS, VERSION);
    assert_eq!(Versions::BUILT_IN.known().to_string(), VERSION.to_string());
}

#[test]
fn a_chain_is_executed_and_executed_again_by_its_version() {
    let mut chain = Chain::of_version(SECOND, VERSIONS);
    let body = stored(&mut chain);
    assert_eq!(chain.append(&[body]).unwrap().receipts[0].code, TOO_MANY_SUBJECTS);
    chain.block(0, vec![]);
    let reader = chain.ledger.reader();
    let replayed = replay(&reader, VERSIONS, &mut |_, _| ()).unwrap();
    assert_eq!((replayed.heights, replayed.operations), (3, 1));
    // The first version under the second's number gives other receipts.
    let other = Versions::new(&[(SECOND, execute_block)]);
    let failed = replay(&reader, other, &mut |_, _| ()).unwrap_err();
    let ReplayError::Differs { height, part, .. } = failed else { panic!("{failed}") };
    assert_eq!((height, part), (Height::new(1), "receipts_root"));
    let failed = replay(&reader, Versions::BUILT_IN, &mut |_, _| ()).unwrap_err();
    assert!(matches!(failed, ReplayError::Open(OpenError::Contracts(_))), "{failed}");
}

#[test]
fn a_chain_of_an_unknown_version_is_refused_before_anything_is_written() {
    let genesis = Chain::of_version(SECOND, VERSIONS).made.genesis;
    let empty = MemoryStore::default();
    let refused = Ledger::open_or_create(empty.clone(), &genesis).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the genesis document: epoch 0 from height 1 demands version 2 of the contracts, this program \
         executes 1"
    );
    for column in Column::ALL {
        assert!(rows(&empty, *column).is_empty(), "{column}");
    }
    // Nor is a store opened that another program has written.
    let written = MemoryStore::default();
    drop(Ledger::open_or_create_with(written.clone(), &genesis, VERSIONS).unwrap());
    let opened = Ledger::open(written).unwrap_err();
    assert!(matches!(opened, OpenError::Contracts(_)), "{opened}");
}

#[test]
fn each_height_is_executed_by_the_version_of_its_epoch() {
    let mut chain = Chain::new();
    let first = chain.genesis().descriptor().clone();
    let second = Descriptor {
        epoch: Epoch::new(1),
        first_height: Height::new(3),
        contracts: SECOND,
        ..first.clone()
    };
    let entries = chain.genesis().state().iter();
    let mut state: BTreeMap<(Namespace, Vec<u8>), Vec<u8>> =
        entries.map(|entry| ((entry.namespace, entry.key.clone()), entry.value.clone())).collect();
    let mut codes = Vec::new();
    for number in 1..=4 {
        let height = Height::new(number);
        let epoch = if height < second.first_height { &first } else { &second };
        let context = BlockContext {
            chain: chain.ledger.chain(),
            height,
            time: TimeMs::new(chain.ledger.head().time.value() + number * 1_000),
            limits: epoch.limits,
            agencies: 3,
        };
        let body = stored(&mut chain);
        let execute = VERSIONS.of(epoch).unwrap();
        let executed = execute(&context, &[body], &state).unwrap();
        codes.push(executed.receipts[0].receipt.code);
        for (place, value) in executed.changes {
            match value {
                Some(value) => state.insert(place, value),
                None => state.remove(&place),
            };
        }
    }
    assert_eq!(codes, [CODE_ACCEPTED, CODE_ACCEPTED, TOO_MANY_SUBJECTS, TOO_MANY_SUBJECTS]);
    assert_ne!(first.encode(), second.encode());
}
