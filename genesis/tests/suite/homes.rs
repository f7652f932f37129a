//! Homes of a consortium: complete or not there, and in agreement with one another.

use std::fs;
use std::path::Path;

use genesis::ceremony;
use genesis::files::{Access, write_durably};
use genesis::home::{ConfigError, Home, NodeConfig, Peer, Storage};
use genesis::homes::{self, Host, Layout, Written};
use genesis::inspection::inspect;
use genesis::keys::KeyPurpose;
use genesis::keystore::{self, Cost};

use super::{made, password, plan};

type LayoutChange = fn(&mut Layout);
/// Spoils the first home, with the second at hand.
type HomeChange = fn(&Home, &Home);
type ConfigChange = fn(&mut NodeConfig);

fn layout(out: &Path) -> Layout {
    Layout { out: out.to_owned(), base_port: 7100, hosts: vec![Host::LOOPBACK; 3] }
}

fn write(out: &Path) -> Vec<Written> {
    let plan = plan();
    let made = ceremony::hold(&plan, &mut ceremony::seeds_for_tests(1)).unwrap();
    homes::write(&plan, &made, &layout(out), &password("long enough"), Cost::LEAST).unwrap()
}

#[test]
fn every_home_holds_what_a_node_needs() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("net");
    let written = write(&out);
    let made = made(1);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside");
    for (keys, one) in made.agencies.iter().zip(&written) {
        assert_eq!(one.home.read_genesis().unwrap(), made.genesis);
        assert_eq!(one.home.read_config().unwrap(), one.config);
        assert_eq!(one.config.peers.len(), 2);
        assert!(one.config.grpc.ip().is_loopback());
        for purpose in KeyPurpose::ALL {
            let path = one.home.key_file(purpose);
            let key = keystore::open(&path, purpose, &password("long enough")).unwrap();
            assert_eq!(key.public(), keys.key(purpose).unwrap().public(), "{}", path.display());
        }
        let (_, findings) = inspect(&one.home).unwrap();
        assert!(findings.is_empty(), "{findings:?}");
    }
    let names: Vec<_> = written.iter().map(|one| one.home.folder().file_name().unwrap()).collect();
    assert_eq!(names, ["beijing", "tianjin", "hebei"]);
    assert_eq!(written[1].config.listen, ["/ip4/127.0.0.1/tcp/7110"]);
    let last = Peer { validator: 2, address: "/ip4/127.0.0.1/tcp/7120".to_owned() };
    assert_eq!(written[1].config.peers[1], last);
}

#[test]
fn hosts_of_other_machines_are_dialled_by_name_and_listened_on_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, made) = (plan(), made(1));
    let mut layout = layout(&folder.path().join("net"));
    layout.hosts =
        ["10.0.0.1", "node2.example.cn", "2001:db8::3"].map(|h| h.parse().unwrap()).into();
    let word = password("long enough");
    let written = homes::write(&plan, &made, &layout, &word, Cost::LEAST).unwrap();
    let listen: Vec<&str> = written.iter().map(|one| one.config.listen[0].as_str()).collect();
    assert_eq!(listen, ["/ip4/0.0.0.0/tcp/7100", "/ip4/0.0.0.0/tcp/7110", "/ip6/::/tcp/7120"]);
    let dialled: Vec<&str> =
        written[0].config.peers.iter().map(|peer| peer.address.as_str()).collect();
    assert_eq!(dialled, ["/dns/node2.example.cn/tcp/7110", "/ip6/2001:db8::3/tcp/7120"]);
}

#[test]
fn a_layout_that_cannot_work_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("net");
    let (plan, made) = (plan(), made(1));
    let cases: [(LayoutChange, &str); 3] = [
        (|layout| layout.base_port = 65_510, "base port 65510: 3 validators"),
        (|layout| drop(layout.hosts.pop()), "hosts: expected 3, one per validator, found 2"),
        (
            |layout| layout.hosts[1] = "10.1.1.1".parse().unwrap(),
            "hosts: /ip4/127.0.0.1 is this machine alone",
        ),
    ];
    for (change, words) in cases {
        let mut layout = layout(&out);
        change(&mut layout);
        let word = password("long enough");
        let error = homes::write(&plan, &made, &layout, &word, Cost::LEAST).unwrap_err();
        assert!(error.to_string().starts_with(words), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{words}");
    }
    for host in ["", "a b", "a..b", "/ip4/1.2.3.4", "host:80"] {
        assert!(host.parse::<Host>().is_err(), "{host:?}");
    }
}

#[test]
fn existing_keys_are_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("net");
    let first = write(&out);
    let before = fs::read(first[0].home.key_file(KeyPurpose::Validator)).unwrap();
    let (plan, made) = (plan(), made(2));
    let word = password("long enough");
    let error = homes::write(&plan, &made, &layout(&out), &word, Cost::LEAST).unwrap_err();
    assert!(error.to_string().contains("already holds files"), "{error}");
    assert_eq!(fs::read(first[0].home.key_file(KeyPurpose::Validator)).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside");
}

