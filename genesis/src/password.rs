//! Passwords of keystores: from a file or a terminal, never from an argument or the environment,
//! which other users of the machine can read.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::files::{self, FileError};
use crate::limits::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};

/// A password; wiped from memory when dropped, never printed.
pub struct Password(Zeroizing<String>);

/// Why there is no password.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// Nothing was given.
    #[error("password: must not be empty")]
    Empty,
    /// Longer than any password.
    #[error("password: expected at most {PASSWORD_BYTES_MAX} bytes, found {found}")]
    TooLong {
        /// Bytes given.
        found: usize,
    },
    /// Too short to protect a new key.
    #[error(
        "password: expected at least {PASSWORD_CHARS_MIN} characters for new keys, found {found}"
    )]
    TooShort {
        /// Characters given.
        found: usize,
    },
    /// The first line of the file is empty.
    #[error("{}: the first line must hold the password, it is empty", path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{0}")]
    File(#[from] FileError),
    /// The two entries on the terminal differ.
    #[error("password: the two entries differ")]
    Differ,
    /// Nobody to ask.
    #[error("password: no terminal to ask at ({0}); give --password-file")]
    Terminal(#[source] std::io::Error),
}

impl Password {
    /// A password that was typed or read.
    pub fn new(text: String) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text);
        match text.len() {
            0 => Err(PasswordError::Empty),
            found if found > PASSWORD_BYTES_MAX => Err(PasswordError::TooLong { found }),
            _ => Ok(Self(text)),
        }
    }

    /// The first line of a file, without its line end.
    pub fn from_file(path: &Path) -> Result<Self, PasswordError> {
        let limit = u64::try_from(PASSWORD_BYTES_MAX).unwrap_or(u64::MAX).saturating_mul(4);
        let text = Zeroizing::new(files::read_text(path, limit)?);
        match text.lines().next() {
            None | Some("") => Err(PasswordError::EmptyFile { path: path.to_owned() }),
            Some(line) => Self::new(line.to_owned()),
        }
    }

    /// Asks at the terminal, without echo.
    pub fn ask(prompt: &str) -> Result<Self, PasswordError> {
        Self::new(rpassword::prompt_password(prompt).map_err(PasswordError::Terminal)?)
    }

    /// Asks twice, for a password that is being chosen.
    pub fn ask_twice(prompt: &str, again: &str) -> Result<Self, PasswordError> {
        let first = Self::ask(prompt)?;
        let second = Self::ask(again)?;
        if first.0 == second.0 { Ok(first) } else { Err(PasswordError::Differ) }
    }

    /// Refuses a password that is too short to protect new keys.
    pub fn check_strength(&self) -> Result<(), PasswordError> {
        let found = self.0.chars().count();
        if found < PASSWORD_CHARS_MIN { Err(PasswordError::TooShort { found }) } else { Ok(()) }
    }

    /// The bytes that the key is derived from.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}
