//! Strings in `generated_debug.cpp` whose length the table does not tell.

/// Most strings that are listed.
const MOST: usize = 1 << 16;

/// A string in the table of debug variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugString {
    /// Debug address (`array << 16 | element`).
    pub address: u32,
    /// The variable, as the table writes it.
    pub expression: String,
}

/// The strings that the table has without the number of characters that each has room for, in the order of their addresses:
///
/// ```text
/// const Entry debug_arr_0[1] STRUCPP_DEBUG_FLASH = {
///     { (void*)&g_config.INSTANCE0.NAME, TAG_STRING, 0 },  // INSTANCE0.NAME
/// };
/// ```
///
/// Newer generators write one number more, and list none here.
pub(super) fn of_unknown_length(source: &str) -> Vec<DebugString> {
    let mut found = Vec::new();
    let (mut array, mut element): (Option<u32>, u32) = (None, 0);
    for line in source.lines().map(str::trim) {
        if let Some(number) = line.strip_prefix("const Entry debug_arr_") {
            let number = number
                .split('[')
                .next()
                .and_then(|number| number.parse::<u8>().ok());
            (array, element) = (number.map(u32::from), 0);
        } else if line.starts_with('}') {
            array = None;
        } else if let (Some(array), Some(row)) = (array, line.strip_prefix('{')) {
            let address = array << 16 | element;
            found.extend(variable(row).map(|expression| DebugString { address, expression }));
            element += 1;
        }
        if element > u32::from(u16::MAX) || found.len() == MOST {
            break;
        }
    }
    found.sort_by_key(|string| string.address);
    found.dedup_by_key(|string| string.address);
    found
}

/// The variable of a row, if it is a string without its length.
fn variable(row: &str) -> Option<String> {
    let (_, row) = row.split_once("(void*)&")?;
    let (expression, row) = row.split_once(", TAG_")?;
    let (kind, rest) = row.split_once(',')?;
    let is_string = matches!(kind.trim(), "STRING" | "WSTRING");
    let tells_length = rest.split('}').next()?.contains(',');
    let is_variable = |character: char| character.is_ascii_alphanumeric() || "_.:[](), -".contains(character);
    (is_string && !tells_length && expression.chars().all(is_variable)).then(|| expression.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_without_a_length_are_listed_with_their_addresses() {
        let source = "extern x;\nconst Entry debug_arr_0[3] STRUCPP_DEBUG_FLASH = {\r\n    { (void*)&GST.value.LABEL, TAG_WSTRING, 0 },  // GST.LABEL\n\
                      \x20   { (void*)&g_config.A.N, TAG_INT, 0 },  // A.N, TAG_STRING\n    { (void*)&g_config.A.T(1,2), TAG_STRING, LEAF_FLAG_RETAIN },  // A.T[1][2]\n};\n\
                      const Entry* const debug_arrays[2] STRUCPP_DEBUG_FLASH = {\n    debug_arr_0,\n};\n\
                      const Entry debug_arr_1[1] = {\n    { (void*)&g_config.B.S, TAG_STRING, 0 },\n};\n";
        let found: Vec<_> = of_unknown_length(source)
            .into_iter()
            .map(|string| (string.address, string.expression))
            .collect();
        let expected = [
            (0, "GST.value.LABEL"),
            (2, "g_config.A.T(1,2)"),
            (1 << 16, "g_config.B.S"),
        ];
        assert_eq!(found, expected.map(|(address, text)| (address, text.to_owned())));
    }

    #[test]
    fn what_tells_its_length_or_is_no_plain_variable_is_left_out() {
        let row = |row: &str| format!("const Entry debug_arr_0[1] = {{\n    {row}\n}};\n");
        for other in [
            "{ (void*)&g_config.A.S, TAG_STRING, 2, 23 },",
            "{ (void*)&g_config.A.S, TAG_STRING, 0, string_cap<decltype(g_config.A.S)>::value },",
            "{ (void*)&(x{}; abort()), TAG_STRING, 0 },",
            "{ nullptr, 0, 0 },",
            "{ (void*)&, TAG_",
        ] {
            assert_eq!(of_unknown_length(&row(other)), [], "{other}");
        }
        assert_eq!(
            of_unknown_length("const Entry debug_arr_999[1] = {\n{ (void*)&a, TAG_STRING, 0 },"),
            []
        );
    }
}
