//! Finds the quotation mark of a CSV file that nothing closes. A reader of CSV takes everything up to
//! the next mark, or to the end of the file, for one cell, and the rows in it are gone without a word.

use crate::FileError;

const QUOTE: u8 = b'"';

/// Checks the quotation marks of a file with these columns. A cell may hold line breaks; it is taken
/// for the work of a missing mark where the file ends in it, where text follows the mark that closes
/// it, or where one of its lines has as many cells as a row.
pub(super) fn check(text: &str, delimiter: u8, header: &[String]) -> Result<(), FileError> {
    let mut scan = Scan {
        delimiter,
        row_delimiters: header.len().saturating_sub(1).max(1),
        state: State::Begin,
        line: 1,
        column: 0,
        cell: Cell::default(),
    };
    let lost = text.bytes().any(|byte| scan.takes_rows(byte)) || scan.ends_in_rows();
    if !lost {
        return Ok(());
    }
    let (row, at) = (scan.cell.line, scan.cell.column);
    let column = header.get(at).cloned().unwrap_or_else(|| at.saturating_add(1).to_string());
    Err(FileError::OpenQuote { row, column })
}

/// Where a reader stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Before the first character of a cell.
    Begin,
    /// In a cell, where a quotation mark is a character like any other.
    Plain,
    /// Behind the mark that opens a cell.
    Quoted,
    /// Behind a mark that closes the cell, unless a second one follows.
    Closed,
    /// Behind spaces that follow the closing mark.
    Behind,
}

/// The quoted cell that was met last.
#[derive(Clone, Copy, Default, Debug)]
struct Cell {
    /// Line and column at which it begins.
    line: u64,
    column: usize,
    /// Line breaks in it.
    breaks: usize,
    /// Delimiters since the last of them.
    delimiters: usize,
    /// Most delimiters of one of its lines.
    delimiters_max: usize,
}

struct Scan {
    delimiter: u8,
    row_delimiters: usize,
    state: State,
    line: u64,
    column: usize,
    cell: Cell,
}

impl Scan {
    /// Reads one byte; whether it shows that the quoted cell took in rows.
    fn takes_rows(&mut self, byte: u8) -> bool {
        let is_end = byte == self.delimiter || byte == b'\n' || byte == b'\r';
        let mut lost = false;
        match self.state {
            State::Quoted => self.quoted(byte),
            State::Closed if byte == QUOTE => self.state = State::Quoted,
            State::Begin if byte == QUOTE => {
                let (line, column) = (self.line, self.column);
                self.cell = Cell { line, column, ..Cell::default() };
                self.state = State::Quoted;
            }
            State::Closed | State::Behind if is_end => {
                lost = self.cell_takes_rows();
                self.next(byte);
            }
            State::Closed | State::Behind if byte == b' ' => self.state = State::Behind,
            State::Closed | State::Behind => {
                lost = self.cell.breaks > 0;
                self.state = State::Plain;
            }
            State::Begin | State::Plain if is_end => self.next(byte),
            State::Begin | State::Plain => self.state = State::Plain,
        }
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        lost
    }

    /// A byte of a quoted cell.
    fn quoted(&mut self, byte: u8) {
        if byte == QUOTE {
            self.state = State::Closed;
        } else if byte == b'\n' || byte == b'\r' {
            self.cell.breaks = self.cell.breaks.saturating_add(1);
            self.cell.delimiters = 0;
        } else if byte == self.delimiter {
            self.cell.delimiters = self.cell.delimiters.saturating_add(1);
            self.cell.delimiters_max = self.cell.delimiters_max.max(self.cell.delimiters);
        }
    }

    /// The cell has ended.
    fn next(&mut self, byte: u8) {
        self.state = State::Begin;
        self.column = if byte == self.delimiter { self.column.saturating_add(1) } else { 0 };
    }

    fn cell_takes_rows(&self) -> bool {
        self.cell.breaks > 0 && self.cell.delimiters_max >= self.row_delimiters
    }

    /// What the end of the file shows.
    fn ends_in_rows(&self) -> bool {
        match self.state {
            State::Quoted => true,
            State::Closed | State::Behind => self.cell_takes_rows(),
            State::Begin | State::Plain => false,
        }
    }
}
