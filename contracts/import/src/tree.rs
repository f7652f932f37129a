//! The value tree that JSON, XML and mapped rows are read into. Numbers keep their digits as text, so
//! that a code or a weight never passes through a float; a name that stands twice is an error.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::gate::Fault;
use crate::limits::NODES_MAX;
use crate::rule::Rule;

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Tree {
    /// Nothing.
    Null,
    /// True or false.
    Flag(bool),
    /// A number, as decimal text.
    Number(String),
    /// A number whose digits the format does not keep.
    Inexact,
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// Named members, in the order of the file.
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// The member `name` of an object.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of a scalar; empty for nothing. None for lists, objects and inexact numbers.
    pub(crate) fn scalar(&self) -> Option<String> {
        match self {
            Self::Null => Some(String::new()),
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Number(text) | Self::Text(text) => Some(text.clone()),
            Self::Object(_) => self.member("#text").and_then(Self::scalar),
            Self::Inexact | Self::List(_) => None,
        }
    }

    /// The elements of a list, or the value itself as the only one; nothing for null.
    pub(crate) fn elements(&self) -> Vec<&Self> {
        match self {
            Self::Null => Vec::new(),
            Self::List(list) => list.iter().collect(),
            Self::Flag(_) | Self::Number(_) | Self::Inexact | Self::Text(_) | Self::Object(_) => {
                vec![self]
            }
        }
    }

    /// Reads one JSON value, such as a line, of which the fault is told as one of a row.
    pub(crate) fn strict(text: &str) -> Result<Self, Fault> {
        Self::from_json(text).map_err(|error| {
            let message = error.to_string();
            match message.strip_prefix(DUPLICATE_NAME) {
                Some(name) => {
                    let name = name.rsplit_once(" at line").map_or(name, |(name, _)| name);
                    Fault::new(name, Rule::DuplicateKey)
                }
                None => Fault::new("", Rule::NotJson),
            }
        })
    }

    /// Reads one JSON document and nothing after it.
    pub(crate) fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let left = Cell::new(NODES_MAX);
        let mut source = serde_json::Deserializer::from_str(text);
        let tree = Seed { left: &left }.deserialize(&mut source)?;
        source.end()?;
        Ok(tree)
    }
}

/// How the message of a duplicate name begins; the only way to carry it through the parser.
const DUPLICATE_NAME: &str = "a name stands twice in one object: ";

#[derive(Clone, Copy)]
struct Seed<'a> {
    left: &'a Cell<u32>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Tree;

    fn deserialize<D: de::Deserializer<'de>>(self, source: D) -> Result<Tree, D::Error> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Err(de::Error::custom(format!("more than {NODES_MAX} values"))),
        }
        source.deserialize_any(self)
    }
}

/// Whole numbers of this size and above are not exact in a JSON reader's float.
const EXACT_MAX: &str = "9007199254740992";

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        // The shortest text that reads back as the same float; beyond 2^53 digits may be gone.
        let text = number.to_string();
        let whole = text.trim_start_matches('-').split('.').next().unwrap_or_default();
        let exact = (whole.len(), whole) < (EXACT_MAX.len(), EXACT_MAX);
        Ok(if exact { Tree::Number(text) } else { Tree::Inexact })
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = source.next_element_seed(self)? {
            list.push(value);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Tree, A::Error> {
        let mut members: Vec<(String, Tree)> = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        while let Some(name) = source.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(de::Error::custom(format!("{DUPLICATE_NAME}{name}")));
            }
            members.push((name, source.next_value_seed(self)?));
        }
        Ok(Tree::Object(members))
    }
}

/// The raw text of each value of a JSON object, in order.
pub(crate) struct RawMembers<'a>(pub(crate) Vec<(String, &'a serde_json::value::RawValue)>);

impl<'de: 'a, 'a> de::Deserialize<'de> for RawMembers<'a> {
    fn deserialize<D: de::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = RawMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = source.next_entry()? {
                    members.push(member);
                }
                Ok(RawMembers(members))
            }
        }
        source.deserialize_map(Members)
    }
}
