//! Read models: what the node's service answers, as plain structs over a state of any height. They
//! change nothing and cost what they show.

pub mod alert;
pub mod locate;
pub mod notice;
