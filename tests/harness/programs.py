"""The programs of tests/programs as bundles, and variations of them that tests need."""

import sys
from pathlib import Path

from harness.bundles import Bundle

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "programs"))

import generate  # noqa: E402
from catalogue import single_task  # noqa: E402
from hostile import HOSTILE  # noqa: E402, F401
from matiec.bundle import bundle_files  # noqa: E402
from matiec.model import Variable  # noqa: E402
from matiec.python_block import python_block  # noqa: E402
from pack import library_files  # noqa: E402

# The compiler computes the value: seconds of work for it and none for the program.
WORK_FOR_THE_COMPILER = """
static constexpr unsigned long long burn(unsigned long long seed)
{
    for (int i = 0; i < 100000; i++) seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return seed;
}
template <unsigned n> struct burned { static constexpr unsigned long long value = burn(n) + burned<n - 1>::value; };
template <> struct burned<0> { static constexpr unsigned long long value = 0; };
volatile unsigned long long openplc_test_burned = burned<%d>::value;
"""


def bundle(program):
    """The bundle of a program of tests/programs/matiec."""
    return Bundle({**library_files(), **bundle_files(program)})


class Programs:
    """`programs.blink` is the bundle of the program `blink`."""

    def __getattr__(self, name):
        made = Bundle({**library_files(), **generate.program_files(name)})
        setattr(self, name, made)
        return made

    def names(self):
        return sorted(generate.PROGRAMS)


def slow_to_compile(fast: Bundle, amount=8):
    """A program like `fast` that keeps the compiler busy for a few seconds."""
    code = fast.files["c_blocks_code.cpp"] + (WORK_FOR_THE_COMPILER % amount).encode()
    return fast.with_file("c_blocks_code.cpp", code).with_md5("51000000000000000000000000000051")


def python_program(code):
    """A program with one Python block whose `block_loop` executes `code`."""
    block = python_block(
        "BLOCK",
        [Variable("TO_BLOCK", "INT", "INPUT")],
        [Variable("FROM_BLOCK", "INT", "OUTPUT")],
        f"def block_init():\n    pass\n\n\ndef block_loop():\n    {code}\n",
    )
    return bundle(
        single_task("python_test", [Variable("INSTANCE", "BLOCK")], "\n  INSTANCE(TO_BLOCK := 1);\n", pous=[block])
    )


def heavy_at_first(scans, milliseconds):
    """A program whose first `scans` scans take so long each, and all others next to nothing."""
    body = f"""
  SCANS := SCANS + 1;
  IF SCANS <= {scans} THEN
{{{{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {{
      clock_gettime(CLOCK_MONOTONIC, &now);
    }} while ((now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec - begin.tv_nsec < {milliseconds} * 1000000LL);
}}}}
  END_IF;
"""
    return bundle(single_task("heavy_at_first", [Variable("SCANS", "UDINT")], body))
