//! `program.st`: how the author declared arrays, because the generated tables count elements from 0.

use std::collections::HashMap;

/// The type of a declared variable.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Type {
    /// A type by its name.
    Named(String),
    /// First and last index of each dimension, and the type of the elements.
    Array(Vec<(i64, i64)>, String),
    /// Not understood, or declared differently in two places.
    Unknown,
}

/// Types of all variables, by the name of their program, function block or structure; global variables have none.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    variables: HashMap<(String, String), Type>,
    types: HashMap<String, Type>,
}

/// Reads all declarations. What is not understood is left out.
pub(super) fn parse(source: &str) -> Declarations {
    let mut declarations = Declarations::default();
    let tokens = tokens(source);
    let mut scope = String::new();
    let mut declares = false;
    let mut in_types = false;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1).map(String::as_str);
        at += 1;
        match token.as_str() {
            "PROGRAM" | "FUNCTION_BLOCK" | "FUNCTION" if !declares => scope = next.unwrap_or_default().into(),
            "END_PROGRAM" | "END_FUNCTION_BLOCK" | "END_FUNCTION" | "CONFIGURATION" => {
                scope.clear();
                declares = false;
            }
            "TYPE" => in_types = true,
            "END_TYPE" => in_types = false,
            "END_VAR" | "END_STRUCT" => declares = false,
            "STRUCT" => declares = true,
            word if word == "VAR" || word.starts_with("VAR_") => declares = true,
            ":" if declares || in_types => {
                let names = names_before(&tokens[..at - 1]);
                if next == Some("STRUCT") {
                    scope = names.first().cloned().unwrap_or_default();
                    continue;
                }
                let kind = declared_type(&tokens[at..]);
                for name in names {
                    declarations.add(&scope, name, &kind, declares);
                }
            }
            _ => (),
        }
    }
    declarations
}

impl Declarations {
    fn add(&mut self, scope: &str, name: String, kind: &Type, is_variable: bool) {
        let known = if is_variable {
            self.variables
                .entry((scope.to_owned(), name))
                .or_insert_with(|| kind.clone())
        } else {
            self.types.entry(name).or_insert_with(|| kind.clone())
        };
        if known != kind {
            *known = Type::Unknown;
        }
    }

    /// The path below `owner` (a type; empty for the global variables), for example `.PUMP.SPEEDS[0]`, with the indexes
    /// that the author uses, `.PUMP.SPEEDS[1]`; where they are not known, as a position: `.PUMP.SPEEDS.table[0]`.
    pub(super) fn with_indexes(&self, owner: &str, path: &str) -> String {
        let mut scope = Type::Named(owner.to_owned());
        let mut named = String::new();
        let mut rest = path;
        while !rest.is_empty() {
            if rest.starts_with('[') {
                let end = rest
                    .match_indices(']')
                    .map(|(at, _)| at + 1)
                    .find(|at| !rest[*at..].starts_with('['))
                    .unwrap_or(rest.len());
                let (indexes, after) = rest.split_at(end);
                let Some((declared, element)) = self.element(&scope, indexes) else {
                    return named + &as_positions(rest);
                };
                named.push_str(&declared);
                scope = element;
                rest = after;
            } else {
                let mut behind_first = rest.char_indices().skip(1);
                let end = behind_first
                    .find(|(_, c)| matches!(c, '.' | '['))
                    .map_or(rest.len(), |(at, _)| at);
                let (member, after) = rest.split_at(end);
                named.push_str(member);
                scope = self.member(&scope, member.trim_start_matches('.'));
                rest = after;
            }
        }
        named
    }

    fn member(&self, scope: &Type, name: &str) -> Type {
        let Type::Named(scope) = scope else {
            return Type::Unknown;
        };
        let key = (scope.clone(), name.to_owned());
        self.resolve(self.variables.get(&key).unwrap_or(&Type::Unknown))
    }

    /// The type behind a name that is not a structure or function block.
    fn resolve(&self, kind: &Type) -> Type {
        match kind {
            Type::Named(name) => self.types.get(name).unwrap_or(kind).clone(),
            _ => kind.clone(),
        }
    }

    /// The author's spelling of `[0][1]`, and the type of that element.
    fn element(&self, array: &Type, indexes: &str) -> Option<(String, Type)> {
        let Type::Array(bounds, base) = array else {
            return None;
        };
        let positions: Vec<i64> = indexes
            .split(['[', ']'])
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().ok())
            .collect::<Option<_>>()?;
        if positions.len() != bounds.len() {
            return None;
        }
        let mut declared = Vec::new();
        for (position, (first, last)) in positions.iter().zip(bounds) {
            let index = first.checked_add(*position).filter(|index| index <= last)?;
            declared.push(index.to_string());
        }
        Some((
            format!("[{}]", declared.join(",")),
            self.resolve(&Type::Named(base.clone())),
        ))
    }
}

/// `[0]` as `.table[0]`, which no index of an author looks like.
pub(super) fn as_positions(path: &str) -> String {
    path.replace("][", "\0")
        .replace('[', ".table[")
        .replace('\0', "][")
}

/// `A, B AT %QX0.0 :` declares A and B.
fn names_before(tokens: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    let mut tokens = tokens.iter().rev().peekable();
    loop {
        let Some(mut name) = tokens.next() else {
            return names;
        };
        if name.starts_with('%') {
            let _at = tokens.next();
            let Some(located) = tokens.next() else {
                return names;
            };
            name = located;
        }
        names.push(name.clone());
        if tokens.next_if(|token| *token == ",").is_none() {
            return names;
        }
    }
}

