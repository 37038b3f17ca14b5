//! Where data and sockets are kept.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::unistd::{Gid, Uid, User, getegid, geteuid};

use crate::identity::Identities;

/// Sockets of an installation, and the folder that OpenPLC Runtime v4 documents as the volume of its container.
const RUNTIME_FOLDER: &str = "/run/runtime";
/// Sockets where that volume can only be read.
const SPARE_RUNTIME_FOLDER: &str = "/run/openplc-runtime";
/// As `RuntimeDirectory=` of the core's unit.
const CORE_RUNTIME_FOLDER: &str = "/run/openplc-core";
const LOCK: &str = "launcher.lock";
const SYSTEM_DATA: &str = "/var/lib/openplc-runtime";
const SYSTEM_SETTINGS: &str = "/etc/openplc-runtime";
/// Longest path of a Unix socket: the size of `sun_path` less the final zero.
const LONGEST_SOCKET_PATH: usize = 107;

/// The folders of one installation. On the volume of a container data and sockets share one, so every name is there once.
#[derive(Debug, PartialEq, Eq)]
pub struct Places {
    /// One folder for each service's own data.
    pub data: PathBuf,
    /// Sockets and what does not outlive the launcher.
    pub run: PathBuf,
    /// Settings files, if there are any.
    pub settings: PathBuf,
}

impl Places {
    /// The folders that the command line or the environment asks for.
    ///
    /// # Errors
    /// When no folder can be derived, or a socket in it would have too long a path.
    pub fn choose(data: Option<PathBuf>, settings: Option<PathBuf>, root: bool) -> Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let variable = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let of_the_user = |name: &str, below_home: &str| {
            let folder = variable(name).or_else(|| variable("HOME").map(|home| home.join(below_home)));
            folder.map(|folder| folder.join("openplc-runtime"))
        };
        let absolute = |path: PathBuf| {
            std::path::absolute(&path).with_context(|| format!("{} is no usable folder", path.display()))
        };
        let mut places = match (data.map(absolute).transpose()?, root) {
            (Some(data), _) => Self {
                run: data.join("run"),
                settings: data.join("etc"),
                data,
            },
            (None, true) => Self {
                data: if is_mounted(RUNTIME_FOLDER, &mounts) {
                    RUNTIME_FOLDER
                } else {
                    SYSTEM_DATA
                }
                .into(),
                run: if is_read_only(Path::new(RUNTIME_FOLDER)) {
                    SPARE_RUNTIME_FOLDER
                } else {
                    RUNTIME_FOLDER
                }
                .into(),
                settings: SYSTEM_SETTINGS.into(),
            },
            (None, false) => {
                let data = of_the_user("XDG_STATE_HOME", ".local/state")
                    .context("HOME is not set: say where to keep data with --data DIR")?;
                Self {
                    run: data.join("run"),
                    settings: of_the_user("XDG_CONFIG_HOME", ".config").unwrap_or_else(|| data.join("etc")),
                    data,
                }
            }
        };
        if let Some(settings) = settings {
            places.settings = absolute(settings)?;
        }
        let longest = places.core_socket();
        if longest.as_os_str().len() > LONGEST_SOCKET_PATH {
            bail!(
                "The path of the socket {} is longer than the {LONGEST_SOCKET_PATH} bytes that Linux allows: \
                 choose a shorter folder with --data DIR",
                longest.display()
            );
        }
        Ok(places)
    }

    /// What is to be said where the volume of a container can only be read.
    pub fn warning(&self) -> Option<String> {
        (self.run == Path::new(SPARE_RUNTIME_FOLDER)).then(|| {
            format!(
                "{RUNTIME_FOLDER} cannot be written: the PLC does what it was commanded last, and nothing new is kept. \
                 The sockets are in {SPARE_RUNTIME_FOLDER}"
            )
        })
    }

    /// Control socket of the core.
    pub fn core_socket(&self) -> PathBuf {
        self.run.join("plc_runtime.socket")
    }

    /// Each connection to this socket is one build.
    pub fn compile_socket(&self) -> PathBuf {
        self.run.join("compile.socket")
    }

    /// Where plugins come for the process image.
    pub fn image_socket(&self) -> PathBuf {
        self.run.join("image.socket")
    }

    /// Where the core publishes the configurations of plugins.
    pub fn plugin_folder(&self) -> PathBuf {
        self.run.join("plugins")
    }

    /// Accounts, secrets and certificate.
    pub fn api_state(&self) -> PathBuf {
        self.data.join("api")
    }

    /// Programs, and what was commanded last.
    pub fn core_state(&self) -> PathBuf {
        self.data.join("core")
    }

    /// One folder for each build that is under way.
    pub fn builds(&self) -> PathBuf {
        self.run.join("builds")
    }

    /// What the core makes and nobody misses later: the first of these folders that can be made. In a container rather beside the
    /// volume than on it, because a fault must be recorded somewhere when the volume is full or fails.
    pub fn core_transient(&self) -> Vec<PathBuf> {
        let shared = [RUNTIME_FOLDER, SPARE_RUNTIME_FOLDER]
            .iter()
            .any(|folder| self.run == Path::new(folder));
        let beside = shared.then(|| PathBuf::from(CORE_RUNTIME_FOLDER));
        beside
            .into_iter()
            .chain([self.run.join("core-transient")])
            .collect()
    }

    /// What plugins keep.
    pub fn plugin_state(&self) -> PathBuf {
        self.data.join("plugin-state")
    }

    /// Python environments of plugins.
    pub fn venvs(&self) -> PathBuf {
        self.data.join("venvs")
    }

    /// Where services report READY.
    pub fn notify_socket(&self) -> PathBuf {
        self.run.join("notify.socket")
    }

    /// Creates the two folders, and makes sure that no other launcher uses them: keep the returned file open.
    ///
    /// # Errors
    /// When a folder cannot be created or is in use.
    pub fn prepare(&self, identities: &Identities) -> Result<File> {
        for folder in [&self.data, &self.run] {
            open_to_group(folder, identities.group)
                .with_context(|| format!("Cannot use the folder {}", folder.display()))?;
        }
        let folder = self
            .warning()
            .map_or(self.run.as_path(), |_| Path::new(RUNTIME_FOLDER));
        let path = folder.join(LOCK);
        let lock = open_lock(&path).with_context(|| format!("Cannot create {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => bail!(
                "Another launcher is using {}: stop it, or choose another folder with --data DIR",
                folder.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("Cannot lock {}", path.display()))
            }
        }
    }
}

