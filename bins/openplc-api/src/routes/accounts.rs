//! Accounts and logins.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::StatusCode;
use openplc_accounts::{AccountError, Change, Login, MAX_USERNAME, Role, Session, TokenError, User};
use serde_json::{Value, json};

use super::Request;
use crate::answers::{self, Answer};
use crate::application::Application;

/// Longest password, in bytes.
const MAX_PASSWORD: usize = 1024;

/// An account as every answer shows it.
pub fn document(user: &User) -> Value {
    json!({ "id": user.id, "username": user.username, "role": user.role.as_str() })
}

/// How the Editor decides between "create the first user" (404) and "log in" (200).
pub fn get_users_info(application: &Application, request: &Request<'_>) -> Answer {
    if request.authenticate(application).is_ok() {
        let users: Vec<Value> = application.accounts.users().iter().map(document).collect();
        answers::ok(&users)
    } else if application.accounts.is_empty() {
        answers::message(StatusCode::NOT_FOUND, "No users found")
    } else {
        answers::message(StatusCode::OK, "Users found")
    }
}

pub async fn create_user(
    application: &Arc<Application>,
    request: &mut Request<'_>,
) -> Result<Answer, Answer> {
    let mut session = None;
    if !application.accounts.is_empty() {
        let known = request
            .authenticate(application)
            .map_err(|_| answers::unauthenticated("Authentication required"))?;
        require_admin(&known)?;
        session = Some(known);
    }
    let fields = Fields::read(request).await?;
    if let Some(session) = &mut session {
        *session = application.confirm(session)?;
        require_admin(session)?;
    }
    let first = session.is_none();
    let (username, password) = (fields.text("username")?, fields.text("password")?);
    let (Some(username), Some(password)) = (username, password) else {
        return Err(bad_request("Missing username or password"));
    };
    check_password(&password)?;
    // The first account is always an admin: otherwise nobody could make another.
    let role = if first {
        Role::Admin
    } else {
        fields.role()?.unwrap_or(Role::User)
    };
    let accounts = Arc::clone(&application.accounts);
    let created = application.passwords.run(request.peer, move || match session {
        None => accounts.create_first(&username, &password),
        Some(by) => accounts.create(&by, &username, &password, role),
    });
    let user = created.await?.map_err(|error| refusal(&error))?;
    let (name, role, peer) = (&user.username, user.role.as_str(), request.peer);
    tracing::warn!(user = name, role, first, %peer, "Account {name:?} ({role}) created from {peer}");
    Ok(answers::json(
        StatusCode::CREATED,
        &json!({ "msg": "User created", "id": user.id, "role": user.role.as_str() }),
    ))
}

pub async fn login(application: &Arc<Application>, request: &mut Request<'_>) -> Result<Answer, Answer> {
    let fields = Fields::read(request).await?;
    let (Some(username), Some(password)) = (fields.text("username")?, fields.text("password")?) else {
        return Err(bad_request("Missing username or password"));
    };
    let found = verify(application, request.peer, username.clone(), password, false).await?;
    let (login, name) = (found.ok_or_else(wrong_login)?, username);
    let token = application.accounts.issue(&login).map_err(|error| match error {
        // The account or its password is not what it was a moment ago.
        TokenError::Revoked => wrong_login(),
        error => {
            tracing::error!("No access can be granted: {error}");
            answers::message(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The login could not be completed",
            )
        }
    })?;
    request.visitor.set_known(true);
    tracing::info!(user = name, peer = %request.peer, "Login of {name:?} from {}", request.peer);
    Ok(answers::ok(&json!({ "access_token": token })))
}

