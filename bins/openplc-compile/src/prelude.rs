//! What a generated unit begins with.

use openplc_bundle::strucpp::GENERATED;

/// The lines up to and including `#include "generated.hpp"`, without comments, when they are nothing but definitions and
/// includes: only then is it the same to read them from a precompiled header.
pub fn of(source: &str) -> Option<String> {
    let mut prelude = String::new();
    let mut in_comment = false;
    for line in source.lines().map(str::trim) {
        if in_comment {
            in_comment = !line.contains("*/");
            // What stands behind a comment is not looked at, so nothing may stand there.
            if !in_comment && !line.ends_with("*/") {
                return None;
            }
            continue;
        }
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        if line.starts_with("/*") {
            in_comment = !line.contains("*/");
            if !in_comment && !line.ends_with("*/") {
                return None;
            }
            continue;
        }
        let directive = line.strip_prefix('#')?.trim_start();
        let plain = directive.starts_with("include ") || directive.starts_with("define ");
        if !plain || line.ends_with('\\') {
            return None;
        }
        prelude += line;
        prelude.push('\n');
        if directive
            .strip_prefix("include")
            .is_some_and(|name| name.trim().trim_matches('"') == GENERATED)
        {
            return Some(prelude);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_prelude_ends_with_the_declarations_of_the_program() {
        let source = "// Generated\r\n/* by\n * hand */\n\n#define STRUCPP_GENERATED_TU\n#include \"generated.hpp\"\n#include <cmath>\nint x;";
        assert_eq!(
            of(source).as_deref(),
            Some("#define STRUCPP_GENERATED_TU\n#include \"generated.hpp\"\n")
        );
    }

    #[test]
    fn anything_else_has_none() {
        for source in [
            "",
            "int x;\n#include \"generated.hpp\"",
            "#ifdef X\n#include \"generated.hpp\"\n#endif",
            "#define A \\\n B\n#include \"generated.hpp\"",
            "/* x */ int y;\n#include \"generated.hpp\"",
            "#include <cmath>\nint x;",
        ] {
            assert_eq!(of(source), None, "{source}");
        }
    }
}
