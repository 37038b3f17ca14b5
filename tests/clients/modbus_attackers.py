"""Forty clients that mean no good, each from an address of its own, until the process is ended. Argument: the port."""

import socket
import struct
import sys
import threading
import time


def header(length):
    return struct.pack(">HHHB", 1, 0, length, 1)


ATTEMPTS = [
    header(6) + bytes([99, 0, 0, 0, 1]),
    (header(3) + bytes([3, 0])) * 50,
    header(200) + bytes(20),
    (header(6) + struct.pack(">BHH", 3, 0, 125)) * 2000,
    bytes(500),
]


def attack(port, number):
    kind = number % len(ATTEMPTS)
    while True:
        try:
            with socket.create_connection(
                ("127.0.0.1", port), source_address=(f"127.0.2.{number + 1}", 0), timeout=1
            ) as client:
                client.sendall(ATTEMPTS[kind])
                if kind < 2:
                    client.recv(4096)
                time.sleep(0.05)
        except OSError:
            pass


for number in range(40):
    threading.Thread(target=attack, args=(int(sys.argv[1]), number)).start()
