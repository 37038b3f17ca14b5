//! The file `.env`: the key that signs tokens and the pepper of password hashes.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::secret_file;

/// Hexadecimal digits in a secret.
const DIGITS: usize = 64;

/// Why the secrets cannot be used. Accounts depend on them, so nothing is ever made anew over an existing file.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// The file cannot be read or made.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// A secret is missing or is not 64 hexadecimal digits.
    #[error(
        "{path} has no usable {key} (64 hexadecimal digits). Without it no existing password or token can be checked. \
         Restore the file from a backup; or, to start afresh without any account, remove it together with restapi.db"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The secret.
        key: &'static str,
    },
    /// There are accounts whose pepper is lost.
    #[error(
        "{path} is missing although there are accounts whose passwords depend on it. Restore it from a backup; or, to \
         start afresh without any account, remove restapi.db"
    )]
    Lost {
        /// The file.
        path: PathBuf,
    },
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

/// What only this installation knows.
pub struct Secrets {
    /// Key of the tokens' signatures. The text itself is the key, as in OpenPLC Runtime v4.
    pub token_key: String,
    /// Text that is appended to each password before it is hashed.
    pub pepper: String,
}

impl Secrets {
    /// Reads the file at `path`, or makes it when there is none and `may_create` allows it. `database` is written into
    /// a new file, for OpenPLC Runtime v4.
    pub fn load(path: &Path, database: &Path, may_create: bool) -> Result<Self, SecretsError> {
        let failure = |source| SecretsError::File {
            path: path.to_owned(),
            source,
        };
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|key| SecretsError::Damaged {
                path: path.to_owned(),
                key,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !may_create => Err(SecretsError::Lost {
                path: path.to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secrets = Self {
                    token_key: random_digits()?,
                    pepper: random_digits()?,
                };
                secret_file::write(path, secrets.render(database).as_bytes()).map_err(failure)?;
                Ok(secrets)
            }
            Err(error) => Err(failure(error)),
        }
    }

    fn render(&self, database: &Path) -> String {
        format!(
            "SQLALCHEMY_DATABASE_URI=sqlite:///{}\nJWT_SECRET_KEY={}\nPEPPER={}\n",
            database.display(),
            self.token_key,
            self.pepper
        )
    }

    /// The secrets in `text`, or the name of the one that is missing or damaged.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let secret = |key: &'static str| {
            text.lines()
                .filter_map(assignment)
                // The last assignment counts, as in a shell.
                .rfind(|(name, _)| *name == key)
                .map(|(_, value)| value.to_owned())
                .filter(|value| value.len() == DIGITS && value.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .ok_or(key)
        };
        Ok(Self {
            token_key: secret("JWT_SECRET_KEY")?,
            pepper: secret("PEPPER")?,
        })
    }
}

/// Name and value of a line `[export] NAME = VALUE [# comment]`, where the value may stand in quotes.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().trim_start_matches('\u{feff}');
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let value = value.trim();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
        _ => value.split(" #").next().unwrap_or_default().trim_end(),
    };
    Some((name.trim(), value))
}

/// Fresh random bytes as 64 hexadecimal digits.
fn random_digits() -> Result<String, SecretsError> {
    let mut bytes = [0; DIGITS / 2];
    getrandom::fill(&mut bytes).map_err(SecretsError::Random)?;
    Ok(hex(&bytes))
}

/// Lower case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const PEPPER: &str = "FEDCBA9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    #[test]
    fn files_are_read_as_they_are_found_in_the_field() {
        for text in [
            format!(
                "FLASK_ENV=development\nSQLALCHEMY_DATABASE_URI=sqlite:////x/restapi.db\nJWT_SECRET_KEY={KEY}\nPEPPER={PEPPER}\n"
            ),
            format!("export JWT_SECRET_KEY=\"{KEY}\"\r\nexport PEPPER='{PEPPER}'\r\n"),
            format!(
                "# secrets\n\n  JWT_SECRET_KEY = {KEY}   # the key\nPEPPER =  '{PEPPER}' # mine\nnonsense\n"
            ),
            format!("JWT_SECRET_KEY=short\nPEPPER={PEPPER}\nJWT_SECRET_KEY={KEY}"),
        ] {
            let secrets = Secrets::parse(&text).unwrap_or_else(|key| panic!("{key} in {text}"));
            assert_eq!(
                (secrets.token_key.as_str(), secrets.pepper.as_str()),
                (KEY, PEPPER),
                "{text}"
            );
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        for text in [
            "",
            "PEPPER=\n",
            &format!("JWT_SECRET_KEY={KEY}\nPEPPER={}", &PEPPER[1..]),
            "\0\u{1}garbage",
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Secrets::load(&path, Path::new("/x/restapi.db"), true)
                .err()
                .unwrap();
            assert!(error.to_string().contains("backup"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_new_file_reads_back_and_is_secret() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        let made = Secrets::load(&path, Path::new("/x/restapi.db"), true).unwrap();
        let read = Secrets::load(&path, Path::new("/x/restapi.db"), true).unwrap();
        assert_eq!((&made.token_key, &made.pepper), (&read.token_key, &read.pepper));
        assert_ne!(made.token_key, made.pepper);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .contains("SQLALCHEMY_DATABASE_URI=sqlite:////x/restapi.db\n")
        );
    }

    #[test]
    fn secrets_are_not_made_anew_under_existing_accounts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".env");
        assert!(matches!(
            Secrets::load(&path, Path::new("/x"), false),
            Err(SecretsError::Lost { .. })
        ));
        assert!(!path.exists());
    }
}
