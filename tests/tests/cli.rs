#![cfg(test)]
//! What people do with `jjj` and `jjj-verify`: submit the sample exports, trace, prove, verify; and
//! what becomes of a forged proof.

use tests::bundles::{flip_a_byte, leave_an_event_out};
use tests::demo::stage::{BEIJING, HEBEI, PATIENCE, Stage, TIANJIN, path_text};
use tests::demo::trust::verify;
use tests::devnet::Devnet;
use tests::programs::{self, sample};

const PACKET: &str = "BJ1101050690123456789221032100116";

/// Agency, file, mapping, rejected rows.
const EXPORTS: [(usize, &str, &str, usize); 4] = [
    (BEIJING, "beijing/registry.csv", "beijing/registry.toml", 1),
    (BEIJING, "beijing/events.csv", "beijing/events.toml", 0),
    (TIANJIN, "tianjin/export.json", "tianjin/mapping.toml", 1),
    (HEBEI, "hebei/export.xml", "hebei/mapping.toml", 1),
];

#[tokio::test]
async fn the_sample_exports_are_submitted_traced_proven_and_verified() -> anyhow::Result<()> {
    let stage = Stage::of(Devnet::started(3)?);
    stage.net.executed(&[0, 1, 2], 1, 30).await?;
    stage.agree_on_rules()?;
    let mut last = 0;
    for (agency, file, mapping, rejected) in EXPORTS {
        let found = stage.submit(agency, file, mapping)?;
        assert!(found.operations >= 20, "{file}: {found:?}");
        assert_eq!((found.accepted, found.rejected.len()), (found.operations, rejected), "{file}");
        last = found.last_height;
    }
    for (agency, file, mapping, _) in EXPORTS {
        let again = stage.submit(agency, file, mapping)?;
        assert_eq!((again.accepted, again.already_recorded), (0, again.operations), "{file} twice");
        last = last.max(again.last_height);
    }
    stage.net.hardened(last, PATIENCE).await?;

    let proof = stage.file("packet.proof");
    let traced = stage
        .ask(HEBEI, &["trace", PACKET, "--direction", "back", "--proof", path_text(&proof)?])?;
    let units = traced["units"].as_array().expect("a trace has units").len();
    assert_eq!(units, 6, "units of three provinces and the pallet: {traced:#}");

    let verified = verify(&stage, &proof, "en")?.expect(0)?;
    assert!(verified.out.contains("complete"), "{}", verified.out);
    for (what, forge) in [("flipped", 0), ("cut", 1), ("other chain", 2)] {
        let forged = stage.file("forged.proof");
        let mut chain = stage.chain.clone();
        match forge {
            0 => {
                flip_a_byte(&proof, &forged)?;
            }
            1 => {
                leave_an_event_out(&proof, &forged)?;
            }
            _ => {
                std::fs::copy(&proof, &forged)?;
                chain = "00".repeat(32);
            }
        }
        let arguments = [path_text(&forged)?, "--genesis-hash", &chain, "--lang", "en"];
        let refused = programs::run("jjj-verify", arguments)?.expect(1)?;
        let said = format!("{}{}", refused.out, refused.err);
        println!("{what}: {said}");
        assert_eq!(said.contains("is missing"), forge == 1, "{what}: {said}");
        assert_eq!(programs::run_unread("jjj-verify", arguments)?, Some(1), "{what}, unread");
    }
    let arguments = [path_text(&proof)?, "--genesis-hash", &stage.chain];
    assert_eq!(programs::run_unread("jjj-verify", arguments)?, Some(0), "verified, unread");
    Ok(())
}

/// As in `jjj … | head`: whoever looks at the exit code is told the same.
#[tokio::test]
async fn a_reader_that_goes_away_changes_nothing_in_how_a_command_ends() -> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    net.executed(&[BEIJING], 1, 30).await?;
    let (home, password) = (net.node(BEIJING)?.home.clone(), net.password_file().to_owned());
    let own = ["--home", path_text(home.folder())?, "--password-file", path_text(&password)?];
    let (file, mapping) = (sample("beijing/registry.csv"), sample("beijing/registry.toml"));
    let (file, mapping) = (path_text(&file)?, path_text(&mapping)?);
    let submit = ["submit", file, "--format", "mapped", "--mapping", mapping];
    for (arguments, expected) in
        [(&["status"][..], 0), (&["--json", "alerts"], 0), (&["block", "999"], 1), (&submit, 3)]
    {
        let code = programs::run_unread("jjj", [&own[..], arguments].concat())?;
        assert_eq!(code, Some(expected), "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_a_node_says_without_proof_is_marked_as_its_bare_word() -> anyhow::Result<()> {
    let stage = Stage::of(Devnet::started(1)?);
    stage.net.executed(&[BEIJING], 1, 30).await?;
    let marks = [("zh", "节点所述（未作证明）"), ("en", "as the node says (not proven)")];
    let asked: [&[&str]; 6] = [
        &["match", "BOX-1"],
        &["alerts"],
        &["locate", "BOX-1"],
        &["block", "1"],
        &["release", "list"],
        &["evaluation", "list"],
    ];
    for arguments in asked {
        for (lang, mark) in marks {
            let said = stage.net.jjj(BEIJING, &[&["--lang", lang], arguments].concat())?;
            let said = said.expect(0)?.out;
            assert_eq!(said.lines().next(), Some(mark), "{arguments:?}: {said}");
        }
        assert_eq!(stage.ask(BEIJING, arguments)?["proven"], false, "{arguments:?}");
    }
    // A node's word of itself has no mark: nothing could prove it.
    let status = stage.net.jjj(BEIJING, &["--lang", "en", "status"])?.expect(0)?.out;
    assert!(marks.iter().all(|(_, mark)| !status.contains(mark)), "{status}");
    assert!(stage.ask(BEIJING, &["status"])?["proven"].is_null());
    Ok(())
}

#[tokio::test]
async fn the_command_line_refuses_what_it_cannot_do_and_says_why() -> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    let file = sample("beijing/events.csv");
    let file = file.to_str().expect("the repository's path is UTF-8");
    let broken = net.folder().join("broken.toml");
    let mapping = std::fs::read_to_string(sample("beijing/events.toml"))?;
    std::fs::write(&broken, mapping.replace("\"企业代码\"", "\"没有这一列\""))?;
    let broken = path_text(&broken)?;
    let absent = net.folder().join("absent.csv");
    let cases: [(&[&str], &str); 5] = [
        (&["submit", file, "--format", "mapped", "--mapping", broken], "没有这一列"),
        (&["submit", path_text(&absent)?], "absent.csv"),
        (&["trace", ""], "CODE"),
        (&["block", "999999"], "999999"),
        (&["--node", "http://127.0.0.1:9", "status"], "127.0.0.1:9"),
    ];
    for (arguments, named) in cases {
        let refused = net.jjj(0, &[&["--lang", "en"], arguments].concat())?;
        assert_ne!(refused.code, Some(0), "{arguments:?}: {refused:?}");
        let said = format!("{}{}", refused.out, refused.err);
        assert!(said.contains(named), "{arguments:?} should name {named}: {said}");
    }
    // A regulator's act is not the platform's: the role has its own key, and an unknown alert is refused.
    let refused = net.jjj(0, &["--lang", "en", "alerts", "--ack", "nothing"])?.expect(3)?;
    assert!(refused.out.contains("refused"), "{}", refused.out);
    Ok(())
}
