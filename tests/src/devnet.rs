//! A network of real nodes on loopback, in a temporary folder.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use api::node::node_service_client::NodeServiceClient;
use api::node::{GetStatusRequest, GetStatusResponse};
use api::submission::submission_service_client::SubmissionServiceClient;
use api::submission::{GetTransactionRequest, SubmitTransactionRequest, TransactionOutcome};
use genesis::Genesis;
use genesis::ceremony::{self, AgencyKeys, Duty, Plan, PlannedAgency};
use genesis::home::Home;
use genesis::homes::{self, Host, Layout};
use genesis::keys::{KeyPurpose, draw_seed};
use genesis::keystore::{self, Cost};
use genesis::password::Password;
use proto::codec::Canonical as _;
use proto::operation::Operation;
use proto::quorum::Mode;
use proto::sign::SecretKey;
use proto::submitter::SubmitterRole;
use proto::transaction::Transaction;
use proto::{AgencyIndex, ChainId, TimeMs, TxId, ValidatorIndex};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::ports::Ports;
use crate::programs::{self, Ended};
use crate::until::found_within;

/// How long a status may take; a node that is being killed answers nothing.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a submission may wait for its receipts.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a transaction is valid.
const TTL_MS: u64 = 60 * 60 * 1_000;

/// Password of every key; it protects nothing but the code path.
const PASSWORD: &str = "devnet-password";

/// Lines of a log that a failure shows.
const TAIL_LINES: usize = 25;

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Its home folder.
    pub home: Home,
    grpc: SocketAddr,
    log: PathBuf,
    channel: Channel,
    child: Option<Child>,
}

impl Node {
    /// Address of its query service.
    pub const fn grpc(&self) -> SocketAddr {
        self.grpc
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The process may have ended by itself, and nobody is left to tell.
            drop(child.kill().and_then(|()| child.wait()));
        }
    }
}

/// Where a node stands, as far as all nodes must agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stand {
    /// Executed height.
    pub executed: u64,
    /// Block at that height.
    pub block_hash: Vec<u8>,
    /// State after it.
    pub state_root: Vec<u8>,
    /// History that ends with it.
    pub history_root: Vec<u8>,
}

/// The folder of a network.
#[derive(Debug)]
enum Folder {
    /// Goes away with the network.
    Temporary(TempDir),
    /// Was there before, and stays.
    Kept(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

/// A network.
#[derive(Debug)]
pub struct Devnet {
    // First, so that the nodes are gone before their folder.
    nodes: Vec<Node>,
    genesis: Genesis,
    keys: Vec<AgencyKeys>,
    folder: Folder,
    password_file: PathBuf,
    // Nobody else's until the nodes are gone.
    _ports: Ports,
}

const AGENCIES: [(&str, Duty); 4] = [
    ("北京", Duty::Division(11)),
    ("天津", Duty::Division(12)),
    ("河北", Duty::Division(13)),
    ("见证", Duty::Witness),
];

/// The machine's clock.
#[expect(clippy::disallowed_types, reason = "a genesis and a submitter state real times")]
pub fn now() -> anyhow::Result<TimeMs> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since.context("the clock is before 1970")?.as_millis();
    Ok(TimeMs::new(u64::try_from(ms).context("the clock is far in the future")?))
}

impl Devnet {
    /// Homes of `validators` nodes (1 to 4): three agencies, then a witness. Nothing runs yet.
    pub fn new(validators: usize) -> anyhow::Result<Self> {
        let planned = AGENCIES.iter().take(validators);
        let planned: Vec<PlannedAgency> = planned
            .map(|(name, duty)| PlannedAgency { name: (*name).to_owned(), duty: *duty })
            .collect();
        let plan = Plan::new(planned, Mode::Standard, now()?);
        let made = ceremony::hold(&plan, &mut draw_seed)?;
        let folder = tempfile::Builder::new().prefix("jjj-devnet-").tempdir()?;
        let ports = Ports::take()?;
        let layout = Layout {
            out: folder.path().join("net"),
            base_port: ports.first(),
            hosts: vec![Host::LOOPBACK; validators],
        };
        let password = Password::new(PASSWORD.to_owned())?;
        let written = homes::write(&plan, &made, &layout, &password, Cost::LEAST)?;
        let password_file = folder.path().join("password");
        std::fs::write(&password_file, PASSWORD)?;
        let homes = written.into_iter().map(|written| written.home).collect();
        let net = Self::of_homes(homes, folder, password_file, ports)?;
        Ok(Self { keys: made.agencies, ..net })
    }

