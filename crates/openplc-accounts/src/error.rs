//! What can go wrong with accounts.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::secrets::SecretsError;
use crate::tokens::TokenError;
use crate::username::MAX_USERNAME;

/// Why the accounts cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The secrets cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The database cannot be used.
    #[error(
        "{path}: {source}. Restore the file from a backup; or, to start afresh without any account, remove it"
    )]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The directory does not exist and cannot be made into an absolute path.
    #[error("{path}: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
}

/// Why an account was not changed.
#[derive(Debug, Error)]
pub enum AccountError {
    /// Somebody else has this name.
    #[error("Username already exists")]
    NameTaken,
    /// Somebody else has a name that people would take for this one.
    #[error("Username looks like that of another account: {0}")]
    NameAlike(String),
    /// People could not read the name.
    #[error(
        "The username must be at most {MAX_USERNAME} bytes long and consist of visible characters and spaces"
    )]
    NameUnreadable,
    /// There is no such account.
    #[error("User not found")]
    NotFound,
    /// Nobody could manage accounts afterwards.
    #[error("The last admin cannot be removed or lose the role")]
    LastAdmin,
    /// The first account exists already.
    #[error("The first user exists already")]
    NotFirst,
    /// Whoever asks for the change is nobody any more.
    #[error(transparent)]
    SessionEnded(#[from] TokenError),
    /// Whoever asks for the change has got another role since.
    #[error("Your role has just been changed")]
    RoleChanged,
    /// The password that was shown is not the account's any more.
    #[error("The password has just been changed")]
    PasswordChanged,
    /// The database did not take the change.
    #[error("The accounts could not be written: {0}")]
    Database(#[from] rusqlite::Error),
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}
