#![cfg(test)]
//! One weight is changed behind a stopped node's back, and the check names it.

use proto::schema::OperationKind;
use tests::devnet::Devnet;
use tests::payload::Payload;
use tests::programs::{self, Ended};
use tests::tamper::change_a_weight;

fn check(net: &Devnet, node: usize, more: &[&str]) -> anyhow::Result<Ended> {
    let home = net.node(node)?.home.folder().to_str().expect("a temporary folder is UTF-8");
    let mut arguments = vec!["--lang", "en", "check", "--home", home];
    arguments.extend(more);
    programs::run("jjj-node", arguments)
}

#[tokio::test]
async fn one_changed_weight_is_found_and_named() -> anyhow::Result<()> {
    let mut net = Devnet::started(3)?;
    net.executed(&[0, 1, 2], 1, 30).await?;
    let mut payload = Payload::new(20);
    let mut last = 0;
    for round in 0..6 {
        let transaction = net.sign(round % 3, payload.operations(20))?;
        last = net.submit(round % 3, &transaction).await??.height;
    }
    net.executed(&[0, 1, 2], last, 30).await?;
    assert!(net.stop(2).await?.success(), "a node that is asked to stop ends well");

    let clean = check(&net, 2, &["--replay"])?.expect(0)?;
    assert!(clean.out.contains("everything is as it was written"), "{}", clean.out);

    let changed = change_a_weight(&net.node(2)?.home, OperationKind::StorageIn, 1_000)?;
    assert_eq!(changed.after, changed.before + 1_000);
    let found = check(&net, 2, &[])?.expect(1)?;
    let place = format!("height {}, transaction {}", changed.height, changed.position);
    assert!(found.out.contains(&place), "expected {place} in {}", found.out);
    println!("{}", found.out);

    // The others have never seen the changed weight and work on.
    let transaction = net.sign(0, payload.operations(3))?;
    net.submit(0, &transaction).await??;
    Ok(())
}

#[tokio::test]
async fn a_home_without_data_is_not_called_sound() -> anyhow::Result<()> {
    let net = Devnet::new(1)?;
    let refused = check(&net, 0, &[])?.expect(1)?;
    assert!(refused.err.contains("ledger"), "names the folder: {}", refused.err);
    assert!(!refused.out.contains("as it was written"), "{}", refused.out);
    Ok(())
}
