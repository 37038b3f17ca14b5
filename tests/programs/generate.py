#!/usr/bin/env python3
"""Writes the example programs into `examples/`, or any program of the tests into a folder.

generate.py                 rewrites examples/
generate.py --check         fails when examples/ is not what this script writes
generate.py NAME FOLDER     writes one program (one of MatIEC without the shared headers, one of STruC++ with all)
generate.py --list          names all programs
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import strucpp.bundle
import strucpp_catalogue
from catalogue import EXAMPLES as EXAMPLE_PROGRAMS
from large import large
from matiec.bundle import bundle_files
from pack import EXAMPLES, folder_files
from scenarios import SCENARIOS

PROGRAMS = {program.name: program for program in [*EXAMPLE_PROGRAMS, *SCENARIOS, large()]}
# Of today's Editors.
STRUCPP_PROGRAMS = {program.name: program for program in strucpp_catalogue.SCENARIOS}


def program_files(name: str) -> dict[str, bytes]:
    """The files of a program; those of MatIEC without the shared headers, ready for `pack.pack`."""
    if name in STRUCPP_PROGRAMS:
        return strucpp.bundle.bundle_files(STRUCPP_PROGRAMS[name])
    return bundle_files(PROGRAMS[name])


def example_files() -> dict[str, dict[str, bytes]]:
    """The files of each example, without the shared headers."""
    matiec = {program.name: bundle_files(program) for program in EXAMPLE_PROGRAMS}
    return matiec | {program.name: strucpp.bundle.own_files(program) for program in strucpp_catalogue.EXAMPLES}


def outdated_examples() -> list[str]:
    """The examples that differ from what this script writes."""
    return [name for name, files in example_files().items() if folder_files(EXAMPLES / name) != files]


def write(files: dict[str, bytes], folder: Path) -> None:
    """Replaces the folder's contents."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=sorted({**PROGRAMS, **STRUCPP_PROGRAMS}), metavar="NAME")
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(sorted({**PROGRAMS, **STRUCPP_PROGRAMS})))
    elif arguments.check:
        if outdated := outdated_examples():
            sys.exit(f"not up to date: {', '.join(outdated)}; run tests/programs/generate.py")
    elif arguments.name:
        if arguments.folder is None:
            parser.error("say which folder to write into")
        write(program_files(arguments.name), arguments.folder)
    else:
        for name, files in example_files().items():
            write(files, EXAMPLES / name)


if __name__ == "__main__":
    main()
