"""What is packaged beside the binaries says the same as they do: units, manual pages, completions, versions."""

import os
import re
import shutil
import subprocess

import pytest

from harness.runtime import BINARIES, REPOSITORY

UNITS = REPOSITORY / "systemd"
# systemd-analyze's exposure, times ten, that a unit may have.
EXPOSURE = {
    "openplc-accounts-import.service": 6,
    "openplc-api.service": 4,
    "openplc-compile@.service": 4,
    "openplc-core.service": 9,
    "openplc-modbus-master.service": 10,
    "openplc-modbus-slave.service": 10,
    "openplc-plugin@.service": 10,
}
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


def commands(*above):
    """The commands of openplcctl, or those below one of them."""
    section = help_of("openplcctl", *above).partition("Commands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([\w-]+)", section, re.MULTILINE)


@pytest.mark.parametrize("unit", EXPOSURE)
def test_sandboxes_stay_tight(unit):
    checked = analyze("security", "--offline=true", f"--threshold={EXPOSURE[unit]}", UNITS / unit)
    assert checked.returncode == 0, checked.stdout[-500:] + checked.stderr


def test_every_sandbox_is_judged():
    assert {path.name for path in UNITS.glob("*.service")} == set(EXPOSURE)


def test_units_are_sound(tmp_path):
    for unit in UNITS.iterdir():
        text = re.sub("/usr/(lib/openplc-runtime|bin)/", f"{BINARIES}/", unit.read_text())
        (tmp_path / unit.name).write_text(text)
    units = [path for path in tmp_path.iterdir() if path.suffix in {".service", ".socket", ".path"} and "@" not in path.name]
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
                for below in set(commands(command)) - {"help"}:
                    assert re.search(rf"^\.It Cm {command} {below}\b", page, re.MULTILINE), (command, below)
                    offered |= options(help_of(program, command, below))
    assert told == offered


@pytest.mark.parametrize("process", ["api", "compile", "core", "modbus-slave"])
def test_manual_pages_tell_every_setting(process):
    """That the file in etc/ names every key with its default is a test of crates/openplc-settings."""
    page = (REPOSITORY / "docs" / "man" / f"openplc-{process}.toml.5").read_text()
    settings = (REPOSITORY / "etc" / "openplc-runtime" / f"{process}.toml").read_text()
    told = re.findall(r"^\.It Cm ([\w-]+)$", page, re.MULTILINE)
    assert told == re.findall(r"^#([\w-]+) = ", settings, re.MULTILINE)
    assert re.findall(r"^\.Ss (\[.*\])$", page, re.MULTILINE) == re.findall(r"^\[.*\]$", settings, re.MULTILINE)


def test_manual_pages_are_sound_and_refer_to_pages_that_exist():
    pages = list((REPOSITORY / "docs" / "man").iterdir())
    names = {page.name for page in pages}
    for page in pages:
        for name, section in re.findall(r"^\.Xr (openplc\S*) (\d)", page.read_text(), re.MULTILINE):
            assert f"{name}.{section}" in names, f"{page.name} refers to {name}({section})"
    if shutil.which("mandoc"):
        checked = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True)
        # Some of the pages referred to are those of others, on whatever computer this is.
        said = [line for line in checked.stdout.splitlines() if "referenced manual not found" not in line]
        assert said == []


def completions(*words):
    """What bash offers for the last of these words."""
    script = REPOSITORY / "completions" / "bash" / "openplcctl"
    line = (
        'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        '_openplcctl "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ended = subprocess.run(
        ["bash", "-c", line, script, "openplcctl", *words], capture_output=True, text=True, check=True, timeout=10
    )
    return set(ended.stdout.split())


def test_bash_completes_every_command_and_option():
    """That all files are those of the command lines is a test of each program; this is that they work."""
    assert set(commands()) <= completions("")
    for command in commands():
        if command != "help":
            assert options(help_of("openplcctl", command)) <= completions(command, "-"), command
    assert completions("logs", "--level", "w") == {"warning"}
    assert completions("--host", "plc", "st") >= {"status", "start", "stop"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_understand_their_completions(shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    for script in (REPOSITORY / "completions" / shell).iterdir():
        checked = subprocess.run([shell, "-n", script], capture_output=True, text=True, timeout=30)
        assert (checked.returncode, checked.stderr) == (0, ""), script
    if shell == "fish":
        offers = 'source $argv[1]; complete --do-complete "openplcctl logs --level w"'
        script = REPOSITORY / "completions" / "fish" / "openplcctl.fish"
        offered = subprocess.run(["fish", "--no-config", "-c", offers, script], capture_output=True, text=True, timeout=30)
        assert offered.stdout.split()[0] == "warning"


def test_one_version_everywhere():
    version = re.search(r'^version = "(.*)"', (REPOSITORY / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert version in subprocess.check_output([BINARIES / "openplcctl", "-V"], text=True)
    assert (REPOSITORY / "debian" / "changelog").read_text().startswith(f"openplc-runtime ({version}) ")
    assert f"\nVersion:        {version}\n" in (REPOSITORY / "rpm" / "openplc-runtime.spec").read_text()
