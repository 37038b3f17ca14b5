"""The example programs, which lie ready in `examples/`."""

from __future__ import annotations

from matiec.c_block import CBlock
from matiec.model import Pou, Program, Structure, Task, Variable
from matiec.python_block import python_block


def single_task(name: str, variables: list[Variable], body: str, interval_ms: int = 20, pous=(), **more) -> Program:
    """A program of one task and one instance, INSTANCE0, of the POU MAIN."""
    main = Pou("MAIN", variables, body, is_program=True)
    return Program(name, [*pous, main], [Task("TASK0", interval_ms, [("INSTANCE0", "MAIN")])], **more)


BLINK = single_task(
    "blink",
    [
        Variable("LAMP", "BOOL", location="%QX0.0"),
        Variable("SCANS", "UDINT"),
        Variable("TOGGLES", "UINT"),
        Variable("HALF_PERIOD", "TIME", initial="T#500ms"),
        Variable("TIMER", "TON"),
    ],
    """
  SCANS := SCANS + 1;
  TIMER(IN := TRUE, PT := HALF_PERIOD);
  IF TIMER.Q THEN
    LAMP := NOT LAMP;
    TOGGLES := TOGGLES + 1;
    (* Restarted in the same scan, so that no period is lost. *)
    TIMER(IN := FALSE);
    TIMER(IN := TRUE);
  END_IF;
""",
)

# Every area and width, the first and last slot of some, and a located global. Outputs follow inputs; memory counts.
LOCATED = single_task(
    "located",
    [
        Variable("IN_BIT", "BOOL", location="%IX0.0"),
        Variable("IN_BIT_LAST", "BOOL", location="%IX1023.7"),
        Variable("IN_BYTE", "BYTE", location="%IB0"),
        Variable("IN_INT", "INT", location="%IW0"),
        Variable("IN_WORD_LAST", "WORD", location="%IW1023"),
        Variable("IN_REAL", "REAL", location="%ID0"),
        Variable("IN_LREAL", "LREAL", location="%IL0"),
        Variable("OUT_BIT", "BOOL", location="%QX0.0"),
        Variable("OUT_BIT_LAST", "BOOL", location="%QX1023.7"),
        Variable("OUT_BYTE", "BYTE", location="%QB0"),
        Variable("OUT_INT", "INT", location="%QW0"),
        Variable("OUT_WORD_LAST", "WORD", location="%QW1023"),
        Variable("OUT_REAL", "REAL", location="%QD0"),
        Variable("OUT_LREAL", "LREAL", location="%QL0"),
        Variable("MEMORY_BIT", "BOOL", location="%MX5.3"),
        Variable("MEMORY_UINT", "UINT", location="%MW0"),
        Variable("MEMORY_UDINT", "UDINT", location="%MD0"),
        Variable("MEMORY_ULINT", "ULINT", location="%ML0", initial="1000000000000"),
        Variable("ALARM", "BOOL", "EXTERNAL"),
    ],
    """
  OUT_BIT := IN_BIT;
  OUT_BIT_LAST := IN_BIT_LAST;
  OUT_BYTE := IN_BYTE;
  OUT_INT := IN_INT;
  OUT_WORD_LAST := IN_WORD_LAST;
  OUT_REAL := IN_REAL;
  OUT_LREAL := IN_LREAL;
  MEMORY_BIT := NOT MEMORY_BIT;
  MEMORY_UINT := MEMORY_UINT + 1;
  MEMORY_UDINT := MEMORY_UDINT + 2;
  MEMORY_ULINT := MEMORY_ULINT + 3;
  ALARM := IN_INT > 1000;
""",
    globals=[Variable("ALARM", "BOOL", location="%QX2.3")],
)