/// `ARRAY [1..5, 0..2] OF INT`, or a name.
fn declared_type(tokens: &[String]) -> Type {
    let mut tokens = tokens.iter().map(String::as_str);
    let first = tokens.next().unwrap_or_default();
    if first != "ARRAY" {
        return Type::Named(first.to_owned());
    }
    let mut bounds = Vec::new();
    if tokens.next() != Some("[") {
        return Type::Unknown;
    }
    loop {
        let range = (tokens.next().and_then(|text| text.parse().ok()))
            .filter(|_| tokens.next() == Some(".."))
            .zip(tokens.next().and_then(|text| text.parse().ok()));
        let Some(range) = range else { return Type::Unknown };
        bounds.push(range);
        match tokens.next() {
            Some(",") => (),
            Some("]") => break,
            _ => return Type::Unknown,
        }
    }
    match (tokens.next(), tokens.next()) {
        (Some("OF"), Some(base)) => Type::Array(bounds, base.to_owned()),
        _ => Type::Unknown,
    }
}

/// Words in upper case, numbers with their sign, addresses, `..` and single characters; no comments, strings or raw C.
fn tokens(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = [("(*", "*)"), ("{", "}"), ("//", "\n"), ("'", "'"), ("\"", "\"")]
            .into_iter()
            .find(|(open, _)| rest.starts_with(open));
        if let Some((open, close)) = skipped {
            let inside = &rest[open.len()..];
            rest = inside.find(close).map_or("", |at| &inside[at + close.len()..]);
            continue;
        }
        let length = if rest.starts_with("..") {
            2
        } else if first.is_ascii_digit() || first == '-' {
            1 + rest[1..].bytes().take_while(u8::is_ascii_digit).count()
        } else if first == '%' || is_word(first) {
            let end = rest[first.len_utf8()..].find(|c| !(is_word(c) || first == '%' && c == '.'));
            end.map_or(rest.len(), |at| at + first.len_utf8())
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push(rest[..length].to_uppercase());
        }
        rest = &rest[length..];
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "TYPE\n  Row : ARRAY [-1..1] OF INT;\n  Motor : STRUCT\n    speeds : ARRAY [2..4] OF INT;\n  END_STRUCT;\nEND_TYPE\n\
        FUNCTION_BLOCK Ramp\n  VAR_INPUT\n    a, b : ARRAY [10..12] OF REAL := [3(0.0)]; (* ARRAY [0..1] *)\n  END_VAR\n  a[10] := 1.0;\nEND_FUNCTION_BLOCK\n\
        PROGRAM main\n  VAR\n    numbers : ARRAY [1..5] OF INT;\n    grid : ARRAY [1..2, 0..3] OF INT;\n    pump : Motor;\n    pumps : ARRAY [1..2] OF Motor;\n\
            row : Row;\n    r0 : Ramp;\n    odd : ARRAY [1..COUNT] OF INT;\n  END_VAR\n  VAR_EXTERNAL\n    shared : ARRAY [5..6] OF INT;\n  END_VAR\nEND_PROGRAM\n\
        CONFIGURATION Config0\n  VAR_GLOBAL\n    shared AT %MW0 : ARRAY [5..6] OF INT;\n  END_VAR\nEND_CONFIGURATION\n";

    #[test]
    fn elements_have_the_authors_indexes() {
        let declarations = parse(SOURCE);
        for (owner, path, named) in [
            ("MAIN", ".NUMBERS[0]", ".NUMBERS[1]"),
            ("MAIN", ".NUMBERS[4]", ".NUMBERS[5]"),
            ("MAIN", ".GRID[1][3]", ".GRID[2,3]"),
            ("MAIN", ".PUMP.SPEEDS[0]", ".PUMP.SPEEDS[2]"),
            ("MAIN", ".PUMPS[1].SPEEDS[2]", ".PUMPS[2].SPEEDS[4]"),
            ("MAIN", ".ROW[0]", ".ROW[-1]"),
            ("MAIN", ".R0.B[2]", ".R0.B[12]"),
            ("MAIN", ".SHARED[0]", ".SHARED[5]"),
            ("", ".SHARED[1]", ".SHARED[6]"),
            ("MAIN", ".LAMP", ".LAMP"),
        ] {
            assert_eq!(declarations.with_indexes(owner, path), named, "{path}");
        }
    }

    #[test]
    fn what_is_not_known_is_marked_as_a_position() {
        let declarations = parse(SOURCE);
        for (owner, path, named) in [
            ("MAIN", ".ODD[0]", ".ODD.table[0]"),
            ("MAIN", ".NUMBERS[5]", ".NUMBERS.table[5]"),
            ("MAIN", ".GRID[3]", ".GRID.table[3]"),
            ("MAIN", ".OTHER[0][1].X[2]", ".OTHER.table[0][1].X.table[2]"),
            ("NOBODY", ".A[0]", ".A.table[0]"),
        ] {
            assert_eq!(declarations.with_indexes(owner, path), named, "{path}");
        }
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in [
            "",
            "VAR :",
            "VAR , : ARRAY [",
            "(* open",
            "TYPE : STRUCT",
            "VAR ä : ARRAY [1..2] OF",
            "'",
            "-",
            "% : x",
        ] {
            for path in [".A[0]", ".A[0]ä[", "..", "[", "]"] {
                let _ = parse(text).with_indexes("", path);
            }
        }
    }
}
