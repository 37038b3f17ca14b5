"""generated_debug.cpp and debug-map.json."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .model import ENUMERATIONS, TYPES, Pou, Program, Variable
from .sources import has_locks, opening


@dataclass(frozen=True)
class Leaf:
    array: int
    element: int
    path: str
    type: str
    expression: str
    constant: bool
    retain: bool
    bare: bool
    length: int


def leaves(program: Program) -> list[Leaf]:
    """One array for each instance, and one for the globals."""
    found: list[Leaf] = []

    def add(array: int, path: str, expression: str, variable: Variable, inherited: bool = False) -> None:
        retain = variable.retain or inherited
        if variable.array:
            element_type, first, last = variable.array
            for index in range(first, last + 1):
                element = Variable("", element_type, constant=variable.constant)
                add(array, f"{path}[{index}]", f"{expression}[{index}]", element, retain)
        elif variable.type in TYPES or variable.type in ENUMERATIONS or variable.text:
            element = sum(1 for leaf in found if leaf.array == array)
            text, length = variable.text or ("", 0)
            shown, bare = text or ENUMERATIONS.get(variable.type, variable.type), variable.type in ENUMERATIONS
            found.append(Leaf(array, element, path, shown, expression, variable.constant, retain, bare, length))
        else:
            for member in program.pou(variable.type).variables:
                add(array, f"{path}.{member.name}", f"{expression}.{member.name}", member, retain)

    instances: list[tuple[str, Pou]] = program.instances
    for array, (instance, pou) in enumerate(instances):
        for variable in pou.variables:
            add(array, f"{instance}.{variable.name}", f"g_config.{instance}.{variable.name}", variable)
    for variable in program.globals:
        place = f"::strucpp::{variable.name}.value" if has_locks(program) else f"g_config.{variable.name}"
        add(len(instances), variable.name, place, variable)
    return found


def source(program: Program) -> str:
    newest, retains = program.headers == "newest", program.headers in ("retaining", "newest")
    all_leaves = leaves(program)
    arrays = max((leaf.array for leaf in all_leaves), default=-1) + 1
    table_header = "debug_dispatch.hpp" if program.headers == "oldest" else "debug_table.hpp"
    lines = [*opening(program), f'#include "{table_header}"', ""]
    lines += ["extern ::strucpp::Configuration_CONFIG0 g_config;", "", "namespace strucpp { namespace debug {", ""]
    for array in range(arrays):
        rows = [leaf for leaf in all_leaves if leaf.array == array]
        lines += [f"const Entry debug_arr_{array}[{len(rows) or 1}] STRUCPP_DEBUG_FLASH = {{"]
        for leaf in rows:
            flags = (1 if leaf.constant else 0) | (2 if leaf.retain else 0) | (8 if leaf.bare else 0)
            more = f"{flags}, {leaf.length}" if newest else str(flags & 3) if retains else "0"
            lines += [f"    {{ (void*)&{leaf.expression}, TAG_{leaf.type}, {more} }},  // {leaf.path}"]
        lines += ["};"]
    lines += [f"const Entry* const debug_arrays[{arrays or 1}] STRUCPP_DEBUG_FLASH = {{"]
    lines += [f"    debug_arr_{array}," for array in range(arrays)] or ["    nullptr,"]
    lines += ["};", f"const uint16_t debug_array_counts[{arrays or 1}] STRUCPP_DEBUG_FLASH = {{"]
    counts = [sum(1 for leaf in all_leaves if leaf.array == array) for array in range(arrays)]
    lines += [f"    {count}," for count in counts] or ["    0,"]
    lines += ["};", f"const uint8_t debug_array_count = {arrays};", ""]
    if retains:
        retained = [leaf for leaf in all_leaves if leaf.retain]
        lines += ["// Retained leaves, in their order.", f"const RetainVar retain_vars[{len(retained) or 1}] = {{"]
        lines += [f"    {{ {leaf.array}, {leaf.element} }},  // {leaf.path}" for leaf in retained]
        lines += [] if retained else ["    { 0, 0 },  // placeholder"]
        lines += ["};", f"const uint16_t retain_var_count = {len(retained)};"]
        lines += ["const uint32_t retain_layout_hash = 0x12345678;", ""]
    return "\n".join([*lines, "} }  // namespace strucpp::debug", ""])


def debug_map(program: Program, md5: str) -> str:
    all_leaves = leaves(program)
    arrays = sorted({leaf.array for leaf in all_leaves})
    document = {
        "version": 2,
        "md5": md5,
        "typeTags": {name: number for name, (number, _) in TYPES.items()},
        "arrays": [{"index": a, "count": sum(1 for leaf in all_leaves if leaf.array == a)} for a in arrays],
        "leaves": [
            {
                "arrayIdx": leaf.array,
                "elemIdx": leaf.element,
                "path": leaf.path,
                "type": leaf.type,
                "size": TYPES[leaf.type][1],
            }
            for leaf in all_leaves
        ],
    }
    return json.dumps(document, indent=2) + "\n"
