#![cfg(test)]
//! Keeps the house in order: which crate may use which, who may name what, sizes, lints, licences,
//! duplicate versions, front pages. It reads manifests and sources and runs nothing of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Lines of a file: what a reader keeps in mind at once.
const FILE_LINES_MAX: usize = 800;

/// What may stand at the top of the repository, dotfiles aside. Build output is not part of it.
const TOP_LEVEL: [&str; 13] = [
    "Cargo.toml",
    "Cargo.lock",
    "node",
    "consensus",
    "ledger",
    "proto",
    "contracts",
    "genesis",
    "scripts",
    "tests",
    "README.md",
    "LICENSE",
    "target",
];

/// Which crate may use which, and no other.
const EDGES: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("api", &["proto"]),
    ("client", &["proto", "api", "contracts", "import", "ledger", "verify", "genesis"]),
    ("consensus", &["proto"]),
    ("sim", &["proto", "consensus"]),
    ("contracts", &["proto"]),
    ("import", &["proto", "contracts"]),
    ("ledger", &["proto", "contracts", "genesis"]),
    ("rocks", &["ledger"]),
    ("verify", &["proto", "contracts", "ledger", "genesis"]),
    ("genesis", &["proto"]),
    ("node", &["proto", "api", "consensus", "contracts", "import", "ledger", "rocks", "genesis"]),
    (
        "tests",
        &[
            "proto",
            "api",
            "client",
            "consensus",
            "sim",
            "contracts",
            "import",
            "ledger",
            "rocks",
            "verify",
            "genesis",
            "node",
        ],
    ),
];

/// Uses in tests beyond [`EDGES`], with the reason.
const TEST_EDGES: &[(&str, &str, &str)] = &[
    ("ledger", "import", "its tests and benchmarks read the sample world"),
    ("verify", "import", "its tests read the sample world"),
    ("rocks", "genesis", "its tests copy a ledger onto a disk and damage it"),
    ("rocks", "proto", "as above"),
    ("api", "proto", "its tests compare the schema with the vocabulary"),
];

/// What must never be built for whom, however far down: packages, words that begin a forbidden name.
const NEVER_BELOW: &[(&[&str], &[&str])] = &[
    (
        &["proto", "consensus", "contracts", "import", "ledger", "genesis", "sim"],
        &["librocksdb-sys", "libp2p", "tokio", "tonic"],
    ),
    (&["verify"], &["librocksdb-sys", "libp2p", "tokio", "tonic"]),
    (&["client"], &["librocksdb-sys", "libp2p"]),
];

/// Crates that opt out of the workspace's lints as a whole, with the reason.
const WITHOUT_LINTS: &[(&str, &str)] = &[("api", "its code is generated")];

/// Licences that a dependency may be used under.
const LICENCES: [&str; 14] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
    // Copyleft file by file: using an unchanged library asks for nothing.
    "MPL-2.0",
];

/// Texts that have no place in a finished repository. Written in halves, so that this file holds none.
const UNFINISHED: [(&str, &str); 7] = [
    ("TO", "DO"),
    ("FIX", "ME"),
    ("place", "holder"),
    ("not imple", "mented"),
    ("to", "do!("),
    ("/ro", "ot/"),
    ("/ho", "me/"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the root").to_owned()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata reads the workspace")
}

/// Every file of the repository that is text, relative to the root, with its content.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the repository is readable") {
            let path = entry.expect("the repository is readable").path();
            let name =
                path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            if path.is_dir() {
                // Build output, git, and data sets that are not written here.
                if name != "target" && name != ".git" && name != "data" {
                    folders.push(path);
                }
                continue;
            }
            let relative = path.strip_prefix(root()).expect("below the root").to_string_lossy();
            let wanted = ["rs", "md", "toml", "proto", "txt"]
                .iter()
                .any(|wanted| path.extension().is_some_and(|extension| extension == *wanted));
            if wanted || relative.starts_with("scripts/") || relative.starts_with(".ci/") {
                let text = fs::read_to_string(&path).unwrap_or_else(|error| {
                    panic!("{relative}: {error}");
                });
                found.insert(relative.into_owned(), text);
            }
        }
    }
    found
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// Lines of a data file: fields between bars.
fn rows(text: &'static str) -> Vec<[&'static str; 3]> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let fields: Vec<&str> = line.split(" | ").collect();
            fields.try_into().unwrap_or_else(|_| panic!("{line:?}: expected three fields"))
        })
        .collect()
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

