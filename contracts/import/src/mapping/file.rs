//! Parses mapping files, strictly: an unknown key, table, field or pattern is an error that names it.

use std::collections::{BTreeMap, BTreeSet};

use proto::schema::OperationKind;
use serde::Deserialize;
use toml::{Table, Value};

use super::{
    Act, Assignment, Condition, Encoding, Format, Kind, Make, Mapping, MappingError, Origin, Part,
    Piece, Rule, Shape, TimeFormat, Unit, UnitOrigin,
};
use crate::build::uom;
use crate::decimal;
use crate::limits::MAPPING_BYTES_MAX;
use crate::time::{Pattern, offset_seconds};
use crate::tree::Tree;

/// Decimal places of a unit's factor.
const FACTOR_PLACES: usize = 6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    platform: String,
    format: String,
    encoding: String,
    zone: String,
    delimiter: Option<String>,
    #[serde(default)]
    tables: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    units: BTreeMap<String, UnitText>,
    rule: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum UnitText {
    Same(String),
    Factor(UnitFactor),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitFactor {
    uom: String,
    factor: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "these are the keys of the file")]
struct RuleText {
    name: String,
    #[serde(default)]
    rows: String,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    when: Table,
    skip: Option<String>,
    kind: Option<Value>,
    record: Option<Vec<String>>,
    #[serde(default)]
    group: bool,
    #[serde(default)]
    fields: Table,
    #[serde(default)]
    parts: Vec<PartText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartText {
    of: Option<String>,
    skip: Option<String>,
    #[serde(default)]
    rows: String,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    when: Table,
    #[serde(default)]
    fields: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindText {
    column: String,
    table: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssignmentText {
    column: Option<String>,
    columns: Option<Vec<String>>,
    constant: Option<Value>,
    template: Option<String>,
    #[serde(rename = "as")]
    shape: Option<String>,
    format: Option<String>,
    split: Option<String>,
    table: Option<String>,
    unit: Option<String>,
    unit_column: Option<String>,
    default: Option<String>,
    #[serde(default)]
    optional: bool,
}

pub(super) fn parse(text: &str) -> Result<Mapping, MappingError> {
    let (found, limit) = (text.len(), MAPPING_BYTES_MAX);
    if found > limit {
        return Err(MappingError::TooLarge { found, limit });
    }
    let file: FileText = toml::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| MappingError::Malformed { detail: error.to_string().trim().to_owned() })?;
    let format = format(&file.format)?;
    let units = units(&file.units)?;
    let compiler = Compiler { tables: &file.tables, units: &units, format };
    let rules: Vec<Rule> =
        file.rule.iter().map(|rule| compiler.rule(rule)).collect::<Result<_, _>>()?;
    let mut names = BTreeSet::new();
    if let Some(twice) = rules.iter().find(|rule| !names.insert(rule.name.as_str())) {
        return Err(MappingError::invalid(&twice.name, "two rules have this name"));
    }
    if file.platform.trim().is_empty() {
        return Err(MappingError::invalid("platform", "the platform has a name"));
    }
    Ok(Mapping {
        platform: file.platform,
        encoding: encoding(&file.encoding)?,
        format,
        delimiter: delimiter(file.delimiter.as_deref(), format)?,
        zone_seconds: offset_seconds(&file.zone)
            .ok_or_else(|| MappingError::invalid("zone", "expected an offset such as +08:00"))?,
        rules,
        units,
        tables: file.tables,
    })
}

fn format(text: &str) -> Result<Format, MappingError> {
    match text {
        "csv" => Ok(Format::Csv),
        "json" => Ok(Format::Json),
        "ndjson" => Ok(Format::Ndjson),
        "xml" => Ok(Format::Xml),
        other => Err(MappingError::invalid(
            "format",
            format!("expected csv, json, ndjson or xml, found {other:?}"),
        )),
    }
}

fn encoding(text: &str) -> Result<Encoding, MappingError> {
    match text {
        "utf-8" => Ok(Encoding::Utf8),
        "gb18030" => Ok(Encoding::Gb18030),
        other => Err(MappingError::invalid(
            "encoding",
            format!("expected utf-8 or gb18030, found {other:?}"),
        )),
    }
}

fn delimiter(text: Option<&str>, format: Format) -> Result<u8, MappingError> {
    match (text, format) {
        (None, _) => Ok(b','),
        (Some(text), Format::Csv) => match *text.as_bytes() {
            [byte] if byte.is_ascii_punctuation() || byte == b'\t' => Ok(byte),
            _ => Err(MappingError::invalid("delimiter", "expected one ASCII character")),
        },
        (Some(_), Format::Json | Format::Ndjson | Format::Xml) => {
            Err(MappingError::invalid("delimiter", "only csv has one"))
        }
    }
}

fn units(texts: &BTreeMap<String, UnitText>) -> Result<BTreeMap<String, Unit>, MappingError> {
    let one = |(name, text): (&String, &UnitText)| {
        let place = format!("units.{name}");
        let (word, factor) = match text {
            UnitText::Same(word) => (word, "1"),
            UnitText::Factor(unit) => (&unit.uom, unit.factor.as_str()),
        };
        let uom = uom(word)
            .ok_or_else(|| MappingError::invalid(&place, format!("{word:?} is no unit of ours")))?;
        let factor_micro = decimal::scaled(factor, FACTOR_PLACES)
            .filter(|factor| *factor > 0)
            .ok_or_else(|| MappingError::invalid(&place, "the factor is a decimal above 0"))?;
        Ok((name.clone(), Unit { uom, factor_micro }))
    };
    texts.iter().map(one).collect()
}

struct Compiler<'a> {
    tables: &'a BTreeMap<String, BTreeMap<String, String>>,
    units: &'a BTreeMap<String, Unit>,
    format: Format,
}

impl Compiler<'_> {
    fn rule(&self, text: &RuleText) -> Result<Rule, MappingError> {
        let name = text.name.clone();
        if matches!(self.format, Format::Csv | Format::Ndjson) && !text.rows.is_empty() {
            return Err(MappingError::invalid(
                name,
                "each line is a row; `rows` says nothing here",
            ));
        }
        let act = match (&text.skip, &text.kind) {
            (Some(_), None) => {
                let empty =
                    text.record.is_none() && text.fields.is_empty() && text.parts.is_empty();
                if !empty {
                    return Err(MappingError::invalid(name, "a rule that skips has no fields"));
                }
                Act::Skip
            }
            (None, Some(kind)) => Act::Make(self.make(text, kind)?),
            (Some(_), Some(_)) | (None, None) => {
                return Err(MappingError::invalid(name, "a rule has either `kind` or `skip`"));
            }
        };
        let when = conditions(&name, &text.when)?;
        Ok(Rule { rows: text.rows.clone(), optional: text.optional, when, act, name })
    }

