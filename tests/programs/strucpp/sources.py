"""generated.hpp, configuration.cpp and the file of each program and function block."""

from __future__ import annotations

import re

from .model import Pou, Program, Variable

AREAS = {"I": "Input", "Q": "Output", "M": "Memory"}
SIZES = {"X": "Bit", "B": "Byte", "W": "Word", "D": "DWord", "L": "LWord"}


def is_concurrent(program: Program) -> bool:
    """Whether tasks are executed at the same time."""
    return program.headers != "oldest"


def has_locks(program: Program) -> bool:
    """Whether global variables have locks; before that, each program had copies."""
    return program.headers not in ("oldest", "copying")


def located(program: Program) -> list[tuple[Variable, str | None]]:
    """Located variables in the order of their table, each with the program that declares it; globals first."""
    found: list[tuple[Variable, str | None]] = [(v, None) for v in program.globals if v.location]
    for pou in program.pous:
        found += [(v, pou.name) for v in pou.variables if v.location]
    return found


def located_range(program: Program, pou: str) -> tuple[int, int]:
    numbers = [number for number, (_, owner) in enumerate(located(program)) if owner == pou]
    return (numbers[0], len(numbers)) if numbers else (0, 0)


def _external_type(program: Program, name: str) -> str:
    variable = next(v for v in program.globals if v.name == name)
    return f"GlobalVar<{variable.cpp_type}>*" if has_locks(program) else f"{variable.cpp_type}&"


def header(program: Program) -> str:
    lines = ["// Written by tests/programs/generate.py", "#pragma once", "", '#include "iec_array.hpp"']
    lines += ['#include "iec_global.hpp"'] if has_locks(program) else []
    lines += ['#include "iec_located.hpp"', '#include "iec_std_lib.hpp"', "", "#include <array>", "#include <ctime>", "#include <string>", ""]
    lines += _without_macros(program)
    lines += ["namespace strucpp {", ""]
    lines += [f"class {pou.name};" if not pou.is_program else f"class Program_{pou.name};" for pou in program.pous]
    lines += ["class Configuration_CONFIG0;", "", "enum class COLOUR : int16_t { RED, GREEN, BLUE };", ""]
    if has_locks(program):
        lines += [f"inline GlobalVar<{v.cpp_type}> {v.name}{{{v.initial}}};" for v in program.globals]
    for pou in program.pous:
        lines += _program_class(program, pou) if pou.is_program else _block_class(pou)
    lines += _configuration_class(program)
    count = len(located(program))
    lines += [f"extern LocatedVar locatedVars[{count or 1}];", f"constexpr uint32_t locatedVarsCount = {count};"]
    if has_locks(program):
        count = sum(1 for v in program.globals if v.location)
        lines += ["#ifdef STRUCPP_THREADED", f"extern void *locatedGlobals[{count or 1}];"]
        lines += [f"constexpr uint32_t locatedGlobalsCount = {count};", "#endif"]
    return "\n".join([*lines, "", "}  // namespace strucpp", ""])


def _without_macros(program: Program) -> list[str]:
    """Newer generators take away macros that have the name of a variable, in their own units."""
    if program.headers != "newest":
        return []
    lists = [program.globals, *(pou.variables for pou in program.pous)]
    names = {variable.name for variables in lists for variable in variables}
    return ["#ifdef STRUCPP_GENERATED_TU", *(f"#undef {name}" for name in sorted(names)), "#endif", ""]


def _members(variables: list[Variable]) -> list[str]:
    members = []
    for v in variables:
        initial = f"{{{v.initial}}}" if v.initial else "{}"
        comment = f"  // AT {v.location}" if v.location else ""
        members.append(f"    {'const ' if v.constant else ''}{v.cpp_type} {v.name}{initial};{comment}")
    return members


def _block_class(pou: Pou) -> list[str]:
    return [f"class {pou.name} {{", "public:", *_members(pou.variables), "    void operator()();", "};", ""]


