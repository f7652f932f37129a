//! Every text of every body: its longest form, how it is searched for personal data, and whether the
//! subject that it names fits into a link. One table, so that a new field cannot be forgotten by one
//! of the checks.

use proto::AgencyIndex;
use proto::limits::{AGENCIES_MAX, SUBJECT_BYTES_MAX};
use proto::schema::body::is_canonical_text;
use proto::schema::event::{Event, Item, Observation};
use proto::schema::registry::{Certificate, Declaration};
use proto::schema::{Body, roles};

use super::limits::{
    CODE_BYTES_MAX, CODE_CHARS_MAX, ID_CHARS_MAX, NAME_CHARS_MAX, NOTICE_CHARS_MAX,
    REMARK_CHARS_MAX, URI_BYTES_MAX, URI_CHARS_MAX,
};
use super::{AdmissionError, Checked, Place, Rule, refuse, refuse_unseen};
use crate::codes::Codes;
use crate::links::Naming;
use crate::privacy::{Finding, Scan, scan};
use crate::scheme::DEFINITION_CHARS_MAX;
use crate::scheme::canonical;

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A trace code, as its platform writes it.
    Code,
    /// An identifier that a rule of its own checks, or a commitment.
    Checked,
    /// A number that its owner chose.
    Number,
    /// The key of a product or a producer's batch number.
    Goods,
    /// A place or party as an observation writes it.
    Written,
    /// A word or a name.
    Name,
    /// A remark or reason.
    Remark,
    /// Text of several lines.
    Notice,
    /// Definition of a scheme, with its vectors.
    Definition,
}

impl Kind {
    const fn chars_max(self) -> usize {
        match self {
            Self::Code => CODE_CHARS_MAX,
            Self::Checked | Self::Number | Self::Goods => ID_CHARS_MAX,
            Self::Written => URI_CHARS_MAX,
            Self::Name => NAME_CHARS_MAX,
            Self::Remark => REMARK_CHARS_MAX,
            Self::Notice => NOTICE_CHARS_MAX,
            Self::Definition => DEFINITION_CHARS_MAX,
        }
    }

    const fn scan(self) -> Scan {
        match self {
            Self::Checked => Scan::Checked,
            Self::Number => Scan::Number,
            Self::Code | Self::Goods | Self::Definition => Scan::Code,
            Self::Written | Self::Name | Self::Remark | Self::Notice => Scan::Free,
        }
    }

    /// GS1 element strings part their elements by FNC1; notices and definitions have lines.
    const fn allows_control(self, c: char) -> bool {
        match self {
            Self::Code => c == '\u{1d}',
            Self::Notice | Self::Definition => c == '\n' || c == '\t',
            Self::Checked
            | Self::Number
            | Self::Goods
            | Self::Written
            | Self::Name
            | Self::Remark => false,
        }
    }
}

type Visit<'a> = &'a mut dyn FnMut(Place, &str, Kind) -> Checked;

/// Checks every text of a body.
pub(super) fn check(body: &Body) -> Checked {
    visit(body, &mut text)?;
    if let Body::Observation(seen) = body { original(seen) } else { Ok(()) }
}

fn text(place: Place, text: &str, kind: Kind) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    let (found, limit) = (text.chars().count(), kind.chars_max());
    if found > limit {
        return refuse(place, text, Rule::TextTooLong { found, limit });
    }
    if let Some(found) = scan(text, kind.scan()) {
        return refuse_unseen(place, Rule::personal(found));
    }
    if !is_canonical_text(text) {
        return refuse(place, text, Rule::TextNotCanonical);
    }
    let control = |(_, c): &(usize, char)| c.is_control() && !kind.allows_control(*c);
    if let Some((offset, _)) = text.char_indices().find(control) {
        return refuse_unseen(place, Rule::ControlCharacter { offset });
    }
    let (found, limit) = match kind {
        Kind::Code => (canonical(text).len(), CODE_BYTES_MAX),
        Kind::Written => (canonical(text).len(), URI_BYTES_MAX),
        Kind::Checked
        | Kind::Number
        | Kind::Goods
        | Kind::Name
        | Kind::Remark
        | Kind::Notice
        | Kind::Definition => return Ok(()),
    };
    if (1..=limit).contains(&found) {
        Ok(())
    } else {
        refuse(place, text, Rule::CodeLength { found, limit })
    }
}

