"""Programs of today's Editors."""

from __future__ import annotations

from dataclasses import replace

from strucpp.model import HEADERS, Pou, Program, Task, Variable, single_task

PARALLEL = Program(
    "parallel",
    [
        Pou(
            "CONTROL",
            [
                Variable("LAMP", "BOOL", location="%QX0.0"),
                Variable("PERIOD", "TIME", "500000000"),
                Variable("SWITCHED", "TIME"),
                Variable("SCANS", "UDINT"),
            ],
            """
    SCANS = SCANS + 1;
    if (TIME() - SWITCHED >= PERIOD) {
        SWITCHED = TIME();
        LAMP = !LAMP;
        $TOGGLES := $TOGGLES + 1;
    }
""",
            externals=("TOGGLES",),
        ),
        Pou(
            "REPORT",
            [
                Variable("TOGGLES_SEEN", "UDINT"),
                Variable("REPORTS", "UDINT", retain=True),
                Variable("TEXT", "STRING", '"dark"'),
                Variable("LAMP_IS_ON", "BOOL"),
            ],
            """
    TOGGLES_SEEN = $TOGGLES;
    REPORTS = REPORTS + 1;
    LAMP_IS_ON = (TOGGLES_SEEN % 2) == 1;
    TEXT = LAMP_IS_ON ? "lit" : "dark";
""",
            externals=("TOGGLES",),
        ),
    ],
    [
        Task("FAST", 10_000_000, 0, [("CONTROL0", "CONTROL")]),
        Task("SLOW", 200_000_000, 1, [("REPORT0", "REPORT")]),
    ],
    globals=[Variable("TOGGLES", "UDINT", "0")],
    retain_conf="enabled=1\npath=\nflush_seconds=5\n",
)

# These lie ready in `examples/`.
EXAMPLES = [PARALLEL]

BLINK = single_task(
    "strucpp_blink",
    [
        Variable("LAMP", "BOOL", location="%QX0.0"),
        Variable("SCANS", "UDINT"),
        Variable("NOW", "TIME"),
        Variable("LIMIT", "DINT", "10", constant=True),
        Variable("LEVELS", "ARRAY [1..4] OF INT"),
        Variable("TEXT", "STRING", '"hello"'),
        Variable("WIDE", "WSTRING"),
        Variable("BUTTON", "BOOL", location="%IX0.0"),
        Variable("SETPOINT", "INT", "7", location="%MW3"),
        Variable("SPEED", "INT", location="%QW1"),
    ],
    """
    SCANS = SCANS + 1;
    NOW = TIME();
    LAMP = (SCANS % 2) == 1;
    LEVELS.at(1) = LEVELS.at(1) + 1;
    SPEED = SETPOINT;
""",
    interval_ms=10,
)

TYPES = single_task(
    "strucpp_types",
    [
        *[Variable(f"V_{name}", name) for name in (
            "BOOL", "SINT", "USINT", "INT", "UINT", "DINT", "UDINT", "LINT", "ULINT", "REAL", "LREAL", "BYTE", "WORD",
            "DWORD", "LWORD", "TIME", "DATE", "TOD", "DT", "STRING", "WSTRING",
        )],
        Variable("MANY", "ARRAY [0..1199] OF DINT"),
    ],
    "",
)  # fmt: skip


def three_tasks(headers: str = "newest", busy_ms: int = 60) -> Program:
    """Tasks of 1, 10 and 100 ms with a program each; the slowest is busy for most of its interval."""
    work = f"""
    timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {{
        clock_gettime(CLOCK_MONOTONIC, &now);
    }} while ((now.tv_sec - begin.tv_sec) * 1000000000LL + now.tv_nsec - begin.tv_nsec < {busy_ms} * 1000000LL);
"""
    fast = Pou(
        "FAST_PROGRAM",
        [
            Variable("SCANS", "UDINT"),
            Variable("NOW", "TIME"),
            Variable("OUT", "UINT", location="%QW0"),
            Variable("IN", "UINT", location="%IW0"),
        ],
        "    SCANS = SCANS + 1;\n    NOW = TIME();\n    OUT = OUT + 1;\n    $TOTAL := $TOTAL + 1;\n",
        externals=("TOTAL",),
    )
    middle = Pou(
        "MIDDLE_PROGRAM",
        [Variable("SCANS", "UDINT"), Variable("OUT", "UINT", location="%QW1")],
        "    SCANS = SCANS + 1;\n    OUT = OUT + 1;\n",
    )
    slow = Pou(
        "SLOW_PROGRAM",
        [
            Variable("SCANS", "UDINT"),
            Variable("OUT", "UINT", location="%QW2"),
            Variable("BEGAN", "TIME"),
            Variable("ENDED", "TIME"),
            Variable("INDEX", "INT", "1"),
            Variable("LEVELS", "ARRAY [1..4] OF INT"),
        ],
        "    SCANS = SCANS + 1;\n    BEGAN = TIME();\n    LEVELS.at(INDEX) = 1;\n"
        + "    $SHARED := 0;\n"
        + work
        + "    ENDED = TIME();\n    OUT = OUT + 1;\n    $SHARED := SCANS;\n    $TOTAL := $TOTAL + 1;\n",
        externals=("SHARED", "TOTAL"),
    )
    return Program(
        "strucpp_three_tasks",
        [fast, middle, slow],
        [
            Task("FAST", 1_000_000, 0, [("FAST0", "FAST_PROGRAM")]),
            Task("MIDDLE", 10_000_000, 1, [("MIDDLE0", "MIDDLE_PROGRAM")]),
            Task("SLOW", 100_000_000, 2, [("SLOW0", "SLOW_PROGRAM")]),
        ],
        globals=[Variable("SHARED", "UDINT", location="%QD0"), Variable("TOTAL", "UDINT")],
        headers=headers,
    )


RETAINING = single_task(
    "strucpp_retaining",
    [
        Variable("COUNT", "UDINT", retain=True),
        Variable("NAME", "STRING", '"first"', retain=True),
        Variable("LEVELS", "ARRAY [1..3] OF INT", retain=True),
        Variable("PLAIN", "UDINT"),
        Variable("SET", "BOOL"),
    ],
    """
    COUNT = COUNT + 1;
    PLAIN = PLAIN + 1;
    if (SET) {
        NAME = "second";
        LEVELS.at(2) = 22;
    }
""",
    interval_ms=10,
    retain_conf="enabled=1\npath=\nflush_seconds=5\n",
)

GENERATIONS = [replace(BLINK, name=f"strucpp_blink_{headers}", headers=headers) for headers in HEADERS]
SCENARIOS = [*EXAMPLES, BLINK, TYPES, three_tasks(), RETAINING, *GENERATIONS]
