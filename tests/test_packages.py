"""The .deb and the .rpm hold the same, with the right owners, modes, configuration files, dependencies and scripts.

What they do when they are installed is tested on a booted Debian 12, for the .deb only: tests/booted/test_package.py.
"""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from harness.runtime import BINARIES, REPOSITORY

PACKAGES = REPOSITORY / "tests" / "packages"
UNITS = REPOSITORY / "systemd"
CONFIGURATION = "/etc/openplc-runtime"
# Where the .deb has what the .rpm has elsewhere.
PLACES = {
    "/lib/systemd/": "/usr/lib/systemd/",
    "/usr/lib/openplc-runtime/": "/usr/libexec/openplc-runtime/",
    "/usr/share/zsh/vendor-completions/": "/usr/share/zsh/site-functions/",
}
# What only one of them has, by its distribution's customs.
CUSTOMS = re.compile(r"/usr/share/(doc|licenses|lintian)/|/usr/lib/\.build-id(/|$)")


def made(kind, folder, *tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        pytest.skip(f"no .{kind} can be made: {', '.join(missing)} not installed")
    done = subprocess.run([PACKAGES / f"make-{kind}", BINARIES, folder], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (package,) = folder.glob(f"*.{kind}")
    return package


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    return made("deb", tmp_path_factory.mktemp("deb") / "package", "dh", "dpkg-buildpackage")


@pytest.fixture(scope="module")
def rpm(tmp_path_factory):
    return made("rpm", tmp_path_factory.mktemp("rpm") / "package", "rpmbuild")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def query(rpm, *options):
    return output("rpm", "--query", "--package", *options, rpm)


def files_of_deb(deb):
    lines = [line.split(maxsplit=5) for line in output("dpkg-deb", "--contents", deb).splitlines()]
    return {line[5].removeprefix(".") for line in lines if not line[5].endswith("/")}


def as_in_the_rpm(path):
    for here, there in PLACES.items():
        if path.startswith(here):
            return there + path.removeprefix(here)
    return path


def directories(rpm):
    names = query(rpm, "--queryformat", "[%{FILEMODES:octal} %{FILENAMES}\\n]").splitlines()
    return {name for mode, name in (line.split() for line in names) if stat.S_ISDIR(int(mode, 8))}


def scripts(rpm):
    """The commands of each script."""
    parts = re.split(r"^(\w+) scriptlet.*\n", query(rpm, "--scripts"), flags=re.MULTILINE)[1:]
    return {
        name: [line.split() for line in text.splitlines() if line and not line.startswith("#")]
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_both_hold_the_same_files(deb, rpm):
    of_deb = {as_in_the_rpm(path).removesuffix(".gz") for path in files_of_deb(deb) if not CUSTOMS.match(path)}
    of_rpm = {path.removesuffix(".gz") for path in query(rpm, "--list").splitlines() if not CUSTOMS.match(path)}
    # The link to the place that units and launcher name.
    assert of_rpm - directories(rpm) - of_deb == {"/usr/lib/openplc-runtime"}
    assert of_deb - of_rpm == set()


def test_both_explain_themselves(deb, rpm):
    of_deb = {Path(path).name.removesuffix(".gz") for path in files_of_deb(deb) if path.startswith("/usr/share/doc/")}
    of_rpm = {Path(path).name for path in query(rpm, "--docfiles").splitlines()}
    for name in ("README.md", "operations.md", "openapi.yaml"):
        assert name in of_deb and name in of_rpm
    assert "copyright" in of_deb and "LICENSE" in query(rpm, "--licensefiles")


def test_every_unit_is_in_both(deb, rpm):
    names = {path.name for path in UNITS.iterdir() if path.suffix in (".service", ".socket", ".path", ".target")}
    for paths in (files_of_deb(deb), query(rpm, "--list").splitlines()):
        assert {Path(path).name for path in paths if "/systemd/system/" in path} == names


def test_what_an_administrator_changed_is_kept(deb, rpm, tmp_path):
    settings = {f"{CONFIGURATION}/{path.name}" for path in (REPOSITORY / "etc" / "openplc-runtime").iterdir()}
    assert set(query(rpm, "--configfiles").split()) == settings
    flags = query(rpm, "--queryformat", "[%{FILEFLAGS:fflags} %{FILENAMES}\\n]").splitlines()
    assert {line.split()[-1] for line in flags if line.startswith("cn ")} == settings, "noreplace"
    assert set(output("dpkg-deb", "--info", deb, "conffiles").split()) == settings


def test_owners_and_modes(deb, rpm):
    """Nothing belongs to anybody but root, nothing is setuid, and programs alone are executable."""
    for line in output("dpkg-deb", "--contents", deb).splitlines():
        mode, owner, name = line.split(maxsplit=5)[0], line.split()[1], line.split(maxsplit=5)[5]
        assert owner == "root/root", line
        assert mode in ("drwxr-xr-x", "-rwxr-xr-x" if is_program(name) else "-rw-r--r--"), line
    format = "[%{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\\n]"
    for line in query(rpm, "--queryformat", format).splitlines():
        mode, user, group, name = line.split()
        assert (user, group) == ("root", "root"), line
        link = name == "/usr/lib/openplc-runtime" or "/.build-id/" in name
        expected = 0o120777 if link else 0o100755 if is_program(name) else 0o100644
        assert int(mode, 8) in (expected, 0o040755), line


def is_program(path):
    return re.search(r"/(bin|lib/openplc-runtime|libexec/openplc-runtime)/", path) and not path.endswith((".so", "/"))


def test_what_they_depend_on(deb, rpm):
    control = output("dpkg-deb", "--field", deb, "Depends", "Recommends")
    assert "g++" in control and "libc6" in control
    required = query(rpm, "--requires").splitlines()
    assert {"gcc-c++", "systemd"} <= set(required)
    assert any(line.startswith("libc.so.6") for line in required)
    for name in ("python3", "polkit"):
        assert name in control and name in query(rpm, "--recommends")


class TestScriptsOfTheRpm:
    """What Fedora's macros make of them is their affair; here it is which are called, and for what."""

    sockets = {path.name for path in UNITS.glob("*.socket")}
    # Those that run on.
    daemons = {"openplc-api.service", "openplc-core.service"}
    paths = {path.name for path in UNITS.glob("*.path") if "@" not in path.name}

    def test_installation_makes_users_and_folders_and_presets_what_can_be_enabled(self, rpm):
        users, folders, presets = scripts(rpm)["postinstall"]
        assert users == ["systemd-sysusers", "openplc-runtime.conf"]
        assert folders == ["systemd-tmpfiles", "--create", "openplc-runtime.conf"]
        assert presets[1] == "install-system-units"
        enabled = {path.name for path in UNITS.iterdir() if "\n[Install]" in path.read_text() and "@" not in path.name}
        assert enabled <= set(presets[2:]) <= enabled | self.sockets

    def test_removal_ends_all_that_runs(self, rpm):
        (removal,) = [line for line in scripts(rpm)["preuninstall"] if "remove-system-units" in line]
        # What refuses to be stopped ends with another, and rpm would show an error.
        refusing = {name for name in self.sockets if "\nRefuseManualStop=yes" in (UNITS / name).read_text()}
        assert (self.sockets - refusing) | self.daemons | self.paths <= set(removal[2:])
        assert refusing and not refusing & set(removal[2:])
        assert {path.name for path in UNITS.iterdir()} >= set(removal[2:])
        assert ["systemctl", "stop", "'openplc-plugin@*.path'"] in [line[:3] for line in scripts(rpm)["preuninstall"]]

    def test_an_upgrade_restarts_the_daemons_and_leaves_the_sockets_open(self, rpm):
        (upgrade,) = scripts(rpm)["postuninstall"]
        assert upgrade[1] == "mark-restart-system-units"
        assert self.daemons <= set(upgrade[2:])
        assert not self.sockets & set(upgrade[2:])

    def test_no_macro_is_left(self, rpm):
        assert "%" not in query(rpm, "--scripts")


@pytest.mark.skipif(os.geteuid() != 0, reason="rpm changes its root as root only")
def test_the_rpm_installs_as_it_says(rpm, tmp_path):
    """In a root where nothing else is: no script is run."""
    install = ["rpm", "--root", tmp_path, "--install", "--nodeps", "--noscripts", rpm]
    done = subprocess.run(install, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert output("rpm", "--root", tmp_path, "--verify", "--nodeps", "openplc-runtime") == ""
    for name in ("openplc-api", "openplc-core", "openplc-compile"):
        assert os.access(tmp_path / "usr/lib/openplc-runtime" / name, os.X_OK)
    version = output(tmp_path / "usr/bin/openplcctl", "--version")
    assert version.split()[1] == query(rpm, "--queryformat", "%{VERSION}")
