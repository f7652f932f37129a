//! The event as it came, made self-contained; its content as an identity; contact and personal data
//! in it.

use std::collections::BTreeMap;

use contracts::identifier::{Reason, document};
use contracts::privacy::{Finding, Scan, scan};

use crate::gate::Fault;
use crate::limits::EVENT_BYTES_MAX;
use crate::rule::Rule;
use crate::tree::Tree;

/// Terms that the document's `@context` declares beyond the standard's own context.
#[derive(Default)]
pub(super) struct Context(BTreeMap<String, Tree>);

impl Context {
    /// The terms of an `@context`: a list of contexts, or one.
    pub(super) fn of(context: Option<&Tree>) -> Self {
        let mut terms = BTreeMap::new();
        for part in context.map(Tree::elements).unwrap_or_default() {
            if let Tree::Object(members) = part {
                terms.extend(members.iter().cloned());
            }
        }
        Self(terms)
    }

    /// The terms that an event uses, so that the same event in two documents stays the same.
    fn used_by(&self, event: &Tree) -> Tree {
        let mut words = Vec::new();
        collect_words(event, &mut words);
        let used = |term: &str| {
            words.iter().any(|word| {
                word.strip_prefix(term).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            })
        };
        let terms = self.0.iter().filter(|(term, _)| used(term));
        Tree::Object(terms.map(|(term, value)| (term.clone(), value.clone())).collect())
    }
}

/// Member names, and values that may be names under a prefix.
fn collect_words<'a>(tree: &'a Tree, words: &mut Vec<&'a str>) {
    match tree {
        Tree::Text(text) if text.contains(':') => words.push(text),
        Tree::Null | Tree::Flag(_) | Tree::Number(_) | Tree::Inexact | Tree::Text(_) => (),
        Tree::List(list) => list.iter().for_each(|element| collect_words(element, words)),
        Tree::Object(members) => {
            for (name, value) in members {
                words.push(name);
                collect_words(value, words);
            }
        }
    }
}

/// The event's text without white space between its tokens. An event without a context of its own
/// gets the terms of the document's that it uses, as its first member.
pub(super) fn text(raw: &str, event: &Tree, context: &Context) -> Result<Vec<u8>, Fault> {
    let mut compact = compact(raw);
    let terms = context.used_by(event);
    if event.member("@context").is_none() && terms != Tree::Object(Vec::new()) {
        let behind = compact.get(1..).unwrap_or_default();
        let separator = if behind == "}" { "" } else { "," };
        compact = format!("{{\"@context\":{}{separator}{behind}", json(&terms, Order::Written));
    }
    if compact.len() > EVENT_BYTES_MAX {
        return Err(Fault::new("", Rule::EventTooLarge));
    }
    Ok(compact.into_bytes())
}

/// JSON without white space outside its texts.
fn compact(raw: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    let keep = |letter: &char| {
        let keep = inside || !letter.is_ascii_whitespace();
        match letter {
            '"' if !escaped => inside = !inside,
            _ => (), // nothing else opens or closes a text
        }
        escaped = inside && *letter == '\\' && !escaped;
        keep
    };
    raw.chars().filter(keep).collect()
}

/// Members that do not make an event another event.
const INCIDENTAL: [&str; 2] = ["@context", "recordTime"];

/// The content of an event that has no id: members by name, lists of texts in order.
pub(super) fn canonical(event: &Tree) -> String {
    let Tree::Object(members) = event else { return json(event, Order::ByName) };
    let kept = members.iter().filter(|(name, _)| !INCIDENTAL.contains(&name.as_str()));
    json(&Tree::Object(kept.cloned().collect()), Order::ByName)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Written,
    ByName,
}

fn json(tree: &Tree, order: Order) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    match tree {
        Tree::Null | Tree::Inexact => "null".to_owned(),
        Tree::Flag(flag) => flag.to_string(),
        Tree::Number(number) => number.clone(),
        Tree::Text(content) => text(content),
        Tree::List(list) => {
            let mut parts: Vec<String> = list.iter().map(|element| json(element, order)).collect();
            if order == Order::ByName && list.iter().all(|e| matches!(e, Tree::Text(_))) {
                parts.sort();
            }
            format!("[{}]", parts.join(","))
        }
        Tree::Object(members) => {
            let mut members: Vec<&(String, Tree)> = members.iter().collect();
            if order == Order::ByName {
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
            }
            let one =
                |(name, value): &&(String, Tree)| format!("{}:{}", text(name), json(value, order));
            format!("{{{}}}", members.iter().map(one).collect::<Vec<_>>().join(","))
        }
    }
}

