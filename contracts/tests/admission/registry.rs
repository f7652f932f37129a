//! Registry entries, rule by rule.

use proto::schema::registry::{
    Certificate, CertificateType, Datum, Declaration, Party, PartyType, Product, Station,
    StationType, Vehicle,
};
use proto::schema::{Body, OperationKind};

use crate::{quantity, rows, verdict};

fn party() -> Party {
    Party {
        id: "91130181MA0F12343L".to_owned(),
        name: "辛集冷链食品有限公司".to_owned(),
        party_type: PartyType::Importer.into(),
        region: "130181".to_owned(),
        licences: vec!["SC10413018100090".to_owned(), "JY11301810006785".to_owned()],
        valid_to_day: 20_000,
    }
}

#[test]
fn a_party_has_a_code_or_is_a_household_without_a_name() {
    let household = |p: &mut Party| {
        (p.id, p.name, p.licences) = ("ab".repeat(32), String::new(), vec![]);
    };
    for (change, expected) in rows::<Party, _>([
        (|_| (), "ok"),
        (|p| p.id.clear(), "id FIELD_REQUIRED"),
        (|p| p.id = "91130181MA0F12343M".into(), "id \"91130181MA0F12343M\" BAD_CHECK"),
        (|p| p.id = "92130102MA07Q1W95K".into(), "id HOUSEHOLD_IN_PLAIN"),
        (|p| p.name.clear(), "name FIELD_REQUIRED"),
        (|p| p.name = "王 13800138000".into(), "name PERSONAL_DATA"),
        (|p| p.party_type = 0, "party_type ENUM_UNSPECIFIED"),
        (|p| p.party_type = 55, "party_type \"55\" ENUM_UNKNOWN"),
        (|p| p.region.clear(), "region FIELD_REQUIRED"),
        (|p| p.region = "990101".into(), "region \"990101\" BAD_REGION"),
        (
            |p| p.licences[1] = "JY11301810006784".into(),
            "licences[1] \"JY11301810006784\" BAD_CHECK",
        ),
        (|p| p.licences[0].clear(), "licences[0] FIELD_REQUIRED"),
        (|p| p.licences = vec!["SC10413018100090".into(); 51], "licences LIST_TOO_LONG"),
        (|p| p.valid_to_day = 0, "ok"),
        (|p| p.valid_to_day = 90_000, "valid_to_day \"90000\" DAY_RANGE"),
        (household, "ok"),
        (|p| p.id = "ab".repeat(32), "name \"辛集冷链食品有限公司\" FIELD_FORBIDDEN"),
        (
            |p| (p.id, p.name) = ("ab".repeat(32), String::new()),
            "licences \"SC10413018100090\" FIELD_FORBIDDEN",
        ),
    ]) {
        let mut changed = party();
        change(&mut changed);
        assert_eq!(verdict(OperationKind::Party, &Body::Party(changed)), expected);
    }
}

/// Sets longitude and latitude.
fn at(station: &mut Station, longitude: i64, latitude: i64) {
    (station.longitude_micro, station.latitude_micro) = (longitude, latitude);
}

fn station() -> Station {
    Station {
        id: "LK-001".to_owned(),
        name: "京东冷库".to_owned(),
        party: "91130181MA0F12343L".to_owned(),
        station_type: StationType::ColdStore.into(),
        longitude_micro: 116_397_000,
        latitude_micro: 39_909_000,
        datum: Datum::Cgcs2000.into(),
        region: "110108".to_owned(),
        gln: "6930000000028".to_owned(),
        first_station: true,
    }
}

