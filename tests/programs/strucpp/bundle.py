"""All files of a bundle."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .debug_table import debug_map, source
from .model import HEADERS, Program
from .sources import configuration, header, unit

NEWEST = Path(__file__).resolve().parents[3] / "examples/strucpp_runtime/include"
EARLIER = Path(__file__).parent / "headers"


def header_files(stage: str) -> dict[str, bytes]:
    """The run-time headers of a stage, by their names in the bundle: the newest, with what was different before."""
    folders = [NEWEST, *(EARLIER / name for name in reversed(HEADERS[HEADERS.index(stage) : -1]))]
    names = {path.name: path for folder in folders for path in sorted(folder.glob("*.hpp"))}
    if stage in ("oldest", "copying"):
        del names["iec_global.hpp"]
    return {f"strucpp_runtime/include/{name}": path.read_bytes() for name, path in sorted(names.items())}


def program_text(program: Program) -> str:
    """What stands for program.st: something that changes with the program."""
    declarations = "\n".join(f"{pou.name}: {pou.variables} {pou.body}" for pou in program.pous)
    return f"(* {program.name} *)\n{program.globals}\n{program.tasks}\n{declarations}\n"


def bundle_files(program: Program) -> dict[str, bytes]:
    """What an Editor uploads."""
    return own_files(program) | header_files(program.headers)


def own_files(program: Program) -> dict[str, bytes]:
    """All but the run-time headers."""
    text = program_text(program)
    md5 = hashlib.md5(text.encode()).hexdigest()
    files = {
        "program.st": text,
        "generated.hpp": header(program),
        "configuration.cpp": configuration(program),
        "generated_debug.cpp": source(program),
        "debug-map.json": debug_map(program, md5),
        "defines.h": f'#pragma once\n#define PROGRAM_MD5 "{md5}"\n',
        "c_blocks.h": program.c_blocks_header,
    }
    for pou in program.pous:
        files[f"pou_{pou.name}.cpp"] = unit(program, pou)
    if program.c_blocks_code:
        files["c_blocks_code.cpp"] = program.c_blocks_code
    if program.image_conf:
        files["image.conf"] = program.image_conf
    if program.retain_conf:
        files["retain.conf"] = program.retain_conf
    files |= {f"conf/{name}.json": content for name, content in program.conf.items()}
    return {name: content.encode() for name, content in files.items()}