/// Creates a folder that only we can list, and `group`; plugins, which are in no group of ours, pass through. One that exists is
/// left as it is, as far as that goes: it may be anything that the user named.
fn open_to_group(folder: &Path, group: Option<Gid>) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mode = fs::metadata(folder)?.permissions().mode();
    match group {
        Some(group) if mode & 0o001 == 0 => {
            std::os::unix::fs::chown(folder, None, Some(group.as_raw()))?;
            fs::set_permissions(folder, Permissions::from_mode(mode & 0o7777 | 0o051))
        }
        _ => Ok(()),
    }
}

/// Also a file that can only be read can be locked.
fn open_lock(path: &Path) -> io::Result<File> {
    File::create(path).or_else(|error| match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => File::open(path),
        _ => Err(error),
    })
}

/// Whether this is a file system that can only be read; one that had to be switched to that does not show it otherwise.
fn is_read_only(folder: &Path) -> bool {
    File::create(folder.join(LOCK)).is_err_and(|error| error.kind() == io::ErrorKind::ReadOnlyFilesystem)
}

/// A folder that only its owner can enter: `owner`, or ourselves. What an earlier run left there for another user is
/// handed over.
///
/// # Errors
/// The error of `mkdir(2)`, `chmod(2)` or `chown(2)`.
pub fn private_folder(path: &Path, owner: Option<&User>) -> io::Result<()> {
    let (uid, gid) = owner.map_or_else(|| (geteuid(), getegid()), |user| (user.uid, user.gid));
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    if fs::symlink_metadata(path)?.uid() != uid.as_raw() {
        hand_over(path, uid, gid)?;
    }
    set_mode(path, 0o700)
}

/// A folder that everybody may pass through, and only we list.
///
/// # Errors
/// The error of `mkdir(2)` or `chmod(2)`.
pub fn passage(path: &Path) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o711).create(path)?;
    set_mode(path, 0o711)?;
    Ok(path.to_owned())
}

