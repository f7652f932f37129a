//! What both sides say of one unit under one document.

use proto::schema::event::Uom;

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

/// How often and how much. Value of the maps of legs and of receiving units.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct LegSum {
    /// Events in force.
    #[prost(sint64, tag = "1")]
    pub count: i64,
    /// Quantities, ascending by unit of measure.
    #[prost(message, repeated, tag = "2")]
    pub amounts: Vec<Amount>,
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

/// Namespace SHIPMENT, key = u16 length, document, sender's unit.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ShipmentRecord {
    /// SHIP events in force.
    #[prost(sint64, tag = "1")]
    pub sends: i64,
    /// RECEIVE events in force.
    #[prost(sint64, tag = "2")]
    pub receipts: i64,
    /// Shipped, ascending by unit of measure.
    #[prost(message, repeated, tag = "3")]
    pub shipped: Vec<Amount>,
    /// Received, ascending by unit of measure.
    #[prost(message, repeated, tag = "4")]
    pub received: Vec<Amount>,
}

impl ShipmentRecord {
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
