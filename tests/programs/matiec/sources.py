"""The sources of a program: POUS, Config0, Res0, LOCATED_VARIABLES.h, VARIABLES.csv."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from .model import ELEMENTARY_TYPES, Pou, Program, Variable, parse_array
from .standard_blocks import STANDARD_BLOCKS
from .structured_text import Translator, initial_value


def is_block(program: Program, type_name: str) -> bool:
    return type_name in STANDARD_BLOCKS or program.pou(type_name) is not None


def c_type(variable: Variable) -> str:
    array = parse_array(variable.type)
    return array.c_name if array else variable.type


def located_variables(program: Program) -> list[Variable]:
    """Every located variable once: of the configuration and of each program."""
    scopes = [program.globals] + [pou.variables for pou in program.pous]
    return [variable for scope in scopes for variable in scope if variable.location]


def located_variables_header(program: Program) -> str:
    return "".join(
        f"__LOCATED_VAR({v.type},{v.location_symbol},{v.area},{v.width},{','.join(v.slot)})\n"
        for v in located_variables(program)
    )


# POUS.h and POUS.c


def pous_header(program: Program) -> str:
    lines = ["#ifndef __POUS_H", "#define __POUS_H", "", '#include "accessor.h"', '#include "iec_std_lib.h"', ""]
    for structure in program.structures:
        fields = "\n".join(f"  {type_name} {name};" for name, type_name in structure.fields)
        lines.append(f"__DECLARE_STRUCT_TYPE({structure.name},\n{fields}\n)")
    arrays = [parse_array(v.type) for pou in program.pous for v in pou.variables]
    arrays += [parse_array(v.type) for v in program.globals]
    for array in dict.fromkeys(filter(None, arrays)):
        lines.append(f"__DECLARE_ARRAY_TYPE({array.c_name},{array.base},[{array.length}])")
    for variable in program.globals:
        lines.append(f"__DECLARE_GLOBAL_PROTOTYPE({c_type(variable)},{variable.name})")
    for pou in program.pous:
        lines += ["", "typedef struct {"]
        lines += [f"  {declaration(program, variable)}" for variable in pou.all_variables]
        lines += [
            f"}} {pou.name};",
            "",
            f"void {pou.name}_init__({pou.name} *data__, BOOL retain);",
            f"void {pou.name}_body__({pou.name} *data__);",
        ]
    return "\n".join(lines + ["#endif", ""])


def declaration(program: Program, variable: Variable) -> str:
    if is_block(program, variable.type):
        return f"{variable.type} {variable.name};"
    return f"__DECLARE_{variable.access}({c_type(variable)},{variable.name})"


def initialization(program: Program, variable: Variable) -> list[str]:
    target = f"data__->{variable.name}"
    retain = "1" if variable.retain else "retain"
    if is_block(program, variable.type):
        return [f"{variable.type}_init__(&{target},{retain});"]
    if variable.access == "EXTERNAL":
        return [f"__INIT_EXTERNAL({c_type(variable)},{variable.name},{target},{retain})"]
    value = c_initial_value(program, variable)
    if variable.access == "LOCATED":
        return [
            f"__INIT_LOCATED({variable.type},{variable.location_symbol},{target},{retain})",
            f"__INIT_LOCATED_VALUE({target},{value})",
        ]
    if variable.type in ELEMENTARY_TYPES:
        return [f"__INIT_VAR({target},{value},{retain})"]
    return [f"{{ static const {c_type(variable)} temp = {value};", f"__INIT_VAR({target},temp,{retain}) }}"]


def c_initial_value(program: Program, variable: Variable) -> str:
    """The initial value in C; of an array or structure, an initialiser in braces. What it leaves out is zero."""
    if variable.type in ELEMENTARY_TYPES:
        return initial_value(variable, ELEMENTARY_TYPES[variable.type])
    if parse_array(variable.type):
        return f"{{{{{variable.initial.strip('[]') or 0}}}}}"
    fields = re.sub(r"(\w+) := ", r".\1 = ", variable.initial.strip("()"))
    return f"{{{fields or 0}}}"


def pous_source(program: Program) -> str:
    lines: list[str] = []
    for pou in program.pous:
        translator = Translator(program, pou)
        body = translator.translate()
        lines += translator.functions
        lines.append(f"void {pou.name}_init__({pou.name} *data__, BOOL retain) {{")
        for variable in pou.all_variables:
            lines += [f"  {line}" for line in initialization(program, variable)]
        lines += ["}", "", "// Code part", f"void {pou.name}_body__({pou.name} *data__) {{"]
        if not pou.is_program:
            lines += ["  __SET_VAR(data__->,ENO,,__GET_VAR(data__->EN,));", "  if (!__GET_VAR(data__->EN,)) return;"]
        lines += body
        lines += ["  goto __end;", "", "__end:", "  return;", f"}} // {pou.name}_body__() ", "", "", "", ""]
    return "\n".join(lines)


# Config0 and Res0


def config_source(program: Program) -> str:
    lines = ['#include "iec_std_lib.h"', '#include "accessor.h"', '#include "POUS.h"', ""]
    initializations: list[str] = []
    for variable in program.globals:
        value = c_initial_value(program, variable)
        retain = "1" if variable.retain else "retain"
        if variable.location:
            lines.append(f"__DECLARE_GLOBAL_LOCATED({variable.type},CONFIG0,{variable.name})")
            initializations += [
                f"__INIT_GLOBAL_LOCATED({variable.type},{variable.location_symbol},CONFIG0,{variable.name},{retain})",
                f"__INIT_LOCATED_VALUE(CONFIG0__{variable.name},{value})",
            ]
        else:
            lines.append(f"__DECLARE_GLOBAL({c_type(variable)},CONFIG0,{variable.name})")
            if variable.type in ELEMENTARY_TYPES:
                initializations.append(f"__INIT_GLOBAL(CONFIG0,{variable.name},{value},{retain})")
            else:
                initializations += [
                    f"{{ static const {c_type(variable)} temp = {value};",
                    f"__INIT_GLOBAL(CONFIG0,{variable.name},temp,{retain}) }}",
                ]
    lines += ["void RES0_init__(void);", "", "void config_init__(void) {", "  BOOL retain;", "  retain = 0;"]
    lines += [f"  {line}" for line in initializations]
    counts = [task.interval_ms // program.tick_ms for task in program.tasks]
    lines += [
        "  RES0_init__();",
        "}",
        "",
        "void RES0_run__(unsigned long tick);",
        "",
        "void config_run__(unsigned long tick) {",
        "  RES0_run__(tick);",
        "}",
        f"unsigned long long common_ticktime__ = {program.tick_ms * 1_000_000}ULL; /*ns*/",
        f"unsigned long greatest_tick_count__ = (unsigned long){math.lcm(*counts)}UL; /*tick*/",
        "",
    ]
    return "\n".join(lines)


def resource_source(program: Program) -> str:
    includes = ["iec_std_lib.h", "accessor.h", "POUS.h", "Config0.h", "POUS.c"]
    lines = ["extern unsigned long long common_ticktime__;", ""]
    lines += [f'#include "{name}"' for name in includes] + [""]
    instances = [instance for task in program.tasks for instance in task.instances]
    lines += [f"BOOL {task.name};" for task in program.tasks]
    for instance, pou in instances:
        lines += [f"{pou} RES0__{instance};", f"#define {instance} RES0__{instance}"]
    lines += ["", "void RES0_init__(void) {", "  BOOL retain;", "  retain = 0;"]
    lines += [f"  {task.name} = __BOOL_LITERAL(FALSE);" for task in program.tasks]
    lines += [f"  {pou}_init__(&{instance},retain);" for instance, pou in instances]
    lines += ["}", "", "void RES0_run__(unsigned long tick) {"]
    for task in program.tasks:
        lines.append(f"  {task.name} = !(tick % {task.interval_ms // program.tick_ms});")
    for task in program.tasks:
        for instance, pou in task.instances:
            lines += [f"  if ({task.name}) {{", f"    {pou}_body__(&{instance});", "  }"]
    return "\n".join(lines + ["}", ""])


# VARIABLES.csv

# Kind, IEC path, C path, type, retained
Row = tuple[str, str, str, str, bool]


def rows(program: Program) -> Iterator[Row]:
    """The variables of the whole program in the order that numbers them; an array is one of them."""
    for variable in program.globals:
        yield from variable_rows(program, variable, "CONFIG0.", "CONFIG0.")
    for task in program.tasks:
        for instance, pou in task.instances:
            path = f"CONFIG0.RES0.{instance}"
            yield from block_rows(program, program.pou(pou), path, False)


def block_rows(program: Program, block: Pou, path: str, retain: bool) -> Iterator[Row]:
    yield "FB", path, path, block.name, retain
    for variable in block.all_variables:
        yield from variable_rows(program, variable, path + ".", path + ".", retain)


def variable_rows(program: Program, variable: Variable, path: str, c_path: str, retain: bool = False) -> Iterator[Row]:
    path, c_path, retain = path + variable.name, c_path + variable.name, retain or variable.retain
    block = STANDARD_BLOCKS.get(variable.type) or program.pou(variable.type)
    if block:
        yield from block_rows(program, block, path, retain)
    elif array := parse_array(variable.type):
        if program.element_rows:
            for element in (f".value.table[{number}]" for number in range(array.length)):
                yield variable.kind, path + element, c_path + element, array.base, retain
        else:
            yield variable.kind, path, c_path, array.c_name, retain
    elif structure := program.structure(variable.type):
        for name, type_name in structure.fields:
            yield variable.kind, f"{path}.{name}", f"{c_path}.value.{name}", type_name, retain
    else:
        yield variable.kind, path, c_path, variable.type, retain


def variables_csv(program: Program) -> str:
    lines = ["// Programs"]
    instances = [instance for task in program.tasks for instance in task.instances]
    lines += [f"{number};CONFIG0.RES0.{instance};{pou};" for number, (instance, pou) in enumerate(instances)]
    lines += ["", "// Variables"]
    for number, (kind, path, c_path, type_name, retain) in enumerate(rows(program)):
        derived = "" if kind == "FB" else type_name
        lines.append(f"{number};{kind};{path};{c_path};{type_name};{derived};{int(retain)};")
    lines += ["", "// Ticktime", str(program.tick_ms * 1_000_000), ""]
    return "\n".join(lines)
