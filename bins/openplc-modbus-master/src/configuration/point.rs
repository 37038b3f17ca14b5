//! A group of values that is read or written together.

use std::time::Duration;

use openplc_modbus::function;
use openplc_plugin::{Address, Area, Layout, Table, Width};
use serde::Deserialize;

use super::Mistake;
use super::file::{IoPoint, Offset};

/// Longest time between two exchanges.
const LONGEST_CYCLE_MS: u64 = 24 * 60 * 60 * 1000;

/// Values of the image that follow each other, and the coils or registers that they are on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Function code.
    pub function: u8,
    /// First coil or register.
    pub first: u16,
    /// Table of the image.
    pub table: Table,
    /// First value of it, counted as [`Address::index`] does.
    pub index: u32,
    /// Values.
    pub count: u32,
    /// Time between two exchanges.
    pub cycle: Duration,
    /// What becomes of inputs that cannot be read.
    pub on_failure: OnFailure,
}

/// What becomes of inputs that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum OnFailure {
    /// They keep their values.
    #[default]
    #[serde(rename = "keep-last-value")]
    Hold,
    /// They become zero.
    #[serde(rename = "set-to-zero")]
    Zero,
}

/// Coils or registers that a value of this width takes.
pub fn parts(width: Width) -> u32 {
    match width {
        Width::Bit | Width::Byte | Width::Word => 1,
        Width::Double => 2,
        Width::Long => 4,
    }
}

/// Checks what is written of a point.
pub fn check(point: &IoPoint, layout: &Layout) -> Result<Point, Mistake> {
    let at: Address = point
        .iec_location
        .parse()
        .map_err(|error| Mistake::new("iec_location", format!("{:?}: {error}", point.iec_location)))?;
    let table = at.table();
    check_location(point.fc, table)?;
    if point.len == 0 {
        return Err(Mistake::new("len", "must be at least 1"));
    }
    let present = layout.sizes().values(table);
    if point.len > present.saturating_sub(at.index()) {
        let why = format!(
            "{} values from {at} on do not exist: the table has {present}",
            point.len
        );
        return Err(Mistake::new("len", why));
    }
    let first = offset(&point.offset)?;
    let taken = u64::from(point.len) * u64::from(parts(table.width()));
    if u64::from(first) + taken > 1 << 16 {
        let why = format!("{taken} coils or registers from {first} on go beyond 65535");
        return Err(Mistake::new("len", why));
    }
    if !(1..=LONGEST_CYCLE_MS).contains(&point.cycle_time_ms) {
        let why = format!("must be from 1 to {LONGEST_CYCLE_MS}");
        return Err(Mistake::new("cycle_time_ms", why));
    }
    Ok(Point {
        function: point.fc,
        first,
        table,
        index: at.index(),
        count: point.len,
        cycle: Duration::from_millis(point.cycle_time_ms),
        on_failure: point.error_handling,
    })
}

/// Whether a function can work on values of this table.
fn check_location(function: u8, table: Table) -> Result<(), Mistake> {
    let wrong = |what: &str| {
        Err(Mistake::new(
            "iec_location",
            format!("function code {function} {what}"),
        ))
    };
    let width = table.width();
    match function {
        function::READ_COILS | function::READ_DISCRETE_INPUTS if width != Width::Bit => {
            wrong("reads bits, into addresses such as %IX0.0 or %MX0.0")
        }
        function::READ_HOLDING_REGISTERS | function::READ_INPUT_REGISTERS
            if matches!(width, Width::Bit | Width::Byte) =>
        {
            wrong("reads registers, into addresses such as %IW0, %ID0, %IL0 or %MW0")
        }
        function::READ_COILS..=function::READ_INPUT_REGISTERS if table.area() == Area::Output => {
            wrong("reads, so it needs inputs (%I) or memory (%M): outputs belong to the program")
        }
        function::READ_COILS..=function::READ_INPUT_REGISTERS => Ok(()),
        function::WRITE_SINGLE_COIL | function::WRITE_MULTIPLE_COILS if width != Width::Bit => {
            wrong("writes bits, from addresses such as %QX0.0 or %MX0.0")
        }
        function::WRITE_SINGLE_REGISTER if width != Width::Word => {
            wrong("writes single registers, from addresses such as %QW0; function code 16 writes %QD and %QL")
        }
        function::WRITE_MULTIPLE_REGISTERS if matches!(width, Width::Bit | Width::Byte) => {
            wrong("writes registers, from addresses such as %QW0, %QD0, %QL0 or %MW0")
        }
        function::WRITE_SINGLE_COIL
        | function::WRITE_SINGLE_REGISTER
        | function::WRITE_MULTIPLE_COILS
        | function::WRITE_MULTIPLE_REGISTERS => Ok(()),
        _ => Err(Mistake::new("fc", "must be 1, 2, 3, 4, 5, 6, 15 or 16")),
    }
}

/// The number that a text such as `0x0010` or `16` says.
fn offset(offset: &Offset) -> Result<u16, Mistake> {
    let number = match offset {
        Offset::Number(number) => u16::try_from(*number).ok(),
        Offset::Text(text) => {
            let digits = text.trim();
            match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
                Some(digits) if !digits.starts_with('+') => u16::from_str_radix(digits, 16).ok(),
                None if !digits.starts_with('+') => digits.parse().ok(),
                _ => None,
            }
        }
    };
    let why = || {
        let found = match offset {
            Offset::Number(number) => number.to_string(),
            Offset::Text(text) => format!("{text:?}"),
        };
        format!("must be a number from 0 to 65535 such as \"16\" or \"0x0010\", not {found}")
    };
    number.ok_or_else(|| Mistake::new("offset", why()))
}
