//! A byzantine validator: two real nodes with one validator's keys, each with peers of its own. Where
//! it is primary it proposes two blocks for one height, and it votes for both.
//!
//! It runs until its standard input ends, so that it never outlives the test that started it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use clap::Parser;
use genesis::home::Home;
use tests::{programs, split};

/// Two nodes with one validator's keys.
#[derive(Parser)]
#[command(name = "equivocator", version)]
struct Arguments {
    /// Home folder of the validator
    #[arg(long)]
    home: PathBuf,
    /// File whose first line is the password of the keys
    #[arg(long)]
    password_file: PathBuf,
    /// Validators that see the first instance
    #[arg(long, value_delimiter = ',', required = true)]
    first: Vec<u16>,
    /// Validators that see the second instance
    #[arg(long, value_delimiter = ',', required = true)]
    second: Vec<u16>,
    /// First of three ports of the second instance
    #[arg(long)]
    second_port: u16,
}

fn start(home: &Home, password_file: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(programs::find("jjj-node")?);
    command
        .args(["--lang", "en", "run", "--log", "info,node::driver=debug", "--home"])
        .arg(home.folder());
    command.arg("--password-file").arg(password_file).stdin(Stdio::null());
    command.spawn().context("the node does not start")
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let home = Home::new(&arguments.home);
    let folder = arguments.home.with_extension("second");
    let second = split::second_instance(&home, &folder, arguments.second_port, &arguments.second)?;
    split::keep_peers(&home, &arguments.first)?;
    let mut instances = Vec::new();
    for home in [&home, &second] {
        instances.push(start(home, &arguments.password_file)?);
    }
    let read = std::io::stdin().read_to_end(&mut Vec::new());
    for instance in &mut instances {
        instance.kill()?;
        instance.wait()?;
    }
    read.context("standard input")?;
    Ok(())
}
