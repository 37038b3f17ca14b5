//! Numbers of one IEC type as numbers of another, where nothing is lost.

/// A number of any IEC type, exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Whole(i128),
    Real(f64),
}

/// Bytes of the type's values; `None` for types that are no numbers.
fn width(iec_type: &str) -> Option<usize> {
    Some(match iec_type {
        "SINT" | "USINT" | "BYTE" => 1,
        "INT" | "UINT" | "WORD" => 2,
        "DINT" | "UDINT" | "DWORD" | "REAL" => 4,
        "LINT" | "ULINT" | "LWORD" | "LREAL" => 8,
        _ => return None,
    })
}

/// Whether values of the type are numbers that can become numbers of another type.
pub(crate) fn is_number(iec_type: &str, size: u32) -> bool {
    width(iec_type) == Some(size as usize)
}

/// Writes the number `from` of type `from_type` into `to` as one of `to_type`. False, and nothing written, when the other
/// type cannot hold exactly this number.
pub(crate) fn convert(from_type: &str, from: &[u8], to_type: &str, to: &mut [u8]) -> bool {
    if width(from_type) != Some(from.len()) || width(to_type) != Some(to.len()) {
        return false;
    }
    read(from_type, from).is_some_and(|number| write(number, to_type, to).is_some())
}

/// The value in the low bytes of a word.
fn word(bytes: &[u8]) -> u64 {
    let mut word = 0_u64.to_ne_bytes();
    let low = if cfg!(target_endian = "little") {
        0
    } else {
        word.len() - bytes.len()
    };
    word[low..low + bytes.len()].copy_from_slice(bytes);
    u64::from_ne_bytes(word)
}

fn read(iec_type: &str, bytes: &[u8]) -> Option<Number> {
    let word = word(bytes);
    Some(match iec_type {
        "REAL" => Number::Real(f32::from_bits(word as u32).into()),
        "LREAL" => Number::Real(f64::from_bits(word)),
        "SINT" => Number::Whole((word as i8).into()),
        "INT" => Number::Whole((word as i16).into()),
        "DINT" => Number::Whole((word as i32).into()),
        "LINT" => Number::Whole((word as i64).into()),
        _ => Number::Whole(word.into()),
    })
}

fn write(number: Number, iec_type: &str, to: &mut [u8]) -> Option<()> {
    match iec_type {
        "REAL" => {
            let exact = real(number)?;
            let value = exact as f32;
            let same = f64::from(value) == exact || (value.is_nan() && exact.is_nan());
            same.then(|| to.copy_from_slice(&value.to_ne_bytes()))
        }
        "LREAL" => {
            to.copy_from_slice(&real(number)?.to_ne_bytes());
            Some(())
        }
        _ => {
            let value = whole(number)?;
            match iec_type {
                "SINT" => to.copy_from_slice(&i8::try_from(value).ok()?.to_ne_bytes()),
                "INT" => to.copy_from_slice(&i16::try_from(value).ok()?.to_ne_bytes()),
                "DINT" => to.copy_from_slice(&i32::try_from(value).ok()?.to_ne_bytes()),
                "LINT" => to.copy_from_slice(&i64::try_from(value).ok()?.to_ne_bytes()),
                "USINT" | "BYTE" => to.copy_from_slice(&u8::try_from(value).ok()?.to_ne_bytes()),
                "UINT" | "WORD" => to.copy_from_slice(&u16::try_from(value).ok()?.to_ne_bytes()),
                "UDINT" | "DWORD" => to.copy_from_slice(&u32::try_from(value).ok()?.to_ne_bytes()),
                "ULINT" | "LWORD" => to.copy_from_slice(&u64::try_from(value).ok()?.to_ne_bytes()),
                _ => return None,
            }
            Some(())
        }
    }
}

fn real(number: Number) -> Option<f64> {
    match number {
        Number::Real(value) => Some(value),
        Number::Whole(value) => {
            let real = value as f64;
            (real as i128 == value).then_some(real)
        }
    }
}

fn whole(number: Number) -> Option<i128> {
    match number {
        Number::Whole(value) => Some(value),
        // A cast saturates and makes 0 of what is no number; then the way back gives something else. Not so -0.0.
        Number::Real(value) => {
            let whole = value as i128;
            ((whole as f64).to_bits() == value.to_bits()).then_some(whole)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted<const N: usize, const M: usize>(
        from_type: &str,
        from: [u8; N],
        to_type: &str,
    ) -> Option<[u8; M]> {
        let mut to = [0; M];
        convert(from_type, &from, to_type, &mut to).then_some(to)
    }

    #[test]
    fn a_number_that_fits_is_converted() {
        assert_eq!(
            converted("INT", (-5_i16).to_ne_bytes(), "DINT"),
            Some((-5_i32).to_ne_bytes())
        );
        assert_eq!(
            converted("DINT", 5_i32.to_ne_bytes(), "SINT"),
            Some(5_i8.to_ne_bytes())
        );
        assert_eq!(
            converted("WORD", 65535_u16.to_ne_bytes(), "UDINT"),
            Some(65535_u32.to_ne_bytes())
        );
        assert_eq!(
            converted("INT", 1000_i16.to_ne_bytes(), "REAL"),
            Some(1000_f32.to_ne_bytes())
        );
        assert_eq!(
            converted("REAL", 2.5_f32.to_ne_bytes(), "LREAL"),
            Some(2.5_f64.to_ne_bytes())
        );
        assert_eq!(
            converted("LREAL", 7.0_f64.to_ne_bytes(), "INT"),
            Some(7_i16.to_ne_bytes())
        );
    }

    #[test]
    fn a_number_that_would_change_is_not() {
        assert_eq!(converted::<4, 2>("DINT", 70_000_i32.to_ne_bytes(), "INT"), None);
        assert_eq!(converted::<2, 2>("INT", (-1_i16).to_ne_bytes(), "UINT"), None);
        assert_eq!(
            converted::<4, 4>("DINT", 16_777_217_i32.to_ne_bytes(), "REAL"),
            None
        );
        assert_eq!(converted::<8, 8>("ULINT", u64::MAX.to_ne_bytes(), "LREAL"), None);
        assert_eq!(converted::<8, 4>("LREAL", 0.1_f64.to_ne_bytes(), "REAL"), None);
        for odd in [0.5, -0.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(
                converted::<8, 8>("LREAL", odd.to_ne_bytes(), "LINT"),
                None,
                "{odd}"
            );
        }
    }

    #[test]
    fn only_numbers_are_converted() {
        assert_eq!(converted::<1, 2>("BOOL", [1], "INT"), None);
        assert_eq!(converted::<8, 8>("TIME", [1; 8], "LINT"), None);
        assert_eq!(converted::<2, 4>("INT", [0; 2], "STRING"), None);
    }
}
