//! Accounts, for admins; and everybody's own password.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Output;
use crate::arguments::{Role, Users};
use crate::client::Client;
use crate::failure::Failure;
use crate::password::{self, Asked};
use crate::screen;

#[derive(Debug, Deserialize)]
struct User {
    id: i64,
    username: String,
    role: String,
}

/// Does what is wanted with accounts.
///
/// # Errors
/// When the runtime refuses or cannot be reached.
pub async fn users(client: &mut Client, output: Output, what: Users) -> Result<(), Failure> {
    match what {
        Users::List => list(client, output).await,
        Users::Add {
            name,
            admin,
            password_stdin,
        } => {
            let role = if admin { Role::Admin } else { Role::User };
            let password = password::obtain(password_stdin, Asked::New)?;
            let account = json!({ "username": name, "password": password, "role": role.word() });
            client
                .post("/api/create-user", &account)
                .await?
                .document::<Value>()?;
            done(output, &format!("Created {name} ({})", role.word()), &name);
            Ok(())
        }
        Users::Password { name, password_stdin } => {
            let own: User = client.get("/api/whoami").await?.document()?;
            let user = match name {
                Some(name) if name != own.username => find(client, &name).await?,
                _ => own,
            };
            change_password(client, output, user, password_stdin).await
        }
        Users::Role { name, role } => {
            let user = find(client, &name).await?;
            update(client, user.id, &json!({ "role": role.word() })).await?;
            done(output, &format!("{name} is now {}", role.word()), &name);
            Ok(())
        }
        Users::Remove { name } => {
            let user = find(client, &name).await?;
            let path = format!("/api/delete-user/{}", user.id);
            client.delete(&path).await?.document::<Value>()?;
            done(output, &format!("Removed {name}"), &name);
            Ok(())
        }
    }
}

async fn list(client: &mut Client, output: Output) -> Result<(), Failure> {
    let users = all(client).await?;
    for user in &users {
        if output.json {
            let User { id, username, role } = user;
            screen::line(&json!({ "id": id, "username": username, "role": role }).to_string());
        }
    }
    if !output.json {
        let rows: Vec<_> = users
            .into_iter()
            .map(|user| vec![user.username, user.role])
            .collect();
        screen::lines(&screen::table(&rows));
    }
    Ok(())
}

async fn change_password(
    client: &mut Client,
    output: Output,
    user: User,
    from_stdin: bool,
) -> Result<(), Failure> {
    let own: User = client.get("/api/whoami").await?.document()?;
    let mut change = json!({});
    if own.id == user.id {
        change["current_password"] = password::obtain(from_stdin, Asked::Current)?.into();
    }
    change["password"] = password::obtain(from_stdin, Asked::New)?.into();
    update(client, user.id, &change).await?;
    let mut text = format!("Changed the password of {}", user.username);
    if own.id == user.id {
        // The runtime has ended every session of the account.
        client.memory().forget_session(client.host())?;
        text += "; log in anew";
    }
    done(output, &text, &user.username);
    Ok(())
}

async fn update(client: &mut Client, id: i64, change: &Value) -> Result<(), Failure> {
    let path = format!("/api/update-user/{id}");
    client.put(&path, change).await?.document::<Value>()?;
    Ok(())
}

async fn all(client: &mut Client) -> Result<Vec<User>, Failure> {
    // Without a session the same path answers with another document.
    client.get("/api/whoami").await?.document::<Value>()?;
    client.get("/api/get-users-info").await?.document()
}

async fn find(client: &mut Client, name: &str) -> Result<User, Failure> {
    let users = all(client).await?;
    let found = users.into_iter().find(|user| user.username == name);
    found.ok_or_else(|| {
        Failure::Refused(format!(
            "There is no user {name}; openplcctl users list shows all"
        ))
    })
}

fn done(output: Output, text: &str, name: &str) {
    output.result(text, &json!({ "username": name }));
}
