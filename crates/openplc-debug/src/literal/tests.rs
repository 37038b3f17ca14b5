use super::*;

fn forced(iec_type: IecType, text: &str) -> Vec<u8> {
    Value::parse(Dialect::Matiec, iec_type, text)
        .unwrap()
        .encode_force(Dialect::Matiec, iec_type)
        .unwrap()
}

#[test]
fn forced_values_have_the_most_significant_byte_first() {
    assert_eq!(forced(IecType::Bool, "true"), [1]);
    assert_eq!(forced(IecType::Int, "-2"), [0xFF, 0xFE]);
    assert_eq!(forced(IecType::Uint, "16#1234"), [0x12, 0x34]);
    assert_eq!(forced(IecType::Dword, "2#1_0000_0001"), [0, 0, 1, 1]);
    assert_eq!(forced(IecType::Lint, "-1"), [0xFF; 8]);
    assert_eq!(forced(IecType::Real, "1.0"), [0x3F, 0x80, 0, 0]);
    assert_eq!(forced(IecType::Lreal, "-2"), [0xC0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        forced(IecType::Time, "T#1s500ms"),
        [0x1D, 0xCD, 0x65, 0, 0, 0, 0, 1]
    );
    assert_eq!(forced(IecType::String, "'ab'"), [2, b'a', b'b']);
}

/// A forced value is the reverse of the memory image that is read back later, STRING excepted.
#[test]
fn what_is_forced_is_what_is_shown() {
    let cases = [
        (IecType::Bool, "FALSE"),
        (IecType::Sint, "-128"),
        (IecType::Int, "-32768"),
        (IecType::Dint, "2147483647"),
        (IecType::Lint, "-9223372036854775808"),
        (IecType::Usint, "255"),
        (IecType::Uint, "65535"),
        (IecType::Udint, "4294967295"),
        (IecType::Ulint, "18446744073709551615"),
        (IecType::Byte, "16#0F"),
        (IecType::Word, "16#00FF"),
        (IecType::Dword, "16#DEADBEEF"),
        (IecType::Lword, "16#FFFFFFFFFFFFFFFF"),
        (IecType::Real, "-1.5"),
        (IecType::Lreal, "1e-300"),
        (IecType::Time, "T#1d2h3m4s5ms6us7ns"),
        (IecType::Time, "T#-1s500ms"),
        (IecType::Time, "T#0s"),
        (IecType::Date, "D#2026-11-22"),
        (IecType::Date, "D#1969-12-31"),
        (IecType::Tod, "TOD#23:59:59.25"),
        (IecType::Dt, "DT#2026-11-22-14:00:00.000000001"),
    ];
    for (iec_type, text) in cases {
        let mut image = forced(iec_type, text);
        image.reverse();
        assert_eq!(
            Value::decode(Dialect::Matiec, iec_type, &image)
                .unwrap()
                .to_string(),
            text,
            "{iec_type}"
        );
    }
    let mut image = forced(IecType::String, "'it$'s 5$$$0A'");
    image.resize(127, 0);
    assert_eq!(
        Value::decode(Dialect::Matiec, IecType::String, &image)
            .unwrap()
            .to_string(),
        "'it$'s 5$$$0A'"
    );
}

#[test]
fn short_forms_are_understood() {
    assert_eq!(
        Value::parse(Dialect::Matiec, IecType::Time, "1.5s"),
        Ok(Value::Time(1_500_000_000))
    );
    assert_eq!(
        Value::parse(Dialect::Matiec, IecType::Time, "time#1H_30m"),
        Ok(Value::Time(5_400_000_000_000))
    );
    assert_eq!(
        Value::parse(Dialect::Matiec, IecType::Int, "int#5"),
        Ok(Value::Integer(5))
    );
    assert_eq!(
        Value::parse(Dialect::Matiec, IecType::String, "plain"),
        Ok(Value::String(b"plain".to_vec()))
    );
    assert_eq!(
        Value::parse(Dialect::Matiec, IecType::Date, "2026-01-02"),
        Value::parse(Dialect::Matiec, IecType::Date, "D#2026-01-02")
    );
    assert_eq!(
        Value::parse(Dialect::Matiec, IecType::Bool, "1"),
        Ok(Value::Bool(true))
    );
}

#[test]
fn what_does_not_fit_is_refused_with_an_example() {
    let cases = [
        (IecType::Bool, "2"),
        (IecType::Sint, "128"),
        (IecType::Usint, "-1"),
        (IecType::Byte, "16#100"),
        (IecType::Int, ""),
        (IecType::Int, "-"),
        (IecType::Int, "1__0"),
        (IecType::Int, "16#"),
        (IecType::Int, "--5"),
        (IecType::Int, "16#-5"),
        (IecType::Int, "7#1"),
        (IecType::Real, "one"),
        (IecType::Real, "inf"),
        (IecType::Time, "T#"),
        (IecType::Time, "5"),
        (IecType::Time, "5x"),
        (IecType::Time, "T#1.s"),
        (IecType::Time, "T#4000000d"),
        (IecType::Date, "D#2026-13-01"),
        (IecType::Date, "D#2100-01-01"),
        (IecType::Tod, "TOD#25:00:00"),
        (IecType::Dt, "DT#2026-11-22"),
        (IecType::String, "'open"),
        (IecType::String, "'bad$'"),
        (IecType::String, "'bad$é'"),
        (IecType::String, "é"),
    ];
    for (iec_type, text) in cases {
        let error = Value::parse(Dialect::Matiec, iec_type, text)
            .unwrap_err()
            .to_string();
        assert!(error.contains("write it like"), "{iec_type} {text}: {error}");
    }
    assert!(Value::parse(Dialect::Matiec, IecType::String, &"x".repeat(127)).is_err());
}

#[test]
fn a_string_longer_than_its_type_is_shown_as_far_as_it_goes() {
    let image = [0xFF; 127];
    assert!(
        matches!(Value::decode(Dialect::Matiec, IecType::String, &image), Some(Value::String(text)) if text.len() == 126)
    );
    assert_eq!(Value::decode(Dialect::Matiec, IecType::Int, &[1]), None);
}

#[test]
fn the_other_dialect_has_the_least_significant_byte_first_and_counts_nanoseconds() {
    let dialect = Dialect::Strucpp;
    for (iec_type, text, bytes) in [
        (IecType::Int, "-2", &[0xFE, 0xFF][..]),
        (IecType::Real, "1.0", &[0, 0, 0x80, 0x3F]),
        (IecType::Time, "T#1us", &[0xE8, 3, 0, 0, 0, 0, 0, 0]),
        (IecType::String, "'ab'", &[2, b'a', b'b']),
        (IecType::Wstring, "\"aé\"", &[2, b'a', 0, 0xE9, 0]),
    ] {
        let value = Value::parse(dialect, iec_type, text).unwrap();
        assert_eq!(
            value.encode_force(dialect, iec_type).as_deref(),
            Some(bytes),
            "{text}"
        );
        let mut image = bytes.to_vec();
        image.resize(iec_type.size(), 0);
        assert_eq!(
            Value::decode(dialect, iec_type, &image).unwrap().to_string(),
            text
        );
    }
}