/// Checks that every subject of a body fits into a link. A normaliser may make more bytes of a text
/// than it has, and a receipt with a longer subject could be written and never read again.
pub(super) fn subjects(body: &Body) -> Checked {
    // Of stations and unread codes the agency's index is a part; the last one is the longest.
    let agency = AgencyIndex::new(AGENCIES_MAX - 1);
    let codes = Codes::default();
    let naming = Naming::new(agency, &codes);
    let limit = usize::from(SUBJECT_BYTES_MAX);
    for (field, named) in roles::named(body) {
        let found = naming.subject(field, named).key.len();
        if (1..=limit).contains(&found) {
            continue;
        }
        let rule = Rule::CodeLength { found, limit };
        // The very text, not an equal one: it is told by its own field.
        visit(body, &mut |place, text, _| {
            if std::ptr::eq(text, named) { refuse(place, text, rule.clone()) } else { Ok(()) }
        })?;
        return Err(AdmissionError::whole(rule));
    }
    Ok(())
}

/// The original of an observation is kept verbatim, so it is searched like free text: as it came, and
/// as a reader of JSON understands it.
fn original(seen: &Observation) -> Checked {
    let place = Place::field("original");
    match str::from_utf8(&seen.original) {
        Err(error) => refuse_unseen(place, Rule::NotUtf8 { offset: error.valid_up_to() }),
        Ok(text) => match scan(text, Scan::Free).or_else(|| Unescaped::of(text).scan()) {
            Some(found) => refuse_unseen(place, Rule::personal(found)),
            None => Ok(()),
        },
    }
}

/// A text with the escapes of JSON replaced by their characters. Backslashes before an escape are
/// swallowed: JSON within a text of JSON has several of them.
struct Unescaped {
    text: String,
    /// Byte of `text` behind which each escape ended, and the byte at which it ended as it came.
    ends: Vec<(usize, usize)>,
}

impl Unescaped {
    fn of(escaped: &str) -> Self {
        let mut unescaped = Self { text: String::with_capacity(escaped.len()), ends: Vec::new() };
        let mut rest = escaped;
        while let Some(at) = rest.find('\\') {
            let (before, behind) = rest.split_at(at);
            unescaped.text.push_str(before);
            let letters = behind.trim_start_matches('\\');
            if let Some((c, left)) = escape(letters) {
                unescaped.ends.push((unescaped.text.len(), escaped.len() - behind.len()));
                unescaped.text.push(c);
                unescaped.ends.push((unescaped.text.len(), escaped.len() - left.len()));
                rest = left;
            } else {
                unescaped.text.push('\\');
                rest = letters;
                unescaped.ends.push((unescaped.text.len(), escaped.len() - rest.len()));
            }
        }
        unescaped.text.push_str(rest);
        unescaped
    }

    /// The first personal data, at the byte of the text as it came.
    fn scan(&self) -> Option<Finding> {
        let found = scan(&self.text, Scan::Free).filter(|_| !self.ends.is_empty())?;
        let ends = self.ends.partition_point(|(at, _)| *at <= found.offset);
        let last = ends.checked_sub(1).and_then(|last| self.ends.get(last));
        let (at, came) = last.copied().unwrap_or_default();
        Some(Finding { offset: came + (found.offset - at), ..found })
    }
}

/// The character of an escape, of which the backslash is gone, and what stands behind it.
fn escape(letters: &str) -> Option<(char, &str)> {
    if let Some((code, rest)) = unit(letters) {
        let pair = || {
            let (low, behind) = unit(rest.trim_start_matches('\\'))?;
            char::decode_utf16([code, low]).next()?.ok().map(|c| (c, behind))
        };
        let one = char::from_u32(code.into()).map(|c| (c, rest));
        // A half of a pair is no character, but parts words as one would.
        return one.or_else(pair).or(Some((char::REPLACEMENT_CHARACTER, rest)));
    }
    let c = letters.chars().next()?;
    let plain = match c {
        '/' => '/',
        't' | 'n' | 'r' | 'b' | 'f' => ' ',
        _ => return None, // a quote, or no escape of JSON
    };
    Some((plain, letters.strip_prefix(c)?))
}

/// The code that `u` and four hexadecimal digits stand for, and what stands behind it.
fn unit(letters: &str) -> Option<(u16, &str)> {
    const DIGITS: usize = 4;
    let (digits, rest) = letters.strip_prefix('u')?.split_at_checked(DIGITS)?;
    let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    let code = u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
    Some((code, rest))
}

