//! Which path and method is answered by what.

mod accounts;
mod information;
mod metrics;
mod plc;
mod plugins;
mod project;
mod upload;

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use openplc_accounts::Session;

use crate::answers::{self, Answer};
use crate::application::Application;
use crate::body::RequestBody;
use crate::places::Visitor;

/// Where Prometheus looks unless told otherwise.
const METRICS: &str = "/metrics";

/// A request on its way to its route.
pub struct Request<'a> {
    pub parts: &'a Parts,
    pub body: &'a mut RequestBody,
    pub peer: SocketAddr,
    pub visitor: &'a Visitor,
}

impl Request<'_> {
    /// Who sends it; otherwise the answer that says what is wrong with their token.
    fn authenticate(&self, application: &Application) -> Result<Session, Answer> {
        let session = application.authenticate(&self.parts.headers)?;
        self.visitor.set_known(true);
        Ok(session)
    }

    /// The value of a parameter of the query, as it stands there.
    fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.parts.uri.query()?.split('&');
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }
}

/// What a path stands for. A number is that of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint<'a> {
    Version,
    Capabilities,
    GetUsersInfo,
    CreateUser,
    Login,
    GetUserInfo(i64),
    Whoami,
    UpdateUser(i64),
    PasswordChange(i64),
    DeleteUser(i64),
    Logout,
    Upload,
    PluginCommand,
    Plugins,
    DebugCommand,
    ProjectSnapshot,
    ProjectSnapshotInfo,
    Discovery(information::Discovery),
    Command(plc::Command),
    Metrics,
    /// A word that nothing is known by. Existing clients expect 200 with an error in the document.
    Unknown(&'a str),
}

/// What the path stands for, and the methods that it has, separated by commas.
fn resolve(path: &str) -> Option<(Endpoint<'_>, &'static str)> {
    const GET: &str = "GET";
    const POST: &str = "POST";
    const PUT: &str = "PUT";
    const DELETE: &str = "DELETE";
    // No account has a number below 1.
    let account = |number: &str| number.parse().unwrap_or(0);
    if path == METRICS {
        return Some((Endpoint::Metrics, GET));
    }
    let segments: Vec<&str> = path.strip_prefix("/api/")?.split('/').collect();
    Some(match *segments.as_slice() {
        ["version"] => (Endpoint::Version, GET),
        ["capabilities"] => (Endpoint::Capabilities, GET),
        ["get-users-info"] => (Endpoint::GetUsersInfo, GET),
        ["create-user"] => (Endpoint::CreateUser, POST),
        ["login"] => (Endpoint::Login, POST),
        ["get-user-info", number] => (Endpoint::GetUserInfo(account(number)), GET),
        ["whoami"] => (Endpoint::Whoami, GET),
        ["update-user", number] => (Endpoint::UpdateUser(account(number)), PUT),
        ["password-change", number] => (Endpoint::PasswordChange(account(number)), PUT),
        ["delete-user", number] => (Endpoint::DeleteUser(account(number)), DELETE),
        ["logout"] => (Endpoint::Logout, POST),
        ["upload-file"] => (Endpoint::Upload, POST),
        ["plugin-command"] => (Endpoint::PluginCommand, POST),
        ["plugins"] => (Endpoint::Plugins, GET),
        ["debug-command"] => (Endpoint::DebugCommand, POST),
        ["project-snapshot"] => (Endpoint::ProjectSnapshot, GET),
        ["project-snapshot", "info"] => (Endpoint::ProjectSnapshotInfo, GET),
        ["discovery", "interfaces"] | ["discovery", "ethercat", "interfaces"] => {
            (Endpoint::Discovery(information::Discovery::Interfaces), GET)
        }
        ["discovery", "ethercat", "status"] => {
            (Endpoint::Discovery(information::Discovery::Availability), GET)
        }
        ["discovery", "ethercat", "runtime-status" | "diagnostics"] => {
            (Endpoint::Discovery(information::Discovery::Other), GET)
        }
        [
            "discovery",
            "ethercat",
            "scan" | "scan-modules" | "test" | "validate",
        ] => (Endpoint::Discovery(information::Discovery::Other), POST),
        [word] if !word.is_empty() => match plc::Command::from_word(word) {
            Some(command) => (Endpoint::Command(command), GET),
            None => (Endpoint::Unknown(word), "GET, POST"),
        },
        _ => return None,
    })
}

