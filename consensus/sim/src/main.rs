//! `sim`: runs seeds and prints each that breaks a rule, with the command that repeats it.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use sim::{Mutant, Signatures, Size};

/// Runs seeds of a simulated cluster with faults and liars, and checks that nothing forks, nothing
/// acknowledged is lost, and everybody gets on again.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Options {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000)]
    runs: u64,
    /// Number of validators; seeds alternate between 1, 3, 4 and 7 if not given.
    #[arg(long, short)]
    n: Option<u8>,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Prints every event of the seeds that are run.
    #[arg(long)]
    trace: bool,
    /// How votes are signed.
    #[arg(long, value_enum, default_value = "empty")]
    signatures: SignaturesOption,
    /// Breaks the core on purpose: the checkers should notice.
    #[arg(long, value_enum)]
    mutant: Option<MutantOption>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SignaturesOption {
    /// Zeroes that everybody believes.
    Empty,
    /// Ed25519.
    Real,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MutantOption {
    /// A quorum lower by one.
    Quorum,
    /// A journal that restarts forget.
    Journal,
}

/// Failing seeds after which a run stops: more of them say the same.
const FAILURES_MAX: u64 = 20;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]
fn main() -> ExitCode {
    let options = Options::parse();
    let members: Vec<u8> = options.n.map_or_else(|| vec![1, 3, 4, 7], |n| vec![n]);
    let sizes: Result<Vec<Size>, _> = members.iter().map(|n| size(*n, &options)).collect();
    let sizes = match sizes {
        Ok(sizes) => sizes,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let begin = watch::begin();
    let (mut failures, mut events, mut done, mut slowest) = (0u64, 0u64, 0u64, 0u64);
    for (seed, nth) in (options.seed..).zip(0..options.runs) {
        let turn = usize::try_from(nth).unwrap_or(0) % sizes.len();
        let (Some(size), Some(n)) = (sizes.get(turn), members.get(turn)) else { continue };
        let mut world = size.world(seed);
        if options.trace {
            world.trace_to(|line| println!("{line}"));
        }
        let outcome = size.finish(seed, world);
        (done, events) = (done + 1, events + outcome.events);
        slowest = slowest.max(outcome.micros);
        if let Some(violation) = &outcome.violation {
            failures += 1;
            let height = outcome.height;
            println!(
                "seed {seed} n {n} height {height}: {violation}{}",
                repeat(&options, seed, *n)
            );
            if failures >= FAILURES_MAX {
                break;
            }
        }
    }
    let millis = begin.elapsed_ms().max(1);
    println!(
        "{done} seeds, {failures} failed; {events} events, {} seeds/s, {} events/s; the longest took {} simulated s",
        done * 1_000 / millis,
        events * 1_000 / millis,
        slowest / 1_000_000,
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn size(members: u8, options: &Options) -> Result<Size, proto::quorum::NoValidators> {
    let signatures = match options.signatures {
        SignaturesOption::Empty => Signatures::Empty,
        SignaturesOption::Real => Signatures::Real,
    };
    let size = Size::new(members, signatures)?;
    Ok(match options.mutant {
        None => size,
        Some(MutantOption::Quorum) => size.with_mutant(Mutant::QuorumLowered),
        Some(MutantOption::Journal) => size.with_mutant(Mutant::JournalForgotten),
    })
}

/// The command that runs one seed again, with its trace.
fn repeat(options: &Options, seed: u64, members: u8) -> String {
    let mutant = match options.mutant {
        None => "",
        Some(MutantOption::Quorum) => " --mutant quorum",
        Some(MutantOption::Journal) => " --mutant journal",
    };
    let signatures = match options.signatures {
        SignaturesOption::Empty => "",
        SignaturesOption::Real => " --signatures real",
    };
    format!(
        "\n  cargo run -p sim -- --seed {seed} --runs 1 -n {members} --trace{mutant}{signatures}"
    )
}

mod watch {
    //! Wall-clock time of a whole run: seeds themselves know simulated time only.

    /// When a run began.
    #[expect(clippy::disallowed_types, reason = "measures the simulator, not the simulated")]
    pub(crate) struct Watch(std::time::Instant);

    #[expect(clippy::disallowed_types, reason = "measures the simulator, not the simulated")]
    pub(crate) fn begin() -> Watch {
        Watch(std::time::Instant::now())
    }

    impl Watch {
        pub(crate) fn elapsed_ms(&self) -> u64 {
            u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
        }
    }
}
