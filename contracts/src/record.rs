//! The records behind the state's keys. What is proved is a prost message (registry entries, alerts,
//! proposals); what is derived is a row with its lists. A record without content is no record.

pub(crate) mod codec;
pub mod fact;
pub mod governance;
pub(crate) mod list;
pub mod matching;
pub mod registry;
pub(crate) mod row;
pub mod shipment;
pub mod step;
pub mod unit;
