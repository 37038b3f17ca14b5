"""What an administrator has stopped stays stopped until an administrator starts it, whoever connects meanwhile."""

import pytest

from harness.waiting import wait_until

CORE = ("openplc-core.service", "openplc-core.socket")


@pytest.fixture
def started(plant, api, programs):
    api.deploy(programs.blink.zip())
    yield
    plant.machine.run("systemctl", "start", "openplc-api.socket", *CORE)
    wait_until(lambda: api.state() == "RUNNING", "the program to run again")


def activity(plant, *units):
    return {unit: plant.machine.active(unit) for unit in units}


def test_a_stopped_scan_engine_is_started_by_no_client(plant, api, started):
    plant.machine.run("systemctl", "stop", *CORE)
    for _ in range(2):
        # The API says so, and goes on: its own start brings up nothing either.
        assert api.state() not in ("RUNNING", "STOPPED", "EMPTY")
        assert api.post("/api/login", {"username": "engineer", "password": "wrong"}).status == 401
        plant.machine.run("systemctl", "restart", "openplc-api.service")
    plant.machine.run("systemctl", "stop", "openplc-api.service")
    assert api.get("/api/version").status == 200
    assert activity(plant, *CORE) == dict.fromkeys(CORE, "inactive")


def test_a_stopped_scan_engine_stays_stopped_when_the_package_is_upgraded(plant, started):
    plant.machine.run("systemctl", "stop", *CORE)
    plant.install()
    assert activity(plant, *CORE) == dict.fromkeys(CORE, "inactive")


def test_stopping_the_service_alone_lasts_until_the_next_question(plant, api, started):
    """It is activated by its socket, as `systemctl stop` itself warns."""
    done = plant.machine.run("systemctl", "stop", "openplc-core.service")
    assert "openplc-core.socket" in done.stderr
    assert plant.machine.active("openplc-core.service") == "inactive"
    wait_until(lambda: api.state() == "RUNNING", "the program to run again")


def test_a_closed_port_leaves_the_plc_alone(plant, api, started):
    core = plant.process("openplc-core")
    plant.machine.run("systemctl", "stop", "openplc-api.socket", "openplc-api.service")
    assert plant.machine.listening() == set()
    assert plant.process("openplc-core") == core
    plant.machine.run("systemctl", "start", "openplc-api.socket")
    assert api.state() == "RUNNING"
    assert plant.process("openplc-core") == core


def test_the_one_unit_starts_everything_again(plant, api, started):
    units = ("openplc-api.socket", "openplc-compile.socket", *CORE)
    plant.machine.run("systemctl", "stop", *units, "openplc-api.service")
    assert activity(plant, *units) == dict.fromkeys(units, "inactive")
    plant.machine.run("systemctl", "start", "openplc-api.socket")
    wait_until(lambda: api.state() == "RUNNING", "the program to run again")
    assert activity(plant, *units) == dict.fromkeys(units, "active")
