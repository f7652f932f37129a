//! Facts: what a recorded event adds to the derived records, and how a correction takes it back.
//!
//! Every effect is an addition to a count or a sum, so effects commute and cancel: the order in which
//! events and corrections arrive leaves no mark. The first and last event of a unit are a minimum and
//! a maximum, which commute too and are never taken back: a corrected event was still recorded.

pub mod lineage;
pub mod papers;
pub mod stock;
pub mod unit;

use prost::Message;
use proto::trie::Namespace;

use crate::fact::Fact;
use crate::matching;
use crate::pages::Pages;
use crate::place;
use crate::record::unit::Count;
use crate::risk;
use crate::state::{Overlay, State, StateFault};

/// Whether effects are added or taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// The event comes into force.
    Add,
    /// A correction takes it back.
    TakeBack,
}

impl Sign {
    /// 1 or -1.
    pub const fn factor(self) -> i64 {
        match self {
            Self::Add => 1,
            Self::TakeBack => -1,
        }
    }
}

/// Adds the effects of an event to every derived record, or takes them back.
pub(crate) fn apply(state: &mut Overlay<'_>, fact: &Fact, sign: Sign) -> Result<(), StateFault> {
    unit::apply(state, fact, sign)?;
    stock::apply(state, fact, sign)?;
    lineage::apply(state, fact, sign)?;
    papers::apply(state, fact, sign)?;
    matching::delivery::apply(state, fact, sign)?;
    place::apply(state, fact, sign)?;
    risk::on_effects(state, fact, sign)
}

/// Adds `sign` to the count of an entry; an entry that counts nothing goes.
pub(crate) fn count(
    state: &mut Overlay<'_>,
    pages: &Pages,
    key: &[u8],
    sign: i64,
) -> Result<(), StateFault> {
    update(state, pages, key, |count: &mut Count| count.count = count.count.wrapping_add(sign))
}

/// Changes the value of an entry; an entry whose value has no content goes.
pub(crate) fn update<M: Message + Default>(
    state: &mut Overlay<'_>,
    pages: &Pages,
    key: &[u8],
    change: impl FnOnce(&mut M),
) -> Result<(), StateFault> {
    let mut value = entry(state, pages, key)?.unwrap_or_default();
    change(&mut value);
    let bytes = value.encode_to_vec();
    pages.set(state, key, Some(bytes).filter(|bytes| !bytes.is_empty()))
}

/// The value of an entry.
pub(crate) fn entry<M: Message + Default>(
    state: &dyn State,
    pages: &Pages,
    key: &[u8],
) -> Result<Option<M>, StateFault> {
    let Some(bytes) = pages.get(state, key)? else { return Ok(None) };
    value_of(key, &bytes).map(Some)
}

/// Reads the value of an entry.
pub(crate) fn value_of<M: Message + Default>(key: &[u8], bytes: &[u8]) -> Result<M, StateFault> {
    M::decode(bytes).map_err(|error| StateFault::record(Namespace::Page, key, &error))
}
