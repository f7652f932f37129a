//! A value tree with the field names of `proto::schema` to a body. Strict: an unknown field, a wrong
//! shape or a word outside its list is a fault at its path.

mod act;
mod event;
mod registry;
mod words;

use proto::schema::event::{Quantity, Uom};
use proto::schema::{Body, OperationKind};
use unicode_normalization::UnicodeNormalization as _;

use crate::decimal;
use crate::gate::Fault;
use crate::limits::TEXT_BYTES_MAX;
use crate::rule::Rule;
use crate::time;
use crate::tree::Tree;
use words::Word;

/// Builds the body of `kind` from the members of `tree`; members in `envelope` are not its fields.
pub(crate) fn body(kind: OperationKind, tree: &Tree, envelope: &[&str]) -> Result<Body, Fault> {
    let mut fields = Fields::of(tree, "")?;
    for name in envelope {
        fields.take(name);
    }
    let body = match kind {
        OperationKind::Party => Body::Party(registry::party(&mut fields)?),
        OperationKind::Station => Body::Station(registry::station(&mut fields)?),
        OperationKind::Product => Body::Product(registry::product(&mut fields)?),
        OperationKind::Vehicle => Body::Vehicle(registry::vehicle(&mut fields)?),
        OperationKind::Certificate => Body::Certificate(registry::certificate(&mut fields)?),
        OperationKind::Declaration => Body::Declaration(registry::declaration(&mut fields)?),
        OperationKind::OpeningStock
        | OperationKind::CustomsInspection
        | OperationKind::Commission
        | OperationKind::Sampling
        | OperationKind::TestResult
        | OperationKind::Disinfection
        | OperationKind::StorageIn
        | OperationKind::StorageOut
        | OperationKind::Pack
        | OperationKind::Unpack
        | OperationKind::Split
        | OperationKind::Process
        | OperationKind::Ship
        | OperationKind::Receive
        | OperationKind::Sale
        | OperationKind::Use
        | OperationKind::Disposal => Body::Event(event::event(&mut fields)?),
        OperationKind::Observation => Body::Observation(event::observation(&mut fields)?),
        OperationKind::Correction => Body::Correction(event::correction(&mut fields)?),
        OperationKind::MatchDeclare => Body::MatchDeclare(act::match_declare(&mut fields)?),
        OperationKind::MatchConfirm | OperationKind::MatchDispute | OperationKind::MatchVoid => {
            Body::MatchDecision(act::match_decision(&mut fields)?)
        }
        OperationKind::AlertAcknowledge => Body::AlertAcknowledge(act::acknowledge(&mut fields)?),
        OperationKind::ReleasePublish => Body::ReleasePublish(act::publish(&mut fields)?),
        OperationKind::ReleaseWithdraw => Body::ReleaseWithdraw(act::withdraw(&mut fields)?),
        OperationKind::Evaluation => Body::Evaluation(act::evaluation(&mut fields)?),
        OperationKind::SchemePropose => Body::SchemePropose(act::scheme(&mut fields)?),
        OperationKind::RulePropose => Body::RulePropose(act::rule(&mut fields)?),
        OperationKind::Approve => Body::Approve(act::approve(&mut fields)?),
    };
    fields.finish()?;
    Ok(body)
}

/// The unit of measure of a word.
pub(crate) fn uom(word: &str) -> Option<Uom> {
    Uom::code(word).and_then(|code| Uom::try_from(code).ok())
}

/// The word of a unit of measure.
pub(crate) fn uom_word(uom: Uom) -> &'static str {
    let word = Uom::WORDS.iter().find(|(_, code)| *code == i32::from(uom));
    word.map_or("", |(word, _)| word)
}

/// A text in the one form that bodies hold: NFC, trimmed.
pub(crate) fn canonical(text: &str) -> String {
    text.trim().nfc().collect::<String>().trim().to_owned()
}

/// The members of an object, taken one by one; what is left at the end is unknown.
struct Fields<'a> {
    path: String,
    members: Vec<(&'a str, &'a Tree)>,
}

impl<'a> Fields<'a> {
    fn of(tree: &'a Tree, path: &str) -> Result<Self, Fault> {
        let Tree::Object(members) = tree else {
            return Err(Fault::new(path, Rule::WrongShape));
        };
        let members = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
        Ok(Self { path: path.to_owned(), members })
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The member `name`; null is the same as absent.
    fn take(&mut self, name: &str) -> Option<&'a Tree> {
        let index = self.members.iter().position(|(key, _)| *key == name)?;
        let (_, value) = self.members.swap_remove(index);
        (*value != Tree::Null).then_some(value)
    }

    fn finish(self) -> Result<(), Fault> {
        match self.members.first() {
            Some((name, _)) => Err(Fault::new(self.at(name), Rule::UnknownField)),
            None => Ok(()),
        }
    }

    fn text(&mut self, name: &str) -> Result<String, Fault> {
        let at = self.at(name);
        self.take(name).map_or(Ok(String::new()), |value| text(value, &at))
    }

