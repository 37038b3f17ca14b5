//! The file `restapi.db`: accounts in OpenPLC Runtime v4's table, and beside it what has been revoked.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything, accounts included.
    Admin,
    /// Everything but the accounts of others.
    User,
}

impl Role {
    /// The word in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }

    /// The role with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "admin" => Some(Self::Admin),
            "user" => Some(Self::User),
            _ => None,
        }
    }
}

/// An account without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Number of the account.
    pub id: i64,
    /// Name that is logged in with.
    pub username: String,
    /// What it may do.
    pub role: Role,
}

/// An account as stored.
#[derive(Debug, Clone)]
pub struct Stored {
    pub user: User,
    /// Absent or unreadable: nobody can log in.
    pub password_hash: Option<String>,
}

pub struct Database(Connection);

impl Database {
    /// Opens the file, which is made when it is missing, and brings its tables up to date as OpenPLC Runtime v4 does.
    ///
    /// On a disk that is full or read-only the accounts that are there can still log in, and every change fails.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        // SQLite would make the file readable for everybody. Failing here only leaves the message to SQLite.
        let _ = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        // A change is done when its journal is deleted. SQLite does not make that outlast a loss of power unless asked to:
        // the new user would be gone again, and the session that was ended valid.
        connection.pragma_update(None, "synchronous", "EXTRA")?;
        let database = Self(connection);
        database.bring_up_to_date().or_else(|error| {
            let is_complete = database.users().is_ok()
                && database.revoked_tokens(0).is_ok()
                && database.revoked_users().is_ok();
            if is_complete && cannot_be_written(&error) {
                Ok(())
            } else {
                Err(error)
            }
        })?;
        Ok(database)
    }

    fn bring_up_to_date(&self) -> rusqlite::Result<()> {
        let connection = &self.0;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS users (
                 id INTEGER PRIMARY KEY,
                 username TEXT NOT NULL UNIQUE,
                 password_hash TEXT NOT NULL,
                 role TEXT NOT NULL DEFAULT 'admin');
             CREATE TABLE IF NOT EXISTS revoked_tokens (jti TEXT PRIMARY KEY, exp INTEGER NOT NULL);
             CREATE TABLE IF NOT EXISTS revoked_users (id INTEGER PRIMARY KEY, before INTEGER NOT NULL);",
        )?;
        let has_role: bool = connection.query_row(
            "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'role'",
            [],
            |row| row.get(0),
        )?;
        if !has_role {
            connection.execute_batch("ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'admin'")?;
        }
        connection.execute_batch(
            "UPDATE users SET role = 'admin' WHERE role IS NOT 'admin' AND (SELECT count(*) FROM users) = 1",
        )
    }

    pub fn users(&self) -> rusqlite::Result<Vec<Stored>> {
        let mut statement = self
            .0
            .prepare("SELECT id, username, password_hash, role FROM users ORDER BY id")?;
        let users = statement.query_map([], |row| {
            let role: Option<String> = row.get(3)?;
            Ok(Stored {
                user: User {
                    id: row.get(0)?,
                    username: row.get(1)?,
                    role: role.as_deref().and_then(Role::from_name).unwrap_or(Role::User),
                },
                password_hash: row.get(2)?,
            })
        })?;
        users.collect()
    }

    /// Adds an account under a number that none has had: a deleted one has left its in `revoked_users`. SQLite by itself
    /// would give it out again, and with it whatever still bears that number.
    pub fn insert(&self, username: &str, password_hash: &str, role: Role) -> rusqlite::Result<i64> {
        self.0.execute(
            "INSERT INTO users (id, username, password_hash, role)
             SELECT coalesce(max(id), 0) + 1, ?1, ?2, ?3
             FROM (SELECT id FROM users UNION ALL SELECT id FROM revoked_users)",
            params![username, password_hash, role.as_str()],
        )?;
        Ok(self.0.last_insert_rowid())
    }

    pub fn update(&self, stored: &Stored) -> rusqlite::Result<()> {
        let user = &stored.user;
        self.0.execute(
            "UPDATE users SET username = ?2, password_hash = coalesce(?3, password_hash), role = ?4 WHERE id = ?1",
            params![user.id, user.username, stored.password_hash, user.role.as_str()],
        )?;
        Ok(())
    }

    pub fn delete(&self, id: i64) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM users WHERE id = ?1", [id])?;
        Ok(())
    }

    /// Revoked tokens that have not ended by `now`.
    pub fn revoked_tokens(&self, now: i64) -> rusqlite::Result<Vec<(String, i64)>> {
        let mut statement = self
            .0
            .prepare("SELECT jti, exp FROM revoked_tokens WHERE exp >= ?1")?;
        let rows = statement.query_map([now], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    pub fn revoke_token(&self, jti: &str, exp: i64, now: i64) -> rusqlite::Result<()> {
        self.0
            .execute("DELETE FROM revoked_tokens WHERE exp < ?1", [now])?;
        self.0.execute(
            "INSERT OR IGNORE INTO revoked_tokens (jti, exp) VALUES (?1, ?2)",
            params![jti, exp],
        )?;
        Ok(())
    }

    /// For accounts whose earlier tokens were revoked: account and the first moment of issue that counts.
    pub fn revoked_users(&self) -> rusqlite::Result<Vec<(i64, i64)>> {
        let mut statement = self.0.prepare("SELECT id, before FROM revoked_users")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    pub fn revoke_user(&self, id: i64, before: i64) -> rusqlite::Result<()> {
        self.0.execute(
            "INSERT OR REPLACE INTO revoked_users (id, before) VALUES (?1, ?2)",
            [id, before],
        )?;
        Ok(())
    }

    /// Runs `change` as one transaction.
    pub fn transaction<T>(&self, change: impl FnOnce(&Self) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        let result = change(self).and_then(|value| self.0.execute_batch("COMMIT").map(|()| value));
        if result.is_err() {
            // The first error is the one to report.
            let _ = self.0.execute_batch("ROLLBACK");
        }
        result
    }

    /// Whether the file at `path` exists and has accounts, without changing anything.
    pub fn has_accounts(path: &Path) -> rusqlite::Result<bool> {
        if !path.exists() {
            return Ok(false);
        }
        let connection = Connection::open(path)?;
        let table: Option<i64> = connection
            .query_row(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'users'",
                [],
                |row| row.get(0),
            )
            .optional()?;
        match table {
            Some(_) => connection.query_row("SELECT count(*) > 0 FROM users", [], |row| row.get(0)),
            None => Ok(false),
        }
    }
}

/// Whether the disk is the reason, and not the file.
fn cannot_be_written(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ReadOnly | ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen)
    )
}
