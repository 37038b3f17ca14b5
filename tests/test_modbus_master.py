"""The Modbus master with devices of others: pymodbus (TCP and RTU) and pyModbusTCP; with devices that are slow, absent or lie."""

import os
import socket
import struct
import threading
import time
from contextlib import ExitStack

import pytest
from pyModbusTCP.server import ModbusServer

from harness import modbus
from harness.modbus import Variable, connected
from harness.modbus_devices import Device, SerialCable, serial, tcp
from harness.runtime import free_port
from harness.scans import Scans
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
    return wait_until(condition, what, timeout=60)


class TestValues:
    def test_all_that_is_read_is_in_its_place(self, plant, remote, port):
        remote.coils[3:6] = [1, 0, 1]
        remote.discrete_inputs[0:10] = [1, 1, 0, 0, 1, 0, 0, 0, 0, 1]
        remote.holding_registers[16:18] = [4711, 65535]
        remote.input_registers[5:7] = [0x2222, 0x1111]
        remote.input_registers[20:24] = [1, 2, 3, 4]
        plant.deploy(
            device(
                port,
                point(1, "3", "%IX2.6", 3),
                point(2, "0x0000", "%IX0.0", 10),
                point(3, "0x0010", "%IW7", 2),
                point(4, "0x5", "%MD5"),
                point(4, "20", "%ML3"),
                point(3, 16, "%MW500"),
            )
        )
        comes(lambda: plant.inputs(7, 2) == [4711, 65535], "holding registers")
        comes(lambda: plant.input_bits(0, 10) == remote.discrete_inputs[:10], "discrete inputs")
        comes(lambda: plant.input_bits(22, 3) == [1, 0, 1], "coils")
        # The slave shows the high word first, the master reads the low one first.
        comes(lambda: plant.client.registers(2048 + 10, 2) == [0x1111, 0x2222], "a value of two registers")
        comes(lambda: plant.client.registers(4096 + 12, 4) == [4, 3, 2, 1], "a value of four registers")
        comes(lambda: plant.memory(500) == [4711], "memory")
        remote.holding_registers[16] = 1
        comes(lambda: plant.inputs(7) == [1], "the change")

    def test_all_that_is_written_arrives(self, plant, remote, port):
        plant.deploy(
            device(
                port,
                point(5, "7", "%QX0.0"),
                point(6, "30", "%QW0", 2),
                point(15, "100", "%QX0.0", 10),
                point(16, "200", "%QW0", 2),
                point(16, "300", "%QD0"),
                point(16, "302", "%QL0"),
            )
        )
        plant.set_bits(True)
        plant.set_word(99)
        plant.set_registers(2048, [0x1111, 0x2222])
        plant.set_registers(4096, [1, 2, 3, 4])
        comes(lambda: remote.coils[7] == 1, "function code 5")
        comes(lambda: remote.coils[100:110] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1], lambda: f"15: {remote.coils[100:110]}")
        comes(lambda: remote.holding_registers[30:32] == [99, 100], "function code 6")
        comes(lambda: remote.holding_registers[200:202] == [99, 100], "function code 16")
        comes(lambda: remote.holding_registers[300:306] == [0x2222, 0x1111, 4, 3, 2, 1], "wide values")

    def test_files_of_the_first_editors(self, plant, remote, port):
        remote.holding_registers[0] = 5
        old = device(port, point(3, "0x0000", "%IW0"))
        del old["config"]["transport"], old["config"]["slave_id"]
        plant.deploy(old)
        comes(lambda: plant.inputs(0) == [5], "the value")

    def test_another_server(self, plant, port):
        server = ModbusServer("127.0.0.1", port, no_block=True)
        server.start()
        try:
            server.data_bank.set_input_registers(10, [321])
            plant.deploy(device(port, point(4, "10", "%IW1"), point(16, "20", "%QW0", 2)))
            plant.set_word(7)
            comes(lambda: plant.inputs(1) == [321], "the value")
            comes(lambda: server.data_bank.get_holding_registers(20, 2) == [7, 8], "the output")
        finally:
            server.stop()