/// The login to the account whose name and password these are. With `remember` the next look is for free.
pub async fn verify(
    application: &Application,
    peer: SocketAddr,
    username: String,
    password: String,
    remember: bool,
) -> Result<Option<Login>, Answer> {
    if username.len() > MAX_USERNAME || password.len() > MAX_PASSWORD {
        return Ok(None);
    }
    let accounts = Arc::clone(&application.accounts);
    let name = username.clone();
    let work = move || {
        if remember {
            accounts.log_in_and_remember(&username, &password)
        } else {
            accounts.log_in(&username, &password)
        }
    };
    let found = application.passwords.run(peer, work).await?;
    if found.is_none() {
        tracing::warn!(user = name, %peer, "Login of {name:?} from {peer} failed");
    }
    Ok(found)
}

/// A bare string: this is what the Editor shows.
pub fn wrong_login() -> Answer {
    answers::json(StatusCode::UNAUTHORIZED, &"Wrong username or password")
}

pub fn get_user_info(application: &Application, id: i64) -> Answer {
    match application.accounts.user(id) {
        Some(user) => answers::ok(&document(&user)),
        None => refusal(&AccountError::NotFound),
    }
}

pub async fn update_user(
    application: &Arc<Application>,
    request: &mut Request<'_>,
    session: &Session,
    id: i64,
) -> Result<Answer, Answer> {
    let fields = Fields::read(request).await?;
    let session = application.confirm(session)?;
    let (username, password, role) = (fields.text("username")?, fields.text("password")?, fields.role()?);
    let own = session.user.id == id;
    if !own || role.is_some() {
        require_admin(&session)?;
    }
    if application.accounts.user(id).is_none() {
        return Err(refusal(&AccountError::NotFound));
    }
    if username.is_none() && password.is_none() && role.is_none() {
        return Err(bad_request("No fields to update"));
    }
    let mut current = None;
    if let Some(password) = &password {
        check_password(password)?;
        if own {
            current = Some(
                fields
                    .text("current_password")?
                    .ok_or_else(|| bad_request("Current password is required"))?,
            );
        }
    }
    let accounts = Arc::clone(&application.accounts);
    let by = session.user.username.clone();
    let work = move || {
        let login = current.map(|current| {
            let login = accounts.log_in(&session.user.username, &current);
            login.ok_or_else(|| answers::message(StatusCode::FORBIDDEN, "Current password is incorrect"))
        });
        let login = login.transpose()?;
        let change = Change {
            username: username.as_deref(),
            password: password.as_deref(),
            role,
            current: login.as_ref(),
        };
        accounts
            .update(&session, id, &change)
            .map_err(|error| refusal(&error))
    };
    let user = application.passwords.run(request.peer, work).await??;
    let (name, role) = (&user.username, user.role.as_str());
    tracing::warn!(
        by,
        user = name,
        role,
        "Account {name:?} ({role}) changed by {by:?}"
    );
    Ok(answers::ok(
        &json!({ "msg": "User updated successfully", "user": document(&user) }),
    ))
}

/// The way in which the Editors before 4.2 change a password.
pub async fn password_change(
    application: &Arc<Application>,
    request: &mut Request<'_>,
    session: &Session,
    id: i64,
) -> Result<Answer, Answer> {
    let fields = Fields::read(request).await?;
    let (Some(old), Some(new)) = (fields.text("old_password")?, fields.text("new_password")?) else {
        return Err(bad_request("Missing old or new password"));
    };
    check_password(&new)?;
    let session = application.confirm(session)?;
    if session.user.id != id {
        require_admin(&session)?;
    }
    let user = application
        .accounts
        .user(id)
        .ok_or_else(|| refusal(&AccountError::NotFound))?;
    let accounts = Arc::clone(&application.accounts);
    let by = session.user.username.clone();
    let work = move || {
        let login = accounts
            .log_in(&user.username, &old)
            .ok_or_else(|| answers::message(StatusCode::FORBIDDEN, "Old password is incorrect"))?;
        let change = Change {
            password: Some(&new),
            current: Some(&login),
            ..Change::default()
        };
        accounts
            .update(&session, id, &change)
            .map_err(|error| refusal(&error))
    };
    let user = application.passwords.run(request.peer, work).await??;
    let name = &user.username;
    tracing::warn!(by, user = name, "Password of {name:?} changed by {by:?}");
    Ok(answers::message(StatusCode::OK, "Password changed successfully"))
}

