"""The Modbus slave as its clients see it: pymodbus, pyModbusTCP, mbpoll (libmodbus) and bare sockets."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading

import pytest
from pyModbusTCP.client import ModbusClient
from pymodbus.client import ModbusTcpClient

from harness import modbus
from harness.debug_protocol import Debugger
from harness.modbus import BUTTON, DOUBLE, FOLLOWS, LAMP, LONG, WISH, Client, Variable, connected, followed
from harness.runtime import free_port
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def plant(port):
    return modbus.plant(slave=modbus.slave_file(port))


@pytest.fixture
def client(api, plant, port):
    """A client of the plant, which runs."""
    if api.state() != "RUNNING":
        api.deploy(plant.zip())
    with connected(port) as client:
        yield client


def test_pymodbus_reads_and_writes(client, port):
    with ModbusTcpClient("127.0.0.1", port=port, timeout=30, retries=0) as judge:
        assert not judge.write_register(WISH, 500).isError()
        assert judge.read_holding_registers(WISH).registers == [500]
        followed(client, 500)
        assert judge.read_holding_registers(FOLLOWS, count=1).registers == [501]
        assert not judge.write_registers(WISH, [600, 7, 8]).isError()
        assert judge.read_holding_registers(WISH, count=3).registers == [600, 7, 8]
        assert not judge.mask_write_register(address=WISH + 1, and_mask=0xFF00, or_mask=0x0055).isError()
        assert judge.read_holding_registers(WISH + 1).registers == [0x55]
        answer = judge.readwrite_registers(
            read_address=WISH, read_count=3, write_address=WISH + 2, values=[9]
        )
        assert answer.registers == [600, 0x55, 9]
        assert not judge.write_coil(BUTTON, True).isError()
        assert judge.read_coils(BUTTON).bits[0] is True
        wait_until(lambda: judge.read_coils(LAMP).bits[0], "the lamp")
        assert not judge.write_coils(BUTTON, [False, True, True]).isError()
        assert judge.read_coils(BUTTON, count=3).bits[:3] == [False, True, True]
        assert judge.read_discrete_inputs(0, count=2000).bits == [False] * 2000
        assert judge.read_input_registers(0, count=125).registers == [0] * 125
        identity = judge.read_device_information(read_code=1)
        assert identity.information[0] == b"OpenPLC Runtime"


def test_pymodbus_understands_the_exceptions(client, port):
    with ModbusTcpClient("127.0.0.1", port=port, timeout=30, retries=0) as judge:
        assert judge.read_holding_registers(8191, count=2).exception_code == 2
        assert judge.read_coils(8192 + 64).exception_code == 2
        assert judge.write_register(8192, 1).exception_code == 2


def test_pymodbustcp_reads_and_writes(client, port):
    judge = ModbusClient("127.0.0.1", port=port, timeout=30)
    assert judge.write_single_register(WISH, 41)
    assert judge.read_holding_registers(WISH) == [41]
    followed(client, 41)
    assert judge.read_holding_registers(FOLLOWS) == [42]
    assert judge.write_multiple_registers(WISH + 1, list(range(122)))
    assert judge.read_holding_registers(WISH + 1, 122) == list(range(122))
    assert judge.write_single_coil(BUTTON, True)
    wait_until(lambda: judge.read_coils(LAMP) == [True], "the lamp")
    assert judge.write_multiple_coils(0, [True, False] * 984)
    assert judge.read_discrete_inputs(8191) == [False]
    assert judge.read_input_registers(1023) == [0]
    assert judge.read_holding_registers(9000) is None and judge.last_except == 2
    judge.close()


@pytest.mark.skipif(not shutil.which("mbpoll"), reason="mbpoll is not installed")
def test_mbpoll_reads_and_writes(client, port):
    def mbpoll(*arguments):
        command = ["mbpoll", "-0", "-1", "-q", "-o", "10", "-p", str(port), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout

    assert "Written 1 references" in mbpoll("-r", str(WISH), "-t", "4", "127.0.0.1", "1234")
    followed(client, 1234)
    assert re.search(r"\[10\]:\s*1235", mbpoll("-r", str(FOLLOWS), "-t", "4", "127.0.0.1"))
    assert "Written 2 references" in mbpoll("-r", str(BUTTON), "-t", "0", "127.0.0.1", "1", "0")
    assert re.search(rf"\[{BUTTON}\]:\s*1", mbpoll("-r", str(BUTTON), "-t", "0", "127.0.0.1"))
    # High word first, as mbpoll's big endian word order has it.
    assert "Written" in mbpoll("-r", str(DOUBLE + 10), "-t", "4:int", "-B", "127.0.0.1", "1234567")
    assert client.registers(DOUBLE + 10, 2) == [18, 54919]


def test_values_of_several_registers_are_never_torn(client):
    for _ in range(2000):
        assert len(set(client.registers(LONG, 4))) == 1
        assert len(set(client.registers(DOUBLE, 2))) == 1


def test_one_read_is_of_one_scan_and_one_write_is_taken_by_one(api, port):
    """The first and the last register of a request, over two tables."""
    outputs = [Variable(f"OUT_{slot}", "UINT", location=f"%QW{slot}") for slot in (900, 960, 1023)]
    memory = [Variable(f"GIVEN_{slot}", "UINT", location=f"%MW{slot}") for slot in (0, 50, 121)]
    counts = [Variable("TICK", "UINT"), Variable("TORN", "UINT", location="%MW1000")]
    body = """
  TICK := TICK + 1;
  OUT_900 := TICK; OUT_960 := TICK; OUT_1023 := TICK;
  IF GIVEN_0 <> GIVEN_50 OR GIVEN_0 <> GIVEN_121 THEN
    TORN := TORN + 1;
  END_IF;