/// Changes nothing where nothing has to be changed, so that this works where nothing can be.
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    if fs::metadata(path)?.permissions().mode() & 0o7777 == mode {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// An empty folder that `owner` writes and members of `group` read, with every file made in it.
///
/// # Errors
/// The error of `unlink(2)`, `mkdir(2)`, `chown(2)` or `chmod(2)`.
pub fn shared_folder(path: &Path, owner: Option<&User>, group: Option<Gid>) -> io::Result<()> {
    remove_folder(path)?;
    DirBuilder::new().mode(0o700).create(path)?;
    std::os::unix::fs::chown(path, owner.map(|user| user.uid.as_raw()), group.map(Into::into))?;
    fs::set_permissions(path, Permissions::from_mode(0o2750))
}

/// Empties and removes a folder that may not be there.
///
/// # Errors
/// The error of `unlink(2)`.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn hand_over(path: &Path, uid: Uid, gid: Gid) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            hand_over(&entry?.path(), uid, gid)?;
        }
    }
    // The folder itself last: if this is interrupted, it is done again.
    std::os::unix::fs::lchown(path, Some(uid.as_raw()), Some(gid.as_raw()))
}

/// Whether `mounts`, in the form of `/proc/self/mountinfo`, has something mounted on exactly this folder.
fn is_mounted(folder: &str, mounts: &str) -> bool {
    mounts.lines().any(|line| line.split(' ').nth(4) == Some(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_folder_holds_data_and_sockets() {
        let places = Places::choose(Some("/srv/plc".into()), None, true).unwrap();
        assert_eq!(
            places,
            Places {
                data: "/srv/plc".into(),
                run: "/srv/plc/run".into(),
                settings: "/srv/plc/etc".into()
            }
        );
        let elsewhere = Places::choose(Some("/srv/plc".into()), Some("/srv/settings".into()), true).unwrap();
        assert_eq!(elsewhere.settings, Path::new("/srv/settings"));
        let system = Places::choose(None, None, true).unwrap();
        assert_eq!(system.settings, Path::new(SYSTEM_SETTINGS));
    }

    #[test]
    fn no_two_things_have_the_same_place_where_data_and_sockets_share_a_folder() {
        let volume = Path::new(RUNTIME_FOLDER);
        let places = Places {
            data: volume.into(),
            run: volume.into(),
            settings: SYSTEM_SETTINGS.into(),
        };
        let all = [
            places.api_state(),
            places.core_state(),
            places.builds(),
            places.plugin_folder(),
            places.plugin_state(),
            places.venvs(),
        ];
        let all = [&all[..], &places.core_transient()].concat();
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:?}");
    }

    #[test]
    fn a_folder_too_deep_for_sockets_is_refused_in_words() {
        let error = Places::choose(Some(format!("/{}", "x".repeat(100)).into()), None, false).unwrap_err();
        assert!(error.to_string().contains("--data DIR"), "{error}");
    }

    #[test]
    fn a_volume_is_a_mount_on_exactly_that_folder() {
        let line = |point: &str| format!("36 35 98:0 / {point} rw,noatime shared:1 - ext4 /dev/sda1 rw");
        assert!(is_mounted(
            RUNTIME_FOLDER,
            &format!("{}\n{}", line("/"), line("/run/runtime"))
        ));
        assert!(!is_mounted(
            RUNTIME_FOLDER,
            &format!("{}\n{}", line("/run"), line("/run/runtime/x"))
        ));
    }

    #[test]
    fn a_folder_of_the_user_keeps_its_mode_and_ours_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let places = Places::choose(Some(folder.path().to_owned()), None, false).unwrap();
        places.prepare(&Identities::default()).unwrap();
        assert_eq!(mode(folder.path()), 0o755);
        assert_eq!(mode(&places.run), 0o700);
        let api = folder.path().join("api");
        fs::create_dir(&api).unwrap();
        private_folder(&api, None).unwrap();
        assert_eq!(mode(&api), 0o700);
    }

    #[test]
    fn two_launchers_cannot_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::choose(Some(folder.path().to_owned()), None, false).unwrap();
        let identities = Identities::default();
        let lock = places.prepare(&identities).unwrap();
        assert!(
            places
                .prepare(&identities)
                .unwrap_err()
                .to_string()
                .contains("Another launcher")
        );
        drop(lock);
        places.prepare(&identities).unwrap();
    }
}
