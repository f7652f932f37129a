//! What the state holds of a traced unit: who named it, and its sums. Everything is a count or a sum
//! over the recorded events, so the order of their arrival leaves no mark.

use proto::operation::OpUid;
use proto::trie::Namespace;

use super::codec::{Byte, Count, In, Mark, Out, Unreadable, Value};
use super::list::{List, fields, read_lists, write_lists};
use super::matching::Matched;
use super::row::Row;

/// A place in the order of events: by time, then by identity, never by arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Moment {
    /// When the event happened.
    pub occurred_ms: u64,
    /// Agency that recorded it.
    pub agency: u32,
    /// Its `op_uid`.
    pub uid: OpUid,
    /// Type of the operation.
    pub kind: u16,
}

/// How often an agency's events name a unit.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct AgencyCount {
    /// The agency.
    #[prost(uint32, tag = "1")]
    pub agency: u32,
    /// Events.
    #[prost(sint64, tag = "2")]
    pub count: i64,
}

/// Milliseconds by which a day begins earlier in China than in UTC: the days of papers are China's.
const CHINA_MS: u64 = 8 * 3_600_000;

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 3_600_000;

/// How many codings of a unit fall on a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayCount {
    /// Day in China, since 1970-01-01.
    pub day: u32,
    /// Events in force.
    pub count: i64,
}

/// The day in China of a time.
pub(crate) fn day_of(ms: u64) -> u32 {
    u32::try_from(ms.saturating_add(CHINA_MS) / DAY_MS).unwrap_or(u32::MAX)
}

/// When a day in China begins.
pub(crate) fn day_begins_ms(day: u32) -> u64 {
    (u64::from(day) * DAY_MS).saturating_sub(CHINA_MS)
}

/// More went from the balance than came to it.
pub(crate) const SHORT_NOW: u8 = 1;

/// R12 has an alert of the balance that waits or stands.
pub(crate) const SHORT_TOLD: u8 = 2;

/// Namespace UNIT, key = unit subject: everything that is known of a unit.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct UnitRow {
    /// The code as the earliest event writes it.
    pub text: String,
    /// The earliest event that names it, corrected or not.
    pub first: Option<Moment>,
    /// The latest event that names it, corrected or not.
    pub last: Option<Moment>,
    /// Sums over all places, one for each unit of measure, ascending.
    pub totals: Vec<Sums>,
    /// Statements that the goods are imported.
    pub imported: i64,
    /// Codings of the unit.
    pub commissions: i64,
    /// Events in force that name it, by agency, ascending.
    pub agencies: Vec<AgencyCount>,
    /// The unit of a scheme that this OPAQUE one turned out to be; everything else moved there.
    pub alias_of: Vec<u8>,
    /// Days of the events in force that code the unit or say that it is imported, ascending.
    pub coded: Vec<DayCount>,
    /// Unit of measure byte, u16 length, station, party.
    pub(crate) places: List<Sums>,
    /// Role byte, agency u16, `op_uid` of the events that made or consumed it.
    pub(crate) lineage: List<Count>,
    /// Role byte, other unit.
    pub(crate) containment: List<Packing>,
    /// Keys of its shipments as the sender's code.
    pub(crate) shipments: List<Mark>,
    /// Byte of its own side (0 gives, 1 takes), other unit.
    pub(crate) matches: List<Matched>,
    /// What covers it (`trace::papers`).
    pub(crate) papers: List<Count>,
    /// Encoded lots that events state for it.
    pub(crate) lots: List<Count>,
    /// Kind byte and key of the persons and vehicles that handled it.
    pub(crate) handlers: List<Count>,
    /// OPAQUE units that it was before.
    pub(crate) aliases: List<Mark>,
    /// Identifiers of its alerts.
    pub(crate) alerts: List<Mark>,
    /// Balances from which more went than came to them, and those of which R12 has an alert that waits
    /// or stands: unit of measure byte, station; value of the bits [`SHORT_NOW`] and [`SHORT_TOLD`].
    pub(crate) short: List<Byte>,
    /// Units that came from it of which, or of what came from them, some was shipped.
    pub(crate) gone: List<Mark>,
    /// Units that came from it of which, or of what came from them, some was sold or used.
    pub(crate) ended: List<Mark>,
}

