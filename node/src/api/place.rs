//! Matches of a code, and where a subject is: read models of `contracts` as answers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use api::trace::{
    GetMatchesRequest, GetMatchesResponse, Holding, LocateRequest, LocateResponse, Match,
    MatchStatus, Quantities, SubjectKind as AskedKind, Trip,
};
use contracts::codes::Codes;
use contracts::links::Naming;
use contracts::matching::{self, delivery};
use contracts::place::Held;
use contracts::query::locate::{self, Balance, Consignment, Holder, Site, UnitPlace};
use contracts::record::matching::MatchStatus as Standing;
use contracts::record::shipment::{Leg, Side};
use contracts::state::State;
use ledger::reader::View;
use ledger::store::StoreRead;
use proto::AgencyIndex;
use proto::history::LogKey;
use proto::receipt::{Subject, SubjectKind};
use proto::schema::OperationKind;
use proto::schema::act::Relation;
use proto::schema::event::Uom;
use proto::schema::registry::Datum;
use proto::schema::roles::Normaliser;

use super::Service;
use super::failure::Failure;
use super::trace_service::units_of;

/// Entries of each list of a unit, and units of a place, that one answer shows.
pub(super) const HOLDERS_MAX: usize = 1_000;

/// Key bytes as text; keys are UTF-8 by their normalisers.
pub(super) fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

/// A sum that is not below zero.
pub(super) fn unsigned(milli: i64) -> u64 {
    u64::try_from(milli).unwrap_or_default()
}

fn uom_name(uom: i32) -> String {
    match Uom::try_from(uom).unwrap_or(Uom::Unspecified) {
        Uom::Unspecified => "",
        Uom::Kgm => "KGM",
        Uom::Xbx => "XBX",
        Uom::H87 => "H87",
        Uom::Xpx => "XPX",
        Uom::Ltr => "LTR",
        Uom::Xpa => "XPA",
    }
    .to_owned()
}

/// What became of a unit, as an answer says it.
pub(super) fn quantities(balance: &Balance) -> Quantities {
    Quantities {
        uom: uom_name(balance.uom),
        in_stock_milli: unsigned(balance.in_stock),
        sold_milli: unsigned(balance.sold.saturating_add(balance.used)),
        in_transit_milli: unsigned(balance.in_transit),
        disposed_milli: unsigned(balance.disposed),
        consumed_milli: unsigned(balance.converted),
    }
}

fn datum_name(datum: i32) -> String {
    match Datum::try_from(datum).unwrap_or(Datum::Unspecified) {
        Datum::Unspecified => "",
        Datum::Cgcs2000 => "CGCS2000",
        Datum::Wgs84 => "WGS84",
        Datum::Gcj02 => "GCJ02",
        Datum::Bd09 => "BD09",
    }
    .to_owned()
}

fn holding(unit: &[u8], holder: &Holder, held: Quantities) -> Holding {
    let site = &holder.site;
    Holding {
        unit: text(unit),
        party: text(&holder.party),
        party_name: holder.party_name.clone(),
        station: text(&site.station),
        station_name: site.name.clone(),
        longitude_micro: site.longitude_micro,
        latitude_micro: site.latitude_micro,
        datum: datum_name(site.datum),
        agency: site.agency.map_or(u32::MAX, |agency| agency.value().into()),
        quantities: Some(held),
    }
}

/// Stock alone: what a place has of a unit.
fn in_stock(uom: i32, milli: i64) -> Quantities {
    Quantities { uom: uom_name(uom), in_stock_milli: unsigned(milli), ..Quantities::default() }
}

impl Service {
    pub(super) fn answer_matches(
        &self,
        asked: &GetMatchesRequest,
    ) -> Result<GetMatchesResponse, Failure> {
        let view = self.reader.view()?;
        let mut matches = Vec::new();
        let units = units_of(&view, &asked.code, asked.agency)?;
        for unit in &units {
            let found = matching::of_unit(&view, unit, HOLDERS_MAX);
            for found in found? {
                matches.push(matched(&view, &found)?);
            }
        }
        let unit = units.first().map(|unit| text(unit)).unwrap_or_default();
        Ok(GetMatchesResponse { height: view.head().value(), unit, matches })
    }