#[test]
fn an_inspection_names_each_file_that_does_not_fit() {
    let cases: [(HomeChange, &str); 10] = [
        (
            |home, _| {
                let path = home.rendering_file();
                let text = fs::read_to_string(&path).unwrap().replace("天津", "天京");
                fs::write(path, text).unwrap();
            },
            "genesis.bin says `name = \"天津\"`, genesis.toml says `name = \"天京\"`",
        ),
        (|home, _| fs::write(home.rendering_file(), "x = 1").unwrap(), "genesis.toml"),
        (|home, _| fs::remove_file(home.rendering_file()).unwrap(), "genesis.toml: cannot open"),
        (|home, _| fs::write(home.genesis_file(), "x").unwrap(), "genesis.bin: genesis: "),
        (
            |home, other| copy_key(home, other, KeyPurpose::Transport, KeyPurpose::Transport),
            "is not the transport key of this home's validator",
        ),
        (
            |home, _| copy_key(home, home, KeyPurpose::Transport, KeyPurpose::Validator),
            "stands in the file of another purpose",
        ),
        (
            |home, _| fs::write(home.key_file(KeyPurpose::Governance), "").unwrap(),
            "governance.key: keystore: ",
        ),
        (
            |home, other| copy(&other.config_file(), &home.config_file()),
            "node.toml: peers: validator 0 is this node itself",
        ),
        (
            |home, other| copy(&other.config_file(), &home.config_file()),
            "node.toml: peers: validator 1 has no address here",
        ),
        (|home, _| fs::write(home.config_file(), "listen = 1").unwrap(), "node.toml: TOML parse"),
    ];
    for (change, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        let written = write(&folder.path().join("net"));
        change(&written[0].home, &written[1].home);
        let findings = match inspect(&written[0].home) {
            Ok((_, findings)) => findings,
            Err(finding) => vec![finding],
        };
        let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(text.iter().any(|line| line.contains(words)), "{words}: {text:?}");
    }
}

fn copy_key(to: &Home, from: &Home, source: KeyPurpose, target: KeyPurpose) {
    copy(&from.key_file(source), &to.key_file(target));
}

fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
}

#[test]
fn keys_of_another_consortium_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let written = write(&folder.path().join("net"));
    let home = &written[0].home;
    fs::write(home.genesis_file(), proto::codec::Canonical::encode(&made(2).genesis)).unwrap();
    fs::write(home.rendering_file(), made(2).genesis.to_toml()).unwrap();
    let (_, findings) = inspect(home).unwrap();
    let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
    for words in [
        "is not a validator of the document",
        "is not a governance key of the document",
        "is not a submitter with this role in the document",
    ] {
        assert!(text.iter().any(|line| line.contains(words)), "{words}: {text:?}");
    }
}

#[test]
fn a_configuration_is_strict() {
    let good = NodeConfig {
        listen: vec!["/ip4/127.0.0.1/tcp/7100".to_owned()],
        grpc: "127.0.0.1:7101".parse().unwrap(),
        metrics: "127.0.0.1:7102".parse().unwrap(),
        storage: Storage::default(),
        peers: vec![Peer { validator: 1, address: "/ip4/127.0.0.1/tcp/7110".to_owned() }],
    };
    assert_eq!(good.check(), Ok(()));
    let cases: [(ConfigChange, ConfigError); 7] = [
        (|config| config.listen.clear(), ConfigError::NoListen),
        (
            |config| config.listen[0] = "127.0.0.1:7100".to_owned(),
            ConfigError::Multiaddr { field: "listen", found: "127.0.0.1:7100".to_owned() },
        ),
        (
            |config| config.peers[0].address.clear(),
            ConfigError::Multiaddr { field: "peers.address", found: String::new() },
        ),
        (
            |config| config.peers.push(config.peers[0].clone()),
            ConfigError::PeerTwice { validator: 1 },
        ),
        (
            |config| config.metrics = config.grpc,
            ConfigError::SameAddress { address: "127.0.0.1:7101".parse().unwrap() },
        ),
        (
            |config| config.storage.cache_mib = 8,
            ConfigError::Memory { field: "storage.cache_mib", min: 16, max: 1024 * 1024, found: 8 },
        ),
        (
            |config| config.storage.writes_mib = 20_000,
            ConfigError::Memory {
                field: "storage.writes_mib",
                min: 16,
                max: 16 * 1024,
                found: 20_000,
            },
        ),
    ];
    for (change, expected) in cases {
        let mut config = good.clone();
        change(&mut config);
        assert_eq!(config.check(), Err(expected));
    }
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path());
    fs::write(home.config_file(), good.to_text() + "\ncolour = 1\n").unwrap();
    let error = home.read_config().unwrap_err().to_string();
    assert!(error.contains("unknown field `colour`"), "{error}");

    for (written, expected) in [
        ("", Storage::default()),
        ("[storage]\ncache_mib = 512\n", Storage { cache_mib: 512, ..Storage::default() }),
        ("[storage]\nwrites_mib = 16\n", Storage { writes_mib: 16, ..Storage::default() }),
    ] {
        let addresses = "listen = [\"/ip4/127.0.0.1/tcp/1\"]\ngrpc = \"127.0.0.1:2\"\n\
                         metrics = \"127.0.0.1:3\"\npeers = []\n";
        fs::write(home.config_file(), format!("{addresses}{written}")).unwrap();
        assert_eq!(home.read_config().unwrap().storage, expected, "{written}");
    }
}

#[test]
fn a_file_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for content in [&b"first, longer"[..], b"second"] {
        write_durably(&path, content, Access::Everyone).unwrap();
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub").join("x"), "").unwrap();
    assert!(write_durably(&folder.path().join("sub"), b"x", Access::Everyone).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a failure leaves nothing either");
}
