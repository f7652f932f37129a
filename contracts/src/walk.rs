//! The walk of a trace (`ledger/PROOFS.md`, D5), shared by the node that answers and the verifier that doubts.
//!
//! It owns which link of which log entry leads on, and in which mode. It does not own where logs
//! come from: a closure returns them, from storage or from a proof bundle. Walking is by rounds over
//! sorted sets, so that the answer depends on the logs alone, not on the order of starts, entries or
//! links.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proto::receipt::{Link, Role, Subject};
use proto::types::Height;
use thiserror::Error;

/// How a subject was reached; a higher mode follows more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Mode {
    /// By an incident or a recall: only aliases and scope are followed.
    Scoped,
    /// As a container of the goods: its contents are not lineage.
    Carrier,
    /// As the goods themselves.
    Goods,
}

/// Which relations of lineage are followed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Direction {
    /// To the sources.
    Back,
    /// To where the goods went.
    Forward,
    /// Both.
    Both,
}

impl Direction {
    const fn goes_back(self) -> bool {
        match self {
            Self::Back | Self::Both => true,
            Self::Forward => false,
        }
    }

    const fn goes_forward(self) -> bool {
        match self {
            Self::Forward | Self::Both => true,
            Self::Back => false,
        }
    }
}

/// What the walk needs of one log entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogView {
    /// Height of the receipt.
    pub height: Height,
    /// Position among the receipts of that height.
    pub receipt_index: u32,
    /// Links of the receipt, those of the log's own subject among them.
    pub links: Vec<Link>,
}

/// One followed link: `from`'s log names `to`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Edge {
    /// Subject whose log was read.
    pub from: Subject,
    /// Subject that the link names.
    pub to: Subject,
    /// Role of `to` in the receipt.
    pub role: Role,
    /// Mode in which the link leads on.
    pub mode: Mode,
    /// Height of the receipt.
    pub height: Height,
    /// Position among the receipts of that height.
    pub receipt_index: u32,
}

/// What a walk found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Walk {
    /// Every subject reached, the starts among them, with the highest mode it was reached in.
    pub reached: BTreeMap<Subject, Mode>,
    /// Every link followed.
    pub edges: BTreeSet<Edge>,
    /// Subjects reached whose logs were not read, because the limit was.
    pub truncated: BTreeSet<Subject>,
}

impl Walk {
    /// Subjects whose logs were read.
    pub fn expanded(&self) -> impl Iterator<Item = &Subject> {
        self.reached.keys().filter(|subject| !self.truncated.contains(*subject))
    }
}

/// Why a walk has no answer.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum WalkError<E> {
    /// A start that has no log of its own: parties, stations, vehicles and people are asked by day.
    #[error("a trace starts at units, certificates and declarations, not at a {kind:?}")]
    StartKind {
        /// Kind of the start.
        kind: proto::receipt::SubjectKind,
    },
    /// No start may be left out, so all of them must fit the limit.
    #[error("{starts} starts do not fit the limit of {limit} logs")]
    TooManyStarts {
        /// Distinct starts.
        starts: usize,
        /// Logs that the answer may use.
        limit: usize,
    },
    /// A log could not be read.
    #[error(transparent)]
    Log(E),
}

