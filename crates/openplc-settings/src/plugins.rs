//! `plugins.conf`: plugins that the administrator has installed by hand, in the format of OpenPLC Runtime v4.
//!
//! A line for each plugin, `name,path,enabled,type,config_path,venv_path,layout`, of which the last two may be absent. Empty
//! lines and those that begin with `#` mean nothing. Relative paths begin at the folder of the file.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::Problem;

/// Name of the file.
pub const FILE: &str = "plugins.conf";
/// Longest name of a plugin, in bytes.
const MAX_NAME: usize = 64;

/// One plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The Python file, the shared object or the program.
    pub path: PathBuf,
    /// Whether it works with every program; otherwise with those that bring a configuration for it.
    pub enabled: bool,
    /// What it is.
    pub kind: Kind,
    /// Its configuration, where the program brings none.
    pub configuration: Option<PathBuf>,
    /// Its Python environment.
    pub environment: Option<PathBuf>,
    /// The structure that a native or Python plugin expects.
    pub layout: AbiLayout,
}

/// Kinds of plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `0`: a Python file for OpenPLC Runtime v4.
    Python,
    /// `1`: a shared object for OpenPLC Runtime v4.
    Native,
    /// `2`: a program of its own.
    Program,
}

/// Versions of the structure that OpenPLC Runtime v4 hands to its plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AbiLayout {
    /// The newest.
    #[default]
    Newest,
    /// `2026-01`, that of OpenPLC Runtime 4.0, with a mutex and the functions of the flat debugger.
    January2026,
}

/// Reads the file in this folder: no entries where there is none.
#[must_use]
pub fn load_from(directory: &Path) -> (Vec<Entry>, Vec<Problem>) {
    let path = directory.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => parse(&path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), Vec::new()),
        Err(error) => {
            let what = format!("it cannot be read ({error}); no plugin of it is used");
            (Vec::new(), vec![Problem::of_file(&path, what)])
        }
    }
}

/// The entries of `text`, the content of `path`, and what is wrong with the others.
#[must_use]
pub fn parse(path: &Path, text: &str) -> (Vec<Entry>, Vec<Problem>) {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let (mut entries, mut problems) = (Vec::<Entry>::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = entry(folder, line).and_then(|entry| {
            if entries.iter().any(|other| other.name == entry.name) {
                return Err("a plugin of this name is there already");
            }
            Ok(entry)
        });
        match entry {
            Ok(entry) => entries.push(entry),
            Err(why) => {
                let what = format!("{why}; this plugin is not used");
                problems.push(Problem::at_line(path, index + 1, what));
            }
        }
    }
    (entries, problems)
}

fn entry(folder: &Path, line: &str) -> Result<Entry, &'static str> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let (required, optional) = match fields.as_slice() {
        [name, path, enabled, kind, rest @ ..] if rest.len() <= 3 => ([*name, *path, *enabled, *kind], rest),
        _ => return Err("a plugin looks like name,path,enabled,type,config_path,venv_path"),
    };
    let [name, path, enabled, kind] = required;
    if !is_name(name) {
        return Err("a plugin's name has letters, digits, dots, hyphens and underscores only, at most 64");
    }
    if path.is_empty() {
        return Err("the plugin's path is missing");
    }
    let place = |index: usize| {
        let given: Option<&&str> = optional.get(index).filter(|text| !text.is_empty());
        given.map(|text| folder.join(text))
    };
    Ok(Entry {
        name: name.to_owned(),
        path: folder.join(path),
        enabled: match enabled {
            "0" => false,
            "1" => true,
            _ => return Err("enabled is 0 or 1"),
        },
        kind: match kind {
            "0" => Kind::Python,
            "1" => Kind::Native,
            "2" => Kind::Program,
            _ => return Err("type is 0 (Python), 1 (native) or 2 (program)"),
        },
        configuration: place(0),
        environment: place(1),
        layout: match optional.get(2) {
            None | Some(&"") => AbiLayout::Newest,
            Some(&"2026-01") => AbiLayout::January2026,
            Some(_) => return Err("the layout is 2026-01, or absent for the newest"),
        },
    })
}

/// Whether this is safe as the name of a file.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= MAX_NAME && !name.starts_with('.') && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Vec<Entry>, Vec<String>) {
        let (entries, problems) = parse(Path::new("/etc/x/plugins.conf"), text);
        (entries, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn lines_of_openplc_runtime_v4_are_understood() {
        let (entries, problems) = parsed(
            "# comment\n\nmine,plugins/mine.py,1,0,./mine.json,venvs/mine\nraw,/opt/raw.so,0,1,\nold,o.so,1,1,,,2026-01\n",
        );
        assert!(problems.is_empty(), "{problems:?}");
        let mine = &entries[0];
        assert_eq!(
            (mine.name.as_str(), mine.enabled, mine.kind),
            ("mine", true, Kind::Python)
        );
        assert_eq!(mine.path, Path::new("/etc/x/plugins/mine.py"));
        assert_eq!(
            mine.configuration.as_deref(),
            Some(Path::new("/etc/x/./mine.json"))
        );
        assert_eq!(mine.environment.as_deref(), Some(Path::new("/etc/x/venvs/mine")));
        let raw = &entries[1];
        assert_eq!((raw.enabled, raw.kind), (false, Kind::Native));
        assert_eq!(raw.path, Path::new("/opt/raw.so"));
        assert_eq!((&raw.configuration, &raw.environment), (&None, &None));
        assert_eq!(entries[2].layout, AbiLayout::January2026);
    }

    #[test]
    fn a_wrong_line_costs_itself_only() {
        let (entries, problems) = parsed(
            "a,p,1,0\n../b,p,1,0\nc,p\nd,p,yes,0\ne,p,1,9\nf,,1,0\na,p,1,0\ng,p,1,1,,,1999\nh,p,1,1,,,,,\nz,p,1,2\n",
        );
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["a", "z"]);
        assert_eq!(problems.len(), 8, "{problems:?}");
        assert!(
            problems[0].starts_with("/etc/x/plugins.conf, line 2: "),
            "{}",
            problems[0]
        );
    }
}