#[test]
fn a_station_has_a_place_on_earth_with_its_axes_the_right_way_round() {
    let rows = rows::<Station, _>([
        (|_| (), "ok"),
        (|s| s.id.clear(), "id FIELD_REQUIRED"),
        (|s| s.id = "1:LK".into(), "id \"1:LK\" BAD_PREFIX"),
        (|s| s.id = "1：LK".into(), "id \"1：LK\" BAD_PREFIX"),
        (|s| s.id = "１:LK".into(), "id \"１:LK\" BAD_PREFIX"),
        (|s| s.id = "①:LK".into(), "id \"①:LK\" BAD_PREFIX"),
        (|s| s.id = "LK:1".into(), "ok"),
        (|s| s.id = "urn:epc:id:sgln:1.2.3".into(), "ok"),
        (|s| s.id = "13800138000".into(), "id PERSONAL_DATA"),
        (|s| s.name.clear(), "name FIELD_REQUIRED"),
        (|s| s.party.clear(), "party FIELD_REQUIRED"),
        (|s| s.station_type = 0, "station_type ENUM_UNSPECIFIED"),
        (|s| s.datum = 0, "datum ENUM_UNSPECIFIED"),
        (|s| s.datum = 9, "datum \"9\" ENUM_UNKNOWN"),
        (|s| s.region.clear(), "region FIELD_REQUIRED"),
        (|s| s.gln = "6930000000027".into(), "gln \"6930000000027\" BAD_CHECK"),
        (|s| s.gln.clear(), "ok"),
        (|s| at(s, 0, 0), "longitude_micro FIELD_REQUIRED"),
        (|s| at(s, 39_909_000, 116_397_000), "longitude_micro \"39909000\" COORDINATES_SWAPPED"),
        // A latitude that exists too: a place in Xinjiang, written the other way round.
        (|s| at(s, 45_750_000, 88_000_000), "longitude_micro \"45750000\" COORDINATES_SWAPPED"),
        (|s| at(s, 151_200_000, -33_900_000), "ok"),
        (|s| at(s, 180_000_001, 10), "longitude_micro \"180000001\" COORDINATE_RANGE"),
        (|s| at(s, 10, -90_000_001), "latitude_micro \"-90000001\" COORDINATE_RANGE"),
        (|s| at(s, -180_000_000, 90_000_000), "ok"),
    ]);
    for (row, (change, expected)) in rows.into_iter().enumerate() {
        let mut changed = station();
        change(&mut changed);
        let found = verdict(OperationKind::Station, &Body::Station(changed));
        assert_eq!(found, expected, "row {row}");
    }
}

#[test]
fn swapped_axes_are_said_in_words() {
    let swapped = Station { longitude_micro: 39_909_000, latitude_micro: 116_397_000, ..station() };
    let body = Body::Station(swapped);
    let error = contracts::admission::admit(&crate::operation(OperationKind::Station, &body));
    assert_eq!(
        error.unwrap_err().zh(),
        "longitude_micro“39909000”：经纬度疑似颠倒：互换后位于中国境内"
    );
}

#[test]
fn a_product_has_a_known_category_and_a_possible_temperature() {
    let product = Product {
        id: "6901234567892".to_owned(),
        name: "冷冻去骨牛肉".to_owned(),
        category: "meat".to_owned(),
        hs_code: "0202300090".to_owned(),
        shelf_life_days: 720,
        storage_max_milli_c: -18_000,
    };
    for (change, expected) in rows::<Product, _>([
        (|_| (), "ok"),
        (|p| p.id.clear(), "id FIELD_REQUIRED"),
        (|p| p.id = "6901234567893".into(), "id \"6901234567893\" BAD_CHECK"),
        (|p| p.id = "BJ-0007".into(), "ok"),
        (|p| p.name.clear(), "name FIELD_REQUIRED"),
        (|p| p.category = "beef".into(), "category \"beef\" UNKNOWN_WORD"),
        (|p| p.category.clear(), "category FIELD_REQUIRED"),
        (|p| p.hs_code = "020230".into(), "ok"),
        (|p| p.hs_code = "02023".into(), "hs_code \"02023\" BAD_LENGTH"),
        (|p| p.hs_code.clear(), "ok"),
        (|p| p.shelf_life_days = 3_654, "shelf_life_days \"3654\" NUMBER_RANGE"),
        (|p| p.storage_max_milli_c = -18, "ok"),
        (|p| p.storage_max_milli_c = 61_000, "storage_max_milli_c \"61000\" NUMBER_RANGE"),
    ]) {
        let mut changed = product.clone();
        change(&mut changed);
        assert_eq!(verdict(OperationKind::Product, &Body::Product(changed)), expected);
    }
}

#[test]
fn a_vehicle_has_a_plate_and_a_party() {
    let vehicle = Vehicle {
        plate: "冀B1234挂".to_owned(),
        party: "91130181MA0F12343L".to_owned(),
        load_max_grams: 30_000_000,
        container: "CSQU3054383".to_owned(),
    };
    for (change, expected) in rows::<Vehicle, _>([
        (|_| (), "ok"),
        (|v| v.plate.clear(), "plate FIELD_REQUIRED"),
        (|v| v.plate = "京AI2345".into(), "plate \"京AI2345\" BAD_CHAR"),
        (|v| v.party.clear(), "party FIELD_REQUIRED"),
        (|v| v.container = "CSQU3054384".into(), "container \"CSQU3054384\" BAD_CHECK"),
        (|v| v.container = "csqu 305438-3".into(), "ok"),
        (|v| v.load_max_grams = 200_000_001, "load_max_grams \"200000001\" NUMBER_RANGE"),
    ]) {
        let mut changed = vehicle.clone();
        change(&mut changed);
        assert_eq!(verdict(OperationKind::Vehicle, &Body::Vehicle(changed)), expected);
    }
}

