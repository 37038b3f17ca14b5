//! What all connections share.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use openplc_accounts::{Accounts, Session};
use openplc_wire::deploy::Deployer;

use crate::answers::{Answer, unauthenticated};
use crate::build_log::Builds;
use crate::core_client::CoreClient;
use crate::left_overs::LeftOvers;
use crate::metrics::Responses;
use crate::password_work::PasswordWork;
use crate::project::ProjectStore;

/// The state of the API.
pub struct Application {
    pub accounts: Arc<Accounts>,
    pub passwords: PasswordWork,
    pub core: CoreClient,
    pub deployer: Deployer,
    pub left_overs: LeftOvers,
    pub builds: Arc<Builds>,
    pub projects: ProjectStore,
    pub responses: Responses,
    /// What of api.toml could not be used, a line each.
    pub settings_problems: Vec<String>,
}

impl Application {
    /// Who sends a request with these headers; otherwise the answer that says what is wrong with them.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Session, Answer> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Err(unauthenticated("Missing Authorization Header"));
        };
        let token = header.to_str().ok().and_then(|text| text.trim().split_once(' '));
        match token {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => self
                .accounts
                .authenticate(token.trim())
                .map_err(|error| unauthenticated(&error.to_string())),
            _ => Err(unauthenticated(
                "Missing 'Bearer' type in 'Authorization' header. Expected 'Authorization: Bearer <JWT>'",
            )),
        }
    }

    /// The session as it is now. A request may take its time after it was allowed, and its sender be deleted, demoted or
    /// logged out meanwhile: so this is asked again when its body has arrived.
    pub fn confirm(&self, session: &Session) -> Result<Session, Answer> {
        self.accounts
            .confirm(session)
            .map_err(|error| unauthenticated(&error.to_string()))
    }
}
