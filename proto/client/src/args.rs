//! What can be asked, and how it is written.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use proto::submitter::SubmitterRole;

/// Cold-chain consortium ledger 京津冀冷链追溯账本
#[derive(Parser)]
#[command(name = "jjj", version)]
pub(crate) struct Cli {
    /// Home folder of the agency: genesis document, node address, keys
    #[arg(long, global = true, default_value = ".")]
    pub(crate) home: PathBuf,
    /// Address of the node's query service, such as <http://127.0.0.1:7101>; by the home folder where absent
    #[arg(long, global = true)]
    pub(crate) node: Option<String>,
    /// File whose first line is the password of the keys; asked for at the terminal where absent
    #[arg(long, global = true)]
    pub(crate) password_file: Option<PathBuf>,
    /// Write JSON for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Language: zh or en; where absent, en where LANG begins with en, zh otherwise
    #[arg(long, global = true, value_enum)]
    pub(crate) lang: Option<Lang>,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Language of the output.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

/// What can be asked.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Submit a platform's file; twice changes nothing 提交平台数据
    Submit(Submit),
    /// Trace a code with proof 溯源与追踪
    Trace(Trace),
    /// Show or decide which codes are the same goods 码匹配
    Match(Match),
    /// Show alerts or take note of one 预警
    Alerts(Alerts),
    /// Say where a subject is and in whose hands 定位
    Locate(Locate),
    /// Say where the node stands 节点状态
    Status,
    /// Show a block 区块
    Block(Block),
    /// Prove one recorded operation 单条存证
    Prove(Prove),
    /// Publish, withdraw or list notices 信息发布
    Release(ReleaseCommand),
    /// Record or list evaluation results 评价结果
    Evaluation(EvaluationCommand),
    /// Propose a code scheme or a rule parameter 提案
    Propose(ProposeCommand),
    /// Approve a proposal 同意提案
    Approve(Approve),
}

/// Shape of a submitted file.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a line, fields as in the operation schema
    Native,
    /// EPCIS 2.0 in JSON-LD
    Epcis,
    /// A platform's own export, read by a mapping file
    Mapped,
}

/// Key that signs.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// The provincial platform
    Platform,
    /// The duty officer
    Regulator,
    /// The agency
    Agency,
}

impl From<Role> for SubmitterRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Platform => Self::Platform,
            Role::Regulator => Self::Regulator,
            Role::Agency => Self::Agency,
        }
    }
}

/// `jjj submit`
#[derive(Args)]
pub(crate) struct Submit {
    /// The file
    pub(crate) file: PathBuf,
    /// Its shape
    #[arg(long, value_enum, default_value = "native")]
    pub(crate) format: Format,
    /// Mapping file, for the shape `mapped`
    #[arg(long, required_if_eq("format", "mapped"))]
    pub(crate) mapping: Option<PathBuf>,
    /// Key that signs
    #[arg(long, value_enum, default_value = "platform")]
    pub(crate) role: Role,
    /// Operations of one transaction
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) batch: u16,
    /// Write the rejected rows here, one JSON object a line
    #[arg(long)]
    pub(crate) rejects: Option<PathBuf>,
}

/// Which way to follow the goods.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Direction {
    /// To the sources 溯源（来源）
    Back,
    /// To the destinations 追踪（去向）
    Forward,
    /// Both
    Both,
}

/// `jjj trace`
#[derive(Args)]
pub(crate) struct Trace {
    /// Code as a platform writes it
    pub(crate) code: String,
    /// Which way
    #[arg(long, value_enum, default_value = "both")]
    pub(crate) direction: Direction,
    /// Write the proof bundle (存证文件) here
    #[arg(long)]
    pub(crate) proof: Option<PathBuf>,
    /// Answer as of this height; the highest certified one where absent
    #[arg(long)]
    pub(crate) at_height: Option<u64>,
    /// Agency that captured a code which no scheme knows, as its index
    #[arg(long)]
    pub(crate) agency: Option<u32>,
    /// Size of a checkpoint that an auditor holds: the proof leads on from it (up to 16)
    #[arg(long = "pin", value_name = "SIZE")]
    pub(crate) pins: Vec<u64>,
}

/// `jjj match`
#[derive(Args)]
pub(crate) struct Match {
    /// Code as a platform writes it
    pub(crate) code: String,
    /// Agency that captured a code which no scheme knows, as its index
    #[arg(long)]
    pub(crate) agency: Option<u32>,
    /// Confirm the match with this code
    #[arg(long, group = "decision")]
    pub(crate) confirm: Option<String>,
    /// Dispute the match with this code
    #[arg(long, group = "decision")]
    pub(crate) dispute: Option<String>,
    /// Withdraw the match with this code
    #[arg(long, group = "decision")]
    pub(crate) void: Option<String>,
    /// Why
    #[arg(long, requires = "decision", default_value = "")]
    pub(crate) reason: String,
    /// Tells this decision from the same one made before, such as a date 再次决定时的区别
    #[arg(long, requires = "decision", value_name = "TEXT")]
    pub(crate) again: Option<String>,
}

