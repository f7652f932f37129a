//! The way of the story's beef before it reached the country, as the plant abroad would share it: an
//! EPCIS 2.0 document of ranches, feedlot, plant, pallets, container, ship and port.

use proto::hash::Tag;
use serde_json::{Map, Value, json};

use super::story::World;

const RANCH_A: &str = "urn:epc:id:sgln:9312345.00001.0";
const RANCH_B: &str = "urn:epc:id:sgln:9312345.00002.0";
const FEEDLOT: &str = "urn:epc:id:sgln:9312345.00003.0";
const PLANT: &str = "urn:epc:id:sgln:9312345.00620.0";
const BRISBANE: &str = "urn:epc:id:sgln:9312345.00700.0";
const CAOFEIDIAN: &str = "urn:epc:id:sgln:6930000.00403.0";
const MOB_A: &str = "urn:epc:class:lgtin:9312345.011111.MOB-A-2020";
const MOB_B: &str = "urn:epc:class:lgtin:9312345.011111.MOB-B-2020";
const CARCASSES: &str = "urn:epc:class:lgtin:9312345.011155.KILL-20210108";
const CARTONS: &str = "urn:epc:class:lgtin:9312345.011222.EST0620-0101";
const PALLET_1: &str = "urn:epc:id:sscc:9312345.0000000101";
const PALLET_2: &str = "urn:epc:id:sscc:9312345.0000000102";
const CONTAINER: &str = "urn:epc:id:bic:JJJU0010113";
const LOGGER: &str = "urn:epc:id:giai:9312345.LOGGER-77";

/// The events so far; each gets an id made of its place.
#[derive(Default)]
struct Chain(Vec<Value>);

impl Chain {
    fn add(&mut self, kind: &str, (time, action, step): (&str, &str, &str), rest: Value) {
        let mut event = Map::new();
        event.insert("type".to_owned(), json!(kind));
        event.insert("eventID".to_owned(), json!(event_id(self.0.len())));
        event.insert("eventTime".to_owned(), json!(time));
        let offset = time.get(time.len() - 6..).unwrap_or("+08:00");
        event.insert("eventTimeZoneOffset".to_owned(), json!(offset));
        if !action.is_empty() {
            event.insert("action".to_owned(), json!(action));
        }
        event.insert("bizStep".to_owned(), json!(step));
        if let Value::Object(members) = rest {
            event.extend(members);
        }
        self.0.push(Value::Object(event));
    }

    /// An event of goods by quantity at a place.
    fn object(&mut self, when: (&str, &str, &str), class: &str, amount: u64, place: &str) {
        self.add(
            "ObjectEvent",
            when,
            json!({
                "quantityList": [{ "epcClass": class, "quantity": amount, "uom": "KGM" }],
                "readPoint": { "id": place },
                "bizLocation": { "id": place },
            }),
        );
    }

    /// A hand-over from one place to another.
    fn moved(&mut self, when: (&str, &str, &str), class: &str, amount: u64, ends: (&str, &str)) {
        let place = if when.2 == "shipping" { ends.0 } else { ends.1 };
        self.add(
            "ObjectEvent",
            when,
            json!({
                "quantityList": [{ "epcClass": class, "quantity": amount, "uom": "KGM" }],
                "bizLocation": { "id": place },
                "sourceList": [{ "type": "location", "source": ends.0 }],
                "destinationList": [{ "type": "location", "destination": ends.1 }],
            }),
        );
    }
}

