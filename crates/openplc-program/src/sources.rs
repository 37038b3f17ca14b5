//! The C and C++ sources that a build compiles together with a program.

/// `openplc_program.h`, the flat program ABI.
pub const HEADER: &str = include_str!("../include/openplc_program.h");

/// The files that turn a MatIEC program into the flat ABI, as names and texts. All belong into one folder.
pub const MATIEC: &[(&str, &str)] = &[
    ("openplc_program.h", HEADER),
    ("host_calls.h", include_str!("../shim/host_calls.h")),
    ("exit_calls.h", include_str!("../shim/exit_calls.h")),
    ("exit_calls.cpp", include_str!("../shim/exit_calls.cpp")),
    ("host_calls.cpp", include_str!("../shim/host_calls.cpp")),
    ("matiec.cpp", include_str!("../shim/matiec.cpp")),
    ("python_block.h", include_str!("../shim/python_block.h")),
    ("exports.map", include_str!("../shim/exports.map")),
];

/// The files that turn a STruC++ program into the flat ABI, as names and texts. All belong into one folder.
pub const STRUCPP: &[(&str, &str)] = &[
    ("openplc_program.h", HEADER),
    ("host_calls.h", include_str!("../shim/host_calls.h")),
    ("exit_calls.h", include_str!("../shim/exit_calls.h")),
    ("exit_calls.cpp", include_str!("../shim/exit_calls.cpp")),
    ("host_calls.cpp", include_str!("../shim/host_calls.cpp")),
    ("strucpp.cpp", include_str!("../shim/strucpp.cpp")),
    (
        "strucpp_identity.cpp",
        include_str!("../shim/strucpp_identity.cpp"),
    ),
    ("strucpp_locks.h", include_str!("../shim/strucpp_locks.h")),
    ("strucpp_strings.h", include_str!("../shim/strucpp_strings.h")),
    ("strucpp_units.h", include_str!("../shim/strucpp_units.h")),
    ("exports.map", include_str!("../shim/exports.map")),
];
