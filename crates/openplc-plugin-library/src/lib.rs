//! `libopenplc_plugin.so`: everything that `openplc-plugin-abi` exports to C, and nothing else.
#![forbid(unsafe_code)]

// Not used here; what it exports is.
use openplc_plugin_abi as _;
