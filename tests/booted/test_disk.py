"""A full disk, and one that has become read-only: the plant scans on, and what cannot be kept is said."""

from contextlib import suppress

import pytest

from harness.runtime import PASSWORD
from harness.scans import Scans
from harness.waiting import wait_until

from booted.disk import Disk
from booted.plant import STATE

STATE_OF_THE_DISK = {"full": "No space left on device", "read-only": "Read-only file system"}


@pytest.fixture(scope="module")
def disk(plant):
    disk = Disk(plant)
    disk.attach()
    yield disk
    disk.detach()


@pytest.fixture
def blinking(disk, api, programs):
    """Runs, and has proven itself: that is kept as well."""
    api.deploy(programs.blink.zip())
    wait_until(lambda: api.scan_count() > 50, "the first second of scans")


@pytest.fixture(params=STATE_OF_THE_DISK)
def outage(request, disk, blinking, plant, api):
    """What the system says to who writes."""
    with disk.outage(request.param):
        wait_until(lambda: api.state() == "RUNNING", lambda: f"the program to run: {plant.status()}")
        yield STATE_OF_THE_DISK[request.param]
    wait_until(lambda: api.state() == "RUNNING", lambda: f"the program to run: {plant.status()}")


def test_a_disk_that_fills_up_costs_no_scan(disk, blinking, api, witness):
    scans = Scans(api, witness)
    with disk.outage("full"):
        count = api.scan_count()
        wait_until(lambda: api.scan_count() > count + 50, "scans")
    scans.check()


def test_commands_are_obeyed_and_it_is_said_that_they_are_not_kept(outage, api):
    last = api.logs()[-1]["id"]
    assert api.stop() == "STOP:OK"
    assert api.state() == "STOPPED"
    wait_until(lambda: outage in api.log_text(last), lambda: f"{outage}: {api.log_text(last)}")
    assert "After a restart the PLC will not know" in api.log_text(last)
    assert api.start() == "START:OK"
    assert api.state() == "RUNNING"


def test_an_upload_fails_with_the_reason_and_the_program_runs_on(outage, plant, api, editor, programs, witness):
    scans = Scans(api, witness)
    assert api.upload(programs.types.zip(), clean=True).status == 200
    build = api.follow_build()
    assert build.status == "FAILED" and outage in build.text, build.text
    assert api.state() == "RUNNING"
    scans.check()
    plant.debugger(editor, api, programs.blink).client.disconnect()


def test_people_log_in_and_accounts_stay_as_they_are(outage, plant, api):
    fresh = plant.login()
    assert fresh.state() == "RUNNING"
    answer = fresh.create_user("late", PASSWORD)
    assert answer.status == 500 and "could not be changed" in answer.text, answer
    # Ended for this process; a later one cannot know of it.
    fresh.post("/api/logout")
    assert fresh.get("/api/status").status == 401


@pytest.mark.parametrize("victim", ["openplc-core", "openplc-api"])
def test_a_killed_process_comes_back(outage, plant, api, editor, programs, victim):
    before = plant.process(victim)
    before.kill()
    wait_until(lambda: [p for p in plant.started(victim) if p.pid != before.pid], f"a new {victim}")
    wait_until(lambda: api.state() == "RUNNING", lambda: f"the program to run again: {plant.status()}")
    plant.debugger(editor, api, programs.blink).client.disconnect()


@pytest.mark.parametrize("kind", STATE_OF_THE_DISK)
def test_a_program_that_crashes_makes_no_endless_loop(disk, plant, api, editor, programs, kind):
    """Where faults cannot be counted, the first one is the last."""
    api.deploy(programs.crash.zip())
    # Until it has proven itself, the program before would take its place.
    proven = ("grep", "--quiet", '"proving": false', f"{STATE}/core/commanded.json")
    wait_until(lambda: plant.machine.run(*proven, check=False).returncode == 0, "the program to prove itself")
    with disk.outage(kind):
        wait_until(lambda: api.state() == "RUNNING", "the program to run")
        debugger = plant.debugger(editor, api, programs.crash)
        wait_until(lambda: debugger.read("SCANS") > 50, "scans")
        core = plant.process("openplc-core")
        with suppress(AssertionError, ConnectionError):
            debugger.force("TRIGGER", True)
        debugger.client.disconnect()
        wait_until(lambda: [p for p in plant.started("openplc-core") if p.pid != core.pid], "a new core")
        wait_until(lambda: api.state() == "ERROR", lambda: f"ERROR: {plant.status()}")
    api.deploy(programs.blink.zip())


def test_afterwards_everything_is_kept_again(disk, blinking, plant, api, programs):
    api.deploy(programs.types.zip(), clean=True)
    assert api.stop() == "STOP:OK"
    plant.process("openplc-core").kill()
    wait_until(lambda: plant.started("openplc-core"), "the core")
    wait_until(lambda: api.state() == "STOPPED", "the last command")
    temporary = plant.machine.output("sh", "-c", "find /var/lib/openplc-runtime -name '.tmp*' -o -name '*-journal'")
    assert temporary == ""
