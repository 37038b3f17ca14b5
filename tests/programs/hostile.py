#!/usr/bin/env python3
"""Uploads that break one rule each, around the otherwise good program `blink`.

    hostile.py FOLDER     writes every one as NAME.zip

Every function of `HOSTILE` returns the bytes of one upload. `zipfile` refuses to write most of them, so this module
writes the format itself.
"""

from __future__ import annotations

import random
import stat
import struct
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pack import EXAMPLES, folder_files, library_files, pack_example

STORE, DEFLATE = 0, 8
MEBIBYTE = 1 << 20
UNIX = 3 << 8
FLAG_ENCRYPTED, FLAG_UTF8 = 0x0001, 0x0800


@dataclass(frozen=True)
class Entry:
    """An entry and what its headers say of it; None: the truth."""

    name: bytes
    content: bytes = b""
    method: int = STORE
    flags: int = FLAG_UTF8
    mode: int = stat.S_IFREG | 0o644
    crc: int | None = None
    size: int | None = None
    # Refers to the data of the entry before, instead of having its own.
    shares_data: bool = False

    def data(self) -> bytes:
        if self.method == DEFLATE:
            compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
            return compressor.compress(self.content) + compressor.flush()
        return self.content


def write_zip(entries: Iterable[Entry]) -> bytes:
    body, directory, count, offset = bytearray(), bytearray(), 0, 0
    for entry in entries:
        data = entry.data()
        crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
        size = len(entry.content) if entry.size is None else entry.size
        common = struct.pack(
            "<HHHHHIIIHH", 20, entry.flags, entry.method, 0, 0x5C21, crc, len(data), size, len(entry.name), 0
        )
        if not entry.shares_data:
            offset = len(body)
            body += b"PK\x03\x04" + common + entry.name + data
        directory += b"PK\x01\x02" + struct.pack("<H", UNIX | 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, entry.mode << 16, offset) + entry.name
        count += 1
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + b"PK\x05\x06" + end)


def blink() -> list[Entry]:
    files = {**library_files(), **folder_files(EXAMPLES / "blink")}
    return [Entry(name.encode(), content) for name, content in files.items()]


def blink_and(*more: Entry) -> bytes:
    return write_zip([*blink(), *more])


def blink_with(name: bytes, **changes) -> bytes:
    """Blink with changes to what is said of one of its entries."""
    return write_zip(replace(entry, **changes) if entry.name == name else entry for entry in blink())


def noise(size: int) -> bytes:
    """Bytes that do not compress; the same in every run."""
    return random.Random(size).randbytes(size)


def bomb() -> bytes:
    """45 MB out of 0.2 MB, each file below the limit of one file."""
    generator = random.Random(45)
    block = b"".join(generator.randbytes(1) + bytes(799) for _ in range(9_000_000 // 800))
    return blink_and(*(Entry(f"lib/table{number}.h".encode(), block, DEFLATE) for number in range(5)))


def lying_size() -> bytes:
    """8 MiB that are said to be 100 bytes."""
    return blink_and(Entry(b"lib/table.h", bytes(8 * MEBIBYTE), DEFLATE, size=100))


HOSTILE: dict[str, Callable[[], bytes]] = {
    # Names
    "traversal": lambda: blink_and(Entry(b"../escaped.c", b"x")),
    "inner_traversal": lambda: blink_and(Entry(b"lib/../../escaped.c", b"x")),
    "backslash_traversal": lambda: blink_and(Entry(b"lib\\..\\..\\escaped.c", b"x")),
    "absolute": lambda: blink_and(Entry(b"/tmp/escaped.c", b"x")),
    "backslash_absolute": lambda: blink_and(Entry(b"\\tmp\\escaped.c", b"x")),
    "drive_letter": lambda: blink_and(Entry(b"C:\\escaped.c", b"x")),
    "nul_in_name": lambda: blink_and(Entry(b"lib/table.h\0.txt", b"x")),
    "line_feed_in_name": lambda: blink_and(Entry(b"lib/table\n.h", b"x")),
    "refused_extension": lambda: blink_and(Entry(b"lib/run.sh", b"#!/bin/sh\n")),
    "refused_extension_upper_case": lambda: blink_and(Entry(b"lib/SETUP.EXE", b"MZ")),
    # Entries
    "symlink": lambda: blink_and(Entry(b"lib/link.h", b"/etc/passwd", mode=stat.S_IFLNK | 0o777)),
    "duplicate_config": lambda: blink_and(Entry(b"Config0.c", b'#error "the second one"\n')),
    "duplicate_by_backslash": lambda: blink_and(Entry(b"lib\\iec_types.h", b'#error "the second one"\n')),
    "file_and_folder": lambda: blink_and(Entry(b"conf", b"x"), Entry(b"conf/modbus_slave.json", b"{}")),
    "overlapping": lambda: blink_and(Entry(b"lib/a.h", b"x" * 100), Entry(b"lib/b.h", b"x" * 100, shares_data=True)),
    "encrypted": lambda: blink_with(b"POUS.c", flags=FLAG_UTF8 | FLAG_ENCRYPTED),
    "unknown_method": lambda: blink_with(b"POUS.c", method=12),
    "wrong_crc": lambda: blink_with(b"POUS.c", crc=0x12345678),
    "lying_size": lying_size,
    # Sizes
    "bomb": bomb,
    "many_empty_files": lambda: blink_and(*(Entry(b"lib/empty%05d.h" % number) for number in range(60_000))),
    "oversize_file": lambda: blink_and(Entry(b"lib/table.h", noise(10 * MEBIBYTE + 1))),
    "oversize_total": lambda: blink_and(*(Entry(b"lib/table%d.h" % n, noise(9 * MEBIBYTE)) for n in range(6))),
    # The whole
    "missing_config": lambda: write_zip(entry for entry in blink() if entry.name != b"Config0.c"),
    "truncated": lambda: pack_example("blink")[:-200],
    "truncated_at_half": lambda: pack_example("blink")[: len(pack_example("blink")) // 2],
    "empty_archive": lambda: write_zip([]),
    "empty": lambda: b"",
    "not_an_archive": lambda: b"This is not a zip file.\n" * 100,
}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in HOSTILE.items():
        (folder / f"{name}.zip").write_bytes(make())


if __name__ == "__main__":
    main()