fn event_id(position: usize) -> String {
    let hash = Tag::OpUid.hash(format!("demo/beef-chain/{position}").as_bytes()).to_string();
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default().to_owned();
    format!(
        "urn:uuid:{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// The document.
pub(crate) fn document(world: &World) -> Vec<u8> {
    let mut chain = Chain::default();
    cattle(&mut chain);
    plant(&mut chain);
    voyage(&mut chain);
    arrival(&mut chain, &world.lot);
    let document = json!({
        "@context": [
            "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            { "example": "http://ns.example.com/epcis/" },
        ],
        "id": "https://demo.invalid/epcis/beef-chain",
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2021-03-10T16:00:00.000+08:00",
        "epcisBody": { "eventList": chain.0 },
    });
    let mut bytes = serde_json::to_vec_pretty(&document).expect("a value tree");
    bytes.push(b'\n');
    bytes
}

fn cattle(chain: &mut Chain) {
    chain.object(("2020-09-02T07:00:00.000+10:00", "ADD", "commissioning"), MOB_A, 9_000, RANCH_A);
    chain.object(("2020-09-03T07:30:00.000+10:00", "ADD", "commissioning"), MOB_B, 7_500, RANCH_B);
    let ends = (RANCH_A, FEEDLOT);
    chain.moved(("2020-10-05T06:00:00.000+10:00", "OBSERVE", "shipping"), MOB_A, 9_000, ends);
    chain.moved(("2020-10-05T15:00:00.000+10:00", "OBSERVE", "receiving"), MOB_A, 9_000, ends);
    let ends = (RANCH_B, FEEDLOT);
    chain.moved(("2020-10-06T06:00:00.000+10:00", "OBSERVE", "shipping"), MOB_B, 7_500, ends);
    chain.moved(("2020-10-06T17:00:00.000+10:00", "OBSERVE", "receiving"), MOB_B, 7_500, ends);
    chain.object(("2021-01-05T09:00:00.000+10:00", "OBSERVE", "inspecting"), MOB_A, 9_600, FEEDLOT);
    let ends = (FEEDLOT, PLANT);
    chain.moved(("2021-01-07T20:00:00.000+10:00", "OBSERVE", "shipping"), MOB_A, 9_600, ends);
    chain.moved(("2021-01-07T20:10:00.000+10:00", "OBSERVE", "shipping"), MOB_B, 8_100, ends);
    chain.moved(("2021-01-08T02:30:00.000+10:00", "OBSERVE", "receiving"), MOB_A, 9_600, ends);
    chain.moved(("2021-01-08T02:40:00.000+10:00", "OBSERVE", "receiving"), MOB_B, 8_100, ends);
}

fn plant(chain: &mut Chain) {
    let of =
        |class: &str, amount: u64| json!([{ "epcClass": class, "quantity": amount, "uom": "KGM" }]);
    chain.add(
        "TransformationEvent",
        ("2021-01-08T06:00:00.000+10:00", "", "killing"),
        json!({
            "inputQuantityList": [
                { "epcClass": MOB_A, "quantity": 9_600, "uom": "KGM" },
                { "epcClass": MOB_B, "quantity": 8_100, "uom": "KGM" },
            ],
            "outputQuantityList": of(CARCASSES, 9_700),
            "bizLocation": { "id": PLANT },
        }),
    );
    let when = ("2021-01-08T10:00:00.000+10:00", "OBSERVE", "inspecting");
    chain.object(when, CARCASSES, 9_700, PLANT);
    chain.add(
        "ObjectEvent",
        ("2021-01-09T06:00:00.000+10:00", "OBSERVE", "storing"),
        json!({
            "quantityList": of(CARCASSES, 9_700),
            "bizLocation": { "id": PLANT },
            "sensorElementList": [{
                "sensorMetadata": { "startTime": "2021-01-08T11:00:00.000+10:00", "endTime": "2021-01-09T06:00:00.000+10:00" },
                "sensorReport": [{ "type": "Temperature", "minValue": 0.6, "maxValue": 3.9, "uom": "CEL" }],
            }],
        }),
    );
    chain.add(
        "TransformationEvent",
        ("2021-01-09T08:00:00.000+10:00", "", "commissioning"),
        json!({
            "inputQuantityList": of(CARCASSES, 9_700),
            "outputQuantityList": of(CARTONS, 1_200),
            "bizLocation": { "id": PLANT },
            "ilmd": {
                "cbvmda:lotNumber": "EST0620-0101",
                "cbvmda:countryOfOrigin": "AU",
                "example:establishment": "AU-EST-0620",
            },
        }),
    );
    for (time, pallet) in
        [("2021-01-11T08:00:00.000+10:00", PALLET_1), ("2021-01-11T08:30:00.000+10:00", PALLET_2)]
    {
        chain.add(
            "AggregationEvent",
            (time, "ADD", "packing"),
            json!({
                "parentID": pallet,
                "childEPCs": [],
                "childQuantityList": of(CARTONS, 600),
                "bizLocation": { "id": PLANT },
            }),
        );
    }
}

fn voyage(chain: &mut Chain) {
    chain.add(
        "AssociationEvent",
        ("2021-01-12T06:00:00.000+10:00", "ADD", "installing"),
        json!({ "parentID": CONTAINER, "childEPCs": [LOGGER], "readPoint": { "id": PLANT } }),
    );
    chain.add(
        "AggregationEvent",
        ("2021-01-12T07:00:00.000+10:00", "ADD", "loading"),
        json!({
            "parentID": CONTAINER,
            "childEPCs": [PALLET_1, PALLET_2],
            "bizLocation": { "id": PLANT },
        }),
    );
    for (time, step, place) in [
        ("2021-01-12T09:00:00.000+10:00", "shipping", PLANT),
        ("2021-01-13T11:00:00.000+10:00", "departing", BRISBANE),
    ] {
        chain.add(
            "ObjectEvent",
            (time, "OBSERVE", step),
            json!({
                "epcList": [CONTAINER],
                "disposition": "in_transit",
                "readPoint": { "id": place },
                "bizTransactionList": [
                    { "type": "bol", "bizTransaction": "urn:epcglobal:cbv:bt:9312345000016:BOL-0113" },
                ],
            }),
        );
    }
    chain.add(
        "ObjectEvent",
        ("2021-02-20T00:00:00.000+08:00", "OBSERVE", "sensor_reporting"),
        json!({
            "epcList": [CONTAINER],
            "sensorElementList": [{
                "sensorMetadata": { "deviceID": LOGGER },
                "sensorReport": [{ "type": "Temperature", "minValue": -21.4, "maxValue": -18.3, "meanValue": -19.8, "uom": "CEL" }],
            }],
        }),
    );
}

fn arrival(chain: &mut Chain, lot: &str) {
    chain.add(
        "ObjectEvent",
        ("2021-03-09T21:00:00.000+08:00", "OBSERVE", "arriving"),
        json!({ "epcList": [CONTAINER], "readPoint": { "id": CAOFEIDIAN } }),
    );
    chain.add(
        "AggregationEvent",
        ("2021-03-10T08:00:00.000+08:00", "DELETE", "unloading"),
        json!({
            "parentID": CONTAINER,
            "childEPCs": [PALLET_1, PALLET_2],
            "bizLocation": { "id": CAOFEIDIAN },
        }),
    );
    for (time, pallet) in
        [("2021-03-10T10:00:00.000+08:00", PALLET_1), ("2021-03-10T10:15:00.000+08:00", PALLET_2)]
    {
        chain.add(
            "AggregationEvent",
            (time, "DELETE", "unpacking"),
            json!({
                "parentID": pallet,
                "childEPCs": [],
                "childQuantityList": [{ "epcClass": CARTONS, "quantity": 600, "uom": "KGM" }],
                "bizLocation": { "id": CAOFEIDIAN },
            }),
        );
    }
    // The first station's code is given to the cartons: here the chain abroad becomes the one at home.
    chain.add(
        "TransformationEvent",
        ("2021-03-10T14:00:00.000+08:00", "", "creating_class_instance"),
        json!({
            "inputQuantityList": [{ "epcClass": CARTONS, "quantity": 1_200, "uom": "KGM" }],
            "outputQuantityList": [
                { "epcClass": format!("urn:jjj:code:{lot}"), "quantity": 1_200, "uom": "KGM" },
            ],
            "bizLocation": { "id": CAOFEIDIAN },
        }),
    );
}
