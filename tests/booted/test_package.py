"""What upgrade, removal and purge of the package leave, as a packager expects."""

import subprocess

import pytest

from harness.scans import Scans
from harness.waiting import wait_until

from booted.plant import STATE, UNITS, package


@pytest.fixture
def newer(tmp_path):
    """The same package with a higher version."""
    tree = tmp_path / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", package(), tree], check=True)
    control = tree / "DEBIAN" / "control"
    lines = [line + "+next" if line.startswith("Version:") else line for line in control.read_text().splitlines()]
    control.write_text("\n".join(lines) + "\n")
    made = tmp_path / "openplc-runtime_next.deb"
    build = ["dpkg-deb", "--build", "--root-owner-group", "-Zgzip", "-z1", tree, made]
    subprocess.run(build, check=True, capture_output=True)
    return made


@pytest.fixture
def fresh(plant):
    """Just installed, never used."""
    plant.purge()
    plant.install()
    plant.enable()
    return plant


def test_an_upgrade_keeps_account_session_and_program_and_restarts_what_runs(fresh, programs, newer, witness):
    api = fresh.login()
    api.deploy(programs.blink.zip())
    old = {name: fresh.process(name).pid for name in ("openplc-api", "openplc-core")}
    fresh.install(newer)
    assert fresh.machine.output("dpkg-query", "--show", "--showformat=${Version}", "openplc-runtime").endswith("+next")
    assert fresh.machine.listening() == fresh.listening
    wait_until(lambda: api.state() == "RUNNING", "the program to run again")
    assert {name for name in old if fresh.process(name).pid == old[name]} == set(), "not restarted"
    wait_until(
        lambda: api.scan_count() > 50, "the first second of scans, in which memory is touched for the first time"
    )
    scans = Scans(api, witness)
    wait_until(lambda: api.scan_count() > 100, "scans")
    scans.check()
    assert fresh.login()


def test_an_upgrade_of_a_stopped_plc_leaves_it_stopped(fresh, programs, newer):
    api = fresh.login()
    api.deploy(programs.blink.zip())
    assert api.stop() == "STOP:OK"
    fresh.install(newer)
    wait_until(lambda: fresh.machine.active("openplc-core.service") == "active", "the core")
    assert api.state() == "STOPPED"
    assert api.start() == "START:OK"


def test_an_upgrade_starts_nothing_that_was_not_enabled(fresh, newer):
    fresh.purge()
    fresh.install()
    fresh.install(newer)
    assert fresh.machine.listening() == set()
    assert {unit: fresh.machine.active(unit) for unit in UNITS} == dict.fromkeys(UNITS, "inactive")


def test_removal_ends_everything_and_keeps_the_data(fresh, programs):
    api = fresh.login()
    api.deploy(programs.blink.zip())
    fresh.machine.run("apt-get", "remove", "--yes", "openplc-runtime")
    assert fresh.machine.listening() == set()
    assert not [name for name in ("openplc-api", "openplc-core", "openplc-compile") if fresh.machine.processes(name)]
    assert list(fresh.machine.path(f"{STATE}/core").iterdir()) and list(fresh.machine.path(f"{STATE}/api").iterdir())

    fresh.install()
    fresh.enable()
    wait_until(lambda: api.state() == "RUNNING", "the program of before")


def test_a_purge_removes_the_data(fresh, programs):
    fresh.login().deploy(programs.blink.zip())
    fresh.purge()
    assert not fresh.machine.path(STATE).exists()
    for unit in UNITS:
        assert fresh.machine.properties(unit, "LoadState")["LoadState"] != "loaded", unit
    gone = ("/usr/lib/openplc-runtime", "/run/runtime", "/etc/systemd/system/sockets.target.wants/openplc-api.socket")
    for path in gone:
        assert fresh.machine.run("test", "-e", path, check=False).returncode == 1, path


def test_a_purge_leaves_other_peoples_files(fresh):
    fresh.process("openplc-core")  # makes the folder
    foreign = fresh.machine.path(f"{STATE}/of-another-runtime")
    foreign.write_text("kept")
    fresh.purge()
    assert foreign.read_text() == "kept"
    foreign.unlink()
