//! Matches of codes, and where the goods of an alert are: what the nodes answer, added up.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use api::trace::trace_service_client::TraceServiceClient;
use api::trace::{GetMatchesRequest, MatchStatus};
use import::{Mapping, Source};
use proto::schema::{Body, OperationKind};
use serde_json::Value;

use super::stage::Stage;
use crate::programs;

/// How many matches there are of each kind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MatchCounts {
    /// Both sides say the same.
    pub confirmed: usize,
    /// Only one side has spoken.
    pub one_sided: usize,
    /// The sides contradict each other.
    pub in_doubt: usize,
}

/// Files of the sample world with their mappings.
const EXPORTS: [(&str, &str); 3] = [
    ("beijing/events.csv", "beijing/events.toml"),
    ("tianjin/export.json", "tianjin/mapping.toml"),
    ("hebei/export.xml", "hebei/mapping.toml"),
];

/// Every code that the exports say to have received under another code.
fn received_codes() -> anyhow::Result<BTreeSet<String>> {
    let mut codes = BTreeSet::new();
    for (file, mapping) in EXPORTS {
        let mapping = Mapping::parse(&std::fs::read_to_string(programs::sample(mapping))?)?;
        let bytes = std::fs::read(programs::sample(file))?;
        for prepared in import::import(&bytes, &Source::Mapped(&mapping))?.operations {
            if let (OperationKind::Receive, Body::Event(event)) = (prepared.kind, prepared.body) {
                let items = event.items.into_iter().filter(|item| !item.counterpart.is_empty());
                codes.extend(items.map(|item| item.code));
            }
        }
    }
    Ok(codes)
}

/// Asks a node for the matches of every received code, and counts each match once.
pub async fn count_matches(stage: &Stage, node: usize) -> anyhow::Result<MatchCounts> {
    let mut client = TraceServiceClient::new(stage.net.channel(node)?);
    let mut found = BTreeMap::new();
    for code in received_codes()? {
        let asked = GetMatchesRequest { code, agency: None };
        for one in client.get_matches(asked).await?.into_inner().matches {
            let status = one.status();
            found.insert((one.from, one.to), status);
        }
    }
    let mut counts = MatchCounts::default();
    for status in found.into_values() {
        match status {
            MatchStatus::Confirmed => counts.confirmed += 1,
            MatchStatus::OneSided => counts.one_sided += 1,
            MatchStatus::InDoubt => counts.in_doubt += 1,
            MatchStatus::Unspecified | MatchStatus::Void => (), // the sample world has none
        }
    }
    Ok(counts)
}

/// Where a share of the goods is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Who has it.
    pub party: String,
    /// Station and coordinates.
    pub station: String,
    /// How much, in thousandths of a kilogram.
    pub milli: u64,
    /// Boxes and packets there.
    pub units: usize,
}

/// What became of the goods of an alert, in thousandths of a kilogram.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Whereabouts {
    /// Sold or used.
    pub sold: u64,
    /// In stock.
    pub in_stock: u64,
    /// On the road.
    pub in_transit: u64,
    /// Destroyed.
    pub disposed: u64,
    /// Where the stock is.
    pub places: Vec<Place>,
    /// Open trips: document, truck, units.
    pub trips: Vec<(String, String, usize)>,
}

impl Whereabouts {
    /// Everything together.
    pub const fn total(&self) -> u64 {
        self.sold + self.in_stock + self.in_transit + self.disposed
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Adds up what a node says of the units of an alert: the trace from `code` tells what became of each,
/// the parties tell their stock, the trucks their open trips.
pub fn whereabouts(
    stage: &Stage,
    node: usize,
    alert: &Value,
    code: &str,
) -> anyhow::Result<Whereabouts> {
    let units: BTreeSet<&str> = texts(&alert["units"]).into_iter().collect();
    let mut found = Whereabouts::default();
    let trace = stage.ask(node, &["trace", code])?;
    for unit in trace["units"].as_array().context("a trace has units")? {
        let named = unit["unit"].as_str().is_some_and(|name| units.contains(name));
        if named && unit["uom"] == "KGM" {
            let milli = |field: &str| unit[field].as_u64().unwrap_or_default();
            found.sold += milli("sold_milli");
            found.in_stock += milli("in_stock_milli");
            found.in_transit += milli("in_transit_milli");
            found.disposed += milli("disposed_milli");
        }
    }
    for party in texts(&alert["parties"]) {
        let answer = stage.ask(node, &["locate", party, "--kind", "party"])?;
        add_places(&mut found.places, &answer, &units);
    }
    for vehicle in texts(&alert["vehicles"]) {
        let answer = stage.ask(node, &["locate", vehicle, "--kind", "vehicle"])?;
        for trip in answer["trips"].as_array().into_iter().flatten() {
            let carried = texts(&trip["units"]);
            let concerned = carried.iter().filter(|unit| units.contains(**unit)).count();
            if concerned > 0 && trip["on_road"] == true {
                let document = trip["document"].as_str().unwrap_or_default().to_owned();
                found.trips.push((document, vehicle.to_owned(), concerned));
            }
        }
    }
    Ok(found)
}

fn add_places(places: &mut Vec<Place>, answer: &Value, units: &BTreeSet<&str>) {
    for holding in answer["holdings"].as_array().into_iter().flatten() {
        let named = holding["unit"].as_str().is_some_and(|unit| units.contains(unit));
        let milli = holding["quantities"]["in_stock_milli"].as_u64().unwrap_or_default();
        if !named || milli == 0 || holding["quantities"]["uom"] != "KGM" {
            continue;
        }
        let text = |field: &str| holding[field].as_str().unwrap_or_default().to_owned();
        let party = if text("party_name").is_empty() { text("party") } else { text("party_name") };
        let station = format!(
            "{} {}, {} ({})",
            text("station_name"),
            text("longitude"),
            text("latitude"),
            text("datum")
        );
        match places.iter_mut().find(|place| place.party == party && place.station == station) {
            Some(place) => {
                place.milli += milli;
                place.units += 1;
            }
            None => places.push(Place { party, station, milli, units: 1 }),
        }
    }
}

/// Thousandths of a kilogram as kilograms.
pub fn kilograms(milli: u64) -> String {
    match milli % 1_000 {
        0 => format!("{} kg", milli / 1_000),
        rest => format!("{}.{rest:03} kg", milli / 1_000),
    }
}
