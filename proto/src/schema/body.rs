//! Reads and writes the body of an operation: strict both ways.

use prost::Message as _;
use thiserror::Error;
use unicode_normalization::is_nfc;

use super::act::{
    AlertAcknowledge, Approve, Evaluation, MatchDecision, MatchDeclare, ReleasePublish,
    ReleaseWithdraw, RulePropose, SchemePropose,
};
use super::event::{Correction, Event, Observation};
use super::kind::OperationKind;
use super::registry::{Certificate, Declaration, Party, Product, Station, Vehicle};

/// The only version of every type so far.
pub const BODY_VERSION: u16 = 1;

/// Why bytes are not a canonical body.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum BodyError {
    /// The type code is not in the table.
    #[error("operation type {kind} is not known")]
    UnknownKind {
        /// Code of the envelope.
        kind: u16,
    },
    /// The version of the type is not known.
    #[error("version {version} of operation type {kind} is not known")]
    UnknownVersion {
        /// Code of the envelope.
        kind: u16,
        /// Version of the envelope.
        version: u16,
    },
    /// Not protobuf of the type.
    #[error("{kind}: not protobuf of this type: {detail}")]
    Malformed {
        /// Name of the type.
        kind: &'static str,
        /// What the decoder says.
        detail: String,
    },
    /// Protobuf, but not the one encoding: unknown field, other order, default written out.
    #[error("{kind}: the bytes are not the canonical encoding (unknown field, order or default)")]
    NotCanonical {
        /// Name of the type.
        kind: &'static str,
    },
    /// A text that is not NFC or not trimmed.
    #[error("{kind}: the text at byte {offset} of the body is not in NFC, trimmed")]
    Text {
        /// Name of the type.
        kind: &'static str,
        /// Where it stands.
        offset: usize,
    },
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident($inner:ty) = [$($kind:ident),*];)*) => {
        /// A decoded body.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Body { $($(#[$doc])* $variant($inner),)* }

        impl Body {
            /// Reads a body strictly: the bytes must be its one encoding.
            pub fn decode(kind: OperationKind, bytes: &[u8]) -> Result<Self, BodyError> {
                let name = kind.name();
                let malformed = |error: prost::DecodeError| BodyError::Malformed {
                    kind: name,
                    detail: error.to_string(),
                };
                let body = match kind {
                    $($(OperationKind::$kind)|* => {
                        Self::$variant(<$inner>::decode(bytes).map_err(malformed)?)
                    })*
                };
                if body.encode() != bytes {
                    return Err(BodyError::NotCanonical { kind: name });
                }
                Ok(body)
            }

            /// The canonical bytes.
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$variant(inner) => inner.encode_to_vec(),)* }
            }
        }
    };
}

bodies! {
    /// A party.
    Party(Party) = [Party];
    /// A station.
    Station(Station) = [Station];
    /// A product.
    Product(Product) = [Product];
    /// A vehicle.
    Vehicle(Vehicle) = [Vehicle];
    /// A certificate.
    Certificate(Certificate) = [Certificate];
    /// A declaration line.
    Declaration(Declaration) = [Declaration];
    /// A trace event.
    Event(Event) = [
        OpeningStock, CustomsInspection, Commission, Sampling, TestResult, Disinfection,
        StorageIn, StorageOut, Pack, Unpack, Split, Process, Ship, Receive, Sale, Use, Disposal
    ];
    /// An observation.
    Observation(Observation) = [Observation];
    /// A correction.
    Correction(Correction) = [Correction];
    /// A declared match.
    MatchDeclare(MatchDeclare) = [MatchDeclare];
    /// A decision about a match.
    MatchDecision(MatchDecision) = [MatchConfirm, MatchDispute, MatchVoid];
    /// An acknowledged alert.
    AlertAcknowledge(AlertAcknowledge) = [AlertAcknowledge];
    /// A notice.
    ReleasePublish(ReleasePublish) = [ReleasePublish];
    /// A notice withdrawn.
    ReleaseWithdraw(ReleaseWithdraw) = [ReleaseWithdraw];
    /// An evaluation result.
    Evaluation(Evaluation) = [Evaluation];
    /// A proposed scheme.
    SchemePropose(SchemePropose) = [SchemePropose];
    /// Proposed parameters.
    RulePropose(RulePropose) = [RulePropose];
    /// An approval.
    Approve(Approve) = [Approve];
}

/// Whether a text is in the one form that bodies hold: NFC, no white space at either end.
pub fn is_canonical_text(text: &str) -> bool {
    is_nfc(text) && text.trim() == text
}
