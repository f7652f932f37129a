//! Registry entries: parties, stations, products, vehicles, certificates, declarations.

/// What a party does (domain table 2.1a).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum PartyType {
    /// Not stated.
    Unspecified = 0,
    /// Imports.
    Importer = 1,
    /// Produces or processes.
    Producer = 2,
    /// Runs a third-party cold store.
    ColdStore = 3,
    /// Runs a supervised warehouse.
    SupervisedWarehouse = 4,
    /// Carries.
    Carrier = 5,
    /// Runs a wholesale market.
    MarketOperator = 6,
    /// Sells wholesale.
    Wholesaler = 7,
    /// Runs a supermarket.
    Supermarket = 8,
    /// Has a stall in a farmers' market.
    Stall = 9,
    /// Sells fresh food online.
    ECommerce = 10,
    /// Serves food.
    Catering = 11,
    /// Runs a canteen.
    Canteen = 12,
    /// Declares to customs.
    CustomsBroker = 13,
    /// Tests.
    Laboratory = 14,
    /// Disinfects.
    Disinfector = 15,
    /// Supervises.
    Regulator = 90,
}

/// A party (type 1).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Party {
    /// USCC, or `party_ref` (64 hexadecimal digits) of an individual household.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Name; absent for an individual household, whose name is personal data.
    #[prost(string, tag = "2")]
    pub name: String,
    /// What it does.
    #[prost(enumeration = "PartyType", tag = "3")]
    pub party_type: i32,
    /// Division of its seat, GB/T 2260.
    #[prost(string, tag = "4")]
    pub region: String,
    /// Licence numbers: SC, JY.
    #[prost(string, repeated, tag = "5")]
    pub licences: Vec<String>,
    /// Last day of validity, since 1970-01-01; 0 for none stated.
    #[prost(uint32, tag = "6")]
    pub valid_to_day: u32,
}

/// What a station is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum StationType {
    /// Not stated.
    Unspecified = 0,
    /// Port of entry.
    Port = 1,
    /// Yard of the customs.
    CustomsYard = 2,
    /// Supervised warehouse.
    SupervisedWarehouse = 3,
    /// Cold store.
    ColdStore = 4,
    /// Plant.
    Plant = 5,
    /// Wholesale market.
    Market = 6,
    /// Stall.
    Stall = 7,
    /// Shop.
    Store = 8,
    /// Kitchen.
    Kitchen = 9,
    /// Depot of vehicles.
    VehicleDepot = 10,
    /// Checkpoint on a road.
    Checkpoint = 11,
    /// Laboratory.
    Laboratory = 12,
}

/// Geodetic datum of a coordinate; GCJ-02 differs from WGS 84 by hundreds of metres.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Datum {
    /// Not stated.
    Unspecified = 0,
    /// China Geodetic Coordinate System 2000.
    Cgcs2000 = 1,
    /// World Geodetic System 1984.
    Wgs84 = 2,
    /// GCJ-02.
    Gcj02 = 3,
    /// BD-09.
    Bd09 = 4,
}

/// A station (type 2).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Station {
    /// Identifier, unique within the agency's platform.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Party that runs it.
    #[prost(string, tag = "3")]
    pub party: String,
    /// What it is.
    #[prost(enumeration = "StationType", tag = "4")]
    pub station_type: i32,
    /// Longitude in micro-degrees, east positive.
    #[prost(sint64, tag = "5")]
    pub longitude_micro: i64,
    /// Latitude in micro-degrees, north positive.
    #[prost(sint64, tag = "6")]
    pub latitude_micro: i64,
    /// Datum of the coordinates.
    #[prost(enumeration = "Datum", tag = "7")]
    pub datum: i32,
    /// Division, GB/T 2260.
    #[prost(string, tag = "8")]
    pub region: String,
    /// Global location number, if any.
    #[prost(string, tag = "9")]
    pub gln: String,
    /// Whether goods enter the province here.
    #[prost(bool, tag = "10")]
    pub first_station: bool,
}

