"""The bundles themselves, without the runtime: built as OpenPLC Runtime v4 builds them, and called from C."""

import ctypes
import re
import struct
import subprocess

import generate
import pytest
from hostile import HOSTILE
from pack import library_files

SIZES = {
    **dict.fromkeys(["BOOL", "SINT", "USINT", "BYTE"], 1), **dict.fromkeys(["INT", "UINT", "WORD"], 2),
    **dict.fromkeys(["DINT", "UDINT", "DWORD", "REAL"], 4),
    **dict.fromkeys(["LINT", "ULINT", "LWORD", "LREAL", "TIME", "DATE", "TOD", "DT"], 8), "STRING": 127,
}  # fmt: skip

TABLES = "IX QX IB QB IW QW ID QD IL QL MW MD ML MX".split()

PYTHON_HEADER = """
#include <stddef.h>
#include <unistd.h>
int create_shm_name(char *buf, size_t size);
int python_block_loader(const char *script_name, const char *script_template, char *shm_name, size_t in_size,
                        size_t out_size, void **in_ptr, void **out_ptr, pid_t pid);
"""


def build(name, folder):
    """Compiles a program into `program.so` and returns its path."""
    for path, content in {**library_files(), **generate.program_files(name)}.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / "iec_python.h").write_text(PYTHON_HEADER)
    options = ["-w", "-O1", "-fPIC", "-I", "lib"]
    with_python = ["-include", "iec_python.h"]
    units = {
        "Config0.c": ["gcc", *with_python],
        "Res0.c": ["gcc", *with_python],
        "debug.c": ["gcc"],
        "glueVars.c": ["gcc", "-DOPENPLC_V4"],
        "c_blocks_code.cpp": ["g++"],
    }
    for unit, command in units.items():
        subprocess.run([*command, *options, "-c", unit, "-o", f"{unit}.o"], cwd=folder, check=True, capture_output=True)
    link = ["g++", "-shared", "-o", "program.so", *(f"{unit}.o" for unit in units), "-lpthread", "-lrt"]
    subprocess.run(link, cwd=folder, check=True, capture_output=True)
    return folder / "program.so"


def debug_variables(text):
    """Names and types that debug.c has for VARIABLES.csv, where an array is one row."""
    rows = [row.split(";") for row in text.split("// Variables\n")[1].split("\n\n")[0].splitlines()]
    variables = []
    for path, type_name in [(row[2].removeprefix("CONFIG0."), row[4]) for row in rows if row[1] != "FB"]:
        if array := re.fullmatch(r"__ARRAY_OF_(\w+)_(\d+)", type_name):
            variables += [(f"{path}[{position}]", array[1]) for position in range(int(array[2]))]
        else:
            variables.append((path, type_name))
    return variables


class Loaded:
    """A loaded program, with the tables of the process image, by the names of VARIABLES.csv."""

    def __init__(self, folder, name, *, v4=True):
        self.library = ctypes.CDLL(build(name, folder))
        self.library.config_run__.argtypes = [ctypes.c_ulong]
        self.library.get_var_size.argtypes = self.library.get_var_addr.argtypes = [ctypes.c_size_t]
        self.library.get_var_size.restype = ctypes.c_size_t
        self.library.get_var_addr.restype = ctypes.c_void_p
        self.library.set_trace.argtypes = [ctypes.c_size_t, ctypes.c_bool, ctypes.c_char_p]
        self.tables = {key: (ctypes.c_void_p * (8192 if key[1] == "X" else 1024))() for key in TABLES}
        self.library.config_init__()
        if v4:
            self.library.setBufferPointers_v4(*self.tables.values())
        else:
            self.library.setBufferPointers(*list(self.tables.values())[:13])
        self.library.glueVars()
        self.variables = debug_variables((folder / "VARIABLES.csv").read_text())
        self.tick = 0

    def index(self, name):
        return [path for path, _ in self.variables].index(name)

    def scan(self, count=1):
        for _ in range(count):
            self.library.config_run__(self.tick)
            self.library.updateTime()
            self.tick += 1

    def read(self, name, layout):
        index = self.index(name)
        value = ctypes.string_at(self.library.get_var_addr(index), self.library.get_var_size(index))
        return struct.unpack(f"<{layout}", value)[0]

    def force(self, name, value):
        """Returns what is in the caller's buffer afterwards."""
        buffer = ctypes.create_string_buffer(value, 128)
        self.library.set_trace(self.index(name), True, buffer)
        return buffer.raw[: len(value)]


@pytest.fixture
def load(tmp_path):
    return lambda name, **options: Loaded(tmp_path, name, **options)


