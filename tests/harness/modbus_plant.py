"""A program with a Modbus master, and a slave by which tests look into the image; fixtures for it."""

import struct

import pytest

from harness import modbus
from harness.modbus import Variable, connected
from harness.modbus_devices import Device, tcp
from harness.runtime import free_port
from harness.waiting import wait_until

# Outputs that memory sets, so that a Modbus client of the slave can set them.
VARIABLES = [
    Variable("WISH_BITS", "BOOL", location="%MX0.0"),
    Variable("WISH_WORD", "UINT", location="%MW0"),
    Variable("WISH_DOUBLE", "UDINT", location="%MD0"),
    Variable("WISH_LONG", "ULINT", location="%ML0"),
    Variable("BIT", "BOOL", location="%QX0.0"),
    Variable("BIT_9", "BOOL", location="%QX1.1"),
    Variable("WORD_0", "UINT", location="%QW0"),
    Variable("WORD_1", "UINT", location="%QW1"),
    Variable("DOUBLE", "UDINT", location="%QD0"),
    Variable("LONG", "ULINT", location="%QL0"),
]
BODY = """
  BIT := WISH_BITS;
  BIT_9 := WISH_BITS;
  WORD_0 := WISH_WORD;
  WORD_1 := WISH_WORD + 1;
  DOUBLE := WISH_DOUBLE;
  LONG := WISH_LONG;
"""


def point(function, offset, location, count=1, cycle=20, **more):
    return {"fc": function, "offset": offset, "iec_location": location, "len": count, "cycle_time_ms": cycle, **more}


def device(port, *points, name="Device", timeout=1000, **more):
    config = {"type": "SLAVE", "transport": "tcp", "host": "127.0.0.1", "port": port, "timeout_ms": timeout}
    return {"name": name, "protocol": "MODBUS", "config": {**config, "slave_id": 1, "io_points": points, **more}}


class Plant:
    """A program with a master, and a slave by which the tests look into the image."""

    def __init__(self, api):
        self.api = api
        self.port = free_port()
        self.client = None

    def deploy(self, *devices, interval_ms=10):
        mapping = {"coils": {"qx_bits": 64, "mx_bits": 64}}
        made = modbus.plant(
            interval_ms, VARIABLES, BODY, master=list(devices), slave=modbus.slave_file(self.port, buffer_mapping=mapping)
        )
        assert self.api.deploy(made.zip()).status == "SUCCESS"
        self.connect()
        return self

    def connect(self):
        self.close()
        self.client = connected(self.port)

    def close(self):
        if self.client:
            self.client.close()

    def inputs(self, first, count=1):
        return self.client.registers(first, count, function=4)

    def input_bits(self, first, count):
        packed = int.from_bytes(self.client.ask(struct.pack(">BHH", 2, first, count))[2:], "little")
        return [packed >> bit & 1 for bit in range(count)]

    def memory(self, first, count=1):
        return self.client.registers(1024 + first, count)

    def set_word(self, value):
        self.client.write(1024, value)

    def set_bits(self, value):
        self.client.ask(struct.pack(">BHH", 5, 64, 0xFF00 if value else 0))

    def set_registers(self, first, values):
        self.client.ask(struct.pack(f">BHHB{len(values)}H", 16, first, len(values), 2 * len(values), *values))

    def figures(self):
        shown = self.api.status(stats=True)["timing_stats"].get("plugin_stats", {}).get("modbus_master", {"fields": []})
        return {field["label"]: field["value"] for field in shown["fields"]}


@pytest.fixture
def plant(api):
    plant = Plant(api)
    yield plant
    plant.close()
    api.stop()


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def remote(port):
    """One device, at `port`."""
    remote = Device()
    with tcp(port, remote) as server:
        remote.server = server
        yield remote


def comes(condition, what):
    return wait_until(condition, what)