    fn texts(&mut self, name: &str) -> Result<Vec<String>, Fault> {
        let at = self.at(name);
        let Some(value) = self.take(name) else { return Ok(Vec::new()) };
        let Tree::List(list) = value else { return Err(Fault::new(at, Rule::WrongShape)) };
        list.iter().enumerate().map(|(i, value)| text(value, &format!("{at}[{i}]"))).collect()
    }

    fn whole<T: TryFrom<i64> + Default>(&mut self, name: &str) -> Result<T, Fault> {
        let at = self.at(name);
        let Some(value) = self.take(name) else { return Ok(T::default()) };
        if *value == Tree::Inexact {
            return Err(Fault::new(at, Rule::InexactNumber));
        }
        let text = value.scalar().ok_or_else(|| Fault::new(&at, Rule::WrongShape))?;
        let number = decimal::scaled(&text, 0).and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| Fault::of(at, Rule::UnreadableNumber, text))
    }

    fn flag(&mut self, name: &str) -> Result<bool, Fault> {
        let at = self.at(name);
        match self.take(name) {
            None => Ok(false),
            Some(Tree::Flag(flag)) => Ok(*flag),
            Some(
                Tree::Null
                | Tree::Number(_)
                | Tree::Inexact
                | Tree::Text(_)
                | Tree::List(_)
                | Tree::Object(_),
            ) => Err(Fault::new(at, Rule::WrongShape)),
        }
    }

    /// Days since 1970, or a day as `2021-03-15`.
    fn day(&mut self, name: &str) -> Result<u32, Fault> {
        let written = self.members.iter().find(|(key, _)| *key == name);
        if let Some((_, Tree::Text(text))) = written {
            let at = self.at(name);
            self.take(name);
            return time::iso_day(text).ok_or_else(|| Fault::of(at, Rule::UnreadableDay, text));
        }
        self.whole(name)
    }

    /// Milliseconds since 1970, or an RFC 3339 time.
    fn time(&mut self, name: &str) -> Result<u64, Fault> {
        let written = self.members.iter().find(|(key, _)| *key == name);
        if let Some((_, Tree::Text(text))) = written {
            let at = self.at(name);
            self.take(name);
            return time::rfc3339(text).ok_or_else(|| Fault::of(at, Rule::UnreadableTime, text));
        }
        self.whole(name)
    }

    /// A word of an enumeration, as its code; 0 where it is not stated.
    fn word<W: Word>(&mut self, name: &str) -> Result<i32, Fault> {
        let at = self.at(name);
        let Some(value) = self.take(name) else { return Ok(0) };
        let Tree::Text(text) = value else { return Err(Fault::new(at, Rule::WrongShape)) };
        W::code(text).ok_or_else(|| Fault::of(at, W::UNKNOWN, text))
    }

    /// Bytes as hexadecimal digits.
    fn bytes(&mut self, name: &str, count: usize) -> Result<Vec<u8>, Fault> {
        let at = self.at(name);
        let text = self.text(name)?;
        match hex::decode(&text) {
            Ok(bytes) if bytes.is_empty() || bytes.len() == count => Ok(bytes),
            Ok(_) | Err(_) => Err(Fault::of(at, Rule::NotHex, text)),
        }
    }

    fn object(&mut self, name: &str) -> Result<Option<Self>, Fault> {
        let at = self.at(name);
        self.take(name).map(|value| Self::of(value, &at)).transpose()
    }

    fn objects(&mut self, name: &str) -> Result<Vec<Self>, Fault> {
        let at = self.at(name);
        let Some(value) = self.take(name) else { return Ok(Vec::new()) };
        let Tree::List(list) = value else { return Err(Fault::new(at, Rule::WrongShape)) };
        let of = |(i, value)| Self::of(value, &format!("{at}[{i}]"));
        list.iter().enumerate().map(of).collect()
    }

    /// `{"milli": 12500, "uom": "KGM"}`.
    fn quantity(&mut self, name: &str) -> Result<Option<Quantity>, Fault> {
        let Some(mut fields) = self.object(name)? else { return Ok(None) };
        let milli = fields.whole::<u64>("milli")?;
        let uom = fields.word::<Uom>("uom")?;
        fields.finish()?;
        Ok(Some(Quantity { milli, uom }))
    }
}

fn text(value: &Tree, at: &str) -> Result<String, Fault> {
    let text = match value {
        Tree::Text(text) | Tree::Number(text) => canonical(text),
        Tree::Inexact => return Err(Fault::new(at, Rule::InexactNumber)),
        Tree::Null | Tree::Flag(_) | Tree::List(_) | Tree::Object(_) => {
            return Err(Fault::new(at, Rule::WrongShape));
        }
    };
    if text.len() > TEXT_BYTES_MAX {
        return Err(Fault::new(at, Rule::TooLong));
    }
    Ok(text)
}
