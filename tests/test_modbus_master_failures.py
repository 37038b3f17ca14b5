"""The Modbus master where something fails: devices that are absent, slow or lie, a PLC that stops, a core that dies."""

import os
import socket
import struct
import threading
import time
from contextlib import ExitStack

import pytest

from harness.modbus_devices import Device, tcp
from harness.modbus_plant import comes, device, plant, point, port, remote  # noqa: F401
from harness.runtime import free_port
from harness.scans import Scans


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

        def slave_is_gone():
            log = plant.api.log_text()
            return log.count("modbus_slave is attached") == log.count("modbus_slave has left")

        # What is written to one that is about to leave has no effect.
        comes(slave_is_gone, plant.api.log_text)
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

        def departures():
            return plant.api.log_text().count("modbus_master has left")

        comes(lambda: plant.api.log_text().count("modbus_master is attached") > departures(), plant.api.log_text)
        before = departures()
        plant.api.stop()
        comes(lambda: departures() > before, plant.api.log_text)
        remote.requests.clear()
        remote.holding_registers[0] = 555
        assert plant.api.state() == "STOPPED" and remote.requests == []
        assert remote.holding_registers[0] == 555
