//! Where the programs of this workspace are, and running one of them to its end.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Context as _;

/// A program of this workspace, in the folder of the running test or demo.
pub fn find(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("where is this program?")?;
    let folder = own.parent().context("a program stands in a folder")?;
    // Test binaries stand one folder below the programs.
    let folder = match folder.file_name() {
        Some(last) if last == "deps" => folder.parent().unwrap_or(folder),
        Some(_) | None => folder,
    };
    let path = folder.join(name);
    anyhow::ensure!(
        path.is_file(),
        "{} is not there; build the programs first: cargo build --workspace --bins",
        path.display()
    );
    Ok(path)
}

/// What a program that ended has said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ended {
    /// Fails, with everything that was said, unless the exit code is `code`.
    pub fn expect(self, code: i32) -> anyhow::Result<Self> {
        anyhow::ensure!(
            self.code == Some(code),
            "expected exit code {code}, found {:?}\n{}{}",
            self.code,
            self.out,
            self.err
        );
        Ok(self)
    }

    /// The output as JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_str(&self.out).with_context(|| format!("not JSON: {}", self.out))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a program of this workspace to its end.
pub fn run<I, A>(name: &str, arguments: I) -> anyhow::Result<Ended>
where
    I: IntoIterator<Item = A>,
    A: AsRef<std::ffi::OsStr>,
{
    let path = find(name)?;
    let output = Command::new(&path).args(arguments).output();
    Ok(output.with_context(|| path.display().to_string())?.into())
}

/// Runs a program of this workspace whose output nobody reads to its end, as in `… | head -0`; its exit code.
pub fn run_unread<I, A>(name: &str, arguments: I) -> anyhow::Result<Option<i32>>
where
    I: IntoIterator<Item = A>,
    A: AsRef<std::ffi::OsStr>,
{
    let path = find(name)?;
    let (reader, writer) = std::io::pipe()?;
    drop(reader);
    let status = Command::new(&path).args(arguments).stdout(writer).status();
    Ok(status.with_context(|| path.display().to_string())?.code())
}

/// The root of the repository.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// A file of the sample world.
pub fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(path)
}
