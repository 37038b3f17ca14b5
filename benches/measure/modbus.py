"""The Modbus slave: round trips and requests in a second, and the time from a write to the output that follows it."""

import array
import atexit
import functools
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import modbus
from harness.modbus import FOLLOWS, WISH, connected
from harness.runtime import REPOSITORY, free_port
from measure import modbus_servers
from measure.figures import milliseconds, percentile
from measure.system import processor_seconds

CLIENT = Path(__file__).parent / "modbus_client.c"

# Connections that are closed as soon as they are there, from several addresses. Arguments: port, how many.
CONNECTS = """
import socket, sys
for number in range(int(sys.argv[2])):
    source = (f"127.0.4.{number % 200 + 1}", 0)
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=source).close()
"""


@functools.cache
def client_program():
    """The clients, compiled: those of Python would be slower than what they measure."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    program = Path(folder) / "client"
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-o", program, CLIENT], check=True)
    return program


def reads(port, clients, seconds, pause=0.0):
    """Latencies and rate of clients that each ask again when they have their answer; one may pause before."""
    command = [client_program(), port, clients, seconds, round(pause * 1e6)]
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, check=True)
    latencies = [latency / 1e6 for latency in array.array("f", done.stdout)]
    return latencies, len(latencies) / seconds


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
    """From a write of %MW, at any moment between two scans, until a read shows the output that the program makes of it; beside reads of
    the same client, which suffer the same from the machine."""
    port = free_port()
    runtime.login().deploy(modbus.plant(interval_ms, slave=modbus.slave_file(port)).zip())
    times, plain = [], []
    with connected(port) as client:
        for value in range(1, rounds + 1):
            time.sleep(random.uniform(0, interval_ms / 1000))
            begin = time.perf_counter()
            client.registers(FOLLOWS)
            plain.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            client.write(WISH, value)
            while client.registers(FOLLOWS) != [value + 1]:
                pass
            times.append(time.perf_counter() - begin)
    p50, p99 = percentile(times, 50), percentile(times, 99)
    figures.add(
        f"Modbus, write to changed output, scans of {interval_ms} ms",
        f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)}; {p99 * 1000 / interval_ms:.2f} scans at p99",
        f"one scan is {interval_ms} ms, a read p99 {milliseconds(percentile(plain, 99))}",
        "p99 ≤ one scan + 1 ms",
        p50_ms=p50 * 1000,
        p99_ms=p99 * 1000,
        read_p99_ms=percentile(plain, 99) * 1000,
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
