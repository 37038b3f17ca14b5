"""A plugin that eats all memory that its unit gives: it is ended and started again, and nobody else notices."""

import pytest

from harness import modbus
from harness.modbus import WISH, connected, followed
from harness.plugins import plugins
from harness.runtime import REPOSITORY, free_port
from harness.scans import Scans
from harness.waiting import wait_until

from booted.installed import NATIVE, compile_native, installed

SLAVE = "openplc-modbus-slave.service"
LIMIT = 512 << 20
# Less than so much, and it was not the plugin that used it.
MUCH = LIMIT // 2


def test_it_is_ended_and_started_again_while_scans_go_on(plant, api, witness):
    machine, port = plant.machine, free_port()
    served = modbus.plant(interval_ms=20, slave=modbus.slave_file(port))
    api.deploy(served.zip())
    with connected(port):
        if machine.memory_limit(SLAVE) is None:
            pytest.skip("this system has no memory controller in a container")
    compile_native(machine, REPOSITORY / "tests" / "plugins" / "hostile.c", "hungry")
    with installed(machine, "hungry", "hungry.so", NATIVE, {"mode": "eat all"}) as unit:
        # An unchanged program would not be started anew.
        assert api.stop() == "STOP:OK"
        assert api.start() == "START:OK"
        wait_until(lambda: restarts(machine, unit) >= 1, lambda: f"its end: {plugins(api)}")
        assert machine.memory_limit(unit) in (None, LIMIT)
        scans, before = Scans(api, witness), restarts(machine, unit)
        wait_until(lambda: restarts(machine, unit) >= before + 2, lambda: f"its end again and again: {plugins(api)}")
        with connected(port) as client:
            client.write(WISH, 4711)
            followed(client, 4711)
        scans.check()
        shown = plugins(api)["hungry"]
        assert shown["attached"] >= before + 2, shown
        assert api.state() == "RUNNING"
        ends = [entry["MESSAGE"] for entry in machine.journal(f"--unit={unit}", "--boot") if "MESSAGE" in entry]
        assert any("status=9/KILL" in end for end in ends), ends[-20:]
        assert api.stop() == "STOP:OK"
        wait_until(lambda: machine.active(unit) == "inactive", lambda: f"its end: {machine.active(unit)}")


def restarts(machine, unit):
    return int(machine.properties(unit, "NRestarts")["NRestarts"])