    fn make(&self, text: &RuleText, kind: &Value) -> Result<Make, MappingError> {
        let place = format!("{}.kind", text.name);
        let kind = if let Some(word) = kind.as_str() {
            Kind::Constant(
                OperationKind::from_name(word)
                    .ok_or_else(|| MappingError::invalid(&place, format!("no type {word:?}")))?,
            )
        } else {
            let text: KindText = kind.clone().try_into().map_err(|error: toml::de::Error| {
                MappingError::invalid(&place, error.message().to_owned())
            })?;
            let table = self.table(&place, &text.table)?;
            if let Some(word) = table.values().find(|w| OperationKind::from_name(w).is_none()) {
                return Err(MappingError::invalid(&place, format!("no type {word:?}")));
            }
            Kind::Column { column: text.column, table: text.table }
        };
        let record = text.record.clone().unwrap_or_default();
        if record.is_empty() {
            let place = format!("{}.record", text.name);
            return Err(MappingError::invalid(
                place,
                "the columns of the record's number are named",
            ));
        }
        let mut fields = Vec::new();
        self.fields(&format!("{}.fields", text.name), &text.fields, &mut Vec::new(), &mut fields)?;
        let part = |part: &PartText| self.part(&text.name, part);
        let parts = text.parts.iter().map(part).collect::<Result<_, _>>()?;
        Ok(Make { kind, record, group: text.group, fields, parts })
    }

