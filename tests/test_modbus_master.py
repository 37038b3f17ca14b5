"""The Modbus master with devices of others that work: pymodbus and libmodbus (TCP and RTU), and pyModbusTCP."""

import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyModbusTCP.server import ModbusServer

from harness.modbus_devices import Device, SerialCable, serial, tcp
from harness.modbus_plant import comes, device, plant, point, port, remote  # noqa: F401


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

    def test_a_crowd_of_mistakes_is_counted_and_takes_no_memory(self, runtime, plant, remote, port):
        remote.holding_registers[0] = 9
        wrong = {"name": "\x1b[2JWrong", "config": {"port": 0, "more": [[{}]] * 4}}
        plant.deploy(*[wrong] * 10_000, device(port, point(3, "0", "%IW0")))
        comes(lambda: plant.inputs(0) == [9], "the device without a mistake")
        comes(lambda: "9980 more Modbus devices are left out" in plant.api.log_text(), plant.api.log_text)
        assert "\x1b" not in plant.api.log_text()
        master = runtime.process("openplc-modbus-master")
        status = Path(f"/proc/{master.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024
        assert peak < 32 << 20, "half of what its unit allows"

    def test_a_configuration_without_end_is_refused(self, plant, remote, port):
        plant.deploy(device(port, point(3, "0", "%IW0"), name="A" * (1 << 20)))
        comes(lambda: "1048576 are the most that are read" in plant.api.log_text(), plant.api.log_text)
        assert plant.api.state() == "RUNNING"


def rtu(path, *points, unit=1, name="Serial", timeout=1000):
    config = {"transport": "rtu", "serial_port": path, "baud_rate": 9600, "parity": "N", "stop_bits": 1,
              "data_bits": 8, "timeout_ms": timeout, "slave_id": unit, "io_points": points}  # fmt: skip
    return {"name": name, "protocol": "MODBUS", "config": config}


HAS_LIBMODBUS = Path("/usr/include/modbus/modbus.h").exists() and shutil.which("gcc")


@pytest.mark.skipif(not HAS_LIBMODBUS, reason="libmodbus-dev is not installed")
class TestLibmodbus:
    POINTS = [
        point(3, "7", "%IW0", 2),
        point(16, "100", "%QW0", 2),
        point(4, "100", "%IW10", 2),
        point(15, "40", "%QX0.0", 10),
        point(2, "40", "%IX5.0", 10),
        point(6, "130", "%QW1"),
        point(5, "60", "%QX0.0"),
        point(2, "60", "%IX8.0"),
    ]

    @pytest.fixture(scope="class")
    def program(self, tmp_path_factory):
        program = tmp_path_factory.mktemp("libmodbus") / "device"
        source = Path(__file__).parent / "clients" / "modbus_device.c"
        subprocess.run(["gcc", "-O1", "-Wall", "-Werror", "-o", program, source, "-lmodbus"], check=True)
        return program

    @contextmanager
    def running(self, program, *arguments):
        process = subprocess.Popen([program, *map(str, arguments)])
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def check(self, plant):
        """What the device has is read, what is written comes back."""
        plant.set_word(60)
        plant.set_bits(True)
        comes(lambda: plant.inputs(0, 2) == [1007, 1008], plant.figures)
        comes(lambda: plant.inputs(10, 2) == [60, 61], plant.figures)
        comes(lambda: plant.input_bits(40, 10) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1], plant.figures)
        comes(lambda: plant.input_bits(64, 1) == [1], plant.figures)

    def test_over_tcp(self, plant, port, program):
        with self.running(program, "tcp", port):
            plant.deploy(device(port, *self.POINTS))
            self.check(plant)

    def test_on_a_line(self, plant, program):
        with SerialCable() as cable, self.running(program, "rtu", cable.far, 9):
            plant.deploy(rtu(cable.near, *self.POINTS, unit=9))
            self.check(plant)


class TestSerialLine:
    def test_units_on_one_line_are_read_and_written(self, plant):
        first, second = Device(1), Device(17)
        first.holding_registers[0], second.input_registers[9] = 1234, 4321
        with SerialCable() as cable, serial(cable.far, first, second):
            plant.deploy(
                rtu(cable.near, point(3, "0", "%IW0"), point(16, "10", "%QW0", 2), name="First"),
                rtu(cable.near, point(4, "9", "%IW1"), point(15, "3", "%QX0.0", 10), unit=17, name="Second"),
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
            plant.deploy(rtu(cable.near, point(3, "0", "%IW0"), unit=5, timeout=200))
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
        plant.deploy(rtu("/dev/ttyNOWHERE", point(3, "0", "%IW0")))
        comes(lambda: "/dev/ttyNOWHERE" in plant.api.log_text(), plant.api.log_text)
        assert plant.api.state() == "RUNNING"
