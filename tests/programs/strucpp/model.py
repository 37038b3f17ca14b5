"""What a program consists of.

Bodies are C++ as STruC++ writes it, but for global variables, whose access differs between versions of the headers: `$NAME`
reads one, and a line `$NAME := expression;` writes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# Elementary type -> number in the debug table, bytes in a debug frame.
TYPES = {
    "BOOL": (0, 1), "SINT": (1, 1), "USINT": (2, 1), "INT": (3, 2), "UINT": (4, 2), "DINT": (5, 4), "UDINT": (6, 4),
    "LINT": (7, 8), "ULINT": (8, 8), "REAL": (9, 4), "LREAL": (10, 8), "BYTE": (11, 1), "WORD": (12, 2),
    "DWORD": (13, 4), "LWORD": (14, 8), "TIME": (15, 8), "DATE": (16, 8), "TOD": (17, 8), "DT": (18, 8),
    "STRING": (19, 127), "WSTRING": (20, 253),
}  # fmt: skip

# Enumerations, and what a debugger takes their values for. Elements of an array of them have no place for a forced value.
ENUMERATIONS = {"COLOUR": "INT"}

# Stages of the run-time headers.
HEADERS = ("oldest", "copying", "threaded", "retaining", "newest")


@dataclass(frozen=True)
class Variable:
    """A variable. `initial` is C++; `location` is an IEC address such as "%QX0.0". A string may be `STRING(20)`."""

    name: str
    type: str
    initial: str = ""
    location: str = ""
    retain: bool = False
    constant: bool = False

    @property
    def array(self) -> tuple[str, int, int] | None:
        """Element type, first and last index of `ARRAY [first..last] OF type`."""
        match = re.fullmatch(r"ARRAY \[(-?\d+)\.\.(-?\d+)\] OF (\w+)", self.type)
        return (match[3], int(match[1]), int(match[2])) if match else None

    @property
    def text(self) -> tuple[str, int] | None:
        """Type and most characters of a string."""
        match = re.fullmatch(r"(W?STRING)(?:\((\d+)\))?", self.type)
        return (match[1], int(match[2] or 254)) if match else None

    @property
    def cpp_type(self) -> str:
        if self.array:
            element, first, last = self.array
            return f"Array1D<{element if element in ENUMERATIONS else f'IEC_{element}'}, {first}, {last}>"
        if self.text and self.type not in TYPES:
            return f"IEC{'W' if self.type[0] == 'W' else ''}StringVar<{self.text[1]}>"
        return f"IEC_{self.type}" if self.type in TYPES else self.type


@dataclass(frozen=True)
class Pou:
    """A program or function block."""

    name: str
    variables: list[Variable]
    body: str
    externals: tuple[str, ...] = ()
    is_program: bool = True


@dataclass(frozen=True)
class Task:
    """`instances` are pairs of instance and program."""

    name: str
    interval_ns: int
    priority: int
    instances: list[tuple[str, str]]


@dataclass(frozen=True)
class Program:
    name: str
    pous: list[Pou]
    tasks: list[Task]
    globals: list[Variable] = field(default_factory=list)
    headers: str = "newest"
    c_blocks_code: str = ""
    c_blocks_header: str = "// Empty file\n"
    image_conf: str = ""
    retain_conf: str = ""
    conf: dict[str, str] = field(default_factory=dict)

    def pou(self, name: str) -> Pou:
        return next(pou for pou in self.pous if pou.name == name)

    @property
    def instances(self) -> list[tuple[str, Pou]]:
        return [(instance, self.pou(program)) for task in self.tasks for instance, program in task.instances]


def single_task(name: str, variables: list[Variable], body: str, interval_ms: int = 20, pous=(), externals=(), **more):
    """A program of one task and one instance, INSTANCE0, of the program MAIN."""
    main = Pou("MAIN", variables, body, externals)
    return Program(name, [*pous, main], [Task("TASK0", interval_ms * 1_000_000, 0, [("INSTANCE0", "MAIN")])], **more)