    /// The network that [`Devnet::new`] made in `folder` and [`Devnet::keep_folder`] left there. Its ports
    /// must be free. Nothing runs yet.
    pub fn reopen(folder: &Path) -> anyhow::Result<Self> {
        let password_file = folder.join("password");
        let password = Password::new(std::fs::read_to_string(&password_file)?)?;
        let (mut homes, mut keys) = (Vec::new(), Vec::new());
        for (index, (name, duty)) in (0u16..).zip(AGENCIES) {
            let planned = PlannedAgency { name: name.to_owned(), duty };
            let home = Home::new(folder.join("net").join(homes::folder_name(&planned)));
            if !home.folder().is_dir() {
                break;
            }
            let purposes = ceremony::purposes(duty).iter();
            let opened = purposes.map(|purpose| {
                let path = home.key_file(*purpose);
                keystore::open(&path, *purpose, &password).map(|key| (*purpose, key))
            });
            keys.push(AgencyKeys {
                agency: AgencyIndex::new(index),
                validator: ValidatorIndex::new(index),
                keys: opened.collect::<Result<_, _>>()?,
            });
            homes.push(home);
        }
        let first = homes.first().with_context(|| format!("no network in {}", folder.display()))?;
        let ports = Ports::take_that_of(first.read_config()?.grpc.port())?;
        let genesis = first.read_genesis()?;
        let nodes = Self::nodes_of(homes, folder)?;
        let folder = Folder::Kept(folder.to_owned());
        Ok(Self { nodes, genesis, keys, folder, password_file, _ports: ports })
    }

    /// A network of homes that somebody else made; it signs nothing itself.
    pub fn of_homes(
        homes: Vec<Home>,
        folder: TempDir,
        password_file: PathBuf,
        ports: Ports,
    ) -> anyhow::Result<Self> {
        let genesis = homes.first().context("a network has nodes")?.read_genesis()?;
        let nodes = Self::nodes_of(homes, folder.path())?;
        let folder = Folder::Temporary(folder);
        Ok(Self { nodes, genesis, keys: Vec::new(), folder, password_file, _ports: ports })
    }

    fn nodes_of(homes: Vec<Home>, folder: &Path) -> anyhow::Result<Vec<Node>> {
        let mut nodes = Vec::new();
        for (index, home) in homes.into_iter().enumerate() {
            let grpc = home.read_config()?.grpc;
            let endpoint = Endpoint::from_shared(format!("http://{grpc}"))?;
            nodes.push(Node {
                home,
                grpc,
                log: folder.join(format!("node-{index}.log")),
                channel: endpoint.connect_timeout(STATUS_TIMEOUT).connect_lazy(),
                child: None,
            });
        }
        Ok(nodes)
    }

    /// Homes of `validators` nodes, all started.
    pub fn started(validators: usize) -> anyhow::Result<Self> {
        let mut net = Self::new(validators)?;
        net.start_all()?;
        Ok(net)
    }

    /// Number of nodes.
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One node.
    pub fn node(&self, index: usize) -> anyhow::Result<&Node> {
        self.nodes.get(index).with_context(|| format!("there is no node {index}"))
    }

    /// The chain.
    pub fn chain(&self) -> ChainId {
        self.genesis.chain()
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// File with the password of every key.
    pub fn password_file(&self) -> &Path {
        &self.password_file
    }

    /// Leaves the folder where it is when this goes away.
    pub fn keep_folder(&mut self) {
        if let Folder::Temporary(folder) = &mut self.folder {
            folder.disable_cleanup(true);
        }
    }

    /// The process of a node that runs.
    pub fn process(&self, index: usize) -> anyhow::Result<u32> {
        let child = self.node(index)?.child.as_ref();
        Ok(child.with_context(|| format!("node {index} does not run"))?.id())
    }

    /// Lets the nodes run on when this goes away; their process ids.
    pub fn let_run(&mut self) -> Vec<u32> {
        self.nodes.iter_mut().filter_map(|node| node.child.take()).map(|child| child.id()).collect()
    }

    /// Starts a node.
    pub fn start(&mut self, index: usize) -> anyhow::Result<()> {
        self.spawn(index, Command::new(programs::find("jjj-node")?))
    }

    /// Starts a node none of whose files may grow beyond `kib`: the write that would fails.
    pub fn start_with_room(&mut self, index: usize, kib: u32) -> anyhow::Result<()> {
        let mut limited = Command::new("bash");
        // Without the trap the system ends the process before the write can fail.
        let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$@\"");
        limited.args(["-c", &script, "bash"]).arg(programs::find("jjj-node")?);
        self.spawn(index, limited)
    }

    fn spawn(&mut self, index: usize, mut command: Command) -> anyhow::Result<()> {
        let password_file = self.password_file.clone();
        let node = self.nodes.get_mut(index).with_context(|| format!("no node {index}"))?;
        anyhow::ensure!(node.child.is_none(), "node {index} runs already");
        let log = OpenOptions::new().create(true).append(true).open(&node.log)?;
        command.args(["--lang", "en", "run", "--home"]).arg(node.home.folder());
        command.arg("--password-file").arg(password_file);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        node.child = Some(command.spawn()?);
        Ok(())
    }

