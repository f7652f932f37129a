//! Matches of a code, and where a subject is: read models of `contracts` as answers.
//!
//! Sets come in the order of hashes. What is shown is chosen from all of them, as far as a limit that
//! is far above what one subject has, and an answer counts what it leaves out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use api::trace::{
    GetMatchesRequest, GetMatchesResponse, Holding, LocateRequest, LocateResponse, Match,
    MatchStatus, Quantities, SubjectKind as AskedKind, Trip,
};
use contracts::codes::Codes;
use contracts::links::Naming;
use contracts::matching::{self, delivery};
use contracts::pages::{Map, Pages};
use contracts::place::Held;
use contracts::query::locate::{self, Balance, Consignment, Holder, Site, UnitPlace};
use contracts::record::matching::MatchStatus as Standing;
use contracts::record::shipment::{Leg, Side};
use contracts::risk::alert;
use contracts::state::{State, StateFault};
use ledger::reader::View;
use ledger::store::StoreRead;
use proto::history::LogKey;
use proto::receipt::{Link, Subject, SubjectKind};
use proto::schema::OperationKind;
use proto::schema::act::Relation;
use proto::schema::event::Uom;
use proto::schema::registry::Datum;
use proto::schema::roles::Normaliser;
use proto::trie::Namespace;
use proto::{AgencyIndex, Height};

use super::Service;
use super::failure::Failure;
use super::trace_service::units_of;

/// Entries of one list of a unit, a vehicle or a match that an answer is made from. A lorry with ten
/// deliveries a day has twenty thousand events in three years; they are read in about a second.
pub(super) const READ_MAX: usize = 20_000;

/// Units of a place that an answer is made from: a cold store of a hundred thousand lots is read in
/// seconds.
const STOCK_MAX: usize = 100_000;

/// Events of vehicles that one answer reads: an alert of a lot that went out on a hundred lorries asks
/// each of them when it left and arrived. Beyond it times are missing.
const EVENTS_MAX: usize = 100_000;

/// Entries of logs that are read for the units that are named beside a person or a paper, the newest
/// first.
const LOG_ENTRIES_MAX: usize = 20_000;

/// Units that are shown of those, the latest named first.
const NAMED_WITH_MAX: usize = 1_000;

/// Matches, documents of a match, and alerts that one answer shows: more than a person reads.
const NAMED_MAX: usize = 1_000;

/// Rows that an answer shows.
pub(super) struct Shown {
    /// Holdings, the largest first.
    pub(super) holdings: usize,
    /// Trips, the newest first; each names every unit that it carried.
    pub(super) trips: usize,
}

/// Rows that an answer to `Locate` shows: some 3 MB, within what gRPC clients take unless told otherwise.
const LOCATED: Shown = Shown { holdings: 10_000, trips: 1_000 };

/// Entries of a set beyond the first `limit`.
pub(super) fn beyond(state: &dyn State, pages: &Pages, limit: usize) -> Result<u64, StateFault> {
    Ok(pages.len(state)?.saturating_sub(u64::try_from(limit).unwrap_or(u64::MAX)))
}

