#![cfg(test)]
//! What bad input gets: a clear error that names field and rule, nothing half applied, nothing lost.

use std::process::Stdio;
use std::time::Duration;

use api::submission::TransactionState;
use genesis::{Genesis, homes};
use proto::codec::Canonical as _;
use proto::operation::Operation;
use proto::schema::event::{Event, Item, Observation, Quantity, Uom};
use proto::schema::registry::{Party, PartyType};
use proto::schema::{Body, OperationKind};
use proto::sign::SecretKey;
use proto::submitter::SubmitterRole;
use proto::transaction::Transaction;
use proto::{ChainId, Hash, TimeMs};
use tests::devnet::{Devnet, now};
use tests::payload::Payload;
use tests::programs;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// A resident number with a valid check character, of nobody: the division 110101 and a day in 1949.
const RESIDENT_ID: &str = "11010519491231002X";

/// The reason of an operation that holds personal data.
const PERSONAL: &str = "PERSONAL_DATA";

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

fn field(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().expect("every refusal has an ErrorInfo");
    info.metadata.get("field").cloned().unwrap_or_default()
}

async fn refused(net: &Devnet, bytes: Vec<u8>) -> anyhow::Result<Status> {
    match net.submit_bytes(0, bytes).await? {
        Ok(outcome) => anyhow::bail!("recorded at height {}", outcome.height),
        Err(status) => Ok(status),
    }
}

fn signed(
    net: &Devnet,
    chain: ChainId,
    until: TimeMs,
    operations: Vec<Operation>,
) -> anyhow::Result<Vec<u8>> {
    let key = net.key(0, SubmitterRole::Platform)?;
    Ok(Transaction::sign(chain, key, until, operations)?.encode())
}

#[tokio::test]
async fn what_is_not_a_transaction_of_this_chain_is_answered_and_never_ordered()
-> anyhow::Result<()> {
    let net = Devnet::started(3)?;
    net.executed(&[0, 1, 2], 1, 30).await?;
    let mut payload = Payload::new(30);
    let good = net.sign(0, payload.operations(2))?.encode();
    let later = now()?.plus_ms(600_000);
    let earlier = TimeMs::new(now()?.value() - 60_000);
    let much_later = now()?.plus_ms(400 * 86_400_000);

    let mut flipped = good.clone();
    flipped[SIGNATURE_END] ^= 1;
    let unlisted = SecretKey::from_seed(&[99; 32]);
    let cases: Vec<(&str, Vec<u8>, Code, &str)> = vec![
        ("empty", Vec::new(), Code::InvalidArgument, "MALFORMED"),
        ("cut off", good[..good.len() - 1].to_vec(), Code::InvalidArgument, "MALFORMED"),
        ("something after it", [&good[..], &[0]].concat(), Code::InvalidArgument, "MALFORMED"),
        ("oversized", vec![0; 1_050_000], Code::InvalidArgument, "MALFORMED"),
        ("wrong signature", flipped, Code::Unauthenticated, "BAD_SIGNATURE"),
        (
            "foreign chain",
            signed(&net, ChainId(Hash::new([7; 32])), later, payload.operations(1))?,
            Code::InvalidArgument,
            "FOREIGN_CHAIN",
        ),
        (
            "expired",
            signed(&net, net.chain(), earlier, payload.operations(1))?,
            Code::FailedPrecondition,
            "EXPIRED",
        ),
        (
            "valid for too long",
            signed(&net, net.chain(), much_later, payload.operations(1))?,
            Code::InvalidArgument,
            "TTL_TOO_LONG",
        ),
        (
            "unlisted submitter",
            Transaction::sign(net.chain(), &unlisted, later, payload.operations(1))?.encode(),
            Code::PermissionDenied,
            "UNLISTED_SUBMITTER",
        ),
    ];
    for (what, bytes, code, expected) in cases {
        let status = refused(&net, bytes).await?;
        assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{what}: {status}");
        assert!(!status.message().is_empty(), "{what}");
    }
    // By its length alone, before anything of it is decoded.
    let status = refused(&net, vec![0; 2_000_000]).await?;
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "MALFORMED"));
    assert_eq!(field(&status), "transaction", "{status:?}");
    for part in ["2000000", "1048576"] {
        assert!(status.message().contains(part), "names what is allowed and what came: {status}");
    }
    // Far above the limit it is not even read.
    let status = refused(&net, vec![0; 5_000_000]).await?;
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    assert!(status.message().contains("5000005 bytes"), "{status}");
    // The one they were made from is recorded all the same.
    let outcome = net.submit_bytes(0, good).await??;
    assert_eq!(outcome.receipts.len(), 2);
    Ok(())
}

