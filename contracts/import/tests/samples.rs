#![cfg(test)]
//! The public sample documents, where the environment variable `JJJ_SAMPLES` says they are: every
//! event is recorded or rejected for a stated reason, and lineage is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use import::{Imported, Mapping, Source, import};
use proto::operation::OpUid;
use proto::schema::Body;

/// The folder of the samples; none, with a message, where there is none.
#[expect(clippy::disallowed_methods, reason = "the samples are not part of the project")]
fn samples(folder: &str) -> Option<PathBuf> {
    let found = std::env::var("JJJ_SAMPLES").ok().map(|root| Path::new(&root).join(folder));
    let found = found.filter(|path| path.is_dir());
    if found.is_none() {
        println!("skipped: JJJ_SAMPLES names no folder with {folder}");
    }
    found
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|end| end == "json" || end == "jsonld") {
            out.push(path);
        }
    }
    out.sort();
}

fn read(path: &Path) -> Imported {
    let bytes = std::fs::read(path).unwrap();
    import(&bytes, &Source::Epcis).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_event_of_the_samples_is_recorded_or_refused_for_a_reason() {
    for folder in ["gs1-EPCIS", "TraceabilityDriver"] {
        let Some(folder) = samples(folder) else { continue };
        let mut paths = Vec::new();
        files(&folder, &mut paths);
        assert!(!paths.is_empty(), "{} holds documents", folder.display());
        for path in paths {
            let read = read(&path);
            println!(
                "{}: {} events, {} operations",
                path.display(),
                read.rows,
                read.operations.len()
            );
            assert!(read.rows > 0, "{}", path.display());
            let refused: Vec<(u64, &str, &str)> =
                read.rejected.iter().map(|r| (r.row, &*r.column, &*r.rule)).collect();
            if path.ends_with("AssociationEvent-h.jsonld") {
                // The example says its event's id twice, with two values.
                assert_eq!(refused, [(1, "eventID", "DUPLICATE_KEY")]);
                continue;
            }
            assert_eq!(refused, [], "{}", path.display());
            let taken = u64::try_from(read.operations.len()).unwrap();
            assert_eq!(taken + read.duplicates, read.rows, "{}", path.display());
        }
    }
}

#[test]
fn the_last_lot_of_the_seafood_chain_leads_back_to_the_hatchery() {
    let Some(folder) = samples("TraceabilityDriver") else { return };
    for file in ["FullData.json", "testdata001.json"] {
        let mut sources: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut steps = BTreeMap::new();
        for prepared in read(&folder.join(file)).operations {
            let Body::Observation(seen) = prepared.body else { panic!("{file}: a native event") };
            for output in &seen.outputs {
                sources.entry(output.clone()).or_default().extend(seen.inputs.iter().cloned());
                steps.insert(output.clone(), seen.business_step.clone());
            }
        }
        let mut reached = BTreeSet::new();
        let mut open =
            vec!["urn:gdst:example.org:product:lot:class:processor.2u.v1-0122-2022".to_owned()];
        while let Some(lot) = open.pop() {
            if reached.insert(lot.clone()) {
                open.extend(sources.get(&lot).into_iter().flatten().cloned());
            }
        }
        let hatchery = "urn:gdst:example.org:product:lot:class:hatchery.1u.tf12012021";
        assert!(reached.contains(hatchery), "{file}: {reached:?}");
        assert_eq!(steps[hatchery], "urn:gdst:bizStep:hatching", "{file}");
    }
}

#[test]
fn one_event_in_two_documents_is_one_operation() {
    let Some(folder) = samples("gs1-EPCIS") else { return };
    let mut first: BTreeMap<OpUid, Vec<u8>> = BTreeMap::new();
    let (mut again, mut reused) = (0, 0);
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    for path in paths {
        for prepared in read(&path).operations {
            let bytes = prepared.body.encode();
            match first.get(&prepared.uid) {
                Some(known) if *known == bytes => again += 1,
                Some(_) => reused += 1,
                None => {
                    first.insert(prepared.uid, bytes);
                }
            }
        }
    }
    assert!(again > 0, "the examples repeat events");
    // One example gives the id of another's event to an event of its own: the ledger answers the
    // later one with OP_UID_REUSED.
    assert_eq!(reused, 1);
}

/// How the sortable spreadsheet of FSMA 204 is read: what has no type of ours is an observation.
const SORTABLE: &str = r#"
platform = "inflow-lab"
format = "csv"
encoding = "utf-8"
zone = "+00:00"
[[rule]]
name = "made"
kind = "observation"
when = { cte_type = ["INITIAL_PACKING", "TRANSFORMATION"] }
record = ["fixture", "cte_type", "traceability_lot_code", "timestamp"]
[rule.fields]
occurred_ms = { column = "timestamp", as = "time", format = "rfc3339" }
format = { constant = "fsma204-csv" }
original = "kdes_json"
inputs = { column = "parent_lot_codes", split = "|" }
outputs = { column = "traceability_lot_code", as = "list" }
stations = { column = "location_name", as = "list" }
[[rule]]
name = "seen"
kind = "observation"
when = { cte_type = ["HARVESTING", "COOLING", "SHIPPING", "RECEIVING"] }
record = ["fixture", "cte_type", "traceability_lot_code", "timestamp"]
[rule.fields]
occurred_ms = { column = "timestamp", as = "time", format = "rfc3339" }
format = { constant = "fsma204-csv" }
original = "kdes_json"
codes = { column = "traceability_lot_code", as = "list" }
stations = { column = "location_name", as = "list" }
"#;

#[test]
fn a_spreadsheet_of_fsma_204_is_read_by_a_mapping_file() {
    let Some(folder) = samples("regengine-inflow-lab-fsma204") else { return };
    let mapping = Mapping::parse(SORTABLE).unwrap();
    let bytes = std::fs::read(folder.join("sortable_rows.csv")).unwrap();
    let read = import(&bytes, &Source::Mapped(&mapping)).unwrap();
    assert_eq!(read.rejected, []);
    assert_eq!((read.rows, read.operations.len()), (25, 25));
    let made = read.operations.iter().filter(|prepared| {
        let Body::Observation(seen) = &prepared.body else { panic!("{prepared:?}") };
        !seen.inputs.is_empty() && seen.outputs.len() == 1
    });
    assert_eq!(made.count(), 5);
}
