//! What both sides say of one unit under one document.

use proto::schema::event::Uom;
use proto::trie::Namespace;

use super::codec::{In, Out, Unreadable, Value};
use super::list::{List, fields, read_lists, write_lists};
use super::row::Row;

/// A sum in one unit of measure.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Amount {
    /// The unit of measure; unspecified counts codes without a quantity, a thousand each.
    #[prost(enumeration = "Uom", tag = "1")]
    pub uom: i32,
    /// Thousandths of it.
    #[prost(sint64, tag = "2")]
    pub milli: i64,
}

/// Adds to the sum of its unit of measure; sums of zero are dropped, the rest ascends.
pub(crate) fn add_amount(amounts: &mut Vec<Amount>, added: Amount) {
    match amounts.binary_search_by_key(&added.uom, |amount| amount.uom) {
        Ok(position) => {
            if let Some(amount) = amounts.get_mut(position) {
                amount.milli = amount.milli.wrapping_add(added.milli);
            }
            amounts.retain(|amount| amount.milli != 0);
        }
        Err(_) if added.milli == 0 => (), // nothing to note
        Err(position) => amounts.insert(position, added),
    }
}

/// Which side of a delivery speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Side {
    /// Not stated.
    Unspecified = 0,
    /// The sender, by SHIP.
    Sender = 1,
    /// The receiver, by RECEIVE.
    Receiver = 2,
}

/// What one side says beside the quantity. Key of the shipment's map of legs, encoded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, prost::Message)]
pub struct Leg {
    /// Which side.
    #[prost(enumeration = "Side", tag = "1")]
    pub side: i32,
    /// Agency of the platform that speaks.
    #[prost(uint32, tag = "2")]
    pub agency: u32,
    /// Party that speaks.
    #[prost(bytes = "vec", tag = "3")]
    pub party: Vec<u8>,
    /// The other party, as this side names it.
    #[prost(bytes = "vec", tag = "4")]
    pub counterparty: Vec<u8>,
    /// Station of the side that speaks.
    #[prost(bytes = "vec", tag = "5")]
    pub station: Vec<u8>,
    /// The other station, as this side names it.
    #[prost(bytes = "vec", tag = "6")]
    pub counterparty_station: Vec<u8>,
    /// Vehicle.
    #[prost(bytes = "vec", tag = "7")]
    pub vehicle: Vec<u8>,
    /// Commitment of the driver.
    #[prost(bytes = "vec", tag = "8")]
    pub person: Vec<u8>,
}

/// How often and how much. Value of the lists of legs and of receiving units.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct LegSum {
    /// Events in force.
    pub count: i64,
    /// Quantities, ascending by unit of measure.
    pub amounts: Vec<Amount>,
}

impl LegSum {
    /// Adds events and their quantities, `sign` times.
    pub(crate) fn add(&mut self, count: i64, amounts: &[Amount], sign: i64) {
        self.count = self.count.wrapping_add(count.wrapping_mul(sign));
        for amount in amounts {
            let milli = amount.milli.wrapping_mul(sign);
            add_amount(&mut self.amounts, Amount { milli, ..*amount });
        }
    }
}

impl Value for LegSum {
    fn is_nothing(&self) -> bool {
        self.count == 0 && self.amounts.is_empty()
    }

    fn write(&self, out: &mut Out) {
        out.signed(self.count);
        write_amounts(out, &self.amounts);
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        Ok(Self { count: input.signed()?, amounts: read_amounts(input)? })
    }
}

fn write_amounts(out: &mut Out, amounts: &[Amount]) {
    out.number(u64::try_from(amounts.len()).expect("usize is at most 64 bits"));
    for amount in amounts {
        out.number(u64::try_from(amount.uom).unwrap_or_default());
        out.signed(amount.milli);
    }
}

fn read_amounts(input: &mut In<'_>) -> Result<Vec<Amount>, Unreadable> {
    let mut amounts = Vec::new();
    for _ in 0..input.count()? {
        amounts.push(Amount { uom: input.int()?, milli: input.signed()? });
    }
    Ok(amounts)
}