/// Walks from `starts`; `log` returns the entries of a subject's log, none if it is empty.
///
/// At most `unit_limit` logs are read, nearest subjects first and, at one distance, in the order of
/// their encoded kind and key.
pub fn walk<E: fmt::Debug>(
    starts: &[Subject],
    direction: Direction,
    unit_limit: usize,
    mut log: impl FnMut(&Subject) -> Result<Vec<LogView>, E>,
) -> Result<Walk, WalkError<E>> {
    let mut round: BTreeSet<Subject> = starts.iter().cloned().collect();
    if let Some(start) = round.iter().find(|start| !start.kind.has_one_log()) {
        return Err(WalkError::StartKind { kind: start.kind });
    }
    if round.len() > unit_limit {
        return Err(WalkError::TooManyStarts { starts: round.len(), limit: unit_limit });
    }
    let mut found = Walk::default();
    found.reached.extend(round.iter().cloned().map(|start| (start, Mode::Goods)));
    let mut logs: BTreeMap<Subject, Vec<LogView>> = BTreeMap::new();
    while !round.is_empty() {
        // The modes of the round are those it begins with, so that the order within it is nothing.
        let modes: Vec<(Subject, Mode)> = round
            .into_iter()
            .map(|subject| {
                let mode = *found.reached.get(&subject).expect("a round holds reached subjects");
                (subject, mode)
            })
            .collect();
        round = BTreeSet::new();
        for (subject, mode) in modes {
            if !logs.contains_key(&subject) {
                if logs.len() == unit_limit {
                    found.truncated.insert(subject);
                    continue;
                }
                logs.insert(subject.clone(), log(&subject).map_err(WalkError::Log)?);
            }
            let entries = logs.get(&subject).expect("read above, or in an earlier round");
            follow(&subject, mode, direction, entries, |_, link, next| {
                if found.reached.get(&link.subject).is_none_or(|known| *known < next) {
                    found.reached.insert(link.subject.clone(), next);
                    round.insert(link.subject.clone());
                }
            });
        }
    }
    found.edges = edges(&found.reached, direction, &logs);
    Ok(found)
}

/// Every link followed in the end: from each subject in the highest mode that it was reached in.
fn edges(
    reached: &BTreeMap<Subject, Mode>,
    direction: Direction,
    logs: &BTreeMap<Subject, Vec<LogView>>,
) -> BTreeSet<Edge> {
    let mut found = BTreeSet::new();
    for (subject, entries) in logs {
        let mode = *reached.get(subject).expect("only logs of reached subjects were read");
        follow(subject, mode, direction, entries, |entry, link, next| {
            found.insert(Edge {
                from: subject.clone(),
                to: link.subject.clone(),
                role: link.role,
                mode: next,
                height: entry.height,
                receipt_index: entry.receipt_index,
            });
        });
    }
    found
}

fn follow<'a>(
    subject: &Subject,
    mode: Mode,
    direction: Direction,
    entries: &'a [LogView],
    mut reach: impl FnMut(&'a LogView, &'a Link, Mode),
) {
    for entry in entries {
        let named = entry.links.iter().filter(|link| link.subject == *subject);
        let own: BTreeSet<Role> = named.map(|link| link.role).collect();
        for link in &entry.links {
            if link.subject == *subject || !link.subject.kind.has_one_log() {
                continue;
            }
            if let Some(next) = leads(&own, link.role, mode, direction) {
                reach(entry, link, next);
            }
        }
    }
}

/// The mode in which a link of role `role` leads on from a subject with the roles `own` in the same
/// receipt, reached in `mode`; `None` where it does not.
fn leads(own: &BTreeSet<Role>, role: Role, mode: Mode, direction: Direction) -> Option<Mode> {
    let lineage = |wanted: Role, follows: bool| {
        (follows && mode > Mode::Scoped && own.contains(&wanted)).then_some(Mode::Goods)
    };
    match role {
        Role::Same | Role::Relabel | Role::Carry | Role::Void => Some(mode),
        Role::Scope => Some(Mode::Scoped),
        Role::Input => lineage(Role::Output, direction.goes_back()),
        Role::SplitFrom => lineage(Role::SplitTo, direction.goes_back()),
        Role::DerivedParent => lineage(Role::DerivedChild, direction.goes_back()),
        Role::Output => lineage(Role::Input, direction.goes_forward()),
        Role::SplitTo => lineage(Role::SplitFrom, direction.goes_forward()),
        Role::DerivedChild => lineage(Role::DerivedParent, direction.goes_forward()),
        Role::Container => {
            (mode > Mode::Scoped && own.contains(&Role::Content)).then_some(Mode::Carrier)
        }
        // Siblings on a pallet are scope, not lineage: only what was itself the goods is unpacked.
        Role::Content => {
            (mode == Mode::Goods && own.contains(&Role::Container)).then_some(Mode::Goods)
        }
        Role::Other => None,
    }
}
