//! Values: from the bytes of an answer, to the bytes of a force, and as text.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::dialect::Dialect;
use crate::iec_type::IecType;

/// Nanoseconds of a second.
pub(crate) const SECOND: i128 = 1_000_000_000;
/// Most characters of a STRING.
pub(crate) const STRING_LENGTH: usize = 126;

/// A value of an elementary type.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// BOOL.
    Bool(bool),
    /// SINT to ULINT.
    Integer(i128),
    /// BYTE to LWORD, with the number of hexadecimal digits.
    Bits(u64, usize),
    /// REAL.
    Real(f32),
    /// LREAL.
    Lreal(f64),
    /// TIME, in nanoseconds.
    Time(i128),
    /// DATE, in nanoseconds since 1970.
    Date(i128),
    /// TOD, in nanoseconds since midnight.
    Tod(i128),
    /// DT, in nanoseconds since 1970.
    Dt(i128),
    /// STRING.
    String(Vec<u8>),
    /// WSTRING, in units of UTF-16.
    Wstring(Vec<u16>),
}

impl Value {
    /// The value that these bytes stand for; `None` unless there are exactly as many as the type has.
    #[must_use]
    pub fn decode(dialect: Dialect, iec_type: IecType, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != iec_type.size() {
            return None;
        }
        let mut wide = [0; 8];
        let length = bytes.len().min(8);
        wide[..length].copy_from_slice(&bytes[..length]);
        let unsigned = u64::from_le_bytes(wide);
        let unused = 64 - 8 * u32::try_from(length).unwrap_or(8);
        // Shifted up as unsigned and down as signed, the sign fills the upper bits.
        let signed = (unsigned << unused).cast_signed() >> unused;
        let instant = match dialect {
            Dialect::Matiec => {
                let [s0, s1, s2, s3, n0, n1, n2, n3] = wide;
                i128::from(i32::from_le_bytes([s0, s1, s2, s3])) * SECOND
                    + i128::from(i32::from_le_bytes([n0, n1, n2, n3]))
            }
            Dialect::Strucpp => signed.into(),
        };
        Some(match iec_type {
            IecType::Bool => Self::Bool(unsigned != 0),
            IecType::Sint | IecType::Int | IecType::Dint | IecType::Lint => Self::Integer(signed.into()),
            IecType::Usint | IecType::Uint | IecType::Udint | IecType::Ulint => {
                Self::Integer(unsigned.into())
            }
            IecType::Byte | IecType::Word | IecType::Dword | IecType::Lword => {
                Self::Bits(unsigned, 2 * length)
            }
            IecType::Real => Self::Real(f32::from_le_bytes([wide[0], wide[1], wide[2], wide[3]])),
            IecType::Lreal => Self::Lreal(f64::from_le_bytes(wide)),
            IecType::Time => Self::Time(instant),
            IecType::Date => Self::Date(instant),
            IecType::Tod => Self::Tod(instant),
            IecType::Dt => Self::Dt(instant),
            IecType::String => {
                let used = usize::from(bytes[0]).min(STRING_LENGTH);
                Self::String(bytes[1..=used].to_vec())
            }
            IecType::Wstring => {
                let used = usize::from(bytes[0]).min(STRING_LENGTH);
                let units = bytes[1..=2 * used].chunks_exact(2);
                Self::Wstring(units.map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect())
            }
        })
    }

    /// The bytes with which a variable of this type is forced to the value: the image of the value in the memory of the
    /// PLC, which the MatIEC dialect wants in reverse order, but a text as length and characters. `None` when the value is not
    /// of this type.
    #[must_use]
    pub fn encode_force(&self, dialect: Dialect, iec_type: IecType) -> Option<Vec<u8>> {
        let instant = |nanoseconds: i128, is_duration: bool| match dialect {
            Dialect::Strucpp => i64::try_from(nanoseconds).ok().map(i64::cast_unsigned),
            // Both parts have the sign of the whole.
            Dialect::Matiec if is_duration => {
                seconds_and_nanoseconds(nanoseconds / SECOND, nanoseconds % SECOND)
            }
            Dialect::Matiec => {
                seconds_and_nanoseconds(nanoseconds.div_euclid(SECOND), nanoseconds.rem_euclid(SECOND))
            }
        };
        let wide = match (self, iec_type) {
            (Self::String(text), IecType::String) => {
                let mut bytes = vec![length_byte(text.len())?];
                bytes.extend(text);
                return Some(bytes);
            }
            (Self::Wstring(text), IecType::Wstring) => {
                let mut bytes = vec![length_byte(text.len())?];
                bytes.extend(text.iter().flat_map(|unit| unit.to_le_bytes()));
                return Some(bytes);
            }
            (Self::Bool(value), IecType::Bool) => u64::from(*value),
            (Self::Integer(value), _) if within(*value, iec_type) => low_bits(*value),
            (Self::Bits(value, _), _) if within((*value).into(), iec_type) => *value,
            (Self::Real(value), IecType::Real) => value.to_bits().into(),
            (Self::Lreal(value), IecType::Lreal) => value.to_bits(),
            (Self::Time(value), IecType::Time) => instant(*value, true)?,
            (Self::Date(value), IecType::Date)
            | (Self::Tod(value), IecType::Tod)
            | (Self::Dt(value), IecType::Dt) => instant(*value, false)?,
            _ => return None,
        };
        let size = iec_type.size();
        Some(match dialect {
            Dialect::Matiec => wide.to_be_bytes()[8 - size..].to_vec(),
            Dialect::Strucpp => wide.to_le_bytes()[..size].to_vec(),
        })
    }
}