/// Answers a request.
pub async fn answer(application: &Arc<Application>, mut request: Request<'_>) -> Answer {
    let Some((endpoint, allowed)) = resolve(request.parts.uri.path()) else {
        return answers::error(StatusCode::NOT_FOUND, "Not found");
    };
    if !allowed.split(", ").any(|method| method == request.parts.method) {
        return answers::method_not_allowed(allowed);
    }
    let answer = match endpoint {
        Endpoint::Version => Ok(information::version()),
        Endpoint::Capabilities => Ok(information::capabilities()),
        Endpoint::GetUsersInfo => Ok(accounts::get_users_info(application, &request)),
        Endpoint::CreateUser => accounts::create_user(application, &mut request).await,
        Endpoint::Login => accounts::login(application, &mut request).await,
        Endpoint::Metrics => metrics::metrics(application, &request).await,
        _ => match request.authenticate(application) {
            Ok(session) => for_session(application, endpoint, &mut request, session).await,
            Err(answer) => Err(answer),
        },
    };
    answer.unwrap_or_else(|refusal| refusal)
}

/// Answers a request of somebody known.
async fn for_session(
    application: &Arc<Application>,
    endpoint: Endpoint<'_>,
    request: &mut Request<'_>,
    session: Session,
) -> Result<Answer, Answer> {
    match endpoint {
        Endpoint::GetUserInfo(id) => Ok(accounts::get_user_info(application, id)),
        Endpoint::Whoami => Ok(answers::ok(&accounts::document(&session.user))),
        Endpoint::UpdateUser(id) => accounts::update_user(application, request, &session, id).await,
        Endpoint::PasswordChange(id) => accounts::password_change(application, request, &session, id).await,
        Endpoint::DeleteUser(id) => accounts::delete_user(application, &session, id).await,
        Endpoint::Logout => accounts::logout(application, session).await,
        Endpoint::Upload => upload::receive(application, request, session).await,
        Endpoint::PluginCommand => plugins::command(application, request, &session).await,
        Endpoint::Plugins => Ok(plugins::list(application).await),
        Endpoint::DebugCommand => plc::debug_command(application, request, &session).await,
        Endpoint::ProjectSnapshot => project::fetch(application, &session).await,
        Endpoint::ProjectSnapshotInfo => project::describe(application).await,
        Endpoint::Discovery(what) => Ok(information::discovery(what)),
        Endpoint::Command(command) => Ok(plc::command(application, request, &session, command).await),
        Endpoint::Unknown(word) => {
            tracing::debug!("Unknown command {word:?}");
            let key = if request.parts.method == Method::GET {
                "error"
            } else {
                "PostRequestError"
            };
            Ok(answers::ok(&serde_json::json!({ key: "Unknown argument" })))
        }
        Endpoint::Version
        | Endpoint::Capabilities
        | Endpoint::GetUsersInfo
        | Endpoint::CreateUser
        | Endpoint::Metrics
        | Endpoint::Login => Err(answers::error(StatusCode::NOT_FOUND, "Not found")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_endpoints() {
        let endpoint = |path| resolve(path).map(|(endpoint, _)| endpoint);
        assert_eq!(endpoint("/api/update-user/12"), Some(Endpoint::UpdateUser(12)));
        assert_eq!(endpoint("/api/update-user/x"), Some(Endpoint::UpdateUser(0)));
        assert_eq!(endpoint("/api/frobnicate"), Some(Endpoint::Unknown("frobnicate")));
        assert_eq!(endpoint("/metrics"), Some(Endpoint::Metrics));
        assert_eq!(endpoint("/api/metrics"), Some(Endpoint::Unknown("metrics")));
        for nothing in [
            "/",
            "/metrics/",
            "/api",
            "/api/",
            "/api/version/",
            "/api/a/b",
            "//api/version",
            "/API/version",
        ] {
            assert_eq!(endpoint(nothing), None, "{nothing}");
        }
    }
}