class TestRequests:
    def test_neighbours_share_a_request_and_gaps_are_not_read(self, plant, remote, port):
        plant.deploy(
            device(
                port,
                point(3, "12", "%IW4", 3),
                point(3, "10", "%ID0"),
                point(3, "20", "%IW0"),
                point(3, "300", "%IW200", 200),
            )
        )
        comes(lambda: len(remote.requests) > 20, "requests")
        assert remote.asked(3) == {(10, 5), (20, 1), (300, 125), (425, 75)}

    def test_what_is_refused_together_is_asked_apart(self, plant, remote, port):
        remote.most = 2
        remote.holding_registers[0:4] = [1, 2, 3, 4]
        plant.deploy(device(port, point(3, "0", "%IW0", 2), point(3, "2", "%IW10", 2)))
        comes(lambda: plant.inputs(0, 2) + plant.inputs(10, 2) == [1, 2, 3, 4], "the values")

    def test_each_point_has_its_own_cycle(self, plant, remote, port):
        plant.deploy(device(port, point(3, "0", "%IW0", cycle=50), point(3, "10", "%IW10", cycle=1000)))

        def count(first):
            return sum(request[1] == first for request in list(remote.requests))

        comes(lambda: count(10) >= 4, "four slow cycles")
        # Twenty to one, were the machine never late.
        assert 5 * count(10) <= count(0) <= 25 * count(10)

    def test_units_behind_one_gateway_share_a_connection(self, plant, port):
        units = [Device(1), Device(2), Device(3)]
        for unit in units:
            unit.holding_registers[0] = 100 + unit.unit
        with tcp(port, *units) as gateway:
            plant.deploy(
                *(
                    device(port, point(3, "0", f"%IW{unit.unit}"), name=f"Unit {unit.unit}", slave_id=unit.unit)
                    for unit in units
                )
            )
            comes(lambda: plant.inputs(1, 3) == [101, 102, 103], "all units")
            assert gateway.connections == 1

    def test_a_mistake_costs_its_device_only(self, plant, remote, port):
        remote.holding_registers[0] = 8
        wrong = device(port, point(3, "junk", "%IW5"), name="Wrong")
        plant.deploy(wrong, device(port, point(3, "0", "%IW0")))
        comes(lambda: plant.inputs(0) == [8], "the other device")
        comes(lambda: "[0].config.io_points[0].offset" in plant.api.log_text(), plant.api.log_text)


