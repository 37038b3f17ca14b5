"""Programs of today's Editors as bundles, and their debugger: composed and read as those Editors do."""

import json
import struct
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.bundles import Bundle
from harness.debug_protocol import FORMATS, answer_bytes, hexadecimal

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "programs"))

from strucpp.bundle import bundle_files  # noqa: E402
from strucpp.model import TYPES, Pou, Program, Task, Variable, single_task  # noqa: E402, F401

MD5 = "45 DE AD 00 00"
TEXTS = {"STRING": ("utf-8", 1), "WSTRING": ("utf-16-le", 2)}
TIMES = ("TIME", "DATE", "TOD", "DT")
BATCH = 500
READ_ONLY = 0x87


@dataclass(frozen=True)
class Leaf:
    array: int
    element: int
    path: str
    type: str

    @property
    def address(self) -> bytes:
        return struct.pack(">BH", self.array, self.element)

    @property
    def size(self) -> int:
        return TYPES[self.type][1]


class StrucppBundle(Bundle):
    """A bundle with `debug-map.json`, which an Editor keeps to know its variables."""

    def with_file(self, name, content):
        return StrucppBundle({**self.files, name: content})

    def without(self, name):
        return StrucppBundle({other: content for other, content in self.files.items() if other != name})

    @cached_property
    def map(self):
        return json.loads(self.files["debug-map.json"])

    @cached_property
    def md5(self):
        return self.map["md5"]

    @cached_property
    def leaves(self):
        """By path, and by the last part of it where that is unique."""
        all_leaves = [Leaf(l["arrayIdx"], l["elemIdx"], l["path"], l["type"]) for l in self.map["leaves"]]
        by_last_part = {}
        for leaf in all_leaves:
            by_last_part.setdefault(leaf.path.split(".")[-1], []).append(leaf)
        unique = {name: found[0] for name, found in by_last_part.items() if len(found) == 1}
        return unique | {leaf.path: leaf for leaf in all_leaves}


def bundle(program: Program) -> StrucppBundle:
    return StrucppBundle(bundle_files(program))


def encode(iec_type: str, value) -> bytes:
    if iec_type in TEXTS:
        encoding, unit = TEXTS[iec_type]
        text = value.encode(encoding)
        return bytes([len(text) // unit]) + text
    return struct.pack("<q" if iec_type in TIMES else "<" + FORMATS[iec_type], value)


def decode(iec_type: str, data: bytes):
    if iec_type in TEXTS:
        encoding, unit = TEXTS[iec_type]
        return data[1 : 1 + unit * data[0]].decode(encoding)
    return struct.unpack("<q" if iec_type in TIMES else "<" + FORMATS[iec_type], data)[0]


def list_request(leaves) -> str:
    return hexadecimal(struct.pack(">BH", 0x44, len(leaves)) + b"".join(leaf.address for leaf in leaves))


class StrucppDebugger:
    """A debug session over any client that has `command(text) -> answer`."""

    def __init__(self, client, leaves):
        self.client, self.leaves = client, leaves

    def frame(self, request: str) -> bytes:
        return answer_bytes(self.client.command(request))

    def md5(self) -> str:
        frame = self.frame(MD5)
        assert frame[:2] == b"\x45\x7e" and len(frame) == 36, frame.hex(" ")
        assert frame[34:] == b"\xad\xde", "the trailer of a little-endian machine"
        return frame[2:34].decode("ascii")

    def answer(self, leaves):
        """Position of the last variable of one answer, tick, and its data."""
        frame = self.frame(list_request(leaves))
        assert frame[:2] == b"\x44\x7e", frame[:16].hex(" ")
        last, tick, size = struct.unpack(">HIH", frame[2:10])
        assert len(frame) == 10 + size
        return last, tick, frame[10:]

    def read_many(self, names) -> dict:
        wanted, values = [self.leaves[name] for name in names], {}
        names = list(names)
        while wanted:
            batch = wanted[:BATCH]
            last, _, data = self.answer(batch)
            for name, leaf in list(zip(names, batch, strict=False))[: last + 1]:
                assert len(data) >= leaf.size, f"{leaf} is missing in the answer"
                values[name] = decode(leaf.type, data[: leaf.size])
                data = data[leaf.size :]
            assert not data, f"{len(data)} bytes too many"
            wanted, names = wanted[last + 1 :], names[last + 1 :]
        return values

    def read(self, name):
        return self.read_many([name])[name]

    def force_status(self, name, value: bytes) -> int:
        request = struct.pack(">B", 0x42) + self.leaves[name].address + struct.pack(">BH", 1, len(value)) + value
        function, status = self.frame(hexadecimal(request))
        assert function == 0x42
        return status

    def force(self, name, value):
        assert self.force_status(name, encode(self.leaves[name].type, value)) == 0x7E

    def release(self, name):
        request = struct.pack(">B", 0x42) + self.leaves[name].address + struct.pack(">BHB", 0, 1, 0)
        assert self.frame(hexadecimal(request)) == b"\x42\x7e"