fn length_byte(length: usize) -> Option<u8> {
    u8::try_from(length)
        .ok()
        .filter(|length| usize::from(*length) <= STRING_LENGTH)
}

fn within(value: i128, iec_type: IecType) -> bool {
    iec_type
        .range()
        .is_some_and(|(least, greatest)| (least..=greatest).contains(&value))
}

/// Two's complement; the upper bits are those of the sign.
fn low_bits(value: i128) -> u64 {
    let [b0, b1, b2, b3, b4, b5, b6, b7, ..] = value.to_le_bytes();
    u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7])
}

/// Seconds lie before nanoseconds in memory.
fn seconds_and_nanoseconds(seconds: i128, nanoseconds: i128) -> Option<u64> {
    let half = |part: i128| Some(u64::from(i32::try_from(part).ok()?.cast_unsigned()));
    Some(half(nanoseconds)? << 32 | half(seconds)?)
}

impl fmt::Display for Value {
    /// As a literal of IEC 61131-3, without the name of the type where none is needed.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => out.write_str(if *value { "TRUE" } else { "FALSE" }),
            Self::Integer(value) => write!(out, "{value}"),
            Self::Bits(value, digits) => write!(out, "16#{value:0digits$X}"),
            Self::Real(value) => write!(out, "{value:?}"),
            Self::Lreal(value) => write!(out, "{value:?}"),
            Self::Time(nanoseconds) => write_duration(out, *nanoseconds),
            Self::Date(nanoseconds) => write_instant(out, *nanoseconds, "D#%Y-%m-%d", false),
            Self::Tod(nanoseconds) => write_instant(out, *nanoseconds, "TOD#%H:%M:%S", true),
            Self::Dt(nanoseconds) => write_instant(out, *nanoseconds, "DT#%Y-%m-%d-%H:%M:%S", true),
            Self::String(text) => write_text(out, text),
            Self::Wstring(text) => write_wide_text(out, text),
        }
    }
}

fn write_duration(out: &mut fmt::Formatter<'_>, nanoseconds: i128) -> fmt::Result {
    out.write_str(if nanoseconds < 0 { "T#-" } else { "T#" })?;
    let mut rest = nanoseconds.unsigned_abs();
    if rest == 0 {
        return out.write_str("0s");
    }
    let units = [
        ("d", 86_400_000_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1000),
        ("ns", 1),
    ];
    for (unit, length) in units {
        if rest >= length {
            write!(out, "{}{unit}", rest / length)?;
            rest %= length;
        }
    }
    Ok(())
}

fn write_instant(
    out: &mut fmt::Formatter<'_>,
    nanoseconds: i128,
    format: &str,
    with_fraction: bool,
) -> fmt::Result {
    let Ok(instant) = Timestamp::from_nanosecond(nanoseconds) else {
        return write!(out, "{nanoseconds} ns");
    };
    let time = Offset::UTC.to_datetime(instant);
    write!(out, "{}", time.strftime(format))?;
    if with_fraction && time.subsec_nanosecond() != 0 {
        let digits = format!("{:09}", time.subsec_nanosecond());
        write!(out, ".{}", digits.trim_end_matches('0'))?;
    }
    Ok(())
}

fn write_text(out: &mut fmt::Formatter<'_>, text: &[u8]) -> fmt::Result {
    out.write_str("'")?;
    for byte in text {
        match byte {
            b'$' => out.write_str("$$")?,
            b'\'' => out.write_str("$'")?,
            b' '..=b'~' => write!(out, "{}", char::from(*byte))?,
            other => write!(out, "${other:02X}")?,
        }
    }
    out.write_str("'")
}

fn write_wide_text(out: &mut fmt::Formatter<'_>, text: &[u16]) -> fmt::Result {
    out.write_str("\"")?;
    for unit in char::decode_utf16(text.iter().copied()) {
        match unit {
            Ok('$') => out.write_str("$$")?,
            Ok('"') => out.write_str("$\"")?,
            Ok(character) if !character.is_control() => write!(out, "{character}")?,
            Ok(character) => write!(out, "${:04X}", u32::from(character))?,
            Err(alone) => write!(out, "${:04X}", alone.unpaired_surrogate())?,
        }
    }
    out.write_str("\"")
}