RAMP = Pou(
    "RAMP",
    [
        Variable("TARGET", "REAL", "INPUT"),
        Variable("STEP", "REAL", "INPUT", "0.5"),
        Variable("VALUE", "REAL", "OUTPUT"),
        Variable("DONE", "BOOL", "OUTPUT"),
        Variable("SETTLED", "TON"),
    ],
    """
  IF VALUE < TARGET THEN
    VALUE := ADD(EN := EN, IN1 := VALUE, IN2 := STEP, ENO => ENO);
  ELSIF VALUE > TARGET THEN
    VALUE := VALUE - STEP;
  END_IF;
  SETTLED(IN := VALUE = TARGET, PT := T#100ms);
  DONE := SETTLED.Q;
""",
)

TYPES = single_task(
    "types",
    [
        Variable("A_BOOL", "BOOL", initial="TRUE"),
        Variable("A_SINT", "SINT", initial="-100"),
        Variable("A_INT", "INT", initial="-30000"),
        Variable("A_DINT", "DINT", initial="-2000000000"),
        Variable("A_LINT", "LINT", initial="-9000000000000000000"),
        Variable("A_USINT", "USINT", initial="200"),
        Variable("A_UINT", "UINT", initial="60000"),
        Variable("A_UDINT", "UDINT", initial="4000000000"),
        Variable("A_ULINT", "ULINT", initial="9000000000000000000"),
        Variable("A_BYTE", "BYTE", initial="16#A5"),
        Variable("A_WORD", "WORD", initial="16#BEEF"),
        Variable("A_DWORD", "DWORD", initial="16#DEAD_BEEF"),
        Variable("A_LWORD", "LWORD", initial="16#0123_4567_89AB_CDEF"),
        Variable("A_REAL", "REAL", initial="3.25"),
        Variable("A_LREAL", "LREAL", initial="-2.5"),
        Variable("A_TIME", "TIME", initial="T#1h2m3s4ms"),
        Variable("A_DATE", "DATE", initial="D#2026-02-27"),
        Variable("A_TOD", "TOD", initial="TOD#12:30:15"),
        Variable("A_DT", "DT", initial="DT#2026-02-27-12:30:15"),
        Variable("A_STRING", "STRING", initial="'good day'"),
        Variable("NUMBERS", "ARRAY [1..5] OF INT", initial="[10, 20, 30, 40, 50]"),
        Variable("SAMPLES", "ARRAY [0..3] OF REAL"),
        Variable("PUMP", "MOTOR", initial="(RUNNING := TRUE, SPEED := 1500)"),
        Variable("INDEX", "INT"),
        Variable("SPEED_RAMP", "RAMP"),
        Variable("START", "R_TRIG"),
        Variable("PARTS", "CTU"),
        Variable("HOURS", "UDINT", retain=True, initial="7"),
        Variable("RECIPE", "STRING", retain=True, initial="'oak'"),
        Variable("SHARED", "INT", "EXTERNAL"),
        Variable("LIMIT", "REAL", "EXTERNAL"),
    ],
    """
  A_INT := A_INT + 1;
  IF A_INT > 30000 THEN
    A_INT := -30000;
  END_IF;
  A_WORD := (A_WORD AND 16#FF) OR 16#BE00;
  A_LREAL := A_LREAL * 1.0;
  FOR INDEX := 2 TO 5 DO
    NUMBERS[INDEX] := NUMBERS[INDEX - 1] + 10;
  END_FOR;
  SAMPLES[0] := SAMPLES[1] + 0.25;
  PUMP.CURRENT := SAMPLES[0] * 2.0;
  PUMP.RUNNING := PUMP.SPEED > 0;
  SPEED_RAMP(TARGET := LIMIT);
  START(CLK := SPEED_RAMP.DONE);
  PARTS(CU := START.Q, R := FALSE, PV := 3);
  IF START.Q THEN
    HOURS := HOURS + 1;
    A_STRING := 'ramp done';
  END_IF;
  SHARED := SHARED + 1;
""",
    pous=[RAMP],
    structures=[Structure("MOTOR", [("RUNNING", "BOOL"), ("SPEED", "INT"), ("CURRENT", "REAL")])],
    globals=[
        Variable("SHARED", "INT", initial="100"),
        Variable("LIMIT", "REAL", initial="10.0"),
        Variable("OPERATING_SECONDS", "UDINT", retain=True),
    ],
)