fn storage_in(document: &str) -> Event {
    Event {
        occurred_ms: 1_614_528_000_000,
        party: "91110106MA0DE10166".to_owned(),
        station: "S-1".to_owned(),
        document: document.to_owned(),
        items: vec![Item {
            code: "LOT-1".to_owned(),
            quantity: Some(Quantity { milli: 1_000, uom: Uom::Kgm.into() }),
            counterpart: String::new(),
        }],
        ..Event::default()
    }
}

fn party(id: &str) -> Party {
    Party {
        id: id.to_owned(),
        name: "示例".to_owned(),
        party_type: PartyType::ColdStore.into(),
        region: "110106".to_owned(),
        ..Party::default()
    }
}

fn observation(original: &str) -> Observation {
    Observation {
        occurred_ms: 1_614_528_000_000,
        format: "text".to_owned(),
        original: original.as_bytes().to_vec(),
        codes: vec!["LOT-1".to_owned()],
        ..Observation::default()
    }
}

/// Position of the last byte of a transaction's signature: suite, chain, key, time, count and root
/// stand before it.
const SIGNATURE_END: usize = 1 + 32 + (1 + 2 + 32) + 8 + 2 + 32 + 2 + 64 - 1;

#[tokio::test]
async fn an_operation_that_breaks_a_rule_is_named_by_field_and_never_by_personal_value()
-> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    let mut payload = Payload::new(31);
    let mut unknown_field = Body::Event(storage_in("D-1")).encode();
    unknown_field.extend([0xf8, 0x07, 0x01]); // field 127, varint 1
    let bad_party = Body::Party(party("91110106MA0DE10167")).encode();
    let named = |document: &str| Body::Event(storage_in(document)).encode();
    let seen = Body::Observation(observation(&format!("司机 {RESIDENT_ID}"))).encode();
    let cases = [
        (OperationKind::Party, bad_party, "id", "BAD_CHECK"),
        (OperationKind::StorageIn, named(&format!("运单 {RESIDENT_ID}")), "document", PERSONAL),
        (OperationKind::StorageIn, named("联系 13812345678"), "document", PERSONAL),
        (OperationKind::Observation, seen, "original", PERSONAL),
        (OperationKind::StorageIn, named(""), "document", "FIELD_REQUIRED"),
        (OperationKind::StorageIn, unknown_field, "", "NOT_CANONICAL"),
        (OperationKind::StorageIn, vec![0xff; 12], "", "MALFORMED_BODY"),
    ];
    let mut never_recorded = Vec::new();
    for (kind, body, named, expected) in cases {
        let operation = Operation { body, kind: kind.code(), ..payload.operation() };
        let transaction = net.sign(0, vec![payload.operation(), operation])?;
        let status = refused(&net, transaction.encode()).await?;
        never_recorded.push(transaction.tx_id());
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert_eq!(reason(&status), expected, "{named}: {status}");
        assert!(field(&status).starts_with(named), "{named}: {status:?}");
        assert_eq!(field(&status).is_empty(), named.is_empty(), "the whole of it: {status:?}");
        assert!(status.message().contains("operation 1"), "which operation: {status}");
        if expected == PERSONAL {
            assert!(status.message().contains("at byte"), "{status}");
            for secret in [RESIDENT_ID, "13812345678"] {
                assert!(!format!("{status:?}").contains(secret), "{status:?}");
            }
        }
    }
    // Nothing of the refused transactions is recorded, not even their good half: what is submitted
    // after them has its block, and they have none.
    let after = net.submit(0, &net.sign(0, payload.operations(1))?).await??;
    assert_eq!(after.receipts.len(), 1, "{after:?}");
    for tx_id in never_recorded {
        let found = net.transaction(0, tx_id).await?;
        assert_eq!(found.state(), TransactionState::Unknown, "{found:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_event_id_with_other_content_is_refused_and_a_true_duplicate_is_not()
-> anyhow::Result<()> {
    let net = Devnet::started(3)?;
    net.executed(&[0, 1, 2], 1, 30).await?;
    let mut payload = Payload::new(32);
    let first = payload.event(OperationKind::StorageIn);
    let recorded = net.submit(0, &net.sign(0, vec![first.clone()])?).await??;
    let receipt = recorded.receipts.first().expect("one operation, one receipt").clone();
    assert_eq!(receipt.code, 0);

    // The same operation in another transaction: its first receipt, no error.
    let other = payload.event(OperationKind::StorageIn);
    let again = net.submit(0, &net.sign(0, vec![other, first.clone()])?).await??;
    let repeated = again.receipts.get(1).expect("two operations, two receipts");
    assert_eq!(repeated.code, 0, "{repeated:?}");
    assert_eq!(
        (repeated.height, repeated.receipt_index),
        (receipt.height, receipt.receipt_index),
        "the first receipt"
    );

    // Other content under the same event id: stays in its block with its reason, and changes nothing.
    let changed = payload.event(OperationKind::StorageIn);
    let reused = Operation { uid: first.uid, ..changed };
    let refused = net.submit(0, &net.sign(0, vec![reused.clone()])?).await??;
    let receipt = refused.receipts.first().expect("one operation, one receipt");
    assert_eq!((receipt.code, receipt.reason.as_str()), (2, "OP_UID_REUSED"), "{receipt:?}");
    assert!(!receipt.text_zh.is_empty() && !receipt.text_en.is_empty(), "{receipt:?}");

    // Another agency has event ids of its own.
    let recorded = net.submit(1, &net.sign(1, vec![reused])?).await??;
    let receipt = recorded.receipts.first().expect("one operation, one receipt");
    assert_eq!((receipt.code, receipt.height), (0, recorded.height), "{receipt:?}");
    Ok(())
}

/// Starts a node that must not stay up; what it said, and that its exit code says so.
async fn does_not_start(net: &mut Devnet, node: usize) -> anyhow::Result<String> {
    net.start(node)?;
    let status = net.ended(node).await?;
    let log = net.log(node)?;
    assert!(status.code().is_some_and(|code| code != 0), "{status}: {log}");
    Ok(log)
}

#[tokio::test]
async fn a_busy_port_is_named_before_any_data_is_touched() -> anyhow::Result<()> {
    let mut net = Devnet::new(1)?;
    let address = net.node(0)?.grpc();
    let taken = std::net::TcpListener::bind(address)?;
    let log = does_not_start(&mut net, 0).await?;
    assert!(log.contains("grpc") && log.contains(&address.to_string()), "{log}");
    assert!(!net.node(0)?.home.data_folder().exists(), "no data is touched");
    drop(taken);
    net.start(0)?;
    net.executed(&[0], 1, 30).await
}

#[tokio::test]
async fn a_busy_mesh_port_is_named_before_any_data_is_touched_too() -> anyhow::Result<()> {
    let mut net = Devnet::new(1)?;
    let mesh = net.node(0)?.grpc().port() - 1;
    let taken = std::net::TcpListener::bind(("127.0.0.1", mesh))?;
    let log = does_not_start(&mut net, 0).await?;
    assert!(log.contains(&mesh.to_string()), "{log}");
    assert!(!net.node(0)?.home.data_folder().exists(), "no data is touched");
    drop(taken);
    net.start(0)?;
    net.executed(&[0], 1, 30).await
}

#[tokio::test]
async fn a_wrong_password_is_said_and_ends_the_node() -> anyhow::Result<()> {
    let mut net = Devnet::new(1)?;
    let right = std::fs::read(net.password_file())?;
    std::fs::write(net.password_file(), "another-password")?;
    let log = does_not_start(&mut net, 0).await?;
    assert!(log.to_lowercase().contains("password"), "{log}");
    std::fs::write(net.password_file(), right)?;
    net.start(0)?;
    net.executed(&[0], 1, 30).await
}

#[tokio::test]
async fn a_data_folder_of_another_chain_is_refused() -> anyhow::Result<()> {
    let mut other = Devnet::started(1)?;
    other.executed(&[0], 1, 30).await?;
    assert!(other.stop(0).await?.success());
    let mut net = Devnet::new(1)?;
    std::fs::rename(other.node(0)?.home.data_folder(), net.node(0)?.home.data_folder())?;
    let log = does_not_start(&mut net, 0).await?;
    assert!(log.contains(&net.chain().to_string()), "names the chain expected: {log}");
    assert!(log.contains(&other.chain().to_string()), "names the chain found: {log}");
    Ok(())
}

#[tokio::test]
async fn a_genesis_of_other_members_is_refused_at_start() -> anyhow::Result<()> {
    let mut net = Devnet::new(3)?;
    let other = Devnet::new(3)?;
    for file in ["genesis.bin", "genesis.toml"] {
        let from = other.node(2)?.home.folder().join(file);
        std::fs::copy(from, net.node(2)?.home.folder().join(file))?;
    }
    // Its own key is not in the other document.
    let log = does_not_start(&mut net, 2).await?;
    assert!(log.contains("is not a validator of this genesis document"), "{log}");
    // The two that agree do not need it.
    net.start(0)?;
    net.start(1)?;
    net.executed(&[0, 1], 1, 30).await
}

#[tokio::test]
async fn a_genesis_that_differs_in_its_time_alone_ends_the_node_that_stands_alone()
-> anyhow::Result<()> {
    let mut net = Devnet::new(3)?;
    let home = net.node(2)?.home.clone();
    let mut document = home.read_genesis()?.into_document();
    document.time = document.time.plus_ms(1);
    let other = Genesis::new(document)?;
    std::fs::remove_file(home.genesis_file())?;
    std::fs::remove_file(home.rendering_file())?;
    homes::write_genesis(&home, &other)?;
    net.start_all()?;
    let status = net.ended(2).await?;
    let log = net.log(2)?;
    assert!(status.code().is_some_and(|code| code != 0), "{status}: {log}");
    assert!(log.contains("genesis") && log.contains(&other.chain().to_string()), "{log}");
    // The others go on without it.
    net.executed(&[0, 1], 1, 30).await?;
    let transaction = net.sign(0, Payload::new(33).operations(1))?;
    net.submit(0, &transaction).await??;
    Ok(())
}

#[tokio::test]
async fn a_service_beyond_loopback_is_refused_with_the_reason() -> anyhow::Result<()> {
    let mut net = Devnet::new(1)?;
    let path = net.node(0)?.home.config_file();
    let text = std::fs::read_to_string(&path)?;
    let grpc = net.node(0)?.grpc();
    std::fs::write(&path, text.replace(&grpc.to_string(), &format!("0.0.0.0:{}", grpc.port())))?;
    let log = does_not_start(&mut net, 0).await?;
    assert!(log.contains("loopback") && log.contains("mTLS"), "{log}");
    Ok(())
}

#[tokio::test]
async fn two_nodes_cannot_share_one_data_folder() -> anyhow::Result<()> {
    let net = Devnet::started(1)?;
    net.executed(&[0], 1, 30).await?;
    // Another port, the same home: the lock of the database decides.
    let home = net.node(0)?.home.folder();
    let copy = net.folder().join("copy");
    std::fs::create_dir(&copy)?;
    for name in ["genesis.bin", "genesis.toml"] {
        std::fs::copy(home.join(name), copy.join(name))?;
    }
    std::os::unix::fs::symlink(home.join("keys"), copy.join("keys"))?;
    std::os::unix::fs::symlink(home.join("data"), copy.join("data"))?;
    let text = std::fs::read_to_string(home.join("node.toml"))?;
    let port = net.node(0)?.grpc().port();
    let mut moved = text;
    for (from, to) in [(port - 1, port + 50), (port, port + 51), (port + 1, port + 52)] {
        moved = moved.replace(&from.to_string(), &to.to_string());
    }
    std::fs::write(copy.join("node.toml"), moved)?;
    let mut second = std::process::Command::new(programs::find("jjj-node")?)
        .args(["--lang", "en", "run", "--home"])
        .arg(&copy)
        .arg("--password-file")
        .arg(net.password_file())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let ended = tests::until::found_within(Duration::from_secs(20), async || {
        second.try_wait().expect("the process can be asked")
    })
    .await;
    if ended.is_none() {
        second.kill()?;
    }
    let output = second.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code().is_some_and(|code| code != 0), "{said}");
    assert!(said.contains("data/ledger"), "{said}");
    Ok(())
}