def _copies(program: Program, pou: Pou) -> list[str]:
    """What a program has of each global variable, and when it takes and gives it."""
    types = {name: _external_type(program, name) for name in pou.externals}
    lines = []
    for name, kind in types.items():
        lines += [f"    {kind} {name}__shared;", f"    {kind[:-1]} {name};", f"    {kind[:-1]} {name}__before;"]
    take = "".join(f" {name} = {name}__shared; __builtin_memcpy(&{name}__before, &{name}, sizeof {name});" for name in types)
    give = "".join(
        f" if (__builtin_memcmp(&{name}, &{name}__before, sizeof {name})) {name}__shared = {name};" for name in types
    )
    return [*lines, f"    void sync_in() override {{{take} }}", f"    void sync_out() override {{{give} }}"] if types else []


def _program_class(program: Program, pou: Pou) -> list[str]:
    externals = [f"{_external_type(program, name)} {name}" for name in pou.externals]
    lines = [f"class Program_{pou.name} : public ProgramBase {{", "public:", *_members(pou.variables)]
    lines += _copies(program, pou) if program.headers == "copying" else [f"    {external};" for external in externals]
    parameters = ", ".join(f"{external}_ref" for external in externals)
    lines += [f"    {'explicit ' if externals else ''}Program_{pou.name}({parameters});", "    void run() override;"]
    start, count = located_range(program, pou.name)
    if count and is_concurrent(program):
        lines += ["#ifdef STRUCPP_THREADED"]
        lines += [
            "    void located_range(uint32_t* __off, uint32_t* __cnt) const override "
            f"{{ *__off = {start}; *__cnt = {count}; }}"
        ]
        lines += ["#endif"]
    return [*lines, "};", ""]


def _configuration_class(program: Program) -> list[str]:
    lines = ["class Configuration_CONFIG0 : public ConfigurationInstance {", "public:"]
    if not has_locks(program):
        lines += _members(program.globals)
    lines += [f"    Program_{pou.name} {instance};" for instance, pou in program.instances]
    if program.tasks:
        lines += [f"    TaskInstance tasks_storage[{len(program.tasks)}];"]
        lines += [f"    ProgramBase* task_programs_storage[{len(program.instances) or 1}];"]
    lines += ["    ResourceInstance resources_storage[1];", "    Configuration_CONFIG0();"]
    lines += ["    const char* get_name() const override;", "    ResourceInstance* get_resources() override;"]
    return [*lines, "    size_t get_resource_count() const override;", "};", ""]


def opening(program: Program) -> list[str]:
    """How each unit begins."""
    own = ["#define STRUCPP_GENERATED_TU"] if program.headers == "newest" else []
    return ["// Written by tests/programs/generate.py", "", *own, '#include "generated.hpp"']


def _prologue(program: Program) -> list[str]:
    return [*opening(program), "", "namespace strucpp {", ""]


