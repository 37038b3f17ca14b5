//! Values from the text that a user types.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use thiserror::Error;

use crate::dialect::Dialect;
use crate::iec_type::IecType;
use crate::value::{SECOND, STRING_LENGTH, Value};

/// A text that is no value of its type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text} is no {iec_type}: write it like {example}")]
pub struct LiteralError {
    text: String,
    iec_type: IecType,
    example: &'static str,
}

impl Value {
    /// Understands a literal of the type: as IEC 61131-3 writes it, also without the prefix of its type and without
    /// quotation marks, in upper or lower case.
    ///
    /// # Errors
    /// When the text is no literal or does not fit into the type.
    pub fn parse(dialect: Dialect, iec_type: IecType, text: &str) -> Result<Self, LiteralError> {
        let value = match iec_type {
            IecType::Bool => boolean(text),
            IecType::Real => number(text).and_then(|text| text.parse().ok()).map(Self::Real),
            IecType::Lreal => number(text).and_then(|text| text.parse().ok()).map(Self::Lreal),
            IecType::Time => duration(strip(text, &["T#", "TIME#"])).map(Self::Time),
            IecType::Date => date(strip(text, &["D#", "DATE#"])).map(Self::Date),
            IecType::Tod => time_of_day(strip(text, &["TOD#", "TIME_OF_DAY#"])).map(Self::Tod),
            IecType::Dt => date_and_time(strip(text, &["DT#", "DATE_AND_TIME#"])).map(Self::Dt),
            IecType::String => string(text).map(Self::String),
            IecType::Wstring => wide_string(text).map(Self::Wstring),
            _ => integer(strip_type(text, iec_type)).map(|value| match (iec_type, u64::try_from(value)) {
                (IecType::Byte | IecType::Word | IecType::Dword | IecType::Lword, Ok(bits)) => {
                    Self::Bits(bits, 2 * iec_type.size())
                }
                _ => Self::Integer(value),
            }),
        };
        value
            .filter(|value| value.encode_force(dialect, iec_type).is_some())
            .ok_or_else(|| LiteralError {
                text: text.to_owned(),
                iec_type,
                example: example(iec_type),
            })
    }
}

fn example(iec_type: IecType) -> &'static str {
    match iec_type {
        IecType::Bool => "TRUE or FALSE",
        IecType::Sint => "-128 or 127",
        IecType::Int => "-32768 or 32767",
        IecType::Dint | IecType::Lint => "-100000 or 16#FF",
        IecType::Usint => "255",
        IecType::Uint => "65535",
        IecType::Udint | IecType::Ulint => "100000",
        IecType::Byte => "16#FF",
        IecType::Word => "16#00FF",
        IecType::Dword | IecType::Lword => "16#0000FFFF",
        IecType::Real | IecType::Lreal => "3.14 or 1e-3",
        IecType::Time => "T#1s500ms",
        IecType::Date => "D#2026-11-22",
        IecType::Tod => "TOD#14:00:00",
        IecType::Dt => "DT#2026-11-22-14:00:00",
        IecType::String => "'text' of up to 126 ASCII characters",
        IecType::Wstring => "\"text\" of up to 126 characters",
    }
}

fn strip<'a>(text: &'a str, prefixes: &[&str]) -> &'a str {
    prefixes
        .iter()
        .find_map(|prefix| {
            let (head, tail) = text.split_at_checked(prefix.len())?;
            head.eq_ignore_ascii_case(prefix).then_some(tail)
        })
        .unwrap_or(text)
}

/// `INT#5` is `5`.
fn strip_type(text: &str, iec_type: IecType) -> &str {
    strip(text, &[&format!("{iec_type}#")])
}

fn boolean(text: &str) -> Option<Value> {
    match text.to_ascii_uppercase().as_str() {
        "TRUE" | "1" | "BOOL#TRUE" | "BOOL#1" => Some(Value::Bool(true)),
        "FALSE" | "0" | "BOOL#FALSE" | "BOOL#0" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// Underscores may group digits.
fn digits(text: &str) -> Option<String> {
    let grouped = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    grouped.then(|| text.replace('_', ""))
}

fn integer(text: &str) -> Option<i128> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, text) = match text.split_once('#') {
        Some(("16", rest)) => (16, rest),
        Some(("8", rest)) => (8, rest),
        Some(("2", rest)) => (2, rest),
        Some(_) => return None,
        None => (10, text),
    };
    let text = digits(text)?;
    if !text.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(&text, radix).ok()?;
    Some(if negative { -value } else { value })
}

fn number(text: &str) -> Option<String> {
    let text = digits(strip(text, &["REAL#", "LREAL#"]))?;
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    plain.then_some(text)
}

fn duration(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut total = 0_i128;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let amount_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (amount, tail) = rest.split_at(amount_end);
        let unit_end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let length = match unit.to_ascii_lowercase().as_str() {
            "d" => 86_400 * SECOND,
            "h" => 3600 * SECOND,
            "m" => 60 * SECOND,
            "s" => SECOND,
            "ms" => SECOND / 1000,
            "us" => SECOND / 1_000_000,
            "ns" => 1,
            _ => return None,
        };
        total = total.checked_add(fraction_of(amount, length)?)?;
        rest = tail.strip_prefix('_').unwrap_or(tail);
    }
    Some(if negative { -total } else { total })
}

/// `1.5` of a length, exactly as far as nanoseconds go.
fn fraction_of(amount: &str, length: i128) -> Option<i128> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    let whole = i128::from(whole.parse::<u32>().ok()?);
    if fraction.is_empty() || fraction.len() > 18 {
        return None;
    }
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some(whole * length + i128::from(fraction.parse::<u64>().ok()?) * length / scale)
}

fn date(text: &str) -> Option<i128> {
    let date: Date = text.parse().ok()?;
    nanoseconds(date.to_datetime(Time::midnight()))
}

fn time_of_day(text: &str) -> Option<i128> {
    let time: Time = text.parse().ok()?;
    nanoseconds(Date::new(1970, 1, 1).ok()?.to_datetime(time))
}

fn date_and_time(text: &str) -> Option<i128> {
    // The third hyphen separates date and time.
    let (position, _) = text.match_indices('-').nth(2)?;
    let date: Date = text[..position].parse().ok()?;
    let time: Time = text[position + 1..].parse().ok()?;
    nanoseconds(date.to_datetime(time))
}

fn nanoseconds(time: DateTime) -> Option<i128> {
    Offset::UTC
        .to_timestamp(time)
        .ok()
        .map(|instant| instant.as_nanosecond())
}

fn string(text: &str) -> Option<Vec<u8>> {
    let text = match text.strip_prefix('\'') {
        Some(rest) => unescape(rest.strip_suffix('\'')?)?,
        None => text.as_bytes().to_vec(),
    };
    (text.is_ascii() && text.len() <= STRING_LENGTH).then_some(text)
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'$' {
            out.push(byte);
            continue;
        }
        out.push(match bytes.next()?.to_ascii_uppercase() {
            escaped @ (b'$' | b'\'') => escaped,
            b'L' | b'N' => b'\n',
            b'R' => b'\r',
            b'T' => b'\t',
            b'P' => 0x0C,
            high => {
                let pair = [high, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
        });
    }
    Some(out)
}

fn wide_string(text: &str) -> Option<Vec<u16>> {
    let text = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?.replace("$\"", "\"").replace("$$", "$"),
        None => text.to_owned(),
    };
    let units: Vec<u16> = text.encode_utf16().collect();
    (units.len() <= STRING_LENGTH).then_some(units)
}

#[cfg(test)]
mod tests;
