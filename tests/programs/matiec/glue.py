"""glueVars.c: storage of the located variables, and their binding to the tables of the process image."""

from __future__ import annotations

from .model import Program
from .sources import located_variables

_TYPES = {"X": "IEC_BOOL", "B": "IEC_BYTE", "W": "IEC_UINT", "D": "IEC_UDINT", "L": "IEC_ULINT"}
_WORDS = {"X": "bool", "B": "byte", "W": "int", "D": "dint", "L": "lint"}
_AREAS = {"I": "input", "Q": "output", "M": "memory"}

# Area and width of the tables in the order of setBufferPointers' arguments; setBufferPointers_v4 has one more.
_TABLES = "IX QX IB QB IW QW ID QD IL QL MW MD ML".split()
_V4_TABLES = [*_TABLES, "MX"]


def _table(key: str) -> str:
    return f"{_WORDS[key[1]]}_{_AREAS[key[0]]}"


def _pointer(key: str) -> str:
    """Declaration of the pointer to a table, or a parameter that is one."""
    return f"{_TYPES[key[1]]} *(*{{}})[8]" if key[1] == "X" else f"{_TYPES[key[1]]} *(*{{}})"


def _setter(name: str, keys: list[str]) -> str:
    parameters = ",\n    ".join(_pointer(key).format(_table(key)) for key in keys)
    return (
        f"void {name}(\n    {parameters})\n{{\n"
        + "".join(f"    {_table(key)}_ptr = {_table(key)};\n" for key in keys)
        + "}\n"
    )


def glue_source(program: Program) -> str:
    bindings, v4_bindings = [], []
    for variable in located_variables(program):
        key = variable.area + variable.width
        index = "".join(f"[{number}]" for number in variable.slot)
        line = f"    {_table(key)}_ptr{index} = ({_TYPES[variable.width]} *){variable.location_symbol};"
        (v4_bindings if key == "MX" else bindings).append(line)
    if v4_bindings:
        bindings += ["#ifdef OPENPLC_V4", "    if (bool_memory_ptr != NULL) {", *v4_bindings, "    }", "#endif"]
    return _TEMPLATE.format(
        pointers="".join(f"static {_pointer(key).format(_table(key) + '_ptr')} = NULL;\n" for key in _TABLES),
        v4_pointer=f"static {_pointer('MX').format('bool_memory_ptr')} = NULL;\n",
        setter=_setter("setBufferPointers", _TABLES),
        v4_setter=_setter("setBufferPointers_v4", _V4_TABLES),
        bindings="\n".join(bindings),
    )


_TEMPLATE = """\
#include "iec_std_lib.h"

TIME __CURRENT_TIME;
BOOL __DEBUG;
extern unsigned long long common_ticktime__;

{pointers}
#ifdef OPENPLC_V4
{v4_pointer}#endif

#define __LOCATED_VAR(type, name, ...) type __##name;
#include "LOCATED_VARIABLES.h"
#undef __LOCATED_VAR
#define __LOCATED_VAR(type, name, ...) type *name = &__##name;
#include "LOCATED_VARIABLES.h"
#undef __LOCATED_VAR

{setter}
#ifdef OPENPLC_V4
{v4_setter}#endif

void glueVars(void)
{{
{bindings}
}}

void updateTime(void)
{{
    __CURRENT_TIME = __from_nanoseconds(__to_nanoseconds(__CURRENT_TIME) + (int64_t)common_ticktime__);
}}
"""