fn fields(list: &[(&'static str, &str, Kind)], see: Visit<'_>) -> Checked {
    list.iter().try_for_each(|(field, text, kind)| see(Place::field(field), text, *kind))
}

fn list(field: &'static str, texts: &[String], kind: Kind, see: Visit<'_>) -> Checked {
    texts.iter().enumerate().try_for_each(|(at, text)| see(Place::item(field, at), text, kind))
}

fn visit(body: &Body, see: Visit<'_>) -> Checked {
    match body {
        Body::Event(event) => of_event(event, see),
        Body::Correction(correction) => {
            fields(&[("reason", &correction.reason, Kind::Checked)], see)?;
            correction.event.as_ref().map_or(Ok(()), |event| {
                of_event(event, &mut |place, text, kind| see(place.within("event."), text, kind))
            })
        }
        Body::Observation(seen) => of_observation(seen, see),
        Body::Party(_)
        | Body::Station(_)
        | Body::Product(_)
        | Body::Vehicle(_)
        | Body::Certificate(_)
        | Body::Declaration(_) => of_registry(body, see),
        Body::MatchDeclare(_)
        | Body::MatchDecision(_)
        | Body::AlertAcknowledge(_)
        | Body::ReleasePublish(_)
        | Body::ReleaseWithdraw(_)
        | Body::Evaluation(_)
        | Body::SchemePropose(_)
        | Body::RulePropose(_)
        | Body::Approve(_) => of_act(body, see),
    }
}

fn of_event(event: &Event, see: Visit<'_>) -> Checked {
    fields(
        &[
            ("party", &event.party, Kind::Checked),
            ("station", &event.station, Kind::Number),
            ("document", &event.document, Kind::Number),
            ("container", &event.container, Kind::Code),
            ("counterparty", &event.counterparty, Kind::Checked),
            ("counterparty_station", &event.counterparty_station, Kind::Number),
            ("vehicle", &event.vehicle, Kind::Checked),
            ("person", &event.person, Kind::Checked),
            ("declaration", &event.declaration, Kind::Checked),
            ("agent", &event.agent, Kind::Name),
            ("method", &event.method, Kind::Name),
            ("sample", &event.sample, Kind::Number),
        ],
        see,
    )?;
    list("certificates", &event.certificates, Kind::Number, see)?;
    of_items("items", &event.items, see)?;
    of_items("outputs", &event.outputs, see)?;
    let Some(lot) = &event.lot else { return Ok(()) };
    for (leaf, text, kind) in [
        ("product", &lot.product, Kind::Goods),
        ("batch", &lot.batch, Kind::Goods),
        ("origin_country", &lot.origin_country, Kind::Checked),
        ("establishment", &lot.establishment, Kind::Goods),
    ] {
        see(Place::field("lot").leaf(leaf), text, kind)?;
    }
    Ok(())
}

fn of_items(field: &'static str, items: &[Item], see: Visit<'_>) -> Checked {
    items.iter().enumerate().try_for_each(|(at, item)| {
        see(Place::item(field, at).leaf("code"), &item.code, Kind::Code)?;
        see(Place::item(field, at).leaf("counterpart"), &item.counterpart, Kind::Code)
    })
}

fn of_observation(seen: &Observation, see: Visit<'_>) -> Checked {
    fields(
        &[
            ("format", &seen.format, Kind::Checked),
            ("container", &seen.container, Kind::Code),
            ("business_step", &seen.business_step, Kind::Name),
        ],
        see,
    )?;
    for (field, texts, kind) in [
        ("codes", &seen.codes, Kind::Code),
        ("inputs", &seen.inputs, Kind::Code),
        ("outputs", &seen.outputs, Kind::Code),
        ("contents", &seen.contents, Kind::Code),
        ("stations", &seen.stations, Kind::Written),
        ("parties", &seen.parties, Kind::Written),
    ] {
        list(field, texts, kind, see)?;
    }
    Ok(())
}

fn of_registry(body: &Body, see: Visit<'_>) -> Checked {
    match body {
        Body::Party(party) => {
            let texts = [
                ("id", &*party.id, Kind::Checked),
                ("name", &party.name, Kind::Name),
                ("region", &party.region, Kind::Checked),
            ];
            fields(&texts, see)?;
            list("licences", &party.licences, Kind::Checked, see)
        }
        Body::Station(station) => fields(
            &[
                ("id", &station.id, Kind::Number),
                ("name", &station.name, Kind::Name),
                ("party", &station.party, Kind::Checked),
                ("region", &station.region, Kind::Checked),
                ("gln", &station.gln, Kind::Checked),
            ],
            see,
        ),
        Body::Product(product) => fields(
            &[
                ("id", &product.id, Kind::Goods),
                ("name", &product.name, Kind::Name),
                ("category", &product.category, Kind::Checked),
                ("hs_code", &product.hs_code, Kind::Checked),
            ],
            see,
        ),
        Body::Vehicle(vehicle) => fields(
            &[
                ("plate", &vehicle.plate, Kind::Checked),
                ("party", &vehicle.party, Kind::Checked),
                ("container", &vehicle.container, Kind::Checked),
            ],
            see,
        ),
        Body::Certificate(certificate) => of_certificate(certificate, see),
        Body::Declaration(declaration) => of_declaration(declaration, see),
        Body::Event(_)
        | Body::Observation(_)
        | Body::Correction(_)
        | Body::MatchDeclare(_)
        | Body::MatchDecision(_)
        | Body::AlertAcknowledge(_)
        | Body::ReleasePublish(_)
        | Body::ReleaseWithdraw(_)
        | Body::Evaluation(_)
        | Body::SchemePropose(_)
        | Body::RulePropose(_)
        | Body::Approve(_) => Ok(()), // visited elsewhere
    }
}

fn of_certificate(certificate: &Certificate, see: Visit<'_>) -> Checked {
    let texts = [
        ("number", &*certificate.number, Kind::Number),
        ("issuer", &certificate.issuer, Kind::Name),
        ("declaration", &certificate.declaration, Kind::Checked),
    ];
    fields(&texts, see)?;
    list("codes", &certificate.codes, Kind::Code, see)
}

fn of_declaration(declaration: &Declaration, see: Visit<'_>) -> Checked {
    let texts = [
        ("number", &*declaration.number, Kind::Checked),
        ("consignee", &declaration.consignee, Kind::Checked),
        ("establishment", &declaration.establishment, Kind::Goods),
        ("origin_country", &declaration.origin_country, Kind::Checked),
        ("port", &declaration.port, Kind::Number),
        ("hs_code", &declaration.hs_code, Kind::Checked),
    ];
    fields(&texts, see)?;
    list("containers", &declaration.containers, Kind::Checked, see)
}

fn of_act(body: &Body, see: Visit<'_>) -> Checked {
    match body {
        Body::MatchDeclare(declared) => fields(
            &[
                ("from", &declared.from, Kind::Code),
                ("to", &declared.to, Kind::Code),
                ("document", &declared.document, Kind::Number),
            ],
            see,
        ),
        Body::MatchDecision(decision) => fields(
            &[
                ("from", &decision.from, Kind::Code),
                ("to", &decision.to, Kind::Code),
                ("reason", &decision.reason, Kind::Remark),
            ],
            see,
        ),
        Body::AlertAcknowledge(note) => fields(
            &[("alert", &note.alert, Kind::Number), ("remark", &note.remark, Kind::Remark)],
            see,
        ),
        Body::ReleasePublish(release) => {
            let texts = [
                ("id", &*release.id, Kind::Number),
                ("kind", &release.kind, Kind::Checked),
                ("title", &release.title, Kind::Name),
                ("body", &release.body, Kind::Notice),
                ("audience", &release.audience, Kind::Checked),
            ];
            fields(&texts, see)?;
            list("codes", &release.codes, Kind::Code, see)?;
            list("parties", &release.parties, Kind::Checked, see)?;
            list("alerts", &release.alerts, Kind::Number, see)
        }
        Body::ReleaseWithdraw(withdrawal) => fields(
            &[("id", &withdrawal.id, Kind::Number), ("reason", &withdrawal.reason, Kind::Remark)],
            see,
        ),
        Body::Evaluation(evaluation) => of_evaluation(evaluation, see),
        Body::SchemePropose(proposal) => {
            fields(&[("definition", &proposal.definition, Kind::Definition)], see)
        }
        Body::RulePropose(proposal) => fields(
            &[
                ("parameter", &proposal.parameter, Kind::Checked),
                ("scope", &proposal.scope, Kind::Checked),
            ],
            see,
        ),
        Body::Approve(_)
        | Body::Event(_)
        | Body::Observation(_)
        | Body::Correction(_)
        | Body::Party(_)
        | Body::Station(_)
        | Body::Product(_)
        | Body::Vehicle(_)
        | Body::Certificate(_)
        | Body::Declaration(_) => Ok(()), // no texts, or visited elsewhere
    }
}

fn of_evaluation(evaluation: &proto::schema::act::Evaluation, see: Visit<'_>) -> Checked {
    let texts = [
        ("id", &*evaluation.id, Kind::Number),
        ("object_kind", &evaluation.object_kind, Kind::Checked),
        ("object", &evaluation.object, Kind::Name),
        ("grade", &evaluation.grade, Kind::Checked),
    ];
    fields(&texts, see)?;
    for (at, indicator) in evaluation.indicators.iter().enumerate() {
        see(Place::item("indicators", at).leaf("name"), &indicator.name, Kind::Name)?;
    }
    for (at, resource) in evaluation.resources.iter().enumerate() {
        let place = Place::item("resources", at);
        see(place.leaf("resource"), &resource.resource, Kind::Checked)?;
        see(place.leaf("unit"), &resource.unit, Kind::Name)?;
        see(place.leaf("source"), &resource.source, Kind::Name)?;
    }
    Ok(())
}