    /// Whether a node's process runs still.
    pub fn is_running(&mut self, index: usize) -> anyhow::Result<bool> {
        let node = self.nodes.get_mut(index).with_context(|| format!("no node {index}"))?;
        let child = node.child.as_mut().with_context(|| format!("node {index} was not started"))?;
        Ok(child.try_wait()?.is_none())
    }

    /// Starts every node that does not run.
    pub fn start_all(&mut self) -> anyhow::Result<()> {
        for index in 0..self.nodes.len() {
            if self.node(index)?.child.is_none() {
                self.start(index)?;
            }
        }
        Ok(())
    }

    /// `kill -9`, and waits until the system has taken the process away.
    pub fn kill(&mut self, index: usize) -> anyhow::Result<()> {
        let node = self.nodes.get_mut(index).with_context(|| format!("no node {index}"))?;
        let mut child = node.child.take().with_context(|| format!("node {index} does not run"))?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// `kill -9` of every node, the signals one right after the other.
    pub fn kill_all(&mut self) -> anyhow::Result<()> {
        for node in &mut self.nodes {
            if let Some(child) = &mut node.child {
                child.kill()?;
            }
        }
        for node in &mut self.nodes {
            if let Some(mut child) = node.child.take() {
                child.wait()?;
            }
        }
        Ok(())
    }

    /// Asks a node to stop and waits until it has.
    pub async fn stop(&mut self, index: usize) -> anyhow::Result<ExitStatus> {
        let node = self.nodes.get(index).with_context(|| format!("no node {index}"))?;
        let child = node.child.as_ref().with_context(|| format!("node {index} does not run"))?;
        let asked = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status()?;
        anyhow::ensure!(asked.success(), "node {index} could not be told to stop");
        self.ended(index).await
    }

    /// Waits until a node's process has ended by itself.
    pub async fn ended(&mut self, index: usize) -> anyhow::Result<ExitStatus> {
        let node = self.nodes.get_mut(index).with_context(|| format!("no node {index}"))?;
        let mut child = node.child.take().with_context(|| format!("node {index} does not run"))?;
        let ended = found_within(Duration::from_secs(20), async || child.try_wait().transpose());
        if let Some(status) = ended.await {
            return Ok(status?);
        }
        node.child = Some(child);
        Err(self.failed(&format!("node {index} does not end")))
    }

    /// What a node has logged so far.
    pub fn log(&self, index: usize) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(&self.node(index)?.log)?)
    }

    /// A failure with the end of every node's log.
    pub fn failed(&self, what: &str) -> anyhow::Error {
        let mut text = what.to_owned();
        for (index, node) in self.nodes.iter().enumerate() {
            let log = File::open(&node.log).and_then(std::io::read_to_string).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
            text.extend(["\n--- node ", &index.to_string(), "\n", &tail.join("\n")]);
        }
        anyhow::anyhow!(text)
    }

    /// Waits until `look` finds something; a failure with the nodes' logs when `seconds` have passed.
    pub async fn until<T>(
        &self,
        seconds: u64,
        what: &str,
        look: impl AsyncFnMut() -> Option<T>,
    ) -> anyhow::Result<T> {
        if let Some(found) = found_within(Duration::from_secs(seconds), look).await {
            return Ok(found);
        }
        let mut stands = format!("not within {seconds} s: {what}");
        for index in 0..self.nodes.len() {
            stands.push_str(&self.stand_line(index).await);
        }
        Err(self.failed(&stands))
    }

    /// Where a node says that it stands, in a line.
    async fn stand_line(&self, index: usize) -> String {
        let Some(status) = self.status(index).await else {
            return format!("\nnode {index} does not answer");
        };
        format!(
            "\nnode {index}: open {} view {} primary {} voting {} {}, decided {}, executed {}, \
             certified {}, hardened {}, waiting transactions {}, {}",
            status.open_height,
            status.view,
            status.primary,
            status.voting,
            status.not_voting_reason,
            status.decided,
            status.executed,
            status.certified,
            status.hardened,
            status.mempool_transactions,
            status.waiting_en,
        )
    }

    /// Where a node stands; `None` while it does not answer.
    pub async fn status(&self, index: usize) -> Option<GetStatusResponse> {
        let channel = self.nodes.get(index)?.channel.clone();
        let mut request = Request::new(GetStatusRequest {});
        request.set_timeout(STATUS_TIMEOUT);
        let mut client = NodeServiceClient::new(channel);
        Some(client.get_status(request).await.ok()?.into_inner())
    }

