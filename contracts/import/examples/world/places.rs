//! Who and where: parties, stations, products, vehicles. Names and numbers are invented.

use proto::schema::registry::{Datum, Party, PartyType, Product, Station, StationType, Vehicle};

use super::ids::{Day, commitment, gtin14, licence, uscc};

/// A party with its station.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) party: String,
    pub(crate) station: &'static str,
    pub(crate) region: &'static str,
}

/// A truck with its driver.
#[derive(Clone)]
pub(crate) struct Truck {
    pub(crate) plate: &'static str,
    pub(crate) driver: String,
}

/// A product with the number that Hebei has for it.
#[derive(Clone)]
pub(crate) struct Goods {
    pub(crate) gtin: String,
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) category: &'static str,
    pub(crate) hs_code: &'static str,
    pub(crate) shelf_life_days: u32,
}

/// Credit codes, by the eight characters of the organisation code.
pub(crate) fn code(region: &str, number: &str) -> String {
    uscc(region, &format!("MA0DE{number}"))
}

/// An enterprise of the registry.
pub(crate) fn enterprise(
    (region, number): (&str, &str),
    name: &str,
    kind: PartyType,
    licences: Vec<String>,
) -> Party {
    Party {
        id: code(region, number),
        name: name.to_owned(),
        party_type: kind.into(),
        region: region.to_owned(),
        licences,
        valid_to_day: Day::of(12, 31).number(),
    }
}

/// The stall of an individual household: no name, no code, a commitment.
pub(crate) fn household() -> Party {
    Party {
        id: household_ref(),
        name: String::new(),
        party_type: PartyType::Stall.into(),
        region: "110106".to_owned(),
        licences: Vec::new(),
        valid_to_day: 0,
    }
}

/// The household's `party_ref`.
pub(crate) fn household_ref() -> String {
    commitment("household/xinfadi-17")
}

/// A station of the registry.
pub(crate) fn station(
    site: &Site,
    name: &str,
    kind: StationType,
    (longitude_micro, latitude_micro): (i64, i64),
    datum: Datum,
) -> Station {
    let first = [StationType::SupervisedWarehouse, StationType::Port].contains(&kind);
    Station {
        id: site.station.to_owned(),
        name: name.to_owned(),
        party: site.party.clone(),
        station_type: kind.into(),
        longitude_micro,
        latitude_micro,
        datum: datum.into(),
        region: site.region.to_owned(),
        gln: String::new(),
        first_station: first,
    }
}

/// A truck of the registry.
pub(crate) fn vehicle(truck: &Truck, party: &str, load_max_grams: u64) -> Vehicle {
    let (plate, party) = (truck.plate.to_owned(), party.to_owned());
    Vehicle { plate, party, load_max_grams, container: String::new() }
}

/// A licence to sell food.
pub(crate) fn trade_licence(digits: &str) -> Vec<String> {
    vec![licence("JY", digits)]
}

/// A licence to make food.
pub(crate) fn production_licence(digits: &str) -> Vec<String> {
    vec![licence("SC", digits)]
}

/// The goods of the world.
pub(crate) struct Catalogue {
    pub(crate) beef: Goods,
    pub(crate) pollock: Goods,
    pub(crate) salmon: Goods,
    pub(crate) shrimp: Goods,
}

/// The goods of the world.
pub(crate) fn catalogue() -> Catalogue {
    let goods = |digits: &str, number, name, category, hs_code, shelf_life_days| Goods {
        gtin: gtin14(digits),
        number,
        name,
        category,
        hs_code,
        shelf_life_days,
    };
    Catalogue {
        beef: goods("0690123456789", 317, "冷冻去骨牛肉", "meat", "0202300090", 730),
        pollock: goods("0693000000001", 402, "冷冻明太鱼", "fish", "0303670000", 540),
        salmon: goods("0693000000002", 405, "冷冻大西洋鲑", "fish", "0303130000", 540),
        shrimp: goods("0693000000003", 418, "冷冻南美白对虾", "crustacean", "0306179090", 540),
    }
}

impl Goods {
    /// The registry entry, under the key that the platform has for the product.
    pub(crate) fn entry(&self) -> Product {
        Product {
            id: self.gtin.clone(),
            name: self.name.to_owned(),
            category: self.category.to_owned(),
            hs_code: self.hs_code.to_owned(),
            shelf_life_days: self.shelf_life_days,
            storage_max_milli_c: -18_000,
        }
    }
}
