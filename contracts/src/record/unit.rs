//! What the state holds of a traced unit: who named it, and its sums. Everything is a count or a sum
//! over the recorded events, so the order of their arrival leaves no mark.

use proto::schema::event::Uom;

/// A place in the order of events: by time, then by identity, never by arrival.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, prost::Message)]
pub struct Moment {
    /// When the event happened.
    #[prost(uint64, tag = "1")]
    pub occurred_ms: u64,
    /// Agency that recorded it.
    #[prost(uint32, tag = "2")]
    pub agency: u32,
    /// Its `op_uid`.
    #[prost(bytes = "vec", tag = "3")]
    pub uid: Vec<u8>,
    /// Type of the operation.
    #[prost(uint32, tag = "4")]
    pub kind: u32,
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
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct DayCount {
    /// Day in China, since 1970-01-01.
    #[prost(uint32, tag = "1")]
    pub day: u32,
    /// Events in force.
    #[prost(sint64, tag = "2")]
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

/// Namespace UNIT, key = unit subject.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct UnitRecord {
    /// The code as the earliest event writes it.
    #[prost(string, tag = "1")]
    pub text: String,
    /// The earliest event that names it, corrected or not.
    #[prost(message, optional, tag = "2")]
    pub first: Option<Moment>,
    /// The latest event that names it, corrected or not.
    #[prost(message, optional, tag = "3")]
    pub last: Option<Moment>,
    /// Sums over all places, one for each unit of measure, ascending.
    #[prost(message, repeated, tag = "4")]
    pub totals: Vec<Sums>,
    /// Statements that the goods are imported.
    #[prost(sint64, tag = "5")]
    pub imported: i64,
    /// Codings of the unit.
    #[prost(sint64, tag = "6")]
    pub commissions: i64,
    /// Events in force that name it, by agency, ascending.
    #[prost(message, repeated, tag = "7")]
    pub agencies: Vec<AgencyCount>,
    /// The unit of a scheme that this OPAQUE one turned out to be; everything else moved there.
    #[prost(bytes = "vec", tag = "8")]
    pub alias_of: Vec<u8>,
    /// Days of the events in force that code the unit or say that it is imported, ascending.
    #[prost(message, repeated, tag = "9")]
    pub coded: Vec<DayCount>,
}

impl UnitRecord {
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
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Sums {
    /// The unit of measure; unspecified counts codes without a quantity, a thousand each.
    #[prost(enumeration = "Uom", tag = "1")]
    pub uom: i32,
    /// Opening stock.
    #[prost(sint64, tag = "2")]
    pub opening: i64,
    /// Made here.
    #[prost(sint64, tag = "3")]
    pub made: i64,
    /// Received.
    #[prost(sint64, tag = "4")]
    pub received: i64,
    /// Put into store.
    #[prost(sint64, tag = "5")]
    pub stored_in: i64,
    /// Sent.
    #[prost(sint64, tag = "6")]
    pub shipped: i64,
    /// Taken out of store.
    #[prost(sint64, tag = "7")]
    pub stored_out: i64,
    /// Sold.
    #[prost(sint64, tag = "8")]
    pub sold: i64,
    /// Used.
    #[prost(sint64, tag = "9")]
    pub used: i64,
    /// Disposed of.
    #[prost(sint64, tag = "10")]
    pub disposed: i64,
    /// Consumed.
    #[prost(sint64, tag = "11")]
    pub consumed: i64,
    /// Divided.
    #[prost(sint64, tag = "12")]
    pub divided: i64,
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

/// How often a unit was put into a container and taken out. Value of the unit's container map.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Packing {
    /// Packings.
    #[prost(sint64, tag = "1")]
    pub packed: i64,
    /// Unpackings.
    #[prost(sint64, tag = "2")]
    pub unpacked: i64,
}

impl Packing {
    /// Whether the one lies in the other now.
    pub const fn is_inside(&self) -> bool {
        self.packed > self.unpacked
    }
}

/// A count. Value of the maps that only count.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Count {
    /// How many events in force say so.
    #[prost(sint64, tag = "1")]
    pub count: i64,
}