/// Names and versions that are built, for this machine, below `packages` or the whole workspace.
fn built(packages: &[&str], kinds: &str, format: &str) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(["tree", "--locked", "--prefix", "none", "-e", kinds]);
    command.args(["-f", format]);
    if packages.is_empty() {
        command.arg("--workspace");
    }
    for package in packages {
        command.args(["-p", package]);
    }
    let output = command.output().expect("cargo runs, it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names are UTF-8");
    let line = |line: &str| line.replace(" (*)", "").replace(" (proc-macro)", "");
    text.lines().filter(|text| !text.is_empty()).map(line).collect()
}

#[test]
fn crates_use_only_what_the_design_lets_them_use() {
    let metadata = metadata();
    let known: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some(allowed) = known.get(name) else {
            wrong.push(format!("{name} is not in the list of crates"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|one| one.path.is_some()) {
            let used = dependency.name.as_str();
            let in_tests = dependency.kind == DependencyKind::Development
                && TEST_EDGES.iter().any(|(from, to, _)| (*from, *to) == (name, used));
            if !allowed.contains(&used) && !in_tests {
                wrong.push(format!("{name} -> {used} ({:?})", dependency.kind));
            }
        }
    }
    assert_none("arrows that are not in the design", &wrong);
    assert_eq!(metadata.packages.len(), EDGES.len(), "a crate of the list is gone");
}

#[test]
fn the_quick_crates_build_neither_database_nor_network() {
    let mut wrong = Vec::new();
    for (packages, never) in NEVER_BELOW {
        let below = built(packages, "normal,build,dev", "{p}");
        for name in &below {
            if never.iter().any(|word| name.starts_with(word)) {
                wrong.push(format!("{name} below {}", packages.join(", ")));
            }
        }
    }
    assert_none("dependencies that must not be there", &wrong);
}

#[test]
fn each_word_stands_only_where_it_may() {
    let rows = rows(include_str!("tidy/names.txt"));
    let words: BTreeSet<&str> = rows.iter().map(|[word, ..]| *word).collect();
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let tested = path.starts_with("tests/") || path.contains("/tests/");
        let aside = ["/benches/", "/examples/"].iter().any(|folder| path.contains(folder));
        if !is_rust(&path) || tested || aside {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            // Tests stand last in a file; they may write what they like.
            if line == "#[cfg(test)]" {
                break;
            }
            let code = line.trim_start();
            for word in words.iter().filter(|word| !code.starts_with("//") && code.contains(**word))
            {
                let row = rows.iter().find(|[allowed, place, _]| {
                    allowed == word && Path::new(&path).starts_with(place)
                });
                match row {
                    Some(row) => drop(used.insert(*row)),
                    None => wrong.push(format!("{path}:{number}: {word}")),
                }
            }
        }
    }
    assert_none("words where they may not stand (tests/tests/tidy/names.txt)", &wrong);
    let stale: Vec<String> =
        rows.iter().filter(|row| !used.contains(*row)).map(|row| row.join(" | ")).collect();
    assert_none("lines of names.txt that are no longer true", &stale);
}

#[test]
fn no_file_is_longer_than_a_reader_can_bear() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(path, _)| is_rust(path))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert_none("files over 800 lines", &long);
}

#[test]
fn every_file_says_on_top_what_it_owns() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| is_rust(path))
        .filter(|(_, text)| {
            let mut lines =
                text.lines().filter(|line| !line.is_empty() && !line.starts_with("#![c"));
            !lines.next().is_some_and(|line| {
                line.starts_with("//!") || line.starts_with("#![doc = include_str!")
            })
        })
        .map(|(path, _)| path)
        .collect();
    assert_none("files without a first sentence", &silent);
}

#[test]
fn test_files_are_marked_as_tests() {
    let unmarked: Vec<String> = sources()
        .into_iter()
        .filter(|(path, text)| {
            let parts: Vec<&str> = path.split('/').collect();
            // Modules of a test inherit the mark of its root.
            let root = match parts.as_slice() {
                [.., "tests", name] => is_rust(name),
                [.., "tests", _, "main.rs"] => true,
                _ => false,
            };
            root && !text.contains("#![cfg(test)]")
        })
        .map(|(path, _)| path)
        .collect();
    assert_none("test files without #![cfg(test)]", &unmarked);
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let mut wrong = Vec::new();
    for package in &metadata().packages {
        let text = fs::read_to_string(&package.manifest_path).expect("a manifest is readable");
        let takes = text.contains("[lints]\nworkspace = true");
        let excused = WITHOUT_LINTS.iter().any(|(name, _)| *name == package.name.as_str());
        if takes == excused {
            wrong.push(format!("{}: takes them {takes}, excused {excused}", package.name));
        }
        let own = package.manifest_path.with_file_name(".clippy.toml");
        if own.exists() {
            wrong.push(format!("{own}: replaces the workspace's file as a whole"));
        }
    }
    assert_none("lints", &wrong);
}

