//! Registry entries.

use proto::schema::registry::{
    Certificate, CertificateType, Datum, Declaration, Party, PartyType, Product, Station,
    StationType, Vehicle,
};

use super::Fields;
use crate::gate::Fault;

/// Bytes of a file hash.
const FILE_HASH_BYTES: usize = 32;

pub(super) fn party(fields: &mut Fields<'_>) -> Result<Party, Fault> {
    Ok(Party {
        id: fields.text("id")?,
        name: fields.text("name")?,
        party_type: fields.word::<PartyType>("party_type")?,
        region: fields.text("region")?,
        licences: fields.texts("licences")?,
        valid_to_day: fields.day("valid_to_day")?,
    })
}

pub(super) fn station(fields: &mut Fields<'_>) -> Result<Station, Fault> {
    Ok(Station {
        id: fields.text("id")?,
        name: fields.text("name")?,
        party: fields.text("party")?,
        station_type: fields.word::<StationType>("station_type")?,
        longitude_micro: fields.whole("longitude_micro")?,
        latitude_micro: fields.whole("latitude_micro")?,
        datum: fields.word::<Datum>("datum")?,
        region: fields.text("region")?,
        gln: fields.text("gln")?,
        first_station: fields.flag("first_station")?,
    })
}

pub(super) fn product(fields: &mut Fields<'_>) -> Result<Product, Fault> {
    Ok(Product {
        id: fields.text("id")?,
        name: fields.text("name")?,
        category: fields.text("category")?,
        hs_code: fields.text("hs_code")?,
        shelf_life_days: fields.whole("shelf_life_days")?,
        storage_max_milli_c: fields.whole("storage_max_milli_c")?,
    })
}

pub(super) fn vehicle(fields: &mut Fields<'_>) -> Result<Vehicle, Fault> {
    Ok(Vehicle {
        plate: fields.text("plate")?,
        party: fields.text("party")?,
        load_max_grams: fields.whole("load_max_grams")?,
        container: fields.text("container")?,
    })
}

pub(super) fn certificate(fields: &mut Fields<'_>) -> Result<Certificate, Fault> {
    Ok(Certificate {
        number: fields.text("number")?,
        certificate_type: fields.word::<CertificateType>("certificate_type")?,
        issuer: fields.text("issuer")?,
        issued_day: fields.day("issued_day")?,
        valid_to_day: fields.day("valid_to_day")?,
        file_hash: fields.bytes("file_hash", FILE_HASH_BYTES)?,
        declaration: fields.text("declaration")?,
        codes: fields.texts("codes")?,
    })
}

pub(super) fn declaration(fields: &mut Fields<'_>) -> Result<Declaration, Fault> {
    Ok(Declaration {
        number: fields.text("number")?,
        consignee: fields.text("consignee")?,
        establishment: fields.text("establishment")?,
        origin_country: fields.text("origin_country")?,
        port: fields.text("port")?,
        hs_code: fields.text("hs_code")?,
        quantity: fields.quantity("quantity")?,
        entry_day: fields.day("entry_day")?,
        file_hash: fields.bytes("file_hash", FILE_HASH_BYTES)?,
        containers: fields.texts("containers")?,
    })
}
