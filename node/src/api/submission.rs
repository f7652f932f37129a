//! Transactions in, receipts out.

use std::sync::Arc;
use std::time::Duration;

use api::submission::submission_service_server::SubmissionService;
use api::submission::{
    AlertNotice, GetTransactionRequest, GetTransactionResponse, OperationReceipt,
    SubmitTransactionRequest, SubmitTransactionResponse, TransactionOutcome, TransactionState,
};
use consensus::Input;
use contracts::refusal;
use ledger::reader::View;
use ledger::schema::TxPlace;
use ledger::store::{StoreError, StoreRead};
use proto::codec::Canonical as _;
use proto::limits::TX_BYTES_MAX;
use proto::operation::Operation;
use proto::receipt::{CODE_ALREADY_RECORDED, Receipt};
use proto::submitter::SubmitterRecord;
use proto::trie::Namespace;
use proto::{Hash, Height, TimeMs, TxId};
use tokio::sync::{mpsc, watch};
use tonic::{Code, Request, Response, Status};

use super::Service;
use super::failure::{Failure, answered, language_of};
use crate::bodies::{AdmittedBody, Bodies};
use crate::clock;
use crate::executor::Executed;
use crate::gate::Inadmissible;
use crate::intake::describe;

/// How long a call waits for its receipts where the caller set no deadline.
const WAIT_MS_DEFAULT: u64 = 30_000;

/// Time kept back from the caller's deadline, so that the answer arrives before it.
const ANSWER_MARGIN_MS: u64 = 50;

#[tonic::async_trait]
impl SubmissionService for Service {
    async fn submit_transaction(
        &self,
        request: Request<SubmitTransactionRequest>,
    ) -> Result<Response<SubmitTransactionResponse>, Status> {
        let language = language_of(request.metadata());
        let wait = deadline(request.metadata());
        let outcome = self.submit(request.into_inner().transaction, wait).await;
        let outcome = outcome.map_err(|failure| failure.told(&self.lanes.short, language))?;
        Ok(Response::new(SubmitTransactionResponse { outcome: Some(outcome) }))
    }

    async fn get_transaction(
        &self,
        request: Request<GetTransactionRequest>,
    ) -> Result<Response<GetTransactionResponse>, Status> {
        answered(&self.lanes.short, request, |asked| {
            let bytes: Result<[u8; 32], _> = asked.tx_id.as_slice().try_into();
            let bytes = bytes.map_err(|_| {
                let found = asked.tx_id.len();
                let zh = format!("应有 32 字节，实有 {found} 字节");
                let en = format!("expected 32 bytes, found {found}");
                Failure::field(("tx_id", "TX_ID"), &zh, &en)
            })?;
            let tx_id = TxId(Hash::new(bytes));
            let outcome = self.outcome(tx_id)?.unwrap_or_else(|| TransactionOutcome {
                tx_id: tx_id.as_bytes().to_vec(),
                state: if self.bodies.holds_id(&tx_id) {
                    TransactionState::Pending.into()
                } else {
                    TransactionState::Unknown.into()
                },
                height: 0,
                receipts: Vec::new(),
            });
            Ok(GetTransactionResponse { outcome: Some(outcome) })
        })
        .await
    }
}

/// How long to wait: the caller's `grpc-timeout`, less the time that the answer needs.
fn deadline(metadata: &tonic::metadata::MetadataMap) -> Duration {
    let text = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok());
    let ms = text.and_then(parse_timeout_ms).unwrap_or(WAIT_MS_DEFAULT).min(WAIT_MS_DEFAULT);
    Duration::from_millis(ms.saturating_sub(ANSWER_MARGIN_MS))
}

/// Up to eight digits and a unit, as the gRPC protocol writes a timeout.
fn parse_timeout_ms(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let value: u64 = digits.parse().ok()?;
    match text.strip_prefix(digits)? {
        "H" => value.checked_mul(3_600_000),
        "M" => value.checked_mul(60_000),
        "S" => value.checked_mul(1_000),
        "m" => Some(value),
        "u" => Some(value / 1_000),
        "n" => Some(value / 1_000_000),
        _ => None,
    }
}

/// Refuses by the length alone, before anything is decoded.
fn check_length(transaction: &[u8]) -> Result<(), Failure> {
    let found = transaction.len();
    if u32::try_from(found).is_ok_and(|bytes| bytes <= TX_BYTES_MAX) {
        return Ok(());
    }
    let rule = format!("expected at most {TX_BYTES_MAX} bytes");
    let zh = format!("至多 {TX_BYTES_MAX} 字节，实有 {found} 字节");
    let en = format!("{rule}, found {found}");
    Err(Failure::field(("transaction", "MALFORMED"), &zh, &en)
        .with("field", "transaction")
        .with("rule", rule))
}

