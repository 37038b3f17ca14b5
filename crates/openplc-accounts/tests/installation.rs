//! One installation over its life: first user, logins, changes, restarts, and one taken over from OpenPLC Runtime v4.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use openplc_accounts::{AccountError, Accounts, Change, OpenError, Role, TokenError};
use rusqlite::Connection;

const LIFETIME: Duration = Duration::from_secs(60);

fn open(directory: &Path) -> Accounts {
    Accounts::open(directory, LIFETIME).unwrap()
}

#[test]
fn the_first_user_is_an_admin_and_there_is_one_first_user() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    assert!(accounts.is_empty());
    let first = accounts.create_first("engineer", "secret").unwrap();
    assert_eq!((first.id, first.role), (1, Role::Admin));
    assert!(matches!(
        accounts.create_first("late", "secret"),
        Err(AccountError::NotFirst)
    ));
    assert_eq!(accounts.log_in("engineer", "secret"), Some(first));
    assert_eq!(accounts.log_in("engineer", "Secret"), None);
    assert_eq!(accounts.log_in("late", "secret"), None);
}

#[test]
fn a_password_is_recognised_after_it_was_right_and_until_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let user = accounts.create_first("scraper", "secret").unwrap();
    assert_eq!(accounts.recognise("scraper", "secret"), None);
    assert_eq!(accounts.log_in_and_remember("scraper", "wrong"), None);
    assert_eq!(accounts.recognise("scraper", "wrong"), None);
    assert_eq!(
        accounts.log_in_and_remember("scraper", "secret"),
        Some(user.clone())
    );
    assert_eq!(accounts.recognise("scraper", "secret"), Some(user.clone()));
    assert_eq!(accounts.recognise("scraper", "secret2"), None);
    assert_eq!(accounts.recognise("scrape", "secret"), None);
    let change = Change {
        password: Some("another"),
        ..Change::default()
    };
    accounts.update(user.id, &change).unwrap();
    assert_eq!(accounts.recognise("scraper", "secret"), None);
    assert_eq!(accounts.recognise("scraper", "another"), None);
}

#[test]
fn tokens_end_for_good() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let user = accounts.create_first("engineer", "secret").unwrap();
    let (kept, revoked) = (accounts.issue(&user).unwrap(), accounts.issue(&user).unwrap());
    accounts
        .revoke(&accounts.authenticate(&revoked).unwrap())
        .unwrap();
    assert_eq!(accounts.authenticate(&revoked).unwrap_err(), TokenError::Revoked);
    drop(accounts);

    let accounts = open(directory.path());
    assert_eq!(accounts.authenticate(&revoked).unwrap_err(), TokenError::Revoked);
    assert_eq!(accounts.authenticate(&kept).unwrap().user, user);
}

#[test]
fn a_new_password_ends_the_tokens_of_that_account_only() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let admin = accounts.create_first("admin", "secret").unwrap();
    let user = accounts.create("user", "secret", Role::User).unwrap();
    let (admins, users) = (accounts.issue(&admin).unwrap(), accounts.issue(&user).unwrap());
    accounts
        .update(
            user.id,
            &Change {
                password: Some("new"),
                ..Change::default()
            },
        )
        .unwrap();
    assert_eq!(accounts.log_in("user", "secret"), None);
    // A token of the same second as the change is a new one when it was issued after it.
    let fresh = accounts.issue(&accounts.log_in("user", "new").unwrap()).unwrap();
    drop(accounts);

    let accounts = open(directory.path());
    assert_eq!(accounts.authenticate(&users).unwrap_err(), TokenError::Revoked);
    assert_eq!(accounts.authenticate(&fresh).unwrap().user, user);
    assert_eq!(accounts.authenticate(&admins).unwrap().user, admin);
}

#[test]
fn a_token_ends_even_by_the_second_change_within_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let user = accounts.create_first("admin", "0").unwrap();
    for password in ["1", "2", "3"] {
        let token = accounts.issue(&user).unwrap();
        let change = Change {
            password: Some(password),
            ..Change::default()
        };
        accounts.update(user.id, &change).unwrap();
        assert_eq!(
            accounts.authenticate(&token).unwrap_err(),
            TokenError::Revoked,
            "{password}"
        );
    }
}

#[test]
fn a_deleted_account_does_not_come_back_with_its_number() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    accounts.create_first("admin", "secret").unwrap();
    let leaver = accounts.create("leaver", "secret", Role::Admin).unwrap();
    let token = accounts.issue(&leaver).unwrap();
    accounts.delete(leaver.id).unwrap();
    assert_eq!(accounts.authenticate(&token).unwrap_err(), TokenError::Revoked);
    let successor = accounts.create("successor", "secret", Role::User).unwrap();
    assert_eq!(successor.id, leaver.id, "SQLite reuses the number");
    assert_eq!(accounts.authenticate(&token).unwrap_err(), TokenError::Revoked);
    let theirs = accounts.issue(&successor).unwrap();
    assert_eq!(accounts.authenticate(&theirs).unwrap().user, successor);
}

