//! Receipts: what an operation or a system step did, to which subjects, and what it alerted.

use thiserror::Error;

use crate::codec::{Canonical, DecodeError, Reader, Writer};
use crate::hash::{Hash, Tag};
use crate::limits::{ALERTS_MAX, LINKS_MAX, SUBJECT_BYTES_MAX};
use crate::types::TxId;

/// Receipt code of an accepted operation or step.
pub const CODE_ACCEPTED: u16 = 0;

/// Receipt code of an operation whose bytes were recorded before; it changes nothing.
pub const CODE_ALREADY_RECORDED: u16 = 1;

/// Receipt code of an operation that reuses an identity for other bytes.
pub const CODE_OP_UID_REUSED: u16 = 2;

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The byte on the wire.
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The value of a byte.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

coded! {
    /// What a subject is to the operation that names it. Fixed for ever.
    Role {
        /// Consumed.
        Input = 1,
        /// Made.
        Output = 2,
        /// Holds the contents.
        Container = 3,
        /// Lies in the container.
        Content = 4,
        /// Another code of the same goods.
        Same = 5,
        /// A new label of the same unit.
        Relabel = 6,
        /// The same code carried into another province.
        Carry = 7,
        /// A relation withdrawn.
        Void = 8,
        /// The unit that was divided.
        SplitFrom = 9,
        /// A part of the divided unit.
        SplitTo = 10,
        /// Parent by a grammar or a normaliser.
        DerivedParent = 11,
        /// Child by a grammar or a normaliser.
        DerivedChild = 12,
        /// Belongs to an incident, a recall or a freeze.
        Scope = 13,
        /// Named in any other way.
        Other = 14,
    }
}

coded! {
    /// What kind of thing a subject is.
    SubjectKind {
        /// A traced unit: lot, box, pallet, packet.
        Unit = 1,
        /// A certificate.
        Certificate = 2,
        /// A customs declaration.
        Declaration = 3,
        /// A party.
        Party = 4,
        /// A station.
        Station = 5,
        /// A vehicle.
        Vehicle = 6,
        /// A person, by commitment.
        Person = 7,
    }
}

impl SubjectKind {
    /// Whether the subject has one log (units and documents) instead of one a day.
    pub const fn has_one_log(self) -> bool {
        match self {
            Self::Unit | Self::Certificate | Self::Declaration => true,
            Self::Party | Self::Station | Self::Vehicle | Self::Person => false,
        }
    }
}

/// A subject: its kind and its normalised key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug)]
pub struct Subject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// Normalised key bytes.
    pub key: Vec<u8>,
}

impl Subject {
    /// A traced unit.
    pub fn unit(key: impl Into<Vec<u8>>) -> Self {
        Self { kind: SubjectKind::Unit, key: key.into() }
    }
}

/// One subject with its role in a receipt. Ordered by its encoded bytes.
#[derive(Clone, PartialEq, Eq, std::hash::Hash, Debug)]
pub struct Link {
    /// Role of the subject.
    pub role: Role,
    /// The subject.
    pub subject: Subject,
}

impl Ord for Link {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // The length stands before the bytes in the encoding, so a shorter key comes first.
        let order =
            |link: &Self| (link.role.code(), link.subject.kind.code(), link.subject.key.len());
        order(self).cmp(&order(other)).then_with(|| self.subject.key.cmp(&other.subject.key))
    }
}

impl PartialOrd for Link {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Canonical for Link {
    fn encode_to(&self, out: &mut Writer) {
        out.u8(self.role.code()).u8(self.subject.kind.code()).bytes16(&self.subject.key);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let role = Role::from_code(input.u8("role")?)
            .ok_or(DecodeError::Invalid { field: "role", rule: "is 1 to 14" })?;
        let kind = SubjectKind::from_code(input.u8("subject kind")?)
            .ok_or(DecodeError::Invalid { field: "subject kind", rule: "is 1 to 7" })?;
        let key = input.bytes16("subject", SUBJECT_BYTES_MAX)?.to_vec();
        Ok(Self { role, subject: Subject { kind, key } })
    }
}

/// What happened to an alert, as a receipt states it. Ordered by its encoded bytes.
#[derive(Clone, PartialEq, Eq, std::hash::Hash, Debug)]
pub struct AlertNotice {
    /// Rule and what happened to the alert: the contracts' table of alert codes.
    pub code: u16,
    /// Key of the alert in the state.
    pub alert: Vec<u8>,
}

impl Ord for AlertNotice {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.code, self.alert.len(), &self.alert).cmp(&(
            other.code,
            other.alert.len(),
            &other.alert,
        ))
    }
}

impl PartialOrd for AlertNotice {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Canonical for AlertNotice {
    fn encode_to(&self, out: &mut Writer) {
        out.u16(self.code).bytes16(&self.alert);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let code = input.u16("alert code")?;
        Ok(Self { code, alert: input.bytes16("alert", SUBJECT_BYTES_MAX)?.to_vec() })
    }
}

/// A list whose items ascend by their encoded bytes, no two equal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ascending<T>(Vec<T>);

impl<T> Default for Ascending<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The links of a receipt.
pub type Links = Ascending<Link>;

/// The alert notices of a receipt.
pub type Alerts = Ascending<AlertNotice>;

/// More items than a receipt holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{found} items, a receipt holds at most {limit}")]
pub struct TooMany {
    /// Distinct items.
    pub found: usize,
    /// Largest number allowed.
    pub limit: u16,
}

impl<T: Canonical + Ord> Ascending<T> {
    /// Sorts `items` and drops repetitions.
    pub fn collect(items: impl IntoIterator<Item = T>, limit: u16) -> Result<Self, TooMany> {
        let mut items: Vec<T> = items.into_iter().collect();
        items.sort();
        items.dedup();
        if items.len() > usize::from(limit) {
            return Err(TooMany { found: items.len(), limit });
        }
        Ok(Self(items))
    }

