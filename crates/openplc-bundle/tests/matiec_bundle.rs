//! A bundle as an Editor 4.1 makes it, and what goes missing in practice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use openplc_bundle::{Bundle, BundleError, Files};
use openplc_wire::manifest::Generation;

const DEBUG: &str = r#"
#include <stdbool.h>
#include "iec_types_all.h"
#include "POUS.h"

#define SAME_ENDIANNESS      0
#define REVERSE_ENDIANNESS   1

char plc_program_md5[] = "0123456789ABCDEF0123456789abcdef";

uint8_t endianness;

extern MAIN RES0__INSTANCE0;
extern __IEC_INT_t CONFIG0__SHARED;

static const struct {
    void *ptr;
    __IEC_types_enum type;
} debug_vars[] = {
    {&(CONFIG0__SHARED), INT_ENUM},
    {&(RES0__INSTANCE0.LAMP), BOOL_O_ENUM},
    {&(RES0__INSTANCE0.SHARED), INT_P_ENUM},
    {&(RES0__INSTANCE0.TON0.ET), TIME_ENUM},
    {&(RES0__INSTANCE0.VALUES.value.table[0]), REAL_ENUM},
    {&(RES0__INSTANCE0.VALUES.value.table[1]), REAL_ENUM},
    {&(RES0__INSTANCE0.POINT.value.X), REAL_ENUM},
    {&(RES0__INSTANCE0._TMP_ADD12_OUT), INT_ENUM},
};

#define VAR_COUNT               8
"#;

const CSV: &str = "// Programs
0;CONFIG0.RES0.INSTANCE0;MAIN;

// Variables
0;VAR;CONFIG0.SHARED;CONFIG0.SHARED;INT;INT;1;
1;FB;CONFIG0.RES0.INSTANCE0;CONFIG0.RES0.INSTANCE0;MAIN;;0;
2;OUT;CONFIG0.RES0.INSTANCE0.LAMP;CONFIG0.RES0.INSTANCE0.LAMP;BOOL;BOOL;0;
3;EXT;CONFIG0.RES0.INSTANCE0.SHARED;CONFIG0.RES0.INSTANCE0.SHARED;INT;INT;0;
4;FB;CONFIG0.RES0.INSTANCE0.TON0;CONFIG0.RES0.INSTANCE0.TON0;TON;;0;
5;VAR;CONFIG0.RES0.INSTANCE0.TON0.ET;CONFIG0.RES0.INSTANCE0.TON0.ET;TIME;TIME;0;
6;VAR;CONFIG0.RES0.INSTANCE0.VALUES;CONFIG0.RES0.INSTANCE0.VALUES;__ARRAY_OF_REAL_2;;1;
7;VAR;CONFIG0.RES0.INSTANCE0.POINT.X;CONFIG0.RES0.INSTANCE0.POINT.value.X;REAL;REAL;0;

// Ticktime
20000000
";

