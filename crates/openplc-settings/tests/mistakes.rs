//! A wrong file costs what is wrong in it, and says so in one line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use openplc_settings::api::Api;
use openplc_settings::compile::Compile;
use openplc_settings::core::{Core, Cpus, Policy};
use openplc_settings::{Loaded, load_from, parse};
use proptest::prelude::*;

fn core(text: &str) -> (Core, Vec<String>) {
    let Loaded { settings, problems } = parse::<Core>(Path::new("/etc/openplc-runtime/core.toml"), text);
    (settings, problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_wrong_value_costs_its_key_only() {
    let (settings, problems) =
        core("[real-time]\npriority = 99\npolicy = \"round-robin\"\ncpus = [1, 0, 1]\n");
    assert_eq!(
        problems,
        [
            "/etc/openplc-runtime/core.toml, line 2: real-time.priority cannot be 99, but a whole number from 1 to 90; the \
          default, 80, is used"
        ]
    );
    assert_eq!(settings.real_time.priority, 80);
    assert_eq!(settings.real_time.policy, Policy::RoundRobin);
    assert_eq!(settings.real_time.cpus, Cpus::Only([0, 1].into()));
}

#[test]
fn every_kind_of_value_tells_what_it_accepts() {
    for (line, accepted, default) in [
        (
            "policy = \"fif\"",
            "\"fifo\", \"round-robin\" or \"other\"",
            "\"fifo\"",
        ),
        ("policy = 1", "\"fifo\", \"round-robin\" or \"other\"", "\"fifo\""),
        ("priority = \"80\"", "a whole number from 1 to 90", "80"),
        (
            "priority = 99999999999999999999999",
            "a whole number from 1 to 90",
            "80",
        ),
        ("priority = 80.5", "a whole number from 1 to 90", "80"),
        ("cpus = []", "\"all\" or a list of processor numbers", "\"all\""),
        (
            "cpus = [1, -1]",
            "\"all\" or a list of processor numbers",
            "\"all\"",
        ),
        (
            "cpus = [1, \"2\"]",
            "\"all\" or a list of processor numbers",
            "\"all\"",
        ),
        (
            "cpus = [100000]",
            "\"all\" or a list of processor numbers",
            "\"all\"",
        ),
        ("lock-memory = \"yes\"", "true or false", "true"),
    ] {
        let (settings, problems) = core(&format!("[real-time]\n\n{line}"));
        assert_eq!(settings, Core::default(), "{line}");
        let [problem] = problems.as_slice() else {
            panic!("{line}: {problems:?}")
        };
        let default = format!("the default, {default}, is used");
        assert!(problem.contains("core.toml, line 3: real-time."), "{problem}");
        assert!(
            problem.contains(accepted) && problem.ends_with(&default),
            "{problem}"
        );
    }
    let api = parse::<Api>(Path::new("api.toml"), "exit-when-idle = 600\n[tls]\nkey = \"\"");
    assert_eq!(api.settings, Api::default());
    let [idle, key] = api.problems.as_slice() else {
        panic!("{:?}", api.problems)
    };
    assert!(
        idle.to_string()
            .contains("a time from \"0s\" to \"1d\", with unit ms, s, min, h or d"),
        "{idle}"
    );
    assert!(key.to_string().contains("the path of a file"), "{key}");
    let compile = parse::<Compile>(Path::new("compile.toml"), "jobs = 0\nmemory-limit = \"1MiB\"");
    assert_eq!(compile.settings, Compile::default());
    let [jobs, memory] = compile.problems.as_slice() else {
        panic!("{:?}", compile.problems)
    };
    assert!(
        memory.to_string().contains("a size from \"512MiB\" to \"64GiB\""),
        "{memory}"
    );
    assert!(
        jobs.to_string()
            .contains("\"auto\" or a whole number from 1 to 64"),
        "{jobs}"
    );
}

#[test]
fn unknown_keys_are_named_with_what_may_be_meant() {
    let (settings, problems) =
        core("prio = 3\nlog-levl = \"debug\"\n[real-time]\nprioritiy = 10\n[realtime]\n");
    assert_eq!(settings, Core::default());
    assert_eq!(
        problems,
        [
            "/etc/openplc-runtime/core.toml, line 1: there is no setting prio; it is ignored",
            "/etc/openplc-runtime/core.toml, line 2: there is no setting log-levl (is log-level meant?); it is ignored",
            "/etc/openplc-runtime/core.toml, line 4: there is no setting real-time.prioritiy (is real-time.priority \
             meant?); it is ignored",
            "/etc/openplc-runtime/core.toml, line 5: there is no setting realtime (is real-time meant?); it is ignored",
        ]
    );
}

#[test]
fn a_table_must_be_one() {
    let (settings, problems) = core("real-time = 80");
    assert_eq!(settings, Core::default());
    assert!(
        problems[0].contains("line 1: real-time is a table, [real-time]"),
        "{problems:?}"
    );
    assert_eq!(problems.len(), 1);
}

#[test]
fn a_file_that_is_no_toml_leaves_every_default() {
    for text in [
        "[real-time]\npriority = 10\npolicy = fifo\n",
        "[real-time]\npriority = 10\npriority = 11\n",
    ] {
        let (settings, problems) = core(text);
        assert_eq!(settings, Core::default());
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains("core.toml, line 3: this is no TOML ("),
            "{problems:?}"
        );
        assert!(
            problems[0].ends_with("every setting has its default"),
            "{problems:?}"
        );
    }
}

#[test]
fn a_file_may_be_absent_but_not_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(load_from::<Core>(folder.path()).problems, []);
    let file = folder.path().join("core.toml");
    fs::write(&file, [0xff, 0xfe]).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let loaded = load_from::<Core>(folder.path());
    assert_eq!(loaded.settings, Core::default());
    assert!(
        loaded.problems[0].to_string().contains("cannot be read"),
        "{:?}",
        loaded.problems
    );
}

proptest! {
    #[test]
    fn nothing_in_a_file_breaks_a_process(text in "\\PC*", key in "(priority|cpus|policy|lock-memory|[a-z.\"]{0,8})") {
        let file = format!("[real-time]\n{key} = {text}");
        for line in core(&file).1.into_iter().chain(core(&text).1) {
            prop_assert!(line.lines().count() == 1, "{line}");
        }
    }
}
