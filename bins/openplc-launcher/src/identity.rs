//! Which users the services run as.

use anyhow::{Context, Result};
use nix::unistd::{Gid, Group, User, geteuid};

const GROUP: &str = "openplc";

/// The service users; nobody where the services run as the user who started the launcher.
#[derive(Debug, Default)]
pub struct Identities {
    /// User of the API.
    pub api: Option<User>,
    /// User of the core.
    pub core: Option<User>,
    /// User of builds.
    pub compile: Option<User>,
    /// User of plugins, who is no member of the group.
    pub plugin: Option<User>,
    /// Group that may use the sockets between the processes.
    pub group: Option<Gid>,
}

impl Identities {
    /// Looks up the service users when we may become them. The second value tells what is missing.
    ///
    /// # Errors
    /// When the user database cannot be read.
    pub fn find() -> Result<(Self, Option<String>)> {
        if !geteuid().is_root() {
            return Ok((Self::default(), None));
        }
        let mut missing = Vec::new();
        let mut user = |name: &'static str| -> Result<Option<User>> {
            let found = User::from_name(name).with_context(|| format!("Cannot look up the user {name}"))?;
            if found.is_none() {
                missing.push(name);
            }
            Ok(found)
        };
        let (api, core, compile, plugin) = (
            user("openplc-api")?,
            user("openplc-core")?,
            user("openplc-compile")?,
            user("openplc-plugin")?,
        );
        let group = Group::from_name(GROUP)
            .with_context(|| format!("Cannot look up the group {GROUP}"))?
            .map(|g| g.gid);
        if missing.is_empty() && group.is_some() {
            return Ok((
                Self {
                    api,
                    core,
                    compile,
                    plugin,
                    group,
                },
                None,
            ));
        }
        if group.is_none() {
            missing.push("group openplc");
        }
        let warning = format!(
            "Everything runs as root, without its capabilities: there is no {}. In a container or on a PLC, create \
             the users openplc-api, openplc-core and openplc-compile, members of the group openplc, and openplc-plugin, who is none",
            missing.join(", ")
        );
        Ok((Self::default(), Some(warning)))
    }
}
