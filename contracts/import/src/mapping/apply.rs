//! Applies the rules of a mapping file to the rows of an export.

use std::collections::{BTreeMap, BTreeSet};

use proto::operation::OpUid;
use proto::schema::OperationKind;

use super::records::{self, Row};
use super::{Act, Assignment, Condition, Format, Kind, Make, Mapping, Part, Rule, convert};
use crate::gate::{Collector, Fault, reject};
use crate::limits::{GROUP_ROWS_MAX, ROWS_MAX};
use crate::tree::Tree;
use crate::{FileError, Imported, Prepared, build};

pub(super) fn read(bytes: &[u8], mapping: &Mapping) -> Result<Imported, FileError> {
    let text = records::text(bytes, mapping.encoding)?;
    let mut reader = Reader {
        mapping,
        collector: Collector::default(),
        entries: Vec::new(),
        open: BTreeMap::new(),
        lost: BTreeSet::new(),
    };
    match mapping.format {
        Format::Csv => {
            let (header, lines) = records::csv(&text, mapping)?;
            known_columns(mapping, &header)?;
            reader.lines(lines);
        }
        Format::Ndjson => {
            let lines = records::ndjson(&text)?;
            seen_columns(mapping, |_| lines.iter().filter_map(line_row).collect())?;
            reader.lines(lines);
        }
        Format::Json => reader.document(&records::json(&text)?)?,
        Format::Xml => reader.document(&records::xml(&text)?)?,
    }
    Ok(reader.finish())
}

fn line_row(line: &records::Line) -> Option<Row<'_>> {
    let tree = line.tree.as_ref().ok()?;
    Some(Row { number: line.number, label: String::new(), chain: vec![tree] })
}

/// Every column that a rule names stands in the header.
fn known_columns(mapping: &Mapping, header: &BTreeSet<String>) -> Result<(), FileError> {
    for rule in &mapping.rules {
        for (column, _) in rule.columns() {
            if !header.contains(column) {
                let (column, rule) = (column.to_owned(), rule.name.clone());
                return Err(FileError::UnknownColumn { column, rule });
            }
        }
    }
    Ok(())
}

/// Every path that a rule names and does not call optional stands in at least one of its rows.
fn seen_columns<'a>(
    mapping: &Mapping,
    rows_of: impl Fn(&Rule) -> Vec<Row<'a>>,
) -> Result<(), FileError> {
    for rule in &mapping.rules {
        let rows = rows_of(rule);
        let unknown = |column: &str| {
            let (column, rule) = (column.to_owned(), rule.name.clone());
            Err(FileError::UnknownColumn { column, rule })
        };
        let seen = |rows: &[Row<'_>], column: &str| {
            rows.is_empty() || rows.iter().any(|row| !row.values(column, mapping.format).is_empty())
        };
        if let Some(condition) = rule.when.iter().find(|c| !seen(&rows, &c.column)) {
            return unknown(&condition.column);
        }
        let taken: Vec<Row<'_>> =
            rows.into_iter().filter(|row| holds(mapping, row, &rule.when)).collect();
        let Act::Make(make) = &rule.act else { continue };
        let fields = make.record.iter().map(String::as_str).chain(required(&make.fields));
        for column in fields {
            if !seen(&taken, column) {
                return unknown(column);
            }
        }
        for part in &make.parts {
            let below: Vec<Row<'_>> = taken.iter().flat_map(|row| row.below(&part.rows)).collect();
            if !taken.is_empty() && below.is_empty() && !part.optional {
                return unknown(&part.rows);
            }
            if let Some(column) = required(&part.fields).find(|column| !seen(&below, column)) {
                return unknown(column);
            }
        }
    }
    Ok(())
}

fn required(fields: &[Assignment]) -> impl Iterator<Item = &str> {
    let demanded = |field: &&Assignment| !field.optional && field.default.is_none();
    fields.iter().filter(demanded).flat_map(Assignment::columns)
}

fn holds(mapping: &Mapping, row: &Row<'_>, when: &[Condition]) -> bool {
    when.iter().all(|condition| {
        let text = convert::cell(mapping, row, &condition.column).unwrap_or_default();
        condition.values.contains(&text)
    })
}

