"""Translates the part of Structured Text that the programs use into the C that MatIEC makes of it.

Supported: assignments, IF, FOR, WHILE, calls of function blocks and functions (ADD with EN and ENO too), the usual operators,
literals, and raw C between `{{` and `}}`. Types are not checked.
"""

from __future__ import annotations

import re
from collections import deque

from .model import Pou, Program, Variable, parse_array
from .standard_blocks import STANDARD_BLOCKS

_TOKEN = re.compile(
    r"""\s+ | \(\*.*?\*\)
      | (?P<raw>\{\{.*?\}\})
      | (?P<typed>(?:T|TIME|D|DATE|TOD|DT)\#[\w.:-]+)
      | (?P<string>'(?:\$.|[^'$])*')
      | (?P<number>\d+\#[0-9A-F_]+ | \d+\.\d+(?:E[+-]?\d+)? | \d+)
      | (?P<name>[A-Z_]\w*)
      | (?P<symbol>:=|=>|<=|>=|<>|\.\.|[-+*/()<>=,;.\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)

_OPERATORS = {
    "=": "==", "<>": "!=", "AND": "&", "OR": "|", "XOR": "^", "NOT": "!", "MOD": "%",
    "TRUE": "TRUE", "FALSE": "FALSE",
}  # fmt: skip


def tokenize(text: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"not understood: {text[position : position + 40]!r}")
        if match.lastgroup:
            tokens.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return tokens


def literal(kind: str, text: str) -> str:
    """A literal in C."""
    if kind == "string":
        body = text[1:-1]
        return f'__STRING_LITERAL({len(body)}, "{body}")'
    if kind == "number":
        base, _, digits = text.rpartition("#")
        return f"0x{int(digits.replace('_', ''), int(base)):X}" if base else text
    prefix, value = text.split("#")
    if prefix in ("T", "TIME"):
        parts = dict((unit, amount) for amount, unit in re.findall(r"([\d.]+)(ms|[dhms])", value))
        return f"__time_to_timespec(1, {', '.join(parts.get(unit, '0') for unit in ('ms', 's', 'm', 'h', 'd'))})"
    numbers = [str(float(n)) if "." in n else str(int(n)) for n in re.split(r"[-:]", value)]
    function = {"D": "date", "DATE": "date", "TOD": "tod", "DT": "dt"}[prefix]
    return f"__{function}_to_timespec({', '.join(reversed(numbers))})"


def initial_value(variable: Variable, default: str) -> str:
    """The initial value of an elementary variable in C."""
    if not variable.initial:
        return default
    if variable.type == "BOOL":
        return f"__BOOL_LITERAL({variable.initial})"
    negative = variable.initial.startswith("-")
    ((kind, text),) = tokenize(variable.initial.lstrip("-"))
    return ("-" if negative else "") + literal(kind, text)


class Translator:
    """Translates the body of one POU."""

    def __init__(self, program: Program, pou: Pou):
        self.program = program
        self.pou = pou
        # Definitions that stand in front of the POU.
        self.functions: list[str] = []
        self.variables = {variable.name: variable for variable in pou.all_variables}
        self.tokens = deque(tokenize(pou.body))
        self.lines: list[str] = []
        self.depth = 1

    def translate(self) -> list[str]:
        while self.tokens:
            self.statement()
        return self.lines

    # Tokens

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[ahead][1] if ahead < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        text = self.tokens.popleft()[1]
        if expected and text != expected:
            raise ValueError(f"{expected!r} expected, not {text!r}")
        return text

    def emit(self, line: str) -> None:
        self.lines.append("  " * self.depth + line)

    # Statements

    def statement(self) -> None:
        word = self.peek()
        if word.startswith("{{"):
            self.lines.extend(self.take()[2:-2].strip("\n").split("\n"))
        elif word == "IF":
            self.condition()
        elif word == "FOR":
            self.counted_loop()
        elif word == "WHILE":
            self.take()
            self.block(f"while ({self.expression('DO')})", "END_WHILE")
            self.take("END_WHILE")
            self.take(";")
        elif self.peek(1) == "(":
            self.block_call()
        else:
            self.assignment()

    def block(self, head: str, *ends: str) -> None:
        self.emit(f"{head} {{")
        self.depth += 1
        while self.peek() not in ends:
            self.statement()
        self.depth -= 1
        self.emit("}")

    def condition(self) -> None:
        head = "if"
        while (word := self.take()) != "END_IF":
            if word == "ELSE":
                self.block("else", "END_IF")
            else:
                self.block(f"{head} ({self.expression('THEN')})", "ELSIF", "ELSE", "END_IF")
                head = "else if"
        self.take(";")

    def counted_loop(self) -> None:
        self.take("FOR")
        name = self.take()
        self.take(":=")
        first, last = self.expression("TO"), self.expression("DO")
        value = self.read([name], "")
        self.emit(self.write([name], "", first))
        increment = self.write([name], "", f"{value} + 1")
        self.emit(f"while ({value} <= {last}) {{")
        self.depth += 1
        while self.peek() != "END_FOR":
            self.statement()
        self.emit(increment)
        self.depth -= 1
        self.emit("}")
        self.take("END_FOR")
        self.take(";")

    def block_call(self) -> None:
        """`INSTANCE(IN := a, OUT => b);` becomes assignments and a call."""
        instance = self.take()
        self.take("(")
        while self.peek() != ")":
            member = self.take()
            self.take(":=")
            self.emit(self.write([instance, member], "", self.expression(",", ")")))
            if self.peek() == ",":
                self.take()
        self.take(")")
        self.take(";")
        self.emit(f"{self.variables[instance].type}_body__(&data__->{instance});")

    def assignment(self) -> None:
        path, index = self.reference()
        self.take(":=")
        if self.peek(1) == "(" and self.peek(2) == "EN":
            value = self.enabled_call(self.variables[path[0]].type)
        else:
            value = self.expression(";")
        self.emit(self.write(path, index, value))

    def enabled_call(self, type_name: str) -> str:
        """`ADD(EN := e, IN1 := a, IN2 := b, ENO => done);` calls a function of the POU's own, which passes ENO on."""
        function = f"{self.take()}__{type_name}__{type_name}"
        arguments: list[str] = []
        while self.peek() != ")":
            self.take()
            name = self.take()
            if self.take() == ":=":
                arguments.append(self.expression(",", ")"))
            else:
                output = f"data__->{self.take()}"
        self.take(")")
        self.take(";")
        name = f"__{self.pou.name}_{function}{len(self.functions) + 1}"
        inputs = [f"IN{number}" for number in range(1, len(arguments))]
        self.functions.append(
            f"static inline {type_name} {name}(BOOL EN,\n"
            + "".join(f"  {type_name} {pin},\n" for pin in inputs)
            + f"  {self.pou.name} *data__)\n{{\n  {type_name} __res;\n"
            f"  BOOL __TMP_ENO = __GET_VAR({output},);\n"
            f"  __res = {function}(EN,\n    &__TMP_ENO,\n    (UINT){len(inputs)},\n    {', '.join(inputs)});\n"
            f"  __SET_VAR(,{output},,__TMP_ENO);\n  return __res;\n}}\n"
        )
        return f"{name}({', '.join([*arguments, 'data__'])})"

    # Expressions

    def expression(self, *ends: str) -> str:
        """Up to one of `ends`, which is taken unless it may also close a call."""
        parts: list[str] = []
        depth = 0
        while depth or self.peek() not in ends:
            kind, text = self.tokens[0]
            depth += (text == "(") - (text == ")")
            if kind in ("typed", "string", "number"):
                parts.append(literal(kind, self.take()))
            elif text in _OPERATORS:
                parts.append(_OPERATORS[self.take()])
            elif kind == "name" and self.peek(1) != "(":
                path, index = self.reference()
                parts.append(self.read(path, index))
            else:
                parts.append(self.take())
        if ")" not in ends:
            self.take()
        return " ".join(parts).replace("( ", "(").replace(" )", ")").replace("! ", "!")

    def reference(self) -> tuple[list[str], str]:
        """A path of names, and the index in C when the last is an array."""
        path, index = [self.take()], ""
        while self.peek() in (".", "["):
            if self.take() == ".":
                path.append(self.take())
            else:
                array = parse_array(self.variables[path[0]].type)
                index = f".table[({self.expression(']')}) - ({array.first})]"
        return path, index

    # Access to variables

    def split(self, path: list[str]) -> tuple[str, str, str, str]:
        """The accessor's ending, the path to the variable with its dot, the variable, and the field within it."""
        owner = self.variables[path[0]]
        if len(path) == 1:
            return owner.access, "data__->", owner.name, ""
        if self.program.structure(owner.type):
            return owner.access, "data__->", owner.name, "." + path[1]
        if owner.type not in STANDARD_BLOCKS and not self.program.pou(owner.type):
            raise ValueError(f"{owner.name} has no members")
        return "VAR", "data__->" + ".".join(path[:-1]) + ".", path[-1], ""

    def read(self, path: list[str], index: str) -> str:
        access, prefix, name, member = self.split(path)
        return f"__GET_{access}({prefix}{name},{member}{index})"

    def write(self, path: list[str], index: str, value: str) -> str:
        access, prefix, name, member = self.split(path)
        return f"__SET_{access}({prefix},{name},{member}{index},{value});"
