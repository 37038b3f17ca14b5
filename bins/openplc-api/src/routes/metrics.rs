//! `GET /metrics` for Prometheus.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::AUTHORIZATION;
use openplc_wire::control;
use openplc_wire::figures::Detail;

use super::{Request, accounts};
use crate::answers::{self, Answer};
use crate::application::Application;
use crate::metrics;

/// The metrics, for whoever shows a token, or name and password: a monitoring system cannot log in.
pub async fn metrics(application: &Arc<Application>, request: &Request<'_>) -> Result<Answer, Answer> {
    authenticate(application, request).await?;
    let question = control::Request::Status {
        detail: Detail::Histograms,
    };
    let status = match application.core.ask(&question).await {
        Ok(control::Answer::Status(status)) => Some(status),
        Ok(answer) => {
            tracing::warn!("openplc-core gave an answer that was not asked for: {answer:?}");
            None
        }
        Err(error) => {
            tracing::debug!("No answer of openplc-core: {error}");
            None
        }
    };
    let text = metrics::text(status.as_deref(), &application.responses);
    Ok(answers::text(metrics::CONTENT_TYPE, text))
}

async fn authenticate(application: &Arc<Application>, request: &Request<'_>) -> Result<(), Answer> {
    let Some((username, password)) = basic_credentials(request) else {
        let session = request.authenticate(application);
        return session.map(drop).map_err(Answer::asking_for_password);
    };
    if application.accounts.recognise(&username, &password).is_some() {
        request.visitor.set_known(true);
        return Ok(());
    }
    match accounts::verify(application, request.peer, username, password, true).await? {
        Some(_) => {
            request.visitor.set_known(true);
            Ok(())
        }
        None => Err(accounts::wrong_login().asking_for_password()),
    }
}

/// Name and password of HTTP's scheme Basic.
fn basic_credentials(request: &Request<'_>) -> Option<(String, String)> {
    let header = request.parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(credentials.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}
