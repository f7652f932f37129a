//! `jjj-genesis` as its users run it: output, exit codes, and what it leaves behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use genesis::home::Home;

struct Ran {
    code: Option<i32>,
    out: String,
    error: String,
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_jjj-genesis"))
        .args(arguments)
        .args(["--lang", "en"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built with this test");
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("words are UTF-8"),
        error: String::from_utf8(output.stderr).expect("words are UTF-8"),
    }
}

const NEW: [&str; 12] = [
    "new",
    "--agency",
    "北京:11",
    "--agency",
    "天津:12",
    "--agency",
    "河北:13",
    "--out",
    "net",
    "--password-file",
    "password",
    "--time=2026-10-01T08:00:00Z",
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("password"), "long enough\n").expect("it is writable");
    folder
}

#[test]
fn a_new_consortium_is_made_shown_hashed_and_checked() {
    let folder = folder();
    let at = folder.path();
    let made = run(at, &NEW);
    assert_eq!(made.code, Some(0), "{}", made.error);
    assert!(made.out.contains("3 validators, 2 must agree, 1 may stop"), "{}", made.out);
    let hash = run(at, &["hash", "net"]);
    assert_eq!((hash.code, hash.out.trim().len()), (Some(0), 64));
    for source in ["net/genesis.bin", "net/genesis.toml", "net/hebei", "net/tianjin/genesis.toml"] {
        assert_eq!(run(at, &["hash", source]).out, hash.out, "{source}");
    }
    let shown = run(at, &["show", "net/hebei"]);
    assert!(shown.out.contains("2 河北: validators 2; 3 submitter keys"), "{}", shown.out);
    let checked = run(at, &["check", "net", "--chain", hash.out.trim()]);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    let again = run(at, &NEW);
    assert_eq!(again.code, Some(1));
    assert_eq!(
        again.error,
        "jjj-genesis: net: already holds files; name a new folder, existing keys are never overwritten\n"
    );
    assert_eq!(run(at, &["check", "net"]).code, Some(0), "the refusal changed nothing");
}

#[test]
fn two_consortia_never_share_a_key() {
    let folder = folder();
    let at = folder.path();
    assert_eq!(run(at, &NEW).code, Some(0));
    let other: Vec<&str> =
        NEW.iter().map(|word| if *word == "net" { "other" } else { word }).collect();
    assert_eq!(run(at, &other).code, Some(0));
    assert_ne!(run(at, &["hash", "net"]).out, run(at, &["hash", "other"]).out);
    fs::copy(at.join("other/hebei/genesis.bin"), at.join("net/hebei/genesis.bin")).unwrap();
    let checked = run(at, &["check", "net"]);
    assert_eq!(checked.code, Some(3), "{}", checked.out);
    assert!(checked.out.contains("hebei/genesis.bin: chain is"), "{}", checked.out);
}

