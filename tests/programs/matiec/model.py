"""What a program consists of."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .c_block import CBlock

# Elementary type -> initial value in C.
ELEMENTARY_TYPES = {
    "BOOL": "__BOOL_LITERAL(FALSE)",
    **dict.fromkeys(["SINT", "INT", "DINT", "LINT", "USINT", "UINT", "UDINT", "ULINT"], "0"),
    **dict.fromkeys(["BYTE", "WORD", "DWORD", "LWORD", "REAL", "LREAL"], "0"),
    "TIME": "__time_to_timespec(1, 0, 0, 0, 0, 0)",
    "DATE": "__date_to_timespec(1, 1, 1970)",
    "TOD": "__tod_to_timespec(0, 0, 0)",
    "DT": "__dt_to_timespec(0, 0, 0, 1, 1, 1970)",
    "STRING": '__STRING_LITERAL(0, "")',
}


@dataclass(frozen=True)
class Variable:
    """A variable of a program, a function block or the configuration.

    `section` is the keyword of its declaration without "VAR", for example "INPUT"; "" for a private variable.
    `initial` is written in Structured Text, and so is `location` ("%QX0.0").
    """

    name: str
    type: str
    section: str = ""
    initial: str = ""
    location: str = ""
    retain: bool = False

    @property
    def area(self) -> str:
        return self.location[1]

    @property
    def width(self) -> str:
        return self.location[2]

    @property
    def slot(self) -> list[str]:
        """The numbers of the location: element, and bit for width X."""
        return self.location[3:].split(".")

    @property
    def location_symbol(self) -> str:
        return f"__{self.area}{self.width}{'_'.join(self.slot)}"

    @property
    def kind(self) -> str:
        """The second column of VARIABLES.csv, for everything but function blocks."""
        if self.location:
            return {"I": "IN", "M": "MEM", "Q": "OUT"}[self.area]
        return "EXT" if self.section == "EXTERNAL" else "VAR"

    @property
    def access(self) -> str:
        """The ending of the accessor macros for this variable."""
        return {"VAR": "VAR", "EXT": "EXTERNAL"}.get(self.kind, "LOCATED")


@dataclass(frozen=True)
class Array:
    """`ARRAY [first..last] OF base`."""

    base: str
    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def c_name(self) -> str:
        return f"__ARRAY_OF_{self.base}_{self.length}"


def parse_array(type_name: str) -> Array | None:
    match = re.fullmatch(r"ARRAY \[(\d+)\.\.(\d+)\] OF (\w+)", type_name)
    return Array(match[3], int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True)
class Structure:
    """A structure type; fields are (name, elementary type)."""

    name: str
    fields: list[tuple[str, str]]


@dataclass(frozen=True)
class Pou:
    """A program or function block. `body` is Structured Text; raw C stands between `{{` and `}}`."""

    name: str
    variables: list[Variable]
    body: str
    is_program: bool = False

    @property
    def all_variables(self) -> list[Variable]:
        """With EN and ENO, which every function block has."""
        if self.is_program:
            return self.variables
        enable = [
            Variable("EN", "BOOL", "INPUT", "TRUE"),
            Variable("ENO", "BOOL", "OUTPUT", "TRUE"),
        ]
        return enable + self.variables


@dataclass(frozen=True)
class Task:
    name: str
    interval_ms: int
    instances: list[tuple[str, str]]  # (instance, program)


@dataclass(frozen=True)
class Program:
    """Everything that one bundle is made of."""

    name: str
    pous: list[Pou]
    tasks: list[Task]
    globals: list[Variable] = field(default_factory=list)
    structures: list[Structure] = field(default_factory=list)
    c_blocks: list[CBlock] = field(default_factory=list)
    # Newer versions of MatIEC give each element of an array its own row in VARIABLES.csv, counted from 0.
    element_rows: bool = False
    # Text that is wrong, by file: how a bundle that does not compile is made.
    replacements: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def tick_ms(self) -> int:
        return reduce(math.gcd, (task.interval_ms for task in self.tasks))

    def pou(self, name: str) -> Pou | None:
        return next((pou for pou in self.pous if pou.name == name), None)

    def structure(self, name: str) -> Structure | None:
        return next((structure for structure in self.structures if structure.name == name), None)
