//! Admission of registry entries: parties, stations, products, vehicles, certificates, declarations.

use proto::schema::registry::{
    Certificate, CertificateType, Datum, Declaration, Party, PartyType, Product, Station,
    StationType, Vehicle,
};

use super::field::{self, Need};
use super::limits::{
    CERTIFICATES_MAX, CONTAINERS_MAX, ITEMS_MAX, LICENCES_MAX, SHELF_LIFE_DAYS_MAX,
};
use super::{Checked, Place, Rule, refuse, refuse_unseen};
use crate::identifier::party::PartyId;
use crate::identifier::{Reason, customs, division, document, fold, licence, trade};
use crate::links::{StationForm, station_form};

/// Largest longitude, in micro-degrees.
const LONGITUDE_MICRO_MAX: i64 = 180_000_000;

/// Largest latitude, in micro-degrees.
const LATITUDE_MICRO_MAX: i64 = 90_000_000;

/// The box around China, in micro-degrees: only to tell a swapped pair from a foreign place.
const CHINA_LONGITUDE_MICRO: std::ops::RangeInclusive<i64> = 73_000_000..=136_000_000;

/// Its latitudes.
const CHINA_LATITUDE_MICRO: std::ops::RangeInclusive<i64> = 3_000_000..=54_000_000;

/// Largest load of a vehicle, in grams: 200 tonnes.
const LOAD_GRAMS_MAX: u64 = 200_000_000;

/// Product categories.
const CATEGORIES: [&str; 8] =
    ["meat", "poultry", "offal", "fish", "crustacean", "mollusc", "dairy", "other"];

/// Lowest and highest storage temperature that is taken for real, in milli-degrees Celsius.
const STORAGE_MILLI_C: std::ops::RangeInclusive<i32> = -90_000..=60_000;

fn region(text: &str) -> Checked {
    field::identifier(
        Place::field("region"),
        text,
        ("行政区划代码", "division code"),
        |text| division::parse(text).map(drop),
    )
}

pub(super) fn party(party: &Party) -> Checked {
    let kind = "party";
    field::required(kind, "id", &party.id)?;
    field::party(Place::field("id"), &party.id)?;
    field::stated::<PartyType>(Place::field("party_type"), party.party_type)?;
    field::required(kind, "region", &party.region)?;
    region(&party.region)?;
    match PartyId::parse(&party.id) {
        // Name and licence of an individual household name a natural person.
        Ok(PartyId::Household(_)) => {
            field::forbidden("party_ref", "name", &party.name)?;
            let first = party.licences.first().map_or("", String::as_str);
            field::forbidden("party_ref", "licences", first)?;
        }
        Ok(PartyId::Enterprise(_)) | Err(_) => field::required(kind, "name", &party.name)?,
    }
    field::list("licences", party.licences.len(), LICENCES_MAX)?;
    for (at, number) in party.licences.iter().enumerate() {
        let place = Place::item("licences", at);
        if number.is_empty() {
            return refuse_unseen(place, Rule::FieldRequired { kind });
        }
        let names = ("食品许可证号（SC、JY、YB）", "food licence number (SC, JY, YB)");
        field::identifier(place, number, names, |text| licence::parse(&fold(text)).map(drop))?;
    }
    field::later_day((Place::field("valid_to_day"), party.valid_to_day), ("1970-01-02", 1))
}

pub(super) fn station(station: &Station) -> Checked {
    let kind = "station";
    for (name, text) in [
        ("id", &station.id),
        ("name", &station.name),
        ("party", &station.party),
        ("region", &station.region),
    ] {
        field::required(kind, name, text)?;
    }
    station_id(Place::field("id"), &station.id)?;
    field::party(Place::field("party"), &station.party)?;
    field::stated::<StationType>(Place::field("station_type"), station.station_type)?;
    coordinates(station)?;
    field::stated::<Datum>(Place::field("datum"), station.datum)?;
    region(&station.region)?;
    field::identifier(Place::field("gln"), &station.gln, ("全球位置码", "GLN"), trade::gln)
}

/// `<number>:<id>` is how another agency's station is named; nobody registers one so.
fn station_id(place: Place, id: &str) -> Checked {
    field::identifier(place, id, ("站点编码", "station identifier"), |id| {
        match station_form(id) {
            StationForm::OfAgency => Err(Reason::Prefix),
            StationForm::Own | StationForm::Uri => Ok(()),
        }
    })
}

fn coordinates(station: &Station) -> Checked {
    let kind = "station";
    let (longitude, latitude) = (station.longitude_micro, station.latitude_micro);
    let in_china = |longitude: i64, latitude: i64| {
        CHINA_LONGITUDE_MICRO.contains(&longitude) && CHINA_LATITUDE_MICRO.contains(&latitude)
    };
    if longitude == 0 && latitude == 0 {
        return refuse_unseen(Place::field("longitude_micro"), Rule::FieldRequired { kind });
    }
    if !in_china(longitude, latitude) && in_china(latitude, longitude) {
        let value = longitude.to_string();
        return refuse(Place::field("longitude_micro"), &value, Rule::CoordinatesSwapped);
    }
    for (name, value, limit) in [
        ("longitude_micro", longitude, LONGITUDE_MICRO_MAX),
        ("latitude_micro", latitude, LATITUDE_MICRO_MAX),
    ] {
        if !(-limit..=limit).contains(&value) {
            let rule = Rule::CoordinateRange { limit };
            return refuse(Place::field(name), &value.to_string(), rule);
        }
    }
    Ok(())
}

