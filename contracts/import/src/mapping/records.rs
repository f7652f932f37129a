//! Finds the rows of an export: decodes the text, reads CSV, JSON, NDJSON or XML into value trees, and
//! follows paths through them.

use std::collections::BTreeSet;

use super::{Encoding, Format, Mapping, quotes};
use crate::FileError;
use crate::gate::Fault;
use crate::limits::{DEPTH_MAX, NODES_MAX, ROWS_MAX};
use crate::tree::Tree;

/// The text of the file, without a byte order mark.
pub(super) fn text(bytes: &[u8], encoding: Encoding) -> Result<String, FileError> {
    let (name, encoder) = match encoding {
        Encoding::Utf8 => ("UTF-8", encoding_rs::UTF_8),
        Encoding::Gb18030 => ("GB18030", encoding_rs::GB18030),
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let decoded = encoder.decode_without_bom_handling_and_without_replacement(bytes);
    decoded.map(std::borrow::Cow::into_owned).ok_or(FileError::Encoding { encoding: name })
}

/// A row: the value itself behind all that it lies in, and where that is.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    /// Number that the user sees.
    pub(super) number: u64,
    /// Path of the row with positions, empty where the number says it all.
    pub(super) label: String,
    /// From the document down to the row.
    pub(super) chain: Vec<&'a Tree>,
}

impl<'a> Row<'a> {
    /// The values at `path`: names joined by `/`, `..` for what the row lies in, a leading `/` for
    /// the document. Lists on the way are walked through.
    pub(super) fn values(&self, path: &str, format: Format) -> Vec<&'a Tree> {
        let mut chain = self.chain.clone();
        if format == Format::Csv {
            return chain.last().and_then(|row| row.member(path)).into_iter().collect();
        }
        let mut path = path;
        if let Some(absolute) = path.strip_prefix('/') {
            chain.truncate(1);
            path = absolute;
        }
        while let Some(rest) = path.strip_prefix("../") {
            chain.pop();
            path = rest;
        }
        let mut found: Vec<&Tree> = chain.last().copied().into_iter().collect();
        for name in path.split('/') {
            found = found
                .into_iter()
                .filter_map(|tree| tree.member(name))
                .flat_map(Tree::elements)
                .collect();
        }
        found
    }

    /// The rows under `path` of this one; itself where the path is empty.
    pub(super) fn below(&self, path: &str) -> Vec<Self> {
        if path.is_empty() {
            return vec![self.clone()];
        }
        let mut found = Vec::new();
        let names: Vec<&str> = path.split('/').collect();
        descend(&names, self.chain.clone(), self.label.clone(), &mut found);
        for row in &mut found {
            row.number = line_of(row).unwrap_or(self.number);
        }
        found
    }

    /// What the user is told of a column.
    pub(super) fn column(&self, path: &str) -> String {
        if let Some(absolute) = path.strip_prefix('/') {
            return absolute.to_owned();
        }
        let (mut label, mut path) = (self.label.as_str(), path);
        while let Some(rest) = path.strip_prefix("../") {
            label = label.rsplit_once('/').map_or("", |(outer, _)| outer);
            path = rest;
        }
        if label.is_empty() { path.to_owned() } else { format!("{label}/{path}") }
    }
}

fn descend<'a>(names: &[&str], chain: Vec<&'a Tree>, label: String, found: &mut Vec<Row<'a>>) {
    let Some((name, rest)) = names.split_first() else {
        found.push(Row { number: 0, label, chain });
        return;
    };
    let Some(member) = chain.last().and_then(|tree| tree.member(name)) else { return };
    for (index, element) in (1..).zip(member.elements()) {
        let mut chain = chain.clone();
        chain.push(element);
        let separator = if label.is_empty() { "" } else { "/" };
        let position =
            if matches!(member, Tree::List(_)) { format!("[{index}]") } else { String::new() };
        descend(rest, chain, format!("{label}{separator}{name}{position}"), found);
    }
}

