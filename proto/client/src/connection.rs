//! The way to a node, and one submission over it.

use std::time::Duration;

use anyhow::Context as _;
use api::submission::submission_service_client::SubmissionServiceClient;
use api::submission::{OperationReceipt, SubmitTransactionRequest, TransactionOutcome};
use genesis::home::Home;
use genesis::words::Language;
use proto::codec::Canonical as _;
use proto::operation::Operation;
use proto::receipt::{CODE_ACCEPTED, CODE_ALREADY_RECORDED};
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};

use crate::args::Cli;
use crate::identity::Identity;
use crate::output::Output;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest answer: a proof bundle of a long trace.
pub(crate) const ANSWER_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Connects to the node of the arguments or of the home folder.
pub(crate) async fn connect(cli: &Cli) -> anyhow::Result<Channel> {
    let address = match &cli.node {
        Some(address) => address.clone(),
        None => format!("http://{}", Home::new(&cli.home).read_config()?.grpc),
    };
    let endpoint = Endpoint::from_shared(address.clone())
        .with_context(|| {
            format!(
                "--node：{address} 不是 http://127.0.0.1:7101 这样的地址 \
                 {address} is not an address such as http://127.0.0.1:7101"
            )
        })?
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT);
    let silent = || format!("{address} 没有节点应答 no node answers at {address}");
    endpoint.connect().await.with_context(silent)
}

/// A request in the caller's language.
pub(crate) fn request<T>(message: T, output: &Output) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let language = match output.language() {
        Language::Zh => MetadataValue::from_static("zh"),
        Language::En => MetadataValue::from_static("en"),
    };
    request.metadata_mut().insert("accept-language", language);
    request
}

/// Signs operations as one transaction, submits it and waits for its receipts.
pub(crate) async fn submit(
    channel: &Channel,
    identity: &Identity,
    operations: Vec<Operation>,
    output: &Output,
) -> anyhow::Result<TransactionOutcome> {
    let transaction = identity.sign(operations)?.encode();
    let mut client =
        SubmissionServiceClient::new(channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX);
    let message = SubmitTransactionRequest { transaction };
    let response = client.submit_transaction(request(message, output)).await?;
    let outcome = response.into_inner().outcome;
    outcome.context("节点的回答没有结果 the node answered without an outcome")
}

/// What became of a submitted operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// Recorded by this transaction.
    Recorded,
    /// Recorded by an earlier one: this one changed nothing.
    RecordedBefore,
    /// Refused.
    Refused,
}

/// What a receipt says of an operation whose transaction stands at `height`: a node shows the first
/// receipt of what had been recorded before, and that one is of another height.
pub(crate) fn fate(receipt: &OperationReceipt, height: u64) -> Fate {
    match u16::try_from(receipt.code) {
        Ok(CODE_ACCEPTED) if receipt.height == height => Fate::Recorded,
        Ok(CODE_ACCEPTED | CODE_ALREADY_RECORDED) => Fate::RecordedBefore,
        Ok(_) | Err(_) => Fate::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_before_is_not_called_recorded() {
        for (code, height, expected) in [
            (0, 9, Fate::Recorded),
            (0, 4, Fate::RecordedBefore),
            (1, 9, Fate::RecordedBefore),
            (2, 9, Fate::Refused),
            (65_536, 9, Fate::Refused),
        ] {
            let receipt = OperationReceipt { code, height, ..OperationReceipt::default() };
            assert_eq!(fate(&receipt, 9), expected, "code {code} at {height}");
        }
    }
}
