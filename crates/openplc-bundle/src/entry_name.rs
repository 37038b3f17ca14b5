//! Names of entries: what a name may be, and its one normal form.

use crate::archive::ZipViolation;
use crate::limits;

/// Endings that an upload has no use for.
const REFUSED_EXTENSIONS: [&str; 7] = ["exe", "dll", "sh", "bat", "js", "vbs", "scr"];

/// A name that passed every rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EntryName {
    /// Path of a file: components joined by `/`, none empty, `.` or `..`.
    File(String),
    /// Path of a folder, in the same form.
    Folder(String),
    /// Leftovers of desktop systems, not looked at.
    Ignored,
}

/// Applies the rules to the bytes of a name.
///
/// Editors on Windows write `\` between components, so that is turned into `/` before anything else is looked at.
pub(crate) fn normalise(raw: &[u8]) -> Result<EntryName, ZipViolation> {
    let shown = || {
        String::from_utf8_lossy(&raw[..raw.len().min(limits::NAME_LENGTH)])
            .escape_debug()
            .to_string()
    };
    let text = std::str::from_utf8(raw).map_err(|_| ZipViolation::NameNotText { entry: shown() })?;
    if raw.len() > limits::NAME_LENGTH {
        return Err(ZipViolation::NameTooLong { entry: shown() });
    }
    if text.chars().any(char::is_control) {
        return Err(ZipViolation::ControlCharacter { entry: shown() });
    }
    let text = text.replace('\\', "/");
    if text.starts_with('/') {
        return Err(ZipViolation::AbsoluteName { entry: text });
    }
    if text.contains(':') {
        return Err(ZipViolation::Colon { entry: text });
    }
    let components: Vec<&str> = text
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if components.contains(&"..") {
        return Err(ZipViolation::Traversal { entry: text });
    }
    // A compiler takes `@x.cpp` for a file of options, one of which may be to execute anything.
    if components.iter().any(|part| part.starts_with(['-', '@'])) {
        return Err(ZipViolation::OptionName { entry: text });
    }
    if components.len() > limits::NAME_DEPTH {
        return Err(ZipViolation::NameTooLong { entry: text });
    }
    let Some(last) = components.last() else {
        return if text.is_empty() {
            Err(ZipViolation::NameEmpty)
        } else {
            Ok(EntryName::Ignored)
        };
    };
    if components[0] == "__MACOSX" || *last == ".DS_Store" {
        return Ok(EntryName::Ignored);
    }
    let path = components.join("/");
    if text.ends_with('/') || text.ends_with("/.") {
        return Ok(EntryName::Folder(path));
    }
    // Windows ignores dots and blanks at the end of a name.
    let extension = last
        .trim_end_matches(['.', ' '])
        .rsplit_once('.')
        .map(|(_, extension)| extension);
    if extension.is_some_and(|found| {
        REFUSED_EXTENSIONS
            .iter()
            .any(|refused| found.eq_ignore_ascii_case(refused))
    }) {
        return Err(ZipViolation::RefusedExtension { entry: path });
    }
    Ok(EntryName::File(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> String {
        match normalise(name.as_bytes()) {
            Ok(EntryName::File(path)) => path,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn names_have_one_form() {
        for name in [
            "lib/iec_types.h",
            "lib\\iec_types.h",
            "./lib/iec_types.h",
            "lib//iec_types.h",
            "lib/./iec_types.h",
        ] {
            assert_eq!(file(name), "lib/iec_types.h");
        }
        assert_eq!(normalise(b"lib\\").unwrap(), EntryName::Folder("lib".into()));
        assert_eq!(file("a..b.c"), "a..b.c");
    }

    #[test]
    fn leftovers_of_desktop_systems_are_ignored() {
        for name in [
            "__MACOSX/._Config0.c",
            "__MACOSX/",
            ".DS_Store",
            "lib/.DS_Store",
            "./",
        ] {
            assert_eq!(normalise(name.as_bytes()).unwrap(), EntryName::Ignored, "{name}");
        }
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["../x.c", "lib/../../x.c", "..\\x.c", "lib\\..\\x.c", "a/.."] {
            assert!(
                matches!(normalise(name.as_bytes()), Err(ZipViolation::Traversal { .. })),
                "{name}"
            );
        }
        for name in ["/etc/passwd", "\\windows\\x.c", "\\\\server\\share"] {
            assert!(
                matches!(normalise(name.as_bytes()), Err(ZipViolation::AbsoluteName { .. })),
                "{name}"
            );
        }
        for name in ["C:\\x.c", "c:x.c", "x.c:stream"] {
            assert!(
                matches!(normalise(name.as_bytes()), Err(ZipViolation::Colon { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn names_that_a_compiler_takes_for_options_are_refused() {
        for name in ["@x.cpp", "-specs=x.cpp", "lib/@x.h", "./-x.c", "lib\\-x/y.c"] {
            assert!(
                matches!(normalise(name.as_bytes()), Err(ZipViolation::OptionName { .. })),
                "{name}"
            );
        }
        assert_eq!(file("a-b@c.cpp"), "a-b@c.cpp");
    }

    #[test]
    fn names_that_no_person_could_read_are_refused() {
        assert!(matches!(
            normalise(b"x\0.c"),
            Err(ZipViolation::ControlCharacter { .. })
        ));
        assert!(matches!(
            normalise(b"x\n[ERROR] y.c"),
            Err(ZipViolation::ControlCharacter { .. })
        ));
        assert!(matches!(
            normalise(b"x\xff.c"),
            Err(ZipViolation::NameNotText { .. })
        ));
        assert!(matches!(normalise(b""), Err(ZipViolation::NameEmpty)));
        assert!(matches!(
            normalise("a".repeat(256).as_bytes()),
            Err(ZipViolation::NameTooLong { .. })
        ));
        assert!(matches!(
            normalise("a/".repeat(20).as_bytes()),
            Err(ZipViolation::NameTooLong { .. })
        ));
    }

    #[test]
    fn programs_for_other_systems_are_refused() {
        for name in [
            "a.exe",
            "lib/A.EXE",
            "x.Dll",
            "run.sh",
            "x.bat",
            "x.js",
            "x.vbs",
            "x.scr",
            "x.exe.",
            "x.exe .",
        ] {
            assert!(
                matches!(
                    normalise(name.as_bytes()),
                    Err(ZipViolation::RefusedExtension { .. })
                ),
                "{name}"
            );
        }
        assert_eq!(file("conf/modbus.json"), "conf/modbus.json");
    }
}