/// The rows of a document under `path`, numbered from `first`, or by their XML line.
pub(super) fn select<'a>(document: &'a Tree, path: &str, first: u64) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    if path.is_empty() {
        // A document that is a list is the list of its rows.
        for element in document.elements() {
            rows.push(Row { number: 0, label: String::new(), chain: vec![document, element] });
        }
    } else {
        let names: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        descend(&names, vec![document], String::new(), &mut rows);
    }
    for (number, row) in (first..).zip(&mut rows) {
        row.number = line_of(row).unwrap_or(number);
    }
    rows
}

fn line_of(row: &Row<'_>) -> Option<u64> {
    let line = row.chain.last()?.member(LINE)?;
    line.scalar()?.parse().ok()
}

/// Whether the document has anything at `path`, even an empty list.
pub(super) fn exists(document: &Tree, path: &str) -> bool {
    let mut found = vec![document];
    for name in path.trim_start_matches('/').split('/').filter(|name| !name.is_empty()) {
        let Some(first) = found.iter().position(|tree| tree.member(name).is_some()) else {
            // An empty list or element on the way has no members to look for.
            return found.iter().all(|tree| match tree {
                Tree::Null => true,
                Tree::List(list) => list.is_empty(),
                Tree::Text(text) => text.is_empty(),
                Tree::Flag(_) | Tree::Number(_) | Tree::Inexact | Tree::Object(_) => false,
            });
        };
        found = found
            .into_iter()
            .skip(first)
            .filter_map(|tree| tree.member(name))
            .flat_map(|tree| match tree {
                Tree::List(list) if !list.is_empty() => list.iter().collect(),
                Tree::Null
                | Tree::Flag(_)
                | Tree::Number(_)
                | Tree::Inexact
                | Tree::Text(_)
                | Tree::List(_)
                | Tree::Object(_) => vec![tree],
            })
            .collect();
    }
    true
}

/// A row of a CSV file or line of an NDJSON file, or why it is none.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) tree: Result<Tree, Unread>,
}

/// Why a line is no row, and what its cells may mean all the same.
pub(super) struct Unread {
    pub(super) fault: Fault,
    /// A line with too few or too many cells, read from its begin and from its end.
    pub(super) guesses: Vec<Tree>,
}

/// The header and the rows of a CSV file. Rows of empty cells are not rows.
pub(super) fn csv(
    text: &str,
    mapping: &Mapping,
) -> Result<(BTreeSet<String>, Vec<Line>), FileError> {
    let malformed = |detail: String| FileError::Malformed { format: "CSV", detail };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(mapping.delimiter)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| malformed(error.to_string()))?.clone();
    let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    quotes::check(text, mapping.delimiter, &header)?;
    let mut names = BTreeSet::new();
    for name in header.iter().filter(|name| !name.is_empty()) {
        if !names.insert(name.clone()) {
            return Err(malformed(format!("the header names the column {name:?} twice")));
        }
    }
    let lines_of = LineIndex::of(text);
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| malformed(error.to_string()))?;
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if count >= ROWS_MAX {
            return Err(FileError::TooManyRows { limit: ROWS_MAX });
        }
        let number = lines_of.line_behind(text, record.position().map_or(0, csv::Position::byte));
        let cell =
            |(name, cell): (&String, &str)| (name.clone(), Tree::Text(cell.trim().to_owned()));
        let from_begin = || Tree::Object(header.iter().zip(record.iter()).map(cell).collect());
        let tree = if record.len() == header.len() {
            Ok(from_begin())
        } else {
            let cells: Vec<&str> = record.iter().collect();
            let backwards = header.iter().rev().zip(cells.into_iter().rev());
            let guesses = vec![from_begin(), Tree::Object(backwards.map(cell).collect())];
            Err(Unread { fault: Fault::new("", crate::Rule::ColumnCount), guesses })
        };
        lines.push(Line { number, tree });
    }
    Ok((names, lines))
}