/// `jjj alerts`
#[derive(Args)]
pub(crate) struct Alerts {
    /// Show closed and withdrawn ones too
    #[arg(long)]
    pub(crate) all: bool,
    /// Show everything that this alert concerns: units, holders, places, trips, sums
    #[arg(long, conflicts_with = "ack")]
    pub(crate) show: Option<String>,
    /// Take note of this alert
    #[arg(long)]
    pub(crate) ack: Option<String>,
    /// What is being done
    #[arg(long, requires = "ack", default_value = "")]
    pub(crate) remark: String,
}

/// Kind of a subject.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A traced unit 追溯单元
    Unit,
    /// A party 主体
    Party,
    /// A station 站点
    Station,
    /// A vehicle 车辆
    Vehicle,
    /// A person, by commitment 隐私登记号
    Person,
    /// A declaration line 报关单
    Declaration,
    /// A certificate 单证
    Certificate,
}

/// `jjj locate`
#[derive(Args)]
pub(crate) struct Locate {
    /// The subject as a platform writes it
    pub(crate) subject: String,
    /// Its kind
    #[arg(long, value_enum, default_value = "unit")]
    pub(crate) kind: Kind,
    /// Agency that captured a code which no scheme knows, as its index
    #[arg(long)]
    pub(crate) agency: Option<u32>,
}

/// `jjj block`
#[derive(Args)]
pub(crate) struct Block {
    /// Height
    pub(crate) height: u64,
}

/// `jjj prove`
#[derive(Args)]
pub(crate) struct Prove {
    /// Height of the receipt
    pub(crate) height: u64,
    /// Position among the receipts of that height
    pub(crate) receipt: u32,
    /// Write the proof bundle (存证文件) here
    #[arg(long)]
    pub(crate) proof: PathBuf,
    /// Size of a checkpoint that an auditor holds: the proof leads on from it (up to 16)
    #[arg(long = "pin", value_name = "SIZE")]
    pub(crate) pins: Vec<u64>,
}

/// `jjj release`
#[derive(Args)]
pub(crate) struct ReleaseCommand {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Release,
}

/// What can be done with notices.
#[derive(Subcommand)]
pub(crate) enum Release {
    /// Publish a notice
    Publish(Publish),
    /// Withdraw a notice
    Withdraw {
        /// Identifier
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// List notices
    List {
        /// Show withdrawn ones too
        #[arg(long)]
        all: bool,
    },
}

/// `jjj release publish`
#[derive(Args)]
pub(crate) struct Publish {
    /// Identifier, unique within the agency
    pub(crate) id: String,
    /// `risk_alert`, `recall_notice`, `release_of_alert`, `policy`, `standard` or `statistics`
    #[arg(long, default_value = "risk_alert")]
    pub(crate) kind: String,
    /// Title
    #[arg(long)]
    pub(crate) title: String,
    /// Body
    #[arg(long)]
    pub(crate) body: String,
    /// `public`, `enterprises` or `agencies`
    #[arg(long, default_value = "public")]
    pub(crate) audience: String,
    /// 1 red, 2 orange, 3 yellow, 4 blue
    #[arg(long, default_value_t = 2)]
    pub(crate) level: u32,
    /// Codes concerned
    #[arg(long = "code")]
    pub(crate) codes: Vec<String>,
    /// Alerts concerned
    #[arg(long = "alert")]
    pub(crate) alerts: Vec<String>,
}

/// `jjj evaluation`
#[derive(Args)]
pub(crate) struct EvaluationCommand {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Evaluation,
}

/// What can be done with evaluation results.
#[derive(Subcommand)]
pub(crate) enum Evaluation {
    /// Record the result of a JSON file, fields as in the operation schema
    Record {
        /// The file
        file: PathBuf,
    },
    /// List results
    List,
}

/// `jjj propose`
#[derive(Args)]
pub(crate) struct ProposeCommand {
    /// What to propose
    #[command(subcommand)]
    pub(crate) command: Propose,
}

/// What can be proposed.
#[derive(Subcommand)]
pub(crate) enum Propose {
    /// A code scheme
    Scheme {
        /// Its definition, TOML
        file: PathBuf,
    },
    /// A parameter of the risk rules
    Rule {
        /// Name, such as `settling_ms`
        parameter: String,
        /// Value
        value: u64,
        /// Agency that it is for, as its index; all where absent
        #[arg(long)]
        agency: Option<u32>,
        /// Tells this proposal from the same one made before, such as a date 再次提出时的区别
        #[arg(long, value_name = "TEXT")]
        again: Option<String>,
    },
}

/// `jjj approve`
#[derive(Args)]
pub(crate) struct Approve {
    /// Agency that proposed, as its index
    pub(crate) proposer: u32,
    /// `op_uid` of the proposal, 32 hexadecimal digits
    pub(crate) proposal: String,
    /// Tells this approval from the same one given before, such as a date 再次同意时的区别
    #[arg(long, value_name = "TEXT")]
    pub(crate) again: Option<String>,
}
