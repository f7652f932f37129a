//! `jjj-node`: runs a node, or checks the data of one that is stopped.

use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use genesis::home::Home;
use genesis::password::Password;
use genesis::words::Language;
use node::RunError;
use node::check::Depth;
use node::telemetry::{self, LogFormat};

/// A node allocates several times for each operation, and its storage thread frees what others
/// allocated: the system's allocator keeps such memory and gives little of it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Node of the cold-chain consortium 京津冀冷链追溯节点
#[derive(Parser)]
#[command(name = "jjj-node", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Language of messages: zh or en; by LANG where absent
    #[arg(long, global = true, value_enum)]
    lang: Option<Lang>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

#[derive(Subcommand)]
enum Command {
    /// Run the node of a home folder 运行节点
    Run(Run),
    /// Check every byte of a stopped node's data 核查已停节点的全部数据
    Check(Check),
}

#[derive(Args)]
struct Run {
    /// Home folder, made by jjj-genesis
    #[arg(long)]
    home: PathBuf,
    /// File whose first line is the password of the keys; asked for at the terminal where absent
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// Log directives, such as info,node=debug
    #[arg(long, default_value = "info,libp2p=warn,h2=warn,hyper=warn")]
    log: String,
    /// Write log lines as JSON
    #[arg(long)]
    log_json: bool,
}

#[derive(Args)]
struct Check {
    /// Home folder of the stopped node
    #[arg(long)]
    home: PathBuf,
    /// Execute every block again and compare the roots at every height
    #[arg(long)]
    replay: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let language = match cli.lang {
        Some(Lang::Zh) => Language::Zh,
        Some(Lang::En) => Language::En,
        None => locale_language(),
    };
    let outcome = match cli.command {
        Command::Run(run) => run_node(&run, language),
        Command::Check(check) => check_node(&check, language),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error, language);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the language of messages is the caller's locale")]
fn locale_language() -> Language {
    Language::of_locale(std::env::var("LANG").ok().as_deref())
}

#[expect(
    clippy::print_stderr,
    reason = "the reason why the process ends belongs on standard error"
)]
fn print_error(error: &anyhow::Error, language: Language) {
    let word = match language {
        Language::Zh => "错误",
        Language::En => "error",
    };
    eprintln!("{word}: {error:#}");
}

fn run_node(run: &Run, language: Language) -> anyhow::Result<()> {
    telemetry::start(&run.log, if run.log_json { LogFormat::Json } else { LogFormat::Text });
    let password = match &run.password_file {
        Some(path) => Password::from_file(path),
        None => Password::ask("密码 password: "),
    };
    let password = password.context("密码不可用")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("运行环境无法启动 the runtime does not start")?;
    let outcome = runtime.block_on(node::run(&Home::new(&run.home), &password, language));
    // The storage thread is never interrupted in a batch; everything else may be dropped.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    // The sentence holds its sources already.
    outcome.map_err(|error| anyhow::anyhow!("{} {error}", stopped_zh(&error)))
}

/// What keeps the node from running, in Chinese; the reason itself follows in English.
fn stopped_zh(error: &RunError) -> String {
    match error {
        RunError::Home(_) => "节点目录不可用".to_owned(),
        RunError::Keystore(_) => "密钥无法打开".to_owned(),
        RunError::Entropy(_) => "操作系统不提供随机数".to_owned(),
        RunError::Genesis(_) => "创世文件需要另一版本的软件".to_owned(),
        RunError::NotAMember { .. } => {
            "本节点的密钥不在创世文件的共识节点之列，请核对各机构的创世文件是否相同".to_owned()
        }
        RunError::Transport { .. } => "本节点目录中的传输密钥与创世文件不符".to_owned(),
        RunError::NotLoopback { field, address } => format!(
            "{field}：{address} 不是本机回环地址，在以 mTLS 认证调用方之前，服务只在回环地址上提供"
        ),
        RunError::Listen { field, address, .. } => {
            format!("{field}：无法监听 {address}，端口可能已被其他程序占用")
        }
        RunError::Store { .. } => "数据库无法打开".to_owned(),
        RunError::Read(_) => "账本无法读取".to_owned(),
        RunError::Ledger { .. } => "账本无法打开".to_owned(),
        RunError::Journal(_) => "投票日志不可用".to_owned(),
        RunError::Network(_) => "节点网络无法启动".to_owned(),
        RunError::Consensus(_) => "共识任务停止".to_owned(),
        RunError::Storage(_) => "存储任务停止".to_owned(),
        RunError::Damage(_) => "数据库损坏或磁盘已满，节点停止".to_owned(),
        RunError::Service { service, .. } => format!("{service} 服务停止"),
    }
}

fn check_node(check: &Check, language: Language) -> anyhow::Result<()> {
    let depth = if check.replay { Depth::Replay } else { Depth::Bytes };
    let report = node::check::check(&Home::new(&check.home), depth);
    // The sentence holds its sources already.
    let report = report.map_err(|error| anyhow::anyhow!("{error}"))?;
    let text = report.lines(language).join("\n");
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            return Err(error).context("标准输出 standard output");
        }
        // A reader that has seen enough changes nothing in the verdict.
        Err(_) | Ok(()) => (),
    }
    anyhow::ensure!(
        report.is_clean(),
        "本节点的数据被改动或损坏 the data of this node was changed or damaged"
    );
    Ok(())
}
