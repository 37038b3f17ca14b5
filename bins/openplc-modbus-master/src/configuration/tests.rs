use openplc_image::Sizes;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn layout() -> Layout {
    Layout::new(&Sizes::default())
}

fn parse(text: &str) -> Configuration {
    Configuration::parse(text, &layout()).unwrap()
}

fn with_point(point: &str) -> Configuration {
    parse(&format!(r#"[{{"name":"A","config":{{"io_points":[{point}]}}}}]"#))
}

#[test]
fn a_file_of_the_first_editors_means_tcp_and_unit_1() {
    let found = parse(
        r#"[{"name":"Device1","protocol":"MODBUS","config":{"type":"SLAVE","host":"10.0.0.9","port":1502,
            "timeout_ms":500,"io_points":[{"fc":3,"offset":"0x0010","iec_location":"%IW4","len":4,"cycle_time_ms":100}]}}]"#,
    );
    assert!(found.mistakes.is_empty());
    let expected = Device {
        name: "Device1".into(),
        place: Place::Tcp {
            host: "10.0.0.9".into(),
            port: 1502,
        },
        unit: 1,
        timeout: Duration::from_millis(500),
        points: vec![Point {
            function: 3,
            first: 16,
            table: openplc_plugin::Table::IntInput,
            index: 4,
            count: 4,
            cycle: Duration::from_millis(100),
            on_failure: OnFailure::Hold,
        }],
    };
    assert_eq!(found.devices, [expected]);
}

#[test]
fn a_serial_line_has_its_settings() {
    let found = parse(
        r#"[{"name":"A","config":{"transport":"rtu","serial_port":"/dev/ttyUSB0","parity":"E","stop_bits":2,
            "slave_id":247,"io_points":[]}}]"#,
    );
    let Place::Serial(settings) = &found.devices[0].place else {
        panic!("{found:?}")
    };
    assert_eq!(
        (settings.port.as_str(), settings.baud_rate),
        ("/dev/ttyUSB0", 9600)
    );
    assert_eq!((settings.parity, settings.stop_bits), (Parity::Even, 2));
}

