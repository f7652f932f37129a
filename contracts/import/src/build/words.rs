//! The words of files for the enumerations of `proto::schema`.

use proto::schema::act::Relation;
use proto::schema::event::{InspectionOutcome, TestOutcome, Uom};
use proto::schema::registry::{CertificateType, Datum, PartyType, StationType};

use crate::rule::Rule;

/// An enumeration with a word for each code.
pub(crate) trait Word {
    /// What an unknown word is called.
    const UNKNOWN: Rule = Rule::UnknownWord;

    /// The words with their codes.
    const WORDS: &'static [(&'static str, i32)];

    /// The code of a word.
    fn code(word: &str) -> Option<i32> {
        Self::WORDS.iter().find(|(text, _)| *text == word).map(|(_, code)| *code)
    }
}

macro_rules! words {
    ($type:ident { $($word:literal = $variant:ident),* $(,)? } $($rule:expr)?) => {
        impl Word for $type {
            $(const UNKNOWN: Rule = $rule;)?
            const WORDS: &'static [(&'static str, i32)] = &[$(($word, {
                #[expect(clippy::as_conversions, reason = "a constant: the enumeration is repr(i32)")]
                { Self::$variant as i32 }
            })),*];
        }
    };
}

words! { PartyType {
    "importer" = Importer, "producer" = Producer, "cold_store" = ColdStore,
    "supervised_warehouse" = SupervisedWarehouse, "carrier" = Carrier,
    "market_operator" = MarketOperator, "wholesaler" = Wholesaler, "supermarket" = Supermarket,
    "stall" = Stall, "e_commerce" = ECommerce, "catering" = Catering, "canteen" = Canteen,
    "customs_broker" = CustomsBroker, "laboratory" = Laboratory, "disinfector" = Disinfector,
    "regulator" = Regulator,
} }

words! { StationType {
    "port" = Port, "customs_yard" = CustomsYard, "supervised_warehouse" = SupervisedWarehouse,
    "cold_store" = ColdStore, "plant" = Plant, "market" = Market, "stall" = Stall,
    "store" = Store, "kitchen" = Kitchen, "vehicle_depot" = VehicleDepot,
    "checkpoint" = Checkpoint, "laboratory" = Laboratory,
} }

words! { Datum { "CGCS2000" = Cgcs2000, "WGS84" = Wgs84, "GCJ02" = Gcj02, "BD09" = Bd09 } }

words! { CertificateType {
    "entry_inspection" = EntryInspection, "nucleic_acid" = NucleicAcid,
    "disinfection" = Disinfection, "warehouse_exit" = WarehouseExit, "quality" = Quality,
} }

words! { Uom {
    "KGM" = Kgm, "XBX" = Xbx, "H87" = H87, "XPX" = Xpx, "LTR" = Ltr, "XPA" = Xpa,
} Rule::UnknownUnit }

words! { TestOutcome {
    "negative" = Negative, "suspected" = Suspected, "positive" = Positive, "invalid" = Invalid,
} }

words! { InspectionOutcome {
    "released" = Released, "returned" = Returned, "destroyed" = Destroyed, "held" = Held,
} }

words! { Relation { "same" = Same, "relabel" = Relabel, "carry" = Carry } }