class TestFailures:
    def test_an_absent_device_holds_or_zeroes_its_inputs_and_comes_back(self, plant, remote, port):
        remote.holding_registers[0:2] = [11, 12]
        plant.deploy(
            device(
                port,
                point(3, "0", "%IW0", error_handling="keep-last-value"),
                point(3, "1", "%IW1", error_handling="set-to-zero"),
            )
        )
        comes(lambda: plant.inputs(0, 2) == [11, 12], "the values")
        remote.server.stop()
        comes(lambda: plant.inputs(0, 2) == [11, 0], lambda: f"{plant.inputs(0, 2)}")
        comes(lambda: "does not answer" in plant.api.log_text(), plant.api.log_text)
        comes(lambda: "away" in plant.figures().get("Device", ""), plant.figures)
        remote.holding_registers[0:2] = [21, 22]
        remote.server.start()
        comes(lambda: plant.inputs(0, 2) == [21, 22], "the values of the device that is back")
        comes(lambda: "answers again" in plant.api.log_text(), plant.api.log_text)

    def test_a_device_that_refuses_is_named(self, plant, remote, port):
        remote.most = 0
        plant.deploy(device(port, point(3, "4", "%IW0")))
        comes(lambda: "function code 3, 1 from 4 on: exception 2" in plant.api.log_text(), plant.api.log_text)

    def test_a_slow_device_delays_no_other(self, plant, remote, port):
        """Beside a baseline: the other device is asked as often as before."""
        slow, other = Device(), free_port()
        with tcp(other, slow):
            plant.deploy(
                device(port, point(3, "0", "%IW0", cycle=20)),
                device(other, point(3, "0", "%IW1", cycle=20), name="Slow", timeout=500),
            )
            comes(lambda: slow.requests and remote.requests, "requests to both")
            baseline = self.pace(remote)
            slow.delay = 2.0
            comes(lambda: "Slow" in plant.api.log_text(), plant.api.log_text)
            assert self.pace(remote) < 3 * baseline + 0.5

    @staticmethod
    def pace(remote):
        """Seconds for fifty requests."""
        start, count = time.monotonic(), len(remote.requests)
        comes(lambda: len(remote.requests) >= count + 50, "fifty requests")
        return time.monotonic() - start

    def test_a_dead_unit_does_not_starve_its_neighbours(self, plant, port):
        alive, dead = Device(1), Device(2)
        with tcp(port, alive, dead):
            plant.deploy(
                device(port, point(3, "0", "%IW0", cycle=20), name="Alive", timeout=200),
                device(port, point(3, "0", "%IW1", cycle=20), name="Dead", timeout=200, slave_id=2),
            )
            comes(lambda: alive.requests and dead.requests, "requests to both")
            dead.delay = 3600
            comes(lambda: "Dead" in plant.api.log_text(), plant.api.log_text)
            for number in range(1, 20):
                alive.holding_registers[0] = number
                comes(lambda: plant.inputs(0) == [number], "the neighbour's value")

    def test_a_late_answer_is_not_taken_for_another(self, plant, remote, port):
        """Each register says which one it is; answers come when the master has given them up."""
        remote.holding_registers[:100] = range(1000, 1100)
        points = [point(3, str(first), f"%IW{first}", cycle=20) for first in range(0, 40, 2)]
        plant.deploy(device(port, *points, timeout=100))
        for delay in (0.0, 0.15, 0.0, 0.25, 0.0):
            remote.delay = delay
            count = len(remote.requests)
            comes(lambda: len(remote.requests) > count + 3, "requests")
            for first in range(0, 40, 2):
                assert plant.inputs(first)[0] in (0, 1000 + first)
        comes(lambda: plant.inputs(38) == [1038], "the last value")

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            struct.pack(">HHHBBB", 1, 0, 65535, 1, 3, 255) + bytes(4000),
            struct.pack(">HHHBBB", 1, 0, 3, 1, 3, 200),
            struct.pack(">HHHBBBH", 1, 0, 5, 1, 3, 2, 7) * 2000,
            struct.pack(">HHHBB", 1, 0, 2, 1, 3),
            os.urandom(3000),
        ],
        ids=["nothing", "HTTP", "far too long", "too short", "a flood", "no data", "chance"],
    )
    def test_a_device_that_lies_harms_nobody(self, runtime, plant, remote, port, witness, answer):
        remote.holding_registers[0] = 77
        with LyingServer(answer) as liar:
            plant.deploy(
                device(port, point(3, "0", "%IW0")),
                device(liar.port, point(3, "0", "%IW1", 3, cycle=10), name="Liar", timeout=100),
            )
            master = runtime.process("openplc-modbus-master")
            scans = Scans(plant.api, witness, 0.01)
            comes(lambda: liar.answered >= 3, "answers of the liar")
            remote.holding_registers[0] = 78
            comes(lambda: plant.inputs(0) == [78], "the other device's value")
            scans.check()
            assert runtime.process("openplc-modbus-master").pid == master.pid


class LyingServer:
    """Whatever it is asked, it says the same."""

    def __init__(self, answer):
        self.answer, self.answered = answer, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with ExitStack() as stack:
            while True:
                try:
                    connection = stack.enter_context(self.listener.accept()[0])
                    connection.settimeout(5)
                    while connection.recv(1000):
                        self.answered += 1
                        connection.sendall(self.answer)
                        if not self.answer:
                            break
                except ConnectionError:
                    continue
                except OSError:
                    if self.listener.fileno() < 0:
                        return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


