//! The script of a Python block: the Editor sends a template with three placeholders in its fixed end.

/// Fills in process id and name of the shared memory.
///
/// The template was made for `printf`: its end holds `%d` (process), `%s` (name of the input area without `_in`) and `%s`
/// (the same for `_out`). What the user wrote comes before and may have percent signs of its own, so only the last three
/// placeholders are replaced. `None` when they are not there.
pub fn fill_in(template: &[u8], process: u32, area: &str) -> Option<Vec<u8>> {
    let output = last(template, b"%s")?;
    let input = last(&template[..output], b"%s")?;
    let pid = last(&template[..input], b"%d")?;
    let process = process.to_string();
    Some(
        [
            &template[..pid],
            process.as_bytes(),
            &template[pid + 2..input],
            area.as_bytes(),
            &template[input + 2..output],
            area.as_bytes(),
            &template[output + 2..],
        ]
        .concat(),
    )
}

fn last(text: &[u8], wanted: &[u8; 2]) -> Option<usize> {
    text.windows(2).rposition(|pair| pair == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_three_placeholders_are_filled_in() {
        let template = b"print('%d of %s, 100%%' % (1, 'x'))\npid = %d\na='%s_in'\nb='%s_out'\n";
        let expected = "print('%d of %s, 100%%' % (1, 'x'))\npid = 42\na='shm1_in'\nb='shm1_out'\n";
        assert_eq!(fill_in(template, 42, "shm1").unwrap(), expected.as_bytes());
    }

    #[test]
    fn a_template_without_them_is_refused() {
        for template in [&b""[..], b"%", b"%s %s", b"%s %d %s", b"print(1)"] {
            assert_eq!(fill_in(template, 1, "x"), None);
        }
    }
}
