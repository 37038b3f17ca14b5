"""A program as large as a machine's: 5,320 variables, 300 instances of function blocks, one huge translation unit.

On a machine with two cores gcc 12 takes 3.0 s for Res0.c at -O0, 9.8 s at -O1, 21 s at -O2 and 25 s at -O3.

It is drawn at random, but the same in every run. The logic is of the usual kinds: interlocks, scaling, limits, ramps,
counting, timing, sequences of steps.
"""

from __future__ import annotations

import random

from catalogue import single_task
from matiec.debug_table import debug_entries
from matiec.model import Pou, Program, Variable

VARIABLES = 5_320
# Half of them are in the program; each of these contains a standard block.
BLOCK_INSTANCES = 300
BLOCK_TYPES = 100
# Chosen for the compile times above.
STATEMENTS_PER_BLOCK = 59
STATEMENTS_PER_CALL = 3

_STANDARD = ["TON", "TOF", "TP", "R_TRIG", "F_TRIG"]


class Scope:
    """The variables that random statements read and write, by type."""

    def __init__(self, generator: random.Random, readable: dict[str, list[str]], writable: dict[str, list[str]]):
        self.generator = generator
        self.readable = readable
        self.writable = writable
        self.kinds = [self.interlock, self.scale, self.limit, self.step, self.count, self.move]

    def any(self, type_name: str) -> str:
        return self.generator.choice(self.readable[type_name])

    def target(self, type_name: str) -> str:
        return self.generator.choice(self.writable[type_name])

    def number(self, type_name: str) -> str:
        value = self.generator.randint(1, 500)
        return str(value) if type_name == "INT" else f"{value}.{self.generator.randint(0, 99)}"

    def condition(self) -> str:
        operand = self.generator.choice(["AND", "OR", "AND NOT", "XOR"])
        type_name = self.generator.choice(["INT", "REAL"])
        comparison = self.generator.choice(["<", ">", "<=", ">="])
        return (
            f"({self.any('BOOL')} {operand} {self.any('BOOL')}) "
            f"OR ({self.any(type_name)} {comparison} {self.number(type_name)})"
        )

    def sum(self, type_name: str) -> str:
        operator = self.generator.choice("+-*")
        return f"{self.any(type_name)} {operator} {self.any(type_name)} + {self.number(type_name)}"

    def statement(self) -> str:
        return self.generator.choice(self.kinds)()

    def interlock(self) -> str:
        return f"  {self.target('BOOL')} := {self.condition()};"

    def scale(self) -> str:
        return f"  {self.target('REAL')} := ({self.sum('REAL')}) / {self.number('REAL')};"

    def limit(self) -> str:
        target, low = self.target("REAL"), self.number("REAL")
        return (
            f"  IF {target} > {self.sum('REAL')} THEN\n    {target} := {self.any('REAL')};\n"
            f"  ELSIF {target} < {low} THEN\n    {target} := {low};\n  END_IF;"
        )

    def step(self) -> str:
        state = self.target("INT")
        first = self.generator.randint(0, 90)
        return (
            f"  IF {state} = {first} AND {self.any('BOOL')} THEN\n    {state} := {first + 10};\n"
            f"  ELSIF {self.condition()} THEN\n    {state} := {first};\n    {self.target('BOOL')} := FALSE;\n  END_IF;"
        )

    def count(self) -> str:
        target = self.target("INT")
        return f"  IF {self.condition()} THEN\n    {target} := {self.sum('INT')};\n  END_IF;"

    def move(self) -> str:
        type_name = self.generator.choice(["BOOL", "INT", "REAL"])
        return f"  {self.target(type_name)} := {self.any(type_name)};"

    def add(self) -> str:
        """A call with EN and ENO, for which MatIEC makes a function of the block's own. Only in blocks."""
        type_name = self.generator.choice(["INT", "REAL"])
        return (
            f"  {self.target(type_name)} := ADD(EN := {self.any('BOOL')}, IN1 := {self.any(type_name)}, "
            f"IN2 := {self.any(type_name)}, ENO => {self.target('BOOL')});"
        )

    def average(self) -> str:
        """Only in blocks, which have a HISTORY."""
        return (
            f"  {self.target('REAL')} := 0.0;\n  FOR INDEX := 0 TO 3 DO\n"
            f"    HISTORY[INDEX] := HISTORY[INDEX] * {self.number('REAL')} + {self.any('REAL')};\n"
            f"    COMMAND := COMMAND + HISTORY[INDEX];\n  END_FOR;"
        )