/// The member of our vocabulary that says who drove.
pub(super) const DRIVER: &str = "jjj:driver";

/// Words of member names under which a way to reach a person stands.
const CONTACT_WORDS: [&str; 5] = ["phone", "mobile", "email", "e-mail", "fax"];

/// Refuses contact data of persons: what is kept verbatim could never be deleted.
pub(super) fn no_contact_data(tree: &Tree, path: &str) -> Result<(), Fault> {
    match tree {
        Tree::Text(text) if has_mail_address(text) || text.starts_with("tel:") => {
            Err(Fault::new(path, Rule::ContactData))
        }
        Tree::Null | Tree::Flag(_) | Tree::Number(_) | Tree::Inexact | Tree::Text(_) => Ok(()),
        Tree::List(list) => list
            .iter()
            .enumerate()
            .try_for_each(|(index, element)| no_contact_data(element, &format!("{path}[{index}]"))),
        Tree::Object(members) => members.iter().try_for_each(|(name, value)| {
            let path = below(path, name);
            let lower = name.to_ascii_lowercase();
            let named = CONTACT_WORDS.iter().any(|word| lower.contains(word));
            if named && value.scalar().is_some_and(|text| !text.is_empty()) {
                return Err(Fault::new(path, Rule::ContactData));
            }
            no_contact_data(value, &path)
        }),
    }
}

/// Refuses personal data in any text of an event that would be kept verbatim, with the path of the text.
/// A member of such a name is told by what it lies in, since the name must not be repeated.
pub(super) fn no_personal_data(tree: &Tree, path: &str) -> Result<(), (String, Finding)> {
    let clean = |text: &str| match scan(text, Scan::Free) {
        Some(found) => Err((path.to_owned(), found)),
        None => Ok(()),
    };
    match tree {
        Tree::Text(text) => clean(text),
        Tree::Number(number) if !number.contains('.') => clean(number),
        Tree::Null | Tree::Flag(_) | Tree::Number(_) | Tree::Inexact => Ok(()),
        Tree::List(list) => list.iter().enumerate().try_for_each(|(index, element)| {
            no_personal_data(element, &format!("{path}[{index}]"))
        }),
        Tree::Object(members) => members.iter().try_for_each(|(name, value)| {
            clean(name)?;
            no_personal_data(value, &below(path, name))
        }),
    }
}

/// Refuses a driver who is no commitment, wherever else the event is kept for what it says more: it
/// speaks our vocabulary, in which nobody is named.
pub(super) fn no_plain_driver(event: &Tree) -> Result<(), Reason> {
    match event.member(DRIVER) {
        None | Some(Tree::Null) => Ok(()),
        Some(Tree::Text(text)) if text.is_empty() => Ok(()),
        Some(Tree::Text(text)) => document::commitment(text).map(|_| ()),
        Some(Tree::Flag(_) | Tree::Number(_) | Tree::Inexact | Tree::List(_) | Tree::Object(_)) => {
            Err(Reason::Char)
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether a text holds something of the shape `name@host.domain`.
fn has_mail_address(text: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
    text.match_indices('@').any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + 1..).unwrap_or_default();
        let host: String = after.chars().take_while(|c| part(*c)).collect();
        let dotted = host.trim_matches('.').split_once('.');
        before.is_some_and(part) && dotted.is_some_and(|(a, b)| !a.is_empty() && b.len() >= 2)
    })
}

#[cfg(test)]
mod tests {
    use super::{compact, has_mail_address};

    #[test]
    fn white_space_inside_texts_stays() {
        let raw = "{ \"a b\" : \"c \\\" d\\\\\" ,\n\t\"e\": [ 1.0 , 2 ] }";
        assert_eq!(compact(raw), "{\"a b\":\"c \\\" d\\\\\",\"e\":[1.0,2]}");
    }

    #[test]
    fn a_mail_address_is_seen_and_an_attribute_is_not() {
        for (text, expected) in [
            ("write to zhang.san@example.com please", true),
            ("a@b.cn", true),
            ("@type", false),
            ("x @ y.com", false),
            ("user@localhost", false),
            ("urn:epc:id:sgtin:0614141.107346.2017", false),
        ] {
            assert_eq!(has_mail_address(text), expected, "{text}");
        }
    }
}