    /// The executed height of a node, its block and roots; `None` while it does not answer.
    pub async fn stand(&self, index: usize) -> Option<Stand> {
        let GetStatusResponse { executed, block_hash, state_root, history_root, .. } =
            self.status(index).await?;
        Some(Stand { executed, block_hash, state_root, history_root })
    }

    /// Waits until every one of `nodes` has executed `height`.
    pub async fn executed(&self, nodes: &[usize], height: u64, seconds: u64) -> anyhow::Result<()> {
        for index in nodes {
            self.until(
                seconds,
                &format!("node {index} has executed height {height}"),
                async || self.status(*index).await.filter(|status| status.executed >= height),
            )
            .await?;
        }
        Ok(())
    }

    /// Waits until every node is hardened up to `height`.
    pub async fn hardened(&self, height: u64, seconds: u64) -> anyhow::Result<()> {
        for index in 0..self.nodes.len() {
            self.until(seconds, &format!("node {index} is hardened up to {height}"), async || {
                self.status(index).await.filter(|status| status.hardened >= height)
            })
            .await?;
        }
        Ok(())
    }

    /// Waits until all nodes stand at one height at once; fails if their roots differ there.
    pub async fn agreed(&self, seconds: u64) -> anyhow::Result<Stand> {
        let stands = self
            .until(seconds, "all nodes at one height", async || {
                let mut stands = Vec::new();
                for index in 0..self.nodes.len() {
                    stands.push(self.stand(index).await?);
                }
                let first = stands.first()?.executed;
                stands.iter().all(|stand| stand.executed == first).then_some(stands)
            })
            .await?;
        let first = stands.first().context("a network has nodes")?.clone();
        if stands.iter().any(|stand| *stand != first) {
            return Err(self.failed(&format!("the nodes differ at one height: {stands:#?}")));
        }
        Ok(first)
    }

    /// The key of an agency for `role`.
    pub fn key(&self, agency: usize, role: SubmitterRole) -> anyhow::Result<&SecretKey> {
        let keys = self.keys.get(agency).with_context(|| format!("no agency {agency}"))?;
        keys.key(KeyPurpose::Submitter(role)).context("this agency submits nothing")
    }

    /// Signs operations with an agency's platform key, valid for an hour.
    pub fn sign(&self, agency: usize, operations: Vec<Operation>) -> anyhow::Result<Transaction> {
        let key = self.key(agency, SubmitterRole::Platform)?;
        Ok(Transaction::sign(self.chain(), key, now()?.plus_ms(TTL_MS), operations)?)
    }

    /// A client of a node's submission service.
    pub fn submission(&self, index: usize) -> anyhow::Result<SubmissionServiceClient<Channel>> {
        Ok(SubmissionServiceClient::new(self.node(index)?.channel.clone()))
    }

    /// The way to a node's services.
    pub fn channel(&self, index: usize) -> anyhow::Result<Channel> {
        Ok(self.node(index)?.channel.clone())
    }

    /// Runs `jjj` with the home and the keys of an agency, for programs or for people.
    pub fn jjj(&self, agency: usize, arguments: &[&str]) -> anyhow::Result<Ended> {
        let home = self.node(agency)?.home.folder().as_os_str();
        let mut all = vec![OsStr::new("--home"), home];
        all.extend([OsStr::new("--password-file"), self.password_file.as_os_str()]);
        all.extend(arguments.iter().map(OsStr::new));
        programs::run("jjj", all)
    }

    /// Submits a transaction and waits for its receipts.
    pub async fn submit(
        &self,
        index: usize,
        transaction: &Transaction,
    ) -> anyhow::Result<Result<TransactionOutcome, Status>> {
        self.submit_bytes(index, transaction.encode()).await
    }

    /// Submits bytes as a transaction.
    pub async fn submit_bytes(
        &self,
        index: usize,
        transaction: Vec<u8>,
    ) -> anyhow::Result<Result<TransactionOutcome, Status>> {
        Ok(submit_to(self.submission(index)?, transaction).await)
    }

    /// What a node says of a transaction.
    pub async fn transaction(
        &self,
        index: usize,
        tx_id: TxId,
    ) -> anyhow::Result<TransactionOutcome> {
        let request = GetTransactionRequest { tx_id: tx_id.as_bytes().to_vec() };
        let answer = self.submission(index)?.get_transaction(request).await?;
        answer.into_inner().outcome.context("an answer without an outcome")
    }
}

/// Submits bytes as a transaction over a client of one's own.
pub async fn submit_to(
    mut client: SubmissionServiceClient<Channel>,
    transaction: Vec<u8>,
) -> Result<TransactionOutcome, Status> {
    let mut request = Request::new(SubmitTransactionRequest { transaction });
    request.set_timeout(SUBMIT_TIMEOUT);
    let answer = client.submit_transaction(request).await?;
    answer.into_inner().outcome.ok_or_else(|| Status::internal("an answer without an outcome"))
}
