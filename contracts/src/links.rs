//! Subjects of an operation: each field of the role table, normalised to the key of its kind.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::hash_map::{DefaultHasher, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use proto::AgencyIndex;
use proto::receipt::{Link, Links, Role, Subject, SubjectKind, TooMany};
use proto::schema::roles::{Field, Normaliser, named};
use proto::schema::{Body, OperationKind};
use unicode_normalization::UnicodeNormalization as _;

use crate::codes::Codes;
use crate::identifier;
use crate::key::UnitKey;

/// What the normalisers need to know beside the text. It remembers what it named, since an operation
/// names each of its codes in its links and again in its effects.
#[derive(Debug)]
pub struct Naming<'a> {
    /// Agency of the submitter.
    pub agency: AgencyIndex,
    /// Active code schemes.
    pub codes: &'a Codes,
    known: RefCell<Known>,
}

/// Keys of texts, by normaliser.
type Known = BTreeMap<Normaliser, HashMap<String, Arc<[u8]>, BuildHasherDefault<DefaultHasher>>>;

/// What was named before, under certain schemes.
#[derive(Debug)]
pub(crate) struct Names {
    codes: Codes,
    known: Known,
}

impl<'a> Naming<'a> {
    /// The names in the words of an agency's platform.
    pub fn new(agency: AgencyIndex, codes: &'a Codes) -> Self {
        Self { agency, codes, known: RefCell::default() }
    }

    /// As [`Self::new`], with what was named before, unless other schemes are active now.
    pub(crate) fn knowing(agency: AgencyIndex, codes: &'a Codes, names: Option<Names>) -> Self {
        let known = names.filter(|names| names.codes.is_same(codes)).map(|names| names.known);
        Self { agency, codes, known: RefCell::new(known.unwrap_or_default()) }
    }

    /// What was named.
    pub(crate) fn into_names(self) -> Names {
        Names { codes: self.codes.clone(), known: self.known.into_inner() }
    }

    /// The key of the subject that `text` names in a field with this normaliser.
    pub fn key(&self, normaliser: Normaliser, text: &str) -> Vec<u8> {
        self.shared(normaliser, text).to_vec()
    }

    /// The key of a unit.
    pub(crate) fn unit(&self, text: &str) -> UnitKey {
        self.shared(Normaliser::Unit, text).into()
    }

    /// As [`Self::key`]; every mention of one text shares the bytes.
    pub(crate) fn shared(&self, normaliser: Normaliser, text: &str) -> Arc<[u8]> {
        let mut known = self.known.borrow_mut();
        let known = known.entry(normaliser).or_default();
        if let Some(key) = known.get(text) {
            return Arc::clone(key);
        }
        let key: Arc<[u8]> = self.read(normaliser, text).into();
        known.insert(text.to_owned(), Arc::clone(&key));
        key
    }

    fn read(&self, normaliser: Normaliser, text: &str) -> Vec<u8> {
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
    // ASCII is its own NFKC.
    if text.is_ascii() {
        return text.trim().to_owned();
    }
    text.nfkc().collect::<String>().trim().to_owned()
}

/// Certificate number: NFKC, capitals, no white space.
pub fn certificate(text: &str) -> String {
    if text.is_ascii() {
        let visible = text.chars().filter(|c| !c.is_whitespace());
        return visible.map(|c| c.to_ascii_uppercase()).collect();
    }
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