#[test]
fn a_certificate_has_a_number_a_type_and_the_digest_of_its_file() {
    let certificate = Certificate {
        number: "121000000012345678".to_owned(),
        certificate_type: CertificateType::EntryInspection.into(),
        issuer: "新港海关".to_owned(),
        issued_day: 18_700,
        valid_to_day: 0,
        file_hash: vec![7; 32],
        declaration: "020220211000012345-1".to_owned(),
        codes: vec!["A-1".to_owned()],
    };
    for (change, expected) in rows::<Certificate, _>([
        (|_| (), "ok"),
        (|c| c.number.clear(), "number FIELD_REQUIRED"),
        (|c| c.number = "CIQ-1".into(), "number \"CIQ-1\" BAD_LENGTH"),
        (|c| c.number = "京检2021000012".into(), "number \"京检2021000012\" BAD_CHAR"),
        (|c| (c.number, c.certificate_type) = ("京检2021-12".into(), 2), "ok"),
        (|c| c.certificate_type = 0, "certificate_type ENUM_UNSPECIFIED"),
        (|c| c.certificate_type = 9, "certificate_type \"9\" ENUM_UNKNOWN"),
        (|c| c.issuer.clear(), "issuer FIELD_REQUIRED"),
        (|c| c.issued_day = 0, "issued_day \"0\" DAY_RANGE"),
        (|c| c.valid_to_day = 18_699, "valid_to_day \"18699\" DAYS_REVERSED"),
        (|c| c.valid_to_day = 18_700, "ok"),
        (|c| c.file_hash.clear(), "file_hash FIELD_REQUIRED"),
        (|c| c.file_hash = vec![7; 31], "file_hash DIGEST_LENGTH"),
        (|c| c.declaration = "1-1".into(), "declaration \"1-1\" BAD_LENGTH"),
        (|c| c.declaration.clear(), "ok"),
        (|c| c.codes = vec![String::new()], "codes[0] FIELD_REQUIRED"),
        (|c| c.codes = vec!["A".into(); 1_001], "codes LIST_TOO_LONG"),
    ]) {
        let mut changed = certificate.clone();
        change(&mut changed);
        assert_eq!(verdict(OperationKind::Certificate, &Body::Certificate(changed)), expected);
    }
}

#[test]
fn a_declaration_line_has_a_consignee_a_port_and_a_quantity() {
    let declaration = Declaration {
        number: "020220211000012345-1".to_owned(),
        consignee: "91120116MA05K7X26W".to_owned(),
        establishment: "AU-0235".to_owned(),
        origin_country: "AUS".to_owned(),
        port: "XG-01".to_owned(),
        hs_code: "0202300090".to_owned(),
        quantity: Some(quantity(1_000_000)),
        entry_day: 18_700,
        file_hash: Vec::new(),
        containers: vec!["CSQU3054383".to_owned()],
    };
    for (change, expected) in rows::<Declaration, _>([
        (|_| (), "ok"),
        (|d| d.number.clear(), "number FIELD_REQUIRED"),
        (|d| d.number = "020220211000012345-0".into(), "number \"020220211000012345-0\" BAD_CHAR"),
        (|d| d.consignee = "92130102MA07Q1W95K".into(), "consignee HOUSEHOLD_IN_PLAIN"),
        (|d| d.origin_country = "AU".into(), "origin_country \"AU\" BAD_LENGTH"),
        (|d| d.port.clear(), "port FIELD_REQUIRED"),
        (|d| d.hs_code = "020230".into(), "hs_code \"020230\" BAD_LENGTH"),
        (|d| d.quantity = None, "quantity FIELD_REQUIRED"),
        (|d| d.quantity = Some(quantity(0)), "quantity QUANTITY_ZERO"),
        (|d| d.entry_day = 0, "entry_day \"0\" DAY_RANGE"),
        (|d| d.file_hash = vec![1; 32], "ok"),
        (|d| d.file_hash = vec![1; 33], "file_hash DIGEST_LENGTH"),
        (|d| d.containers.push("CSQU3054384".into()), "containers[1] \"CSQU3054384\" BAD_CHECK"),
        (|d| d.containers = vec!["CSQU3054383".into(); 101], "containers LIST_TOO_LONG"),
    ]) {
        let mut changed = declaration.clone();
        change(&mut changed);
        assert_eq!(verdict(OperationKind::Declaration, &Body::Declaration(changed)), expected);
    }
}
