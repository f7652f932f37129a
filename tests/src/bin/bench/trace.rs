//! Traces over gRPC, with proof and without, in the sample world and in goods made here.

use anyhow::Context as _;
use api::trace::trace_service_client::TraceServiceClient;
use api::trace::{Direction, ProofMode, TraceRequest, TraceResponse};
use tests::demo::stage::{BEIJING, HEBEI, Stage, TIANJIN};
use tests::devnet::Devnet;

use crate::ceilings::Ceilings;
use crate::clock::{self, Samples, Watch};
use crate::table::Table;

/// A packet of the sample world whose goods were split, packed and matched across three provinces.
const PACKET: &str = "BJ1101050690123456789221032100116";

/// Most bytes of an answer that is read here.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Submits the sample world. The code schemes are agreed on first.
pub(crate) fn load(stage: &Stage) -> anyhow::Result<u64> {
    stage.agree_on_rules()?;
    let mut last = 0;
    for (agency, file, mapping) in [
        (BEIJING, "beijing/registry.csv", "beijing/registry.toml"),
        (BEIJING, "beijing/events.csv", "beijing/events.toml"),
        (TIANJIN, "tianjin/export.json", "tianjin/mapping.toml"),
        (HEBEI, "hebei/export.xml", "hebei/mapping.toml"),
    ] {
        last = stage.submit(agency, file, mapping)?.last_height;
    }
    Ok(last)
}

async fn ask(
    client: &mut TraceServiceClient<tonic::transport::Channel>,
    proof_mode: ProofMode,
) -> anyhow::Result<TraceResponse> {
    let request = TraceRequest {
        codes: vec![PACKET.to_owned()],
        direction: Direction::Back.into(),
        proof_mode: proof_mode.into(),
        ..TraceRequest::default()
    };
    Ok(client.trace(request).await.context("a trace")?.into_inner())
}

/// Traces a packet of the sample world `times` times in each mode.
pub(crate) async fn measure(
    (table, ceilings): (&Table, &Ceilings),
    net: &Devnet,
    times: u64,
) -> anyhow::Result<()> {
    let client = TraceServiceClient::new(net.channel(BEIJING)?);
    let mut client = client.max_decoding_message_size(ANSWER_BYTES_MAX);
    table.part("trace of a packet over gRPC");
    for (name, mode) in [
        ("without proof", ProofMode::None),
        ("proof that nothing is left out", ProofMode::Complete),
    ] {
        let first = ask(&mut client, mode).await?;
        anyhow::ensure!(!first.units.is_empty(), "the packet of the sample world has no trace");
        let mut samples = Samples::default();
        for _ in 0..times {
            let watch = Watch::start();
            ask(&mut client, mode).await?;
            samples.add(watch.elapsed());
        }
        let (units, events) = (first.units.len(), first.events.len());
        let kilobytes = first.bundle.len().div_ceil(1_000);
        let trip = clock::text(ceilings.round_trip.percentile(50));
        table.row(name, &samples.both(), &format!("{trip}: there and back"));
        table.row("", &format!("{units} units, {events} events, proof {kilobytes} kB"), "");
    }
    Ok(())
}
