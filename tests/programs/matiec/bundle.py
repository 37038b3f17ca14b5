"""All files of a bundle except the headers in `lib/`, which all programs share."""

from __future__ import annotations

import hashlib

from .c_block import blocks_code, blocks_header
from .debug_table import debug_source
from .glue import glue_source
from .model import Program
from .program_text import plc_xml, structured_text, with_debug_lines
from .sources import (
    config_source,
    located_variables_header,
    pous_header,
    pous_source,
    resource_source,
    variables_csv,
)


def bundle_files(program: Program) -> dict[str, bytes]:
    text = structured_text(program)
    md5 = hashlib.md5(text.encode()).hexdigest()
    debug = debug_source(program, md5)
    files = {
        "plc.xml": plc_xml(program),
        "program.st": with_debug_lines(text, debug, md5),
        "Config0.c": config_source(program),
        "Config0.h": "\n",
        "Res0.c": resource_source(program),
        "POUS.c": pous_source(program),
        "POUS.h": pous_header(program),
        "VARIABLES.csv": variables_csv(program),
        "LOCATED_VARIABLES.h": located_variables_header(program),
        "debug.c": debug,
        "glueVars.c": glue_source(program),
        "c_blocks.h": blocks_header(program.c_blocks),
        "c_blocks_code.cpp": blocks_code(program.c_blocks),
    }
    for name, (right, wrong) in program.replacements.items():
        if right not in files[name]:
            raise ValueError(f"{name} does not contain {right!r}")
        files[name] = files[name].replace(right, wrong, 1)
    return {name: content.encode() for name, content in files.items()}
