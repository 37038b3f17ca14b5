//! Looking at variables and forcing them.

use std::time::Duration;

use openplc_debug::value::Value;
use openplc_wire::manifest::Variable;
use serde_json::json;

use super::Output;
use crate::client::Client;
use crate::failure::Failure;
use crate::names::resolve;
use crate::screen::{self, Screen};
use crate::variables::{self, Address, Variables, to_json};

/// Time between two refreshes on a terminal, and elsewhere.
const REFRESH: Duration = Duration::from_millis(200);
const LINE: Duration = Duration::from_secs(1);

/// Lists the variables that contain `filter`, with their values.
///
/// # Errors
/// When they cannot be read.
pub async fn vars(client: &mut Client, output: Output, filter: Option<&str>) -> Result<(), Failure> {
    let all = Variables::fetch(client).await?;
    let filter = filter.unwrap_or_default().to_ascii_uppercase();
    let contains = |text: &str| text.to_ascii_uppercase().contains(&filter);
    let listed: Vec<&Variable> = all
        .variables
        .iter()
        .filter(|variable| {
            contains(&variable.path)
                || contains(&variable.iec_type)
                || variable.location.as_deref().is_some_and(contains)
        })
        .collect();
    if listed.is_empty() {
        return Err(Failure::Refused(format!(
            "None of {} variables contains {filter}",
            all.variables.len()
        )));
    }
    let addresses: Vec<Address> = listed
        .iter()
        .filter_map(|variable| all.address(variable))
        .collect();
    let mut values = variables::read(client, all.dialect, &addresses)
        .await?
        .into_iter();
    let with_values: Vec<(&Variable, Option<Value>)> = listed
        .into_iter()
        .map(|variable| (variable, all.address(variable).and_then(|_| values.next())))
        .collect();
    if output.json {
        let documents: Vec<_> = with_values
            .iter()
            .map(|(variable, value)| document(variable, value.as_ref()))
            .collect();
        screen::line(&json!(documents).to_string());
    } else {
        let rows: Vec<Vec<String>> = with_values
            .iter()
            .map(|(variable, value)| {
                vec![
                    variable.path.clone(),
                    variable.iec_type.clone(),
                    variable.location.clone().unwrap_or_default(),
                    if variable.retain {
                        "RETAIN".into()
                    } else {
                        String::new()
                    },
                    value.as_ref().map(ToString::to_string).unwrap_or_default(),
                ]
            })
            .collect();
        screen::lines(&screen::table(&rows));
    }
    Ok(())
}

/// Shows variables as they change.
///
/// # Errors
/// When they cannot be read.
pub async fn watch(client: &mut Client, output: Output, names: &[String]) -> Result<(), Failure> {
    let all = Variables::fetch(client).await?;
    let watched = names
        .iter()
        .map(|name| addressable(name, &all))
        .collect::<Result<Vec<_>, _>>()?;
    let addresses: Vec<Address> = watched.iter().map(|(_, address)| address.clone()).collect();
    let mut screen = Screen::new();
    loop {
        let values = variables::read(client, all.dialect, &addresses).await?;
        let pairs = watched.iter().map(|(variable, _)| variable).zip(&values);
        if output.json {
            let documents: Vec<_> = pairs
                .map(|(variable, value)| document(variable, Some(value)))
                .collect();
            screen::line(&json!(documents).to_string());
        } else if screen.is_terminal() {
            let rows: Vec<Vec<String>> = pairs
                .map(|(variable, value)| {
                    vec![
                        variable.path.clone(),
                        variable.iec_type.clone(),
                        value.to_string(),
                    ]
                })
                .collect();
            screen.show(&screen::table(&rows));
        } else {
            let cells: Vec<String> = pairs
                .map(|(variable, value)| format!("{}={value}", variable.path))
                .collect();
            screen::line(&cells.join("  "));
        }
        tokio::time::sleep(if screen.is_terminal() { REFRESH } else { LINE }).await;
    }
}

/// Forces a variable.
///
/// # Errors
/// When there is no such variable, the value does not fit, or the runtime refuses.
pub async fn force(client: &mut Client, output: Output, name: &str, text: &str) -> Result<(), Failure> {
    let all = Variables::fetch(client).await?;
    let (variable, address) = addressable(name, &all)?;
    let value = Value::parse(all.dialect, address.iec_type, text)
        .map_err(|error| Failure::Refused(error.to_string()))?;
    variables::force(client, all.dialect, &address, Some(&value)).await?;
    output.result(
        &format!("{} is forced to {value}", variable.path),
        &json!({ "path": variable.path, "forced": true, "value": to_json(&value) }),
    );
    Ok(())
}

/// Ends the forcing of a variable.
///
/// # Errors
/// When there is no such variable or the runtime refuses.
pub async fn release(client: &mut Client, output: Output, name: &str) -> Result<(), Failure> {
    let all = Variables::fetch(client).await?;
    let (variable, address) = addressable(name, &all)?;
    variables::force(client, all.dialect, &address, None).await?;
    let text = format!("{} is no longer forced", variable.path);
    output.result(&text, &json!({ "path": variable.path, "forced": false }));
    Ok(())
}

fn addressable<'a>(name: &str, all: &'a Variables) -> Result<(&'a Variable, Address), Failure> {
    let variable = resolve(name, &all.variables).map_err(Failure::Refused)?;
    let address = all.address(variable).ok_or_else(|| {
        Failure::Refused(format!(
            "{} is of type {}, whose values cannot be shown",
            variable.path, variable.iec_type
        ))
    })?;
    Ok((variable, address))
}

fn document(variable: &Variable, value: Option<&Value>) -> serde_json::Value {
    json!({
        "path": variable.path,
        "type": variable.iec_type,
        "location": variable.location,
        "retain": variable.retain,
        "value": value.map(to_json),
    })
}