fn files() -> Files {
    [
        ("Config0.c", "void config_init__(void) {\n}\nunsigned long long common_ticktime__ = 20000000ULL * 1ULL; /*ns*/\n"),
        ("Config0.h", ""),
        ("Res0.c", "void RES0_run__(unsigned long tick) {\n  TASK0 = !(tick % 5);\n  if (TASK0) {\n  }\n}\n"),
        ("POUS.c", "void MAIN_init__(MAIN *data__, BOOL retain) {\n  __INIT_LOCATED(BOOL,__QX0_3,data__->LAMP,retain)\n}\n"),
        ("POUS.h", ""),
        ("debug.c", DEBUG),
        ("glueVars.c", ""),
        ("VARIABLES.csv", CSV),
        ("LOCATED_VARIABLES.h", "__LOCATED_VAR(BOOL,__QX0_3,Q,X,0,3)\n"),
        ("c_blocks.h", "// Empty file"),
        ("c_blocks_code.cpp", ""),
        ("lib/iec_types_all.h", ""),
        ("lib/iec_std_lib.h", ""),
        ("lib/accessor.h", ""),
        ("lib/standard_FB.txt", "TYPE"),
        ("conf/modbus_slave.json", "{}"),
        ("conf/opcua.json", " "),
        ("plc.xml", "<xml/>"),
        ("program.st", "PROGRAM main\n  VAR\n    values : ARRAY [7..8] OF REAL;\n  END_VAR\nEND_PROGRAM\n"),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
    .collect()
}

#[test]
fn a_bundle_says_everything_that_a_manifest_needs() {
    let bundle = Bundle::from_files(files()).unwrap();
    assert_eq!(bundle.generation, Generation::Matiec);
    let program = &bundle.program;
    assert_eq!(program.md5, "0123456789abcdef0123456789abcdef");
    assert_eq!(program.warnings, [""; 0]);
    let task = &program.tasks[0];
    assert_eq!(
        (program.tasks.len(), task.name.as_str(), task.interval_ns),
        (1, "TASK0", 100_000_000)
    );
    assert!(program.has_c_blocks && !program.uses_python);
    assert_eq!(bundle.conf.keys().collect::<Vec<_>>(), ["modbus_slave"]);
    let found: Vec<_> = program
        .variables
        .iter()
        .map(|v| {
            (
                v.index,
                v.path.as_str(),
                v.iec_type.as_str(),
                v.retain,
                v.location.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (0, "CONFIG0.SHARED", "INT", true, None),
            (1, "CONFIG0.RES0.INSTANCE0.LAMP", "BOOL", false, Some("%QX0.3")),
            (2, "CONFIG0.RES0.INSTANCE0.SHARED", "INT", false, None),
            (3, "CONFIG0.RES0.INSTANCE0.TON0.ET", "TIME", false, None),
            (4, "CONFIG0.RES0.INSTANCE0.VALUES[7]", "REAL", true, None),
            (5, "CONFIG0.RES0.INSTANCE0.VALUES[8]", "REAL", true, None),
            (6, "CONFIG0.RES0.INSTANCE0.POINT.X", "REAL", false, None),
            (7, "CONFIG0.RES0.INSTANCE0._TMP_ADD12_OUT", "INT", false, None),
        ]
    );
}

#[test]
fn elements_of_unknown_arrays_are_named_by_position() {
    let mut files = files();
    files.remove("program.st");
    let bundle = Bundle::from_files(files).unwrap();
    let values = &bundle.program.variables[4];
    assert_eq!(
        (values.path.as_str(), values.retain),
        ("CONFIG0.RES0.INSTANCE0.VALUES.table[0]", true)
    );
}

/// As newer versions of MatIEC write it.
#[test]
fn elements_with_rows_of_their_own_are_named_by_the_indexes_of_their_author() {
    let mut files = files();
    let rows: String = ["VALUES.value.table[0]", "VALUES.value.table[1]"]
        .iter()
        .map(|name| {
            format!("9;VAR;CONFIG0.RES0.INSTANCE0.{name};CONFIG0.RES0.INSTANCE0.{name};REAL;REAL;1;\n")
        })
        .collect();
    files.insert(
        "VARIABLES.csv".into(),
        format!("// Variables\n{rows}").into_bytes(),
    );
    let bundle = Bundle::from_files(files).unwrap();
    let found = bundle.program.variables[4..6]
        .iter()
        .map(|v| (v.path.as_str(), v.retain));
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            ("CONFIG0.RES0.INSTANCE0.VALUES[7]", true),
            ("CONFIG0.RES0.INSTANCE0.VALUES[8]", true)
        ]
    );
}

#[test]
fn windows_line_ends_change_nothing() {
    let windows = files()
        .into_iter()
        .map(|(path, content)| {
            (
                path,
                String::from_utf8(content)
                    .unwrap()
                    .replace('\n', "\r\n")
                    .into_bytes(),
            )
        })
        .collect();
    let (unix, windows) = (
        Bundle::from_files(files()).unwrap(),
        Bundle::from_files(windows).unwrap(),
    );
    assert_eq!(unix.program.variables, windows.program.variables);
    assert_eq!(unix.program.tasks, windows.program.tasks);
    assert_eq!(unix.program.md5, windows.program.md5);
}