/// Cuts a list; how many entries that leaves out.
fn cut<T>(list: &mut Vec<T>, limit: usize) -> u64 {
    let left_out = list.len().saturating_sub(limit);
    list.truncate(limit);
    u64::try_from(left_out).unwrap_or(u64::MAX)
}

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
        let (mut found, mut left_out) = (Vec::new(), 0);
        let units = units_of(&view, &asked.code, asked.agency)?;
        for unit in &units {
            found.extend(matching::of_unit(&view, unit, READ_MAX)?);
            let pages = Pages::of(Namespace::Unit, unit, Map::Matches);
            left_out += beyond(&view, &pages, READ_MAX)?;
        }
        left_out += cut(&mut found, NAMED_MAX);
        let mut matches = Vec::new();
        for found in found {
            let (shown, documents_left_out) = matched(&view, &found)?;
            matches.push(shown);
            left_out += documents_left_out;
        }
        let unit = units.first().map(|unit| text(unit)).unwrap_or_default();
        let (height, truncated) = (view.head().value(), left_out > 0);
        Ok(GetMatchesResponse { height, unit, matches, truncated, left_out })
    }

    pub(super) fn answer_locate(&self, asked: &LocateRequest) -> Result<LocateResponse, Failure> {
        let view = self.reader.view()?;
        let mut answer = Located::new();
        let codes = Codes::load(&view)?;
        match asked.kind() {
            AskedKind::Unspecified | AskedKind::Unit => {
                for unit in units_of(&view, &asked.subject, asked.agency)? {
                    answer.unit((&view, &codes), &unit)?;
                }
            }
            AskedKind::Station => {
                for key in keys_of(&view, &codes, Normaliser::Station, asked)? {
                    let pages = Pages::of(Namespace::Station, &key, Map::Stock);
                    answer.held((&view, &pages), locate::station(&view, &key, STOCK_MAX)?)?;
                }
            }
            AskedKind::Party => {
                for key in keys_of(&view, &codes, Normaliser::Party, asked)? {
                    let pages = Pages::of(Namespace::Party, &key, Map::Stock);
                    answer.held((&view, &pages), locate::party(&view, &key, STOCK_MAX)?)?;
                }
            }
            AskedKind::Vehicle => {
                for key in keys_of(&view, &codes, Normaliser::Vehicle, asked)? {
                    answer.vehicle((&view, &codes), &key)?;
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
        let Places { holdings, trips, alerts, left_out } = answer.finish(&LOCATED);
        let (height, truncated) = (view.head().value(), left_out > 0);
        Ok(LocateResponse { height, holdings, trips, alerts, truncated, left_out })
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

/// Places of goods, as far as an answer shows them.
pub(super) struct Places {
    /// Holdings, the largest first.
    pub(super) holdings: Vec<Holding>,
    /// Trips, the newest first.
    pub(super) trips: Vec<Trip>,
    /// Alerts, ascending.
    alerts: Vec<String>,
    /// How many of them, and of the entries that they are made from, are left out.
    pub(super) left_out: u64,
}

/// Document, side and party of what is said of a delivery.
type Spoken = (String, Side, Vec<u8>);

/// An answer in the making.
pub(super) struct Located {
    holdings: Vec<Holding>,
    trips: BTreeMap<(String, String), Trip>,
    alerts: Vec<String>,
    /// When the vehicles that were met took part in something: first and last.
    driven: BTreeMap<Vec<u8>, BTreeMap<Spoken, (u64, u64)>>,
    /// Events of vehicles that may still be read.
    events_left: usize,
    /// Entries that were not read.
    unread: u64,
    /// Whether places or deliveries of a unit are among them.
    is_partial: bool,
    /// Rows that were read and are not shown.
    left_out: u64,
}

impl Located {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            holdings: Vec::new(),
            trips: BTreeMap::new(),
            alerts: Vec::new(),
            driven: BTreeMap::new(),
            events_left: EVENTS_MAX,
            unread: 0,
            is_partial: false,
            left_out: 0,
        }
    }

    /// Whether the sums of a unit are of a part, because more places or deliveries of it are known than
    /// were read.
    pub(super) const fn is_partial(&self) -> bool {
        self.is_partial
    }

    fn unit(&mut self, known: Known<'_>, key: &[u8]) -> Result<(), Failure> {
        let found = locate::unit(known.0, key, READ_MAX)?;
        found.map_or(Ok(()), |place| self.place(known, &place, READ_MAX))
    }

    /// Takes in a unit of whose lists `read_max` entries were read. Stock stands beside each holder;
    /// what was sold or is on the road belongs to no holder and is said once, with the first.
    pub(super) fn place(
        &mut self,
        known: Known<'_>,
        place: &UnitPlace,
        read_max: usize,
    ) -> Result<(), Failure> {
        for map in [Map::Places, Map::Shipments] {
            let pages = Pages::of(Namespace::Unit, &place.unit, map);
            let unread = beyond(known.0, &pages, read_max)?;
            self.unread += unread;
            self.is_partial |= unread > 0;
        }
        let alerts = alert::of_subject(SubjectKind::Unit, &place.unit);
        self.unread += beyond(known.0, &alerts, read_max)?;
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
        for leg in &consignment.legs {
            complete(trip, trip_of(consignment, leg));
        }
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
        known: Known<'_>,
        document: &str,
        leg: &Leg,
    ) -> Result<Vec<(Side, u64)>, Failure> {
        if leg.vehicle.is_empty() {
            return Ok(Vec::new());
        }
        if !self.driven.contains_key(&leg.vehicle) {
            let mut driven: BTreeMap<Spoken, (u64, u64)> = BTreeMap::new();
            for event in self.events(known, &leg.vehicle)? {
                let spoken = (event.document.clone(), side_of(&event), event.from.0);
                let times = driven.entry(spoken).or_insert((event.occurred_ms, event.occurred_ms));
                *times = (times.0.min(event.occurred_ms), times.1.max(event.occurred_ms));
            }
            self.driven.insert(leg.vehicle.clone(), driven);
        }
        let driven = self.driven.get(&leg.vehicle).expect("read above, or for an earlier leg");
        let spoken = (document.to_owned(), leg.side(), leg.party.clone());
        let said = driven.get(&spoken).map(|(first, last)| [*first, *last]);
        Ok(said.into_iter().flatten().map(|occurred_ms| (leg.side(), occurred_ms)).collect())
    }

    /// Events of a vehicle, as many as may still be read.
    fn events(
        &mut self,
        (state, codes): Known<'_>,
        vehicle: &[u8],
    ) -> Result<Vec<locate::Trip>, Failure> {
        let limit = READ_MAX.min(self.events_left);
        let events = locate::vehicle(state, codes, vehicle, limit)?;
        self.events_left = self.events_left.saturating_sub(events.len());
        self.unread += beyond(state, &Pages::of(Namespace::Vehicle, vehicle, Map::Trips), limit)?;
        Ok(events)
    }

    fn held(
        &mut self,
        (view, pages): (&View<'_, impl StoreRead>, &Pages),
        mut list: Vec<Held>,
    ) -> Result<(), Failure> {
        self.unread += beyond(view, pages, STOCK_MAX)?;
        list.retain(|held| held.on_hand != 0);
        list.sort_by(|a, b| b.on_hand.cmp(&a.on_hand).then_with(|| a.cmp(b)));
        self.left_out += cut(&mut list, LOCATED.holdings);
        for held in list {
            let site = locate::site(view, &held.station)?;
            let name = locate::party_name(view, &held.party)?;
            let amount = contracts::record::shipment::Amount { uom: held.uom, milli: held.on_hand };
            let holder = Holder { party: held.party, party_name: name, site, amount };
            self.holdings.push(holding(&held.unit, &holder, in_stock(held.uom, held.on_hand)));
        }
        Ok(())
    }

    /// The newest trips of a vehicle.
    fn vehicle(&mut self, known: Known<'_>, key: &[u8]) -> Result<(), Failure> {
        let events = self.events(known, key)?;
        let (shown, left_out) = newest_documents(&events, LOCATED.trips);
        self.left_out += left_out;
        for event in events.iter().filter(|event| shown.contains(&*event.document)) {
            self.event(known.0, key, event)?;
        }
        Ok(())
    }

    fn event(
        &mut self,
        state: &dyn State,
        vehicle: &[u8],
        event: &locate::Trip,
    ) -> Result<(), Failure> {
        let side = side_of(event);
        let (from, to) = match side {
            Side::Unspecified | Side::Sender => (&event.from, &event.to),
            Side::Receiver => (&event.to, &event.from),
        };
        let key = (event.document.clone(), text(vehicle));
        let said = Trip {
            document: event.document.clone(),
            vehicle: text(vehicle),
            person: text(&event.person),
            from_party: text(&from.0),
            from_station: station_text(&from.1),
            to_party: text(&to.0),
            to_station: station_text(&to.1),
            ..Trip::default()
        };
        let trip = self.trips.entry(key).or_insert_with(|| said.clone());
        complete(trip, said);
        note_time(trip, side, event.occurred_ms);
        for (unit, _) in &event.units {
            trip.units.push(text(unit));
            trip.on_road |= side == Side::Sender && on_road(state, &event.document, unit)?;
        }
        Ok(())
    }

    /// The units that records name beside the subject, the latest named first.
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
        // By unit the place of the newest record that names it.
        let mut named: BTreeMap<Vec<u8>, (Height, u32)> = BTreeMap::new();
        let mut entries_left = u64::try_from(LOG_ENTRIES_MAX).unwrap_or(u64::MAX);
        for bucket in buckets.into_iter().rev() {
            let log = LogKey { kind, bucket, subject: key.to_vec() };
            let size = view.log_head(&log)?.map_or(0, |head| head.size());
            let unread = size.saturating_sub(entries_left);
            self.unread += unread;
            entries_left -= size - unread;
            for item in view.log(&log, view.head(), unread, LOG_ENTRIES_MAX)? {
                let place = (item.place.height, item.place.receipt_index);
                for Link { subject, .. } in item.receipt.links.as_slice() {
                    if subject.kind == SubjectKind::Unit {
                        let newest = named.entry(subject.key.clone()).or_insert(place);
                        *newest = place.max(*newest);
                    }
                }
            }
        }
        let mut named: Vec<_> =
            named.into_iter().map(|(unit, place)| (Reverse(place), unit)).collect();
        named.sort();
        self.left_out += cut(&mut named, NAMED_WITH_MAX);
        for (_, unit) in named {
            self.unit((view, codes), &unit)?;
        }
        Ok(())
    }

    /// What is shown of it.
    pub(super) fn finish(self, shown: &Shown) -> Places {
        let (mut holdings, mut alerts) = (self.holdings, self.alerts);
        let mut trips: Vec<Trip> = self.trips.into_values().collect();
        let stock = |held: &Holding| held.quantities.as_ref().map_or(0, |held| held.in_stock_milli);
        holdings
            .sort_by(|a, b| (stock(b), &a.unit, &a.station).cmp(&(stock(a), &b.unit, &b.station)));
        let latest = |trip: &Trip| trip.departed_ms.max(trip.arrived_ms);
        trips.sort_by(|a, b| latest(b).cmp(&latest(a)).then_with(|| a.document.cmp(&b.document)));
        alerts.sort();
        alerts.dedup();
        let left_out = self.unread
            + self.left_out
            + cut(&mut holdings, shown.holdings)
            + cut(&mut trips, shown.trips)
            + cut(&mut alerts, NAMED_MAX);
        for trip in &mut trips {
            trip.units.sort();
            trip.units.dedup();
        }
        Places { holdings, trips, alerts, left_out }
    }
}

/// The documents of the newest events, at most `limit`, and how many are left out.
fn newest_documents(events: &[locate::Trip], limit: usize) -> (BTreeSet<&str>, u64) {
    let mut latest: BTreeMap<&str, u64> = BTreeMap::new();
    for event in events {
        let known = latest.entry(&event.document).or_default();
        *known = event.occurred_ms.max(*known);
    }
    let mut newest: Vec<_> = latest.into_iter().map(|(at, ms)| (Reverse(ms), at)).collect();
    newest.sort_unstable();
    let left_out = cut(&mut newest, limit);
    (newest.into_iter().map(|(_, document)| document).collect(), left_out)
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

/// Adds what another side says: each knows its own place, and not always the other's.
fn complete(trip: &mut Trip, said: Trip) {
    for (known, said) in [
        (&mut trip.person, said.person),
        (&mut trip.from_party, said.from_party),
        (&mut trip.from_station, said.from_station),
        (&mut trip.to_party, said.to_party),
        (&mut trip.to_station, said.to_station),
    ] {
        if known.is_empty() {
            *known = said;
        }
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

/// A match, and how many of its documents are left out.
fn matched(state: &dyn State, found: &matching::Match) -> Result<(Match, u64), Failure> {
    let mut documents = matching::documents(state, &found.from, &found.to, READ_MAX)?;
    let key = matching::key(&found.from, &found.to);
    let pages = Pages::of(Namespace::Match, &key, Map::Documents);
    let left_out = beyond(state, &pages, READ_MAX)? + cut(&mut documents, NAMED_MAX);
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
    let shown = Match {
        from: text(&found.from),
        to: text(&found.to),
        relation: relation.to_owned(),
        status: status.into(),
        document: documents.join(", "),
        text_zh: format!("双方一致 {agree} 次，仅一方 {one} 次，不一致 {differ} 次"),
        text_en: format!("{agree} deliveries agree, {one} one-sided, {differ} disagree"),
    };
    Ok((shown, left_out))
}
