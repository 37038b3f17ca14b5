#!/usr/bin/env python3
"""Packs a program folder into the `program.zip` that the Editor uploads.

The Editor stores files without compression; the headers lie in `lib/` or `strucpp_runtime/` directly under the root of the
archive.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# A fixed time makes equal contents equal archives.
TIMESTAMP = (2026, 1, 1, 0, 0, 0)


def library_files(folder: str = "lib") -> dict[str, bytes]:
    """The headers that all programs of a generation share, by their name in the archive."""
    return {f"{folder}/{name}": content for name, content in folder_files(EXAMPLES / folder).items()}


def shared_files(files: dict[str, bytes]) -> dict[str, bytes]:
    """The shared headers that the program needs."""
    if "generated.hpp" not in files:
        return library_files()
    has_headers = any(name.startswith("strucpp_runtime/") for name in files)
    return {} if has_headers else library_files("strucpp_runtime")


def folder_files(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def pack(files: dict[str, bytes], *, backslashes: bool = False, deflate: bool = False, root: str = "") -> bytes:
    """Packs `files`, together with the shared headers.

    backslashes: separate folders by a backslash, as the Editor does on Windows.
    deflate: compress; the Editor does not.
    root: put everything into a folder of this name, as hand-made archives do.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {**shared_files(files), **files}.items():
            name = f"{root}/{name}" if root else name
            entry = zipfile.ZipInfo(name.replace("/", "\\") if backslashes else name, TIMESTAMP)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED)
    return buffer.getvalue()


def pack_example(name: str, **options) -> bytes:
    """Packs one of the programs in `examples/`."""
    return pack(folder_files(EXAMPLES / name), **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the program's folder, for example examples/blink")
    parser.add_argument("output", type=Path, help="the archive to write, for example program.zip")
    parser.add_argument("--backslashes", action="store_true", help="separate folders by backslashes")
    parser.add_argument("--deflate", action="store_true", help="compress")
    parser.add_argument("--root", default="", metavar="NAME", help="put everything into this folder")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is not a folder")
    files = folder_files(arguments.folder)
    options = {"backslashes": arguments.backslashes, "deflate": arguments.deflate, "root": arguments.root}
    arguments.output.write_bytes(pack(files, **options))


if __name__ == "__main__":
    main()