/// A product's key: a GTIN or the platform's own code. Of keys with 13 digits only GTINs are known,
/// so they are checked; platforms make codes of 14 digits without a check digit.
pub(super) fn product_id(place: Place, id: &str) -> Checked {
    let is_gtin13 = id.len() == 13 && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_gtin13 {
        field::identifier(place, id, ("商品条码", "GTIN"), trade::gtin)
    } else {
        Ok(())
    }
}

pub(super) fn product(product: &Product) -> Checked {
    let kind = "product";
    for (name, text) in
        [("id", &product.id), ("name", &product.name), ("category", &product.category)]
    {
        field::required(kind, name, text)?;
    }
    product_id(Place::field("id"), &product.id)?;
    let allowed = "meat, poultry, offal, fish, crustacean, mollusc, dairy, other";
    field::word(Place::field("category"), &product.category, &CATEGORIES, allowed)?;
    let names = ("HS 编码（6、8、10 或 13 位）", "HS code of 6, 8, 10 or 13 digits");
    field::identifier(Place::field("hs_code"), &product.hs_code, names, customs::hs_class)?;
    let days = product.shelf_life_days;
    let place = Place::field("shelf_life_days");
    field::range(place, days.into(), 0, SHELF_LIFE_DAYS_MAX.into())?;
    if !STORAGE_MILLI_C.contains(&product.storage_max_milli_c) {
        let value = product.storage_max_milli_c.to_string();
        let limit = STORAGE_MILLI_C.end().unsigned_abs().into();
        let rule = Rule::NumberRange { min: 0, max: limit };
        return refuse(Place::field("storage_max_milli_c"), &value, rule);
    }
    Ok(())
}

pub(super) fn vehicle(vehicle: &Vehicle) -> Checked {
    field::required("vehicle", "plate", &vehicle.plate)?;
    field::required("vehicle", "party", &vehicle.party)?;
    field::vehicle(Place::field("plate"), &vehicle.plate)?;
    field::party(Place::field("party"), &vehicle.party)?;
    field::range(Place::field("load_max_grams"), vehicle.load_max_grams, 0, LOAD_GRAMS_MAX)?;
    field::container(Place::field("container"), &vehicle.container)
}

pub(super) fn certificate(certificate: &Certificate) -> Checked {
    let kind = "certificate";
    field::required(kind, "number", &certificate.number)?;
    let place = Place::field("certificate_type");
    field::stated::<CertificateType>(place, certificate.certificate_type)?;
    let number = Place::field("number");
    if certificate.certificate_type() == CertificateType::EntryInspection {
        let names = ("入境货物检验检疫证明编号", "entry inspection certificate number");
        field::identifier(number, &certificate.number, names, document::entry_inspection)?;
    }
    field::certificate(number, &certificate.number)?;
    field::required(kind, "issuer", &certificate.issuer)?;
    field::day(Place::field("issued_day"), certificate.issued_day)?;
    field::later_day(
        (Place::field("valid_to_day"), certificate.valid_to_day),
        ("issued_day", certificate.issued_day),
    )?;
    let hash = &certificate.file_hash;
    field::digest(Place::field("file_hash"), hash, Need::Required, kind)?;
    field::declaration(Place::field("declaration"), &certificate.declaration)?;
    field::list("codes", certificate.codes.len(), ITEMS_MAX)?;
    filled("codes", &certificate.codes, kind)
}

pub(super) fn declaration(declaration: &Declaration) -> Checked {
    let kind = "declaration";
    for (name, text) in [
        ("number", &declaration.number),
        ("consignee", &declaration.consignee),
        ("origin_country", &declaration.origin_country),
        ("port", &declaration.port),
        ("hs_code", &declaration.hs_code),
    ] {
        field::required(kind, name, text)?;
    }
    field::declaration(Place::field("number"), &declaration.number)?;
    field::party(Place::field("consignee"), &declaration.consignee)?;
    field::country(Place::field("origin_country"), &declaration.origin_country)?;
    let names = ("HS 编码（10 或 13 位）", "HS code of 10 or 13 digits");
    let hs_code = &declaration.hs_code;
    field::identifier(Place::field("hs_code"), hs_code, names, customs::hs_declared)?;
    let place = Place::field("quantity");
    match &declaration.quantity {
        None => return refuse_unseen(place, Rule::FieldRequired { kind }),
        Some(quantity) => field::quantity(place, quantity)?,
    }
    field::day(Place::field("entry_day"), declaration.entry_day)?;
    field::digest(Place::field("file_hash"), &declaration.file_hash, Need::Optional, kind)?;
    field::list("containers", declaration.containers.len(), CONTAINERS_MAX)?;
    filled("containers", &declaration.containers, kind)?;
    let mut containers = declaration.containers.iter().enumerate();
    containers.try_for_each(|(at, text)| field::container(Place::item("containers", at), text))
}

/// No item of the list is empty.
pub(super) fn filled(list: &'static str, texts: &[String], kind: &'static str) -> Checked {
    match texts.iter().position(String::is_empty) {
        Some(at) => refuse_unseen(Place::item(list, at), Rule::FieldRequired { kind }),
        None => Ok(()),
    }
}

/// Numbers of certificates that a body names.
pub(super) fn certificates(texts: &[String], kind: &'static str) -> Checked {
    field::list("certificates", texts.len(), CERTIFICATES_MAX)?;
    filled("certificates", texts, kind)?;
    let mut texts = texts.iter().enumerate();
    texts.try_for_each(|(at, text)| field::certificate(Place::item("certificates", at), text))
}