    pub(super) fn answer_locate(&self, asked: &LocateRequest) -> Result<LocateResponse, Failure> {
        let view = self.reader.view()?;
        let mut answer = Located::default();
        let codes = Codes::load(&view)?;
        match asked.kind() {
            AskedKind::Unspecified | AskedKind::Unit => {
                for unit in units_of(&view, &asked.subject, asked.agency)? {
                    answer.unit((&view, &codes), &unit)?;
                }
            }
            AskedKind::Station => {
                for key in keys_of(&view, &codes, Normaliser::Station, asked)? {
                    let held = locate::station(&view, &key, HOLDERS_MAX);
                    answer.held(&view, held?)?;
                }
            }
            AskedKind::Party => {
                for key in keys_of(&view, &codes, Normaliser::Party, asked)? {
                    let held = locate::party(&view, &key, HOLDERS_MAX);
                    answer.held(&view, held?)?;
                }
            }
            AskedKind::Vehicle => {
                for key in keys_of(&view, &codes, Normaliser::Vehicle, asked)? {
                    answer.vehicle(&view, &codes, &key)?;
                }
            }
            AskedKind::Person => {
                for key in keys_of(&view, &codes, Normaliser::Person, asked)? {
                    answer.named_with((&view, &codes), SubjectKind::Person, &key)?;
                }
            }
            AskedKind::Declaration => {
                for key in keys_of(&view, &codes, Normaliser::Declaration, asked)? {
                    answer.named_with((&view, &codes), SubjectKind::Declaration, &key)?;
                }
            }
            AskedKind::Certificate => {
                for key in keys_of(&view, &codes, Normaliser::Certificate, asked)? {
                    answer.named_with((&view, &codes), SubjectKind::Certificate, &key)?;
                }
            }
        }
        Ok(answer.finish(view.head().value()))
    }
}

/// Keys that a text may have: the same for every agency but for stations.
fn keys_of(
    view: &View<'_, impl StoreRead>,
    codes: &Codes,
    normaliser: Normaliser,
    asked: &LocateRequest,
) -> Result<Vec<Vec<u8>>, Failure> {
    if asked.subject.is_empty() || asked.subject.len() > 512 {
        let found = asked.subject.len();
        let zh = format!("应有 1 至 512 字节，实有 {found} 字节");
        let en = format!("expected 1 to 512 bytes, found {found}");
        return Err(Failure::field(("subject", "SUBJECT"), &zh, &en));
    }
    let agencies = u16::try_from(view.genesis().agencies().len()).unwrap_or(u16::MAX);
    let mut keys: Vec<Vec<u8>> = (0..agencies)
        .filter(|agency| asked.agency.is_none_or(|only| only == u32::from(*agency)))
        .map(|agency| {
            Naming { agency: AgencyIndex::new(agency), codes }.key(normaliser, &asked.subject)
        })
        .collect();
    keys.sort();
    keys.dedup();
    Ok(keys)
}

/// The state of a height and the codes of its schemes.
type Known<'a> = (&'a dyn State, &'a Codes);

/// An answer in the making.
#[derive(Default)]
pub(super) struct Located {
    holdings: Vec<Holding>,
    trips: BTreeMap<(String, String), Trip>,
    alerts: Vec<String>,
    /// What the vehicles that were met took part in.
    driven: BTreeMap<Vec<u8>, Vec<locate::Trip>>,
}

impl Located {
    fn unit(&mut self, known: Known<'_>, key: &[u8]) -> Result<(), Failure> {
        let found = locate::unit(known.0, key, HOLDERS_MAX)?;
        found.map_or(Ok(()), |place| self.place(known, &place))
    }

    /// Stock stands beside each holder; what was sold or is on the road belongs to no holder and is
    /// said once, with the first.
    pub(super) fn place(&mut self, known: Known<'_>, place: &UnitPlace) -> Result<(), Failure> {
        let mut rest: BTreeMap<i32, &Balance> =
            place.balances.iter().map(|balance| (balance.uom, balance)).collect();
        for holder in &place.holders {
            let mut held = in_stock(holder.amount.uom, holder.amount.milli);
            if let Some(balance) = rest.remove(&holder.amount.uom) {
                let in_stock_milli = held.in_stock_milli;
                held = Quantities { in_stock_milli, ..quantities(balance) };
            }
            self.holdings.push(holding(&place.unit, holder, held));
        }
        for balance in rest.into_values() {
            let unit = text(&place.unit);
            let quantities = Some(quantities(balance));
            self.holdings.push(Holding {
                unit,
                quantities,
                agency: u32::MAX,
                ..Holding::default()
            });
        }
        for consignment in &place.consignments {
            self.consignment(known, &place.unit, consignment)?;
        }
        self.alerts.extend(place.alerts.iter().cloned());
        Ok(())
    }

