"""kill -9 of each process in turn, and scans without end: it comes back, and the PLC does what it was commanded."""

import pytest

from catalogue import single_task
from harness.programs import bundle
from harness.scans import Scans
from harness.waiting import wait_until
from matiec.model import Variable


@pytest.fixture
def blinking(api, programs):
    api.deploy(programs.blink.zip())


def kill(plant, name):
    victim = plant.process(name)
    victim.kill()
    wait_until(lambda: victim.pid not in {p.pid for p in plant.machine.processes(name)}, f"the end of {victim}")
    return victim


def restarts(plant, unit):
    return int(plant.machine.properties(unit, "NRestarts")["NRestarts"])


def test_a_killed_api_comes_back_without_a_missed_scan(plant, api, blinking, witness):
    scans = Scans(api, witness)
    victim = kill(plant, "openplc-api")
    # A connection waits in the socket unit's queue; the token of before is good.
    assert api.state() == "RUNNING"
    assert plant.process("openplc-api") != victim
    scans.check()


def test_a_killed_core_comes_back_running(plant, api, blinking):
    before = restarts(plant, "openplc-core.service")
    victim = kill(plant, "openplc-core")
    wait_until(lambda: api.state() == "RUNNING", "the program to run again")
    wait_until(lambda: api.scan_count() > 0, "scans")
    assert plant.process("openplc-core") != victim
    assert restarts(plant, "openplc-core.service") == before + 1


def test_a_killed_core_of_a_stopped_plc_comes_back_stopped(plant, api, blinking):
    assert api.stop() == "STOP:OK"
    victim = kill(plant, "openplc-core")
    wait_until(lambda: plant.machine.processes("openplc-core"), "the core")
    wait_until(lambda: api.state() == "STOPPED", "the core's answer")
    assert plant.process("openplc-core") != victim


def test_a_killed_build_is_a_failed_build_and_the_plc_runs_on(plant, api, blinking, witness, slow_to_build):
    scans = Scans(api, witness)
    assert api.upload(slow_to_build.zip(), clean=True).status == 200
    kill(plant, "openplc-compile")
    build = api.follow_build()
    assert build.status == "FAILED"
    assert api.state() == "RUNNING"
    scans.check()
    wait_until(lambda: not plant.machine.processes("cc1plus"), "the end of the compiler")
    units = ("systemctl", "list-units", "--all", "--no-legend", "--plain", "openplc-compile@*")
    wait_until(lambda: not plant.machine.output(*units), "no unit of the build left")
    api.deploy(slow_to_build.zip())


def test_a_scan_without_end_is_killed_and_ends_in_error_at_the_second_time(plant, api, editor, programs):
    """Never a restart loop: the second hang of the same program leaves it stopped in ERROR."""
    api.deploy(programs.endless.zip())
    first = restarts(plant, "openplc-core.service")
    hang(plant, api, editor, programs.endless)
    wait_until(lambda: restarts(plant, "openplc-core.service") == first + 1, "the watchdog")
    wait_until(lambda: api.state() == "RUNNING", "the program to run again")

    hang(plant, api, editor, programs.endless)
    wait_until(lambda: restarts(plant, "openplc-core.service") == first + 2, "the watchdog again")
    wait_until(lambda: api.state() == "ERROR", lambda: f"ERROR: {api.status()}")
    core = plant.process("openplc-core")
    wait_until(lambda: plant.status().startswith("ERROR"), plant.status)

    # It answers, takes a corrected program, and was not restarted again meanwhile.
    api.deploy(programs.blink.zip())
    assert plant.process("openplc-core") == core
    assert restarts(plant, "openplc-core.service") == first + 2


def test_a_program_without_end_from_its_first_scans_makes_way_for_the_one_before(plant, api, editor, programs):
    api.deploy(programs.blink.zip())
    before = restarts(plant, "openplc-core.service")
    loop = "\n  SCANS := SCANS + 1;\n  WHILE SCANS > 3 DO\n    SCANS := SCANS;\n  END_WHILE;\n"
    assert api.upload(bundle(single_task("hasty", [Variable("SCANS", "UDINT")], loop)).zip()).status == 200
    wait_until(lambda: restarts(plant, "openplc-core.service") == before + 1, "the watchdog")
    wait_until(lambda: api.state() == "RUNNING", "a program to run again")
    plant.debugger(editor, api, programs.blink).client.disconnect()
    assert restarts(plant, "openplc-core.service") == before + 1


def hang(plant, api, editor, bundle):
    debugger = plant.debugger(editor, api, bundle)
    # A program that hangs in its first scans makes way for the one before it.
    wait_until(lambda: debugger.read("SCANS") > 50, "scans")
    try:
        debugger.force("TRIGGER", True)
    except (AssertionError, ConnectionError):
        pass  # the core may hang before it has answered
    debugger.client.disconnect()


def test_daemon_reload_misses_no_scan(plant, api, blinking, witness):
    scans = Scans(api, witness)
    for _ in range(3):
        plant.machine.run("systemctl", "daemon-reload")
    count = api.scan_count()
    wait_until(lambda: api.scan_count() > count, "another scan")
    scans.check()
