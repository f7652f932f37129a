//! What is registered before any goods move: enterprises, stations, lorries, products, and for each
//! consignment its declaration line and its certificates.

use proto::hash::Tag;
use proto::schema::event::{Quantity, Uom};
use proto::schema::registry::{
    Certificate, CertificateType, Datum, Declaration, Party, PartyType, Product, Station,
    StationType, Vehicle,
};
use proto::schema::{Body, OperationKind};

use super::cast::{VEHICLES, foreign_station, parties, plate, regions, station, stations};
use super::stages::{MAX_DAY, day_number};
use super::{CONSIGNMENT_LOTS, Lots, Made, Stage, pick};

/// Products.
const PRODUCTS: u64 = 20;

/// Number of a product as Hebei's platform writes it.
pub(crate) fn product(number: u64) -> String {
    format!("{:06}", 300 + number % PRODUCTS)
}

/// Certificates of a consignment: number and type, in the order in which events name them.
pub(crate) fn certificates(lot: u64) -> Vec<(String, CertificateType)> {
    let consignment = lot / CONSIGNMENT_LOTS;
    if !Lots::is_imported(lot) {
        return vec![(format!("ZJ{consignment:08}"), CertificateType::Quality)];
    }
    vec![
        (format!("JYJY{consignment:08}"), CertificateType::EntryInspection),
        (format!("HSJC{consignment:08}"), CertificateType::NucleicAcid),
        (format!("XDZM{consignment:08}"), CertificateType::Disinfection),
    ]
}

/// The declaration line of an imported lot.
pub(crate) fn declaration_line(lot: u64) -> String {
    format!("{}-1", super::codes::declaration(lot))
}

impl Lots {
    /// Enterprises, stations, lorries and products, each with the stage whose agency registers it.
    pub fn registry(&self) -> Vec<(Stage, Made)> {
        let mut found = Vec::new();
        for stage in Stage::ALL {
            found.extend((0..parties(stage)).map(|number| self.enterprise(stage, number)));
            found.extend((0..stations(stage)).map(|number| self.place(stage, number)));
            found.extend((0..VEHICLES).map(|number| self.lorry(stage, number)));
        }
        found.extend((0..PRODUCTS).map(|number| self.goods(number)));
        found
    }

    /// Papers of the consignments with these numbers; Hebei registers them.
    pub fn papers(&self, consignments: std::ops::Range<u64>) -> Vec<(Stage, Made)> {
        consignments.flat_map(|number| self.papers_of(number)).collect()
    }

    fn registered(&self, stage: Stage, name: &str, entry: (OperationKind, Body)) -> (Stage, Made) {
        let (kind, body) = entry;
        let name = format!("{}:{name}", kind.name());
        (stage, Made { operation: self.operation(&name, kind, &body), lines: 0 })
    }

    fn enterprise(&self, stage: Stage, number: u64) -> (Stage, Made) {
        let kinds = match stage {
            Stage::Hebei => [PartyType::Importer, PartyType::Producer, PartyType::Carrier],
            Stage::Tianjin => {
                [PartyType::ColdStore, PartyType::SupervisedWarehouse, PartyType::Carrier]
            }
            Stage::Beijing => [PartyType::Wholesaler, PartyType::Supermarket, PartyType::Catering],
        };
        let id = self.cast.party(stage, number).to_owned();
        let party = Party {
            name: format!("示例企业 {}-{number}", stage.before()),
            party_type: (*pick(&kinds, number)).into(),
            region: (*pick(regions(stage), number)).to_owned(),
            id: id.clone(),
            ..Party::default()
        };
        self.registered(stage, &id, (OperationKind::Party, Body::Party(party)))
    }

    fn place(&self, stage: Stage, number: u64) -> (Stage, Made) {
        let id = station(stage, number);
        let offset = i64::try_from(number * 3_000).expect("a few stations");
        let station = Station {
            id: id.clone(),
            name: format!("示例冷库 {id}"),
            party: self.cast.keeper(stage, number).to_owned(),
            station_type: StationType::ColdStore.into(),
            longitude_micro: 116_300_000 + offset,
            latitude_micro: 39_800_000 - offset,
            datum: Datum::Cgcs2000.into(),
            region: (*pick(regions(stage), number)).to_owned(),
            ..Station::default()
        };
        self.registered(stage, &id, (OperationKind::Station, Body::Station(station)))
    }

    fn lorry(&self, stage: Stage, number: u64) -> (Stage, Made) {
        let plate = plate(stage, number);
        let vehicle = Vehicle {
            plate: plate.clone(),
            party: self.cast.party(stage, number).to_owned(),
            load_max_grams: 20_000_000,
            ..Vehicle::default()
        };
        self.registered(stage, &plate, (OperationKind::Vehicle, Body::Vehicle(vehicle)))
    }

    fn goods(&self, number: u64) -> (Stage, Made) {
        let id = product(number);
        let product = Product {
            id: id.clone(),
            name: format!("冷冻鳕鱼 {number}"),
            category: "fish".to_owned(),
            hs_code: "0303630000".to_owned(),
            shelf_life_days: 365,
            storage_max_milli_c: -18_000,
        };
        self.registered(Stage::Hebei, &id, (OperationKind::Product, Body::Product(product)))
    }

    fn papers_of(&self, consignment: u64) -> Vec<(Stage, Made)> {
        let lot = consignment * CONSIGNMENT_LOTS;
        let day = day_number(self.begins_ms(Stage::Hebei, lot));
        let is_imported = Self::is_imported(lot);
        let line = if is_imported { declaration_line(lot) } else { String::new() };
        let mut found = Vec::new();
        if is_imported {
            let declaration = Declaration {
                number: line.clone(),
                consignee: self.owner(Stage::Hebei, lot).to_owned(),
                origin_country: "NOR".to_owned(),
                port: foreign_station(Stage::Tianjin, consignment),
                hs_code: "0303630000".to_owned(),
                quantity: Some(Quantity { milli: 25_000_000, uom: Uom::Kgm.into() }),
                entry_day: day,
                ..Declaration::default()
            };
            let body = Body::Declaration(declaration);
            found.push(self.registered(Stage::Hebei, &line, (OperationKind::Declaration, body)));
        }
        for (number, certificate_type) in certificates(lot) {
            let certificate = Certificate {
                number: number.clone(),
                certificate_type: certificate_type.into(),
                issuer: "天津海关".to_owned(),
                issued_day: day,
                valid_to_day: MAX_DAY,
                file_hash: Tag::OpSalt.hash(number.as_bytes()).as_bytes().to_vec(),
                declaration: line.clone(),
                codes: Vec::new(),
            };
            let body = Body::Certificate(certificate);
            found.push(self.registered(Stage::Hebei, &number, (OperationKind::Certificate, body)));
        }
        found
    }
}