pub async fn delete_user(
    application: &Arc<Application>,
    session: &Session,
    id: i64,
) -> Result<Answer, Answer> {
    require_admin(session)?;
    if session.user.id == id {
        return Err(answers::message(
            StatusCode::FORBIDDEN,
            "You cannot delete your own account",
        ));
    }
    let (accounts, session) = (Arc::clone(&application.accounts), session.clone());
    let by = session.user.username.clone();
    let user = on_disk(move || accounts.delete(&session, id)).await?;
    let name = &user.username;
    tracing::warn!(by, user = name, "Account {name:?} deleted by {by:?}");
    Ok(answers::message(
        StatusCode::OK,
        &format!("User {} deleted successfully", user.username),
    ))
}

pub async fn logout(application: &Arc<Application>, session: Session) -> Result<Answer, Answer> {
    let accounts = Arc::clone(&application.accounts);
    let name = session.user.username.clone();
    on_disk(move || accounts.revoke(&session)).await?;
    tracing::info!(user = name, "Logout of {name:?}");
    Ok(answers::message(StatusCode::OK, "User logged out successfully"))
}

/// Runs what writes to disk beside the event loop.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AccountError> + Send + 'static,
) -> Result<T, Answer> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| refusal(&error)),
        Err(error) => {
            tracing::error!("A change of the accounts broke off: {error}");
            Err(answers::message(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The accounts could not be changed",
            ))
        }
    }
}

fn refusal(error: &AccountError) -> Answer {
    let status = match error {
        AccountError::NameTaken | AccountError::NameAlike(_) | AccountError::LastAdmin => {
            StatusCode::CONFLICT
        }
        AccountError::NameUnreadable => StatusCode::BAD_REQUEST,
        AccountError::NotFound => StatusCode::NOT_FOUND,
        AccountError::RoleChanged | AccountError::PasswordChanged => StatusCode::FORBIDDEN,
        AccountError::SessionEnded(error) => return answers::unauthenticated(&error.to_string()),
        // Somebody else was first by a moment.
        AccountError::NotFirst => return answers::unauthenticated("Authentication required"),
        AccountError::Database(_) | AccountError::Random(_) => {
            tracing::error!("The accounts cannot be changed: {error}");
            return answers::message(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The accounts could not be changed",
            );
        }
    };
    answers::message(status, &error.to_string())
}

fn bad_request(text: &str) -> Answer {
    answers::message(StatusCode::BAD_REQUEST, text)
}

/// Refuses whoever is no admin.
pub fn require_admin(session: &Session) -> Result<(), Answer> {
    match session.user.role {
        Role::Admin => Ok(()),
        Role::User => Err(answers::message(
            StatusCode::FORBIDDEN,
            "Admin privileges required",
        )),
    }
}

fn check_password(password: &str) -> Result<(), Answer> {
    if password.len() > MAX_PASSWORD {
        return Err(bad_request("The password must be at most 1024 bytes long"));
    }
    Ok(())
}

/// The fields of a JSON body.
struct Fields(Value);

impl Fields {
    async fn read(request: &mut Request<'_>) -> Result<Self, Answer> {
        let document = request.body.json(&request.parts.headers).await?;
        if !document.is_object() {
            return Err(bad_request("The body of the request must be a JSON object"));
        }
        Ok(Self(document))
    }

    /// A text that is not empty; absent and null are the same.
    fn text(&self, name: &str) -> Result<Option<String>, Answer> {
        match &self.0[name] {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            _ => Err(bad_request(&format!("{name} must be a text"))),
        }
    }

    fn role(&self) -> Result<Option<Role>, Answer> {
        let Some(name) = self.text("role")? else {
            return Ok(None);
        };
        Role::from_name(&name)
            .map(Some)
            .ok_or_else(|| bad_request("role must be admin or user"))
    }
}
