//! The TOML rendering: one to one with the document, strict, and clear about what is wrong.

use expect_test::expect_file;
use genesis::Genesis;
use genesis::rendering::{parse_mode, parse_time, render_time};
use proto::TimeMs;
use proto::quorum::Mode;

use super::fixed;

#[test]
fn the_golden_rendering_reads_back_to_the_same_chain() {
    let genesis = fixed();
    let text = genesis.to_toml();
    expect_file!["../golden/genesis.toml"].assert_eq(&text);
    assert_eq!(Genesis::from_toml(&text), Ok(genesis));
}

#[test]
fn a_document_that_is_being_agreed_on_needs_no_chain() {
    let genesis = fixed();
    let text = genesis.to_toml();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("chain")).collect();
    let without = lines.join("\n");
    assert_eq!(Genesis::from_toml(&without), Ok(genesis));
}

#[test]
fn the_order_of_submitters_does_not_matter() {
    let genesis = fixed();
    let text = genesis.to_toml();
    let (head, submitters) = text.split_once("[[submitter]]").unwrap();
    let mut parts: Vec<&str> = submitters.split("[[submitter]]").collect();
    parts.reverse();
    let turned: String =
        parts.iter().fold(head.to_owned(), |text, part| text + "[[submitter]]\n" + part + "\n");
    assert_eq!(Genesis::from_toml(&turned), Ok(genesis));
}

#[test]
fn each_wrong_text_is_refused_with_the_field() {
    let text = fixed().to_toml();
    for (from, to, words) in [
        ("format = \"jjj-genesis/1\"", "format = \"jjj-genesis/2\"", "format: expected"),
        ("recovery_threshold = 2", "recovery_threshold = 2\nnote = \"x\"", "unknown field `note`"),
        ("suite = 0", "suite = 0\nsalt = 1", "unknown field `salt`"),
        ("name = \"北京\"", "name = \"北京\"\nalias = \"京\"", "unknown field `alias`"),
        ("agency = 1\nkey", "agency = 1\nport = 1\nkey", "unknown field `port`"),
        ("party = \"12:agency\"", "party = \"12:agency\"\nx = 1", "unknown field `x`"),
        ("recovery_threshold = 2", "", "missing field `recovery_threshold`"),
        ("recovery_threshold = 2", "recovery_threshold = \"2\"", "invalid type"),
        ("recovery_threshold = 2", "recovery_threshold = 1", "recovery_threshold: expected more"),
        ("recovery_threshold = 2", "recovery_threshold = 3", "chain: the content gives"),
        ("time = \"2026-10-01T08:00:00Z\"", "time = \"2026-10-01\"", "time: expected RFC 3339"),
        ("suite = 0", "suite = 1", "epoch.suite: expected 0"),
        ("protocol = 1", "protocol = 2", "epoch.protocol: expected 1"),
        ("mode = \"standard\"", "mode = \"Standard\"", "epoch.mode: expected standard or"),
        ("role_table = \"07", "role_table = \"7", "epoch.role_table: expected 64"),
        ("index = 1\nname", "index = 2\nname", "agency[1].index: expected its position"),
        ("index = 2\nagency", "index = 3\nagency", "validator[2].index: expected its position"),
        ("role = \"agency\"", "role = \"admin\"", "role: expected platform, regulator or agency"),
        ("governance_key = \"", "governance_key = \"00", "agency[0].governance_key: expected an"),
        ("transport_key = \"", "transport_key = \"zz", "validator[0].transport_key: expected an"),
    ] {
        assert!(text.contains(from), "the case {from:?} no longer fits the rendering");
        let wrong = text.replacen(from, to, 1);
        let error = Genesis::from_toml(&wrong).expect_err(to).to_string();
        assert!(error.starts_with("genesis.toml"), "{error}");
        assert!(error.contains(words), "{to:?}: {error}");
    }
}

#[test]
fn a_key_in_upper_case_is_refused_because_it_would_be_a_second_rendering() {
    let text = fixed().to_toml();
    let line = text.lines().find(|line| line.starts_with("governance_key")).unwrap();
    let (name, key) = line.split_once(" = ").unwrap();
    let wrong = text.replacen(line, &format!("{name} = {}", key.to_uppercase()), 1);
    let error = Genesis::from_toml(&wrong).unwrap_err().to_string();
    assert!(error.contains("agency[0].governance_key"), "{error}");
}

#[test]
fn times_are_read_to_the_millisecond_and_no_finer() {
    for (text, expected) in [
        ("1970-01-02T00:00:00Z", Some(86_400_000)),
        ("2026-10-01T08:00:00Z", Some(1_790_841_600_000)),
        ("2026-10-01T16:00:00+08:00", Some(1_790_841_600_000)),
        ("2026-10-01T08:00:00.123Z", Some(1_790_841_600_123)),
        ("2026-10-01T08:00:00.1234Z", None),
        ("1969-12-31T23:59:59Z", None),
        ("2026-10-01T08:00:00", None),
        ("yesterday", None),
    ] {
        assert_eq!(parse_time(text), expected.map(TimeMs::new), "{text}");
    }
    assert_eq!(render_time(TimeMs::new(1_790_841_600_123)), "2026-10-01T08:00:00.123Z");
}

#[test]
fn modes_have_one_name_each() {
    assert_eq!(parse_mode("standard"), Some(Mode::Standard));
    assert_eq!(parse_mode("unanimous"), Some(Mode::Unanimous));
    assert_eq!(parse_mode(""), None);
}
