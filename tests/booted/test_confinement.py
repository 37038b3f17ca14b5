"""From inside each unit's sandbox, what it may never do fails. What a program in the core tries: test_sandbox.py."""

import json
from pathlib import Path

import pytest

from harness.programs import slow_to_compile
from harness.waiting import wait_until

from booted.drop_in import drop_in
from booted.plant import STATE

INTRUDER = "/usr/lib/openplc-test-intruder.py"
ANSWER = "/var/lib/openplc-runtime/api/outcomes.json"
OUTCOMES = "/root/outcomes.json"
# What is theirs.
ALLOWED = {
    "openplc-api": {"secrets of the API", "control socket", "building"},
    "openplc-compile": set(),
    "openplc-modbus-slave": {"IPv4", "IPv6", "process image"},
    "openplc-modbus-master": {"IPv4", "IPv6", "process image"},
    "openplc-plugin@intruder": {"IPv4", "IPv6", "process image"},
}
PLUGINS = tuple(ALLOWED)[2:]
# Speaks to the build socket as the API does, and prints what the worker answers.
CLIENT = """
import socket
client = socket.socket(socket.AF_UNIX)
client.connect("/run/runtime/compile.socket")
while data := client.recv(65536):
    print(data.decode(), end="")
"""


def in_the_place_of(machine, unit, *settings):
    return drop_in(machine, unit, "ExecStart=", *settings)


@pytest.fixture(scope="module")
def intruder(plant, api, programs):
    """Something is there to be found: a secret of root, programs, a build."""
    api.deploy(programs.blink.zip())
    machine = plant.machine
    machine.path("/root/secret").write_text("secret")
    machine.path(INTRUDER).write_text(Path(__file__).with_name("intruder.py").read_text())
    yield machine
    machine.path(INTRUDER).unlink()


@pytest.fixture(scope="module")
def of_the_api(intruder):
    intruder.run("systemctl", "stop", "openplc-api.service")
    settings = ("Type=oneshot", "WatchdogSec=0", "Restart=no", f"ExecStart=/usr/bin/python3 {INTRUDER} {ANSWER}")
    with in_the_place_of(intruder, "openplc-api.service", *settings):
        intruder.run("systemctl", "start", "openplc-api.service")
    outcomes = json.loads(intruder.path(ANSWER).read_text())
    intruder.path(ANSWER).unlink()
    return outcomes


@pytest.fixture(scope="module")
def of_a_build(intruder, of_the_api, plant, api, programs):
    """While another build runs, one of whose files it is told."""
    assert api.upload(slow_to_compile(programs.blink, amount=200).zip(), clean=True).status == 200
    wait_until(lambda: intruder.processes("cc1plus"), "the compiler")
    find = "find -L /run/openplc-compile-* -type f 2>/dev/null | head -n 1"
    file = wait_until(lambda: intruder.output("sh", "-c", find, check=False), "a file of the build")
    script = intruder.path(INTRUDER)
    script.write_text(script.read_text().replace("@FILE_OF_A_BUILD@", file))
    with in_the_place_of(intruder, "openplc-compile@.service", f"ExecStart=/usr/bin/python3 {INTRUDER}"):
        outcomes = json.loads(intruder.output("python3", "-c", CLIENT))
    assert intruder.run("test", "-f", file, check=False).returncode == 0, "the other build has ended too early"
    plant.process("openplc-compile").kill()
    assert api.follow_build().status == "FAILED"
    return outcomes


@pytest.fixture(scope="module", params=PLUGINS)
def of_a_plugin(request, intruder):
    """While another one keeps something."""
    unit = f"{request.param}.service"
    intruder.run("install", "-d", "-o", "openplc-plugin", "-m", "700", f"{STATE}/plugins/another")
    template = unit.replace("@intruder", "@")
    output, command = f"StandardOutput=truncate:{OUTCOMES}", f"ExecStart=/usr/bin/python3 {INTRUDER} -"
    with in_the_place_of(intruder, template, "Type=oneshot", "Restart=no", output, command):
        intruder.run("systemctl", "start", unit)
    intruder.run("rm", "-r", f"{STATE}/plugins/another")
    return request.param, json.loads(intruder.path(OUTCOMES).read_text())


def allowed(outcomes):
    return {name for name, outcome in outcomes.items() if outcome == "allowed"}


def test_the_api_may_do_what_is_its_own_and_nothing_else(of_the_api):
    assert allowed(of_the_api) == ALLOWED["openplc-api"], of_the_api


def test_a_build_may_do_nothing(of_a_build):
    assert allowed(of_a_build) == ALLOWED["openplc-compile"], of_a_build


def test_a_build_leaves_no_file(intruder, of_a_build):
    def left():
        return intruder.output("find", "/tmp", "/var/tmp", "/dev/shm", "/run", "-name", "left-behind", check=False)

    assert "/tmp" in of_a_build["left behind"], "it was not even written"
    wait_until(lambda: not left(), lambda: f"nothing left: {left()}")


def test_a_plugin_has_network_and_image_and_nothing_else(of_a_plugin):
    unit, outcomes = of_a_plugin
    assert allowed(outcomes) == ALLOWED[unit], outcomes


@pytest.mark.parametrize("family", ["IPv4", "IPv6", "netlink", "packets"])
def test_no_socket_reaches_out(of_the_api, of_a_build, family):
    assert of_the_api[family] == of_a_build[family] == "EAFNOSUPPORT"


def test_the_api_serves_afterwards(intruder, of_the_api, of_a_build, api):
    wait_until(lambda: api.state() == "RUNNING", "an answer")
