//! One field of one row: finds its value, turns words by tables and text by shape.

use super::records::Row;
use super::{Assignment, Mapping, Origin, Piece, Shape, TimeFormat, Unit, UnitOrigin};
use crate::build::{canonical, uom};
use crate::decimal;
use crate::gate::Fault;
use crate::rule::Rule;
use crate::tree::Tree;

/// Decimal places of a quantity.
const QUANTITY_PLACES: usize = 3;

/// Millionths, the unit of a unit's factor.
const MICRO: i128 = 1_000_000;

/// The value of an assignment for `row`: none where it is empty and may be. A fault names the column.
pub(super) fn value(
    mapping: &Mapping,
    row: &Row<'_>,
    assignment: &Assignment,
) -> Result<Option<Tree>, Fault> {
    let converter = Converter { mapping, row, assignment };
    if let Origin::Constant(tree) = &assignment.origin {
        return match &assignment.shape {
            Shape::Text => Ok(Some(tree.clone())),
            Shape::List { .. } => {
                Ok(Some(Tree::List(tree.elements().into_iter().cloned().collect())))
            }
            Shape::Time(_)
            | Shape::Day(_)
            | Shape::Scaled { .. }
            | Shape::Flag
            | Shape::Quantity { .. } => {
                converter.scalar(&tree.scalar().unwrap_or_default()).map(Some)
            }
        };
    }
    if let Shape::List { split } = &assignment.shape {
        return converter.list(split.as_deref());
    }
    let text = converter.text()?;
    let text = if text.is_empty() { assignment.default.clone().unwrap_or_default() } else { text };
    if text.is_empty() {
        return if assignment.optional {
            Ok(None)
        } else {
            Err(converter.fault(Rule::MissingValue))
        };
    }
    converter.scalar(&text).map(Some)
}

/// The text of one column; empty where it is absent.
pub(super) fn cell(mapping: &Mapping, row: &Row<'_>, column: &str) -> Result<String, Fault> {
    match *row.values(column, mapping.format) {
        [] => Ok(String::new()),
        [Tree::Inexact] => Err(Fault::new(row.column(column), Rule::InexactNumber)),
        [tree] => {
            let text =
                tree.scalar().ok_or_else(|| Fault::new(row.column(column), Rule::WrongShape))?;
            Ok(canonical(&text))
        }
        _ => Err(Fault::new(row.column(column), Rule::WrongShape)),
    }
}

struct Converter<'a> {
    mapping: &'a Mapping,
    row: &'a Row<'a>,
    assignment: &'a Assignment,
}

