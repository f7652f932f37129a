//! A trace as a tree: each subject once, below the one that led to it first.

use std::collections::{BTreeMap, BTreeSet};

use contracts::walk::Edge;
use ledger::words::{self, Words};
use proto::codec::Canonical as _;
use proto::operation::Operation;
use proto::receipt::{Role, Subject};
use proto::schema::OperationKind;
use proto::types::Height;

use super::{Language, line};
use crate::report::{Event, TracePart};

/// Spaces by which a level is set in.
const INDENT: usize = 2;

/// Levels set in; deeper ones stay in this column, so that lines stay readable.
const LEVELS_MAX: usize = 24;

/// How one subject leads to another: by which roles, in which receipts.
#[derive(Default)]
struct Branch {
    roles: BTreeSet<Role>,
    places: BTreeSet<(Height, u32)>,
}

/// Prints the tree.
pub(super) fn print(out: &mut String, language: Language, trace: &TracePart) {
    let branches = branches(&trace.walk.edges);
    let disputes = disputes(&trace.events);
    let counts = counts(&trace.events);
    let truncated: BTreeSet<&Subject> = trace.truncated.iter().collect();
    let mut printed: BTreeSet<&Subject> = BTreeSet::new();
    let mut stack: Vec<Node<'_>> = Vec::new();
    for start in trace.starts.iter().rev() {
        stack.push(Node { subject: start, depth: 0, parent: None, label: Words::default() });
    }
    while let Some(node) = stack.pop() {
        let again = !printed.insert(node.subject);
        let note = if again {
            language.pick("（见上）", " (see above)").to_owned()
        } else if truncated.contains(node.subject) {
            language.pick("（未展开）", " (not opened)").to_owned()
        } else {
            let count = counts.get(node.subject).copied().unwrap_or(0);
            match language {
                Language::Zh => format!("（{count} 条记录）"),
                Language::En => format!(" ({count} records)"),
            }
        };
        let indent = " ".repeat(INDENT * node.depth.min(LEVELS_MAX));
        let name = words::subject(node.subject);
        let (label, name) = (language.of(&node.label), language.of(&name));
        line(out, format_args!("{indent}{label}{name}{note}"));
        if again {
            continue;
        }
        let Some(children) = branches.get(node.subject) else { continue };
        for (child, branch) in children.iter().rev() {
            // A relation is found from both its ends; towards the parent it says nothing new.
            if node.parent != Some(*child) {
                let label = label_of(branch, &disputes);
                let parent = Some(node.subject);
                stack.push(Node { subject: child, depth: node.depth + 1, parent, label });
            }
        }
    }
}

struct Node<'a> {
    subject: &'a Subject,
    depth: usize,
    parent: Option<&'a Subject>,
    label: Words,
}

type Branches<'a> = BTreeMap<&'a Subject, BTreeMap<&'a Subject, Branch>>;

fn branches(edges: &BTreeSet<Edge>) -> Branches<'_> {
    let mut found = Branches::new();
    for edge in edges {
        let branch = found.entry(&edge.from).or_default().entry(&edge.to).or_default();
        branch.roles.insert(edge.role);
        branch.places.insert((edge.height, edge.receipt_index));
    }
    found
}

/// Receipts whose operation disputes a match.
fn disputes(events: &[Event]) -> BTreeSet<(Height, u32)> {
    let disputing = |event: &&Event| {
        let body = event.body.as_ref().filter(|_| !event.system);
        let operation = body.and_then(|bytes| Operation::decode(bytes).ok());
        operation.is_some_and(|one| one.kind == OperationKind::MatchDispute.code())
    };
    let place = |event: &Event| event.receipt_index.map(|index| (event.height, index));
    events.iter().filter(disputing).filter_map(place).collect()
}

/// How many records name each subject.
fn counts(events: &[Event]) -> BTreeMap<&Subject, usize> {
    let mut found = BTreeMap::new();
    for event in events {
        let named: BTreeSet<&Subject> = event.links.iter().map(|link| &link.subject).collect();
        for subject in named {
            *found.entry(subject).or_insert(0) += 1;
        }
    }
    found
}

fn label_of(branch: &Branch, disputes: &BTreeSet<(Height, u32)>) -> Words {
    let mut texts: Vec<(&str, &str)> = Vec::new();
    for role in &branch.roles {
        let text = role_text(*role);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    if !branch.places.is_disjoint(disputes) {
        texts.push(("有异议", "disputed"));
    }
    let zh: Vec<&str> = texts.iter().map(|(zh, _)| *zh).collect();
    let en: Vec<&str> = texts.iter().map(|(_, en)| *en).collect();
    Words::new(format!("[{}] ", zh.join("，")), format!("[{}] ", en.join(", ")))
}

const fn role_text(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Input => ("来自", "from"),
        Role::Output => ("制成", "made into"),
        Role::Container => ("装于", "packed in"),
        Role::Content => ("装有", "contains"),
        Role::Same => ("同货", "same goods"),
        Role::Relabel => ("换签", "relabelled"),
        Role::Carry => ("沿用", "carried over"),
        Role::Void => ("匹配已作废", "match withdrawn"),
        Role::SplitFrom => ("拆自", "split from"),
        Role::SplitTo => ("拆为", "split into"),
        Role::DerivedParent => ("上级码", "parent by code"),
        Role::DerivedChild => ("下级码", "child by code"),
        Role::Scope => ("事件范围", "in the scope of"),
        Role::Other => ("提及", "named with"),
    }
}
