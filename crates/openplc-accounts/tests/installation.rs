//! One installation over its life: first user, logins, changes, restarts, and one taken over from OpenPLC Runtime v4.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use openplc_accounts::{AccountError, Accounts, Change, OpenError, Role, Session, TokenError};
use rusqlite::Connection;

const LIFETIME: Duration = Duration::from_secs(60);

fn open(directory: &Path) -> Accounts {
    Accounts::open(directory, LIFETIME).unwrap()
}

fn token(accounts: &Accounts, username: &str, password: &str) -> String {
    accounts
        .issue(&accounts.log_in(username, password).unwrap())
        .unwrap()
}

fn session(accounts: &Accounts, username: &str, password: &str) -> Session {
    accounts
        .authenticate(&token(accounts, username, password))
        .unwrap()
}

fn password(password: &str) -> Change<'_> {
    Change {
        password: Some(password),
        ..Change::default()
    }
}

const DEMOTION: Change<'_> = Change {
    username: None,
    password: None,
    role: Some(Role::User),
    current: None,
};

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
    assert_eq!(accounts.log_in("engineer", "secret").unwrap().user(), &first);
    assert!(accounts.log_in("engineer", "Secret").is_none());
    assert!(accounts.log_in("late", "secret").is_none());
}

#[test]
fn a_password_is_recognised_after_it_was_right_and_until_it_changes() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let user = accounts.create_first("scraper", "secret").unwrap();
    assert_eq!(accounts.recognise("scraper", "secret"), None);
    assert!(accounts.log_in_and_remember("scraper", "wrong").is_none());
    assert_eq!(accounts.recognise("scraper", "wrong"), None);
    assert!(accounts.log_in_and_remember("scraper", "secret").is_some());
    assert_eq!(accounts.recognise("scraper", "secret"), Some(user.clone()));
    assert_eq!(accounts.recognise("scraper", "secret2"), None);
    assert_eq!(accounts.recognise("scrape", "secret"), None);
    let by = session(&accounts, "scraper", "secret");
    accounts.update(&by, user.id, &password("another")).unwrap();
    assert_eq!(accounts.recognise("scraper", "secret"), None);
    assert_eq!(accounts.recognise("scraper", "another"), None);
}

#[test]
fn tokens_end_for_good() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let user = accounts.create_first("engineer", "secret").unwrap();
    let issued = || token(&accounts, "engineer", "secret");
    let (kept, revoked) = (issued(), issued());
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
    let by = session(&accounts, "admin", "secret");
    let user = accounts.create(&by, "user", "secret", Role::User).unwrap();
    let issued = |name| token(&accounts, name, "secret");
    let (admins, users) = (issued("admin"), issued("user"));
    accounts.update(&by, user.id, &password("new")).unwrap();
    assert!(accounts.log_in("user", "secret").is_none());
    // A token of the same second as the change is a new one when it was issued after it.
    let fresh = token(&accounts, "user", "new");
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
    for (old, new) in [("0", "1"), ("1", "2"), ("2", "3")] {
        let token = token(&accounts, "admin", old);
        let by = accounts.authenticate(&token).unwrap();
        accounts.update(&by, user.id, &password(new)).unwrap();
        assert_eq!(
            accounts.authenticate(&token).unwrap_err(),
            TokenError::Revoked,
            "{new}"
        );
    }
}

#[test]
fn a_deleted_account_leaves_nothing_to_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    accounts.create_first("admin", "secret").unwrap();
    let by = session(&accounts, "admin", "secret");
    let leaver = accounts.create(&by, "leaver", "secret", Role::Admin).unwrap();
    let token = token(&accounts, "leaver", "secret");
    // Their password is found right, and the account deleted before there is a token.
    let in_flight = accounts.log_in("leaver", "secret").unwrap();
    accounts.delete(&by, leaver.id).unwrap();
    assert_eq!(accounts.issue(&in_flight).unwrap_err(), TokenError::Revoked);
    assert_eq!(accounts.authenticate(&token).unwrap_err(), TokenError::Revoked);
    drop(accounts);

    let accounts = open(directory.path());
    let by = session(&accounts, "admin", "secret");
    let successor = accounts.create(&by, "leaver", "secret", Role::User).unwrap();
    assert!(successor.id > leaver.id, "a number is given once");
    assert_eq!(accounts.authenticate(&token).unwrap_err(), TokenError::Revoked);
    assert_eq!(accounts.issue(&in_flight).unwrap_err(), TokenError::Revoked);
    assert_eq!(session(&accounts, "leaver", "secret").user, successor);
}

#[test]
fn an_old_password_ends_with_the_change_even_where_it_was_just_found_right() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    accounts.create_first("admin", "secret").unwrap();
    let by = session(&accounts, "admin", "secret");
    let user = accounts.create(&by, "user", "stolen", Role::User).unwrap();
    let thief = session(&accounts, "user", "stolen");
    let in_flight = accounts.log_in("user", "stolen").unwrap();
    accounts.update(&by, user.id, &password("new")).unwrap();
    assert_eq!(accounts.issue(&in_flight).unwrap_err(), TokenError::Revoked);
    let again = Change {
        current: Some(&in_flight),
        ..password("stolen")
    };
    assert!(matches!(
        accounts.update(&thief, user.id, &again),
        Err(AccountError::SessionEnded(TokenError::Revoked))
    ));
    assert!(matches!(
        accounts.update(&by, user.id, &again),
        Err(AccountError::PasswordChanged)
    ));
    assert!(accounts.log_in("user", "new").is_some());
}

