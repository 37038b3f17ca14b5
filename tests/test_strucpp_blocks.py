"""What users of today's Editors write beside the IEC languages: blocks in C++ and in Python, and how often it is compiled."""

from dataclasses import replace

import pytest

from harness.runtime import PASSWORD
from harness.strucpp import Pou, StrucppDebugger, Variable, bundle, single_task
from harness.waiting import wait_until
from strucpp.python_block import python_block
from strucpp_catalogue import BLINK

C_BLOCKS_HEADER = """\
#ifndef C_BLOCKS_H
#define C_BLOCKS_H
#include "iec_var.hpp"
typedef struct {
  strucpp::IEC_INT *IN;
  strucpp::IEC_INT *OUT;
} TWICE_VARS;
extern "C" void twice_setup(TWICE_VARS *vars);
extern "C" void twice_loop(TWICE_VARS *vars);
#endif
"""
C_BLOCKS_CODE = """\
#include "iec_var.hpp"
#include "iec_string.hpp"
#include "c_blocks.h"
#include <stdexcept>
#define IN (*(vars->IN))
#define OUT (*(vars->OUT))
extern "C" void twice_setup(TWICE_VARS *vars) { OUT = 0; }
extern "C" void twice_loop(TWICE_VARS *vars) {
  if (IN == 99) throw std::runtime_error("the block gave up");
  OUT = static_cast<int16_t>(2 * IN);
}
"""


def with_c_block():
    block = Pou(
        "TWICE",
        [Variable("IN", "INT"), Variable("OUT", "INT"), Variable("HASBEENINITIALIZED", "BOOL")],
        """
    TWICE_VARS vars;
    vars.IN = &IN;
    vars.OUT = &OUT;
    if (!HASBEENINITIALIZED) {
        twice_setup(&vars);
        HASBEENINITIALIZED = true;
    }
    twice_loop(&vars);
""",
        is_program=False,
    )
    made = bundle(
        single_task(
            "c_block",
            [Variable("SCANS", "UDINT"), Variable("BLOCK", "TWICE")],
            "    SCANS = SCANS + 1;\n    BLOCK();\n",
            pous=[block],
            c_blocks_header=C_BLOCKS_HEADER,
            c_blocks_code=C_BLOCKS_CODE,
        )
    )
    unit = made.files["pou_TWICE.cpp"]
    return made.with_file("pou_TWICE.cpp", unit.replace(b'"generated.hpp"\n', b'"generated.hpp"\n#include "c_blocks.h"\n'))


@pytest.fixture
def debug(runtime, api, editor):
    sessions = []

    def begin(made):
        api.deploy(made.zip())
        sessions.append(editor.connect(runtime.url, api.token))
        return StrucppDebugger(sessions[-1], made.leaves)

    yield begin
    for session in sessions:
        session.disconnect()


def test_a_block_in_cpp_computes_and_its_exception_is_a_fault(debug, api):
    debugger = debug(with_c_block())
    debugger.force("IN", 21)
    wait_until(lambda: debugger.read("OUT") == 42, "the block to compute")
    wait_until(lambda: debugger.read("SCANS") > 20, "the program to prove itself")
    debugger.force("IN", 99)
    wait_until(lambda: api.state() == "ERROR", "the fault")
    assert "the block gave up" in api.log_text()


def test_two_instances_of_a_python_block_run_side_by_side(debug):
    block = python_block(
        "ADDER",
        [Variable("A", "INT")],
        [Variable("B", "INT")],
        "def block_init():\n    pass\n\n\ndef block_loop():\n    global B\n    B = A + 100 % 7\n",
    )
    program = single_task(
        "python",
        [Variable("FIRST", "ADDER"), Variable("SECOND", "ADDER")],
        "    FIRST.A = 1;\n    SECOND.A = 2;\n    FIRST();\n    SECOND();\n",
        pous=[block],
    )
    debugger = debug(bundle(program))
    values = ["INSTANCE0.FIRST.B", "INSTANCE0.SECOND.B"]
    wait_until(lambda: list(debugger.read_many(values).values()) == [3, 4], "both scripts to answer")


def many_units(step=1):
    """A program of several units, one of which changes with `step`."""
    blocks = [
        Pou(f"BLOCK{number}", [Variable("COUNT", "UDINT")], "    COUNT = COUNT + 1;\n", is_program=False)
        for number in range(10)
    ]
    blocks[3] = replace(blocks[3], body=f"    COUNT = COUNT + {step};\n")
    return bundle(
        single_task(
            "many",
            [Variable(f"I{number}", f"BLOCK{number}") for number in range(10)],
            "".join(f"    I{number}();\n" for number in range(10)),
            pous=blocks,
        )
    )


class TestUnchangedUnits:
    UNCHANGED = "13 of 15 units are as they were in the build before"

    def test_they_are_not_compiled_again(self, debug, api):
        debug(many_units())
        build = api.deploy(many_units(1000).zip())
        assert self.UNCHANGED in build.text, build.text
        compiled = [line.split()[1] for line in build.logs if line.strip().endswith(" s") and ".cpp:" in line]
        assert compiled == ["pou_BLOCK3.cpp:"], build.text
        session_values = debug(many_units(1000))
        wait_until(lambda: session_values.read("INSTANCE0.I3.COUNT") > 2000, "the changed unit to execute")
        assert session_values.read("INSTANCE0.I3.COUNT") % 1000 == 0

    def test_everything_is_compiled_when_a_declaration_changes(self, debug, api):
        debug(many_units(2))
        changed = many_units(3)
        changed = changed.with_file("generated.hpp", changed.files["generated.hpp"] + b"// more\n")
        build = api.deploy(changed.zip())
        assert "as they were" not in build.text

    def test_a_clean_build_takes_nothing_over(self, debug, api):
        debug(many_units(4))
        build = api.deploy(many_units(5).zip(), clean=True)
        assert "as they were" not in build.text

    def test_no_user_gets_what_another_ones_build_has_left(self, debug, api):
        debug(many_units(6))
        api.create_user("another", PASSWORD, "admin")
        build = api.as_user("another", PASSWORD).deploy(many_units(7).zip())
        assert "as they were" not in build.text


def test_a_build_of_another_generation_leaves_nothing_wrong(debug, api, programs):
    debug(bundle(BLINK))
    api.deploy(programs.blink.zip())
    debugger = debug(bundle(replace(BLINK, name="again")))
    wait_until(lambda: debugger.read("SCANS") > 2, "scans")