    fn consignment(
        &mut self,
        known: Known<'_>,
        unit: &[u8],
        consignment: &Consignment,
    ) -> Result<(), Failure> {
        let Some(leg) = consignment.sender().or_else(|| consignment.receiver()) else {
            return Ok(());
        };
        let mut times = Vec::new();
        for leg in &consignment.legs {
            times.extend(self.times(known, &consignment.document, leg)?);
        }
        let key = (consignment.document.clone(), text(&leg.vehicle));
        let trip = self.trips.entry(key).or_insert_with(|| trip_of(consignment, leg));
        trip.units.push(text(unit));
        trip.on_road |= !consignment.in_transit.is_empty();
        for (side, occurred_ms) in times {
            note_time(trip, side, occurred_ms);
        }
        Ok(())
    }

    /// When what one side says of a document happened, as the vehicle that it names remembers it.
    fn times(
        &mut self,
        (state, codes): Known<'_>,
        document: &str,
        leg: &Leg,
    ) -> Result<Vec<(Side, u64)>, Failure> {
        if leg.vehicle.is_empty() {
            return Ok(Vec::new());
        }
        if !self.driven.contains_key(&leg.vehicle) {
            let trips = locate::vehicle(state, codes, &leg.vehicle, HOLDERS_MAX)?;
            self.driven.insert(leg.vehicle.clone(), trips);
        }
        let driven = self.driven.get(&leg.vehicle).expect("read above, or for an earlier leg");
        let said = driven.iter().filter(|trip| {
            let spoken = (&*trip.document, side_of(trip), &trip.from.0);
            spoken == (document, leg.side(), &leg.party)
        });
        Ok(said.map(|trip| (leg.side(), trip.occurred_ms)).collect())
    }

    fn held(&mut self, view: &View<'_, impl StoreRead>, list: Vec<Held>) -> Result<(), Failure> {
        for held in list.into_iter().filter(|held| held.on_hand != 0) {
            let site = locate::site(view, &held.station)?;
            let name = locate::party_name(view, &held.party)?;
            let amount = contracts::record::shipment::Amount { uom: held.uom, milli: held.on_hand };
            let holder = Holder { party: held.party, party_name: name, site, amount };
            self.holdings.push(holding(&held.unit, &holder, in_stock(held.uom, held.on_hand)));
        }
        Ok(())
    }

    fn vehicle(&mut self, state: &dyn State, codes: &Codes, key: &[u8]) -> Result<(), Failure> {
        for found in locate::vehicle(state, codes, key, HOLDERS_MAX)? {
            let side = side_of(&found);
            let (from, to) = match side {
                Side::Unspecified | Side::Sender => (&found.from, &found.to),
                Side::Receiver => (&found.to, &found.from),
            };
            let trip =
                self.trips.entry((found.document.clone(), text(key))).or_insert_with(|| Trip {
                    document: found.document.clone(),
                    vehicle: text(key),
                    person: text(&found.person),
                    from_party: text(&from.0),
                    from_station: station_text(&from.1),
                    to_party: text(&to.0),
                    to_station: station_text(&to.1),
                    ..Trip::default()
                });
            note_time(trip, side, found.occurred_ms);
            for (unit, _) in &found.units {
                trip.units.push(text(unit));
                trip.on_road |= side == Side::Sender && on_road(state, &found.document, unit)?;
            }
        }
        Ok(())
    }

