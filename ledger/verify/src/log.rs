//! Logs (D4): every entry of a subject, or a part of them, under the state of one height.

use std::collections::{BTreeMap, BTreeSet};

use ledger::bundle::{Item, Log, LogEntry};
use proto::codec::{Canonical as _, DecodeError};
use proto::hash::{Hash, Tag};
use proto::history::{DayEntry, HistoryLeaf, LogEntry as Entry, LogHead, LogKey};
use proto::limits::SUBJECT_BYTES_MAX;
use proto::receipt::{CODE_ACCEPTED, Links, ReceiptPayload, ReceiptSource, Subject, SubjectKind};
use proto::tree;
use proto::trie::Namespace;
use proto::types::Height;

use crate::chain::{decode, hashes};
use crate::failure::{At, EntryProblem, Failure, LogProblem, Part, Problem, Rule};
use crate::item::{state_proof, verify_lists};

/// A log that is proven.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedLog {
    pub(crate) subject: Subject,
    pub(crate) bucket: u32,
    /// Entries or days that the log has in the state.
    pub(crate) size: u64,
    /// Position of the first entry shown.
    pub(crate) first: u64,
    /// Whether every entry is shown.
    pub(crate) complete: bool,
    /// Entries or days shown.
    pub(crate) shown: u64,
}

/// Verifies every log of an item.
pub(crate) fn verify_all(
    at: &At,
    item: &Item,
    leaf: &HistoryLeaf,
) -> Result<Vec<VerifiedLog>, Failure> {
    let at = at.with(Rule::Log);
    let name = |log: &Log| (log.kind, log.bucket, log.subject.clone());
    if !item.logs.windows(2).all(|pair| matches!(pair, [a, b] if name(a) < name(b))) {
        return Err(at.inside("logs").fail(Problem::Order(Part::Logs)));
    }
    let one = |(position, log): (usize, &Log)| {
        let at = at.inside(&format!("logs[{position}]"));
        Shown::read(&at, log, item, leaf)?.verify(&at)
    };
    item.logs.iter().enumerate().map(one).collect()
}

/// A log as shown, with the state that it is held against.
struct Shown<'a> {
    log: &'a Log,
    item: &'a Item,
    key: LogKey,
    head: Option<LogHead>,
    height: Height,
}

impl<'a> Shown<'a> {
    /// Reads the log's name and proves its value, or its absence, in the state.
    fn read(at: &At, log: &'a Log, item: &'a Item, leaf: &HistoryLeaf) -> Result<Self, Failure> {
        let subject = log
            .subject_of()
            .parse()
            .ok_or_else(|| at.fail(Problem::Number(Part::Logs, log.kind.into())))?;
        if subject.key.len() > usize::from(SUBJECT_BYTES_MAX) {
            let found = u64::try_from(subject.key.len()).unwrap_or(u64::MAX);
            let limit = SUBJECT_BYTES_MAX.into();
            let error = DecodeError::TooLong { field: "subject", found, limit };
            return Err(at.fail(Problem::Bytes(Part::Logs, error)));
        }
        let key = LogKey { kind: subject.kind, bucket: log.bucket, subject: subject.key };
        let proof = state_proof(at, log.proof.as_ref())?;
        proof
            .verify(Namespace::Log, &key.state_key(), log.head.as_deref(), &leaf.state_root)
            .map_err(|error| at.fail(Problem::State(error)))?;
        let head = match &log.head {
            None => None,
            Some(bytes) => Some(decode(&at.inside("head"), Part::LogHead, bytes)?),
        };
        let shown = Self { log, item, key, head, height: leaf.height };
        shown.check_bucket(at)?;
        Ok(shown)
    }

    fn subject(&self) -> Subject {
        Subject { kind: self.key.kind, key: self.key.subject.clone() }
    }

    fn is_complete(&self) -> bool {
        self.log.first == 0 && self.log.cover.is_empty()
    }

    fn is_directory(&self) -> bool {
        !self.key.kind.has_one_log() && self.key.bucket == 0
    }

    /// Kinds with one log keep it in bucket 0; the others keep days there, and entries elsewhere.
    fn check_bucket(&self, at: &At) -> Result<(), Failure> {
        let has_bucket = self.key.bucket == 0 || !self.key.kind.has_one_log();
        let right_content = if self.is_directory() {
            self.log.entries.is_empty()
        } else {
            self.log.days.is_empty()
        };
        if has_bucket && right_content {
            Ok(())
        } else {
            Err(at.entry(EntryProblem::Bucket { bucket: self.key.bucket }))
        }
    }

