//! What an operator wants to know: where the node stands, whom it waits for and why.

use api::ledger::ledger_service_server::LedgerServiceServer;
use api::node::node_service_server::NodeService;
use api::node::node_service_server::NodeServiceServer;
use api::node::{GetStatusRequest, GetStatusResponse, Peer};
use api::submission::submission_service_server::SubmissionServiceServer;
use consensus::{Halt, Mode, NotVoting, Phase, Standing};
use ledger::store::StoreError;
use proto::ValidatorIndex;
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::Service;
use super::failure::answered;
use crate::intake::Link;

#[tonic::async_trait]
impl NodeService for Service {
    async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        answered(request, |_| Ok(self.status()?))
    }
}

/// Tells the health service the truth: serving while the node takes part or follows.
pub(super) async fn report_health(reporter: HealthReporter, service: Service) {
    let mut standing = service.standing.clone();
    loop {
        let status = match standing.borrow_and_update().mode {
            Mode::Voting | Mode::NotVoting(_) => ServingStatus::Serving,
            Mode::Starting | Mode::Halted(_) => ServingStatus::NotServing,
        };
        reporter.set_service_status("", status).await;
        match status {
            ServingStatus::Serving => {
                reporter.set_serving::<SubmissionServiceServer<Service>>().await;
                reporter.set_serving::<LedgerServiceServer<Service>>().await;
                reporter.set_serving::<NodeServiceServer<Service>>().await;
            }
            ServingStatus::NotServing | ServingStatus::Unknown => {
                reporter.set_not_serving::<SubmissionServiceServer<Service>>().await;
            }
        }
        if standing.changed().await.is_err() {
            return;
        }
    }
}

impl Service {
    fn status(&self) -> Result<GetStatusResponse, StoreError> {
        let standing = self.standing.borrow().clone();
        let view = self.reader.view()?;
        let genesis = self.reader.genesis();
        let descriptor = genesis.descriptor();
        let quorum = descriptor.quorum();
        let (waiting, bytes) = self.bodies.waiting();
        let (voting, not_voting_reason) = match standing.mode {
            Mode::Voting => (true, String::new()),
            Mode::Starting => {
                (false, "正在先询问其他共识节点 asking the other validators first".to_owned())
            }
            Mode::NotVoting(reason) => (false, format!("{} {reason}", not_voting_zh(reason))),
            Mode::Halted(reason) => (false, format!("{} {reason}", halted_zh(reason))),
        };
        let leaf = view.leaf(view.head())?;
        let root = view.history_root(view.head().history_size())?;
        let (waiting_zh, waiting_en) = self.waiting(&standing);
        Ok(GetStatusResponse {
            chain: genesis.chain().as_bytes().to_vec(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            validator: self.me.value().into(),
            agency: self.agency(self.me),
            validators: quorum.validators().into(),
            malicious_max: quorum.malicious_max().into(),
            quorum: quorum.votes().into(),
            down_max: quorum.down_max().into(),
            epoch: descriptor.epoch.value(),
            open_height: standing.height.value(),
            view: standing.view.value(),
            primary: standing.primary.value().into(),
            voting,
            not_voting_reason,
            decided: standing.decided.value(),
            executed: view.head().value(),
            certified: view.certified_size()?.saturating_sub(1),
            hardened: view.hardened_size()?.saturating_sub(1),
            block_hash: bytes_of(leaf.as_ref().map(|leaf| leaf.block_hash.as_bytes())),
            state_root: bytes_of(leaf.as_ref().map(|leaf| leaf.state_root.as_bytes())),
            history_root: bytes_of(root.as_ref().map(proto::Hash::as_bytes)),
            block_ms: leaf.map_or(0, |leaf| leaf.time.value()),
            mempool_transactions: count(waiting),
            mempool_bytes: count(bytes),
            peers: self.peers(),
            waiting_zh,
            waiting_en,
        })
    }

    fn peers(&self) -> Vec<Peer> {
        let connected = self.connected.borrow();
        let peer = |(index, view): (&ValidatorIndex, &crate::intake::PeerView)| Peer {
            validator: index.value().into(),
            agency: self.agency(*index),
            connected: view.link != Link::Down,
            executed: view.executed,
            clock_skew_ms: view.clock_skew_ms,
        };
        connected.iter().map(peer).collect()
    }

    /// Name of the agency that operates a validator.
    pub(super) fn agency(&self, validator: ValidatorIndex) -> String {
        let genesis = self.reader.genesis();
        let member = genesis.descriptor().validator(validator);
        let agency = member.and_then(|member| genesis.agency(member.agency));
        agency.map(|agency| agency.name.clone()).unwrap_or_default()
    }

    /// Whom the node waits for and why, in Chinese and English; empty where nothing is under way.
    fn waiting(&self, standing: &Standing) -> (String, String) {
        let (zh, en) = match (standing.mode, standing.phase) {
            (Mode::Starting, _) => ("启动答复", "an answer at start"),
            (_, Phase::Idle) if standing.bodies == 0 => return (String::new(), String::new()),
            (_, Phase::Idle) => ("出块", "a proposal"),
            (_, Phase::Proposed) => ("预备签认", "a prepare"),
            (_, Phase::Prepared) => ("确认签认", "a commit"),
            (_, Phase::ViewChanging(_)) => ("换主签认", "a view change"),
            (_, Phase::Fetching) => ("区块内容", "the block's content"),
        };
        if standing.waits_for.is_empty() {
            return (String::new(), String::new());
        }
        let named = standing.waits_for.iter().map(|at| self.agency_and_link(*at));
        let (names_zh, names_en): (Vec<String>, Vec<String>) = named.unzip();
        (
            format!("等待 {} 的{zh}", names_zh.join("、")),
            format!("waits for {en} of {}", names_en.join(", ")),
        )
    }

    /// The agency of a validator, and why it cannot answer where that is known.
    fn agency_and_link(&self, validator: ValidatorIndex) -> (String, String) {
        let agency = self.agency(validator);
        match self.connected.borrow().get(&validator).map(|peer| peer.link) {
            Some(Link::Down) => {
                (format!("{agency}（未连接）"), format!("{agency} (not connected)"))
            }
            Some(Link::Foreign) => (
                format!("{agency}（创世文件或软件版本不同）"),
                format!("{agency} (another genesis document or software version)"),
            ),
            Some(Link::Up) | None => (agency.clone(), agency),
        }
    }
}

fn not_voting_zh(reason: NotVoting) -> &'static str {
    match reason {
        NotVoting::JournalMissing => "以往投票的日志缺失",
        NotVoting::JournalDamaged => "以往投票的日志损坏",
        NotVoting::SignatureAhead => "其他节点持有本节点的一次投票，而本节点日志中没有",
        NotVoting::NotAMember => "本节点不在共识节点之列",
        NotVoting::Operator => "由运维人员停止投票",
    }
}

fn halted_zh(reason: Halt) -> &'static str {
    match reason {
        Halt::Fork => "两份有效的签认相互矛盾",
        Halt::Divergence => "多数节点算出的历史与本节点不同",
        Halt::Storage => "存储故障",
        Halt::Operator => "由运维人员停止",
    }
}

fn bytes_of(hash: Option<&[u8; 32]>) -> Vec<u8> {
    hash.map(|bytes| bytes.to_vec()).unwrap_or_default()
}

fn count(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
