//! The parts of the state, and how the keys of each are authenticated.

/// The part of the state that a key belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug)]
#[repr(u8)]
pub enum Namespace {
    /// Size and root of each subject log.
    Log = 1,
    /// Values of the system itself.
    Sys = 2,
    /// Traced units.
    Unit = 3,
    /// Identities of recorded operations.
    OpUid = 4,
    /// Submitter keys.
    Key = 5,
    /// Certificates.
    Certificate = 6,
    /// Customs declarations.
    Declaration = 7,
    /// Parties.
    Party = 8,
    /// Stations.
    Station = 9,
    /// Products.
    Product = 10,
    /// Vehicles.
    Vehicle = 11,
    /// Code schemes.
    Scheme = 12,
    /// Matches between codes.
    Match = 13,
    /// Alerts.
    Alert = 14,
    /// Incidents.
    Incident = 15,
    /// Information releases.
    Release = 16,
    /// Evaluation results.
    Evaluation = 17,
    /// Votes of agencies.
    Governance = 18,
    /// Parameters of the risk rules.
    Rule = 19,
    /// Deadlines.
    Due = 20,
    /// Stock of a unit at a station.
    Balance = 21,
    /// Shipments, by document.
    Shipment = 22,
    /// Pages of sets that are too large for one value.
    Page = 23,
}

/// How a key of the state is authenticated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// By a proof of its own against the state root: somebody is shown it.
    Proved,
    /// With all others of its class by one hash of their set: it follows from the recorded events, and
    /// is never shown as proven.
    Working,
}

impl Namespace {
    /// Every namespace.
    pub const ALL: [Self; 23] = [
        Self::Log,
        Self::Sys,
        Self::Unit,
        Self::OpUid,
        Self::Key,
        Self::Certificate,
        Self::Declaration,
        Self::Party,
        Self::Station,
        Self::Product,
        Self::Vehicle,
        Self::Scheme,
        Self::Match,
        Self::Alert,
        Self::Incident,
        Self::Release,
        Self::Evaluation,
        Self::Governance,
        Self::Rule,
        Self::Due,
        Self::Balance,
        Self::Shipment,
        Self::Page,
    ];

    /// The byte of the namespace.
    #[expect(clippy::as_conversions, reason = "the discriminants are u8 by declaration")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The namespace of a byte.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|namespace| namespace.code() == code)
    }

    /// The class of its keys.
    pub const fn class(self) -> Class {
        match self {
            Self::Log
            | Self::Sys
            | Self::Key
            | Self::Certificate
            | Self::Declaration
            | Self::Party
            | Self::Station
            | Self::Product
            | Self::Vehicle
            | Self::Scheme
            | Self::Alert
            | Self::Incident
            | Self::Release
            | Self::Evaluation
            | Self::Governance
            | Self::Rule => Class::Proved,
            Self::Unit
            | Self::OpUid
            | Self::Match
            | Self::Due
            | Self::Balance
            | Self::Shipment
            | Self::Page => Class::Working,
        }
    }
}

/// Bytes of a key: with its namespace's byte before it, its length stands in two bytes where it is
/// hashed. There is no longer one.
pub const KEY_BYTES_MAX: usize = 65_534;
