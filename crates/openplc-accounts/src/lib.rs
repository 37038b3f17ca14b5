//! Who may use the runtime: accounts, passwords and tokens, in the formats of OpenPLC Runtime v4, so that an existing
//! installation's users can log in and their tokens stay valid.
//!
//! Everything here is synchronous. [`Accounts`] answers questions about users and tokens from memory; whatever hashes a
//! password or writes to disk says so and belongs on a thread that may block.
//!
//! This crate must not know of HTTP, of the Editor or of the PLC.
#![forbid(unsafe_code)]

mod accounts;
mod database;
mod error;
mod hs256;
mod memory;
mod password;
mod recognition;
pub mod secret_file;
mod secrets;
mod tokens;
mod username;

pub use accounts::{Accounts, Change, Login, Session};
pub use database::{Role, User};
pub use error::{AccountError, OpenError};
pub use secrets::SecretsError;
pub use tokens::TokenError;
pub use username::MAX_USERNAME;
