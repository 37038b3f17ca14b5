//! Function codes.

/// Read coils.
pub const READ_COILS: u8 = 1;
/// Read discrete inputs.
pub const READ_DISCRETE_INPUTS: u8 = 2;
/// Read holding registers.
pub const READ_HOLDING_REGISTERS: u8 = 3;
/// Read input registers.
pub const READ_INPUT_REGISTERS: u8 = 4;
/// Write one coil.
pub const WRITE_SINGLE_COIL: u8 = 5;
/// Write one holding register.
pub const WRITE_SINGLE_REGISTER: u8 = 6;
/// Write coils.
pub const WRITE_MULTIPLE_COILS: u8 = 15;
/// Write holding registers.
pub const WRITE_MULTIPLE_REGISTERS: u8 = 16;
/// Change single bits of a holding register.
pub const MASK_WRITE_REGISTER: u8 = 22;
/// Write holding registers, then read some.
pub const READ_WRITE_MULTIPLE_REGISTERS: u8 = 23;
/// Encapsulated interface transport, of which [`crate::identification::TRANSPORT`] is understood.
pub const ENCAPSULATED_INTERFACE: u8 = 43;

/// Added to the function code by a response that is an exception.
pub const EXCEPTION: u8 = 0x80;

/// All that are understood here.
pub const ALL: [u8; 11] = [
    READ_COILS,
    READ_DISCRETE_INPUTS,
    READ_HOLDING_REGISTERS,
    READ_INPUT_REGISTERS,
    WRITE_SINGLE_COIL,
    WRITE_SINGLE_REGISTER,
    WRITE_MULTIPLE_COILS,
    WRITE_MULTIPLE_REGISTERS,
    MASK_WRITE_REGISTER,
    READ_WRITE_MULTIPLE_REGISTERS,
    ENCAPSULATED_INTERFACE,
];

/// Whether requests of this function change something.
#[must_use]
pub const fn writes(function: u8) -> bool {
    matches!(
        function,
        WRITE_SINGLE_COIL
            | WRITE_SINGLE_REGISTER
            | WRITE_MULTIPLE_COILS
            | WRITE_MULTIPLE_REGISTERS
            | MASK_WRITE_REGISTER
            | READ_WRITE_MULTIPLE_REGISTERS
    )
}
