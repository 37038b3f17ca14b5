"""What anybody who reaches the Modbus port may try, and what the administrator may forbid."""

import os
import random
import socket
import struct
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness import modbus
from harness.modbus import WISH, Client, connected, followed
from harness.runtime import Runtime, bring_to_an_end, free_port
from harness.scans import Scans
from harness.waiting import wait_until

SLAVE = "openplc-modbus-slave"
# Default of max-clients in modbus-slave.toml.
MAX_CLIENTS = 128
ATTACKERS = Path(__file__).parent / "clients" / "modbus_attackers.py"
READ = struct.pack(">BHH", 3, WISH, 1)


def header(length, protocol=0, transaction=1):
    return struct.pack(">HHHB", transaction, protocol, length, 1)


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def running(runtime, api, port):
    api.deploy(modbus.plant(20, slave=modbus.slave_file(port)).zip())
    connected(port).close()
    return api


@pytest.fixture(autouse=True)
def guard(request, runtime, witness):
    """Around each test of the shared runtime: not one scan is missed, and a client is served that was there before."""
    if "running" not in request.fixturenames:
        yield
        return
    api, port = request.getfixturevalue("running"), request.getfixturevalue("port")
    processes = [runtime.process(name).pid for name in (SLAVE, "openplc-core")]
    with connected(port, source="127.0.0.9") as served:
        served.write(WISH, 1)
        scans = Scans(api, witness)
        yield
        scans.check()
        served.write(WISH, 2)
        followed(served, 2)
    assert processes == [runtime.process(name).pid for name in (SLAVE, "openplc-core")]


class TestFrames:
    @pytest.mark.parametrize(
        "rubbish",
        [
            b"GET / HTTP/1.1\r\nHost: plc\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
            header(6, protocol=1) + READ,
            header(0),
            header(1),
            header(255) + bytes(254),
            header(65535) + bytes(300),
            bytes(1000),
            b"\xff" * 1000,
        ],
        ids=["HTTP", "TLS", "another protocol", "no length", "no data unit", "too long", "far too long", "zeroes", "ones"],
    )
    def test_who_speaks_no_modbus_is_disconnected(self, running, port, rubbish):
        with Client(port) as client:
            client.socket.sendall(rubbish)
            assert client.is_closed()

    def test_requests_that_contradict_themselves_get_exception_3(self, running, port):
        with Client(port) as client:
            for pdu in (
                [15, 0, 0, 0xFF, 0xFF, 1, 0xFF],
                [16, 0, 0, 0x80, 1, 2, 0, 0],
                [16, 0, 0, 0, 1, 200, 0, 0],
                [3, 0, 0, 0xFF, 0xFF],
                [3, 0, 0],
                [3],
                [23, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0],
                [5, 0, 0, 1, 2],
                [43, 14],
            ):
                assert client.ask(pdu) == bytes([pdu[0] | 0x80, 3]), pdu
            assert client.registers(WISH) == [1]

    def test_arbitrary_data_units_get_one_answer_each(self, running, port):
        seed = int(os.environ.get("OPENPLC_TEST_SEED", random.randrange(1 << 32)))
        print("OPENPLC_TEST_SEED", seed)
        chance = random.Random(seed)
        with Client(port) as client:
            for _ in range(3000):
                function = chance.choice([1, 2, 3, 4, 23, 43, chance.randrange(128)])
                # Writes would be understood now and then.
                function = 3 if function in (5, 6, 15, 16, 22) else function
                pdu = bytes([function]) + chance.randbytes(chance.randrange(12))
                assert client.ask(pdu)[0] & 0x7F == function

    def test_connections_that_end_anywhere_leave_nothing(self, runtime, running, port):
        slave = runtime.process(SLAVE)
        frame = header(6) + READ
        before = slave.descriptors()
        for number in range(2000):
            with socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.3", 0)) as client:
                client.sendall(frame[: number % (len(frame) + 1)])
                if number % 3 == 0:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until(lambda: slave.descriptors() <= before, lambda: f"{slave.descriptors()} descriptors, {before} before")