"""
    fast = modbus.plant(2, [*outputs, *memory, *counts], body, slave=modbus.slave_file(port))
    api.deploy(fast.zip())
    with connected(port) as client:
        for number in range(1, 1000):
            client.ask(struct.pack(">BHHB122H", 16, 1024, 122, 244, *[number] * 122))
            read = client.registers(900, 124)
            assert read[0] == read[60] == read[123]
        assert client.registers(1024 + 1000) == [0]
    api.deploy(modbus.plant(slave=modbus.slave_file(port)).zip())


def test_what_was_confirmed_is_read_before_the_next_scan(api, plant, port):
    slow = modbus.plant(2000, slave=modbus.slave_file(port))
    api.deploy(slow.zip())
    with connected(port) as client, Client(port) as other:
        for value in range(100, 130):
            client.write(WISH, value)
            assert client.registers(WISH) == [value]
            assert other.registers(WISH) == [value]
        followed(client, 129)
    api.deploy(plant.zip())


def test_every_other_function_gets_exception_1_with_its_own_transaction(client):
    known = {1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43}
    for function in sorted(set(range(128)) - known):
        assert client.ask([function, 0, 0, 0, 1]) == bytes([function | 0x80, 1])
    assert client.ask([43, 13, 1, 0]) == bytes([0xAB, 1])


def test_requests_in_a_row_are_answered_in_their_order(client):
    for transaction in range(3000, 3200):
        client.send(struct.pack(">BHH", [3, 99][transaction % 2], WISH, 1), unit=transaction % 256, transaction=transaction)
    for transaction in range(3000, 3200):
        answered, unit, pdu = client.receive()
        assert (answered, unit) == (transaction, transaction % 256)
        assert pdu[0] == [3, 99 | 0x80][transaction % 2]


def test_a_request_may_come_byte_by_byte(client):
    for byte in struct.pack(">HHHBBHH", 7, 0, 6, 1, 3, WISH, 1):
        client.socket.sendall(bytes([byte]))
    assert client.receive()[0] == 7


def test_a_stopped_plc_has_no_slave_as_in_openplc_v4(api, client, port):
    api.stop()
    assert client.is_closed()
    with pytest.raises(OSError):
        Client(port)
    api.start()
    with connected(port) as again:
        again.write(WISH, 5)
        followed(again, 5)


def test_a_killed_slave_comes_back_and_the_plc_runs_on(runtime, api, client, port):
    scans = api.scan_count()
    runtime.kill_process("openplc-modbus-slave")
    assert client.is_closed()
    with connected(port) as again:
        again.write(WISH, 6)
        followed(again, 6)
    assert api.scan_count() > scans


def test_the_figures_are_shown(api, client):
    client.write(WISH, 8)

    def figures():
        shown = api.status(stats=True)["timing_stats"].get("plugin_stats", {}).get("modbus_slave", {"fields": []})
        return {field["label"]: field["value"] for field in shown["fields"]}

    wait_until(lambda: figures().get("Write requests", 0) > 0 and figures()["Clients"] >= 1, figures)


class TestConfiguration:
    @pytest.fixture
    def other_port(self):
        return free_port()

    def deploy(self, api, document):
        assert api.deploy(modbus.plant(slave=document).zip()).status == "SUCCESS"

    def test_low_words_may_come_first(self, api, other_port):
        self.deploy(api, modbus.slave_file(other_port, word_order="low_word_first"))
        with connected(other_port) as client:
            client.ask(struct.pack(">BHHBHH", 16, DOUBLE + 10, 2, 4, 54919, 18))
            assert client.registers(DOUBLE + 10, 2) == [54919, 18]

    def test_counts_move_what_follows(self, api, other_port):
        mapping = {"holding_registers": {"qw_count": 11, "mw_count": 11, "md_count": 1, "ml_count": 0}}
        self.deploy(api, modbus.slave_file(other_port, buffer_mapping=mapping))
        with connected(other_port) as client:
            client.write(11 + 10, 300)
            wait_until(lambda: client.registers(10) == [301], "the output")
            assert len(set(client.registers(22, 2))) == 1
            assert client.ask(struct.pack(">BHH", 3, 23, 2)) == bytes([0x83, 2])

    def test_a_mistake_names_its_key_and_the_plc_runs(self, api, other_port):
        document = modbus.slave_file(other_port)
        document["network_configuration"]["port"] = "502"
        self.deploy(api, document)
        wait_until(lambda: "network_configuration.port" in api.log_text(), api.log_text)
        assert api.state() == "RUNNING"

    def test_a_port_that_is_taken_is_tried_again(self, api, other_port):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", other_port))
            taken.listen()
            self.deploy(api, modbus.slave_file(other_port))
            wait_until(lambda: f"port {other_port}: Address already in use" in api.log_text(), api.log_text)
        with connected(other_port) as client:
            client.write(WISH, 3)

    def test_without_the_file_there_is_no_slave(self, runtime, api, other_port):
        self.deploy(api, modbus.slave_file(other_port))
        connected(other_port).close()
        api.deploy(modbus.plant().zip())
        wait_until(
            lambda: not any(process.name == "openplc-modbus-slave" for process in runtime.processes()),
            "the end of the slave",
        )


def test_clients_outlive_an_exchange_of_programs(api, plant, port):
    """Clients that write all the time meanwhile: what they get is a confirmation, exception 4, or the end of the connection."""
    api.deploy(plant.zip())
    ended, confirmed, wrong = threading.Event(), [0], []

    def write_for_ever(register):
        value = 0
        while not ended.is_set() and not wrong:
            try:
                with connected(port) as client:
                    while not ended.is_set():
                        value = (value + 1) % 1000
                        request = struct.pack(">BHH", 6, register, value)
                        answer = client.ask(request)
                        if answer == request:
                            confirmed[0] += 1
                        elif answer != bytes([0x86, 4]):
                            wrong.append(answer)
                            return
            except OSError:
                continue

    writers = [threading.Thread(target=write_for_ever, args=(WISH + number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        for interval in (5, 10):
            api.deploy(modbus.plant(interval, slave=modbus.slave_file(port)).zip())
            before = confirmed[0]
            wait_until(lambda: confirmed[0] > before + 100, "writes after the exchange")
    finally:
        ended.set()
        for writer in writers:
            writer.join()
    assert wrong == []


def test_what_is_confirmed_after_a_start_is_not_lost(runtime, api, editor, plant, port):
    """A slave has to leave when the PLC stops. Until it has, its clients are still there, also when the PLC runs again. Nobody but the
    configuration that goes tells the slave, as under systemd."""
    api.deploy(plant.zip())
    session = editor.connect(runtime.url, api.token)
    values = Debugger(session, plant.variables)
    for value in range(1, 11):
        with connected(port) as client:
            os.kill(runtime.pid, signal.SIGSTOP)
            try:
                api.stop()
                api.start()
                request = struct.pack(">BHH", 6, WISH, value)
                try:
                    answer = client.ask(request)
                except ConnectionError:
                    continue
                assert answer in (request, bytes([0x86, 4]))
                if answer == request:
                    wait_until(lambda: values.read("WISH") == value, f"{value}, which was confirmed")
            finally:
                os.kill(runtime.pid, signal.SIGCONT)
    session.disconnect()