class TestOutputsAreSafe:
    OUTPUTS = (point(15, "0", "%QX0.0", 2), point(16, "0", "%QW0", 2))

    def work(self, plant, remote):
        plant.set_bits(True)
        plant.set_word(40)
        comes(lambda: remote.holding_registers[:2] == [40, 41] and remote.coils[0] == 1, "outputs")

    def test_when_the_plc_stops(self, plant, remote, port):
        plant.deploy(device(port, *self.OUTPUTS))
        self.work(plant, remote)
        plant.api.stop()
        comes(lambda: remote.holding_registers[:2] == [0, 0] and remote.coils[0] == 0, "safe outputs")
        requests = len(remote.requests)
        plant.api.start()
        plant.connect()
        self.work(plant, remote)
        assert len(remote.requests) > requests

    def test_when_the_core_dies(self, runtime, plant, remote, port):
        plant.deploy(device(port, *self.OUTPUTS))
        self.work(plant, remote)
        seen = []
        act = remote.act

        async def watched(function, start, address, count, current, written):
            seen.append(list(written or []))
            return await act(function, start, address, count, current, written)

        remote.act = watched
        remote.server.stop()
        remote.server.start()
        comes(lambda: seen, "requests")
        runtime.kill_process("openplc-core")
        comes(lambda: [0, 0] in seen, lambda: f"safe outputs among {seen[-10:]}")
        comes(lambda: plant.api.state() == "RUNNING", "the PLC")

    def test_nothing_is_written_before_the_plc_runs(self, plant, remote, port):
        plant.deploy(device(port, *self.OUTPUTS))
        plant.api.stop()
        comes(lambda: "modbus_master has left" in plant.api.log_text(), plant.api.log_text)
        remote.requests.clear()
        remote.holding_registers[0] = 555
        assert plant.api.state() == "STOPPED" and remote.requests == []
        assert remote.holding_registers[0] == 555


class TestSerialLine:
    def rtu(self, path, *points, unit=1, name="Serial", timeout=1000):
        config = {"transport": "rtu", "serial_port": path, "baud_rate": 9600, "parity": "N", "stop_bits": 1,
                  "data_bits": 8, "timeout_ms": timeout, "slave_id": unit, "io_points": points}  # fmt: skip
        return {"name": name, "protocol": "MODBUS", "config": config}

    def test_units_on_one_line_are_read_and_written(self, plant):
        first, second = Device(1), Device(17)
        first.holding_registers[0], second.input_registers[9] = 1234, 4321
        with SerialCable() as cable, serial(cable.far, first, second):
            plant.deploy(
                self.rtu(cable.near, point(3, "0", "%IW0"), point(16, "10", "%QW0", 2), name="First"),
                self.rtu(cable.near, point(4, "9", "%IW1"), point(15, "3", "%QX0.0", 10), unit=17, name="Second"),
            )
            plant.set_word(60)
            plant.set_bits(True)
            comes(lambda: plant.inputs(0, 2) == [1234, 4321], lambda: plant.figures())
            comes(lambda: first.holding_registers[10:12] == [60, 61], "registers")
            comes(lambda: second.coils[3] == second.coils[12] == 1, "coils")

    def test_noise_and_silence_pass(self, plant):
        remote = Device(5)
        remote.holding_registers[0] = 1
        with SerialCable() as cable, serial(cable.far, remote) as server:
            plant.deploy(self.rtu(cable.near, point(3, "0", "%IW0"), unit=5, timeout=200))
            comes(lambda: plant.inputs(0) == [1], "the value")
            cable.noise = b"\x05\x03\xff noise"
            remote.holding_registers[0] = 2
            comes(lambda: plant.inputs(0) == [2], "the value after noise")
            server.stop()
            comes(lambda: "away" in plant.figures().get("Serial", ""), plant.figures)
            remote.holding_registers[0] = 3
            server.start()
            comes(lambda: plant.inputs(0) == [3], "the value after silence")

    def test_a_port_that_does_not_exist_is_said(self, plant):
        plant.deploy(self.rtu("/dev/ttyNOWHERE", point(3, "0", "%IW0")))
        comes(lambda: "/dev/ttyNOWHERE" in plant.api.log_text(), plant.api.log_text)
        assert plant.api.state() == "RUNNING"