impl Rule {
    /// Every column that the rule reads, and whether it may be absent.
    fn columns(&self) -> Vec<(&str, bool)> {
        let mut columns: Vec<(&str, bool)> =
            self.when.iter().map(|condition| (condition.column.as_str(), false)).collect();
        let Act::Make(make) = &self.act else { return columns };
        if let Kind::Column { column, .. } = &make.kind {
            columns.push((column, false));
        }
        columns.extend(make.record.iter().map(|column| (column.as_str(), false)));
        let parts = make.parts.iter().flat_map(|part| &part.fields);
        for field in make.fields.iter().chain(parts) {
            columns.extend(field.columns().into_iter().map(|column| (column, field.optional)));
        }
        for part in &make.parts {
            columns.extend(part.when.iter().map(|condition| (condition.column.as_str(), false)));
        }
        columns
    }
}

/// Where a value of a body came from.
type Origins = BTreeMap<String, (u64, String)>;

/// A record's number within the rule, by its index, that reads it.
type Number = (usize, String);

/// An operation in the making: one row, or all rows of one document.
struct Entry<'a> {
    make: &'a Make,
    kind: OperationKind,
    number: Number,
    rows: Vec<u64>,
    /// Rows that say again, word for word, what an earlier row of the document says.
    repeated: Vec<u64>,
    /// What the rows of a document say.
    said: BTreeSet<String>,
    members: Vec<(String, Tree)>,
    lists: BTreeMap<&'a str, Vec<Tree>>,
    origins: Origins,
    broken: bool,
    column: String,
}

struct Reader<'a> {
    mapping: &'a Mapping,
    collector: Collector,
    entries: Vec<Entry<'a>>,
    open: BTreeMap<(OperationKind, Number), usize>,
    /// Documents of which a row is broken so early that it never came to them.
    lost: BTreeSet<Number>,
}

impl<'a> Reader<'a> {
    fn lines(&mut self, lines: Vec<records::Line>) {
        for line in lines {
            self.collector.row();
            match line.tree {
                Err(unread) => {
                    self.collector.reject(unread.fault.of_row(line.number));
                    for guess in &unread.guesses {
                        let (number, label) = (line.number, String::new());
                        self.lose(&Row { number, label, chain: vec![guess] }, "");
                    }
                }
                Ok(tree) => {
                    let row = Row { number: line.number, label: String::new(), chain: vec![&tree] };
                    self.row(&row, "");
                }
            }
        }
    }

    fn document(&mut self, document: &Tree) -> Result<(), FileError> {
        let mut paths: Vec<&str> = Vec::new();
        for rule in &self.mapping.rules {
            if !rule.optional && !records::exists(document, &rule.rows) {
                let (path, rule) = (rule.rows.clone(), rule.name.clone());
                return Err(FileError::UnknownRows { path, rule });
            }
            if !paths.contains(&rule.rows.as_str()) {
                paths.push(&rule.rows);
            }
        }
        seen_columns(self.mapping, |rule| records::select(document, &rule.rows, 1))?;
        let mut next = 1;
        for path in paths {
            for row in records::select(document, path, next) {
                if next > ROWS_MAX {
                    return Err(FileError::TooManyRows { limit: ROWS_MAX });
                }
                next += 1;
                self.collector.row();
                self.row(&row, path);
            }
        }
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>, path: &str) {
        let mapping = self.mapping;
        let mut taken = false;
        for (index, rule) in mapping.rules.iter().enumerate() {
            if rule.rows != path || !holds(mapping, row, &rule.when) {
                continue;
            }
            taken = true;
            match &rule.act {
                Act::Skip => self.collector.skipped(),
                Act::Make(make) => self.make(row, index, make),
            }
        }
        if !taken {
            let when = mapping.rules.iter().filter(|rule| rule.rows == path).flat_map(|r| &r.when);
            let columns: BTreeSet<String> = when.map(|c| row.column(&c.column)).collect();
            let column = columns.into_iter().collect::<Vec<_>>().join("+");
            self.collector.reject(reject(row.number, column, crate::Rule::NoRule, None));
            self.lose(row, path);
        }
    }

    /// Remembers the document of a row that no rule can take: whichever rule has taken its other rows,
    /// they are not the whole of it.
    fn lose(&mut self, row: &Row<'_>, path: &str) {
        for (index, rule) in self.mapping.rules.iter().enumerate() {
            let Act::Make(make) = &rule.act else { continue };
            if let Some(number) = number(self.mapping, row, make).ok().filter(|_| rule.rows == path)
            {
                self.lost.insert((index, number));
            }
        }
    }

