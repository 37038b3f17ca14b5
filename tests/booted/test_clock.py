"""The clock jumps by an hour, or a little: scans do not know it, sessions and the log stay usable.

A container may not set the clock of the computer, so a preloaded library moves the time of day of API and core.
"""

import os
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest

from harness.scans import Scans
from harness.waiting import wait_until

HOUR = 3600
# A correction of the clock, of less than a minute.
STEP = 50
WRONG_BY = "/usr/lib/openplc-test-clock"
LIBRARY = f"{WRONG_BY}.so"
SERVICES = ("openplc-core.service", "openplc-api.service")


class Clock:
    def __init__(self, machine):
        self.machine = machine

    def install(self):
        source = Path(__file__).with_name("wrong_clock.c")
        made = self.machine.path(LIBRARY)
        build = ["gcc", "-O1", "-shared", "-fPIC", f'-DWRONG_BY="{WRONG_BY}"', "-o", made, source]
        subprocess.run(build, check=True, capture_output=True)
        self.set(0)
        self.configure(f"[Service]\nEnvironment=LD_PRELOAD={LIBRARY}\n")

    def configure(self, text):
        for service in SERVICES:
            folder = f"/run/systemd/system/{service}.d"
            self.machine.run("mkdir", "--parents", folder)
            self.machine.run("tee", f"{folder}/clock.conf", text=text)
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "restart", *SERVICES)

    def remove(self):
        self.configure("")
        self.machine.path(LIBRARY).unlink()
        self.machine.path(WRONG_BY).unlink()

    def set(self, ahead):
        self.machine.path(WRONG_BY).write_text(str(ahead))


@pytest.fixture(scope="module")
def installed(plant):
    clock = Clock(plant.machine)
    clock.install()
    yield clock
    clock.remove()


@pytest.fixture
def clock(installed, api, programs):
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 50, "the first second of scans")
    installed.restarts = restarts(installed.machine)
    yield installed
    installed.set(0)


@pytest.fixture
def early(clock, plant):
    """A session that is good at all times of these tests: it began at the earliest of them."""
    clock.set(-HOUR)
    api = plant.login()
    clock.set(0)
    return api


def restarts(machine):
    return [machine.properties(service, "NRestarts")["NRestarts"] for service in SERVICES]


def say_something(api):
    """Has the core log two lines, and returns the newest."""
    for act, state in ((api.stop, "STOPPED"), (api.start, "RUNNING")):
        act()
        wait_until(lambda: api.state() == state, state)  # noqa: B023 it is called at once
    return api.logs()[-1]


def seconds(entry):
    return datetime.fromisoformat(entry["timestamp"]).timestamp()


@pytest.mark.parametrize("jump", [HOUR, -HOUR, -STEP], ids=["forth", "back", "a little back"])
def test_no_scan_is_missed_while_the_clock_jumps_and_jumps_back(clock, early, witness, jump):
    scans = Scans(early, witness)
    for ahead in (jump, 0, jump, 0):
        clock.set(ahead)
        count = early.scan_count()
        wait_until(lambda: early.scan_count() > count + 10, "scans")
    scans.check()
    assert restarts(clock.machine) == clock.restarts, "the watchdog saw a jump as a hang"


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forth", "back"])
def test_the_log_shows_the_new_time_and_its_numbers_grow(clock, plant, early, jump):
    last = say_something(early)
    for ahead in (jump, 0):
        clock.set(ahead)
        new = say_something(early)
        assert new["id"] > last["id"]
        assert abs(seconds(new) - time.time() - ahead) < HOUR / 2, "it has the new time"
        assert early.logs(last["id"] + 1)[-1] == new, "who follows the log is shown it"
        last = new
        # Also when the core was started at the wrong time, and again at the right one.
        plant.process("openplc-core").kill()
        wait_until(lambda: early.state() == "RUNNING", "the program to run again")
        new = wait_until(lambda: early.logs(last["id"] + 1), "what the new core logs")[-1]
        last = new


def test_a_session_outlives_both_jumps(clock, api):
    """It began at the right time; an hour is less than it lasts."""
    for ahead in (HOUR, 0):
        clock.set(ahead)
        assert api.state() == "RUNNING"


def test_a_session_outlives_a_small_correction(clock, plant):
    """Even one that has just begun, and one that begins meanwhile."""
    before = plant.login()
    clock.set(-STEP)
    assert before.state() == "RUNNING"
    meanwhile = plant.login()
    clock.set(0)
    assert before.state() == meanwhile.state() == "RUNNING"


def test_the_clock_is_put_back_and_everybody_has_to_log_in_again(clock, plant, api):
    """Sessions that begin in the future are none, and accounts are as before."""
    clock.set(-HOUR)
    assert api.get("/api/status").status == 401
    fresh = plant.login()
    assert fresh.state() == "RUNNING"
    clock.set(0)
    assert fresh.state() == api.state() == "RUNNING"


def test_a_session_that_began_in_the_wrong_hour_can_be_ended(clock, plant):
    clock.set(HOUR)
    ahead = plant.login()
    clock.set(0)
    assert ahead.get("/api/status").status == 401
    clock.set(HOUR)
    assert ahead.post("/api/logout").status == 200
    assert ahead.get("/api/status").status == 401


def test_a_hang_is_noticed_in_spite_of_the_clock(clock, plant, api):
    """The watchdog of a stopped core is not misled by a clock that is put back meanwhile."""
    core = plant.process("openplc-core")
    os.kill(core.pid, signal.SIGSTOP)
    clock.set(-HOUR)
    wait_until(lambda: core.pid not in {p.pid for p in plant.started("openplc-core")}, "the watchdog")
    clock.set(0)
    wait_until(lambda: api.state() == "RUNNING", "the program to run again")
