"""What the system around the runtime fails to give: a compiler, a journal. The plant scans on, and it is said what is missing."""

import os
import signal
from contextlib import contextmanager

import pytest

from harness.scans import Scans
from harness.waiting import wait_until

from booted.conftest import cursor

JOURNALD = (
    *("systemd-journald.socket", "systemd-journald-dev-log.socket", "systemd-journald-audit.socket"),
    "systemd-journald.service",
)
# More than the kernel keeps for a reader that does not read.
MANY = 150


@pytest.fixture(autouse=True)
def blinking(plant, api, programs):
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 50, "the first second of scans")


@contextmanager
def without_compiler(machine):
    machine.run("mv", "/usr/bin/g++", "/usr/bin/g++.away")
    try:
        yield
    finally:
        machine.run("mv", "/usr/bin/g++.away", "/usr/bin/g++")


@contextmanager
def without_journal(machine):
    machine.run("systemctl", "mask", "--runtime", *JOURNALD)
    machine.run("systemctl", "stop", *JOURNALD)
    try:
        yield
    finally:
        machine.run("systemctl", "unmask", "--runtime", *JOURNALD)
        machine.run("systemctl", "start", *JOURNALD)


@contextmanager
def stuck_journal(machine):
    (journald,) = machine.processes("systemd-journald")
    os.kill(journald.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(journald.pid, signal.SIGCONT)


def main_processes(plant):
    return [plant.process(name).pid for name in ("openplc-api", "openplc-core")]


def command_often(api):
    """Each command is two lines of the core and one of the API."""
    for _ in range(MANY):
        command(api, api.stop, "STOPPED")
        command(api, api.start, "RUNNING")


def command(api, act, state):
    """A busy disk may keep the answer from coming in time, not the act."""
    act()
    wait_until(lambda: api.state() == state, state)


def in_the_journal(plant, after, text):
    lines = plant.machine.output("journalctl", f"--after-cursor={after}", "--output=cat", "--unit=openplc-core.service")
    return text in lines


def test_without_a_compiler_uploads_fail_and_say_why(plant, api, programs, witness):
    scans = Scans(api, witness)
    with without_compiler(plant.machine):
        assert api.upload(programs.types.zip(), clean=True).status == 200
        build = api.follow_build()
        assert build.status == "FAILED"
        assert "g++" in build.text and "install" in build.text.lower(), build.text
        assert api.state() == "RUNNING"
    scans.check()
    api.deploy(programs.types.zip(), clean=True)


def test_without_a_journal_nothing_ends_and_everything_starts(plant, api, witness):
    before, processes, scans = cursor(plant.machine), main_processes(plant), Scans(api, witness)
    with without_journal(plant.machine):
        assert main_processes(plant) == processes
        count = api.scan_count()
        wait_until(lambda: api.scan_count() > count + 50, "scans")
        scans.check()
        command_often(api)
        assert "The PLC was stopped" in api.log_text(), "the runtime's own log has it"
        for name in ("openplc-core", "openplc-api"):
            plant.process(name).kill()
            wait_until(lambda: api.state() == "RUNNING", "the program to run again")
    # Also those that were started without a journal find it when it comes.
    command(api, api.stop, "STOPPED")
    command(api, api.start, "RUNNING")
    wait_until(lambda: in_the_journal(plant, before, "The PLC was stopped"), "a line of the core in the journal")


def test_a_stuck_journal_holds_up_nobody(plant, api, witness):
    before, processes = cursor(plant.machine), main_processes(plant)
    with stuck_journal(plant.machine):
        scans = Scans(api, witness)
        count = api.scan_count()
        wait_until(lambda: api.scan_count() > count + 50, "scans")
        scans.check()
        command_often(api)
        assert api.state() == "RUNNING"
        assert main_processes(plant) == processes, "the watchdog was not fed"
    command(api, api.stop, "STOPPED")
    command(api, api.start, "RUNNING")
    wait_until(
        lambda: in_the_journal(plant, before, "did not take them"), "the number of lost messages in the journal"
    )
    assert main_processes(plant) == processes


def test_a_core_that_is_killed_while_the_journal_is_stuck_comes_back(plant, api):
    """However long systemd itself waits for the journal when it starts a process and has something to say."""
    with stuck_journal(plant.machine):
        command_often(api)
        plant.process("openplc-core").kill()
        wait_until(lambda: api.state() == "RUNNING", "the program to run again")
