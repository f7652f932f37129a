//! What an operator wants to know: where the node stands, whom it waits for and why.

use api::alert::alert_service_server as alert;
use api::evaluation::evaluation_service_server as evaluation;
use api::ledger::ledger_service_server as ledger_server;
use api::node::node_service_server::{self as node, NodeService};
use api::node::{GetStatusRequest, GetStatusResponse, Peer};
use api::release::release_service_server as release;
use api::submission::submission_service_server as submission;
use api::trace::trace_service_server as trace;
use consensus::{Halt, Mode, NotVoting, Phase, Standing};
use ledger::store::StoreError;
use proto::ValidatorIndex;
use proto::quorum::Quorum;
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::Service;
use super::failure::answered;
use crate::intake::{Connected, Link};

#[tonic::async_trait]
impl NodeService for Service {
    async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        answered(&self.lanes.short, request, |_| Ok(self.status()?)).await
    }
}

/// Heights that a node may be behind the others before a load balancer is told to leave it alone: a
/// minute of one-second blocks. Less would drain a node that executes one long block.
const LAG_HEIGHTS_MAX: u64 = 64;

/// Services that read.
const READS: [&str; 6] = [
    ledger_server::SERVICE_NAME,
    trace::SERVICE_NAME,
    alert::SERVICE_NAME,
    release::SERVICE_NAME,
    evaluation::SERVICE_NAME,
    node::SERVICE_NAME,
];

/// Tells the health service the truth:
///
/// - A service that reads is serving as long as the process runs. What is executed is right, however
///   old it is, and each answer names its height; a node that has halted is still asked why.
/// - Submission is serving while the replica takes part or follows, not while it starts and not once
///   it has halted: nothing would be acknowledged.
/// - The node as a whole, the empty name, is serving while submission is and the node is at most
///   [`LAG_HEIGHTS_MAX`] heights behind the others.
pub(super) async fn report_health(reporter: HealthReporter, service: Service) {
    for name in READS {
        reporter.set_service_status(name, ServingStatus::Serving).await;
    }
    let mut standing = service.standing.clone();
    let mut executed = service.executed.clone();
    let mut connected = service.connected.clone();
    let quorum = service.reader.genesis().descriptor().quorum();
    loop {
        let mode = standing.borrow_and_update().mode;
        let height = executed.borrow_and_update().height.value();
        let ahead = height_of_others(&connected.borrow_and_update(), quorum);
        let (submission, whole) = health(mode, ahead.saturating_sub(height));
        reporter.set_service_status(submission::SERVICE_NAME, submission).await;
        reporter.set_service_status("", whole).await;
        let changed = tokio::select! {
            changed = standing.changed() => changed,
            changed = executed.changed() => changed,
            changed = connected.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Height that connected members have executed, as they say: the highest of which one that is not
/// malicious may have spoken. Otherwise one liar would take every other node out of service.
fn height_of_others(connected: &Connected, quorum: Quorum) -> u64 {
    let up = connected.values().filter(|peer| peer.link == Link::Up);
    let mut said: Vec<u64> = up.map(|peer| peer.executed).collect();
    said.sort_unstable_by(|a, b| b.cmp(a));
    said.get(usize::from(quorum.malicious_max())).copied().unwrap_or_default()
}

/// Health of submission, and of the node as a whole.
fn health(mode: Mode, lag_heights: u64) -> (ServingStatus, ServingStatus) {
    let submission = match mode {
        Mode::Voting | Mode::NotVoting(_) => ServingStatus::Serving,
        Mode::Starting | Mode::Halted(_) => ServingStatus::NotServing,
    };
    let whole = if lag_heights > LAG_HEIGHTS_MAX { ServingStatus::NotServing } else { submission };
    (submission, whole)
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
        let advice = self.advice.borrow().map(|advice| (advice.zh(), advice.en()));
        let (storage_zh, storage_en) = advice.unwrap_or_default();
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
            storage_zh,
            storage_en,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::PeerView;

    #[test]
    fn a_node_that_stands_still_or_is_far_behind_is_not_serving_and_says_where() {
        use ServingStatus::{NotServing, Serving};
        for (mode, lag_heights, expected) in [
            (Mode::Voting, 0, (Serving, Serving)),
            (Mode::Voting, 64, (Serving, Serving)),
            (Mode::Voting, 65, (Serving, NotServing)),
            (Mode::NotVoting(NotVoting::JournalDamaged), 0, (Serving, Serving)),
            (Mode::NotVoting(NotVoting::JournalDamaged), 65, (Serving, NotServing)),
            (Mode::Starting, 0, (NotServing, NotServing)),
            (Mode::Halted(Halt::Fork), 0, (NotServing, NotServing)),
            (Mode::Halted(Halt::Storage), 65, (NotServing, NotServing)),
        ] {
            assert_eq!(health(mode, lag_heights), expected, "{mode:?} {lag_heights}");
        }
    }

    #[test]
    fn what_one_malicious_member_says_takes_no_node_out_of_service() {
        let up = |executed| PeerView { link: Link::Up, executed, clock_skew_ms: 0 };
        let down = |executed| PeerView { link: Link::Down, ..up(executed) };
        for (validators, peers, expected) in [
            (1, vec![], 0),
            (3, vec![up(5), up(9)], 9),
            (3, vec![up(5), down(9)], 5),
            (4, vec![up(5), up(u64::MAX), up(7)], 7),
            (4, vec![up(5), down(9), down(9)], 0),
        ] {
            let said = format!("n={validators} {peers:?}");
            let connected = (1..).map(ValidatorIndex::new).zip(peers).collect();
            let quorum = Quorum::of(validators, proto::quorum::Mode::Standard).expect("a set");
            assert_eq!(height_of_others(&connected, quorum), expected, "{said}");
        }
    }
}