#[test]
fn offsets_are_hexadecimal_or_decimal() {
    for (offset, first) in [
        (r#""0x0000""#, 0),
        (r#""0xfF""#, 255),
        (r#""0X10""#, 16),
        (r#""12""#, 12),
        ("7", 7),
    ] {
        let found = with_point(&format!(
            r#"{{"fc":3,"offset":{offset},"iec_location":"%IW0","len":1}}"#
        ));
        assert_eq!(found.devices[0].points[0].first, first, "{offset}");
    }
}

#[test]
fn what_becomes_of_inputs_can_be_chosen() {
    let found = with_point(r#"{"fc":1,"iec_location":"%IX0.0","len":9,"error_handling":"set-to-zero"}"#);
    assert_eq!(found.devices[0].points[0].on_failure, OnFailure::Zero);
}

#[test]
fn a_mistake_names_its_key_and_costs_its_device_only() {
    for (point, said) in [
        (
            r#"{"fc":3,"offset":"junk","iec_location":"%IW0"}"#,
            "io_points[0].offset",
        ),
        (
            r#"{"fc":3,"offset":"0x+1","iec_location":"%IW0"}"#,
            "io_points[0].offset",
        ),
        (
            r#"{"fc":3,"offset":"65536","iec_location":"%IW0"}"#,
            "io_points[0].offset",
        ),
        (
            r#"{"fc":3,"offset":"","iec_location":"%IW0"}"#,
            "io_points[0].offset",
        ),
        (r#"{"fc":7,"iec_location":"%IW0"}"#, "io_points[0].fc"),
        (r#"{"fc":"3","iec_location":"%IW0"}"#, "io_points[0].fc"),
        (r#"{"fc":3,"iec_location":"IW0"}"#, "io_points[0].iec_location"),
        (
            r#"{"fc":3,"iec_location":"%QW0"}"#,
            "outputs belong to the program",
        ),
        (r#"{"fc":3,"iec_location":"%IX0.0"}"#, "reads registers"),
        (r#"{"fc":1,"iec_location":"%IW0"}"#, "reads bits"),
        (r#"{"fc":5,"iec_location":"%QW0"}"#, "writes bits"),
        (r#"{"fc":6,"iec_location":"%QD0"}"#, "writes single registers"),
        (r#"{"fc":16,"iec_location":"%QB0"}"#, "writes registers"),
        (r#"{"fc":3,"iec_location":"%IW1020","len":5}"#, "io_points[0].len"),
        (r#"{"fc":3,"iec_location":"%IW0","len":0}"#, "io_points[0].len"),
        (
            r#"{"fc":3,"offset":"65535","iec_location":"%ID0","len":1}"#,
            "beyond 65535",
        ),
        (
            r#"{"fc":3,"iec_location":"%IW0","cycle_time_ms":0}"#,
            "io_points[0].cycle_time_ms",
        ),
        (
            r#"{"fc":3,"iec_location":"%IW0","error_handling":"explode"}"#,
            "error_handling",
        ),
        (r#"{"iec_location":"%IW0"}"#, "fc"),
    ] {
        let text = format!(
            r#"[{{"name":"A","config":{{"io_points":[{point}]}}}},{{"name":"B","config":{{"io_points":[]}}}}]"#
        );
        let found = parse(&text);
        assert_eq!(found.devices.len(), 1, "{point}");
        let [mistake] = &found.mistakes[..] else {
            panic!("{found:?}")
        };
        let mistake = mistake.to_string();
        assert!(
            mistake.contains(said) && mistake.contains("[0]."),
            "{point}: {mistake}"
        );
    }
    for (config, said) in [
        (r#"{"transport":"udp"}"#, "config.transport"),
        (r#"{"transport":"rtu"}"#, "config.serial_port"),
        (
            r#"{"transport":"rtu","serial_port":"/dev/x","slave_id":0}"#,
            "config.slave_id",
        ),
        (
            r#"{"transport":"rtu","serial_port":"/dev/x","data_bits":7}"#,
            "config.data_bits",
        ),
        (
            r#"{"transport":"rtu","serial_port":"/dev/x","stop_bits":3}"#,
            "config.stop_bits",
        ),
        (
            r#"{"transport":"rtu","serial_port":"/dev/x","parity":"X"}"#,
            "config.parity",
        ),
        (r#"{"port":70000}"#, "config.port"),
        (r#"{"port":0}"#, "config.port"),
        (r#"{"host":""}"#, "config.host"),
        ("{\"host\":\"10.0.0.9\u{202e}\"}", "config.host"),
        (
            r#"{"transport":"rtu","serial_port":"/dev/tty\u001b[2J"}"#,
            "config.serial_port",
        ),
        (r#"{"timeout_ms":0}"#, "config.timeout_ms"),
    ] {
        let found = parse(&format!(r#"[{{"name":"A","config":{config}}}]"#));
        let mistake = found.mistakes[0].to_string();
        assert!(mistake.contains(said), "{config}: {mistake}");
    }
    for text in ["{}", "", "[", "[{}", "[] []", "\"\u{1b}[2J\""] {
        let error = Configuration::parse(text, &layout()).unwrap_err().to_string();
        assert!(error.chars().all(is_visible), "{text}: {error}");
    }
}

/// An array of so many elements.
fn array(element: &str, count: usize) -> String {
    format!("[{}]", vec![element; count].join(","))
}

#[test]
fn a_mistake_is_told_by_its_key_and_not_by_a_line() {
    let found = parse("[\n\n{\"config\":{\n\"port\":\"502\"}}]");
    assert_eq!(
        found.mistakes[0].to_string(),
        "modbus_master.json: [0].config.port: invalid type: string \"502\", expected a nonzero u16"
    );
}

#[test]
fn the_first_mistakes_are_told_and_the_others_counted() {
    let text = array(r#"{"config":{"port":0}}"#, 30_000);
    let found = parse(&text.replacen("0", "502", 1));
    assert_eq!(
        (found.devices.len(), found.mistakes.len(), found.more_mistakes),
        (1, MAX_MISTAKES, 30_000 - 1 - MAX_MISTAKES)
    );
    assert_eq!(found.mistakes[0].key, "[1].config.port");
}

#[test]
fn a_file_may_not_be_longer_than_its_limit() {
    let space = " ".repeat(MAX_BYTES - 2);
    assert!(parse(&format!("[{space}]")).devices.is_empty());
    let error = Configuration::parse(&format!("[ {space}]"), &layout()).unwrap_err();
    assert!(error.to_string().contains("1048577 bytes"), "{error}");
}

#[test]
fn there_are_limits_of_devices_and_values() {
    let found = parse(&array(r#"{"config":{"io_points":[]}}"#, MAX_DEVICES + 1));
    assert_eq!(found.devices.len(), MAX_DEVICES);
    assert!(
        found.mistakes[0].to_string().contains("1000 devices"),
        "{found:?}"
    );
    // A table in each point.
    let points = array(r#"{"fc":1,"iec_location":"%IX0.0","len":8192}"#, 31);
    let full = format!(r#"{{"config":{{"io_points":{points}}}}}"#);
    let text = format!(r#"[{full},{full},{{"config":{{"io_points":[{{"fc":3,"iec_location":"%IW0"}}]}}}}]"#);
    let found = parse(&text);
    assert_eq!(found.devices.len(), 2, "{:?}", found.mistakes);
    assert!(found.mistakes[0].to_string().contains("[1].config.io_points: "));
}

#[test]
fn what_strangers_have_written_can_be_shown() {
    let name = "\u{1b}[2J\u{202e}Pump".repeat(1000);
    let text = json!([
        {"name": name, "config": {}},
        {"name": "A", "config": {"transport": name}},
        {"name": "B", "config": {"io_points": [{"fc": 3, "iec_location": name}]}},
    ]);
    let found = parse(&text.to_string());
    let mistakes = found.mistakes.iter().map(ToString::to_string);
    for shown in mistakes.chain([found.devices[0].name.clone()]) {
        assert!(shown.len() < 1000 && shown.chars().all(is_visible), "{shown}");
    }
    assert_eq!(found.mistakes.len(), 2);
}

#[test]
fn deep_and_wide_rubbish_is_only_a_mistake() {
    for rubbish in [
        "[".repeat(100_000) + &"]".repeat(100_000),
        array(r#"{"a":0}"#, 100_000),
        array("[]", 300_000),
    ] {
        for text in [
            format!("[{rubbish}]"),
            format!(r#"[{{"config":{{"io_points":{rubbish}}}}}]"#),
            format!(r#"[{{"config":{{"io_points":[{{"fc":3,"offset":{rubbish}}}]}}}}]"#),
        ] {
            let found = Configuration::parse(&text, &layout());
            assert!(found.is_ok_and(|found| found.devices.is_empty() && found.mistakes.len() == 1));
        }
        // What is not known is not looked at.
        let text = format!(r#"[{{"more":{rubbish},"config":{{"more":{rubbish}}}}}]"#);
        if text.len() <= MAX_BYTES {
            assert_eq!(parse(&text).devices.len(), 1);
        }
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in r#"\[?[{}\[\]":,a-z_0-9.-]{0,60}"#) {
        let _ = Configuration::parse(&text, &layout());
    }
}
