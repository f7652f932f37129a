//! What the machine can do at best: disk, hashes, signatures, loopback, store.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use ledger::store::{Batch, Column, Durability, Store as _};
use proto::hash::{Hash, Tag};
use proto::sign::SecretKey;
use rocks::RocksStore;

use crate::clock::{self, Samples, Watch, each, grouped, per_second, timed};
use crate::table::Table;

/// Bytes of one append.
const APPEND_BYTES: usize = 4 * 1024;

/// Bytes that are hashed at once.
const BULK_BYTES: usize = 16 * 1024 * 1024;

/// Changes of a batch of the store.
const PUTS: u64 = 1_000;

/// What later figures are held against.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ceilings {
    /// One append that is synced.
    pub(crate) sync: Samples,
    /// One strict verification.
    pub(crate) verify: Duration,
    /// One hash of an inner node.
    pub(crate) node_hash: Duration,
    /// There and back on loopback.
    pub(crate) round_trip: Samples,
    /// One synced batch of the store.
    pub(crate) batch: Samples,
}

/// Measures every ceiling, slow things `times` times.
pub(crate) async fn measure(table: &Table, folder: &Path, times: u64) -> anyhow::Result<Ceilings> {
    table.part("the machine");
    let sync = appends(&folder.join("appends"), times)?;
    table.row("append of 4 KiB and fdatasync", &sync.both(), "");
    let verify = verifications(times)?;
    let rate = format!("{} /s on one core", grouped(per_second(1, verify)));
    table.row("Ed25519, strict verification", &rate, "");
    let node_hash = node_hashes(times * 1_000);
    let rate = format!("{} /s on one core", grouped(per_second(1, node_hash)));
    table.row("BLAKE3, inner node of 64 B", &rate, "");
    let bytes = vec![7; BULK_BYTES];
    let (took, _) = timed(|| Tag::Op.hash(&bytes));
    let megabytes = per_second(u64::try_from(BULK_BYTES / 1_000_000)?, took);
    table.row("BLAKE3, 16 MiB", &format!("{} MB/s on one core", grouped(megabytes)), "");
    let round_trip = tokio::task::spawn_blocking(move || round_trips(times * 5)).await??;
    table.row("TCP on loopback, there and back", &round_trip.both(), "");
    let batch = batches(&folder.join("batches"), times / 5)?;
    let rate = per_second(1, batch.percentile(50));
    let figure = format!("{}, {rate} /s", batch.both());
    table.row(
        "RocksDB, synced batch of 1,000 puts",
        &figure,
        &format!("{} fdatasync", clock::text(sync.percentile(50))),
    );
    Ok(Ceilings { sync, verify, node_hash, round_trip, batch })
}

fn appends(path: &Path, times: u64) -> anyhow::Result<Samples> {
    let (mut file, bytes) = (File::create(path)?, vec![1; APPEND_BYTES]);
    let mut samples = Samples::default();
    for _ in 0..times {
        let (took, done) = timed(|| file.write_all(&bytes).and_then(|()| file.sync_data()));
        done?;
        samples.add(took);
    }
    Ok(samples)
}

fn verifications(times: u64) -> anyhow::Result<Duration> {
    let key = SecretKey::from_seed(&[7; 32]);
    let message = [3; 200];
    let (public, signature) = (key.public(), key.sign(&message));
    let (took, done) = timed(|| (0..times).try_for_each(|_| public.verify(&message, &signature)));
    done?;
    Ok(each(took, times))
}

fn node_hashes(times: u64) -> Duration {
    let start = Tag::Key.hash(&[]);
    let (took, last) =
        timed(|| (0..times).fold(start, |last, _| Tag::Node.hash_pair(&last, &last)));
    // Without a use of the result the compiler may leave the work out.
    if last == Hash::ZERO { Duration::ZERO } else { each(took, times) }
}

fn round_trips(times: u64) -> anyhow::Result<Samples> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let echo = tokio::runtime::Handle::current().spawn_blocking(move || echo(&listener));
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let (mut samples, mut bytes) = (Samples::default(), [0; 64]);
    for _ in 0..times {
        let watch = Watch::start();
        stream.write_all(&bytes)?;
        stream.read_exact(&mut bytes)?;
        samples.add(watch.elapsed());
    }
    drop(stream);
    tokio::runtime::Handle::current().block_on(echo)??;
    Ok(samples)
}

fn echo(listener: &TcpListener) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut bytes = [0; 64];
    while stream.read_exact(&mut bytes).is_ok() {
        stream.write_all(&bytes)?;
    }
    Ok(())
}

fn batches(folder: &Path, times: u64) -> anyhow::Result<Samples> {
    let store = RocksStore::open(folder).context("a new store")?;
    let mut samples = Samples::default();
    for batch_number in 0..times {
        let mut batch = Batch::default();
        for number in 0..PUTS {
            // Keys that lie far apart, values as long as most of the state's.
            let key = Tag::Key.hash(&(batch_number * PUTS + number).to_be_bytes());
            batch.put(Column::State, *key.as_bytes(), [key.as_bytes().as_slice(); 3].concat());
        }
        let (took, done) = timed(|| store.write(batch, Durability::Synced));
        done?;
        samples.add(took);
    }
    Ok(samples)
}
