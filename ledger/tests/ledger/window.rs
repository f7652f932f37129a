//! Heights whose state can be read and proven, and those that have left the window.

use ledger::check::check;
use ledger::reader::ReadError;
use ledger::schema::WINDOW_HEIGHTS;
use ledger::store::{Column, StoreRead as _};
use proto::schema::{Body, OperationKind};
use proto::trie::Namespace;
use proto::types::Height;

use crate::chain::{Chain, EVENT_DAY, event, item};

#[test]
fn the_state_of_every_height_of_the_window_is_proven_and_of_older_ones_refused() {
    let mut chain = Chain::new();
    let heights = WINDOW_HEIGHTS + 70;
    for height in 1..=heights {
        // Now and then something happens, so that old pages differ from new ones.
        let operations = if height.is_multiple_of(97) {
            let units = vec![item(&format!("HE-LOT-{height}"), 1_000)];
            let body = event(EVENT_DAY, "91130000700000001A", "HE-PORT-1", units);
            vec![chain.operation(OperationKind::Commission, &Body::Event(body))]
        } else {
            vec![]
        };
        chain.block(2, operations);
    }
    let reader = chain.ledger.reader();
    let view = reader.view().unwrap();
    let oldest = heights - WINDOW_HEIGHTS;
    let key = proto::history::LogKey {
        kind: proto::receipt::SubjectKind::Party,
        bucket: EVENT_DAY,
        subject: b"91130000700000001A".to_vec(),
    };
    let mut changes = 0;
    let mut last = None;
    for height in (oldest..=heights).step_by(11).chain([heights - 1, heights]) {
        let at = view.at(Height::new(height)).unwrap();
        let root = view.leaf(Height::new(height)).unwrap().unwrap().state_root;
        for state_key in [key.state_key(), b"absent".to_vec()] {
            let value = at.value(Namespace::Log, &state_key).unwrap();
            let proof = at.proof(Namespace::Log, &state_key).unwrap();
            proof.verify(Namespace::Log, &state_key, value.as_deref(), &root).unwrap();
            if state_key != b"absent" && value != last {
                (changes, last) = (changes + 1, value);
            }
        }
    }
    assert!(changes > 8, "the value changed {changes} times within the window");
    let (newest, older) = (view.at(Height::new(heights)), view.at(Height::new(heights - 1)));
    assert!(newest.unwrap().value(Namespace::Unit, b"no such unit").unwrap().is_none());
    let error = older.unwrap().value(Namespace::Unit, b"no such unit").unwrap_err();
    let expected = format!(
        "rows of Unit can be read as of height {heights}, not of {}: older ones are not kept",
        heights - 1
    );
    assert_eq!(error.to_string(), expected);
    for height in [0, oldest - 1, heights + 1] {
        let error = view.at(Height::new(height)).unwrap_err();
        let ReadError::OutsideWindow { oldest: from, .. } = error else { panic!("{error}") };
        assert_eq!(from, Height::new(oldest), "height {height}");
    }
    let rows = chain.store.scan_prefix(Column::Undo, &[], &[], usize::MAX).unwrap();
    let first = u64::from_be_bytes(rows[0].0[..8].try_into().unwrap());
    assert_eq!(first, 65, "pruned at height 1,088, as far as the window allowed then");
    let report = check(&reader, &mut |_| ()).unwrap();
    assert_eq!(report.faults, []);
    assert_eq!(report.counts.older_states, heights - 64);
}
