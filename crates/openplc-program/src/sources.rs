//! The C and C++ sources that a build compiles together with a program.

/// `openplc_program.h`, the flat program ABI.
pub const HEADER: &str = include_str!("../include/openplc_program.h");
