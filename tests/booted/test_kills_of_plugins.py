"""kill -9 of Modbus slave and master and a plugin's host, at random moments and under load: values flow again, and scans go on."""

import os
import random
import threading
import time
from contextlib import contextmanager

import pytest

from harness import modbus
from harness.modbus import WISH, Client, connected, followed
from harness.modbus_devices import Device, tcp
from harness.modbus_plant import device, point
from harness.runtime import REPOSITORY, free_port
from harness.scans import Scans
from harness.waiting import wait_until

from booted.installed import PYTHON, installed, put

SLAVE, MASTER, WEATHER = "openplc-modbus-slave.service", "openplc-modbus-master.service", "openplc-plugin@weather.service"
UNITS = (SLAVE, MASTER, WEATHER)
NUMBERS = "/run/weather-numbers"
PORT = 502
# Of each; systemd takes two seconds to start them again.
KILLS = int(os.environ.get("OPENPLC_TEST_KILLS", "8"))
# Repeats a run that has failed.
SEED = int(os.environ.get("OPENPLC_TEST_SEED", time.time_ns() % 1_000_000))


@pytest.fixture
def remote(plant, api):
    """The device of the master. All three are at work."""
    port, remote = free_port(), Device()
    put(plant.machine, "weather.py", (REPOSITORY / "examples" / "plugins" / "python" / "weather.py").read_bytes())
    configuration = {"file": NUMBERS, "first_word": 100}
    with installed(plant.machine, "weather", "weather.py", PYTHON, configuration), tcp(port, remote):
        master = [device(port, point(3, "0", "%IW0"), point(6, "5", "%QW10"), name="Pump")]
        api.deploy(modbus.plant(interval_ms=20, slave=modbus.slave_file(PORT), master=master).zip())
        yield remote
        assert api.stop() == "STOP:OK"


@contextmanager
def load(api):
    """A Modbus client and one of the API, which go on whatever becomes of the slave; yields what the API has refused."""
    ending, refused = threading.Event(), []

    def read():
        while not ending.is_set():
            try:
                with Client(PORT) as client:
                    while not ending.is_set():
                        client.registers(0, 100)
            except (OSError, AssertionError):
                ending.wait(0.02)

    def poll():
        while not ending.is_set():
            answer = api.get("/api/plugins")
            if answer.status != 200:
                refused.append(answer)
            ending.wait(0.01)

    threads = [threading.Thread(target=work) for work in (read, poll)]
    for thread in threads:
        thread.start()
    try:
        yield refused
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def restarts(plant):
    return {unit: int(plant.machine.properties(unit, "NRestarts")["NRestarts"]) for unit in (*UNITS, "openplc-core.service")}


def values_flow(plant, remote, number):
    """From the device and the plugin into the program, and from a client through the program to the device."""
    plant.machine.run("tee", NUMBERS, text=f"{number}\n{number + 1}\n")
    remote.holding_registers[0] = number
    with connected(PORT) as client:
        wait_until(lambda: client.registers(0, function=4) == [number], "the device's value")
        wait_until(lambda: client.registers(100, 2, function=4) == [number, number + 1], "the plugin's values")
        client.write(WISH, number)
        followed(client, number)
    wait_until(lambda: remote.holding_registers[5] == number + 1, "the device to follow")


def test_killed_again_and_again_under_load(plant, api, remote, witness):
    print(f"OPENPLC_TEST_SEED={SEED}")
    chance = random.Random(SEED)
    values_flow(plant, remote, 1000)
    before, scans = restarts(plant), Scans(api, witness)
    with load(api) as refused:
        for number in range(KILLS):
            for unit in chance.sample(UNITS, k=len(UNITS)):
                time.sleep(chance.uniform(0, 0.2))
                plant.machine.main_process(unit).kill()
            # What the slave has confirmed is there.
            with connected(PORT) as client:
                assert client.registers(WISH) == [1000 + number]
            values_flow(plant, remote, 1001 + number)
        assert api.state() == "RUNNING"
    assert refused == []
    scans.check()
    expected = {unit: count + (KILLS if unit in UNITS else 0) for unit, count in before.items()}
    assert restarts(plant) == expected