    fn part(&self, rule: &str, text: &PartText) -> Result<Part, MappingError> {
        let name = text.of.as_deref().or(text.skip.as_deref()).unwrap_or_default();
        let place = format!("{rule}.parts.{name}");
        let is_one = text.of.is_some() != text.skip.is_some();
        if !is_one || text.of.is_some() == text.fields.is_empty() {
            let detail = "a part has either `of` and `fields`, or `skip`";
            return Err(MappingError::invalid(place, detail));
        }
        if matches!(self.format, Format::Csv) && !text.rows.is_empty() {
            return Err(MappingError::invalid(
                place,
                "each line is a row; `rows` says nothing here",
            ));
        }
        let mut fields = Vec::new();
        self.fields(&place, &text.fields, &mut Vec::new(), &mut fields)?;
        let when = conditions(&place, &text.when)?;
        let (of, rows) = (text.of.clone(), text.rows.clone());
        Ok(Part { of, rows, optional: text.optional, when, fields })
    }

    fn fields(
        &self,
        place: &str,
        table: &Table,
        path: &mut Vec<String>,
        out: &mut Vec<Assignment>,
    ) -> Result<(), MappingError> {
        const ORIGINS: [&str; 4] = ["column", "columns", "constant", "template"];
        for (name, value) in table {
            path.push(name.clone());
            let here = format!("{place}.{}", path.join("."));
            match value {
                Value::String(column) => out.push(Assignment {
                    field: path.clone(),
                    origin: Origin::Column(column.clone()),
                    shape: Shape::Text,
                    table: None,
                    default: None,
                    optional: false,
                }),
                Value::Table(inner) if ORIGINS.iter().any(|key| inner.contains_key(*key)) => {
                    let text: AssignmentText =
                        inner.clone().try_into().map_err(|error: toml::de::Error| {
                            MappingError::invalid(&here, error.message().to_owned())
                        })?;
                    out.push(self.assignment(&here, path.clone(), text)?);
                }
                Value::Table(inner) => self.fields(place, inner, path, out)?,
                Value::Integer(_)
                | Value::Float(_)
                | Value::Boolean(_)
                | Value::Datetime(_)
                | Value::Array(_) => {
                    let detail =
                        "expected a column, or a table with column, columns, constant or template";
                    return Err(MappingError::invalid(here, detail));
                }
            }
            path.pop();
        }
        Ok(())
    }

    fn assignment(
        &self,
        place: &str,
        field: Vec<String>,
        text: AssignmentText,
    ) -> Result<Assignment, MappingError> {
        if let Some(table) = &text.table {
            self.table(place, table)?;
        }
        let shape = self.shape(place, &text)?;
        let origin = match (text.column, text.columns, text.constant, text.template) {
            (Some(column), None, None, None) => Origin::Column(column),
            (None, Some(columns), None, None) => Origin::Columns(columns),
            (None, None, Some(value), None) => Origin::Constant(constant(place, &value)?),
            (None, None, None, Some(template)) => Origin::Template(pieces(place, &template)?),
            _ => {
                let detail = "exactly one of column, columns, constant and template";
                return Err(MappingError::invalid(place, detail));
            }
        };
        if matches!(origin, Origin::Columns(_)) && !matches!(shape, Shape::List { .. }) {
            return Err(MappingError::invalid(place, "several columns make a list"));
        }
        let (default, optional) = (text.default, text.optional);
        Ok(Assignment { field, origin, shape, table: text.table, default, optional })
    }

