"""Who may operate the units: members of group openplc start, stop and restart them; nobody else, and nothing else."""

import re

import pytest

from harness.waiting import wait_until

# What stays when it was started; the last one waits for the configuration of a plugin that there is not.
LASTING = (
    *("openplc-api.socket", "openplc-api.service", "openplc-core.socket", "openplc-core.service"),
    *("openplc-discovery.socket", "openplc-compile.socket"),
    *("openplc-modbus-slave.path", "openplc-modbus-master.path", "openplc-plugin@of_nobody.path"),
)
# What ends at once where no program configures it.
BRIEF = ("openplc-modbus-slave.service", "openplc-modbus-slave.socket", "openplc-modbus-master.service")
UNITS = LASTING + BRIEF
VERBS = ("stop", "start", "restart")
REFUSED = re.compile("Access denied|Interactive authentication required|Permission denied|Operation not permitted")
OTHER_ACTS = {
    "another unit": ("systemctl", "restart", "dbus.service"),
    "another unit's stop": ("systemctl", "stop", "systemd-journald.service"),
    "reload": ("systemctl", "reload", "openplc-core.service"),
    "kill": ("systemctl", "kill", "openplc-core.service"),
    "properties": ("systemctl", "set-property", "--runtime", "openplc-core.service", "CPUWeight=1"),
    "disable": ("systemctl", "disable", "openplc-api.socket"),
    "enable": ("systemctl", "enable", "openplc-core.socket"),
    "mask": ("systemctl", "mask", "openplc-core.service"),
    "daemon-reload": ("systemctl", "daemon-reload"),
    "a command as root": ("systemd-run", "--quiet", "--unit=openplc-intruder", "true"),
    "environment": ("systemctl", "set-environment", "OPENPLC_LOG=trace"),
    "a build unit of one's own": ("systemctl", "start", "openplc-compile@1.service"),
    "the image's socket": ("systemctl", "restart", "openplc-image.socket"),
    "another template of ours": ("systemctl", "start", "openplc-compile@x-y.service"),
    "a plugin with an odd name": ("systemctl", "start", "openplc-plugin@-x.service"),
    "the import of accounts": ("systemctl", "start", "openplc-accounts-import.service"),
}


pytestmark = pytest.mark.usefixtures("people", "blinking")


@pytest.fixture(scope="module")
def blinking(api, programs):
    """A program without plugins."""
    api.deploy(programs.blink.zip())


def act(plant, user, *command):
    return plant.machine.run(*command, user=user, check=False)


def assert_refused(done):
    assert done.returncode != 0, "it was allowed"
    assert REFUSED.search(done.stdout + done.stderr), done.stderr


def main_processes(plant):
    units = ("openplc-api.service", "openplc-core.service")
    return {unit: plant.machine.properties(unit, "MainPID", "ActiveState") for unit in units}


@pytest.fixture(scope="module")
def rules_are_read(plant):
    if plant.machine.output("pkaction", "--version").split()[-1] == "0.105":
        pytest.skip("this polkit, 0.105, reads no rules in JavaScript")


@pytest.mark.usefixtures("rules_are_read")
@pytest.mark.parametrize("unit", UNITS)
def test_a_member_may_start_stop_and_restart(plant, api, unit):
    try:
        for verb in VERBS:
            done = act(plant, "anna", "systemctl", "--no-ask-password", verb, unit)
            assert done.returncode == 0, f"{verb}: {done.stderr}"
            active = unit in LASTING and verb != "stop"
            wait_until(lambda: plant.machine.active(unit) == ("active" if active else "inactive"), f"{unit} {verb}")
    finally:
        plant.machine.run("systemctl", "stop", "openplc-plugin@of_nobody.path")
        paths = ("openplc-modbus-slave.path", "openplc-modbus-master.path")
        plant.machine.run("systemctl", "start", *paths, "openplc-core.service", "openplc-compile.socket", "openplc-api.socket")
    wait_until(lambda: api.state() in ("RUNNING", "EMPTY", "STOPPED"), "the PLC")


def test_not_even_root_closes_the_image_to_plugins_while_scans_go_on(plant):
    """It could not be opened again without a new scan engine."""
    assert plant.machine.run("systemctl", "restart", "openplc-image.socket", check=False).returncode != 0
    assert plant.machine.active("openplc-image.socket") == "active"


@pytest.mark.parametrize("other_act", OTHER_ACTS)
def test_a_member_may_do_nothing_else(plant, other_act):
    before = main_processes(plant)
    program, *arguments = OTHER_ACTS[other_act]
    assert_refused(act(plant, "anna", program, "--no-ask-password", *arguments))
    assert main_processes(plant) == before


@pytest.mark.parametrize("user", ["bert", "openplc-api", "openplc-core", "openplc-plugin", "nobody"])
def test_others_may_do_nothing(plant, user):
    before = main_processes(plant)
    for unit in UNITS:
        for verb in VERBS:
            assert_refused(act(plant, user, "systemctl", "--no-ask-password", verb, unit))
    for program, *arguments in OTHER_ACTS.values():
        assert_refused(act(plant, user, program, "--no-ask-password", *arguments))
    assert main_processes(plant) == before
