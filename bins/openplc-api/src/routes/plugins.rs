//! Plugins: what they do, and commands to them.

use hyper::StatusCode;
use openplc_accounts::Session;
use openplc_wire::control;
use openplc_wire::plugins::PluginStatus;
use serde_json::{Map, Value, json};

use super::Request;
use crate::answers::{self, Answer};
use crate::application::Application;

/// Every plugin that the program or the administrator names.
pub async fn list(application: &Application) -> Answer {
    match ask(application).await {
        Some(plugins) => answers::ok(&json!({ "plugins": plugins })),
        None => answers::error(StatusCode::SERVICE_UNAVAILABLE, "No response from runtime"),
    }
}

/// Hands a command to a plugin, and its answer back as it is.
pub async fn command(
    application: &Application,
    request: &mut Request<'_>,
    session: &Session,
) -> Result<Answer, Answer> {
    let mut document = request.body.json(&request.parts.headers).await?;
    let session = application.confirm(session)?;
    let (Some(plugin), Some(command)) = (document["plugin"].as_str(), document["command"].as_str()) else {
        let what = "plugin and command must be texts";
        return Err(answers::message(StatusCode::BAD_REQUEST, what));
    };
    let (plugin, command) = (plugin.to_owned(), command.to_owned());
    let user = &session.user.username;
    tracing::info!(
        user,
        plugin,
        command,
        "{user:?} commands plugin {plugin:?}: {command:?}"
    );
    let order = control::Request::PluginCommand {
        plugin,
        command,
        params: document["params"].take(),
    };
    Ok(answers::ok(&match application.core.ask(&order).await {
        Ok(control::Answer::PluginAnswer { document }) => document,
        Ok(control::Answer::Refused { message, .. }) => json!({ "error": message }),
        Ok(other) => {
            tracing::warn!("openplc-core gave an answer that was not asked for: {other:?}");
            json!({ "error": "No response from runtime" })
        }
        Err(error) => json!({ "error": error.to_string() }),
    }))
}

/// Figures of the plugins that work, as the Editor shows them; none where nothing works.
pub async fn figures(application: &Application) -> Option<Value> {
    let plugins = ask(application).await?;
    let figures: Map<String, Value> = plugins
        .iter()
        .filter(|plugin| plugin.process.is_some())
        .map(|plugin| (plugin.name.clone(), figures_of(plugin)))
        .collect();
    (!figures.is_empty()).then(|| figures.into())
}

/// A plugin's own figures; what the core has counted, where it gives none.
fn figures_of(plugin: &PluginStatus) -> Value {
    if let Some(own) = plugin.statistics.as_ref().filter(|own| own["fields"].is_array()) {
        let mut own = own.clone();
        if !own["label"].is_string() {
            own["label"] = plugin.name.clone().into();
        }
        return own;
    }
    let field = |label: &str, value: u64| json!({ "label": label, "value": value });
    let writes = &plugin.writes;
    let refused = writes.invalid + writes.forbidden + writes.corrupt;
    json!({
        "label": plugin.name,
        "fields": [
            field("Values written", writes.applied),
            field("Refused", refused),
            field("Dropped", writes.dropped),
        ],
    })
}

async fn ask(application: &Application) -> Option<Vec<PluginStatus>> {
    match application.core.ask(&control::Request::Plugins).await {
        Ok(control::Answer::Plugins { plugins }) => Some(plugins),
        Ok(other) => {
            tracing::warn!("openplc-core gave an answer that was not asked for: {other:?}");
            None
        }
        Err(error) => {
            tracing::debug!("No answer of openplc-core: {error}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openplc_wire::plugins::{PluginState, WriteCounters};

    #[test]
    fn every_plugin_has_figures_that_the_editor_can_show() {
        let mut plugin = PluginStatus {
            name: "mine".into(),
            state: PluginState::Attached,
            process: Some(7),
            attached: 1,
            last_error: None,
            writes: WriteCounters {
                applied: 5,
                invalid: 1,
                dropped: 2,
                ..WriteCounters::default()
            },
            statistics: None,
        };
        let figures = figures_of(&plugin);
        assert_eq!(figures["label"], "mine");
        assert_eq!(
            figures["fields"][0],
            json!({ "label": "Values written", "value": 5 })
        );
        plugin.statistics = Some(json!({ "anything": 1 }));
        assert_eq!(figures_of(&plugin), figures, "not of the Editor's form");
        plugin.statistics = Some(json!({ "fields": [] }));
        assert_eq!(figures_of(&plugin), json!({ "label": "mine", "fields": [] }));
    }
}
