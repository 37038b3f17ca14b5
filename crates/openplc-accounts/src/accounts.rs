//! The accounts and sessions of one installation.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crate::database::{Database, Role, Stored, User};
use crate::error::{AccountError, OpenError};
use crate::memory::{Memory, now};
use crate::password;
use crate::recognition::Recognition;
use crate::secrets::Secrets;
use crate::tokens::{TokenError, Tokens};

/// A change of an account; what is absent stays.
#[derive(Debug, Default)]
pub struct Change<'a> {
    /// New name.
    pub username: Option<&'a str>,
    /// New password. Ends all tokens of the account.
    pub password: Option<&'a str>,
    /// New role. Takes effect at once.
    pub role: Option<Role>,
    /// Nothing changes unless the account still has the password of this login.
    pub current: Option<&'a Login>,
}

/// Somebody who showed the right password, and the account as it was at that moment.
#[derive(Debug, Clone)]
pub struct Login(pub(crate) Stored);

impl Login {
    /// The account.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.0.user
    }
}

/// Somebody who showed a valid token.
#[derive(Debug, Clone)]
pub struct Session {
    /// The account as it is now.
    pub user: User,
    jti: String,
    issued: i64,
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

    /// Logs in to the account of this name if the password is right. Takes a tenth of a second and more, equally long
    /// whether or not the account exists.
    #[must_use]
    pub fn log_in(&self, username: &str, password: &str) -> Option<Login> {
        let stored = self.memory().named(username).cloned();
        let hash = stored.as_ref().and_then(|stored| stored.password_hash.as_deref());
        password::verify(hash, password, &self.pepper).then_some(Login(stored?))
    }

    /// As [`Self::log_in`], and from then on [`Self::recognise`] knows the password.
    #[must_use]
    pub fn log_in_and_remember(&self, username: &str, password: &str) -> Option<Login> {
        let login = self.log_in(username, password)?;
        // The account as it was before: if it has changed meanwhile, the digest will never fit.
        self.recognition.remember(&login.0, password);
        Some(login)
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
        self.insert(None, username, password, Role::Admin)
    }

    /// Makes another account, for `by`. Hashes and writes.
    ///
    /// # Errors
    /// [`AccountError`]; nothing has changed then.
    pub fn create(
        &self,
        by: &Session,
        username: &str,
        password: &str,
        role: Role,
    ) -> Result<User, AccountError> {
        self.insert(Some(by), username, password, role)
    }

    /// Makes an account: by nobody the first, by somebody another.
    fn insert(
        &self,
        by: Option<&Session>,
        username: &str,
        password: &str,
        role: Role,
    ) -> Result<User, AccountError> {
        let hash = password::hash(password, &self.pepper)?;
        let database = self.database();
        by.map_or(Ok(()), |by| self.check(by))?;
        {
            let memory = self.memory();
            if by.is_none() && !memory.users.is_empty() {
                return Err(AccountError::NotFirst);
            }
            memory.check_name(username, None)?;
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

    /// Changes an account, for `by`. Hashes and writes.
    ///
    /// # Errors
    /// [`AccountError`]; nothing has changed then.
    pub fn update(&self, by: &Session, id: i64, change: &Change<'_>) -> Result<User, AccountError> {
        let hash = change
            .password
            .map(|password| password::hash(password, &self.pepper))
            .transpose()?;
        let database = self.database();
        self.check(by)?;
        let mut stored = self.memory().user(id)?.clone();
        if change
            .current
            .is_some_and(|login| login.user().id != id || !self.memory().is_current(login))
        {
            return Err(AccountError::PasswordChanged);
        }
        if let Some(username) = change.username {
            // A name that does not change stays, whatever it is: it may be older than the rules.
            if username != stored.user.username {
                self.memory().check_name(username, Some(id))?;
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

    /// Deletes an account and ends its tokens, for `by`. Writes.
    ///
    /// # Errors
    /// [`AccountError`]; nothing has changed then.
    pub fn delete(&self, by: &Session, id: i64) -> Result<User, AccountError> {
        let database = self.database();
        self.check(by)?;
        let user = self.memory().user(id)?.user.clone();
        if user.role == Role::Admin && self.memory().is_last_admin(id) {
            return Err(AccountError::LastAdmin);
        }
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

    /// A new token for somebody who has logged in.
    ///
    /// # Errors
    /// [`TokenError::Revoked`] when the account has been deleted or has got another password since;
    /// [`TokenError::Invalid`] when the system has no random numbers.
    pub fn issue(&self, login: &Login) -> Result<String, TokenError> {
        let id = login.user().id;
        let issued = {
            let memory = self.memory();
            if !memory.is_current(login) {
                return Err(TokenError::Revoked);
            }
            memory.latest_issue(id)
        };
        self.tokens.issue(id, now().unsigned_abs(), issued.unsigned_abs())
    }

    /// Who shows this token.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn authenticate(&self, token: &str) -> Result<Session, TokenError> {
        let verified = self.tokens.verify(token)?;
        let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let issued = seconds(verified.issued);
        let memory = self.memory();
        let user = memory.holder(verified.user, &verified.jti, issued)?.user.clone();
        Ok(Session {
            user,
            jti: verified.jti,
            issued,
            expires: seconds(verified.expires),
        })
    }

    /// The session as it is now, for what takes time between its beginning and its effect. That the token expires
    /// meanwhile does not count: what was begun may be finished.
    ///
    /// # Errors
    /// [`TokenError`] when the session was ended.
    pub fn confirm(&self, session: &Session) -> Result<Session, TokenError> {
        let memory = self.memory();
        let user = memory
            .holder(session.user.id, &session.jti, session.issued)?
            .user
            .clone();
        Ok(Session {
            user,
            ..session.clone()
        })
    }

    /// Whether `by` is still who they were when they were allowed to make a change. To be asked under the lock that the
    /// change is made under.
    fn check(&self, by: &Session) -> Result<(), AccountError> {
        if self.confirm(by)?.user.role != by.user.role {
            return Err(AccountError::RoleChanged);
        }
        Ok(())
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