#[test]
fn every_crate_opens_with_its_readme() {
    let mut wrong = Vec::new();
    for package in &metadata().packages {
        let folder = package.manifest_path.parent().expect("a manifest stands in a folder");
        let front = ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file));
        let opens = front.iter().any(|file| {
            fs::read_to_string(file)
                .is_ok_and(|text| text.contains("#![doc = include_str!(\"../README.md\")]"))
        });
        let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
        if !opens || readme.lines().count() < 5 {
            let name = &package.name;
            wrong.push(format!("{name}: front page {opens}, {} lines", readme.lines().count()));
        }
        if !described(package) {
            wrong.push(format!("{}: no description", package.name));
        }
    }
    assert_none("front pages", &wrong);
}

fn described(package: &Package) -> bool {
    package.description.as_ref().is_some_and(|text| !text.is_empty())
}

#[test]
fn the_top_level_has_its_fixed_names() {
    let strange: Vec<String> = fs::read_dir(root())
        .expect("the repository is readable")
        .map(|entry| entry.expect("it is readable").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()))
        .collect();
    assert_none("names that do not belong at the top level", &strange);
}

#[test]
fn nothing_unfinished_is_left_lying_about() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (number, line) in (1..).zip(text.lines()) {
            for (first, second) in UNFINISHED {
                if line.contains(&format!("{first}{second}")) {
                    wrong.push(format!("{path}:{number}: {first}{second}"));
                }
            }
        }
    }
    assert_none("unfinished work, or paths of one machine", &wrong);
}

#[test]
fn versions_are_built_twice_only_for_a_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in built(&[], "normal,build,dev", "{p}") {
        let mut words = line.split(' ').map(str::to_owned);
        let (name, version) = (words.next(), words.next());
        let version = version.unwrap_or_else(|| panic!("{line:?}: expected name and version"));
        versions.entry(name.expect("a line has a word")).or_default().insert(version);
    }
    let found: BTreeMap<String, usize> = versions
        .into_iter()
        .map(|(name, versions)| (name, versions.len()))
        .filter(|(_, count)| *count > 1)
        .collect();
    let listed: BTreeMap<String, usize> = rows(include_str!("tidy/duplicates.txt"))
        .into_iter()
        .map(|[name, count, _]| (name.to_owned(), count.parse().expect("a number of versions")))
        .collect();
    assert_eq!(found, listed, "left: what is built; right: tests/tests/tidy/duplicates.txt");
}

#[test]
fn every_dependency_may_be_used() {
    let mut wrong = Vec::new();
    for line in built(&[], "normal,build,dev", "{p}|{l}") {
        let (name, licence) = line.rsplit_once('|').expect("written with a bar");
        if !allowed(licence) {
            wrong.push(format!("{name}: {licence:?}"));
        }
    }
    assert_none("dependencies under other licences", &wrong);
}

/// Whether an SPDX expression can be met with allowed licences alone.
fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    let met = any_of(&mut rest);
    met && rest.is_empty()
}

fn any_of(rest: &mut &[&str]) -> bool {
    let mut met = all_of(rest);
    while let [first, tail @ ..] = rest
        && *first == "OR"
    {
        *rest = tail;
        met |= all_of(rest);
    }
    met
}

fn all_of(rest: &mut &[&str]) -> bool {
    let mut met = one_of(rest);
    while let [first, tail @ ..] = rest
        && *first == "AND"
    {
        *rest = tail;
        met &= one_of(rest);
    }
    met
}

fn one_of(rest: &mut &[&str]) -> bool {
    match *rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let met = any_of(rest);
            match *rest {
                [")", tail @ ..] => {
                    *rest = tail;
                    met
                }
                _ => false,
            }
        }
        [name, "WITH", exception, tail @ ..] => {
            *rest = tail;
            LICENCES.contains(&format!("{name} WITH {exception}").as_str())
        }
        [name, tail @ ..] => {
            *rest = tail;
            LICENCES.contains(name)
        }
        [] => false,
    }
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    for (expression, expected) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("MIT / GPL-3.0", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("MIT AND (GPL-3.0 OR ISC)", true),
        ("(GPL-3.0 OR MIT) AND GPL-3.0", false),
        ("MIT OR GPL-3.0 AND GPL-2.0", true),
        ("GPL-3.0 AND GPL-2.0 OR MIT", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-3.0 WITH Classpath-exception-2.0", false),
        ("", false),
        ("(MIT", false),
        ("MIT)", false),
        ("MIT GPL-3.0", false),
    ] {
        assert_eq!(allowed(expression), expected, "{expression:?}");
    }
}