    fn make(&mut self, row: &Row<'_>, index: usize, make: &'a Make) {
        let number = number(self.mapping, row, make).map(|number| (index, number));
        let kind = kind(self.mapping, row, make);
        let (kind, number) = match (kind, number) {
            (Ok(kind), Ok(number)) => (kind, number),
            (Err(fault), number) => {
                self.collector.reject(fault.of_row(row.number));
                self.lost.extend(number.ok());
                return;
            }
            (Ok(_), Err(fault)) => {
                self.collector.reject(fault.of_row(row.number));
                return;
            }
        };
        let key = (kind, number);
        let open = self.open.get(&key).copied().filter(|_| make.group);
        let at = open.unwrap_or_else(|| {
            self.entries.push(Entry::new(make, kind, key.1.clone(), row));
            self.open.insert(key, self.entries.len() - 1);
            self.entries.len() - 1
        });
        let entry = self.entries.get_mut(at).expect("the index was just found or made");
        if let Err(fault) = entry.add(self.mapping, row) {
            entry.broken = true;
            self.collector.reject(fault.of_row(row.number));
        }
    }

    fn finish(mut self) -> Imported {
        for entry in self.entries {
            let is_lost = entry.make.group && self.lost.contains(&entry.number);
            if entry.broken || is_lost {
                let rows = [entry.rows, entry.repeated].concat();
                broken(&mut self.collector, &rows, &entry.column);
                continue;
            }
            let first = entry.rows.first().copied().unwrap_or_default();
            let record = format!("{}:{}", entry.kind.name(), entry.number.1);
            let (origins, column, rows) = (entry.origins, entry.column, entry.rows);
            let place = |field: &str| place(&origins, field).unwrap_or((first, column.clone()));
            let mut members = entry.members;
            members
                .extend(entry.lists.into_iter().map(|(n, list)| (n.to_owned(), Tree::List(list))));
            let uid = OpUid::of_record(&self.mapping.platform, &record);
            let at = match build::body(entry.kind, &Tree::Object(members), &[]) {
                Ok(body) => {
                    let prepared = Prepared { row: first, kind: entry.kind, uid, body };
                    self.collector.offer(prepared, &place)
                }
                Err(fault) => {
                    let (row, column) = place(&fault.field);
                    self.collector.reject(fault.rejected(row, column));
                    Some(row)
                }
            };
            let Some(at) = at else {
                entry.repeated.into_iter().for_each(|row| self.collector.duplicate(row));
                continue;
            };
            let mut others = [rows, entry.repeated].concat();
            others.retain(|row| *row != at);
            broken(&mut self.collector, &others, &column);
        }
        self.collector.finish()
    }
}

/// The rows of a document that is not recorded for the fault of another row.
fn broken(collector: &mut Collector, rows: &[u64], column: &str) {
    for row in rows.iter().collect::<BTreeSet<_>>() {
        collector.reject(reject(*row, column.to_owned(), crate::Rule::GroupBroken, None));
    }
}

/// Where the value of `field`, or of what it lies in, came from.
fn place(origins: &Origins, field: &str) -> Option<(u64, String)> {
    let mut field = field;
    loop {
        if let Some(place) = origins.get(field) {
            return Some(place.clone());
        }
        let cut = field.rfind(['.', '['])?;
        field = field.get(..cut)?;
    }
}

/// Type of a row.
fn kind(mapping: &Mapping, row: &Row<'_>, make: &Make) -> Result<OperationKind, Fault> {
    match &make.kind {
        Kind::Constant(kind) => Ok(*kind),
        Kind::Column { column, table } => {
            let word = convert::cell(mapping, row, column)?;
            let name = mapping.tables.get(table).and_then(|table| table.get(&word));
            name.and_then(|name| OperationKind::from_name(name))
                .ok_or_else(|| Fault::of(row.column(column), crate::Rule::UnknownWord, word))
        }
    }
}

/// Number of a row's record: the values of the record columns.
fn number(mapping: &Mapping, row: &Row<'_>, make: &Make) -> Result<String, Fault> {
    let mut values = Vec::new();
    for column in &make.record {
        let value = convert::cell(mapping, row, column)?;
        if value.is_empty() {
            return Err(Fault::new(row.column(column), crate::Rule::MissingValue));
        }
        values.push(value.replace('%', "%25").replace('/', "%2F"));
    }
    Ok(values.join("/"))
}