    /// The items in order.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    fn decode_ascending(input: &mut Reader<'_>, limit: u16) -> Result<Self, DecodeError> {
        let items: Vec<T> = input.list16("receipt list", limit)?;
        let ascends = items.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
        if ascends {
            Ok(Self(items))
        } else {
            let rule = "ascends by encoded bytes, no two equal";
            Err(DecodeError::Invalid { field: "receipt list", rule })
        }
    }
}

impl Links {
    /// `links_hash` of the receipt payload.
    pub fn hash(&self) -> Hash {
        Tag::Links.hash(&self.encode())
    }
}

impl Alerts {
    /// `alerts_hash` of the receipt payload.
    pub fn hash(&self) -> Hash {
        Tag::Alerts.hash(&self.encode())
    }
}

impl Canonical for Links {
    fn encode_to(&self, out: &mut Writer) {
        out.list16(&self.0);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::decode_ascending(input, LINKS_MAX)
    }
}

impl Canonical for Alerts {
    fn encode_to(&self, out: &mut Writer) {
        out.list16(&self.0);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::decode_ascending(input, ALERTS_MAX)
    }
}

/// What made a receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReceiptSource {
    /// An operation: its transaction, its position there and its leaf.
    Operation {
        /// Transaction.
        tx_id: TxId,
        /// Position in the transaction.
        op_index: u16,
        /// Leaf of the operation.
        op_leaf: Hash,
    },
    /// A step of the system: `leaf("jjj/step/v1", record)`.
    System {
        /// Leaf of the step's record.
        step_leaf: Hash,
    },
}

impl ReceiptSource {
    /// Leaf of the operation or of the system step.
    pub const fn leaf(&self) -> &Hash {
        match self {
            Self::Operation { op_leaf, .. } => op_leaf,
            Self::System { step_leaf } => step_leaf,
        }
    }
}

/// What the receipts root covers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptPayload {
    /// Operation or step.
    pub source: ReceiptSource,
    /// 0 accepted, 1 recorded before, otherwise the refusal.
    pub code: u16,
    /// Hash of the links.
    pub links_hash: Hash,
    /// Hash of the alert notices.
    pub alerts_hash: Hash,
}

impl ReceiptPayload {
    /// Leaf in the block's receipt tree.
    pub fn leaf(&self) -> Hash {
        Tag::Receipt.hash(&self.encode())
    }
}

impl Canonical for ReceiptPayload {
    fn encode_to(&self, out: &mut Writer) {
        match &self.source {
            ReceiptSource::Operation { tx_id, op_index, op_leaf } => {
                out.u8(0).hash(&tx_id.0).u16(*op_index).hash(op_leaf)
            }
            ReceiptSource::System { step_leaf } => {
                out.u8(1).hash(&Hash::ZERO).u16(0).hash(step_leaf)
            }
        };
        out.u16(self.code).hash(&self.links_hash).hash(&self.alerts_hash);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = input.u8("receipt kind")?;
        let tx_id = TxId(input.hash("tx_id")?);
        let op_index = input.u16("op_index")?;
        let leaf = input.hash("op_leaf")?;
        let source = match kind {
            0 => ReceiptSource::Operation { tx_id, op_index, op_leaf: leaf },
            1 if tx_id == TxId::default() && op_index == 0 => {
                ReceiptSource::System { step_leaf: leaf }
            }
            _ => {
                return Err(DecodeError::Invalid {
                    field: "receipt kind",
                    rule: "is 0, or 1 with zero tx_id and op_index",
                });
            }
        };
        Ok(Self {
            source,
            code: input.u16("receipt code")?,
            links_hash: input.hash("links_hash")?,
            alerts_hash: input.hash("alerts_hash")?,
        })
    }
}

/// A receipt with the lists its payload commits to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Operation or step.
    pub source: ReceiptSource,
    /// 0 accepted, 1 recorded before, otherwise the refusal.
    pub code: u16,
    /// Subjects and their roles.
    pub links: Links,
    /// Alerts raised, closed, withdrawn.
    pub alerts: Alerts,
}

impl Receipt {
    /// What the receipts root covers.
    pub fn payload(&self) -> ReceiptPayload {
        ReceiptPayload {
            source: self.source,
            code: self.code,
            links_hash: self.links.hash(),
            alerts_hash: self.alerts.hash(),
        }
    }
}

impl Canonical for Receipt {
    fn encode_to(&self, out: &mut Writer) {
        self.payload().encode_to(out);
        self.links.encode_to(out);
        self.alerts.encode_to(out);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let payload = ReceiptPayload::decode_from(input)?;
        let links = Links::decode_from(input)?;
        let alerts = Alerts::decode_from(input)?;
        if links.hash() != payload.links_hash || alerts.hash() != payload.alerts_hash {
            return Err(DecodeError::Invalid {
                field: "receipt",
                rule: "its lists are the ones that its payload commits to",
            });
        }
        Ok(Self { source: payload.source, code: payload.code, links, alerts })
    }
}
