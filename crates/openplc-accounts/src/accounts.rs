//! The accounts and sessions of one installation.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use crate::database::{Database, Role, Stored, User};
use crate::password;
use crate::recognition::Recognition;
use crate::secrets::{Secrets, SecretsError};
use crate::tokens::{TokenError, Tokens};

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
    /// There is no such account.
    #[error("User not found")]
    NotFound,
    /// Nobody could manage accounts afterwards.
    #[error("The last admin cannot be removed or lose the role")]
    LastAdmin,
    /// The first account exists already.
    #[error("The first user exists already")]
    NotFirst,
    /// The database did not take the change.
    #[error("The accounts could not be written: {0}")]
    Database(#[from] rusqlite::Error),
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// A change of an account; what is absent stays.
#[derive(Debug, Default)]
pub struct Change<'a> {
    /// New name.
    pub username: Option<&'a str>,
    /// New password. Ends all tokens of the account.
    pub password: Option<&'a str>,
    /// New role. Takes effect at once.
    pub role: Option<Role>,
}

/// Somebody who showed a valid token.
#[derive(Debug, Clone)]
pub struct Session {
    /// The account as it is now.
    pub user: User,
    jti: String,
    expires: i64,
}

/// Accounts, passwords and tokens of one installation.
///
/// Accounts and revocations are kept in memory as well, so questions never wait for the disk. This process is the only
/// one that changes them.
pub struct Accounts {
    pepper: String,
    tokens: Tokens,
    database: Mutex<Database>,
    memory: RwLock<Memory>,
    recognition: Recognition,
}

#[derive(Default)]
struct Memory {
    users: Vec<Stored>,
    /// Revoked tokens and when they end, in seconds since 1970.
    revoked: HashMap<String, i64>,
    /// First moment of issue that counts for an account, in seconds since 1970.
    revoked_before: HashMap<i64, i64>,
}

impl Memory {
    fn user(&self, id: i64) -> Result<&Stored, AccountError> {
        self.users
            .iter()
            .find(|stored| stored.user.id == id)
            .ok_or(AccountError::NotFound)
    }

    /// The latest moment of issue that a token of an account can have, in seconds since 1970: after a revocation in this
    /// very second tokens bear the next one.
    fn latest_issue(&self, id: i64) -> i64 {
        now().max(self.revoked_before.get(&id).copied().unwrap_or(0))
    }

    fn named(&self, username: &str) -> Option<&Stored> {
        self.users.iter().find(|stored| stored.user.username == username)
    }

    fn is_last_admin(&self, id: i64) -> bool {
        !self
            .users
            .iter()
            .any(|stored| stored.user.role == Role::Admin && stored.user.id != id)
    }
}

impl Accounts {
    /// Opens `restapi.db` and `.env` in `directory`; both are made when the installation is new. Tokens that are issued from
    /// now on are valid for `session_lifetime`.
    ///
    /// # Errors
    /// [`OpenError`]; nothing that exists is ever replaced or deleted.
    pub fn open(directory: &Path, session_lifetime: Duration) -> Result<Self, OpenError> {
        let directory = directory.canonicalize().map_err(|source| OpenError::Directory {
            path: directory.to_owned(),
            source,
        })?;
        let path = directory.join("restapi.db");
        let failure = |source| OpenError::Database {
            path: path.clone(),
            source,
        };
        let is_new = !Database::has_accounts(&path).map_err(failure)?;
        let secrets = Secrets::load(&directory.join(".env"), &path, is_new)?;
        let database = Database::open(&path).map_err(failure)?;
        let memory = Memory {
            users: database.users().map_err(failure)?,
            revoked: database
                .revoked_tokens(now())
                .map_err(failure)?
                .into_iter()
                .collect(),
            revoked_before: database.revoked_users().map_err(failure)?.into_iter().collect(),
        };
        Ok(Self {
            pepper: secrets.pepper,
            tokens: Tokens::new(&secrets.token_key, session_lifetime),
            database: Mutex::new(database),
            memory: RwLock::new(memory),
            recognition: Recognition::new()?,
        })
    }

    /// All accounts, in the order of their numbers.
    #[must_use]
    pub fn users(&self) -> Vec<User> {
        self.memory()
            .users
            .iter()
            .map(|stored| stored.user.clone())
            .collect()
    }