    fn verify(&self, at: &At) -> Result<VerifiedLog, Failure> {
        let complete = self.is_complete();
        let proven = |size| VerifiedLog {
            subject: self.subject(),
            bucket: self.key.bucket,
            size,
            first: self.log.first,
            complete,
            shown: u64::try_from(self.log.entries.len().max(self.log.days.len()))
                .unwrap_or(u64::MAX),
        };
        let Some(head) = &self.head else {
            let nothing = self.log.entries.is_empty() && self.log.days.is_empty() && complete;
            let subject = self.subject();
            return if nothing {
                Ok(proven(0))
            } else {
                Err(at.log(LogProblem::EmptyWithEntries { subject }))
            };
        };
        if !self.is_directory() && complete {
            self.check_count(at, head)?;
        }
        let (leaves, last) = if self.is_directory() { self.days(at)? } else { self.entries(at)? };
        self.check_root(at, head, &leaves)?;
        self.check_last(at, head, u64::try_from(leaves.len()).unwrap_or(u64::MAX), last)?;
        Ok(proven(head.size()))
    }

    /// Says which entries were left out, as far as anything shown betrays it.
    fn check_count(&self, at: &At, head: &LogHead) -> Result<(), Failure> {
        let of = head.size();
        let found = u64::try_from(self.log.entries.len()).unwrap_or(u64::MAX);
        let subject = self.subject();
        let at = at.inside("entries");
        if found > of {
            return Err(at.log(LogProblem::Long { subject, found, of }));
        }
        if found == of {
            return Ok(());
        }
        let named = self.betrayed(head).or_else(|| self.gaps(head));
        Err(at.log(match named {
            Some(numbers) => LogProblem::EventsMissing { subject, numbers, of },
            None => LogProblem::Short { subject, found, of },
        }))
    }

    /// Numbers of the missing entries, where the other logs of the item show all of them: they name
    /// this subject, and with them the root is right.
    fn betrayed(&self, head: &LogHead) -> Option<Vec<u64>> {
        let subject = self.subject();
        if !self.key.kind.has_one_log() {
            return None;
        }
        let leaf = |entry: &LogEntry| {
            let height = Height::new(entry.height);
            let receipt_leaf = Tag::Receipt.hash(&entry.receipt);
            Entry { height, receipt_index: entry.receipt_index, receipt_leaf }.leaf()
        };
        let place = |entry: &LogEntry| (entry.height, entry.receipt_index);
        let here: BTreeSet<(u64, u32)> = self.log.entries.iter().map(place).collect();
        let names_it = |entry: &&LogEntry| {
            Links::decode(&entry.links)
                .is_ok_and(|links| links.as_slice().iter().any(|link| link.subject == subject))
        };
        let all: BTreeMap<(u64, u32), Hash> = (self.item.logs.iter())
            .flat_map(|log| &log.entries)
            .filter(names_it)
            .chain(&self.log.entries)
            .map(|entry| (place(entry), leaf(entry)))
            .collect();
        let leaves: Vec<Hash> = all.values().copied().collect();
        if tree::root(&leaves) != head.root() {
            return None;
        }
        Some((1..).zip(all.keys()).filter(|(_, at)| !here.contains(at)).map(|(n, _)| n).collect())
    }

    /// Numbers of the missing entries by the gaps between the positions that are carried; `None`
    /// where these hide them.
    fn gaps(&self, head: &LogHead) -> Option<Vec<u64>> {
        let shown: BTreeSet<u64> = self.log.entries.iter().map(|entry| entry.index).collect();
        let all_distinct = shown.len() == self.log.entries.len();
        let lost = head.size().saturating_sub(u64::try_from(shown.len()).ok()?);
        let within = shown.last().is_none_or(|last| *last < head.size());
        if !all_distinct || !within || lost > MISSING_NAMED_MAX {
            return None;
        }
        let gaps: Vec<u64> = (0..head.size()).filter(|index| !shown.contains(index)).collect();
        let last_height = self.log.entries.last().map(|entry| entry.height);
        // Positions that end too early although the last entry is there were written anew.
        let renumbered = last_height == Some(head.last_height.value())
            && gaps.last().is_some_and(|last| last + 1 == head.size());
        (!renumbered).then(|| gaps.iter().map(|index| index + 1).collect())
    }

    /// Leaves of the entries shown, and the height of the last.
    fn entries(&self, at: &At) -> Result<(Vec<Hash>, Option<Height>), Failure> {
        let mut leaves = Vec::with_capacity(self.log.entries.len());
        let mut last: Option<(Height, u32)> = None;
        for (position, entry) in self.log.entries.iter().enumerate() {
            let at = at.inside(&format!("entries[{position}]"));
            let offset = u64::try_from(position).unwrap_or(u64::MAX);
            let expected = self.log.first.saturating_add(offset);
            at.equal(Part::Logs, "index", entry.index, expected)?;
            let place = (Height::new(entry.height), entry.receipt_index);
            if last.is_some_and(|last| last >= place) || place.0 > self.height {
                return Err(at.entry(EntryProblem::EntryOrder { height: entry.height }));
            }
            last = Some(place);
            leaves.push(self.verify_entry(&at, entry)?);
        }
        Ok((leaves, last.map(|(height, _)| height)))
    }