#[test]
fn roles_change_at_once_and_somebody_stays_admin() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let first = accounts.create_first("first", "secret").unwrap();
    let demote = Change {
        role: Some(Role::User),
        ..Change::default()
    };
    assert!(matches!(
        accounts.update(first.id, &demote),
        Err(AccountError::LastAdmin)
    ));
    assert!(matches!(accounts.delete(first.id), Err(AccountError::LastAdmin)));
    let second = accounts.create("second", "secret", Role::Admin).unwrap();
    let token = accounts.issue(&second).unwrap();
    accounts.update(second.id, &demote).unwrap();
    assert_eq!(accounts.authenticate(&token).unwrap().user.role, Role::User);
}

#[test]
fn a_name_is_taken_once() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let first = accounts.create_first("first", "secret").unwrap();
    accounts.create("second", "secret", Role::User).unwrap();
    assert!(matches!(
        accounts.create("first", "secret", Role::User),
        Err(AccountError::NameTaken)
    ));
    let rename = Change {
        username: Some("second"),
        ..Change::default()
    };
    assert!(matches!(
        accounts.update(first.id, &rename),
        Err(AccountError::NameTaken)
    ));
    assert!(matches!(
        accounts.update(99, &rename),
        Err(AccountError::NotFound)
    ));
}

#[test]
fn an_installation_of_openplc_runtime_v4_keeps_its_users() {
    let directory = tempfile::tempdir().unwrap();
    let database = Connection::open(directory.path().join("restapi.db")).unwrap();
    // Before 4.2 there were no roles.
    database
        .execute_batch(
            "CREATE TABLE users (id INTEGER NOT NULL, username VARCHAR(80) NOT NULL, password_hash VARCHAR(256),
             PRIMARY KEY (id), UNIQUE (username));
             INSERT INTO users VALUES (4, 'anna', 'pbkdf2:sha256:1000$saltsaltsaltsalt$b9ccdb1971adc411cf04c5668cc70f60d982151c040bb44b0120a22bfaff977e');
             INSERT INTO users VALUES (5, 'nobody', NULL);",
        )
        .unwrap();
    let pepper = "abcdef0123456789".repeat(4);
    std::fs::write(
        directory.path().join(".env"),
        format!(
            "JWT_SECRET_KEY={}\nPEPPER={pepper}\n",
            "0123456789abcdef".repeat(4)
        ),
    )
    .unwrap();
    let accounts = open(directory.path());
    let anna = accounts.log_in("anna", "secret").unwrap();
    assert_eq!((anna.id, anna.role), (4, Role::Admin));
    assert_eq!(accounts.log_in("nobody", ""), None);
    let columns: i64 = database
        .query_row("SELECT count(*) FROM pragma_table_info('users')", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(columns, 4);
}

#[test]
fn a_single_user_without_the_role_becomes_admin() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).create_first("only", "secret").unwrap();
    let database = Connection::open(directory.path().join("restapi.db")).unwrap();
    database.execute("UPDATE users SET role = 'user'", []).unwrap();
    assert_eq!(open(directory.path()).users()[0].role, Role::Admin);
}

#[test]
fn accounts_are_never_lost_to_a_damaged_or_missing_secret() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).create_first("engineer", "secret").unwrap();
    let env = directory.path().join(".env");
    std::fs::rename(&env, directory.path().join("backup")).unwrap();
    assert!(matches!(
        Accounts::open(directory.path(), LIFETIME),
        Err(OpenError::Secrets(_))
    ));
    std::fs::write(&env, "JWT_SECRET_KEY=damaged").unwrap();
    assert!(matches!(
        Accounts::open(directory.path(), LIFETIME),
        Err(OpenError::Secrets(_))
    ));
    std::fs::rename(directory.path().join("backup"), &env).unwrap();
    assert!(open(directory.path()).log_in("engineer", "secret").is_some());
}

#[test]
fn a_damaged_database_is_an_error_and_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("restapi.db");
    std::fs::write(
        &path,
        "this is no database, and long enough to be taken for one".repeat(50),
    )
    .unwrap();
    let error = Accounts::open(directory.path(), LIFETIME).err().unwrap();
    assert!(error.to_string().contains("backup"), "{error}");
    assert!(path.metadata().unwrap().len() > 1000);
}