/// Takes a body in and tells the replica of it: both or neither, wherever the caller gives up.
async fn take_in(
    bodies: &Bodies,
    inputs: &mpsc::Sender<Input>,
    body: AdmittedBody,
    now: TimeMs,
) -> Result<(), Failure> {
    let stopping = |_| {
        let (zh, en) = ("节点正在停止", "the node is stopping");
        Failure::new(Code::Unavailable, "STOPPING", zh, en)
    };
    let room = inputs.reserve().await.map_err(stopping)?;
    let said = describe(&body, now);
    if bodies.insert(body)? {
        room.send(Input::BodyHeld(said));
    }
    Ok(())
}

impl Service {
    async fn submit(&self, bytes: Vec<u8>, wait: Duration) -> Result<TransactionOutcome, Failure> {
        check_length(&bytes)?;
        let now = clock::now();
        let admit = || self.gate.admit_submission(&bytes, now);
        let admitted = self.lanes.short.run(admit).await?;
        let tx_id = match admitted {
            Ok(body) => {
                let (tx_id, shared) = (body.0.tx_id(), Arc::clone(body.0.bytes()));
                take_in(&self.bodies, &self.inputs, body, now).await?;
                // Submitted again, too: a member that was down the first time may be back.
                for to in &self.others {
                    self.network.forward(*to, vec![Arc::clone(&shared)]);
                }
                tx_id
            }
            // Submitted before: the same receipts.
            Err(Inadmissible::Ordered { tx_id, .. }) => tx_id,
            Err(error) => return Err(error.into()),
        };
        self.wait_for(tx_id, wait).await
    }

    async fn wait_for(&self, tx_id: TxId, wait: Duration) -> Result<TransactionOutcome, Failure> {
        let mut executed = self.executed.clone();
        let waiting = async {
            loop {
                let seen = executed.borrow_and_update().height;
                if let Some(outcome) = self.lanes.short.in_turn(|| self.outcome(tx_id)).await? {
                    return Ok(outcome);
                }
                if !above(&mut executed, seen).await {
                    return Err(outcome_unknown(tx_id));
                }
            }
        };
        tokio::time::timeout(wait, waiting).await.unwrap_or_else(|_| Err(outcome_unknown(tx_id)))
    }

    /// What became of an executed transaction.
    fn outcome(&self, tx_id: TxId) -> Result<Option<TransactionOutcome>, StoreError> {
        let view = self.reader.view()?;
        let Some(place) = view.transaction(tx_id)? else { return Ok(None) };
        let height = place.height.value();
        let state = if height < view.hardened_size()? {
            TransactionState::Hardened
        } else if height < view.certified_size()? {
            TransactionState::Certified
        } else {
            TransactionState::Executed
        };
        let receipts = self.receipts(&view, &place)?;
        let tx_id = tx_id.as_bytes().to_vec();
        Ok(Some(TransactionOutcome { tx_id, state: state.into(), height, receipts }))
    }

    fn receipts(
        &self,
        view: &View<'_, impl StoreRead>,
        place: &TxPlace,
    ) -> Result<Vec<OperationReceipt>, StoreError> {
        let Some(body) = view.body(place.height, place.position)? else { return Ok(Vec::new()) };
        let key = body.header().submitter;
        let submitter = view
            .state(Namespace::Key, key.as_bytes())?
            .and_then(|bytes| SubmitterRecord::decode(&bytes).ok());
        let stored = view.receipts(place.height, place.first_receipt, body.operations().len())?;
        let mut receipts = Vec::new();
        for ((op_index, operation), receipt) in (0u32..).zip(body.operations()).zip(stored) {
            let mut at = (place.height, place.first_receipt + op_index);
            let mut shown = receipt;
            if shown.code == CODE_ALREADY_RECORDED
                && let Some(first) = first_receipt(view, submitter.as_ref(), operation)?
            {
                (at, shown) = first;
            }
            receipts.push(self.receipt(op_index, at, &shown));
        }
        Ok(receipts)
    }

    fn receipt(
        &self,
        op_index: u32,
        (height, receipt_index): (Height, u32),
        receipt: &Receipt,
    ) -> OperationReceipt {
        let (reason, text_zh, text_en) = match self.refusals.get(height, receipt_index) {
            Some(refusal) => (refusal.reason().to_owned(), refusal.zh(), refusal.en()),
            None => refusal_of_code(receipt.code),
        };
        let alerts = receipt.alerts.as_slice().iter().map(|notice| AlertNotice {
            code: notice.code.into(),
            alert: String::from_utf8_lossy(&notice.alert).into_owned(),
        });
        OperationReceipt {
            op_index,
            height: height.value(),
            receipt_index,
            code: receipt.code.into(),
            reason,
            text_zh,
            text_en,
            alerts: alerts.collect(),
        }
    }
}

