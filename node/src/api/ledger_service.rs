//! Blocks and proofs.

use api::ledger::ledger_service_server::LedgerService;
use api::ledger::{
    GetBlockRequest, GetBlockResponse, GetGenesisRequest, GetGenesisResponse,
    ProveOperationRequest, ProveOperationResponse,
};
use ledger::prove::Prover;
use ledger::store::StoreError;
use proto::Height;
use proto::codec::Canonical as _;
use proto::glossary::Term;
use tonic::{Code, Request, Response, Status};

use super::Service;
use super::failure::{Failure, answered};

/// Checkpoints of earlier that one proof continues. Whoever holds more needs the newest alone, since
/// it continues the others.
const PINS_MAX: usize = 16;

#[tonic::async_trait]
impl LedgerService for Service {
    async fn get_block(
        &self,
        request: Request<GetBlockRequest>,
    ) -> Result<Response<GetBlockResponse>, Status> {
        answered(&self.lanes.long, request, |asked| {
            let height = Height::new(asked.height);
            self.block(height)?.ok_or_else(|| {
                let zh = format!("第 {height} 块尚不存在");
                let en = format!("block {height} does not exist yet");
                Failure::new(Code::NotFound, "NO_SUCH_BLOCK", zh, en)
            })
        })
        .await
    }

    async fn get_genesis(
        &self,
        _: Request<GetGenesisRequest>,
    ) -> Result<Response<GetGenesisResponse>, Status> {
        Ok(Response::new(GetGenesisResponse { genesis: self.reader.genesis().encode() }))
    }

    async fn prove_operation(
        &self,
        request: Request<ProveOperationRequest>,
    ) -> Result<Response<ProveOperationResponse>, Status> {
        answered(&self.lanes.long, request, |asked| {
            let pins = checked_pins(&asked.pins)?;
            let view = self.reader.view()?;
            let prover = Prover::new(&view, pins);
            let bundle = prover.receipt(Height::new(asked.height), asked.receipt_index)?;
            Ok(ProveOperationResponse { bundle: bundle.to_bytes() })
        })
        .await
    }
}

/// Sizes of checkpoints that a proof is to continue.
pub(super) fn checked_pins(pins: &[u64]) -> Result<&[u64], Failure> {
    let (zh, en) = if pins.len() > PINS_MAX {
        (format!("至多 {PINS_MAX} 个"), format!("expected at most {PINS_MAX}"))
    } else if pins.first() == Some(&0) || !pins.is_sorted_by(|a, b| a < b) {
        ("应严格升序，且不为 0".to_owned(), "expected strictly ascending sizes above 0".to_owned())
    } else {
        return Ok(pins);
    };
    Err(Failure::field(("pins", "PINS"), &zh, &en).with("field", "pins").with("rule", en))
}

impl Service {
    fn block(&self, height: Height) -> Result<Option<GetBlockResponse>, StoreError> {
        let view = self.reader.view()?;
        let (Some(decided), Some(leaf)) = (view.decided(height)?, view.leaf(height)?) else {
            return Ok(None);
        };
        let level = if height.value() < view.hardened_size()? {
            Term::Hardened
        } else if height.value() < view.certified_size()? {
            Term::Certified
        } else {
            Term::Committed
        };
        let operations: u32 =
            view.bodies(height)?.iter().map(|body| u32::from(body.header().op_count)).sum();
        Ok(Some(GetBlockResponse {
            header: decided.block.header().encode(),
            block_hash: decided.block.hash().as_bytes().to_vec(),
            tx_leaves: decided.block.tx_leaves().iter().map(|l| l.as_bytes().to_vec()).collect(),
            commit_certificate: decided.certificate.encode(),
            history_leaf: leaf.encode(),
            operations,
            receipts: leaf.receipts_count,
            level: level.name().to_owned(),
        }))
    }
}
