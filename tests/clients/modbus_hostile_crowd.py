"""A crowd of clients that mean no good, until the process is ended: 256 connections from as many addresses, each made anew when it is
closed, and thirty further ones a second that only connect. Argument: the port. Writes how many connections it has made to standard
output, one line a second.

Each does one thing: unknown functions, requests cut off, lengths that are impossible, another protocol, one byte at a time, many
requests at once whose answers it does not read, writes beyond the last register, or nothing at all."""

import asyncio
import random
import struct
import sys

CLIENTS = 256
CONNECTS_A_SECOND = 30
PAUSE = 0.5

made = 0


def header(length):
    return struct.pack(">HHHB", 1, 0, length, 1)


READ = header(6) + struct.pack(">BHH", 3, 0, 125)
ATTEMPTS = [
    header(6) + bytes([99, 0, 0, 0, 1]),
    header(200) + bytes(20),
    header(0xFFFF) + bytes(300),
    struct.pack(">HHHB", 1, 7, 6, 1) + bytes(5),
    None,
    READ * 200,
    header(6) + struct.pack(">BHH", 6, 0xFFFF, 1),
    header(9) + struct.pack(">BHHBH", 16, 0xFFFF, 2, 2, 1),
    b"GET / HTTP/1.1\r\n\r\n",
    b"",
]


async def connect(port, number):
    global made
    made += 1
    source = (f"127.0.{5 + number // 250}.{number % 250 + 1}", 0)
    return await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port, local_addr=source, limit=1024), 5)


async def misbehave(port, number):
    attempt = ATTEMPTS[number % len(ATTEMPTS)]
    while True:
        await asyncio.sleep(random.uniform(0, 2 * PAUSE))
        try:
            _, writer = await connect(port, number)
            try:
                while not writer.transport.is_closing():
                    if attempt is None:
                        for byte in READ[:-1]:
                            if not writer.transport.is_closing():
                                writer.write(bytes([byte]))
                            await asyncio.sleep(PAUSE)
                    elif writer.transport.get_write_buffer_size() == 0:
                        writer.write(attempt)
                    await asyncio.sleep(random.uniform(0, 2 * PAUSE))
            finally:
                writer.transport.abort()
        except (OSError, TimeoutError):
            pass


async def come_and_go(port):
    number = 0
    while True:
        await asyncio.sleep(random.uniform(0, 2 / CONNECTS_A_SECOND))
        number += 1
        try:
            _, writer = await connect(port, 300 + number % 200)
            writer.transport.abort()
        except (OSError, TimeoutError):
            pass


async def main(port):
    crowd = [asyncio.create_task(misbehave(port, number)) for number in range(CLIENTS)]
    crowd.append(asyncio.create_task(come_and_go(port)))
    while True:
        await asyncio.sleep(1)
        print(made, flush=True)


asyncio.run(main(int(sys.argv[1])))