/// The lines of an NDJSON file.
pub(super) fn ndjson(text: &str) -> Result<Vec<Line>, FileError> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        if number > ROWS_MAX {
            return Err(FileError::TooManyRows { limit: ROWS_MAX });
        }
        let tree = Tree::strict(line).map_err(|fault| Unread { fault, guesses: Vec::new() });
        lines.push(Line { number, tree });
    }
    Ok(lines)
}

/// A JSON document.
pub(super) fn json(text: &str) -> Result<Tree, FileError> {
    let malformed = |error: serde_json::Error| FileError::Malformed {
        format: "JSON",
        detail: error.to_string(),
    };
    Tree::from_json(text).map_err(malformed)
}

/// Member that holds the line of an XML element.
const LINE: &str = "#line";

/// What a record says, word for word: everything but the line on which it stands.
pub(super) fn words(tree: &Tree) -> Tree {
    match tree {
        Tree::List(list) => Tree::List(list.iter().map(words).collect()),
        Tree::Object(members) => {
            let said = members.iter().filter(|(name, _)| name != LINE);
            Tree::Object(said.map(|(name, value)| (name.clone(), words(value))).collect())
        }
        Tree::Null | Tree::Flag(_) | Tree::Number(_) | Tree::Inexact | Tree::Text(_) => {
            tree.clone()
        }
    }
}

/// An XML document: an element is an object of its attributes (`@name`), its children by name and its
/// text (`#text`); an element with text alone is that text. DTDs are refused.
pub(super) fn xml(text: &str) -> Result<Tree, FileError> {
    let malformed = |detail: String| FileError::Malformed { format: "XML", detail };
    let options = roxmltree::ParsingOptions { nodes_limit: NODES_MAX, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(text, options)
        .map_err(|error| malformed(error.to_string()))?;
    let lines = LineIndex::of(text);
    let root = document.root_element();
    let tree = element(root, &lines, 0).ok_or_else(|| {
        malformed(format!("elements lie more than {DEPTH_MAX} deep in one another"))
    })?;
    Ok(Tree::Object(vec![(root.tag_name().name().to_owned(), tree)]))
}

fn element(node: roxmltree::Node<'_, '_>, lines: &LineIndex, depth: u32) -> Option<Tree> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut members: Vec<(String, Tree)> = Vec::new();
    for attribute in node.attributes() {
        members.push((format!("@{}", attribute.name()), Tree::Text(attribute.value().to_owned())));
    }
    let mut text = String::new();
    let mut positions: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for child in node.children() {
        if child.is_text() {
            text.push_str(child.text().unwrap_or_default());
        }
        if !child.is_element() {
            continue;
        }
        let (name, value) = (child.tag_name().name(), element(child, lines, depth + 1)?);
        match positions.get(name).and_then(|index| members.get_mut(*index)) {
            None => {
                positions.insert(name, members.len());
                members.push((name.to_owned(), value));
            }
            Some((_, Tree::List(list))) => list.push(value),
            Some((_, first)) => {
                let one = std::mem::replace(first, Tree::Null);
                *first = Tree::List(vec![one, value]);
            }
        }
    }
    let text = text.trim();
    if members.is_empty() {
        return Some(Tree::Text(text.to_owned()));
    }
    if !text.is_empty() {
        members.push(("#text".to_owned(), Tree::Text(text.to_owned())));
    }
    members.push((LINE.to_owned(), Tree::Number(lines.line(node.range().start).to_string())));
    Some(Tree::Object(members))
}

/// Line numbers by byte offset.
struct LineIndex(Vec<usize>);

impl LineIndex {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect())
    }

    /// The line of what stands at `offset` or behind the line ends there: a CSV reader counts the
    /// second half of CR LF to the next record.
    fn line_behind(&self, text: &str, offset: u64) -> u64 {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = text.get(offset..).unwrap_or_default();
        let ends = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        u64::try_from(self.line(offset.saturating_add(ends))).unwrap_or(u64::MAX)
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|newline| *newline < offset) + 1
    }
}