@pytest.mark.parametrize("name", ["blink", "located", "types", "cblock", "two_tasks", "exception", "fast"])
def test_debug_table_follows_the_variable_list(load, name):
    program = load(name)
    assert program.library.get_var_count() == len(program.variables)
    sizes = [program.library.get_var_size(index) for index in range(len(program.variables))]
    assert sizes == [SIZES[type_name] for _, type_name in program.variables]
    assert program.library.get_var_size(len(program.variables)) == 0


def test_blink_toggles_every_500_ms(load):
    program = load("blink")
    lamp = []
    for _ in range(100):
        program.scan()
        lamp.append(program.read("RES0.INSTANCE0.LAMP", "B"))
    assert lamp == [0] * 25 + [1] * 25 + [0] * 25 + [1] * 25


def test_glue_fills_every_table(load):
    program = load("located")
    filled = {key: [slot for slot, pointer in enumerate(table) if pointer] for key, table in program.tables.items()}
    assert filled == {
        "IX": [0, 8191], "QX": [0, 2 * 8 + 3, 8191], "IB": [0], "QB": [0], "IW": [0, 1023], "QW": [0, 1023],
        "ID": [0], "QD": [0], "IL": [0], "QL": [0], "MW": [0], "MD": [0], "ML": [0], "MX": [5 * 8 + 3],
    }  # fmt: skip


def test_memory_bits_are_left_out_without_their_table(load):
    program = load("located", v4=False)
    program.scan()
    assert not any(program.tables["MX"])
    assert program.read("RES0.INSTANCE0.MEMORY_BIT", "B") == 1


def test_forcing_an_input_leaves_its_storage_and_an_output_follows(load):
    program = load("located")
    read_in = ctypes.c_int16.from_address(program.tables["IW"][0])
    written_out = ctypes.c_int16.from_address(program.tables["QW"][0])
    read_in.value = 5
    program.force("RES0.INSTANCE0.IN_INT", struct.pack("<h", -7))
    program.scan()
    assert (read_in.value, written_out.value) == (5, -7)
    program.force("RES0.INSTANCE0.OUT_INT", struct.pack("<h", 99))
    assert written_out.value == 99
    program.library.trace_reset()
    program.scan()
    assert written_out.value == 5


def test_values_in_reverse_order_are_swapped_in_the_callers_buffer(load):
    program = load("types")
    program.library.set_endianness(1)
    assert program.force("RES0.INSTANCE0.A_DINT", b"\x01\x02\x03\x04") == b"\x04\x03\x02\x01"
    assert program.read("RES0.INSTANCE0.A_DINT", "i") == 0x01020304
    text = b"\x05hello"
    assert program.force("RES0.INSTANCE0.A_STRING", text) == text
    assert program.read("RES0.INSTANCE0.A_STRING", "127s").startswith(text)


def test_a_second_task_runs_by_division_of_ticks(load):
    program = load("two_tasks")
    program.scan(11)
    assert program.read("RES0.CONTROL0.SCANS", "I") == 11
    assert program.read("RES0.REPORT0.SCANS", "I") == 3
    assert program.read("RES0.REPORT0.LAST_PULSES", "H") == 5


@pytest.mark.parametrize(("name", "unit"), [("broken", "c_blocks_code.cpp"), ("broken_pous", "Res0.c")])
def test_broken_programs_fail_where_they_should(tmp_path, name, unit):
    with pytest.raises(subprocess.CalledProcessError) as failure:
        build(name, tmp_path)
    assert unit in failure.value.cmd


def test_the_large_program_has_the_promised_size():
    text = generate.program_files("large")["VARIABLES.csv"].decode()
    assert len(debug_variables(text)) == 5320
    assert text.count(";FB;") == 301  # with the program itself


def test_calls_with_en_and_eno_are_functions_in_front_of_their_block():
    text = generate.program_files("large")["POUS.c"].decode()
    in_front = re.findall(r"^} // (\w+)_body__\(\) \n\s*static inline \w+ __(\w+)_ADD__", text, re.MULTILINE)
    assert len(in_front) > 80
    assert all(block != before for before, block in in_front)


def test_every_hostile_upload_differs():
    uploads = [make() for make in HOSTILE.values()]
    assert len(set(uploads)) == len(uploads)


@pytest.mark.parametrize("name", generate.STRUCPP_PROGRAMS)
def test_programs_of_todays_editors_have_what_those_upload(name):
    files = generate.program_files(name)
    assert {"generated.hpp", "configuration.cpp", "generated_debug.cpp", "defines.h", "debug-map.json"} <= files.keys()
    assert "strucpp_runtime/include/debug_dispatch.hpp" in files
