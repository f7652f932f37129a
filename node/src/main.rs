//! `jjj-node`: runs a node, or checks the data of one that is stopped.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use genesis::home::Home;
use genesis::password::Password;
use genesis::words::Language;
use node::check::Depth;
use node::telemetry::{self, LogFormat};

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
        Some(path) => Password::from_file(path)?,
        None => Password::ask("密码 password: ")?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime does not start")?;
    let outcome = runtime.block_on(node::run(&Home::new(&run.home), &password, language));
    // The storage thread is never interrupted in a batch; everything else may be dropped.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    Ok(outcome?)
}

#[expect(clippy::print_stdout, reason = "the report is what the command is for")]
fn check_node(check: &Check, language: Language) -> anyhow::Result<()> {
    let depth = if check.replay { Depth::Replay } else { Depth::Bytes };
    let report = node::check::check(&Home::new(&check.home), depth)?;
    for line in report.lines(language) {
        println!("{line}");
    }
    anyhow::ensure!(report.is_clean(), "the data of this node was changed or damaged");
    Ok(())
}
