//! The story of the sample world, told by three nodes on this machine.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use genesis::words::Language;
use tests::demo::{Afterwards, Options, tell};

/// Three nodes and a story from port to shop 三节点演示：从口岸到餐桌
#[derive(Parser)]
#[command(name = "demo", version)]
struct Arguments {
    /// Language: zh or en; by LANG where absent, zh where that is unset
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// Leave the nodes running and say how to query them
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

#[expect(clippy::disallowed_methods, reason = "the language is the caller's locale")]
fn locale() -> Option<String> {
    std::env::var("LANG").ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let language = match arguments.lang {
        Some(Lang::Zh) => Language::Zh,
        Some(Lang::En) => Language::En,
        None => Language::of_locale(locale().as_deref()),
    };
    let afterwards = if arguments.keep { Afterwards::Keep } else { Afterwards::Stop };
    match tell(Options { language, afterwards }).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the claim that did not hold belongs on standard error")]
fn print_error(error: &anyhow::Error) {
    eprintln!("\n错误 error: {error:#}");
}
