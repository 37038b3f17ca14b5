//! Whatever is uploaded, nothing panics and nothing takes long.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use openplc_bundle::{Bundle, Files, unpack};
use proptest::prelude::*;
use support::{Entry, raw};

const NAMES: [&str; 11] = [
    "Config0.c",
    "Res0.c",
    "POUS.c",
    "POUS.h",
    "debug.c",
    "glueVars.c",
    "LOCATED_VARIABLES.h",
    "VARIABLES.csv",
    "lib/iec_types_all.h",
    "lib/iec_std_lib.h",
    "lib/accessor.h",
];

/// Text of the words that the tables are searched for.
fn table_text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "common_ticktime__",
        "=",
        "20000000ULL",
        "*",
        ";",
        "\n",
        "debug_vars[]",
        "{",
        "}",
        "&(RES0__INSTANCE0.X)",
        ",",
        "BOOL_P_ENUM",
        "plc_program_md5",
        "\"",
        "#define VAR_COUNT 3",
        "__LOCATED_VAR(",
        ")",
        "BOOL",
        "__QX0_0",
        "Q",
        "X",
        "0",
        "// Variables",
        "// Ticktime",
        "1;VAR;A.B;A.B;INT;INT;1;",
        "!(tick % 2)",
        "TASK0",
        "__INIT_LOCATED(",
        "data__->X",
        "void MAIN_init__(",
        "__INIT_GLOBAL_LOCATED(CONFIG0,",
        "extern MAIN RES0__INSTANCE0;",
        "é",
        "\u{feff}",
        ".",
        "[",
        "__",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = unpack(&bytes);
    }

    #[test]
    fn a_zip_with_some_bytes_changed(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let entries = [Entry::stored("Config0.c", b"int x;"), Entry::stored("lib/a.h", b"y"), Entry::stored("conf/", b"")];
        let mut zip = raw(&entries);
        for (place, value) in changes {
            let place = place.index(zip.len());
            zip[place] = value;
        }
        let _ = unpack(&zip);
    }

    #[test]
    fn any_names(names in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
        let entries: Vec<_> = names.iter().map(|name| Entry::stored(name, b"x")).collect();
        if let Ok(files) = unpack(&raw(&entries)) {
            for path in files.keys() {
                prop_assert!(!path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | "..")), "{path}");
            }
        }
    }

    #[test]
    fn tables_of_any_text(texts in prop::collection::vec(table_text(), NAMES.len())) {
        let files: Files = NAMES.iter().zip(texts).map(|(name, text)| ((*name).to_owned(), text.into_bytes())).collect();
        if let Ok(bundle) = Bundle::from_files(files) {
            prop_assert!(!bundle.program.tasks.is_empty());
            prop_assert!(bundle.program.variables.iter().zip(0..).all(|(variable, index)| variable.index == index));
        }
    }
}

#[test]
fn tables_that_invite_to_search_the_rest_over_and_over_are_read_in_one_go() {
    let start = std::time::Instant::now();
    for word in [
        "__LOCATED_VAR",
        "__INIT_LOCATED(",
        "\nvoid A_init__(",
        "X = !(tick % 1);",
        "{",
        "debug_vars[]",
        "1;VAR;A.B;A.B;",
    ] {
        let text = word.repeat((2 << 20) / word.len());
        let files: Files = NAMES
            .iter()
            .map(|name| ((*name).to_owned(), text.clone().into_bytes()))
            .collect();
        let _ = Bundle::from_files(files);
    }
    assert!(
        start.elapsed() < std::time::Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}
