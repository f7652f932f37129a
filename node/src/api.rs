//! The gRPC services of a node, on loopback. The only module that names tonic.
//!
//! It answers from what is executed and durable; it never touches consensus but to hand over a body.

mod failure;
mod lane;
mod ledger_service;
mod lists;
mod node_service;
mod place;
mod submission;
mod trace_service;

use std::io;
use std::sync::Arc;

use api::alert::alert_service_server::AlertServiceServer;
use api::evaluation::evaluation_service_server::EvaluationServiceServer;
use api::ledger::ledger_service_server::LedgerServiceServer;
use api::node::node_service_server::NodeServiceServer;
use api::release::release_service_server::ReleaseServiceServer;
use api::submission::submission_service_server::SubmissionServiceServer;
use api::trace::trace_service_server::TraceServiceServer;
use consensus::{Input, Standing};
use ledger::reader::Reader;
use proto::ValidatorIndex;
use rocks::RocksStore;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use crate::bodies::Bodies;
use crate::doctor::Advice;
use crate::executor::{Executed, Refusals};
use crate::gate::Gate;
use crate::intake::Connected;
use crate::network::Network;

pub(crate) use lane::Lanes;

/// Bytes of a request that submits. A transaction has at most 1 MiB: what is larger is told so, with
/// field and rule, up to this size; beyond it the transport ends the call unread.
const SUBMISSION_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Requests that one connection may have under way.
const STREAMS_MAX: u32 = 128;

/// Bytes of a request's headers.
const HEADER_BYTES_MAX: u32 = 16 * 1024;

/// What the services work with.
#[derive(Clone)]
pub(crate) struct Service {
    /// Own index.
    pub(crate) me: ValidatorIndex,
    /// All other members.
    pub(crate) others: Vec<ValidatorIndex>,
    /// Admission.
    pub(crate) gate: Gate,
    /// The ledger.
    pub(crate) reader: Reader<RocksStore>,
    /// Transaction bodies.
    pub(crate) bodies: Bodies,
    /// The mesh.
    pub(crate) network: Network,
    /// The replica's inputs.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// What is executed.
    pub(crate) executed: watch::Receiver<Executed>,
    /// Where the replica stands.
    pub(crate) standing: watch::Receiver<Standing>,
    /// What the operator should do about the database.
    pub(crate) advice: watch::Receiver<Option<Advice>>,
    /// Members as the network sees them.
    pub(crate) connected: watch::Receiver<Connected>,
    /// Why recent operations were refused.
    pub(crate) refusals: Refusals,
    /// How many requests work at once.
    pub(crate) lanes: Arc<Lanes>,
}

/// Serves until the process ends.
pub(crate) async fn serve_api(
    listener: TcpListener,
    service: Service,
) -> Result<(), tonic::transport::Error> {
    let submission = SubmissionServiceServer::new(service.clone())
        .max_decoding_message_size(SUBMISSION_BYTES_MAX);
    let (health_reporter, health) = tonic_health::server::health_reporter();
    tokio::spawn(node_service::report_health(health_reporter, service.clone()));
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(api::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .expect("the descriptors are compiled in and complete");
    Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .add_service(health)
        .add_service(reflection)
        .add_service(submission)
        .add_service(LedgerServiceServer::new(service.clone()))
        .add_service(TraceServiceServer::new(service.clone()))
        .add_service(AlertServiceServer::new(service.clone()))
        .add_service(ReleaseServiceServer::new(service.clone()))
        .add_service(EvaluationServiceServer::new(service.clone()))
        .add_service(NodeServiceServer::new(service))
        .serve_with_incoming(TcpListenerStream::new(listener).map(at_once))
        .await
}

/// Sends each answer at once: otherwise its end waits 40 ms for the caller's acknowledgement.
fn at_once(accepted: io::Result<TcpStream>) -> io::Result<TcpStream> {
    let stream = accepted?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
