//! Where a password comes from.

use std::io::BufRead;

use anyhow::Context;

use crate::failure::Failure;

/// The password: from standard input if `from_stdin`, else from `OPENPLC_PASSWORD`, else asked for without echo, twice if
/// it is a new one.
///
/// # Errors
/// When there is none.
pub fn obtain(from_stdin: bool, new: bool) -> Result<String, Failure> {
    if from_stdin {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .context("Cannot read the password from standard input")?;
        let password = line.trim_end_matches(['\r', '\n']).to_owned();
        return if password.is_empty() {
            Err(Failure::Refused("There is no password on standard input".into()))
        } else {
            Ok(password)
        };
    }
    if let Ok(password) = std::env::var("OPENPLC_PASSWORD") {
        return Ok(password);
    }
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt).context(
            "Cannot ask for the password without a terminal: use --password-stdin or OPENPLC_PASSWORD",
        )
    };
    let password = ask("Password: ")?;
    if new && ask("Password again: ")? != password {
        return Err(Failure::Refused("The two passwords differ".into()));
    }
    Ok(password)
}
