"""Modbus devices for a master to speak to: pymodbus's servers, over TCP and over pairs of pseudo-terminals."""

import asyncio
import os
import select
import threading
import tty

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

SIZE = 2000


class Device:
    """One unit: what it holds, what it was asked, and how it behaves."""

    def __init__(self, unit=1):
        self.unit = unit
        self.coils, self.discrete_inputs = [0] * SIZE, [0] * SIZE
        self.holding_registers, self.input_registers = [0] * SIZE, [0] * SIZE
        # Function code, first, count.
        self.requests = []
        # Seconds before each answer.
        self.delay = 0.0
        # More than so many at once are refused.
        self.most = SIZE

    def table(self, function):
        return {
            1: self.coils, 5: self.coils, 15: self.coils, 2: self.discrete_inputs, 4: self.input_registers,
        }.get(function, self.holding_registers)  # fmt: skip

    async def act(self, function, start, address, count, current, written):
        self.requests.append((function, address, count))
        if self.delay:
            await asyncio.sleep(self.delay)
        if count > self.most:
            return ExcCodes.ILLEGAL_ADDRESS
        table = self.table(function)
        if written is not None:
            table[address : address + len(written)] = [int(value) for value in written]
        if function in (1, 2, 5, 15):
            # The judge counts registers of sixteen bits.
            first = address // 16
            for word in range(first, first + count):
                bits = table[16 * word : 16 * word + 16]
                current[word - start] = sum(bit << place for place, bit in enumerate(bits))
        else:
            current[address - start : address - start + count] = table[address : address + count]
        return None

    def simulated(self):
        kinds = (DataType.BITS, DataType.BITS, DataType.REGISTERS, DataType.REGISTERS)
        tables = tuple([SimData(0, count=SIZE, values=0, datatype=kind)] for kind in kinds)
        return SimDevice(self.unit, simdata=tables, action=self.act)

    def asked(self, function):
        return {(first, count) for code, first, count in list(self.requests) if code == function}


class Server:
    """Devices at one place. `make` makes the server of pymodbus within its event loop."""

    def __init__(self, make, *devices):
        self.make, self.devices = make, devices
        self.connections = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = None
        self.start()

    def start(self):
        self.wait(self.begin())
        return self

    async def begin(self):
        self.server = self.make([device.simulated() for device in self.devices], self.connected)
        await self.server.serve_forever(background=True)

    def connected(self, is_connected):
        self.connections += is_connected

    def stop(self):
        """The devices are switched off."""
        if self.server:
            server, self.server = self.server, None
            self.wait(server.shutdown())

    def wait(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


def tcp(port, *devices):
    return Server(
        lambda simulated, connected: ModbusTcpServer(
            simulated, address=("127.0.0.1", port), trace_connect=connected, ignore_missing_devices=True
        ),
        *devices,
    )


def serial(path, *devices):
    return Server(
        lambda simulated, connected: ModbusSerialServer(
            simulated, port=path, baudrate=9600, trace_connect=connected, ignore_missing_devices=True
        ),
        *devices,
    )


class SerialCable:
    """Two serial ports, each of which hears what is said at the other."""

    def __init__(self):
        self.ends = [os.openpty() for _ in range(2)]
        for end in self.ends:
            tty.setraw(end[1])
        self.near, self.far = (os.ttyname(end[1]) for end in self.ends)
        # What is put onto the line before the next byte towards the near end.
        self.noise = b""
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def carry(self):
        (near, _), (far, _) = self.ends
        while not self.ended.is_set():
            for end in select.select([near, far], [], [], 0.05)[0]:
                data = os.read(end, 4096)
                if end == far:
                    data, self.noise = self.noise + data, b""
                os.write(near if end == far else far, data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for end in self.ends:
            os.close(end[0])
            os.close(end[1])
