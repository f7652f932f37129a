//! Trace events: one body for every stage, so that a field means the same wherever it stands. Which
//! fields a type demands, allows and forbids is the admission table of `contracts`.

/// An amount in thousandths of its unit, so that 12.5 kg is 12,500 of KGM.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Quantity {
    /// Thousandths of the unit.
    #[prost(uint64, tag = "1")]
    pub milli: u64,
    /// The unit.
    #[prost(enumeration = "Uom", tag = "2")]
    pub uom: i32,
}

/// Units of measure, named as in UN/ECE Recommendation 20 and 21.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Uom {
    /// Not stated.
    Unspecified = 0,
    /// Kilogram.
    Kgm = 1,
    /// Box.
    Xbx = 2,
    /// Piece.
    H87 = 3,
    /// Pallet.
    Xpx = 4,
    /// Litre.
    Ltr = 5,
    /// Bag or packet.
    Xpa = 6,
}

/// A unit acted on.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Item {
    /// The code as the platform writes it.
    #[prost(string, tag = "1")]
    pub code: String,
    /// How much of it.
    #[prost(message, optional, tag = "2")]
    pub quantity: Option<Quantity>,
    /// The other side's code on the same goods: RECEIVE names the sender's code here when it has
    /// given a code of its own.
    #[prost(string, tag = "3")]
    pub counterpart: String,
}

/// Result of a test.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum TestOutcome {
    /// Not stated.
    Unspecified = 0,
    /// Nothing found.
    Negative = 1,
    /// To be confirmed.
    Suspected = 2,
    /// Found.
    Positive = 3,
    /// The test says nothing.
    Invalid = 4,
}

/// Result of a customs inspection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum InspectionOutcome {
    /// Not stated.
    Unspecified = 0,
    /// May enter.
    Released = 1,
    /// Sent back.
    Returned = 2,
    /// Destroyed.
    Destroyed = 3,
    /// Kept back until it is decided.
    Held = 4,
}

/// What first-station coding says of the goods behind a code.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Lot {
    /// Registered product.
    #[prost(string, tag = "1")]
    pub product: String,
    /// Batch number of the producer.
    #[prost(string, tag = "2")]
    pub batch: String,
    /// Day of production, since 1970-01-01.
    #[prost(uint32, tag = "3")]
    pub produced_day: u32,
    /// Last day of shelf life, since 1970-01-01.
    #[prost(uint32, tag = "4")]
    pub expires_day: u32,
    /// Country of origin, GB/T 2659.1 alpha-3.
    #[prost(string, tag = "5")]
    pub origin_country: String,
    /// Registered plant abroad.
    #[prost(string, tag = "6")]
    pub establishment: String,
    /// Whether the goods are imported.
    #[prost(bool, tag = "7")]
    pub imported: bool,
}

/// A trace event of types 16 to 32.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Event {
    /// When it happened.
    #[prost(uint64, tag = "1")]
    pub occurred_ms: u64,
    /// Who acts: USCC, or `party_ref` of an individual household.
    #[prost(string, tag = "2")]
    pub party: String,
    /// Where.
    #[prost(string, tag = "3")]
    pub station: String,
    /// Number of the stock document, waybill, sale or report.
    #[prost(string, tag = "4")]
    pub document: String,
    /// Units acted on: inputs, contents, the unit divided, the goods moved or tested.
    #[prost(message, repeated, tag = "5")]
    pub items: Vec<Item>,
    /// Units made by a split or a process.
    #[prost(message, repeated, tag = "6")]
    pub outputs: Vec<Item>,
    /// Code of the container packed or unpacked.
    #[prost(string, tag = "7")]
    pub container: String,
    /// The other party: receiver, supplier, buyer.
    #[prost(string, tag = "8")]
    pub counterparty: String,
    /// The other station.
    #[prost(string, tag = "9")]
    pub counterparty_station: String,
    /// Plate of the vehicle.
    #[prost(string, tag = "10")]
    pub vehicle: String,
    /// Commitment of the driver, sampler or keeper, 64 hexadecimal digits.
    #[prost(string, tag = "11")]
    pub person: String,
    /// Numbers of the certificates that cover the goods.
    #[prost(string, repeated, tag = "12")]
    pub certificates: Vec<String>,
    /// Declaration line: 18 digits, `-`, line number.
    #[prost(string, tag = "13")]
    pub declaration: String,
    /// Result of a test.
    #[prost(enumeration = "TestOutcome", tag = "14")]
    pub test: i32,
    /// What was tested for, or with what it was disinfected.
    #[prost(string, tag = "15")]
    pub agent: String,
    /// Result of a customs inspection.
    #[prost(enumeration = "InspectionOutcome", tag = "16")]
    pub inspection: i32,
    /// The goods behind a code, at coding or opening stock.
    #[prost(message, optional, tag = "17")]
    pub lot: Option<Lot>,
    /// What is done by a process or a disposal: cut, repack, thaw, cook; returned, destroyed.
    #[prost(string, tag = "18")]
    pub method: String,
    /// Document of the sampling that a test result belongs to, of the same agency.
    #[prost(string, tag = "19")]
    pub sample: String,
}

/// An event kept verbatim under every code that it names (type 33).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Observation {
    /// When it happened.
    #[prost(uint64, tag = "1")]
    pub occurred_ms: u64,
    /// Format of `original`, such as `epcis-2.0-json`.
    #[prost(string, tag = "2")]
    pub format: String,
    /// The event as it came.
    #[prost(bytes = "vec", tag = "3")]
    pub original: Vec<u8>,
    /// Codes named without a lineage role.
    #[prost(string, repeated, tag = "4")]
    pub codes: Vec<String>,
    /// Codes consumed.
    #[prost(string, repeated, tag = "5")]
    pub inputs: Vec<String>,
    /// Codes made.
    #[prost(string, repeated, tag = "6")]
    pub outputs: Vec<String>,
    /// Code of the parent of an aggregation or association.
    #[prost(string, tag = "7")]
    pub container: String,
    /// Codes of its children.
    #[prost(string, repeated, tag = "8")]
    pub contents: Vec<String>,
    /// Places named, as written.
    #[prost(string, repeated, tag = "9")]
    pub stations: Vec<String>,
    /// Parties named, as written.
    #[prost(string, repeated, tag = "10")]
    pub parties: Vec<String>,
    /// Business step, bare word of the CBV.
    #[prost(string, tag = "11")]
    pub business_step: String,
}

/// Replaces or cancels an earlier event (type 34).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Correction {
    /// When the correction was made.
    #[prost(uint64, tag = "1")]
    pub occurred_ms: u64,
    /// `op_uid` of the event corrected, 16 bytes; of the same agency.
    #[prost(bytes = "vec", tag = "2")]
    pub supersedes: Vec<u8>,
    /// Why: `did_not_occur` or `incorrect_data`, as in EPCIS.
    #[prost(string, tag = "3")]
    pub reason: String,
    /// Type of the corrected event, of 16 to 33; the type of the old one.
    #[prost(uint32, tag = "4")]
    pub kind: u32,
    /// The event as it should have been; none where it did not occur, where an event of its own says it, and
    /// for an observation (33).
    #[prost(message, optional, tag = "5")]
    pub event: Option<Event>,
}