impl Row for UnitRow {
    const NAMESPACE: Namespace = Namespace::Unit;

    fn write(&self, out: &mut Out) {
        out.bytes(self.text.as_bytes());
        for moment in [&self.first, &self.last] {
            out.byte(u8::from(moment.is_some()));
            if let Some(moment) = moment {
                moment.write(out);
            }
        }
        out.number(count_of(&self.totals));
        self.totals.iter().for_each(|sums| sums.write(out));
        out.signed(self.imported);
        out.signed(self.commissions);
        out.number(count_of(&self.agencies));
        for known in &self.agencies {
            out.number(known.agency.into());
            out.signed(known.count);
        }
        out.bytes(&self.alias_of);
        out.number(count_of(&self.coded));
        for coded in &self.coded {
            out.number(coded.day.into());
            out.signed(coded.count);
        }
        write_lists(
            out,
            &[
                &self.places,
                &self.lineage,
                &self.containment,
                &self.shipments,
                &self.matches,
                &self.papers,
                &self.lots,
                &self.handlers,
                &self.aliases,
                &self.alerts,
                &self.short,
                &self.gone,
                &self.ended,
            ],
        );
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let mut row = Self { text: input.text()?, ..Self::default() };
        for moment in [&mut row.first, &mut row.last] {
            if input.byte()? != 0 {
                *moment = Some(Moment::read(input)?);
            }
        }
        for _ in 0..input.count()? {
            row.totals.push(Sums::read(input)?);
        }
        row.imported = input.signed()?;
        row.commissions = input.signed()?;
        for _ in 0..input.count()? {
            row.agencies.push(AgencyCount { agency: input.small()?, count: input.signed()? });
        }
        row.alias_of = input.bytes()?.to_vec();
        for _ in 0..input.count()? {
            row.coded.push(DayCount { day: input.small()?, count: input.signed()? });
        }
        read_lists(
            input,
            &mut [
                &mut row.places,
                &mut row.lineage,
                &mut row.containment,
                &mut row.shipments,
                &mut row.matches,
                &mut row.papers,
                &mut row.lots,
                &mut row.handlers,
                &mut row.aliases,
                &mut row.alerts,
                &mut row.short,
                &mut row.gone,
                &mut row.ended,
            ],
        )?;
        Ok(row)
    }
}

fields! { UnitRow {
    LINEAGE: Count = 1, lineage;
    CONTAINMENT: Packing = 2, containment;
    PLACES: Sums = 3, places;
    SHIPMENTS: Mark = 4, shipments;
    MATCHES: Matched = 5, matches;
    PAPERS: Count = 6, papers;
    LOTS: Count = 7, lots;
    HANDLERS: Count = 8, handlers;
    ALIASES: Mark = 9, aliases;
    ALERTS: Mark = 10, alerts;
    SHORT: Byte = 11, short;
    GONE: Mark = 12, gone;
    ENDED: Mark = 13, ended;
} }

impl Moment {
    fn write(&self, out: &mut Out) {
        out.number(self.occurred_ms);
        out.number(self.agency.into());
        out.raw(&self.uid.0);
        out.number(self.kind.into());
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let (occurred_ms, agency, uid) = (input.number()?, input.small()?, OpUid(input.array()?));
        let kind = u16::try_from(input.number()?).map_err(|_| Unreadable("a type has 16 bits"))?;
        Ok(Self { occurred_ms, agency, uid, kind })
    }
}

fn count_of<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).expect("usize is at most 64 bits")
}

impl UnitRow {
    /// The bytes of a row without what the rules found of the unit and its former names: what is left
    /// is a function of the recorded events, in whatever order they came. None where the bytes are no row.
    pub fn without_findings(row: &[u8]) -> Option<Vec<u8>> {
        let mut row = Self::read(&mut In::new(row)).ok()?;
        row.aliases = List::default();
        (row.alerts, row.gone, row.ended) = (List::default(), List::default(), List::default());
        let mut out = Out::default();
        row.write(&mut out);
        Some(out.into_bytes())
    }

    /// Whether an event names the unit, or named it before it was known under another key.
    pub const fn is_known(&self) -> bool {
        self.first.is_some()
    }

