//! `jjj`: the command line of submitters, regulators and operators.
#![doc = include_str!("../README.md")]

mod act;
mod answer;
mod args;
mod connection;
mod evaluation;
mod identity;
mod output;
mod query;
mod release;
mod submit;
mod trace;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use output::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(&cli);
    match run(&cli, &output).await {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli, output: &Output) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Submit(submit) => submit::run(cli, submit, output).await,
        Command::Trace(trace) => trace::run(cli, trace, output).await,
        Command::Match(found) => query::matches(cli, found, output).await,
        Command::Alerts(alerts) => query::alerts(cli, alerts, output).await,
        Command::Locate(locate) => query::locate(cli, locate, output).await,
        Command::Status => query::status(cli, output).await,
        Command::Block(block) => query::block(cli, block, output).await,
        Command::Prove(prove) => query::prove(cli, prove, output).await,
        Command::Release(release) => release::run(cli, release, output).await,
        Command::Evaluation(evaluation) => evaluation::run(cli, evaluation, output).await,
        Command::Propose(propose) => act::propose(cli, propose, output).await,
        Command::Approve(approve) => act::approve(cli, approve, output).await,
    }
}