def block_type(generator: random.Random, number: int) -> Pou:
    variables = [
        *(Variable(f"ENABLE{n}", "BOOL", "INPUT") for n in range(2)),
        Variable("SETPOINT", "REAL", "INPUT", "50.0"),
        Variable("MEASURED", "REAL", "INPUT"),
        Variable("MODE", "INT", "INPUT"),
        Variable("RUNNING", "BOOL", "OUTPUT"),
        Variable("FAULT", "BOOL", "OUTPUT"),
        Variable("COMMAND", "REAL", "OUTPUT"),
        Variable("STATE", "INT"),
        *(Variable(f"FACTOR{n}", "REAL", initial=f"{n + 1}.5") for n in range(3)),
        *(Variable(f"COUNT{n}", "INT") for n in range(2)),
        Variable("INDEX", "INT"),
        Variable("HISTORY", "ARRAY [0..3] OF REAL"),
        Variable("HELPER", _STANDARD[number % len(_STANDARD)]),
    ]
    writable: dict[str, list[str]] = {"BOOL": [], "INT": [], "REAL": []}
    readable: dict[str, list[str]] = {"BOOL": ["HELPER.Q"], "INT": [], "REAL": []}
    for variable in variables:
        if variable.type not in readable or variable.name == "INDEX":
            continue
        readable[variable.type].append(variable.name)
        if variable.section != "INPUT":
            writable[variable.type].append(variable.name)
    scope = Scope(generator, readable, writable)
    scope.kinds += [scope.average, scope.add]
    timed = "PT := T#250ms" if variables[-1].type.startswith("T") else ""
    pin = "IN" if timed else "CLK"
    body = [scope.statement() for _ in range(STATEMENTS_PER_BLOCK)]
    call = f"  HELPER({', '.join(filter(None, [f'{pin} := RUNNING AND NOT FAULT', timed]))});"
    body.insert(len(body) // 2, call)
    return Pou(f"UNIT{number}", variables, "\n".join(body) + "\n")


def large() -> Program:
    generator = random.Random(1)
    types = [block_type(generator, number) for number in range(BLOCK_TYPES)]
    blocks = [Variable(f"UNIT{n}_{n // BLOCK_TYPES}", f"UNIT{n % BLOCK_TYPES}") for n in range(BLOCK_INSTANCES // 2)]
    blocks_alone = single_task("large", blocks, "", pous=types)
    missing = VARIABLES - len(debug_entries(blocks_alone))
    plain = [
        Variable(f"{type_name}_{number}", type_name)
        for number, type_name in enumerate(["BOOL", "INT", "REAL"] * (missing // 3 + 1))
    ][:missing]
    names = {kind: [variable.name for variable in plain if variable.type == kind] for kind in ("BOOL", "INT", "REAL")}
    scope = Scope(generator, names, names)
    body: list[str] = []
    for block in blocks:
        body += [scope.statement() for _ in range(STATEMENTS_PER_CALL)]
        body.append(
            f"  {block.name}(ENABLE0 := {scope.any('BOOL')}, ENABLE1 := {scope.condition()}, "
            f"MEASURED := {scope.sum('REAL')}, MODE := {scope.any('INT')});"
        )
        body.append(f"  {scope.target('REAL')} := {block.name}.COMMAND;")
    return single_task("large", plain + blocks, "\n".join(body) + "\n", pous=types)