#[test]
fn a_check_against_another_chain_fails() {
    let folder = folder();
    assert_eq!(run(folder.path(), &NEW).code, Some(0));
    let checked = run(folder.path(), &["check", "net", "--chain", &"0".repeat(64)]);
    assert_eq!(checked.code, Some(3));
    assert!(checked.out.contains("4 differences found"), "{}", checked.out);
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_left() {
    let folder = folder();
    let at = folder.path();
    fs::write(at.join("short"), "short\n").unwrap();
    fs::write(at.join("empty"), "\n").unwrap();
    for (arguments, code, words) in [
        (vec!["new", "--agency", "a:11", "--out", "net"], 1, "no terminal to ask at"),
        (
            vec!["new", "--agency", "a:11", "--out", "net", "--password-file", "short"],
            1,
            "password: expected at least 8 characters for new keys, found 5",
        ),
        (
            vec!["new", "--agency", "a:11", "--out", "net", "--password-file", "empty"],
            1,
            "empty: the first line must hold the password, it is empty",
        ),
        (
            vec!["new", "--agency", "a:11", "--out", "net", "--password-file", "absent"],
            1,
            "absent: cannot open",
        ),
        (
            vec!["new", "--agency", "a:11", "--agency", "b:11", "--out", "net"],
            1,
            "division 11 is given to two agencies",
        ),
        (
            vec!["new", "--agency", "a:11", "--agency", "a:12", "--out", "net"],
            1,
            "agencies[1].name: \"a\" is the name of agency 0 too",
        ),
        (vec!["new", "--agency", "a", "--out", "net"], 2, "expected NAME:DIVISION"),
        (vec!["new", "--agency", "a:x", "--out", "net"], 2, "first two digits of GB/T 2260"),
        (
            vec!["new", "--agency", "a:11@x y", "--out", "net"],
            2,
            "expected an address or a DNS name",
        ),
        (
            vec!["new", "--agency", "a:11", "--out", "net", "--time", "then"],
            2,
            "expected now, or RFC",
        ),
        (vec!["new", "--out", "net"], 2, "--agency"),
        (vec!["new", "--agency", "a:11", "--out", "net", "--password", "x"], 2, "--password"),
        (vec!["new", "--agency", "a:11", "--out", "net", "--seed", "1"], 2, "--seed"),
        (vec!["show", "nowhere"], 1, "nowhere: cannot open"),
        (vec!["hash", "password"], 1, "password: genesis: "),
        (vec!["check", "nowhere"], 1, "nowhere: "),
        (vec!["check", "."], 1, "no genesis.bin here nor one folder below"),
    ] {
        let ran = run(at, &arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}{}", ran.out, ran.error);
        assert!(ran.error.contains(words), "{arguments:?}: {}", ran.error);
        assert!(!at.join("net").exists(), "{arguments:?}");
    }
    assert_eq!(fs::read_dir(at).unwrap().count(), 3, "nothing but the password files");
}

#[test]
fn agencies_that_make_their_own_keys_agree_on_one_document() {
    let folder = folder();
    let at = folder.path();
    // A trial names the parameters and the role table of this software.
    assert_eq!(run(at, &NEW).code, Some(0));
    let trial = fs::read_to_string(at.join("net/genesis.toml")).unwrap();
    let (_, behind) = trial.split_once("[epoch]\n").unwrap();
    let (epoch, _) = behind.split_once("[[agency]]").unwrap();
    let mut rendering = TEMPLATE.replace("<epoch>", epoch);
    for agency in ["0", "1"] {
        let ran = run(at, &["keys", "--out", agency, "--password-file", "password"]);
        assert_eq!(ran.code, Some(0), "{}", ran.error);
        for line in ran.out.lines() {
            let (purpose, key) = line.split_once(" = ").expect("purpose = key");
            rendering = rendering.replace(&format!("<{purpose} {agency}>"), key);
        }
    }
    fs::write(at.join("agreed.toml"), &rendering).unwrap();
    let hosts = ["--host", "bj.example", "--host", "10.0.0.2"];
    for (agency, other) in [("0", "/ip4/10.0.0.2/tcp/7110"), ("1", "/dns/bj.example/tcp/7100")] {
        let built = run(at, &[&["build", "agreed.toml", "--out", agency], &hosts[..]].concat());
        assert_eq!(built.code, Some(0), "{}{rendering}", built.error);
        assert!(built.out.starts_with(&format!("{agency}/node.toml  ")), "{}", built.out);
        let checked = run(at, &["check", agency]);
        assert_eq!(checked.code, Some(0), "{}", checked.out);
        let home = Home::new(at.join(agency));
        let config = home.read_config().unwrap();
        let peers: Vec<&str> = config.peers.iter().map(|peer| &*peer.address).collect();
        assert_eq!(peers, [other]);
        home.read_genesis().unwrap().check_role_table().unwrap();
    }
    assert_eq!(run(at, &["hash", "0"]).out, run(at, &["hash", "1"]).out);
    refuses_to_configure(at, &hosts);
    let again = run(at, &["keys", "--out", "0", "--password-file", "password"]);
    assert_eq!(again.code, Some(1));
    assert!(again.error.contains("existing keys are never overwritten"), "{}", again.error);
    fs::write(at.join("agreed.toml"), rendering.replace("lag = 4", "lag = 5")).unwrap();
    let other = run(at, &["build", "agreed.toml", "--out", "0"]);
    assert_eq!(other.code, Some(1));
    assert!(other.error.contains("holds another chain; it is not replaced"), "{}", other.error);
}

/// What keeps `build` from writing a configuration.
fn refuses_to_configure(at: &Path, hosts: &[&str]) {
    for (out, hosts, words) in [
        ("0", hosts, "0/node.toml: exists; it is not replaced"),
        ("other", hosts, "validator.key"),
        ("net/hebei", hosts, "holds another chain"),
    ] {
        let ran = run(at, &[&["build", "agreed.toml", "--out", out], hosts].concat());
        assert_eq!(ran.code, Some(1), "{out}");
        assert!(ran.error.contains(words), "{out}: {}", ran.error);
    }
    fs::remove_file(at.join("0/node.toml")).unwrap();
    for (hosts, words) in [
        (&hosts[..2], "hosts: expected 2, one per validator, found 1"),
        (&["--host", "bj.example", "--host", "127.0.0.1"][..], "is this machine alone"),
    ] {
        let ran = run(at, &[&["build", "agreed.toml", "--out", "0"], hosts].concat());
        assert_eq!(ran.code, Some(1), "{hosts:?}");
        assert!(ran.error.contains(words), "{hosts:?}: {}", ran.error);
    }
    fs::copy(at.join("net/hebei/keys/validator.key"), at.join("0/keys/validator.key")).unwrap();
    let ran = run(at, &[&["build", "agreed.toml", "--out", "0"], hosts].concat());
    assert_eq!(ran.code, Some(1));
    assert!(ran.error.contains("is not the key of a validator"), "{}", ran.error);
}

const TEMPLATE: &str = r#"
format = "jjj-genesis/1"
time = "2026-10-01T08:00:00Z"
recovery_threshold = 2
[epoch]
<epoch>
[[agency]]
index = 0
name = "北京"
governance_key = <governance 0>
[[agency]]
index = 1
name = "天津"
governance_key = <governance 1>
[[validator]]
index = 0
agency = 0
key = <validator 0>
transport_key = <transport 0>
[[validator]]
index = 1
agency = 1
key = <validator 1>
transport_key = <transport 1>
[[submitter]]
agency = 0
role = "platform"
party = "11:platform"
key = <platform 0>
[[submitter]]
agency = 0
role = "regulator"
party = "11:regulator"
key = <regulator 0>
[[submitter]]
agency = 0
role = "agency"
party = "11:agency"
key = <agency 0>
[[submitter]]
agency = 1
role = "platform"
party = "12:platform"
key = <platform 1>
[[submitter]]
agency = 1
role = "regulator"
party = "12:regulator"
key = <regulator 1>
[[submitter]]
agency = 1
role = "agency"
party = "12:agency"
key = <agency 1>
"#;
