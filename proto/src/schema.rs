//! The operation types: their codes, their canonical protobuf bodies and the role table that says
//! which field makes which link. What the types *do* is in `contracts`.
//!
//! Canonical: ascending tags, no unknown field, no default written out; strings are NFC and trimmed.
//! Times are milliseconds since 1970 UTC, quantities thousandths of their unit, coordinates
//! micro-degrees. Codes stand as the platform writes them; the scheme registry normalises them.

pub mod act;
pub mod body;
pub mod event;
pub mod kind;
pub mod registry;
pub mod roles;

pub use body::{Body, BodyError};
pub use kind::OperationKind;
