//! `defines.h`: the MD5 of `program.st`.

/// The 32 hexadecimal digits in `#define PROGRAM_MD5 "…"`, in lower case.
pub(super) fn of_defines(source: &str) -> Option<String> {
    source.lines().find_map(|line| {
        let definition = line
            .trim_start()
            .strip_prefix('#')?
            .trim_start()
            .strip_prefix("define")?;
        let value = definition.trim_start().strip_prefix("PROGRAM_MD5")?;
        let digits = value.split('"').nth(1)?;
        let sound = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        sound.then(|| digits.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::of_defines;

    #[test]
    fn the_digits_are_found_wherever_the_line_is() {
        let digits = "00112233445566778899aabbccddeeff";
        for source in [
            format!("#define PROGRAM_MD5 \"{digits}\"\n"),
            format!(
                "#pragma once\r\n  # define PROGRAM_MD5   \"{}\" // x\r\n",
                digits.to_uppercase()
            ),
        ] {
            assert_eq!(of_defines(&source).as_deref(), Some(digits));
        }
        for bad in [
            "",
            "#define PROGRAM_MD5 \"12\"",
            "#define PROGRAM_MD5 X",
            "PROGRAM_MD5",
        ] {
            assert_eq!(of_defines(bad), None, "{bad}");
        }
    }
}