impl Converter<'_> {
    /// Where the value stands, for faults of the value rather than its unit.
    fn place(&self) -> String {
        self.assignment.place(self.row)
    }

    fn fault(&self, rule: Rule) -> Fault {
        Fault::new(self.place(), rule)
    }

    fn cell(&self, column: &str) -> Result<String, Fault> {
        cell(self.mapping, self.row, column)
    }

    fn text(&self) -> Result<String, Fault> {
        match &self.assignment.origin {
            Origin::Column(column) => self.cell(column),
            Origin::Template(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(part) => text.push_str(part),
                        Piece::Column(column) => {
                            let part = self.cell(column)?;
                            if part.is_empty() {
                                return Ok(String::new());
                            }
                            text.push_str(&part);
                        }
                    }
                }
                Ok(text)
            }
            Origin::Columns(_) | Origin::Constant(_) => Ok(String::new()), // taken by the caller
        }
    }

    fn list(&self, split: Option<&str>) -> Result<Option<Tree>, Fault> {
        let mut texts = Vec::new();
        let whole = match &self.assignment.origin {
            Origin::Columns(columns) => {
                columns.iter().map(|column| self.cell(column)).collect::<Result<Vec<_>, _>>()?
            }
            Origin::Column(column) => {
                let one = |tree: &Tree| {
                    tree.scalar()
                        .map(|text| canonical(&text))
                        .ok_or_else(|| self.fault(Rule::WrongShape))
                };
                let values = self.row.values(column, self.mapping.format);
                values.into_iter().map(one).collect::<Result<Vec<_>, _>>()?
            }
            Origin::Template(_) | Origin::Constant(_) => vec![self.text()?],
        };
        for text in whole {
            match split {
                Some(separator) => texts.extend(text.split(separator).map(canonical)),
                None => texts.push(text),
            }
        }
        texts.retain(|text| !text.is_empty());
        if texts.is_empty() {
            texts.extend(self.assignment.default.clone());
        }
        if texts.is_empty() {
            return if self.assignment.optional {
                Ok(None)
            } else {
                Err(self.fault(Rule::MissingValue))
            };
        }
        let turned = texts.iter().map(|text| Ok(Tree::Text(self.turned(text)?)));
        Ok(Some(Tree::List(turned.collect::<Result<_, Fault>>()?)))
    }

    /// The text by the value table, if one is named.
    fn turned(&self, text: &str) -> Result<String, Fault> {
        let Some(table) = &self.assignment.table else { return Ok(text.to_owned()) };
        let word = self.mapping.tables.get(table).and_then(|words| words.get(text));
        word.cloned().ok_or_else(|| Fault::of(self.place(), Rule::UnknownWord, text))
    }

    fn scalar(&self, text: &str) -> Result<Tree, Fault> {
        let text = self.turned(text)?;
        let fault = |rule| Fault::of(self.place(), rule, text.clone());
        let number = |number: Option<u64>, rule| {
            number.map(|number| Tree::Number(number.to_string())).ok_or_else(|| fault(rule))
        };
        match &self.assignment.shape {
            Shape::Text | Shape::List { .. } => Ok(Tree::Text(text)),
            Shape::Time(TimeFormat::Rfc3339) => {
                number(crate::time::rfc3339(&text), Rule::UnreadableTime)
            }
            Shape::Time(TimeFormat::Pattern(pattern)) => {
                number(pattern.time(&text, self.mapping.zone_seconds), Rule::UnreadableTime)
            }
            Shape::Day(pattern) => number(pattern.day(&text).map(u64::from), Rule::UnreadableDay),
            Shape::Scaled { places } => {
                let number = decimal::scaled(&text, *places);
                let number = number.ok_or_else(|| fault(Rule::UnreadableNumber))?;
                Ok(Tree::Number(number.to_string()))
            }
            Shape::Flag => match text.as_str() {
                "true" => Ok(Tree::Flag(true)),
                "false" => Ok(Tree::Flag(false)),
                _ => Err(fault(Rule::UnknownWord)),
            },
            Shape::Quantity { unit } => self.quantity(&text, unit),
        }
    }

    fn quantity(&self, text: &str, origin: &UnitOrigin) -> Result<Tree, Fault> {
        let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let (number, suffix) = text.split_at_checked(digits).unwrap_or((text, ""));
        let suffix = suffix.trim();
        let (word, place) = match origin {
            UnitOrigin::Suffix => (suffix.to_owned(), self.place()),
            UnitOrigin::Constant(unit) => (unit.clone(), self.place()),
            UnitOrigin::Column(column) => (self.cell(column)?, self.row.column(column)),
        };
        let plain = matches!(origin, UnitOrigin::Suffix) || suffix.is_empty();
        let amount = decimal::scaled(number, QUANTITY_PLACES).filter(|_| plain);
        let amount = amount.ok_or_else(|| Fault::of(self.place(), Rule::UnreadableNumber, text))?;
        let unit = self.mapping.units.get(&word).copied();
        let unit = unit.or_else(|| uom(&word).map(|uom| Unit { uom, factor_micro: 1_000_000 }));
        let unit = unit.ok_or_else(|| Fault::of(place, Rule::UnknownUnit, &*word))?;
        let micro = i128::from(amount) * i128::from(unit.factor_micro);
        let milli = u64::try_from(micro / MICRO).ok().filter(|_| micro % MICRO == 0);
        let milli = milli.ok_or_else(|| Fault::of(self.place(), Rule::UnreadableNumber, text))?;
        let uom = crate::build::uom_word(unit.uom);
        Ok(Tree::Object(vec![
            ("milli".to_owned(), Tree::Number(milli.to_string())),
            ("uom".to_owned(), Tree::Text(uom.to_owned())),
        ]))
    }
}
