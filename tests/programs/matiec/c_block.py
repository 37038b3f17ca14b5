"""Function blocks written in C or C++: the POU, and its part of c_blocks.h and c_blocks_code.cpp."""

from __future__ import annotations

from .model import Pou, Variable

_ELEMENTARY = [
    ("BOOL", "uint8_t"), ("SINT", "int8_t"), ("INT", "int16_t"), ("DINT", "int32_t"), ("LINT", "int64_t"),
    ("USINT", "uint8_t"), ("UINT", "uint16_t"), ("UDINT", "uint32_t"), ("ULINT", "uint64_t"),
    ("BYTE", "uint8_t"), ("WORD", "uint16_t"), ("DWORD", "uint32_t"), ("LWORD", "uint64_t"),
    ("REAL", "float"), ("LREAL", "double"),
]  # fmt: skip

# Opens c_blocks_code.cpp, also in a program without such blocks.
BASELINE = (
    "#include <stdint.h>\n#include <stdbool.h>\n\n"
    + "".join(f"typedef {c_type} IEC_{name};\n" for name, c_type in _ELEMENTARY)
    + "typedef int8_t __strlen_t;\ntypedef struct {\n  __strlen_t len;\n  uint8_t body[126];\n} IEC_STRING;\n"
)


class CBlock:
    """`code` defines `void setup()`, called once, and `void loop()`, called in every scan."""

    def __init__(self, name: str, inputs: list[Variable], outputs: list[Variable], code: str):
        self.name = name
        self.pins = inputs + outputs
        self.code = code
        self.setup = f"{name.lower()}_setup"
        self.loop = f"{name.lower()}_loop"
        self.structure = (
            "typedef struct {\n"
            + "".join(f"  IEC_{pin.type} *{pin.name};\n" for pin in self.pins)
            + f"}} {name}_VARS;\n"
        )

    def pou(self) -> Pou:
        pointers = "".join(f"  vars.{pin.name} = &data__->{pin.name}.value;\n" for pin in self.pins)
        body = (
            f"{{{{\n  {self.name}_VARS vars;\n{pointers}}}}}\n"
            "  IF HASBEENINITIALIZED = FALSE THEN\n"
            f"    {{{{\n      {self.setup}(&vars);\n    }}}}\n"
            "    HASBEENINITIALIZED := TRUE;\n"
            "  END_IF;\n"
            f"{{{{\n  {self.loop}(&vars);\n}}}}\n"
        )
        return Pou(self.name, [*self.pins, Variable("HASBEENINITIALIZED", "BOOL")], body)

    def prototypes(self) -> str:
        return f"void {self.setup}({self.name}_VARS *vars);\nvoid {self.loop}({self.name}_VARS *vars);\n"

    def definition(self) -> str:
        external = "".join(f'extern "C" {line}\n' for line in self.prototypes().splitlines())
        code = self.code
        for name, function in [("setup", self.setup), ("loop", self.loop)]:
            code = code.replace(f"void {name}()", f"void {function}({self.name}_VARS *vars)")
        defines = "".join(f"#define {pin.name} (*(vars->{pin.name}))\n" for pin in self.pins)
        undefines = "".join(f"#undef {pin.name}\n" for pin in self.pins)
        return f"\n{self.structure}{external}\n{defines}{code}{undefines}"


def blocks_header(blocks: list[CBlock]) -> str:
    if not blocks:
        return "// Empty file\n"
    declarations = "\n".join(block.structure + block.prototypes() for block in blocks)
    return f"#ifndef C_BLOCKS_H\n#define C_BLOCKS_H\n\n{declarations}\n#endif\n"


def blocks_code(blocks: list[CBlock]) -> str:
    return BASELINE + "".join(block.definition() for block in blocks)
