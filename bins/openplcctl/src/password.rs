//! Where a password comes from.

use std::io::BufRead;

use anyhow::Context;

use crate::failure::Failure;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To log in.
    Login,
    /// Of the first user, who is about to be made and to log in.
    First,
    /// The one that is to be replaced.
    Current,
    /// One that is to be valid from now on.
    New,
}

/// The password: the next line of standard input if `from_stdin`, else from `OPENPLC_PASSWORD`, which is
/// never taken for the new password of an account, else asked for without echo, twice if it is a new one.
///
/// # Errors
/// When there is none.
pub fn obtain(from_stdin: bool, asked: Asked) -> Result<String, Failure> {
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
    if asked != Asked::New
        && let Ok(password) = std::env::var("OPENPLC_PASSWORD")
    {
        return Ok(password);
    }
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt).context(
            "Cannot ask for the password without a terminal: use --password-stdin or OPENPLC_PASSWORD",
        )
    };
    let password = ask(match asked {
        Asked::Login | Asked::First => "Password: ",
        Asked::Current => "Current password: ",
        Asked::New => "New password: ",
    })?;
    if matches!(asked, Asked::First | Asked::New) && ask("The same again: ")? != password {
        return Err(Failure::Refused("The two passwords differ".into()));
    }
    Ok(password)
}
