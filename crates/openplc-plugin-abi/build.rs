//! Functions with a variable number of arguments can be defined in C only.

fn main() {
    println!("cargo::rerun-if-changed=src/log.c");
    cc::Build::new()
        .file("src/log.c")
        .warnings(true)
        .compile("openplc_plugin_log");
}
