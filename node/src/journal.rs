//! What a replica must not forget, on disk before any signature leaves: the journal of consensus
//! records and, beside it, the safety record in two alternating slots.
//!
//! Owns the two files and their checksums; what the records mean is `consensus::durable`'s business.
//!
//! ```text
//! journal.bin = "JJJJRNL1" chain h32 validator u16 generation u64 kept u64 crc32 || record ...
//! record      = length u32 || crc32(length) u32 || bytes || crc32(previous checksum || bytes) u32
//! safety.bin  = slot 0 (512 bytes) || slot 1; slot = sequence u64 || generation u64 || journal length u64
//!               || length u16 || safety record || zeroes || crc32 of all before (last 4 bytes)
//! ```
//!
//! The journal's checksums are chained, so a record cannot be lost from the middle. Bytes beyond the
//! length that the safety record states were never sent and are cut; anything wrong below it is damage,
//! and a node with a damaged journal does not vote.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use proto::codec::{Reader, Writer};
use proto::{ChainId, ValidatorIndex};
use thiserror::Error;

const MAGIC: &[u8; 8] = b"JJJJRNL1";

/// Bytes before the first record: magic, chain, validator, generation, kept length, checksum.
const HEADER_BYTES: u64 = 8 + 32 + 2 + 8 + 8 + 4;

/// A slot is one sector, which disks write whole or not at all.
const SLOT_BYTES: u64 = 512;

/// Largest record: a block with its bodies and a justification of 100 view changes.
const RECORD_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// Length above which a journal is compacted to the records that are still needed. At full load a
/// block takes about 1 MiB, so this is once a minute.
const COMPACT_BYTES: u64 = 64 * 1024 * 1024;

/// Generation of a journal that was never compacted.
const FIRST_GENERATION: u64 = 1;

/// Why the journal cannot be read or written.
#[derive(Debug, Error)]
pub(crate) enum JournalError {
    /// The system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The files belong to another chain or validator.
    #[error("{path} belongs to another chain or another validator; is this the right home folder?")]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
}

/// What was found at start.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The journal, ready to be written.
    pub(crate) journal: Journal,
    /// Its records, oldest first.
    pub(crate) records: Vec<Vec<u8>>,
    /// The safety record, if one was ever written.
    pub(crate) safety: Option<Vec<u8>>,
    /// Why the journal is not provably complete, in words; `None` where it is.
    pub(crate) damage: Option<String>,
    /// Whether nothing can have been signed: no safety record, and a journal that was begun at most.
    pub(crate) fresh: bool,
}

/// The two files, open for writing.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    safety_path: PathBuf,
    safety_file: File,
    chain: ChainId,
    validator: ValidatorIndex,
    generation: u64,
    length: u64,
    checksum: u32,
    sequence: u64,
    /// Length after the last compaction.
    kept: u64,
}

struct Slot {
    sequence: u64,
    generation: u64,
    length: u64,
    record: Vec<u8>,
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> JournalError + 'a {
    move |source| JournalError::Io { action, path: path.to_owned(), source }
}

fn sync_folder(folder: &Path) -> Result<(), JournalError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(failed("cannot sync folder", folder))
}

