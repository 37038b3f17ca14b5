"""The example programs, which lie ready in `examples/`."""

from __future__ import annotations

from matiec.model import Pou, Program, Task, Variable

MAIN = "INSTANCE0"


def program(name: str, variables: list[Variable], body: str, interval_ms: int = 20, pous: list[Pou] = (), **more) -> Program:
    """A program of one task with one instance, INSTANCE0, of the POU MAIN."""
    main = Pou("MAIN", variables, body, is_program=True)
    return Program(name, [*pous, main], [Task("TASK0", interval_ms, [(MAIN, "MAIN")])], **more)


BLINK = program(
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

EXAMPLES = [BLINK]
