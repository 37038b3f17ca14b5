//! How much memory a build may use. To be asked before the sandbox is closed, inside of which neither `/proc` nor `/sys` is to be seen.

use std::fs;
use std::path::Path;

use nix::sys::sysinfo::sysinfo;

/// Bytes that are free or can be freed, and no more than the computer has and the control groups of this process allow; `None` where the
/// system says nothing.
pub fn available() -> Option<u64> {
    let computer = sysinfo().ok().map(|memory| memory.ram_total());
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = least_of_groups(&groups, Path::new("/sys/fs/cgroup"));
    [computer, free(), group].into_iter().flatten().min()
}

/// A unit may hide this file.
fn free() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// The least limit of `groups`, as `/proc/self/cgroup` names them, and of those around them; control groups are mounted at `mount`.
fn least_of_groups(groups: &str, mount: &Path) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let (folder, file) = match controllers {
            "" => (mount.to_owned(), "memory.max"),
            "memory" => (mount.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        let path = Path::new(path.trim_start_matches('/'));
        let limit = |group: &Path| {
            let text = fs::read_to_string(folder.join(group).join(file)).ok()?;
            text.trim().parse::<u64>().ok()
        };
        path.ancestors().filter_map(limit).min()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(mount: &Path, file: &str, limit: &str) {
        let path = mount.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{limit}\n")).unwrap();
    }

    #[test]
    fn something_is_available_on_every_computer() {
        assert!(available().unwrap() > 1 << 20);
    }

    #[test]
    fn the_least_limit_of_all_groups_counts() {
        let place = tempfile::tempdir().unwrap();
        let mount = place.path();
        let groups = "0::/system.slice/builds/one.service\n";
        assert_eq!(least_of_groups(groups, mount), None);
        write(mount, "system.slice/builds/one.service/memory.max", "max");
        assert_eq!(least_of_groups(groups, mount), None);
        write(mount, "system.slice/builds/memory.max", "2147483648");
        assert_eq!(least_of_groups(groups, mount), Some(2 << 30));
        write(mount, "system.slice/builds/one.service/memory.max", "4294967296");
        assert_eq!(least_of_groups(groups, mount), Some(2 << 30));
        // In a container the group of the container is the root.
        write(mount, "memory.max", "1073741824");
        assert_eq!(least_of_groups("0::/\n", mount), Some(1 << 30));
    }

    #[test]
    fn control_groups_of_version_1_are_known_too() {
        let place = tempfile::tempdir().unwrap();
        write(place.path(), "memory/a.slice/memory.limit_in_bytes", "1048576");
        write(place.path(), "pids/a.slice/memory.limit_in_bytes", "1");
        let groups = "9:pids:/a.slice\n4:memory:/a.slice\n0::/a.slice\n";
        assert_eq!(least_of_groups(groups, place.path()), Some(1 << 20));
        assert_eq!(least_of_groups("rubbish\n4:memory\n", place.path()), None);
    }
}