impl<'a> Entry<'a> {
    fn new(make: &'a Make, kind: OperationKind, number: Number, row: &Row<'_>) -> Self {
        let column =
            make.record.iter().map(|column| row.column(column)).collect::<Vec<_>>().join("+");
        Self {
            make,
            kind,
            number,
            rows: Vec::new(),
            repeated: Vec::new(),
            said: BTreeSet::new(),
            members: Vec::new(),
            lists: BTreeMap::new(),
            origins: Origins::new(),
            broken: false,
            column,
        }
    }

    /// Adds what `row` says, unless an earlier row of the document says it word for word.
    fn add(&mut self, mapping: &Mapping, row: &Row<'_>) -> Result<(), Fault> {
        if self.rows.len() >= GROUP_ROWS_MAX {
            return Err(Fault::new(self.column.clone(), crate::Rule::GroupTooLarge));
        }
        let (make, is_first) = (self.make, self.rows.is_empty());
        let mut members = Vec::new();
        for assignment in &make.fields {
            let Some(value) = convert::value(mapping, row, assignment)? else { continue };
            if !is_first && self.read(&assignment.field) != Some(&value) {
                return Err(Fault::new(assignment.place(row), crate::Rule::GroupDisagrees));
            }
            let origin = (row.number, assignment.place(row));
            self.origins.entry(assignment.field.join(".")).or_insert(origin);
            place_at(&mut members, &assignment.field, value);
        }
        let words = row.chain.last().filter(|_| make.group).map(|tree| records::words(tree));
        if words.is_some_and(|words| !self.said.insert(format!("{words:?}"))) {
            self.repeated.push(row.number);
            return Ok(());
        }
        if is_first {
            self.members = members;
        }
        self.parts(mapping, row)?;
        self.rows.push(row.number);
        Ok(())
    }

    fn read(&self, path: &[String]) -> Option<&Tree> {
        let (first, rest) = path.split_first()?;
        let mut tree = self.members.iter().find(|(name, _)| name == first).map(|(_, tree)| tree)?;
        for name in rest {
            tree = tree.member(name)?;
        }
        Some(tree)
    }

    /// Adds the elements of the row's lists. A row of a part that no condition takes is a fault: what
    /// it says would be lost.
    fn parts(&mut self, mapping: &Mapping, row: &Row<'_>) -> Result<(), Fault> {
        let make = self.make;
        for part in &make.parts {
            for below in row.below(&part.rows) {
                if holds(mapping, &below, &part.when) {
                    self.part(mapping, &below, part)?;
                    continue;
                }
                let beside = || make.parts.iter().filter(|other| other.rows == part.rows);
                if !beside().any(|other| holds(mapping, &below, &other.when)) {
                    let when = beside().flat_map(|other| &other.when);
                    let columns: BTreeSet<String> =
                        when.map(|condition| below.column(&condition.column)).collect();
                    let column = columns.into_iter().collect::<Vec<_>>().join("+");
                    return Err(Fault::new(column, crate::Rule::NoRule));
                }
            }
        }
        Ok(())
    }

    fn part(&mut self, mapping: &Mapping, row: &Row<'_>, part: &'a Part) -> Result<(), Fault> {
        let Some(of) = &part.of else { return Ok(()) };
        let index = self.lists.get(of.as_str()).map_or(0, Vec::len);
        let mut members = Vec::new();
        for assignment in &part.fields {
            let Some(value) = convert::value(mapping, row, assignment)? else { continue };
            let field = format!("{of}[{index}].{}", assignment.field.join("."));
            self.origins.insert(field, (row.number, assignment.place(row)));
            place_at(&mut members, &assignment.field, value);
        }
        self.lists.entry(of).or_default().push(Tree::Object(members));
        Ok(())
    }
}

/// Puts a value at its path, making the objects on the way.
fn place_at(members: &mut Vec<(String, Tree)>, path: &[String], value: Tree) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        members.push((name.clone(), value));
        return;
    }
    let index = members.iter().position(|(key, _)| key == name).unwrap_or_else(|| {
        members.push((name.clone(), Tree::Object(Vec::new())));
        members.len() - 1
    });
    if let Some((_, Tree::Object(inner))) = members.get_mut(index) {
        place_at(inner, rest, value);
    }
}