    fn verify_entry(&self, at: &At, entry: &LogEntry) -> Result<Hash, Failure> {
        let payload: ReceiptPayload = decode(&at.inside("receipt"), Part::Receipt, &entry.receipt)?;
        let (links, _) = verify_lists(at, &payload, &entry.links, &entry.alerts)?;
        let subject = self.subject();
        let links = links.as_slice();
        if !links.iter().any(|link| link.subject == subject) {
            let (height, receipt_index) = (entry.height, entry.receipt_index);
            return Err(at.entry(EntryProblem::NotNamed { height, receipt_index }));
        }
        let refusal_of_party = self.key.kind == SubjectKind::Party && links.len() == 1;
        if payload.code != CODE_ACCEPTED && !refusal_of_party {
            return Err(at.entry(EntryProblem::Code { code: payload.code }));
        }
        if let Some(body) = &entry.body {
            let tag = match &payload.source {
                ReceiptSource::Operation { .. } => Tag::Op,
                ReceiptSource::System { .. } => Tag::Step,
            };
            if tag.hash(body) != *payload.source.leaf() {
                return Err(at.inside("body").fail(Problem::Hash(Part::Body)));
            }
        }
        let height = Height::new(entry.height);
        let receipt_leaf = Tag::Receipt.hash(&entry.receipt);
        Ok(Entry { height, receipt_index: entry.receipt_index, receipt_leaf }.leaf())
    }

    /// Leaves of the days shown, and the height of the last.
    fn days(&self, at: &At) -> Result<(Vec<Hash>, Option<Height>), Failure> {
        let mut leaves = Vec::with_capacity(self.log.days.len());
        let mut used = BTreeSet::new();
        let mut last: Option<Height> = None;
        for (position, day) in self.log.days.iter().enumerate() {
            let at = at.inside(&format!("days[{position}]"));
            if day.bucket == 0 || !used.insert(day.bucket) {
                return Err(at.entry(EntryProblem::Bucket { bucket: day.bucket }));
            }
            let height = Height::new(day.height);
            if last.is_some_and(|last| last > height) || height > self.height {
                return Err(at.entry(EntryProblem::EntryOrder { height: day.height }));
            }
            last = Some(height);
            leaves.push(DayEntry { bucket: day.bucket, height }.leaf());
        }
        Ok((leaves, last))
    }

    fn check_root(&self, at: &At, head: &LogHead, leaves: &[Hash]) -> Result<(), Failure> {
        let subject = self.subject();
        let root = if self.is_complete() {
            let found = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
            if found != head.size() {
                let of = head.size();
                return Err(at.log(if found > of {
                    LogProblem::Long { subject, found, of }
                } else {
                    LogProblem::DaysMissing { subject, found, of }
                }));
            }
            tree::root(leaves)
        } else {
            let cover = hashes(&at.inside("cover"), &self.log.cover)?;
            range_root(self.log.first, leaves, head.size(), &cover)
                .ok_or_else(|| at.entry(EntryProblem::Cover))?
        };
        if root == head.root() { Ok(()) } else { Err(at.log(LogProblem::Root { subject })) }
    }

    /// The last entry stands where the state says, if it is among those shown.
    fn check_last(
        &self,
        at: &At,
        head: &LogHead,
        count: u64,
        last: Option<Height>,
    ) -> Result<(), Failure> {
        let expected = head.last_height.value();
        if head.last_height > self.height {
            return Err(at.entry(EntryProblem::EntryOrder { height: expected }));
        }
        match last {
            Some(found)
                if self.log.first.saturating_add(count) == head.size()
                    && found != head.last_height =>
            {
                Err(at.entry(EntryProblem::LastHeight { found: found.value(), expected }))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Missing entries that a sentence names one by one.
const MISSING_NAMED_MAX: u64 = 16;

/// Root of a tree of `size` leaves of which `leaves` stand from `first` on, the others being covered
/// by the roots of the maximal subtrees that hold none of them, left to right. `None` where the
/// shape does not fit.
fn range_root(first: u64, leaves: &[Hash], size: u64, cover: &[Hash]) -> Option<Hash> {
    let end = first.checked_add(u64::try_from(leaves.len()).ok()?)?;
    if leaves.is_empty() || end > size {
        return None;
    }
    let mut range = Range { first, end, leaves: leaves.iter(), cover: cover.iter() };
    let root = range.subtree(0, size)?;
    (range.leaves.next().is_none() && range.cover.next().is_none()).then_some(root)
}

struct Range<'a> {
    first: u64,
    end: u64,
    leaves: std::slice::Iter<'a, Hash>,
    cover: std::slice::Iter<'a, Hash>,
}

impl Range<'_> {
    fn subtree(&mut self, start: u64, size: u64) -> Option<Hash> {
        if start >= self.end || start.checked_add(size)? <= self.first {
            return self.cover.next().copied();
        }
        if size == 1 {
            return self.leaves.next().copied();
        }
        // Largest power of two below the size, as everywhere in RFC 9162.
        let left = 1 << (u64::BITS - 1 - (size - 1).leading_zeros());
        let (left_root, right_root) =
            (self.subtree(start, left)?, self.subtree(start + left, size - left)?);
        Some(tree::node(&left_root, &right_root))
    }
}
