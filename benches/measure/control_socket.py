"""The core's control socket: figures without the API's work in between."""

import array
import fcntl
import json
import os
import socket
import struct

MESSAGE, DEBUG = 1, 2
LIST = 0x44


def sealed(content):
    """A memory file that cannot be changed any more, as the core wants to have its objects."""
    file = os.memfd_create("measure", os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(file), "wb") as out:
        out.write(content)
    fcntl.fcntl(
        file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    )
    return file


class ControlSocket:
    def __init__(self, path):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.connect(str(path))

    def exchange(self, kind, payload, descriptors=()):
        frame = struct.pack("<IB", len(payload), kind) + payload
        passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        sent = self.stream.sendmsg([frame], passed)
        self.stream.sendall(frame[sent:])
        size, _ = struct.unpack("<IB", self.read(5))
        return self.read(size)

    def read(self, size):
        received = b""
        while len(received) < size:
            more = self.stream.recv(size - len(received))
            if not more:
                raise ConnectionError("the core closed the control socket")
            received += more
        return received

    def request(self, name, descriptors=(), **more):
        answer = json.loads(self.exchange(MESSAGE, json.dumps({"request": name, **more}).encode(), descriptors))
        if answer["answer"] == "refused":
            raise RuntimeError(f"the core refused {name}: {answer['message']}")
        return answer

    def load(self, built, manifest):
        """Runs a program that was built before."""
        descriptors = [sealed(built), sealed(manifest)]
        try:
            self.request("load", descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def restart(self):
        """The program from its first scan on, with fresh figures."""
        self.request("stop")
        self.request("start")

    def task(self):
        """Figures of the first task, with histograms."""
        return self.request("status", detail="histograms")["tasks"][0]

    def value(self, path_end):
        """Value of an unsigned variable whose path ends like this."""
        with_array = self.request("status")["program"]["generation"] == "strucpp"
        for variable in self.request("variables")["variables"]:
            if variable["path"].endswith(path_end):
                array, element = divmod(variable["index"], 0x10000)
                address = struct.pack(">BH", array, element) if with_array else struct.pack(">H", element)
                answer = self.exchange(DEBUG, struct.pack(">BH", LIST, 1) + address)
                return int.from_bytes(answer[10:], "little")
        raise LookupError(f"no variable ends in {path_end}")
