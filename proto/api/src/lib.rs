#![doc = include_str!("../README.md")]

/// Descriptors of every service, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! area {
    ($(#[$doc:meta])* $name:ident, $package:literal) => {
        $(#[$doc])*
        pub mod $name {
            /// Version 1.
            pub mod v1 {
                tonic::include_proto!($package);
            }
            pub use v1::*;
        }
    };
}

area! {
    /// Signed transactions in, receipts out.
    submission, "jjj.submission.v1"
}
area! {
    /// Traces, matches, places.
    trace, "jjj.trace.v1"
}
area! {
    /// Alerts.
    alert, "jjj.alert.v1"
}
area! {
    /// Blocks and proofs.
    ledger, "jjj.ledger.v1"
}
area! {
    /// Notices.
    release, "jjj.release.v1"
}
area! {
    /// Evaluation results.
    evaluation, "jjj.evaluation.v1"
}
area! {
    /// Status of a node.
    node, "jjj.node.v1"
}
