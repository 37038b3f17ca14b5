"""Modbus: programs with a slave or a master, and clients as bare as it gets."""

import json
import socket
import struct
import time

from harness.programs import bundle, single_task
from matiec.model import Variable
from harness.waiting import wait_until

# Values of several registers whose registers are all the same; outputs that follow memory.
BODY = """
  COUNT := COUNT + 1;
  IF COUNT > 60000 THEN
    COUNT := 0;
  END_IF;
  DOUBLE := COUNT * 65537;
  LONG := COUNT * 281479271743489;
  FOLLOWS := WISH + 1;
  LAMP := BUTTON;
"""
VARIABLES = [
    Variable("COUNT", "ULINT"),
    Variable("DOUBLE", "UDINT", location="%MD0"),
    Variable("LONG", "ULINT", location="%ML0"),
    Variable("WISH", "UINT", location="%MW10"),
    Variable("FOLLOWS", "UINT", location="%QW10"),
    Variable("BUTTON", "BOOL", location="%MX0.0"),
    Variable("LAMP", "BOOL", location="%QX0.0"),
    Variable("ECHO_IN", "UINT", location="%IW0"),
]

# Numbers of registers and coils where nothing else is configured.
WISH, FOLLOWS, DOUBLE, LONG = 1024 + 10, 10, 2048, 4096
BUTTON, LAMP = 8192, 0


def plant(interval_ms=10, variables=VARIABLES, body=BODY, **files):
    """A program; `slave` and `master` are the documents of their configuration files."""
    made = bundle(single_task("modbus", variables, body, interval_ms=interval_ms))
    for name, document in files.items():
        made = made.with_file(f"conf/modbus_{name}.json", json.dumps(document).encode())
    return made


def slave_file(port, **more):
    return {
        "network_configuration": {"host": "127.0.0.1", "port": port},
        "buffer_mapping": {"coils": {"qx_bits": 8192, "mx_bits": 64}},
        **more,
    }


class Client:
    """A Modbus TCP client that sends what it is told to."""

    def __init__(self, port, source="127.0.0.1", timeout=30.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transaction = 0

    def send(self, pdu, unit=1, transaction=None):
        self.transaction = (self.transaction + 1) % 65536 if transaction is None else transaction
        self.socket.sendall(struct.pack(">HHHB", self.transaction, 0, len(pdu) + 1, unit) + bytes(pdu))

    def exactly(self, count):
        received = b""
        while len(received) < count:
            more = self.socket.recv(count - len(received))
            if not more:
                raise ConnectionError("closed by the slave")
            received += more
        return received

    def receive(self):
        """Transaction, unit and data unit."""
        transaction, protocol, length, unit = struct.unpack(">HHHB", self.exactly(7))
        assert protocol == 0
        return transaction, unit, self.exactly(length - 1)

    def ask(self, pdu, unit=1):
        self.send(pdu, unit)
        transaction, answered, response = self.receive()
        assert (transaction, answered) == (self.transaction, unit)
        return response

    def registers(self, first, count=1, function=3):
        response = self.ask(struct.pack(">BHH", function, first, count))
        assert response[:2] == bytes([function, 2 * count]), response
        return list(struct.unpack(f">{count}H", response[2:]))

    def write(self, register, value):
        pdu = struct.pack(">BHH", 6, register, value)
        assert self.ask(pdu) == pdu

    def is_closed(self, patience=30.0):
        """Waits for the end of the connection."""
        self.socket.settimeout(patience)
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connected(port, **options):
    """A client, as soon as the slave listens."""

    def connect():
        try:
            return Client(port, **options)
        except OSError:
            return None

    return wait_until(connect, f"a Modbus slave at port {port}")


def followed(client, value, deadline=30.0):
    """Waits until the output follows what was written."""
    end = time.monotonic() + deadline
    while client.registers(FOLLOWS) != [value + 1]:
        assert time.monotonic() < end, "the output did not follow"