class TestFloods:
    def test_hundreds_of_silent_clients_leave_room_for_others(self, running, port):
        """Each from an address of its own, so that the limit of all is what counts."""
        with ExitStack() as stack:
            for number in range(200):
                client = Client(port, source=f"127.0.1.{number + 1}")
                stack.enter_context(client)
            # Silent for long enough, they make room.
            wait_until(lambda: self.is_served(port), "a new client's answer", interval=0.2)

    @staticmethod
    def is_served(port):
        try:
            with Client(port, source="127.0.0.8") as client:
                return client.registers(WISH) == [1]
        except OSError:
            return False

    def test_one_address_takes_its_share_only(self, running, port):
        with ExitStack() as stack:
            clients = [stack.enter_context(Client(port, source="127.0.0.4")) for _ in range(100)]
            served = 0
            for client in clients:
                try:
                    served += client.registers(WISH) == [1]
                except OSError:
                    pass
            assert 60 <= served <= 64
            with Client(port, source="127.0.0.5") as other:
                assert other.registers(WISH) == [1]

    def test_bad_requests_on_many_connections_cost_nobody_else(self, runtime, running, port):
        """Malformed requests, unknown functions, half frames, answers that nobody reads; memory stays flat."""
        slave = runtime.process(SLAVE)
        descriptors = slave.descriptors()
        attackers = subprocess.Popen([sys.executable, ATTACKERS, str(port)])
        try:
            with connected(port, source="127.0.0.7") as legitimate:
                # What it takes for so many is taken; from then on nothing may grow.
                for value in range(200):
                    legitimate.write(WISH, value)
                memory = slave.rss()
                for value in range(500):
                    legitimate.write(WISH, value)
                    assert legitimate.registers(WISH) == [value]
                assert slave.rss() < memory + (8 << 20)
                assert slave.descriptors() <= descriptors + MAX_CLIENTS
                assert attackers.poll() is None
        finally:
            attackers.kill()
            attackers.wait()
        wait_until(lambda: slave.descriptors() <= descriptors, lambda: f"{slave.descriptors()}, {descriptors} before")

    def test_a_flood_of_writes_is_refused_as_busy_or_taken(self, running, port):
        request = struct.pack(">BHHB123H", 16, 1024 + 100, 123, 246, *range(123))
        answers = set()
        with Client(port) as client:
            for _ in range(10):
                for _ in range(100):
                    client.send(request)
                answers |= {client.receive()[2] for _ in range(100)}
        assert answers <= {request[:5], bytes([0x90, 6])}
        assert request[:5] in answers


class TestSettings:
    @pytest.fixture
    def configured(self, tmp_path):
        runtime = Runtime(tmp_path / "data")
        runtime.data.mkdir()
        (runtime.data / "etc").mkdir()
        port = free_port()

        def start(settings):
            (runtime.data / "etc" / "modbus-slave.toml").write_text(settings)
            api = runtime.start().login()
            api.deploy(modbus.plant(slave=modbus.slave_file(port)).zip())
            connected(port, source="127.0.0.6").close()
            return port

        yield start, runtime
        bring_to_an_end(runtime)

    def test_reading_only(self, configured):
        port = configured[0]("read-only = true\n")
        with connected(port) as client:
            assert client.ask(struct.pack(">BHH", 6, WISH, 1)) == bytes([0x86, 1])
            assert client.ask(struct.pack(">BHH", 5, 0, 0xFF00)) == bytes([0x85, 1])
            assert client.registers(WISH) == [0]

    def test_functions_and_clients_that_are_allowed(self, configured):
        port = configured[0]('function-codes = [3]\nclients = ["127.0.0.6", "127.0.3.0/24"]\n')
        with Client(port, source="127.0.3.77") as client:
            assert client.registers(WISH) == [0]
            assert client.ask([1, 0, 0, 0, 1]) == bytes([0x81, 1])
        with Client(port, source="127.0.0.1") as stranger:
            assert stranger.is_closed()

    def test_idle_and_slow_clients_are_disconnected(self, configured):
        port = configured[0]('idle-timeout = "300ms"\nrequest-timeout = "300ms"\n')
        with Client(port) as idle, Client(port) as slow, Client(port) as deaf:
            slow.socket.sendall(header(6))
            deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            with pytest.raises(OSError):
                while True:
                    deaf.socket.sendall((header(6) + struct.pack(">BHH", 3, 0, 125)) * 100)
            assert idle.is_closed() and slow.is_closed()

    def test_a_mistake_is_told_and_the_slave_works(self, configured):
        start, runtime = configured
        port = start("read-onyl = true\nmax-clients = 0\n")
        assert "is read-only meant?" in runtime.log() and "max-clients cannot be 0" in runtime.log()
        with Client(port) as client:
            client.write(WISH, 1)
