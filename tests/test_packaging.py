"""What is packaged beside the binaries says the same as they do: units, manual pages, completions, versions."""

import os
import re
import shutil
import subprocess

import pytest

from harness.runtime import BINARIES, REPOSITORY

UNITS = REPOSITORY / "systemd"
# systemd-analyze's exposure, times ten, that a unit may have.
EXPOSURE = {"openplc-api.service": 4, "openplc-compile@.service": 4, "openplc-core.service": 9}
MANUALS = {"openplcctl": 1, "openplc-latency": 1, "openplc-api": 8, "openplc-compile": 8, "openplc-launcher": 8}


def analyze(*arguments, **environment):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, env=os.environ | environment,
    )  # fmt: skip


def help_of(program, *arguments):
    return subprocess.run(
        [BINARIES / program, *arguments, "--help"], capture_output=True, text=True, check=True, timeout=10
    ).stdout


def options(text):
    """The options at the beginnings of lines of a help text."""
    return set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", text, re.MULTILINE))


def commands():
    """The commands of openplcctl."""
    section = help_of("openplcctl").partition("Commands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([\w-]+)", section, re.MULTILINE)


@pytest.mark.parametrize("unit", EXPOSURE)
def test_sandboxes_stay_tight(unit):
    checked = analyze("security", "--offline=true", f"--threshold={EXPOSURE[unit]}", UNITS / unit)
    assert checked.returncode == 0, checked.stdout[-500:] + checked.stderr


def test_units_are_sound(tmp_path):
    for unit in UNITS.iterdir():
        text = unit.read_text().replace("/usr/lib/openplc-runtime/", f"{BINARIES}/")
        (tmp_path / unit.name).write_text(text)
    units = [path for path in tmp_path.iterdir() if path.suffix in {".service", ".socket"} and "@" not in path.name]
    checked = analyze("verify", "--man=no", *units, SYSTEMD_UNIT_PATH=f"{tmp_path}:")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("program", MANUALS)
def test_manual_pages_tell_every_option(program):
    page = (REPOSITORY / "docs" / "man" / f"{program}.{MANUALS[program]}").read_text()
    told = {f"--{name}" for name in re.findall(r"Fl Fl ([\w-]+)", page)}
    offered = options(help_of(program))
    if program == "openplcctl":
        for command in commands():
            assert re.search(rf"^\.It Cm .*\b{command}\b", page, re.MULTILINE), command
            if command != "help":
                offered |= options(help_of(program, command))
    assert told == offered


def completions(*words):
    """What bash offers for the last of these words."""
    script = REPOSITORY / "completions" / "bash" / "openplcctl"
    line = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _openplcctl; printf "%s\\n" "${COMPREPLY[@]}"'
    ended = subprocess.run(
        ["bash", "-c", line, script, "openplcctl", *words], capture_output=True, text=True, check=True, timeout=10
    )
    return set(ended.stdout.split())


def test_bash_completes_every_command_and_option():
    assert completions("") == set(commands())
    for command in commands():
        if command != "help":
            assert completions(command, "-") == options(help_of("openplcctl", command)), command
    assert completions("logs", "--level", "w") == {"warning"}
    assert completions("--host", "plc", "st") == {"status", "start", "stop"}


def test_one_version_everywhere():
    version = re.search(r'^version = "(.*)"', (REPOSITORY / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert version in subprocess.check_output([BINARIES / "openplcctl", "-V"], text=True)
    assert (REPOSITORY / "debian" / "changelog").read_text().startswith(f"openplc-runtime ({version}) ")
    assert f"\nVersion:        {version}\n" in (REPOSITORY / "rpm" / "openplc-runtime.spec").read_text()
