"""A STruC++ project of 40 POUs, from upload to RUNNING, beside `make -j` of the same units with the same options."""

import hashlib
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from harness.runtime import REPOSITORY
from harness.strucpp import Pou, StrucppBundle, Variable, bundle, single_task
from measure.deploy import upload_to_running
from measure.figures import milliseconds

POUS = 40
STATEMENTS = 60
SHIM = REPOSITORY / "crates" / "openplc-program"
OPTIONS = (
    "-std=c++17 -O1 -DSTRUCPP_THREADED -fno-gnu-unique -fPIC -pipe -fwrapv -fno-strict-aliasing -fvisibility=hidden -w "
    "-I. -Istrucpp_runtime/include"
)
# What the run-time library of STruC++ reads of the C++ library, in every unit.
STANDARD_HEADERS = "".join(
    f"#include <{name}>\n" for name in ("algorithm", "array", "chrono", "cmath", "cstdio", "mutex", "stdexcept", "type_traits")
)
MAKEFILE = f"""
UNITS := $(patsubst %.cpp,%.o,$(wildcard *.cpp)) shim.o
program.so: $(UNITS)
\tg++ -shared -o $@ $^
%.o: %.cpp
\tg++ {OPTIONS} -include runtime/strucpp_units.h -c $< -o $@

generated_debug.o: generated_debug.cpp
\tg++ {OPTIONS} -O0 -include runtime/strucpp_units.h -c $< -o $@
shim.o: runtime/shim.cpp
\tg++ {OPTIONS} -Iruntime -c $< -o $@
"""


def block(number):
    """A function block with the usual kinds of statements."""
    numbers = [f"N{index}" for index in range(12)]
    variables = [Variable(name, "DINT") for name in numbers] + [Variable("X", "REAL"), Variable("ON", "BOOL")]
    lines = []
    for line in range(STATEMENTS):
        a, b, c = (numbers[(line * step + number) % len(numbers)] for step in (1, 5, 7))
        lines += [
            f"    if ({a} > {b} && !ON) {{ {c} = {a} + {b} * {line + number}; }} else {{ {c} = {c} - {a} % {line + 3}; }}",
            f"    X = static_cast<REAL_t>(X * 0.5f + static_cast<REAL_t>({c}));",
            f"    ON = {a} == {b} || X > {line}.5f;",
        ]
    return Pou(f"BLOCK_{number}", variables, "\n".join(lines) + "\n", is_program=False)


def project():
    blocks = [block(number) for number in range(POUS - 1)]
    variables = [Variable("SCANS", "UDINT")] + [Variable(f"B{number}", pou.name) for number, pou in enumerate(blocks)]
    body = "    SCANS = SCANS + 1;\n" + "".join(f"    B{number}();\n" for number in range(len(blocks)))
    made = bundle(single_task("forty_units", variables, body, pous=blocks))
    name = "strucpp_runtime/include/iec_types.hpp"
    return made.with_file(name, made.files[name].replace(b"#pragma once\n", b"#pragma once\n" + STANDARD_HEADERS.encode()))


def edited(made, change):
    """The project after an edit: one POU that computes something else, and what the Editor writes with every upload."""
    digest = hashlib.md5(f"{time.time_ns()} {change}".encode()).hexdigest()
    unit = made.files["pou_BLOCK_7.cpp"].replace(b"X * 0.5f", f"X * 0.{change + 1}f".encode(), 1)
    files = {**made.files, "program.st": digest.encode(), "pou_BLOCK_7.cpp": unit}
    files["defines.h"] = f'#define PROGRAM_MD5 "{digest}"\n'.encode()
    files["debug-map.json"] = files["debug-map.json"].replace(made.md5.encode(), digest.encode())
    return StrucppBundle(files)


def make(folder):
    begin = time.perf_counter()
    subprocess.run(["make", "-s", f"-j{os.cpu_count()}"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def write(folder, files):
    for name, content in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


def beside_make(made, changed):
    """Seconds that make takes for all, and for what has changed."""
    with tempfile.TemporaryDirectory(prefix="openplc-bench-") as folder:
        own = {path.name: path.read_bytes() for path in [*(SHIM / "shim").iterdir(), *(SHIM / "include").iterdir()]}
        units = ("strucpp.cpp", "host_calls.cpp", "exit_calls.cpp", "strucpp_identity.cpp")
        own["shim.cpp"] = "".join(f'#include "{unit}"\n' for unit in units).encode()
        write(folder, {f"runtime/{name}": content for name, content in own.items()} | {"Makefile": MAKEFILE.encode()})
        write(folder, made.files)
        clean = make(folder)
        write(folder, changed.files)
        Path(folder, "shim.o").unlink()
        return clean, make(folder)


def against_make(figures, runtime, rounds):
    api, made = runtime.login(), project()
    ours, theirs = [], []
    for number in range(rounds):
        first, second = edited(made, 2 * number), edited(made, 2 * number + 1)
        theirs.append(beside_make(first, second))
        ours.append([upload_to_running(api, first, clean=True)[0], upload_to_running(api, second)[0]])
    for column, (what, aim) in enumerate([("clean", "< 1 × make"), ("one POU changed", "")]):
        total, base = (statistics.median(times[column] for times in found) for found in (ours, theirs))
        figures.add(
            f"upload to RUNNING, {POUS} POUs of STruC++, {what}",
            f"p50 {milliseconds(total)}",
            f"make -j{os.cpu_count()} of the same units {milliseconds(base)}, × {total / base:.2f}",
            aim,
            total_s=total, make_s=base,
        )  # fmt: skip