/// A product (type 3).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Product {
    /// GTIN, or the platform's own product code.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Category: meat, poultry, offal, fish, crustacean, mollusc, dairy, other.
    #[prost(string, tag = "3")]
    pub category: String,
    /// HS code, 10 digits, of imported goods.
    #[prost(string, tag = "4")]
    pub hs_code: String,
    /// Days of shelf life.
    #[prost(uint32, tag = "5")]
    pub shelf_life_days: u32,
    /// Highest storage temperature in milli-degrees Celsius.
    #[prost(sint32, tag = "6")]
    pub storage_max_milli_c: i32,
}

/// A vehicle (type 4).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Vehicle {
    /// Plate of an enterprise's vehicle.
    #[prost(string, tag = "1")]
    pub plate: String,
    /// Party that runs it.
    #[prost(string, tag = "2")]
    pub party: String,
    /// Largest load in grams; 0 for none stated.
    #[prost(uint64, tag = "3")]
    pub load_max_grams: u64,
    /// Container number, if any.
    #[prost(string, tag = "4")]
    pub container: String,
}

/// What a certificate certifies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum CertificateType {
    /// Not stated.
    Unspecified = 0,
    /// Inspection and quarantine of entry goods (入境货物检验检疫证明).
    EntryInspection = 1,
    /// Nucleic acid test (核酸检测).
    NucleicAcid = 2,
    /// Disinfection (消毒).
    Disinfection = 3,
    /// Leaving a supervised warehouse (出仓证明).
    WarehouseExit = 4,
    /// Quality inspection.
    Quality = 5,
}

/// A certificate (type 5).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Certificate {
    /// Number.
    #[prost(string, tag = "1")]
    pub number: String,
    /// What it certifies.
    #[prost(enumeration = "CertificateType", tag = "2")]
    pub certificate_type: i32,
    /// Who issued it: a party, or the name of a customs office.
    #[prost(string, tag = "3")]
    pub issuer: String,
    /// Day of issue, since 1970-01-01.
    #[prost(uint32, tag = "4")]
    pub issued_day: u32,
    /// Last day of validity, since 1970-01-01; 0 for none stated.
    #[prost(uint32, tag = "5")]
    pub valid_to_day: u32,
    /// Digest of the file, 32 bytes; the file stays with the platform.
    #[prost(bytes = "vec", tag = "6")]
    pub file_hash: Vec<u8>,
    /// Declaration line that it belongs to, if any.
    #[prost(string, tag = "7")]
    pub declaration: String,
    /// Codes that it covers, if any.
    #[prost(string, repeated, tag = "8")]
    pub codes: Vec<String>,
}

/// A line of a customs declaration (type 6).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Declaration {
    /// 18 digits, `-`, line number.
    #[prost(string, tag = "1")]
    pub number: String,
    /// Party that receives the goods in the country.
    #[prost(string, tag = "2")]
    pub consignee: String,
    /// Plant abroad.
    #[prost(string, tag = "3")]
    pub establishment: String,
    /// Country of origin, GB/T 2659.1 alpha-3.
    #[prost(string, tag = "4")]
    pub origin_country: String,
    /// Port of entry, a station.
    #[prost(string, tag = "5")]
    pub port: String,
    /// HS code, 10 digits.
    #[prost(string, tag = "6")]
    pub hs_code: String,
    /// Quantity declared.
    #[prost(message, optional, tag = "7")]
    pub quantity: Option<super::event::Quantity>,
    /// Day of entry, since 1970-01-01.
    #[prost(uint32, tag = "8")]
    pub entry_day: u32,
    /// Digest of the file, 32 bytes, or none.
    #[prost(bytes = "vec", tag = "9")]
    pub file_hash: Vec<u8>,
    /// Shipping container numbers.
    #[prost(string, repeated, tag = "10")]
    pub containers: Vec<String>,
}