FILTER = CBlock(
    "FILTER",
    [Variable("MEASURED", "REAL", "INPUT"), Variable("GAIN", "REAL", "INPUT")],
    [Variable("FILTERED", "REAL", "OUTPUT"), Variable("CALLS", "UDINT", "OUTPUT")],
    """\
// First-order low-pass filter.
void setup() {
  FILTERED = MEASURED;
  CALLS = 0;
}

void loop() {
  FILTERED += GAIN * (MEASURED - FILTERED);
  CALLS++;
}
""",
)

FILTER_VARIABLES = [
    Variable("LEVEL", "REAL", initial="100.0"),
    Variable("SMOOTH", "REAL"),
    Variable("LEVEL_FILTER", "FILTER"),
]

FILTER_BODY = """
  LEVEL_FILTER(MEASURED := LEVEL, GAIN := 0.25);
  SMOOTH := LEVEL_FILTER.FILTERED;
  LEVEL := 50.0;
"""

C_BLOCK = single_task("cblock", FILTER_VARIABLES, FILTER_BODY, pous=[FILTER.pou()], c_blocks=[FILTER])

# The author's code has percent signs, and the two instances must not share a script.
SCALE = python_block(
    "SCALE",
    [Variable("RAW", "INT", "INPUT"), Variable("FACTOR", "REAL", "INPUT")],
    [Variable("SCALED", "REAL", "OUTPUT"), Variable("ROUNDS", "UDINT", "OUTPUT"), Variable("ODD", "BOOL", "OUTPUT")],
    """
def block_init():
    print("scaling with 100% precision")


def block_loop():
    global SCALED, ROUNDS, ODD
    SCALED = RAW * FACTOR
    ROUNDS += 1
    ODD = RAW % 2
    if ROUNDS == 1:
        print("first value: %d, factor %.1f" % (RAW, FACTOR))
""",
)

PYTHON = single_task(
    "python",
    [
        Variable("COUNTER", "INT"),
        Variable("FIRST", "SCALE"),
        Variable("SECOND", "SCALE"),
        Variable("DIFFERENCE", "REAL"),
    ],
    """
  COUNTER := COUNTER + 1;
  FIRST(RAW := COUNTER, FACTOR := 0.5);
  SECOND(RAW := 7, FACTOR := 3.0);
  DIFFERENCE := SECOND.SCALED - FIRST.SCALED;
""",
    pous=[SCALE],
)

BROKEN_FILTER = CBlock("FILTER", FILTER.pins[:2], FILTER.pins[2:], FILTER.code.replace("GAIN *", "gain_of_filter *"))

BROKEN = single_task("broken", FILTER_VARIABLES, FILTER_BODY, pous=[BROKEN_FILTER.pou()], c_blocks=[BROKEN_FILTER])

TWO_TASKS = Program(
    "two_tasks",
    [
        Pou(
            "CONTROL",
            [
                Variable("SCANS", "UDINT"),
                Variable("PULSES", "UINT", "EXTERNAL"),
                Variable("LAMP", "BOOL", location="%QX0.0"),
            ],
            """
  SCANS := SCANS + 1;
  PULSES := PULSES + 1;
  LAMP := PULSES MOD 2 = 1;
""",
            is_program=True,
        ),
        Pou(
            "REPORT",
            [Variable("SCANS", "UDINT"), Variable("PULSES", "UINT", "EXTERNAL"), Variable("LAST_PULSES", "UINT")],
            """
  SCANS := SCANS + 1;
  LAST_PULSES := PULSES;
  PULSES := 0;
""",
            is_program=True,
        ),
    ],
    [Task("FAST", 20, [("CONTROL0", "CONTROL")]), Task("SLOW", 100, [("REPORT0", "REPORT")])],
    globals=[Variable("PULSES", "UINT")],
)

EXAMPLES = [BLINK, LOCATED, TYPES, C_BLOCK, PYTHON, BROKEN, TWO_TASKS]
