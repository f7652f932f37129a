#![doc = include_str!("../README.md")]

mod catch_up;
mod checkpoint;
mod durable;
mod event;
pub mod evidence;
mod invariants;
mod limits;
mod normal;
mod open;
mod pool;
mod replica;
mod restore;
pub mod safety;
mod slot;
mod tally;
mod view_change;

pub use durable::{Draft, Own, Record};
pub use event::{
    Action, Body, Config, Halt, Input, Mode, NotVoting, Phase, Standing, StatusDraft, Timer,
    Voting, Work,
};
pub use evidence::{Evidence, Misbehaviour};
pub use limits::{BLOCK_INTERVAL_MS_DEFAULT, HEARTBEAT_MS_DEFAULT, TIMEOUT_MS_DEFAULT};
pub use replica::Replica;
pub use restore::{Head, Restored, restore};
pub use safety::{Claim, Position, SafetyRecord, Step, Unsafe};
