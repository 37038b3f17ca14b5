//! Variables of the program on the PLC: their names and values over the debug channel of the API.

use openplc_debug::dialect::Dialect;
use openplc_debug::frame;
use openplc_debug::hexadecimal;
use openplc_debug::iec_type::IecType;
use openplc_debug::value::Value;
use openplc_wire::control::ProgramSummary;
use openplc_wire::manifest::{Generation, Variable};
use serde::Deserialize;
use serde_json::json;

use crate::client::Client;
use crate::failure::Failure;

/// What the runtime says of the variables of its program.
#[derive(Debug, Deserialize)]
struct Document {
    program: Option<ProgramSummary>,
    variables: Vec<Variable>,
}

/// The variables of the current program.
#[derive(Debug)]
pub struct Variables {
    /// How its debugger speaks.
    pub dialect: Dialect,
    /// In the order of their debug addresses.
    pub variables: Vec<Variable>,
}

/// A variable that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// As the manifest has it.
    pub index: u32,
    /// Its type.
    pub iec_type: IecType,
}

impl Variables {
    /// Those of the program that the PLC has now.
    ///
    /// # Errors
    /// When there is no program.
    pub async fn fetch(client: &mut Client) -> Result<Self, Failure> {
        let document: Document = client.get("/api/variables").await?.document()?;
        let program = document
            .program
            .ok_or_else(|| Failure::Refused("There is no program on the PLC: upload one first".into()))?;
        Ok(Self {
            dialect: match program.generation {
                Generation::Matiec => Dialect::Matiec,
                Generation::Strucpp => Dialect::Strucpp,
            },
            variables: document.variables,
        })
    }

    /// How to ask for one of them; none for a type without elementary values.
    pub fn address(&self, variable: &Variable) -> Option<Address> {
        let iec_type = IecType::from_name(&variable.iec_type.to_ascii_uppercase())?;
        self.dialect.has_address(variable.index).then_some(Address {
            index: variable.index,
            iec_type,
        })
    }
}

/// The values of these variables, in their order.
///
/// # Errors
/// When the runtime does not give them.
pub async fn read(
    client: &mut Client,
    dialect: Dialect,
    addresses: &[Address],
) -> Result<Vec<Value>, Failure> {
    let mut values = Vec::with_capacity(addresses.len());
    while values.len() < addresses.len() {
        let rest = &addresses[values.len()..];
        let batch = rest.iter().take(dialect.batch());
        let batch: Vec<(u32, IecType)> = batch.map(|a| (a.index, a.iec_type)).collect();
        let indexes: Vec<u32> = batch.iter().map(|(index, _)| *index).collect();
        let answer = exchange(client, &frame::list(dialect, &indexes)).await?;
        let sample = frame::parse_list(dialect, &answer, &batch).map_err(refused)?;
        if sample.values.is_empty() {
            return Err(refused(frame::FrameError::Malformed));
        }
        values.extend(sample.values);
    }
    Ok(values)
}

/// Forces a variable; none ends the forcing.
///
/// # Errors
/// When the runtime refuses.
pub async fn force(
    client: &mut Client,
    dialect: Dialect,
    address: &Address,
    value: Option<&Value>,
) -> Result<(), Failure> {
    // The program must know the order of the bytes first.
    let identity = exchange(client, &frame::identify()).await?;
    frame::parse_identity(&identity).map_err(refused)?;
    let request = match value.map(|value| value.encode_force(dialect, address.iec_type)) {
        None => frame::release(dialect, address.index),
        Some(Some(bytes)) => frame::force(dialect, address.index, &bytes),
        Some(None) => return Err(Failure::Refused(format!("The value is no {}", address.iec_type))),
    };
    frame::parse_force(&exchange(client, &request).await?).map_err(refused)
}

#[derive(Deserialize)]
struct DebugAnswer {
    success: bool,
    data: Option<String>,
    error: Option<String>,
}

async fn exchange(client: &mut Client, request: &[u8]) -> Result<Vec<u8>, Failure> {
    let document = json!({ "command": hexadecimal::to_text(request) });
    let answer: DebugAnswer = client.post("/api/debug-command", &document).await?.document()?;
    if !answer.success {
        return Err(Failure::Refused(
            answer
                .error
                .unwrap_or_else(|| "The runtime gave no reason".into()),
        ));
    }
    answer
        .data
        .as_deref()
        .and_then(hexadecimal::from_text)
        .ok_or_else(|| refused(frame::FrameError::Malformed))
}

fn refused(error: frame::FrameError) -> Failure {
    Failure::Refused(format!(
        "The runtime did not do it: {error}. Has another program been uploaded meanwhile?"
    ))
}

/// A value for scripts: numbers and truth values as such, everything else as an IEC literal.
pub fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => json!(value),
        Value::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
            (Ok(value), _) => json!(value),
            (_, Ok(value)) => json!(value),
            _ => json!(value.to_string()),
        },
        Value::Bits(value, _) => json!(value),
        Value::Real(value) if value.is_finite() => json!(value),
        Value::Lreal(value) if value.is_finite() => json!(value),
        Value::String(text) => json!(String::from_utf8_lossy(text)),
        Value::Wstring(text) => json!(String::from_utf16_lossy(text)),
        other => json!(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_get_numbers_where_json_has_them() {
        assert_eq!(to_json(&Value::Bool(true)), json!(true));
        assert_eq!(to_json(&Value::Integer(-5)), json!(-5));
        assert_eq!(to_json(&Value::Integer(u64::MAX.into())), json!(u64::MAX));
        assert_eq!(to_json(&Value::Bits(255, 2)), json!(255));
        assert_eq!(to_json(&Value::Real(f32::NAN)), json!("NaN"));
        assert_eq!(to_json(&Value::Time(1_500_000_000)), json!("T#1s500ms"));
        assert_eq!(to_json(&Value::String(b"it's".to_vec())), json!("it's"));
    }
}