#[test]
fn who_was_deleted_demoted_or_logged_out_meanwhile_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let first = accounts.create_first("first", "secret").unwrap();
    let by = session(&accounts, "first", "secret");
    let second = accounts.create(&by, "second", "secret", Role::Admin).unwrap();
    let refused_as = |by: &Session, wanted: fn(&AccountError) -> bool| {
        let refused = [
            accounts.create(by, "backdoor", "secret", Role::Admin),
            accounts.update(by, first.id, &DEMOTION),
            accounts.delete(by, first.id),
        ];
        for refusal in refused {
            assert!(wanted(&refusal.unwrap_err()));
        }
    };
    let demoted = session(&accounts, "second", "secret");
    accounts.update(&by, second.id, &DEMOTION).unwrap();
    refused_as(&demoted, |error| matches!(error, AccountError::RoleChanged));
    assert_eq!(accounts.confirm(&demoted).unwrap().user.role, Role::User);

    let logged_out = session(&accounts, "first", "secret");
    accounts.revoke(&logged_out).unwrap();
    refused_as(&logged_out, |error| {
        matches!(error, AccountError::SessionEnded(_))
    });

    let deleted = session(&accounts, "second", "secret");
    accounts.delete(&by, second.id).unwrap();
    refused_as(&deleted, |error| matches!(error, AccountError::SessionEnded(_)));
    accounts.confirm(&deleted).unwrap_err();
    assert_eq!(accounts.users(), [first]);
}

#[test]
fn roles_change_at_once_and_somebody_stays_admin() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let first = accounts.create_first("first", "secret").unwrap();
    let by = session(&accounts, "first", "secret");
    assert!(matches!(
        accounts.update(&by, first.id, &DEMOTION),
        Err(AccountError::LastAdmin)
    ));
    assert!(matches!(
        accounts.delete(&by, first.id),
        Err(AccountError::LastAdmin)
    ));
    let second = accounts.create(&by, "second", "secret", Role::Admin).unwrap();
    let token = token(&accounts, "second", "secret");
    accounts.update(&by, second.id, &DEMOTION).unwrap();
    assert_eq!(accounts.authenticate(&token).unwrap().user.role, Role::User);
}

#[test]
fn a_name_is_taken_once() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    let first = accounts.create_first("first", "secret").unwrap();
    let by = session(&accounts, "first", "secret");
    accounts.create(&by, "second", "secret", Role::User).unwrap();
    assert!(matches!(
        accounts.create(&by, "first", "secret", Role::User),
        Err(AccountError::NameTaken)
    ));
    let rename = Change {
        username: Some("second"),
        ..Change::default()
    };
    assert!(matches!(
        accounts.update(&by, first.id, &rename),
        Err(AccountError::NameTaken)
    ));
    assert!(matches!(
        accounts.update(&by, 99, &rename),
        Err(AccountError::NotFound)
    ));
}

#[test]
fn no_new_name_can_be_taken_for_another_and_old_ones_stay() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = open(directory.path());
    accounts.create_first("root1", "secret").unwrap();
    let database = Connection::open(directory.path().join("restapi.db")).unwrap();
    database
        .execute_batch(
            "INSERT INTO users (username, password_hash, role)
             SELECT name, (SELECT password_hash FROM users), 'user'
             FROM (SELECT 'ROOT1' AS name UNION ALL SELECT 'an' || char(8203) || 'na')",
        )
        .unwrap();
    let accounts = open(directory.path());
    let by = session(&accounts, "root1", "secret");
    for name in ["Root1", " root1"] {
        let refused = accounts.create(&by, name, "secret", Role::User);
        assert!(matches!(refused, Err(AccountError::NameAlike(_))), "{name}");
    }
    let refused = accounts.create(&by, "x\u{202e}y", "secret", Role::User);
    assert!(matches!(refused, Err(AccountError::NameUnreadable)));
    let old: Vec<_> = accounts.users();
    for user in &old {
        // The Editor may send the name along with what changes.
        let change = Change {
            username: Some(&user.username),
            ..password("new")
        };
        let by = session(&accounts, "root1", if user.id == 1 { "secret" } else { "new" });
        assert_eq!(&accounts.update(&by, user.id, &change).unwrap(), user);
        assert!(accounts.log_in(&user.username, "new").is_some());
    }
    let rename = Change {
        username: Some("ann"),
        ..Change::default()
    };
    let by = session(&accounts, "root1", "new");
    accounts.update(&by, old[2].id, &rename).unwrap();
    let rename = Change {
        username: Some("An N"),
        ..Change::default()
    };
    assert!(matches!(
        accounts.update(&by, old[1].id, &rename),
        Err(AccountError::NameAlike(_))
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
    let anna = session(&accounts, "anna", "secret").user;
    assert_eq!((anna.id, anna.role), (4, Role::Admin));
    assert!(accounts.log_in("nobody", "").is_none());
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