def configuration(program: Program) -> str:
    lines = _prologue(program)
    places = located(program)
    rows = [_located_row(v) for v, _ in places] or [
        "    { LocatedArea::Input, LocatedSize::Bit, 0, 0, {0, 0, 0}, nullptr },  // placeholder"
    ]
    lines += [f"LocatedVar locatedVars[{len(rows)}] = {{", *rows, "};", ""]
    global_places = [v for v in program.globals if v.location]
    if has_locks(program):
        lines += ["#ifdef STRUCPP_THREADED", f"void *locatedGlobals[{len(global_places) or 1}] = {{ nullptr }};"]
        lines += ['extern "C" void *const *strucpp_get_located_globals(void) { return locatedGlobals; }']
        lines += ['extern "C" uint32_t strucpp_get_located_global_count(void) { return locatedGlobalsCount; }']
        lines += _locks_by_number(program) if program.headers == "newest" else []
        lines += ["#endif", ""]
    initialisers = []
    for instance, pou in program.instances:
        arguments = ", ".join(f"&::strucpp::{name}" if has_locks(program) else name for name in pou.externals)
        initialisers.append(f"{instance}({arguments})")
    lines += ["Configuration_CONFIG0::Configuration_CONFIG0()"]
    lines += [f"    : {', '.join(initialisers)}"] if initialisers else []
    lines += ["{"]
    number = 0
    for index, task in enumerate(program.tasks):
        for offset, (instance, _) in enumerate(task.instances):
            lines += [f"    task_programs_storage[{number + offset}] = &{instance};"]
        lines += [
            f'    tasks_storage[{index}] = TaskInstance("{task.name}", {task.interval_ns}LL, {task.priority}, '
            f"&task_programs_storage[{number}], {len(task.instances)});"
        ]
        number += len(task.instances)
    storage = "tasks_storage" if program.tasks else "nullptr"
    lines += [f'    resources_storage[0] = ResourceInstance("RES0", "PLC", {storage}, {len(program.tasks)});']
    for index, (variable, owner) in enumerate(places):
        if owner is None:
            value = f"{variable.name}.value" if has_locks(program) else variable.name
            lines += [f"    locatedVars[{index}].pointer = {value}.raw_ptr();"]
    if has_locks(program):
        lines += ["#ifdef STRUCPP_THREADED"]
        lines += [f"    locatedGlobals[{i}] = {v.name}.value.raw_ptr();" for i, v in enumerate(global_places)]
        lines += ["#endif"]
    lines += ["}", 'const char* Configuration_CONFIG0::get_name() const { return "CONFIG0"; }']
    lines += ["ResourceInstance* Configuration_CONFIG0::get_resources() { return resources_storage; }"]
    lines += ["size_t Configuration_CONFIG0::get_resource_count() const { return 1; }"]
    return "\n".join([*lines, "", "}  // namespace strucpp", ""])


def _locks_by_number(program: Program) -> list[str]:
    """What a runtime may take the lock of a global variable with."""
    lines = ["static detail::GlobalMutex *global_lock_of(uint32_t number) {", "    switch (number) {"]
    lines += [f"    case {number}: return {v.name}.lock_handle();" for number, v in enumerate(program.globals)]
    lines += ["    default: return nullptr;", "    }", "}"]
    lines += [f'extern "C" uint32_t strucpp_global_count(void) {{ return {len(program.globals)}; }}']
    lines += ['extern "C" bool strucpp_global_try_lock(uint32_t g) { return detail::global_try_lock(global_lock_of(g)); }']
    return [*lines, 'extern "C" void strucpp_global_unlock(uint32_t g) { detail::global_unlock(global_lock_of(g)); }']


def _located_row(variable: Variable) -> str:
    area, size, slot = variable.location[1], variable.location[2], variable.location[3:].split(".")
    bit = slot[1] if size == "X" else "0"
    return (
        f"    {{ LocatedArea::{AREAS[area]}, LocatedSize::{SIZES[size]}, {slot[0]}, {bit}, {{0, 0, 0}}, nullptr }},"
        f"  // {variable.name} AT {variable.location}"
    )


def _statements(program: Program, body: str) -> str:
    if has_locks(program):
        body = re.sub(r"\$(\w+) := (.*);", r"\1->write(\2);", body)
        return re.sub(r"\$(\w+)", r"\1->read()", body)
    return re.sub(r"\$(\w+)", r"\1", re.sub(r"\$(\w+) := (.*);", r"\1 = \2;", body))


def unit(program: Program, pou: Pou) -> str:
    lines = _prologue(program)
    if pou.is_program:
        name = f"Program_{pou.name}"
        parameters = ", ".join(f"{_external_type(program, external)} {external}_ref" for external in pou.externals)
        shared = "__shared" if program.headers == "copying" else ""
        initialisers = ", ".join(f"{external}{shared}({external}_ref)" for external in pou.externals)
        lines += [f"{name}::{name}({parameters})", *([f"    : {initialisers}"] if initialisers else []), "{"]
        for index, (variable, owner) in enumerate(located(program)):
            if owner == pou.name:
                lines += [f"    locatedVars[{index}].pointer = {variable.name}.raw_ptr();"]
        lines += ["}", "", f"void {name}::run() {{"]
    else:
        lines += [f"void {pou.name}::operator()() {{"]
    return "\n".join([*lines, _statements(program, pou.body), "}", "", "}  // namespace strucpp", ""])
