//! Subjects of an operation: each field of the role table, normalised to the key of its kind.

use proto::AgencyIndex;
use proto::receipt::{Link, Links, Role, Subject, SubjectKind, TooMany};
use proto::schema::roles::{Field, Normaliser, named};
use proto::schema::{Body, OperationKind};
use unicode_normalization::UnicodeNormalization as _;

use crate::codes::Codes;
use crate::identifier;

/// What the normalisers need to know beside the text.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// Agency of the submitter.
    pub agency: AgencyIndex,
    /// Active code schemes.
    pub codes: &'a Codes,
}

impl Naming<'_> {
    /// The key of the subject that `text` names in a field with this normaliser.
    pub fn key(&self, normaliser: Normaliser, text: &str) -> Vec<u8> {
        let key = match normaliser {
            Normaliser::Unit => return self.codes.unit(self.agency, text),
            Normaliser::Certificate => certificate(text),
            Normaliser::Declaration => declaration(text),
            Normaliser::Party => party(text),
            Normaliser::Station => station(self.agency, text),
            Normaliser::Vehicle => vehicle(text),
            Normaliser::Person => text.to_ascii_lowercase(),
        };
        key.into_bytes()
    }

    /// The subject that `text` names in `field`.
    pub fn subject(&self, field: Field, text: &str) -> Subject {
        let normaliser = field.normaliser();
        Subject { kind: normaliser.kind(), key: self.key(normaliser, text) }
    }

    /// Every subject of `body` with the field that names it.
    pub fn subjects(&self, body: &Body) -> Vec<(Field, Subject)> {
        named(body).into_iter().map(|(field, text)| (field, self.subject(field, text))).collect()
    }
}

/// The links of `body` as an operation of type `kind`, with `more` beside them.
pub(crate) fn collect(
    subjects: &[(Field, Subject)],
    kind: OperationKind,
    more: Vec<Link>,
    limit: u16,
) -> Result<Links, TooMany> {
    let named = subjects
        .iter()
        .map(|(field, subject)| Link { role: field.role(kind), subject: subject.clone() });
    Links::collect(named.chain(more), limit)
}

/// A link to a unit.
pub(crate) fn unit_link(role: Role, unit: &[u8]) -> Link {
    Link { role, subject: Subject { kind: SubjectKind::Unit, key: unit.to_vec() } }
}

/// NFKC without white space at the ends: the form of what has no stricter one.
fn plain(text: &str) -> String {
    text.nfkc().collect::<String>().trim().to_owned()
}

/// Certificate number: NFKC, capitals, no white space.
pub fn certificate(text: &str) -> String {
    text.nfkc().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect()
}

/// Number of a stock document, waybill or sale, that both sides of a delivery hold: like a
/// certificate number.
pub fn document(text: &str) -> String {
    certificate(text)
}

/// Declaration line: line number without leading zeros.
pub fn declaration(text: &str) -> String {
    identifier::customs::line(text).unwrap_or_else(|_| plain(text))
}

/// Party: credit code in capitals, commitment in lower case, anything else as written.
pub fn party(text: &str) -> String {
    match identifier::party::PartyId::parse(text) {
        Ok(id) => id.as_str().to_owned(),
        Err(_) => plain(text),
    }
}

/// Station: `<agency index>:<identifier>`, since identifiers are unique within an agency only. A text
/// of that form, and a URI, stand for themselves: so a platform names another agency's station.
pub fn station(agency: AgencyIndex, text: &str) -> String {
    let text = plain(text);
    match station_form(&text) {
        StationForm::Own => format!("{agency}:{text}"),
        StationForm::OfAgency | StationForm::Uri => text,
    }
}

/// How a text names a station.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StationForm {
    /// By the identifier of the agency that writes it.
    Own,
    /// By an agency's index and that agency's identifier.
    OfAgency,
    /// By a URI.
    Uri,
}

/// How the normal form of a text names a station.
pub(crate) fn station_form(text: &str) -> StationForm {
    let text = plain(text);
    let is_index = |head: &str| !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(':') {
        Some((head, _)) if is_index(head) => StationForm::OfAgency,
        Some(("urn" | "http" | "https", _)) => StationForm::Uri,
        Some(_) | None => StationForm::Own,
    }
}

/// Plate: NFKC, capitals, without white space, hyphens and the dot between letter and serial.
pub fn vehicle(text: &str) -> String {
    identifier::fold(text).chars().filter(|c| !"·•.".contains(*c)).collect()
}
