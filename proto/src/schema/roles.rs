//! The role table: which field of which operation type makes a link, with which role and kind.
//!
//! The table is data. Its hash stands in every epoch descriptor, so two nodes that derive links
//! differently are on different chains.

use super::body::Body;
use super::event::{Event, Observation};
use super::kind::OperationKind;
use crate::codec::Writer;
use crate::hash::{Hash, Tag};
use crate::receipt::{Role, SubjectKind};

/// How a field's text becomes the key of a subject. Ids are fixed for ever; rules are versioned in
/// `ledger/README.md`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Normaliser {
    /// Trace code, by the scheme registry.
    Unit,
    /// Certificate number: NFKC, upper case, no white space.
    Certificate,
    /// Declaration line: 18 digits, `-`, line number without leading zeros.
    Declaration,
    /// Party: USCC in upper case, `party_ref` in lower case.
    Party,
    /// Station identifier within its agency.
    Station,
    /// Plate: NFKC, upper case, no white space or hyphen.
    Vehicle,
    /// Commitment: 64 hexadecimal digits in lower case.
    Person,
}

impl Normaliser {
    /// The id in the table.
    pub const fn code(self) -> u8 {
        match self {
            Self::Unit => 1,
            Self::Certificate => 2,
            Self::Declaration => 3,
            Self::Party => 4,
            Self::Station => 5,
            Self::Vehicle => 6,
            Self::Person => 7,
        }
    }

    /// The kind of subject that the normaliser makes.
    pub const fn kind(self) -> SubjectKind {
        match self {
            Self::Unit => SubjectKind::Unit,
            Self::Certificate => SubjectKind::Certificate,
            Self::Declaration => SubjectKind::Declaration,
            Self::Party => SubjectKind::Party,
            Self::Station => SubjectKind::Station,
            Self::Vehicle => SubjectKind::Vehicle,
            Self::Person => SubjectKind::Person,
        }
    }
}

/// A field that names subjects. Codes are fixed for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Field {
    /// `items[].code`, `codes[]`.
    Items,
    /// `items[].counterpart`.
    Counterparts,
    /// `outputs[].code`, `outputs[]`.
    Outputs,
    /// `inputs[]` of an observation.
    Inputs,
    /// `container`.
    Container,
    /// `contents[]` of an observation.
    Contents,
    /// `certificates[]`, `number` of a certificate.
    Certificates,
    /// `declaration`, `number` of a declaration.
    Declaration,
    /// `party`, `id` of a party, `parties[]`, `consignee`, `object` of an evaluation of a party.
    Party,
    /// `counterparty`.
    Counterparty,
    /// `station`, `id` of a station, `stations[]`, `port`, `object` of an evaluation of a station.
    Station,
    /// `counterparty_station`.
    CounterpartyStation,
    /// `vehicle`, `plate`.
    Vehicle,
    /// `person`.
    Person,
    /// `from` of a match.
    From,
    /// `to` of a match.
    To,
}

impl Field {
    /// Every field, by ascending code.
    pub const ALL: [Self; 16] = [
        Self::Items,
        Self::Counterparts,
        Self::Outputs,
        Self::Inputs,
        Self::Container,
        Self::Contents,
        Self::Certificates,
        Self::Declaration,
        Self::Party,
        Self::Counterparty,
        Self::Station,
        Self::CounterpartyStation,
        Self::Vehicle,
        Self::Person,
        Self::From,
        Self::To,
    ];

    /// The code in the table.
    pub fn code(self) -> u8 {
        let position = Self::ALL.iter().position(|field| *field == self);
        let position = position.expect("ALL lists every field");
        u8::try_from(position + 1).expect("fewer than 255 fields")
    }

    /// The normaliser of the field, the same in every type.
    pub const fn normaliser(self) -> Normaliser {
        match self {
            Self::Items
            | Self::Counterparts
            | Self::Outputs
            | Self::Inputs
            | Self::Container
            | Self::Contents
            | Self::From
            | Self::To => Normaliser::Unit,
            Self::Certificates => Normaliser::Certificate,
            Self::Declaration => Normaliser::Declaration,
            Self::Party | Self::Counterparty => Normaliser::Party,
            Self::Station | Self::CounterpartyStation => Normaliser::Station,
            Self::Vehicle => Normaliser::Vehicle,
            Self::Person => Normaliser::Person,
        }
    }

    /// The role of the field in operations of type `kind`.
    pub fn role(self, kind: OperationKind) -> Role {
        match self {
            Self::Items if kind == OperationKind::Commission => Role::Output,
            Self::Items if kind == OperationKind::Pack => Role::Content,
            Self::Items if kind == OperationKind::Unpack => Role::Content,
            Self::Items if kind == OperationKind::Split => Role::SplitFrom,
            Self::Items if kind == OperationKind::Process => Role::Input,
            Self::Outputs if kind == OperationKind::Split => Role::SplitTo,
            Self::Outputs => Role::Output,
            Self::Inputs => Role::Input,
            Self::Container => Role::Container,
            Self::Contents => Role::Content,
            // Coding makes units out of a declared consignment: lineage leads to its papers.
            Self::Declaration | Self::Certificates if kind == OperationKind::Commission => {
                Role::Input
            }
            Self::From | Self::To if kind == OperationKind::MatchVoid => Role::Void,
            Self::From | Self::To => Role::Same,
            // Which counterpart belongs to which item is said by the SYSTEM receipt of each match:
            // in one flat list every item of a delivery would become an alias of every other.
            Self::Items
            | Self::Counterparts
            | Self::Declaration
            | Self::Certificates
            | Self::Party
            | Self::Counterparty
            | Self::Station
            | Self::CounterpartyStation
            | Self::Vehicle
            | Self::Person => Role::Other,
        }
    }
}

