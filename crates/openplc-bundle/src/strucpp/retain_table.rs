//! The list of retained variables in `generated_debug.cpp`.

use std::collections::HashSet;

/// Debug addresses (`array << 16 | element`) of the variables that are declared RETAIN, from the list
/// `const RetainVar retain_vars[2] … = { { 0, 3 }, { 1, 0 } };`. Empty where there is none: older generators had none.
pub(super) fn addresses(source: &str) -> HashSet<u32> {
    let number = |name: &str| {
        let after = &source[source.find(name)? + name.len()..];
        after
            .trim_start()
            .strip_prefix('=')?
            .split(';')
            .next()?
            .trim()
            .parse::<usize>()
            .ok()
    };
    // The list has a placeholder where nothing is retained.
    let count = number("retain_var_count").unwrap_or(0);
    let Some(list) = source.find("retain_vars[").map(|at| &source[at..]) else {
        return HashSet::new();
    };
    let without_comments: String = list
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let Some((_, body)) = without_comments.split_once('{') else {
        return HashSet::new();
    };
    let pair = |text: &str| {
        let (array, element) = text.split_once(',')?;
        let (array, element) = (
            array.trim().parse::<u8>().ok()?,
            element.trim().parse::<u16>().ok()?,
        );
        Some(u32::from(array) << 16 | u32::from(element))
    };
    body.split(';')
        .next()
        .unwrap_or_default()
        .split('{')
        .skip(1)
        .map_while(|entry| pair(entry.split('}').next()?))
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "// Retained leaves, in order.\nconst RetainVar retain_vars[2] STRUCPP_DEBUG_FLASH = {\n    { 0, 3 },  // INSTANCE0.A; x\n    { 1, 0 },  // {9, 9}\n};\n\n\
                         const uint16_t retain_var_count = 2;\n";

    #[test]
    fn the_addresses_are_those_of_the_list() {
        assert_eq!(addresses(TABLE), HashSet::from([3, 1 << 16]));
    }

    #[test]
    fn a_placeholder_is_no_variable() {
        let none = "const RetainVar retain_vars[1] = {\n    { 0, 0 },  // placeholder\n};\nconst uint16_t retain_var_count = 0;\n";
        assert!(addresses(none).is_empty());
        assert!(addresses("").is_empty());
        assert!(addresses("retain_vars[ retain_var_count =").is_empty());
    }
}
