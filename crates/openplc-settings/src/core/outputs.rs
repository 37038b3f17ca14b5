//! Section `[outputs]`: what outputs become when the PLC stops, by order or by a fault.

use openplc_image::{Address, OutputPolicy, SafeValue, Width};
use toml::de::DeValue;

use crate::Section;
use crate::section::integer;

/// Key for the outputs that are not named.
const OTHERS: &str = "others";
const ACCEPTED: &str = "\"off\", \"hold\", true, false or a number that fits the output";

/// Reads the section.
pub(super) fn read(policy: &mut OutputPolicy, section: &mut Section<'_>) {
    let words = [("off", OutputPolicy::off()), ("hold", OutputPolicy::hold())];
    let accepted = "\"off\" or \"hold\"";
    section.value(OTHERS, accepted, "\"off\"", policy, |value| {
        let word = value.as_str()?;
        let chosen = words.iter().find(|(known, _)| *known == word);
        chosen.map(|(_, policy)| policy.clone())
    });
    section.entries(
        "addresses of outputs, such as \"%QX0.3\"",
        ACCEPTED,
        |key, value| {
            let Ok(address) = key.parse::<Address>() else {
                return Err(());
            };
            let value = safe_value(address.table().width(), value);
            Ok(value
                .filter(|value| policy.set(address, *value).is_ok())
                .map(drop))
        },
    );
}

/// A value for an output of this width: numbers are taken as the output's type would have them.
fn safe_value(width: Width, value: &DeValue<'_>) -> Option<SafeValue> {
    match value {
        DeValue::String(word) => match word.as_ref() {
            "off" => Some(SafeValue::Off),
            "hold" => Some(SafeValue::Hold),
            _ => None,
        },
        DeValue::Boolean(on) if width == Width::Bit => Some(SafeValue::Value((*on).into())),
        DeValue::Float(number) => {
            let number: f64 = number.as_str().parse().ok()?;
            match width {
                Width::Double => Some(SafeValue::Value((number as f32).to_bits().into())),
                Width::Long => Some(SafeValue::Value(number.to_bits())),
                _ => None,
            }
        }
        DeValue::Integer(_) => {
            let number: i64 = integer(value)?;
            let bits = 8 * width.bytes() as u32;
            let fits = width != Width::Bit && number < 0 && number >= -1_i64 << (bits - 1);
            // A negative number is kept as the type of this width keeps it.
            let number = if fits {
                number as u64 & width.max()
            } else {
                u64::try_from(number).ok()?
            };
            (number <= width.max()).then_some(SafeValue::Value(number))
        }
        _ => None,
    }
}