    /// Whether there is any account.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.memory().users.is_empty()
    }

    /// The account with this number.
    #[must_use]
    pub fn user(&self, id: i64) -> Option<User> {
        self.memory().user(id).ok().map(|stored| stored.user.clone())
    }

    /// The account of this name if the password is right. Takes a tenth of a second and more, equally long whether or
    /// not the account exists.
    #[must_use]
    pub fn log_in(&self, username: &str, password: &str) -> Option<User> {
        let stored = self.memory().named(username).cloned();
        let hash = stored.as_ref().and_then(|stored| stored.password_hash.as_deref());
        password::verify(hash, password, &self.pepper).then_some(stored?.user)
    }

    /// As [`Self::log_in`], and from then on [`Self::recognise`] knows the password.
    #[must_use]
    pub fn log_in_and_remember(&self, username: &str, password: &str) -> Option<User> {
        let stored = self.memory().named(username).cloned();
        let user = self.log_in(username, password)?;
        // The account as it was before: if it has changed meanwhile, the digest will never fit.
        self.recognition.remember(&stored?, password);
        Some(user)
    }

    /// The account of this name if the password was right before and the account still has it. Answers at once; `None` does not
    /// say that the password is wrong.
    #[must_use]
    pub fn recognise(&self, username: &str, password: &str) -> Option<User> {
        let memory = self.memory();
        let stored = memory.named(username)?;
        self.recognition
            .knows(stored, password)
            .then(|| stored.user.clone())
    }

    /// Makes the first account, an admin. Hashes and writes.
    ///
    /// # Errors
    /// [`AccountError::NotFirst`] when there is an account already.
    pub fn create_first(&self, username: &str, password: &str) -> Result<User, AccountError> {
        self.insert(username, password, Role::Admin, true)
    }

    /// Makes another account. Hashes and writes.
    ///
    /// # Errors
    /// [`AccountError::NameTaken`].
    pub fn create(&self, username: &str, password: &str, role: Role) -> Result<User, AccountError> {
        self.insert(username, password, role, false)
    }

    fn insert(&self, username: &str, password: &str, role: Role, first: bool) -> Result<User, AccountError> {
        let hash = password::hash(password, &self.pepper)?;
        let database = self.database();
        {
            let memory = self.memory();
            if first && !memory.users.is_empty() {
                return Err(AccountError::NotFirst);
            }
            if memory.named(username).is_some() {
                return Err(AccountError::NameTaken);
            }
        }
        let id = database.insert(username, &hash, role)?;
        let user = User {
            id,
            username: username.to_owned(),
            role,
        };
        self.memory_mut().users.push(Stored {
            user: user.clone(),
            password_hash: Some(hash),
        });
        Ok(user)
    }

    /// Changes an account. Hashes and writes.
    ///
    /// # Errors
    /// [`AccountError`]; nothing has changed then.
    pub fn update(&self, id: i64, change: &Change<'_>) -> Result<User, AccountError> {
        let hash = change
            .password
            .map(|password| password::hash(password, &self.pepper))
            .transpose()?;
        let database = self.database();
        let mut stored = self.memory().user(id)?.clone();
        if let Some(username) = change.username {
            if self
                .memory()
                .named(username)
                .is_some_and(|other| other.user.id != id)
            {
                return Err(AccountError::NameTaken);
            }
            username.clone_into(&mut stored.user.username);
        }
        if let Some(role) = change.role {
            if stored.user.role == Role::Admin && role != Role::Admin && self.memory().is_last_admin(id) {
                return Err(AccountError::LastAdmin);
            }
            stored.user.role = role;
        }
        let ends_tokens = hash.is_some();
        if ends_tokens {
            stored.password_hash = hash;
        }
        let before = self.memory().latest_issue(id) + 1;
        database.transaction(|database| {
            database.update(&stored)?;
            if ends_tokens {
                database.revoke_user(id, before)?;
            }
            Ok(())
        })?;
        let mut memory = self.memory_mut();
        if ends_tokens {
            memory.revoked_before.insert(id, before);
        }
        let user = stored.user.clone();
        if let Some(place) = memory.users.iter_mut().find(|place| place.user.id == id) {
            *place = stored;
        }
        Ok(user)
    }

    /// Deletes an account and ends its tokens. Writes.
    ///
    /// # Errors
    /// [`AccountError`]; nothing has changed then.
    pub fn delete(&self, id: i64) -> Result<User, AccountError> {
        let database = self.database();
        let user = self.memory().user(id)?.user.clone();
        if user.role == Role::Admin && self.memory().is_last_admin(id) {
            return Err(AccountError::LastAdmin);
        }
        // SQLite gives the number of a deleted account to a later one: its tokens must not come to life again.
        let before = self.memory().latest_issue(id) + 1;
        database.transaction(|database| {
            database.delete(id)?;
            database.revoke_user(id, before)
        })?;
        let mut memory = self.memory_mut();
        memory.users.retain(|stored| stored.user.id != id);
        memory.revoked_before.insert(id, before);
        Ok(user)
    }

    /// A new token for an account.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] when the system has no random numbers.
    pub fn issue(&self, user: &User) -> Result<String, TokenError> {
        let issued = self.memory().latest_issue(user.id);
        self.tokens
            .issue(user.id, now().unsigned_abs(), issued.unsigned_abs())
    }

    /// Who shows this token.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn authenticate(&self, token: &str) -> Result<Session, TokenError> {
        let verified = self.tokens.verify(token)?;
        let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let memory = self.memory();
        let before = memory.revoked_before.get(&verified.user).copied().unwrap_or(0);
        if memory.revoked.contains_key(&verified.jti) || seconds(verified.issued) < before {
            return Err(TokenError::Revoked);
        }
        let user = memory
            .user(verified.user)
            .map_err(|_| TokenError::Invalid)?
            .user
            .clone();
        Ok(Session {
            user,
            jti: verified.jti,
            expires: seconds(verified.expires),
        })
    }

    /// Ends the token of a session, over restarts too. Writes.
    ///
    /// # Errors
    /// [`AccountError::Database`]: the token is then ended until the next restart only.
    pub fn revoke(&self, session: &Session) -> Result<(), AccountError> {
        let now = now();
        {
            let mut memory = self.memory_mut();
            memory.revoked.retain(|_, expires| *expires >= now);
            memory.revoked.insert(session.jti.clone(), session.expires);
        }
        Ok(self.database().revoke_token(&session.jti, session.expires, now)?)
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory_mut(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}
