"""Requests and answers of the debugger in the MatIEC dialect, composed and read as the Editor does."""

import struct
from dataclasses import dataclass

MD5 = "45 DE AD 00 00"

SIZES = {
    "BOOL": 1, "SINT": 1, "USINT": 1, "BYTE": 1,
    "INT": 2, "UINT": 2, "WORD": 2,
    "DINT": 4, "UDINT": 4, "DWORD": 4, "REAL": 4,
    "LINT": 8, "ULINT": 8, "LWORD": 8, "LREAL": 8,
    "TIME": 8, "DATE": 8, "TOD": 8, "DT": 8,
    "STRING": 127,
}  # fmt: skip
FORMATS = {
    "BOOL": "?", "SINT": "b", "USINT": "B", "BYTE": "B",
    "INT": "h", "UINT": "H", "WORD": "H",
    "DINT": "i", "UDINT": "I", "DWORD": "I", "REAL": "f",
    "LINT": "q", "ULINT": "Q", "LWORD": "Q", "LREAL": "d",
}  # fmt: skip


def hexadecimal(frame: bytes) -> str:
    return frame.hex(" ").upper()


def read_request(indexes) -> str:
    return hexadecimal(struct.pack(f">BH{len(indexes)}H", 0x44, len(indexes), *indexes))


def force_request(index, value: bytes) -> str:
    return hexadecimal(struct.pack(">BHBH", 0x42, index, 1, len(value)) + value)


def release_request(index) -> str:
    return hexadecimal(struct.pack(">BHBHB", 0x42, index, 0, 1, 0))


def encode(iec_type: str, value) -> bytes:
    """A value as the Editor sends it to be forced: numbers big-endian, strings as length and characters."""
    if iec_type == "STRING":
        text = value.encode("ascii")
        return bytes([len(text)]) + text
    if iec_type in ("TIME", "DATE", "TOD", "DT"):
        return struct.pack("<ii", *value)[::-1]  # seconds and nanoseconds, swapped as one number of eight bytes
    return struct.pack(">" + FORMATS[iec_type], value)


def decode(iec_type: str, data: bytes):
    """A value as the Editor reads it: the byte order of the target, which is little-endian."""
    if iec_type == "STRING":
        return data[1 : 1 + data[0]].decode("ascii")
    if iec_type in ("TIME", "DATE", "TOD", "DT"):
        return struct.unpack("<ii", data)
    return struct.unpack("<" + FORMATS[iec_type], data)[0]


def answer_bytes(answer) -> bytes:
    """The frame of a `debug_response`, split at single spaces as Editor 4.1 does."""
    assert answer.get("success") is True, answer
    data = answer["data"]
    pairs = data.split(" ")
    assert all(len(pair) == 2 and pair == pair.upper() for pair in pairs), repr(data)
    return bytes(int(pair, 16) for pair in pairs)


@dataclass
class Reading:
    last_index: int
    tick: int
    data: bytes


def read_answer(frame: bytes) -> Reading:
    assert frame[:2] == b"\x44\x7e", frame[:16].hex(" ")
    last_index, tick, size = struct.unpack(">HIH", frame[2:10])
    assert len(frame) == 10 + size, f"size {size} says otherwise than the {len(frame)} bytes"
    return Reading(last_index, tick, frame[10:])


class Debugger:
    """A debug session over any client that has `command(text) -> answer`."""

    def __init__(self, client, variables):
        self.client, self.variables = client, variables

    def frame(self, request: str) -> bytes:
        return answer_bytes(self.client.command(request))

    def md5(self) -> str:
        frame = self.frame(MD5)
        assert frame[:2] == b"\x45\x7e", frame.hex(" ")
        return frame[2:].decode("ascii")

    def read_many(self, names) -> dict:
        """Reads variables as the Editor does: asks again for what did not fit into one answer."""
        wanted, values = list(names), {}
        while wanted:
            reading = read_answer(self.frame(read_request([self.variables[name].index for name in wanted])))
            data = reading.data
            while wanted:
                variable = self.variables[wanted[0]]
                size = SIZES[variable.iec_type]
                assert len(data) >= size, f"{variable} is missing in the answer"
                values[wanted.pop(0)] = decode(variable.iec_type, data[:size])
                data = data[size:]
                if variable.index == reading.last_index:
                    break
            assert not data, f"{len(data)} bytes too many"
        return values

    def read(self, name):
        return self.read_many([name])[name]

    def force(self, name, value):
        variable = self.variables[name]
        frame = self.frame(force_request(variable.index, encode(variable.iec_type, value)))
        assert frame == b"\x42\x7e", frame.hex(" ")

    def release(self, name):
        frame = self.frame(release_request(self.variables[name].index))
        assert frame == b"\x42\x7e", frame.hex(" ")
