"""The example plugins in C and Rust, installed as their documentation says. The one in Python: test_plugins.py."""

import pytest

from harness.plugins import plugins
from harness.runtime import BINARIES
from harness.waiting import wait_until
from test_plugins_examples import EXAMPLES, PROGRAM

from booted.installed import EXECUTABLE, NATIVE, compile_native, installed, put
from booted.kernel import assert_confined, user

SENSOR = "/run/sensor"


@pytest.fixture
def values(plant, api, editor):
    """What the program sees, as soon as it runs."""
    clients = []

    def start():
        api.deploy(PROGRAM.zip(), clean=True)
        debugger = plant.debugger(editor, api, PROGRAM)
        clients.append(debugger.client)
        return debugger

    yield start
    for client in clients:
        client.disconnect()


def at_work(plant, api, name):
    shown = lambda: plugins(api).get(name, {}).get("state")  # noqa: E731
    wait_until(lambda: shown() == "attached", lambda: f"the plugin: {plugins(api)}")
    process = plant.machine.main_process(f"openplc-plugin@{name}.service")
    assert_confined(process, bounds=0)
    assert user(process) == int(plant.machine.output("id", "-u", "openplc-plugin"))
    return process


def test_c(plant, api, values):
    compile_native(plant.machine, EXAMPLES / "c" / "square_wave.c", "square_wave")
    with installed(plant.machine, "square_wave", "square_wave.so", NATIVE, {}):
        seen = values()
        process = at_work(plant, api, "square_wave")
        wait_until(lambda: seen.read("EDGES") >= 3, "a wave")
        process.kill()
        before = seen.read("EDGES")
        wait_until(lambda: seen.read("EDGES") >= before + 3, "a wave of the next process")
        wait_until(lambda: "square_wave: the lamp is on" in api.log_text(), "its words in the log")
    assert api.stop() == "STOP:OK"


def test_rust(plant, api, values):
    program = BINARIES / "examples" / "thermometer"
    if not program.exists():
        pytest.skip("build it first: cargo build -p openplc-plugin --example thermometer")
    put(plant.machine, "thermometer", program.read_bytes())
    plant.machine.run("tee", SENSOR, text="-2500\n")
    configuration = {"file": SENSOR, "address": "%ID0", "every_ms": 50}
    with installed(plant.machine, "thermometer", "thermometer", EXECUTABLE, configuration):
        seen = values()
        process = at_work(plant, api, "thermometer")
        wait_until(lambda: seen.read("TEMPERATURE") == -2500, "the temperature")
        process.kill()
        plant.machine.run("tee", SENSOR, text="1250\n")
        wait_until(lambda: seen.read("TEMPERATURE") == 1250, "the temperature of the next process")
        answer = api.post("/api/plugin-command", {"plugin": "thermometer", "command": "ping", "params": {"n": 1}})
        assert answer.json() == {"pong": {"n": 1}}
        plant.machine.run("rm", SENSOR)
        wait_until(lambda: "cannot be read" in (plugins(api)["thermometer"]["last_error"] or ""), "the failure")
    assert api.stop() == "STOP:OK"
