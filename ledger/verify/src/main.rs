//! `jjj-verify`: checks a proof bundle offline. Reads files and the clock, prints, exits.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Parser, ValueEnum};
use ledger::bundle::{BUNDLE_JSON_CHARS_MAX, Bundle, BundleError};
use proto::{ChainId, Hash, Height, TimeMs};
use verify::{Freshness, Language, Level, Options, TrustFile};

/// Verified.
const VERIFIED: u8 = 0;
/// Refused: the bundle does not prove what it says.
const REFUSED: u8 = 1;
/// Wrong usage, or a file that cannot be read.
const UNUSABLE: u8 = 2;

/// Checks a proof bundle without trusting any node (核验存证文件).
#[derive(Parser)]
#[command(name = "jjj-verify", version, about)]
struct Arguments {
    /// Proof bundle, protobuf or JSON (存证文件)
    bundle: PathBuf,
    /// Hash of the genesis document, 64 hexadecimal digits: all that is trusted (创世文件摘要)
    #[arg(long, value_name = "HEX", value_parser = parse_hash)]
    genesis_hash: ChainId,
    /// Language of what is printed (语言)
    #[arg(long, value_enum, default_value = "zh")]
    lang: Lang,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
    /// JSON file of pinned checkpoints, known hand-offs and trusted witnesses (留存点文件)
    #[arg(long, value_name = "FILE")]
    pin: Option<PathBuf>,
    /// Refuse answers older than this many seconds by this machine's clock (最长时效，秒)
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u64>,
    /// Refuse answers below this height (最低高度)
    #[arg(long, value_name = "HEIGHT")]
    min_height: Option<u64>,
    /// Refuse bundles below this level (最低级别)
    #[arg(long, value_enum)]
    level: Option<LevelName>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    Zh,
    En,
}

#[derive(Clone, Copy, ValueEnum)]
enum LevelName {
    Certified,
    Hardened,
    Anchored,
}

fn parse_hash(text: &str) -> Result<ChainId, String> {
    Hash::from_hex(text).map(ChainId).ok_or_else(|| "expected 64 hexadecimal digits".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            print_error(&format!("jjj-verify: {error:#}"));
            ExitCode::from(UNUSABLE)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let language = match arguments.lang {
        Lang::Zh => Language::Zh,
        Lang::En => Language::En,
    };
    let options = options(arguments)?;
    let bundle = match read_bundle(&arguments.bundle)? {
        Ok(bundle) => bundle,
        Err(failure) => {
            print_failure(&failure, language, arguments)?;
            return Ok(REFUSED);
        }
    };
    match verify::verify(arguments.genesis_hash, &bundle, &options) {
        Ok(report) if arguments.json => print(&format!("{:#}\n", report.json()))?,
        Ok(report) => print(&report.text(language))?,
        Err(failure) => {
            print_failure(&failure, language, arguments)?;
            return Ok(REFUSED);
        }
    }
    Ok(VERIFIED)
}

fn options(arguments: &Arguments) -> anyhow::Result<Options> {
    let mut options = match &arguments.pin {
        None => Options::default(),
        Some(path) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read the pin file {}", path.display()))?;
            TrustFile::parse(&text)
                .with_context(|| format!("the pin file {} is not valid", path.display()))?
                .into_options()
        }
    };
    if let Some(seconds) = arguments.max_age {
        let max_age_ms = seconds.saturating_mul(1000);
        options.freshness = Some(Freshness { now: clock()?, max_age_ms });
    }
    options.min_height = arguments.min_height.map(Height::new);
    options.level = arguments.level.map(|level| match level {
        LevelName::Certified => Level::Certified,
        LevelName::Hardened => Level::Hardened,
        LevelName::Anchored => Level::Anchored,
    });
    Ok(options)
}

/// A bundle that can be read but is not in its one form is refused, not unusable: one flipped byte
/// must be an answer.
fn read_bundle(path: &Path) -> anyhow::Result<Result<Bundle, verify::Failure>> {
    let name = path.display();
    let size = fs::metadata(path).with_context(|| format!("cannot read {name}"))?.len();
    if usize::try_from(size).map_or(true, |size| size > BUNDLE_JSON_CHARS_MAX) {
        bail!("{name} has {size} bytes, at most {BUNDLE_JSON_CHARS_MAX} are read");
    }
    let bytes = fs::read(path).with_context(|| format!("cannot read {name}"))?;
    // The protobuf of a bundle begins with the tag byte of the genesis document, 0x0a.
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let read = if is_json {
        match std::str::from_utf8(&bytes) {
            Ok(text) => Bundle::from_json(text),
            Err(error) => {
                let detail = format!("byte {} is not UTF-8", error.valid_up_to());
                Err(BundleError::Json { detail })
            }
        }
    } else {
        Bundle::from_bytes(&bytes)
    };
    Ok(read.map_err(verify::Failure::unreadable))
}

#[expect(
    clippy::disallowed_types,
    reason = "--max-age compares with the auditor's own clock; nothing else here reads one"
)]
fn clock() -> anyhow::Result<TimeMs> {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .context("this machine's clock stands before 1970")?;
    Ok(TimeMs::new(u64::try_from(since.as_millis()).context("this machine's clock is far off")?))
}

fn print_failure(
    failure: &verify::Failure,
    language: Language,
    arguments: &Arguments,
) -> anyhow::Result<()> {
    if arguments.json {
        return print(&format!("{:#}\n", failure.json()));
    }
    print_error(&failure.text(language));
    Ok(())
}

/// A reader that has seen enough, as in `jjj-verify … | head`, changes nothing in the verdict.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output")
        }
        Err(_) | Ok(()) => Ok(()),
    }
}

#[expect(clippy::print_stderr, reason = "refusals and errors go to standard error")]
fn print_error(text: &str) {
    eprintln!("{text}");
}
