//! The life of a native plugin: `init`, `start_loop`, the hooks of each scan, `stop_loop`, `cleanup`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use openplc_plugin::Plugin;
use openplc_plugin_abi::{Hooks, Host, c_text, image_lock, image_unlock, open};
use openplc_settings::plugins::Entry;
use serde_json::{Value, json};

/// Time between two looks at the figures of the plugin, and at whether it is time to end.
const LOOK: Duration = Duration::from_secs(1);
/// Longest time between two looks at whether the scan engine is still there.
const LOOK_AT_ENGINE: Duration = Duration::from_millis(50);

/// Runs the plugin until it is time to end.
pub fn run(entry: &Entry) -> Result<ExitCode> {
    let Some(host) = open(&entry.name, entry.layout)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let outcome = live(entry, &host);
    if let Err(error) = &outcome {
        host.plugin()
            .report_failure(format!("The plugin ends: {error:#}"));
    }
    host.end();
    // Not by a return: threads of the plugin may be in the way of an orderly end.
    std::process::exit(i32::from(outcome.is_err()));
}

fn live(entry: &Entry, host: &Host) -> Result<()> {
    let hooks = Arc::new(Hooks::load(&entry.path)?);
    let plugin = host.plugin();
    answer_commands(plugin, &hooks);
    match hooks.init(host.arguments.address()) {
        0 => {}
        code => bail!("its init has returned {code}"),
    }
    tracing::info!("The plugin {} is initialised", entry.path.display());
    let started = match hooks.start_loop() {
        0 => work(host, &hooks),
        code => Err(anyhow::anyhow!("its start_loop has returned {code}")),
    };
    hooks.stop_loop();
    hooks.cleanup();
    started
}

fn work(host: &Host, hooks: &Hooks) -> Result<()> {
    let plugin = host.plugin();
    // The newest publication that the plugin has seen; `None` when it knows that the scan engine is away.
    let (mut seen, mut looked) = (Some(0), None::<Instant>);
    while !plugin.is_leaving() {
        if looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            looked = Some(Instant::now());
            show_figures(plugin, hooks);
            if host.is_outdated() {
                bail!("the process image has another size now: the plugin is started anew");
            }
        }
        if !hooks.has_cycle() {
            plugin.wait_until_leaving(LOOK);
            continue;
        }
        // Once when it has gone, too: its outputs are off then.
        let newest = plugin
            .wait_for_publication(seen.unwrap_or(0), LOOK_AT_ENGINE)
            .ok();
        if newest != seen {
            seen = newest;
            between_scans(hooks);
        }
    }
    if hooks.has_cycle() {
        after_scans(hooks);
    }
    Ok(())
}

/// What OpenPLC Runtime v4 calls at the end of a scan and at the beginning of the next, with the image locked. Here it is called
/// once for each publication that this process comes to see.
fn between_scans(hooks: &Hooks) {
    image_lock();
    hooks.cycle_end();
    hooks.cycle_start();
    image_unlock();
}

/// The end of the last scan, again with the image as it is by now: at a stop the plugin learns the safe outputs before it ends.
fn after_scans(hooks: &Hooks) {
    image_lock();
    hooks.cycle_end();
    image_unlock();
}

fn show_figures(plugin: &Plugin, hooks: &Hooks) {
    let Some(text) = hooks.get_stats() else { return };
    match serde_json::from_str::<Value>(&text) {
        Ok(figures) if figures.is_object() => plugin.set_statistics_document(figures),
        _ => tracing::debug!("The plugin's figures are no JSON object: {text:?}"),
    }
}

fn answer_commands(plugin: &Plugin, hooks: &Arc<Hooks>) {
    let hooks = hooks.clone();
    plugin.on_command(move |command| {
        let order = json!({ "command": command.command, "params": command.params });
        match hooks.execute_command(&c_text(&order.to_string())) {
            None => json!({ "error": "this plugin takes no commands" }),
            Some((code, text)) => serde_json::from_str(&text)
                .unwrap_or_else(|_| json!({ "error": format!("the plugin returned {code}: {text}") })),
        }
    });
}