    /// Whether any event in force says that the goods are imported.
    pub const fn is_imported(&self) -> bool {
        self.imported > 0
    }

    /// The day in China of its earliest coding in force; that of the earliest event that names it
    /// where none is.
    pub fn coded_day(&self) -> u32 {
        let coded = self.coded.iter().find(|coded| coded.count > 0).map(|coded| coded.day);
        coded.unwrap_or_else(|| self.first.as_ref().map_or(0, |first| day_of(first.occurred_ms)))
    }

    /// The agency whose event names the unit first.
    pub fn first_agency(&self) -> Option<u32> {
        self.first.as_ref().map(|moment| moment.agency)
    }
}

/// Which sum an event adds to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// Stock that was there before.
    Opening,
    /// Made: by coding, dividing, processing.
    Made,
    /// Received from another party.
    Received,
    /// Put into a store.
    StoredIn,
    /// Sent to another party.
    Shipped,
    /// Taken out of a store.
    StoredOut,
    /// Sold.
    Sold,
    /// Used in catering.
    Used,
    /// Disposed of.
    Disposed,
    /// Consumed by a process.
    Consumed,
    /// Divided into parts.
    Divided,
}

/// Sums in thousandths of one unit of measure. Signed: a correction may arrive before the event that
/// it takes back.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sums {
    /// The unit of measure; unspecified counts codes without a quantity, a thousand each.
    pub uom: i32,
    /// Opening stock.
    pub opening: i64,
    /// Made here.
    pub made: i64,
    /// Received.
    pub received: i64,
    /// Put into store.
    pub stored_in: i64,
    /// Sent.
    pub shipped: i64,
    /// Taken out of store.
    pub stored_out: i64,
    /// Sold.
    pub sold: i64,
    /// Used.
    pub used: i64,
    /// Disposed of.
    pub disposed: i64,
    /// Consumed.
    pub consumed: i64,
    /// Divided.
    pub divided: i64,
}

impl Value for Sums {
    fn is_nothing(&self) -> bool {
        self.is_zero()
    }

    /// The unit of measure, which sums are not zero, then those: of eleven one or two.
    fn write(&self, out: &mut Out) {
        out.number(u64::try_from(self.uom).unwrap_or_default());
        let mut mask = 0u64;
        for (position, flow) in Flow::ALL.into_iter().enumerate() {
            mask |= u64::from(self.sum(flow) != 0) << position;
        }
        out.number(mask);
        for flow in Flow::ALL.into_iter().filter(|flow| self.sum(*flow) != 0) {
            out.signed(self.sum(flow));
        }
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let mut sums = Self { uom: input.int()?, ..Self::default() };
        let mask = input.number()?;
        for (position, flow) in Flow::ALL.into_iter().enumerate() {
            if mask >> position & 1 == 1 {
                sums.add(flow, input.signed()?);
            }
        }
        Ok(sums)
    }
}

impl Sums {
    /// Adds to one sum.
    pub const fn add(&mut self, flow: Flow, milli: i64) {
        let sum = self.sum_mut(flow);
        // Wrapping keeps addition invertible; admitted quantities stay far below the edge.
        *sum = sum.wrapping_add(milli);
    }

    /// Adds every sum of `other`, `sign` times.
    pub fn add_all(&mut self, other: &Self, sign: i64) {
        for flow in Flow::ALL {
            let milli = other.sum(flow).wrapping_mul(sign);
            self.add(flow, milli);
        }
    }

    /// Whether nothing is left of it.
    pub fn is_zero(&self) -> bool {
        Flow::ALL.into_iter().all(|flow| self.sum(flow) == 0)
    }

    /// One sum.
    pub const fn sum(&self, flow: Flow) -> i64 {
        match flow {
            Flow::Opening => self.opening,
            Flow::Made => self.made,
            Flow::Received => self.received,
            Flow::StoredIn => self.stored_in,
            Flow::Shipped => self.shipped,
            Flow::StoredOut => self.stored_out,
            Flow::Sold => self.sold,
            Flow::Used => self.used,
            Flow::Disposed => self.disposed,
            Flow::Consumed => self.consumed,
            Flow::Divided => self.divided,
        }
    }