fn chained(previous: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&previous.to_be_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

impl Journal {
    /// Opens the journal of `folder`, or begins one where there is none.
    pub(crate) fn open(
        folder: &Path,
        chain: ChainId,
        validator: ValidatorIndex,
    ) -> Result<Opened, JournalError> {
        let (path, safety_path) = (folder.join("journal.bin"), folder.join("safety.bin"));
        std::fs::create_dir_all(folder).map_err(failed("cannot create", folder))?;
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = options.open(&path).map_err(failed("cannot open", &path))?;
        let safety_file =
            options.open(&safety_path).map_err(failed("cannot open", &safety_path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed("cannot read", &path))?;
        let slot = read_slots(&safety_file).map_err(failed("cannot read", &safety_path))?;
        let mut journal = Self {
            path,
            file,
            safety_path,
            safety_file,
            chain,
            validator,
            generation: 0,
            length: 0,
            checksum: 0,
            kept: 0,
            sequence: slot.as_ref().map_or(0, |slot| slot.sequence),
        };
        let (records, damage) = if bytes.is_empty() && slot.is_none() {
            journal.begin(Vec::new(), FIRST_GENERATION)?;
            (Vec::new(), None)
        } else {
            journal.read(&bytes, slot.as_ref())?
        };
        // A first start may be cut off between the two files. Whoever signed has appended before.
        let begun = journal.generation == FIRST_GENERATION && records.is_empty();
        let fresh = begun && slot.is_none() && damage.is_none();
        Ok(Opened { journal, records, safety: slot.map(|slot| slot.record), damage, fresh })
    }

    /// Takes in what is on disk; cuts what was never sent.
    fn read(
        &mut self,
        bytes: &[u8],
        slot: Option<&Slot>,
    ) -> Result<(Vec<Vec<u8>>, Option<String>), JournalError> {
        let Some((generation, kept)) = self.read_header(bytes)? else {
            // Nothing of it can be believed; a new file is begun, and the node does not vote.
            self.begin(Vec::new(), slot.map_or(FIRST_GENERATION, |slot| slot.generation + 1))?;
            return Ok((Vec::new(), Some("the journal's header is missing or damaged".to_owned())));
        };
        let (records, end, checksum) = read_records(bytes);
        // Between a compaction and the next safety record the journal is one generation ahead; what
        // was kept then is what must be there.
        let stated = match slot {
            Some(slot) if slot.generation == generation => slot.length,
            Some(slot) if slot.generation + 1 == generation => kept,
            None => kept,
            Some(_) => u64::MAX,
        };
        self.generation = generation;
        self.length = end;
        self.checksum = checksum;
        let damage = (end < stated).then(|| {
            format!("the journal holds {end} readable bytes and the safety record states {stated}")
        });
        self.file.set_len(end).map_err(failed("cannot truncate", &self.path))?;
        self.file.seek(SeekFrom::Start(end)).map_err(failed("cannot seek", &self.path))?;
        Ok((records, damage))
    }

    fn read_header(&self, bytes: &[u8]) -> Result<Option<(u64, u64)>, JournalError> {
        let mut input = Reader::new(bytes);
        let Ok(head) = input.raw("header", usize::try_from(HEADER_BYTES - 4).expect("62")) else {
            return Ok(None);
        };
        let Ok(checksum) = input.u32("checksum") else { return Ok(None) };
        if chained(0, head) != checksum {
            return Ok(None);
        }
        let mut input = Reader::new(head);
        let fields = (|| {
            let magic = input.raw("magic", 8)?.to_vec();
            let chain = ChainId(input.hash("chain")?);
            let validator = ValidatorIndex::new(input.u16("validator")?);
            Ok::<_, proto::codec::DecodeError>((
                magic,
                chain,
                validator,
                input.u64("generation")?,
                input.u64("kept")?,
            ))
        })();
        let Ok((magic, chain, validator, generation, kept)) = fields else { return Ok(None) };
        if magic != MAGIC {
            return Ok(None);
        }
        if (chain, validator) != (self.chain, self.validator) {
            return Err(JournalError::Foreign { path: self.path.clone() });
        }
        Ok(Some((generation, kept)))
    }

    /// Writes a new file with `records`, synced, in place of the old one.
    fn begin(&mut self, records: Vec<Vec<u8>>, generation: u64) -> Result<(), JournalError> {
        let next = self.path.with_extension("new");
        let mut body = Writer::default();
        let mut checksum = 0;
        for record in records {
            checksum = frame(&mut body, checksum, &record);
        }
        let body = body.into_bytes();
        let body_bytes = u64::try_from(body.len()).expect("usize is at most 64 bits");
        let length = HEADER_BYTES + body_bytes;
        let mut head = Writer::default();
        head.raw(MAGIC).hash(&self.chain.0).u16(self.validator.value()).u64(generation).u64(length);
        let head = head.into_bytes();
        let mut file = File::create(&next).map_err(failed("cannot create", &next))?;
        file.write_all(&head)
            .and_then(|()| file.write_all(&chained(0, &head).to_be_bytes()))
            .and_then(|()| file.write_all(&body))
            .and_then(|()| file.sync_all())
            .map_err(failed("cannot write", &next))?;
        std::fs::rename(&next, &self.path).map_err(failed("cannot replace", &self.path))?;
        if let Some(folder) = self.path.parent() {
            sync_folder(folder)?;
        }
        self.file = file;
        self.generation = generation;
        self.length = length;
        self.kept = length;
        self.checksum = checksum;
        Ok(())
    }

    /// Appends `records`; they are durable after the next [`Self::sync`].
    pub(crate) fn append(&mut self, records: &[Vec<u8>]) -> Result<(), JournalError> {
        let mut out = Writer::default();
        let mut checksum = self.checksum;
        for record in records {
            checksum = frame(&mut out, checksum, record);
        }
        let bytes = out.into_bytes();
        self.file.write_all(&bytes).map_err(failed("cannot append to", &self.path))?;
        self.checksum = checksum;
        self.length += u64::try_from(bytes.len()).expect("usize is at most 64 bits");
        Ok(())
    }

    /// Makes what was appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(failed("cannot sync", &self.path))
    }

    /// Makes a safety record durable; after this the signature that it speaks of may be made.
    pub(crate) fn write_safety(&mut self, record: &[u8]) -> Result<(), JournalError> {
        self.sequence += 1;
        let mut slot = Writer::default();
        slot.u64(self.sequence).u64(self.generation).u64(self.length).bytes16(record);
        let mut bytes = slot.into_bytes();
        let body = usize::try_from(SLOT_BYTES - 4).expect("508");
        assert!(bytes.len() <= body, "a safety record is far smaller than a sector");
        bytes.resize(body, 0);
        bytes.extend(chained(0, &bytes).to_be_bytes());
        let offset = self.sequence % 2 * SLOT_BYTES;
        self.safety_file
            .write_all_at(&bytes, offset)
            .and_then(|()| self.safety_file.sync_data())
            .map_err(failed("cannot write", &self.safety_path))
    }

    /// Whether the journal has grown so long that it should be compacted: also to twice what was needed the
    /// last time, or one that is needed as a whole would be written again and again.
    pub(crate) fn is_long(&self) -> bool {
        self.length > COMPACT_BYTES.max(self.kept.saturating_mul(2))
    }

    /// Replaces the journal by the records that are still needed. `safety` is the current safety
    /// record, written again so that it states the new length.
    pub(crate) fn compact(
        &mut self,
        records: Vec<Vec<u8>>,
        safety: &[u8],
    ) -> Result<(), JournalError> {
        self.begin(records, self.generation + 1)?;
        self.write_safety(safety)
    }
}

fn frame(out: &mut Writer, previous: u32, record: &[u8]) -> u32 {
    let length = u32::try_from(record.len()).expect("a record is limited to 16 MiB");
    let checksum = chained(previous, record);
    out.u32(length).u32(crc32fast::hash(&length.to_be_bytes())).raw(record).u32(checksum);
    checksum
}

/// The records whose checksums hold, the length they reach to and the last checksum.
fn read_records(bytes: &[u8]) -> (Vec<Vec<u8>>, u64, u32) {
    let header = usize::try_from(HEADER_BYTES).expect("62");
    let mut input = Reader::new(bytes.get(header..).unwrap_or_default());
    let (mut records, mut checksum) = (Vec::new(), 0);
    let mut left = input.remaining();
    while let Some((record, next)) = read_record(&mut input, checksum) {
        records.push(record);
        checksum = next;
        left = input.remaining();
    }
    let end = u64::try_from(bytes.len() - left).expect("usize is at most 64 bits");
    (records, end, checksum)
}

fn read_record(input: &mut Reader<'_>, previous: u32) -> Option<(Vec<u8>, u32)> {
    let length = input.u32("length").ok()?;
    let of_length = input.u32("checksum of the length").ok()?;
    if crc32fast::hash(&length.to_be_bytes()) != of_length || length > RECORD_BYTES_MAX {
        return None;
    }
    let bytes = input.raw("record", usize::try_from(length).ok()?).ok()?;
    let checksum = input.u32("checksum").ok()?;
    (chained(previous, bytes) == checksum).then(|| (bytes.to_vec(), checksum))
}

/// The newer of the two slots whose checksum holds.
fn read_slots(file: &File) -> io::Result<Option<Slot>> {
    let mut newest: Option<Slot> = None;
    for index in 0..2 {
        let mut bytes = vec![0; usize::try_from(SLOT_BYTES).expect("512")];
        match file.read_exact_at(&mut bytes, index * SLOT_BYTES) {
            Ok(()) => (),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            Err(error) => return Err(error),
        }
        let slot = read_slot(&bytes);
        if let Some(slot) = slot
            && newest.as_ref().is_none_or(|newest| newest.sequence < slot.sequence)
        {
            newest = Some(slot);
        }
    }
    Ok(newest)
}

fn read_slot(bytes: &[u8]) -> Option<Slot> {
    let mut input = Reader::new(bytes);
    let body = input.raw("slot", usize::try_from(SLOT_BYTES - 4).ok()?).ok()?;
    if chained(0, body) != input.u32("checksum").ok()? {
        return None;
    }
    let mut input = Reader::new(body);
    Some(Slot {
        sequence: input.u64("sequence").ok()?,
        generation: input.u64("generation").ok()?,
        length: input.u64("length").ok()?,
        record: input.bytes16("safety record", 400).ok()?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: ChainId = ChainId(proto::Hash::ZERO);
    const ME: ValidatorIndex = ValidatorIndex::new(1);

    fn open(folder: &Path) -> Opened {
        Journal::open(folder, CHAIN, ME).unwrap()
    }

    fn vote(opened: &mut Opened, record: &[u8], safety: &[u8]) {
        opened.journal.append(&[record.to_vec()]).unwrap();
        opened.journal.sync().unwrap();
        opened.journal.write_safety(safety).unwrap();
    }

    #[test]
    fn what_was_synced_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = open(folder.path());
        assert!(first.fresh);
        vote(&mut first, b"prepare 1", b"s1");
        vote(&mut first, b"commit 1", b"s2");
        let second = open(folder.path());
        assert!(!second.fresh);
        assert_eq!(second.records, [b"prepare 1".to_vec(), b"commit 1".to_vec()]);
        assert_eq!((second.safety, second.damage), (Some(b"s2".to_vec()), None));
    }

    #[test]
    fn a_first_start_that_was_cut_off_is_still_the_first() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()));
        let mut again = open(folder.path());
        assert!(again.fresh, "begun, and nothing signed");
        again.journal.append(&[b"prepare 1".to_vec()]).unwrap();
        assert!(!open(folder.path()).fresh, "its vote may have left");
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).journal.compact(Vec::new(), b"s1").unwrap();
        std::fs::remove_file(folder.path().join("safety.bin")).unwrap();
        assert!(!open(folder.path()).fresh, "what it held before is unknown");
    }

    #[test]
    fn a_torn_tail_is_cut_and_writing_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = open(folder.path());
        vote(&mut first, b"prepare 1", b"s1");
        first.journal.append(&[b"never sent".to_vec()]).unwrap();
        let path = folder.path().join("journal.bin");
        let bytes = std::fs::read(&path).unwrap();
        for cut in 1..=b"never sent".len() {
            std::fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
            let mut torn = open(folder.path());
            assert_eq!((torn.records.len(), &torn.damage), (1, &None), "cut {cut}");
            vote(&mut torn, b"prepare 2", b"s2");
            let again = open(folder.path());
            assert_eq!((again.records.len(), again.damage), (2, None), "cut {cut}");
            std::fs::remove_file(folder.path().join("safety.bin")).unwrap();
            let mut slot = open(folder.path());
            slot.journal.length = slot.journal.length.min(again.journal.length);
            std::fs::write(&path, &bytes).unwrap();
        }
    }

    #[test]
    fn a_changed_or_lost_byte_below_the_stated_length_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = open(folder.path());
        vote(&mut first, b"prepare 1", b"s1");
        vote(&mut first, b"commit 1", b"s2");
        let path = folder.path().join("journal.bin");
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            assert!(open(folder.path()).damage.is_some(), "byte {at}");
            std::fs::write(&path, &bytes[..at]).unwrap();
            assert!(open(folder.path()).damage.is_some(), "cut at {at}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(open(folder.path()).damage.is_some(), "no journal beside a safety record");
    }

    #[test]
    fn a_compacted_journal_keeps_what_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = open(folder.path());
        vote(&mut first, b"old", b"s1");
        vote(&mut first, b"needed", b"s2");
        first.journal.compact(vec![b"needed".to_vec()], b"s2").unwrap();
        vote(&mut first, b"new", b"s3");
        let second = open(folder.path());
        assert_eq!(second.records, [b"needed".to_vec(), b"new".to_vec()]);
        assert_eq!((second.safety, second.damage), (Some(b"s3".to_vec()), None));
    }

    #[test]
    fn a_crash_between_compaction_and_safety_record_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = open(folder.path());
        vote(&mut first, b"old", b"s1");
        first.journal.begin(vec![b"needed".to_vec()], 2).unwrap();
        let second = open(folder.path());
        assert_eq!((second.records.len(), second.damage), (1, None));
    }

    #[test]
    fn another_chains_journal_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path());
        let error = Journal::open(folder.path(), CHAIN, ValidatorIndex::new(2)).unwrap_err();
        assert!(matches!(error, JournalError::Foreign { .. }), "{error}");
    }
}