    /// Every unit that a record names beside the subject.
    fn named_with(
        &mut self,
        (view, codes): (&View<'_, impl StoreRead>, &Codes),
        kind: SubjectKind,
        key: &[u8],
    ) -> Result<(), Failure> {
        let subject = Subject { kind, key: key.to_vec() };
        let buckets: Vec<u32> = if kind.has_one_log() {
            vec![0]
        } else {
            let days = view.days(&subject, view.head())?;
            days.into_iter().map(|day| day.bucket).collect()
        };
        let mut units = std::collections::BTreeSet::new();
        for bucket in buckets {
            let log = LogKey { kind, bucket, subject: key.to_vec() };
            let mut places = Vec::new();
            view.visit_log(&log, 0, &mut |_, entry| {
                places.push((entry.height, entry.receipt_index));
                if places.len() < HOLDERS_MAX {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
            for (height, index) in places {
                let receipt = view.receipt(height, index)?;
                let links =
                    receipt.into_iter().flat_map(|receipt| receipt.links.as_slice().to_vec());
                units.extend(
                    links
                        .filter(|link| link.subject.kind == SubjectKind::Unit)
                        .map(|link| link.subject.key),
                );
            }
        }
        for unit in units.into_iter().take(HOLDERS_MAX) {
            self.unit((view, codes), &unit)?;
        }
        Ok(())
    }

    /// The answer, as of a height.
    pub(super) fn finish(mut self, height: u64) -> LocateResponse {
        self.holdings.sort_by(|a, b| (&a.unit, &a.station).cmp(&(&b.unit, &b.station)));
        self.alerts.sort();
        self.alerts.dedup();
        let trips = self.trips.into_values().map(|mut trip| {
            trip.units.sort();
            trip.units.dedup();
            trip
        });
        LocateResponse {
            height,
            holdings: self.holdings,
            trips: trips.collect(),
            alerts: self.alerts,
        }
    }
}

fn station_text(site: &Site) -> String {
    if site.name.is_empty() { text(&site.station) } else { site.name.clone() }
}

/// The side that speaks in an event of a vehicle.
fn side_of(trip: &locate::Trip) -> Side {
    if trip.kind == OperationKind::Receive { Side::Receiver } else { Side::Sender }
}

/// A lorry that is loaded in parts leaves with the first and has arrived with the last.
fn note_time(trip: &mut Trip, side: Side, occurred_ms: u64) {
    match side {
        Side::Unspecified | Side::Sender if trip.departed_ms == 0 => trip.departed_ms = occurred_ms,
        Side::Unspecified | Side::Sender => trip.departed_ms = trip.departed_ms.min(occurred_ms),
        Side::Receiver => trip.arrived_ms = trip.arrived_ms.max(occurred_ms),
    }
}

/// Whether some of a sender's unit was shipped under a document and not received.
fn on_road(state: &dyn State, document: &str, unit: &[u8]) -> Result<bool, Failure> {
    let shipment = delivery::shipment(state, &delivery::shipment_key(document, unit));
    let shipment = shipment?;
    Ok(shipment.is_some_and(|shipment| !shipment.in_transit().is_empty()))
}

/// A consignment as one side tells it, without its times.
fn trip_of(consignment: &Consignment, leg: &Leg) -> Trip {
    let (own, other) = ((&leg.party, &leg.station), (&leg.counterparty, &leg.counterparty_station));
    let (from, to) = match leg.side() {
        Side::Unspecified | Side::Sender => (own, other),
        Side::Receiver => (other, own),
    };
    Trip {
        document: consignment.document.clone(),
        vehicle: text(&leg.vehicle),
        person: text(&leg.person),
        from_party: text(from.0),
        from_station: text(from.1),
        to_party: text(to.0),
        to_station: text(to.1),
        ..Trip::default()
    }
}

fn matched(state: &dyn State, found: &matching::Match) -> Result<Match, Failure> {
    let documents = matching::documents(state, &found.from, &found.to, HOLDERS_MAX);
    let documents = documents?;
    let record = &found.record;
    let relation = match record.relation() {
        Relation::Unspecified | Relation::Same => "SAME",
        Relation::Relabel => "RELABEL",
        Relation::Carry => "CARRY",
    };
    let status = match record.status() {
        Standing::Unspecified => MatchStatus::Unspecified,
        Standing::OneSided => MatchStatus::OneSided,
        Standing::Confirmed => MatchStatus::Confirmed,
        Standing::InDoubt => MatchStatus::InDoubt,
        Standing::Voided => MatchStatus::Void,
    };
    let (agree, one, differ) = (record.agreeing, record.one_sided, record.disagreeing);
    Ok(Match {
        from: text(&found.from),
        to: text(&found.to),
        relation: relation.to_owned(),
        status: status.into(),
        document: documents.join(", "),
        text_zh: format!("双方一致 {agree} 次，仅一方 {one} 次，不一致 {differ} 次"),
        text_en: format!("{agree} deliveries agree, {one} one-sided, {differ} disagree"),
    })
}