    /// What came: opening stock and the larger of what arrived or was made and what was put into
    /// store. A platform that records both an arrival and its storing says one thing twice.
    pub fn incoming(&self) -> i64 {
        let arrived = self.made.wrapping_add(self.received);
        self.opening.wrapping_add(arrived.max(self.stored_in))
    }

    /// What went: the larger of what left by its purpose and what was taken out of store.
    pub fn outgoing(&self) -> i64 {
        let left = [self.sold, self.used, self.disposed, self.consumed, self.divided];
        let left = left.into_iter().fold(self.shipped, i64::wrapping_add);
        left.max(self.stored_out)
    }

    /// What is there; below zero where more went than came.
    pub fn on_hand(&self) -> i64 {
        self.incoming().wrapping_sub(self.outgoing())
    }

    const fn sum_mut(&mut self, flow: Flow) -> &mut i64 {
        match flow {
            Flow::Opening => &mut self.opening,
            Flow::Made => &mut self.made,
            Flow::Received => &mut self.received,
            Flow::StoredIn => &mut self.stored_in,
            Flow::Shipped => &mut self.shipped,
            Flow::StoredOut => &mut self.stored_out,
            Flow::Sold => &mut self.sold,
            Flow::Used => &mut self.used,
            Flow::Disposed => &mut self.disposed,
            Flow::Consumed => &mut self.consumed,
            Flow::Divided => &mut self.divided,
        }
    }
}

impl Flow {
    /// Every flow.
    pub const ALL: [Self; 11] = [
        Self::Opening,
        Self::Made,
        Self::Received,
        Self::StoredIn,
        Self::Shipped,
        Self::StoredOut,
        Self::Sold,
        Self::Used,
        Self::Disposed,
        Self::Consumed,
        Self::Divided,
    ];
}

/// What an event does to a container and its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Packs {
    /// The one is put into the other.
    In,
    /// The one is taken out of the other.
    Out,
}

/// Packings or unpackings at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PackedAt {
    /// When.
    pub occurred_ms: u64,
    /// What was done.
    pub packs: Packs,
    /// Events in force that say so.
    pub count: i64,
}

/// When a unit was put into a container and taken out. Value of the unit's list of containment.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Packing {
    /// Ascending by time, what is put in before what is taken out.
    moments: Vec<PackedAt>,
}

impl Packing {
    /// Adds events of one moment; a moment without events goes.
    pub fn add(&mut self, added: PackedAt) {
        let order = |at: &PackedAt| (at.occurred_ms, at.packs);
        match self.moments.binary_search_by_key(&order(&added), order) {
            Ok(position) => {
                if let Some(known) = self.moments.get_mut(position) {
                    known.count = known.count.wrapping_add(added.count);
                }
                self.moments.retain(|known| known.count != 0);
            }
            Err(_) if added.count == 0 => (), // nothing to note
            Err(position) => self.moments.insert(position, added),
        }
    }

    /// Adds every moment of `other`, `sign` times.
    pub fn add_all(&mut self, other: &Self, sign: i64) {
        for moment in &other.moments {
            self.add(PackedAt { count: moment.count.wrapping_mul(sign), ..*moment });
        }
    }

    /// When it was put in and taken out, ascending.
    pub fn moments(&self) -> &[PackedAt] {
        &self.moments
    }

    /// Whether the one lies in the other now: it was put in more often than taken out.
    pub fn is_inside(&self) -> bool {
        let balance = self.moments.iter().fold(0i64, |sum, at| match at.packs {
            Packs::In => sum.wrapping_add(at.count),
            Packs::Out => sum.wrapping_sub(at.count),
        });
        balance > 0
    }
}

impl Value for Packing {
    fn is_nothing(&self) -> bool {
        self.moments.is_empty()
    }

    fn write(&self, out: &mut Out) {
        out.number(count_of(&self.moments));
        for at in &self.moments {
            out.number(at.occurred_ms);
            out.byte(u8::from(at.packs == Packs::Out));
            out.signed(at.count);
        }
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let mut packing = Self::default();
        for _ in 0..input.count()? {
            let occurred_ms = input.number()?;
            let packs = if input.byte()? == 0 { Packs::In } else { Packs::Out };
            packing.moments.push(PackedAt { occurred_ms, packs, count: input.signed()? });
        }
        Ok(packing)
    }
}
