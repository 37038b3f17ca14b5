"""A plugin that the administrator installs by hand, as docs/plugins.md says: a Python file for OpenPLC Runtime v4."""

from pathlib import Path

import pytest

from harness import modbus
from harness.modbus import connected
from harness.plugins import plugins
from harness.runtime import REPOSITORY, free_port
from harness.waiting import wait_until

from booted.installed import PYTHON, installed, put
from booted.kernel import assert_confined, user
from booted.plant import STATE

UNIT, PATH = "openplc-plugin@weather.service", "openplc-plugin@weather.path"
NUMBERS = "/run/weather/numbers"


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def weather(plant):
    put(plant.machine, "weather.py", (REPOSITORY / "examples" / "plugins" / "python" / "weather.py").read_bytes())
    with installed(plant.machine, "weather", "weather.py", PYTHON, {"file": NUMBERS, "first_word": 100}):
        yield


@pytest.fixture
def values(plant, api, weather, port):
    """What the program sees at the plugin's inputs."""
    api.deploy(modbus.plant(slave=modbus.slave_file(port)).zip())
    at_work(plant, api)
    with connected(port) as client:
        yield lambda: client.registers(100, 2, function=4)


def at_work(plant, api):
    shown = lambda: plugins(api).get("weather", {}).get("state")  # noqa: E731
    wait_until(lambda: shown() == "attached", lambda: f"the plugin: {plugins(api)} {plant.status(UNIT)}")


def write(plant, *numbers):
    """/run is new after a reboot."""
    plant.machine.run("install", "-d", "/run/weather")
    plant.machine.run("tee", NUMBERS, text="".join(f"{number}\n" for number in numbers))


def test_it_brings_values_into_the_program(plant, values):
    write(plant, 1, 65000)
    wait_until(lambda: values() == [1, 65000], "the numbers")


def test_it_runs_while_the_plc_does(plant, api, values):
    assert api.stop() == "STOP:OK"
    wait_until(lambda: plant.machine.active(UNIT) == "inactive", "its end")
    assert api.start() == "START:OK"
    at_work(plant, api)


def test_a_killed_one_comes_back(plant, api, values):
    before = int(plant.machine.properties(UNIT, "NRestarts")["NRestarts"])
    plant.machine.main_process(UNIT).kill()
    wait_until(lambda: plugins(api)["weather"]["state"] == "missing", "that it is missing")
    at_work(plant, api)
    assert int(plant.machine.properties(UNIT, "NRestarts")["NRestarts"]) == before + 1
    write(plant, 3, 4)
    wait_until(lambda: values() == [3, 4], "the numbers")


def test_it_has_no_privilege_and_keeps_what_it_writes_for_itself(plant, values):
    process = plant.machine.main_process(UNIT)
    assert_confined(process, bounds=0)
    assert user(process) == int(plant.machine.output("id", "-u", "openplc-plugin"))
    assert plant.machine.output("stat", "--format=%U %a", f"{STATE}/plugins/weather") == "openplc-plugin 700"
    mounts = [line.split()[4:6] for line in Path(f"/proc/{process.pid}/mountinfo").read_text().splitlines()]
    options = dict(mounts)[f"{STATE}/plugins/weather"].split(",")
    assert {"rw", "noexec"} <= set(options), options


def test_its_status_tells_what_it_does(plant, values):
    wait_until(lambda: plant.status(UNIT).startswith("Attached to the process image"), lambda: plant.status(UNIT))


def test_it_works_after_a_reboot_without_anybody_logging_in(plant, api, values, port):
    plant.machine.reboot()
    wait_until(lambda: plant.status(UNIT).startswith("Attached"), lambda: plant.status(UNIT))
    write(plant, 5, 6)
    with connected(port) as client:
        wait_until(lambda: client.registers(100, 2, function=4) == [5, 6], "the numbers")


def test_a_disabled_one_is_not_started(plant, api, values):
    plant.machine.run("systemctl", "disable", "--now", PATH)
    try:
        assert api.stop() == "STOP:OK"
        wait_until(lambda: plant.machine.active(UNIT) == "inactive", "the end of its service")
        assert api.start() == "START:OK"
        wait_until(lambda: plugins(api)["weather"]["state"] == "missing", "that it is missing")
        assert plant.machine.active(UNIT) == "inactive"
    finally:
        plant.machine.run("systemctl", "enable", "--now", PATH)
    at_work(plant, api)
