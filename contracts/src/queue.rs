//! What the operations of a block leave to be looked at at its end. Normally all of it is, so it lies
//! in the overlay of the block only and never comes into the state; what a block does not get to is
//! written to a set of pages, and the next block begins with it.

use std::collections::BTreeMap;

use proto::trie::Namespace;

use crate::pages::{Found, Map, Pages};
use crate::state::{Overlay, StateFault};

/// Beginning of the keys, namespace SYS, under which notes lie in the overlay. No key of the state
/// begins so.
const NOTES: &[u8] = b"\0note";

/// A queue by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Queue(&'static [u8]);

impl Queue {
    /// The queue of a name.
    pub(crate) const fn of(name: &'static [u8]) -> Self {
        Self(name)
    }

    /// Notes a key; a second note of one key replaces the first.
    pub(crate) fn put(self, state: &mut Overlay<'_>, key: &[u8], value: Vec<u8>) {
        state.put(Namespace::Sys, &[&*self.prefix(), key].concat(), value);
    }

    /// Up to `limit` entries: what earlier blocks left, then what this one noted. What was left half
    /// done and is noted anew begins from the beginning: what was done of it may be out of date.
    pub(crate) fn scan(self, state: &Overlay<'_>, limit: usize) -> Result<Vec<Found>, StateFault> {
        let mut found = self.left().scan(state, None, limit)?;
        let prefix = self.prefix();
        let noted = state.written_below(Namespace::Sys, &prefix).into_iter();
        let noted = noted.map(|(key, value)| (key.split_at(prefix.len()).1.to_vec(), value));
        let mut noted: BTreeMap<Vec<u8>, Vec<u8>> = noted.collect();
        for left in &mut found {
            if let Some(value) = noted.remove(&left.key) {
                left.value = value;
            }
        }
        let room = limit.saturating_sub(found.len());
        found.extend(noted.into_iter().take(room).map(|(key, value)| Found::new(&key, value)));
        Ok(found)
    }

    /// Takes a key out.
    pub(crate) fn remove(self, state: &mut Overlay<'_>, key: &[u8]) -> Result<(), StateFault> {
        state.forget(Namespace::Sys, &[&*self.prefix(), key].concat());
        self.left().remove(state, key)
    }

    /// Leaves a key with what is to be gone on with to the next block, or takes it out.
    pub(crate) fn set(
        self,
        state: &mut Overlay<'_>,
        key: &[u8],
        value: Option<Vec<u8>>,
    ) -> Result<(), StateFault> {
        self.remove(state, key)?;
        match value {
            Some(value) => self.left().put(state, key, value),
            None => Ok(()),
        }
    }

    fn prefix(self) -> Vec<u8> {
        let length = u8::try_from(self.0.len()).expect("names of queues are short constants");
        [NOTES, &[length], self.0].concat()
    }

    fn left(self) -> Pages {
        Pages::of(Namespace::Sys, self.0, Map::Dirty)
    }
}

/// Writes what was noted and not looked at to the state. The last thing that a block does.
pub(crate) fn leave(state: &mut Overlay<'_>) -> Result<(), StateFault> {
    for (key, value) in state.written_below(Namespace::Sys, NOTES) {
        state.forget(Namespace::Sys, &key);
        let rest = key.strip_prefix(NOTES).and_then(<[u8]>::split_first);
        let Some((name, key)) =
            rest.and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)))
        else {
            continue;
        };
        Pages::of(Namespace::Sys, name, Map::Dirty).put(state, key, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: Queue = Queue::of(b"test");

    fn keys(state: &Overlay<'_>, limit: usize) -> Vec<String> {
        let found = QUEUE.scan(state, limit).unwrap();
        found.into_iter().map(|found| String::from_utf8(found.key).unwrap()).collect()
    }

    #[test]
    fn what_is_looked_at_in_its_block_never_comes_into_the_state() {
        let base = BTreeMap::new();
        let mut block = Overlay::new(&base);
        let mut operation = block.child();
        QUEUE.put(&mut operation, b"a", Vec::new());
        QUEUE.put(&mut operation, b"a", Vec::new());
        Queue::of(b"tes").put(&mut operation, b"tb", Vec::new());
        let changes = operation.into_changes();
        block.merge(changes).unwrap();
        assert_eq!(keys(&block, 9), ["a"]);
        QUEUE.remove(&mut block, b"a").unwrap();
        Queue::of(b"tes").remove(&mut block, b"tb").unwrap();
        leave(&mut block).unwrap();
        assert!(block.into_changes().is_empty());
    }

    #[test]
    fn what_is_left_is_what_the_next_block_begins_with() {
        let mut base = BTreeMap::new();
        let mut block = Overlay::new(&base);
        for key in [b"a", b"b", b"c"] {
            QUEUE.put(&mut block, key, Vec::new());
        }
        QUEUE.set(&mut block, b"b", Some(b"half".to_vec())).unwrap();
        QUEUE.set(&mut block, b"c", Some(b"half".to_vec())).unwrap();
        leave(&mut block).unwrap();
        for (key, value) in block.into_changes() {
            base.insert(key, value.unwrap());
        }
        let mut block = Overlay::new(&base);
        for key in [b"0", b"b"] {
            QUEUE.put(&mut block, key, Vec::new());
        }
        let mut left = keys(&block, 3);
        left.sort();
        assert_eq!(left, ["a", "b", "c"]);
        assert_eq!(keys(&block, 9).last().map(String::as_str), Some("0"));
        assert_eq!(keys(&block, 9).len(), 4, "b stands once");
        let found = QUEUE.scan(&block, 9).unwrap();
        let value = |key: &[u8]| found.iter().find(|found| found.key == key).unwrap().value.clone();
        assert_eq!(value(b"c"), b"half", "what was not noted again goes on where it stopped");
        assert_eq!(value(b"b"), b"", "what was begins from the beginning");
    }
}