    fn shape(&self, place: &str, text: &AssignmentText) -> Result<Shape, MappingError> {
        let wrong = |detail: &str| MappingError::invalid(place, detail);
        let list = text.columns.is_some() || text.split.is_some();
        let name = text.shape.as_deref().unwrap_or(if list { "list" } else { "text" });
        let shape = match name {
            "text" => Shape::Text,
            "list" => Shape::List { split: text.split.clone() },
            "flag" => Shape::Flag,
            "whole" => Shape::Scaled { places: 0 },
            "milli" => Shape::Scaled { places: 3 },
            "micro" => Shape::Scaled { places: 6 },
            "time" => Shape::Time(match text.format.as_deref() {
                Some("rfc3339") => TimeFormat::Rfc3339,
                Some(format) => TimeFormat::Pattern(
                    Pattern::parse(format)
                        .filter(Pattern::has_time)
                        .ok_or_else(|| wrong("the format is no pattern of a time"))?,
                ),
                None => return Err(wrong("a time has a format")),
            }),
            "day" => {
                let format = text.format.as_deref().ok_or_else(|| wrong("a day has a format"))?;
                Shape::Day(
                    Pattern::parse(format)
                        .ok_or_else(|| wrong("the format is no pattern of a day"))?,
                )
            }
            "quantity" => Shape::Quantity { unit: self.unit(place, text)? },
            other => return Err(wrong(&format!("a value is not read as {other:?}"))),
        };
        if text.format.is_some() && !matches!(shape, Shape::Time(_) | Shape::Day(_)) {
            return Err(wrong("only times and days have a format"));
        }
        if text.split.is_some() && !matches!(shape, Shape::List { .. }) {
            return Err(wrong("only lists are split"));
        }
        let unit = text.unit.is_some() || text.unit_column.is_some();
        if unit && !matches!(shape, Shape::Quantity { .. }) {
            return Err(wrong("only quantities have a unit"));
        }
        Ok(shape)
    }

    fn unit(&self, place: &str, text: &AssignmentText) -> Result<UnitOrigin, MappingError> {
        match (&text.unit, &text.unit_column) {
            (None, None) => Ok(UnitOrigin::Suffix),
            (Some(unit), None) if self.units.contains_key(unit) || uom(unit).is_some() => {
                Ok(UnitOrigin::Constant(unit.clone()))
            }
            (Some(unit), None) => {
                Err(MappingError::invalid(place, format!("the unit {unit:?} is not in [units]")))
            }
            (None, Some(column)) => Ok(UnitOrigin::Column(column.clone())),
            (Some(_), Some(_)) => {
                Err(MappingError::invalid(place, "either unit or unit_column, not both"))
            }
        }
    }

    fn table(&self, place: &str, name: &str) -> Result<&BTreeMap<String, String>, MappingError> {
        let unknown = || MappingError::invalid(place, format!("no table {name:?} under [tables]"));
        self.tables.get(name).ok_or_else(unknown)
    }
}

fn conditions(place: &str, when: &Table) -> Result<Vec<Condition>, MappingError> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    };
    let one = |(column, value): (&String, &Value)| {
        let values = match value.as_array() {
            Some(list) => list.iter().map(text).collect::<Option<BTreeSet<_>>>(),
            None => text(value).map(|text| BTreeSet::from([text])),
        };
        let values = values.ok_or_else(|| {
            MappingError::invalid(format!("{place}.when.{column}"), "expected a text or a list")
        })?;
        Ok(Condition { column: column.clone(), values })
    };
    when.iter().map(one).collect()
}

fn constant(place: &str, value: &Value) -> Result<Tree, MappingError> {
    Ok(match value {
        Value::String(text) => Tree::Text(text.clone()),
        Value::Integer(number) => Tree::Number(number.to_string()),
        Value::Boolean(flag) => Tree::Flag(*flag),
        Value::Array(list) => {
            Tree::List(list.iter().map(|value| constant(place, value)).collect::<Result<_, _>>()?)
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => {
            let detail = "a constant is a text, a whole number, true, false or a list of them";
            return Err(MappingError::invalid(place, detail));
        }
    })
}

fn pieces(place: &str, template: &str) -> Result<Vec<Piece>, MappingError> {
    let unbalanced = || MappingError::invalid(place, "the braces of the template do not pair up");
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (column, behind) = after.split_once('}').ok_or_else(unbalanced)?;
        if before.contains('}') || column.is_empty() || column.contains('{') {
            return Err(unbalanced());
        }
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Column(column.to_owned()));
        rest = behind;
    }
    if rest.contains('}') {
        return Err(unbalanced());
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}
