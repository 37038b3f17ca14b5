"""Plugins that hang, crash in a loop, flood everything or eat memory: the scans go on, and so do other plugins."""

import os
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

from harness.plugins import Administrator, plugins, wait_for, wait_logged
from harness.runtime import REPOSITORY, free_port, sleep_until
from harness.scans import Scans
from harness.waiting import wait_until
from test_plugins import PLANT, slave, with_conf

INCLUDE = REPOSITORY / "crates" / "openplc-plugin-abi" / "include"
OBSERVED = 4.0


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The shared object of hostile.c."""
    path = tmp_path_factory.mktemp("hostile") / "hostile.so"
    source = Path(__file__).parent / "plugins" / "hostile.c"
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", f"-I{INCLUDE}"]
    subprocess.run(["gcc", *options, source, "-o", path, "-lpthread"], check=True)
    return path


class Plant:
    """A PLC with the Modbus slave and a hostile plugin."""

    def __init__(self, runtime, api, hostile):
        self.runtime, self.api, self.hostile = runtime, api, hostile
        self.administrator = Administrator(runtime)
        self.port = free_port()

    def start(self, mode):
        self.administrator.write(f"hostile,{self.hostile},1,1,hostile.json", hostile={"mode": mode})
        # Another program each time: an unchanged one is not started anew.
        self.api.deploy(with_conf(modbus_slave=slave(self.port)).with_md5(os.urandom(16).hex()).zip())
        wait_for(self.runtime, self.api, "modbus_slave")

    def read_count(self):
        """%QW0 over Modbus."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as client:
            client.sendall(struct.pack(">HHHBBHH", 7, 0, 6, 1, 3, 0, 1))
            answer = client.recv(64)
        assert answer[7] == 3, answer.hex(" ")
        return int.from_bytes(answer[9:11], "big")

    def moves(self):
        """The other plugin shows values that change."""
        first = self.read_count()
        wait_until(lambda: self.read_count() != first, "another value of %QW0 over Modbus")


@pytest.fixture
def plant(runtime, api, hostile):
    plant = Plant(runtime, api, hostile)
    yield plant
    plant.administrator.write()
    api.deploy(PLANT.with_md5(os.urandom(16).hex()).zip())
    wait_until(lambda: "hostile" not in plugins(api), lambda: f"the end of the hostile plugin: {plugins(api)}")


def observe(plant, witness):
    """Lets time pass in which nothing may happen to the scans."""
    scans = Scans(plant.api, witness)
    until = time.monotonic() + OBSERVED
    while time.monotonic() < until:
        plant.moves()
        sleep_until(min(until, time.monotonic() + 0.2))
    scans.check()


def test_a_plugin_that_holds_the_image_for_ever_holds_up_nobody(plant, witness):
    plant.start("hang")
    wait_logged(plant.api, "hostile: hanging")
    observe(plant, witness)
    process = plugins(plant.api)["hostile"]["process"]
    started = time.monotonic()
    assert plant.api.stop() == "STOP:OK"
    assert time.monotonic() - started < 5, "the stop does not wait for it"
    # It does not leave by itself.
    wait_until(lambda: not Path(f"/proc/{process}/cmdline").exists() or plugins(plant.api)["hostile"]["process"] is None,
               "its end by force")  # fmt: skip
    assert plant.api.start() == "START:OK"


def test_a_plugin_that_crashes_is_started_again_and_again(plant, witness):
    plant.start("crash")

    def crashes():
        return plant.runtime.log().count("openplc-plugin@hostile: main process was killed by SIGABRT")

    wait_until(lambda: crashes() >= 3, lambda: plant.runtime.log()[-3000:])
    scans = Scans(plant.api, witness)
    before = crashes()
    wait_until(lambda: crashes() >= before + 2, lambda: plant.runtime.log()[-3000:])
    plant.moves()
    scans.check()
    assert plugins(plant.api)["hostile"]["attached"] >= 3


@pytest.mark.parametrize("mode", ["flood", "flood logs"])
def test_a_plugin_that_floods_is_bounded(plant, witness, mode):
    plant.start(mode)
    wait_for(plant.runtime, plant.api, "hostile")
    if mode == "flood":
        wait_until(lambda: plugins(plant.api)["hostile"]["writes"]["dropped"] > 10_000, "a flood")
    else:
        wait_logged(plant.api, " of a flood")
    before = len(plant.api.logs())
    observe(plant, witness)
    entries = plant.api.logs()
    assert len(entries) <= 1000
    if mode == "flood logs":
        # Dropped lines are counted, and what others say stays.
        wait_logged(plant.api, "too many a second")
        assert any("Plugin hostile" in entry["message"] for entry in entries), before


def test_a_plugin_that_eats_memory_gets_no_more_than_its_share(plant, witness):
    """Of the launcher; that of its unit is tried on the booted system."""
    plant.start("eat")
    wait_logged(plant.api, "hostile: no more memory after")
    observe(plant, witness)
    eaten = [line for line in plant.api.log_text().splitlines() if "no more memory after" in line]
    assert all(int(line.split()[-2]) <= 1024 for line in eaten), eaten


def test_no_holes_are_made_in_shared_memory(plant):
    plant.start("holes")
    wait_logged(plant.api, "hostile: no more holes")
    assert "a hole was made" not in plant.api.log_text()
