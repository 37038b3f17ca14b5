//! A plugin in Rust: the temperature of the computer's processor becomes an input of the PLC.
//!
//! The configuration, `thermometer.json`, says where to read and where to write:
//!
//! ```json
//! { "file": "/sys/class/thermal/thermal_zone0/temp", "address": "%ID0", "every_ms": 500 }
//! ```
//!
//! The file has thousandths of a degree, and so has the input.

use std::fs;
use std::time::Duration;

use openplc_plugin::{Address, Field, Plugin, Statistics, Write};
use serde_json::{Value, json};

fn main() -> std::process::ExitCode {
    openplc_plugin::run("thermometer", "openplc-thermometer", work)
}

fn work(plugin: &Plugin) -> Result<(), Box<dyn std::error::Error>> {
    let configuration: Value = serde_json::from_str(plugin.configuration())?;
    let file = configuration["file"]
        .as_str()
        .ok_or("\"file\" is missing")?
        .to_owned();
    let address: Address = configuration["address"]
        .as_str()
        .ok_or("\"address\" is missing")?
        .parse()?;
    let pause = Duration::from_millis(configuration["every_ms"].as_u64().unwrap_or(500));
    tracing::info!("{file} is shown at {address}");
    plugin.on_command(|command| match command.command.as_str() {
        "ping" => json!({ "pong": command.params }),
        other => json!({ "error": format!("there is no command {other:?}") }),
    });

    let (mut readings, mut failures) = (0_u64, 0_u64);
    // Until the PLC stops, the configuration changes or somebody stops the plugin.
    while !plugin.wait_until_leaving(pause) {
        match fs::read_to_string(&file)
            .map_err(|error| error.to_string())
            .and_then(number)
        {
            Ok(value) => {
                readings += 1;
                // Takes effect with the next scan. While the scan engine is away there is nobody to be told.
                let _ = plugin.write(&[Write {
                    address,
                    value: u64::from(value.cast_unsigned()),
                }]);
            }
            Err(error) => {
                failures += 1;
                // Once, not with every try.
                if failures == 1 {
                    plugin.report_failure(format!("{file} cannot be read: {error}"));
                }
            }
        }
        plugin.set_statistics(&Statistics {
            label: "Thermometer".into(),
            fields: vec![Field::new("Readings", readings), Field::new("Failures", failures)],
        });
    }
    Ok(())
}

fn number(text: String) -> Result<i32, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is no number"))
}
