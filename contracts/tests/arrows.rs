#![cfg(test)]
//! The rooms of `contracts/src` and the arrows between them: a module names only what stands in an
//! earlier line, or in its own room.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms, the ones that may be named by all first. Modules of one line may name those left of them.
const ROOMS: [&[&str]; 9] = [
    &["version", "identifier", "refusal", "key", "scheme", "record"],
    &["state"],
    &["codes", "links", "privacy", "fact", "context", "step", "due"],
    &["trace", "place", "walk"],
    &["effect"],
    &["registry", "goods", "matching"],
    &["risk"],
    &["release", "evaluation", "finding", "correction", "act", "backfill", "governance"],
    &["admission", "execute", "query"],
];

fn order(module: &str) -> Option<usize> {
    ROOMS.iter().flat_map(|room| room.iter()).position(|known| *known == module)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a source text imports from the root of the crate.
fn imported(text: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for statement in text.split("use crate::").skip(1) {
        let statement = statement.split(';').next().unwrap_or_default();
        let names: Vec<&str> = match statement.strip_prefix('{') {
            Some(list) => list.trim_end_matches(['}', '\n']).split(',').collect(),
            None => vec![statement],
        };
        let head = |name: &str| name.trim().split([':', ' ', '{']).next().unwrap_or("").to_owned();
        modules.extend(names.into_iter().map(head).filter(|name| !name.is_empty()));
    }
    modules
}

#[test]
fn no_module_imports_one_that_stands_behind_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    found.sort();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in found {
        let inside = path.strip_prefix(&root).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let own = order(module).unwrap_or_else(|| panic!("{module} stands in no room"));
        for other in imported(&fs::read_to_string(&path).unwrap()) {
            let at = order(&other).unwrap_or_else(|| panic!("{other} stands in no room"));
            seen += 1;
            if at > own {
                wrong.push(format!("{} imports {other}", inside.display()));
            }
        }
    }
    assert!(seen > 100, "the sources were read: {seen} imports");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn imports_are_found_alone_and_in_lists() {
    let text = "use crate::key::{a, b};\nuse crate::{codes, due};\nuse crate::state::Rows;\n";
    assert_eq!(imported(text), ["key", "codes", "due", "state"]);
}
