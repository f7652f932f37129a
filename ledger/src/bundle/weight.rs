//! How much memory the parts of a bundle will take, counted on its bytes before one of them is made.
//!
//! It knows which fields repeat, and nothing else of the format: two bytes can name a part that takes
//! four hundred, so that a file within the limit of bytes could ask for a hundred times as much.

use std::mem::size_of;

use super::{
    Bundle, BundleError, CheckpointVotes, Claim, Cosignature, Day, Handoff, Item, Log, LogEntry,
    Pin, StateValue, Subject, VoteBytes,
};

/// Memory that the parts may take for each byte of protobuf. A day of a directory takes 16 for 10, a
/// subject of six letters 32 for 12; every other part carries digests and takes less than its bytes.
const WEIGHT_PER_BYTE: usize = 4;

/// The same for each character of JSON, which has two for a byte, and names.
const WEIGHT_PER_CHAR: usize = 2;

/// Memory that the parts of any bundle may take: a small one may hold a few that are empty.
const WEIGHT_FREE: usize = 64 * 1024;

/// What one string of bytes in a list takes beside its content, its allocation included.
const BYTES_WEIGHT: usize = 48;

/// Depth of JSON at which reading ends; a bundle has twelve.
const JSON_DEPTH_MAX: usize = 64;

/// Refuses protobuf whose parts would take more memory than its length allows, or that cannot be read.
pub(super) fn check_protobuf(bytes: &[u8]) -> Result<(), BundleError> {
    let mut weight = Weight::limited(bytes.len().saturating_mul(WEIGHT_PER_BYTE));
    weigh(bytes, &BUNDLE, &mut weight)
}

/// Refuses JSON whose parts would take more memory than its length allows.
pub(super) fn check_json(text: &str) -> Result<(), BundleError> {
    let mut weight = Weight::limited(text.len().saturating_mul(WEIGHT_PER_CHAR));
    let mut scan = Scan { rest: text.as_bytes(), open: Vec::new(), named: ANY_WEIGHT };
    while scan.step(&mut weight)? {}
    Ok(())
}

struct Weight {
    found: usize,
    limit: usize,
}

impl Weight {
    fn limited(limit: usize) -> Self {
        Self { found: 0, limit: limit.saturating_add(WEIGHT_FREE) }
    }

    fn add(&mut self, weight: usize) -> Result<(), BundleError> {
        self.found = self.found.saturating_add(weight);
        if self.found > self.limit {
            return Err(BundleError::TooManyParts { limit: self.limit });
        }
        Ok(())
    }
}

/// What stands in a message.
struct Shape {
    /// Memory that one takes.
    weight: usize,
    /// Fields that hold messages or lists; every other one is part of the message's own weight.
    fields: &'static [(u64, Field)],
}

enum Field {
    /// One message, which is part of the weight of the message around it.
    One(&'static Shape),
    /// A list of messages.
    Many(&'static Shape),
    /// A list of strings of bytes.
    Bytes,
}

use Field::{Bytes, Many, One};

const fn plain<T>() -> Shape {
    Shape { weight: size_of::<T>(), fields: &[] }
}

const fn shape<T>(fields: &'static [(u64, Field)]) -> Shape {
    Shape { weight: size_of::<T>(), fields }
}

static VOTE: Shape = plain::<VoteBytes>();
static COSIGNATURE: Shape = plain::<Cosignature>();
static ENTRY: Shape = plain::<LogEntry>();
static DAY: Shape = plain::<Day>();
static SUBJECT: Shape = plain::<Subject>();
static VOTES: Shape = shape::<CheckpointVotes>(&[(3, Many(&VOTE))]);
static RECOVERY: Shape = shape::<super::Recovery>(&[(2, Many(&VOTE))]);
static HANDOFF: Shape = shape::<Handoff>(&[
    (1, One(&VOTES)),
    (2, One(&RECOVERY)),
    (6, Bytes),
    (8, Bytes),
    (9, Many(&COSIGNATURE)),
]);
static HEAD: Shape =
    shape::<super::FinalHead>(&[(1, One(&VOTES)), (5, Bytes), (6, Many(&COSIGNATURE))]);
static PIN: Shape = shape::<Pin>(&[(2, Bytes)]);
static TX: Shape = shape::<super::TxProof>(&[(3, Bytes)]);
static OP: Shape = shape::<super::OpProof>(&[(3, Bytes)]);
static RECEIPT: Shape = shape::<super::ReceiptProof>(&[(5, Bytes)]);
static PATH: Shape = shape::<super::StatePath>(&[(6, Bytes), (8, Bytes)]);
static STATE: Shape = shape::<StateValue>(&[(4, One(&PATH))]);
static LOG: Shape =
    shape::<Log>(&[(5, One(&PATH)), (6, Many(&ENTRY)), (7, Many(&DAY)), (9, Bytes)]);
static ITEM: Shape = shape::<Item>(&[
    (2, Bytes),
    (4, One(&TX)),
    (5, One(&OP)),
    (6, One(&RECEIPT)),
    (7, Many(&STATE)),
    (8, Many(&LOG)),
]);
static TRACE: Shape = shape::<super::TraceClaim>(&[(3, Many(&SUBJECT)), (6, Many(&SUBJECT))]);
static CLAIM: Shape = shape::<Claim>(&[(4, One(&TRACE))]);
static BUNDLE: Shape = shape::<Bundle>(&[
    (2, Many(&HANDOFF)),
    (3, One(&HEAD)),
    (4, Many(&PIN)),
    (5, Many(&ITEM)),
    (6, Many(&CLAIM)),
]);

/// One message, as deep as its shape goes.
fn weigh(bytes: &[u8], shape: &Shape, weight: &mut Weight) -> Result<(), BundleError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        match key & 7 {
            0 => drop(varint(&mut rest)?),
            1 => drop(take(&mut rest, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).unwrap_or(usize::MAX);
                let content = take(&mut rest, length)?;
                match shape.fields.iter().find(|(number, _)| *number == key >> 3) {
                    None => (), // unknown, or a part of the message's own weight
                    Some((_, Bytes)) => weight.add(BYTES_WEIGHT)?,
                    Some((_, One(inner))) => weigh(content, inner, weight)?,
                    Some((_, Many(inner))) => {
                        weight.add(inner.weight)?;
                        weigh(content, inner, weight)?;
                    }
                }
            }
            5 => drop(take(&mut rest, 4)?),
            // What a decoder skips could hide what it would read after it.
            kind => return Err(malformed(&format!("wire type {kind}"))),
        }
    }
    Ok(())
}

