"""A debug session over a bare WebSocket: a prepared frame out, an answer in, nothing parsed but lengths."""

import base64
import json
import os
import struct
import time

from measure.https import connect

NAMESPACE = "/api/debug"


def text_frame(text):
    """A client's frame. Its mask is zero, which leaves the text as it is and is as good as any other."""
    payload = text.encode()
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return b"\x81" + length + b"\0\0\0\0" + payload


def command_frame(command):
    return text_frame(f"42{NAMESPACE}," + json.dumps(["debug_command", {"command": command}], separators=(",", ":")))


PONG = text_frame("3")


class DebugSession:
    def __init__(self, port, token):
        self.connection = connect(port)
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection.sendall(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.connection.recv(65536)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        assert b" 101 " in head, head
        assert self.read().startswith(b"0{")
        self.connection.sendall(text_frame(f"40{NAMESPACE}," + json.dumps({"token": token})))
        while b'"connected"' not in self.read():
            pass

    def read(self):
        """The payload of the next frame; pings of Engine.IO are answered on the way."""
        while True:
            payload = self.next_payload()
            if payload != b"2":
                return payload
            self.connection.sendall(PONG)

    def next_payload(self):
        while True:
            buffer = self.buffer
            if len(buffer) >= 2:
                size, start = buffer[1] & 0x7F, 2
                if size == 126 and len(buffer) >= 4:
                    size, start = (buffer[2] << 8) | buffer[3], 4
                elif size == 127 and len(buffer) >= 10:
                    size, start = int.from_bytes(buffer[2:10], "big"), 10
                elif size >= 126:
                    size = 1 << 62
                if len(buffer) >= start + size:
                    self.buffer = buffer[start + size :]
                    return buffer[start : start + size]
            more = self.connection.recv(65536)
            if not more:
                raise RuntimeError("the server closed the debug session")
            self.buffer += more

    def poll(self, frame, seconds=None, count=None):
        """Command after command; returns the latencies."""
        clock, latencies = time.perf_counter, []
        stop = clock() + seconds if seconds else float("inf")
        send, read = self.connection.sendall, self.read
        while (start := clock()) < stop and (count is None or len(latencies) < count):
            send(frame)
            answer = read()
            latencies.append(clock() - start)
            if b'"success":true' not in answer:
                raise RuntimeError(f"answered {answer[:200]!r}")
        return latencies

    def close(self):
        self.connection.close()
