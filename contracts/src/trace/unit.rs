//! The record of each unit that an event names: by whom, first and last, lots, handlers.

use std::rc::Rc;

use prost::Message as _;
use proto::receipt::SubjectKind;
use proto::schema::event::{Lot, Uom};
use proto::trie::Namespace;

use crate::record::unit::UnitRow;
use crate::state::{Rows, StateFault};

/// The record of a unit, or none where no event names it.
pub fn of(state: &Rows<'_>, unit: &[u8]) -> Result<Option<Rc<UnitRow>>, StateFault> {
    Ok(Some(state.row::<UnitRow>(unit)?).filter(|row| row.is_known()))
}

/// The unit that stands for `unit`: itself, or the unit of a scheme that an OPAQUE one turned out
/// to be.
pub fn resolved(state: &Rows<'_>, unit: &[u8]) -> Result<Vec<u8>, StateFault> {
    let row = state.row::<UnitRow>(unit)?;
    Ok(if row.alias_of.is_empty() { unit.to_vec() } else { row.alias_of.clone() })
}

/// Lots that events in force state for a unit, at most `limit`, in a stable order.
pub fn lots(state: &Rows<'_>, unit: &[u8], limit: usize) -> Result<Vec<Lot>, StateFault> {
    let mut lots = Vec::new();
    for (key, _) in state.scan(UnitRow::LOTS, unit, None, limit)? {
        let lot = Lot::decode(&*key);
        lots.push(lot.map_err(|error| StateFault::record(Namespace::Unit, unit, &error))?);
    }
    Ok(lots)
}

/// Persons and vehicles that handled a unit, at most `limit`.
pub fn handlers(
    state: &Rows<'_>,
    unit: &[u8],
    limit: usize,
) -> Result<Vec<(SubjectKind, Vec<u8>)>, StateFault> {
    let split = |(key, _): (Vec<u8>, _)| {
        let (kind, subject) = key.split_first()?;
        Some((SubjectKind::from_code(*kind)?, subject.to_vec()))
    };
    let found = state.scan(UnitRow::HANDLERS, unit, None, limit)?;
    Ok(found.into_iter().filter_map(split).collect())
}

/// Name of a unit of measure, for sentences.
pub fn uom_name(uom: i32) -> &'static str {
    match Uom::try_from(uom).unwrap_or_default() {
        Uom::Unspecified => "个码",
        Uom::Kgm => "千克",
        Uom::Xbx => "箱",
        Uom::H87 => "件",
        Uom::Xpx => "托",
        Uom::Ltr => "升",
        Uom::Xpa => "袋",
    }
}
