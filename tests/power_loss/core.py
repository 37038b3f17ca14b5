"""`openplc-core` by itself on a state directory: what a service manager and the API do for it."""

import array
import fcntl
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from harness.runtime import BINARIES, REPOSITORY
from harness.waiting import wait_until

MESSAGE, DEBUG = 1, 2
START_TIME = 60.0
# Bytes of the probe's last variable: several sectors, so that a write of it can be torn.
BLOCK = 3500
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@dataclass
class Program:
    """The probe of the scan engine's own tests. Its first variable counts scans; each byte of its last is the lowest of that
    count. Both are retained."""

    object: bytes
    identity: str

    @classmethod
    def build(cls, mark, *definitions):
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "probe.so"
            subprocess.run(
                ["cc", "-shared", "-fPIC", "-O1", "-s", "-Wl,-z,noexecstack", f'-DMD5="{mark:032x}"', f"-DBLOCK={BLOCK}", *definitions,
                 "-I", REPOSITORY / "crates/openplc-program/include", "-o", made,
                 REPOSITORY / "bins/openplc-core/tests/probe.c"],
                check=True,
            )  # fmt: skip
            content = made.read_bytes()
        return cls(content, hashlib.sha256(content).hexdigest())

    @property
    def manifest(self):
        variables = [{"index": 0, "path": "CONFIG0.COUNTER", "type": "UDINT", "retain": True},
                     {"index": 3, "path": "CONFIG0.BLOCK", "type": "STRING", "retain": True}]  # fmt: skip
        return json.dumps({
            "format": 1, "program": self.identity, "object_sha256": self.identity, "generation": "matiec",
            "md5": "0" * 32, "compiler": "cc", "tasks": [{"name": "probe", "interval_ns": 1000000, "priority": 0}],
            "variables": variables, "conf": {}, "uses_python": False,
        }).encode()  # fmt: skip


class Core:
    """One process. `start` is how it is started, for example by a tracer."""

    def __init__(self, state: Path, run: Path, start=subprocess.Popen):
        self.state, self.socket_path = state, run / "control"
        run.mkdir(exist_ok=True)
        for name in ("control", "notify"):
            (run / name).unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket_path))
        self.listener.listen()
        self.notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notifications.bind(str(run / "notify"))
        self.notifications.settimeout(0.05)
        environment = {"PATH": os.environ["PATH"], "LISTEN_FDS": "1", "STATE_DIRECTORY": str(state),
                       "RUNTIME_DIRECTORY": str(run), "NOTIFY_SOCKET": str(run / "notify")}  # fmt: skip
        self.output = (run / "output").open("wb+")
        self.process = start(
            [BINARIES / "openplc-core"], env=environment, stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=self.output, close_fds=False, preexec_fn=lambda: os.dup2(self.listener.fileno(), 3),
        )  # fmt: skip

    def wait_until_ready(self):
        deadline = time.monotonic() + START_TIME
        while time.monotonic() < deadline:
            try:
                if b"READY=1" in self.notifications.recv(4096):
                    return self
            except TimeoutError:
                if self.process.poll() is not None:
                    break
        raise AssertionError(f"openplc-core did not become ready:\n{self.said()}")

    def said(self):
        self.output.seek(0)
        return self.output.read()[-4000:].decode(errors="replace")

    def connect(self):
        return Client(self.socket_path)

    def has_crashed(self):
        try:
            return self.process.wait(timeout=5) < 0
        except subprocess.TimeoutExpired:
            return False

    def close(self):
        for opened in (self.listener, self.notifications, self.output):
            opened.close()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.close()


class Client:
    def __init__(self, path):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.settimeout(START_TIME)
        self.stream.connect(str(path))

    def close(self):
        self.stream.close()

    def ask(self, request, descriptors=()):
        kind, payload = self.exchange(MESSAGE, json.dumps(request).encode(), descriptors)
        assert kind == MESSAGE
        return json.loads(payload)

    def exchange(self, kind, payload, descriptors=()):
        frame = struct.pack("<IB", len(payload), kind) + payload
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        sent = self.stream.sendmsg([frame], rights)
        self.stream.sendall(frame[sent:])
        length, kind = struct.unpack("<IB", self.receive(5))
        return kind, self.receive(length)

    def receive(self, length):
        received = b""
        while len(received) < length:
            part = self.stream.recv(length - len(received))
            assert part, "the scan engine hung up"
            received += part
        return received

    def load(self, program: Program):
        descriptors = [sealed(program.object), sealed(program.manifest)]
        try:
            return self.ask({"request": "load"}, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def status(self):
        return self.ask({"request": "status"})

    def retain(self):
        return self.ask({"request": "retain"})

    def counter(self):
        """The retained counter now, and what it was before the first scan of this instance."""
        kind, reply = self.exchange(DEBUG, bytes([0x44, 0, 1, 0, 0]))
        assert kind == DEBUG and reply[:2] == b"\x44\x7e" and len(reply) == 14, reply.hex()
        (tick,) = struct.unpack(">I", reply[4:8])
        (counter,) = struct.unpack("<I", reply[10:])
        return counter, counter - tick

    def stored(self):
        """Waits until values are on disk that are newer than this call."""
        for _ in range(2):
            before = (self.retain()["store"] or {}).get("taken_ms", 0)
            wait_until(lambda: (self.retain()["store"] or {}).get("taken_ms", 0) > before, "values on disk", 60)


def sealed(content):
    descriptor = os.memfd_create("content", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    return descriptor
