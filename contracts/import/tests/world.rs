#![cfg(test)]
//! The sample world under `tests/data`: the files are what the generator writes, and importing them
//! gives back exactly the bodies that it put in, but for the broken rows.

#[path = "../examples/world/files.rs"]
mod files;

use std::collections::BTreeMap;
use std::path::PathBuf;

use import::{Imported, Mapping, Source, import};
use proto::operation::OpUid;
use proto::schema::{Body, OperationKind};

fn data(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn mapped(file: &str, mapping: &str) -> Imported {
    let text = String::from_utf8(data(mapping)).unwrap();
    let mapping = Mapping::parse(&text).unwrap_or_else(|error| panic!("{mapping}: {error}"));
    import(&data(file), &Source::Mapped(&mapping)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

type Bodies = BTreeMap<OpUid, (OperationKind, Body)>;

fn bodies(imported: &[&Imported]) -> Bodies {
    let all = imported.iter().flat_map(|imported| &imported.operations);
    all.map(|prepared| (prepared.uid, (prepared.kind, prepared.body.clone()))).collect()
}

fn meant(platform: &str, records: &[files::flow::Record]) -> Bodies {
    let one = |record: &files::flow::Record| {
        let no =
            record.no.replacen('-', "/", usize::from(record.kind == OperationKind::Declaration));
        let uid = OpUid::of_record(platform, &format!("{}:{no}", record.kind.name()));
        (uid, (record.kind, record.body.clone()))
    };
    records.iter().map(one).collect()
}

fn rejections(imported: &Imported) -> Vec<String> {
    let one = |r: &import::Rejected| {
        format!("{} {} {} {}", r.row, r.column, r.rule, r.value.as_deref().unwrap_or("-"))
    };
    imported.rejected.iter().map(one).collect()
}

#[test]
fn the_files_are_what_the_generator_writes() {
    for (name, bytes) in files::all() {
        assert!(data(name) == bytes, "{name}: run `cargo run -p import --example world`");
    }
}

#[test]
fn every_row_means_what_the_story_says() {
    let world = files::world();
    let registry = mapped("beijing/registry.csv", "beijing/registry.toml");
    let events = mapped("beijing/events.csv", "beijing/events.toml");
    let tianjin = mapped("tianjin/export.json", "tianjin/mapping.toml");
    let hebei = mapped("hebei/export.xml", "hebei/mapping.toml");
    for (imported, platform, meaning) in [
        (vec![&registry, &events], "beijing-lenglian", &world.beijing),
        (vec![&tianjin], "tianjin-zhuisu", &world.tianjin),
        (vec![&hebei], "hebei-lenglian", &world.hebei),
    ] {
        let found = bodies(&imported);
        let mut meant_all = meant(platform, &meaning.registry);
        meant_all.extend(meant(platform, &meaning.events));
        assert_eq!(found.len(), meant_all.len(), "{platform}");
        for (uid, meant) in &meant_all {
            assert_eq!(found.get(uid), Some(meant), "{platform}");
        }
    }
    let none: [&str; 0] = [];
    assert_eq!(rejections(&registry), ["7 编号 BAD_CHECK 91110107MA0DE10830"]);
    assert_eq!(rejections(&events), none);
    let clock = "业务日志[11]/日期+业务日志[11]/记录[4]/时刻";
    assert_eq!(rejections(&tianjin), [format!("119 {clock} UNREADABLE_TIME 2021-03-19 25:61")]);
    let remark = "743 河北冷链/流通/记录[41]/备注 PERSONAL_DATA -";
    assert_eq!(rejections(&hebei), [remark]);
}

/// The file's row of the first table of `tests/data/README.md`: rows, operations, events, rejected.
fn promised(readme: &str, file: &str) -> Vec<String> {
    let start = format!("| `{file}` |");
    let line = readme.lines().find(|line| line.starts_with(&start)).expect(file);
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let number = |cell: &str| cell.split(' ').next().unwrap_or_default().replace('-', "0");
    cells[4..8].iter().map(|cell| number(cell)).collect()
}

#[test]
fn the_numbers_of_the_readme_hold() {
    let readme = String::from_utf8(data("README.md")).unwrap();
    let (mut events_of_platforms, mut rejected) = (0, 0);
    for (file, mapping) in [
        ("beijing/registry.csv", "beijing/registry.toml"),
        ("beijing/events.csv", "beijing/events.toml"),
        ("tianjin/export.json", "tianjin/mapping.toml"),
        ("hebei/export.xml", "hebei/mapping.toml"),
        ("hebei/positive.xml", "hebei/mapping.toml"),
        ("hebei/correction.ndjson", ""),
        ("epcis/beef-chain.jsonld", ""),
    ] {
        let read = match mapping {
            "" if file.ends_with("ndjson") => import(&data(file), &Source::Native).unwrap(),
            "" => import(&data(file), &Source::Epcis).unwrap(),
            mapping => mapped(file, mapping),
        };
        let is_event = |prepared: &&import::Prepared| {
            prepared.kind.is_event() || prepared.kind == OperationKind::Observation
        };
        let events = read.operations.iter().filter(is_event).count();
        let counts = [read.operations.len(), events, read.rejected.len()];
        let found = [vec![read.rows.to_string()], counts.map(|n| n.to_string()).to_vec()].concat();
        assert_eq!(promised(&readme, file), found, "{file}");
        if !mapping.is_empty() {
            events_of_platforms += events;
            rejected += read.rejected.len();
        }
    }
    assert!(events_of_platforms >= 300, "{events_of_platforms}");
    assert_eq!(rejected, 3);
    let world = files::world();
    for code in [world.packet, world.lot] {
        assert!(readme.contains(&code), "{code}");
    }
}

#[test]
fn a_damaged_file_is_told_and_never_brings_the_reader_down() {
    let mapping = |name: &str| Mapping::parse(&String::from_utf8(data(name)).unwrap()).unwrap();
    let (csv, json, xml) = (
        mapping("beijing/events.toml"),
        mapping("tianjin/mapping.toml"),
        mapping("hebei/mapping.toml"),
    );
    for (file, source) in [
        ("beijing/events.csv", Source::Mapped(&csv)),
        ("tianjin/export.json", Source::Mapped(&json)),
        ("hebei/export.xml", Source::Mapped(&xml)),
        ("epcis/beef-chain.jsonld", Source::Epcis),
        ("hebei/correction.ndjson", Source::Native),
    ] {
        let whole = data(file);
        let step = (whole.len() / 20).max(1);
        for at in (0..whole.len()).step_by(step) {
            for byte in [b'"', b'{', b'<', b',', b'\n', b'9', 0x00, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let cut = &whole[..at];
                for bytes in [&damaged[..], cut] {
                    if let Ok(read) = import(bytes, &source) {
                        let taken = read.operations.len() + read.rejected.len();
                        assert!(taken > 0 || read.rows == read.duplicates, "{file} at {at}");
                    }
                }
            }
        }
    }
}