fn malformed(detail: &str) -> BundleError {
    BundleError::Malformed { detail: detail.to_owned() }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], BundleError> {
    let (head, tail) =
        rest.split_at_checked(length).ok_or_else(|| malformed("a field goes beyond the end"))?;
    *rest = tail;
    Ok(head)
}

fn varint(rest: &mut &[u8]) -> Result<u64, BundleError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let [byte] = take(rest, 1)? else { break };
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(malformed("a number has more than 64 bits"))
}

/// What an element takes of a list whose name is not known here, or that has none: the most of all.
const ANY_WEIGHT: usize = size_of::<Item>();

/// What an element of a list takes, by the name before it. Strings are counted for themselves.
fn named_weight(name: &[u8]) -> usize {
    match name {
        b"handoffs" => HANDOFF.weight,
        b"votes" | b"signatures" => VOTE.weight,
        b"cosignatures" => COSIGNATURE.weight,
        b"pins" => PIN.weight,
        b"states" => STATE.weight,
        b"logs" => LOG.weight,
        b"entries" => ENTRY.weight,
        b"days" => DAY.weight,
        b"claims" => CLAIM.weight,
        b"starts" | b"truncated" => SUBJECT.weight,
        _ => ANY_WEIGHT,
    }
}

/// A walk over JSON that knows brackets, strings and names; what else is wrong its parser tells.
struct Scan<'a> {
    rest: &'a [u8],
    /// For each open bracket what an element takes; none in an object.
    open: Vec<Option<usize>>,
    /// What an element of the next list takes.
    named: usize,
}

impl Scan<'_> {
    /// Goes on by one character or one string; false at the end.
    fn step(&mut self, weight: &mut Weight) -> Result<bool, BundleError> {
        let Some((byte, rest)) = self.rest.split_first() else { return Ok(false) };
        self.rest = rest;
        match byte {
            b'[' | b'{' => {
                // A structure may be written as a list of its fields, too.
                if let Some(Some(element)) = self.open.last() {
                    weight.add(*element)?;
                }
                if self.open.len() == JSON_DEPTH_MAX {
                    return Err(BundleError::Json { detail: "nested too deeply".to_owned() });
                }
                let named = std::mem::replace(&mut self.named, ANY_WEIGHT);
                self.open.push((*byte == b'[').then_some(named));
            }
            b']' | b'}' => drop(self.open.pop()),
            b'"' => self.string(weight)?,
            _ => (), // white space, numbers, words, commas
        }
        Ok(true)
    }

    fn string(&mut self, weight: &mut Weight) -> Result<(), BundleError> {
        let mut escaped = false;
        let end = self.rest.iter().position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.get(1..).unwrap_or_default();
        if let Some(Some(_)) = self.open.last() {
            return weight.add(BYTES_WEIGHT);
        }
        if self.rest.trim_ascii_start().first() == Some(&b':') {
            self.named = named_weight(text);
        }
        Ok(())
    }
}