/// What the two sides of a delivery come to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
#[repr(i32)]
pub enum Verdict {
    /// Nobody has spoken.
    Unspecified = 0,
    /// Only one side has spoken, or both sides are one.
    OneSided = 1,
    /// Document, codes, quantities and parties agree.
    Confirmed = 2,
    /// The quantities differ.
    QuantityDiffers = 3,
    /// The parties named differ.
    PartyDiffers = 4,
    /// More statements than are compared.
    TooMany = 5,
}

/// Whose platforms speak of a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Reach {
    /// Those of one agency, or nobody's.
    #[default]
    OneAgency,
    /// Those of several.
    Agencies,
}

/// What a delivery was found to come to, when its block ended: the pairs of codes that it speaks for
/// are told only when this changes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Judged {
    /// What both sides come to.
    pub verdict: Verdict,
    /// Whose platforms speak of it.
    pub reach: Reach,
    /// Whether more was received than was sent, in any unit of measure.
    pub is_over: bool,
}

/// Namespace SHIPMENT, key = u16 length, document, sender's unit: one delivery.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ShipmentRow {
    /// SHIP events in force.
    pub sends: i64,
    /// RECEIVE events in force.
    pub receipts: i64,
    /// Shipped, ascending by unit of measure.
    pub shipped: Vec<Amount>,
    /// Received, ascending by unit of measure.
    pub received: Vec<Amount>,
    /// What it was found to come to.
    pub judged: Judged,
    /// Encoded [`Leg`].
    pub(crate) legs: List<LegSum>,
    /// Receiving units.
    pub(crate) takers: List<LegSum>,
}

/// Bits of the flags of a delivery.
const CROSSES_BIT: u8 = 1;
const OVER_BIT: u8 = 2;

impl Row for ShipmentRow {
    const NAMESPACE: Namespace = Namespace::Shipment;

    fn write(&self, out: &mut Out) {
        out.signed(self.sends);
        out.signed(self.receipts);
        write_amounts(out, &self.shipped);
        write_amounts(out, &self.received);
        out.byte(self.judged.verdict.code());
        let crosses = if self.judged.reach == Reach::Agencies { CROSSES_BIT } else { 0 };
        out.byte(crosses | if self.judged.is_over { OVER_BIT } else { 0 });
        write_lists(out, &[&self.legs, &self.takers]);
    }

    fn read(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let mut row = Self {
            sends: input.signed()?,
            receipts: input.signed()?,
            shipped: read_amounts(input)?,
            received: read_amounts(input)?,
            ..Self::default()
        };
        let verdict = Verdict::try_from(i32::from(input.byte()?));
        row.judged.verdict = verdict.map_err(|_| Unreadable("a delivery has no such verdict"))?;
        let flags = input.byte()?;
        if flags & CROSSES_BIT != 0 {
            row.judged.reach = Reach::Agencies;
        }
        row.judged.is_over = flags & OVER_BIT != 0;
        read_lists(input, &mut [&mut row.legs, &mut row.takers])?;
        Ok(row)
    }
}

fields! { ShipmentRow {
    LEGS: LegSum = 1, legs;
    TAKERS: LegSum = 2, takers;
} }

impl Verdict {
    /// The byte in rows.
    pub(crate) fn code(self) -> u8 {
        u8::try_from(i32::from(self)).expect("verdicts are below 256")
    }
}

impl ShipmentRow {
    /// Whether more was received than was sent, in any unit of measure.
    pub fn is_over(&self) -> bool {
        self.received.iter().any(|received| {
            let sent = self.shipped.iter().find(|sent| sent.uom == received.uom);
            sent.is_some_and(|sent| received.milli > sent.milli)
        })
    }

    /// Whether any event in force speaks of it.
    pub const fn is_stated(&self) -> bool {
        self.sends != 0
            || self.receipts != 0
            || !self.shipped.is_empty()
            || !self.received.is_empty()
    }

    /// What is on the road: shipped and not received, by unit of measure.
    pub fn in_transit(&self) -> Vec<Amount> {
        let mut rest = self.shipped.clone();
        for amount in &self.received {
            if rest.iter().any(|sent| sent.uom == amount.uom) {
                add_amount(&mut rest, Amount { milli: -amount.milli, ..*amount });
            }
        }
        rest.retain(|amount| amount.milli > 0);
        rest
    }
}
