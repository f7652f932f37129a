//! Looks at the logs of a folder before RocksDB replays them, and tells a torn end from damage.
//!
//! A power cut may leave anything in place of what was being written: a shorter file, zeros where the
//! file had grown already, older bytes of the disk. Nobody was told of that record, and no later one
//! exists. Where a record begins behind an unreadable place, the place held something that had been
//! written before it: replaying up to there would open an older state and call it a success. It reads
//! only.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::open::OpenError;

/// Bytes of a block: no piece of a record crosses its end.
const BLOCK_BYTES: usize = 32 * 1024;

/// Bytes before each piece: checksum, length, kind.
const HEADER_BYTES: usize = 7;

/// What a piece is to its record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Piece {
    /// A whole record.
    Full,
    /// The first of several.
    First,
    /// Neither the first nor the last.
    Middle,
    /// The last of several.
    Last,
}

/// Where a log cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Place {
    path: PathBuf,
    byte: u64,
}

/// How far the logs have been read.
#[derive(Default)]
struct Scan {
    /// The first place that cannot be read.
    torn: Option<Place>,
    /// A record has begun and has not ended.
    is_open: bool,
}

/// Refuses a folder whose logs hold a readable record behind an unreadable place.
pub(crate) fn check(folder: &Path, names: impl Iterator<Item = String>) -> Result<(), OpenError> {
    let mut logs: Vec<(u64, String)> =
        names.filter_map(|name| Some((name.strip_suffix(".log")?.parse().ok()?, name))).collect();
    logs.sort_unstable();
    let mut scan = Scan::default();
    for (_, name) in logs {
        let path = folder.join(name);
        scan.file(&path).map_err(|failed| match failed {
            Failed::Damaged(damaged, readable) => OpenError::Log {
                path: damaged.path,
                damaged: damaged.byte,
                readable: readable.byte,
                inside: readable.path,
            },
            Failed::Unread(source) => {
                OpenError::Folder { path: path.clone(), step: "read the log", source }
            }
        })?;
    }
    Ok(())
}

enum Failed {
    /// The unreadable place, and the record behind it.
    Damaged(Place, Place),
    Unread(io::Error),
}

impl Scan {
    fn file(&mut self, path: &Path) -> Result<(), Failed> {
        let mut file = File::open(path).map_err(Failed::Unread)?;
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        let mut start = 0;
        loop {
            block.clear();
            let limit = u64::try_from(BLOCK_BYTES).expect("32 KiB");
            let read = file.by_ref().take(limit).read_to_end(&mut block).map_err(Failed::Unread)?;
            self.block(path, start, &block)?;
            start += u64::try_from(read).expect("at most 32 KiB");
            if read < BLOCK_BYTES {
                break;
            }
        }
        if std::mem::take(&mut self.is_open) {
            self.tear(path, start);
        }
        Ok(())
    }

    fn block(&mut self, path: &Path, start: u64, block: &[u8]) -> Result<(), Failed> {
        let mut rest = block;
        while !rest.is_empty() {
            let byte = start + u64::try_from(block.len() - rest.len()).expect("at most 32 KiB");
            let ends = rest.len() < HEADER_BYTES && block.len() == BLOCK_BYTES;
            if ends {
                break; // no header has room there, and nothing is written
            }
            let Some((piece, length)) = piece(rest) else {
                self.tear(path, byte);
                self.is_open = false;
                rest = rest.get(1..).unwrap_or_default();
                continue;
            };
            match piece {
                Piece::Full | Piece::First => {
                    if self.is_open {
                        self.tear(path, byte); // the one before it never ended
                    }
                    if let Some(torn) = self.torn.take() {
                        return Err(Failed::Damaged(torn, Place { path: path.into(), byte }));
                    }
                    self.is_open = piece == Piece::First;
                }
                // What is left of a record that was torn.
                Piece::Middle | Piece::Last if !self.is_open => self.tear(path, byte),
                Piece::Middle => (), // the record goes on
                Piece::Last => self.is_open = false,
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(())
    }

    fn tear(&mut self, path: &Path, byte: u64) {
        self.torn.get_or_insert_with(|| Place { path: path.into(), byte });
    }
}

/// The piece at the start of `bytes` with its length, if one is there whose checksum holds.
fn piece(bytes: &[u8]) -> Option<(Piece, usize)> {
    let (header, behind) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let [c0, c1, c2, c3, l0, l1, kind] = *header;
    let piece = match kind {
        1 => Piece::Full,
        2 => Piece::First,
        3 => Piece::Middle,
        4 => Piece::Last,
        _ => return None, // zeros, or a kind that this store never writes
    };
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    let content = behind.get(..length)?;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&[kind]), content);
    // A checksum over bytes that hold checksums is a weak one; RocksDB stores it turned.
    let masked = checksum.rotate_right(15).wrapping_add(0xa282_ead8);
    (masked == u32::from_le_bytes([c0, c1, c2, c3])).then_some((piece, HEADER_BYTES + length))
}
