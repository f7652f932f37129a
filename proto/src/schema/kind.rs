//! The table of operation types.

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal;)*) => {
        /// Type of an operation: the code in its envelope and the name in files.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug)]
        pub enum OperationKind { $($(#[$doc])* $variant,)* }

        impl OperationKind {
            /// Every type, by ascending code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code in the envelope.
            pub const fn code(self) -> u16 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The name in files and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The type of a code.
            pub const fn from_code(code: u16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The type of a name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    /// Registers or updates a party.
    Party = 1, "party";
    /// Registers or updates a station.
    Station = 2, "station";
    /// Registers or updates a product.
    Product = 3, "product";
    /// Registers or updates a vehicle.
    Vehicle = 4, "vehicle";
    /// Records a certificate by number and file hash.
    Certificate = 5, "certificate";
    /// Records a line of a customs declaration.
    Declaration = 6, "declaration";

    /// Stock that was there before the platform joined.
    OpeningStock = 16, "opening_stock";
    /// Customs inspection of imported goods.
    CustomsInspection = 17, "customs_inspection";
    /// First-station coding: a code is given to goods of a declaration.
    Commission = 18, "commission";
    /// A sample is taken.
    Sampling = 19, "sampling";
    /// The result of a test.
    TestResult = 20, "test_result";
    /// Disinfection of goods, container, vehicle or site.
    Disinfection = 21, "disinfection";
    /// Goods enter a store.
    StorageIn = 22, "storage_in";
    /// Goods leave a store.
    StorageOut = 23, "storage_out";
    /// Units are put into a container.
    Pack = 24, "pack";
    /// Units are taken out of a container.
    Unpack = 25, "unpack";
    /// One unit is divided into parts with codes of their own.
    Split = 26, "split";
    /// Inputs become outputs.
    Process = 27, "process";
    /// Goods are sent to another party.
    Ship = 28, "ship";
    /// Goods arrive from another party.
    Receive = 29, "receive";
    /// Goods are sold.
    Sale = 30, "sale";
    /// Goods are used in catering.
    Use = 31, "use";
    /// Goods are destroyed, returned or harmlessly disposed of.
    Disposal = 32, "disposal";
    /// An event of EPCIS without a type of ours, kept verbatim.
    Observation = 33, "observation";
    /// Replaces or cancels an earlier event; the old one stays.
    Correction = 34, "correction";

    /// Declares a relation between codes.
    MatchDeclare = 48, "match_declare";
    /// Confirms a match in doubt or one-sided.
    MatchConfirm = 49, "match_confirm";
    /// Disputes a match.
    MatchDispute = 50, "match_dispute";
    /// Withdraws a match.
    MatchVoid = 51, "match_void";

    /// A duty officer has taken note of an alert.
    AlertAcknowledge = 64, "alert_acknowledge";
    /// Publishes a notice.
    ReleasePublish = 80, "release_publish";
    /// Withdraws a notice.
    ReleaseWithdraw = 81, "release_withdraw";
    /// Records an evaluation result.
    Evaluation = 96, "evaluation";
    /// Proposes a code scheme.
    SchemePropose = 112, "scheme_propose";
    /// Proposes parameters of the risk rules.
    RulePropose = 113, "rule_propose";
    /// Approves a proposal.
    Approve = 114, "approve";
}

impl OperationKind {
    /// Whether the type is a trace event with the common body [`super::event::Event`].
    pub const fn is_event(self) -> bool {
        let code = self.code();
        code >= Self::OpeningStock.code() && code <= Self::Disposal.code()
    }
}
