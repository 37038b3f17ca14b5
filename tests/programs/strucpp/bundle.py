"""All files of a bundle."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .debug_table import debug_map, source
from .model import Program
from .sources import configuration, header, unit

HEADERS = Path(__file__).parent / "headers"


def program_text(program: Program) -> str:
    """What stands for program.st: something that changes with the program."""
    declarations = "\n".join(f"{pou.name}: {pou.variables} {pou.body}" for pou in program.pous)
    return f"(* {program.name} *)\n{program.globals}\n{program.tasks}\n{declarations}\n"


def bundle_files(program: Program) -> dict[str, bytes]:
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
    binary = {name: content.encode() for name, content in files.items()}
    for folder in ("common", program.headers):
        for path in sorted((HEADERS / folder).iterdir()):
            binary[f"strucpp_runtime/include/{path.name}"] = path.read_bytes()
    return binary