/// Waits until a height above `seen` is executed; false where none will be. Certificates are told in the
/// same place and bring no receipts.
async fn above(executed: &mut watch::Receiver<Executed>, seen: Height) -> bool {
    executed.wait_for(|now| now.height > seen).await.is_ok()
}

/// The refusal of a code without its numbers, which only recent blocks still have.
fn refusal_of_code(code: u16) -> (String, String, String) {
    let found = refusal::TABLE.iter().find(|(known, ..)| *known == code);
    found.map_or_else(Default::default, |(_, reason, zh, en)| {
        ((*reason).to_owned(), (*zh).to_owned(), (*en).to_owned())
    })
}

type Placed = ((Height, u32), Receipt);

/// The receipt under which the same operation was recorded first.
fn first_receipt(
    view: &View<'_, impl StoreRead>,
    submitter: Option<&SubmitterRecord>,
    operation: &Operation,
) -> Result<Option<Placed>, StoreError> {
    let Some(submitter) = submitter else { return Ok(None) };
    let Some((height, index)) = view.recorded(submitter.agency, operation.uid)? else {
        return Ok(None);
    };
    Ok(view.receipt(height, index)?.map(|receipt| ((height, index), receipt)))
}

fn outcome_unknown(tx_id: TxId) -> Failure {
    let zh = format!("结果未知，请用 {tx_id} 查询或重新提交");
    let en = format!("outcome unknown: ask for {tx_id} or submit it again");
    Failure::new(Code::DeadlineExceeded, "OUTCOME_UNKNOWN", zh, en).with("tx_id", tx_id.to_string())
}

#[cfg(test)]
mod tests {
    use std::future::{Future as _, poll_fn};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use proto::ChainId;
    use proto::operation::{OpUid, Salt};
    use proto::sign::SecretKey;
    use proto::transaction::Transaction;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_for_receipts_is_woken_by_heights_and_not_by_certificates() {
        let height = Height::new(7);
        let (sender, mut executed) =
            watch::channel(Executed { height, root: Hash::ZERO, certified: 0 });
        let mut waiting = pin!(above(&mut executed, height));
        for (next, certified, expected) in
            [(7, 0, Poll::Pending), (7, 8, Poll::Pending), (8, 8, Poll::Ready(true))]
        {
            let height = Height::new(next);
            sender.send_replace(Executed { height, root: Hash::ZERO, certified });
            let found = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
            assert_eq!(found, expected, "height {next}, certified {certified}");
        }
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_leaves_no_body_that_the_replica_is_never_told_of() {
        let (uid, salt) = (OpUid([1; 16]), Salt([0; 16]));
        let operations = vec![Operation { kind: 1, version: 1, uid, salt, body: vec![1] }];
        let (key, until) = (SecretKey::from_seed(&[7; 32]), TimeMs::new(1_000));
        let signed = Transaction::sign(ChainId::default(), &key, until, operations).unwrap();
        let leaf = signed.leaf();
        let body = AdmittedBody(signed);
        let (bodies, now) = (Bodies::default(), TimeMs::new(1));
        let (inputs, mut queue) = mpsc::channel(1);
        inputs.send(Input::Start).await.unwrap();
        {
            let mut given_up = pin!(take_in(&bodies, &inputs, body.clone(), now));
            let mut context = Context::from_waker(Waker::noop());
            assert!(given_up.as_mut().poll(&mut context).is_pending(), "the queue is full");
        }
        assert!(!bodies.holds(&leaf), "neither taken in nor told of");
        assert_eq!(queue.recv().await, Some(Input::Start));
        take_in(&bodies, &inputs, body, now).await.unwrap();
        assert!(bodies.holds(&leaf));
        assert!(matches!(queue.recv().await, Some(Input::BodyHeld(said)) if said.leaf == leaf));
    }

    #[test]
    fn timeouts_are_read_as_the_grpc_protocol_writes_them() {
        for (text, ms) in [
            ("10S", Some(10_000)),
            ("250m", Some(250)),
            ("1H", Some(3_600_000)),
            ("5000u", Some(5)),
            ("3000000n", Some(3)),
            ("", None),
            ("S", None),
            ("10", None),
            ("10X", None),
            ("-1S", None),
        ] {
            assert_eq!(parse_timeout_ms(text), ms, "{text}");
        }
    }
}
