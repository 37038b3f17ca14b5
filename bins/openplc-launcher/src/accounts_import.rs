//! Takes over the accounts of an OpenPLC Runtime v4 whose data folder is now ours, so that its users can log in.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::unistd::User;

/// Signing key and pepper, then the table of users: whoever finds the table can rely on its secrets.
const FILES: [&str; 2] = [".env", "restapi.db"];

/// Copies secrets and users from `data` to the API's folder, unless the API has users already. The originals stay. Returns
/// whether there was anything to copy.
///
/// # Errors
/// The error of reading or writing a file.
pub fn import(data: &Path, api: &Path, owner: Option<&User>) -> io::Result<bool> {
    let regular = |path: &Path| fs::symlink_metadata(path).is_ok_and(|file| file.is_file());
    if api.join(FILES[1]).exists() || !FILES.iter().all(|name| regular(&data.join(name))) {
        return Ok(false);
    }
    for name in FILES {
        copy(&data.join(name), api, name, owner)?;
    }
    Ok(true)
}

fn copy(from: &Path, folder: &Path, name: &str, owner: Option<&User>) -> io::Result<()> {
    let temporary = folder.join(format!("{name}.import"));
    let mut target = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()?;
    if let Some(owner) = owner {
        std::os::unix::fs::fchown(&target, Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
    }
    fs::rename(&temporary, folder.join(name))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_taken_over_once_and_completely() {
        let data = tempfile::tempdir().unwrap();
        let api = data.path().join("api");
        fs::create_dir(&api).unwrap();
        assert!(!import(data.path(), &api, None).unwrap());
        fs::write(data.path().join("restapi.db"), "users").unwrap();
        assert!(
            !import(data.path(), &api, None).unwrap(),
            "users without their secrets cannot log in"
        );
        fs::write(data.path().join(".env"), "PEPPER=1").unwrap();
        assert!(import(data.path(), &api, None).unwrap());
        assert_eq!(fs::read_to_string(api.join("restapi.db")).unwrap(), "users");
        assert_eq!(fs::read_to_string(api.join(".env")).unwrap(), "PEPPER=1");
        fs::write(data.path().join("restapi.db"), "other").unwrap();
        assert!(!import(data.path(), &api, None).unwrap());
        assert_eq!(fs::read_to_string(api.join("restapi.db")).unwrap(), "users");
        assert_eq!(fs::read_dir(&api).unwrap().count(), 2);
    }
}
