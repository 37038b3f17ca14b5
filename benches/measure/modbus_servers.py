"""Other Modbus servers, as baselines: pymodbus's, in a process of its own, and one of libmodbus, compiled here."""

import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from harness.modbus import connected
from harness.runtime import free_port

PYMODBUS = """
import asyncio, sys
from pymodbus.server import StartAsyncTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
device = SimDevice(0, simdata=[SimData(0, count=2000, values=0, datatype=DataType.REGISTERS)])
asyncio.run(StartAsyncTcpServer([device], address=("127.0.0.1", int(sys.argv[1]))))
"""

LIBMODBUS = """
#include <errno.h>
#include <modbus/modbus.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>
int main(int count, char **arguments) {
    modbus_t *modbus = modbus_new_tcp("127.0.0.1", atoi(arguments[1]));
    modbus_mapping_t *mapping = modbus_mapping_new(2000, 2000, 2000, 2000);
    int listener = modbus_tcp_listen(modbus, 64), last = listener;
    fd_set all;
    FD_ZERO(&all);
    FD_SET(listener, &all);
    for (;;) {
        fd_set ready = all;
        select(last + 1, &ready, 0, 0, 0);
        for (int descriptor = 0; descriptor <= last; descriptor++) {
            if (!FD_ISSET(descriptor, &ready)) continue;
            if (descriptor == listener) {
                int client = modbus_tcp_accept(modbus, &listener);
                FD_SET(client, &all);
                if (client > last) last = client;
                continue;
            }
            uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
            modbus_set_socket(modbus, descriptor);
            int length = modbus_receive(modbus, request);
            if (length > 0) modbus_reply(modbus, request, length, mapping);
            else if (length < 0) { close(descriptor); FD_CLR(descriptor, &all); }
        }
    }
}
"""


@contextmanager
def process(command):
    port = free_port()
    running = subprocess.Popen([*map(str, command), str(port)], stderr=subprocess.DEVNULL)
    try:
        connected(port).close()
        yield port, running.pid
    finally:
        running.kill()
        running.wait()


def pymodbus():
    """Its port and its process, while it runs."""
    return process([sys.executable, "-c", PYMODBUS])


@contextmanager
def libmodbus():
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "server.c", Path(folder) / "server"
        source.write_text(LIBMODBUS)
        subprocess.run(["gcc", "-O2", "-o", program, source, "-lmodbus"], check=True)
        with process([program]) as server:
            yield server


def available():
    """The baselines that this machine has, by name."""
    found = {}
    try:
        __import__("pymodbus")
        found["pymodbus"] = pymodbus
    except ImportError:
        print("  pymodbus is not installed (tests/requirements.txt): no baseline of it")
    if Path("/usr/include/modbus/modbus.h").exists() and shutil.which("gcc"):
        found["libmodbus"] = libmodbus
    else:
        print("  libmodbus-dev is not installed: no baseline of it")
    return found
