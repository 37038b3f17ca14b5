//! Reading a file key by key, so that a wrong key costs itself only.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::{Problem, duration, size};

/// Longest part of a wrong value that is quoted, in characters.
const QUOTED: usize = 60;
/// A key that is this similar to another one (0 to 1) may be meant by it.
const SIMILAR: f64 = 0.8;

/// A table of the file: the keys outside of any table, or those below a `[name]`.
pub struct Section<'a> {
    file: &'a Path,
    text: &'a str,
    /// Name of the table with a final dot, or nothing.
    prefix: String,
    /// What is still to be read.
    table: DeTable<'a>,
    /// Every key that exists.
    known: Vec<&'static str>,
    problems: &'a mut Vec<Problem>,
}

/// Parses a file, hands it to `read`, and returns what was wrong.
pub fn read_file(path: &Path, text: &str, read: &mut dyn FnMut(&mut Section<'_>)) -> Vec<Problem> {
    let mut problems = Vec::new();
    match DeTable::parse(text) {
        Ok(table) => {
            let mut section = Section {
                file: path,
                text,
                prefix: String::new(),
                table: table.into_inner(),
                known: Vec::new(),
                problems: &mut problems,
            };
            read(&mut section);
            section.refuse_the_rest();
        }
        Err(error) => {
            let start = error.span().map_or(0, |span| span.start);
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            problems.push(Problem::at_line(
                path,
                line_of(text, start),
                format!("this is no TOML ({message}); every setting has its default"),
            ));
        }
    }
    problems.sort_by_key(Problem::line);
    problems
}

impl<'a> Section<'a> {
    /// The table `[name]`, read by `read`. Where the file has none, its settings keep their defaults.
    pub fn section(&mut self, name: &'static str, read: impl FnOnce(&mut Section<'_>)) {
        let Some(found) = self.take(name) else {
            return;
        };
        let start = found.span().start;
        let DeValue::Table(table) = found.into_inner() else {
            let path = format!("{}{name}", self.prefix);
            return self.report(
                start,
                format!("{path} is a table, [{path}]; its settings have their defaults"),
            );
        };
        let mut section = Section {
            file: self.file,
            text: self.text,
            prefix: format!("{}{name}.", self.prefix),
            table,
            known: Vec::new(),
            problems: self.problems,
        };
        read(&mut section);
        section.refuse_the_rest();
    }

    /// A whole number.
    pub fn number<N>(&mut self, key: &'static str, range: RangeInclusive<N>, setting: &mut N)
    where
        N: Copy + Display + PartialOrd + TryFrom<i64>,
    {
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        let default = setting.to_string();
        self.value(key, &accepted, &default, setting, |value| {
            integer(value).filter(|number| range.contains(number))
        });
    }

    /// One of some words.
    pub fn word<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        setting: &mut T,
    ) {
        let quoted: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        let default = words.iter().find(|(_, value)| value == setting);
        let default = default.map_or_else(String::new, |(word, _)| format!("{word:?}"));
        self.value(key, &alternatives(&quoted), &default, setting, |value| {
            let text = value.as_str()?;
            words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| *value)
        });
    }

    /// `true` or `false`.
    pub fn switch(&mut self, key: &'static str, setting: &mut bool) {
        let default = setting.to_string();
        self.value(key, "true or false", &default, setting, |value| value.as_bool());
    }

    /// A length of time, in whole milliseconds.
    pub fn duration(&mut self, key: &'static str, range: RangeInclusive<Duration>, setting: &mut Duration) {
        let accepted = format!(
            "a time from {:?} to {:?}, with unit ms, s, min, h or d",
            duration::show(*range.start()),
            duration::show(*range.end())
        );
        let default = format!("{:?}", duration::show(*setting));
        self.value(key, &accepted, &default, setting, |value| {
            duration::parse(value.as_str()?).filter(|time| range.contains(time))
        });
    }

    /// A number of bytes.
    pub fn size(&mut self, key: &'static str, range: RangeInclusive<u64>, setting: &mut u64) {
        let accepted = format!(
            "a size from {:?} to {:?}, with unit MiB or GiB",
            size::show(*range.start()),
            size::show(*range.end())
        );
        let default = format!("{:?}", size::show(*setting));
        self.value(key, &accepted, &default, setting, |value| {
            size::parse(value.as_str()?).filter(|size| range.contains(size))
        });
    }

    /// A path.
    pub fn path(&mut self, key: &'static str, setting: &mut PathBuf) {
        let default = format!("{setting:?}");
        self.value(key, "the path of a file", &default, setting, |value| {
            let text = value.as_str()?;
            (!text.is_empty() && !text.contains('\0')).then(|| text.into())
        });
    }

    /// A value of any other kind: what is `accepted`, and the `default`, are for people.
    pub fn value<T>(
        &mut self,
        key: &'static str,
        accepted: &str,
        default: &str,
        setting: &mut T,
        read: impl FnOnce(&DeValue<'_>) -> Option<T>,
    ) {
        let Some(found) = self.take(key) else {
            return;
        };
        match read(found.get_ref()) {
            Some(value) => *setting = value,
            None => {
                let quoted = shortened(self.text.get(found.span()).unwrap_or_default());
                let what = format!(
                    "{}{key} cannot be {quoted}, but {accepted}; the default, {default}, is used",
                    self.prefix
                );
                self.report(found.span().start, what);
            }
        }
    }

    /// Every key that has not been asked for. `read` says whether it is one of the `keys` (`Err` if not) and whether its value is
    /// `accepted` (`None` if not); both descriptions are for people.
    pub fn entries(
        &mut self,
        keys: &str,
        accepted: &str,
        mut read: impl FnMut(&str, &DeValue<'_>) -> Result<Option<()>, ()>,
    ) {
        for (key, value) in std::mem::take(&mut self.table) {
            let name = shortened(key.get_ref());
            let (start, what) = match read(key.get_ref(), value.get_ref()) {
                Ok(Some(())) => continue,
                Ok(None) => {
                    let quoted = shortened(self.text.get(value.span()).unwrap_or_default());
                    let what = format!("{}{name} cannot be {quoted}, but {accepted}", self.prefix);
                    (value.span().start, what)
                }
                Err(()) => {
                    let what = format!("there is no setting {}{name}; keys here are {keys}", self.prefix);
                    (key.span().start, what)
                }
            };
            self.report(start, format!("{what}; it is ignored"));
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.table.remove(key)
    }

    /// Whatever nobody has asked for is a mistake.
    fn refuse_the_rest(mut self) {
        for (key, _) in std::mem::take(&mut self.table) {
            let name = key.get_ref();
            let similar = |known: &&&str| strsim::jaro_winkler(known, name) > SIMILAR;
            let meant = self.known.iter().find(similar).map(|known| {
                let prefix = &self.prefix;
                format!(" (is {prefix}{known} meant?)")
            });
            let what = format!(
                "there is no setting {}{}{}; it is ignored",
                self.prefix,
                shortened(name),
                meant.unwrap_or_default()
            );
            self.report(key.span().start, what);
        }
    }

    fn report(&mut self, start: usize, what: String) {
        let line = line_of(self.text, start);
        self.problems.push(Problem::at_line(self.file, line, what));
    }
}

/// The line, counted from 1, of the byte at `position`.
fn line_of(text: &str, position: usize) -> usize {
    let before = text.as_bytes().iter().take(position);
    before.filter(|byte| **byte == b'\n').count() + 1
}

/// What people may see of a text from the file: one line, not too long.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short + "…"
    } else {
        short
    }
}

fn alternatives(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}

/// A TOML integer that fits.
pub fn integer<N: TryFrom<i64>>(value: &DeValue<'_>) -> Option<N> {
    let digits = value.as_integer()?;
    let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok()?;
    N::try_from(number).ok()
}
