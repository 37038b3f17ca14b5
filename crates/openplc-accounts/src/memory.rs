//! What is known without asking the disk: accounts, and what has been revoked.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::accounts::Login;
use crate::database::{Role, Stored};
use crate::error::AccountError;
use crate::tokens::TokenError;
use crate::username;

/// Accounts and revocations of one installation.
#[derive(Default)]
pub struct Memory {
    pub users: Vec<Stored>,
    /// Revoked tokens and when they end, in seconds since 1970.
    pub revoked: HashMap<String, i64>,
    /// First moment of issue that counts for an account, in seconds since 1970.
    pub revoked_before: HashMap<i64, i64>,
}

impl Memory {
    pub fn user(&self, id: i64) -> Result<&Stored, AccountError> {
        self.users
            .iter()
            .find(|stored| stored.user.id == id)
            .ok_or(AccountError::NotFound)
    }

    /// The account whose token this is, unless the token has been revoked.
    pub fn holder(&self, id: i64, jti: &str, issued: i64) -> Result<&Stored, TokenError> {
        let before = self.revoked_before.get(&id).copied().unwrap_or(0);
        if self.revoked.contains_key(jti) || issued < before {
            return Err(TokenError::Revoked);
        }
        self.user(id).map_err(|_| TokenError::Invalid)
    }

    /// Whether the account is still there, with the very password that was shown.
    pub fn is_current(&self, login: &Login) -> bool {
        self.user(login.0.user.id)
            .is_ok_and(|stored| stored.password_hash == login.0.password_hash)
    }

    /// The latest moment of issue that a token of an account can have, in seconds since 1970: after a revocation in this
    /// very second tokens bear the next one.
    pub fn latest_issue(&self, id: i64) -> i64 {
        now().max(self.revoked_before.get(&id).copied().unwrap_or(0))
    }

    pub fn named(&self, username: &str) -> Option<&Stored> {
        self.users.iter().find(|stored| stored.user.username == username)
    }

    /// Refuses a new name for the account `id`, or for one that is yet to be made.
    pub fn check_name(&self, username: &str, id: Option<i64>) -> Result<(), AccountError> {
        if self
            .named(username)
            .is_some_and(|other| Some(other.user.id) != id)
        {
            return Err(AccountError::NameTaken);
        }
        let mut others = self.users.iter().filter(|other| Some(other.user.id) != id);
        match others.find(|other| username::are_alike(&other.user.username, username)) {
            Some(other) => Err(AccountError::NameAlike(other.user.username.clone())),
            None => username::check(username),
        }
    }

    pub fn is_last_admin(&self, id: i64) -> bool {
        !self
            .users
            .iter()
            .any(|stored| stored.user.role == Role::Admin && stored.user.id != id)
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}
