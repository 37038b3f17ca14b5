"""debug.c: the table of all variables, and reading and forcing them by their index."""

from __future__ import annotations

import re

from .model import ELEMENTARY_TYPES, Program
from .sources import c_type, rows

_SUFFIXES = {"VAR": "", "EXT": "_P", "IN": "_P", "MEM": "_O", "OUT": "_O"}


def c_expression(c_path: str) -> str:
    """`CONFIG0.RES0.MAIN.X` is `RES0__MAIN.X` in C, and `CONFIG0.X` is `CONFIG0__X`."""
    parts = c_path.split(".", 2)
    if parts[1] == "RES0":
        return f"RES0__{parts[2]}"
    return ".".join([f"CONFIG0__{parts[1]}", *parts[2:]])


def debug_entries(program: Program) -> list[tuple[str, str]]:
    """C expression and type enumerator without its ending `_ENUM`, in the order of the indexes."""
    return [
        (expression, element_type + _SUFFIXES[kind])
        for kind, _, c_path, type_name, _ in rows(program)
        if kind != "FB"
        for expression, element_type in elements(c_expression(c_path), type_name)
    ]


def elements(expression: str, type_name: str) -> list[tuple[str, str]]:
    """The expression itself, or one for each element of an array, counted from 0."""
    array = re.fullmatch(r"__ARRAY_OF_(\w+)_(\d+)", type_name)
    if array is None:
        return [(expression, type_name)]
    return [(f"{expression}.value.table[{number}]", array[1]) for number in range(int(array[2]))]


def debug_source(program: Program, md5: str) -> str:
    entries = debug_entries(program)
    kinds = [type_name + suffix for type_name in ELEMENTARY_TYPES for suffix in ("", "_P", "_O")]
    used = [kind for kind in kinds if kind in {kind for _, kind in entries}]
    externs = [f"extern __IEC_{c_type(v)}_{'p' if v.location else 't'} CONFIG0__{v.name};" for v in program.globals] + [
        f"extern {pou} RES0__{instance};" for task in program.tasks for instance, pou in task.instances
    ]
    return _TEMPLATE.format(
        md5=md5,
        externs="\n".join(externs),
        enumerators=_lines(f"{kind}_ENUM," for kind in used),
        table=_lines(f"{{&({expression}), {kind}_ENUM}}," for expression, kind in entries),
        count=len(entries),
        sizes=_lines(f"case {kind}_ENUM: return sizeof({_type(kind)});" for kind in used),
        addresses=_lines(f"case {kind}_ENUM: {_address(kind)}" for kind in used),
        forcings=_lines(f"case {kind}_ENUM: {_force(kind)}" for kind in used),
        releases=_lines(f"case {kind}_ENUM: {_flags(kind)} &= ~__IEC_FORCE_FLAG; break;" for kind in used),
        strings=" || ".join(f"type == {kind}_ENUM" for kind in used if _type(kind) == "STRING") or "false",
    )


def _lines(lines) -> str:
    return "\n    ".join(lines)


def _type(kind: str) -> str:
    return kind.split("_")[0]


def _wrapper(kind: str) -> str:
    return f"((__IEC_{_type(kind)}_{'p' if '_' in kind else 't'} *)ptr)"


def _flags(kind: str) -> str:
    return f"{_wrapper(kind)}->flags"


def _address(kind: str) -> str:
    wrapper = _wrapper(kind)
    if "_" not in kind:
        return f"return &{wrapper}->value;"
    return f"return {wrapper}->flags & __IEC_FORCE_FLAG ? &{wrapper}->fvalue : {wrapper}->value;"


def _force(kind: str) -> str:
    """Plain variables take the value, pointers their forced copy, outputs both."""
    wrapper = _wrapper(kind)
    if kind == "STRING":
        copies = f"copy_string(&{wrapper}->value, val);"
    elif "_" not in kind:
        copies = f"memcpy(&{wrapper}->value, val, size);"
    else:
        copies = f"memcpy(&{wrapper}->fvalue, val, size);"
        if kind.endswith("_O"):
            copies += f" memcpy({wrapper}->value, val, size);"
    return f"{copies} {_flags(kind)} |= __IEC_FORCE_FLAG; break;"


_TEMPLATE = """\
#include <stdbool.h>
#include <string.h>

#include "iec_types_all.h"
#include "POUS.h"

#define SAME_ENDIANNESS 0
#define REVERSE_ENDIANNESS 1

char plc_program_md5[] = "{md5}";

uint8_t endianness;

{externs}

typedef enum {{
    {enumerators}
}} debug_type;

static const struct {{
    void *ptr;
    debug_type type;
}} debug_vars[] = {{
    {table}
}};

#define VAR_COUNT {count}

uint16_t get_var_count(void)
{{
    return VAR_COUNT;
}}

size_t get_var_size(size_t idx)
{{
    if (idx >= VAR_COUNT) return 0;
    switch (debug_vars[idx].type) {{
    {sizes}
    default: return 0;
    }}
}}

void *get_var_addr(size_t idx)
{{
    void *ptr = debug_vars[idx].ptr;
    switch (debug_vars[idx].type) {{
    {addresses}
    default: return 0;
    }}
}}

/* Copies the characters there are. The runtime has checked their number. */
static inline void copy_string(IEC_STRING *to, const void *val)
{{
    const IEC_STRING *from = val;
    to->len = from->len;
    memcpy(to->body, from->body, (size_t)(uint8_t)from->len);
}}

void force_var(size_t idx, bool forced, void *val)
{{
    void *ptr = debug_vars[idx].ptr;
    size_t size = get_var_size(idx);
    if (forced) {{
    switch (debug_vars[idx].type) {{
    {forcings}
    default: break;
    }}
    }} else {{
    switch (debug_vars[idx].type) {{
    {releases}
    default: break;
    }}
    }}
}}

static void swap_bytes(void *val, size_t size)
{{
    uint8_t *first = val, *last = first + size - 1;
    while (first < last) {{
        uint8_t byte = *first;
        *first++ = *last;
        *last-- = byte;
    }}
}}

static bool is_string(debug_type type)
{{
    return {strings};
}}

void trace_reset(void)
{{
    for (size_t idx = 0; idx < VAR_COUNT; idx++) force_var(idx, false, 0);
}}

void set_trace(size_t idx, bool forced, void *val)
{{
    if (forced && endianness == REVERSE_ENDIANNESS && !is_string(debug_vars[idx].type)) {{
        swap_bytes(val, get_var_size(idx));
    }}
    force_var(idx, forced, val);
}}

void set_endianness(uint8_t value)
{{
    if (value == SAME_ENDIANNESS || value == REVERSE_ENDIANNESS) endianness = value;
}}
"""