#[test]
fn what_is_missing_is_named() {
    let without = |paths: &[&str]| {
        let mut files = files();
        paths
            .iter()
            .for_each(|path| assert!(files.remove(*path).is_some()));
        Bundle::from_files(files)
    };
    assert!(
        matches!(without(&["debug.c", "lib/accessor.h"]), Err(BundleError::Missing(paths)) if paths == ["debug.c", "lib/accessor.h"])
    );
    assert!(matches!(without(&["Config0.c"]), Err(BundleError::Missing(paths)) if paths == ["Config0.c"]));
    let without_names = without(&["VARIABLES.csv"]).unwrap();
    assert_eq!(
        without_names.program.variables[1].path,
        "CONFIG0.RES0.INSTANCE0.LAMP"
    );
    assert!(without_names.program.warnings[0].contains("VARIABLES.csv"));
    assert!(
        without(&[
            "c_blocks.h",
            "c_blocks_code.cpp",
            "plc.xml",
            "program.st",
            "Config0.h"
        ])
        .is_ok()
    );
}

#[test]
fn tables_that_are_not_understood_are_warnings() {
    let mut files = files();
    files.insert("debug.c".into(), b"int x;".to_vec());
    files.insert("VARIABLES.csv".into(), vec![0xff; 100]);
    files.insert("Config0.c".into(), b"int x;".to_vec());
    let bundle = Bundle::from_files(files).unwrap();
    assert_eq!(bundle.program.warnings.len(), 3, "{:?}", bundle.program.warnings);
    assert_eq!(bundle.program.tasks[0].interval_ns, 100_000_000);
}

#[test]
fn other_uploads_are_told_apart() {
    let of = |names: &[&str]| {
        Bundle::from_files(
            names
                .iter()
                .map(|name| ((*name).to_owned(), Vec::new()))
                .collect(),
        )
    };
    for names in [
        ["generated.hpp", "generated.cpp"],
        ["strucpp_runtime/include/iec_var.hpp", "main.cpp"],
    ] {
        assert!(
            matches!(of(&names), Err(BundleError::Missing(missing)) if missing.contains(&"defines.h".into()))
        );
    }
    assert!(matches!(of(&["holiday.jpg"]), Err(BundleError::Unknown)));
    assert!(matches!(of(&["Res0.c", "debug.c"]), Err(BundleError::Missing(_))));
    let mut leftovers = files();
    leftovers.insert("generated.hpp".into(), Vec::new());
    assert_eq!(
        Bundle::from_files(leftovers).unwrap().generation,
        Generation::Matiec
    );
}

#[test]
fn the_identity_covers_what_is_built_and_nothing_else() {
    let identity = |files: Files, builder: &[&str]| Bundle::from_files(files).unwrap().identity(builder);
    let with = |path: &str, text: &str| {
        let mut files = files();
        files.insert(path.into(), text.as_bytes().to_vec());
        identity(files, &["1"])
    };
    let original = identity(files(), &["1"]);
    assert_eq!(original.len(), 64);
    assert_eq!(original, identity(files(), &["1"]));
    assert_ne!(original, identity(files(), &["2"]), "another builder");
    for path in [
        "POUS.c",
        "lib/accessor.h",
        "VARIABLES.csv",
        "conf/modbus_slave.json",
        "c_blocks_code.cpp",
        "extra.h",
    ] {
        assert_ne!(original, with(path, "int changed;"), "{path}");
    }
    for path in [
        "plc.xml",
        "program.st",
        "lib/standard_FB.txt",
        "conf/opcua.json",
        "readme",
    ] {
        assert_eq!(original, with(path, "  "), "{path}");
    }
}
