"""The Modbus slave: round trips and requests in a second, and the time from a write to the output that follows it."""

import selectors
import socket
import struct
import subprocess
import sys
import time

from harness import modbus
from harness.modbus import FOLLOWS, WISH, connected
from harness.runtime import REPOSITORY, free_port
from measure import modbus_servers
from measure.figures import milliseconds, percentile
from measure.system import processor_seconds

REGISTERS = 125
REQUEST = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, REGISTERS)
ANSWER = 9 + 2 * REGISTERS

# Connections that are closed as soon as they are there, from several addresses. Arguments: port, how many.
CONNECTS = """
import socket, sys
for number in range(int(sys.argv[2])):
    source = (f"127.0.4.{number % 200 + 1}", 0)
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=source).close()
"""


def reads(port, clients, seconds):
    """Latencies and rate of clients that each ask again when they have their answer."""
    latencies = []
    with selectors.DefaultSelector() as selector:
        for _ in range(clients):
            client = socket.create_connection(("127.0.0.1", port))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(client, selectors.EVENT_READ, [0, time.perf_counter()])
            client.sendall(REQUEST)
        begin = time.perf_counter()
        while time.perf_counter() < begin + seconds:
            for key, _ in selector.select():
                state = key.data
                state[0] += len(key.fileobj.recv(ANSWER - state[0]))
                if state[0] == ANSWER:
                    now = time.perf_counter()
                    latencies.append(now - state[1])
                    state[:] = 0, now
                    key.fileobj.sendall(REQUEST)
        passed = time.perf_counter() - begin
        for key in list(selector.get_map().values()):
            key.fileobj.close()
    return latencies, len(latencies) / passed


def measured(port, pid, clients, seconds):
    """Latencies, rate, and seconds of processor for each request, of which the client has no part."""
    reads(port, clients, 0.3)
    before = processor_seconds(pid)
    latencies, rate = reads(port, clients, seconds)
    return latencies, rate, (processor_seconds(pid) - before) / len(latencies)


def text(latencies, rate, used):
    return f"{used * 1e6:.0f} µs of processor each, p50 {milliseconds(percentile(latencies, 50))}, p99 {milliseconds(percentile(latencies, 99))}, {rate:,.0f}/s"


def server(figures, runtime, seconds):
    """Reads of 125 registers, beside other servers under the same clients."""
    port = free_port()
    runtime.login().deploy(modbus.plant(slave=modbus.slave_file(port)).zip())
    connected(port).close()
    slave = runtime.process("openplc-modbus-slave").pid
    baselines = modbus_servers.available()
    for clients in (1, 32):
        latencies, rate, used = measured(port, slave, clients, seconds)
        numbers, compared = {"per_second": rate, "p50_ms": percentile(latencies, 50) * 1000}, []
        for name, start in baselines.items():
            with start() as (other, pid):
                others = measured(other, pid, clients, seconds)
            compared.append(f"{name} {text(*others)}; × {rate / others[1]:.2f}, by processor × {others[2] / used:.1f}")
            numbers |= {f"{name}_per_second": others[1], f"{name}_processor_us": others[2] * 1e6}
        figures.add(
            f"Modbus, read of 125 registers, {clients} client{'s' if clients > 1 else ''}",
            text(latencies, rate, used),
            "; ".join(compared),
            "10 × pymodbus, on par with libmodbus",
            processor_us=used * 1e6,
            **numbers,
        )


def write_to_output(figures, runtime, interval_ms, rounds):
    """From a write of %MW until a read shows the output that the program makes of it, beside the interval of the scans."""
    port = free_port()
    runtime.login().deploy(modbus.plant(interval_ms, slave=modbus.slave_file(port)).zip())
    times = []
    with connected(port) as client:
        for value in range(1, rounds + 1):
            begin = time.perf_counter()
            client.write(WISH, value)
            while client.registers(FOLLOWS) != [value + 1]:
                pass
            times.append(time.perf_counter() - begin)
    p50, p99 = percentile(times, 50), percentile(times, 99)
    figures.add(
        f"Modbus, write to changed output, scans of {interval_ms} ms",
        f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)}; {p99 * 1000 / interval_ms:.2f} scans at p99",
        f"one scan is {interval_ms} ms",
        "p99 ≤ one scan + 1 ms",
        p50_ms=p50 * 1000,
        p99_ms=p99 * 1000,
    )


def under_attack(figures, runtime, connects, seconds):
    """A client that goes on reading while others connect without end, or send what they should not."""
    port = free_port()
    runtime.login().deploy(modbus.plant(slave=modbus.slave_file(port)).zip())
    connected(port).close()
    slave = runtime.process("openplc-modbus-slave")
    quiet, _ = reads(port, 1, seconds)
    begun = slave.rss(), slave.descriptors()
    attacks = {
        f"{connects:,} connects": [sys.executable, "-c", CONNECTS, port, connects],
        "forty hostile clients": [sys.executable, REPOSITORY / "tests" / "clients" / "modbus_attackers.py", port],
    }
    for what, command in attacks.items():
        attacker = subprocess.Popen([*map(str, command)])
        latencies = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or (what.endswith("connects") and attacker.poll() is None):
            latencies += reads(port, 1, seconds / 5)[0]
        attacker.kill()
        attacker.wait()
        p99, before = percentile(latencies, 99), percentile(quiet, 99)
        grown = (slave.rss() - begun[0]) / 1e6, slave.descriptors() - begun[1]
        figures.add(
            f"Modbus, another client's read during {what}",
            f"p50 {milliseconds(percentile(latencies, 50))}, p99 {milliseconds(p99)}",
            f"quiet p50 {milliseconds(percentile(quiet, 50))}, p99 {milliseconds(before)}; p99 × {p99 / before:.2f}; "
            f"{grown[0]:+.1f} MB, {grown[1]:+d} descriptors",
            "p99 ≤ twice the quiet one; nothing grows",
            p99_ms=p99 * 1000,
            baseline_p99_ms=before * 1000,
        )
