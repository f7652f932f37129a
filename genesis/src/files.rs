//! Files that must not be lost or half written: one function writes them, one reads them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Its owner: keys, folders that hold keys.
    Owner,
    /// Everybody: what is public anyway.
    Everyone,
}

/// Why a file is not written or read.
#[derive(Debug, Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("{}: cannot {step}: {source}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What was tried.
        step: &'static str,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// A file larger than its kind can be.
    #[error("{}: expected at most {limit} bytes, found more", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Largest size allowed.
        limit: u64,
    },
    /// Text that is not UTF-8.
    #[error("{}: byte {offset} is not UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// First byte that is not.
        offset: usize,
    },
}

fn refused(path: &Path, step: &'static str) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError::Refused { path: path.to_owned(), step, source }
}

/// Writes a whole file so that after a crash either the old content is there or the new, never a
/// part: a temporary file beside it is synced, then renamed, then the folder is synced.
pub fn write_durably(path: &Path, bytes: &[u8], access: Access) -> Result<(), FileError> {
    let temporary = temporary_beside(path);
    let written = write_and_rename(&temporary, path, bytes, access);
    if written.is_err() {
        // What is left of it is useless; a failure to remove it adds nothing to the first error.
        drop(fs::remove_file(&temporary));
    }
    written
}

fn write_and_rename(
    temporary: &Path,
    path: &Path,
    bytes: &[u8],
    access: Access,
) -> Result<(), FileError> {
    match fs::remove_file(temporary) {
        Ok(()) => (), // left by a process of the same number that crashed
        Err(error) if error.kind() == io::ErrorKind::NotFound => (), // the usual case
        Err(error) => return Err(refused(temporary, "remove a left-over temporary file")(error)),
    }
    let mut file = create_new(temporary, access).map_err(refused(temporary, "create"))?;
    file.write_all(bytes).map_err(refused(temporary, "write"))?;
    file.sync_all().map_err(refused(temporary, "sync"))?;
    drop(file);
    fs::rename(temporary, path).map_err(refused(path, "rename the temporary file to it"))?;
    sync_folder(path)
}

fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

#[cfg(unix)]
fn create_new(path: &Path, access: Access) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mode = match access {
        Access::Owner => 0o600,
        Access::Everyone => 0o644,
    };
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create_new(path: &Path, _access: Access) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Syncs the folder that holds `path`, so that its name outlives a power cut.
#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    File::open(folder).and_then(|handle| handle.sync_all()).map_err(refused(folder, "sync"))
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> Result<(), FileError> {
    Ok(())
}

/// Makes a folder, and those above it, for its owner alone.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(refused(path, "create the folder"))
}

/// Gives a folder that is complete its final name, which nothing but an empty folder may have.
pub fn rename_folder(from: &Path, to: &Path) -> Result<(), FileError> {
    fs::rename(from, to).map_err(refused(to, "rename the finished folder to it"))?;
    sync_folder(to)
}

/// Removes a folder that was begun and will not be finished.
pub fn remove_folder(path: &Path) -> Result<(), FileError> {
    fs::remove_dir_all(path).map_err(refused(path, "remove the folder"))
}

/// Reads a file of at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(refused(path, "open"))?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(refused(path, "read"))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(FileError::TooLong { path: path.to_owned(), limit })
    }
}

/// Reads a UTF-8 file of at most `limit` bytes.
pub fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    String::from_utf8(read(path, limit)?).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        FileError::NotText { path: path.to_owned(), offset }
    })
}