/// The table's bytes: for each type and field, ascending, type u16, field, role, kind, normaliser u8.
pub fn table_bytes() -> Vec<u8> {
    let mut out = Writer::default();
    for kind in OperationKind::ALL {
        for field in Field::ALL {
            let normaliser = field.normaliser();
            out.u16(kind.code())
                .u8(field.code())
                .u8(field.role(*kind).code())
                .u8(normaliser.kind().code())
                .u8(normaliser.code());
        }
    }
    out.into_bytes()
}

/// The table's hash, part of every epoch descriptor.
pub fn table_hash() -> Hash {
    Tag::RoleTable.hash(&table_bytes())
}

/// Every field of `body` that names a subject, with its text, empty ones left out.
pub fn named(body: &Body) -> Vec<(Field, &str)> {
    let mut found: Vec<(Field, &str)> = Vec::new();
    match body {
        Body::Event(event) => of_event(event, &mut found),
        Body::Observation(seen) => of_observation(seen, &mut found),
        Body::Correction(correction) => {
            if let Some(event) = &correction.event {
                of_event(event, &mut found);
            }
        }
        Body::Party(party) => found.push((Field::Party, &party.id)),
        Body::Station(station) => {
            found.extend([(Field::Station, &*station.id), (Field::Party, &*station.party)]);
        }
        Body::Vehicle(vehicle) => {
            found.extend([(Field::Vehicle, &*vehicle.plate), (Field::Party, &*vehicle.party)]);
        }
        Body::Certificate(certificate) => {
            found.push((Field::Certificates, &certificate.number));
            found.push((Field::Declaration, &certificate.declaration));
            found.extend(certificate.codes.iter().map(|code| (Field::Items, &**code)));
        }
        Body::Declaration(declaration) => {
            found.push((Field::Declaration, &declaration.number));
            found.push((Field::Party, &declaration.consignee));
            found.push((Field::Station, &declaration.port));
        }
        Body::MatchDeclare(declared) => {
            found.extend([(Field::From, &*declared.from), (Field::To, &*declared.to)]);
        }
        Body::MatchDecision(decision) => {
            found.extend([(Field::From, &*decision.from), (Field::To, &*decision.to)]);
        }
        Body::ReleasePublish(release) => {
            found.extend(release.codes.iter().map(|code| (Field::Items, &**code)));
            found.extend(release.parties.iter().map(|party| (Field::Party, &**party)));
        }
        Body::Evaluation(result) => {
            let field = match &*result.object_kind {
                "party" => Some(Field::Party),
                "station" => Some(Field::Station),
                _ => None, // nodes and platforms have no log
            };
            found.extend(field.map(|field| (field, &*result.object)));
        }
        Body::Product(_)
        | Body::AlertAcknowledge(_)
        | Body::ReleaseWithdraw(_)
        | Body::SchemePropose(_)
        | Body::RulePropose(_)
        | Body::Approve(_) => (), // these name no subject of a log
    }
    found.retain(|(_, text)| !text.is_empty());
    found
}

fn of_event<'a>(event: &'a Event, found: &mut Vec<(Field, &'a str)>) {
    for item in &event.items {
        found.extend([(Field::Items, &*item.code), (Field::Counterparts, &*item.counterpart)]);
    }
    found.extend(event.outputs.iter().map(|item| (Field::Outputs, &*item.code)));
    found.extend(event.certificates.iter().map(|number| (Field::Certificates, &**number)));
    found.extend([
        (Field::Container, &*event.container),
        (Field::Declaration, &*event.declaration),
        (Field::Party, &*event.party),
        (Field::Counterparty, &*event.counterparty),
        (Field::Station, &*event.station),
        (Field::CounterpartyStation, &*event.counterparty_station),
        (Field::Vehicle, &*event.vehicle),
        (Field::Person, &*event.person),
    ]);
}

fn of_observation<'a>(seen: &'a Observation, found: &mut Vec<(Field, &'a str)>) {
    for (field, texts) in [
        (Field::Items, &seen.codes),
        (Field::Inputs, &seen.inputs),
        (Field::Outputs, &seen.outputs),
        (Field::Contents, &seen.contents),
        (Field::Station, &seen.stations),
        (Field::Party, &seen.parties),
    ] {
        found.extend(texts.iter().map(|text| (field, &**text)));
    }
    found.push((Field::Container, &seen.container));
}
