"""What upgrade, removal and purge do with plugins: the Modbus slave of a program, and one that an administrator has installed."""

import pytest

from booted.plant import STATE
from booted.test_package import fresh, newer  # noqa: F401 fixtures
from harness import modbus
from harness.modbus import WISH, connected, followed
from harness.plugins import plugins
from harness.runtime import free_port
from harness.waiting import wait_until

MINE = "/usr/local/lib/of-the-administrator/mine.py"
CODE = """
def init(capsule):
    return True
"""
NAMES = ("modbus_slave", "mine")


@pytest.fixture
def plugged(fresh):  # noqa: F811
    """Both plugins at work."""
    machine = fresh.machine
    machine.run("install", "-D", "--mode=644", "/dev/stdin", MINE, text=CODE)
    machine.run("tee", "--append", "/etc/openplc-runtime/plugins.conf", text=f"mine,{MINE},1,0,\n")
    machine.run("mkdir", f"{STATE}/venvs/mine")
    machine.run("systemctl", "enable", "--now", "openplc-plugin@mine.path")
    fresh.port_of_the_slave = free_port()
    api = fresh.login()
    api.deploy(modbus.plant(slave=modbus.slave_file(fresh.port_of_the_slave)).zip())
    at_work(fresh, api)
    yield fresh, api
    machine.run("systemctl", "disable", "--now", "openplc-plugin@mine.path", check=False)
    machine.run("rm", "--recursive", "/usr/local/lib/of-the-administrator")
    fresh.purge()


def at_work(plant, api):
    """Waits until both are, and returns their processes."""

    def attached():
        known = plugins(api)
        return all(known.get(name, {}).get("state") == "attached" for name in NAMES) and known

    known = wait_until(attached, lambda: f"both plugins: {plugins(api)}")
    with connected(plant.port_of_the_slave) as client:
        client.write(WISH, 500)
        followed(client, 500)
    return {name: known[name]["process"] for name in NAMES}


def of_plugins(plant):
    """Their processes; a Python plugin's is the interpreter."""
    user = plant.machine.output("id", "--user", "openplc-plugin", check=False)
    return plant.machine.output("pgrep", "--uid", user, "--list-full", check=False).splitlines() if user else []


def test_an_upgrade_restarts_plugins_with_the_scan_engine(plugged, newer):  # noqa: F811
    plant, api = plugged
    before = at_work(plant, api)
    plant.install(newer)
    wait_until(lambda: api.state() == "RUNNING", "the program to run again")

    def replaced():
        known = plugins(api)
        return all(known.get(name, {}).get("process") not in (None, before[name]) for name in NAMES)

    wait_until(replaced, lambda: f"new processes: {before} {plugins(api)}")
    at_work(plant, api)
    (slave,) = plant.machine.processes("openplc-modbus-slave")
    assert slave.name == "openplc-modbus-slave", "it runs the old program"


def test_an_upgrade_of_a_stopped_plc_starts_no_plugin(plugged, newer):  # noqa: F811
    plant, api = plugged
    assert api.stop() == "STOP:OK"
    wait_until(lambda: not of_plugins(plant), lambda: f"the end of the plugins: {of_plugins(plant)}")
    plant.install(newer)
    wait_until(lambda: plant.machine.active("openplc-core.service") == "active", "the core")
    assert api.state() == "STOPPED"
    assert {plugins(api)[name]["state"] for name in NAMES} == {"stopped"}
    assert not of_plugins(plant)
    assert api.start() == "START:OK"
    at_work(plant, api)


def test_removal_keeps_what_was_enabled_and_a_purge_leaves_nothing(plugged):
    plant, api = plugged
    plant.machine.run("apt-get", "remove", "--yes", "openplc-runtime")
    assert plant.machine.listening() == set()
    wait_until(lambda: not of_plugins(plant), lambda: f"the end of the plugins: {of_plugins(plant)}")
    plant.install()
    plant.enable()
    wait_until(lambda: api.state() == "RUNNING", "the program of before")
    plant.machine.run("systemctl", "start", "openplc-plugin@mine.path")
    at_work(plant, api)

    plant.purge()
    wait_until(lambda: not of_plugins(plant), lambda: f"the end of the plugins: {of_plugins(plant)}")
    found = plant.machine.output("find", "/etc", "/run", "/usr", "/var", "-xdev", "-name", "*openplc*", check=False)
    # What the tests have brought along, and an administrator's own, is not the package's.
    others = ("/usr/lib/openplc-test-", "/usr/local/")
    assert [path for path in found.splitlines() if not path.startswith(others)] == []
