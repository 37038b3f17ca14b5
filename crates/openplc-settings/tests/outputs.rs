//! What outputs become when the PLC stops.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use openplc_image::SafeValue::{self, Hold, Off, Value};
use openplc_settings::core::Core;
use openplc_settings::parse;

fn read(lines: &str) -> (Core, Vec<String>) {
    let loaded = parse::<Core>(Path::new("core.toml"), &format!("[outputs]\n{lines}"));
    let problems = loaded.problems.iter().map(ToString::to_string);
    (loaded.settings, problems.collect())
}

fn safe_value(settings: &Core, address: &str) -> SafeValue {
    settings.outputs.of(address.parse().unwrap())
}

#[test]
fn outputs_are_off_held_or_have_a_value() {
    let (settings, problems) = read(
        r#"
        "%QX0.3" = true
        "%QW2" = "hold"
        "%QW3" = -2
        "%QD0" = 1.5
        "%QL0" = -1.0
        "%QB1" = 255
        "#,
    );
    assert_eq!(problems, [""; 0]);
    for (address, value) in [
        ("%QX0.3", Value(1)),
        ("%QX0.4", Off),
        ("%QW2", Hold),
        ("%QW3", Value(0xFFFE)),
        ("%QD0", Value(1.5_f32.to_bits().into())),
        ("%QL0", Value((-1.0_f64).to_bits())),
        ("%QB1", Value(255)),
    ] {
        assert_eq!(safe_value(&settings, address), value, "{address}");
    }
    let (settings, problems) = read("\"%QX0.0\" = \"off\"\nothers = \"hold\"\n");
    assert_eq!(problems, [""; 0]);
    assert_eq!(safe_value(&settings, "%QX0.0"), Off);
    assert_eq!(safe_value(&settings, "%QX0.1"), Hold);
}

#[test]
fn a_wrong_output_costs_itself_only() {
    for (line, told) in [
        ("\"%QB1\" = 256", "outputs.%QB1 cannot be 256, but"),
        ("\"%QB1\" = -129", "outputs.%QB1 cannot be -129, but"),
        ("\"%QX1.0\" = -1", "outputs.%QX1.0 cannot be -1, but"),
        ("\"%QX1.0\" = \"on\"", "outputs.%QX1.0 cannot be \"on\", but"),
        ("\"%QW1\" = true", "outputs.%QW1 cannot be true, but"),
        ("\"%QW1\" = 1.5", "outputs.%QW1 cannot be 1.5, but"),
        ("\"%QW1\" = [1]", "outputs.%QW1 cannot be [1], but"),
        ("\"%IX0.0\" = true", "outputs.%IX0.0 cannot be true, but"),
        (
            "\"%QZ9\" = true",
            "there is no setting outputs.%QZ9; keys here are addresses",
        ),
        (
            "others = 1",
            "outputs.others cannot be 1, but \"off\" or \"hold\"",
        ),
    ] {
        let (settings, problems) = read(&format!("{line}\n\"%QW9\" = 9\n"));
        assert_eq!(problems.len(), 1, "{line}: {problems:?}");
        assert!(
            problems[0].starts_with("core.toml, line 2: ") && problems[0].contains(told),
            "{problems:?}"
        );
        assert_eq!(safe_value(&settings, "%QW9"), Value(9));
        assert_eq!(safe_value(&settings, "%QW1"), Off);
    }
}
