//! A byzantine validator beside real nodes. It runs until its standard input ends, so that it never
//! outlives the test that started it; its standard output names each height that it lied about.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Parser;
use genesis::home::Home;
use genesis::password::Password;
use proto::ValidatorIndex;
use tests::equivocator::Equivocator;

/// One validator that signs two blocks for one height.
#[derive(Parser)]
#[command(name = "equivocator", version)]
struct Arguments {
    /// Home folder of the validator
    #[arg(long)]
    home: PathBuf,
    /// File whose first line is the password of the keys
    #[arg(long)]
    password_file: PathBuf,
    /// Validators that see the first block
    #[arg(long, value_delimiter = ',', required = true)]
    first: Vec<u16>,
    /// Validators that see the second block
    #[arg(long, value_delimiter = ',', required = true)]
    second: Vec<u16>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let password = Password::from_file(&arguments.password_file)?;
    let groups = [arguments.first, arguments.second]
        .map(|group| group.into_iter().map(ValidatorIndex::new).collect());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        let home = Home::new(&arguments.home);
        let (liar, events) = Equivocator::join(&home, &password, groups)?;
        let mut out = std::io::stdout();
        tokio::select! {
            outcome = liar.run(events, &mut out) => outcome,
            _ = end => Ok(()),
        }
    });
    runtime.shutdown_background();
    outcome
}
